//! Both ends of a session in one process.

use rand_core::{CryptoRng, RngCore};

use super::{Evaluator, Garbler, Reveal, SessionError, Terms};
use crate::Bits;
use crate::channel::memory_pair;
use crate::program::Program;

/// Runs a program under the protocol with both parties in this process, each with its randomness; the
/// output that both are told. For trying a program out: one who has both inputs needs no protocol.
///
/// # Errors
/// If the inputs do not fit the program.
pub fn together<P: Program + Sync>(
    program: &P,
    (garbler, garbler_rng): (&[bool], &mut (impl RngCore + CryptoRng + Send)),
    (evaluator, evaluator_rng): (&[bool], &mut (impl RngCore + CryptoRng)),
) -> Result<Vec<bool>, SessionError> {
    let terms = Terms::of(Reveal::Both);
    let (garbler, evaluator) = (&Bits::from(garbler), &Bits::from(evaluator));
    let (near, far) = memory_pair();
    let (garbled, evaluated) = std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let session = Garbler::new(near, program, terms).hello(garbler_rng)?.set_up(garbler_rng)?;
            session.execute(garbler, garbler_rng).map(|(_, output)| output)
        });
        let session = Evaluator::new(far, program, terms).hello(evaluator_rng);
        let session = session.and_then(|session| session.set_up(evaluator_rng));
        let evaluated = session.and_then(|session| session.execute(evaluator)).map(|(_, output)| output);
        (garbling.join(), evaluated)
    });
    match garbled {
        // Whoever refused its own input says so; the other only saw a closed connection.
        Ok(Err(error @ SessionError::InputLength { .. })) => Err(error),
        Ok(garbled) => {
            let output = evaluated?;
            garbled?;
            output.ok_or(SessionError::Output)
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
