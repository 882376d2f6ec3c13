//! Embargoes: when this node fluffs a transaction itself, unless it becomes public before.
//!
//! Each node draws an embargo for each transaction from an exponential distribution. The distribution has no
//! memory: when a stem is cut, every node on it is equally likely to fluff first, so the node that does
//! reveals nothing about the source.

use crate::{Id, draw};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The deadlines of the transactions under embargo.
#[derive(Clone, Debug)]
pub(crate) struct Embargoes<T> {
    mean: Duration,
    by_time: BTreeSet<(Duration, T)>,
    by_name: BTreeMap<T, Duration>,
}

impl<T: Id> Embargoes<T> {
    /// No embargoes; those started later last `mean` on average.
    pub(crate) fn new(mean: Duration) -> Self {
        Self { mean, by_time: BTreeSet::new(), by_name: BTreeMap::new() }
    }

    /// Puts a transaction under embargo, unless it already is.
    pub(crate) fn start(&mut self, now: Duration, rng: &mut impl RngCore, tx: &T) {
        if !self.by_name.contains_key(tx) {
            let end = now.saturating_add(draw::exponential(rng, self.mean));
            self.by_name.insert(tx.clone(), end);
            self.by_time.insert((end, tx.clone()));
        }
    }

    /// Lifts an embargo.
    pub(crate) fn lift(&mut self, tx: &T) {
        if let Some(end) = self.by_name.remove(tx) {
            self.by_time.remove(&(end, tx.clone()));
        }
    }

    /// When the next embargo expires.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.by_time.first().map(|(end, _)| *end)
    }

    /// The first transaction whose embargo has expired.
    pub(crate) fn due(&self, now: Duration) -> Option<T> {
        self.by_time.first().filter(|(end, _)| *end <= now).map(|(_, tx)| tx.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn an_embargo_is_drawn_once_and_expires_once() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut all = Embargoes::new(Duration::from_secs(100));
        all.start(Duration::ZERO, &mut rng, &1);
        let end = all.next().unwrap();
        all.start(Duration::ZERO, &mut rng, &1);
        assert_eq!(all.next(), Some(end));
        assert_eq!(all.due(end - Duration::from_nanos(1)), None);
        assert_eq!(all.due(end), Some(1));
        all.lift(&1);
        assert_eq!((all.next(), all.due(Duration::MAX)), (None, None));
    }
}
