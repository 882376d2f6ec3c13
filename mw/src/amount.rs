//! Amounts and heights: two counters that the type system keeps apart, and that never wrap.

use crate::codec::fields;
use core::fmt;

/// An amount in base units.
///
/// ```
/// use sotto_mw::Amount;
///
/// let three = Amount::new(3);
/// assert_eq!(three.checked_add(Amount::new(4)), Some(Amount::new(7)));
/// assert_eq!(three.checked_sub(Amount::new(4)), None);
/// assert_eq!(Amount::checked_sum([Amount::new(u64::MAX), three]), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Zero base units.
    pub const ZERO: Self = Self(0);

    /// An amount of `units` base units.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// The number of base units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The sum, or `None` when it does not fit 64 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` when it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum of many, or `None` when it does not fit 64 bits.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

fields!(Amount { 0 });

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The height of a block: its distance from the genesis block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(u64);

impl Height {
    /// The height of the genesis block.
    pub const GENESIS: Self = Self(0);

    /// The height `n`.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The height as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next height; saturates.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height `blocks` later; saturates.
    #[must_use]
    pub const fn plus(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// The height `blocks` earlier; stops at the genesis.
    #[must_use]
    pub const fn minus(self, blocks: u64) -> Self {
        Self(self.0.saturating_sub(blocks))
    }
}

fields!(Height { 0 });

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_never_wrap() {
        let max = Amount::new(u64::MAX);
        assert_eq!(max.checked_add(Amount::new(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::new(1)), None);
        assert_eq!(Amount::checked_sum([max, Amount::ZERO]), Some(max));
        assert_eq!(Amount::checked_sum([max, Amount::new(1)]), None);
    }
}
