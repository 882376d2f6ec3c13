//! `aes-128@1`: the garbler's key encrypts the evaluator's block.

use crate::gadgets::{Aes, Words};
use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};

const NAME: ProgramName = ProgramName::literal("aes-128@1");

/// AES-128 encryption of one block. Inputs and output are 16 bytes in the order of FIPS-197, each lowest
/// bit first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aes128;

impl Program for Aes128 {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn shape(&self) -> Shape {
        Shape::two_party(128, 128, 128)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (key, block) = (inputs.read(f, 0, 128)?, inputs.read(f, 1, 128)?);
        let cipher = f.aes128(&Words::from_rows(8, &key), &Words::from_rows(8, &block))?;
        outputs.extend((0..16).flat_map(|byte| cipher.lane(byte)));
        Ok(())
    }
}
