//! The products that a batch adds up: a coefficient for each shared generator, a scalar for each other point.

use crate::{
    generators::{Generators, StaticBases},
    msm::{Addend, Backend, Residue, Residues, Sum, Words},
};

/// The number of points that are summed at once. This bounds the memory; larger sums are not cheaper.
const BLOCK: usize = 1 << 14;

/// Coefficients of the shared generators, and those of all other points.
pub(super) struct Terms {
    pub(super) bases: StaticBases<Residue>,
    pub(super) scalars: Vec<Words>,
}

impl Terms {
    pub(super) fn none() -> Self {
        Self { bases: StaticBases::filled(Residue::ZERO), scalars: Vec::new() }
    }

    pub(super) fn concat(parts: Vec<Self>) -> Self {
        let n = parts.iter().map(|part| part.scalars.len()).sum();
        let mut all = Self::none();
        all.scalars.reserve(n);
        for part in parts {
            all.bases.iter_mut().zip(part.bases.iter()).for_each(|(a, b)| *a = a.add(*b));
            all.scalars.extend(part.scalars);
        }
        all
    }

    /// The sum over these points; `None` if the encoding of a generator is not canonical, which does not
    /// happen.
    pub(super) fn sum(&self, backend: Backend, points: &[Addend]) -> Option<Sum> {
        let bases: Vec<_> = self.bases.iter().map(|x| x.to_words()[0]).collect();
        let shared = || Some(Generators::of(1)?.tables.sum_of_products(backend, &bases));
        let others = || {
            let blocks = self.scalars.chunks(BLOCK).zip(points.chunks(BLOCK));
            blocks.fold(Sum::IDENTITY, |sum, (scalars, points)| {
                sum.add(&Sum::of_products(backend, points, scalars))
            })
        };
        let (shared, others) = rayon::join(shared, others);
        Some(shared?.add(&others))
    }
}
