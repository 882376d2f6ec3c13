//! The life of a connection: hello, pings, addresses, and new connections.
//!
//! ```text
//! dial or accept ─▶ hello: same chain, same rules, not connected already ─▶ ready ─▶ closed
//!                     │ anything else, or too late                            │ ban score, silence
//!                     └──────────────────────▶ closed ◀───────────────────────┘
//! ```

use super::{
    context::{StepContext, StepResult},
    peers::{NewPeer, Peer, Stage},
};
use crate::{
    effect::Effect,
    message::{Hello, MAX_ADDRESSES, Message, rules},
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
};
use core::net::SocketAddr;

/// Accepts a new connection, if there is room, and sends a hello.
pub(crate) fn on_connected(ctx: &mut StepContext<'_>, id: PeerId, key: PeerKey, direction: Direction) {
    if let Err(why) = ctx.peers.connected(ctx.config, ctx.now, NewPeer { id, key, direction }) {
        ctx.effects.push(Effect::Close(id, why));
        return;
    }
    let chain = *ctx.ledger.chain().id();
    let hello = Hello { chain, rules: rules(), listen_port: ctx.config.listen_port };
    ctx.send(id, Message::Hello(hello));
}

/// Which connection a hello closes, and why: this one, if the peer follows other rules, or one of two with
/// the same peer.
pub(crate) fn objection(
    ctx: &mut StepContext<'_>,
    id: PeerId,
    hello: &Hello,
) -> Option<(PeerId, CloseReason)> {
    let peer = ctx.peers.all.get(&id)?;
    let (key, direction) = (peer.key, peer.direction);
    if hello.chain != *ctx.ledger.chain().id() || hello.rules != rules() {
        if let Direction::Outbound(a) = direction {
            ctx.peers.book.failed(&a);
        }
        return Some((id, CloseReason::WrongChain));
    }
    duplicate(ctx, id, key).map(|worse| (worse, CloseReason::Duplicate))
}

/// Which connection must close when this one is with this node itself, or the second in its direction with a
/// peer: the older one, which the peer would not have replaced while it worked. One in each direction may
/// stay, since a node stems only to peers that it chose.
fn duplicate(ctx: &StepContext<'_>, id: PeerId, key: PeerKey) -> Option<PeerId> {
    if key == ctx.config.key {
        return Some(id);
    }
    let outbound = ctx.peers.all.get(&id)?.outbound();
    let same = |p: &Peer| p.key == key && p.outbound() == outbound;
    ctx.peers.ready().find(|(other, p)| *other != id && same(p)).map(|(other, _)| other)
}

/// Completes the handshake: the peer is ready, and sees the tip.
pub(crate) fn complete(ctx: &mut StepContext<'_>, id: PeerId, hello: &Hello) -> StepResult {
    let Some(peer) = ctx.peers.all.get_mut(&id) else { return Ok(()) };
    peer.stage = Stage::Ready;
    let key = peer.key;
    match peer.direction {
        // Their addresses come from the settings, and are not passed on.
        _ if ctx.peers.validators.contains(&key) => {}
        Direction::Outbound(address) => {
            peer.awaits_addresses = true;
            ctx.peers.book.reached(address);
            ctx.send(id, Message::GetAddresses);
        }
        Direction::Inbound(from) => {
            let at = hello.listen_port.map(|port| SocketAddr::new(from.ip(), port));
            at.into_iter().for_each(|at| ctx.peers.book.hear(Address { at, key }, from.ip()));
        }
    }
    // Each shows by a seal how far it is: a height without one proves nothing.
    let tip = ctx.ledger.store().sealed_header(ctx.ledger.tip().height)?;
    tip.into_iter().for_each(|sealed| ctx.send(id, Message::Tip(sealed)));
    Ok(())
}

/// Sends a sample of the address book, once a connection: a peer that could ask again and again would copy
/// the book.
pub(crate) fn on_get_addresses(ctx: &mut StepContext<'_>, id: PeerId) {
    let Some(peer) = ctx.peers.all.get_mut(&id) else { return };
    if core::mem::replace(&mut peer.sent_addresses, true) {
        ctx.blame(id, Offence::Flood);
        return;
    }
    let to = peer.ip();
    let all = ctx.peers.book.sample(ctx.rng, MAX_ADDRESSES.into(), to);
    ctx.send(id, Message::Addresses(all));
}

/// Takes addresses in, once and only if they were asked for: a peer that could send more would fill the book.
pub(crate) fn on_addresses(ctx: &mut StepContext<'_>, id: PeerId, all: &[Address]) {
    let Some(peer) = ctx.peers.all.get_mut(&id) else { return };
    if !core::mem::take(&mut peer.awaits_addresses) {
        ctx.blame(id, Offence::Unasked);
        return;
    }
    let source = peer.ip();
    all.iter().filter(|a| a.key != ctx.config.key).for_each(|a| ctx.peers.book.hear(*a, source));
}

/// Pings peers that are silent, closes those that stay silent, and dials new ones.
pub(crate) fn on_tick(ctx: &mut StepContext<'_>) {
    let (now, idle) = (ctx.now, ctx.config.idle_timeout);
    let mut silent = Vec::new();
    for (id, peer) in &mut ctx.peers.all {
        match peer.stage {
            Stage::Handshake(until) if until <= now => silent.push(*id),
            Stage::Ready if peer.heard + 2 * idle <= now => silent.push(*id),
            Stage::Ready if peer.heard.max(peer.pinged) + idle <= now => {
                peer.pinged = now;
                ctx.effects.push(Effect::Send(*id, Message::Ping(ctx.rng.next_u64())));
            }
            _ => {}
        }
    }
    silent.into_iter().for_each(|id| ctx.close(id, CloseReason::Silent));
}

/// Dials as many peers as are missing.
pub(crate) fn dial(ctx: &mut StepContext<'_>) {
    while let Some(address) = ctx.peers.validator_to_dial(ctx.now) {
        ctx.effects.push(Effect::Dial(address));
    }
    while let Some(address) = ctx.peers.pick_to_dial(ctx.config, ctx.now, ctx.rng) {
        ctx.effects.push(Effect::Dial(address));
    }
}
