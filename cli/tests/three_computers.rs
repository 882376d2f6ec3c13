//! Jobs with three computers and real processes over TLS, on loopback and with a network for each: three owners, three
//! computers and a receiver, each a party of its own; what is shown and refused.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _, stderr};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;

const JOB: &str = include_str!("data/job/job.toml");
const OWNERS: [(&str, &str); 3] = [("north", "500.00"), ("south", "420.50"), ("west", "77")];
const ALL: [&str; 7] = ["north", "south", "west", "ada", "bob", "cyd", "auctioneer"];

/// Seven parties, of whom three compute and one receives, on free ports of loopback.
fn text() -> String {
    let ports = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    text_at(ports.map(|port| port.local_addr().unwrap().to_string()))
}

/// The same, with these addresses of the computers.
fn text_at(addresses: [String; 3]) -> String {
    let (head, rest) = JOB.split_once("[roles]").unwrap();
    let (_, rest) = rest.split_once("[program]").unwrap();
    let head = head.replace("protocol = \"semi-honest\"", "adversary = \"malicious\"\nexperimental = true");
    let mut text = format!("{head}computers = [\"ada\", \"bob\", \"cyd\"]\n\n[program]{rest}");
    for port in [17701, 17702] {
        text = text.replace(&format!("address = \"127.0.0.1:{port}\"\n"), "");
    }
    for names in ["[\"north\", \"south\", \"west\"]", "[\"north\", \"west\"]"] {
        text = text.replace(&format!("result_parties = {names}"), "result_parties = [\"auctioneer\"]");
    }
    for (name, address) in ALL[3..6].iter().zip(&addresses) {
        text += &format!("\n[[party]]\nname = \"{name}\"\nkey = \"{name}.pub\"\naddress = \"{address}\"\n");
    }
    text + "\n[[party]]\nname = \"auctioneer\"\nkey = \"auctioneer.pub\"\n"
}

fn world() -> World {
    world_of(&text())
}

fn world_of(job: &str) -> World {
    let world = World::empty();
    world.write("job.toml", job);
    ALL.iter().for_each(|name| drop(world.run(&format!("mpc keygen {name}")).ok()));
    OWNERS.iter().for_each(|(name, bid)| world.write(&format!("{name}.csv"), &format!("bid\n{bid}\n")));
    world
}

fn sign_all(world: &World) {
    ALL.iter().for_each(|name| drop(world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok()));
}

/// What a party runs.
fn words(i: usize, name: &str) -> String {
    let input = if i < 3 { format!(" --input {name}.csv") } else { String::new() };
    format!("mpc run job.toml --json --as {name} --key {name}.key{input}")
}

/// Starts a party as a process that can be killed.
fn start(world: &World, name: &str) -> Child {
    let i = ALL.iter().position(|one| *one == name).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
    command
        .args(words(i, name).split(' '))
        .current_dir(world.dir.path())
        .env("SOTTO_DIR", world.path("data"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs all parties at once.
fn run_all(world: &World) -> Vec<Value> {
    let said: Vec<_> = thread::scope(|scope| {
        let start = |(i, name): (usize, &&str)| {
            let words = words(i, name);
            scope.spawn(move || world.run(&words))
        };
        let running: Vec<_> = ALL.iter().enumerate().map(start).collect();
        running.into_iter().map(|party| party.join().unwrap()).collect()
    });
    said.into_iter().map(|said| serde_json::from_str(&said.ok()).unwrap()).collect()
}

#[test]
fn three_owners_three_computers_and_a_receiver_get_what_is_theirs() {
    let world = world();
    let shown = world.run("mpc check job.toml").ok().split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "ada, bob and cyd compute (bob evaluates, the others garble)",
        "You trust that one of the 3, you need not know which, follows the protocol",
        "all of them together can read every input",
        "EXPERIMENTAL: that the protocol of more than two compute parties does this is argued, not proven",
    ] {
        assert!(shown.contains(says), "{says}: {shown}");
    }
    sign_all(&world);
    let results = run_all(&world);
    assert_eq!(results[6]["outputs"]["result"][0]["price"], "420.50");
    assert_eq!(results[6]["outputs"]["result"][0]["winner"], "1");
    assert!(results[..6].iter().all(|result| result["outputs"]["result"] == Value::Null));
    let receipt = results[6]["receipt"].as_str().unwrap();
    let shown = world.run(&format!("mpc verify {receipt}")).ok();
    let signed = ["ada", "bob", "cyd"].map(|name| shown.contains(&format!("signed by {name} (")));
    assert!(signed == [true; 3] && shown.contains("argued, not proven"), "{shown}");
    // Without the statement of one of them it is none.
    let text = world.read(receipt);
    let statement = text.find("receipt_bytes").unwrap();
    world.write(
        "altered.json",
        &[&text[..statement], &text[statement..].replacen("7633", "7631", 1)].concat(),
    );
    world.run("mpc verify altered.json").fails(1);
}

/// A computer that is killed comes back, and the second attempt of two gives the result. Where the first broke off so late
/// that outputs may have been opened, that run counts, and the parties say so.
#[test]
fn a_killed_computer_comes_back() {
    let world = world();
    sign_all(&world);
    for (victim, at) in [
        ("ada", "Waiting"),
        ("bob", "Waiting"),
        ("ada", "Computing"),
        ("bob", "Computing"),
        ("cyd", "Computing"),
    ] {
        let mut running: Vec<Child> =
            ALL.iter().filter(|name| **name != victim).map(|name| start(&world, name)).collect();
        let mut dying = start(&world, victim);
        let (mut heard, mut byte, mut said) = (Vec::new(), [0], dying.stderr.take().unwrap());
        while !String::from_utf8_lossy(&heard).contains(at) && said.read(&mut byte).unwrap() == 1 {
            heard.push(byte[0]);
        }
        dying.kill().unwrap();
        dying.wait().unwrap();
        running.push(start(&world, victim));
        let said: Vec<_> = running.into_iter().map(|party| party.wait_with_output().unwrap()).collect();
        let errors: Vec<_> =
            said.iter().map(|said| String::from_utf8_lossy(&said.stderr).into_owned()).collect();
        if said.iter().all(|said| said.status.success()) {
            // The receiver was the last to start before the victim came back.
            let result: Value = serde_json::from_slice(&said[ALL.len() - 2].stdout).unwrap();
            assert_eq!(result["outputs"]["result"][0]["price"], "420.50", "{victim} died at {at}");
        } else {
            assert!(
                errors.iter().any(|said| said.contains("outputs may have been opened")),
                "{victim} died at {at}: {errors:#?}"
            );
        }
        for left in ["data/jobs", "job.results"] {
            let _ = fs::remove_dir_all(world.path(left));
        }
    }
}

/// As in `networks.rs`: each party in a network namespace that ends with the script, joined by a bridge.
#[test]
fn seven_parties_in_networks_of_their_own_complete_the_job() {
    let world = world_of(&text_at([4, 5, 6].map(|n| format!("10.77.0.{n}:7700"))));
    let network = include_str!("data/apart/network.sh");
    world.write("network.sh", &format!("PARTIES='{}'\n{network}", ALL.join(" ")));
    let alone = "unshare --net --mount --pid --fork --kill-child bash -e";
    let tried = world.shell(&format!("{alone} network.sh"));
    if tried.code != 0 {
        let why = tried.err.trim_end();
        let _ = writeln!(stderr(), "no run in seven networks, because they cannot be created here: {why}");
        return;
    }
    sign_all(&world);
    let mut script = ". ./network.sh\n".to_owned();
    for (i, name) in ALL.iter().enumerate() {
        let command = format!("nsenter --net=/run/netns/{name} timeout -k 5 240 sotto {}", words(i, name));
        script += &format!("{command} > {name}.out 2> {name}.err & all=\"$all $!\"\n");
    }
    world.write("run.sh", &(script + "code=0; for one in $all; do wait $one || code=1; done; exit $code\n"));
    let said = world.shell(&format!("{alone} run.sh"));
    let errors = ALL.map(|name| world.read(&format!("{name}.err")));
    assert_eq!(said.code, 0, "{said:?}\n{errors:#?}");
    let result: Value = serde_json::from_str(&world.read("auctioneer.out")).unwrap();
    assert_eq!(result["outputs"]["result"][0]["price"], "420.50");
}

#[test]
fn one_machine_runs_them_all_and_a_quote_counts_them() {
    let world = world();
    let inputs: Vec<_> = OWNERS.iter().map(|(name, _)| format!("--input {name}={name}.csv")).collect();
    let said = world.run(&format!("mpc local job.toml --json --out out {}", inputs.join(" "))).ok();
    let record: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(record["parties"]["auctioneer"]["outputs"]["result"][0]["price"], "420.50");
    let quote = |job: &str| -> Value {
        serde_json::from_str(&world.run(&format!("mpc quote {job} --json --bandwidth 10000")).ok()).unwrap()
    };
    let two =
        text().replace("\"ada\", \"bob\", \"cyd\"", "\"ada\", \"bob\"").replace("experimental = true\n", "");
    world.write(
        "two.toml",
        &two.replace("[[party]]\nname = \"cyd\"", "[[input]]\nparty = \"x\"\n[[party]]\nname = \"cyd\""),
    );
    world.run("mpc check two.toml").fails(1);
    let (head, tail) = two.split_once("\n[[party]]\nname = \"cyd\"").unwrap();
    world.write(
        "two.toml",
        &[head, "\n[[party]]\nname = \"auctioneer\"", tail.split_once("name = \"auctioneer\"").unwrap().1]
            .concat(),
    );
    let (of_two, of_three) = (quote("two.toml"), quote("job.toml"));
    let receipt: Value = serde_json::from_str(&world.read("out/ada/receipt.json")).unwrap();
    let sent = |statement: &Value| statement["sent"].as_f64().unwrap();
    let sent: f64 = receipt["statements"].as_array().unwrap().iter().map(sent).sum();
    let quoted = of_three["bytes"].as_f64().unwrap();
    assert!((1.0..1.1).contains(&(quoted / sent)), "quoted {quoted}, sent {sent}");
    for (what, least) in [("bytes", 2.5), ("input_bytes", 2.0), ("memory_bytes", 1.01)] {
        let [two, three] = [&of_two, &of_three].map(|quote| quote[what].as_f64().unwrap());
        assert!(three > least * two && three < 8.0 * two, "{what}: {two}, {three}");
    }
}

#[test]
fn words_about_computers_are_checked() {
    let world = world();
    let text = text();
    let three = "computers = [\"ada\", \"bob\", \"cyd\"]";
    for (from, to, why) in [
        ("experimental = true\n", "", "three or more computers are experimental"),
        ("experimental = true", "experimental = false", "three or more computers are experimental"),
        ("adversary = \"malicious\"", "", "three or more compute parties need `adversary = \"malicious\"`"),
        (three, "", "`computers` is missing"),
        (three, "computers = [\"ada\"]", "two parties compute, or, experimentally, 3 to 8"),
        (three, "computers = [\"ada\", \"bob\"]", "`experimental` is for three or more computers"),
        (three, "computers = [\"ada\", \"bob\", \"bob\"]", "three to 8 different ones"),
        (three, "computers = [\"ada\", \"bob\", \"dan\"]", "there is no [[party]] named \"dan\""),
        (three, "computers = [\"ada\", \"bob\", \"west\"]", "a compute party needs an address"),
        ("[program]", "[roles]\ngarbler = \"ada\"\nevaluator = \"bob\"\n\n[program]", "not in both"),
    ] {
        assert!(text.contains(from), "{from}");
        world.write("other.toml", &text.replacen(from, to, 1));
        let said = world.run("mpc check other.toml").fails(1);
        assert!(said.contains(why), "{to}: {said}");
    }
    // Two names are what the roles are, with the same id.
    let id = |text: &str| {
        world.write("other.toml", text);
        let record: Value = serde_json::from_str(&world.run("mpc check other.toml --json").ok()).unwrap();
        record["job"].as_str().unwrap().to_owned()
    };
    let named = JOB.replace("[roles]\ngarbler = \"north\"\nevaluator = \"south\"\n", "");
    let named = format!("computers = [\"north\", \"south\"]\n{named}");
    assert_eq!(id(&named), id(JOB));
}
