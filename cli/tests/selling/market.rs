//! A sale on one machine: its ledger, wallets, job and offers, and its parties as processes.

use crate::support::World;
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, sleep},
    time::{Duration, Instant},
};

pub(crate) const WITHIN: Duration = Duration::from_secs(240);
/// What each owner asks for.
pub(crate) const NORTH: u64 = 2_000_000_000;
pub(crate) const SOUTH: u64 = 1_000_000_000;
/// What south gets besides, with the funding.
pub(crate) const START: u64 = 100_000_000;
const PARTIES: [&str; 5] = ["left", "right", "north", "south", "west"];

/// The job that west buys of north and south; left and right compute.
const MODEL: &str = include_str!("../data/sale/model.toml");
const SALE: &str = include_str!("../data/sale/sale.toml");

/// Addresses on this machine that are free now.
pub(crate) fn free() -> [String; 2] {
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    ports.each_ref().map(|port| port.local_addr().unwrap().to_string())
}

/// A ledger that seals a block whenever it is asked to, wallets of all, and a job that all have signed. alice is west's,
/// north and south have wallets of their names.
pub(crate) fn market() -> World {
    let w = World::empty();
    w.run("chain init --reorganisation 8 --window 480").ok();
    for name in ["alice", "north", "south", "miner"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    w.run("chain seal --blocks 3 --wallet alice").ok();
    w.run("chain seal --blocks 4 --wallet miner").ok();
    let [left, right] = free();
    let model = MODEL.replace("left.example:7700", &left).replace("right.example:7700", &right);
    w.write("model.toml", &model);
    w.write("job.toml", &(model + SALE));
    w.write("north.csv", "bid\n12.50\n");
    w.write("south.csv", "bid\n10.25\n");
    for name in PARTIES {
        w.run(&format!("mpc keygen {name}")).ok();
    }
    // The terms of south are for the buyer alone.
    let secret = "--start-fee 0.1 --confidential west.pub";
    for (name, price, more) in [("north", "2", ""), ("south", "1", secret)] {
        w.shell(&format!(
            "sotto mpc offer new model.toml --key {name}.key --input {name}.csv --price {price} {more} --yes \
             --address $(sotto wallet address --wallet {name}) --out {name}.offer"
        ))
        .ok();
    }
    for name in PARTIES {
        w.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    w
}

/// A process, which is ended by its id when this is dropped.
pub(crate) struct Party(Child);

impl Party {
    /// The part of a party.
    pub(crate) fn start(w: &World, name: &str) -> Self {
        Self::with(w, name, "")
    }

    /// The same with more words.
    pub(crate) fn with(w: &World, name: &str, more: &str) -> Self {
        let verb = match name {
            "west" => "buy job.toml --wallet alice --yes --json --out bought".to_owned(),
            "north" | "south" => format!("run job.toml --input {name}.csv --wallet {name} --json"),
            _ => "run job.toml --json".to_owned(),
        };
        Self::of(w, name, &format!("mpc {verb} --as {name} --key {name}.key {more}"))
    }

    /// Any verb; what it says is in NAME.out and NAME.err.
    pub(crate) fn of(w: &World, name: &str, words: &str) -> Self {
        let mut command = w.command("bash");
        command.args(["-c", &format!("exec sotto {words} > {name}.out 2>> {name}.err")]);
        // A group of its own for the system, too: the signal of one is not that of all.
        command.process_group(0).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn ended(&mut self) -> Option<bool> {
        self.0.try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a party said on standard error so far.
pub(crate) fn said(w: &World, name: &str) -> String {
    fs::read_to_string(w.path(&format!("{name}.err"))).unwrap_or_default()
}

/// Waits until a party has said this on standard error.
pub(crate) fn says(w: &World, name: &str, what: &str) {
    eventually(w, what, || said(w, name).contains(what));
}

/// Waits until something is so.
pub(crate) fn eventually(w: &World, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + WITHIN;
    while !is_so() {
        let all = || PARTIES.map(|name| format!("{name}: {}", said(w, name))).join("\n");
        assert!(Instant::now() < end, "not in time: {what}\n{}", all());
        sleep(Duration::from_millis(50));
    }
}

/// Seals blocks of the miner.
pub(crate) fn seal(w: &World, blocks: u64) {
    w.run(&format!("chain seal --blocks {blocks} --wallet miner --wait 60")).ok();
}

/// Does something while a block is sealed every moment.
pub(crate) fn while_sealing<T>(w: &World, then: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                seal(w, 1);
                sleep(Duration::from_millis(700));
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(then));
        stop.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    })
}

/// Waits until all have ended well.
pub(crate) fn await_all(w: &World, parties: &mut [(&str, Party)]) {
    eventually(w, "the ends of all", || {
        parties.iter_mut().fold(true, |all, (name, party)| {
            let ended = party.ended();
            assert_ne!(ended, Some(false), "{name}: {}\n{}", said(w, name), w.read(&format!("{name}.out")));
            all && ended.is_some()
        })
    });
}

pub(crate) fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// An entry of a wallet's balance.
pub(crate) fn balance(w: &World, wallet: &str, what: &str) -> u64 {
    let shown = record(&w.run(&format!("wallet balance --wallet {wallet} --json")).ok());
    shown[what].as_str().unwrap().parse().unwrap()
}

/// What the ledger says of itself.
pub(crate) fn ledger(w: &World, what: &str) -> u64 {
    record(&w.run("chain info --json --wait 60").ok())[what].as_u64().unwrap()
}

/// Waits until so many transactions wait for a block.
pub(crate) fn pending(w: &World, count: u64) {
    eventually(w, &format!("{count} transactions before a block"), || ledger(w, "pending") == count);
}

/// The fees of all that is in blocks, in base units.
pub(crate) fn fees(w: &World) -> u64 {
    let block = |height| record(&w.run(&format!("chain block {height} --json")).ok());
    let kernels =
        (1..=ledger(w, "height")).flat_map(|height| block(height)["kernels"].as_array().unwrap().clone());
    kernels.map(|kernel| kernel["fee"].as_str().unwrap().parse::<u64>().unwrap()).sum()
}

pub(crate) fn last(w: &World, file: &str) -> Value {
    serde_json::from_str(w.read(file).lines().last().unwrap_or_default()).unwrap_or_default()
}

/// Both owners have what they ask for, the buyer has the result, and lost that and fees.
pub(crate) fn is_settled(w: &World, before: u64) {
    assert_eq!((balance(w, "north", "total"), balance(w, "south", "total")), (NORTH, START + SOUTH));
    assert_eq!(before - balance(w, "alice", "total"), NORTH + START + SOUTH + fees(w), "to the base unit");
    let bought = last(w, "west.out");
    assert_eq!(bought["type"], "mpc-result", "{bought}");
    assert_eq!(bought["outputs"]["result"][0]["price"].to_string().trim_matches('"'), "10.25", "{bought}");
}
