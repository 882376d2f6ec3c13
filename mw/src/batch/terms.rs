//! The products that a batch adds up: a coefficient for each shared generator, a scalar for each other point.

use super::claim::Judged;
use crate::{
    generators::{Generators, StaticBases},
    msm::{Addend, Backend, Residue, Residues, Sum, Words},
};

/// The number of points that are summed at once. This bounds the memory; larger sums are not cheaper.
const BLOCK: usize = 1 << 14;

/// Coefficients of the shared generators, that of the auditors' key, and those of all other points.
pub(super) struct Terms {
    pub(super) bases: StaticBases<Residue>,
    pub(super) auditors: Residue,
    pub(super) scalars: Vec<Words>,
}

impl Terms {
    pub(super) fn none() -> Self {
        let bases = StaticBases::filled(Residue::ZERO);
        Self { bases, auditors: Residue::ZERO, scalars: Vec::new() }
    }

    pub(super) fn concat(parts: Vec<Self>) -> Self {
        let n = parts.iter().map(|part| part.scalars.len()).sum();
        let mut all = Self::none();
        all.scalars.reserve(n);
        for part in parts {
            all.bases.iter_mut().zip(part.bases.iter()).for_each(|(a, b)| *a = a.add(*b));
            all.auditors = all.auditors.add(part.auditors);
            all.scalars.extend(part.scalars);
        }
        all
    }

    /// The sum over these points, the auditors' key last if handles are judged; `None` if the encoding of a
    /// generator is not canonical, which does not happen.
    pub(super) fn sum(mut self, backend: Backend, judged: Judged<'_>, points: &[Addend]) -> Option<Sum> {
        if judged.auditors().is_some() {
            self.scalars.push(self.auditors.to_words()[0]);
        }
        let bases: Vec<_> = self.bases.iter().map(|x| x.to_words()[0]).collect();
        let shared = || Some(Generators::of(judged.amounts())?.tables.sum_of_products(backend, &bases));
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
