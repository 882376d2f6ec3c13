//! Which transactions the next block takes from the mempool.
//!
//! ```text
//! score(t) = fee per weight of t together with its ancestors that are not taken yet
//! repeat: take the best score, parents first, if it fits; then compute the scores of its descendants anew
//! ```
//!
//! So a child can pay for its parent. Aggregation cuts through what one creates and another spends, so the
//! block is at most as heavy as the sum that is counted here.

use crate::ledger::mempool::{Mempool, Pending, Rate};
use sotto_mw::{
    chain::Chain, error::ConnectError, hash::Hash, rules::Connected, state::ChainView,
    transaction::Transaction,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

/// The score of a transaction with its ancestors; of equals, the first that came wins.
type Score = (Rate, Reverse<u64>, Hash);

impl Mempool {
    /// The best paying transactions that fit into `limit` of weight, parents first, ready to be proposed.
    ///
    /// # Errors
    /// When the view cannot answer.
    pub fn select<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        limit: u64,
    ) -> Result<Vec<Connected<Transaction>>, V::Error> {
        let (mut chosen, mut taken, mut refused) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut left = limit;
        let mut heap: BinaryHeap<Score> =
            self.pending.keys().filter_map(|id| self.score(id, &taken)).collect();
        while let Some(score) = heap.pop() {
            let id = score.2;
            // A score that is out of date: the current one is in the heap as well.
            let now = self.score(&id, &taken).filter(|now| *now == score && !taken.contains(&id));
            let package = self.with_ancestors([id], &taken);
            let fits = now.is_some_and(|(rate, ..)| rate.weight <= left);
            if !fits || package.iter().any(|id| refused.contains(id)) {
                continue;
            }
            for id in package {
                let Some(p) = self.pending.get(&id) else { break };
                match self.fit(chain, view, &p.transaction) {
                    Ok(t) => {
                        left -= p.rate.weight;
                        chosen.push(t);
                        taken.insert(id);
                        let changed = self.descendants(p.body());
                        heap.extend(changed.iter().filter_map(|id| self.score(id, &taken)));
                    }
                    Err(ConnectError::Refused(_)) => {
                        refused.insert(id);
                        break;
                    }
                    Err(ConnectError::View(e)) => return Err(e),
                }
            }
        }
        Ok(chosen)
    }

    fn score(&self, id: &Hash, taken: &HashSet<Hash>) -> Option<Score> {
        let p = self.pending.get(id)?;
        let ancestors = self.ancestors(p.body());
        let new = ancestors.iter().filter(|a| !taken.contains(*a)).filter_map(|a| self.pending.get(a));
        let rate = new.map(|p: &Pending| p.rate).chain([p.rate]).sum();
        Some((rate, Reverse(p.arrival), *id))
    }
}
