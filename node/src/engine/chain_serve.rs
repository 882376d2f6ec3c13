//! What peers ask for of the chain: headers, blocks whole and compact, and snapshots in parts.
//!
//! Every response is charged before it is made: its bytes, and the work of reading and decoding. Headers and
//! whole blocks are sent as they are stored, without decoding a point of a body. Compact forms and items need
//! the points; the last few blocks that were decoded for them are kept, since all peers ask for the same. A
//! peer that asks for more than its allowance gets no response, or, for a part of a snapshot, the response
//! that there is none now. A peer that asks for a block that is not in the chain, or was pruned, gets that
//! answer, and asks another.

use super::context::{StepContext, StepResult};
use crate::{
    message::{
        BlockName, MAX_HEADERS, MAX_MESSAGE, MAX_TERMS, Message,
        compact::{Compact, items},
        price,
    },
    peer::{Offence, PeerId},
    seal::SealedHeader,
};
use sotto_mw::{amount::Height, block::Block, codec::Encode as _, hash::Hash};
use std::{collections::VecDeque, sync::Arc};

/// What a request costs the peer, besides the bytes of the response.
const REQUEST: u64 = 1_024;
/// Blocks that stay decoded.
const RECENT: usize = 4;

/// The answers to requests for something of the chain.
#[derive(Default)]
pub(crate) struct ChainServe {
    recent: VecDeque<(Hash, Arc<Block>)>,
}

impl ChainServe {
    /// Responds to a request.
    pub(crate) fn on_request(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        request: Message,
    ) -> StepResult {
        match request {
            Message::GetHeaders(names) => on_get_headers(ctx, id, &names),
            Message::GetTerms(first) => on_get_terms(ctx, id, first),
            Message::GetCompact(name) => self.on_get_compact(ctx, id, name),
            Message::GetItems { block, outputs, kernels } => {
                self.on_get_items(ctx, id, block, [&outputs, &kernels])
            }
            Message::GetBlock(name) => on_get_block(ctx, id, name),
            Message::GetSnapshots => on_get_snapshots(ctx, id),
            Message::GetPart { block, place } => on_get_part(ctx, id, block, place),
            _ => Ok(()),
        }
    }

    /// A block that a peer asks for, decoded; none when its allowance does not reach, or when the block is
    /// not here.
    fn decoded(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        name: BlockName,
    ) -> StepResult<Option<Arc<Block>>> {
        let Some(bytes) = stored_bytes(ctx, id, name)? else { return Ok(None) };
        if let Some((_, block)) = self.recent.iter().find(|(hash, _)| *hash == name.hash) {
            let bytes = block.body.weight() * 32;
            let block = block.clone();
            return Ok(ctx.may_serve(id, bytes).then_some(block));
        }
        if !ctx.may_serve(id, bytes) || !ctx.may_work(id, price::decoding(bytes)) {
            return Ok(None);
        }
        let Some(block) = ctx.ledger.store().block(name.height)?.map(Arc::new) else { return Ok(None) };
        self.recent.truncate(RECENT - 1);
        self.recent.push_front((name.hash, block.clone()));
        Ok(Some(block))
    }

    fn on_get_compact(&mut self, ctx: &mut StepContext<'_>, id: PeerId, name: BlockName) -> StepResult {
        let compact = self.decoded(ctx, id, name)?.and_then(|b| Compact::of(&b, ctx.rng.next_u64()));
        compact.into_iter().for_each(|c| ctx.send(id, Message::Compact(c)));
        Ok(())
    }

    /// Items of a block, which are at most the block that was charged: places ascend.
    fn on_get_items(
        &mut self,
        ctx: &mut StepContext<'_>,
        id: PeerId,
        block: BlockName,
        [outputs, kernels]: [&[u32]; 2],
    ) -> StepResult {
        let Some(whole) = self.decoded(ctx, id, block)? else { return Ok(()) };
        let Some((outputs, kernels)) = items(&whole.body, outputs, kernels) else {
            ctx.blame(id, Offence::Garbage);
            return Ok(());
        };
        ctx.send(id, Message::Items { block, outputs, kernels });
        Ok(())
    }
}

fn on_get_headers(ctx: &mut StepContext<'_>, id: PeerId, names: &[BlockName]) -> StepResult {
    let mut common = Height::GENESIS;
    for name in names {
        if ctx.is_ours(*name)? {
            common = name.height;
            break;
        }
    }
    let last = common.plus(MAX_HEADERS.into()).min(ctx.ledger.tip().height);
    let count = last.get() - common.get();
    if !ctx.may_work(id, price::SERVED_HEADER * count) || !ctx.may_serve(id, REQUEST) {
        return Ok(());
    }
    let mut all = ctx.ledger.store().sealed_headers(common.next(), last)?;
    all.truncate(fitting(&all));
    respond(ctx, id, Message::Headers(all));
    Ok(())
}

/// Sends an answer whose length is only known once it is made.
fn respond(ctx: &mut StepContext<'_>, id: PeerId, answer: Message) {
    if ctx.may_serve(id, answer.to_bytes().len() as u64) {
        ctx.send(id, answer);
    }
}

/// How many of these headers fit in a message: certificates of many validators are long.
fn fitting(all: &[SealedHeader]) -> usize {
    /// Version, kind and count of a message.
    const FRAME: usize = 4;
    let mut left = MAX_MESSAGE - FRAME;
    all.iter()
        .take_while(|s| {
            let bytes = s.to_bytes().len();
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        })
        .count()
}

fn on_get_terms(ctx: &mut StepContext<'_>, id: PeerId, first: Height) -> StepResult {
    let most = u64::from(MAX_TERMS);
    if !ctx.may_work(id, price::SERVED_HEADER * most) || !ctx.may_serve(id, REQUEST) {
        return Ok(());
    }
    let all = ctx.ledger.store().terms_changes(first, ctx.ledger.tip().height, MAX_TERMS.into())?;
    respond(ctx, id, Message::Terms(all));
    Ok(())
}

/// How many bytes a block has that a peer asks for. If it is not here, that is the response.
fn stored_bytes(ctx: &mut StepContext<'_>, id: PeerId, name: BlockName) -> StepResult<Option<u64>> {
    if !ctx.may_serve(id, REQUEST) {
        return Ok(None);
    }
    let store = ctx.ledger.store();
    let ours = store.header(name.height)?.is_some_and(|h| h.hash() == name.hash);
    let bytes = if ours && name.height > store.base() { store.block_bytes(name.height)? } else { None };
    if bytes.is_none() {
        ctx.send(id, Message::NotFound(name));
    }
    Ok(bytes)
}

fn on_get_block(ctx: &mut StepContext<'_>, id: PeerId, name: BlockName) -> StepResult {
    let Some(bytes) = stored_bytes(ctx, id, name)? else { return Ok(()) };
    if !ctx.may_serve(id, bytes) {
        return Ok(());
    }
    if let Some((sealed, body)) = ctx.ledger.store().stored_block(name.height)? {
        ctx.send(id, Message::Block { sealed, body });
    }
    Ok(())
}

fn on_get_snapshots(ctx: &mut StepContext<'_>, id: PeerId) -> StepResult {
    if ctx.may_serve(id, REQUEST) {
        let all = ctx.ledger.store().snapshots()?;
        ctx.send(id, Message::Snapshots(all));
    }
    Ok(())
}

/// Whether a part of so many bytes fits in a message.
const fn fits_a_message(length: u64) -> bool {
    /// Version, kind, block and place.
    const FRAME: u64 = 2 + 32 + 4;
    length + FRAME <= MAX_MESSAGE as u64
}

/// A part of a snapshot, or that it cannot be had here or now.
fn on_get_part(ctx: &mut StepContext<'_>, id: PeerId, block: Hash, place: u32) -> StepResult {
    if !ctx.may_serve(id, REQUEST) {
        return Ok(());
    }
    let length = ctx.ledger.store().snapshot_part_bytes(&block, place);
    let bytes = match length {
        Some(length) if fits_a_message(length) && ctx.may_serve(id, length) => {
            ctx.ledger.store().snapshot_part(&block, place)?
        }
        _ => None,
    };
    ctx.send(id, Message::Part { block, place, bytes: bytes.unwrap_or_default() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{block::Seal, testing::TestChain, validators::Signatures, votes::Certificate};

    /// A part fits up to the last byte of a message.
    #[test]
    fn parts_fill_a_message_and_no_more() {
        let frame = |bytes: usize| {
            Message::Part { block: Hash::ZERO, place: 7, bytes: vec![0; bytes] }.to_bytes().len()
        };
        let most = MAX_MESSAGE - frame(0);
        assert_eq!(frame(most), MAX_MESSAGE);
        assert!(fits_a_message(0) && fits_a_message(most as u64) && !fits_a_message(most as u64 + 1));
    }

    /// However many validators sealed them, as many headers are sent as one message holds, to the last byte.
    #[test]
    fn headers_fill_a_message_and_no_more() {
        let mut test_chain = TestChain::new(4);
        test_chain.grow(Vec::new());
        let block = &test_chain.blocks()[0];
        let Seal::Operator(signature) = &block.seal else { panic!("a solo chain") };
        let sealed = |signers: usize| {
            let all = (0..signers).map(|place| (place, *signature)).collect();
            let signatures = Signatures::new(100, all).unwrap();
            let seal = Seal::Certificate(Certificate { round: 0, signatures });
            SealedHeader { header: block.header.clone(), seal }
        };
        let bytes = |all: &[SealedHeader]| Message::Headers(all.to_vec()).to_bytes().len();
        let (long, short) = (sealed(100), sealed(60));
        let mut exact = 0;
        for few in 0..64 {
            let mut all = vec![short.clone(); few];
            all.resize(few + 700, long.clone());
            let n = fitting(&all);
            assert!(bytes(&all[..n]) <= MAX_MESSAGE && bytes(&all[..=n]) > MAX_MESSAGE, "{few}");
            // Another in the place of the last one, of which a few bytes do not fit.
            all.truncate(n);
            let left = MAX_MESSAGE - bytes(&all);
            let base = bytes(&[sealed(1)]) - bytes(&[]) - 64;
            if let Some(signers) = (1..100).find(|s| (1..=8).contains(&(base + 64 * s).wrapping_sub(left))) {
                all.push(sealed(signers));
                assert_eq!(fitting(&all), n, "{} bytes", bytes(&all));
                exact += 1;
            }
        }
        assert!(exact > 0);
        assert_eq!((fitting(&[]), fitting(&vec![long; 10])), (0, 10));
    }
}
