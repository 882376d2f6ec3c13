//! Evidence against validators: judged, kept, told to every peer once, and what halts the node.
//!
//! ```text
//! a peer's, or this node's own consensus ─▶ news? ─▶ judged under the validators of its height ─▶ kept, durably
//!   ─▶ every other peer       a peer that completes its handshake ─▶ the last cases that are kept
//! ```
//!
//! What is known already costs a look-up, and each case is passed on once, so that nobody can make it go
//! round. Cases of heights that this node does not know yet wait until it does: as many of each peer as it
//! would tell.

use super::context::{StepContext, StepResult};
use crate::{
    consensus::Evidence,
    effect::{Effect, LogEvent},
    ledger::witness::{self as judging, Judgement},
    message::Message,
    peer::{Offence, PeerId},
};

/// Cases that a new peer is told of, and that wait of one peer.
const TOLD: usize = 16;

/// Begins a step: a node that must not go on does not.
pub(crate) fn begin(ctx: &mut StepContext<'_>) -> StepResult {
    if core::mem::take(&mut ctx.ledger.opened.evidence_set_aside) {
        ctx.log(LogEvent::EvidenceDamaged);
    }
    if core::mem::take(&mut ctx.ledger.opened.requests_set_aside) {
        ctx.log(LogEvent::RequestsDamaged);
    }
    ctx.halt()
}

/// A peer sends evidence.
pub(crate) fn on_evidence(ctx: &mut StepContext<'_>, id: PeerId, evidence: Evidence) -> StepResult {
    if !ctx.ledger.equivocations().is_news(&evidence) {
        return Ok(());
    }
    match judging::judge(ctx.ledger, &evidence) {
        Judgement::Holds => keep(ctx, Some(id), evidence),
        Judgement::Unknown => {
            let peer = ctx.peers.all.get_mut(&id).filter(|peer| peer.evidence.len() < TOLD);
            peer.into_iter().for_each(|peer| peer.evidence.push(evidence.clone()));
            Ok(())
        }
        Judgement::Forged => {
            ctx.blame(id, Offence::Invalid);
            Ok(())
        }
    }
}

/// Judges what waited, now that the chain is another.
pub(crate) fn on_chain_changed(ctx: &mut StepContext<'_>) -> StepResult {
    let waiting = ctx.peers.all.iter_mut().filter(|(_, peer)| !peer.evidence.is_empty());
    let waiting: Vec<_> = waiting.map(|(id, peer)| (*id, core::mem::take(&mut peer.evidence))).collect();
    for (id, all) in waiting {
        all.into_iter().try_for_each(|evidence| on_evidence(ctx, id, evidence))?;
    }
    Ok(())
}

/// Keeps evidence that holds, and tells it to all peers but the one that it came from.
pub(crate) fn keep(ctx: &mut StepContext<'_>, from: Option<PeerId>, evidence: Evidence) -> StepResult {
    if !judging::keep(ctx.ledger, evidence.clone())? {
        return Ok(());
    }
    for (id, _) in ctx.peers.ready().filter(|(id, _)| Some(*id) != from) {
        ctx.effects.push(Effect::Send(id, Message::Evidence(evidence.clone())));
    }
    ctx.log(LogEvent::Equivocation(Box::new(evidence)));
    Ok(())
}

/// Tells a new peer of the last cases.
pub(crate) fn tell(ctx: &mut StepContext<'_>, id: PeerId) {
    let all = ctx.ledger.equivocations().all();
    let last = all.get(all.len().saturating_sub(TOLD)..).unwrap_or_default();
    ctx.effects.extend(last.iter().map(|e| Effect::Send(id, Message::Evidence(e.clone()))));
}
