//! The public relay of transactions: announcements, requests for what others announce, and orphans.
//!
//! ```text
//! mempool ─▶ announced to each peer, after a random delay
//! announcement ─▶ requested ([`tx_request`](super::tx_request)) ─▶ judged ─▶ mempool ─▶ announced in turn
//!                                                                    └─ parent unknown ─▶ waits ([`orphans`](super::orphans))
//! ```

use super::{
    context::{PartEvent, Signal, StepContext, StepResult, Verdict, exponential, not_fatal},
    orphans::Orphans,
    peers::{Peer, Recent},
    tx_request::TxRequests,
};
use crate::{
    codec::transaction_id,
    config::Config,
    effect::Effect,
    ledger::LedgerError,
    message::{MAX_IDS, Message},
    peer::{Offence, PeerId, PeerKey},
    storage::Files,
};
use sotto_mw::{error::Rejection, hash::Hash, transaction::Transaction};
use std::collections::{BTreeMap, VecDeque};

/// Refused transactions that are not requested again before the next block.
const MAX_REFUSED: usize = 16_384;

/// What is announced, requested and waiting for its parent.
pub(crate) struct Gossip {
    requests: TxRequests,
    refused: Recent,
    orphans: Orphans,
    /// Orphans whose parents have come, to be judged again.
    adopted: VecDeque<Transaction>,
}

impl Gossip {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            requests: TxRequests::new(config.mempool.transactions),
            refused: Recent::new(MAX_REFUSED),
            orphans: Orphans::default(),
            adopted: VecDeque::new(),
        }
    }

    /// How many transactions were announced and are not here.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether a peer owes a transaction.
    pub(crate) fn awaits(&self, id: PeerId) -> bool {
        self.requests.awaits(id)
    }

    pub(crate) fn step<F: Files>(
        &mut self,
        ctx: &mut StepContext<'_, F>,
        event: PartEvent<'_>,
    ) -> StepResult {
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
            PartEvent::Message(..) | PartEvent::Advance => {}
        }
        Ok(())
    }

    fn on_announcement<F: Files>(&mut self, ctx: &mut StepContext<'_, F>, id: PeerId, ids: Vec<Hash>) {
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

    /// Whether a transaction was refused, or waits for its parent.
    fn has_judged(&self, id: &Hash) -> bool {
        self.refused.contains(id) || self.orphans.contains(id)
    }

    fn on_transaction<F: Files>(
        &mut self,
        ctx: &mut StepContext<'_, F>,
        id: PeerId,
        t: Transaction,
    ) -> StepResult {
        let tx = transaction_id(&t);
        if !self.requests.arrived(id, &tx) {
            // Another peer may have sent it, or this one too late.
            if !self.has_judged(&tx) && ctx.ledger.mempool().get(&tx).is_none() {
                ctx.blame(id, Offence::Unasked);
            }
            return Ok(());
        }
        match ctx.judge(id, t)? {
            Verdict::Fits(t) => ctx.accept(*t, &[]).map(drop).or_else(not_fatal),
            Verdict::Orphan(t) => {
                self.orphans.insert(tx, *t);
                Ok(())
            }
            Verdict::Known | Verdict::Refused => Ok(()),
        }
    }

    fn on_tick<F: Files>(&mut self, ctx: &mut StepContext<'_, F>) -> StepResult {
        self.adopt_orphans(ctx)?;
        send_announcements(ctx);
        self.request(ctx);
        Ok(())
    }

    /// Judges those orphans again whose parents may have come since.
    fn adopt_orphans<F: Files>(&mut self, ctx: &mut StepContext<'_, F>) -> StepResult {
        for t in core::mem::take(&mut self.adopted) {
            let id = transaction_id(&t);
            match ctx.ledger.judge(t.clone()) {
                Ok(t) => ctx.accept(t, &[]).map(drop).or_else(not_fatal)?,
                Err(LedgerError::Refused(Rejection::NotUnspent { .. })) => self.orphans.insert(id, t),
                Err(e) => not_fatal(e)?,
            }
        }
        Ok(())
    }

    /// Requests what was announced, and from other peers what did not come. While blocks are being fetched
    /// nothing is requested: the mempool of others fits the last of them.
    fn request<F: Files>(&mut self, ctx: &mut StepContext<'_, F>) {
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
fn on_get_transactions<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId, ids: &[Hash]) {
    for tx in ids {
        let Some(t) = ctx.ledger.mempool().get(tx) else { continue };
        let bytes = t.body.weight() * 32;
        let Some(peer) = ctx.peers.all.get_mut(&id).filter(|p| p.ready()) else { return };
        if !peer.served.take(ctx.now, bytes) {
            return;
        }
        ctx.effects.push(Effect::Send(id, Message::Transaction(t.clone())));
    }
}

/// Will announce the whole mempool to a new peer.
fn on_ready<F: Files>(ctx: &mut StepContext<'_, F>, id: PeerId) {
    let Some(peer) = ctx.peers.all.get_mut(&id) else { return };
    let due = ctx.now + exponential(ctx.rng, ctx.config.trickle);
    ctx.ledger.mempool().iter().for_each(|(tx, _)| peer.offer(*tx, due));
}

/// Will announce a transaction to all peers, but those in `except` and those that have it.
fn announce<F: Files>(ctx: &mut StepContext<'_, F>, id: Hash, except: &[PeerKey]) {
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
fn send_announcements<F: Files>(ctx: &mut StepContext<'_, F>) {
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
