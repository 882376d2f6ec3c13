//! A program of many owners as a program of two parties: each owner is a stream, at its holder.

use super::Joint;
use sotto_mpc::Fancy;
use sotto_mpc::inputs::{Holder, InputStream, Inputs};
use sotto_mpc::program::{Program, ProgramId, ProgramName, Shape};

/// A joint program between a garbler and an evaluator. Each enters the bits (or shares) of the owners that are with
/// it, owner by owner.
#[derive(Clone, Debug)]
pub struct Delegated<'p, P> {
    program: &'p P,
    holders: Vec<Holder>,
}

impl<'p, P: Joint> Delegated<'p, P> {
    /// The program with its owners in these holders; `None` if there is not one for each owner.
    #[must_use]
    pub fn new(program: &'p P, holders: Vec<Holder>) -> Option<Self> {
        (holders.len() == program.declaration().owners().len()).then_some(Self { program, holders })
    }
}

impl<P: Joint> Program for Delegated<'_, P> {
    fn name(&self) -> ProgramName {
        self.program.name()
    }

    fn digest(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let ProgramId { digest, .. } = self.program.id();
        let holders: Vec<u8> = self.holders.iter().map(|holder| *holder as u8).collect();
        Sha256::new_with_prefix(b"sotto mpc delegated v1")
            .chain_update(digest)
            .chain_update(holders)
            .finalize()
            .into()
    }

    fn shape(&self) -> Shape {
        let declaration = self.program.declaration();
        let stream = |(owner, holder): (usize, &Holder)| InputStream {
            holder: *holder,
            bits: declaration.input_bits(owner),
        };
        let input_streams = self.holders.iter().enumerate().map(stream).collect();
        Shape { input_streams, outputs: declaration.output_bits() }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.program.run(f, inputs, outputs)
    }
}
