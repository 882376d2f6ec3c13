//! The private relay: transactions are stemmed from peer to peer, then fluffed to all.
//!
//! ```text
//! submitted, or a stem ─▶ judged ─▶ stempool ══ dandelion ══▶ stem to one peer, aggregated with others that wait for it
//!                                                   └──────▶ fluff ─▶ mempool ─▶ Gossip announces it
//! ```
//!
//! Guaranteed: what peers observe follows from the chain and the mempool, never from the stempool. A stem is
//! judged whatever peer sends it, and one that conflicts with another stem is stemmed like any other. A
//! transaction that breaks a rule whatever the state costs its sender the connection. A stem whose parent is
//! unknown is dropped: to wait for what was stemmed would reveal it. A transaction that was submitted here is
//! saved before it is stemmed, and kept until a block has it ([`local`]).

pub(crate) mod local;
mod pace;

use super::{
    context::{PartEvent, Signal, StepContext, StepResult, Verdict, not_fatal},
    local_txs::LocalTxs,
    peers::{Peer, Peers},
    relay::pace::Pace,
    stempool::{Room, Stempool},
    verify_queue::{StemSender, Then},
};
use crate::{
    codec::transaction_id,
    config::Config,
    effect::LogEvent,
    ledger::LedgerError,
    message::Message,
    peer::{Offence, PeerId, PeerKey},
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::{codec::Encode, hash::Hash, kernel::Kernel, rules::Verified, transaction::Transaction};
use std::collections::{BTreeMap, VecDeque};

type Dandelion = sotto_dandelion::Relay<Hash, Hash, PeerKey>;
type DandelionEvent = sotto_dandelion::Event<Hash, Hash, PeerKey>;

/// What is stemmed, and what was submitted here.
pub(crate) struct Relay {
    dandelion: Dandelion,
    stems: Stempool,
    local: LocalTxs,
    /// How many transactions had left the mempool at the end of the last step.
    departures: u64,
    /// The nonce of the pong that shows that a peer has read the last stem it was sent.
    pings: BTreeMap<PeerKey, u64>,
    pace: Pace,
}

impl Relay {
    pub(crate) fn new(config: &Config, mut rng: &mut dyn CryptoRngCore) -> Self {
        Self {
            dandelion: Dandelion::new(Duration::ZERO, &mut rng, config.dandelion),
            stems: Stempool::new(config.stempool),
            local: LocalTxs::default(),
            departures: 0,
            pings: BTreeMap::new(),
            pace: Pace::new(config.work),
        }
    }

    /// How many transactions are stemmed.
    pub(crate) fn len(&self) -> usize {
        self.stems.len()
    }

    pub(crate) fn step(&mut self, ctx: &mut StepContext<'_>, event: PartEvent<'_>) -> StepResult {
        match event {
            PartEvent::Message(from, Message::Stem(t)) => self.on_stem(ctx, from, t),
            PartEvent::Message(from, Message::Pong(nonce)) => self.on_pong(ctx, from, nonce),
            PartEvent::Ready(id) => self.on_ready(ctx, id),
            PartEvent::Signal(Signal::Disconnected(_, peer)) => self.on_disconnected(ctx, peer),
            PartEvent::Signal(Signal::ChainChanged) => self.on_chain_changed(ctx),
            // The set chose them: they are no routes any more.
            PartEvent::Signal(Signal::Joined(keys)) => {
                keys.iter().try_for_each(|key| self.dandelion(ctx, DandelionEvent::Disconnected(*key)))
            }
            PartEvent::Signal(Signal::Accepted { id, transaction, .. }) => {
                self.local.touch(id);
                self.dandelion(ctx, DandelionEvent::Public(kernels(transaction)))
            }
            PartEvent::Tick => self.on_tick(ctx),
            _ => Ok(()),
        }
    }

    fn on_stem(&mut self, ctx: &mut StepContext<'_>, from: PeerId, t: Transaction) -> StepResult {
        let Some(peer) = ctx.peers.all.get(&from) else { return Ok(()) };
        let sender = StemSender { key: peer.key, machine: peer.machine() };
        if let Verdict::Orphan(_) = ctx.judge(t, Then::Stem(from, sender))? {
            ctx.blame(from, Offence::Absent);
        }
        Ok(())
    }

    /// The proofs of a stem were verified: it is taken, if it still fits.
    pub(crate) fn on_verified(
        &mut self,
        ctx: &mut StepContext<'_>,
        sender: StemSender,
        t: Verified<Transaction>,
    ) -> StepResult {
        let StemSender { key, machine } = sender;
        if let Err(e) = ctx.ledger.admits(&t) {
            return not_fatal(e);
        }
        loop {
            match self.stems.room(&machine, t.get().body.weight()) {
                Room::Here => break,
                Room::InPlaceOf(other) => {
                    self.dandelion(ctx, DandelionEvent::Evicted(other))?;
                    self.stems.remove(&other);
                }
                Room::Nowhere => return ctx.accept(t, &[key]).map(drop).or_else(not_fatal),
            }
        }
        let (tx, kernels) = (transaction_id(t.get()), kernels(t.get()));
        self.stems.insert(tx, t, Some(machine));
        self.dandelion(ctx, DandelionEvent::Stem { from: key, tx, kernels })
    }

    /// Passes an event to the Dandelion machine, and does what it decides.
    fn dandelion(&mut self, ctx: &mut StepContext<'_>, event: DandelionEvent) -> StepResult {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.dandelion.step(ctx.now, &mut ctx.rng, event) {
                match effect {
                    sotto_dandelion::Effect::Stem { to, members } => self.send_stem(ctx, to, &members),
                    sotto_dandelion::Effect::Forget(tx) => {
                        self.stems.remove(&tx);
                        self.local.touch(&tx);
                    }
                    sotto_dandelion::Effect::Fluff { tx, except, .. } => {
                        events.extend(self.fluff(ctx, tx, &except)?.map(DandelionEvent::Public));
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes a stemmed transaction public; returns its kernels, if the mempool accepts it. One that was
    /// submitted here and is not accepted is stemmed again later.
    fn fluff(
        &mut self,
        ctx: &mut StepContext<'_>,
        tx: Hash,
        except: &[PeerKey],
    ) -> StepResult<Option<Vec<Hash>>> {
        let Some(t) = self.stems.remove(&tx) else { return Ok(None) };
        let public = kernels(t.get());
        self.local.touch(&tx);
        match ctx.accept(t, except) {
            Ok(_) => Ok(Some(public)),
            Err(LedgerError::Conflict(why)) if self.local.contains(&tx) => {
                ctx.log(LogEvent::NotFluffed(why));
                Ok(None)
            }
            Err(e) => not_fatal(e).map(|()| None),
        }
    }

    fn send_stem(&mut self, ctx: &mut StepContext<'_>, to: PeerKey, members: &[Hash]) {
        let Some((id, _)) = ctx.peers.ready().find(|(_, p)| p.key == to) else { return };
        for t in self.stems.joined(members, ctx.ledger.chain()) {
            let stem = Message::Stem(t);
            self.pace.sent(ctx.now, to, &stem.to_bytes());
            ctx.send(id, stem);
        }
        let nonce = ctx.rng.next_u64();
        self.pings.insert(to, nonce);
        ctx.send(id, Message::Ping(nonce));
    }

    fn on_pong(&mut self, ctx: &mut StepContext<'_>, id: PeerId, nonce: u64) -> StepResult {
        let Some(key) = ctx.peers.all.get(&id).map(|p| p.key) else { return Ok(()) };
        if self.pings.get(&key) != Some(&nonce) {
            return Ok(());
        }
        self.pings.remove(&key);
        self.pace.read(key);
        self.send_more(ctx)
    }

    /// Sends the next stems to relays that have read the last ones, and whose allowance lasts.
    fn send_more(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let ready = self.pace.take_ready(ctx.now);
        ready.into_iter().try_for_each(|relay| self.dandelion(ctx, DandelionEvent::Delivered(relay)))
    }

    fn on_ready(&mut self, ctx: &mut StepContext<'_>, id: PeerId) -> StepResult {
        // A route is of this node's choice; the validator set chooses the connections between validators.
        let chosen = |p: &&Peer| p.outbound() && !ctx.peers.validators.contains(&p.key);
        match ctx.peers.all.get(&id).filter(chosen).map(|p| p.key) {
            Some(key) => self.dandelion(ctx, DandelionEvent::Connected(key)),
            None => Ok(()),
        }
    }

    fn on_disconnected(&mut self, ctx: &mut StepContext<'_>, peer: &Peer) -> StepResult {
        // Of two connections with one peer, one may still be open.
        let stays = |p: &Peer| p.key == peer.key && (p.outbound() || !peer.outbound());
        if ctx.peers.ready().any(|(_, p)| stays(p)) {
            return Ok(());
        }
        self.pings.remove(&peer.key);
        self.pace.gone(&peer.key);
        self.dandelion(ctx, DandelionEvent::Disconnected(peer.key))
    }

    /// Forgets stems that the new chain includes or makes impossible.
    fn on_chain_changed(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let mut gone = Vec::new();
        for (id, t) in self.stems.iter() {
            if !ctx.ledger.still_fits(t)? {
                gone.push(*id);
            }
        }
        gone.into_iter().try_for_each(|tx| self.dandelion(ctx, DandelionEvent::Rejected(tx)))?;
        self.review_local(ctx)
    }

    fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        self.fall_back_to_inbound(ctx)?;
        self.send_more(ctx)?;
        if ctx.now >= self.dandelion.wake() {
            self.dandelion(ctx, DandelionEvent::Tick)?;
        }
        self.stem_due(ctx)
    }

    /// Lets transactions that were submitted here go to peers that connected by themselves, once their
    /// embargo ends, if no relay can be had: a node that never reached another has no choice, nor has a validator that
    /// knows of validators alone, whose connections are no route. An attacker who
    /// cuts off a node that had a relay gains nothing by it.
    fn fall_back_to_inbound(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        let chosen = ctx.peers.ordinary().any(|p| p.ready() && p.outbound());
        let stems = self.local.ids().any(|id| self.stems.get(id).is_some());
        let Peers { book, validators, .. } = &*ctx.peers;
        if !stems || chosen || !book.is_hopeless(|key| !validators.contains(key)) {
            return Ok(());
        }
        let inbound: Vec<PeerKey> = ctx.peers.ready().map(|(_, p)| p.key).collect();
        inbound.into_iter().try_for_each(|key| self.dandelion(ctx, DandelionEvent::Accepted(key)))
    }
}

fn kernels(t: &Transaction) -> Vec<Hash> {
    t.body.kernels.iter().map(Kernel::id).collect()
}
