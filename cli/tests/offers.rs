//! Offers: what the verbs of `sotto mpc offer` write, show and refuse; and what is refused of jobs with a sale.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;

fn world() -> World {
    let world = World::paying();
    world.signed_job();
    world
}

/// The command line of a new offer of north, without its consent.
fn new(more: &str) -> String {
    format!(
        "sotto mpc offer new job.toml --key north.key --input north.csv --price 2.5 \
         --address $(sotto wallet address --wallet alice) --out north.offer {more}"
    )
}

fn record(line: &str) -> Value {
    serde_json::from_str(line.lines().next().unwrap()).unwrap()
}

#[test]
fn an_offer_is_made_shown_and_revoked() {
    let world = world();
    // Nothing is signed before somebody agrees.
    world.shell(&new("")).fails(4);
    assert!(world.shell(&new("--dry-run")).ok().contains("Price    2.5"));
    let begun = world.shell(&new("--start-fee 0.1 --dry-run")).ok();
    assert!(begun.contains("Price    2.5 SOT, and 0.1 SOT to begin, to"), "{begun}");
    let begun = record(&world.shell(&new("--start-fee 0.1 --dry-run --json")).ok());
    assert_eq!((&begun["price"], &begun["start_fee"]), (&"2500000000".into(), &"100000000".into()));
    world.shell(&new("--start-fee 0 --dry-run")).fails(2);
    assert!(world.shell(&new("--start-fee 18446744073 --dry-run")).fails(1).contains("together"));
    assert!(!world.path("north.offer").exists());
    world.shell(&new("--yes")).ok();
    let shown = world.run("mpc offer show north.offer").ok();
    for said in ["Price    2.5", "Rows     1, at least 1", "To sell lot 7", "For 1 job(s)"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let fields = record(&world.run("mpc offer show north.offer --json").ok());
    let job = record(&world.run("mpc check job.toml --json").ok());
    assert_eq!((&fields["price"], &fields["circuits"][0]), (&"2500000000".into(), &job["circuit"]));
    assert_eq!(fields["schema"], job["inputs"][0]["schema"]);
    assert_eq!(fields["receivers"].as_array().unwrap().len(), 2, "south and west, not north itself");
    // The same file is not written twice, and an altered one is none.
    assert!(world.shell(&new("--yes")).fails(1).contains("north.offer"));
    let text = world.read("north.offer");
    world.write(
        "altered.offer",
        &text.replacen("sotto-offer-1:0", "sotto-offer-1:1", 1).replacen("00", "01", 1),
    );
    assert!(world.run("mpc offer show altered.offer").fails(1).contains("is not an offer"));
    assert!(world.run("mpc offer show job.toml").fails(1).contains("is not an offer"));

    assert!(world.run("mpc offer revoke north.offer --key south.key --yes").fails(1).contains("another key"));
    world.run("mpc offer revoke north.offer --key north.key").fails(4);
    world.shell("sotto mpc offer revoke north.offer --key north.key --yes > north.revoked").ok();
    let why = world.run("mpc offer show north.offer --revocation north.revoked").fails(1);
    assert!(why.contains("the offer is revoked"), "{why}");
    let why = world.run("mpc offer show north.offer --revocation job.toml").fails(1);
    assert!(why.contains("does not revoke the offer"), "{why}");
}

#[test]
fn confidential_terms_are_for_the_buyer() {
    let world = world();
    world.shell(&new("--confidential west.pub --yes")).ok();
    let shown = world.run("mpc offer show north.offer").ok();
    assert!(shown.contains("Price    confidential") && !shown.contains("2.5"), "{shown}");
    let opened = world.run("mpc offer show north.offer --terms north.offer.terms --key west.key").ok();
    assert!(opened.contains("Price    2.5"), "{opened}");
    let why = world.run("mpc offer show north.offer --terms north.offer.terms --key south.key").fails(1);
    assert!(why.contains("the terms do not open"), "{why}");
}

#[test]
fn a_bad_offer_is_refused_with_its_reason() {
    let world = world();
    let with = |from: &str, to: &str| world.shell(&new("--yes").replace(from, to));
    assert!(with("2.5", "0").fails(2).contains("above zero"));
    assert!(with("$(sotto wallet address --wallet alice)", "nobody").fails(1).contains("invalid address"));
    world.run("mpc keygen stranger").ok();
    assert!(with("north.key", "stranger.key").fails(1).contains("no party of the job has this key"));
    assert!(with("north.csv", "job.toml").fails(1).contains("invalid rows"));
    assert!(!world.path("north.offer").exists());
}

#[test]
fn a_sold_job_is_carried_with_its_offers_and_needs_a_wallet() {
    let world = world();
    world.sold_job();
    let read = world.run("mpc check sold.toml").ok();
    assert!(read.contains("Who pays whom") && read.contains("west buys result"), "{read}");
    // The parties are found one by one; none is here to answer, and nothing is tried before the wallet is named.
    let why = world.run("mpc run sold.toml --as west --key west.key --input west.csv").fails(1);
    assert!(why.contains("buys the result") && why.contains("sotto mpc buy"), "{why}");
    let why = world.run("mpc run sold.toml --as north --key north.key --input north.csv").fails(1);
    assert!(why.contains("is paid for its part") && why.contains("--wallet"), "{why}");
    let why =
        world.run("mpc run sold.toml --as south --key south.key --input south.csv --wallet bob").fails(1);
    assert!(why.contains("south is not paid in this job"), "{why}");
    let why =
        world.run("mpc run sold.toml --as north --key north.key --input north.csv --wallet alice").fails(1);
    assert!(why.contains("not one of wallet `alice`"), "{why}");
    let why = world.run("mpc buy sold.toml --as north --key north.key --wallet bob --yes").fails(1);
    assert!(why.contains("north does not buy") && why.contains("west"), "{why}");
    let why = world.run("mpc local sold.toml --input north=north.csv").fails(1);
    assert!(why.contains("run by its parties"), "{why}");
    // No question is asked about money that is not there.
    let why =
        world.run("mpc buy sold.toml --as west --key west.key --input west.csv --wallet bob --yes").fails(1);
    assert!(why.contains("cannot put the money aside"), "{why}");
    let plan = world.run("mpc buy sold.toml --as west --key west.key --wallet alice --dry-run --json").ok();
    let plan = record(&plan);
    assert_eq!((&plan["type"], &plan["payees"][0]["amount"]), (&"mpc-buy-plan".into(), &"1000000000".into()));
    world.run("mpc buy sold.toml --as west --key west.key --wallet alice").fails(4);
    let status =
        record(&world.run("mpc buy sold.toml --as west --key west.key --wallet alice --status --json").ok());
    assert_eq!((&status["stage"], &status["payees"][0]["hold"]), (&"open".into(), &Value::Null));

    world.run("mpc bundle sold.toml --out sold.bundle").ok();
    world.run("mpc collect sold.bundle --into copy").ok();
    assert_eq!(world.read("copy/north.offer"), world.read("north.offer"));
    let why = world.run("mpc buy copy/job.toml --as west --key west.key --wallet alice --dry-run").ok();
    assert!(why.contains("Buy result"), "{why}");
}

#[test]
fn a_job_is_not_signed_under_an_offer_that_the_author_altered() {
    let world = world();
    world.sold_job();
    // Another offer of the same owner, for more money, takes the place of the one that was signed.
    world.shell(&new("--yes --force")).ok();
    let why = world.run("mpc buy sold.toml --as west --key west.key --wallet alice --dry-run").fails(1);
    assert!(why.contains("cannot run this job"), "{why}");
}
