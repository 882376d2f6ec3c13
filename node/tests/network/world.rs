//! Many nodes in one process, in virtual time: everything follows from a seed.
//!
//! Links have a delay each and keep the order of what is sent, as TCP does. A link can be cut (both ends
//! learn), or fall silent in a partition (neither does, until it loses idle_timeout). A node can lose its
//! power at any moment: what its disk had not acknowledged is then kept, torn or lost, and it starts again
//! from that. Some of the peers are puppets: they do what no node does, and are not asked to agree.

use crate::{bank::Bank, puppet::Puppet};
use core::{net::SocketAddr, time::Duration};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{block::Block, codec::Encode, hash::Hash, transaction::Transaction};
use sotto_node::{
    codec::transaction_id,
    config::Config,
    effect::{Effect, LogEvent, Response},
    engine::{Node, NodeSetup},
    event::{Event, Request, RequestId},
    ledger::Ledger,
    message::{BlockName, Message},
    peer::{Address, CloseReason, DialError, Direction, PeerId, PeerKey},
    sealing::Solo,
    storage::{FileName, Layout, Memory, Store},
    work::{Ticket, Verdict},
};
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// How often a node receives a tick.
const TICK: Duration = Duration::from_millis(500);

/// An honest node.
pub(crate) struct Honest {
    pub(crate) config: Config,
    files: Memory,
    book: Option<Vec<u8>>,
    own: Option<Vec<u8>>,
    /// `None` while it is down.
    pub(crate) node: Option<Node>,
    started: Duration,
    rng: ChaCha20Rng,
    empty: bool,
    pub(crate) flaw: Option<Flaw>,
    /// How many parts of snapshots it has sent.
    pub(crate) parts: usize,
}

impl Honest {
    /// Whether its disk has this file.
    pub(crate) fn has(&self, file: FileName) -> bool {
        self.files.bytes(file).is_some()
    }

    /// Drops the bodies of all blocks that are final, while it is down.
    pub(crate) fn prune(&mut self) {
        assert!(self.node.is_none());
        let mut store = Store::open_on(self.files.clone(), layout()).unwrap();
        assert!(store.prune().unwrap().dropped > 0);
    }

    /// Flips a bit of a file at each of these offsets.
    pub(crate) fn damage(&mut self, file: FileName, offsets: impl Iterator<Item = usize>) {
        let mut bytes = self.files.bytes(file).unwrap();
        offsets.for_each(|at| bytes[at] ^= 1);
        self.files.set(file, bytes);
    }

    /// Takes away all that it has; when it starts, it begins without any block.
    pub(crate) fn erase(&mut self) {
        (self.files, self.book, self.empty) = (Memory::new(), None, true);
    }
}

/// What is wrong with an otherwise honest node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A bit of each part of a snapshot that it sends is another.
    Corrupts,
    /// The last seal of each part of headers that it sends is another; so many parts are of headers.
    Unseals(u32),
    /// Its power is lost once it has sent so many.
    Vanishes(usize),
}

/// Somebody at an address.
pub(crate) enum Actor {
    Honest(Box<Honest>),
    Puppet(Box<Puppet>),
}

/// What is going to happen.
struct Due {
    at: Duration,
    order: u64,
    to: usize,
    what: What,
}

enum What {
    Tick,
    Frame(PeerId, Vec<u8>),
    Gone(PeerId),
    Connected(PeerId, PeerKey, Direction),
    Unreachable(Address),
    /// A worker of the run that began then is done.
    Verified(Duration, Ticket, Box<Verdict>),
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// One end of a link.
struct End {
    other: (usize, PeerId),
    delay: Duration,
    /// Nothing overtakes what was sent before.
    busy: Duration,
    /// Something was lost, so nothing comes through any more: the channel never skips a part.
    broken: bool,
}

/// A node closed a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(crate) by: usize,
    pub(crate) who: usize,
    pub(crate) why: CloseReason,
}

/// The network.
pub(crate) struct World {
    pub(crate) bank: Bank,
    pub(crate) actors: Vec<Actor>,
    pub(crate) now: Duration,
    pub(crate) rng: ChaCha20Rng,
    /// The nodes that hold the operator's key: the first, and any that should not have it.
    pub(crate) operators: Vec<usize>,
    /// Who is on the other side of the partition.
    pub(crate) apart: Vec<bool>,
    links: HashMap<(usize, PeerId), End>,
    due: BinaryHeap<Due>,
    order: u64,
    answers: BTreeMap<u64, Response>,
    /// Notes that must not be forgotten.
    pub(crate) notes: Vec<(usize, LogEvent)>,
    /// Why nodes closed connections.
    pub(crate) closings: Vec<(usize, CloseReason)>,
    /// Who closed the connection with whom, and why.
    pub(crate) closed: Vec<Closing>,
    pub(crate) bytes: u64,
}

pub(crate) fn layout() -> Layout {
    Layout { segment_bytes: 1 << 20, ..Layout::in_memory() }
}

pub(crate) fn address(n: usize) -> Address {
    let at = SocketAddr::from(([10, n as u8 + 1, 0, 1], 4_000));
    Address { at, key: PeerKey([n as u8 + 1; 32]) }
}

impl World {
    /// `honest` nodes, the first with the operator's key, and these puppets; each knows some of the others.
    pub(crate) fn new(
        seed: u64,
        bank: Bank,
        honest: usize,
        puppets: Vec<Puppet>,
        edit: impl Fn(&mut Config),
    ) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let count = honest + puppets.len();
        let mut actors = Vec::new();
        for n in 0..honest {
            let mut config = Config::new(address(n).key);
            config.listen_port = Some(4_000);
            // A ring, and one more link, so that the honest nodes are connected whatever the puppets do.
            config.seeds = vec![address((n + 1) % honest), address(rng.next_u32() as usize % count)];
            config.seeds.extend((honest..count).map(address));
            config.seeds.retain(|a| a.key != config.key);
            config.outbound = 4.min(count - 1);
            edit(&mut config);
            let files = Memory::new();
            let (node, book, started, rng) =
                (None, None, Duration::ZERO, ChaCha20Rng::seed_from_u64(rng.next_u64()));
            let (empty, flaw, parts) = (false, None, 0);
            let own = None;
            let node = Honest { config, files, book, own, node, started, rng, empty, flaw, parts };
            actors.push(Actor::Honest(Box::new(node)));
        }
        actors.extend(puppets.into_iter().map(Box::new).map(Actor::Puppet));
        let mut world = Self {
            bank,
            operators: vec![0],
            apart: vec![false; count],
            actors,
            now: Duration::ZERO,
            rng,
            links: HashMap::new(),
            due: BinaryHeap::new(),
            order: 0,
            answers: BTreeMap::new(),
            notes: Vec::new(),
            closings: Vec::new(),
            closed: Vec::new(),
            bytes: 0,
        };
        (0..honest).for_each(|n| world.start(n));
        (0..count).for_each(|n| world.tick_later(n));
        world
    }

    pub(crate) fn honest(&mut self, n: usize) -> &mut Honest {
        match &mut self.actors[n] {
            Actor::Honest(h) => h,
            Actor::Puppet(_) => panic!("{n} is a puppet"),
        }
    }

    pub(crate) fn node(&self, n: usize) -> Option<&Node> {
        match &self.actors[n] {
            Actor::Honest(h) => h.node.as_ref(),
            Actor::Puppet(_) => None,
        }
    }

    /// How many are honest; they come first.
    pub(crate) fn honest_count(&self) -> usize {
        self.actors.iter().filter(|a| matches!(a, Actor::Honest(_))).count()
    }

    /// Switches a node on, with whatever its disk holds.
    pub(crate) fn start(&mut self, n: usize) {
        let (now, key) = (self.now, self.operators.contains(&n).then(|| self.bank.operator()));
        let params = self.bank.params();
        let blocks = self.bank.base();
        let h = self.honest(n);
        let ledger = match Store::open_on(h.files.clone(), layout()) {
            Ok(store) => Ledger::over(store, h.config.mempool).unwrap(),
            Err(_) => {
                let store = Store::create_on(h.files.clone(), layout(), params).unwrap();
                let mut ledger = Ledger::over(store, h.config.mempool).unwrap();
                let blocks = if h.empty { Vec::new() } else { blocks };
                blocks.into_iter().for_each(|b| drop(ledger.connect(b).unwrap()));
                ledger
            }
        };
        let sealing = key.map(|key| Solo::new(ledger.chain(), key).unwrap());
        let (config, addr_book) = (h.config.clone(), h.book.as_deref());
        let setup = NodeSetup { operator: sealing, addr_book, ..NodeSetup::new(config, ledger) };
        (h.node, h.started) = (Some(Node::new(setup, &mut h.rng)), now);
        let own = h.own.clone();
        own.into_iter().for_each(|own| self.step(n, Event::LocalTxsLoaded(own)));
    }

    /// A node loses its power.
    pub(crate) fn crash(&mut self, n: usize) {
        let h = self.honest(n);
        h.node = None;
        h.files = h.files.after_power_loss(&mut h.rng);
        let ends: Vec<PeerId> = self.links.keys().filter(|(who, _)| *who == n).map(|(_, id)| *id).collect();
        ends.into_iter().for_each(|id| self.cut(n, id));
    }

    /// Cuts a link; the other end learns of it.
    fn cut(&mut self, n: usize, id: PeerId) {
        let Some(end) = self.links.remove(&(n, id)) else { return };
        self.links.remove(&end.other);
        self.later(end.delay, end.other.0, What::Gone(end.other.1));
    }

    /// Lets so much time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.due.peek().is_some_and(|d| d.at <= end) {
            let Some(due) = self.due.pop() else { return };
            self.now = due.at;
            self.happen(due.to, due.what);
        }
        self.now = end;
    }

    /// Lets time pass until something holds, but not for ever; says whether it does.
    pub(crate) fn until(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(3_000);
        while !holds(self) && self.now < end {
            self.run(Duration::from_secs(5));
        }
        holds(self)
    }

    /// Whether all honest nodes that are up have this transaction pending.
    pub(crate) fn all_have(&self, t: &Transaction) -> bool {
        let id = transaction_id(t);
        let mut nodes = (0..self.actors.len()).filter_map(|n| self.node(n));
        nodes.all(|n| n.ledger().mempool().get(&id).is_some())
    }

    fn later(&mut self, delay: Duration, to: usize, what: What) {
        self.order += 1;
        self.due.push(Due { at: self.now + delay, order: self.order, to, what });
    }

    fn tick_later(&mut self, n: usize) {
        let wait = TICK + Duration::from_millis(u64::from(self.rng.next_u32() % 50));
        self.later(wait, n, What::Tick);
    }

    fn happen(&mut self, to: usize, what: What) {
        let event = match what {
            What::Tick => {
                self.tick_later(to);
                Event::Tick
            }
            What::Frame(peer, bytes) if self.links.contains_key(&(to, peer)) => Event::Frame { peer, bytes },
            What::Frame(..) => return,
            What::Gone(peer) => Event::Disconnected(peer),
            What::Connected(peer, key, direction) => Event::Connected { peer, key, direction },
            What::Unreachable(address) => Event::DialFailed(address, DialError::Refused),
            What::Verified(run, ticket, verdict) if self.honest(to).started == run => {
                Event::Verified(ticket, *verdict)
            }
            What::Verified(..) => return,
        };
        match &mut self.actors[to] {
            Actor::Honest(_) => self.step(to, event),
            Actor::Puppet(p) => {
                let sends = p.happen(&self.bank, &mut self.rng, &event);
                let leaves = if matches!(event, Event::Tick) { p.leaves() } else { Vec::new() };
                let returns = p.returns() && matches!(event, Event::Tick);
                sends.into_iter().for_each(|(peer, bytes)| self.send(to, peer, bytes));
                leaves.into_iter().for_each(|peer| self.cut(to, peer));
                if returns {
                    let somebody = self.rng.next_u32() as usize % self.honest_count();
                    self.dial(to, address(somebody));
                }
            }
        }
    }

    fn step(&mut self, n: usize, event: Event) {
        let now = self.now;
        let h = self.honest(n);
        let Some(node) = &mut h.node else { return };
        for effect in node.step(now - h.started, &mut h.rng, event) {
            self.carry_out(n, effect);
        }
    }

    fn carry_out(&mut self, n: usize, effect: Effect) {
        match effect {
            Effect::Dial(to) => self.dial(n, to),
            Effect::Verify(ticket, work) => {
                // Not in the order in which it was begun.
                let (run, wait) = (self.honest(n).started, ticket.0 * 37 % 100);
                let verified = What::Verified(run, ticket, Box::new(work.run()));
                self.later(Duration::from_millis(wait), n, verified);
            }
            Effect::Send(peer, message) => self.say(n, peer, message),
            Effect::Close(peer, why) => {
                let other = self.links.get(&(n, peer)).map(|end| end.other.0);
                self.closed.extend(other.map(|m| Closing { by: n, who: m, why }));
                self.cut(n, peer);
            }
            Effect::Respond(RequestId(t), answer) => drop(self.answers.insert(t, *answer)),
            Effect::SaveAddrBook(book) => self.honest(n).book = Some(book),
            Effect::SaveLocalTxs(id, own) => {
                own.apply(self.honest(n).own.get_or_insert_default());
                self.step(n, Event::LocalTxsSaved(id));
            }
            Effect::Log(LogEvent::Closed(_, why)) => self.closings.push((n, why)),
            Effect::Log(
                LogEvent::Dropped(_)
                | LogEvent::Connected(_)
                | LogEvent::Fetched(_)
                | LogEvent::Progress { .. }
                | LogEvent::DialFailed(_)
                | LogEvent::Reorganised(..),
            ) => {}
            Effect::SaveVotes { .. } | Effect::TellCouncil(_) => panic!("nobody votes or seals here"),
            Effect::SetAsideLocalTxs(_) => panic!("nothing damages a file of submitted transactions"),
            Effect::Log(note) => self.notes.push((n, note)),
            Effect::Stop => self.honest(n).node = None,
        }
    }

    /// Sends a message as the node would have it, or as it comes out of a flawed one.
    fn say(&mut self, n: usize, peer: PeerId, mut message: Message) {
        let h = self.honest(n);
        if let Message::Part { bytes, place, .. } = &mut message {
            h.parts += 1;
            match (h.flaw, bytes.len()) {
                (Some(Flaw::Corrupts), 1..) => {
                    let at = h.rng.next_u32() as usize % bytes.len();
                    bytes[at] ^= 1 << (at % 8);
                }
                (Some(Flaw::Unseals(headers)), 32..) if *place < headers => {
                    let at = bytes.len() - 32;
                    bytes[at] ^= 1;
                }
                (Some(Flaw::Vanishes(after)), _) if h.parts > after => return self.crash(n),
                _ => {}
            }
        }
        self.send(n, peer, message.to_bytes());
    }

    fn dial(&mut self, n: usize, to: Address) {
        let other = (0..self.actors.len()).find(|m| address(*m) == to);
        let up = |m: &usize| !matches!(&self.actors[*m], Actor::Honest(h) if h.node.is_none());
        let delay = Duration::from_millis(20 + u64::from(self.rng.next_u32() % 280));
        let Some(m) = other.filter(up).filter(|m| self.apart[*m] == self.apart[n] && *m != n) else {
            return self.later(delay, n, What::Unreachable(to));
        };
        self.order += 2;
        let (a, b) = (PeerId(self.order), PeerId(self.order + 1));
        let busy = self.now + delay;
        self.links.insert((n, a), End { other: (m, b), delay, busy, broken: false });
        self.links.insert((m, b), End { other: (n, a), delay, busy, broken: false });
        self.later(delay, n, What::Connected(a, to.key, Direction::Outbound(to)));
        let from = SocketAddr::new(address(n).at.ip(), 50_000 + (self.order % 10_000) as u16);
        self.later(delay, m, What::Connected(b, address(n).key, Direction::Inbound(from)));
    }

    fn send(&mut self, n: usize, peer: PeerId, bytes: Vec<u8>) {
        let (now, apart) = (self.now, self.apart.clone());
        let Some(end) = self.links.get_mut(&(n, peer)) else { return };
        let (m, id) = end.other;
        end.broken |= apart[m] != apart[n];
        if end.broken {
            return;
        }
        end.busy = end.busy.max(now + end.delay);
        let wait = end.busy - now;
        self.bytes += bytes.len() as u64;
        self.later(wait, m, What::Frame(id, bytes));
    }

    /// Attackers have a block before any honest node can show it, and show it first.
    pub(crate) fn leak(&mut self, block: &Block) {
        for n in 0..self.actors.len() {
            let Actor::Puppet(p) = &mut self.actors[n] else { continue };
            let sends = p.leaked(block);
            sends.into_iter().for_each(|(peer, bytes)| self.send(n, peer, bytes));
        }
    }

    /// Asks a node something.
    pub(crate) fn ask(&mut self, n: usize, request: Request) -> Option<Response> {
        self.order += 1;
        let id = self.order;
        self.step(n, Event::Request { id: RequestId(id), request });
        if !self.answers.contains_key(&id) {
            self.run(Duration::from_millis(100)); // what is submitted is verified first
        }
        self.answers.remove(&id)
    }

    pub(crate) fn submit(&mut self, n: usize, t: &Transaction) -> Option<Hash> {
        let answer = self.ask(n, Request::Submit(Box::new(t.clone())))?;
        if let Response::Submitted(id) = answer { Some(id) } else { None }
    }

    /// The operator seals what it has.
    pub(crate) fn seal(&mut self) -> Option<BlockName> {
        self.seal_at(0)
    }

    /// Somebody who holds the operator's key seals what it has.
    pub(crate) fn seal_at(&mut self, n: usize) -> Option<BlockName> {
        let Response::Draft { height, due, .. } = self.ask(n, Request::Draft)? else { return None };
        let reward = Box::new(self.bank.reward(height, due));
        let time = 1_800_000_000 + self.now.as_secs();
        let answer = self.ask(n, Request::Seal { reward, time })?;
        let Response::Sealed(name) = answer else { panic!("the operator cannot seal: {answer:?}") };
        Some(name)
    }

    /// The tips of the honest nodes that are up.
    pub(crate) fn tips(&self) -> Vec<BlockName> {
        let nodes = (0..self.actors.len()).filter_map(|n| self.node(n));
        nodes.map(|n| BlockName::of(n.ledger().tip())).collect()
    }
}
