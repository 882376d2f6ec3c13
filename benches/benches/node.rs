//! The node: transactions that one engine accepts or that pass a line of four nodes, the heaviest block
//! through the same line, and a new node that downloads a chain, block by block and by snapshot.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench -p sotto-benches --bench node
//! SOTTO_OUTPUTS=100000 RAYON_NUM_THREADS=1 cargo bench -p sotto-benches --bench node -- sync
//! ```
//!
//! Links take no time and files are in memory, so the figures are the work of the engines of all nodes
//! together, in processor time of the process. The chain has `SOTTO_OUTPUTS` outputs (default 4,000) in
//! blocks of the greatest weight. Proving them takes most of the benchmark's run time and is not measured.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_benches::ProcessorTime;
use sotto_mw::{
    amount::Height,
    block::Block,
    chain::{INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    codec::Encode,
    state::ChainView,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{
    codec::transaction_id,
    config::Config,
    edge::sled_database::SledDatabases,
    effect::Effect,
    engine::{Node, NodeSetup},
    event::Event,
    ledger::Ledger,
    message::{Hello, Message, rules},
    peer::{Address, Direction, PeerId, PeerKey},
    storage::{Layout, Memory, Store},
};
use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::LazyLock,
    time::Duration,
};

type Bench = Criterion<ProcessorTime>;

/// Payments that are relayed.
const PAYMENTS: usize = 100;
/// A second of virtual time.
const SECOND: Duration = Duration::from_secs(1);

/// Payments of one input and two outputs each, on a chain of a few blocks.
static PAID: LazyLock<(TestChain, Vec<Transaction>)> = LazyLock::new(|| {
    let mut chain = TestChain::new(1);
    let coin = chain.grow(Vec::new());
    chain.mature();
    let coins = chain.many(PAYMENTS, 1_000_000, 0);
    let split = chain.spread(&coin, &coins);
    chain.grow(vec![split]);
    let fee = chain.least_fee(1, 2, 1);
    let to = chain.many(PAYMENTS, 25, 1);
    let change = chain.many(PAYMENTS, 1_000_000 - 25 - fee.units(), 2);
    let kernel = chain.plain(fee);
    let pay = |i: usize| chain.transaction(&[&coins[i]], &[&to[i], &change[i]], &[kernel]);
    let all = (0..PAYMENTS).map(pay).collect();
    (chain, all)
});

/// A chain of heavy blocks, followed by enough empty ones to make its last snapshot final.
static HEAVY: LazyLock<TestChain> = LazyLock::new(|| {
    let many = std::env::var("SOTTO_OUTPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000);
    let mut chain = TestChain::new(2);
    let most = (chain.chain().room() - INPUT_WEIGHT - KERNEL_WEIGHT) / OUTPUT_WEIGHT - 1;
    let blocks = (many as u64).div_ceil(most);
    let coins: Vec<Owned> = (0..blocks).map(|_| chain.grow(Vec::new())).collect();
    chain.mature();
    for (n, coin) in coins.iter().enumerate() {
        let made = chain.many(most as usize, 1_000, 10 + n as u64);
        let t = chain.spread(coin, &made);
        chain.grow(vec![t]);
    }
    let k = chain.chain().params().reorganisation;
    let tip = chain.blocks().len() as u64;
    (0..k - tip % k + k + 1).for_each(|_| drop(chain.grow(Vec::new())));
    chain
});

fn ledger(chain: &TestChain, blocks: &[Block]) -> Ledger {
    let layout = Layout::new(SledDatabases::temporary());
    let store = Store::create_on(Memory::new(), layout, chain.chain().params().clone()).unwrap();
    let mut ledger = Ledger::over(store, Default::default()).unwrap();
    blocks.iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    ledger
}

fn address(n: usize) -> Address {
    Address { at: SocketAddr::from(([10, n as u8, 0, 1], 4_000)), key: PeerKey([n as u8 + 1; 32]) }
}

/// Nodes and the links between them. A number after the last node is an observer, which receives everything
/// and answers nothing.
struct Net {
    nodes: Vec<Node>,
    links: HashMap<(usize, PeerId), (usize, PeerId)>,
    queue: VecDeque<(usize, Event)>,
    now: Duration,
    rng: ChaCha20Rng,
    bytes: u64,
}

impl Net {
    fn new(ledgers: Vec<Ledger>, edit: impl Fn(usize, &mut Config)) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let node = |(n, ledger): (usize, Ledger)| {
            let mut config = Config::new(address(n).key);
            (config.outbound, config.snapshot_every) = (0, 0);
            edit(n, &mut config);
            Node::new(NodeSetup::new(config, ledger), &mut rng)
        };
        let nodes = ledgers.into_iter().enumerate().map(node).collect();
        let (links, queue, now) = (HashMap::new(), VecDeque::new(), Duration::ZERO);
        Self { nodes, links, queue, now, rng, bytes: 0 }
    }

    fn connect(&mut self, from: usize, to: usize) -> PeerId {
        let n = self.links.len() as u64;
        let (a, b) = (PeerId(n), PeerId(n + 1));
        self.links.insert((from, a), (to, b));
        self.links.insert((to, b), (from, a));
        for (who, peer, other, direction) in [
            (from, a, to, Direction::Outbound(address(to))),
            (to, b, from, Direction::Inbound(address(from).at)),
        ] {
            self.queue.push_back((who, Event::Connected { peer, key: address(other).key, direction }));
        }
        self.settle();
        b
    }

    /// Delivers all messages.
    fn settle(&mut self) {
        while let Some((n, event)) = self.queue.pop_front() {
            let Some(node) = self.nodes.get_mut(n) else { continue };
            for effect in node.step(self.now, &mut self.rng, event) {
                if let Effect::Verify(ticket, work) = effect {
                    self.queue.push_back((n, Event::Verified(ticket, work.run())));
                    continue;
                }
                let Effect::Send(peer, message) = effect else { continue };
                let Some((other, peer)) = self.links.get(&(n, peer)).copied() else { continue };
                let bytes = message.to_bytes();
                self.bytes += bytes.len() as u64;
                self.queue.push_back((other, Event::Frame { peer, bytes }));
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        (0..self.nodes.len()).for_each(|n| self.queue.push_back((n, Event::Tick)));
        self.settle();
    }

    fn hear(&mut self, n: usize, peer: PeerId, message: &Message) {
        self.queue.push_back((n, Event::Frame { peer, bytes: message.to_bytes() }));
        self.settle();
    }
}

/// A line of nodes, all on this chain, and a link from an outside peer to the first.
fn line(chain: &TestChain, blocks: &[Block], nodes: usize) -> (Net, PeerId) {
    let mut net = Net::new((0..nodes).map(|_| ledger(chain, blocks)).collect(), |_, _| ());
    for n in 1..nodes {
        net.connect(n - 1, n);
    }
    let peer = net.connect(nodes, 0);
    let hello = Hello { chain: *chain.chain().id(), rules: rules(), listen_port: None };
    net.hear(0, peer, &Message::Hello(hello));
    (net, peer)
}

/// An outside peer offers payments to the first of some nodes, until the last node has them.
fn transactions(c: &mut Bench) {
    let (chain, payments) = &*PAID;
    let offer = Message::Announce(payments.iter().map(transaction_id).collect());
    let mut group = c.benchmark_group("transactions");
    group.sample_size(10).throughput(Throughput::Elements(PAYMENTS as u64));
    for (name, nodes) in [("accepted by one", 1), ("through a line of four", 4)] {
        let relay = |(mut net, peer): (Net, PeerId)| {
            net.hear(0, peer, &offer);
            payments.iter().for_each(|t| net.hear(0, peer, &Message::Transaction(t.clone())));
            while net.nodes[nodes - 1].ledger().mempool().len() < PAYMENTS {
                net.pass(SECOND);
            }
            net
        };
        group.bench_function(name, |b| {
            b.iter_batched(|| line(chain, chain.blocks(), nodes), relay, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// An outside peer announces the heaviest block of outputs to the first of four nodes without its
/// transactions, until the last node has it.
fn block(c: &mut Bench) {
    let chain = &*HEAVY;
    let at = chain.blocks().iter().rposition(|b| b.body.outputs.len() > 2).unwrap();
    let block = &chain.blocks()[at];
    let (sealed, body) = (sotto_node::seal::SealedHeader::of(block), block.body.to_bytes());
    let mut group = c.benchmark_group("heaviest block");
    group.sample_size(10).throughput(Throughput::Elements(4));
    group.bench_function("through a line of four", |b| {
        let relay = |(mut net, peer): (Net, PeerId)| {
            net.hear(0, peer, &Message::Tip(sealed.clone()));
            net.hear(0, peer, &Message::Block { sealed: sealed.clone(), body: body.clone() });
            while net.nodes[3].ledger().tip() != &block.header {
                net.pass(30 * SECOND);
            }
            net
        };
        b.iter_batched(|| line(chain, &chain.blocks()[..at], 4), relay, BatchSize::PerIteration);
    });
    group.finish();
}

/// A node without blocks downloads the chain of outputs.
fn sync(c: &mut Bench) {
    let chain = &*HEAVY;
    let (tip, k) = (chain.state().tip(), chain.chain().params().reorganisation);
    let mut group = c.benchmark_group("sync");
    group.sample_size(10).throughput(Throughput::Elements(tip.output_count));
    for (name, peers, far) in [
        ("full, from one", 1, u64::MAX),
        ("full, from three", 3, u64::MAX),
        ("by snapshot, from one", 1, k + 1),
        ("by snapshot, from three", 3, k + 1),
    ] {
        let start = || {
            // Each has the snapshot that it would have written K blocks before the end.
            let due = (chain.blocks().len() as u64 - k) / k * k;
            let (early, late) = chain.blocks().split_at(due as usize);
            let mut ledgers: Vec<_> = (0..peers).map(|_| ledger(chain, early)).collect();
            ledgers.push(ledger(chain, &[]));
            let mut net = Net::new(ledgers, |n, config| {
                config.snapshot_threshold = far;
                config.snapshot_every = if n < peers { k } else { 0 };
            });
            // It is made piece by piece, one a tick.
            (0..8 + tip.output_count / 512).for_each(|_| net.pass(SECOND));
            let speakers: Vec<PeerId> = (0..peers).map(|n| net.connect(peers + 1 + n, n)).collect();
            for (n, peer) in speakers.into_iter().enumerate() {
                let hello = Hello { chain: *chain.chain().id(), rules: rules(), listen_port: None };
                net.hear(n, peer, &Message::Hello(hello));
                for b in late {
                    let sealed = sotto_node::seal::SealedHeader::of(b);
                    net.hear(n, peer, &Message::Tip(sealed.clone()));
                    net.hear(n, peer, &Message::Block { sealed, body: b.body.to_bytes() });
                }
            }
            net
        };
        let bytes = Cell::new(0);
        let fetch = |mut net: Net| {
            let joiner = net.nodes.len() - 1;
            let before = net.bytes;
            for n in 0..peers {
                net.connect(joiner, n);
            }
            while net.nodes[joiner].ledger().tip() != tip {
                net.pass(SECOND);
            }
            bytes.set(net.bytes - before);
            assert_eq!(net.nodes[joiner].ledger().store().base() > Height::GENESIS, far != u64::MAX);
            net
        };
        group.bench_function(name, |b| b.iter_batched(start, fetch, BatchSize::PerIteration));
        let (bytes, blocks) = (bytes.get(), chain.blocks().len());
        println!("{name}: {bytes} bytes for {} outputs and {blocks} blocks", tip.output_count);
    }
    group.finish();
}

fn settings() -> Bench {
    Criterion::default()
        .with_measurement(ProcessorTime)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(2))
}

criterion_group!(name = benches; config = settings(); targets = transactions, block, sync);
criterion_main!(benches);
