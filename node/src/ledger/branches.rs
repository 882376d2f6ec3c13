//! Branches: following a better one, and remembering every height that was sealed twice.
//!
//! A reorganisation is judged beside the store and adopted at once, so no rule is checked on a chain that is
//! half undone, and a branch that fails at its last block changes nothing. The choice itself is in [`fork`].

use crate::{
    codec::transaction_id,
    ledger::{
        Ledger, LedgerError, MempoolChange, Reorganised, evidence,
        fork::{self, ForkError, OurBranch},
        mempool::{Mempool, conflict::AdmitError},
    },
    seal::{DoubleSeal, SealedHeader},
    storage::{FileName, StoreError, files::replace, snapshot_check::Judged},
};
use sotto_mw::{
    amount::Height,
    block::{Block, Header},
    error::{ConnectError, Rejection},
    group::Scalar,
    hash::Hash,
    rules::{InvalidBlock, connect_block, verify_blocks},
    state::ChainView,
    transaction::Transaction,
};

impl Ledger {
    /// Follows another branch, if fork choice prefers it: `to` are its blocks after the last common one, in
    /// order. All of them pass every rule before anything changes, and the store changes at once: after a
    /// crash it is on one branch or on the other.
    ///
    /// # Errors
    /// [`ForkError`] when it is not preferred, [`InvalidBlock`] when a rule refuses one of its blocks, or the
    /// store's failure. Evidence of double seals is kept in each case.
    pub fn reorganise(&mut self, to: Vec<Block>) -> Result<Reorganised, LedgerError> {
        let (Some(first), Some(last)) = (to.first(), to.last()) else {
            return Err(ForkError::Unconnected.into());
        };
        let fork = first.header.height.minus(1);
        let common = self.store.header(fork)?.filter(|h| h.hash() == first.header.previous);
        let common =
            common.filter(|_| first.header.height > Height::GENESIS).ok_or(ForkError::Unconnected)?;
        let theirs = last.header.clone();
        for block in &to {
            self.see(&SealedHeader::of(block))?;
            self.fits_checkpoints(&block.header)?;
        }
        let ours = OurBranch { tip: self.tip(), floor: self.store.floor() };
        fork::choose(self.chain(), ours, &theirs, fork)?;
        let mut branch = self.store.branch(fork)?;
        let (verified, broken) = verify_blocks(&self.chain().under(branch.terms()), &common, to.clone());
        for block in verified {
            let height = block.get().header.height;
            let block = connect_block(self.chain(), &branch, block).map_err(|e| match e {
                ConnectError::Refused(why) => LedgerError::from(InvalidBlock { height, why }),
                ConnectError::View(e) => e.into(),
            })?;
            branch.push(&block)?;
        }
        if let Some(broken) = broken {
            return Err(broken.into());
        }
        let plan = branch.plan();
        let undone: Vec<Block> = plan.undone().cloned().collect();
        let seals: Vec<SealedHeader> = undone.iter().map(SealedHeader::of).collect();
        self.witness(&seals)?;
        self.store.adopt(plan)?;
        let mempool = self.mempool_after(&to, &undone, &common)?;
        Ok(Reorganised { undone, mempool })
    }

    /// Puts a state that was judged in place of the chain. Pending transactions that do not fit it are
    /// dropped.
    pub(crate) fn adopt(&mut self, judged: &Judged, items: u32) -> Result<MempoolChange, LedgerError> {
        self.store.adopt_snapshot(judged, items)?;
        self.advance_changes();
        let mut mempool = self.mempool.clone();
        let dropped = mempool.recheck(self.store.chain(), &self.store)?;
        let unsaved = self.put(mempool);
        Ok(MempoolChange { dropped, unsaved, ..MempoolChange::default() })
    }

    /// The mempool once `undone` blocks, the last first, have given way to others on top of `common`.
    fn mempool_after(
        &mut self,
        new: &[Block],
        undone: &[Block],
        common: &Header,
    ) -> Result<MempoolChange, LedgerError> {
        let mut mempool = self.mempool.clone();
        let sealed = new.iter().flat_map(|b| self.take_sealed(&mut mempool, b)).collect();
        let (mut dropped, mut before) = (Vec::new(), common);
        for block in undone.iter().rev() {
            self.return_payments(&mut mempool, block, &before.total_offset, &mut dropped)?;
            before = &block.header;
        }
        // What waited for outputs of the blocks that gave way has its parents back.
        dropped.extend(mempool.recheck(self.store.chain(), &self.store)?);
        let unsaved = self.put(mempool);
        let alarms = new.iter().flat_map(|b| self.evidence.against(&SealedHeader::of(b))).collect();
        Ok(MempoolChange { sealed, dropped, unsaved, alarms, ..MempoolChange::default() })
    }

    /// Removes the transactions that a block includes from a mempool, and remembers them; returns their ids.
    pub(crate) fn take_sealed(&mut self, mempool: &mut Mempool, block: &Block) -> Vec<Hash> {
        let (ids, taken) = mempool.take_sealed(&block.body).into_iter().unzip();
        self.originals.keep(block, taken);
        ids
    }

    /// Returns an undone block's payments to a mempool. Those that are in the chain already, or are outbid,
    /// are not reported.
    pub(crate) fn return_payments(
        &self,
        mempool: &mut Mempool,
        block: &Block,
        offset_before: &Scalar,
        dropped: &mut Vec<(Hash, Rejection)>,
    ) -> Result<(), LedgerError> {
        let all = match self.originals.of(block) {
            Some(all) => all.to_vec(),
            None => payments(block, offset_before).into_iter().collect(),
        };
        for t in all {
            let id = transaction_id(&t);
            let mut again = true;
            for k in &t.body.kernels {
                again &= self.store.has_kernel(&k.id())?;
            }
            match mempool.admit(self.store.chain(), &self.store, t) {
                Err(AdmitError::View(e)) => return Err(e.into()),
                Err(AdmitError::Refused(why)) if !again => dropped.push((id, why)),
                Ok(_) | Err(AdmitError::Refused(_) | AdmitError::Conflict(_)) => {}
            }
        }
        Ok(())
    }

    /// All heights at which two different headers were sealed, with both.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub fn double_seals(&self) -> Result<Vec<DoubleSeal>, StoreError> {
        let mut all = Vec::new();
        for height in self.evidence.heights() {
            let ours = self.store.sealed_header(height)?;
            let first = ours.or_else(|| self.evidence.first_at(height).cloned());
            all.extend(first.iter().flat_map(|first| self.evidence.against(first)));
        }
        Ok(all)
    }

    /// Keeps and returns the evidence, if this header is sealed and the chain has another of its height.
    ///
    /// # Errors
    /// When the store cannot answer, or the evidence cannot be kept.
    pub fn see(&mut self, second: &SealedHeader) -> Result<Option<DoubleSeal>, StoreError> {
        let Some(first) = self.store.sealed_header(second.header.height)? else { return Ok(None) };
        if first.header == second.header || !self.store.history().holds(second) {
            return Ok(None);
        }
        self.witness(core::slice::from_ref(second))?;
        Ok(Some(DoubleSeal { first, second: second.clone() }))
    }

    /// Whether a sealed header that is not in the chain is not among the evidence yet.
    #[must_use]
    pub fn is_news(&self, sealed: &SealedHeader) -> bool {
        self.evidence.is_news(sealed)
    }

    /// Remembers sealed headers that are not in the chain, or will not be, durably.
    pub(crate) fn witness(&mut self, sealed: &[SealedHeader]) -> Result<(), StoreError> {
        let mut evidence = self.evidence.clone();
        let mut news = false;
        for s in sealed {
            news |= evidence.add(s);
        }
        if news {
            let bytes = evidence::bytes(self.chain().id(), evidence.all());
            replace(self.store.files_mut(), FileName::Evidence, &bytes)?;
            self.evidence = evidence;
        }
        Ok(())
    }
}

/// The payments of a block as one transaction: without its reward the body still balances, with the block's
/// own offset.
fn payments(block: &Block, offset_before: &Scalar) -> Option<Transaction> {
    let mut body = block.body.clone();
    body.outputs.retain(|o| !o.is_coinbase());
    body.kernels.retain(|k| !k.features.is_coinbase());
    let offset = block.header.total_offset - offset_before;
    (!body.kernels.is_empty()).then_some(Transaction { offset, body })
}
