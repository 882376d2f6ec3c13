//! The ledger itself: what is submitted, drafted, connected and undone.

use crate::{
    codec::transaction_id,
    ledger::{
        audit::{Audit, AuditError, audit},
        equivocations::{self, Equivocations},
        error::{LedgerError, MempoolChange, OtherCheckpoint},
        evidence::{Evidence, load_evidence},
        journal::Journal,
        mempool::{Mempool, MempoolLimits, conflict::AdmitError},
        mempool_file::Tail,
        opened::{self, OpenedRequests},
        originals::Originals,
        pending_changes::{ChangeRefused, PendingChanges},
    },
    message::BlockName,
    seal::SealedHeader,
    storage::{Pruned, Store, StoreError},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header, Reward, Seal},
    chain::Chain,
    error::{ConnectError, Rejection},
    hash::Hash,
    kernel::Window,
    rules::{
        BlockChange, Connected, NextBlock, Proposal, ProposalChange, Verified, WellFormed, check_block,
        check_transaction, connect_block, connect_proposal, propose, seal_proposal, verify_block,
        verify_transaction,
    },
    state::ChainView,
    terms::SignedChange,
    transaction::Transaction,
};

/// The next block before its reward: its transactions, and what the wallet that makes the reward needs.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The block's height, which the coinbase kernel signs.
    pub height: Height,
    /// The coinbase output's amount: reward and fees.
    pub due: Amount,
    /// The transactions that it takes from the mempool.
    pub transactions: Vec<Connected<Transaction>>,
    /// The change of the terms that it takes, if one waits and the block may contain it.
    pub change: Option<SignedChange>,
}

/// A chain and its pending transactions.
///
/// ```
/// use sotto_mw::testing::TestChain;
/// use sotto_node::{Layout, Ledger, Memory, MempoolLimits, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut chain = TestChain::new(2);
/// let coin = chain.grow(Vec::new());
/// chain.mature();
/// let store = Store::create_on(Memory::new(), Layout::in_memory(), chain.chain().params().clone())?;
/// let mut ledger = Ledger::over(store, MempoolLimits::default())?;
/// for block in chain.blocks() {
///     ledger.connect(block.clone())?;
/// }
///
/// // A payment waits in the mempool until a block seals it.
/// let (payment, _) = chain.pay(&[&coin], &[5]);
/// let id = ledger.submit(payment.clone())?;
/// assert!(ledger.mempool().get(&id).is_some());
/// chain.grow(vec![payment]);
/// let change = ledger.connect(chain.blocks().last().unwrap().clone())?;
/// assert_eq!(change.sealed, [id]);
///
/// // Everything on disk, verified anew: the supply is what the rewards add up to.
/// let audit = ledger.audit(|_, _| {})?;
/// assert_eq!(audit.height, ledger.tip().height);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ledger {
    pub(crate) store: Store,
    pub(crate) mempool: Mempool,
    pub(crate) evidence: Evidence,
    pub(crate) equivocations: Equivocations,
    pub(crate) requests: OpenedRequests,
    pub(crate) opened: MempoolChange,
    pub(crate) journal: Journal,
    pub(crate) originals: Originals,
    checkpoints: Vec<BlockName>,
    pub(crate) changes: PendingChanges,
}

impl Ledger {
    /// The ledger over a store, with the mempool and the evidence in the files beside it.
    ///
    /// # Errors
    /// When the store cannot answer, the evidence is damaged, or one of both files there belongs to another
    /// chain.
    pub fn over(mut store: Store, limits: MempoolLimits) -> Result<Self, LedgerError> {
        let evidence = load_evidence(&store)?;
        let (equivocations, evidence_set_aside) = equivocations::load(&mut store)?;
        let (requests, requests_set_aside) = opened::load(&mut store)?;
        let mut ledger = Self {
            store,
            mempool: Mempool::new(limits),
            evidence,
            equivocations,
            requests,
            opened: MempoolChange::default(),
            journal: Journal::default(),
            originals: Originals::default(),
            checkpoints: Vec::new(),
            changes: PendingChanges::default(),
        };
        ledger.opened = MempoolChange { evidence_set_aside, requests_set_aside, ..ledger.load_mempool()? };
        Ok(ledger)
    }

    /// The ledger that follows only a chain with these blocks.
    ///
    /// # Errors
    /// [`OtherCheckpoint`] when it follows another already, or the store's failure.
    pub fn with_checkpoints(mut self, checkpoints: Vec<BlockName>) -> Result<Self, LedgerError> {
        self.checkpoints = checkpoints;
        for checkpoint in &self.checkpoints {
            if let Some(header) = self.store.header(checkpoint.height)? {
                self.fits_checkpoints(&header)?;
            }
        }
        Ok(self)
    }

    /// The blocks that its chain must have.
    #[must_use]
    pub fn checkpoints(&self) -> &[BlockName] {
        &self.checkpoints
    }

    /// The highest of them, if the chain has not come there yet.
    #[must_use]
    pub fn checkpoint_ahead(&self) -> Option<BlockName> {
        self.checkpoints.iter().copied().max().filter(|c| c.height > self.tip().height)
    }

    /// Whether a header is not that of a checkpoint of its height.
    ///
    /// # Errors
    /// [`OtherCheckpoint`] then.
    pub fn fits_checkpoints(&self, header: &Header) -> Result<(), OtherCheckpoint> {
        let mut of_height = self.checkpoints.iter().filter(|c| c.height == header.height);
        let found = header.hash();
        match of_height.find(|c| c.hash != found) {
            Some(&checkpoint) => Err(OtherCheckpoint { checkpoint, found }),
            None => Ok(()),
        }
    }

    /// The chain on disk.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The pending transactions.
    #[must_use]
    pub const fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// The chain's parameters.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        self.store.chain()
    }

    /// The last header.
    #[must_use]
    pub fn tip(&self) -> &Header {
        self.store.tip()
    }

    /// Evidence against validators.
    #[must_use]
    pub const fn equivocations(&self) -> &Equivocations {
        &self.equivocations
    }

    /// The changes of the terms that wait for a block.
    #[must_use]
    pub const fn changes(&self) -> &PendingChanges {
        &self.changes
    }

    /// Lets a change of the terms wait for a block that may contain it; says whether it is news.
    ///
    /// # Errors
    /// The rule that refuses it, or that too many wait.
    pub fn submit_change(&mut self, change: SignedChange) -> Result<bool, ChangeRefused> {
        let at = (self.store.terms(), self.store.tip().height.next());
        self.changes.take(self.store.chain(), at, change)
    }

    /// The change that the next block may contain, if one waits.
    #[must_use]
    pub fn due_change(&self) -> Option<&SignedChange> {
        self.changes.due(self.chain(), (self.store.terms(), self.tip().height.next()))
    }

    /// Drops the changes that can no longer be in a block, now that the tip is another.
    pub(crate) fn advance_changes(&mut self) {
        let at = (self.store.terms(), self.store.tip().height.next());
        self.changes.advance(self.store.chain(), at);
    }

    /// What became of the mempool when the ledger was opened.
    #[must_use]
    pub const fn opened(&self) -> &MempoolChange {
        &self.opened
    }

    /// Admits a transaction to the mempool, durably; returns its id.
    ///
    /// # Errors
    /// The rule that it breaks, the pending transaction that it conflicts with, or the store's failure.
    pub fn submit(&mut self, t: Transaction) -> Result<Hash, LedgerError> {
        let t = self.judge(t)?;
        self.journal.append(&mut self.store, &self.mempool, t.get())?;
        self.save_mempool()?;
        Ok(self.mempool.admit_verified(self.store.chain(), &self.store, t)?)
    }

    /// Verifies a transaction that could be admitted to the mempool now, without admitting it.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn judge(&self, t: Transaction) -> Result<Verified<Transaction>, LedgerError> {
        Ok(self.mempool.judge(self.store.chain(), &self.store, t)?)
    }

    /// Whether a transaction could be admitted to the mempool now if its proofs hold.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn precheck(&self, t: Transaction) -> Result<WellFormed<Transaction>, LedgerError> {
        Ok(self.mempool.prejudge(self.store.chain(), &self.store, t)?)
    }

    /// Whether a transaction that was verified before could be admitted to the mempool now.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn admits(&self, t: &Verified<Transaction>) -> Result<(), LedgerError> {
        Ok(self.mempool.admits(self.store.chain(), &self.store, t)?)
    }

    /// Verifies a transaction by the rules that do not depend on the state.
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

    /// Whether the chain and the mempool still allow a transaction.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn still_fits(&self, t: &Verified<Transaction>) -> Result<bool, StoreError> {
        match self.mempool.fit(self.store.chain(), &self.store, t) {
            Ok(_) => Ok(true),
            Err(ConnectError::Refused(_)) => Ok(false),
            Err(ConnectError::View(e)) => Err(e),
        }
    }

    /// Admits a verified transaction to the mempool; returns its id. It is written at once, which survives a
    /// kill, and with [`Ledger::save_mempool`] the loss of power.
    ///
    /// # Errors
    /// As [`Ledger::submit`].
    pub fn receive(&mut self, t: Verified<Transaction>) -> Result<Hash, LedgerError> {
        let id = self.mempool.admit_verified(self.store.chain(), &self.store, t)?;
        if let Some(t) = self.mempool.get(&id).cloned() {
            // If there is no room now, saving tries again and reports it.
            drop(self.journal.append(&mut self.store, &self.mempool, &t));
        }
        Ok(id)
    }

    /// What the next block would hold.
    ///
    /// # Errors
    /// When the store cannot answer, or the reward and fees do not fit 64 bits.
    pub fn draft(&self) -> Result<Draft, LedgerError> {
        let transactions = self.mempool.select(self.chain(), &self.store, self.chain().room())?;
        let fees = transactions
            .iter()
            .map(|t| t.get().body.fees())
            .try_fold(Amount::ZERO, |sum, fees| sum.checked_add(fees?));
        let due =
            fees.and_then(|f| f.checked_add(self.chain().params().reward)).ok_or(Rejection::FeeOverflow)?;
        let change = self.due_change().cloned();
        Ok(Draft { height: self.tip().height.next(), due, transactions, change })
    }

    /// The next block, but for its seal: a draft with its reward. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// The rule that the block would break, or the store's failure.
    pub fn propose(&self, draft: &Draft, reward: Reward, time: u64) -> Result<Proposal, LedgerError> {
        let next =
            NextBlock { transactions: &draft.transactions, reward, time, change: draft.change.clone() };
        Ok(propose(self.chain(), &self.store, next)?)
    }

    /// Judges a proposal for the next block, this ledger's or another's.
    ///
    /// # Errors
    /// The rule that refuses it, MW-R18 when it is for another tip, or the store's failure.
    pub fn judge_proposal(&self, proposal: Proposal) -> Result<Connected<ProposalChange>, LedgerError> {
        Ok(connect_proposal(self.chain(), &self.store, proposal)?)
    }

    /// Connects a proposal that was judged, under its certificate, durably; returns what left the mempool for
    /// it.
    ///
    /// # Errors
    /// MW-R18 when the tip has moved since, MW-R21 when it is no certificate, or as [`Ledger::connect`].
    pub fn commit(
        &mut self,
        judged: Connected<ProposalChange>,
        certificate: impl Into<Seal>,
    ) -> Result<MempoolChange, LedgerError> {
        let (tip, height) = (self.tip().hash(), self.tip().height);
        if *judged.parent() != tip {
            return Err(Rejection::NotNext { tip, height }.into());
        }
        let block = seal_proposal(self.chain(), judged, certificate)?;
        self.append(&block)
    }

    /// Connects a block durably; returns what left the mempool for it.
    ///
    /// # Errors
    /// The rule that refuses it, or the store's failure; in both cases the chain is at the block before, or,
    /// if the store failed and is opened again, at this block. [`LedgerError::DoubleSeal`] when the chain has
    /// another block of that height.
    pub fn connect(&mut self, block: Block) -> Result<MempoolChange, LedgerError> {
        if let Some(twice) = self.see(&SealedHeader::of(&block))? {
            return Err(LedgerError::DoubleSeal(Box::new(twice)));
        }
        let block = check_block(self.chain(), block)?;
        let block = verify_block(self.chain(), self.tip(), block)?;
        let block = connect_block(self.chain(), &self.store, block)?;
        self.append(&block)
    }

    /// Adds a block that was checked, durably.
    fn append(&mut self, block: &Connected<BlockChange>) -> Result<MempoolChange, LedgerError> {
        self.fits_checkpoints(&block.get().block.header)?;
        self.store.apply(block)?;
        self.advance_changes();
        let mut mempool = self.mempool.clone();
        let sealed = self.take_sealed(&mut mempool, &block.get().block);
        let dropped = mempool.recheck(self.store.chain(), &self.store)?;
        let unsaved = self.put(mempool);
        let alarms = self.evidence.against(&SealedHeader::of(&block.get().block));
        Ok(MempoolChange { sealed, dropped, unsaved, alarms, ..MempoolChange::default() })
    }

    /// Undoes the last block, durably, and returns its payments to the mempool: one by one if they came from
    /// there lately, else aggregated. Its seal is remembered: another block in its place is a double seal.
    ///
    /// # Errors
    /// As [`Store::undo`].
    pub fn undo(&mut self) -> Result<(Block, MempoolChange), LedgerError> {
        let last = self.store.sealed_header(self.tip().height)?;
        self.witness(last.as_slice())?;
        let block = self.store.undo()?;
        let mut mempool = self.mempool.clone();
        let mut dropped = Vec::new();
        self.return_payments(&mut mempool, &block, &self.tip().total_offset, &mut dropped)?;
        dropped.extend(mempool.recheck(self.store.chain(), &self.store)?);
        let unsaved = self.put(mempool);
        Ok((block, MempoolChange { dropped, unsaved, ..MempoolChange::default() }))
    }

    /// Drops the bodies of all blocks that are final, durably: see [`Store::prune`].
    ///
    /// # Errors
    /// As [`Store::prune`].
    pub fn prune(&mut self) -> Result<Pruned, LedgerError> {
        Ok(self.store.prune()?)
    }

    /// Verifies everything on disk anew: see [`audit`](crate::ledger::audit). `progress` gets the height done
    /// and the tip's.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn audit(&self, progress: impl FnMut(Height, Height)) -> Result<Audit, AuditError> {
        audit(&self.store, progress)
    }

    /// Makes the mempool's file durable, if it is not.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_mempool(&mut self) -> Result<(), StoreError> {
        self.journal.save(&mut self.store, &self.mempool)
    }

    /// Takes over the mempool after a change of the chain, which is in force whether the file can be written
    /// or not.
    pub(crate) fn put(&mut self, mempool: Mempool) -> Option<StoreError> {
        let same = mempool.len() == self.mempool.len()
            && mempool.iter().all(|(id, _)| self.mempool.get(id).is_some());
        self.mempool = mempool;
        if same {
            return None;
        }
        self.journal.mark_stale();
        self.save_mempool().err()
    }

    fn load_mempool(&mut self) -> Result<MempoolChange, LedgerError> {
        let Some((journal, found)) = Journal::load(&mut self.store)? else {
            return Ok(MempoolChange::default());
        };
        self.journal = journal;
        let set_aside = found.tail == Tail::Damaged;
        let mut change = MempoolChange { set_aside, ..MempoolChange::default() };
        for t in found.transactions {
            let id = transaction_id(&t);
            match self.mempool.admit(self.store.chain(), &self.store, t) {
                Err(AdmitError::View(e)) => return Err(e.into()),
                Err(AdmitError::Refused(why)) => change.dropped.push((id, why)),
                Ok(_) | Err(AdmitError::Conflict(_)) => {}
            }
        }
        if found.tail != Tail::Whole {
            self.journal.mark_stale();
            self.save_mempool()?;
        }
        Ok(change)
    }
}
