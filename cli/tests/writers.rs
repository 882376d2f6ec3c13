//! No verb overwrites a file of the project, with --force or without, and without it no file at all.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Writers of `data/paths.txt`: the verb, what it writes, the command.
fn writers() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = include_str!("data/paths.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
        [verb, _, target, command] if !command.is_empty() => Some((verb, target, command)),
        _ => None,
    })
}

/// A file of every kind that the project has: name, whether --force must spare it.
fn kinds(world: &World) -> Vec<(&'static str, Vec<u8>, bool)> {
    let read = |name: &str| fs::read(world.path(name)).unwrap();
    vec![
        ("a wallet", read("data/wallets/alice"), true),
        ("a backup", read("alice.backup"), true),
        ("seed words", read("alice.words"), true),
        ("a view key", read("bob.viewkey"), true),
        ("an operator's key", read("data/operator.key"), true),
        ("an installation's key", read("state/installation.key"), true),
        ("a chain's parameters", read("data/chain/genesis"), true),
        ("a log of blocks", read("data/chain/log-00000000"), true),
        ("a node's key", read("node.key"), true),
        ("a party's secret key", read("north.key"), true),
        ("a party's public key", read("north.pub"), true),
        ("a bundle of evidence", read("north.bundle"), true),
        ("a snapshot", read("good.snapshot"), false),
        ("a slate", read("invite.txt"), false),
        ("an address", read("bob.address"), false),
        ("a receipt", read("receipt.json"), false),
        ("a user's text", b"my thesis\n".to_vec(), false),
        ("an empty file", Vec::new(), false),
    ]
}

fn plant(world: &World, target: &str, bytes: &[u8]) {
    let path = world.path(target);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    // A key that others can read is refused for that reason alone.
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// What a failed command must leave as it was: the file, what is beside it, and nothing new.
fn beside(path: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let files = folder.filter(|path| path.is_file());
    let mut all: Vec<_> = files.map(|p| (p.display().to_string(), fs::read(&p).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn no_verb_overwrites_a_file_of_the_project() {
    let world = World::paying();
    world.signed_job();
    world.attested();
    world.write("chain.id", &"07".repeat(32));
    world.vault();
    world.run("wallet backup alice.backup --wallet alice").ok();
    world.shell("sotto wallet view-key export --wallet bob > bob.viewkey").ok();
    world.run("chain export --part 2 good.snapshot").ok();
    world.run("mpc bundle job.toml --out job.bundle").ok();
    world.write("node.key", &sotto_link::Identity::from_seed(&[7; 32]).to_secret_text());
    let kinds = kinds(&world);
    for (verb, target, command) in writers() {
        // One copy for all kinds: what is refused changes nothing.
        let w = world.copy();
        let forces = world.run(&format!("{verb} --help")).ok().contains("--force");
        for (kind, bytes, spared) in &kinds {
            // With a slow verb it is enough to try the kinds that --force would replace.
            if verb == "mpc local" && *spared {
                continue;
            }
            plant(&w, target, bytes);
            plant(&w, &format!("{target}.part"), b"mine");
            let (path, before) = (w.path(target), beside(&w.path(target)));
            let said = w.run(command);
            // A public key that was lost is written again if its secret key is there: nothing is replaced.
            let is_kept = fs::read(&path).unwrap() == *bytes;
            assert!(
                is_kept && (said.code != 0 || *kind == "a party's secret key"),
                "{command} over {kind}: {said:?}"
            );
            if said.code != 0 {
                assert_eq!(beside(&path), before, "{command} over {kind}");
            }
            if forces {
                let said = w.run(&format!("{command} --force"));
                assert_eq!(
                    fs::read(&path).unwrap() == *bytes,
                    *spared,
                    "{command} --force over {kind}: {said:?}"
                );
                assert_eq!(said.code != 0, *spared, "{command} --force over {kind}: {said:?}");
            }
        }
    }
}

/// The paths of the files themselves, whatever is in them.
#[test]
fn force_spares_the_folders_of_chain_wallets_node_and_installation() {
    let world = World::settled();
    world.run("node config init").ok();
    for file in [
        "data/operator.key",
        "data/wallets/alice",
        "data/wallets/alice.lock",
        "data/chain/genesis",
        "data/chain/head",
        "data/node/config.toml",
        "state/installation.key",
    ] {
        let before = fs::read(world.path(file)).unwrap();
        assert!(world.run(&format!("chain export {file} --force")).fails(1).contains("overwrite"), "{file}");
        world.run(&format!("dandelion simulate --nodes 10 --force --plot {file}")).fails(1);
        assert_eq!(fs::read(world.path(file)).unwrap(), before, "{file}");
    }
    // A pipe and a device are written to: nothing there could be overwritten.
    world.run("chain export /dev/null").ok();
    world.shell("mkfifo pipe; cat pipe > copy & sotto chain export pipe && wait && cmp copy <(sotto chain export -)").ok();
    // Through a link, and with the data folder of another chain.
    world.shell("ln -s data/operator.key link").ok();
    world.run("chain export link --force").fails(1);
    world.shell("mv data moved && sotto chain init").ok();
    world.run("chain export moved/chain/head --force").fails(1);
    world.run("chain export moved/wallets/alice.lock --force").fails(1);
}
