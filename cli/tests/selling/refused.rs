//! What signers, the buyer and owners refuse before money or rows move.

use crate::selling::market::{NORTH, SOUTH, market, record, seal};
use crate::support::World;

/// The owner's part.
fn sell(w: &World, name: &str, more: &str) -> String {
    let part = format!("mpc run job.toml --as {name} --key {name}.key --input {name}.csv --wallet {name}");
    w.run(&format!("{part} {more}")).fails(1)
}

#[test]
fn a_job_is_signed_only_within_its_offers_and_as_often_as_they_say() {
    let w = market();
    let (job, approvals) = (w.read("job.toml"), "cat job.approvals/*");
    let signed = w.shell(approvals).ok();
    let refused = |name: &str, why: &str| {
        let said = w.run(&format!("mpc sign job.toml --key {name}.key --yes")).fails(1);
        assert!(said.contains("the job is not within its offers") && said.contains(why), "{name}: {said}");
        assert!(said.contains("nothing was signed"), "{said}");
    };
    // Another purpose than the offers allow: for everybody.
    w.write("job.toml", &job.replace("To know the second", "To know and to publish the second"));
    for name in ["left", "north", "west"] {
        refused(name, "does not allow this purpose");
    }
    // Another job under the same offers: for the owners, who count.
    w.write("job.toml", &job.replace("6d0c", "6d0d"));
    for name in ["north", "south"] {
        refused(name, "the offer is for 1 jobs");
    }
    w.run("mpc offer revoke south.offer --key south.key --yes").ok();
    refused("south", "you revoked this offer");
    assert_eq!(w.shell(approvals).ok(), signed);
}

#[test]
fn a_sale_is_refused_before_money_moves() {
    let w = market();
    let buy = |more: &str| w.run(&format!("mpc buy job.toml --as west --key west.key --dry-run {more}"));
    let plan = record(&buy("--wallet alice --json").ok());
    let amounts = [0, 1].map(|i| plan["payees"][i]["amount"].as_str().unwrap().parse::<u64>().unwrap());
    assert_eq!(amounts, [NORTH, SOUTH]);

    // Another ledger than that of the offers.
    w.run("chain init --dir other").ok();
    for name in ["alice", "north"] {
        w.run(&format!("wallet init --wallet {name} --words-file {name}.other --dir other")).ok();
    }
    for why in [buy("--wallet alice --dir other").fails(1), sell(&w, "north", "--dir other")] {
        assert!(why.contains("on another ledger than this one"), "{why}");
    }

    // Confidential terms: they open for the buyer, are those of this offer, and the owner has kept them.
    w.shell("mv south.offer.terms kept.terms").ok();
    let why = buy("--wallet alice").fails(1);
    assert!(why.contains("the price of south is not known") && why.contains("--terms FILE"), "{why}");
    buy("--wallet alice --terms kept.terms").ok();
    w.shell(
        "sotto mpc offer new model.toml --key south.key --input south.csv --price 0.5 --confidential west.pub --yes \
         --address $(sotto wallet address --wallet south) --out cheap.offer",
    )
    .ok();
    let why = buy("--wallet alice --terms cheap.offer.terms").fails(1);
    assert!(why.contains("the price of south is not known"), "{why}");
    let why = sell(&w, "south", "--dir other");
    assert!(why.contains("the terms of your offer are not known here"), "{why}");

    // Enough for each price, and not for both.
    w.run("wallet init --wallet poor --words-file poor.words").ok();
    w.shell("sotto wallet send 2.5 --to $(sotto wallet address --wallet poor) --yes --wallet alice").ok();
    seal(&w, 1);
    let why = buy("--wallet poor --terms kept.terms").fails(1);
    assert!(why.contains("the wallet has too little money"), "{why}");
    assert!(!w.shell("ls data/jobs/*/*-1").out.contains("own"), "no part has begun");
}
