//! The stempool: the transactions in their stem phase that this node received or created, until they are
//! public.
//!
//! Transactions are stored by identifier and found by kernel, because a transaction may come back joined with
//! others. No reply to a peer or wallet may depend on the stempool's contents.

use crate::Id;
use std::collections::{BTreeMap, BTreeSet};

/// A transaction that is not public: the kernels that identify it, and its senders (`None`: this node's own
/// wallet).
#[derive(Clone, Debug)]
struct Stem<K, P> {
    kernels: Vec<K>,
    senders: BTreeSet<Option<P>>,
}

/// The transactions in their stem phase.
#[derive(Clone, Debug)]
pub(crate) struct Stempool<T, K, P> {
    stems: BTreeMap<T, Stem<K, P>>,
    by_kernel: BTreeMap<K, BTreeSet<T>>,
    load: BTreeMap<P, usize>,
}

impl<T: Id, K: Id, P: Id> Stempool<T, K, P> {
    pub(crate) fn new() -> Self {
        Self { stems: BTreeMap::new(), by_kernel: BTreeMap::new(), load: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.stems.len()
    }

    pub(crate) fn holds(&self, tx: &T) -> bool {
        self.stems.contains_key(tx)
    }

    /// Whether this node's wallet submitted it.
    pub(crate) fn is_own(&self, tx: &T) -> bool {
        self.stems.get(tx).is_some_and(|s| s.senders.contains(&None))
    }

    /// Its kernels.
    pub(crate) fn kernels(&self, tx: &T) -> &[K] {
        self.stems.get(tx).map_or(&[], |s| &s.kernels)
    }

    /// How many stempool transactions a peer sent.
    pub(crate) fn load(&self, peer: &P) -> usize {
        self.load.get(peer).copied().unwrap_or(0)
    }

    /// Adds a transaction, or another sender of it.
    pub(crate) fn add(&mut self, tx: &T, kernels: &[K], from: Option<&P>) {
        let stem = self
            .stems
            .entry(tx.clone())
            .or_insert_with(|| Stem { kernels: kernels.to_vec(), senders: BTreeSet::new() });
        for kernel in &stem.kernels {
            self.by_kernel.entry(kernel.clone()).or_default().insert(tx.clone());
        }
        if stem.senders.insert(from.cloned())
            && let Some(peer) = from
        {
            *self.load.entry(peer.clone()).or_default() += 1;
        }
    }

    /// Removes a transaction.
    pub(crate) fn remove(&mut self, tx: &T) {
        let Some(stem) = self.stems.remove(tx) else { return };
        for kernel in &stem.kernels {
            if let Some(sharing) = self.by_kernel.get_mut(kernel) {
                sharing.remove(tx);
                if sharing.is_empty() {
                    self.by_kernel.remove(kernel);
                }
            }
        }
        for peer in stem.senders.iter().flatten() {
            if let Some(load) = self.load.get_mut(peer) {
                *load -= 1;
                if *load == 0 {
                    self.load.remove(peer);
                }
            }
        }
    }

    /// The transactions with at least one of these kernels.
    pub(crate) fn sharing(&self, kernels: &[K]) -> BTreeSet<T> {
        kernels.iter().filter_map(|k| self.by_kernel.get(k)).flatten().cloned().collect()
    }

    /// The peers that sent a transaction with one of these kernels.
    pub(crate) fn senders(&self, kernels: &[K]) -> BTreeSet<P> {
        let stems = self.sharing(kernels);
        stems.iter().filter_map(|tx| self.stems.get(tx)).flat_map(|s| &s.senders).flatten().cloned().collect()
    }

    /// Whether `from` sends again all kernels of a transaction that it sent before.
    ///
    /// Fewer kernels are not a repetition: another node has split a joined transaction.
    pub(crate) fn repeats(&self, kernels: &[K], from: Option<&P>) -> bool {
        let (from, given) = (from.cloned(), BTreeSet::from_iter(kernels));
        let stems = self.sharing(kernels);
        let mut stems = stems.iter().filter_map(|tx| self.stems.get(tx));
        stems.any(|s| s.senders.contains(&from) && s.kernels.iter().all(|k| given.contains(k)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_one_sender_and_all_kernels() {
        let mut pool = Stempool::<_, u8, u8>::new();
        pool.add(&"joined", &[1, 2], Some(&7));
        assert!(pool.repeats(&[2, 1], Some(&7)) && pool.repeats(&[1, 2, 3], Some(&7)));
        assert!(!pool.repeats(&[1], Some(&7)) && !pool.repeats(&[2, 3], Some(&7)));
        assert!(!pool.repeats(&[1, 2], Some(&8)) && !pool.repeats(&[1, 2], None));
    }

    #[test]
    fn removing_a_transaction_leaves_nothing_behind() {
        let mut pool = Stempool::new();
        pool.add(&"a", &[1, 2], Some(&7));
        pool.add(&"a", &[1, 2], Some(&8));
        pool.add(&"b", &[2], None);
        assert_eq!((pool.load(&7), pool.load(&8), pool.is_own(&"a"), pool.is_own(&"b")), (1, 1, false, true));
        assert_eq!(pool.senders(&[2]), BTreeSet::from([7, 8]));
        assert_eq!(pool.sharing(&[2]), BTreeSet::from(["a", "b"]));
        pool.remove(&"a");
        pool.remove(&"b");
        assert!(pool.stems.is_empty() && pool.by_kernel.is_empty() && pool.load.is_empty());
    }
}
