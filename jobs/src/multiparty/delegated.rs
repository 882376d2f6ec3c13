//! A program of many input parties as a program of two parties: each input party has an input stream and a
//! holder.

use super::functionality::Functionality;
use sotto_mpc::Fancy;
use sotto_mpc::inputs::{Holder, InputStream, Inputs};
use sotto_mpc::program::{Program, ProgramId, ProgramName, Shape};

/// A functionality between a garbler and an evaluator. Each enters the bits (or shares) of the input parties
/// that are with it, input party by input party.
#[derive(Clone, Debug)]
pub struct Delegated<'p, P> {
    program: &'p P,
    holders: Vec<Holder>,
}

impl<'p, P: Functionality> Delegated<'p, P> {
    /// The program with its input parties in these holders; `None` if there is not one for each input party.
    #[must_use]
    pub fn new(program: &'p P, holders: Vec<Holder>) -> Option<Self> {
        (holders.len() == program.declaration().parties().len()).then_some(Self { program, holders })
    }
}

impl<P: Functionality> Program for Delegated<'_, P> {
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
        let stream = |(party, holder): (usize, &Holder)| InputStream {
            holder: *holder,
            bits: declaration.input_bits(party),
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
