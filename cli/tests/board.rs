//! A validator whose vote key is a group's, with real processes on loopback: three validators with keys of their own, and
//! the two of three members without whom there is no quorum. Members are killed, and another one speaks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::World;
use serde_json::Value;
use std::{
    fs::{self, File},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const VALIDATORS: [&str; 3] = ["v1", "v2", "v3"];
const MEMBERS: [&str; 3] = ["north", "south", "west"];
const TIMEOUT: Duration = Duration::from_secs(240);

/// What a member does on the chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Speaks,
    Listens,
}

/// Six folders of one chain, and their nodes; dropping this kills them.
struct Network {
    world: World,
    nodes: Vec<(String, Child)>,
    /// Where each validator is reached; the last is the member that speaks for the group.
    reached: Vec<String>,
    hear: Vec<String>,
}

impl Drop for Network {
    fn drop(&mut self) {
        for (_, node) in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// Addresses that are free now.
fn free(n: usize) -> Vec<String> {
    let ports: Vec<_> = (0..n).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    ports.iter().map(|port| port.local_addr().unwrap().to_string()).collect()
}

/// The value of a field of an entry.
fn field(entry: &str, name: &str) -> String {
    let line = entry.lines().find_map(|line| line.strip_prefix(&format!("{name} = \""))).unwrap();
    line.trim_end_matches('"').to_owned()
}

/// Members agree until one of them has the entry.
fn entry(world: &World, link: &str) -> String {
    let asked = world.keys("north", &format!("sign --validator board --link-key {link} --yes")).ok();
    world.write("entry.letters", &asked);
    for _ in 0..4 {
        for name in ["south", "north"] {
            let said = world.keys(name, "sign entry.letters --yes");
            assert_eq!(said.code, 0, "{said:?}");
            if let Some(at) = said.err.find("[[validator]]") {
                return said.err[at..].to_owned();
            }
            let said = said.out;
            world.write("entry.letters", &(world.read("entry.letters") + &said));
        }
    }
    panic!("no entry: {}", world.read("entry.letters"))
}

impl Network {
    fn new() -> Self {
        let world = World::empty();
        for name in MEMBERS {
            world.run(&format!("mpc keygen {name}")).ok();
        }
        world.group_of("--purpose seal");
        let init =
            |name: &str, dir: &str| world.run(&format!("node validator init --name {name} --dir {dir}")).ok();
        let mut entries: Vec<String> = VALIDATORS.map(|name| init(name, name)).to_vec();
        entries.push(entry(&world, &field(&init("board", "north"), "link_key")));
        world.write("validators.toml", &entries.concat());
        world.run("chain init --validators validators.toml --pace 0 --maturity 1 --dir v1").ok();
        for name in VALIDATORS.into_iter().chain(MEMBERS) {
            if name != "v1" {
                world.run(&format!("chain join v1/chain/genesis --dir {name}")).ok();
            }
            world.run(&format!("wallet init --wallet {name} --words-file {name}.words --dir {name}")).ok();
            fs::create_dir_all(world.path(&format!("{name}/node"))).unwrap();
            world.write(
                &format!("{name}/node/config.toml"),
                "inbound_from_one = 64\n\n[consensus]\nidle_ms = 1000\n",
            );
        }
        let ports = free(4);
        let reached = entries
            .iter()
            .zip(ports)
            .map(|(entry, at)| format!("{}@{at}", field(entry, "link_key")))
            .collect();
        Self { world, nodes: vec![], reached, hear: free(3) }
    }

    /// Starts a node in its folder, and waits until it has.
    fn spawn(&mut self, name: &str, words: &[String]) {
        let mut node = Command::new(env!("CARGO_BIN_EXE_sotto"));
        node.current_dir(self.world.dir.path()).args(["node", "run", "--json", "--dir", name]).args(words);
        for (variable, file) in
            [("SOTTO_PASSPHRASE_FILE", "pass"), ("SOTTO_STATE_DIR", "state"), ("XDG_CONFIG_HOME", "config")]
        {
            node.env(variable, self.world.path(file));
        }
        let log = File::options().create(true).append(true).open(self.world.path(&format!("{name}.log")));
        let started = self.world.path(&format!("{name}.started"));
        node.stdin(Stdio::null()).stdout(File::create(&started).unwrap()).stderr(log.unwrap());
        self.nodes.push((name.to_owned(), node.spawn().unwrap()));
        self.wait(&format!("{name} to start"), |_| {
            fs::read_to_string(&started).ok().filter(|text| text.ends_with('\n'))
        });
    }

    /// Votes, proposes, and is reached at the place of this number.
    fn votes(&self, name: &str, place: usize) -> Vec<String> {
        let at = self.reached[place].split_once('@').unwrap().1.to_owned();
        let mut words = ["--validate", "--wallet", name, "--listen", &at].map(str::to_owned).to_vec();
        for (_, other) in self.reached.iter().enumerate().filter(|(i, _)| *i != place) {
            words.extend(["--validator".to_owned(), other.clone()]);
        }
        words
    }

    fn validator(&mut self, i: usize) {
        self.spawn(VALIDATORS[i], &self.votes(VALIDATORS[i], i));
    }

    fn member(&mut self, i: usize, does: Does) {
        let name = MEMBERS[i];
        let mut words = match does {
            Does::Speaks => self.votes(name, 3),
            Does::Listens => {
                self.reached[..3].iter().flat_map(|v| ["--connect".to_owned(), v.clone()]).collect()
            }
        };
        let files = [("--group", format!("{name}.group")), ("--key", format!("{name}.key"))];
        words.extend(files.into_iter().flat_map(|(flag, file)| [flag.to_owned(), file]));
        words.extend(["--group-listen".to_owned(), self.hear[i].clone()]);
        for other in (0..3).filter(|other| *other != i) {
            words.extend(["--member".to_owned(), format!("{}@{}", other + 1, self.hear[other])]);
        }
        self.spawn(name, &words);
    }

    /// SIGKILL.
    fn kill(&mut self, name: &str) {
        let at = self.nodes.iter().position(|(n, _)| n == name).unwrap();
        let (_, mut node) = self.nodes.remove(at);
        node.kill().unwrap();
        node.wait().unwrap();
    }

    fn wait<T>(&self, what: &str, mut seen: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(seen) = seen(self) {
                return seen;
            }
            if start.elapsed() > TIMEOUT {
                let log = |name: &&str| {
                    let text =
                        fs::read_to_string(self.world.path(&format!("{name}.log"))).unwrap_or_default();
                    let lines: Vec<_> = text.lines().rev().take(25).collect();
                    format!("{name}: {}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
                };
                let logs: Vec<_> = VALIDATORS.iter().chain(&MEMBERS).map(log).collect();
                panic!("waited too long for {what}\n{}", logs.join("\n---\n"));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn height(&self, name: &str) -> Option<u64> {
        let said = self.world.run(&format!("node status --json --dir {name}"));
        serde_json::from_str::<Value>(&said.out).ok()?["height"].as_u64()
    }

    /// Waits until this node has so many blocks more than it has now.
    fn grows(&self, name: &str, blocks: u64) {
        let until = self.wait("a node's status", |n| n.height(name)) + blocks;
        self.wait(&format!("{name} at height {until}"), |n| n.height(name).filter(|h| *h >= until));
    }

    /// Nothing is sealed for some seconds.
    fn stands(&self, name: &str) {
        thread::sleep(Duration::from_secs(3));
        let before = self.height(name).unwrap();
        thread::sleep(Duration::from_secs(12));
        assert_eq!(self.height(name), Some(before), "there is no quorum without the group");
    }
}

/// v1, v2 and the group are a quorum of four, and nothing less is.
#[test]
fn a_group_votes_whoever_of_it_is_killed() {
    let mut network = Network::new();
    network.validator(0);
    network.validator(1);
    network.member(1, Does::Listens);
    network.member(0, Does::Speaks);
    network.grows("v1", 4);
    // With one member fewer than t there is no vote, and without it no block.
    network.kill("south");
    network.stands("v1");
    network.member(2, Does::Listens);
    network.grows("v1", 3);
    // The speaker dies in the middle of whatever it does; the members' records let another one go on.
    network.kill("north");
    network.stands("v1");
    let identity = |name: &str| network.world.path(&format!("{name}/node/identity"));
    fs::copy(identity("north"), identity("south")).unwrap();
    network.member(1, Does::Speaks);
    network.grows("v1", 3);
    // Three validators do without the group, and it follows.
    network.validator(2);
    network.kill("west");
    network.grows("v3", 2);
    let top = network.height("v1").unwrap();
    for name in VALIDATORS.into_iter().chain(["south"]) {
        network.wait(&format!("{name} to follow"), |n| n.height(name).filter(|h| *h >= top));
        network.kill(name);
        let audit = network.world.run(&format!("chain audit --dir {name}")).ok();
        assert!(audit.contains("audit ok"), "{audit}");
    }
    // Nobody has seen the group, nor anybody else, say two things at once.
    for name in VALIDATORS {
        let shown = network.world.run(&format!("node evidence --json --dir {name}")).ok();
        assert_eq!(shown, "", "{name}");
    }
}
