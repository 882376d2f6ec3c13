//! Payments to a wallet that is not run: by address alone, with references, mixed with invites, moved, and restored.

use crate::support::World;
use serde_json::Value;

fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_default()
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(record).collect()
}

fn spendable(w: &World, who: &str) -> String {
    let balance = record(&w.run(&format!("wallet balance --wallet {who} --json")).ok());
    balance["spendable"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_wallet_that_is_not_run_is_paid() {
    let w = World::settled();
    let request = w.run("wallet address --reference INV-2026-17 --wallet bob").ok();
    assert!(request.trim().ends_with("?ref=INV-2026-17"), "{request}");
    w.write("request", request.trim());
    let plan = w.run("wallet send 1.5 --to $(cat request) --dry-run --wallet alice").ok();
    for part in ["without an answer, reference INV-2026-17", "cannot be undone once it is submitted"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let paid = record(&w.run("wallet send 1.5 --to $(cat request) --yes --wallet alice --json").ok());
    assert_eq!((&paid["type"], &paid["amount"]), (&"paid".into(), &"1500000000".into()), "{paid}");
    assert_eq!(paid["payees"][0]["reference"], "INV-2026-17");
    let open = record(&w.run("wallet slates --wallet alice --json").ok());
    assert_eq!(
        (&open["step"], &open["role"]),
        (&"signed, not in a block yet".into(), &"send".into()),
        "{open}"
    );
    // The transaction again, which the ledger knows already.
    w.run("chain seal --wallet alice").ok();

    let history = records(&w.run("wallet history --wallet bob --json").ok());
    let [entry] = &history[..] else { panic!("{history:?}") };
    assert_eq!(
        (&entry["kind"], &entry["amount"], &entry["reference"], &entry["height"]),
        (&"received".into(), &"1500000000".into(), &"INV-2026-17".into(), &9.into())
    );
    let csv = w.run("wallet history --csv --wallet bob").ok();
    assert!(csv.lines().next().is_some_and(|l| l.ends_with(",date,reference")), "{csv}");
    assert!(csv.lines().nth(1).is_some_and(|l| l.ends_with(",\"INV-2026-17\"")), "{csv}");
    let outputs = record(&w.run("wallet outputs --wallet bob --json").ok());
    assert_eq!((&outputs["kind"], &outputs["status"]), (&"one-sided".into(), &"unspent".into()));
    let hidden = records(&w.run("wallet outputs --wallet alice --json").ok());
    assert!(hidden.iter().any(|o| o["kind"] == "hidden" && o["status"] == "unspent"), "{hidden:?}");

    // Bob pays on, and moves what is left of another payment.
    w.run("wallet send 0.5 --to $(cat request) --yes --wallet alice").ok();
    w.shell("sotto wallet address --wallet alice > alice.address").ok();
    w.run("wallet send 1 --to $(cat alice.address) --yes --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    let plan = records(&w.run("wallet sweep --dry-run --wallet bob --json").ok());
    assert_eq!((plan.len(), &plan[0]["type"]), (1, &"self-transfer-plan".into()), "{plan:?}");
    let none = w.run("wallet sweep --least 0.6 --yes --wallet bob");
    assert!(none.code == 0 && none.err.contains("Nothing to move"), "{none:?}");
    w.run("wallet sweep --wallet bob").fails(4);
    w.run("wallet sweep --yes --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    let kinds = records(&w.run("wallet outputs --wallet bob --json").ok());
    assert!(kinds.iter().all(|o| o["status"] != "unspent" || o["kind"] == "hidden"), "{kinds:?}");

    // From the words alone, the same balance.
    w.run("wallet restore --wallet again --words-file bob.words").ok();
    assert_eq!(spendable(&w, "again"), spendable(&w, "bob"));
    w.shell("sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch").ok();
    let seen = records(&w.run("wallet view-key show --wallet watch --json").ok());
    let references: Vec<_> =
        seen.iter().filter(|r| r["type"] == "received").map(|r| &r["reference"]).collect();
    assert_eq!(references, ["INV-2026-17", "INV-2026-17"]);
    w.run("wallet scan --all-tags --wallet bob").ok();
}

/// The payer proves a payment, and so does the payee.
#[test]
fn payments_to_an_address_are_proven() {
    let w = World::settled();
    w.shell("sotto wallet address --reference INV-2026-17 --wallet bob > request").ok();
    let paid = record(&w.run("wallet send 1.5 --to $(cat request) --yes --wallet alice --json").ok());
    w.run("chain seal --wallet alice").ok();
    let session = paid["session"].as_str().unwrap_or_default().to_owned();
    w.shell(&format!(
        "sotto wallet proof export {session} --statement 'case 12' --wallet alice > paid.proof"
    ))
    .ok();
    let verify = "wallet proof verify paid.proof --to $(cat bob.address) --statement 'case 12'";
    let shown = record(&w.run(&format!("{verify} --json")).ok());
    assert_eq!(
        (&shown["amount"], &shown["reference"]),
        (&"1500000000".into(), &"INV-2026-17".into()),
        "{shown}"
    );
    w.run("wallet proof verify paid.proof --statement 'case 13'").fails(1);
    w.run("wallet proof verify paid.proof --memo 'case 12'").fails(1);
    w.shell("sotto wallet address --wallet alice > alice.address").ok();
    w.run("wallet proof verify paid.proof --to $(cat alice.address)").fails(1);
    let outputs = record(&w.run("wallet outputs --wallet bob --json").ok());
    let output = outputs["commitment"].as_str().unwrap_or_default().to_owned();
    w.shell(&format!("sotto wallet proof export {output} --wallet bob > got.proof")).ok();
    assert!(w.run("wallet proof verify got.proof").ok().contains("someone with the view key of the address"));
}

#[test]
fn an_interactive_address_is_paid_by_invite_only() {
    let w = World::settled();
    w.shell("sotto wallet address --interactive --wallet bob > bob.interactive").ok();
    let why = w.run("wallet send 1 --one-sided --to $(cat bob.interactive) --yes --wallet alice").fails(1);
    assert!(why.contains("can only be paid interactively"), "{why}");
    let why = w.run("wallet send 1 --reference A --to $(cat bob.interactive) --yes --wallet alice").fails(1);
    assert!(why.contains("carries a reference"), "{why}");
    w.run("wallet send 1 --one-sided --interactive --to $(cat bob.address) --yes --wallet alice").fails(2);
    w.run("wallet send 1 --qr --to $(cat bob.address) --yes --wallet alice").fails(2);
    let why =
        w.run("wallet send 1 --reference 'too long for it' --to $(cat bob.address) --yes --wallet alice");
    assert!(why.fails(1).contains("invalid reference"));
    w.run("wallet send 1 --to $(cat bob.address)?memo=1 --yes --wallet alice").fails(1);
    let why =
        w.run("wallet send 1 --reference A --to $(cat bob.address)?ref=B --yes --wallet alice").fails(1);
    assert!(why.contains("another reference"), "{why}");
    let pay = "sotto wallet send 1 --to $(cat bob.interactive) --yes --wallet alice \
        | sotto wallet receive - --yes --wallet bob | sotto wallet finalize - --submit --wallet alice";
    w.shell(pay).ok();
    w.run("chain seal --wallet alice").ok();
    assert_eq!(spendable(&w, "bob"), "1000000000");
}

/// A transaction of a wallet with itself that never reached the chain is submitted again by the next scan.
#[test]
fn an_interrupted_move_is_submitted_again() {
    let w = World::settled();
    w.run("wallet send 1 --to $(cat bob.address) --yes --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    w.shell("cp -r data/chain before").ok();
    w.run("wallet sweep --yes --wallet bob").ok();
    // As after a crash between the wallet's write and the chain's.
    w.shell("rm -r data/chain && mv before data/chain").ok();
    w.run("chain seal --wallet alice").ok();
    w.run("wallet scan --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    w.run("wallet scan --wallet bob").ok();
    let outputs = records(&w.run("wallet outputs --wallet bob --json").ok());
    assert!(outputs.iter().any(|o| o["kind"] == "hidden" && o["status"] == "unspent"), "{outputs:?}");
}

/// A scan says what can be moved, moves it by itself after a while, or does neither, as the setting says.
#[test]
fn received_outputs_are_moved_as_the_setting_says() {
    let w = World::settled();
    std::fs::create_dir_all(w.path("config/sotto")).unwrap_or_default();
    let set = |what: &str| w.write("config/sotto/config.toml", &format!("move = \"{what}\"\n"));
    assert!(w.run("config show --origin").ok().contains("move = ask  (default)"));
    w.run("wallet send 1 --to $(cat bob.address) --yes --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    assert!(w.run("wallet scan --wallet bob").err.contains("sotto wallet sweep"));
    set("never");
    assert!(!w.run("wallet scan --wallet bob").err.contains("sweep"));
    set("sometimes");
    w.run("wallet scan --wallet bob").fails(1);
    set("auto");
    w.run("chain seal --blocks 150 --wallet alice").ok();
    assert!(w.run("wallet scan --wallet bob").ok().contains("relocation"));
    assert!(!w.run("wallet scan --wallet bob").ok().contains("relocation"), "once");
    w.run("chain seal --wallet alice").ok();
    let outputs = records(&w.run("wallet outputs --wallet bob --json").ok());
    assert!(outputs.iter().any(|o| o["kind"] == "hidden" && o["status"] == "unspent"), "{outputs:?}");
}

/// One transaction to bob, who answers, and to dora, who is away.
#[test]
fn some_answer_and_some_are_away() {
    let w = World::settled();
    w.befriend_dora();
    w.shell("sotto wallet contact add bob $(sotto wallet address --interactive --wallet bob) --wallet alice")
        .ok();
    w.run("wallet send --to bob=1 --to dora=2 --dry-run --wallet alice").ok();
    let pay = "sotto wallet send --to bob=1 --to dora=2 --yes --wallet alice \
        | sotto wallet receive - --yes --wallet bob | sotto wallet finalize - --submit --wallet alice";
    w.shell(pay).ok();
    w.run("chain seal --wallet alice").ok();
    assert_eq!((spendable(&w, "bob"), spendable(&w, "dora")), ("1000000000".into(), "2000000000".into()));
}
