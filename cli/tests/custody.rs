//! A chain that a group seals, with real processes on loopback: the page docs/CUSTODY.md line by line, and members that
//! are killed.
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

const PAGE: &str = include_str!("../../docs/CUSTODY.md");
const MEMBERS: [&str; 3] = ["north", "south", "west"];
const TIMEOUT: Duration = Duration::from_secs(240);

/// Addresses that are free now.
fn free(n: usize) -> Vec<String> {
    let ports: Vec<_> = (0..n).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    ports.iter().map(|port| port.local_addr().unwrap().port().to_string()).collect()
}

/// The lines of a page that a reader types.
fn typed(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    let (page, _) = PAGE.split_once("\n# Three people who own money").unwrap();
    let mut script = typed(page);
    for (printed, port) in ["7701", "7711", "7712", "7713"].iter().zip(free(4)) {
        script = script.replace(printed, &port);
    }
    assert!(script.contains("keys repair") && script.contains("keys refresh"), "{script}");
    // Whatever happens, no node outlives the test: each job is a process group, which its node belongs to.
    let guard = "set -m\ntrap 'for job in $(jobs -p); do kill -- -$job; done 2> kills || true' EXIT\n";
    let said = world.shell(&format!("set -e\n{guard}{script}"));
    let logs: String =
        MEMBERS.iter().filter_map(|m| fs::read_to_string(world.path(&format!("{m}.log"))).ok()).collect();
    assert_eq!(said.code, 0, "{said:?}\n{logs}");
    assert!(said.out.contains("audit ok"), "{said:?}");
}

/// Three folders of one chain, and their nodes; dropping this kills them.
struct Group {
    world: World,
    nodes: [Option<Child>; 3],
    hear: Vec<String>,
    listen: String,
    key: String,
}

impl Drop for Group {
    fn drop(&mut self) {
        (0..3).for_each(|i| self.kill(i));
    }
}

impl Group {
    fn new() -> Self {
        let world = World::empty();
        for name in MEMBERS {
            world.run(&format!("mpc keygen {name}")).ok();
        }
        world.group_of("--purpose seal");
        world
            .run("chain init --operator $(sotto keys export --group north.group) --maturity 1 --dir north")
            .ok();
        for name in MEMBERS {
            if name != "north" {
                world.run(&format!("chain join north/chain/genesis --dir {name}")).ok();
            }
            world.run(&format!("wallet init --wallet {name} --words-file {name}.words --dir {name}")).ok();
            // A payment that was handed to a member just before it was killed waits for the embargo's end, which has
            // no upper bound: with short hops the mean is three seconds, not two minutes.
            fs::create_dir_all(world.path(&format!("{name}/node"))).unwrap();
            world.write(&format!("{name}/node/config.toml"), "[dandelion]\nhop_ms = 5\n");
        }
        let mut ports = free(4);
        let listen = ports.pop().unwrap();
        Self { world, nodes: [None, None, None], hear: ports, listen, key: String::new() }
    }

    fn start(&mut self, i: usize) {
        let name = MEMBERS[i];
        let mut node = Command::new(env!("CARGO_BIN_EXE_sotto"));
        node.current_dir(self.world.dir.path());
        node.args(["node", "run", "--json", "--seal", "--every", "1", "--dir", name, "--wallet", name]);
        let files = [("--group", "group"), ("--key", "key")];
        for (flag, end) in files {
            node.arg(flag).arg(format!("{name}.{end}"));
        }
        node.arg("--group-listen").arg(format!("127.0.0.1:{}", self.hear[i]));
        for other in (0..3).filter(|other| *other != i) {
            node.arg("--member").arg(format!("{}@127.0.0.1:{}", other + 1, self.hear[other]));
        }
        match i {
            0 => node.arg("--listen").arg(format!("127.0.0.1:{}", self.listen)),
            _ => node.arg("--connect").arg(format!("{}@127.0.0.1:{}", self.key, self.listen)),
        };
        for (variable, file) in
            [("SOTTO_PASSPHRASE_FILE", "pass"), ("SOTTO_STATE_DIR", "state"), ("XDG_CONFIG_HOME", "config")]
        {
            node.env(variable, self.world.path(file));
        }
        let log = self.world.path(&format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let started = self.world.path(&format!("{name}.started"));
        node.stdin(Stdio::null()).stdout(File::create(&started).unwrap()).stderr(log);
        self.nodes[i] = Some(node.spawn().unwrap());
        let said = self.wait("a node to start", |_| {
            fs::read_to_string(&started).ok().filter(|text| text.ends_with('\n'))
        });
        let record: Value = serde_json::from_str(&said).unwrap();
        if i == 0 {
            record["key"].as_str().unwrap().clone_into(&mut self.key);
        }
    }

    /// SIGKILL.
    fn kill(&mut self, i: usize) {
        if let Some(mut node) = self.nodes[i].take() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }

    fn wait<T>(&self, what: &str, mut seen: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(seen) = seen(self) {
                return seen;
            }
            if start.elapsed() > TIMEOUT {
                let log =
                    |name| fs::read_to_string(self.world.path(&format!("{name}.log"))).unwrap_or_default();
                panic!("waited too long for {what}\n{}", MEMBERS.map(log).join("\n---\n"));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn height(&self, i: usize) -> Option<u64> {
        let said = self.world.run(&format!("node status --json --dir {}", MEMBERS[i]));
        serde_json::from_str::<Value>(&said.out).ok()?["height"].as_u64()
    }

    /// Waits until this member's chain has grown by so many blocks.
    fn grows(&self, i: usize, blocks: u64) {
        let until = self.wait("a node's status", |g| g.height(i)) + blocks;
        self.wait(&format!("height {until}"), |g| g.height(i).filter(|h| *h >= until));
    }
}

/// Payments go on while one of three is killed, stop when two are, and go on when one is back; then nobody can
/// tell the chain from one operator's.
#[test]
fn two_of_three_seal_whatever_is_killed() {
    let mut group = Group::new();
    group.start(0);
    let alone = group.wait("a node's status", |g| g.height(0));
    assert_eq!(alone, 0, "one member seals nothing");
    group.start(1);
    group.start(2);
    group.grows(0, 4);
    // One is killed, in the middle of whatever it does.
    group.kill(2);
    group.grows(0, 3);
    let pay = |group: &Group| {
        let to = group.world.run("wallet address --wallet south --dir south").ok();
        // Rewards of members go to their own wallets, so this one may have to wait for its first.
        group.wait("a payment", |g| {
            let said = g.world.run(&format!(
                "wallet send 1 --to {} --wallet north --dir north --node north --yes --json",
                to.trim()
            ));
            (said.code == 0).then_some(())
        });
    };
    pay(&group);
    group.grows(0, 3);
    // Two are: the one that is left cannot go on.
    group.kill(1);
    thread::sleep(Duration::from_secs(3));
    let stopped = group.height(0).unwrap();
    thread::sleep(Duration::from_secs(15));
    assert_eq!(group.height(0), Some(stopped), "one member alone seals nothing");
    // One is back, and then all.
    group.start(1);
    group.grows(0, 3);
    group.start(2);
    let top = group.height(0).unwrap();
    group.wait("the member that was away", |g| g.height(2).filter(|h| *h > top));
    group.grows(2, 3);
    // The payment is relayed in private first, and may have waited for a member that was away.
    group.wait("the payment", |g| {
        let history = g.world.run("wallet history --wallet south --dir south --node south --json");
        history.out.contains("\"amount\":\"1000000000\"").then_some(())
    });
    (0..3).for_each(|i| group.kill(i));
    for name in MEMBERS {
        let audit = group.world.run(&format!("chain audit --dir {name}")).ok();
        assert!(audit.contains("audit ok"), "{audit}");
        let info: Value =
            serde_json::from_str(&group.world.run(&format!("chain info --json --dir {name}")).ok()).unwrap();
        assert_eq!(info["double_seals"], serde_json::json!([]));
    }
}

/// A share that is copied to another machine, and one whose record was copied, seal nothing.
#[test]
fn a_copied_share_or_record_is_refused() {
    let group = Group::new();
    let w = &group.world;
    let run = |state: &str| {
        let files = "--group north.group --key north.key --group-listen 127.0.0.1:0";
        let others = "--member 2@127.0.0.1:9 --member 3@127.0.0.1:9";
        w.shell(&format!(
            "SOTTO_STATE_DIR={state} sotto node run --dir north --seal --wallet north {files} {others}"
        ))
    };
    assert!(run("elsewhere").fails(1).contains("the share was made elsewhere"));
    w.shell("cp -a state copied").ok();
    assert!(run("copied").fails(1).contains("belongs to another installation"));
    let said = w.run("node run --dir north --seal --wallet north --group north.group --key north.key --group-listen 127.0.0.1:0 --member 2@127.0.0.1:9");
    assert!(said.fails(2).contains("no address of member 3"));
    let said = w.run("node run --dir north --seal --wallet north");
    said.fails(1);
    w.run("chain init --dir other").ok();
    w.run("wallet init --wallet other --words-file other.words --dir other").ok();
    let said = w.run("node run --dir other --seal --wallet other --group north.group --key north.key --group-listen 127.0.0.1:0 --member 2@127.0.0.1:9 --member 3@127.0.0.1:9");
    assert!(said.fails(1).contains("does not seal this chain"));
}
