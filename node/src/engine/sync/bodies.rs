//! Bodies of blocks as they arrive: whole, or compact and filled from the mempool.

use super::{
    Sync,
    requests::{BlockItems, Wanted},
};
use crate::{
    engine::{
        branch::Fetch,
        context::{StepContext, StepResult},
    },
    message::{
        BlockName, Message,
        compact::{Compact, Filling},
    },
    peer::{Offence, PeerId},
    seal::SealedHeader,
};
use sotto_mw::{
    block::{Block, body_hash_of_bytes},
    codec::Decode,
    history::History,
    transaction::Body,
};

impl Sync {
    pub(crate) fn on_block(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        sealed: &SealedHeader,
        body: &[u8],
    ) -> StepResult {
        let name = BlockName::of(&sealed.header);
        // Who is asked for less may give all.
        if self.requests.answered(id, |about| about.block() == Some(&name.hash)).is_none() {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        }
        // The header was found to be sealed before its body was asked for.
        let history = ctx.ledger.store().history();
        let Some(w) = ctx.branch.get_mut(name).filter(|w| !w.is_here()) else {
            return Ok(());
        };
        // Points are decoded only once the bytes are those that were sealed.
        let sound =
            body_hash_of_bytes(body) == w.sealed.header.body_hash && seals(history, &w.sealed, sealed);
        let Some(body) = Some(body).filter(|_| sound).and_then(|body| Body::from_bytes(body).ok()) else {
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        };
        let SealedHeader { header, seal } = w.sealed.clone();
        w.body = Fetch::Here(Box::new(Block { header, seal, body }));
        ctx.peers.gave(ctx.now, id);
        Ok(())
    }

    pub(crate) fn on_compact(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        compact: Compact,
    ) -> StepResult {
        let name = BlockName::of(&compact.sealed.header);
        if self.requests.answered(id, |about| *about == Wanted::Compact(name.hash)).is_none() {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        }
        let Some(w) = ctx.branch.get_mut(name).filter(|w| !w.is_here()) else {
            return Ok(());
        };
        if !seals(ctx.ledger.store().history(), &w.sealed, &compact.sealed) {
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        }
        let pending = ctx.ledger.mempool().iter().map(|(_, t)| t);
        let filling = Filling::new(&w.sealed.header, compact.body, pending);
        let (outputs, kernels) = filling.missing();
        w.body = Fetch::Filling(id, Box::new(filling));
        if outputs.is_empty() && kernels.is_empty() {
            return self.on_filled(ctx, id, name);
        }
        self.requests.ask(ctx.now, id, Wanted::Items(name.hash));
        ctx.send(id, Message::GetItems { block: name, outputs, kernels });
        Ok(())
    }

    pub(crate) fn on_items(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        items: BlockItems,
    ) -> StepResult {
        let BlockItems { block, outputs, kernels } = items;
        if self.requests.answered(id, |about| *about == Wanted::Items(block.hash)).is_none() {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        }
        let Some(w) = ctx.branch.get_mut(block) else { return Ok(()) };
        let Fetch::Filling(peer, filling) = &mut w.body else { return Ok(()) };
        if *peer != id {
            return Ok(());
        }
        if !filling.fill(outputs, kernels) {
            (w.body, w.whole) = (Fetch::Open, true);
            self.blame(ctx, id, Offence::Invalid);
            return Ok(());
        }
        self.on_filled(ctx, id, block)
    }

    /// A compact block has all its parts. If they do not make the sealed body, a short id was another's, by
    /// chance or by its sender's will: the whole is asked for.
    fn on_filled(&mut self, ctx: &mut StepContext<'_>, id: PeerId, name: BlockName) -> StepResult {
        let Some(w) = ctx.branch.get_mut(name) else { return Ok(()) };
        w.whole = true;
        if let Fetch::Filling(_, filling) = core::mem::replace(&mut w.body, Fetch::Open) {
            if let Some(body) = filling.body() {
                let SealedHeader { header, seal } = w.sealed.clone();
                w.body = Fetch::Here(Box::new(Block { header, seal, body }));
                ctx.peers.gave(ctx.now, id);
            } else {
                self.blame(ctx, id, Offence::Mismatch);
            }
        }
        Ok(())
    }

    /// A peer has not what it was asked for: it is asked of others at once.
    pub(crate) fn on_have_not(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult {
        if self.requests.answered(id, |about| about.block() == Some(&name.hash)).is_none() {
            self.blame(ctx, id, Offence::Unasked);
            return Ok(());
        }
        let peers = &ctx.peers.all;
        if let Some(w) = ctx.branch.get_mut(name) {
            w.denied.retain(|peer| peers.contains_key(peer));
            w.denied.push(id);
            w.body = match core::mem::replace(&mut w.body, Fetch::Open) {
                Fetch::Filling(peer, _) if peer == id => Fetch::Open,
                body => body,
            };
            // What it showed last lies above: it has left that branch, or dropped the bodies.
            if peers.get(&id).and_then(|p| p.tip).is_some_and(|tip| ctx.branch.holds(tip)) {
                ctx.peers.forget_tip(id);
            }
        }
        Ok(())
    }
}

/// Whether a copy of a header that is here is sealed. Its seal is not the one that is kept: the
/// hash that was asked for does not cover it.
fn seals(history: &History, ours: &SealedHeader, copy: &SealedHeader) -> bool {
    // Validators hold different certificates of one block.
    copy.seal == ours.seal || super::are_sealed(history, core::slice::from_ref(copy))
}
