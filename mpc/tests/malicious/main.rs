//! The malicious protocol between honest parties, over its public interface: the output is that of plain
//! evaluation, whatever the circuit; disagreements end the handshake; the bytes are as many as the formula
//! says.

#![allow(clippy::unwrap_used)]

mod bytes;
mod expansion;
mod outputs;
mod terms;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::channel::memory_pair;
use sotto_mpc::protocol::malicious::{Evaluator, Garbler, SessionError, Settings, Terms};
use sotto_mpc::{Bits, Program};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// What a party has at the end.
struct End {
    output: Option<Vec<bool>>,
    transcript: [u8; 32],
}

/// What a party starts with.
struct Start<'p, P> {
    program: &'p P,
    terms: Terms,
    settings: Settings,
    inputs: Vec<bool>,
}

impl<'p, P> Start<'p, P> {
    fn new(program: &'p P, terms: Terms, inputs: &[bool]) -> Self {
        Self { program, terms, settings: Settings::default(), inputs: inputs.to_vec() }
    }
}

/// Runs both parties, each with what it starts with.
fn run<P: Program + Sync>(
    garbler: &Start<'_, P>,
    evaluator: &Start<'_, P>,
) -> [Result<End, SessionError>; 2] {
    let (near, far) = memory_pair();
    std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let (rng, Start { program, terms, settings, inputs }) = (&mut rng(1), garbler);
            let session = Garbler::new(near, *program, *terms, *settings).hello(rng)?.set_up(rng)?;
            let session = session.execute(&Bits::from(&inputs[..]), rng)?;
            let output = session.output().map(<[bool]>::to_vec);
            Ok(End { output, transcript: session.transcript() })
        });
        let evaluate = move || {
            let (rng, Start { program, terms, settings, inputs }) = (&mut rng(2), evaluator);
            let session = Evaluator::new(far, *program, *terms, *settings).hello(rng)?.set_up(rng)?;
            let session = session.execute(&Bits::from(&inputs[..]), rng)?;
            let output = session.output().map(<[bool]>::to_vec);
            Ok(End { output, transcript: session.transcript() })
        };
        let evaluated = evaluate();
        [garbling.join().unwrap(), evaluated]
    })
}
