//! Transactions: whispered along a stem, then told to all.
//!
//! ```text
//! submitted, or a stem ─▶ judged ─▶ stempool ══ dandelion ══▶ stem to one peer, joined with what waits for it
//!                                                   └──────▶ fluff ─▶ pool ─▶ offered to each peer, after a random wait
//! offer ─▶ asked for, of one peer at a time ─▶ judged ─▶ pool ─▶ offered on
//! ```
//!
//! Guaranteed: what peers are told follows from the chain and the pool alone, never from the stempool. A stem is judged anew whoever
//! brings it, and one that clashes with another whisper is whispered on like any other. A transaction that breaks a rule whatever
//! the state costs its sender the connection.
//! Not guaranteed: that a transaction of this node survives its process before it was fluffed by anybody; its wallet sends it
//! again.

use super::{
    Node, Step, Turn,
    peers::{Offence, Peer, PeerId, PeerKey, Recent},
    stempool::Stempool,
};
use crate::{
    config::Config,
    edge::store::Files,
    effect::Effect,
    ledger::LedgerError,
    wire::{
        message::{MAX_IDS, Message},
        transaction_id,
    },
};
use core::time::Duration;
use mw::{
    error::Rejection,
    hash::Hash,
    kernel::Kernel,
    rules::{Verified, params::weight},
    transaction::Transaction,
};
use rand_core::CryptoRngCore;
use std::collections::{BTreeMap, VecDeque};

/// Transactions that one peer is asked for at a time, and that are asked for in all.
const MAX_ASKED_OF_ONE: usize = 2_048;
const MAX_ASKED: usize = 16_384;
/// Refused transactions that are not asked for again before the next block.
const MAX_REFUSED: usize = 16_384;
/// Other peers that offered what one is asked for.
const OTHERS: usize = 4;

type Dandelion = dandelion::Relay<Hash, Hash, PeerKey>;
type Whisper = dandelion::Event<Hash, Hash, PeerKey>;

/// What is whispered, offered and asked for.
pub(super) struct Relay {
    dandelion: Dandelion,
    pub(super) stems: Stempool,
    /// The pong that says that a peer has read what was last whispered to it.
    lines: BTreeMap<PeerKey, u64>,
    asked: BTreeMap<Hash, Asked>,
    refused: Recent,
}

/// A transaction on its way.
struct Asked {
    of: PeerId,
    until: Duration,
    others: VecDeque<PeerId>,
}

impl Relay {
    pub(super) fn new(config: &Config, mut rng: &mut dyn CryptoRngCore) -> Self {
        Self {
            dandelion: Dandelion::new(Duration::ZERO, &mut rng, config.dandelion),
            stems: Stempool::new(config.stempool),
            lines: BTreeMap::new(),
            asked: BTreeMap::new(),
            refused: Recent::new(MAX_REFUSED),
        }
    }

    /// How many transactions are on their way.
    pub(super) fn asked(&self) -> usize {
        self.asked.len()
    }
}

fn kernels(t: &Transaction) -> Vec<Hash> {
    t.body.kernels.iter().map(Kernel::id).collect()
}

/// Whether this rule refuses a transaction whatever the chain's state, so that no honest peer sends it on.
pub(super) fn always_refused(why: &Rejection) -> bool {
    why.rule() <= "MW-R17"
}

/// An exponential time of this mean.
fn exponential(rng: &mut dyn CryptoRngCore, mean: Duration) -> Duration {
    // 53 random bits make every number of [0, 1) that an f64 tells apart evenly.
    let unit = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    mean.mul_f64(-(1.0 - unit).ln())
}

impl<F: Files> Node<F> {
    /// A transaction of this machine: never told to all first, unless nobody listens and this node seals it itself.
    pub(super) fn own(&mut self, turn: &mut Turn<'_>, t: Transaction) -> Step<Hash> {
        let id = transaction_id(&t);
        if self.ledger.pool().get(&id).is_some() {
            return Ok(id);
        }
        let t = self.ledger.judge(t)?;
        if self.operator.is_some() && self.peers.ready().next().is_none() {
            self.publish(turn, t, &[])?;
            return Ok(id);
        }
        let kernels = kernels(t.get());
        self.relay.stems.insert(id, t);
        self.whispered(turn, Whisper::Own { tx: id, kernels })?;
        Ok(id)
    }

    pub(super) fn stemmed(&mut self, turn: &mut Turn<'_>, from: PeerId, t: Transaction) -> Step {
        let Some(t) = self.judged(turn, from, t)? else { return Ok(()) };
        let Some(key) = self.peers.all.get(&from).map(|p| p.key) else { return Ok(()) };
        if !self.relay.stems.has_room(weight(&t.get().body)) {
            return self.publish(turn, t, &[key]).map(drop).or_else(not_fatal);
        }
        let (tx, kernels) = (transaction_id(t.get()), kernels(t.get()));
        self.relay.stems.insert(tx, t);
        self.whispered(turn, Whisper::Stem { from: key, tx, kernels })
    }

    /// A peer's transaction, if it would be accepted into the pool now.
    fn judged(
        &mut self,
        turn: &mut Turn<'_>,
        from: PeerId,
        t: Transaction,
    ) -> Step<Option<Verified<Transaction>>> {
        let id = transaction_id(&t);
        let Some(peer) = self.peers.all.get_mut(&from) else { return Ok(None) };
        if !peer.work.take(turn.now, weight(&t.body)) {
            return self.blame(turn, from, Offence::Flood).map(|()| None);
        }
        if self.ledger.pool().get(&id).is_some() {
            return Ok(None);
        }
        match self.ledger.judge(t) {
            Ok(t) => return Ok(Some(t)),
            Err(LedgerError::Refused(why)) if always_refused(&why) => {
                self.blame(turn, from, Offence::Invalid)?
            }
            Err(e) => {
                not_fatal(e)?;
                self.relay.refused.insert(id);
            }
        }
        Ok(None)
    }

    /// Lets the relay take an event, and does what it commands.
    fn whispered(&mut self, turn: &mut Turn<'_>, event: Whisper) -> Step {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.relay.dandelion.step(turn.now, &mut turn.rng, event) {
                match effect {
                    dandelion::Effect::Stem { to, members } => self.stem(turn, to, &members),
                    dandelion::Effect::Forget(tx) => drop(self.relay.stems.remove(&tx)),
                    dandelion::Effect::Fluff { tx, except, .. } => {
                        let Some(t) = self.relay.stems.remove(&tx) else { continue };
                        let public = kernels(t.get());
                        match self.pooled(turn, t, &except) {
                            Ok(_) => events.push_back(Whisper::Public(public)),
                            Err(e) => not_fatal(e)?,
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn stem(&mut self, turn: &mut Turn<'_>, to: PeerKey, members: &[Hash]) {
        let Some((id, _)) = self.peers.ready().find(|(_, p)| p.key == to) else { return };
        let most = self.ledger.chain().params().max_weight;
        for t in self.relay.stems.joined(members, most) {
            turn.send(id, Message::Stem(t));
        }
        let nonce = turn.rng.next_u64();
        self.relay.lines.insert(to, nonce);
        turn.send(id, Message::Ping(nonce));
    }

    pub(super) fn ponged(&mut self, turn: &mut Turn<'_>, id: PeerId, nonce: u64) -> Step {
        let Some(key) = self.peers.all.get(&id).map(|p| p.key) else { return Ok(()) };
        match self.relay.lines.get(&key) {
            Some(awaited) if *awaited == nonce => {
                self.relay.lines.remove(&key);
                self.whispered(turn, Whisper::Taken(key))
            }
            _ => Ok(()),
        }
    }

    /// Makes a transaction public, and ends its stem.
    fn publish(&mut self, turn: &mut Turn<'_>, t: Verified<Transaction>, except: &[PeerKey]) -> Step<Hash> {
        let public = kernels(t.get());
        let id = self.pooled(turn, t, except)?;
        self.whispered(turn, Whisper::Public(public))?;
        Ok(id)
    }

    /// Puts a transaction into the pool and lines it up for all peers but those.
    fn pooled(&mut self, turn: &mut Turn<'_>, t: Verified<Transaction>, except: &[PeerKey]) -> Step<Hash> {
        let id = self.ledger.receive(t)?;
        let mean = self.config.trickle;
        for peer in self.peers.all.values_mut().filter(|p| p.ready()) {
            if except.contains(&peer.key) {
                peer.knows.insert(id);
            }
            if !peer.knows.contains(&id) {
                peer.offer(id, turn.now + exponential(turn.rng, mean));
            }
        }
        Ok(id)
    }

    pub(super) fn relay_joined(&mut self, turn: &mut Turn<'_>, id: PeerId) -> Step {
        let Some(peer) = self.peers.all.get_mut(&id) else { return Ok(()) };
        let due = turn.now + exponential(turn.rng, self.config.trickle);
        self.ledger.pool().iter().for_each(|(tx, _)| peer.offer(*tx, due));
        let (key, outbound) = (peer.key, peer.outbound());
        if outbound { self.whispered(turn, Whisper::Connected(key)) } else { Ok(()) }
    }

    pub(super) fn relay_lost(&mut self, turn: &mut Turn<'_>, (id, peer): (PeerId, &Peer)) -> Step {
        self.relay.asked.values_mut().filter(|a| a.of == id).for_each(|a| a.until = turn.now);
        // Of two connections with one peer, one is closed.
        let stays = |p: &Peer| p.key == peer.key && (p.outbound() || !peer.outbound());
        if self.peers.ready().any(|(_, p)| stays(p)) {
            return Ok(());
        }
        self.relay.lines.remove(&peer.key);
        self.whispered(turn, Whisper::Lost(peer.key))
    }

    /// The chain is another: what it took in or made impossible is whispered no longer, and what it refused may fit now.
    pub(super) fn relay_changed(&mut self, turn: &mut Turn<'_>) -> Step {
        self.relay.refused.clear();
        let mut gone = Vec::new();
        for (id, t) in self.relay.stems.iter() {
            if !self.ledger.still_fits(t)? {
                gone.push(*id);
            }
        }
        gone.into_iter().try_for_each(|tx| self.whispered(turn, Whisper::Unacceptable(tx)))
    }

    pub(super) fn relay_tick(&mut self, turn: &mut Turn<'_>) -> Step {
        if turn.now >= self.relay.dandelion.wake() {
            self.whispered(turn, Whisper::Tick)?;
        }
        for (id, peer) in self.peers.all.iter_mut().filter(|(_, p)| p.ready() && p.offers.1 <= turn.now) {
            let offers = core::mem::take(&mut peer.offers.0);
            let pool = self.ledger.pool();
            let news: Vec<Hash> =
                offers.into_iter().filter(|tx| pool.get(tx).is_some() && peer.knows.insert(*tx)).collect();
            for ids in news.chunks(MAX_IDS.into()) {
                turn.effects.push(Effect::Send(*id, Message::Offer(ids.to_vec())));
            }
        }
        self.ask_others(turn);
        Ok(())
    }

    /// Who was asked and did not answer is passed over for the next who offered it.
    fn ask_others(&mut self, turn: &mut Turn<'_>) {
        let late: Vec<(Hash, PeerId)> =
            self.relay.asked.iter().filter(|(_, a)| a.until <= turn.now).map(|(tx, a)| (*tx, a.of)).collect();
        for (tx, of) in &late {
            let Some(mut asked) = self.relay.asked.remove(tx) else { continue };
            self.peers.all.get_mut(of).into_iter().for_each(|p| p.asking = p.asking.saturating_sub(1));
            while let Some(next) = asked.others.pop_front() {
                if let Some(peer) = self.peers.all.get_mut(&next) {
                    peer.asking += 1;
                    turn.send(next, Message::Ask(vec![*tx]));
                    let asked =
                        Asked { of: next, until: turn.now + self.config.answer, others: asked.others };
                    self.relay.asked.insert(*tx, asked);
                    break;
                }
            }
        }
    }

    pub(super) fn offered(&mut self, turn: &mut Turn<'_>, id: PeerId, ids: Vec<Hash>) {
        let mut ask = Vec::new();
        for tx in ids {
            let Some(peer) = self.peers.all.get_mut(&id) else { return };
            peer.knows.insert(tx);
            if self.ledger.pool().get(&tx).is_some() || self.relay.refused.contains(&tx) {
                continue;
            }
            let full = self.relay.asked.len() >= MAX_ASKED || peer.asking >= MAX_ASKED_OF_ONE;
            match self.relay.asked.get_mut(&tx) {
                Some(asked) if asked.others.len() < OTHERS && asked.of != id => asked.others.push_back(id),
                Some(_) => {}
                None if full => {}
                None => {
                    peer.asking += 1;
                    let until = turn.now + self.config.answer;
                    self.relay.asked.insert(tx, Asked { of: id, until, others: VecDeque::new() });
                    ask.push(tx);
                }
            }
        }
        if !ask.is_empty() {
            turn.send(id, Message::Ask(ask));
        }
    }

    pub(super) fn asked_transactions(&mut self, turn: &mut Turn<'_>, id: PeerId, ids: &[Hash]) {
        for tx in ids {
            let Some(t) = self.ledger.pool().get(tx) else { continue };
            let bytes = weight(&t.body) * 32;
            let Some(peer) = self.peers.all.get_mut(&id).filter(|p| p.ready()) else { return };
            if !peer.served.take(turn.now, bytes) {
                return;
            }
            turn.effects.push(Effect::Send(id, Message::Transaction(t.clone())));
        }
    }

    pub(super) fn told_transaction(&mut self, turn: &mut Turn<'_>, id: PeerId, t: Transaction) -> Step {
        let tx = transaction_id(&t);
        match self.relay.asked.remove(&tx) {
            Some(asked) => {
                let of = self.peers.all.get_mut(&asked.of);
                of.into_iter().for_each(|p| p.asking = p.asking.saturating_sub(1));
            }
            // A second answer to what was asked of two.
            None if self.ledger.pool().get(&tx).is_some() || self.relay.refused.contains(&tx) => {
                return Ok(());
            }
            None => return self.blame(turn, id, Offence::Unasked),
        }
        match self.judged(turn, id, t)? {
            Some(t) => self.publish(turn, t, &[]).map(drop).or_else(not_fatal),
            None => Ok(()),
        }
    }
}

/// Only the store's failure stops a node.
fn not_fatal(e: LedgerError) -> Step {
    match e {
        LedgerError::Store(e) => Err(e.into()),
        _ => Ok(()),
    }
}
