//! The queue to one relay: which transactions are in flight, which wait, and which were joined.
//!
//! ```text
//!   waiting ── idle? join all that wait ──▶ in flight ── delivered ──▶ idle
//! ```
//!
//! A transaction waits only while an earlier one is in flight, never in order to be joined. Waiting for
//! company would lengthen each hop, and with it every embargo.

use crate::Id;
use std::collections::BTreeSet;

/// A transaction in its stem phase, and the peer that sent it (`None`: this node's own wallet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StemTx<T, P> {
    pub(crate) tx: T,
    pub(crate) from: Option<P>,
}

/// The transactions for one relay.
#[derive(Clone, Debug)]
pub(crate) struct RelayQueue<T, P> {
    in_flight: Vec<StemTx<T, P>>,
    waiting: Vec<StemTx<T, P>>,
    joined: Vec<Vec<StemTx<T, P>>>,
}

impl<T: Id, P: Id> RelayQueue<T, P> {
    pub(crate) fn new() -> Self {
        Self { in_flight: Vec::new(), waiting: Vec::new(), joined: Vec::new() }
    }

    /// Queues a transaction, unless it already waits.
    pub(crate) fn push(&mut self, stem: StemTx<T, P>) {
        if self.waiting.iter().all(|w| w.tx != stem.tx) {
            self.waiting.push(stem);
        }
    }

    /// The next batch if nothing is in flight: up to `most` waiting transactions, no two of which `conflict`.
    pub(crate) fn next_batch(&mut self, most: usize, conflict: impl Fn(&T, &T) -> bool) -> Vec<T> {
        if !self.in_flight.is_empty() {
            return Vec::new();
        }
        let mut batch: Vec<StemTx<T, P>> = Vec::new();
        self.waiting.retain(|w| {
            let fits = batch.len() < most && !batch.iter().any(|b| conflict(&b.tx, &w.tx));
            if fits {
                batch.push(w.clone());
            }
            !fits
        });
        if batch.len() > 1 {
            self.joined.push(batch.clone());
        }
        self.in_flight = batch;
        self.in_flight.iter().map(|w| w.tx.clone()).collect()
    }

    /// The relay has received the batch in flight.
    pub(crate) fn delivered(&mut self) {
        self.in_flight.clear();
    }

    /// Removes transactions. The other members of every joined transaction that contained one wait again.
    pub(crate) fn remove_all(&mut self, removed: &BTreeSet<T>) {
        self.waiting.retain(|w| !removed.contains(&w.tx));
        let is_broken = |j: &mut Vec<StemTx<T, P>>| j.iter().any(|w| removed.contains(&w.tx));
        let broken: Vec<_> = self.joined.extract_if(.., is_broken).flatten().collect();
        for rest in broken.into_iter().filter(|w| !removed.contains(&w.tx)) {
            self.push(rest);
        }
    }

    /// The transactions that a disconnected relay did not receive.
    pub(crate) fn into_undelivered(self) -> Vec<StemTx<T, P>> {
        [self.in_flight, self.waiting].concat()
    }

    /// Whether the queue holds nothing that has to be remembered.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.waiting.is_empty() && self.joined.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(txs: &[u8]) -> RelayQueue<u8, u8> {
        let mut queue = RelayQueue::new();
        txs.iter().for_each(|tx| queue.push(StemTx { tx: *tx, from: None }));
        queue
    }

    fn never(_: &u8, _: &u8) -> bool {
        false
    }

    #[test]
    fn only_waiting_transactions_are_joined() {
        let mut q = queue(&[1, 1]);
        assert_eq!(q.next_batch(8, never), [1]);
        for tx in [2, 3, 4] {
            q.push(StemTx { tx, from: Some(9) });
            assert_eq!(q.next_batch(8, never), [0; 0], "a batch is in flight");
        }
        q.delivered();
        assert_eq!(q.next_batch(2, never), [2, 3]);
        q.delivered();
        assert_eq!(q.next_batch(2, never), [4]);
    }

    #[test]
    fn conflicting_transactions_go_one_after_another() {
        let mut q = queue(&[1, 3, 2]);
        let odd = |a: &u8, b: &u8| a % 2 == 1 && b % 2 == 1;
        assert_eq!(q.next_batch(8, odd), [1, 2]);
        q.delivered();
        assert_eq!(q.next_batch(8, odd), [3]);
    }

    #[test]
    fn removing_a_member_splits_a_joined_transaction() {
        let mut q = queue(&[1, 2, 3]);
        assert_eq!(q.next_batch(8, never), [1, 2, 3]);
        q.delivered();
        q.remove_all(&BTreeSet::from([2]));
        assert_eq!(q.next_batch(8, never), [1, 3]);
        q.delivered();
        q.remove_all(&BTreeSet::from([1, 3]));
        assert_eq!(q.next_batch(8, never), [0; 0]);
        assert!(q.is_idle());
    }

    #[test]
    fn a_disconnected_relay_gives_back_the_undelivered() {
        let mut q = queue(&[1]);
        q.next_batch(8, never);
        q.delivered();
        q.push(StemTx { tx: 2, from: None });
        q.next_batch(8, never);
        q.push(StemTx { tx: 3, from: None });
        assert_eq!(q.into_undelivered().iter().map(|w| w.tx).collect::<Vec<_>>(), [2, 3]);
    }
}
