//! The wait before a height is started, at every validator: so that the timers of the round run only while
//! the proposer works.
//!
//! ```text
//! start = max(connected + pace, occasion)
//! occasion: the mempool held a transaction when the block was connected   at once
//!           the first transaction arrives                                 + gather
//!           none does                                                     connected + idle
//!           the height has begun elsewhere                                at once
//! ```
//!
//! A Byzantine proposer can thus hurry blocks to the pace, and no further.

use super::event::Timing;
use core::time::Duration;

/// The wait before one height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    earliest: Duration,
    occasion: Duration,
    gather: Duration,
}

impl Wait {
    /// A block was connected now.
    pub(super) fn new(now: Duration, pace: Duration, timing: &Timing, has_transactions: bool) -> Self {
        let occasion = if has_transactions { now } else { now + timing.idle };
        Self { earliest: now + pace, occasion, gather: timing.gather }
    }

    pub(super) fn on_transaction(&mut self, now: Duration) {
        self.occasion = self.occasion.min(now + self.gather);
    }

    pub(super) fn on_begun(&mut self, now: Duration) {
        self.occasion = self.occasion.min(now);
    }

    pub(super) fn end(&self) -> Duration {
        self.earliest.max(self.occasion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_starts_at_its_pace_or_at_the_first_occasion_after() {
        let s = Duration::from_secs;
        let timing = Timing { gather: s(2), idle: s(30), ..Timing::default() };
        let wait = |has| Wait::new(s(100), s(5), &timing, has);
        assert_eq!((wait(true).end(), wait(false).end()), (s(105), s(130)));
        let after = |change: fn(&mut Wait, Duration), at| {
            let mut wait = wait(false);
            change(&mut wait, s(at));
            wait.end()
        };
        assert_eq!([101, 104, 110].map(|at| after(Wait::on_transaction, at)), [s(105), s(106), s(112)]);
        assert_eq!([101, 110].map(|at| after(Wait::on_begun, at)), [s(105), s(110)], "never before the pace");
        let mut twice = wait(false);
        [110, 111].into_iter().for_each(|at| twice.on_transaction(s(at)));
        assert_eq!(twice.end(), s(112), "the first counts");
    }
}
