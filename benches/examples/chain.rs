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
use rayon::prelude::*;
use sotto_mw::{
    amount::Amount,
    chain::Params,
    codec::Encode,
    output::{Extra, OutputFeatures},
    range_proof::Opening,
    schnorr::PublicKey,
    secret::SecretScalar,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{config::Config, edge::chain_dir::DiskLedger, engine::Node, event::Event, peer::PeerKey};
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
            ready = proven(&test_chain, n, TOGETHER * (each + 1), COIN).into_iter();
        }
        let count = each + u64::from(n < more);
        let paid: Vec<Owned> = ready.by_ref().take(count as usize).collect();
        let t = spread(&mut test_chain, &rewards[n as usize], &paid);
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
        .map(|(seed, amount)| proven(test_chain, (1 << 31) + seed, coins.len() as u64, amount));
    let kernel = test_chain.plain(fee);
    let mut bytes = Vec::new();
    for (coin, (to, change)) in coins.iter().zip(to.iter().zip(&change)) {
        let t = test_chain.transaction(&[coin], &[to, change], &[kernel]).to_bytes();
        bytes.extend((t.len() as u32).to_le_bytes());
        bytes.extend(t);
    }
    bytes
}

/// A number of outputs of one amount.
fn proven(test_chain: &TestChain, seed: u64, count: u64, amount: u64) -> Vec<Owned> {
    let output = |i: u64| {
        let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64((seed << 32) + i + 1));
        let opening = Opening { amount: Amount::new(amount), index: [7; 12] };
        test_chain.output_of(OutputFeatures::Plain, opening, blinding, Extra::default())
    };
    (0..count).into_par_iter().map(output).collect()
}

/// A transaction that spends a reward for these outputs and change.
fn spread(test_chain: &mut TestChain, reward: &Owned, paid: &[Owned]) -> Transaction {
    let fee = test_chain.least_fee(1, paid.len() + 1, 1);
    let sum: u64 = paid.iter().map(|o| o.opening.amount.units()).sum();
    let change = test_chain.output(reward.opening.amount.units() - sum - fee.units());
    let to: Vec<&Owned> = paid.iter().chain([&change]).collect();
    let kernel = test_chain.plain(fee);
    test_chain.transaction(&[reward], &to, &[kernel])
}

fn write(test_chain: &TestChain, folder: &Path) {
    let every = test_chain.chain().params().reorganisation;
    let tip = test_chain.blocks().len() as u64;
    let kept = tip.saturating_sub(every) / every * every;
    let mut ledger = DiskLedger::create(folder, test_chain.chain().params().clone()).unwrap();
    for (height, block) in (1..).zip(test_chain.blocks()) {
        drop(ledger.connect(block.clone()).unwrap());
        if height == kept {
            let mut rng = ChaCha20Rng::seed_from_u64(0);
            let mut node = Node::new(Config::new(PeerKey([1; 32])), ledger, None, None, &mut rng);
            (0..1_000).for_each(|s| drop(node.step(Duration::from_secs(s), &mut rng, Event::Tick)));
            drop(node);
            ledger = DiskLedger::open(folder).unwrap();
        }
    }
    println!("{} unspent outputs, {tip} blocks", ledger.tip().output_count);
}
