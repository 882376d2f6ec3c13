//! Amounts in the unit of the chain, in every verb that takes or prints one; dates beside heights; the pace.

use crate::support::World;
use serde_json::Value;
use sotto_mw::{amount::Amount, kernel::KernelFeatures, transaction::Transaction};
use sotto_node::storage::read_genesis;
use sotto_wallet::armor;

/// A chain whose unit is POINTS with two decimals, and whose rewards are alice's; bob's wallet is empty.
fn points() -> World {
    let w = World::empty();
    let made = w.run("chain init --unit POINTS --decimals 2 --reward 100,000.5").ok();
    assert!(made.contains("each block creates 100,000.5 POINTS"), "{made}");
    for name in ["alice", "bob"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
    }
    let sealed = w.run("chain seal --blocks 5 --wallet alice").ok();
    assert!(sealed.starts_with("block 1 (20") && sealed.contains("reward 100,000.5 POINTS"), "{sealed}");
    w.shell("sotto wallet address --wallet bob > bob.address").ok();
    w
}

fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_default()
}

/// What a run says, all of it.
fn said(w: &World, words: &str) -> String {
    let said = w.run(words);
    assert_eq!(said.code, 0, "{words}: {said:?}");
    format!("{}{}", said.out, said.err)
}

fn shows(w: &World, words: &str, parts: &[&str]) {
    let said = said(w, words);
    parts.iter().for_each(|part| assert!(said.contains(part), "{words}: {part}: {said}"));
}

#[test]
fn every_way_to_write_an_amount_is_the_same_amount() {
    let w = points();
    let send = |amount: &str| {
        format!("wallet send --interactive {amount} --to $(cat bob.address) --dry-run --wallet alice")
    };
    for amount in [
        "1234.5",
        "1,234.5",
        "'1234.50 POINTS'",
        "1234.5points",
        "'1,234.5 Points'",
        "123450u",
        "'123,450 U'",
    ] {
        let plan = record(&w.run(&format!("{} --json", send(amount))).ok());
        assert_eq!((&plan["amount"], &plan["fee"]), (&"123450".into(), &"60000".into()), "{amount}");
        let to =
            format!("wallet send --interactive --to $(cat bob.address)={amount} --dry-run --wallet alice");
        shows(
            &w,
            &to,
            &["Pay 1,234.5 POINTS on the solo network", " 600 POINTS\n", "1,834.5 POINTS  leaves"],
        );
        let bill = format!("wallet invoice {amount} --wallet bob --json");
        w.write("bill", record(&w.run(&bill).ok())["text"].as_str().unwrap_or_default());
        shows(
            &w,
            "wallet pay bill --dry-run --wallet alice",
            &["Pay 1,234.5 POINTS on the solo network, as invoiced"],
        );
    }
    // A bare number counts the unit.
    assert_eq!(record(&w.run(&format!("{} --json", send("5000"))).ok())["amount"], "500000");
    for (amount, why) in [
        ("1.555", "POINTS has at most 2 decimals"),
        ("'1 SOT'", "the unit of this chain is POINTS, not SOT"),
        ("1.5u", "whole numbers"),
        ("12,34", "groups of three digits"),
        ("1e3", "expected digits"),
        ("''", "expected digits"),
        ("-5", "expected digits"),
        ("0", "above zero"),
        ("184467440737095516.16", "too large"),
    ] {
        let refused = w.run(&send(amount)).fails(2);
        assert!(refused.contains(why), "{amount}: {refused}");
        let refused = w.run(&format!("wallet invoice --wallet bob {amount}")).fails(2);
        assert!(refused.contains(why) && refused.contains("1.5"), "{amount}: {refused}");
    }
    // Refusals have their amounts in the unit.
    let dust = w.run(&send("5")).fails(1);
    assert!(dust.contains("5 POINTS is not worth spending") && dust.contains("costs 80 POINTS"), "{dust}");
    let much = w.run(&send("99,999,999")).fails(1);
    assert!(much.contains("insufficient funds: 100,000,") && much.contains("POINTS spendable"), "{much}");
}

#[test]
fn every_verb_shows_the_unit_and_dates_and_records_hold_base_units() {
    let w = points();
    shows(
        &w,
        "chain info",
        &[
            "unit      POINTS, 2 decimals",
            "supply    500,002.5 POINTS",
            "reward    100,000.5 POINTS a block",
            "least fee 10 POINTS per unit of weight (600 POINTS for a payment with change)",
        ],
    );
    let info = record(&w.run("chain info --json").ok());
    assert_eq!((&info["unit"], &info["decimals"]), (&"POINTS".into(), &2.into()));
    assert_eq!((&info["reward"], &info["supply"]), (&"10000050".into(), &"50000250".into()));
    w.shell("sotto wallet send --interactive 1000 --to $(cat bob.address) --yes --wallet alice > invite.txt")
        .ok();
    shows(
        &w,
        "wallet receive invite.txt --yes --plain --wallet bob",
        &["1,000 POINTS for you on the solo network"],
    );
    w.run("wallet receive invite.txt --yes --wallet bob > response.txt").ok();
    shows(&w, "wallet cancel invite.txt --dry-run --wallet alice", &["for free: 1,000 POINTS,"]);
    shows(&w, "wallet finalize response.txt --submit --wallet alice", &["fee 600 POINTS"]);
    shows(&w, "chain seal --wallet alice", &["block 6 (20", "reward 100,600.5 POINTS"]);
    shows(&w, "chain block 6", &["fee 600 POINTS, heights"]);
    shows(&w, "chain audit", &["up to height 6 (20", "a supply of 600,003 POINTS"]);
    shows(&w, "wallet balance --wallet bob", &["at block 6 (20", "spendable             1,000 POINTS"]);
    shows(&w, "wallet scan --wallet alice", &[" new (", "total 599,003 POINTS"]);
    shows(&w, "wallet outputs --wallet bob", &["1,000 POINTS", "unspent in block 6 (20"]);
    shows(&w, "wallet account list --wallet bob", &["spendable             1,000 POINTS"]);
    shows(&w, "wallet history --wallet alice", &[" 1,000 POINTS  fee       600 POINTS", "100,000.5 POINTS"]);
    shows(&w, "wallet history --csv --wallet alice", &["6,sent,0,100000,60000,"]);
    shows(&w, "wallet slates --all --wallet alice", &["send 1,000 POINTS: in block 6 (20"]);
    shows(&w, "wallet consolidate --dry-run --wallet alice", &["100,000.5 POINTS", " POINTS  one output of"]);
    let output = record(w.run("wallet outputs --wallet bob --json").ok().trim());
    assert_eq!((&output["amount"], output["time"].is_u64()), (&"100000".into(), true));
    let freeze = format!("wallet freeze {} --wallet bob", output["commitment"].as_str().unwrap_or_default());
    shows(&w, &freeze, &[", 1,000 POINTS"]);
    shows(&w, "wallet balance --wallet bob", &["frozen                1,000 POINTS"]);
    let slate = record(w.run("wallet slates --all --json --wallet alice").ok().trim());
    assert_eq!((&slate["amount"], slate["time"].is_u64()), (&"100000".into(), true));
    let session = slate["session"].as_str().unwrap_or_default();
    w.run(&format!("wallet proof export {session} --wallet alice > paid.proof")).ok();
    shows(&w, "wallet proof verify paid.proof", &["1,000 POINTS was paid in or before block 6 (20"]);
    let proof = record(&w.run(&format!("wallet proof export {session} --json --wallet alice")).ok());
    assert_eq!((&proof["amount"], &proof["fee"]), (&"100000".into(), &"60000".into()));
    let excess = proof["excess"].as_str().unwrap_or_default();
    shows(&w, &format!("chain kernel {excess}"), &["fee 600 POINTS"]);
    w.shell(
        "sotto wallet view-key export --wallet bob > key && sotto wallet view-key import key --wallet watch",
    )
    .ok();
    shows(
        &w,
        "wallet view-key show --wallet watch",
        &["1,000 POINTS  block 6 (20", "received 1,000 POINTS;"],
    );
}

/// A fee below the least one is refused in the unit of the chain.
#[test]
fn a_refused_fee_is_shown_in_the_unit() {
    let w = points();
    let pay = "sotto wallet send 1250 --interactive --to $(cat bob.address) --yes --wallet alice \
        | sotto wallet receive - --yes --wallet bob | sotto wallet finalize - --wallet alice";
    let text = w.shell(pay).ok();
    let chain = read_genesis(&std::fs::read(w.path("data/chain/genesis")).unwrap()).unwrap();
    let mut t: Transaction = armor::from_text(chain.id(), &text).unwrap();
    let KernelFeatures::Plain { fee, .. } = &mut t.body.kernels[0].features else { panic!("a plain kernel") };
    *fee = Amount::new(7);
    w.write("cheap.txt", &armor::to_text(chain.id(), &t));
    let said = w.run("chain submit cheap.txt").fails(1);
    assert!(said.contains("the fees are 0.07 POINTS, below the least fee of 600 POINTS"), "{said}");
    assert!(said.contains("MW-R09") && !said.contains("base units"), "{said}");
}

/// Blocks keep the pace: the command waits, and says so.
#[test]
fn blocks_keep_the_pace() {
    let w = World::empty();
    w.run("chain init --pace 6").ok();
    w.run("wallet init --wallet alice --words-file alice.words").ok();
    let sealed = w.run("chain seal --blocks 2 --wallet alice --json");
    assert!(sealed.code == 0 && sealed.err.contains("Waiting"), "{sealed:?}");
    let times: Vec<u64> = sealed.out.lines().filter_map(|line| record(line)["time"].as_u64()).collect();
    assert!(matches!(times[..], [first, second] if second >= first + 6), "{times:?}");
    assert_eq!(record(&w.run("chain info --json").ok())["pace"], 6);
    w.run("chain audit").ok();
}

/// A folder from before: its parameters were 98 bytes, under version 2 of the rules.
#[test]
fn a_chain_under_earlier_rules_is_refused_with_the_reason() {
    let w = World::empty();
    w.run("chain init").ok();
    let genesis = w.path("data/chain/genesis");
    let mut old = vec![2, 2];
    old.resize(98 + 32, 7);
    std::fs::write(&genesis, &old).unwrap_or_default();
    for words in ["chain info", "chain audit", "chain join data/chain/genesis --dir copy"] {
        let refused = w.run(words).fails(1);
        assert!(refused.contains("version 2 of the consensus rules"), "{words}: {refused}");
    }
}
