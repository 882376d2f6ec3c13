//! How fast stems go to each relay: no faster than it lets a peer cause work, since more is a flood to it, for which it
//! bans.
//!
//! ```text
//! units of stems sent until t  ≤  burst · 7/8 + rate · 9/10 · t        (burst, rate: what this node itself allows a peer)
//! stem ─▶ read by the relay ─▶ its allowance lasts? ─ yes ─▶ the next one
//!                                  └ no: they wait, joined where that is possible
//! ```
//!
//! What is left of the allowance is for everything else that is sent to it, and for the one stem that goes while there
//! is some. Not guaranteed: anything about a relay with other settings. Source: the generic cell rate algorithm
//! (ITU-T I.371, annex A), with a time at which all that was sent will have been allowed.

use crate::{message::price, peer::PeerKey, token_bucket::Allowance};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// The relays, and how far ahead of their allowance each is.
#[derive(Debug)]
pub(crate) struct Pace {
    allowance: Allowance,
    /// When all that was sent to it will have been allowed.
    allowed: BTreeMap<PeerKey, Duration>,
    /// Those that have read the last stem.
    read: BTreeSet<PeerKey>,
}

impl Pace {
    /// Relays that allow a peer this much work.
    pub(crate) const fn new(allowance: Allowance) -> Self {
        Self { allowance, allowed: BTreeMap::new(), read: BTreeSet::new() }
    }

    /// Takes note that this frame is sent to a relay.
    pub(crate) fn sent(&mut self, now: Duration, to: PeerKey, frame: &[u8]) {
        let allowed = self.allowed.entry(to).or_insert(now);
        *allowed = now.max(*allowed).saturating_add(time(10 * price::price(frame), 9 * self.allowance.rate));
    }

    /// Takes note that a relay has read the last stem.
    pub(crate) fn read(&mut self, by: PeerKey) {
        self.read.insert(by);
    }

    /// Takes note that a relay is gone. What was sent to it counts when it comes back.
    pub(crate) fn gone(&mut self, relay: &PeerKey) {
        self.read.remove(relay);
    }

    /// Those that may get the next stem now; each once.
    pub(crate) fn take_ready(&mut self, now: Duration) -> Vec<PeerKey> {
        self.allowed.retain(|_, allowed| *allowed > now);
        let ahead = now.saturating_add(time(7 * self.allowance.burst, 8 * self.allowance.rate));
        let lasts = |relay: &PeerKey| self.allowed.get(relay).is_none_or(|allowed| *allowed <= ahead);
        let ready: Vec<PeerKey> = self.read.iter().copied().filter(lasts).collect();
        ready.iter().for_each(|relay| _ = self.read.remove(relay));
        ready
    }
}

/// The time in which so many units are allowed.
const fn time(units: u64, rate: u64) -> Duration {
    match units.saturating_mul(1_000_000).checked_div(rate) {
        Some(micros) => Duration::from_micros(micros),
        // Nothing is ever allowed back.
        None => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A frame of 63 units, which a relay with these settings allows in a second, and a burst of two seconds.
    fn pace() -> (Pace, Vec<u8>) {
        let frame = vec![0xff; 62 * 2_048];
        assert_eq!(price::price(&frame), 63);
        (Pace::new(Allowance { rate: 70, burst: 160 }), frame)
    }

    /// A relay gets one stem for each that it has read, and no more than its allowance.
    #[test]
    fn a_relay_gets_no_more_than_it_allows() {
        let ((mut pace, frame), relay) = (pace(), PeerKey([1; 32]));
        assert_eq!(pace.take_ready(SECOND), []);
        for n in 0..3 {
            pace.read(relay);
            assert_eq!(pace.take_ready(SECOND), [relay], "{n} of three");
            assert_eq!(pace.take_ready(SECOND), [], "it has to read that first");
            pace.sent(SECOND, relay, &frame);
        }
        pace.read(relay);
        assert_eq!(pace.take_ready(SECOND), []);
        assert_eq!(pace.take_ready(SECOND * 199 / 100), []);
        assert_eq!(pace.take_ready(2 * SECOND), [relay]);
        // What was not used is not saved up beyond the burst.
        for n in 0..4 {
            pace.read(relay);
            assert_eq!(pace.take_ready(100 * SECOND).len(), usize::from(n < 3), "{n} of three");
            pace.sent(100 * SECOND, relay, &frame);
        }
    }

    /// One that has gone gets nothing, and what it was sent counts when it comes back; others are not slowed.
    #[test]
    fn each_relay_has_its_own_pace() {
        let ((mut pace, frame), [one, two]) = (pace(), [1, 2].map(|n| PeerKey([n; 32])));
        (0..3).for_each(|_| pace.sent(SECOND, one, &frame));
        [one, two].into_iter().for_each(|relay| pace.read(relay));
        assert_eq!(pace.take_ready(SECOND), [two]);
        pace.gone(&one);
        assert_eq!(pace.take_ready(9 * SECOND), []);
        (0..3).for_each(|_| pace.sent(10 * SECOND, one, &frame));
        pace.gone(&one);
        pace.read(one);
        assert_eq!(pace.take_ready(10 * SECOND), []);
        assert_eq!(pace.take_ready(11 * SECOND), [one]);
    }

    #[test]
    fn a_relay_that_allows_nothing_back_gets_its_burst() {
        let (frame, relay) = (vec![0xff; 10], PeerKey([1; 32]));
        let mut pace = Pace::new(Allowance { rate: 0, burst: 8 });
        pace.sent(SECOND, relay, &frame);
        pace.read(relay);
        assert_eq!(pace.take_ready(2 * SECOND), [relay]);
    }
}
