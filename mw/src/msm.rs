//! Sums of products `Σ aᵢ·Pᵢ` on ristretto255 for public values: decoding, Pippenger's method, fixed bases.
//!
//! What a block's verification spends its time on, in arithmetic of our own, because it may branch on its values (all of them are
//! public) and because eight points at a time cost about as much as one.
//!
//! ```text
//! encodings ── decode ──▶ addends ─┐
//! scalars ──── digits ───────────▶ buckets ──▶ windows ──▶ Σ aᵢ·Pᵢ ──▶ is it the identity?
//! ```
//!
//! Guarantees: the verdict is that of RFC 9496's abstract group, on every machine ([`backend`]). Not constant time: nothing
//! secret may come here. Why it exists and how it is kept honest: `docs/adr/0001-own-verification-arithmetic.md`.

mod digits;
mod field;
mod residues;

mod lanes;

mod kernel;

mod backend;
mod curve;
mod keccak;
mod power;

mod buckets;
mod decode;

mod pippenger;

mod fixed;

pub(crate) use self::{
    backend::Backend,
    curve::Addend,
    digits::{Words, is_canonical},
    field::words,
    keccak::{BLOCK_BYTES, Script},
    kernel::{Instructions, Kernel},
    power::inverses,
    residues::{Residue, Residues},
};
use self::{curve::Point, field::Fe};
use rayon::prelude::*;

/// A sum: an element of the group that can only be added up and compared with the identity.
#[derive(Clone, Copy)]
pub(crate) struct Sum(Point<Fe>);

impl Sum {
    /// The identity.
    pub(crate) const IDENTITY: Self = Self(Point::IDENTITY);

    /// `Σ aᵢ·Pᵢ`, as many scalars as points.
    pub(crate) fn of_products(backend: Backend, points: &[Addend], scalars: &[Words]) -> Self {
        Self(pippenger::sum_of_products(backend, points, scalars))
    }

    /// The sum of both.
    pub(crate) fn add(&self, b: &Self) -> Self {
        Self(self.0.add(&b.0))
    }

    /// Whether this is the identity.
    pub(crate) fn is_identity(&self) -> bool {
        self.0.is_ristretto_identity()
    }
}

/// Bases that never change, with tables of their multiples.
pub(crate) struct FixedBases(fixed::FixedBases);

impl FixedBases {
    /// Makes the tables.
    pub(crate) fn new(backend: Backend, bases: &[Addend]) -> Self {
        Self(fixed::FixedBases::new(backend, bases))
    }

    /// `Σ aᵢ·Pᵢ`, one scalar a base.
    pub(crate) fn sum_of_products(&self, backend: Backend, scalars: &[Words]) -> Sum {
        Sum(self.0.sum_of_products(backend, scalars))
    }
}

/// Encodings that make a task worth handing to a thread.
const DECODE_TASK: usize = 64;

/// Decodes canonical encodings (RFC 9496, section 4.3.1); `None` when one of them is not.
pub(crate) fn decode(backend: Backend, encodings: &[[u8; 32]]) -> Option<Vec<Addend>> {
    let mut out = vec![Addend::IDENTITY; encodings.len()];
    let tasks = encodings.par_chunks(DECODE_TASK).zip(out.par_chunks_mut(DECODE_TASK));
    let all =
        tasks.map(|(encodings, out)| backend.run(decode::Decode { encodings, out })).all(|decoded| decoded);
    all.then_some(out)
}

/// The same on the calling thread alone: who holds a lock must not wait for a pool, whose other work may want that lock.
pub(crate) fn decode_here(backend: Backend, encodings: &[[u8; 32]]) -> Option<Vec<Addend>> {
    let mut out = vec![Addend::IDENTITY; encodings.len()];
    backend.run(decode::Decode { encodings, out: &mut out }).then_some(out)
}

#[cfg(test)]
mod tests;
