//! Every example of every `--help` runs as it is printed, and every verb has one.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use std::{collections::BTreeMap, process::Command, thread};

/// The examples by verb, read from the long help texts.
fn examples() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(verb) = open.pop() {
        let out = Command::new(env!("CARGO_BIN_EXE_sotto")).args(&verb).arg("--help").output().unwrap();
        // An example can continue in the next line, as in a shell.
        let help = String::from_utf8(out.stdout).unwrap().replace("\\\n", "");
        let section = |name: &str| help.split_once(&format!("\n{name}:\n")).map(|(_, rest)| rest.to_owned());
        if let Some(verbs) = section("Commands") {
            let lines = verbs.lines().take_while(|l| !l.is_empty());
            // A name is indented by two columns; a deeper indent continues a description.
            let names = lines.filter_map(|l| l.strip_prefix("  ")?.split(' ').next());
            open.extend(
                names
                    .filter(|n| !["", "help"].contains(n))
                    .map(|n| [verb.clone(), vec![n.to_owned()]].concat()),
            );
        }
        let lines = section("Examples").unwrap_or_default();
        let lines = lines.lines().filter_map(|l| l.trim().strip_prefix("$ ")).map(str::to_owned);
        found.insert(verb.join(" "), lines.collect());
    }
    found
}

/// Groups of verbs, which need no examples of their own.
const GROUPS: &[&str] = &[
    "chain",
    "chain change",
    "wallet",
    "wallet account",
    "wallet contact",
    "wallet group",
    "wallet hold",
    "wallet level",
    "wallet proof",
    "wallet view-key",
    "node",
    "node config",
    "node validator",
    "net",
    "mpc",
    "mpc offer",
    "keys",
    "keys vault",
    "audit",
    "tee",
    "tee policy",
    "dandelion",
    "config",
    "generate",
];

#[test]
fn every_example_runs() {
    let world = World::proven();
    world.write("adder.txt", include_str!("data/adder8.txt"));
    world.write("numbers.hex", "2a\n17\n");
    world.write("friend.key", sotto_link::Identity::from_seed(&[7; 32]).peer_key().to_string().as_str());
    let info: serde_json::Value = serde_json::from_str(&world.run("chain info --json").ok()).unwrap();
    world.write("chain.id", info["chain_id"].as_str().unwrap());
    world.write("one.csv", include_str!("data/one.csv"));
    world.write("two.csv", include_str!("data/two.csv"));
    world.signed_job();
    world.sold_job();
    world.board_letters();
    world.held();
    world.stated();
    world.coins();
    world.attested();
    world.vault();
    world.audited();
    world.validator();
    // Examples from the gallery of jobs run in the root of the repository.
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs"), world.path("jobs")).unwrap();
    let (mut of_wallets, mut others) = (Vec::new(), Vec::new());
    for (verb, lines) in examples() {
        let is_group = GROUPS.contains(&verb.as_str());
        assert!(is_group || (1..=3).contains(&lines.len()), "`{verb}` has {} examples", lines.len());
        if verb.starts_with("wallet") { &mut of_wallets } else { &mut others }.extend(lines);
    }
    // Side by side, as none of one half listens where one of the other does.
    thread::scope(|scope| {
        scope.spawn(|| of_wallets.iter().for_each(|line| runs(&world, line)));
        others.iter().for_each(|line| runs(&world, line));
    });
}

/// Runs an example in a copy of the world.
fn runs(world: &World, line: &str) {
    // These have tests of their own (`tests/demo.rs`, `tests/rendezvous.rs`, `tests/net`, `tests/evidence.rs`).
    let own = [
        "sotto node evidence account",
        "sotto node evidence judge",
        "sotto demo",
        "sotto mpc rendezvous",
        "timeout -s INT 20 sotto net",
        "sotto chain change submit",
    ];
    if own.iter().any(|verb| line.starts_with(verb)) {
        return;
    }
    // `node run` runs until it is stopped; the verbs that ask a node need a running one.
    let started = "> started & node=$!; until [ -s started ]; do sleep 0.1; done";
    let asks = |verb| line.starts_with(&format!("sotto node {verb}"));
    let line = if line.starts_with("sotto wallet listen") {
        format!("{line} > started & l=$!; until [ -s started ]; do sleep 0.1; done; kill -TERM $l")
    } else if asks("run") {
        format!("{line} {started}; kill -TERM $node")
    } else if ["status", "peers", "stop"].into_iter().any(asks) {
        format!("sotto node run {started}; {line} && {{ kill -TERM $node 2> log || true; }}")
    } else {
        line.to_owned()
    };
    let said = world.copy().shell(&format!("{line}\nfor job in $(jobs -p); do wait $job || exit; done"));
    assert_eq!(said.code, 0, "{line}\n{said:?}");
}

#[test]
fn short_help_fits_a_screen() {
    for verb in examples().keys() {
        let words = verb.split_whitespace();
        let out = Command::new(env!("CARGO_BIN_EXE_sotto")).args(words).arg("-h").output().unwrap();
        let lines = String::from_utf8(out.stdout).unwrap().lines().count();
        assert!(lines <= 40, "`{verb} -h` has {lines} lines");
    }
}

/// An option that stands after those of all verbs would be shown as one of them.
#[test]
fn global_options_are_those_of_all_verbs() {
    let known = ["--dir", "--json", "--wallet", "--passphrase-file", "--help"];
    for verb in examples().keys() {
        let words = verb.split_whitespace();
        let out = Command::new(env!("CARGO_BIN_EXE_sotto")).args(words).arg("-h").output().unwrap();
        let help = String::from_utf8(out.stdout).unwrap();
        let global = help.split("\nGlobal options:\n").nth(1).unwrap_or_default();
        let lines = global.split("\n\n").next().unwrap_or_default().lines();
        let options = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
        let other: Vec<_> = options.filter(|option| !known.contains(option)).collect();
        assert!(other.is_empty(), "`{verb} -h` has {other:?} under \"Global options\"");
    }
}
