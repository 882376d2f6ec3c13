//! Five nodes in this process and in virtual time: the engine of real nodes, with links of 50 ms instead of
//! sockets.
//!
//! ```text
//! nodes 0 to 3 vote, and three of them seal · payments enter at the node of their payer
//! every payment that crosses a link is recorded · a node can be killed
//! ```
//!
//! The record is the demo's, which sees every link. A node knows only what reached itself.

use crate::{
    args::ChainNetwork,
    bridge::{Home, now},
    commands::chain::validators,
    exit::{Failure, OrRefuse as _, Outcome},
};
use core::{net::SocketAddr, time::Duration};
use rand_core::OsRng;
use sotto_mw::{
    amount::{Amount, Height},
    block::Reward,
    chain::Chain,
    codec::Encode,
    hash::Hash,
    kernel::Kernel,
    transaction::Transaction,
    validators::{LinkKey, ValidatorSet},
};
use sotto_node::{
    config::Config,
    consensus::{self, Engine, Saved, Timing, Votes},
    effect::{Effect, LogEvent, Response},
    engine::{Node, NodeSetup},
    event::{Event, Request, RequestId},
    ledger::Ledger,
    message::Message,
    peer::{Address, DialError, Direction, PeerId, PeerKey},
    seal::OperatorKey,
};
use std::{
    array,
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

/// How many nodes there are.
pub(crate) const NODES: usize = 5;
/// How many of them vote.
pub(crate) const VALIDATORS: usize = 4;
/// How long a message takes.
const LINK: Duration = Duration::from_millis(50);
/// How often a node gets a tick.
const TICK: Duration = Duration::from_millis(200);
/// Virtual time after which something must be wrong: many embargoes.
const TIMEOUT: Duration = Duration::from_secs(1_000);

/// The request that waits for a turn to propose.
const TURN: RequestId = RequestId(1);

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
    /// `None` once killed.
    nodes: [Option<Node>; NODES],
    /// The time of day at the start.
    began: u64,
    now: Duration,
    /// Ordered by time and number, so that no message overtakes another.
    due: BTreeMap<(Duration, u64), (usize, Event)>,
    /// The two ends of each link, in both directions.
    ends: BTreeMap<End, End>,
    numbered: u64,
    answer: Option<Response>,
    /// Who may propose, at which height, and how much its reward is.
    turn: Option<(usize, Height, Amount)>,
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

/// The vote keys of the validators, and the ledger that they seal, in `home`.
pub(crate) fn create(home: &Home) -> Outcome<(Ledger, [OperatorKey; VALIDATORS])> {
    let keys: [OperatorKey; VALIDATORS] = array::from_fn(|_| OperatorKey::generate(&mut OsRng));
    let validator = |(n, key): (usize, &OperatorKey)| {
        let name = format!("validator-{n}").parse().or_refuse("invalid name")?;
        Ok(key.validator(LinkKey::from_bytes(address(n).key.0), NonZeroU32::MIN, name, &mut OsRng))
    };
    let all = keys.iter().enumerate().map(validator).collect::<Outcome<Vec<_>>>()?;
    let set = ValidatorSet::new(all).or_refuse("invalid validators")?;
    Ok((validators::create(home, set, ChainNetwork::Test, |_| ())?, keys))
}

/// The consensus engine of a validator that has signed nothing yet.
fn engine(chain: &Chain, key: &OperatorKey, n: usize) -> Engine {
    let installation = Hash::from_bytes([n as u8; 32]);
    let saved = Saved { votes: Some(Votes::new(*chain.id(), installation)), ..Saved::default() };
    let (chain, timing) = (chain.clone(), Timing::default());
    Engine::new(consensus::Setup { chain, vote_key: key.vote_key().into(), installation, timing }, saved)
}

impl Network {
    /// Starts five nodes of this ledger, all connected; the first one has it, and the first four vote.
    pub(crate) fn open(home: &Home, ledger: Ledger, keys: &[OperatorKey; VALIDATORS]) -> Outcome<Self> {
        let params = ledger.chain().params().clone();
        let mut ledgers = vec![ledger];
        for n in 1..NODES {
            let dir = home.dir.join(format!("nodes/{n}"));
            ledgers
                .push(Ledger::create(&dir, params.clone()).or_refuse("cannot create the ledger of a node")?);
        }
        // With hops as fast as the links and few nodes, the embargo is eight seconds.
        let dandelion = sotto_dandelion::Params::new(0.25, LINK, 0.1, Duration::from_secs(86_400));
        let dandelion = dandelion.or_refuse("cannot set up the relay")?;
        let nodes = ledgers.into_iter().enumerate().map(|(n, ledger)| {
            let mut config = Config::new(address(n).key);
            let others = || (0..NODES).filter(|m| *m != n).map(address);
            config.validators = others().take_while(|a| *a != address(VALIDATORS)).collect();
            config.seeds = others().collect();
            config.outbound = NODES - 1;
            config.dandelion = dandelion;
            let validator = keys.get(n).map(|key| engine(ledger.chain(), key, n));
            Some(Node::new(NodeSetup { validator, ..NodeSetup::new(config, ledger) }, &mut OsRng))
        });
        let nodes: [Option<Node>; NODES] = nodes
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|all: Vec<_>| Failure::refused(format!("{} nodes were made", all.len())))?;
        let due = (0..NODES).map(|n| ((TICK, n as u64), (n, Event::Tick))).collect();
        let (now, numbered, began) = (Duration::ZERO, NODES as u64, now());
        let (ends, passed) = (BTreeMap::new(), Vec::new());
        let mut network = Self { nodes, began, now, due, ends, numbered, answer: None, turn: None, passed };
        // A link between two validators has two ends, and they have one link with each other and two with the
        // node.
        const ENDS: usize = VALIDATORS * (VALIDATORS - 1) + 4 * VALIDATORS;
        network.run("meet", |net| net.ends.len() >= ENDS)?;
        (0..VALIDATORS).try_for_each(|n| network.await_turn(n))?;
        Ok(network)
    }

    /// The ledger of the first node.
    pub(crate) fn ledger(&self) -> Outcome<&Ledger> {
        let [first, ..] = &self.nodes;
        first.as_ref().map(Node::ledger).ok_or_else(|| Failure::refused("the first node is dead"))
    }

    /// Ends a node without notice.
    pub(crate) fn kill(&mut self, n: usize) {
        if let Some(node) = self.nodes.get_mut(n) {
            *node = None;
        }
        let ends: Vec<End> = self.ends.keys().filter(|end| end.node == n).copied().collect();
        ends.into_iter().for_each(|end| self.close(end));
    }

    fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten()
    }

    /// Submits a payment to a node, and waits until every node has it.
    pub(crate) fn submit(&mut self, n: usize, t: &Transaction) -> Outcome<Trail> {
        match self.ask(n, Request::Submit(Box::new(t.clone())))? {
            Response::Submitted(id) => self.run("all receive the payment", |net| {
                net.running().all(|node| node.ledger().mempool().get(&id).is_some())
            })?,
            other => return Err(refused("the node refused the payment", other)),
        }
        Ok(self.trail(n, t))
    }

    /// Lets the validators seal a block, whose reward `reward` makes from its height and amount for the
    /// validator that may propose, and waits until every node has it.
    pub(crate) fn seal(
        &mut self,
        mut reward: impl FnMut(Height, Amount) -> Outcome<Reward>,
    ) -> Outcome<Height> {
        let next = self.ledger()?.tip().height.next();
        let sealed = |net: &Self| net.running().all(|n| n.ledger().tip().height >= next);
        loop {
            self.run("agree", |net| net.turn.is_some() || sealed(net))?;
            let Some((n, height, due)) = self.turn.take() else { return Ok(next) };
            // A turn that comes too late is refused, and so is one of a node that was killed.
            let reward = Box::new(reward(height, due)?);
            self.step(n, Event::Request { id: RequestId(0), request: Request::Seal { reward, time: 0 } })?;
            self.await_turn(n)?;
        }
    }

    fn await_turn(&mut self, n: usize) -> Outcome {
        self.step(n, Event::Request { id: TURN, request: Request::AwaitTurn })
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
                self.step(n, Event::Clock(self.began + self.now.as_secs()))?;
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
        let Some(node) = self.nodes.get_mut(n).and_then(Option::as_mut) else { return Ok(()) };
        for effect in node.step(self.now, &mut OsRng, event) {
            match effect {
                Effect::Dial(to) => self.dial(n, to),
                Effect::Verify(ticket, work) => self.step(n, Event::Verified(ticket, work.run()))?,
                Effect::Send(peer, message) => self.send(End { node: n, peer }, &message),
                Effect::Close(peer, _) => self.close(End { node: n, peer }),
                Effect::Respond(TURN, answer) => match *answer {
                    Response::Draft { height, due, .. } => self.turn = Some((n, height, due)),
                    _ => self.later(TICK, n, Event::Request { id: TURN, request: Request::AwaitTurn }),
                },
                Effect::Respond(_, answer) => self.answer = Some(*answer),
                Effect::SaveVotes { id, .. } => self.step(n, Event::VotesSaved(id))?,
                Effect::Log(LogEvent::Failed(why)) => {
                    return Err(Failure::refused("a node's ledger failed").why(why));
                }
                // No node is restarted here, so nothing has to be stored; the edge's work counts as done at
                // once.
                Effect::SaveLocalTxs(id, _) => self.step(n, Event::LocalTxsSaved(id))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn dial(&mut self, n: usize, to: Address) {
        let Some(m) = (0..NODES).find(|m| address(*m) == to) else { return };
        if self.nodes.get(m).is_none_or(Option::is_none) {
            return self.later(LINK, n, Event::DialFailed(to, DialError::Refused));
        }
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
