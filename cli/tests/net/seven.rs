//! Seven validators: killed in turn, two at a time, three, and all; with logs that are gone, copied keys and
//! full disks.

use crate::net::{Alone, Running, eventually, kill};
use crate::support::World;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

const ALL: [&str; 7] = ["v1", "v2", "v3", "v4", "v5", "v6", "v7"];

/// One after the other is killed and comes back. Then two of seven may be dead, and a third stops the chain
/// until one is back. Who lost its log follows until the next height. All are killed, and go on from their
/// disks.
#[test]
fn seven_validators_go_on_without_two() {
    let world = World::empty();
    let network = Running::of(&world, 7);
    network.grows("v1", 2);
    let mut all: Vec<Alone> = Vec::new();
    for (n, name) in ALL.into_iter().enumerate() {
        kill(&network, name);
        network.grows(ALL[(n + 1) % 7], 1);
        all.push(network.validate(name));
    }
    network.grows("v1", 2);

    all.truncate(5);
    network.grows("v1", 2);
    all.truncate(4);
    network.stands("v1");
    // Four of seven vote at a height that does not end. One of them forgets what it said there.
    all.truncate(3);
    fs::remove_file(network.dir.join("v4/node/votes.log")).unwrap();
    all.push(network.validate("v4"));
    eventually("it follows", || network.state("v4").as_deref() == Some("following"));
    all.push(network.validate("v5"));
    network.stands("v1");
    assert_eq!(network.state("v4").as_deref(), Some("following"));
    all.push(network.validate("v6"));
    network.grows("v1", 2);
    eventually("it votes", || network.state("v4").is_some_and(|state| state != "following"));

    drop(all);
    let before = network.height("node").unwrap();
    network.end();
    let network = Running::of(&world, 7);
    network.grows("v7", 2);
    assert!(network.height("v1").unwrap() > before);
    innocent(&network);
    network.end();
    assert!(world.run("chain audit --json --dir seven/v3").ok().contains(r#""audit":"ok""#));
}

/// A copied folder does not vote, and a validator whose disk takes no more ends; with room again it votes on.
/// In both cases nobody signs two things.
#[test]
fn a_copied_key_and_a_full_disk() {
    let world = World::empty();
    let network = Running::start(&world);
    network.grows("v1", 2);
    // A copy of a validator's folder, with all that it signed.
    kill(&network, "v4");
    copy_tree(&network.dir.join("v4"), &network.dir.join("copy"));
    let copy = network.validate("copy");
    eventually("the copy follows", || network.state("copy").as_deref() == Some("following"));
    network.grows("copy", 2);
    assert_eq!(network.state("copy").as_deref(), Some("following"));
    drop(copy);

    let mut fourth = full(&network, "v4");
    eventually("it ends", || fourth.0.try_wait().unwrap().is_some());
    assert!(!fourth.0.wait().unwrap().success());
    network.grows("v1", 2);
    let fourth = network.validate("v4");
    kill(&network, "v3");
    network.grows("v4", 2);
    innocent(&network);
    drop(fourth);
    network.end();
    assert!(world.run("chain audit --json --dir four/v4").ok().contains(r#""audit":"ok""#));
}

/// Starts a validator, and lets its files grow no further.
fn full(network: &Running, name: &str) -> Alone {
    // The signal is ignored, so that writes fail as on a full disk.
    let whole = network.command(name, &["--json", "node", "run", "--validate", "--wallet", "rewards"]);
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; exec "$@""#, "sh"]).arg(whole.get_program()).args(whole.get_args());
    command.envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let node = Alone(command.spawn().unwrap());
    eventually("it votes", || network.state(name).is_some_and(|state| state != "following"));
    let id = node.0.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, "--fsize=1:1"]).status().unwrap().success());
    node
}

fn innocent(network: &Running) {
    for name in ["v1", "node"] {
        let said = network.run(name, &["node", "evidence", "--json"]);
        assert_eq!(said, (true, String::new()), "nobody signed two things");
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
