//! All parties of a session in one process.

use rand_core::{CryptoRng, RngCore};

use super::super::error::SessionError;
use super::plan::Plan;
use super::session::Session;
use crate::Bits;
use crate::channel::{Framed, Pipe, memory_pair};
use crate::program::Program;

/// Channels in memory between each two of n parties: to each party those to all others, in the order of places.
#[must_use]
pub fn memory_mesh(parties: usize) -> Vec<Vec<Framed<Pipe>>> {
    let mut mesh: Vec<Vec<_>> = (0..parties).map(|_| Vec::with_capacity(parties)).collect();
    for j in 0..parties {
        for i in 0..j {
            let (near, far) = memory_pair();
            mesh[i].push(near);
            mesh[j].push(far);
        }
    }
    mesh
}

/// Runs the protocol with all parties in this process, on a thread each, and returns the output.
///
/// `inputs` and `rngs` hold the input bits and the source of randomness of each party, by place.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mpc::programs::Aes128;
/// use sotto_mpc::protocol::multiparty::{Experimental, Parties, Place, Plan, run_in_memory};
/// use sotto_mpc::{Bits, Program};
///
/// // Party 2 holds the key, party 3 the block, and party 1 evaluates and learns.
/// let (parties, place) = (Parties::new(3).unwrap(), |number| Place::new(number).unwrap());
/// let plan = Plan::new(Experimental, parties, &[place(2), place(3)], &[place(1)])?;
/// let (key, block) = ([true; 128], [false; 128]);
/// let inputs = [Bits::default(), Bits::from(&key[..]), Bits::from(&block[..])];
/// let output = run_in_memory(&Aes128, &plan, &inputs, &mut [OsRng; 3])?;
/// assert_eq!(output, Aes128.compute(&key, &block));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the plan or the inputs do not match the program.
pub fn run_in_memory<P: Program + Sync, R: RngCore + CryptoRng + Send>(
    program: &P,
    plan: &Plan,
    inputs: &[Bits],
    rngs: &mut [R],
) -> Result<Vec<bool>, SessionError> {
    let mesh = memory_mesh(plan.parties());
    let results: Vec<Result<Option<Vec<bool>>, SessionError>> = std::thread::scope(|scope| {
        let parties = mesh.into_iter().zip(plan.places()).zip(inputs).zip(rngs);
        let threads: Vec<_> = parties
            .map(|(((channels, place), inputs), rng)| {
                scope.spawn(move || {
                    let session = Session::new(channels, place, program, plan).hello(rng)?.set_up(rng)?;
                    let session = session.execute(inputs, rng)?;
                    Ok(session.output().map(<[bool]>::to_vec))
                })
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    });
    // A party that refuses its own plan or input says why; the others only see a closed connection.
    let is_own = |error: &SessionError| !matches!(error, SessionError::Channel(_) | SessionError::Hello(_));
    let (mut output, mut failure) = (None, None);
    for result in results {
        match result {
            Ok(Some(bits)) => output = Some(bits),
            Ok(None) => {}
            Err(error) if failure.is_none() || is_own(&error) => failure = Some(error),
            Err(_) => {}
        }
    }
    match (failure, output) {
        (Some(error), _) => Err(error),
        (None, Some(output)) => Ok(output),
        // There are as many parties as inputs and sources of randomness, or nobody learned anything.
        (None, None) => Err(SessionError::Connections { expected: plan.parties() - 1, given: inputs.len() }),
    }
}
