//! Addresses that could not be connected lately: why, how often, and when they are tried again.
//!
//! ```text
//! failed n times in a row: tried again after pause · 2ⁿ⁻¹, at most pause · 16
//! ```
//!
//! At most [`MOST`] are remembered, the latest; an address that is forgotten may be tried at once. One that
//! was connected is forgotten.

use crate::peer::{Address, DialError, DialFailure, PeerKey};
use core::time::Duration;

/// Most addresses.
const MOST: usize = 16;
/// The longest wait, in pauses, as a power of two.
const LONGEST: u32 = 4;

/// Addresses that could not be connected lately, the latest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct DialFailures(Vec<Failure>);

#[derive(Clone, Copy, Debug)]
struct Failure {
    address: Address,
    why: DialError,
    times: u32,
    /// When it is tried again.
    again: Duration,
}

impl DialFailures {
    /// Takes note of a failure; returns it if its reason is not the one of the time before. Between two
    /// attempts at one address are `pause` or more.
    pub(crate) fn add(
        &mut self,
        now: Duration,
        pause: Duration,
        address: Address,
        why: DialError,
    ) -> Option<DialFailure> {
        let place = self.0.iter().position(|f| f.address == address);
        let before = place.map(|place| self.0.remove(place));
        let times = before.as_ref().map_or(0, |f| f.times).saturating_add(1);
        let next = pause * (1 << (times - 1).min(LONGEST));
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Failure { address, why, times, again: now + next });
        let news = before.is_none_or(|f| f.why != why);
        news.then_some(DialFailure { address, why, times, next, configured: None })
    }

    /// The address was connected.
    pub(crate) fn forget(&mut self, address: &Address) {
        self.0.retain(|f| f.address != *address);
    }

    /// The keys that are not to be tried yet.
    pub(crate) fn waiting(&self, now: Duration) -> impl Iterator<Item = PeerKey> {
        self.0.iter().filter(move |f| f.again > now).map(|f| f.address.key)
    }

    /// All of them, the latest first.
    pub(crate) fn all(&self, now: Duration, seeds: &[Address]) -> Vec<DialFailure> {
        let shown = |f: &Failure| DialFailure {
            address: f.address,
            why: f.why,
            times: f.times,
            next: f.again.saturating_sub(now),
            configured: configured(seeds, &f.address),
        };
        self.0.iter().rev().map(shown).collect()
    }
}

/// The place of an address among those that the settings name, from 1.
pub(crate) fn configured(seeds: &[Address], address: &Address) -> Option<usize> {
    seeds.iter().position(|seed| seed == address).map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> Address {
        Address { at: ([10, 0, 0, n], 4_000).into(), key: PeerKey([n; 32]) }
    }

    #[test]
    fn each_reason_is_named_once_and_waits_grow() {
        let (mut all, second) = (DialFailures::default(), Duration::from_secs(1));
        let mut fails = |why| all.add(second, second, address(1), why);
        let first = fails(DialError::Refused).unwrap();
        assert_eq!((first.times, first.next, first.why), (1, second, DialError::Refused));
        assert_eq!(fails(DialError::Refused), None, "the same again");
        let third = fails(DialError::OtherKey).unwrap();
        assert_eq!((third.times, third.next), (3, 4 * second));
        (0..40).for_each(|_| assert!(fails(DialError::OtherKey).is_none()));
        assert_eq!(all.waiting(16 * second).count(), 1);
        assert_eq!(all.waiting(17 * second).count(), 0, "16 s at most");
        assert_eq!(all.all(second, &[address(2), address(1)])[0].configured, Some(2));
        all.forget(&address(1));
        assert!(all.all(second, &[]).is_empty());
        assert!((0..=255).all(|n| all.add(second, second, address(n), DialError::TimedOut).is_some()));
        assert_eq!(all.all(second, &[]).len(), MOST);
        assert_eq!(all.all(second, &[])[0].address, address(255), "the latest first");
    }
}
