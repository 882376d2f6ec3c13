//! Holds at the command line: the page docs/SETTLEMENT.md as it is printed, a refund on a chain with short windows, and
//! what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

mod support;

use serde_json::Value;
use support::World;

const PAGE: &str = include_str!("../../docs/SETTLEMENT.md");

/// The lines of a page that a reader types.
fn typed(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    let script = typed(PAGE);
    for verb in ["open", "join", "prove", "answer", "release", "claim", "undo", "status"] {
        assert!(script.contains(&format!("wallet hold {verb} ")), "{verb}");
    }
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("claimed") && said.out.contains("undone"), "{said:?}");
    assert!(said.out.contains("held "), "the balance shows what is held: {said:?}");
    assert!(said.out.contains("spendable                  0.5 SOT"), "{said:?}");
}

fn records(out: &str) -> Vec<Value> {
    out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// W = 180, K = 1, grid 60: M = 121.
fn short_windows() -> World {
    let w = World::empty();
    w.run("chain init --window 180 --reorganisation 1").ok();
    for name in ["alice", "bob"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    w.shell("sotto wallet contact add bob $(sotto wallet address --wallet bob) --wallet alice").ok();
    w.run("chain seal --blocks 6 --wallet alice").ok();
    w
}

const FUND: &str = "sotto wallet hold open 0.5 --to bob --blocks 20 --confirmations 2 --refunds 2 --yes --wallet alice \
    | sotto wallet hold join - --yes --wallet bob | sotto wallet hold prove - --wallet alice \
    | sotto wallet hold join - --wallet bob > part.txt && sotto wallet hold prove part.txt --yes --wallet alice";

#[test]
fn the_money_returns_when_the_seller_is_gone() {
    let w = short_windows();
    w.shell(FUND).ok();
    w.run("chain seal --wallet alice").ok();
    let held = records(&w.run("wallet balance --json --wallet alice").ok());
    assert_eq!(held[0]["held"], "500038000");
    let status = records(&w.run("wallet hold status --json --wallet alice").ok());
    let (hold, from) =
        (status[0]["hold"].as_str().unwrap(), status[0]["terms"]["refund_from"].as_u64().unwrap());
    // H_r: the first multiple of 60 from next + D + W + grid on, where next was 7.
    assert_eq!(from, 300);
    let early = w.run(&format!("wallet hold refund {hold} --json --wallet alice")).fails(1);
    assert!(early.contains("no refund can enter block 8: the windows are open from 300 to 660"), "{early}");
    // Too late for the seller, too early for the payer.
    w.run("chain seal --blocks 150 --wallet bob").ok();
    let late = w.run(&format!("wallet hold answer {hold} --wallet bob")).fails(1);
    assert!(late.contains("a claim must be published by height 119"), "{late}");
    w.run("chain seal --blocks 145 --wallet bob").ok();
    w.run(&format!("wallet hold refund {hold} --wallet alice")).ok();
    w.run("chain seal --wallet bob").ok();
    for side in ["alice", "bob"] {
        let status = records(&w.run(&format!("wallet hold status --json --wallet {side}")).ok());
        assert_eq!((&status[0]["stage"], &status[0]["ended"]), (&"refunded".into(), &303.into()), "{side}");
    }
    let history = w.run("wallet history --json --wallet alice").ok();
    assert!(records(&history).iter().any(|r| r["kind"] == "hold" && r["id"] == hold), "{history}");
    assert!(w.run(&format!("wallet hold undo {hold} --yes --wallet bob")).fails(1).contains("ended"));
}

#[test]
fn plans_are_shown_and_do_nothing() {
    let w = short_windows();
    let plan = w.run("wallet hold open 0.5 --to bob --blocks 20 --dry-run --json --wallet alice").ok();
    let plan = records(&plan);
    assert_eq!((&plan[0]["type"], &plan[0]["terms"]["refunds"]), (&"hold-plan".into(), &30.into()));
    let text = w.run("wallet hold open 0.5 --to bob --blocks 20 --dry-run --wallet alice").ok();
    assert!(text.contains("Unaudited") && text.contains("30 times longer"), "{text}");
    assert!(w.run("wallet hold status --json --wallet alice").ok().is_empty());
    // Without a terminal nobody can be asked.
    w.run("wallet hold open 0.5 --to bob --wallet alice").fails(4);
    w.run("wallet hold open 0.5 --to bob --refunds 65 --yes --wallet alice").fails(2);
    w.run("wallet hold open 0 --to bob --yes --wallet alice").fails(2);
    let poor = w.run("wallet hold open 5000 --to bob --yes --json --wallet alice").fails(1);
    assert!(poor.contains("insufficient") || poor.contains("supply"), "{poor}");
}

#[test]
fn letters_in_the_wrong_hands_are_refused() {
    let w = short_windows();
    w.run("wallet init --wallet dora --words-file dora.words").ok();
    w.run("wallet hold open 0.5 --to bob --blocks 20 --confirmations 2 --yes --wallet alice > offer.txt")
        .ok();
    assert!(w.read("offer.txt").starts_with("BEGIN SOTTO ENCRYPTED HOLD OFFER."));
    assert!(w.run("wallet hold join offer.txt --yes --wallet dora").fails(1).contains("another address"));
    w.run("wallet hold prove offer.txt --yes --wallet alice").fails(1);
    w.run("wallet hold join offer.txt --yes --wallet bob > join.txt").ok();
    let again = w.run("wallet hold join offer.txt --wallet bob").ok();
    assert_eq!(again, w.read("join.txt"), "the same letter, unasked");
    assert!(w.run("wallet hold prove join.txt --wallet dora").fails(1).contains("another address"));
    let hold = records(&w.run("wallet hold status --json --wallet alice").ok());
    let hold = hold[0]["hold"].as_str().unwrap();
    assert!(w.run(&format!("wallet hold answer {hold} --wallet bob")).fails(1).contains("parted"));
    assert!(w.run("wallet hold status ffff --wallet bob").fails(1).contains("no hold `ffff`"));
    w.run(&format!("wallet hold undo {hold} --wallet alice")).ok();
    assert!(w.run("wallet hold prove join.txt --wallet alice").fails(1).contains("cancelled"));
    let balance = records(&w.run("wallet balance --json --wallet alice").ok());
    assert_eq!((&balance[0]["locked"], &balance[0]["held"]), (&"0".into(), &"0".into()));
}

/// A secret bought: the claim is worth nothing without it, and gives it to the payer.
#[test]
fn a_locked_claim_sells_a_secret() {
    let w = World::proven();
    w.held();
    let kept = w.run("wallet hold claim locked-release.txt --wallet bob").ok();
    assert!(kept.contains("--secret-file"), "{kept}");
    w.write("wrong.secret", &format!("06{}", "00".repeat(31)));
    let wrong =
        w.run("wallet hold claim locked-release.txt --secret-file wrong.secret --wallet bob").fails(1);
    assert!(wrong.contains("not that of the point"), "{wrong}");
    w.run("wallet hold claim locked-release.txt --secret-file lock.secret --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    let all = records(&w.run("wallet hold status --json --wallet alice").ok());
    let sold: Vec<_> = all.iter().filter(|r| r["stage"] == "claimed").collect();
    assert_eq!(sold.len(), 1);
    assert_eq!(sold[0]["secret"], format!("05{}", "00".repeat(31)));
}
