//! A computing session against a peer that says anything: it ends with the right result or with an error.
//!
//! A peer that deviates on purpose may do more than that to a semi-honest protocol; one that does not know what we drew and
//! cannot find SHA-256 preimages is not such a peer.

use crate::{
    Verdict,
    fixtures::circuit::{Replay, SUM, evaluate, garble},
};

/// What an evaluator says to our garbler.
pub fn mpc_garbler(data: &[u8]) -> Verdict {
    judge(garble(Replay::new(data)).map(|(output, _)| output))
}

/// What a garbler says to our evaluator.
pub fn mpc_evaluator(data: &[u8]) -> Verdict {
    judge(evaluate(Replay::new(data)).map(|(output, _)| output))
}

fn judge<E>(outcome: Result<Option<Vec<bool>>, E>) -> Verdict {
    let Ok(output) = outcome else { return Verdict::Refused };
    assert_eq!(output.as_deref(), Some(&SUM[..]), "a wrong result");
    Verdict::Accepted
}
