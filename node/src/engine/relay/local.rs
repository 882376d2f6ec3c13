//! Transactions that were submitted to this node, from the submission until a block has them.
//!
//! ```text
//! submitted ─▶ looked up ─▶ verified by a worker ─▶ saved by the edge, durably ─▶ acknowledged and stemmed ─▶ … ─▶ sealed, or expired: forgotten
//!                          └ not saved: refused, as if it had never been submitted        └ lost on the way: stemmed again
//! ```

use super::{DandelionEvent, Relay, kernels};
use crate::{
    codec::transaction_id,
    effect::{Effect, FileWrite, LogEvent, Refusal, Response},
    engine::{
        context::{StepContext, StepResult, exponential, not_fatal},
        local_txs::{Save, TxStatus},
        verify_queue::Then,
    },
    event::{RequestId, SaveId},
    ledger::{
        LedgerError,
        mempool_file::{self, Tail},
    },
};
use core::time::Duration;
use sotto_mw::{error::Rejection, hash::Hash, rules::Verified, transaction::Transaction};
use std::collections::BTreeSet;

impl Relay {
    /// Has a transaction of this machine verified. The response comes once it is saved.
    pub(crate) fn on_submit(
        &mut self,
        ctx: &mut StepContext<'_>,
        request: RequestId,
        t: Transaction,
    ) -> StepResult {
        if self.is_known(ctx, request, transaction_id(&t)) {
            return Ok(());
        }
        let t = match ctx.ledger.precheck(t) {
            Ok(t) => t,
            Err(why) => return refuse(ctx, request, why),
        };
        if !ctx.verify(None, Then::Submit(request), t) {
            ctx.respond(request, Response::Refused(Refusal::Busy));
        }
        Ok(())
    }

    /// Its proofs were verified: it is taken in, if they hold and it still fits.
    pub(crate) fn on_submit_verified(
        &mut self,
        ctx: &mut StepContext<'_>,
        request: RequestId,
        verdict: Result<Verified<Transaction>, Rejection>,
    ) -> StepResult {
        let t = match verdict {
            Ok(t) => t,
            Err(why) => return refuse(ctx, request, why.into()),
        };
        let (id, most) = (transaction_id(t.get()), ctx.config.local_txs_bytes);
        if self.is_known(ctx, request, id) {
            return Ok(());
        }
        if let Err(why) = ctx.ledger.admits(&t) {
            return refuse(ctx, request, why);
        }
        if self.local.has_room(t.get(), most) {
            self.local.submit(request, id, t);
        } else {
            ctx.respond(request, Response::Refused(Refusal::LocalTxsFull { most }));
        }
        Ok(())
    }

    /// Whether a transaction was submitted before, or is public. The response comes once it is saved.
    fn is_known(&mut self, ctx: &mut StepContext<'_>, request: RequestId, id: Hash) -> bool {
        let known = self.local.contains(&id) || ctx.ledger.mempool().get(&id).is_some();
        if known && !self.local.wait(request, &id) {
            ctx.respond(request, Response::Submitted(id));
        }
        known
    }

    /// What was submitted up to this save is on disk: it can be acknowledged and stemmed.
    pub(crate) fn on_saved(&mut self, ctx: &mut StepContext<'_>, save: SaveId) -> StepResult {
        for saved in self.local.take_unacknowledged(save) {
            let alone = ctx.peers.ready().next().is_none();
            self.stem_local(ctx, saved.id, alone)?;
            saved
                .requests
                .into_iter()
                .for_each(|request| ctx.respond(request, Response::Submitted(saved.id)));
        }
        Ok(())
    }

    /// It could not be saved: as if it had never been submitted.
    pub(crate) fn on_not_saved(&mut self, ctx: &mut StepContext<'_>, save: SaveId) {
        // Some of it may be on disk all the same.
        self.local.mark_stale();
        self.local.file_ends(None);
        for lost in self.local.take_unacknowledged(save) {
            self.local.forget(&lost.id);
            let refuse = |request| ctx.respond(request, Response::Refused(Refusal::NotSaved));
            lost.requests.into_iter().for_each(refuse);
        }
    }

    /// Stems what an earlier run saved, as if it were new: by another route, even if peers have seen it.
    pub(crate) fn on_loaded(&mut self, ctx: &mut StepContext<'_>, bytes: &[u8]) -> StepResult {
        let found = match mempool_file::read(bytes) {
            Ok(found) if found.chain == *ctx.ledger.chain().id() => found,
            // There was no file.
            Err(_) if bytes.is_empty() => return Ok(()),
            _ => {
                ctx.effects.push(Effect::SetAsideLocalTxs(bytes.to_vec()));
                ctx.log(LogEvent::LocalTxsDamaged(0));
                return Ok(());
            }
        };
        if found.tail == Tail::Damaged {
            ctx.effects.push(Effect::SetAsideLocalTxs(bytes.to_vec()));
            ctx.log(LogEvent::LocalTxsDamaged(found.transactions.len()));
        }
        // What a crash cut off was not acknowledged; the next write replaces the file.
        self.local.file_ends((found.tail == Tail::Whole).then_some(found.end));
        self.load(ctx, found.transactions)
    }

    /// Takes over what was pending in a store that was damaged. It waits until the new one has come as far.
    pub(crate) fn on_recovered(&mut self, ctx: &mut StepContext<'_>, bytes: &[u8]) -> StepResult {
        let found = mempool_file::read(bytes).ok().filter(|found| found.chain == *ctx.ledger.chain().id());
        // The next write saves these too.
        self.local.file_ends(None);
        self.local.mark_stale();
        self.load(ctx, found.map(|found| found.transactions).unwrap_or_default())
    }

    fn load(&mut self, ctx: &mut StepContext<'_>, all: Vec<Transaction>) -> StepResult {
        for t in all {
            let id = transaction_id(&t);
            match ctx.ledger.verify(t) {
                Ok(t) => self.local.load(id, t),
                Err(LedgerError::Refused(why)) => ctx.log(LogEvent::Dropped(why)),
                Err(e) => not_fatal(e)?,
            }
        }
        self.review_local(ctx)?;
        for id in self.local.take_due(Duration::MAX) {
            self.stem_again(ctx, id)?;
        }
        Ok(())
    }

    /// Has the edge save what must be saved, if that has changed; the last thing in a step.
    pub(crate) fn save(&mut self, ctx: &mut StepContext<'_>) {
        let (mempool, before) = (ctx.ledger.mempool(), self.departures);
        self.departures = mempool.departures();
        if self.departures != before {
            self.local.write_absent(|id| mempool.get(id).is_some());
        }
        let Some((id, save)) = self.local.take_save() else { return };
        let write = match save {
            Save::All => self.all_local(ctx),
            Save::More(at, ids) => self.more_local(ctx, at, &ids),
        };
        let end = match &write {
            FileWrite::Replace(bytes) => bytes.len() as u64,
            FileWrite::Append { at, bytes } => at + bytes.len() as u64,
        };
        self.local.file_ends(Some(end));
        ctx.effects.push(Effect::SaveLocalTxs(id, write));
    }

    /// The entries of what was submitted last, at the end of the file.
    fn more_local(&self, ctx: &StepContext<'_>, at: u64, ids: &[Hash]) -> FileWrite {
        let mut bytes = Vec::new();
        for t in ids.iter().filter_map(|id| self.local.get(id)) {
            bytes.extend(mempool_file::entry(ctx.ledger.chain().id(), at + bytes.len() as u64, t.get()));
        }
        FileWrite::Append { at, bytes }
    }

    /// A file of all that may be unknown to others.
    fn all_local(&mut self, ctx: &mut StepContext<'_>) -> FileWrite {
        let pending = self.local.ids().any(|id| ctx.ledger.mempool().get(id).is_some());
        // What the mempool's file has need not be in this one. If that cannot be written, saving it reports
        // that.
        let pending = pending && ctx.ledger.save_mempool().is_ok();
        let mempool = ctx.ledger.mempool();
        let absent: BTreeSet<Hash> =
            self.local.ids().filter(|id| pending && mempool.get(id).is_some()).copied().collect();
        let left = self.local.iter().filter(|(id, _)| !absent.contains(id));
        let file = mempool_file::file(ctx.ledger.chain().id(), left.map(|(_, t)| t));
        self.local.replaced_without(absent);
        FileWrite::Replace(file)
    }

    /// Has the edge save what is left, if something has become public or has expired.
    pub(crate) fn save_all(&mut self, ctx: &mut StepContext<'_>) {
        self.local.save_stale();
        self.save(ctx);
    }

    /// Stems a transaction of this machine. It is never fluffed first, unless this node seals it itself and
    /// is alone.
    fn stem_local(&mut self, ctx: &mut StepContext<'_>, id: Hash, alone: bool) -> StepResult {
        let Some(t) = self.local.get(&id).cloned() else { return Ok(()) };
        if alone && ctx.seals {
            return ctx.accept(t, &[]).map(drop).or_else(not_fatal);
        }
        let kernels = kernels(t.get());
        self.stems.insert(id, t, None);
        self.dandelion(ctx, DandelionEvent::Local { tx: id, kernels })
    }

    /// The chain has changed: some may be sealed or expired, and some public no longer.
    pub(crate) fn review_local(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let all: Vec<Hash> = self.local.ids().copied().collect();
        for id in all {
            match self.status(ctx, &id)? {
                TxStatus::Sealed => self.local.forget(&id),
                TxStatus::Expired(why) => {
                    self.local.forget(&id);
                    ctx.log(LogEvent::Dropped(why));
                }
                TxStatus::UnderWay => self.local.cancel(&id),
                TxStatus::Lost => {
                    let wait = exponential(ctx.rng, ctx.config.dandelion.embargo());
                    self.local.schedule(id, ctx.now.saturating_add(wait));
                }
            }
        }
        Ok(())
    }

    fn status(&self, ctx: &StepContext<'_>, id: &Hash) -> StepResult<TxStatus> {
        let Some(t) = self.local.get(id) else { return Ok(TxStatus::UnderWay) };
        let t = t.get();
        if ctx.ledger.has_sealed(t)? {
            return Ok(TxStatus::Sealed);
        }
        if let Some(why) = ctx.ledger.expired(t) {
            return Ok(TxStatus::Expired(why));
        }
        let under_way = self.stems.get(id).is_some() || ctx.ledger.mempool().covers(t);
        Ok(if under_way { TxStatus::UnderWay } else { TxStatus::Lost })
    }

    /// Stems again what is due.
    pub(crate) fn stem_due(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let due = self.local.take_due(ctx.now);
        due.into_iter().try_for_each(|id| self.stem_again(ctx, id))
    }

    /// Stems a transaction that was lost, if the mempool would accept it now. If not, the next block decides
    /// anew.
    fn stem_again(&mut self, ctx: &mut StepContext<'_>, id: Hash) -> StepResult {
        let lost = matches!(self.status(ctx, &id)?, TxStatus::Lost);
        let Some(t) = self.local.get(&id).filter(|_| lost) else { return Ok(()) };
        match ctx.ledger.admits(t) {
            Ok(()) => {
                // A node that has just started has no peers, and yet knows of some.
                let alone = ctx.peers.ready().next().is_none() && ctx.peers.book.is_empty();
                self.stem_local(ctx, id, alone)
            }
            Err(e) => not_fatal(e),
        }
    }
}

/// Refuses a submission. Only a failure of the store stops the node.
fn refuse(ctx: &mut StepContext<'_>, request: RequestId, why: LedgerError) -> StepResult {
    match why {
        LedgerError::Store(e) => {
            ctx.respond(request, Response::Refused(Refusal::Busy));
            Err(e.into())
        }
        why => {
            ctx.respond(request, Response::Refused(why.into()));
            Ok(())
        }
    }
}
