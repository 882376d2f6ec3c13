//! A program of many owners as a program of two parties: each owner is a strand, at its place.

use super::Joint;
use sotto_mpc::Fancy;
use sotto_mpc::inputs::{Inputs, Place, Strand};
use sotto_mpc::program::{Program, ProgramId, ProgramName, Shape};

/// A joint program between a garbler and an evaluator. Each enters the bits (or shares) of the owners that are with
/// it, owner by owner.
#[derive(Clone, Debug)]
pub struct Delegated<'p, P> {
    program: &'p P,
    places: Vec<Place>,
}

impl<'p, P: Joint> Delegated<'p, P> {
    /// The program with its owners in these places; `None` if there is not one for each owner.
    #[must_use]
    pub fn new(program: &'p P, places: Vec<Place>) -> Option<Self> {
        (places.len() == program.declaration().owners().len()).then_some(Self { program, places })
    }
}

impl<P: Joint> Program for Delegated<'_, P> {
    fn name(&self) -> ProgramName {
        self.program.name()
    }

    fn digest(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        let ProgramId { digest, .. } = self.program.id();
        let places: Vec<u8> = self.places.iter().map(|place| *place as u8).collect();
        Sha256::new_with_prefix(b"sotto mpc delegated v1")
            .chain_update(digest)
            .chain_update(places)
            .finalize()
            .into()
    }

    fn shape(&self) -> Shape {
        let declaration = self.program.declaration();
        let strand =
            |(owner, place): (usize, &Place)| Strand { place: *place, bits: declaration.input_bits(owner) };
        let strands = self.places.iter().enumerate().map(strand).collect();
        Shape { strands, outputs: declaration.output_bits() }
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
