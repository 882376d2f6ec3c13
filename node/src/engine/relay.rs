//! Transactions: whispered along a stem, then told to all.
//!
//! ```text
//! submitted, or a stem ─▶ judged ─▶ stempool ══ dandelion ══▶ stem to one peer, joined with what waits for it
//!                                                   └──────▶ fluff ─▶ pool ─▶ offered to each peer, after a random wait
//! offer ─▶ asked for ([`wanted`]) ─▶ judged ─▶ pool ─▶ offered on
//! ```
//!
//! Guaranteed: what peers are told follows from the chain and the pool alone, never from the stempool. A stem is judged anew whoever
//! brings it, and one that clashes with another whisper is whispered on like any other. A transaction that breaks a rule whatever
//! the state costs its sender the connection. A transaction of this node is kept before it is whispered, and until a block has it
//! ([`own`]). One that comes before its parent waits for it ([`orphans`]), unless
//! it is a stem: whoever waits for what was whispered would betray it.
//!
//! [`orphans`]: super::orphans
//! [`own`]: super::own
//! [`wanted`]: super::wanted

use crate::{
    codec::transaction_id,
    config::Config,
    effect::{Effect, LogEvent},
    engine::{
        Node, StepContext, StepResult,
        local_txs::LocalTxs,
        orphans::Orphans,
        peers::{Peer, Recent},
        stempool::{Room, Stempool},
        tx_request::Wanted,
    },
    ledger::LedgerError,
    message::{MAX_IDS, Message},
    peer::{Offence, PeerId, PeerKey},
    storage::Files,
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_mw::{error::Rejection, hash::Hash, kernel::Kernel, rules::Verified, transaction::Transaction};
use std::collections::{BTreeMap, VecDeque};

/// Refused transactions that are not asked for again before the next block.
const MAX_REFUSED: usize = 16_384;

type Dandelion = sotto_dandelion::Relay<Hash, Hash, PeerKey>;
pub(crate) type DandelionEvent = sotto_dandelion::Event<Hash, Hash, PeerKey>;

/// What is whispered, offered and asked for.
pub(crate) struct Relay {
    dandelion: Dandelion,
    pub(crate) stems: Stempool,
    pub(crate) own: LocalTxs,
    /// The pong that says that a peer has read what was last whispered to it.
    lines: BTreeMap<PeerKey, u64>,
    pub(crate) wanted: Wanted,
    refused: Recent,
    orphans: Orphans,
    /// Orphans whose parents have come, to be judged again.
    found: VecDeque<Transaction>,
}

impl Relay {
    pub(crate) fn new(config: &Config, mut rng: &mut dyn CryptoRngCore) -> Self {
        Self {
            dandelion: Dandelion::new(Duration::ZERO, &mut rng, config.dandelion),
            stems: Stempool::new(config.stempool),
            own: LocalTxs::default(),
            lines: BTreeMap::new(),
            wanted: Wanted::new(config.mempool.transactions),
            refused: Recent::new(MAX_REFUSED),
            orphans: Orphans::default(),
            found: VecDeque::new(),
        }
    }

    /// Whether a transaction was refused, or waits for its parent.
    fn has_judged(&self, id: &Hash) -> bool {
        self.refused.contains(id) || self.orphans.contains(id)
    }
}

pub(crate) fn kernels(t: &Transaction) -> Vec<Hash> {
    t.body.kernels.iter().map(Kernel::id).collect()
}

/// Whether this rule refuses a transaction whatever the chain's state, so that no honest peer sends it on.
pub(crate) fn always_refused(why: &Rejection) -> bool {
    why.rule() <= "MW-R17"
}

/// An exponential time of this mean.
pub(crate) fn exponential(rng: &mut dyn CryptoRngCore, mean: Duration) -> Duration {
    // 53 random bits make every number of [0, 1) that an f64 tells apart evenly.
    let unit = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    mean.mul_f64(-(1.0 - unit).ln())
}

impl<F: Files> Node<F> {
    pub(crate) fn stemmed(&mut self, turn: &mut StepContext<'_>, from: PeerId, t: Transaction) -> StepResult {
        let Some(t) = self.judged(turn, from, t, Orphaned::Refused)? else { return Ok(()) };
        let Some(key) = self.peers.all.get(&from).map(|p| p.key) else { return Ok(()) };
        loop {
            match self.relay.stems.room(&key, t.get().body.weight()) {
                Room::Here => break,
                Room::InPlaceOf(other) => {
                    self.whispered(turn, DandelionEvent::Evicted(other))?;
                    self.relay.stems.remove(&other);
                }
                Room::Nowhere => return self.publish(turn, t, &[key]).map(drop).or_else(not_fatal),
            }
        }
        let (tx, kernels) = (transaction_id(t.get()), kernels(t.get()));
        self.relay.stems.insert(tx, t, Some(key));
        self.whispered(turn, DandelionEvent::Stem { from: key, tx, kernels })
    }

    /// A peer's transaction, if it would be accepted into the pool now.
    fn judged(
        &mut self,
        turn: &mut StepContext<'_>,
        from: PeerId,
        t: Transaction,
        orphaned: Orphaned,
    ) -> StepResult<Option<Verified<Transaction>>> {
        let id = transaction_id(&t);
        if self.ledger.mempool().get(&id).is_some() {
            return Ok(None);
        }
        match self.ledger.judge(t.clone()) {
            Ok(t) => return Ok(Some(t)),
            Err(LedgerError::Refused(why)) if always_refused(&why) => {
                self.blame(turn, from, Offence::Invalid)?
            }
            Err(LedgerError::Refused(Rejection::NotUnspent { .. })) => match orphaned {
                Orphaned::Waits => self.relay.orphans.insert(id, t),
                Orphaned::Refused => {}
            },
            Err(e) => {
                not_fatal(e)?;
                self.relay.refused.insert(id);
            }
        }
        Ok(None)
    }

    /// Lets the relay take an event, and does what it commands.
    pub(crate) fn whispered(&mut self, turn: &mut StepContext<'_>, event: DandelionEvent) -> StepResult {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.relay.dandelion.step(turn.now, &mut turn.rng, event) {
                match effect {
                    sotto_dandelion::Effect::Stem { to, members } => self.stem(turn, to, &members),
                    sotto_dandelion::Effect::Forget(tx) => {
                        self.relay.stems.remove(&tx);
                        self.own_moved(&tx);
                    }
                    sotto_dandelion::Effect::Fluff { tx, except, .. } => {
                        events.extend(self.fluff(turn, tx, &except)?.map(DandelionEvent::Public));
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells a whispered transaction to all; returns its kernels, if it could be. One of this node's own that could not is
    /// whispered again later.
    fn fluff(
        &mut self,
        turn: &mut StepContext<'_>,
        tx: Hash,
        except: &[PeerKey],
    ) -> StepResult<Option<Vec<Hash>>> {
        let Some(t) = self.relay.stems.remove(&tx) else { return Ok(None) };
        let public = kernels(t.get());
        self.own_moved(&tx);
        match self.pooled(turn, t, except) {
            Ok(_) => Ok(Some(public)),
            Err(LedgerError::Conflict(why)) if self.relay.own.contains(&tx) => {
                turn.note(LogEvent::NotFluffed(why));
                Ok(None)
            }
            Err(e) => not_fatal(e).map(|()| None),
        }
    }

    fn stem(&mut self, turn: &mut StepContext<'_>, to: PeerKey, members: &[Hash]) {
        let Some((id, _)) = self.peers.ready().find(|(_, p)| p.key == to) else { return };
        let most = self.ledger.chain().params().max_weight;
        for t in self.relay.stems.joined(members, most) {
            turn.send(id, Message::Stem(t));
        }
        let nonce = turn.rng.next_u64();
        self.relay.lines.insert(to, nonce);
        turn.send(id, Message::Ping(nonce));
    }

    pub(crate) fn ponged(&mut self, turn: &mut StepContext<'_>, id: PeerId, nonce: u64) -> StepResult {
        let Some(key) = self.peers.all.get(&id).map(|p| p.key) else { return Ok(()) };
        match self.relay.lines.get(&key) {
            Some(awaited) if *awaited == nonce => {
                self.relay.lines.remove(&key);
                self.whispered(turn, DandelionEvent::Delivered(key))
            }
            _ => Ok(()),
        }
    }

    /// Makes a transaction public, and ends its stem.
    pub(crate) fn publish(
        &mut self,
        turn: &mut StepContext<'_>,
        t: Verified<Transaction>,
        except: &[PeerKey],
    ) -> StepResult<Hash> {
        let public = kernels(t.get());
        let id = self.pooled(turn, t, except)?;
        self.whispered(turn, DandelionEvent::Public(public))?;
        Ok(id)
    }

    /// Puts a transaction into the pool and lines it up for all peers but those.
    fn pooled(
        &mut self,
        turn: &mut StepContext<'_>,
        t: Verified<Transaction>,
        except: &[PeerKey],
    ) -> StepResult<Hash> {
        let children = self.relay.orphans.children(&t.get().body);
        self.relay.found.extend(children);
        let id = self.ledger.receive(t)?;
        self.relay.wanted.here(&id);
        self.own_moved(&id);
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

    pub(crate) fn relay_joined(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        let Some(peer) = self.peers.all.get_mut(&id) else { return Ok(()) };
        let due = turn.now + exponential(turn.rng, self.config.trickle);
        self.ledger.mempool().iter().for_each(|(tx, _)| peer.offer(*tx, due));
        let (key, outbound) = (peer.key, peer.outbound());
        if outbound { self.whispered(turn, DandelionEvent::Connected(key)) } else { Ok(()) }
    }

    pub(crate) fn relay_lost(
        &mut self,
        turn: &mut StepContext<'_>,
        (id, peer): (PeerId, &Peer),
    ) -> StepResult {
        self.relay.wanted.lost(id, turn.now);
        // Of two connections with one peer, one is closed.
        let stays = |p: &Peer| p.key == peer.key && (p.outbound() || !peer.outbound());
        if self.peers.ready().any(|(_, p)| stays(p)) {
            return Ok(());
        }
        self.relay.lines.remove(&peer.key);
        self.whispered(turn, DandelionEvent::Disconnected(peer.key))
    }

    /// The chain is another: what it took in or made impossible is whispered no longer, and what it refused may fit now.
    pub(crate) fn relay_changed(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        self.relay.refused.clear();
        let orphans = self.relay.orphans.all();
        self.relay.found.extend(orphans);
        let mut gone = Vec::new();
        for (id, t) in self.relay.stems.iter() {
            if !self.ledger.still_fits(t)? {
                gone.push(*id);
            }
        }
        gone.into_iter().try_for_each(|tx| self.whispered(turn, DandelionEvent::Rejected(tx)))?;
        self.look_after_own(turn)
    }

    /// What began here may be told to those who came by themselves, once its embargo ends, where no relay is to be had: a node that
    /// nobody ever answered has no choice. Who cuts off one that had a relay does not come to hear of it by that.
    fn do_without_relays(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let chosen = self.peers.ready().any(|(_, p)| p.outbound());
        let whispers = self.relay.own.ids().any(|id| self.relay.stems.get(id).is_some());
        if !whispers || chosen || !self.peers.book.is_hopeless() {
            return Ok(());
        }
        let guests: Vec<PeerKey> = self.peers.ready().map(|(_, p)| p.key).collect();
        guests.into_iter().try_for_each(|key| self.whispered(turn, DandelionEvent::Accepted(key)))
    }

    pub(crate) fn relay_tick(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        self.do_without_relays(turn)?;
        if turn.now >= self.relay.dandelion.wake() {
            self.whispered(turn, DandelionEvent::Tick)?;
        }
        self.own_tick(turn)?;
        self.adopt_orphans(turn)?;
        for (id, peer) in self.peers.all.iter_mut().filter(|(_, p)| p.ready() && p.offers.1 <= turn.now) {
            let offers = core::mem::take(&mut peer.offers.0);
            let pool = self.ledger.mempool();
            let news: Vec<Hash> =
                offers.into_iter().filter(|tx| pool.get(tx).is_some() && peer.knows.insert(*tx)).collect();
            for ids in news.chunks(MAX_IDS.into()) {
                turn.effects.push(Effect::Send(*id, Message::Offer(ids.to_vec())));
            }
        }
        self.ask_others(turn);
        Ok(())
    }

    /// Judges those again whose parents may have come since.
    fn adopt_orphans(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        for t in core::mem::take(&mut self.relay.found) {
            let id = transaction_id(&t);
            match self.ledger.judge(t.clone()) {
                Ok(t) => self.publish(turn, t, &[]).map(drop).or_else(not_fatal)?,
                Err(LedgerError::Refused(Rejection::NotUnspent { .. })) => self.relay.orphans.insert(id, t),
                Err(e) => not_fatal(e)?,
            }
        }
        Ok(())
    }

    /// Asks for what was offered, and others for what was not answered. While blocks are on their way nothing is asked for: what
    /// is pending fits the last of them.
    fn ask_others(&mut self, turn: &mut StepContext<'_>) {
        if self.sync.busy() {
            return;
        }
        let (now, answer) = (turn.now, self.config.response_timeout);
        let chosen = |id: &PeerId| self.peers.all.get(id).is_some_and(Peer::outbound);
        let mut ask: BTreeMap<PeerId, Vec<Hash>> = BTreeMap::new();
        for (id, tx) in self.relay.wanted.ask_others(now, answer, chosen) {
            ask.entry(id).or_default().push(tx);
        }
        for (id, _) in self.peers.ready() {
            ask.entry(id).or_default().extend(self.relay.wanted.ask(id, now, answer));
        }
        for (id, all) in ask {
            all.chunks(MAX_IDS.into()).for_each(|ids| turn.send(id, Message::Ask(ids.to_vec())));
        }
    }

    pub(crate) fn offered(&mut self, turn: &mut StepContext<'_>, id: PeerId, ids: Vec<Hash>) {
        let Some(peer) = self.peers.all.get_mut(&id) else { return };
        for tx in ids {
            peer.knows.insert(tx);
            if self.ledger.mempool().get(&tx).is_none() && !self.relay.has_judged(&tx) {
                self.relay.wanted.offered(id, tx);
            }
        }
        if self.sync.busy() {
            return;
        }
        let ask = self.relay.wanted.ask(id, turn.now, self.config.response_timeout);
        ask.chunks(MAX_IDS.into()).for_each(|ids| turn.send(id, Message::Ask(ids.to_vec())));
    }

    pub(crate) fn asked_transactions(&mut self, turn: &mut StepContext<'_>, id: PeerId, ids: &[Hash]) {
        for tx in ids {
            let Some(t) = self.ledger.mempool().get(tx) else { continue };
            let bytes = t.body.weight() * 32;
            let Some(peer) = self.peers.all.get_mut(&id).filter(|p| p.ready()) else { return };
            if !peer.served.take(turn.now, bytes) {
                return;
            }
            turn.effects.push(Effect::Send(id, Message::Transaction(t.clone())));
        }
    }

    pub(crate) fn told_transaction(
        &mut self,
        turn: &mut StepContext<'_>,
        id: PeerId,
        t: Transaction,
    ) -> StepResult {
        let tx = transaction_id(&t);
        if !self.relay.wanted.arrived(id, &tx) {
            // It has come from somebody else, or too late.
            let known = self.relay.has_judged(&tx) || self.ledger.mempool().get(&tx).is_some();
            return if known { Ok(()) } else { self.blame(turn, id, Offence::Unasked) };
        }
        match self.judged(turn, id, t, Orphaned::Waits)? {
            Some(t) => self.publish(turn, t, &[]).map(drop).or_else(not_fatal),
            None => Ok(()),
        }
    }
}

/// What becomes of a transaction whose parent is not known.
#[derive(Clone, Copy)]
enum Orphaned {
    Waits,
    Refused,
}

/// Only the store's failure stops a node.
pub(crate) fn not_fatal(e: LedgerError) -> StepResult {
    match e {
        LedgerError::Store(e) => Err(e.into()),
        _ => Ok(()),
    }
}
