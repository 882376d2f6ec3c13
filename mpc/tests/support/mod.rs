//! A program whose inputs come in pieces, and both parties of a semi-honest session in one process.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::ot::Expansion;
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, SessionError, Terms};
use sotto_mpc::{Bits, Channel, Fancy, Inputs, Program};

/// The AND of one bit of the garbler with each of so many bits of the evaluator, XORed; and the first bit. The evaluator's are
/// read by the thousand.
pub(crate) struct Pieces(pub(crate) usize);

impl Program for Pieces {
    fn name(&self) -> ProgramName {
        ProgramName::new("pieces@1").unwrap()
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn shape(&self) -> Shape {
        Shape::two_party(1, self.0, 2)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let ours = inputs.read(f, 0, 1)?[0];
        let (mut sum, mut first) = (f.constant(false), None);
        for from in (0..self.0).step_by(1000) {
            let piece = inputs.read(f, 1, (self.0 - from).min(1000))?;
            let parity = piece.iter().fold(f.constant(false), |parity, wire| f.xor(parity, *wire));
            let and = f.and(ours, parity)?;
            sum = f.xor(sum, and);
            first = first.or(piece.first().copied());
        }
        outputs.extend([Some(sum), first].into_iter().flatten());
        Ok(())
    }
}

/// What a party has after its session: its end of the channel, and the output if it learns that.
pub(crate) type Ended<C> = Result<(C, Option<Vec<bool>>), SessionError>;

/// A session with one execution: what garbler and evaluator have, each with its expansion and input.
pub(crate) fn both<C: Channel + Send>(
    [near, far]: [C; 2],
    (program, terms): (&(impl Program + Sync), Terms),
    expansions: [Expansion; 2],
    [ours, theirs]: [&Bits; 2],
) -> [Ended<C>; 2] {
    std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, program, terms).with_expansion(expansions[0]);
            let (session, output) = session.hello(rng)?.set_up(rng)?.execute(ours, rng)?;
            Ok((session.close(), output))
        });
        let evaluate = move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(far, program, terms).with_expansion(expansions[1]);
            let (session, output) = session.hello(rng)?.set_up(rng)?.execute(theirs)?;
            Ok((session.close(), output))
        };
        let evaluated = evaluate();
        [garbling.join().unwrap(), evaluated]
    })
}
