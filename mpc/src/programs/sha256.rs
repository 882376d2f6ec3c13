//! `sha-256-block@1`: the garbler's block advances the evaluator's state.

use crate::gadgets::{Sha256, Words};
use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};

const NAME: ProgramName = ProgramName::literal("sha-256-block@1");

/// One block of SHA-256. A block is 16 words of 32 bits and a state 8, in the order of FIPS 180-4, each
/// lowest bit first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sha256Block;

impl Program for Sha256Block {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn shape(&self) -> Shape {
        Shape::two_party(512, 256, 256)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (block, state) = (inputs.read(f, 0, 512)?, inputs.read(f, 1, 256)?);
        let word = |wires: &[F::Wire], i: usize| Words::single(&wires[32 * i..32 * (i + 1)]);
        let state = core::array::from_fn(|i| word(&state, i));
        let block = core::array::from_fn(|i| word(&block, i));
        outputs.extend(f.sha256_block(&state, &block)?.iter().flat_map(Words::wires));
        Ok(())
    }
}
