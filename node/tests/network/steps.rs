//! How long a step of the loop takes where a state is large: making a snapshot for others, and adopting one.
//!
//! ```text
//! SOTTO_OUTPUTS=100000 SOTTO_BLOCKS=4096 cargo test -p sotto-node --release --test network -- --ignored --nocapture longest
//! ```

use core::{net::SocketAddr, time::Duration};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    chain::{INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    codec::Encode,
    state::ChainView,
    testing::{Owned, TestChain},
};
use sotto_node::{
    config::Config,
    effect::{Effect, LogEvent},
    engine::{Node, NodeSetup},
    event::Event,
    ledger::Ledger,
    message::{Hello, Message, rules},
    peer::{Address, Direction, PeerId, PeerKey},
    seal::SealedHeader,
    storage::Store,
};
use std::{collections::VecDeque, env, path::Path, time::Instant};
use tempfile::TempDir;

const K: u64 = 8;
/// A part of outputs takes the longest of all that is done in one step. On any machine that runs tests it
/// takes less than this.
const LONG: Duration = Duration::from_secs(5);

/// A chain of about so many outputs, in blocks of the greatest weight, and so many blocks at least; its last
/// block is one after which a snapshot is due.
fn chain(many: u64, blocks: usize) -> TestChain {
    let mut test_chain =
        TestChain::with(21, |p| (p.max_weight, p.reorganisation, p.window_width) = (40_000, K, 1_440));
    let most = (test_chain.chain().room() - INPUT_WEIGHT - KERNEL_WEIGHT) / OUTPUT_WEIGHT - 1;
    let coins: Vec<Owned> = (0..many.div_ceil(most)).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    for (n, coin) in (0..).zip(&coins) {
        let made = test_chain.many(most.min(many - n * most) as usize, 1_000, n);
        let t = test_chain.spread(coin, &made);
        test_chain.grow(vec![t]);
    }
    while !(test_chain.blocks().len() as u64).is_multiple_of(K) || test_chain.blocks().len() < blocks {
        test_chain.grow(Vec::new());
    }
    test_chain
}

fn address(n: usize) -> Address {
    Address { at: SocketAddr::from(([10, n as u8, 0, 1], 4_000)), key: PeerKey([n as u8 + 1; 32]) }
}

/// A node on a disk of its own, with these blocks.
fn node(dir: &Path, test_chain: &TestChain, blocks: usize, n: usize) -> Node {
    let store = Store::create(dir, test_chain.chain().params().clone()).unwrap();
    let mut ledger = Ledger::over(store, Default::default()).unwrap();
    test_chain.blocks().iter().take(blocks).for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    let mut config = Config::new(address(n).key);
    (config.outbound, config.snapshot_threshold, config.snapshot_every) =
        (0, K + 1, if n == 0 { K } else { 0 });
    Node::new(NodeSetup::new(config, ledger), &mut ChaCha20Rng::seed_from_u64(n as u64))
}

/// One step, and how long it took.
fn timed(node: &mut Node, now: Duration, rng: &mut ChaCha20Rng, event: Event) -> (Duration, Vec<Effect>) {
    let begin = Instant::now();
    let effects = node.step(now, rng, event);
    (begin.elapsed(), effects)
}

#[allow(clippy::too_many_lines, reason = "one measurement, printed step by step")]
#[test]
#[ignore = "proving the outputs takes long"]
fn longest_steps_of_a_large_state() {
    let told = |name: &str| env::var(name).ok().and_then(|n| n.parse().ok());
    let (many, blocks) = (told("SOTTO_OUTPUTS").unwrap_or(10_000), told("SOTTO_BLOCKS").unwrap_or(0));
    let mut test_chain = chain(many, blocks as usize);
    let due = test_chain.blocks().len();
    let tip = test_chain.state().tip().clone();
    let dirs: [TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let mut nodes = [node(dirs[0].path(), &test_chain, due, 0), node(dirs[1].path(), &test_chain, 0, 1)];
    let (mut rng, mut now) = (ChaCha20Rng::seed_from_u64(1), Duration::ZERO);
    let draft = dirs[0].path().join("snapshot-0");
    let (mut longest, mut steps, mut all) = (Duration::ZERO, 0, Duration::ZERO);
    while !draft.exists() {
        now += Duration::from_millis(200);
        let (took, _) = timed(&mut nodes[0], now, &mut rng, Event::Tick);
        (longest, steps, all) = (longest.max(took), steps + 1, all + took);
    }
    println!(
        "{} outputs, {} kernels, {} headers: a snapshot was made in {steps} steps of {:.0} ms at most, {:.1} s in all",
        tip.output_count,
        tip.kernel_count,
        tip.height,
        1e3 * longest.as_secs_f64(),
        all.as_secs_f64()
    );
    assert!(longest < LONG, "{longest:?}");
    assert!(steps > tip.output_count / 2_048, "{steps}");
    // It is handed out once K blocks lie above.
    for _ in 0..=K {
        test_chain.grow(Vec::new());
        let block = test_chain.blocks().last().unwrap();
        let sealed = SealedHeader::of(block);
        let body = block.body.to_bytes();
        let peer = PeerId(9);
        if nodes[0].usage().peers == 0 {
            let direction = Direction::Inbound(address(9).at);
            nodes[0].step(now, &mut rng, Event::Connected { peer, key: address(9).key, direction });
            let rules = rules();
            let hello = Hello { chain: *test_chain.chain().id(), rules, listen_port: None };
            let bytes = Message::Hello(hello).to_bytes();
            nodes[0].step(now, &mut rng, Event::Frame { peer, bytes });
        }
        for message in [Message::Tip(sealed.clone()), Message::Block { sealed, body }] {
            nodes[0].step(now, &mut rng, Event::Frame { peer, bytes: message.to_bytes() });
        }
    }
    assert_eq!(nodes[0].ledger().tip(), test_chain.state().tip());
    // The other fetches it.
    let (a, b) = (PeerId(1), PeerId(2));
    let mut due: VecDeque<(usize, Event)> = VecDeque::new();
    let outward = Direction::Outbound(address(0));
    due.push_back((1, Event::Connected { peer: b, key: address(0).key, direction: outward }));
    let inward = Direction::Inbound(address(1).at);
    due.push_back((0, Event::Connected { peer: a, key: address(1).key, direction: inward }));
    let (mut longest, mut restored) = ([Duration::ZERO; 2], None);
    while nodes[1].ledger().tip() != test_chain.state().tip() {
        let Some((n, event)) = due.pop_front() else {
            now += Duration::from_millis(200);
            due.extend([(0, Event::Tick), (1, Event::Tick)]);
            continue;
        };
        let (took, effects) = timed(&mut nodes[n], now, &mut rng, event);
        longest[n] = longest[n].max(took);
        for effect in effects {
            match effect {
                Effect::Send(peer, message) if peer == a || peer == b => {
                    due.push_back((
                        1 - n,
                        Event::Frame { peer: PeerId(3 - peer.0), bytes: message.to_bytes() },
                    ));
                }
                Effect::Log(LogEvent::SnapshotInstalled(_)) => restored = Some(took),
                Effect::Log(LogEvent::Failed(why)) => panic!("{why}"),
                _ => {}
            }
        }
    }
    println!(
        "handing it out took {:.0} ms at most, fetching it {:.0} ms, of which the last step, the adoption, {:.0} ms",
        1e3 * longest[0].as_secs_f64(),
        1e3 * longest[1].as_secs_f64(),
        1e3 * restored.unwrap().as_secs_f64()
    );
    // The index that was made on the way is the one that is opened.
    drop(nodes);
    let begin = Instant::now();
    let store = Store::open(dirs[1].path()).unwrap();
    assert!(store.opened().rebuilt.is_none(), "{:?}", store.opened());
    println!("opening it takes {:.0} ms", 1e3 * begin.elapsed().as_secs_f64());
}
