//! A network of validators with real processes on this machine: blocks and payments a second, and what a dead
//! proposer costs.
//!
//! ```text
//! cargo build --release -p sotto-cli
//! cargo run --release -p sotto-benches --example validators -- target/release/sotto FOLDER [VALIDATORS [PAYMENTS]]
//! ```
//!
//! `FOLDER` is new; the network stays there. It is made by `sotto net local`, with no pace and no waits, and gets a chain
//! with a coin for each payment (default 4 validators, 2,000 payments). Then, in order:
//!
//! 1. blocks without payments for ten seconds;
//! 2. all payments, submitted by four clients to the node that does not vote, until it has them in blocks (validators
//!    are no route for each other's own payments);
//! 3. one validator is killed: blocks for thirty seconds.
//!
//! Heights are read from the node that does not vote, every two milliseconds. With one validator these are the
//! figures of one machine that certifies alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use serde_json::Value;
use sotto_mw::{
    chain::Params,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{
    edge::{client::Client, operator},
    ledger::Ledger,
    rpc::{Hex, Status, StatusRecord, Submit},
};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

/// The amount of each coin.
const COIN: u64 = 1_000_000;
/// Programs that submit payments.
const CLIENTS: usize = 4;
/// Coins of one block.
const TOGETHER: usize = 1_000;

fn main() {
    let mut args = env::args().skip(1);
    let sotto = fs::canonicalize(args.next().unwrap()).unwrap();
    let dir = PathBuf::from(args.next().unwrap());
    let mut number = |usual: usize| args.next().map_or(usual, |n| n.parse().unwrap());
    let (validators, payments) = (number(4), number(2_000));
    let network = Network::start(
        &sotto,
        &dir,
        &["--validators", &validators.to_string(), "--pace", "0", "--idle", "3600"],
    );
    network.end();
    let names: Vec<String> = (1..=validators).map(|n| format!("v{n}")).collect();
    let payments = prepare(&dir, &names, payments);
    let network = Network::start(&sotto, &dir, &[]);
    measure(&dir, &names, &payments, &network);
    network.end();
}

/// `sotto net local`.
struct Network {
    child: Child,
    record: Value,
}

impl Network {
    fn start(sotto: &Path, dir: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(sotto);
        command.args(["net", "local", "--json", "--dir"]).arg(dir).args(more).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, record: serde_json::from_str(&line).unwrap() }
    }

    /// Sends a signal to a process.
    fn signal(signal: &str, process: u64) {
        assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
    }

    fn kill(&self, node: usize) {
        Self::signal("-KILL", self.record["nodes"][node]["process"].as_u64().unwrap());
    }

    fn end(mut self) {
        Self::signal("-TERM", self.child.id().into());
        self.child.wait().unwrap();
    }
}

/// Gives every node a chain with a coin for each payment, sealed by all validators, and settings without waits; returns
/// the payments.
fn prepare(dir: &Path, names: &[String], count: usize) -> Vec<Transaction> {
    let params = Ledger::open(&dir.join("v1/chain")).unwrap().chain().params().clone();
    let mut chain = with_coins(dir, names, params);
    let rewards: Vec<Owned> = (0..=count.div_ceil(TOGETHER)).map(|_| chain.grow(Vec::new())).collect();
    let coins = chain.many(count, COIN, 1);
    for (reward, coins) in rewards.iter().zip(coins.chunks(TOGETHER)) {
        let spread = chain.spread(reward, coins);
        chain.grow(vec![spread]);
    }
    for name in names.iter().map(String::as_str).chain(["node"]) {
        let folder = dir.join(name);
        fs::remove_dir_all(folder.join("chain")).unwrap();
        let mut ledger = Ledger::create(&folder.join("chain"), chain.chain().params().clone()).unwrap();
        for block in chain.blocks() {
            drop(ledger.connect(block.clone()).unwrap());
        }
        let path = folder.join("node/config.toml");
        let settings =
            fs::read_to_string(&path).unwrap().replace("idle_ms = 3600000", "idle_ms = 0\ngather_ms = 0");
        // Payments are known everywhere at once: the relay's waits are not what is measured. `[dandelion]` is last.
        fs::write(&path, settings + "fluff = 1.0\n").unwrap();
    }
    let fee = chain.least_fee(1, 2, 1);
    let [to, change] =
        [(2, 25), (3, COIN - 25 - fee.units())].map(|(seed, amount)| chain.many(count, amount, seed));
    let kernel = chain.plain(fee);
    let paid = coins.iter().zip(to.iter().zip(&change));
    paid.map(|(coin, (to, change))| chain.transaction(&[coin], &[to, change], &[kernel])).collect()
}

/// A test chain with the keys of the validators, a second between blocks: no block's time lies far ahead.
fn with_coins(dir: &Path, names: &[String], params: Params) -> TestChain {
    let key = |name: &String| operator::read(&dir.join(name).join("node/vote_key")).unwrap().vote_key();
    TestChain::of_validators(1, params, names.iter().map(key).collect()).spaced(1)
}

fn measure(dir: &Path, names: &[String], payments: &[Transaction], network: &Network) {
    let watcher = client(dir, "node");
    // Connections are made, and the blocks that waited are there.
    sleep(Duration::from_secs(3));
    report("no payments", &watch(&watcher, |began, _| began.elapsed() > Duration::from_secs(10)));

    let (kernels, count) = (status(&watcher).kernels, payments.len() as u64);
    let began = Instant::now();
    let (steps, accepted) = scope(|scope| {
        let submit = |share: &[Transaction]| {
            let (client, share) = (client(dir, "node"), share.to_vec());
            scope.spawn(move || {
                for t in share {
                    client.ask(&Submit { transaction: Hex(t) }).unwrap();
                }
                began.elapsed()
            })
        };
        let threads: Vec<_> = payments.chunks(payments.len().div_ceil(CLIENTS)).map(submit).collect();
        // Each block has a kernel of its reward.
        let first = status(&watcher).tip.height;
        let steps = watch(&watcher, |began, s| {
            assert!(began.elapsed() < Duration::from_secs(300), "payments are missing");
            s.kernels - kernels >= count + s.tip.height - first
        });
        let accepted = threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap();
        (steps, accepted)
    });
    let total: f64 = began.elapsed().as_secs_f64();
    println!(
        "{count} payments: accepted in {accepted:.2?}, sealed in {total:.2} s: {:.0} a second",
        count as f64 / total
    );
    report("with payments", &steps);

    if names.len() >= 4 {
        network.kill(1);
        report("one of them dead", &watch(&watcher, |began, _| began.elapsed() > Duration::from_secs(30)));
    }
}

fn client(dir: &Path, name: &str) -> Client {
    Client::of_folder(&dir.join(name).join("node")).unwrap()
}

fn status(client: &Client) -> StatusRecord {
    client.ask(&Status {}).unwrap()
}

/// The times between blocks, until `enough` says so.
fn watch(client: &Client, enough: impl Fn(Instant, &StatusRecord) -> bool) -> Vec<Duration> {
    let began = Instant::now();
    let (mut height, mut last, mut steps) = (status(client).tip.height, None, Vec::new());
    loop {
        let s = status(client);
        if s.tip.height > height {
            let (now, blocks) = (Instant::now(), s.tip.height - height);
            // Blocks between two looks share their time.
            if let Some(last) = last {
                let each = now.duration_since(last) / u32::try_from(blocks).unwrap();
                steps.extend((0..blocks).map(|_| each));
            }
            (height, last) = (s.tip.height, Some(now));
        }
        if enough(began, &s) {
            return steps;
        }
        sleep(Duration::from_millis(2));
    }
}

fn report(what: &str, steps: &[Duration]) {
    let mut sorted = steps.to_vec();
    sorted.sort();
    let at = |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)));
    let [median, nine, most] = [50, 90, 100].map(|share| at(share).copied().unwrap_or_default());
    println!(
        "{what}: {} blocks, a block after {median:.2?} (median), {nine:.2?} (90 %), {most:.2?} (longest)",
        steps.len()
    );
}
