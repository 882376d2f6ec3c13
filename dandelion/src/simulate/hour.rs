//! Whole nodes in network time: each runs the relay itself, and payments travel between them.
//!
//! Each node connects to eight others. A message takes 50 to 300 ms, 175 ms on average, a line is busy for 20 ms with
//! each whisper. Sources are honest nodes, payments are spread evenly over the time. A *black hole* takes every whisper and
//! passes nothing on, neither whispers nor fluffs. A node that knows a member of a joined transaction takes it out.
//!
//! Guaranteed: the run ends, since sources are honest and every embargo does. Not modelled: lost connections
//! (`tests/relay.rs` has them), blocks, fees.

use super::{agenda::Agenda, graph};
use crate::{Effect, Event, Params, Reason, Relay, draw};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A network, and how much happens in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    /// How many nodes, ten at least.
    pub nodes: usize,
    /// The share of black holes, below 1.
    pub black_holes: f64,
    /// How many payments are sent.
    pub payments: usize,
    /// In which time.
    pub span: Duration,
    /// The relays' numbers.
    pub params: Params,
}

/// How a payment became public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journey {
    /// From the wallet to the first fluff.
    pub whispered: Duration,
    /// How many hops its stem had then, counted to the node that fluffed.
    pub hops: u32,
    /// Why it was fluffed.
    pub reason: Reason,
    /// Whether a black hole had swallowed it.
    pub swallowed: bool,
    /// How many honest nodes know it in the end.
    pub known: usize,
}

const CONNECTIONS: usize = 8;
const LINE_BUSY: Duration = Duration::from_millis(20);
const FASTEST: Duration = Duration::from_millis(50);
const SPREAD: Duration = Duration::from_millis(250);

impl Hour {
    /// Runs it until every payment was fluffed and has spread: a journey for each.
    pub fn run(&self, rng: &mut impl RngCore) -> Vec<Journey> {
        let mut world = World::new(self, rng);
        while world.under_way > 0 || world.whispered > 0 {
            let Some((now, happening)) = world.agenda.next() else { break };
            world.happen(now, rng, happening);
        }
        world.journeys()
    }
}

/// Nodes, payments and transactions are numbers; a payment has one kernel, named as it is.
type Told = Event<usize, usize, usize>;

enum Happening {
    Tell(usize, Told),
    Announce { tx: usize, to: usize },
    Wake(usize),
}

struct Node {
    relay: Relay<usize, usize, usize>,
    black_hole: bool,
    neighbours: Vec<usize>,
    /// The payments that it knows from fluffs.
    public: BTreeSet<usize>,
    /// How many hops a payment had when it came here.
    hops: BTreeMap<usize, u32>,
    wakes: Duration,
}

struct Payment {
    sent: Duration,
    swallowed: bool,
    journey: Option<Journey>,
}

struct World {
    nodes: Vec<Node>,
    payments: Vec<Payment>,
    /// The payments in each transaction; those of one payment come first.
    members: Vec<BTreeSet<usize>>,
    agenda: Agenda<Happening>,
    /// When each node hears of a transaction first, as far as it is decided: later announcements are left out.
    announced: BTreeMap<usize, Vec<Duration>>,
    /// What is to happen beside wakes.
    under_way: usize,
    /// Payments that nobody has fluffed.
    whispered: usize,
}

impl World {
    fn new(hour: &Hour, rng: &mut impl RngCore) -> Self {
        let black = graph::share(rng, hour.nodes, hour.black_holes);
        let outbound = graph::connections(rng, hour.nodes, CONNECTIONS);
        let new = |black_hole| Node {
            relay: Relay::new(Duration::ZERO, rng, hour.params),
            black_hole,
            neighbours: Vec::new(),
            public: BTreeSet::new(),
            hops: BTreeMap::new(),
            wakes: Duration::MAX,
        };
        let nodes = black.iter().copied().map(new).collect();
        let mut world = Self {
            nodes,
            payments: Vec::new(),
            members: Vec::new(),
            agenda: Agenda::new(),
            announced: BTreeMap::new(),
            under_way: 0,
            whispered: hour.payments,
        };
        for (node, peers) in outbound.into_iter().enumerate() {
            for peer in peers {
                world.nodes[node].neighbours.push(peer);
                world.nodes[peer].neighbours.push(node);
                world.plan(Duration::ZERO, Happening::Tell(node, Event::Connected(peer)));
            }
        }
        let honest: Vec<usize> = (0..hour.nodes).filter(|v| !black[*v]).collect();
        for payment in 0..hour.payments {
            let sent = hour.span.mul_f64(draw::unit(rng));
            let source = honest[draw::index(rng, honest.len())];
            world.payments.push(Payment { sent, swallowed: false, journey: None });
            world.members.push(BTreeSet::from([payment]));
            world.nodes[source].hops.insert(payment, 0);
            world.plan(sent, Happening::Tell(source, Event::Own { tx: payment, kernels: vec![payment] }));
        }
        world
    }

    fn plan(&mut self, at: Duration, happening: Happening) {
        self.under_way += usize::from(!matches!(happening, Happening::Wake(_)));
        self.agenda.add(at, happening);
    }

    fn happen(&mut self, now: Duration, rng: &mut impl RngCore, happening: Happening) {
        self.under_way -= usize::from(!matches!(happening, Happening::Wake(_)));
        match happening {
            Happening::Tell(node, event) => self.tell(now, rng, node, event),
            Happening::Announce { tx, to } => self.learn(now, rng, tx, to, &[]),
            Happening::Wake(node) if self.nodes[node].wakes == now => self.tell(now, rng, node, Event::Tick),
            Happening::Wake(_) => {}
        }
    }

    /// Gives an event to a node's relay, and does what it says.
    fn tell(&mut self, now: Duration, rng: &mut impl RngCore, node: usize, event: Told) {
        if let Event::Stem { kernels, .. } = &event
            && kernels.iter().any(|k| self.nodes[node].public.contains(k))
        {
            return;
        }
        for effect in self.nodes[node].relay.step(now, rng, event) {
            match effect {
                Effect::Stem { to, members } => self.whisper(now, rng, (node, to), &members),
                Effect::Fluff { tx, except, reason } => {
                    self.note(now, node, tx, reason);
                    self.learn(now, rng, tx, node, &except);
                }
                Effect::Forget(_) => {}
            }
        }
        let wakes = self.nodes[node].relay.wake();
        if wakes != self.nodes[node].wakes {
            self.nodes[node].wakes = wakes;
            self.plan(wakes, Happening::Wake(node));
        }
    }

    /// Sends joined transactions over a line.
    fn whisper(
        &mut self,
        now: Duration,
        rng: &mut impl RngCore,
        (from, to): (usize, usize),
        members: &[usize],
    ) {
        self.plan(now + LINE_BUSY, Happening::Tell(from, Event::Taken(to)));
        let payments: BTreeSet<usize> = members.iter().flat_map(|tx| &self.members[*tx]).copied().collect();
        for payment in &payments {
            let hops = self.nodes[from].hops.get(payment).map_or(0, |h| h + 1);
            self.payments[*payment].swallowed |= self.nodes[to].black_hole;
            self.nodes[to].hops.entry(*payment).or_insert(hops);
        }
        if !self.nodes[to].black_hole {
            let kernels = payments.iter().copied().collect();
            let tx = self.name(payments);
            self.plan(now + delay(rng), Happening::Tell(to, Event::Stem { from, tx, kernels }));
        }
    }

    /// The transaction of these payments: the same for the same.
    fn name(&mut self, payments: BTreeSet<usize>) -> usize {
        if let (1, Some(only)) = (payments.len(), payments.first()) {
            return *only;
        }
        let joined = self.members.iter().skip(self.payments.len()).position(|m| *m == payments);
        joined.map_or_else(
            || {
                self.members.push(payments);
                self.members.len() - 1
            },
            |i| i + self.payments.len(),
        )
    }

    /// A node learns from a fluff what it did not know, and passes it on.
    fn learn(&mut self, now: Duration, rng: &mut impl RngCore, tx: usize, at: usize, except: &[usize]) {
        let new: Vec<usize> = self.members[tx].difference(&self.nodes[at].public).copied().collect();
        if new.is_empty() || self.nodes[at].black_hole {
            return;
        }
        self.nodes[at].public.extend(&new);
        let soonest = self.announced.entry(tx).or_insert_with(|| vec![Duration::MAX; self.nodes.len()]);
        let mut told = Vec::new();
        for to in self.nodes[at].neighbours.iter().filter(|to| !except.contains(to)) {
            let then = now + delay(rng);
            if then < soonest[*to] {
                soonest[*to] = then;
                told.push((then, *to));
            }
        }
        told.into_iter().for_each(|(then, to)| self.plan(then, Happening::Announce { tx, to }));
        self.tell(now, rng, at, Event::Public(new));
    }

    /// Writes down how a payment's stem ended, the first time.
    fn note(&mut self, now: Duration, node: usize, tx: usize, reason: Reason) {
        for payment in &self.members[tx] {
            let hops = self.nodes[node].hops.get(payment).copied().unwrap_or(0);
            let p = &mut self.payments[*payment];
            if p.journey.is_none() {
                let (whispered, swallowed) = (now - p.sent, p.swallowed);
                p.journey = Some(Journey { whispered, hops, reason, swallowed, known: 0 });
                self.whispered -= 1;
            }
        }
    }

    fn journeys(self) -> Vec<Journey> {
        let known = |payment: &usize| self.nodes.iter().filter(|n| n.public.contains(payment)).count();
        let journeys = self.payments.iter().enumerate();
        journeys.filter_map(|(i, p)| p.journey.map(|j| Journey { known: known(&i), ..j })).collect()
    }
}

/// How long a message takes.
fn delay(rng: &mut impl RngCore) -> Duration {
    FASTEST + SPREAD.mul_f64(draw::unit(rng))
}
