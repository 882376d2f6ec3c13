//! The public relay of transactions: announcements, requests for what others announce, and orphans.
//!
//! ```text
//! mempool ─▶ announced to each peer, after a random delay
//! announcement ─▶ requested ([`tx_request`](super::tx_request)) ─▶ looked up ─▶ verified ─▶ mempool ─▶ announced in turn
//!                                                                    └─ parent unknown ─▶ waits ([`orphans`](super::orphans))
//! ```
//!
//! A transaction is verified by a worker, and judged anew when it comes back: the chain may have moved.

use super::{
    context::{PartEvent, Signal, StepContext, StepResult, Verdict, exponential},
    orphans::Orphans,
    peers::{Peer, Recent},
    tx_request::TxRequests,
    verify_queue::Then,
};
use crate::{
    codec::transaction_id,
    config::Config,
    effect::Effect,
    message::{MAX_IDS, Message},
    peer::{Offence, PeerId, PeerKey},
};
use core::time::Duration;
use sotto_mw::{hash::Hash, rules::Verified, transaction::Transaction};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// Refused transactions that are not requested again before the next block.
const MAX_REFUSED: usize = 16_384;

/// What is announced, requested and waiting for its parent.
pub(crate) struct Gossip {
    requests: TxRequests,
    refused: Recent,
    orphans: Orphans,
    /// Orphans whose parents have come, to be judged again.
    adopted: VecDeque<Transaction>,
    /// Those whose proofs are being verified: as many as the queue of work holds.
    verifying: HashSet<Hash>,
}

impl Gossip {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            requests: TxRequests::new(config.mempool.transactions),
            refused: Recent::new(MAX_REFUSED),
            orphans: Orphans::default(),
            adopted: VecDeque::new(),
            verifying: HashSet::new(),
        }
    }

    /// How many transactions were announced and are not here.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether a peer owes this transaction.
    pub(crate) fn awaits(&self, id: PeerId, tx: &Hash) -> bool {
        self.requests.awaits(id, tx)
    }

    /// Takes note that a transaction came which the node is too busy to look at.
    pub(crate) fn put_off(&mut self, id: PeerId, tx: &Hash, now: Duration) {
        self.requests.put_off(id, tx, now);
    }

    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        match event {
            PartEvent::Message(id, Message::Announce(ids)) => self.on_announcement(ctx, id, ids),
            PartEvent::Message(id, Message::GetTransactions(ids)) => on_get_transactions(ctx, id, &ids),
            PartEvent::Message(id, Message::Transaction(t)) => return self.on_transaction(ctx, id, t),
            PartEvent::Ready(id) => on_ready(ctx, id),
            PartEvent::Signal(Signal::Disconnected(id, _)) => self.requests.lost(*id, ctx.now),
            PartEvent::Signal(Signal::Unfit(id)) => drop(self.refused.insert(*id)),
            PartEvent::Signal(Signal::Accepted { id, transaction, except }) => {
                self.adopted.extend(self.orphans.children(&transaction.body));
                self.requests.here(id);
                announce(ctx, *id, except);
            }
            PartEvent::Signal(Signal::ChainChanged) => {
                // What did not fit may fit now.
                self.refused.clear();
                self.adopted.extend(self.orphans.all());
            }
            PartEvent::Tick => return self.on_tick(ctx),
            PartEvent::Signal(
                Signal::ChangeWaits | Signal::Joined(_) | Signal::Sign(_) | Signal::Answered(..),
            )
            | PartEvent::Message(..)
            | PartEvent::Advance => {}
        }
        Ok(())
    }

    fn on_announcement(&mut self, ctx: &mut StepContext<'_>, id: PeerId, ids: Vec<Hash>) {
        let Some(peer) = ctx.peers.all.get_mut(&id) else { return };
        for tx in ids {
            peer.knows.insert(tx);
            if ctx.ledger.mempool().get(&tx).is_none() && !self.has_judged(&tx) {
                self.requests.offered(id, tx);
            }
        }
        if ctx.branch.is_fetching() {
            return;
        }
        let ask = self.requests.ask(id, ctx.now, ctx.config.response_timeout);
        ask.chunks(MAX_IDS.into()).for_each(|ids| ctx.send(id, Message::GetTransactions(ids.to_vec())));
    }

    /// Whether a transaction was refused, waits for its parent, or is being verified.
    fn has_judged(&self, id: &Hash) -> bool {
        self.refused.contains(id) || self.orphans.contains(id) || self.verifying.contains(id)
    }

    fn on_transaction(&mut self, ctx: &mut StepContext<'_>, id: PeerId, t: Transaction) -> StepResult {
        let tx = transaction_id(&t);
        if !self.requests.arrived(id, &tx) {
            // Another peer may have sent it, or this one too late.
            if !self.has_judged(&tx) && ctx.ledger.mempool().get(&tx).is_none() {
                ctx.blame(id, Offence::Unasked);
            }
            return Ok(());
        }
        let verdict = ctx.judge(t, Then::Gossip(Some(id), tx))?;
        if matches!(verdict, Verdict::Orphan(_)) {
            ctx.blame(id, Offence::Absent);
        }
        self.take(tx, verdict);
        Ok(())
    }

    fn take(&mut self, tx: Hash, verdict: Verdict) {
        match verdict {
            Verdict::Verifying => _ = self.verifying.insert(tx),
            Verdict::Orphan(t) => self.orphans.insert(tx, *t),
            Verdict::Known | Verdict::Refused => {}
        }
    }

    /// The proofs of a transaction were verified: it enters the mempool, if it still fits.
    pub(crate) fn on_verified(
        &mut self,
        ctx: &mut StepContext<'_>,
        tx: Hash,
        t: Verified<Transaction>,
    ) -> StepResult {
        self.verifying.remove(&tx);
        let transaction = t.get().clone();
        match ctx.accept(t, &[]) {
            Ok(_) => Ok(()),
            Err(e) => {
                let verdict = ctx.refused(None, transaction, e)?;
                self.take(tx, verdict);
                Ok(())
            }
        }
    }

    /// The proofs of a transaction do not hold.
    pub(crate) fn on_invalid(&mut self, tx: Hash) {
        self.verifying.remove(&tx);
        self.refused.insert(tx);
    }

    fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        self.adopt_orphans(ctx)?;
        send_announcements(ctx);
        self.request(ctx);
        Ok(())
    }

    /// Judges those orphans again whose parents may have come since.
    fn adopt_orphans(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        for t in core::mem::take(&mut self.adopted) {
            let tx = transaction_id(&t);
            let verdict = ctx.judge(t, Then::Gossip(None, tx))?;
            self.take(tx, verdict);
        }
        Ok(())
    }

    /// Requests what was announced, and from other peers what did not come. While blocks are being fetched
    /// nothing is requested: the mempool of others fits the last of them.
    fn request(&mut self, ctx: &mut StepContext<'_>) {
        if ctx.branch.is_fetching() {
            return;
        }
        let (now, timeout) = (ctx.now, ctx.config.response_timeout);
        let chosen = |id: &PeerId| ctx.peers.all.get(id).is_some_and(Peer::outbound);
        let mut ask: BTreeMap<PeerId, Vec<Hash>> = BTreeMap::new();
        for (id, tx) in self.requests.ask_others(now, timeout, chosen) {
            ask.entry(id).or_default().push(tx);
        }
        for (id, _) in ctx.peers.ready() {
            ask.entry(id).or_default().extend(self.requests.ask(id, now, timeout));
        }
        for (id, all) in ask {
            all.chunks(MAX_IDS.into()).for_each(|ids| ctx.send(id, Message::GetTransactions(ids.to_vec())));
        }
    }
}

/// Sends the transactions that a peer asks for, as far as its allowance reaches.
fn on_get_transactions(ctx: &mut StepContext<'_>, id: PeerId, ids: &[Hash]) {
    for tx in ids {
        let Some(weight) = ctx.ledger.mempool().get(tx).map(|t| t.body.weight()) else { continue };
        if !ctx.peers.all.get(&id).is_some_and(Peer::ready) || !ctx.may_serve(id, weight * 32) {
            return;
        }
        let Some(answer) = ctx.ledger.mempool().get(tx).cloned().map(Message::Transaction) else { continue };
        ctx.send(id, answer);
    }
}

/// Will announce the whole mempool to a new peer.
fn on_ready(ctx: &mut StepContext<'_>, id: PeerId) {
    let Some(peer) = ctx.peers.all.get_mut(&id) else { return };
    let due = ctx.now + exponential(ctx.rng, ctx.config.trickle);
    ctx.ledger.mempool().iter().for_each(|(tx, _)| peer.offer(*tx, due));
}

/// Will announce a transaction to all peers, but those in `except` and those that have it.
fn announce(ctx: &mut StepContext<'_>, id: Hash, except: &[PeerKey]) {
    for peer in ctx.peers.all.values_mut().filter(|p| p.ready()) {
        if except.contains(&peer.key) {
            peer.knows.insert(id);
        }
        if !peer.knows.contains(&id) {
            peer.offer(id, ctx.now + exponential(ctx.rng, ctx.config.trickle));
        }
    }
}

/// Sends the announcements that are due.
fn send_announcements(ctx: &mut StepContext<'_>) {
    for (id, peer) in ctx.peers.all.iter_mut().filter(|(_, p)| p.ready() && p.offers.1 <= ctx.now) {
        let offers = core::mem::take(&mut peer.offers.0);
        let mempool = ctx.ledger.mempool();
        let news: Vec<Hash> =
            offers.into_iter().filter(|tx| mempool.get(tx).is_some() && peer.knows.insert(*tx)).collect();
        for ids in news.chunks(MAX_IDS.into()) {
            ctx.effects.push(Effect::Send(*id, Message::Announce(ids.to_vec())));
        }
    }
}
