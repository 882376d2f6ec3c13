//! Payments of this machine, from when they are handed in until a block has them.
//!
//! ```text
//! handed in ─▶ judged ─▶ kept? ── no ─▶ refused: nobody has heard of it
//!                          └ yes ─▶ answered, whispered ─▶ public ─▶ in a block: forgotten        no block can have it any more:
//!                                       ▲    refused at its embargo's end, or public no longer    dropped
//!                                       └── a random wait ──┘
//! ```
//!
//! What is public may cease to be: a payment that was joined with another on its way falls with it, and a pool lets go what pays
//! least. Then it is whispered again as if it were new, since whoever told it to all by himself now would be its maker: nobody else
//! still has it. It waits first, for an exponential time as long on average as an embargo, because what comes at once after a block
//! comes from nearby.
//!
//! Guaranteed: a payment that was answered is kept durably until a block has it or its window is over: here, or where it is pending
//! under its own name, in the pool's file. Not guaranteed: that one which a restart found in the pool is whispered again when the pool
//! loses it, nor one whose block was taken back; both are then everybody's. Who sees to it that a payment falls looks at its route a
//! second time, which shows no more before the epoch changes (docs/THREATS.md).

use crate::{
    codec::transaction_id,
    effect::{Effect, LogEvent, Refusal, Response},
    engine::{
        Node, StepContext, StepResult,
        relay::{DandelionEvent, exponential, kernels, not_fatal},
    },
    event::RequestId,
    ledger::{LedgerError, mempool_file},
    storage::Files,
};
use core::time::Duration;
use sotto_mw::{error::Rejection, hash::Hash, rules::Verified, transaction::Transaction};
use std::collections::BTreeMap;

/// What was handed in.
#[derive(Debug, Default)]
pub(crate) struct LocalTxs {
    all: BTreeMap<Hash, Verified<Transaction>>,
    /// Those that nobody has heard of, and who waits for an answer.
    unheard: Vec<(RequestId, Hash)>,
    /// Those that are neither whispered nor public, and when they are whispered again.
    again: BTreeMap<Hash, Duration>,
    file: File,
}

/// How what is to be kept stands to what was kept last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum File {
    #[default]
    Same,
    /// It holds more than it need.
    Stale,
    /// It must be written before this step is over.
    Due,
}

impl LocalTxs {
    pub(crate) fn contains(&self, id: &Hash) -> bool {
        self.all.contains_key(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &Hash> {
        self.all.keys()
    }

    fn take_due(&mut self, now: Duration) -> Vec<Hash> {
        let due = self.again.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        self.again.retain(|_, at| *at > now);
        due
    }

    fn forget(&mut self, id: &Hash) {
        self.all.remove(id);
        self.again.remove(id);
        self.file = self.file.stale();
    }
}

impl File {
    const fn stale(self) -> Self {
        if matches!(self, Self::Due) { self } else { Self::Stale }
    }
}

/// How far a payment has come.
enum Fate {
    /// A block has it.
    Sealed,
    /// No block can have it any more.
    Over(Rejection),
    /// It is whispered or public.
    UnderWay,
    /// Nobody has it but this node, as far as it knows.
    Left,
}

impl<F: Files> Node<F> {
    /// A transaction of this machine. The answer comes later where it must be kept first.
    pub(crate) fn hand_in(
        &mut self,
        request_id: RequestId,
        t: Transaction,
    ) -> Result<Option<Response>, Refusal> {
        let id = transaction_id(&t);
        if self.ledger.mempool().get(&id).is_some() {
            return Ok(Some(Response::Submitted(id)));
        }
        let t = self.ledger.judge(t)?;
        let own = &mut self.relay.own;
        if own.contains(&id) {
            return Ok(Some(Response::Submitted(id)));
        }
        own.all.insert(id, t);
        own.unheard.push((request_id, id));
        // Kept before anybody hears of it.
        own.file = File::Due;
        Ok(None)
    }

    /// What was handed in last is kept: it can be answered, and sent.
    pub(crate) fn own_kept(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        for (request_id, id) in core::mem::take(&mut self.relay.own.unheard) {
            let alone = self.peers.ready().next().is_none();
            self.send_own(turn, id, alone)?;
            turn.effects.push(Effect::Respond(request_id, Box::new(Response::Submitted(id))));
        }
        Ok(())
    }

    /// It could not be kept: as if it had never been handed in.
    pub(crate) fn own_unkept(&mut self, turn: &mut StepContext<'_>) {
        let own = &mut self.relay.own;
        // Some of it may be there all the same.
        own.file = own.file.stale();
        for (request_id, id) in core::mem::take(&mut own.unheard) {
            own.forget(&id);
            turn.effects.push(Effect::Respond(request_id, Box::new(Response::Refused(Refusal::NotSaved))));
        }
    }

    /// Never told to all first, unless this node seals it itself and is alone.
    fn send_own(&mut self, turn: &mut StepContext<'_>, id: Hash, alone: bool) -> StepResult {
        let Some(t) = self.relay.own.all.get(&id).cloned() else { return Ok(()) };
        if alone && self.operator.is_some() {
            return self.publish(turn, t, &[]).map(drop).or_else(not_fatal);
        }
        let kernels = kernels(t.get());
        self.relay.stems.insert(id, t, None);
        self.whispered(turn, DandelionEvent::Local { tx: id, kernels })
    }

    /// Has the edge keep what must be kept, where that has changed; the last thing in a step.
    pub(crate) fn keep_own(&mut self, turn: &mut StepContext<'_>) {
        if self.relay.own.file != File::Due {
            return;
        }
        self.relay.own.file = File::Same;
        let pooled = self.relay.own.ids().any(|id| self.ledger.mempool().get(id).is_some());
        // What the pool's file has need not be in this one. If that cannot be written, whoever saves it says so.
        let pooled = pooled && self.ledger.save_mempool().is_ok();
        let pool = self.ledger.mempool();
        let left = self.relay.own.all.iter().filter(|(id, _)| !pooled || pool.get(id).is_none());
        let bytes = mempool_file::file(self.ledger.chain().id(), left.map(|(_, t)| t.get()));
        turn.effects.push(Effect::SaveLocalTxs(bytes));
    }

    /// Keeps what is left now, if something has become public or has ended.
    pub(crate) fn keep_own_left(&mut self, turn: &mut StepContext<'_>) {
        if self.relay.own.file == File::Stale {
            self.relay.own.file = File::Due;
        }
        self.keep_own(turn);
    }

    /// One of these may be public now, or not whispered any longer.
    pub(crate) fn own_moved(&mut self, id: &Hash) {
        if self.relay.own.contains(id) {
            self.relay.own.file = self.relay.own.file.stale();
        }
    }

    /// What an earlier run kept is whispered again, as if it were new: by another route, whoever has heard it.
    pub(crate) fn own_again(&mut self, turn: &mut StepContext<'_>, bytes: &[u8]) -> StepResult {
        let Ok(found) = mempool_file::read(bytes) else { return Ok(()) };
        if found.chain != *self.ledger.chain().id() {
            return Ok(());
        }
        for t in found.transactions {
            let id = transaction_id(&t);
            match self.ledger.verify(t) {
                Ok(t) => drop(self.relay.own.all.insert(id, t)),
                Err(LedgerError::Refused(why)) => turn.note(LogEvent::Dropped(why)),
                Err(e) => not_fatal(e)?,
            }
        }
        self.look_after_own(turn)?;
        for id in self.relay.own.take_due(Duration::MAX) {
            self.whisper_again(turn, id)?;
        }
        Ok(())
    }

    /// The chain is another: some may be sealed or over, and some public no longer.
    pub(crate) fn look_after_own(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let all: Vec<Hash> = self.relay.own.ids().copied().collect();
        for id in all {
            match self.fate(&id)? {
                Fate::Sealed => self.relay.own.forget(&id),
                Fate::Over(why) => {
                    self.relay.own.forget(&id);
                    turn.note(LogEvent::Dropped(why));
                }
                Fate::UnderWay => {
                    self.relay.own.again.remove(&id);
                }
                Fate::Left => {
                    let wait = exponential(turn.rng, self.config.dandelion.embargo());
                    self.relay.own.again.entry(id).or_insert(turn.now.saturating_add(wait));
                }
            }
        }
        Ok(())
    }

    fn fate(&self, id: &Hash) -> StepResult<Fate> {
        let Some(t) = self.relay.own.all.get(id).map(Verified::get) else { return Ok(Fate::UnderWay) };
        if self.ledger.has_sealed(t)? {
            return Ok(Fate::Sealed);
        }
        if let Some(why) = self.ledger.expired(t) {
            return Ok(Fate::Over(why));
        }
        let under_way = self.relay.stems.get(id).is_some() || self.ledger.mempool().covers(t);
        Ok(if under_way { Fate::UnderWay } else { Fate::Left })
    }

    pub(crate) fn own_tick(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let due = self.relay.own.take_due(turn.now);
        due.into_iter().try_for_each(|id| self.whisper_again(turn, id))
    }

    /// Whispers one that nobody has, if all could have it now. If not, it is thought of again after the next block.
    fn whisper_again(&mut self, turn: &mut StepContext<'_>, id: Hash) -> StepResult {
        let left = matches!(self.fate(&id)?, Fate::Left);
        let Some(t) = self.relay.own.all.get(&id).filter(|_| left) else { return Ok(()) };
        match self.ledger.admits(t) {
            Ok(()) => {
                // Who has just been started is alone, and yet knows others.
                let alone = self.peers.ready().next().is_none() && self.peers.book.is_empty();
                self.send_own(turn, id, alone)
            }
            Err(e) => not_fatal(e),
        }
    }
}
