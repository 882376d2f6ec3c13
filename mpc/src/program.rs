//! What two parties agree to compute: a Boolean function with a name, a shape and a digest.
//!
//! A [`Program`] is a Rust function generic over [`Fancy`]. Both parties hold it; before anything secret
//! happens they compare its [`ProgramId`], and refuse each other by name if it differs.

use sha2::{Digest, Sha256};

use crate::fancy::{Cost, Count, Fancy, Plain};
use crate::inputs::{InHand, Inputs, Place, Strand};

/// What bits go in and come out of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Input strands, by the numbers under which the program takes them.
    pub strands: Vec<Strand>,
    /// Output bits.
    pub outputs: usize,
}

impl Shape {
    /// Strand 0 with these bits of the garbler, and strand 1 with those of the evaluator.
    #[must_use]
    pub fn of_two([garbler, evaluator]: [usize; 2], outputs: usize) -> Self {
        let strand = |(place, bits)| Strand { place, bits };
        let strands = [(Place::Garbler, garbler), (Place::Evaluator, evaluator)].map(strand);
        Self { strands: strands.to_vec(), outputs }
    }

    /// Input bits of the garbler: its own, and shares.
    #[must_use]
    pub fn garbler(&self) -> usize {
        self.bits(Place::at_garbler)
    }

    /// Input bits of the evaluator: its own, and shares.
    #[must_use]
    pub fn evaluator(&self) -> usize {
        self.bits(Place::at_evaluator)
    }

    fn bits(&self, has: fn(Place) -> bool) -> usize {
        self.strands.iter().filter(|strand| has(strand.place)).map(|strand| strand.bits).sum()
    }
}

/// A Boolean function of two parties' bits.
pub trait Program {
    /// Name and version, such as `auc@1`: 1 to 32 visible ASCII characters.
    fn name(&self) -> ProgramName;

    /// A hash over all that makes this program differ from others of its name: parameters, or the gates.
    fn digest(&self) -> [u8; 32];

    /// Bits in and out.
    fn shape(&self) -> Shape;

    /// Computes the outputs, in order, into `outputs`. Takes no more of each strand than [`shape`](Self::shape) says.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>;

    /// What tells this program from all others.
    fn id(&self) -> ProgramId {
        let shape = self.shape();
        let mut hash = Sha256::new_with_prefix(b"sotto mpc program v1");
        hash.update(self.name().0);
        for n in [shape.garbler(), shape.evaluator(), shape.outputs] {
            hash.update((n as u64).to_le_bytes());
        }
        hash.update(self.digest());
        ProgramId { name: self.name(), digest: hash.finalize().into() }
    }

    /// The outputs for these inputs, computed in the clear.
    ///
    /// # Panics
    /// If the inputs are not of the program's [`shape`](Self::shape).
    fn compute(&self, garbler: &[bool], evaluator: &[bool]) -> Vec<bool> {
        let shape = self.shape();
        assert!(garbler.len() == shape.garbler() && evaluator.len() == shape.evaluator());
        let mut outputs = Vec::with_capacity(shape.outputs);
        let mut inputs = InHand::new(&shape.strands, garbler, evaluator);
        let Ok(()) = self.run(&mut Plain, &mut inputs, &mut outputs);
        outputs
    }

    /// What the program costs.
    fn cost(&self) -> Cost {
        let shape = self.shape();
        let [x, y] = [shape.garbler(), shape.evaluator()].map(|n| vec![Default::default(); n]);
        let mut count = Count::default();
        let Ok(()) = self.run(&mut count, &mut InHand::new(&shape.strands, &x, &y), &mut Vec::new());
        count.cost()
    }
}

/// The name of a program: 1 to 32 visible ASCII characters, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProgramName([u8; 32]);

impl ProgramName {
    /// The name, if it is one.
    #[must_use]
    pub const fn new(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        if name.is_empty() || name.len() > 32 {
            return None;
        }
        let mut padded = [0; 32];
        let mut i = 0;
        while i < name.len() {
            if !name[i].is_ascii_graphic() {
                return None;
            }
            padded[i] = name[i];
            i += 1;
        }
        Some(Self(padded))
    }

    /// The padded bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The name of padded bytes, if they are one.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let length = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let (name, padding) = bytes.split_at_checked(length)?;
        let name = Self::new(str::from_utf8(name).ok()?)?;
        padding.iter().all(|b| *b == 0).then_some(name)
    }
}

impl core::fmt::Display for ProgramName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let visible = self.0.iter().take_while(|b| **b != 0);
        visible.map(|b| char::from(*b)).try_for_each(|c| core::fmt::Write::write_char(f, c))
    }
}

impl core::fmt::Debug for ProgramName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

/// A program's name and the hash of name, shape and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramId {
    /// The name that people see.
    pub name: ProgramName,
    /// The hash that decides.
    pub digest: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_visible_and_have_one_encoding() {
        let name = ProgramName::new("auc@1").unwrap();
        assert_eq!(name.to_string(), "auc@1");
        assert_eq!(ProgramName::from_bytes(name.to_bytes()), Some(name));
        for bad in ["", "two words", "naïve", "tab\t", "x123456789012345678901234567890123"] {
            assert_eq!(ProgramName::new(bad), None, "{bad}");
        }
        let mut gap = name.to_bytes();
        gap[20] = b'x';
        assert_eq!(ProgramName::from_bytes(gap), None);
        assert_eq!(ProgramName::from_bytes([0; 32]), None);
        assert_eq!(ProgramName::from_bytes([0xff; 32]), None);
        assert!(ProgramName::from_bytes([b'x'; 32]).is_some());
    }
}
