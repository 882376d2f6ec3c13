//! The ledger: a store and a pool, joined by the rules.
//!
//! ```text
//! submit   transaction ─▶ pool            connect   block ─▶ check ─▶ verify ─▶ connect ─▶ store ─▶ pool again
//! draft    pool ─▶ best transactions ─▶ (a wallet makes the reward) ─▶ propose ─▶ judge ─▶ (an engine seals) ─▶ commit
//! reorganise   a better branch ─▶ every rule, block by block, beside the store ─▶ store, all at once ─▶ pool again
//! ```
//!
//! The pool lies beside the chain in a file (`journal`), so that submitting and sealing can be two processes. It is no truth: a
//! damaged one is set aside, and what does not fit the tip is dropped.
//!
//! Two sealed blocks of one height are kept as evidence, durably, wherever the second comes from: in place of one that was
//! undone, on a branch, or handed in for a height that has a block.

mod branches;
mod journal;
mod originals;
mod sealing;

pub use sealing::Driven;

use crate::{
    audit::{Audit, AuditError, audit},
    edge::store::{Disk, Files, Pruned, Store, StoreError},
    engine::{
        evidence::Evidence,
        fork::ForkError,
        pool::{AdmitError, Clash, Pool, PoolLimits},
    },
    seal::{DoubleSeal, SealedHeader},
};
use journal::Journal;
use originals::Originals;
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    error::{ConnectError, Rejection},
    hash::Hash,
    kernel::{Kernel, Window},
    rules::{
        BlockChange, Connected, Proposal, Verified, check_block, check_transaction, connect_block,
        params::{Chain, Params},
        propose, verify_block, verify_transaction,
    },
    state::ChainView,
    transaction::{Output, Transaction},
};
use std::path::Path;

/// Why the ledger refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A rule refuses the block or transaction.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// Pending transactions are in the way.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// The branch is not better, not ours, or leaves too deep.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The block is sealed, and so is another of its height.
    #[error("block {} was sealed twice: this one is {}, the chain has {}; the evidence is kept", .0.second.header.height, .0.second.header.hash(), .0.first.header.hash())]
    DoubleSeal(Box<DoubleSeal>),
    /// The store failed; nothing is known about the block or transaction.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectError<StoreError>> for LedgerError {
    fn from(e: ConnectError<StoreError>) -> Self {
        match e {
            ConnectError::Refused(r) => Self::Refused(r),
            ConnectError::View(e) => Self::Store(e),
        }
    }
}

impl From<AdmitError<StoreError>> for LedgerError {
    fn from(e: AdmitError<StoreError>) -> Self {
        match e {
            AdmitError::Refused(r) => Self::Refused(r),
            AdmitError::Clash(c) => Self::Clash(c),
            AdmitError::View(e) => Self::Store(e),
        }
    }
}

/// The next block before its reward: what the wallet that makes the reward must know, and what goes in.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The block's height, which the coinbase kernel signs.
    pub height: Height,
    /// The coinbase output's amount: reward and fees.
    pub due: Amount,
    /// What it takes from the pool.
    pub transactions: Vec<Connected<Transaction>>,
}

/// What became of the pool.
#[derive(Debug, Default)]
pub struct PoolChange {
    /// Transactions whose kernels are all in the block.
    pub sealed: Vec<Hash>,
    /// Other transactions that no longer fit the tip, and the rule that says so.
    pub dropped: Vec<(Hash, Rejection)>,
    /// The pool's file was damaged and set aside when the ledger was opened; what it held before the damage is here.
    pub set_aside: bool,
    /// The pool's file could not be written, and is as it was before; what matters of it is found out on opening.
    pub unsaved: Option<StoreError>,
    /// Blocks of this change whose height has another sealed block: an alarm, with its evidence.
    pub alarms: Vec<DoubleSeal>,
}

/// A change of branches.
#[derive(Debug)]
pub struct Reorganised {
    /// The blocks that were taken back, the last first.
    pub undone: Vec<Block>,
    /// What became of the pool, into which the undone payments went; those that no longer fit are among the dropped.
    pub pool: PoolChange,
}

/// A chain and its pending transactions.
#[derive(Debug)]
pub struct Ledger<F: Files = Disk> {
    store: Store<F>,
    pool: Pool,
    evidence: Evidence,
    opened: PoolChange,
    journal: Journal,
    originals: Originals,
}

impl Ledger {
    /// Creates the ledger of a new chain in a directory.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create(dir: &Path, params: Params) -> Result<Self, LedgerError> {
        Self::over(Store::create(dir, params)?, PoolLimits::default())
    }

    /// Opens the ledger in a directory.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::over(Store::open(dir)?, PoolLimits::default())
    }
}

impl<F: Files> Ledger<F> {
    /// The ledger over a store, with the pool that lies beside it.
    ///
    /// # Errors
    /// When the store cannot answer, the evidence is damaged, or one of both files there belongs to another chain.
    pub fn over(store: Store<F>, limits: PoolLimits) -> Result<Self, LedgerError> {
        let evidence = branches::load_evidence(&store)?;
        let mut ledger = Self {
            store,
            pool: Pool::new(limits),
            evidence,
            opened: PoolChange::default(),
            journal: Journal::default(),
            originals: Originals::default(),
        };
        ledger.opened = ledger.load_pool()?;
        Ok(ledger)
    }

    /// The chain on disk.
    #[must_use]
    pub const fn store(&self) -> &Store<F> {
        &self.store
    }

    pub(crate) const fn store_mut(&mut self) -> &mut Store<F> {
        &mut self.store
    }

    /// The pending transactions.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The chain's parameters.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        self.store.chain()
    }

    /// The last header.
    #[must_use]
    pub fn tip(&self) -> &Header {
        self.store.tip()
    }

    /// What became of the pool when the ledger was opened.
    #[must_use]
    pub const fn opened(&self) -> &PoolChange {
        &self.opened
    }

    /// Admits a transaction to the pool, durably; returns its id.
    ///
    /// # Errors
    /// The rule or the pending transaction that stands against it, or the store's failure.
    pub fn submit(&mut self, t: Transaction) -> Result<Hash, LedgerError> {
        let t = self.judge(t)?;
        self.write_down(t.get())?;
        self.save_pool()?;
        Ok(self.pool.admit_verified(self.store.chain(), &self.store, t)?)
    }

    /// What the rules and the pool say to a transaction, which stays where it is: verified, if it could be admitted now.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn judge(&self, t: Transaction) -> Result<Verified<Transaction>, LedgerError> {
        Ok(self.pool.judge(self.store.chain(), &self.store, t)?)
    }

    /// What the rules and the pool say to a transaction that was verified before.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn admits(&self, t: &Verified<Transaction>) -> Result<(), LedgerError> {
        Ok(self.pool.admits(self.store.chain(), &self.store, t)?)
    }

    /// What the rules say to a transaction whatever the state: verified, if they have nothing against it.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn verify(&self, t: Transaction) -> Result<Verified<Transaction>, LedgerError> {
        Ok(verify_transaction(self.chain(), check_transaction(self.chain(), t)?)?)
    }

    /// Whether the chain has all kernels of a transaction.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn has_sealed(&self, t: &Transaction) -> Result<bool, StoreError> {
        for k in &t.body.kernels {
            if !self.store.has_kernel(&k.id())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rule that keeps a transaction out of every block to come, if its window is over.
    #[must_use]
    pub fn expired(&self, t: &Transaction) -> Option<Rejection> {
        let height = self.tip().height.next();
        let windows = t.body.kernels.iter().map(|k| k.features.window(self.chain().params().window_width));
        let Window { not_before, not_after } = windows.min_by_key(|w| w.not_after)?;
        (not_after < height).then_some(Rejection::OutsideWindow { height, not_before, not_after })
    }

    /// Whether chain and pool still allow a transaction.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn still_fits(&self, t: &Verified<Transaction>) -> Result<bool, StoreError> {
        match self.pool.fit(self.store.chain(), &self.store, t) {
            Ok(_) => Ok(true),
            Err(ConnectError::Refused(_)) => Ok(false),
            Err(ConnectError::View(e)) => Err(e),
        }
    }

    /// Admits a verified transaction to the pool; returns its id. It is written down at once, which survives a kill, and with
    /// [`Ledger::save_pool`] the loss of power.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn receive(&mut self, t: Verified<Transaction>) -> Result<Hash, LedgerError> {
        let id = self.pool.admit_verified(self.store.chain(), &self.store, t)?;
        if let Some(t) = self.pool.get(&id).cloned() {
            // If there is no room now, saving tries again and says so.
            drop(self.write_down(&t));
        }
        Ok(id)
    }

    /// What the next block would hold.
    ///
    /// # Errors
    /// When the store cannot answer, or the reward and fees do not fit 64 bits.
    pub fn draft(&self) -> Result<Draft, LedgerError> {
        let transactions = self.pool.select(self.chain(), &self.store, self.chain().room())?;
        let fees = transactions
            .iter()
            .map(|t| t.get().body.fees())
            .try_fold(Amount::ZERO, |sum, fees| sum.checked_add(fees?));
        let due =
            fees.and_then(|f| f.checked_add(self.chain().params().reward)).ok_or(Rejection::FeeOverflow)?;
        Ok(Draft { height: self.tip().height.next(), due, transactions })
    }

    /// The next block, but for its seal: a draft with its reward. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// The rule that the block would break, or the store's failure.
    pub fn propose(
        &self,
        draft: &Draft,
        reward: (Output, Kernel),
        time: u64,
    ) -> Result<Proposal, LedgerError> {
        Ok(propose(self.chain(), &self.store, &draft.transactions, reward, time)?)
    }

    /// Connects a block durably; returns what left the pool for it.
    ///
    /// # Errors
    /// The rule that refuses it, or the store's failure; in both cases the chain is at the block before, or, if the
    /// store failed and is opened again, at this block. [`LedgerError::DoubleSeal`] when the chain has another block of
    /// that height.
    pub fn connect(&mut self, block: Block) -> Result<PoolChange, LedgerError> {
        if let Some(twice) = self.see(&SealedHeader::of(&block))? {
            return Err(LedgerError::DoubleSeal(Box::new(twice)));
        }
        let block = check_block(self.chain(), block)?;
        let block = verify_block(self.chain(), self.tip(), block)?;
        let block = connect_block(self.chain(), &self.store, block)?;
        self.append(&block)
    }

    /// Adds a block that was checked, durably.
    fn append(&mut self, block: &Connected<BlockChange>) -> Result<PoolChange, LedgerError> {
        self.store.apply(block)?;
        let mut pool = self.pool.clone();
        let sealed = self.take_sealed(&mut pool, &block.get().block);
        let dropped = pool.recheck(self.store.chain(), &self.store)?;
        let unsaved = self.put(pool);
        let alarms = self.evidence.against(&SealedHeader::of(&block.get().block));
        Ok(PoolChange { sealed, dropped, unsaved, alarms, ..PoolChange::default() })
    }

    /// Takes the last block back, durably, and puts its payments into the pool again: one by one if it took them from there lately,
    /// else joined. Its seal is remembered: another block in its place is a double seal.
    ///
    /// # Errors
    /// As [`Store::undo`].
    pub fn undo(&mut self) -> Result<(Block, PoolChange), LedgerError> {
        let last = self.store.sealed_header(self.tip().height)?;
        self.witness(last.as_slice())?;
        let block = self.store.undo()?;
        let mut pool = self.pool.clone();
        let mut dropped = Vec::new();
        self.return_payments(&mut pool, (&block, &self.tip().total_offset), &mut dropped)?;
        dropped.extend(pool.recheck(self.store.chain(), &self.store)?);
        let unsaved = self.put(pool);
        Ok((block, PoolChange { dropped, unsaved, ..PoolChange::default() }))
    }

    /// Drops the bodies of all blocks that are final, durably: see [`Store::prune`].
    ///
    /// # Errors
    /// As [`Store::prune`].
    pub fn prune(&mut self) -> Result<Pruned, LedgerError> {
        Ok(self.store.prune()?)
    }

    /// Verifies everything on disk anew: see [`crate::audit`]. `progress` gets the height done and the tip's.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn audit(&self, progress: impl FnMut(Height, Height)) -> Result<Audit, AuditError> {
        audit(&self.store, progress)
    }
}
