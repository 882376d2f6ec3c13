//! A fee per weight, compared without division.

use sotto_mw::transaction::Body;
use std::{cmp::Ordering, iter::Sum};

/// Fee and weight of one transaction or of several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    pub(crate) fee: u64,
    pub(crate) weight: u64,
}

impl Rate {
    pub(crate) fn of(body: &Body) -> Self {
        Self { fee: body.fees().map_or(0, |f| f.units()), weight: body.weight() }
    }
}

impl Sum for Rate {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            fee: a.fee.saturating_add(b.fee),
            weight: a.weight.saturating_add(b.weight),
        })
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |fee: u64, weight: u64| u128::from(fee) * u128::from(weight);
        product(self.fee, other.weight).cmp(&product(other.fee, self.weight))
    }
}
impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Rate {}
