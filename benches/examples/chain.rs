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
    let mut toy = TestChain::with(1, |p| {
        (p.window_width, p.window_grid) = (usual.window_width, usual.window_grid);
        p.reorganisation = usual.reorganisation;
    });
    let mut rewards = vec![toy.grow(Vec::new())];
    rewards.extend(toy.mature());
    // A block that spends a reward has its own reward and change, so it adds one output more than it pays.
    let spending = blocks - rewards.len() as u64;
    let paid = outputs.saturating_sub(blocks);
    let (each, more) = (paid / spending, paid % spending);
    let (mut ready, mut coins) = (Vec::new().into_iter(), Vec::new());
    for n in 0..spending {
        if n % TOGETHER == 0 {
            println!("{} of {blocks} blocks", toy.blocks().len());
            ready = proven(&toy, n, TOGETHER * (each + 1), COIN).into_iter();
        }
        let count = each + u64::from(n < more);
        let paid: Vec<Owned> = ready.by_ref().take(count as usize).collect();
        let t = spread(&mut toy, &rewards[n as usize], &paid);
        rewards.push(toy.grow(vec![t]));
        coins.extend(paid.into_iter().take(payments - coins.len()));
    }
    let folder = Path::new(&folder);
    write(&toy, &folder.join("chain"));
    fs::write(folder.join("payments"), pay(&mut toy, &coins)).unwrap();
}

/// A payment of each coin.
fn pay(toy: &mut TestChain, coins: &[Owned]) -> Vec<u8> {
    let fee = toy.least_fee(1, 2, 1);
    let [to, change] = [(1, 25), (2, COIN - 25 - fee.units())]
        .map(|(seed, amount)| proven(toy, (1 << 31) + seed, coins.len() as u64, amount));
    let kernel = toy.plain(fee);
    let mut bytes = Vec::new();
    for (coin, (to, change)) in coins.iter().zip(to.iter().zip(&change)) {
        let t = toy.transaction(&[coin], &[to, change], &[kernel]).to_bytes();
        bytes.extend((t.len() as u32).to_le_bytes());
        bytes.extend(t);
    }
    bytes
}

/// A number of outputs of one amount.
fn proven(toy: &TestChain, seed: u64, count: u64, amount: u64) -> Vec<Owned> {
    let output = |i: u64| {
        let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64((seed << 32) + i + 1));
        let opening = Opening { amount: Amount::new(amount), index: [7; 12] };
        toy.output_of(OutputFeatures::Plain, opening, blinding, Extra::default())
    };
    (0..count).into_par_iter().map(output).collect()
}

/// A transaction that spends a reward for these outputs and change.
fn spread(toy: &mut TestChain, reward: &Owned, paid: &[Owned]) -> Transaction {
    let fee = toy.least_fee(1, paid.len() + 1, 1);
    let sum: u64 = paid.iter().map(|o| o.opening.amount.units()).sum();
    let change = toy.output(reward.opening.amount.units() - sum - fee.units());
    let to: Vec<&Owned> = paid.iter().chain([&change]).collect();
    let kernel = toy.plain(fee);
    toy.transaction(&[reward], &to, &[kernel])
}

fn write(toy: &TestChain, folder: &Path) {
    let every = toy.chain().params().reorganisation;
    let tip = toy.blocks().len() as u64;
    let kept = tip.saturating_sub(every) / every * every;
    let mut ledger = DiskLedger::create(folder, toy.chain().params().clone()).unwrap();
    for (height, block) in (1..).zip(toy.blocks()) {
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
