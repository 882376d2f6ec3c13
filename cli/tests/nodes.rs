//! Ten real nodes on loopback: payments through different nodes, which are killed and restarted at random;
//! all agree at the end.
//!
//! The plan follows from a seed, which a failure prints. The operating system schedules the processes, so a
//! seed repeats the plan but not the run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::World;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde_json::Value;
use sotto_mw::{hash::Hash, transaction::Transaction};
use sotto_node::{
    edge::client::Client,
    rpc::{Hex, Status, StatusRecord, Stop, Submit},
    storage::read_genesis,
};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const NODES: usize = 10;
const PAYMENTS: usize = 4;
/// The amount of the first payment; each further one is a unit larger.
const AMOUNT: usize = 1_000_000;
/// The longest wait; normally everything happens much sooner.
const TIMEOUT: Duration = Duration::from_secs(150);

/// Ten folders of one chain, and the nodes that run in them; dropping this kills the nodes.
struct Network {
    world: World,
    nodes: Vec<Option<Child>>,
    /// The key and address of each node, which it keeps after a restart.
    places: Vec<String>,
}

impl Drop for Network {
    fn drop(&mut self) {
        for mut node in self.nodes.drain(..).flatten() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

impl Network {
    /// Each node connects to the previous one and to the first.
    fn start(world: World) -> Self {
        let mut network = Self { world, nodes: Vec::new(), places: Vec::new() };
        for n in 0..NODES {
            if n > 0 {
                network.world.run(&format!("chain join data/chain/genesis --dir {}", network.dir(n))).ok();
            }
            let settings = network.world.path(&network.dir(n)).join("node");
            fs::create_dir_all(&settings).unwrap();
            // With short hops and many diffusers, the embargo is one second.
            let dandelion = "[dandelion]\nfluff = 0.4\nhop_ms = 16\nearly = 0.1\nepoch = 60\n";
            let known: Vec<String> = [n.checked_sub(1), Some(0).filter(|_| n > 1)]
                .into_iter()
                .flatten()
                .map(|m| format!("{:?}", network.places[m]))
                .collect();
            let text = format!("connect = [{}]\n{dandelion}", known.join(", "));
            fs::write(settings.join("config.toml"), text).unwrap();
            network.nodes.push(None);
            network.launch(n, "127.0.0.1:0");
            let started = network.started(n);
            network.places.push(format!("{}@{}", text_of(&started["key"]), text_of(&started["listen"])));
        }
        network
    }

    fn dir(&self, n: usize) -> String {
        if n == 0 { "data".into() } else { format!("node{n}") }
    }

    fn out(&self, n: usize) -> PathBuf {
        self.world.path(&format!("started{n}"))
    }

    fn launch(&mut self, n: usize, listen: &str) {
        let mut node = Command::new(env!("CARGO_BIN_EXE_sotto"));
        node.args(["node", "run", "--json", "--dir"]).arg(self.world.path(&self.dir(n)));
        node.args(["--listen", listen]);
        if n == 0 {
            node.args(["--seal", "--every", "2", "--wallet", "alice"]);
        }
        for (name, file) in
            [("SOTTO_PASSPHRASE_FILE", "pass"), ("SOTTO_STATE_DIR", "state"), ("XDG_CONFIG_HOME", "config")]
        {
            node.env(name, self.world.path(file));
        }
        let log =
            File::options().create(true).append(true).open(self.world.path(&format!("log{n}"))).unwrap();
        node.stdin(Stdio::null()).stdout(File::create(self.out(n)).unwrap()).stderr(log);
        self.nodes[n] = Some(node.spawn().unwrap());
    }

    /// The record that a node prints when it has started.
    fn started(&mut self, n: usize) -> Value {
        let out = self.out(n);
        self.wait_for(&format!("node {n} to start"), |_| {
            fs::read_to_string(&out).is_ok_and(|text| text.ends_with('\n'))
        });
        serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap()
    }

    fn kill(&mut self, n: usize) {
        let Some(mut node) = self.nodes[n].take() else { return };
        node.kill().unwrap();
        node.wait().unwrap();
    }

    /// Restarts a killed node at its old address.
    fn revive(&mut self, n: usize) {
        if self.nodes[n].is_none() {
            let place = self.places[n].clone();
            let (_, at) = place.split_once('@').unwrap();
            self.launch(n, at);
            self.started(n);
        }
    }

    fn client(&self, n: usize) -> Option<Client> {
        Client::of_folder(&self.world.path(&self.dir(n)).join("node")).ok()
    }

    fn status(&self, n: usize) -> Option<StatusRecord> {
        self.client(n)?.ask(&Status {}).ok()
    }

    /// Submits a payment to a node; returns whether the node accepted it.
    fn submit(&self, n: usize, payment: &Transaction) -> bool {
        let submit = Submit { transaction: Hex(payment.clone()) };
        self.client(n).is_some_and(|c| c.ask(&submit).is_ok())
    }

    /// Stops a node gracefully and waits for its end.
    fn stop(&mut self, n: usize) {
        self.client(n).unwrap().ask(&Stop {}).unwrap();
        let status = self.nodes[n].take().unwrap().wait().unwrap();
        assert!(status.success(), "node {n} ended with {status}\n{}", self.logs());
    }

    fn wait_for(&mut self, what: &str, mut happened: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + TIMEOUT;
        while !happened(self) {
            assert!(Instant::now() < end, "timeout: {what}\n{}", self.logs());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn logs(&self) -> String {
        let log = |n| fs::read_to_string(self.world.path(&format!("log{n}"))).unwrap_or_default();
        (0..NODES).map(|n| format!("node {n}\n{}", log(n))).collect()
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The latest block in a folder without a running node.
fn tip(world: &World, dir: &str) -> Hash {
    sotto_node::ledger::Ledger::open(&world.path(dir).join("chain")).unwrap().tip().hash()
}

/// Alice has sealed blocks and made payments to Bob, which are not submitted yet.
fn prepared() -> (World, Vec<Transaction>) {
    let world = World::settled();
    let chain = read_genesis(&fs::read(world.path("data/chain/genesis")).unwrap()).unwrap();
    let pay = |n| {
        let amount = AMOUNT + n;
        let said = world.shell(&format!(
            "sotto wallet send --interactive {amount}u --to $(cat bob.address) --yes --wallet alice \
             | sotto wallet receive - --yes --wallet bob | sotto wallet finalize - --wallet alice"
        ));
        sotto_wallet::armor::from_text(chain.id(), &said.ok()).unwrap()
    };
    let payments = (0..PAYMENTS).map(pay).collect();
    (world, payments)
}

#[test]
fn ten_processes_agree_although_some_are_killed() {
    let seed = std::env::var("SOTTO_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pick = move |from: usize| from + rng.next_u32() as usize % (NODES - from);
    let (world, payments) = prepared();
    let mut network = Network::start(world);
    for payment in &payments {
        let through = pick(1);
        network.revive(through);
        // The node refuses the payment until it has caught up.
        network.wait_for("a payment to be taken", |net| net.submit(through, payment));
        // The killed node may be the one that has just accepted the payment.
        network.kill(pick(0));
        network.revive(pick(0));
    }
    (0..NODES).for_each(|n| network.revive(n));
    // Each block has one kernel, and each payment adds one.
    network.wait_for("all payments to be sealed", |net| {
        net.status(0).is_some_and(|s| s.kernels == s.tip.height + PAYMENTS as u64)
    });
    let kernels = network.status(0).unwrap().kernels;
    network.wait_for("the last block to be everywhere", |net| {
        (1..NODES).all(|n| net.status(n).is_some_and(|s| s.kernels >= kernels))
    });
    network.stop(0);
    let end = tip(&network.world, "data");
    network
        .wait_for("agreement", |net| (1..NODES).all(|n| net.status(n).is_some_and(|s| s.tip.hash.0 == end)));
    (1..NODES).for_each(|n| network.stop(n));
    assert!((1..NODES).all(|n| tip(&network.world, &network.dir(n)) == end));
    network.world.run("chain audit").ok();
    network.world.run("wallet scan --wallet bob").ok();
    let bob: Value =
        serde_json::from_str(&network.world.run("wallet balance --json --wallet bob").ok()).unwrap();
    let paid: usize = (0..PAYMENTS).map(|n| AMOUNT + n).sum();
    assert_eq!(bob["total"], paid.to_string());
}
