//! Boolean functions of two parties, with a name, a shape and a digest.
//!
//! A [`Program`] is a Rust function that is generic over [`Fancy`]. Both parties hold it. Before they send
//! anything secret they compare its [`ProgramId`], and end the session if it differs.

use sha2::{Digest, Sha256};

use crate::fancy::{Cost, Count, Fancy, Plain};
use crate::inputs::{GivenWires, Holder, InputStream, Inputs};

/// The inputs and outputs of a program, in bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The input streams, by the numbers under which the program reads them.
    pub input_streams: Vec<InputStream>,
    /// The number of output bits.
    pub outputs: usize,
}

impl Shape {
    /// Two streams: stream 0 holds the garbler's bits, stream 1 the evaluator's.
    #[must_use]
    pub fn two_party(garbler: usize, evaluator: usize, outputs: usize) -> Self {
        let stream = |(holder, bits)| InputStream { holder, bits };
        let input_streams = [(Holder::Garbler, garbler), (Holder::Evaluator, evaluator)].map(stream);
        Self { input_streams: input_streams.to_vec(), outputs }
    }

    /// The number of input bits and shares that the garbler holds.
    #[must_use]
    pub fn garbler_bits(&self) -> usize {
        self.bits(Holder::includes_garbler)
    }

    /// The number of input bits and shares that the evaluator holds.
    #[must_use]
    pub fn evaluator_bits(&self) -> usize {
        self.bits(Holder::includes_evaluator)
    }

    pub(crate) fn bits(&self, holds: fn(Holder) -> bool) -> usize {
        self.input_streams.iter().filter(|stream| holds(stream.holder)).map(|stream| stream.bits).sum()
    }
}

/// A Boolean function of two parties' input bits.
///
/// ```
/// use sotto_mpc::gadgets::Comparison;
/// use sotto_mpc::{Fancy, Inputs, Program, ProgramName, Shape, Words};
///
/// /// Whether the garbler's number is larger than the evaluator's.
/// struct Greater;
///
/// impl Program for Greater {
///     fn name(&self) -> ProgramName {
///         ProgramName::literal("greater@1")
///     }
///
///     fn shape(&self) -> Shape {
///         Shape::two_party(8, 8, 1)
///     }
///
///     fn run<F: Fancy>(
///         &self,
///         f: &mut F,
///         inputs: &mut impl Inputs<F>,
///         outputs: &mut Vec<F::Wire>,
///     ) -> Result<(), F::Error> {
///         let (x, y) = (inputs.read(f, 0, 8)?, inputs.read(f, 1, 8)?);
///         outputs.extend(f.greater(&Words::single(&x), &Words::single(&y))?);
///         Ok(())
///     }
/// }
///
/// assert_eq!(Greater.cost().and_gates, 8);
/// assert_eq!(Greater.compute(&[true; 8], &[false; 8]), [true]); // in the clear
/// ```
pub trait Program {
    /// Name and version, such as `auc@1`: 1 to 32 visible ASCII characters.
    fn name(&self) -> ProgramName;

    /// A hash of everything in which this program differs from others of the same name: its parameters or its
    /// gates. Zeros, the default, if the name alone determines the program.
    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// The inputs and outputs.
    fn shape(&self) -> Shape;

    /// Reads the inputs and appends the outputs, in order, to `outputs`. Must read no more of an input
    /// stream, and append exactly as many outputs, as [`shape`](Self::shape) declares.
    ///
    /// # Errors
    /// If the interpreter fails.
    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>;

    /// The identity of the program, which the parties compare.
    fn id(&self) -> ProgramId {
        let shape = self.shape();
        let mut hash = Sha256::new_with_prefix(b"sotto mpc program v1");
        hash.update(self.name().0);
        for n in [shape.garbler_bits(), shape.evaluator_bits(), shape.outputs] {
            hash.update((n as u64).to_le_bytes());
        }
        hash.update(self.digest());
        ProgramId { name: self.name(), digest: hash.finalize().into() }
    }

    /// Computes the outputs in the clear, without any protocol.
    ///
    /// # Panics
    /// If the numbers of input bits differ from the [`shape`](Self::shape).
    fn compute(&self, garbler: &[bool], evaluator: &[bool]) -> Vec<bool> {
        let shape = self.shape();
        assert!(garbler.len() == shape.garbler_bits() && evaluator.len() == shape.evaluator_bits());
        let mut outputs = Vec::with_capacity(shape.outputs);
        let mut inputs = GivenWires::new(&shape.input_streams, garbler, evaluator);
        let Ok(()) = self.run(&mut Plain, &mut inputs, &mut outputs);
        outputs
    }

    /// Counts the gates of the program.
    fn cost(&self) -> Cost {
        let shape = self.shape();
        let [x, y] = [shape.garbler_bits(), shape.evaluator_bits()].map(|n| vec![Default::default(); n]);
        let mut count = Count::default();
        let Ok(()) =
            self.run(&mut count, &mut GivenWires::new(&shape.input_streams, &x, &y), &mut Vec::new());
        count.cost()
    }
}

/// The name of a program: 1 to 32 visible ASCII characters, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProgramName([u8; 32]);

impl ProgramName {
    /// The name; `None` unless it has 1 to 32 visible ASCII characters.
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

    /// The name, for constants: `const NAME: ProgramName = ProgramName::literal("sum@1");`.
    ///
    /// # Panics
    /// If the name is not 1 to 32 visible ASCII characters; in a constant this is a compile error.
    #[must_use]
    #[allow(clippy::panic)]
    pub const fn literal(name: &str) -> Self {
        match Self::new(name) {
            Some(name) => name,
            None => panic!("a program name has 1 to 32 visible ASCII characters"),
        }
    }

    /// The name, padded with zeros to 32 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Decodes a padded name; `None` if the bytes are not one.
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

/// The identity of a program: its name, and a hash of name, shape and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramId {
    /// The name, for people.
    pub name: ProgramName,
    /// The hash, which decides.
    pub digest: [u8; 32],
}

impl core::fmt::Display for ProgramId {
    /// The name and the beginning of the hash, which tells programs of one name apart.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} (hash ", self.name)?;
        self.digest.iter().take(16).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two programs of one name are told apart where they are shown.
    #[test]
    fn an_id_shows_its_hash() {
        let name = ProgramName::new("bristol@1").unwrap();
        let [a, b] = [1, 2].map(|byte| ProgramId { name, digest: [byte; 32] }.to_string());
        assert!(a != b && a.starts_with("bristol@1 (hash 01"), "{a}");
    }

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
