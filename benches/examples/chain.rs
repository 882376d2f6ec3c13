//! Makes a ledger of many blocks and outputs on disk, which nodes download from each other
//! (`benches/sync.sh`).
//!
//! ```text
//! cargo run --release -p sotto-benches --example chain -- FOLDER [OUTPUTS [BLOCKS [PAYMENTS]]]
//! ```
//!
//! The parameters are those of `sotto chain init`. Each block spends one reward for its share of `OUTPUTS`
//! unspent outputs (default 100,000 in 5,040 blocks), and nothing else is spent. The program also writes the
//! snapshot that a node would have written: of the last multiple of K blocks that is K below the tip. Proving
//! takes nearly all the time, some ten milliseconds per output and processor.
//!
//! `FOLDER/payments` has payments for the next block, of one input and two outputs each, which `pay` submits:
//! each is a length (u32, little-endian) and a transaction.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    chain::Params,
    codec::Encode,
    schnorr::PublicKey,
    secret::SecretScalar,
    testing::{Owned, TestChain},
};
use sotto_node::{
    config::Config,
    engine::{Node, NodeSetup},
    event::Event,
    ledger::Ledger,
    peer::PeerKey,
};
use std::{fs, path::Path, time::Duration};

/// Blocks whose outputs are proved together.
const TOGETHER: u64 = 64;
/// The amount of each output of a block.
const COIN: u64 = 1_000_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap();
    let mut number = |usual: u64| args.next().map_or(usual, |n| n.parse().unwrap());
    let (outputs, blocks, payments) = (number(100_000), number(5_040), number(0) as usize);
    let usual = Params::solo(PublicKey::of(&SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(0))), 0);
    let mut test_chain = TestChain::with(1, |p| {
        (p.window_width, p.window_grid) = (usual.window_width, usual.window_grid);
        p.reorganisation = usual.reorganisation;
    });
    let mut rewards = vec![test_chain.grow(Vec::new())];
    rewards.extend(test_chain.mature());
    // A block that spends a reward has its own reward and change, so it adds one output more than it pays.
    let spending = blocks - rewards.len() as u64;
    let paid = outputs.saturating_sub(blocks);
    let (each, more) = (paid / spending, paid % spending);
    let (mut ready, mut coins) = (Vec::new().into_iter(), Vec::new());
    for n in 0..spending {
        if n % TOGETHER == 0 {
            println!("{} of {blocks} blocks", test_chain.blocks().len());
            ready = test_chain.many((TOGETHER * (each + 1)) as usize, COIN, n).into_iter();
        }
        let count = each + u64::from(n < more);
        let paid: Vec<Owned> = ready.by_ref().take(count as usize).collect();
        let t = test_chain.spread(&rewards[n as usize], &paid);
        rewards.push(test_chain.grow(vec![t]));
        coins.extend(paid.into_iter().take(payments - coins.len()));
    }
    let folder = Path::new(&folder);
    write(&test_chain, &folder.join("chain"));
    fs::write(folder.join("payments"), pay(&mut test_chain, &coins)).unwrap();
}

/// A payment of each coin.
fn pay(test_chain: &mut TestChain, coins: &[Owned]) -> Vec<u8> {
    let fee = test_chain.least_fee(1, 2, 1);
    let [to, change] = [(1, 25), (2, COIN - 25 - fee.units())]
        .map(|(seed, amount)| test_chain.many(coins.len(), amount, (1 << 31) + seed));
    let kernel = test_chain.plain(fee);
    let mut bytes = Vec::new();
    for (coin, (to, change)) in coins.iter().zip(to.iter().zip(&change)) {
        let t = test_chain.transaction(&[coin], &[to, change], &[kernel]).to_bytes();
        bytes.extend((t.len() as u32).to_le_bytes());
        bytes.extend(t);
    }
    bytes
}

fn write(test_chain: &TestChain, folder: &Path) {
    let every = test_chain.chain().params().reorganisation;
    let tip = test_chain.blocks().len() as u64;
    let kept = tip.saturating_sub(every) / every * every;
    let mut ledger = Ledger::create(folder, test_chain.chain().params().clone()).unwrap();
    for (height, block) in (1..).zip(test_chain.blocks()) {
        drop(ledger.connect(block.clone()).unwrap());
        if height == kept {
            let mut rng = ChaCha20Rng::seed_from_u64(0);
            let mut node = Node::new(NodeSetup::new(Config::new(PeerKey([1; 32])), ledger), &mut rng);
            (0..1_000).for_each(|s| drop(node.step(Duration::from_secs(s), &mut rng, Event::Tick)));
            drop(node);
            ledger = Ledger::open(folder).unwrap();
        }
    }
    println!("{} unspent outputs, {tip} blocks", ledger.tip().output_count);
}
