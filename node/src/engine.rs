//! The engine: what a node decides, as values; no file, socket, clock or hidden random source.
//!
//! ```text
//! Node::step(now, rng, Event) ─▶ effects
//!   frame ─▶ metered ─▶ decoded ─▶ peers   hello, pings, addresses          [`peers`]
//!                                  relay   stems, offers, transactions      [`relay`], [`own`], [`wanted`], [`stempool`], [`pool`]
//!                                  sync    tips, headers, compact and whole blocks     [`sync`], [`compact`], [`fork`]
//!                                          snapshots in parts                          [`shortcut`], [`parts`], [`pruned`]
//!                                  what they ask for of the chain              [`serve`]
//!   question ─▶ answer                                                      [`desk`], [`kernels`], [`sealing`]
//!   tick ─▶ whatever is due
//! ```
//!
//! `now` is the time since the node started and never goes back; the time of day enters with a question to seal and
//! nowhere else. The ledger is called directly: it is generic over its files, whose twin in memory the simulator uses, and one
//! thread that judges, stores and then speaks cannot tell others of a block that it might yet forget.
//!
//! Guaranteed: bytes from a peer never stop a node; whatever one peer makes it hold or do has a bound ([`Config`]); if the store
//! fails, the node says so and does nothing more, and what it had acknowledged is there when it is opened again.
//!
//! [`Config`]: crate::config::Config

pub(crate) mod chain_serve;
pub(crate) mod kernels;
pub(crate) mod local_txs;
pub(crate) mod orphans;
pub mod peers;
pub(crate) mod queries;
pub(crate) mod relay;
pub(crate) mod snapshot_sync;
pub(crate) mod stempool;
pub(crate) mod sync;
pub(crate) mod tx_request;

use crate::{
    config::Config,
    effect::{Effect, LogEvent},
    event::Event,
    ledger::{Draft, Ledger, LedgerError},
    message::{BlockName, Cost, Hello, MAX_ADDRESSES, Message, cost, rules},
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
    sealing::Solo,
    storage::Files,
};
use core::{net::SocketAddr, time::Duration};
use kernels::Kernels;
use peers::{Peer, Peers, Stage, addr_book::AddrBook, addr_book_file};
use rand_core::CryptoRngCore;
use relay::Relay;
use snapshot_sync::SnapshotSync;
use sotto_mw::codec::Decode;
use sync::Sync;

/// A node.
pub struct Node<F: Files> {
    config: Config,
    ledger: Ledger<F>,
    /// What seals here, if anything does.
    operator: Option<Solo>,
    peers: Peers,
    relay: Relay,
    sync: Sync,
    /// What was drafted last, for a wallet to make the reward of.
    draft: Option<Draft>,
    kernels: Kernels,
    /// The tip that peers were told of.
    told: BlockName,
    saved: Duration,
    stopped: bool,
}

/// How much a node holds for others: each is bounded by [`Config`] or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "counts of what they are named after")]
pub struct Usage {
    pub peers: usize,
    pub addresses: usize,
    pub transactions: usize,
    pub stems: usize,
    pub asked: usize,
    /// Transactions that are remembered of one peer, at most.
    pub remembered: usize,
    /// Headers and blocks of a branch, and parts of a snapshot, that are being fetched.
    pub blocks: usize,
}

/// A unit of weight stands for about as many bytes.
const BYTES_PER_WEIGHT: u64 = 32;
/// The weight of the points that take as long to decode as a seal to verify.
const SEAL_WORK: u64 = 20;

/// One step: when it is, the random source, and what comes of it.
pub(crate) struct StepContext<'a> {
    now: Duration,
    rng: &'a mut dyn CryptoRngCore,
    effects: Vec<Effect>,
}

impl StepContext<'_> {
    fn send(&mut self, peer: PeerId, message: Message) {
        self.effects.push(Effect::Send(peer, message));
    }

    fn note(&mut self, note: LogEvent) {
        self.effects.push(Effect::Log(note));
    }
}

/// The store failed: nothing more can be done.
pub(crate) type StepResult<T = ()> = Result<T, LedgerError>;

impl<F: Files> Node<F> {
    /// A node over a ledger, and the engine that seals, if it is one that does; `book` is what [`Effect::SaveAddrBook`] kept.
    #[must_use]
    pub fn new(
        config: Config,
        mut ledger: Ledger<F>,
        operator: Option<Solo>,
        book: Option<&[u8]>,
        rng: &mut dyn CryptoRngCore,
    ) -> Self {
        let mut book =
            book.and_then(|bytes| addr_book_file::read(bytes).ok()).unwrap_or_else(|| AddrBook::new(rng));
        config.seeds.iter().for_each(|a| book.hear(*a, a.at.ip()));
        // A store that cannot answer now will say so when it is asked next.
        drop(ledger.store_mut().serve_snapshots(config.part_items));
        Self {
            told: BlockName::of(ledger.tip()),
            relay: Relay::new(&config, rng),
            sync: Sync::new(SnapshotSync::resumed(&config, &ledger)),
            peers: Peers::new(book),
            draft: None,
            kernels: Kernels::default(),
            saved: Duration::ZERO,
            stopped: false,
            config,
            ledger,
            operator,
        }
    }

    /// The chain and its pending transactions.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger<F> {
        &self.ledger
    }

    /// How much is held for others, for those who watch its bounds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let knows = self.peers.all.values().map(|p| p.knows.len() + p.offers.0.len());
        Usage {
            peers: self.peers.all.len(),
            addresses: self.peers.book.len(),
            transactions: self.ledger.mempool().len(),
            stems: self.relay.stems.len(),
            asked: self.relay.wanted.len(),
            remembered: knows.max().unwrap_or(0),
            blocks: self.sync.len(),
        }
    }

    /// Does what an event asks for. `now` is the time since the node was made.
    pub fn step(&mut self, now: Duration, rng: &mut dyn CryptoRngCore, event: Event) -> Vec<Effect> {
        if self.stopped {
            return Vec::new();
        }
        let mut turn = StepContext { now, rng, effects: Vec::new() };
        if let Err(e) = self.happens(&mut turn, event).and_then(|()| self.tell(&mut turn)) {
            turn.note(LogEvent::Failed(e));
            self.stop(&mut turn);
        }
        self.keep_own(&mut turn);
        turn.effects
    }

    fn happens(&mut self, turn: &mut StepContext<'_>, event: Event) -> StepResult {
        match event {
            Event::Tick => self.tick(turn),
            Event::LocalTxsLoaded(own) => self.own_again(turn, &own),
            Event::LocalTxsSaved => self.own_kept(turn),
            Event::LocalTxsNotSaved => {
                self.own_unkept(turn);
                Ok(())
            }
            Event::Connected { peer, key, direction } => {
                self.connected(turn, (peer, key, direction));
                Ok(())
            }
            Event::DialFailed(address) => {
                self.peers.dialling.remove(&address);
                self.peers.book.failed(&address);
                Ok(())
            }
            Event::Disconnected(peer) => self.gone(turn, peer),
            Event::Frame { peer, bytes } => self.frame(turn, peer, &bytes),
            Event::Request { id, request } => self.asked(turn, id, request),
        }
    }

    /// Everything that is due.
    fn tick(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        self.watch_peers(turn)?;
        while let Some(address) = self.peers.pick_to_dial(&self.config, turn.now, turn.rng) {
            turn.effects.push(Effect::Dial(address));
        }
        self.relay_tick(turn)?;
        self.sync_tick(turn)?;
        if turn.now >= self.saved + self.config.save_interval {
            self.save(turn);
        }
        Ok(())
    }

    /// Writes down what should outlive the process and is not yet.
    fn save(&mut self, turn: &mut StepContext<'_>) {
        self.saved = turn.now;
        turn.effects.push(Effect::SaveAddrBook(addr_book_file::bytes(&self.peers.book)));
        // It is tried again, and at the end; the chain is on disk, and that is what must not fail.
        if let Err(e) = self.ledger.save_mempool() {
            turn.note(LogEvent::MempoolNotSaved(e));
        }
        self.keep_own_left(turn);
    }

    fn stop(&mut self, turn: &mut StepContext<'_>) {
        self.save(turn);
        self.stopped = true;
        turn.effects.push(Effect::Stop);
    }

    fn connected(&mut self, turn: &mut StepContext<'_>, (id, key, direction): (PeerId, PeerKey, Direction)) {
        if let Err(why) = self.peers.connected(&self.config, turn.now, (id, key, direction)) {
            turn.effects.push(Effect::Close(id, why));
            return;
        }
        let hello =
            Hello { chain: *self.ledger.chain().id(), rules: rules(), listen_port: self.config.listen_port };
        turn.send(id, Message::Hello(hello));
    }

    fn gone(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        let Some(peer) = self.peers.gone(turn.now, id) else { return Ok(()) };
        self.sync_lost(turn, id)?;
        self.relay_lost(turn, (id, &peer))
    }

    fn close(&mut self, turn: &mut StepContext<'_>, id: PeerId, why: CloseReason) -> StepResult {
        turn.effects.push(Effect::Close(id, why));
        turn.note(LogEvent::Closed(id, why));
        self.gone(turn, id)
    }

    fn blame(&mut self, turn: &mut StepContext<'_>, id: PeerId, offence: Offence) -> StepResult {
        if self.peers.blame(&self.config, turn.now, id, offence) {
            self.close(turn, id, CloseReason::Banned(offence))
        } else {
            Ok(())
        }
    }

    /// A message: metered, decoded, and passed on to whom it concerns.
    fn frame(&mut self, turn: &mut StepContext<'_>, id: PeerId, bytes: &[u8]) -> StepResult {
        let Some(peer) = self.peers.all.get_mut(&id) else { return Ok(()) };
        if !peer.received.take(turn.now, bytes.len() as u64) {
            return self.blame(turn, id, Offence::Flood);
        }
        peer.heard = turn.now;
        if !self.may_work(turn.now, id, bytes) {
            return self.blame(turn, id, Offence::Flood);
        }
        let Some(peer) = self.peers.all.get(&id) else { return Ok(()) };
        match (peer.ready(), Message::from_bytes(bytes)) {
            (false, Ok(Message::Hello(hello))) => self.greeted(turn, id, hello),
            (true, Ok(message)) => self.message(turn, id, message),
            (_, Err(_)) | (false, Ok(_)) => self.blame(turn, id, Offence::Garbage),
        }
    }

    /// Whether a peer may still cause the work that this message makes, which is told by its kind before it is decoded: points by
    /// their bytes, unless the peer was asked for some, a seal as what it takes to verify one.
    fn may_work(&mut self, now: Duration, id: PeerId, bytes: &[u8]) -> bool {
        let points = bytes.len() as u64 / BYTES_PER_WEIGHT;
        let work = match cost(bytes) {
            Cost::Light => 0,
            Cost::Stem => points,
            Cost::Transaction if self.relay.wanted.awaits(id) => 0,
            Cost::Block if self.sync.awaits(id) => 0,
            Cost::Transaction | Cost::Block => points,
            Cost::Seal => SEAL_WORK,
        };
        self.peers.all.get_mut(&id).is_none_or(|p| p.work.take(now, work))
    }

    fn message(&mut self, turn: &mut StepContext<'_>, id: PeerId, message: Message) -> StepResult {
        match message {
            Message::Hello(_) => return self.blame(turn, id, Offence::Garbage),
            Message::Ping(nonce) => turn.send(id, Message::Pong(nonce)),
            Message::Pong(nonce) => return self.ponged(turn, id, nonce),
            Message::AskAddresses => return self.tell_addresses(turn, id),
            Message::Addresses(all) => return self.hear_addresses(turn, id, &all),
            Message::Stem(t) => return self.stemmed(turn, id, t),
            Message::Offer(ids) => self.offered(turn, id, ids),
            Message::Ask(ids) => self.asked_transactions(turn, id, &ids),
            Message::Transaction(t) => return self.told_transaction(turn, id, t),
            Message::Tip(sealed) => return self.told_tip(turn, id, sealed),
            Message::AskHeaders(names) => return self.asked_headers(turn, id, &names),
            Message::Headers(all) => return self.told_headers(turn, id, all),
            Message::AskCompact(name) => return self.asked_compact(turn, id, name),
            Message::Compact(compact) => return self.told_compact(turn, id, compact),
            Message::AskItems { block, outputs, kernels } => {
                return self.asked_items(turn, id, (block, &outputs, &kernels));
            }
            Message::HaveNot(name) => return self.told_have_not(turn, id, name),
            Message::Items { block, outputs, kernels } => {
                return self.told_items(turn, id, (block, outputs, kernels));
            }
            Message::AskBlock(name) => return self.asked_block(turn, id, name),
            Message::Block { sealed, body } => return self.told_block(turn, id, (sealed, &body)),
            Message::AskSnapshots => return self.asked_snapshots(turn, id),
            Message::Snapshots(all) => return self.told_snapshots(turn, id, all),
            Message::AskPart { block, place } => return self.asked_part(turn, id, (block, place)),
            Message::Part { block, place, bytes } => return self.told_part(turn, id, (block, place, &bytes)),
        }
        Ok(())
    }

    /// A peer's hello: the same chain, the same rules, and not somebody who is here already.
    fn greeted(&mut self, turn: &mut StepContext<'_>, id: PeerId, hello: Hello) -> StepResult {
        let Some(peer) = self.peers.all.get(&id) else { return Ok(()) };
        let (key, direction) = (peer.key, peer.direction);
        if hello.chain != *self.ledger.chain().id() || hello.rules != rules() {
            if let Direction::Outbound(a) = direction {
                self.peers.book.failed(&a);
            }
            return self.close(turn, id, CloseReason::WrongChain);
        }
        if let Some(worse) = self.double(id, key) {
            self.close(turn, worse, CloseReason::Duplicate)?;
            if worse == id {
                return Ok(());
            }
        }
        match direction {
            Direction::Outbound(address) => {
                self.peers.book.reached(address);
                self.peers.all.get_mut(&id).into_iter().for_each(|p| p.awaits_addresses = true);
                turn.send(id, Message::AskAddresses);
            }
            Direction::Inbound(from) => {
                let listen_port = hello.listen_port.map(|port| SocketAddr::new(from.ip(), port));
                listen_port.into_iter().for_each(|at| self.peers.book.hear(Address { at, key }, from.ip()));
            }
        }
        self.peers.all.get_mut(&id).into_iter().for_each(|p| p.stage = Stage::Ready);
        // How far it is, each shows by a seal: a height that is merely said is worth nothing.
        let tip = self.ledger.store().sealed_header(self.ledger.tip().height)?;
        tip.into_iter().for_each(|sealed| turn.send(id, Message::Tip(sealed)));
        self.relay_joined(turn, id)?;
        self.sync_joined(turn, id)
    }

    /// Which connection must go when this one is with ourselves, or the second in its direction with a peer: the older, which the
    /// peer would not have doubled while it worked. One in each direction may stand, since relays are peers that a node chose.
    fn double(&self, id: PeerId, key: PeerKey) -> Option<PeerId> {
        if key == self.config.key {
            return Some(id);
        }
        let outbound = self.peers.all.get(&id)?.outbound();
        let same = |p: &Peer| p.key == key && p.outbound() == outbound;
        self.peers.ready().find(|(other, p)| *other != id && same(p)).map(|(other, _)| other)
    }

    fn tell_addresses(&mut self, turn: &mut StepContext<'_>, id: PeerId) -> StepResult {
        let Some(peer) = self.peers.all.get_mut(&id) else { return Ok(()) };
        // Once a connection: whoever asks again and again copies the book.
        if core::mem::replace(&mut peer.told_addresses, true) {
            return self.blame(turn, id, Offence::Flood);
        }
        let to = peer.ip();
        let all = self.peers.book.sample(turn.rng, MAX_ADDRESSES.into(), to);
        turn.send(id, Message::Addresses(all));
        Ok(())
    }

    /// Once, and only if it was asked: whoever could tell more would fill the book.
    fn hear_addresses(&mut self, turn: &mut StepContext<'_>, id: PeerId, all: &[Address]) -> StepResult {
        let Some(peer) = self.peers.all.get_mut(&id) else { return Ok(()) };
        if !core::mem::take(&mut peer.awaits_addresses) {
            return self.blame(turn, id, Offence::Unasked);
        }
        let source = peer.ip();
        all.iter().filter(|a| a.key != self.config.key).for_each(|a| self.peers.book.hear(*a, source));
        Ok(())
    }

    /// Closes who is silent, and asks who may be.
    fn watch_peers(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let (now, idle_timeout) = (turn.now, self.config.idle_timeout);
        let mut silent = Vec::new();
        for (id, peer) in &mut self.peers.all {
            match peer.stage {
                Stage::Greeting(until) if until <= now => silent.push(*id),
                Stage::Ready if peer.heard + 2 * idle_timeout <= now => silent.push(*id),
                Stage::Ready if peer.heard.max(peer.asked) + idle_timeout <= now => {
                    peer.asked = now;
                    turn.effects.push(Effect::Send(*id, Message::Ping(turn.rng.next_u64())));
                }
                _ => {}
            }
        }
        silent.into_iter().try_for_each(|id| self.close(turn, id, CloseReason::Silent))
    }

    /// Tells peers of a new tip, once it is as good as any that is being fetched.
    fn tell(&mut self, turn: &mut StepContext<'_>) -> StepResult {
        let tip = BlockName::of(self.ledger.tip());
        if tip == self.told || self.sync.busy() {
            return Ok(());
        }
        self.told = tip;
        self.draft = None;
        let Some(sealed) = self.ledger.store().sealed_header(tip.height)? else { return Ok(()) };
        for (id, _) in self.peers.ready().filter(|(_, p)| p.tip != Some(tip)) {
            turn.send(id, Message::Tip(sealed.clone()));
        }
        Ok(())
    }
}
