//! A result is sold by processes of the real program: what each is paid, what the buyer reads, and where the money is when
//! somebody stops or stays away.
#![allow(clippy::unwrap_used, clippy::panic)]

mod hostile;
mod market;
mod page;
mod refused;
mod stops;

use market::{
    NORTH, Party, SOUTH, START, await_all, balance, is_settled, last, ledger, market, record, says, seal,
    while_sealing,
};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

const STATUS: &str = "mpc buy job.toml --as west --key west.key --wallet alice --status --json";

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
            // One may look while another goes on.
            let status = w.run(STATUS).ok();
            assert!(status.contains(r#""type":"mpc-sale""#), "{status}");
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
    is_settled(&w, before);
    let bought = last(&w, "west.out");
    assert_eq!(bought["sale"]["paid"][1]["amount"], SOUTH.to_string(), "{bought}");
    assert_eq!(bought["sale"]["paid"][1]["start_fee"], START.to_string(), "{bought}");
    assert_eq!(last(&w, "south.out")["sale"]["start_fee"], START.to_string());
    // The buyer proves what it paid to begin.
    let history = w.run("wallet history --wallet alice --json").ok();
    let amount = (START + SOUTH).to_string();
    let of_south = |e: &serde_json::Value| e["kind"] == "hold" && e["amount"] == *amount;
    let hold = history.lines().map(record).find(of_south).unwrap();
    let hold = hold["id"].as_str().unwrap();
    w.shell(&format!("sotto wallet proof export {hold} --start-fee --wallet alice > start.proof")).ok();
    let verify = "sotto wallet proof verify start.proof --to $(sotto wallet address --wallet south) --json";
    let proven = w.shell(verify).ok();
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
    assert_eq!(budgets(&w), 2, "both owners have used a run of their budgets");
    // Once more: everything is there, and nothing is paid twice.
    let status = w.run(STATUS).ok();
    assert!(status.contains(r#""stage":"paid""#), "{status}");
    let why = w.run("mpc buy job.toml --as west --key west.key --wallet alice --undo --yes").fails(1);
    assert!(why.contains("cannot be undone"), "{why}");
}

/// How many parties have used a run of their budgets.
fn budgets(w: &crate::support::World) -> usize {
    w.shell("find data/jobs -name budget").ok().lines().count()
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
        // South has delivered its rows when it is ended.
        says(&w, "south", "right has our encrypted input share");
        drop(all.remove(3));
        says(&w, "west", "Waiting for south to claim");
    });
    assert_eq!(balance(&w, "alice", "held"), NORTH + SOUTH + 2 * 38_000);
    let status = record(&w.run(STATUS).ok());
    assert_eq!(status["stage"], "asked");
    let from = status["payees"][0]["refund_from"].as_u64().unwrap();
    seal(&w, from - ledger(&w, "height"));
    w.run("wallet scan --wallet alice").ok();
    seal(&w, 1);
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
        says(&w, "west", "Waiting for");
        drop(all.pop());
        let undone = w.run(undo).ok();
        assert!(undone.contains(r#""stage":"undone""#), "{undone}");
    });
    assert_eq!(balance(&w, "alice", "total"), before, "nothing was funded");
    let status = w.run(STATUS).ok();
    assert!(status.contains(r#""stage":"undone""#), "{status}");
}
