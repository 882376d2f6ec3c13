//! `aes-128@1`: the garbler's key encrypts the evaluator's block.

use crate::Fancy;
use crate::gadgets::{Aes, Words};
use crate::program::{Program, ProgramName, Shape};

const NAME: ProgramName = match ProgramName::new("aes-128@1") {
    Some(name) => name,
    None => unreachable!(),
};

/// AES-128 encryption of one block. Inputs and output are 16 bytes in the order of FIPS-197, each lowest
/// bit first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aes128;

impl Program for Aes128 {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn shape(&self) -> Shape {
        Shape { garbler: 128, evaluator: 128, outputs: 128 }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        garbler: &[F::Wire],
        evaluator: &[F::Wire],
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let cipher = f.aes128(&Words::from_rows(8, garbler), &Words::from_rows(8, evaluator))?;
        outputs.extend((0..16).flat_map(|byte| cipher.lane(byte)));
        Ok(())
    }
}
