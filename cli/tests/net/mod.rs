//! `sotto net local`: real processes of validators, killed in turn and together; a wallet is paid through
//! them.

#![allow(clippy::unwrap_used)]

mod changes;
mod seven;

use crate::support::World;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const WITHIN: Duration = Duration::from_secs(120);

/// A network that runs, and its record.
struct Running {
    child: Child,
    record: Value,
    dir: PathBuf,
}

impl Running {
    /// Starts the network of four in this folder, and creates it if there is none.
    fn start(world: &World) -> Self {
        Self::of(world, 4)
    }

    fn of(world: &World, validators: u8) -> Self {
        let dir = world.path(if validators == 4 { "four" } else { "seven" });
        let mut child = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["--json", "--dir"])
            .arg(&dir)
            .args(["net", "local", "--pace", "0", "--idle", "1", "--validators", &validators.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, record: serde_json::from_str(&line).unwrap(), dir }
    }

    fn process(&self, name: &str) -> Pid {
        let nodes = self.record["nodes"].as_array().unwrap();
        let id = nodes.iter().find(|n| n["name"] == name).unwrap()["process"].as_i64().unwrap();
        Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
    }

    /// The program in a node's folder.
    fn command(&self, name: &str, words: &[&str]) -> Command {
        let at = self.dir.join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
        command.arg("--dir").arg(&at).args(words);
        command.env("SOTTO_STATE_DIR", at.join("state"));
        command.env("SOTTO_PASSPHRASE_FILE", self.dir.join("passphrase")).stdin(Stdio::null());
        command
    }

    /// What a validator is doing.
    fn state(&self, name: &str) -> Option<String> {
        let (done, said) = self.run(name, &["--json", "node", "status"]);
        let state = || serde_json::from_str::<Value>(&said).unwrap()["validator"]["state"].clone();
        done.then(|| state().as_str().unwrap().to_owned())
    }

    /// Nothing is sealed for some seconds.
    fn stands(&self, name: &str) {
        sleep(Duration::from_secs(2));
        let before = self.height(name).unwrap();
        sleep(Duration::from_secs(5));
        assert!(self.height(name).unwrap() <= before, "no quorum");
    }

    /// Runs the program in a node's folder.
    fn run(&self, name: &str, words: &[&str]) -> (bool, String) {
        let said = self.command(name, words).output().unwrap();
        let done = said.status.success();
        (done, String::from_utf8(if done { said.stdout } else { said.stderr }).unwrap())
    }

    fn height(&self, name: &str) -> Option<u64> {
        let (done, said) = self.run(name, &["--json", "node", "status"]);
        done.then(|| serde_json::from_str::<Value>(&said).unwrap()["height"].as_u64().unwrap())
    }

    /// Waits until a node has so many blocks more than the highest has now.
    fn grows(&self, name: &str, by: u64) {
        let now = [name, "v1", "v2", "v3", "node"].iter().filter_map(|n| self.height(n)).max().unwrap();
        eventually(&format!("{name} grows from {now}"), || self.height(name).is_some_and(|h| h >= now + by));
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// What a command says that one repeats until the node has come as far.
    fn soon(&self, name: &str, words: &[&str]) -> String {
        let end = Instant::now() + WITHIN;
        loop {
            let (done, said) = self.run(name, words);
            if done {
                return said;
            }
            assert!(Instant::now() < end, "{name}: {words:?}: {said}");
            sleep(Duration::from_millis(300));
        }
    }

    fn ok(&self, name: &str, words: &[&str]) -> String {
        let (done, said) = self.run(name, words);
        assert!(done, "{name}: {words:?}: {said}");
        said
    }

    /// Starts a validator in a folder of the network, and waits until it has.
    fn validate(&self, name: &str) -> Alone {
        self.spawn(name, &["--json", "node", "run", "--validate", "--wallet", "rewards"])
    }

    /// Starts a node in a folder, and waits until it has.
    fn spawn(&self, name: &str, words: &[&str]) -> Alone {
        let mut command = self.command(name, words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("chain_id"), "{name}: {line}");
        Alone(child)
    }

    /// Ends the network as a person does.
    fn end(mut self) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    /// Ends it also where a test fails.
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(id)) = (self.child.try_wait(), id) {
            let _ = kill_process(id, Signal::INT);
            drop(self.child.wait());
        }
    }
}

/// A validator that the test starts itself.
struct Alone(Child);

impl Drop for Alone {
    fn drop(&mut self) {
        // One that has ended needs no end.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + WITHIN;
    while !done() {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(Duration::from_millis(300));
    }
}

fn kill(running: &Running, name: &str) {
    kill_process(running.process(name), Signal::KILL).unwrap();
}

#[test]
fn validators_are_killed_and_the_ledger_goes_on() {
    let world = World::empty();
    let network = Running::start(&world);
    network.grows("node", 2);

    // A wallet beside the validators is paid from the rewards of one.
    let node = network.dir.join("node");
    let words = network.dir.join("words");
    let at = |dir: &PathBuf| format!("--node={}", dir.display());
    assert!(network.run("node", &["wallet", "init", "--words-file", words.to_str().unwrap(), &at(&node)]).0);
    let address = network.run("node", &["wallet", "address"]).1.trim().to_owned();
    let pay = |name: &str| {
        let node = at(&network.dir.join(name));
        let words = ["wallet", "send", "1.5", "--to", &address, "--wallet", "rewards", "--yes", &node];
        network.run(name, &words).0
    };
    eventually("a validator has a reward", || ["v1", "v2", "v3"].into_iter().any(pay));

    // One of four is dead for good: three go on, and seal the payment.
    kill(&network, "v4");
    network.grows("v1", 2);
    eventually("the payment is sealed", || {
        network.run("node", &["wallet", "balance", &at(&node)]).1.contains("spendable                  1.5")
    });
    let status = network.run("v1", &["node", "status"]).1;
    assert!(status.contains("not connected: v4"), "{status}");

    // Two of four: nothing is sealed.
    kill(&network, "v3");
    network.stands("v1");
    let before = network.height("v1").unwrap();
    network.end();

    // One drops its bodies. All are started again, and go on from their disks.
    let pruned: Value =
        serde_json::from_str(&world.run("chain prune --yes --json --dir four/v2").ok()).unwrap();
    assert_eq!(pruned["pruned"], before, "what validators sealed is final");
    let second: Value = serde_json::from_str(&world.run("chain block 2 --json --dir four/v1").ok()).unwrap();
    let network = Running::start(&world);
    network.grows("v3", 3);
    network.grows("v4", 1);
    assert!(network.height("node").unwrap() > before);
    checkpoints(&network, second["hash"].as_str().unwrap());

    // All at once.
    ["v1", "v2", "v3", "v4", "node"].iter().for_each(|name| kill(&network, name));
    let mut network = network;
    assert!(!network.child.wait().unwrap().success(), "it says that all have ended");
    let network = Running::start(&world);
    network.grows("v1", 2);
    network.end();
    assert!(world.run("chain audit --json --dir four/v2").ok().contains(r#""audit":"ok""#));
}

/// Two that begin: one was told a block of the chain, and the other a block that the chain does not have.
fn checkpoints(network: &Running, second: &str) {
    let good = format!("2:{second}");
    let bad = format!("2:{}", "07".repeat(32));
    let nodes = network.record["nodes"].as_array().unwrap();
    let peer = nodes.iter().find(|n| n["name"] == "v1").unwrap();
    let peer = format!("{}@{}", peer["key"].as_str().unwrap(), peer["listen"].as_str().unwrap());
    let begin = |name: &str, checkpoint: &str| {
        network.ok(name, &["chain", "join", &network.path("v1/chain/genesis")]);
        let words = ["--json", "node", "run", "--connect", &peer, "--checkpoint", checkpoint];
        network.spawn(name, &words)
    };
    let (follows, refuses) = (begin("told", &good), begin("misled", &bad));
    network.grows("told", 1);
    assert_eq!(network.height("misled"), Some(0), "not one block of the other chain");
    drop((follows, refuses));
    // Nor does a folder with another block go on.
    let said = network.command("told", &["--json", "node", "run", "--checkpoint", &bad]).output().unwrap();
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stderr).contains("other-checkpoint"));
}

/// Without its key, its record or a chain of validators, a node does not vote.
#[test]
fn a_validator_needs_its_key_and_its_record() {
    let world = World::empty();
    let shown = world.run("node validator init --name north --dir north").ok();
    world.write("validators.toml", &shown);
    assert!(world.run("node validator init --name north --dir north").fails(1).contains("exists already"));
    world.run("node validator init --name North --dir other").fails(1);
    world.run("chain init --validators validators.toml --dir north").ok();
    let id: Value = serde_json::from_str(&world.run("chain info --json --dir north").ok()).unwrap();
    assert_eq!(id["network"], "test");
    // A proof of possession is for one name.
    world.write("forged.toml", &shown.replace("\"north\"", "\"south\""));
    world.run("chain init --validators forged.toml --dir forged").fails(1);
    world.write("twice.toml", &(shown.clone() + "\n" + &shown));
    world.run("chain init --validators twice.toml --dir twice").fails(1);
    world.run("chain init --dir solo").ok();
    world.run("node run --validate --dir solo").fails(1);
    world.run("node validator show --dir solo").fails(1);
    assert_eq!(world.run("node validator show --dir north").ok(), shown);
    world.run("node validator move --dir north").fails(4);
    world.run("node validator move --dir north --yes").ok();
}
