//! Whose turn it is.
//!
//! ```text
//! order at height h     member (h mod n) + 1, then the next ones in a circle; who failed at this height comes last
//! a member proposes     once `every` has passed since the last block, and one patience more for each member that
//!                       is connected and comes before it
//! before a round        comes one that its member is bound to, then one of a member earlier in the order
//! ```

use super::PATIENCE;
use core::time::Duration;
use sotto_keys::Index;
use sotto_mw::amount::Height;
use std::collections::BTreeSet;

/// How early a round comes: the lower, the earlier.
pub(super) type Priority = (bool, bool, u8);

/// The turns at one height.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    n: u8,
    every: Duration,
    height: Height,
    /// Since when the height is the next one.
    since: Duration,
    /// Whose rounds led nowhere.
    failed: BTreeSet<Index>,
    /// The other members that are connected.
    pub(super) present: BTreeSet<Index>,
}

impl Turns {
    pub(super) fn new(n: u8, every: Duration) -> Self {
        let (height, since) = (Height::GENESIS, Duration::ZERO);
        Self { n, every, height, since, failed: BTreeSet::new(), present: BTreeSet::new() }
    }

    /// The height that is sealed next.
    pub(super) const fn height(&self) -> Height {
        self.height
    }

    /// A height begins.
    pub(super) fn begin(&mut self, height: Height, now: Duration) {
        (self.height, self.since) = (height, now);
        self.failed.clear();
    }

    pub(super) fn failed(&mut self, member: Index) {
        self.failed.insert(member);
        if self.failed.len() >= usize::from(self.n) {
            self.failed.clear();
        }
    }

    /// How early a round of this member comes.
    pub(super) fn priority(&self, member: Index, bound: bool) -> Priority {
        // Below n, which is at most 15.
        let first = (self.height.get() % u64::from(self.n)) as u8;
        let place = (member.get() - 1 + self.n - first) % self.n;
        (self.failed.contains(&member), !bound, place)
    }

    /// When it is this member's turn to propose.
    pub(super) fn due(&self, me: Index) -> Duration {
        let mine = self.priority(me, false);
        let before = self.present.iter().filter(|other| self.priority(**other, false) < mine).count();
        self.since + self.every + PATIENCE * before as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round_and_skip_who_is_away_or_failed() {
        let index = |n| Index::new(n).unwrap();
        let mut turns = Turns::new(3, Duration::from_secs(60));
        turns.begin(Height::new(4), Duration::from_secs(100));
        let due = |turns: &Turns, n| turns.due(index(n)).as_secs();
        assert_eq!([1, 2, 3].map(|n| due(&turns, n)), [160; 3], "alone, everybody's turn is now");
        turns.present = [2, 3].map(index).into();
        assert_eq!(due(&turns, 1), 180, "4 mod 3 = 1: member 2, then 3, then 1");
        turns.present = [1, 3].map(index).into();
        assert_eq!(due(&turns, 2), 160);
        turns.failed(index(2));
        assert_eq!(due(&turns, 2), 180);
        assert!(turns.priority(index(2), true) > turns.priority(index(1), false), "failed comes last");
        assert!(turns.priority(index(1), true) < turns.priority(index(3), false), "bound comes first");
        turns.begin(Height::new(5), Duration::from_secs(200));
        assert_eq!(due(&turns, 2), 280);
    }
}
