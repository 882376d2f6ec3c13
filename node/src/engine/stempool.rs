//! The stempool: the bytes of what was whispered to this node or made on it, until it is public.
//!
//! When each leaves is decided by the crate `dandelion`, which knows names only. Nothing that peers or programs are told may depend
//! on what is in here, so transactions that exclude each other lie side by side: which of them counts is settled in public.

use super::pool::PoolLimits;
use mw::{
    aggregate::aggregate,
    hash::Hash,
    rules::{Verified, params::weight},
    transaction::Transaction,
};
use std::collections::HashMap;

/// Transactions that are not public.
#[derive(Debug)]
pub(super) struct Stempool {
    limits: PoolLimits,
    all: HashMap<Hash, Verified<Transaction>>,
    weight: u64,
}

impl Stempool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self { limits, all: HashMap::new(), weight: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Hash, &Verified<Transaction>)> {
        self.all.iter()
    }

    pub(super) fn get(&self, id: &Hash) -> Option<&Transaction> {
        self.all.get(id).map(Verified::get)
    }

    /// Whether there is room for one more of this weight.
    pub(super) fn has_room(&self, weight: u64) -> bool {
        self.all.len() < self.limits.transactions && self.weight.saturating_add(weight) <= self.limits.weight
    }

    pub(super) fn insert(&mut self, id: Hash, t: Verified<Transaction>) {
        self.remove(&id);
        self.weight += weight(&t.get().body);
        self.all.insert(id, t);
    }

    pub(super) fn remove(&mut self, id: &Hash) -> Option<Verified<Transaction>> {
        let t = self.all.remove(id)?;
        self.weight -= weight(&t.get().body);
        Some(t)
    }

    /// These transactions as they are whispered on: joined into one, if they join into one that is not too heavy.
    pub(super) fn joined(&self, members: &[Hash], most: u64) -> Vec<Transaction> {
        let all: Vec<Transaction> =
            members.iter().filter_map(|id| self.all.get(id)).map(|t| t.get().clone()).collect();
        match aggregate(all.iter().cloned()) {
            Ok(one) if all.len() > 1 && weight(&one.body) <= most => vec![one],
            _ => all,
        }
    }
}
