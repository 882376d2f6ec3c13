//! A program of many owners as a program of two parties.

use super::{Inputs, Joint};
use crate::Fancy;
use crate::program::{Program, ProgramId, ProgramName, Shape};

/// Where the bits of an owner are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// With the garbler, who is this owner.
    Garbler,
    /// With the evaluator, who is this owner.
    Evaluator,
    /// Shared: each computer has a share of every bit, and the XOR of both is the bit.
    Shared,
}

impl Place {
    const fn at_garbler(self) -> bool {
        !matches!(self, Self::Evaluator)
    }

    const fn at_evaluator(self) -> bool {
        !matches!(self, Self::Garbler)
    }
}

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

    /// Bits of each owner that are with a computer.
    fn bits_at(&self, has: fn(Place) -> bool) -> Vec<usize> {
        let bits = |(owner, place): (usize, &Place)| match has(*place) {
            true => self.program.declaration().input_bits(owner),
            false => 0,
        };
        self.places.iter().enumerate().map(bits).collect()
    }
}

/// Wires in hand, cut by owner.
struct InHand<'a, W> {
    garbler: Vec<&'a [W]>,
    evaluator: Vec<&'a [W]>,
}

fn cut<'a, W>(mut wires: &'a [W], bits: &[usize]) -> Vec<&'a [W]> {
    let next = |n: &usize| {
        let (owner, rest) = wires.split_at(*n);
        wires = rest;
        owner
    };
    bits.iter().map(next).collect()
}

impl<F: Fancy> Inputs<F> for InHand<'_, F::Wire> {
    fn take(&mut self, f: &mut F, owner: usize, wires: &mut [F::Wire]) -> Result<(), F::Error> {
        let next = |side: &mut &[F::Wire]| {
            let (now, rest) = side.split_at(wires.len().min(side.len()));
            *side = rest;
            now.to_vec()
        };
        let (ours, theirs) = (next(&mut self.garbler[owner]), next(&mut self.evaluator[owner]));
        match (ours.is_empty(), theirs.is_empty()) {
            (false, true) => wires.copy_from_slice(&ours),
            (true, _) => wires.copy_from_slice(&theirs),
            (false, false) => f.xor_n(&ours, &theirs, wires),
        }
        Ok(())
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
        Shape {
            garbler: self.bits_at(Place::at_garbler).iter().sum(),
            evaluator: self.bits_at(Place::at_evaluator).iter().sum(),
            outputs: self.program.declaration().output_bits(),
        }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        garbler: &[F::Wire],
        evaluator: &[F::Wire],
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut inputs = InHand {
            garbler: cut(garbler, &self.bits_at(Place::at_garbler)),
            evaluator: cut(evaluator, &self.bits_at(Place::at_evaluator)),
        };
        self.program.run(f, &mut inputs, outputs)
    }
}
