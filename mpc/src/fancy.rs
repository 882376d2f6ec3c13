//! One program, many interpreters.
//!
//! A program is a Rust function that is generic over [`Fancy`]. It asks for AND, XOR and NOT of wires and
//! does not know what a wire is. [`Plain`] computes with bits and is the reference of all tests, [`Count`]
//! adds up the cost, [`Garbling`](crate::garble::Garbling) and [`Evaluation`](crate::evaluate::Evaluation)
//! run the protocol, [`CircuitBuilder`](crate::circuit::CircuitBuilder) records a circuit, and
//! [`Fingerprint`] hashes the gate stream.
//!
//! ```
//! use sotto_mpc::fancy::{Count, Fancy, Plain};
//!
//! /// Two of three bits: one AND gate.
//! fn majority<F: Fancy>(f: &mut F, a: F::Wire, b: F::Wire, c: F::Wire) -> Result<F::Wire, F::Error> {
//!     let (u, v) = (f.xor(a, c), f.xor(b, c));
//!     let both = f.and(u, v)?;
//!     Ok(f.xor(both, c))
//! }
//!
//! assert_eq!(majority(&mut Plain, true, false, true), Ok(true));
//! let mut count = Count::default();
//! majority(&mut count, Default::default(), Default::default(), Default::default())?;
//! assert_eq!((count.cost().and_gates, count.cost().free_gates), (1, 3));
//! # Ok::<(), std::convert::Infallible>(())
//! ```
//!
//! The primitive is a *slice* of independent AND gates, because a processor garbles four gates at once in
//! nearly the time of one. Gates are numbered and their tables sent in slice order, so the bytes on the wire
//! depend neither on how a program divides its gates into slices nor on the processor.
//!
//! XOR and NOT are free (Kolesnikov and Schneider 2008): they need no gate number, no table and no bytes.

mod count;
mod fingerprint;
mod plain;

pub use count::{Cost, Count, Depth};
pub use fingerprint::{Fingerprint, TooManyGates};
pub use plain::Plain;

/// An interpreter of Boolean programs.
pub trait Fancy {
    /// The value of a wire. The default value acts as false in XOR and NOT; it must not be an input of an
    /// AND.
    type Wire: Copy + Default;
    /// Why the interpreter fails.
    type Error;

    /// `out[i] = a[i] ∧ b[i]`: one gate for each `i`, numbered in this order.
    ///
    /// # Errors
    /// If the interpreter fails, for instance because the peer closed the connection.
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

    /// A wire with the public value `bit`.
    fn constant(&mut self, bit: bool) -> Self::Wire;

    /// `out[i] = a[i] ⊕ b[i]`.
    fn xor_n(&mut self, a: &[Self::Wire], b: &[Self::Wire], out: &mut [Self::Wire]) {
        assert!(a.len() == b.len() && a.len() == out.len());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = self.xor(*a, *b);
        }
    }

    /// `a ∧ b`: one gate. Prefer [`and_n`](Self::and_n), which is faster for many gates.
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
