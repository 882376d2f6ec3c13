//! One node as a process: what it keeps, what it says, how it ends, and what it refuses.

mod support;

use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, process::Command};
use support::World;

/// Runs a node until it has started, does something, and ends it with a signal.
fn run(world: &World, words: &str, act: &str, signal: &str) -> support::Said {
    world.shell(&format!(
        "rm -f started; sotto node run --json {words} > started 2> log & node=$!
         until [ -s started ] || ! kill -0 $node 2> /dev/null; do sleep 0.1; done
         {act}
         kill -{signal} $node 2> /dev/null; wait $node"
    ))
}

#[test]
fn a_node_seals_says_where_it_is_and_stops_when_asked() {
    let world = World::empty();
    world.run("chain init").ok();
    world.run("wallet init --wallet alice --words-file alice.words").ok();
    let seal = "--listen 127.0.0.1:0 --outside-port 7 --seal --every 1 --wallet alice --log json -v";
    let act = "until grep -q '\"height\":2' log; do sleep 0.1; done
        sotto chain info 2> second && exit 9; [ $? = 1 ] || exit 8
        sotto wallet address --wallet alice || exit 7";
    run(&world, seal, act, "INT").ok();
    let started: Value = serde_json::from_str(&world.read("started")).unwrap();
    assert_eq!((started["v"].as_u64(), started["type"].as_str()), (Some(1), Some("node-started")));
    assert!(started["key"].as_str().unwrap().starts_with("sottokey1"));
    assert!(started["listen"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(started["outside_port"], 7);
    assert!(world.read("second").contains("another process"));
    let log = world.read("log");
    assert!(log.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()), "{log}");
    let info: Value = serde_json::from_str(&world.run("chain info --json").ok()).unwrap();
    assert!(info["height"].as_u64().unwrap() >= 2);
    for name in ["identity", "book"] {
        let mode = fs::metadata(world.path("data/node").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    // The key on the network stays the same, and takes effect only where nobody else can read it.
    run(&world, "", "", "TERM").ok();
    let again: Value = serde_json::from_str(&world.read("started")).unwrap();
    assert_eq!(again["key"], started["key"]);
    assert!(again["listen"].is_null() && again["outside_port"].is_null());
    fs::set_permissions(world.path("data/node/identity"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(world.run("node run").fails(1).contains("others can read"));
}

#[test]
fn logs_tell_addresses_only_when_asked() {
    let world = World::empty();
    world.run("chain init").ok();
    world.run("chain join data/chain/genesis --dir other").ok();
    let meet = |more: &str| {
        let line = format!(
            "rm -f started; sotto node run --json --listen 127.0.0.1:0 > started 2> first & first=$!
             until [ -s started ]; do sleep 0.1; done
             at=$(sed 's/.*\"key\":\"\\([^\"]*\\)\",\"listen\":\"\\([^\"]*\\)\".*/\\1@\\2/' started)
             sotto node run --dir other -v --connect $at {more} > /dev/null 2> log & second=$!
             until grep -q connected log; do sleep 0.1; done; sleep 0.2
             sotto node peers --dir other --json > peers
             kill $first $second; wait $first && wait $second"
        );
        world.shell(&line).ok();
        world.read("log")
    };
    assert!(!meet("").contains("127.0.0.1"));
    assert!(meet("--log-addresses").contains("address=127.0.0.1:"));
    // A peer's key is told as --connect takes it.
    let [first, peer]: [Value; 2] =
        ["started", "peers"].map(|name| serde_json::from_str(&world.read(name)).unwrap());
    assert_eq!(peer["key"], first["key"]);
}

#[test]
fn a_disk_that_takes_no_more_ends_a_node_with_an_error() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: prlimit (of util-linux) is not installed");
        return;
    }
    let world = World::empty();
    world.run("chain init").ok();
    world.run("wallet init --wallet alice --words-file alice.words").ok();
    // The files of a running node may grow no more. That signal is ignored, so that writes fail as on a full disk.
    let said = world.shell(
        "trap '' XFSZ
         sotto node run --seal --every 1 --wallet alice > started & node=$!
         until [ -s started ]; do sleep 0.1; done
         prlimit --pid $node --fsize=1:1 || kill -9 $node
         wait $node",
    );
    let why = said.fails(1);
    assert!(why.contains("the node stopped") && why.contains("File too large"), "{why}");
    world.run("chain audit").ok();
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    let world = World::empty();
    assert!(world.run("node run").fails(1).contains("no chain"));
    world.run("chain init").ok();
    let key = link::Identity::from_seed(&[3; 32]).peer_key();
    for (words, code, named) in [
        ("--connect nobody".to_owned(), 2, "KEY@HOST:PORT"),
        ("--connect sottokey1x@127.0.0.1:1".into(), 2, "KEY@HOST:PORT"),
        (format!("--connect {key}@127.0.0.1"), 2, "no host and port"),
        ("--listen here".into(), 2, "cannot be listened at"),
        ("--listen 192.0.2.1:1".into(), 1, "192.0.2.1:1"),
        ("--outside-port 9333".into(), 2, "takes no connections"),
        ("--listen 127.0.0.1:0 --outside-port 0".into(), 2, "--outside-port"),
        ("--listen 127.0.0.1:0 --outside-port 65536".into(), 2, "--outside-port"),
        ("--seal --wallet nobody".into(), 1, "no wallet"),
    ] {
        let why = world.run(&format!("node run {words}")).fails(code);
        assert!(why.contains(named), "{words}: {why}");
    }
    assert!(!world.path("data/node/book").exists());

    world.run("node config init").ok();
    world.run("node config init").fails(1);
    world.write("data/node/config.toml", "seal_every = 0\n");
    assert!(world.run("node run").fails(1).contains("seal_every"));
    world.write("data/node/config.toml", "listne = 'x'\n");
    assert!(world.run("node run").fails(1).contains("listne"));
    world.write("data/node/config.toml", "outside_port = 0\n");
    assert!(world.run("node run").fails(1).contains("outside_port"));
    world.write("data/node/config.toml", "outside_port = 9333\n");
    assert!(world.run("node run").fails(2).contains("takes no connections"));

    world.write("no.genesis", "nothing");
    assert!(world.run("chain join no.genesis --dir b").fails(1).contains("no.genesis"));
    let other = "0".repeat(64);
    assert!(
        world
            .run(&format!("chain join data/chain/genesis --dir b --id {other}"))
            .fails(1)
            .contains("another chain")
    );
    assert!(!world.path("b").exists());
    world.run("chain join data/chain/genesis --dir b").ok();
    world.run("chain join data/chain/genesis --dir b").fails(1);
}
