//! Whole nodes in network time: each runs the relay, and payments travel between them.
//!
//! Each node connects to eight others. A message takes 50 to 300 ms, 175 ms on average; sending a stem takes
//! 20 ms. Sources are honest nodes; payments are spread evenly over the time. A *black hole* accepts every
//! stem and forwards nothing, neither stems nor fluffs. A node that knows a member of a joined transaction
//! removes it.
//!
//! Guaranteed: the run ends, because sources are honest and every embargo expires. Not modelled: lost
//! connections (`tests/relay.rs` covers them), blocks, fees.

use super::{event_queue::EventQueue, graph};
use crate::{Effect, Event, Params, Reason, Relay, draw};
use rand_core::RngCore;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A network of whole nodes and the payments to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// How many nodes, at least ten.
    pub nodes: usize,
    /// The share of black holes, below 1.
    pub black_holes: f64,
    /// How many payments are sent.
    pub payments: usize,
    /// The time over which they are spread.
    pub span: Duration,
    /// The parameters of all relays.
    pub params: Params,
}

/// How a payment became public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The time from submission to the first fluff.
    pub stem_time: Duration,
    /// The hops from the source to the node that fluffed it first.
    pub hops: u32,
    /// Why it was fluffed.
    pub reason: Reason,
    /// Whether a black hole received and dropped it.
    pub intercepted: bool,
    /// How many honest nodes know it at the end.
    pub known: usize,
}

const CONNECTIONS: usize = 8;
const SEND_TIME: Duration = Duration::from_millis(20);
const FASTEST: Duration = Duration::from_millis(50);
const SPREAD: Duration = Duration::from_millis(250);

impl Network {
    /// Runs until every payment was fluffed and has spread; returns a journey for each.
    pub fn run(&self, rng: &mut impl RngCore) -> Vec<Journey> {
        let mut world = World::new(self, rng);
        while world.pending > 0 || world.stemming > 0 {
            let Some((now, action)) = world.queue.next() else { break };
            world.run(now, rng, action);
        }
        world.journeys()
    }
}

/// Nodes, payments and transactions are numbers; a payment has one kernel of the same number.
type NodeEvent = Event<usize, usize, usize>;

/// A transaction that a node learns from a fluff, and the neighbours that need no announcement of it.
struct Fluff<'a> {
    tx: usize,
    at: usize,
    except: &'a [usize],
}

enum Action {
    Deliver(usize, NodeEvent),
    Announce { tx: usize, to: usize },
    Wake(usize),
}

struct Node {
    relay: Relay<usize, usize, usize>,
    black_hole: bool,
    neighbours: Vec<usize>,
    /// The payments known from fluffs.
    public: BTreeSet<usize>,
    /// The hops of each payment when it arrived here.
    hops: BTreeMap<usize, u32>,
    wakes: Duration,
}

struct Payment {
    sent: Duration,
    intercepted: bool,
    journey: Option<Journey>,
}

/// A hop of a stem.
struct Edge {
    from: usize,
    to: usize,
}

struct World {
    nodes: Vec<Node>,
    payments: Vec<Payment>,
    /// The payments in each transaction; transactions of one payment come first.
    members: Vec<BTreeSet<usize>>,
    queue: EventQueue<Action>,
    /// When each node first receives a transaction, as far as scheduled; later announcements are left out.
    announced: BTreeMap<usize, Vec<Duration>>,
    /// Scheduled actions other than wakes.
    pending: usize,
    /// Payments that no node has fluffed.
    stemming: usize,
}

impl World {
    fn new(network: &Network, rng: &mut impl RngCore) -> Self {
        let black = graph::share(rng, network.nodes, network.black_holes);
        let outbound = graph::connections(rng, network.nodes, CONNECTIONS);
        let new = |black_hole| Node {
            relay: Relay::new(Duration::ZERO, rng, network.params),
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
            queue: EventQueue::new(),
            announced: BTreeMap::new(),
            pending: 0,
            stemming: network.payments,
        };
        for (node, peers) in outbound.into_iter().enumerate() {
            for peer in peers {
                world.nodes[node].neighbours.push(peer);
                world.nodes[peer].neighbours.push(node);
                world.schedule(Duration::ZERO, Action::Deliver(node, Event::Connected(peer)));
            }
        }
        let honest: Vec<usize> = (0..network.nodes).filter(|v| !black[*v]).collect();
        for payment in 0..network.payments {
            let sent = network.span.mul_f64(draw::unit(rng));
            let source = honest[draw::index(rng, honest.len())];
            world.payments.push(Payment { sent, intercepted: false, journey: None });
            world.members.push(BTreeSet::from([payment]));
            world.nodes[source].hops.insert(payment, 0);
            world.schedule(
                sent,
                Action::Deliver(source, Event::Local { tx: payment, kernels: vec![payment] }),
            );
        }
        world
    }

    fn schedule(&mut self, at: Duration, action: Action) {
        self.pending += usize::from(!matches!(action, Action::Wake(_)));
        self.queue.add(at, action);
    }

    fn run(&mut self, now: Duration, rng: &mut impl RngCore, action: Action) {
        self.pending -= usize::from(!matches!(action, Action::Wake(_)));
        match action {
            Action::Deliver(node, event) => self.step(now, rng, node, event),
            Action::Announce { tx, to } => self.learn(now, rng, &Fluff { tx, at: to, except: &[] }),
            Action::Wake(node) if self.nodes[node].wakes == now => self.step(now, rng, node, Event::Tick),
            Action::Wake(_) => {}
        }
    }

    /// Passes an event to a node's relay and carries out its effects.
    fn step(&mut self, now: Duration, rng: &mut impl RngCore, node: usize, event: NodeEvent) {
        if let Event::Stem { kernels, .. } = &event
            && kernels.iter().any(|k| self.nodes[node].public.contains(k))
        {
            return;
        }
        for effect in self.nodes[node].relay.step(now, rng, event) {
            match effect {
                Effect::Stem { to, members } => self.stem(now, rng, Edge { from: node, to }, &members),
                Effect::Fluff { tx, except, reason } => {
                    self.record(now, node, tx, reason);
                    self.learn(now, rng, &Fluff { tx, at: node, except: &except });
                }
                Effect::Forget(_) => {}
            }
        }
        let wakes = self.nodes[node].relay.wake();
        if wakes != self.nodes[node].wakes {
            self.nodes[node].wakes = wakes;
            self.schedule(wakes, Action::Wake(node));
        }
    }

    /// Sends joined transactions along an edge.
    fn stem(&mut self, now: Duration, rng: &mut impl RngCore, edge: Edge, members: &[usize]) {
        let Edge { from, to } = edge;
        self.schedule(now + SEND_TIME, Action::Deliver(from, Event::Delivered(to)));
        let payments: BTreeSet<usize> = members.iter().flat_map(|tx| &self.members[*tx]).copied().collect();
        for payment in &payments {
            let hops = self.nodes[from].hops.get(payment).map_or(0, |h| h + 1);
            self.payments[*payment].intercepted |= self.nodes[to].black_hole;
            self.nodes[to].hops.entry(*payment).or_insert(hops);
        }
        if !self.nodes[to].black_hole {
            let kernels = payments.iter().copied().collect();
            let tx = self.tx_of(payments);
            self.schedule(now + delay(rng), Action::Deliver(to, Event::Stem { from, tx, kernels }));
        }
    }

    /// The transaction of these payments; equal sets have one transaction.
    fn tx_of(&mut self, payments: BTreeSet<usize>) -> usize {
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

    /// A node learns new payments from a fluff and announces them to its neighbours.
    fn learn(&mut self, now: Duration, rng: &mut impl RngCore, fluff: &Fluff<'_>) {
        let Fluff { tx, at, except } = *fluff;
        let new: Vec<usize> = self.members[tx].difference(&self.nodes[at].public).copied().collect();
        if new.is_empty() || self.nodes[at].black_hole {
            return;
        }
        self.nodes[at].public.extend(&new);
        let soonest = self.announced.entry(tx).or_insert_with(|| vec![Duration::MAX; self.nodes.len()]);
        let mut arrivals = Vec::new();
        for to in self.nodes[at].neighbours.iter().filter(|to| !except.contains(to)) {
            let then = now + delay(rng);
            if then < soonest[*to] {
                soonest[*to] = then;
                arrivals.push((then, *to));
            }
        }
        arrivals.into_iter().for_each(|(then, to)| self.schedule(then, Action::Announce { tx, to }));
        self.step(now, rng, at, Event::Public(new));
    }

    /// Records how a payment's stem ended, the first time.
    fn record(&mut self, now: Duration, node: usize, tx: usize, reason: Reason) {
        for payment in &self.members[tx] {
            let hops = self.nodes[node].hops.get(payment).copied().unwrap_or(0);
            let p = &mut self.payments[*payment];
            if p.journey.is_none() {
                let (stem_time, intercepted) = (now - p.sent, p.intercepted);
                p.journey = Some(Journey { stem_time, hops, reason, intercepted, known: 0 });
                self.stemming -= 1;
            }
        }
    }

    fn journeys(self) -> Vec<Journey> {
        let known = |payment: &usize| self.nodes.iter().filter(|n| n.public.contains(payment)).count();
        let journeys = self.payments.iter().enumerate();
        journeys.filter_map(|(i, p)| p.journey.map(|j| Journey { known: known(&i), ..j })).collect()
    }
}

/// A random message delay.
fn delay(rng: &mut impl RngCore) -> Duration {
    FASTEST + SPREAD.mul_f64(draw::unit(rng))
}
