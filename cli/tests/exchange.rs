//! Letters of members over channels, with real processes on loopback: a key is made from folder to folder, and a payment of a
//! group; what is no letter of the group goes nowhere, and strangers are not heard.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::World;
use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

const MEMBERS: [&str; 3] = ["north", "south", "west"];
const TIMEOUT: Duration = Duration::from_secs(120);

/// Members who exchange the letters in `NAME.letters`; dropping this kills them.
struct Exchange(Vec<Child>);

impl Drop for Exchange {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Addresses that are free now.
fn free() -> Vec<String> {
    let ports: Vec<_> = MEMBERS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    ports.iter().map(|port| port.local_addr().unwrap().to_string()).collect()
}

/// Starts the exchange of these members, by number from 0.
fn start(w: &World, group: &str, at: &[String], who: &[usize]) -> Exchange {
    let children = who.iter().map(|i| {
        let name = MEMBERS[*i];
        fs::create_dir_all(w.path(&format!("{name}.letters"))).unwrap();
        let mut command = w.command("sotto");
        command.args(["keys", "exchange", &format!("{name}.letters"), "--group", group]);
        command.args(["--key", &format!("{name}.key"), "--listen", &at[*i], "--json"]);
        for other in (0..3).filter(|other| other != i) {
            command.args(["--member", &format!("{}@{}", other + 1, at[other])]);
        }
        let log = fs::File::options().create(true).append(true).open(w.path(&format!("{name}.log"))).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    });
    Exchange(children.collect())
}

/// Waits until this many letters are in each of these folders.
fn wait(w: &World, who: &[&str], letters: usize) {
    let begun = Instant::now();
    let count = |name: &str| fs::read_dir(w.path(&format!("{name}.letters"))).unwrap().count();
    while who.iter().any(|name| count(name) < letters) {
        if begun.elapsed() > TIMEOUT {
            let logs =
                MEMBERS.map(|name| fs::read_to_string(w.path(&format!("{name}.log"))).unwrap_or_default());
            let there: Vec<usize> = who.iter().map(|name| count(name)).collect();
            panic!("waited too long for {letters} letters: {there:?}\n{}", logs.join("\n---\n"));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn world() -> World {
    let w = World::empty();
    w.write("chain.id", &"07".repeat(32));
    MEMBERS.iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
    w
}

/// The four steps of a key generation, without a shared folder. One member is started late, one is killed in between.
#[test]
fn a_key_is_made_from_folder_to_folder() {
    let w = world();
    let terms = "--purpose vault --chain $(cat chain.id) --threshold 2 --member north.pub south.pub west.pub";
    w.run(&format!("keys new board.draft {terms}")).ok();
    let at = free();
    let mut running = start(&w, "board.draft", &at, &[0, 1]);
    let step = |n: usize| {
        for name in MEMBERS {
            fs::create_dir_all(w.path(&format!("{name}.letters"))).unwrap();
            let files = format!("--key {name}.key --group {name}.group");
            let letters = format!("$(find {name}.letters -type f -not -name '.*')");
            let said = w.run(&format!("keys dkg board.draft {letters} --yes {files}")).ok();
            w.write("letter", &said);
            fs::rename(w.path("letter"), w.path(&format!("{name}.letters/own.{n}"))).unwrap();
        }
    };
    step(1);
    wait(&w, &["north", "south"], 2);
    running.0.extend(std::mem::take(&mut start(&w, "board.draft", &at, &[2]).0));
    wait(&w, &MEMBERS, 3);
    step(2);
    wait(&w, &MEMBERS, 6);
    // Killed and started again, it sends and takes what is missing.
    let mut south = running.0.remove(1);
    south.kill().unwrap();
    south.wait().unwrap();
    step(3);
    wait(&w, &["north", "west"], 8);
    running.0.extend(std::mem::take(&mut start(&w, "board.draft", &at, &[1]).0));
    wait(&w, &MEMBERS, 9);
    step(4);
    wait(&w, &MEMBERS, 12);
    step(5);
    assert_eq!(w.read("north.group"), w.read("west.group"));
    let log = w.read("south.log");
    assert!(log.contains("\"type\":\"keys-arrived\"") && !log.contains("error"), "{log}");
    let mode = fs::read_dir(w.path("north.letters")).unwrap().map(|file| file.unwrap()).find_map(|file| {
        let arrived = !file.file_name().to_string_lossy().starts_with("own");
        arrived.then(|| std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()))
    });
    assert_eq!(mode.unwrap() & 0o777, 0o600, "letters of a payment are for members alone");
}

/// Letters of another group, letters that were altered and other files stay where they are.
#[test]
fn what_is_no_letter_of_the_group_goes_nowhere() {
    let w = world();
    let terms = "--purpose vault --chain $(cat chain.id) --threshold 2 --member north.pub south.pub west.pub";
    for draft in ["one.draft", "two.draft"] {
        w.run(&format!("keys new {draft} {terms}")).ok();
    }
    let dkg =
        |draft: &str| w.run(&format!("keys dkg {draft} --yes --key north.key --group {draft}.group")).ok();
    let (one, two) = (dkg("one.draft"), dkg("two.draft"));
    fs::create_dir(w.path("north.letters")).unwrap();
    w.write("north.letters/foreign", &two);
    w.write("north.letters/thesis", "my thesis\n");
    w.write("north.letters/cut", &one[..one.len() / 2]);
    let (kind, mut bytes) = sotto_keys::armor::from_text(&one).unwrap().pop().unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    w.write("north.letters/forged", &sotto_keys::armor::to_text(kind, &bytes));
    let at = free();
    let running = start(&w, "one.draft", &at, &[0, 1]);
    w.write("letter", &one);
    fs::rename(w.path("letter"), w.path("north.letters/genuine")).unwrap();
    wait(&w, &["south"], 1);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(fs::read_dir(w.path("south.letters")).unwrap().count(), 1, "the genuine one alone");
    drop(running);
    // A stranger proves a key that the draft does not name: it is not heard, and cannot even start as a member.
    w.run("mpc keygen thief").ok();
    let files = "--group one.draft --key thief.key --listen 127.0.0.1:0 --member 2@127.0.0.1:9 --member 3@127.0.0.1:9";
    let said = w.run(&format!("keys exchange north.letters {files} --seconds 1"));
    assert!(said.fails(1).contains("no member of the group has this key"));
    let files = "--group one.draft --key north.key --listen 127.0.0.1:0";
    let said = w.run(&format!("keys exchange nowhere {files} --member 2@127.0.0.1:9 --member 3@127.0.0.1:9"));
    assert!(said.fails(1).contains("cannot read the folder"));
    let said = w.run(&format!("keys exchange north.letters {files} --member 2@127.0.0.1:9"));
    assert!(said.fails(2).contains("no address of member 3"));
}

/// The letters of a group's wallet go the same way, with the verbs as they are.
#[test]
fn a_group_is_paid_from_folder_to_folder() {
    let w = World::settled();
    MEMBERS.iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
    let info: serde_json::Value = serde_json::from_str(&w.run("chain info --json").ok()).unwrap();
    w.group_of(&format!("--purpose coin --chain {}", info["chain_id"].as_str().unwrap()));
    let init = |name: &str, letters: &str| {
        w.run(&format!("wallet init {letters} --group {name}.group --key {name}.key --wallet {name}")).ok()
    };
    let running = start(&w, "board.group", &free(), &[0, 1, 2]);
    w.write("letter", &init("north", ""));
    fs::rename(w.path("letter"), w.path("north.letters/view")).unwrap();
    wait(&w, &["south"], 1);
    init("south", "$(find south.letters -type f -not -name '.*')");
    let address = w.run("wallet address --wallet south").ok();
    w.shell(&format!(
        "sotto wallet send --interactive 2 --to {} --yes --wallet alice > invite",
        address.trim()
    ))
    .ok();
    let step = |name: &str, words: &str, file: &str| {
        let member = format!("--group {name}.group --key {name}.key --wallet {name} --yes");
        w.write("letter", &w.run(&format!("wallet group {words} {member}")).ok());
        fs::rename(w.path("letter"), w.path(&format!("{name}.letters/{file}"))).unwrap();
    };
    // The letters of this payment alone: those of another session are refused.
    let paying = |name: &str| format!("$(ls {name}.letters/* | grep -v view)");
    step("north", "receive invite --with 1 2", "pay.1");
    wait(&w, &["south"], 2);
    step("south", &format!("sign {}", paying("south")), "pay.2");
    wait(&w, &["north"], 3);
    step("north", &format!("sign {} --out answer", paying("north")), "pay.3");
    w.run("wallet finalize answer --submit --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    for name in ["north", "south"] {
        let balance = w.run(&format!("wallet balance --wallet {name} --json")).ok();
        assert!(balance.contains("\"total\":\"2000000000\""), "{balance}");
    }
    drop(running);
}
