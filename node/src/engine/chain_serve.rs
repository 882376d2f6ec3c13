//! What peers ask for of the chain: headers, blocks whole and compact, and snapshots in parts.
//!
//! Every response is metered before it is read from disk, and then by its bytes: a peer that asks for more
//! than its allowance gets no response, or, for a part of a snapshot, the response that there is none now. A
//! peer that asks for a block that is not in the chain, or was pruned, is told so, and asks another.

use super::context::{StepContext, StepResult};
use crate::{
    message::{
        BlockName, MAX_HEADERS, MAX_MESSAGE, Message,
        compact::{Compact, items},
    },
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::Files,
};
use sotto_mw::{amount::Height, block::Block, codec::Encode, hash::Hash};

/// What a request costs the peer, besides the bytes of the response.
const REQUEST: u64 = 1_024;

/// Responds to a request for something of the chain.
pub(crate) fn on_request<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, request: Message) -> StepResult {
    match request {
        Message::GetHeaders(names) => on_get_headers(ctx, id, &names),
        Message::GetCompact(name) => on_get_compact(ctx, id, name),
        Message::GetItems { block, outputs, kernels } => on_get_items(ctx, id, block, &outputs, &kernels),
        Message::GetBlock(name) => on_get_block(ctx, id, name),
        Message::GetSnapshots => on_get_snapshots(ctx, id),
        Message::GetPart { block, place } => on_get_part(ctx, id, block, place),
        _ => Ok(()),
    }
}

fn on_get_headers<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, names: &[BlockName]) -> StepResult {
    if !ctx.may_serve(id, REQUEST + 256 * u64::from(MAX_HEADERS)) {
        return Ok(());
    }
    let mut common = Height::GENESIS;
    for name in names {
        if ctx.ledger.store().header(name.height)?.is_some_and(|h| h.hash() == name.hash) {
            common = name.height;
            break;
        }
    }
    let last = common.plus(MAX_HEADERS.into()).min(ctx.ledger.tip().height);
    let all = ctx.ledger.store().sealed_headers(common.next(), last)?;
    ctx.send(id, Message::Headers(all));
    Ok(())
}

/// A block that a peer asks for; none when its allowance does not reach, or when the block is not here, which
/// is the response then.
fn block_for<F: Files>(
    ctx: &mut StepContext<'_, F>,
    id: PeerId,
    name: BlockName,
) -> StepResult<Option<Block>> {
    if !ctx.may_serve(id, REQUEST) {
        return Ok(None);
    }
    let store = ctx.ledger.store();
    let ours = store.header(name.height)?.is_some_and(|h| h.hash() == name.hash);
    let block = if ours && name.height > store.base() { store.block(name.height)? } else { None };
    let Some(block) = block else {
        ctx.send(id, Message::NotFound(name));
        return Ok(None);
    };
    let bytes = block.body.weight() * 32;
    Ok(ctx.may_serve(id, bytes).then_some(block))
}

fn on_get_block<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, name: BlockName) -> StepResult {
    if let Some(block) = block_for(ctx, id, name)? {
        let (sealed, body) = (SealedHeader::of(&block), block.body.to_bytes());
        ctx.send(id, Message::Block { sealed, body });
    }
    Ok(())
}

fn on_get_compact<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, name: BlockName) -> StepResult {
    let compact = block_for(ctx, id, name)?.and_then(|b| Compact::of(&b, ctx.rng.next_u64()));
    compact.into_iter().for_each(|c| ctx.send(id, Message::Compact(c)));
    Ok(())
}

/// Items of a block, which are no more than the block that was metered: places ascend.
fn on_get_items<F: Files>(
    ctx: &mut StepContext<'_, F>,
    id: PeerId,
    block: BlockName,
    outputs: &[u32],
    kernels: &[u32],
) -> StepResult {
    let Some(whole) = block_for(ctx, id, block)? else { return Ok(()) };
    let Some((outputs, kernels)) = items(&whole.body, outputs, kernels) else {
        ctx.blame(id, Offence::Garbage);
        return Ok(());
    };
    ctx.send(id, Message::Items { block, outputs, kernels });
    Ok(())
}

fn on_get_snapshots<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId) -> StepResult {
    if ctx.may_serve(id, REQUEST) {
        let all = ctx.ledger.store().snapshots()?;
        ctx.send(id, Message::Snapshots(all));
    }
    Ok(())
}

/// A part of a snapshot, or that it cannot be had here or now.
fn on_get_part<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, block: Hash, place: u32) -> StepResult {
    if !ctx.may_serve(id, REQUEST) {
        return Ok(());
    }
    let bytes = ctx.ledger.store().snapshot_part(&block, place)?;
    let bytes = bytes.filter(|b| b.len() + 64 <= MAX_MESSAGE && ctx.may_serve(id, b.len() as u64));
    ctx.send(id, Message::Part { block, place, bytes: bytes.unwrap_or_default() });
    Ok(())
}
