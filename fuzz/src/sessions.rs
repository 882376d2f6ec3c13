//! A garbling session with a peer that sends arbitrary bytes: it must end with the right result or with an
//! error.
//!
//! A malicious peer can do more harm to a semi-honest protocol. The fuzzer cannot, because it does not know
//! our random choices and finds no SHA-256 preimages.

use crate::{
    Verdict,
    fixtures::circuit::{Replay, SUM, evaluate, garble},
};

/// An evaluator's messages to our garbler.
pub fn mpc_garbler(data: &[u8]) -> Verdict {
    judge(garble(Replay::new(data)).map(|(output, _)| output))
}

/// A garbler's messages to our evaluator.
pub fn mpc_evaluator(data: &[u8]) -> Verdict {
    judge(evaluate(Replay::new(data)).map(|(output, _)| output))
}

fn judge<E>(outcome: Result<Option<Vec<bool>>, E>) -> Verdict {
    let Ok(output) = outcome else { return Verdict::Refused };
    assert_eq!(output.as_deref(), Some(&SUM[..]), "a wrong result");
    Verdict::Accepted
}
