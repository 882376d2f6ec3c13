//! Packages: pending transactions that depend on each other.
//!
//! ```text
//! parent(t)  creates what t spends     ancestors: parents, and theirs     descendants: children, and theirs
//! worth(t)   the greater of its own rate and that of t with all its descendants: what the mempool loses with it
//! ```
//!
//! The relations are looked up in the tables of what is spent and created, so they cannot disagree with them.
//! Packages are small ([`MAX_PACKAGE`]) except for what a reorganisation returns, and every walk here ends
//! even if the relations went round in a circle.

use crate::ledger::mempool::{
    Mempool, Pending, Rate,
    conflict::{Conflict, MAX_PACKAGE},
};
use sotto_mw::{
    block::Header,
    chain::Chain,
    commitment::Commitment,
    error::ConnectError,
    hash::Hash,
    kernel::Excess,
    output::Output,
    rules::{Connected, Verified, WellFormed, connect_transaction, precheck_transaction},
    state::{ChainView, Sighting, StateCommitments, Unspent},
    terms::Terms,
    transaction::{Body, Transaction},
    trie::Trie,
};
use std::collections::{HashMap, HashSet};

impl Mempool {
    fn parents<'a>(&'a self, body: &'a Body) -> impl Iterator<Item = Hash> + 'a {
        body.spent().filter_map(|c| self.created.get(c).copied())
    }

    fn children<'a>(&'a self, body: &'a Body) -> impl Iterator<Item = Hash> + 'a {
        body.outputs.iter().filter_map(|o| self.spent.get(&o.commitment).copied())
    }

    /// All that is reached from a body by one of the two relations.
    fn reached<'a, I: Iterator<Item = Hash>>(
        &'a self,
        body: &'a Body,
        next: impl Fn(&'a Self, &'a Body) -> I,
    ) -> HashSet<Hash> {
        let (mut seen, mut waiting) = (HashSet::new(), vec![body]);
        while let Some(body) = waiting.pop() {
            for id in next(self, body) {
                if seen.insert(id) {
                    waiting.extend(self.pending.get(&id).map(Pending::body));
                }
            }
        }
        seen
    }

    pub(crate) fn ancestors(&self, body: &Body) -> HashSet<Hash> {
        self.reached(body, |mempool, body| mempool.parents(body))
    }

    pub(crate) fn descendants(&self, body: &Body) -> HashSet<Hash> {
        self.reached(body, |mempool, body| mempool.children(body))
    }

    /// Refuses a transaction whose ancestors would make a package too large.
    pub(crate) fn check_package_limit(&self, ancestors: &HashSet<Hash>) -> Result<(), Conflict> {
        let full = |id: &Hash| {
            let body = self.pending.get(id).map(Pending::body);
            body.is_some_and(|body| self.descendants(body).len() + 2 > MAX_PACKAGE)
        };
        let too_many = ancestors.len() >= MAX_PACKAGE || ancestors.iter().any(full);
        if too_many { Err(Conflict::PackageLimit) } else { Ok(()) }
    }

    /// What the mempool would lose with a transaction, per weight.
    pub(crate) fn worth(&self, p: &Pending) -> Rate {
        let descendants = self.descendants(p.body());
        let all: Rate = descendants.iter().filter_map(|id| self.pending.get(id)).map(|p| p.rate).sum();
        p.rate.max([p.rate, all].into_iter().sum())
    }

    /// All, parents before their children, else in order of arrival.
    pub(crate) fn in_order(&self) -> Vec<Hash> {
        let mut all: Vec<_> = self.pending.iter().map(|(id, p)| (p.arrival, *id)).collect();
        all.sort_unstable();
        self.with_ancestors(all.into_iter().map(|(_, id)| id), &HashSet::new())
    }

    /// These and their ancestors but for some, parents before their children.
    pub(crate) fn with_ancestors(
        &self,
        of: impl IntoIterator<Item = Hash>,
        but: &HashSet<Hash>,
    ) -> Vec<Hash> {
        let (mut order, mut seen) = (Vec::new(), but.clone());
        for id in of {
            let mut waiting = vec![(id, false)];
            while let Some((id, parents_done)) = waiting.pop() {
                if parents_done {
                    order.push(id);
                } else if let Some(p) = self.pending.get(&id).filter(|_| seen.insert(id)) {
                    waiting.push((id, true));
                    waiting.extend(self.parents(p.body()).map(|parent| (parent, false)));
                }
            }
        }
        order
    }

    /// Connects a transaction as part of the next block, together with its parents.
    ///
    /// # Errors
    /// The rule that refuses it, or the view's failure.
    pub fn fit<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        t: &Verified<Transaction>,
    ) -> Result<Connected<Transaction>, ConnectError<V::Error>> {
        connect_transaction(chain, &self.with_parents(view, &t.get().body), t)
    }

    /// Checks a transaction against the state before its proofs are verified.
    pub(crate) fn precheck<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        t: &WellFormed<Transaction>,
    ) -> Result<(), ConnectError<V::Error>> {
        precheck_transaction(chain, &self.with_parents(view, &t.get().body), t)
    }

    fn with_parents<'a, V>(&'a self, view: &'a V, body: &Body) -> WithParents<'a, V> {
        let mut outputs = HashMap::new();
        // One-sided inputs are left out: a one-sided output cannot be spent in the block that creates it.
        for c in &body.inputs {
            let parent = self.created.get(c).and_then(|id| self.pending.get(id));
            let output = parent.and_then(|p| p.body().outputs.iter().find(|o| o.commitment == *c));
            outputs.extend(output.map(|o| (*c, o)));
        }
        WithParents { view, outputs }
    }
}

/// A chain's state, and what a transaction's parents add to it.
struct WithParents<'a, V> {
    view: &'a V,
    outputs: HashMap<Commitment, &'a Output>,
}

impl<V: ChainView> ChainView for WithParents<'_, V> {
    type Error = V::Error;

    fn tip(&self) -> &Header {
        self.view.tip()
    }

    fn terms(&self) -> &Terms {
        self.view.terms()
    }

    fn commitments(&self) -> &StateCommitments {
        self.view.commitments()
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, V::Error> {
        self.view.outputs(keys)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, V::Error> {
        let created = self.view.tip().height.next();
        let parents = || self.outputs.get(c).map(|o| Unspent { created, output: (*o).clone() });
        Ok(self.view.unspent(c)?.or_else(parents))
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, V::Error> {
        self.view.last_seen(e)
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, V::Error> {
        self.view.has_kernel(id)
    }
}
