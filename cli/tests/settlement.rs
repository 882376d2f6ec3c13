//! Holds at the command line: the page docs/SETTLEMENT.md as it is printed, a refund on a chain with short windows, and
//! what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::World;
use serde_json::Value;

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
    for verb in ["open", "join", "prove", "lock", "answer", "release", "claim", "undo", "status"] {
        assert!(script.contains(&format!("wallet hold {verb} ")), "{verb}");
    }
    for verb in ["state", "accept", "verify", "list"] {
        assert!(script.contains(&format!("wallet level {verb} ")), "{verb}");
    }
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("claimed") && said.out.contains("undone"), "{said:?}");
    assert!(said.out.contains("held "), "the balance shows what is held: {said:?}");
    assert!(said.out.contains("spendable                  0.5 SOT"), "{said:?}");
    assert!(
        said.out.contains("spendable                  0.3 SOT"),
        "alice has bob's money of the other ledger: {said:?}"
    );
    assert!(said.out.contains("unverified  said by bob in block"), "{said:?}");
    let output = world.read("brought.output");
    let known = world.run("wallet level list --json --wallet alice").ok();
    let known: Value = serde_json::from_str(&known).unwrap();
    assert_eq!((&known["output"], &known["level"]), (&output.trim().into(), &"verified".into()));
    let shown = world.run(&format!("chain kernel {}", known["notice"].as_str().unwrap())).ok();
    assert!(shown.contains("kind      notice") && shown.contains("records   topic 3, "), "{shown}");
    let older = world.run("wallet level accept unverified.txt --from bob --wallet alice").fails(1);
    assert!(older.contains("a later statement"), "{older:?}");
    assert_eq!(world.read("learned.secret"), world.read("swap.secret"));
    let again = world.run("wallet hold lock swap.secret").ok();
    assert_eq!(again, world.read("swap.point"), "a file that exists is not made anew");
}

fn records(out: &str) -> Vec<Value> {
    out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// n·G of the vectors.
fn point(n: usize) -> String {
    let multiples: Value = serde_json::from_str(include_str!("../../vectors/rfc9496.json")).unwrap();
    multiples["multiples"][n].as_str().unwrap().to_owned()
}

fn stage(w: &World, who: &str) -> String {
    let all = records(&w.run(&format!("wallet hold status --json --wallet {who}")).ok());
    all[0]["stage"].as_str().unwrap().to_owned()
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
    // H_r: the first multiple of 60 from L + D + M + grid on, where next was 7: L = 180, M = 121.
    assert_eq!(from, 420);
    let early = w.run(&format!("wallet hold refund {hold} --json --wallet alice")).fails(1);
    assert!(early.contains("no refund can enter block 8: the windows are open from 420 to 780"), "{early}");
    // Too late for the seller, with a lock and then without; too early for the payer.
    let claim_by = |who: &str| {
        let r = records(&w.run(&format!("wallet hold status --json --wallet {who}")).ok());
        (r[0]["claim_by"].clone(), r[0]["too_late"].clone())
    };
    w.run("chain seal --blocks 235 --wallet bob").ok();
    let late = w.run(&format!("wallet hold answer {hold} --lock {} --wallet bob", point(5))).fails(1);
    assert!(late.contains("a claim must be published by height 239"), "{late}");
    assert_eq!(claim_by("bob"), (360.into(), false.into()));
    w.run("chain seal --blocks 120 --wallet bob").ok();
    let late = w.run(&format!("wallet hold answer {hold} --wallet bob")).fails(1);
    assert!(late.contains("a claim must be published by height 360"), "{late}");
    for who in ["alice", "bob"] {
        assert_eq!(claim_by(who), (360.into(), true.into()));
        assert!(w.run(&format!("wallet hold status --wallet {who}")).ok().contains("too late to claim"));
    }
    w.run("chain seal --blocks 58 --wallet bob").ok();
    w.run(&format!("wallet hold refund {hold} --wallet alice")).ok();
    w.run("chain seal --wallet bob").ok();
    for side in ["alice", "bob"] {
        let status = records(&w.run(&format!("wallet hold status --json --wallet {side}")).ok());
        assert_eq!((&status[0]["stage"], &status[0]["ended"]), (&"refunded".into(), &421.into()), "{side}");
    }
    let history = w.run("wallet history --json --wallet alice").ok();
    assert!(records(&history).iter().any(|r| r["kind"] == "hold" && r["id"] == hold), "{history}");
    assert!(w.run(&format!("wallet hold undo {hold} --yes --wallet bob")).fails(1).contains("ended"));
}

/// The start fee: with the funding, and before anything else happens.
#[test]
fn a_seller_is_paid_to_begin() {
    let w = short_windows();
    w.shell(&FUND.replace("open 0.5", "open 0.5 --start-fee 0.05")).ok();
    let status = |who: &str| w.run(&format!("wallet hold status --wallet {who}")).ok();
    assert!(status("bob").contains("start fee 0.05 SOT: paid with the funding, which is in no block"));
    let balance = || records(&w.run("wallet balance --json --wallet bob").ok())[0]["spendable"].clone();
    assert_eq!(balance(), "0");
    w.run("chain seal --wallet alice").ok();
    assert!(status("bob").contains("start fee 0.05 SOT: paid in block 7") && balance() == "50000000");
    let record = records(&w.run("wallet hold status --json --wallet alice").ok());
    assert_eq!(
        (&record[0]["stage"], &record[0]["terms"]["start_fee"]),
        (&"funded".into(), &"50000000".into())
    );
    let kinds = |who: &str| -> Vec<(Value, Value)> {
        let all = records(&w.run(&format!("wallet history --json --wallet {who}")).ok());
        all.iter().map(|r| (r["kind"].clone(), r["amount"].clone())).collect()
    };
    assert_eq!(kinds("bob"), [("start-fee".into(), "50000000".into())]);
    assert!(kinds("alice").contains(&("hold".into(), "550000000".into())), "{:?}", kinds("alice"));
    let hold = record[0]["hold"].as_str().unwrap();
    w.run(&format!("wallet proof export {hold} --wallet alice")).fails(1);
    w.run(&format!("wallet proof export {hold} --start-fee --wallet alice > start.proof")).ok();
    let to_bob = "sotto wallet proof verify start.proof --to $(sotto wallet address --wallet bob) --json";
    assert_eq!(records(&w.shell(to_bob).ok())[0]["amount"], "50000000");
    w.run(&format!("wallet proof export {hold} --start-fee --wallet bob")).fails(1);
}

/// The wallet of the payer listens, and does nothing else.
#[test]
fn money_that_nobody_touches_returns() {
    let w = short_windows();
    w.shell(FUND).ok();
    w.run("chain seal --blocks 412 --wallet bob").ok();
    assert!(!w.run("wallet scan --wallet alice").ok().contains("returns"), "block 419 is too early");
    let said = w.shell(
        "sotto wallet listen --listen 127.0.0.1:0 --wallet alice > log 2> err & l=$!
         for n in $(seq 300); do [ -s log ] && break; sleep 0.1; done
         sotto chain seal --wallet bob
         for n in $(seq 600); do grep -q returns err && break; sleep 0.1; done
         kill -TERM $l; wait $l && sotto chain seal --wallet bob",
    );
    assert!(
        said.code == 0 && w.read("err").contains("its refund was submitted"),
        "{said:?}\n{}",
        w.read("err")
    );
    assert_eq!([stage(&w, "alice"), stage(&w, "bob")], ["refunded", "refunded"]);
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
    assert!(text.contains("with a lock by 239") && !text.contains("do not outlast"), "{text}");
    let thin = "wallet hold open 0.5 --to bob --blocks 20 --confirmations 1 --dry-run --wallet alice";
    assert!(w.run(thin).ok().contains("can undo the last 1 blocks: 1 confirmations do not outlast that"));
    let begun = "wallet hold open 0.5 --start-fee 0.05 --to bob --dry-run --wallet alice";
    let text = w.run(begun).ok();
    assert!(text.contains("0.05") && text.contains("never comes back"), "{text}");
    let plan = records(&w.run(&format!("{begun} --json")).ok());
    assert_eq!(plan[0]["terms"]["start_fee"], "50000000");
    assert_eq!(plan[0]["funding"]["amount"], "550038000", "the fee of the claim as well");
    w.run("wallet hold open 0.5 --start-fee 0 --to bob --dry-run --wallet alice").fails(2);
    // Without a terminal nobody can be asked.
    w.run("wallet hold open 0.5 --to bob --wallet alice").fails(4);
    w.run("wallet hold open 0.5 --to bob --refunds 65 --yes --wallet alice").fails(2);
    w.run("wallet hold open 0 --to bob --yes --wallet alice").fails(2);
    let poor = w.run("wallet hold open 5000 --to bob --yes --json --wallet alice").fails(1);
    assert!(poor.contains("insufficient") || poor.contains("supply"), "{poor}");
}

/// Each step that has --dry-run shows a plan, and does nothing.
#[test]
fn a_dry_run_of_any_step_changes_nothing() {
    let w = short_windows();
    let open = "wallet hold open 0.5 --to bob --blocks 20 --confirmations 1 --yes --wallet alice";
    w.run(&format!("{open} > offer.txt")).ok();
    let hold = records(&w.run("wallet hold status --json --wallet alice").ok());
    let hold = hold[0]["hold"].as_str().unwrap();
    let dry = |step: &str, who: &str, stage_then: &str| {
        let plan = records(&w.run(&format!("wallet hold {step} --dry-run --json --wallet {who}")).ok());
        assert_eq!((plan.len(), &plan[0]["type"]), (1, &"hold-plan".into()), "{step}");
        assert_eq!(stage(&w, who), stage_then, "{step}");
        plan[0].clone()
    };
    dry(&format!("undo {hold}"), "alice", "proposed");
    w.run("wallet hold join offer.txt --yes --wallet bob > join.txt").ok();
    dry("join offer.txt", "bob", "joined");
    dry("prove join.txt", "alice", "proposed");
    w.run("wallet hold prove join.txt --wallet alice > prove.txt").ok();
    dry("join prove.txt", "bob", "joined");
    w.run("wallet hold join prove.txt --wallet bob > part.txt").ok();
    dry("prove part.txt", "alice", "proven");
    w.run("wallet hold prove part.txt --yes --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    dry(&format!("undo {hold}"), "bob", "parted");
    w.run(&format!("wallet hold undo {hold} --yes --wallet bob > consent.txt")).ok();
    dry("undo consent.txt", "alice", "funded");
    let release = dry("release consent.txt", "alice", "funded");
    assert_eq!((&release["undoing"], &release["lock"]), (&true.into(), &Value::Null));
    assert!(w.run("wallet hold release consent.txt --yes --wallet alice").fails(1).contains("hold undo"));
    w.run("chain seal --wallet alice").ok();
    assert_eq!([stage(&w, "alice"), stage(&w, "bob")], ["funded", "parted"], "no undoing was submitted");
    w.run(&format!("wallet hold answer {hold} --lock {} --wallet bob > answer.txt", point(5))).ok();
    let release = dry("release answer.txt", "alice", "funded");
    assert_eq!((&release["undoing"], &release["lock"]), (&false.into(), &point(5).into()));
    assert_eq!(release["claim_until"], 180);
    let refused = |lock: String| {
        w.run(&format!("wallet hold release answer.txt --lock {lock} --yes --wallet alice")).fails(1)
    };
    assert!(refused(point(6)).contains("another lock"));
    w.run(&format!("wallet hold release answer.txt --lock {} --yes --wallet alice > release.txt", point(5)))
        .ok();
    w.run("wallet hold claim release.txt --wallet bob").ok();
    let status = w.run("wallet hold status --wallet bob").ok();
    assert!(status.contains(&format!("with the secret of {}, by height 59", point(5))), "{status}");
    w.write("lock.secret", &format!("05{}", "00".repeat(31)));
    let refused = w.run("wallet hold claim release.txt --secret-file lock.secret --wallet bob").fails(1);
    assert!(refused.contains("consented to undo"), "{refused}");
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
    let lock = w.read("lock.point");
    let unlocked =
        w.run(&format!("wallet hold release answer.txt --lock {lock} --yes --wallet alice")).fails(1);
    assert!(unlocked.contains("has no lock"), "{unlocked}");
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
