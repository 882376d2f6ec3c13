//! Sums of products `Σ aᵢ·Pᵢ` on ristretto255 for public values: decoding, Pippenger's method, fixed bases.
//!
//! Block verification spends most of its time here. The crate has its own arithmetic because all values are
//! public, so it may branch on them, and because eight points at a time cost about as much as one.
//!
//! ```text
//! encodings ── decode ──▶ addends ─┐
//! scalars ──── digits ───────────▶ buckets ──▶ windows ──▶ Σ aᵢ·Pᵢ ──▶ is it the identity?
//! ```
//!
//! Guaranteed: the verdict is that of the abstract group of RFC 9496, on every machine ([`backend`]). Not
//! guaranteed: constant time, so no secret may be passed in. `docs/adr/0001-own-verification-arithmetic.md`
//! explains why this module exists and how it is tested.

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
mod encode;

mod pippenger;

mod fixed;

pub use self::backend::Backend;
pub(crate) use self::{
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

/// A sum in the group. It can be added to another sum, compared with the identity and encoded.
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

    /// The canonical encoding (RFC 9496, section 4.3.2).
    pub(crate) fn encode(&self) -> [u8; 32] {
        encode::encode(&self.0)
    }
}

/// Fixed bases, with tables of their multiples.
pub(crate) struct FixedBases(fixed::FixedBases);

impl FixedBases {
    /// Computes the tables.
    pub(crate) fn new(backend: Backend, bases: &[Addend]) -> Self {
        Self(fixed::FixedBases::new(backend, bases))
    }

    /// `Σ aᵢ·Pᵢ`, with one scalar for each base.
    pub(crate) fn sum_of_products(&self, backend: Backend, scalars: &[Words]) -> Sum {
        self.0.sums_of_products(backend, &[scalars]).first().map_or(Sum::IDENTITY, |sum| Sum(*sum))
    }

    /// Two such sums at once, for less than twice the work.
    pub(crate) fn two_sums_of_products(&self, backend: Backend, scalars: [&[Words]; 2]) -> [Sum; 2] {
        let mut sums = self.0.sums_of_products(backend, &scalars).into_iter();
        [(); 2].map(|()| sums.next().map_or(Sum::IDENTITY, Sum))
    }
}

/// The least number of encodings that is worth a task of its own.
const DECODE_TASK: usize = 64;

/// Decodes canonical encodings (RFC 9496, section 4.3.1); `None` if one of them is not.
pub(crate) fn decode(backend: Backend, encodings: &[[u8; 32]]) -> Option<Vec<Addend>> {
    let mut out = vec![Addend::IDENTITY; encodings.len()];
    let tasks = encodings.par_chunks(DECODE_TASK).zip(out.par_chunks_mut(DECODE_TASK));
    let all =
        tasks.map(|(encodings, out)| backend.run(decode::Decode { encodings, out })).all(|decoded| decoded);
    all.then_some(out)
}

/// The same on the calling thread alone. A caller that holds a lock must not wait for the thread pool, whose
/// other tasks may need that lock.
pub(crate) fn decode_here(backend: Backend, encodings: &[[u8; 32]]) -> Option<Vec<Addend>> {
    let mut out = vec![Addend::IDENTITY; encodings.len()];
    backend.run(decode::Decode { encodings, out: &mut out }).then_some(out)
}

#[cfg(test)]
mod tests;
