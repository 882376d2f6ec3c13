//! Both parties of a session in one process.

use rand_core::{CryptoRng, RngCore};

use super::{Evaluator, Garbler, SessionError, Settings};
use crate::Bits;
use crate::channel::memory_pair;
use crate::program::Program;
use crate::protocol::hello::{Reveal, Terms};

/// Runs the protocol with both parties in this process, over a channel in memory, and returns the output.
///
/// `rngs` holds the garbler's and the evaluator's source of randomness. Use this to test a program; a process
/// that holds both inputs needs no protocol to compute with them.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mpc::programs::Aes128;
/// use sotto_mpc::protocol::malicious::run_in_memory;
/// use sotto_mpc::Program;
///
/// let (key, block) = ([true; 128], [false; 128]);
/// let output = run_in_memory(&Aes128, &key, &block, [&mut OsRng, &mut OsRng])?;
/// assert_eq!(output, Aes128.compute(&key, &block));
/// # Ok::<(), sotto_mpc::protocol::malicious::SessionError>(())
/// ```
///
/// # Errors
/// If the inputs do not match the program, or the program is not supported.
pub fn run_in_memory<P: Program + Sync, R: RngCore + CryptoRng + Send>(
    program: &P,
    garbler: &[bool],
    evaluator: &[bool],
    rngs: [&mut R; 2],
) -> Result<Vec<bool>, SessionError> {
    let (terms, settings) = (Terms::new(Reveal::Both), Settings::default());
    let (garbler, evaluator) = (&Bits::from(garbler), &Bits::from(evaluator));
    let [garbler_rng, evaluator_rng] = rngs;
    let (near, far) = memory_pair();
    let (garbled, evaluated) = std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let session = Garbler::new(near, program, terms, settings).hello(garbler_rng)?;
            let session = session.set_up(garbler_rng)?;
            session.execute(garbler, garbler_rng)
        });
        let session = Evaluator::new(far, program, terms, settings).hello(evaluator_rng);
        let session = session.and_then(|session| session.set_up(evaluator_rng));
        let evaluated = session.and_then(|session| session.execute(evaluator, evaluator_rng));
        (garbling.join(), evaluated)
    });
    match garbled {
        // A party that refuses its own input says why; its peer only sees a closed connection.
        Ok(Err(error @ SessionError::InputLength { .. })) => Err(error),
        Ok(garbled) => {
            let evaluated = evaluated?;
            garbled?;
            evaluated.output().map(<[bool]>::to_vec).ok_or(SessionError::ResultParty)
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
