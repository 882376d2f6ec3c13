//! Changes of the terms that wait for a block: taken from peers and from programs, and told to all peers.
//!
//! A change of a quorum is rare and small, so it is sent whole, once to each peer, and to each that connects while it
//! waits; handed in at any node, it reaches the validators. What does not hold is dropped and nobody is blamed: of two
//! honest nodes one may be a block ahead, and the signatures name the last change of the chain. Its sender has paid for
//! the work.

use super::context::{Signal, StepContext};
use crate::{ledger::pending_changes::ChangeRefused, message::Message, peer::PeerId};
use sotto_mw::terms::SignedChange;

/// Lets a change wait, and tells all peers but the one that it came from, if it is news.
pub(super) fn accept(
    ctx: &mut StepContext<'_>,
    from: Option<PeerId>,
    change: SignedChange,
) -> Result<(), ChangeRefused> {
    if !ctx.ledger.submit_change(change.clone())? {
        return Ok(());
    }
    let others: Vec<PeerId> = ctx.peers.ready().map(|(id, _)| id).filter(|id| Some(*id) != from).collect();
    others.into_iter().for_each(|id| ctx.send(id, Message::Change(Box::new(change.clone()))));
    ctx.signals.push_back(Signal::ChangeWaits);
    Ok(())
}

/// Tells a new peer what waits.
pub(super) fn on_ready(ctx: &mut StepContext<'_>, id: PeerId) {
    for change in ctx.ledger.changes().all().to_vec() {
        ctx.send(id, Message::Change(Box::new(change)));
    }
}
