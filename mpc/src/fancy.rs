//! One program, many interpreters.
//!
//! A program is a Rust function over any [`Fancy`]: it asks for AND, XOR and NOT of wires and does not know
//! what a wire is. [`Plain`] computes with bits and is the oracle of all tests, [`Count`] adds up the cost,
//! [`Garbling`](crate::garble::Garbling) and [`Evaluation`](crate::evaluate::Evaluation) run the protocol,
//! [`Writer`](crate::circuit::Writer) records a circuit, [`Fingerprint`] hashes the stream of gates.
//!
//! The primitive is a *slice* of independent AND gates, because a processor garbles four gates at once
//! nearly as fast as one. Gates are numbered and tables sent in slice order, so what goes over the wire does
//! not depend on how a program cuts its slices, nor on the processor.
//!
//! XOR and NOT are free (Kolesnikov and Schneider 2008): no gate number, no table, no bytes.

mod count;
mod fingerprint;
mod plain;

pub use count::{Cost, Count, Depth};
pub use fingerprint::{Fingerprint, TooManyGates};
pub use plain::Plain;

/// An interpreter of Boolean programs.
pub trait Fancy {
    /// What runs through a wire. The default stands for false in XOR and NOT, and must not enter an AND.
    type Wire: Copy + Default;
    /// Why a program cannot go on.
    type Error;

    /// `out[i] = a[i] ∧ b[i]`: one gate each, numbered in this order.
    ///
    /// # Errors
    /// If the interpreter cannot go on, for instance because the peer hung up.
    ///
    /// # Panics
    /// If the slices differ in length.
    fn and_n(
        &mut self,
        a: &[Self::Wire],
        b: &[Self::Wire],
        out: &mut [Self::Wire],
    ) -> Result<(), Self::Error>;

    /// `a ⊕ b`.
    fn xor(&mut self, a: Self::Wire, b: Self::Wire) -> Self::Wire;

    /// `¬a`.
    fn not(&mut self, a: Self::Wire) -> Self::Wire;

    /// A wire that everyone knows to carry `bit`. Gadgets fold constants; this is for where they cannot.
    fn constant(&mut self, bit: bool) -> Self::Wire;

    /// `out[i] = a[i] ⊕ b[i]`.
    fn xor_n(&mut self, a: &[Self::Wire], b: &[Self::Wire], out: &mut [Self::Wire]) {
        assert!(a.len() == b.len() && a.len() == out.len());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = self.xor(*a, *b);
        }
    }

    /// `a ∧ b`: one gate. Slower than gates in slices.
    ///
    /// # Errors
    /// As [`and_n`](Self::and_n).
    fn and(&mut self, a: Self::Wire, b: Self::Wire) -> Result<Self::Wire, Self::Error> {
        let mut out = [Self::Wire::default()];
        self.and_n(&[a], &[b], &mut out)?;
        let [out] = out;
        Ok(out)
    }
}
