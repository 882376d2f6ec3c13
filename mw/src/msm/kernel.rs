//! The seam between generic arithmetic and the instructions that run it.
//!
//! A [`Kernel`] is written once, over any [`Instructions`]. [`Backend::run`](super::backend::Backend::run)
//! compiles it once for each back end, inside a function that enables the instructions of that back end;
//! everything is inlined into that function.

use super::{
    lanes::{Lanes, States},
    residues::Residues,
};

/// The types of a back end: several elements, residues or states side by side.
pub(crate) trait Instructions {
    /// Integers modulo p = 2²⁵⁵ − 19.
    type Field: Lanes;
    /// Integers modulo ℓ, the group's order.
    type Residues: Residues;
    /// States of Keccak.
    type States: States;
}

/// A computation that is generic over the back end.
pub(crate) trait Kernel {
    /// The result.
    type Output;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Instructions>(self) -> Self::Output;
}
