//! Five nodes in this process and in virtual time: the engine of real nodes, with links of 50 ms instead of
//! sockets.
//!
//! ```text
//! node 0 seals · payments enter at the node of their payer · every payment that crosses a link is recorded
//! ```
//!
//! The record is the demo's, which sees every link. A node knows only what reached itself.

use crate::{
    bridge::Home,
    exit::{Failure, OrRefuse as _, Outcome},
};
use core::{net::SocketAddr, time::Duration};
use rand_core::OsRng;
use sotto_mw::{
    amount::Height, block::Reward, codec::Encode, hash::Hash, kernel::Kernel, transaction::Transaction,
};
use sotto_node::{
    config::Config,
    edge::{chain_dir::DiskLedger, disk::Disk},
    effect::{Effect, LogEvent, Response},
    engine::{Node, NodeSetup},
    event::{Event, Request, RequestId},
    message::Message,
    peer::{Address, Direction, PeerId, PeerKey},
    seal::OperatorKey,
    sealing::Solo,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many nodes there are.
pub(crate) const NODES: usize = 5;
/// How long a message takes.
const LINK: Duration = Duration::from_millis(50);
/// How often a node gets a tick.
const TICK: Duration = Duration::from_millis(200);
/// Virtual time after which something must be wrong: many embargoes.
const TIMEOUT: Duration = Duration::from_secs(1_000);

/// A payment that crossed a link.
struct Passed {
    from: usize,
    to: usize,
    stemmed: bool,
    kernels: BTreeSet<Hash>,
}

/// One end of a link: a node, and what it calls the peer at the other end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    node: usize,
    peer: PeerId,
}

/// The nodes, and the messages in transit between them.
pub(crate) struct Network {
    nodes: [Node<Disk>; NODES],
    now: Duration,
    /// Ordered by time and number, so that no message overtakes another.
    due: BTreeMap<(Duration, u64), (usize, Event)>,
    /// The two ends of each link, in both directions.
    ends: BTreeMap<End, End>,
    numbered: u64,
    answer: Option<Response>,
    passed: Vec<Passed>,
}

/// How one payment travelled through the network.
pub(crate) struct Trail {
    /// The node to which it was submitted.
    pub(crate) source: usize,
    /// The hops of its stem, in order.
    pub(crate) stem: Vec<(usize, usize)>,
    /// The node that broadcast it.
    pub(crate) broadcast_by: usize,
    /// For each other node, the node from which it first received it.
    pub(crate) first: BTreeMap<usize, usize>,
}

fn address(n: usize) -> Address {
    let port = 4_000 + u16::try_from(n).unwrap_or_default();
    Address { at: SocketAddr::from(([127, 0, 0, 1], port)), key: PeerKey([n as u8 + 1; 32]) }
}

impl Network {
    /// Starts five nodes of this ledger, all connected; the first one has the ledger and its operator's key.
    pub(crate) fn open(home: &Home, ledger: DiskLedger, key: OperatorKey) -> Outcome<Self> {
        let params = ledger.chain().params().clone();
        let mut ledgers = vec![(ledger, Some(key))];
        for n in 1..NODES {
            let dir = home.dir.join(format!("nodes/{n}"));
            ledgers.push((
                DiskLedger::create(&dir, params.clone()).or_refuse("cannot create the ledger of a node")?,
                None,
            ));
        }
        // With hops as fast as the links and few nodes, the embargo is eight seconds.
        let dandelion = sotto_dandelion::Params::new(0.25, LINK, 0.1, Duration::from_secs(86_400));
        let dandelion = dandelion.or_refuse("cannot set up the relay")?;
        let nodes = ledgers.into_iter().enumerate().map(|(n, (ledger, key))| {
            let mut config = Config::new(address(n).key);
            config.seeds = (0..NODES).filter(|m| *m != n).map(address).collect();
            config.outbound = NODES - 1;
            config.dandelion = dandelion;
            let sealing = key.map(|key| Solo::new(ledger.chain(), key)).transpose();
            let sealing = sealing.or_refuse("node 0 cannot seal")?;
            Ok(Node::new(NodeSetup { operator: sealing, ..NodeSetup::new(config, ledger) }, &mut OsRng))
        });
        let (due, ends) =
            ((0..NODES).map(|n| ((TICK, n as u64), (n, Event::Tick))).collect(), BTreeMap::new());
        let (now, numbered, answer, passed) = (Duration::ZERO, NODES as u64, None, Vec::new());
        let nodes: [Node<Disk>; NODES] = nodes
            .collect::<Outcome<Vec<_>>>()?
            .try_into()
            .map_err(|all: Vec<_>| Failure::refused(format!("{} nodes were made", all.len())))?;
        let mut network = Self { nodes, now, due, ends, numbered, answer, passed };
        network.run("meet", |net| net.ends.len() == 2 * NODES * (NODES - 1))?;
        Ok(network)
    }

    /// The operator's ledger.
    pub(crate) const fn ledger(&self) -> &DiskLedger {
        let [operator, ..] = &self.nodes;
        operator.ledger()
    }

    /// Submits a payment to a node, and waits until every node has it.
    pub(crate) fn submit(&mut self, n: usize, t: &Transaction) -> Outcome<Trail> {
        match self.ask(n, Request::Submit(Box::new(t.clone())))? {
            Response::Submitted(id) => self.run("all receive the payment", |net| {
                net.nodes.iter().all(|node| node.ledger().mempool().get(&id).is_some())
            })?,
            other => return Err(refused("the node refused the payment", other)),
        }
        Ok(self.trail(n, t))
    }

    /// Drafts the next block: its height, and the amount of its reward.
    pub(crate) fn draft(&mut self) -> Outcome<(Height, sotto_mw::amount::Amount)> {
        match self.ask(0, Request::Draft)? {
            Response::Draft { height, due, .. } => Ok((height, due)),
            other => Err(refused("cannot draft a block", other)),
        }
    }

    /// Seals that draft, and waits until every node has the block.
    pub(crate) fn seal(&mut self, reward: Reward, time: u64) -> Outcome<Height> {
        match self.ask(0, Request::Seal { reward: Box::new(reward), time })? {
            Response::Sealed(block) => {
                self.run("agree", |net| net.nodes.iter().all(|n| n.ledger().tip().hash() == block.hash))?;
                Ok(block.height)
            }
            other => Err(refused("cannot seal the block", other)),
        }
    }

    fn trail(&self, source: usize, t: &Transaction) -> Trail {
        let ours: BTreeSet<Hash> = t.body.kernels.iter().map(Kernel::id).collect();
        let mut trail = Trail { source, stem: Vec::new(), broadcast_by: source, first: BTreeMap::new() };
        let passed: Vec<&Passed> = self.passed.iter().filter(|p| p.kernels.is_superset(&ours)).collect();
        // The first sender outside the stem is the node that broadcast.
        trail.broadcast_by = passed.iter().find(|p| !p.stemmed).map_or(source, |p| p.from);
        for p in passed {
            if p.stemmed {
                trail.stem.push((p.from, p.to));
            }
            if p.to != source {
                trail.first.entry(p.to).or_insert(p.from);
            }
        }
        trail
    }

    fn ask(&mut self, n: usize, request: Request) -> Outcome<Response> {
        self.step(n, Event::Request { id: RequestId(0), request })?;
        self.answer.take().ok_or_else(|| Failure::refused("a node did not answer"))
    }

    /// Lets time pass until `done`.
    fn run(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Outcome {
        let end = self.now + TIMEOUT;
        while !done(self) {
            let Some(((now, _), (n, event))) = self.due.pop_first().filter(|((at, _), _)| *at <= end) else {
                return Err(Failure::refused(format!("the nodes did not {what} within {TIMEOUT:?}")));
            };
            self.now = now;
            if matches!(event, Event::Tick) {
                self.later(TICK, n, Event::Tick);
            }
            self.step(n, event)?;
        }
        Ok(())
    }

    fn later(&mut self, delay: Duration, n: usize, event: Event) {
        let at = (self.now + delay, self.number());
        self.due.insert(at, (n, event));
    }

    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    fn step(&mut self, n: usize, event: Event) -> Outcome {
        let Some(node) = self.nodes.get_mut(n) else { return Ok(()) };
        for effect in node.step(self.now, &mut OsRng, event) {
            match effect {
                Effect::Dial(to) => self.dial(n, to),
                Effect::Verify(ticket, work) => self.step(n, Event::Verified(ticket, work.run()))?,
                Effect::Send(peer, message) => self.send(End { node: n, peer }, &message),
                Effect::Close(peer, _) => self.close(End { node: n, peer }),
                Effect::Respond(_, answer) => self.answer = Some(*answer),
                Effect::Log(LogEvent::Failed(why)) => {
                    return Err(Failure::refused("a node's ledger failed").why(why));
                }
                // No node is restarted here, so nothing has to be stored; the edge's work counts as done at
                // once.
                Effect::SaveLocalTxs(_) => self.step(n, Event::LocalTxsSaved)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn dial(&mut self, n: usize, to: Address) {
        let Some(m) = (0..NODES).find(|m| address(*m) == to) else { return };
        let (near, far) = (PeerId(self.number()), PeerId(self.number()));
        let (ours, theirs) = (End { node: n, peer: near }, End { node: m, peer: far });
        self.ends.extend([(ours, theirs), (theirs, ours)]);
        let came = Direction::Inbound(address(n).at);
        self.later(LINK, n, Event::Connected { peer: near, key: to.key, direction: Direction::Outbound(to) });
        self.later(LINK, m, Event::Connected { peer: far, key: address(n).key, direction: came });
    }

    fn send(&mut self, from: End, message: &Message) {
        let Some(End { node: to, peer }) = self.ends.get(&from).copied() else { return };
        if let Message::Stem(t) | Message::Transaction(t) = message {
            let kernels = t.body.kernels.iter().map(Kernel::id).collect();
            let stemmed = matches!(message, Message::Stem(_));
            self.passed.push(Passed { from: from.node, to, stemmed, kernels });
        }
        self.later(LINK, to, Event::Frame { peer, bytes: message.to_bytes() });
    }

    fn close(&mut self, end: End) {
        let Some(other) = self.ends.remove(&end) else { return };
        self.ends.remove(&other);
        self.later(LINK, other.node, Event::Disconnected(other.peer));
    }
}

/// The failure for an answer that is not the expected one.
fn refused(what: &str, answer: Response) -> Failure {
    match answer {
        Response::Refused(why) => Failure::refused(what).why(why),
        _ => Failure::refused(what).why("it answered something else"),
    }
}

impl Trail {
    /// Whether `spy` guesses right if it takes the first node that sent it the payment for the origin.
    pub(crate) fn reveals_origin_to(&self, spy: usize) -> bool {
        self.first.get(&spy) == Some(&self.source)
    }

    /// The stem, the broadcast and what each node saw.
    pub(crate) fn describe(&self) -> String {
        let stem: String = self.stem.iter().map(|(_, to)| format!(" → {to}")).collect();
        let first: Vec<String> = self.first.iter().map(|(n, from)| format!("{n} from {from}")).collect();
        let right: Vec<String> =
            self.first.keys().filter(|n| self.reveals_origin_to(**n)).map(ToString::to_string).collect();
        format!(
            "    stem {}{stem}, broadcast by {}; first received: {}\n    \
             nodes that guess the origin right: {}",
            self.source,
            self.broadcast_by,
            first.join(", "),
            if right.is_empty() { "none".into() } else { right.join(", ") },
        )
    }
}
