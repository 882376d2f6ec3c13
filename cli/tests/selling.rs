//! A result is sold by processes of the real program: what each is paid, what the buyer reads, and where the money is when
//! somebody stops or stays away.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, sleep},
    time::{Duration, Instant},
};
use support::World;

const WITHIN: Duration = Duration::from_secs(240);
const NORTH: u64 = 2_000_000_000;
const SOUTH: u64 = 1_000_000_000;
/// What south gets besides, with the funding.
const START: u64 = 100_000_000;
const PARTIES: [&str; 5] = ["left", "right", "north", "south", "west"];

/// The job that west buys of north and south; left and right compute.
const JOB: &str = r#"
name = "Auction of lot 7"
purpose = "To know the second highest price"
nonce = "6d0c9a1c8e1d45bfa0a6c0cf6a5f0a5e6f3c1f0d8a9b7c6d5e4f3a2b1c0d9e8f"
expiry = 2126-01-31T00:00:00Z
deadline = 200
maximum_runs = 1
adversary = "semi-honest"
[roles]
garbler = "left"
evaluator = "right"
[program]
builtin = "auction@1"
parameters = { bidders = 2, bid = { max = 100000, decimals = 2 }, reserve = 100 }
[limits]
rows = 10
and_gates = 100000
seconds = 100
[[party]]
name = "left"
key = "left.pub"
address = "LEFT"
[[party]]
name = "right"
key = "right.pub"
address = "RIGHT"
[[party]]
name = "north"
key = "north.pub"
[[party]]
name = "south"
key = "south.pub"
[[party]]
name = "west"
key = "west.pub"
[[input]]
party = "north"
[[input]]
party = "south"
[[output]]
name = "inputs_hold"
result_parties = ["north", "south", "west"]
[[output]]
name = "result"
result_parties = ["west"]
"#;
const SALE: &str = r#"
[sale]
buyer = "west"
outputs = ["result"]
blocks = 60
confirmations = 2
[[sale.payee]]
party = "north"
offer = "north.offer"
[[sale.payee]]
party = "south"
offer = "south.offer"
"#;

/// A ledger that seals a block whenever it is asked to, wallets of all, and a job that all have signed. alice is west's,
/// north and south have wallets of their names.
fn market() -> World {
    let w = World::empty();
    w.run("chain init --reorganisation 8 --window 480").ok();
    for name in ["alice", "north", "south", "miner"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    w.run("chain seal --blocks 3 --wallet alice").ok();
    w.run("chain seal --blocks 4 --wallet miner").ok();
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [left, right] = ports.each_ref().map(|port| port.local_addr().unwrap().to_string());
    drop(ports);
    let model = JOB.replace("LEFT", &left).replace("RIGHT", &right);
    w.write("model.toml", &model);
    w.write("job.toml", &(model + SALE));
    w.write("north.csv", "bid\n12.50\n");
    w.write("south.csv", "bid\n10.25\n");
    for name in PARTIES {
        w.run(&format!("mpc keygen {name}")).ok();
    }
    // The terms of south are for the buyer alone.
    let secret = "--start-fee 0.1 --confidential west.pub";
    for (name, price, more) in [("north", "2", ""), ("south", "1", secret)] {
        w.shell(&format!(
            "sotto mpc offer new model.toml --key {name}.key --input {name}.csv --price {price} {more} --yes \
             --address $(sotto wallet address --wallet {name}) --out {name}.offer"
        ))
        .ok();
    }
    for name in PARTIES {
        w.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    w
}

/// A party's process, which is ended when this is dropped.
struct Party(Child);

impl Party {
    fn start(w: &World, name: &str) -> Self {
        let verb = match name {
            "west" => "buy job.toml --wallet alice --yes --json --out bought".to_owned(),
            "north" | "south" => format!("run job.toml --input {name}.csv --wallet {name} --json"),
            _ => "run job.toml --json".to_owned(),
        };
        let line = format!("exec sotto mpc {verb} --as {name} --key {name}.key > {name}.out 2>> {name}.err");
        let mut command = w.command("bash");
        command.args(["-c", &line]);
        // A party of its own for the system, too: the signal of one is not that of all.
        command.process_group(0).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn ended(&mut self) -> Option<bool> {
        self.0.try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a party said on standard error so far.
fn said(w: &World, name: &str) -> String {
    fs::read_to_string(w.path(&format!("{name}.err"))).unwrap_or_default()
}

/// Does something while a block is sealed every moment.
fn while_sealing<T>(w: &World, then: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                w.run("chain seal --wallet miner --wait 60").ok();
                sleep(Duration::from_millis(700));
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(then));
        stop.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    })
}

fn await_all(w: &World, parties: &mut [(&str, Party)]) {
    let end = Instant::now() + WITHIN;
    loop {
        let mut left = Vec::new();
        for (name, party) in parties.iter_mut() {
            match party.ended() {
                None => left.push(*name),
                Some(good) => assert!(good, "{name}: {}\n{}", said(w, name), w.read(&format!("{name}.out"))),
            }
        }
        if left.is_empty() {
            return;
        }
        let words = |name: &&str| format!("{name}: {}", said(w, name));
        assert!(
            Instant::now() < end,
            "not in time: {}",
            left.iter().map(words).collect::<Vec<_>>().join("\n")
        );
        sleep(Duration::from_millis(100));
    }
}

fn balance(w: &World, wallet: &str, what: &str) -> u64 {
    let record: Value =
        serde_json::from_str(&w.run(&format!("wallet balance --wallet {wallet} --json")).ok()).unwrap();
    record[what].as_str().unwrap().parse().unwrap()
}

fn last(w: &World, file: &str) -> Value {
    serde_json::from_str(w.read(file).lines().last().unwrap_or_default()).unwrap_or_default()
}

/// The buyer is killed again and again, and goes on where it was; so is a payee, once.
#[test]
fn owners_are_paid_and_the_buyer_reads_the_result_whoever_stops() {
    let w = market();
    let before = balance(&w, "alice", "total");
    while_sealing(&w, || {
        let mut all: Vec<(&str, Party)> =
            ["left", "right", "north", "south"].map(|n| (n, Party::start(&w, n))).into();
        let mut buyer = Party::start(&w, "west");
        let began = Instant::now();
        for pause in [2_500, 4_000, 3_000, 5_000, 3_500] {
            sleep(Duration::from_millis(pause));
            if buyer.ended().is_some() {
                break;
            }
            drop(buyer);
            if pause == 3_000 && all[3].1.ended().is_none() {
                all[3].1 = Party::start(&w, "south");
            }
            buyer = Party::start(&w, "west");
        }
        all.push(("west", buyer));
        await_all(&w, &mut all);
        println!("settled after {:?}", began.elapsed());
    });
    assert_eq!((balance(&w, "north", "total"), balance(&w, "south", "total")), (NORTH, START + SOUTH));
    let (spent, paid) = (before - balance(&w, "alice", "total"), NORTH + START + SOUTH);
    assert!((paid..paid + 1_000_000).contains(&spent), "{spent}");
    let bought = last(&w, "west.out");
    assert_eq!(bought["type"], "mpc-result", "{bought}");
    assert_eq!(bought["outputs"]["result"][0]["price"].to_string().trim_matches('"'), "10.25", "{bought}");
    assert_eq!(bought["sale"]["paid"][1]["amount"], SOUTH.to_string(), "{bought}");
    assert_eq!(bought["sale"]["paid"][1]["start_fee"], START.to_string(), "{bought}");
    assert_eq!(last(&w, "south.out")["sale"]["start_fee"], START.to_string());
    // The buyer proves what it paid to begin.
    let history = w.run("wallet history --wallet alice --json").ok();
    let of_south = |e: &Value| e["kind"] == "hold" && e["amount"] == (START + SOUTH).to_string();
    let hold =
        history.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(of_south).unwrap();
    let hold = hold["id"].as_str().unwrap();
    w.shell(&format!("sotto wallet proof export {hold} --start-fee --wallet alice > start.proof")).ok();
    let proven = w
        .shell("sotto wallet proof verify start.proof --to $(sotto wallet address --wallet south) --json")
        .ok();
    assert!(proven.contains(&format!(r#""amount":"{START}""#)), "{proven}");
    assert!(w.run("wallet history --wallet south --json").ok().contains(r#""kind":"start-fee""#));
    assert_eq!(last(&w, "north.out")["sale"]["amount"], NORTH.to_string());
    for file in ["receipt.json", "result.csv", "result.json", "bought.json"] {
        assert!(w.path("bought").join(file).exists(), "{file}");
    }
    w.run("mpc verify bought/receipt.json").ok();
    w.run("mpc verify bought/receipt.json --result bought/result.json --job job.toml").ok();
    // Others read nothing of what was sold.
    for party in ["left-1", "right-1", "north-1", "south-1"] {
        assert!(!w.path("job.results").join(party).join("result.csv").exists(), "{party}");
    }
    // Once more: everything is there, and nothing is paid twice.
    let status = w.run("mpc buy job.toml --as west --key west.key --wallet alice --status --json").ok();
    assert!(status.contains(r#""stage":"paid""#), "{status}");
    let why = w.run("mpc buy job.toml --as west --key west.key --wallet alice --undo --yes").fails(1);
    assert!(why.contains("cannot be undone"), "{why}");
}

/// A payee goes away after the run and before it says go: no secret leaves, no payee is paid, and all money comes back but
/// the start fee, which that payee keeps.
#[test]
fn without_one_payee_all_money_comes_back() {
    let w = market();
    let before = balance(&w, "alice", "total");
    while_sealing(&w, || {
        let mut all: Vec<(&str, Party)> =
            ["left", "right", "north", "south", "west"].map(|n| (n, Party::start(&w, n))).into();
        let end = Instant::now() + WITHIN;
        // South has delivered its rows when it is ended.
        while !said(&w, "south").contains("right has our encrypted input share") {
            assert!(Instant::now() < end, "{}\n{}", said(&w, "west"), said(&w, "south"));
            sleep(Duration::from_millis(20));
        }
        drop(all.remove(3));
        while !said(&w, "west").contains("Waiting for south to claim") {
            assert!(Instant::now() < end, "{}", said(&w, "west"));
            sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(balance(&w, "alice", "held"), NORTH + SOUTH + 2 * 38_000);
    let status = w.run("mpc buy job.toml --as west --key west.key --wallet alice --status --json").ok();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["stage"], "asked");
    let from = status["payees"][0]["refund_from"].as_u64().unwrap();
    let info: Value = serde_json::from_str(&w.run("chain info --json").ok()).unwrap();
    let blocks = from - info["height"].as_u64().unwrap();
    w.run(&format!("chain seal --blocks {blocks} --wallet miner")).ok();
    w.run("wallet scan --wallet alice").ok();
    w.run("chain seal --wallet miner").ok();
    w.run("wallet scan --wallet alice").ok();
    assert_eq!((balance(&w, "north", "total"), balance(&w, "south", "total")), (0, START));
    let lost = before - balance(&w, "alice", "total");
    assert!((START..START + 1_000_000).contains(&lost) && balance(&w, "alice", "held") == 0, "{lost}");
    assert!(!w.path("bought").exists(), "nothing was opened");
}

/// The buyer takes its money back before anybody has funded anything, and while the payees wait.
#[test]
fn a_buyer_takes_its_money_back() {
    let w = market();
    let before = balance(&w, "alice", "total");
    let undo = "mpc buy job.toml --as west --key west.key --wallet alice --undo --yes --json";
    while_sealing(&w, || {
        // No compute party's partner: the run cannot begin.
        let mut all: Vec<(&str, Party)> = ["left", "north", "west"].map(|n| (n, Party::start(&w, n))).into();
        let end = Instant::now() + WITHIN;
        while !said(&w, "west").contains("Waiting for") {
            assert!(Instant::now() < end, "{}", said(&w, "west"));
            sleep(Duration::from_millis(50));
        }
        drop(all.pop());
        let undone = w.run(undo).ok();
        assert!(undone.contains(r#""stage":"undone""#), "{undone}");
    });
    assert_eq!(balance(&w, "alice", "total"), before, "nothing was funded");
    let status = w.run("mpc buy job.toml --as west --key west.key --wallet alice --status --json").ok();
    assert!(status.contains(r#""stage":"undone""#), "{status}");
}
