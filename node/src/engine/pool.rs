//! The pool: transactions that fit the tip and each other, until a block takes them.
//!
//! ```text
//! admitted(t)  ⇔  t passes the rules against the tip  ∧  t shares no input, output or excess with one that is there
//! ```
//!
//! The first seen wins a conflict. Order is by fee per weight, then by arrival. The pool is bounded; when it is full, a
//! transaction gets in by paying more per weight than those that leave for it.
//!
//! Guaranteed: any selection of the pool joins into one block body that the rules accept at this tip, but for the
//! weight, which [`Pool::select`] respects. Not guaranteed: that a payment stays (it may be outbid or expire), and
//! chains of unconfirmed payments: an input must be unspent in the chain.

use crate::wire::transaction_id;
use mw::{
    commitment::Commitment,
    error::{ConnectError, Rejection},
    group::PointBytes,
    hash::Hash,
    kernel::{Excess, Kernel},
    rules::{
        Connected, Verified, check_transaction, connect_transaction,
        params::{Chain, weight},
        verify_transaction,
    },
    state::ChainView,
    transaction::{Body, Transaction},
};
use std::{
    cmp::{Ordering, Reverse},
    collections::{HashMap, HashSet},
};

/// How large a pool may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most weight of all together.
    pub weight: u64,
}

impl Default for PoolLimits {
    /// 5,000 transactions, and the weight of 25 blocks of 40,000.
    fn default() -> Self {
        Self { transactions: 5_000, weight: 1_000_000 }
    }
}

/// A transaction is in the way of another, or the pool is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// It is pending already.
    #[error("transaction {0} is pending already: nothing more to do")]
    Known(Hash),
    /// Another pending one spends the same output.
    #[error(
        "output {output} is being spent by pending transaction {pending}: wait until that is sealed or expires"
    )]
    Spent {
        /// Which output.
        output: PointBytes,
        /// By whom.
        pending: Hash,
    },
    /// Another pending one creates the same output.
    #[error(
        "output {output} is being created by pending transaction {pending}: wait, or build the payment anew"
    )]
    Created {
        /// Which output.
        output: PointBytes,
        /// By whom.
        pending: Hash,
    },
    /// Another pending one has the same excess.
    #[error(
        "kernel excess {excess} is that of pending transaction {pending}: wait, or build the payment anew"
    )]
    Excess {
        /// Which excess.
        excess: PointBytes,
        /// Whose.
        pending: Hash,
    },
    /// No room for this fee.
    #[error(
        "the pool is full of transactions that pay as much per weight: wait for a block, or pay a higher fee"
    )]
    Full,
}

/// Why a transaction was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError<E> {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// Others are in its way.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// The store cannot answer; nothing is known about the transaction.
    #[error("the chain's store cannot answer: {0}")]
    View(E),
}

impl<E> From<ConnectError<E>> for AdmitError<E> {
    fn from(e: ConnectError<E>) -> Self {
        match e {
            ConnectError::Refused(r) => Self::Refused(r),
            ConnectError::View(e) => Self::View(e),
        }
    }
}

#[derive(Clone, Debug)]
struct Pending {
    transaction: Verified<Transaction>,
    rate: Rate,
    arrival: u64,
}

impl Pending {
    /// The order of selection: what pays more per weight, then what came first.
    fn rank(&self) -> (Reverse<Rate>, u64) {
        (Reverse(self.rate), self.arrival)
    }
}

/// A fee per weight, compared without division.
#[derive(Clone, Copy, Debug)]
struct Rate {
    fee: u64,
    weight: u64,
}

impl Rate {
    fn of(body: &Body) -> Self {
        Self { fee: body.fees().map_or(0, |f| f.units()), weight: weight(body) }
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |fee: u64, weight: u64| u128::from(fee) * u128::from(weight);
        product(self.fee, other.weight).cmp(&product(other.fee, self.weight))
    }
}
impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Rate {}

/// Pending transactions.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    limits: PoolLimits,
    pending: HashMap<Hash, Pending>,
    spent: HashMap<Commitment, Hash>,
    created: HashMap<Commitment, Hash>,
    excesses: HashMap<Excess, Hash>,
    weight: u64,
    arrivals: u64,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many transactions are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The weight of all together.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// A pending transaction.
    #[must_use]
    pub fn get(&self, id: &Hash) -> Option<&Transaction> {
        self.pending.get(id).map(|p| p.transaction.get())
    }

    /// All pending transactions in order of arrival.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Hash, &Transaction)> {
        let mut all: Vec<_> = self.pending.iter().collect();
        all.sort_unstable_by_key(|(_, p)| p.arrival);
        all.into_iter().map(|(id, p)| (id, p.transaction.get()))
    }

    /// Admits a transaction; returns its id.
    ///
    /// # Errors
    /// [`AdmitError`]; the pool is as before then.
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
        // Cheap answers first: proofs are verified only for what could get in.
        self.clash(&transaction_id(&t), &t)?;
        let well_formed = check_transaction(chain, t)?;
        self.room_for(Rate::of(&well_formed.get().body)).ok_or(Clash::Full)?;
        let verified = verify_transaction(chain, well_formed)?;
        connect_transaction(chain, view, &verified)?;
        Ok(verified)
    }

    /// Admits a transaction that was verified before; returns its id.
    ///
    /// # Errors
    /// [`AdmitError`]; the pool is as before then.
    pub fn admit_verified<V: ChainView>(
        &mut self,
        chain: &Chain,
        view: &V,
        transaction: Verified<Transaction>,
    ) -> Result<Hash, AdmitError<V::Error>> {
        let id = transaction_id(transaction.get());
        self.clash(&id, transaction.get())?;
        connect_transaction(chain, view, &transaction)?;
        let rate = Rate::of(&transaction.get().body);
        let leaving = self.room_for(rate).ok_or(Clash::Full)?;
        leaving.iter().for_each(|id| self.remove(id));
        self.insert(id, Pending { transaction, rate, arrival: self.arrivals });
        Ok(id)
    }

    /// Removes the transactions whose kernels are all in this body; returns their ids in order of arrival.
    pub fn take_sealed(&mut self, body: &Body) -> Vec<Hash> {
        let kernels: HashSet<Hash> = body.kernels.iter().map(Kernel::id).collect();
        let in_body = |t: &Transaction| t.body.kernels.iter().all(|k| kernels.contains(&k.id()));
        let sealed: Vec<Hash> = self.iter().filter(|(_, t)| in_body(t)).map(|(id, _)| *id).collect();
        sealed.iter().for_each(|id| self.remove(id));
        sealed
    }

    /// Drops what no longer fits the tip; returns it with the rule that says so.
    ///
    /// # Errors
    /// When the view cannot answer; the pool is as before then.
    pub fn recheck<V: ChainView>(
        &mut self,
        chain: &Chain,
        view: &V,
    ) -> Result<Vec<(Hash, Rejection)>, V::Error> {
        let mut dropped = Vec::new();
        for (id, p) in &self.pending {
            match connect_transaction(chain, view, &p.transaction) {
                Ok(_) => {}
                Err(ConnectError::Refused(why)) => dropped.push((*id, why)),
                Err(ConnectError::View(e)) => return Err(e),
            }
        }
        dropped.iter().for_each(|(id, _)| self.remove(id));
        Ok(dropped)
    }

    /// The best paying transactions that fit into `limit` of weight, ready to be proposed.
    ///
    /// # Errors
    /// When the view cannot answer.
    pub fn select<V: ChainView>(
        &self,
        chain: &Chain,
        view: &V,
        limit: u64,
    ) -> Result<Vec<Connected<Transaction>>, V::Error> {
        let (mut chosen, mut left) = (Vec::new(), limit);
        for p in self.ranked() {
            if p.rate.weight > left {
                continue;
            }
            match connect_transaction(chain, view, &p.transaction) {
                Ok(t) => {
                    left -= p.rate.weight;
                    chosen.push(t);
                }
                Err(ConnectError::Refused(_)) => {}
                Err(ConnectError::View(e)) => return Err(e),
            }
        }
        Ok(chosen)
    }

    /// Removes a transaction, if it is there.
    pub fn remove(&mut self, id: &Hash) {
        let Some(p) = self.pending.remove(id) else { return };
        let body = &p.transaction.get().body;
        self.weight -= p.rate.weight;
        for c in &body.inputs {
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
        self.spent.extend(body.inputs.iter().map(|c| (*c, id)));
        self.created.extend(body.outputs.iter().map(|o| (o.commitment, id)));
        self.excesses.extend(body.kernels.iter().map(|k| (k.excess, id)));
        self.weight += p.rate.weight;
        self.arrivals += 1;
        self.pending.insert(id, p);
    }

    fn clash(&self, id: &Hash, t: &Transaction) -> Result<(), Clash> {
        if self.pending.contains_key(id) {
            return Err(Clash::Known(*id));
        }
        let Transaction { body, .. } = t;
        let spent = body.inputs.iter().find_map(|c| Some((c, self.spent.get(c)?)));
        let created = body.outputs.iter().find_map(|o| Some((o, self.created.get(&o.commitment)?)));
        let excess = body.kernels.iter().find_map(|k| Some((k, self.excesses.get(&k.excess)?)));
        match (spent, created, excess) {
            (Some((c, by)), _, _) => Err(Clash::Spent { output: c.encoded(), pending: *by }),
            (_, Some((o, by)), _) => Err(Clash::Created { output: o.commitment.encoded(), pending: *by }),
            (_, _, Some((k, by))) => Err(Clash::Excess { excess: k.excess.encoded(), pending: *by }),
            _ => Ok(()),
        }
    }

    /// Who must leave for a transaction of this rate; `None` when one of them pays as much.
    fn room_for(&self, rate: Rate) -> Option<Vec<Hash>> {
        let (mut count, mut weight) = (self.pending.len() + 1, self.weight.checked_add(rate.weight)?);
        let fits = |count, weight| count <= self.limits.transactions && weight <= self.limits.weight;
        if fits(count, weight) {
            return Some(Vec::new());
        }
        let mut worst: Vec<_> = self.pending.iter().filter(|(_, p)| p.rate < rate).collect();
        worst.sort_unstable_by_key(|(_, p)| Reverse(p.rank()));
        let mut leaving = Vec::new();
        for (id, p) in worst {
            (count, weight) = (count - 1, weight - p.rate.weight);
            leaving.push(*id);
            if fits(count, weight) {
                return Some(leaving);
            }
        }
        None
    }

    fn ranked(&self) -> Vec<&Pending> {
        let mut all: Vec<_> = self.pending.values().collect();
        all.sort_unstable_by_key(|p| p.rank());
        all
    }
}
