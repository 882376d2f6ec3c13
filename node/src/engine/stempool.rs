//! The stempool: transactions that were stemmed to this node or submitted to it, until they are public.
//!
//! The crate `sotto-dandelion`, which knows only their names, decides when each leaves. Nothing that peers or
//! programs can observe may depend on what is in here, so conflicting transactions lie side by side: the
//! mempool settles which of them counts.
//!
//! The owner of one coin can make any number of those. Where there is no room for one more, a transaction of
//! the machine that brought the most is fluffed in its place, so only one that brings less than others can
//! end their stems; another key of the same machine uses the same share. What was submitted to this node
//! itself does not count.

use super::peers::ban_score::Whose;
use crate::ledger::mempool::MempoolLimits;
use sotto_mw::{
    aggregate::aggregate,
    chain::Chain,
    hash::Hash,
    rules::{Verified, check_transaction},
    transaction::Transaction,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Transactions that are not public.
#[derive(Debug)]
pub(crate) struct Stempool {
    limits: MempoolLimits,
    all: HashMap<Hash, Stem>,
    /// The weight of what each machine brought.
    loads: BTreeMap<Whose, u64>,
    /// How many transactions peers brought, and their weight.
    brought: (usize, u64),
    arrivals: u64,
}

#[derive(Debug)]
struct Stem {
    transaction: Verified<Transaction>,
    /// The machines that brought it; empty: it was submitted here.
    by: BTreeSet<Whose>,
    arrival: u64,
}

/// Whether a peer may bring one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room.
    Here,
    /// There is room once this one, of a peer that brought more, is fluffed.
    InPlaceOf(Hash),
    /// There is none, and no peer brought more.
    Nowhere,
}

impl Stempool {
    pub(crate) fn new(limits: MempoolLimits) -> Self {
        Self { limits, all: HashMap::new(), loads: BTreeMap::new(), brought: (0, 0), arrivals: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Hash, &Verified<Transaction>)> {
        self.all.iter().map(|(id, w)| (id, &w.transaction))
    }

    pub(crate) fn get(&self, id: &Hash) -> Option<&Transaction> {
        self.all.get(id).map(|w| w.transaction.get())
    }

    /// Whether there is room for one more of this weight from a peer.
    pub(crate) fn room(&self, from: &Whose, weight: u64) -> Room {
        let (count, all) = self.brought;
        if count < self.limits.transactions && all.saturating_add(weight) <= self.limits.weight {
            return Room::Here;
        }
        let its = self.loads.get(from).copied().unwrap_or(0).saturating_add(weight);
        let most = self.loads.iter().max_by_key(|(_, load)| **load).filter(|(_, load)| **load > its);
        let last = most.and_then(|(peer, _)| {
            let theirs = self.all.iter().filter(|(_, w)| w.by.contains(peer));
            theirs.max_by_key(|(_, w)| w.arrival)
        });
        last.map_or(Room::Nowhere, |(id, _)| Room::InPlaceOf(*id))
    }

    /// Adds a transaction that a peer brought, or that was submitted here. One that is here already gets
    /// another sender.
    pub(crate) fn insert(&mut self, id: Hash, t: Verified<Transaction>, from: Option<Whose>) {
        let weight = t.get().body.weight();
        let new = Stem { transaction: t, by: BTreeSet::new(), arrival: self.arrivals };
        self.arrivals += 1;
        let by = &mut self.all.entry(id).or_insert(new).by;
        let first = by.is_empty();
        if let Some(peer) = from.filter(|peer| by.insert(*peer)) {
            *self.loads.entry(peer).or_default() += weight;
            if first {
                self.brought = (self.brought.0 + 1, self.brought.1 + weight);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: &Hash) -> Option<Verified<Transaction>> {
        let Stem { transaction, by, .. } = self.all.remove(id)?;
        let weight = transaction.get().body.weight();
        if !by.is_empty() {
            self.brought = (self.brought.0 - 1, self.brought.1 - weight);
        }
        for peer in by {
            self.loads.entry(peer).and_modify(|load| *load -= weight);
        }
        self.loads.retain(|_, load| *load > 0);
        Some(transaction)
    }

    /// These transactions as they are stemmed: aggregated into one where the next node's rules allow it, else
    /// one by one, each of which was verified when it came.
    pub(crate) fn joined(&self, members: &[Hash], chain: &Chain) -> Vec<Transaction> {
        let all: Vec<Transaction> = members.iter().filter_map(|id| self.get(id)).cloned().collect();
        if all.len() < 2 {
            return all;
        }
        // Balance and proofs of the whole follow from those of the members; its shape does not.
        let one = aggregate(all.iter().cloned()).ok();
        let checked = one.and_then(|one| check_transaction(chain, one).ok());
        checked.map_or(all, |one| vec![one.get().clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerKey;
    use sotto_mw::{
        rules::{check_transaction, verify_transaction},
        testing::TestChain,
    };

    /// The machine that brings most makes room: none loses its stems to one that brings more.
    #[test]
    fn each_peer_has_a_share() {
        let mut test_chain = TestChain::new(43);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (t, _) = test_chain.pay(&[&coin], &[5]);
        let t = verify_transaction(test_chain.chain(), check_transaction(test_chain.chain(), t).unwrap())
            .unwrap();
        let w = t.get().body.weight();
        let (name, peer) = (|n: u8| Hash::from_bytes([n; 32]), |n: u8| Whose::of_this_node(PeerKey([n; 32])));
        let mut stems = Stempool::new(MempoolLimits { transactions: 100, weight: 5 * w });
        (0..3).for_each(|n| stems.insert(name(n), t.clone(), Some(peer(1))));
        (3..5).for_each(|n| stems.insert(name(n), t.clone(), Some(peer(2))));
        (10..20).for_each(|n| stems.insert(name(n), t.clone(), None));
        assert_eq!(stems.room(&peer(3), w), Room::InPlaceOf(name(2)), "the last of him who brought most");
        assert_eq!(stems.room(&peer(1), w), Room::Nowhere);
        assert_eq!(stems.room(&peer(2), w), Room::Nowhere, "as much as the most is no less");
        assert_eq!(stems.room(&peer(3), 9 * w), Room::Nowhere);
        stems.remove(&name(2));
        assert_eq!(stems.room(&peer(3), w), Room::Here);
        // The same from another counts for both, once in all.
        stems.insert(name(0), t.clone(), Some(peer(3)));
        stems.insert(name(0), t.clone(), Some(peer(3)));
        assert_eq!((stems.loads[&peer(3)], stems.brought), (w, (4, 4 * w)));
        stems.insert(name(10), t.clone(), Some(peer(3)));
        assert_eq!(stems.room(&peer(4), w), Room::InPlaceOf(name(10)));
        (0..20).for_each(|n| drop(stems.remove(&name(n))));
        assert!(stems.loads.is_empty() && stems.len() == 0);
        assert_eq!(stems.brought, (0, 0));
    }

    /// The number of what peers bring is bounded too; what leaves gives back its weight, and no more.
    #[test]
    fn room_is_counted_in_transactions_too() {
        let mut test_chain = TestChain::new(43);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (t, _) = test_chain.pay(&[&coin], &[5]);
        let t = verify_transaction(test_chain.chain(), check_transaction(test_chain.chain(), t).unwrap());
        let (t, name) = (t.unwrap(), |n: u8| Hash::from_bytes([n; 32]));
        let w = t.get().body.weight();
        let peer = Whose::of_this_node(PeerKey([1; 32]));
        let mut stems = Stempool::new(MempoolLimits { transactions: 3, weight: 100 * w });
        for n in 0..3 {
            assert_eq!(stems.room(&peer, w), Room::Here);
            stems.insert(name(n), t.clone(), Some(peer));
        }
        assert_eq!(stems.room(&peer, w), Room::Nowhere);
        stems.remove(&name(0));
        assert_eq!((stems.loads[&peer], stems.brought), (2 * w, (2, 2 * w)));
        assert_eq!(stems.room(&peer, w), Room::Here);
        assert!(stems.get(&name(0)).is_none() && stems.get(&name(1)).is_some());
        assert_eq!((stems.iter().count(), stems.len()), (2, 2));
    }

    /// What is stemmed together is one transaction, if the rules allow that, and else each goes by itself.
    #[test]
    fn stems_are_joined_where_that_is_one_transaction() {
        let mut test_chain = TestChain::new(43);
        let coins = [0; 3].map(|_| test_chain.grow(Vec::new()));
        test_chain.mature();
        let chain = test_chain.chain().clone();
        let mut stems = Stempool::new(MempoolLimits::default());
        let mut add = |n: u8, coin: usize| {
            let (t, _) = test_chain.pay(&[&coins[coin]], &[u64::from(n)]);
            let verified = check_transaction(&chain, t.clone()).and_then(|t| verify_transaction(&chain, t));
            stems.insert(Hash::from_bytes([n; 32]), verified.unwrap(), None);
            t
        };
        let [a, b, rival, c] = [add(1, 0), add(2, 1), add(3, 0), add(4, 2)];
        let joined = |all: &[u8]| {
            let all: Vec<Hash> = all.iter().map(|n| Hash::from_bytes([*n; 32])).collect();
            stems.joined(&all, &chain)
        };
        assert_eq!((joined(&[]), joined(&[9])), (vec![], vec![]));
        assert_eq!(joined(&[1, 9]), std::slice::from_ref(&a));
        assert_eq!(joined(&[1, 2]), [aggregate([a.clone(), b.clone()]).unwrap()]);
        assert_eq!(joined(&[1, 2, 4]), [aggregate([a.clone(), b, c]).unwrap()]);
        assert_eq!(joined(&[1, 3]), [a, rival], "of one coin, no transaction spends it twice");
    }
}
