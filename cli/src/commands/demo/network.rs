//! Five nodes in this process and in virtual time: the engine of real ones, with links of 50 ms in place of sockets.
//!
//! ```text
//! node 0 seals · payments enter where their payers are · every payment that crosses a link is written down
//! ```
//!
//! So the demo can tell what each node could have known. The nodes tell nobody, and each knows only what reached itself.

use crate::{
    bridge::Home,
    exit::{Context as _, Failure, Outcome},
};
use core::{net::SocketAddr, time::Duration};
use rand_core::OsRng;
use sotto_mw::{amount::Height, hash::Hash, kernel::Kernel, transaction::Transaction, wire::Encode};
use sotto_node::{
    config::Config,
    effect::{Answer, Effect, Note},
    engine::{
        Node,
        peers::{Address, Direction, PeerId, PeerKey},
        sealing::Solo,
    },
    event::{Event, Question, Ticket},
    ledger::Ledger,
    seal::OperatorKey,
    wire::message::Message,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many nodes there are.
pub(super) const NODES: usize = 5;
/// How long a message takes.
const LINK: Duration = Duration::from_millis(50);
/// How often a node is told that time has passed.
const TICK: Duration = Duration::from_millis(200);
/// Virtual time after which something is wrong: many embargoes.
const PATIENCE: Duration = Duration::from_secs(1_000);

/// A payment that crossed a link.
struct Passed {
    from: usize,
    to: usize,
    whispered: bool,
    kernels: BTreeSet<Hash>,
}

/// The nodes, and what is on its way between them.
pub(super) struct Network {
    nodes: [Node; NODES],
    now: Duration,
    /// By time and number, so that nothing overtakes.
    due: BTreeMap<(Duration, u64), (usize, Event)>,
    ends: BTreeMap<(usize, PeerId), (usize, PeerId)>,
    numbered: u64,
    answer: Option<Answer>,
    passed: Vec<Passed>,
}

/// How one payment travelled.
pub(super) struct Trail {
    /// Where it entered.
    pub(super) source: usize,
    /// From whom to whom it was whispered, in order.
    pub(super) whispers: Vec<(usize, usize)>,
    /// Who told all.
    pub(super) told_by: usize,
    /// For each other node, from whom it heard first.
    pub(super) first: BTreeMap<usize, usize>,
}

fn address(n: usize) -> Address {
    let port = 4_000 + u16::try_from(n).unwrap_or_default();
    Address { at: SocketAddr::from(([127, 0, 0, 1], port)), key: PeerKey([n as u8 + 1; 32]) }
}

impl Network {
    /// Five nodes of this ledger, the first of which has it and its operator's key; all know all.
    pub(super) fn open(home: &Home, ledger: Ledger, key: OperatorKey) -> Outcome<Self> {
        let params = ledger.chain().params().clone();
        let mut ledgers = vec![(ledger, Some(key))];
        for n in 1..NODES {
            let dir = home.dir.join(format!("nodes/{n}"));
            ledgers.push((Ledger::create(&dir, params.clone()).or_refuse("a node has no ledger")?, None));
        }
        // Hops as fast as the links, and few nodes: an embargo of eight seconds.
        let dandelion = sotto_dandelion::Params::new(0.25, LINK, 0.1, Duration::from_secs(86_400));
        let dandelion = dandelion.or_refuse("no relay can be made")?;
        let nodes = ledgers.into_iter().enumerate().map(|(n, (ledger, key))| {
            let mut config = Config::new(address(n).key);
            config.seeds = (0..NODES).filter(|m| *m != n).map(address).collect();
            config.outbound = NODES - 1;
            config.dandelion = dandelion;
            let sealing = key.map(|key| Solo::new(ledger.chain(), key)).transpose();
            let sealing = sealing.or_refuse("the first node cannot seal")?;
            Ok(Node::new(config, ledger, sealing, None, &mut OsRng))
        });
        let (due, ends) =
            ((0..NODES).map(|n| ((TICK, n as u64), (n, Event::Tick))).collect(), BTreeMap::new());
        let (now, numbered, answer, passed) = (Duration::ZERO, NODES as u64, None, Vec::new());
        let nodes: [Node; NODES] = nodes
            .collect::<Outcome<Vec<_>>>()?
            .try_into()
            .map_err(|all: Vec<_>| Failure::refused(format!("{} nodes were made", all.len())))?;
        let mut network = Self { nodes, now, due, ends, numbered, answer, passed };
        network.run("meet", |net| net.ends.len() == 2 * NODES * (NODES - 1))?;
        Ok(network)
    }

    /// The operator's ledger.
    pub(super) const fn ledger(&self) -> &Ledger {
        let [operator, ..] = &self.nodes;
        operator.ledger()
    }

    /// Hands a payment to a node, and waits until everybody was told of it.
    pub(super) fn submit(&mut self, n: usize, t: &Transaction) -> Outcome<Trail> {
        match self.ask(n, Question::Submit(Box::new(t.clone())))? {
            Answer::Submitted(id) => self.run("tell all", |net| {
                net.nodes.iter().all(|node| node.ledger().pool().get(&id).is_some())
            })?,
            other => return Err(refused("the node refused a payment", other)),
        }
        Ok(self.trail(n, t))
    }

    /// Asks for the next block's draft: its height and what is due to its reward.
    pub(super) fn draft(&mut self) -> Outcome<(Height, sotto_mw::amount::Amount)> {
        match self.ask(0, Question::Draft)? {
            Answer::Draft { height, due, .. } => Ok((height, due)),
            other => Err(refused("no block can be drafted", other)),
        }
    }

    /// Seals that draft, and waits until everybody has the block.
    pub(super) fn seal(
        &mut self,
        reward: (sotto_mw::transaction::Output, Kernel),
        time: u64,
    ) -> Outcome<Height> {
        match self.ask(0, Question::Seal { reward: Box::new(reward), time })? {
            Answer::Sealed(block) => {
                self.run("agree", |net| net.nodes.iter().all(|n| n.ledger().tip().hash() == block.hash))?;
                Ok(block.height)
            }
            other => Err(refused("the block cannot be sealed", other)),
        }
    }

    fn trail(&self, source: usize, t: &Transaction) -> Trail {
        let ours: BTreeSet<Hash> = t.body.kernels.iter().map(Kernel::id).collect();
        let mut trail = Trail { source, whispers: Vec::new(), told_by: source, first: BTreeMap::new() };
        let passed: Vec<&Passed> = self.passed.iter().filter(|p| p.kernels.is_superset(&ours)).collect();
        // Only who told all has it to give, at first.
        trail.told_by = passed.iter().find(|p| !p.whispered).map_or(source, |p| p.from);
        for p in passed {
            if p.whispered {
                trail.whispers.push((p.from, p.to));
            }
            if p.to != source {
                trail.first.entry(p.to).or_insert(p.from);
            }
        }
        trail
    }

    fn ask(&mut self, n: usize, question: Question) -> Outcome<Answer> {
        self.step(n, Event::Asked { ticket: Ticket(0), question })?;
        self.answer.take().ok_or_else(|| Failure::refused("a node does not answer"))
    }

    /// Lets time pass until something is so.
    fn run(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Outcome {
        let end = self.now + PATIENCE;
        while !done(self) {
            let Some(((now, _), (n, event))) = self.due.pop_first().filter(|((at, _), _)| *at <= end) else {
                return Err(Failure::refused(format!("five nodes did not {what} within {PATIENCE:?}")));
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
                Effect::Send(peer, message) => self.send((n, peer), &message),
                Effect::Close(peer, _) => self.close((n, peer)),
                Effect::Answer(_, answer) => self.answer = Some(*answer),
                Effect::Note(Note::Failed(why)) => {
                    return Err(Failure::refused("a node's ledger failed").why(why));
                }
                // Nobody dies here, so nothing need be kept; what is asked of the edge is done at once.
                Effect::KeepOwn(_) => self.step(n, Event::OwnKept)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn dial(&mut self, n: usize, to: Address) {
        let Some(m) = (0..NODES).find(|m| address(*m) == to) else { return };
        let (near, far) = (PeerId(self.number()), PeerId(self.number()));
        self.ends.extend([((n, near), (m, far)), ((m, far), (n, near))]);
        let came = Direction::Inbound(address(n).at);
        self.later(LINK, n, Event::Connected { peer: near, key: to.key, direction: Direction::Outbound(to) });
        self.later(LINK, m, Event::Connected { peer: far, key: address(n).key, direction: came });
    }

    fn send(&mut self, from: (usize, PeerId), message: &Message) {
        let Some((to, peer)) = self.ends.get(&from).copied() else { return };
        if let Message::Stem(t) | Message::Transaction(t) = message {
            let kernels = t.body.kernels.iter().map(Kernel::id).collect();
            let whispered = matches!(message, Message::Stem(_));
            self.passed.push(Passed { from: from.0, to, whispered, kernels });
        }
        self.later(LINK, to, Event::Frame { peer, bytes: message.to_bytes() });
    }

    fn close(&mut self, end: (usize, PeerId)) {
        let Some((to, peer)) = self.ends.remove(&end) else { return };
        self.ends.remove(&(to, peer));
        self.later(LINK, to, Event::Gone(peer));
    }
}

/// A node's no.
fn refused(what: &str, answer: Answer) -> Failure {
    match answer {
        Answer::Refused(why) => Failure::refused(what).why(why),
        _ => Failure::refused(what).why("it answered something else"),
    }
}

impl Trail {
    /// Whether somebody at this node who takes the first it heard from for the source is right.
    pub(super) fn betrayed_to(&self, spy: usize) -> bool {
        self.first.get(&spy) == Some(&self.source)
    }

    /// Who heard what of whom, in words.
    pub(super) fn told(&self) -> String {
        let way: String = self.whispers.iter().map(|(_, to)| format!(" → {to}")).collect();
        let heard: Vec<String> = self.first.iter().map(|(n, from)| format!("{n} from {from}")).collect();
        let right: Vec<String> =
            self.first.keys().filter(|n| self.betrayed_to(**n)).map(ToString::to_string).collect();
        format!(
            "  whispered {}{way}, told to all by {}; first heard: {}\n  \
             who takes the first it heard from for the source is right at: {}",
            self.source,
            self.told_by,
            heard.join(", "),
            if right.is_empty() { "no node".into() } else { right.join(", ") },
        )
    }
}
