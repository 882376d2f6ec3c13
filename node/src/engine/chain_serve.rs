//! What peers ask for of the chain: headers, blocks whole and compact, and snapshots in parts.
//!
//! Every answer is metered before it is read from disk, and then by its bytes: whoever asks for more than it may has no answer, or
//! for a part of a snapshot the answer that there is none now. Who asks for a block that is not in the chain, or pruned, is told
//! so, and asks somebody else.
//!
//! A snapshot for others is begun when its block is the tip, and made part by part, one a tick, so that no step takes long.
//! `edge::store::kept` says for how long it is handed out.

use crate::{
    effect::LogEvent,
    engine::{Node, StepContext, StepResult},
    message::{
        BlockName, MAX_HEADERS, MAX_MESSAGE, Message,
        compact::{Compact, items},
    },
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::{Files, StoreError},
};
use sotto_mw::{amount::Height, block::Block, codec::Encode, hash::Hash};

/// What a request costs its asker, besides the answer's bytes.
const REQUEST: u64 = 1_024;

impl<F: Files> Node<F> {
    /// Whether a peer may be sent so many bytes more.
    pub(crate) fn may_have(&mut self, turn: &StepContext<'_>, id: PeerId, bytes: u64) -> bool {
        self.peers.all.get_mut(&id).is_some_and(|p| p.served.take(turn.now, bytes))
    }

    pub(crate) fn asked_headers(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        names: &[BlockName],
    ) -> StepResult {
        if !self.may_have(turn, id, REQUEST + 256 * u64::from(MAX_HEADERS)) {
            return Ok(());
        }
        let mut common = Height::GENESIS;
        for name in names {
            if self.ledger.store().header(name.height)?.is_some_and(|h| h.hash() == name.hash) {
                common = name.height;
                break;
            }
        }
        let last = common.plus(MAX_HEADERS.into()).min(self.ledger.tip().height);
        let all = self.ledger.store().sealed_headers(common.next(), last)?;
        turn.send(id, Message::Headers(all));
        Ok(())
    }

    /// A block that a peer asks for; none when it is more than the peer may have, or is not here, as the peer is told.
    fn block_for(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult<Option<Block>> {
        if !self.may_have(turn, id, REQUEST) {
            return Ok(None);
        }
        let store = self.ledger.store();
        let ours = store.header(name.height)?.is_some_and(|h| h.hash() == name.hash);
        let block = if ours && name.height > store.base() { store.block(name.height)? } else { None };
        let Some(block) = block else {
            turn.send(id, Message::HaveNot(name));
            return Ok(None);
        };
        let bytes = block.body.weight() * 32;
        Ok(self.may_have(turn, id, bytes).then_some(block))
    }

    pub(crate) fn asked_block(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult {
        if let Some(block) = self.block_for(turn, id, name)? {
            let (sealed, body) = (SealedHeader::of(&block), block.body.to_bytes());
            turn.send(id, Message::Block { sealed, body });
        }
        Ok(())
    }

    pub(crate) fn asked_compact(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult {
        let compact = self.block_for(turn, id, name)?.and_then(|b| Compact::of(&b, turn.rng.next_u64()));
        compact.into_iter().for_each(|c| turn.send(id, Message::Compact(c)));
        Ok(())
    }

    /// Items of a block, which are no more than the block that was metered: places ascend.
    pub(crate) fn asked_items(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        (block, outputs, kernels): (BlockName, &[u32], &[u32]),
    ) -> StepResult {
        let Some(whole) = self.block_for(turn, id, block)? else { return Ok(()) };
        let Some((outputs, kernels)) = items(&whole.body, outputs, kernels) else {
            return self.blame(turn, id, Offence::Garbage);
        };
        turn.send(id, Message::Items { block, outputs, kernels });
        Ok(())
    }

    pub(crate) fn asked_snapshots(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        if self.may_have(turn, id, REQUEST) {
            let all = self.ledger.store().snapshots()?;
            turn.send(id, Message::Snapshots(all));
        }
        Ok(())
    }

    /// A part of a snapshot, or that it cannot be had here or now.
    pub(crate) fn asked_part(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        (block, place): (Hash, u32),
    ) -> StepResult {
        if !self.may_have(turn, id, REQUEST) {
            return Ok(());
        }
        let bytes = self.ledger.store().snapshot_part(&block, place)?;
        let bytes = bytes.filter(|b| b.len() + 64 <= MAX_MESSAGE && self.may_have(turn, id, b.len() as u64));
        turn.send(id, Message::Part { block, place, bytes: bytes.unwrap_or_default() });
        Ok(())
    }

    /// Goes on with the snapshot that is being made for others, or begins with one that is due.
    pub(crate) fn keep_snapshot(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        if !self.ledger.store().is_building_snapshot() {
            let Some(due) = self.snapshot_due() else { return Ok(()) };
            self.sync.kept = due;
            self.ledger.store_mut().begin_snapshot(due)?;
        }
        match self.ledger.store_mut().step_snapshot(self.config.part_items) {
            // It is for others alone: a node goes on without.
            Err(e @ StoreError::DiskFull { .. }) => turn.note(LogEvent::SnapshotNotSaved(e)),
            done => done?,
        }
        Ok(())
    }

    /// The height of the snapshot that is to be made now.
    fn snapshot_due(&self) -> Option<Height> {
        if self.config.snapshot_every == 0 || self.sync.busy() || self.sync.shortcut.taken() {
            return None;
        }
        let store = self.ledger.store();
        let every = self.config.snapshot_every.max(store.chain().params().reorganisation);
        let tip = self.ledger.tip().height.get();
        let due = Height::new(tip - tip % every);
        let new = due > self.sync.kept && due >= store.floor() && !store.has_snapshot(due);
        new.then_some(due)
    }
}
