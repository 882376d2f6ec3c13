//! The validators of a network that runs are changed, by the commands alone.

use crate::net::{Running, eventually, kill};
use crate::support::World;
use serde_json::Value;
use std::{fs, thread::sleep, time::Duration};

/// What the validators of a network do to change it.
impl Running {
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

/// By the commands alone one validator joins, one leaves, one renews its key, and a fee is announced. A
/// wallet that slept through all of it has what it was paid before and after.
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
