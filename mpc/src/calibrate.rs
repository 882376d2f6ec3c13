//! Measures this machine: programs of known size, and either party of the protocol alone, without a network.
//!
//! The labels, keys and tables here belong to no session, so nothing useful is computed.
//!
//! ```
//! use rand_core::OsRng;
//! use sotto_mpc::calibrate::{Layers, garble};
//! use sotto_mpc::garble::Scheme;
//! use sotto_mpc::Backend;
//!
//! let program = Layers { lanes: 64, pairs: 8 };
//! let start = std::time::Instant::now();
//! garble(Backend::detect(), Scheme::HalfGates, &program, &mut OsRng)?;
//! let rate = program.gates() as f64 / start.elapsed().as_secs_f64();
//! assert!(rate > 0.0);
//! # Ok::<(), sotto_mpc::garble::StreamError>(())
//! ```

mod authenticated;

pub use authenticated::AuthenticatedPair;

use rand_core::{CryptoRng, RngCore};

use crate::channel::{Channel, ChannelError, Phase};
use crate::evaluate::Evaluation;
use crate::garble::{Garbling, Scheme, StreamError};
use crate::inputs::GivenWires;
use crate::keys::SessionKeys;
use crate::program::{Program, ProgramName, Shape};
use crate::{Backend, Block, Delta, Fancy, Inputs};

const LAYERS: ProgramName = ProgramName::literal("layers@1");

/// AND gates in slices, each of which reads the outputs of the slice before it. With one lane this is a chain
/// of dependent gates.
#[derive(Clone, Copy, Debug)]
pub struct Layers {
    /// The number of gates in a slice; not zero.
    pub lanes: usize,
    /// The number of pairs of slices.
    pub pairs: usize,
}

impl Layers {
    /// The number of AND gates.
    #[must_use]
    pub const fn gates(&self) -> usize {
        2 * self.lanes * self.pairs
    }
}

impl Program for Layers {
    fn name(&self) -> ProgramName {
        LAYERS
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(self.pairs as u64).to_le_bytes());
        digest
    }

    fn shape(&self) -> Shape {
        Shape::two_party(self.lanes, self.lanes, 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (garbler, evaluator) = (inputs.read(f, 0, self.lanes)?, inputs.read(f, 1, self.lanes)?);
        let (mut a, mut b) = (garbler.clone(), evaluator.clone());
        for _ in 0..self.pairs {
            f.and_n(&a, &evaluator, &mut b)?;
            f.and_n(&b, &garbler, &mut a)?;
        }
        outputs.extend(a.first());
        Ok(())
    }
}

/// A two-party program that runs many times. The outputs of each run are the evaluator's inputs of the next,
/// so the program must have as many outputs as evaluator's inputs.
#[derive(Clone, Copy, Debug)]
pub struct Chained<P> {
    /// The program.
    pub program: P,
    /// The number of runs.
    pub times: usize,
}

impl<P: Program> Program for Chained<P> {
    fn name(&self) -> ProgramName {
        self.program.name()
    }

    fn digest(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let hash = Sha256::new_with_prefix(b"sotto mpc chained v1");
        hash.chain_update((self.times as u64).to_le_bytes())
            .chain_update(self.program.digest())
            .finalize()
            .into()
    }

    fn shape(&self) -> Shape {
        self.program.shape()
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let shape = self.program.shape();
        let garbler = inputs.read(f, 0, shape.garbler_bits())?;
        let (mut last, mut next) = (inputs.read(f, 1, shape.evaluator_bits())?, Vec::new());
        for _ in 0..self.times {
            next.clear();
            self.program.run(f, &mut GivenWires::new(&shape.input_streams, &garbler, &last), &mut next)?;
            std::mem::swap(&mut last, &mut next);
        }
        outputs.append(&mut last);
        Ok(())
    }
}

/// Garbles a program and discards the tables.
///
/// # Errors
/// If the program has more gates than can be numbered.
pub fn garble(
    backend: Backend,
    scheme: Scheme,
    program: &impl Program,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), StreamError> {
    let (delta, (mut keys, _), mut void) = (Delta::random(rng), SessionKeys::random(rng), Void::default());
    let shape = program.shape();
    let mut labels = |n| (0..n).map(|_| Block::random(rng)).collect::<Vec<_>>();
    let (x, y) = (labels(shape.garbler_bits()), labels(shape.evaluator_bits()));
    let mut f = Garbling::new(backend, &delta, &mut keys, &mut void).with_scheme(scheme);
    program.run(&mut f, &mut GivenWires::new(&shape.input_streams, &x, &y), &mut Vec::new())?;
    f.finish()
}

/// Evaluates a program on meaningless labels and tables.
///
/// # Errors
/// If the program has more gates than can be numbered.
pub fn evaluate(
    backend: Backend,
    scheme: Scheme,
    program: &impl Program,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), StreamError> {
    let ((mut keys, _), mut void) = (SessionKeys::random(rng), Void::default());
    let shape = program.shape();
    let mut labels = |n| (0..n).map(|_| Block::random(rng)).collect::<Vec<_>>();
    let (x, y) = (labels(shape.garbler_bits()), labels(shape.evaluator_bits()));
    let mut f = Evaluation::new(backend, &mut keys, &mut void).with_scheme(scheme);
    program.run(&mut f, &mut GivenWires::new(&shape.input_streams, &x, &y), &mut Vec::new())
}

/// A channel that discards everything sent, and delivers an endless pattern.
#[derive(Default)]
struct Void(Vec<u8>);

impl Channel for Void {
    fn send(&mut self, _: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        std::hint::black_box(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }

    fn receive_some(&mut self, _: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        if self.0.len() < into.len() {
            self.0 = (0..into.len()).map(|i| ((i * 167) >> 3) as u8).collect();
        }
        into.copy_from_slice(self.0.get(..into.len()).unwrap_or_default());
        Ok(into.len())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::programs::Aes128;

    /// The set-up ends at both parties, also if neither goes on.
    #[test]
    fn an_authenticated_pair_is_set_up_before_it_executes() {
        use crate::ot::TreeDepth;
        use crate::protocol::malicious::{Attempts, Settings};
        let layers = Layers { lanes: 7, pairs: 5 };
        let [mut first, mut second] = [1, 2].map(ChaCha20Rng::seed_from_u64);
        let settings = Settings::new(Attempts::default(), TreeDepth::Four);
        let pair = AuthenticatedPair::set_up(&layers, settings, [&mut first, &mut second]).unwrap();
        assert_eq!(pair.execute([&mut first, &mut second], &layers), Ok(()));
    }

    #[test]
    fn programs_have_the_gates_they_say() {
        let layers = Layers { lanes: 7, pairs: 5 };
        assert_eq!(layers.cost().and_gates, layers.gates() as u64);
        let twice = Chained { program: Aes128, times: 2 };
        assert_eq!(twice.cost().and_gates, 12_800);
        let bits = |n: u128| (0..128).map(|i| n >> i & 1 == 1).collect::<Vec<_>>();
        let once = Aes128.compute(&bits(5), &bits(9));
        assert_eq!(twice.compute(&bits(5), &bits(9)), Aes128.compute(&bits(5), &once));
        assert_ne!(twice.id(), Chained { program: Aes128, times: 3 }.id());
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        for scheme in Scheme::ALL {
            assert_eq!(garble(Backend::detect(), scheme, &twice, rng), Ok(()));
            assert_eq!(evaluate(Backend::detect(), scheme, &twice, rng), Ok(()));
        }
    }
}
