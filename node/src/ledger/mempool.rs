//! The mempool: transactions that fit the tip and each other, until a block includes them.
//!
//! ```text
//! admitted(t)  ⇔  t passes the rules against the tip and the outputs of its parents
//!               ∧  t shares no input, output or excess with a pending transaction
//! ```
//!
//! The first seen wins a conflict. A transaction may spend an output of a pending one: that is its *parent*,
//! and it stays and goes with it (`package`). `select` decides what a block takes. The mempool is
//! bounded; when it is full, a transaction gets in by paying more per weight than those that leave for it,
//! each with its descendants.
//!
//! Guaranteed: any selection of the mempool aggregates into one block body that the rules accept at this tip,
//! except for the weight, which [`Mempool::select`] respects. Not guaranteed: that a payment stays (it may be
//! outbid or expire).

pub mod conflict;
pub(crate) mod package;
pub(crate) mod rate;
pub(crate) mod select;

use crate::codec::transaction_id;
use conflict::{AdmitError, Conflict};
use rate::Rate;
use sotto_mw::{
    chain::Chain,
    commitment::Commitment,
    error::{ConnectError, Rejection},
    hash::Hash,
    kernel::{Excess, Kernel},
    rules::{Verified, WellFormed, check_transaction, verify_transaction},
    state::ChainView,
    transaction::{Body, Transaction},
};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

/// How large a mempool may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most weight of all together.
    pub weight: u64,
}

impl Default for MempoolLimits {
    /// 5,000 transactions, and the weight of 25 blocks of 40,000.
    fn default() -> Self {
        Self { transactions: 5_000, weight: 1_000_000 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    transaction: Verified<Transaction>,
    rate: Rate,
    arrival: u64,
}

impl Pending {
    fn body(&self) -> &Body {
        &self.transaction.get().body
    }
}

/// Pending transactions.
#[derive(Clone, Debug, Default)]
pub struct Mempool {
    limits: MempoolLimits,
    pending: HashMap<Hash, Pending>,
    spent: HashMap<Commitment, Hash>,
    created: HashMap<Commitment, Hash>,
    excesses: HashMap<Excess, Hash>,
    weight: u64,
    arrivals: u64,
    departures: u64,
}

impl Mempool {
    /// An empty mempool.
    #[must_use]
    pub fn new(limits: MempoolLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many transactions are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether no transaction is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The weight of all together.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// How many have left so far.
    pub(crate) const fn departures(&self) -> u64 {
        self.departures
    }

    /// A pending transaction.
    #[must_use]
    pub fn get(&self, id: &Hash) -> Option<&Transaction> {
        self.pending.get(id).map(|p| p.transaction.get())
    }

    /// All pending transactions, parents before their children, else in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&Hash, &Transaction)> {
        let all = self.in_order().into_iter();
        all.filter_map(|id| self.pending.get_key_value(&id)).map(|(id, p)| (id, p.transaction.get()))
    }

    /// Admits a transaction; returns its id.
    ///
    /// # Errors
    /// [`AdmitError`]; the mempool is unchanged then.
    pub fn admit<V: ChainView>(
        &mut self,
        chain: &Chain,
        view: &V,
        t: Transaction,
    ) -> Result<Hash, AdmitError<V::Error>> {
        let t = self.judge(chain, view, t)?;
        self.admit_verified(chain, view, t)
    }

    /// Verifies a transaction that could be admitted.
    ///
    /// # Errors
    /// [`AdmitError`], if it could not.
    pub fn judge<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        t: Transaction,
    ) -> Result<Verified<Transaction>, AdmitError<V::Error>> {
        let well_formed = self.prejudge(chain, view, t)?;
        let verified = verify_transaction(chain, well_formed)?;
        self.fit(chain, view, &verified)?;
        Ok(verified)
    }

    /// Whether a transaction could be admitted if its proofs hold. They are verified only for what passes
    /// this, which costs its maker a coin.
    ///
    /// # Errors
    /// [`AdmitError`], if it could not.
    pub fn prejudge<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        t: Transaction,
    ) -> Result<WellFormed<Transaction>, AdmitError<V::Error>> {
        self.clash(&transaction_id(&t), &t)?;
        let well_formed = check_transaction(chain, t)?;
        self.precheck(chain, view, &well_formed)?;
        self.room_for(&well_formed.get().body)?;
        Ok(well_formed)
    }

    /// Whether a transaction that was verified before could be admitted.
    ///
    /// # Errors
    /// [`AdmitError`], if it could not.
    pub fn admits<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        t: &Verified<Transaction>,
    ) -> Result<(), AdmitError<V::Error>> {
        self.clash(&transaction_id(t.get()), t.get())?;
        self.fit(chain, view, t)?;
        self.room_for(&t.get().body)?;
        Ok(())
    }

    /// Whether a transaction is pending: by itself, or aggregated with others.
    #[must_use]
    pub fn covers(&self, t: &Transaction) -> bool {
        t.body.kernels.iter().all(|k| {
            let pending = self.excesses.get(&k.excess).and_then(|id| self.get(id));
            pending.is_some_and(|p| p.body.kernels.iter().any(|other| other.id() == k.id()))
        })
    }

    /// Admits a transaction that was verified before; returns its id.
    ///
    /// # Errors
    /// [`AdmitError`]; the mempool is unchanged then.
    pub fn admit_verified<V: ChainView>(
        &mut self,
        chain: &Chain,
        view: &V,
        transaction: Verified<Transaction>,
    ) -> Result<Hash, AdmitError<V::Error>> {
        let id = transaction_id(transaction.get());
        self.clash(&id, transaction.get())?;
        self.fit(chain, view, &transaction)?;
        let rate = Rate::of(&transaction.get().body);
        let leaving = self.room_for(&transaction.get().body)?;
        leaving.iter().for_each(|id| self.remove(id));
        self.insert(id, Pending { transaction, rate, arrival: self.arrivals });
        Ok(id)
    }

    /// Removes and returns the transactions whose kernels are all in this body, parents first.
    pub fn take_sealed(&mut self, body: &Body) -> Vec<(Hash, Transaction)> {
        let kernels: HashSet<Hash> = body.kernels.iter().map(Kernel::id).collect();
        let in_body = |t: &Transaction| t.body.kernels.iter().all(|k| kernels.contains(&k.id()));
        let sealed = self.iter().filter(|(_, t)| in_body(t)).map(|(id, t)| (*id, t.clone()));
        let sealed: Vec<_> = sealed.collect();
        sealed.iter().for_each(|(id, _)| self.remove(id));
        sealed
    }

    /// Drops what no longer fits the tip, and what depends on it; returns each with the rule that says so.
    ///
    /// # Errors
    /// When the view cannot answer; what was dropped until then is gone.
    pub fn recheck<V: ChainView>(
        &mut self,
        chain: &Chain,
        view: &V,
    ) -> Result<Vec<(Hash, Rejection)>, V::Error> {
        let mut dropped = Vec::new();
        for id in self.in_order() {
            let Some(p) = self.pending.get(&id) else { continue };
            match self.fit(chain, view, &p.transaction) {
                Ok(_) => {}
                Err(ConnectError::Refused(why)) => {
                    dropped.push((id, why));
                    self.remove(&id);
                }
                Err(ConnectError::View(e)) => return Err(e),
            }
        }
        Ok(dropped)
    }

    /// Removes a transaction, if it is pending. Its children stay, and no longer fit unless its outputs are
    /// in the chain.
    pub fn remove(&mut self, id: &Hash) {
        let Some(p) = self.pending.remove(id) else { return };
        let body = &p.transaction.get().body;
        self.weight -= p.rate.weight;
        self.departures += 1;
        for c in body.spent() {
            self.spent.remove(c);
        }
        for o in &body.outputs {
            self.created.remove(&o.commitment);
        }
        for k in &body.kernels {
            self.excesses.remove(&k.excess);
        }
    }

    fn insert(&mut self, id: Hash, p: Pending) {
        let body = &p.transaction.get().body;
        self.spent.extend(body.spent().map(|c| (*c, id)));
        self.created.extend(body.outputs.iter().map(|o| (o.commitment, id)));
        self.excesses.extend(body.kernels.iter().map(|k| (k.excess, id)));
        self.weight += p.rate.weight;
        self.arrivals += 1;
        self.pending.insert(id, p);
    }

    fn clash(&self, id: &Hash, t: &Transaction) -> Result<(), Conflict> {
        if self.pending.contains_key(id) {
            return Err(Conflict::Known(*id));
        }
        let Transaction { body, .. } = t;
        let spent = body.spent().find_map(|c| Some((c, self.spent.get(c)?)));
        let created = body.outputs.iter().find_map(|o| Some((o, self.created.get(&o.commitment)?)));
        let excess = body.kernels.iter().find_map(|k| Some((k, self.excesses.get(&k.excess)?)));
        match (spent, created, excess) {
            (Some((c, by)), _, _) => Err(Conflict::Spent { output: c.encoded(), pending: *by }),
            (_, Some((o, by)), _) => Err(Conflict::Created { output: o.commitment.encoded(), pending: *by }),
            (_, _, Some((k, by))) => Err(Conflict::Excess { excess: k.excess.encoded(), pending: *by }),
            _ => Ok(()),
        }
    }

    /// Which transactions must leave for one with this body.
    fn room_for(&self, body: &Body) -> Result<Vec<Hash>, Conflict> {
        let (rate, ancestors) = (Rate::of(body), self.ancestors(body));
        self.check_package_limit(&ancestors)?;
        let (mut count, mut weight) = (self.pending.len() + 1, self.weight.saturating_add(rate.weight));
        let fits = |count, weight| count <= self.limits.transactions && weight <= self.limits.weight;
        let mut leaving = HashSet::new();
        if fits(count, weight) {
            return Ok(Vec::new());
        }
        // A transaction whose package is worth less also pays less itself.
        let worse = |(id, p): &(&Hash, &Pending)| p.rate < rate && !ancestors.contains(id);
        let mut worst: Vec<_> = self.pending.iter().filter(worse).collect();
        worst.sort_by_cached_key(|(_, p)| (self.worth(p), Reverse(p.arrival)));
        for (id, p) in worst {
            if self.worth(p) >= rate {
                break;
            }
            for gone in self.descendants(p.body()).into_iter().chain([*id]) {
                if let Some(p) = self.pending.get(&gone).filter(|_| leaving.insert(gone)) {
                    (count, weight) = (count - 1, weight - p.rate.weight);
                }
            }
            if fits(count, weight) {
                return Ok(leaving.into_iter().collect());
            }
        }
        Err(Conflict::Full)
    }
}
