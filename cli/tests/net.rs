//! `sotto net local`: real processes of validators, killed in turn and together; a wallet is paid through them.

#![allow(clippy::unwrap_used)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use support::World;

const WITHIN: Duration = Duration::from_secs(120);

/// A network that runs, and its record.
struct Running {
    child: Child,
    record: Value,
    dir: PathBuf,
}

impl Running {
    /// Starts the network in this folder, and creates it if there is none.
    fn start(world: &World) -> Self {
        let dir = world.path("four");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["--json", "--dir"])
            .arg(&dir)
            .args(["net", "local", "--pace", "0", "--idle", "1"])
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

    /// Runs the program in a node's folder.
    fn run(&self, name: &str, words: &[&str]) -> (bool, String) {
        let at = self.dir.join(name);
        let said = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .arg("--dir")
            .arg(&at)
            .args(words)
            .env("SOTTO_STATE_DIR", at.join("state"))
            .env("SOTTO_PASSPHRASE_FILE", self.dir.join("passphrase"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let done = said.status.success();
        (done, String::from_utf8(if done { said.stdout } else { said.stderr }).unwrap())
    }

    fn height(&self, name: &str) -> Option<u64> {
        let (done, said) = self.run(name, &["--json", "node", "status"]);
        done.then(|| serde_json::from_str::<Value>(&said).unwrap()["height"].as_u64().unwrap())
    }

    /// Waits until a node has so many blocks more than the highest has now.
    fn grows(&self, name: &str, by: u64) {
        let now = ["v1", "v2", "v3", "v4", "node"].iter().filter_map(|n| self.height(n)).max().unwrap();
        eventually(&format!("{name} grows from {now}"), || self.height(name).is_some_and(|h| h >= now + by));
    }

    /// Ends the network as a person does.
    fn end(mut self) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
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
    sleep(Duration::from_secs(2));
    let before = network.height("v1").unwrap();
    sleep(Duration::from_secs(8));
    assert!(network.height("v1").unwrap() <= before, "two of four are no quorum");
    network.end();

    // All are started again, and go on from their disks.
    let network = Running::start(&world);
    network.grows("v3", 3);
    network.grows("v4", 1);
    assert!(network.height("node").unwrap() > before);

    // All at once.
    ["v1", "v2", "v3", "v4", "node"].iter().for_each(|name| kill(&network, name));
    let mut network = network;
    assert!(!network.child.wait().unwrap().success(), "it says that all have ended");
    let network = Running::start(&world);
    network.grows("v1", 2);
    network.end();
    assert!(world.run("chain audit --json --dir four/v2").ok().contains(r#""audit":"ok""#));
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

/// A validator that the test starts itself.
struct Alone(Child);

impl Drop for Alone {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the validators of a network do to change it.
impl Running {
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

    /// Starts a node in a folder of the network, and waits until it has.
    fn validate(&self, name: &str) -> Alone {
        let at = self.dir.join(name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["--json", "--dir"])
            .arg(&at)
            .args(["node", "run", "--validate", "--wallet", "rewards"])
            .env("SOTTO_STATE_DIR", at.join("state"))
            .env("SOTTO_PASSPHRASE_FILE", self.dir.join("passphrase"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("chain_id"), "{name}: {line}");
        Alone(child)
    }

    /// Makes the folder of a validator that is not in the set: it knows the others, and they do not know it.
    fn newcomer(&self, name: &str, others: &[&str]) -> String {
        let entry = self.ok(name, &["node", "validator", "init", "--name", name]);
        self.ok(name, &["chain", "join", &self.path("v1/chain/genesis")]);
        self.ok(name, &["wallet", "init", "--wallet", "rewards", "--words-file", &self.path("v5.words")]);
        let nodes = self.record["nodes"].as_array().unwrap();
        let of = |name: &&str| nodes.iter().find(|n| n["name"] == **name).unwrap();
        let address = |name: &&str| {
            format!("{}@{}", of(name)["key"].as_str().unwrap(), of(name)["listen"].as_str().unwrap())
        };
        let validators: Vec<String> = others.iter().map(address).collect();
        let text = format!(
            "listen = \"127.0.0.1:0\"\ninbound_from_one = 64\nvalidators = {validators:?}\n\n[consensus]\nidle_ms = 1000\n"
        );
        fs::write(self.dir.join(name).join("node/config.toml"), text).unwrap();
        entry
    }

    /// Proposes, has each of these sign, joins what they signed, and submits it at a node.
    fn change(&self, what: &[&str], signers: &[&str], at: &str) {
        let (first, file) = (signers[0], |name: &str| self.path(&format!("{name}.change")));
        let node = |name: &str| format!("--node={}", self.path(name));
        let asked = node(first);
        let text = self.ok(first, &[&["chain", "change", "propose", &asked], what].concat());
        fs::write(file("proposal"), text).unwrap();
        for name in signers {
            let (proposal, node) = (file("proposal"), node(name));
            let words = ["chain", "change", "sign", &proposal, "--yes", &node];
            fs::write(file(name), self.soon(name, &words)).unwrap();
        }
        let files: Vec<String> = signers.iter().map(|name| file(name)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let words = [&["chain", "change", "sign", "--yes", &asked], &files[..]].concat();
        fs::write(file("joined"), self.ok(first, &words)).unwrap();
        self.ok(at, &["chain", "change", "submit", &file("joined")]);
    }

    fn terms(&self, name: &str) -> Value {
        let node = format!("--node={}", self.path(name));
        let said = self.ok(name, &["--json", "chain", "change", "show", &node]);
        serde_json::from_str(&said).unwrap()
    }

    /// Waits until these validators seal, as a node sees it.
    fn sealed_by(&self, at: &str, names: &[&str]) {
        eventually(&format!("{names:?} seal"), || {
            let terms = self.terms(at);
            let all: Vec<&str> =
                terms["validators"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
            all.len() == names.len() && names.iter().all(|name| all.contains(name))
        });
    }

    fn pay(&self, from: &str, to: &str) {
        let node = format!("--node={}", self.path(from));
        let words = ["wallet", "send", "1.5", "--to", to, "--wallet", "rewards", "--yes", &node];
        eventually("a validator has a reward", || self.run(from, &words).0);
    }
}

/// The validators of a file, without one of them.
fn without(text: &str, name: &str) -> String {
    let all = text.split("[[validator]]").filter(|part| !part.trim().is_empty());
    all.filter(|part| !part.contains(&format!("\"{name}\"")))
        .map(|part| format!("[[validator]]{part}\n"))
        .collect()
}

/// By the commands alone one validator joins, one leaves, one renews its key, and a fee is announced. A wallet that slept
/// through all of it has what it was paid before and after.
#[test]
fn validators_join_leave_and_renew_their_keys() {
    let world = World::empty();
    let network = Running::start(&world);
    network.grows("node", 2);
    let at_node = format!("--node={}", network.path("node"));
    network.ok("node", &["wallet", "init", "--words-file", &network.path("words"), &at_node]);
    let address = network.ok("node", &["wallet", "address"]).trim().to_owned();
    network.pay("v1", &address);

    // A fifth joins. It votes by itself once the change is in effect.
    let entry = network.newcomer("v5", &["v1", "v2", "v3"]);
    let first = fs::read_to_string(network.dir.join("validators.toml")).unwrap();
    let five = network.path("five.toml");
    fs::write(&five, format!("{first}\n{entry}")).unwrap();
    let fifth = network.validate("v5");
    network.change(&["--set", &five], &["v1", "v2", "v3"], "node");
    network.sealed_by("node", &["v1", "v2", "v3", "v4", "v5"]);
    // The proposal that is in effect is over.
    let (node, over) = (format!("--node={}", network.path("v1")), network.path("proposal.change"));
    assert!(!network.run("v1", &["chain", "change", "sign", &over, "--yes", &node]).0);

    // The fourth is dead, and leaves: four of five are a quorum, with the fifth.
    kill(&network, "v4");
    network.grows("v1", 2);
    let four = without(&fs::read_to_string(&five).unwrap(), "v4");
    fs::write(network.path("four.toml"), &four).unwrap();
    network.change(&["--set", &network.path("four.toml")], &["v1", "v2", "v3", "v5"], "v5");
    network.sealed_by("v1", &["v1", "v2", "v3", "v5"]);

    // The second renews its key, and is started again so that it has both.
    let renewed = network.ok("v2", &["node", "validator", "renew"]);
    assert_eq!(network.ok("v2", &["node", "validator", "renew"]), renewed, "again the same");
    kill(&network, "v2");
    sleep(Duration::from_secs(1));
    let second = network.validate("v2");
    fs::write(network.path("renewed.toml"), without(&four, "v2") + &renewed).unwrap();
    network.change(&["--set", &network.path("renewed.toml")], &["v1", "v2", "v3"], "v3");
    let key = renewed.lines().find(|line| line.starts_with("vote_key")).unwrap();
    let key = key.split('"').nth(1).unwrap().to_owned();
    eventually("the key is renewed", || {
        network.terms("v1")["last_change"] != 0 && {
            let terms = network.terms("v1");
            terms["validators"].as_array().unwrap().iter().any(|v| v["vote_key"] == key.as_str())
        }
    });
    // Without the first, none of the other three may be missing: the second votes with the new key.
    kill(&network, "v1");
    network.grows("v3", 3);

    // A fee takes effect after a window, and is announced at once.
    network.change(&["--fee-per-weight", "1500u"], &["v2", "v3", "v5"], "v2");
    eventually("the fee is announced", || {
        network.terms("v3")["announced_limits"]["fee_per_weight"] == "1500"
    });

    // Rules that this program does not know are not signed.
    let node = format!("--node={}", network.path("v3"));
    let text = network.ok("v3", &["chain", "change", "propose", "--rules-version", "4", &node]);
    fs::write(network.path("rules.change"), text).unwrap();
    assert!(
        !network.run("v3", &["chain", "change", "sign", &network.path("rules.change"), "--yes", &node]).0
    );

    network.pay("v3", &address);
    eventually("both payments are there", || {
        network.run("node", &["wallet", "balance", &at_node]).1.contains("spendable                    3 SOT")
    });
    drop((fifth, second));
    network.end();
    assert!(world.run("chain audit --json --dir four/v2").ok().contains(r#""audit":"ok""#));
}
