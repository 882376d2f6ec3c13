//! One transaction that pays several, at the command line.

use crate::support::World;

/// Alice has bob and dora as contacts.
fn acquainted() -> World {
    let w = World::settled();
    w.shell("sotto wallet contact add bob $(cat bob.address) --wallet alice").ok();
    w.befriend_dora();
    w
}

const SEND: &str =
    "sotto wallet send --interactive --to bob=1000000u --to dora=2000000u --yes --wallet alice > invites.txt";

fn balance(w: &World, name: &str) -> serde_json::Value {
    serde_json::from_str(&w.run(&format!("wallet balance --wallet {name} --json")).ok()).unwrap_or_default()
}

#[test]
fn several_are_paid_through_one_pipe() {
    let w = acquainted();
    let plan =
        w.run("wallet send --interactive --to bob=1000000u --to dora=2000000u --dry-run --wallet alice").ok();
    for part in
        ["Pay 0.003 SOT to 2 in one transaction", "0.001 SOT  to bob (ssotto1", "each of the 2 recipients"]
    {
        assert!(plan.contains(part), "{plan}");
    }
    w.shell(SEND).ok();
    let invites = w.read("invites.txt");
    assert!(invites.contains("For bob:\nBEGIN SOTTO ENCRYPTED INVITE.") && invites.contains("For dora:\n"));
    // Each receiver finds its own invite among them.
    w.shell("(for who in dora bob; do sotto wallet receive invites.txt --yes --wallet $who; done) > responses.txt").ok();
    w.shell("sotto wallet finalize responses.txt --wallet alice | sotto chain submit - && sotto chain seal --wallet alice").ok();
    assert_eq!(balance(&w, "bob")["total"], "1000000");
    assert_eq!(balance(&w, "dora")["total"], "2000000");
    // Each receiver has a proof of its own.
    let listed = w.run("wallet slates --all --json --wallet alice").ok();
    let slates: Vec<serde_json::Value> =
        listed.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    assert_eq!(slates.len(), 2);
    for slate in slates {
        let (session, with) =
            (slate["session"].as_str().unwrap_or_default(), slate["with"].as_str().unwrap_or_default());
        w.run(&format!("wallet proof export {session} --wallet alice > one.proof")).ok();
        let shown = w.run(&format!("wallet proof verify one.proof --to {with}")).ok();
        let amount = slate["amount"].as_str().unwrap_or_default().replace("000000", "");
        assert!(shown.contains(&format!("0.00{amount} SOT was paid")), "{shown}");
    }
}

#[test]
fn a_silent_receiver_is_dropped_and_the_others_are_paid() {
    let w = acquainted();
    let before = balance(&w, "alice");
    w.shell(SEND).ok();
    w.shell("sotto wallet receive invites.txt --yes --wallet dora > response.txt").ok();
    let waits = w.run("wallet finalize response.txt --wallet alice --json").ok();
    assert!(waits.contains(r#""type":"waiting""#) && waits.contains(r#""of":2"#), "{waits}");
    let quiet = w.run("wallet finalize response.txt --wallet alice");
    assert!(quiet.out.is_empty() && quiet.err.contains("wallet cancel --session"), "{quiet:?}");
    assert!(quiet.err.contains("both receivers have answered; 1 response is missing"), "{quiet:?}");
    let listed = w.run("wallet slates --wallet alice --json").ok();
    let silent = listed.lines().find(|l| l.contains("waiting for an answer")).unwrap_or_default();
    let silent: serde_json::Value = serde_json::from_str(silent).unwrap_or_default();
    let session = silent["session"].as_str().unwrap_or_default();
    let dropped = w.run(&format!("wallet cancel --session {session} --wallet alice")).ok();
    let next = dropped.split("sotto ").nth(1).unwrap_or_default();
    w.shell(&format!(
        "sotto {} --wallet alice | sotto chain submit - && sotto chain seal --wallet bob",
        next.trim()
    ))
    .ok();
    assert_eq!(balance(&w, "dora")["total"], "2000000");
    // Bob's answer comes too late.
    w.shell("sotto wallet receive invites.txt --yes --wallet bob > late.txt").ok();
    assert!(w.run("wallet finalize late.txt --wallet alice").fails(1).contains("cancelled"));
    // All invites of a payment at once.
    let now = balance(&w, "alice");
    w.shell(SEND).ok();
    assert_ne!(balance(&w, "alice")["locked"], now["locked"]);
    w.run("wallet cancel invites.txt --wallet alice").ok();
    assert_eq!(balance(&w, "alice"), now);
    assert_ne!(before, now);
}

#[test]
fn ambiguous_payments_are_refused() {
    let w = acquainted();
    for (words, code, why) in [
        ("5 --to bob --to dora", 2, "one amount is for one receiver"),
        ("5 --to bob=5", 2, "one amount is for one receiver"),
        ("--to bob", 2, "how much to pay"),
        ("--to bob=5 --to dora", 2, "how much to pay"),
        ("--to bob=5 --to dora=-1", 2, "invalid amount"),
        ("--to bob=5 --to BOB=7", 1, "named twice"),
        ("--to bob=5 --to nobody=7", 1, "unknown contact"),
    ] {
        let said = w.run(&format!("wallet send --interactive {words} --yes --wallet alice"));
        assert_eq!(said.code, code, "{words}: {said:?}");
        assert!(said.err.contains(why), "{words}: {said:?}");
    }
    assert_eq!(w.run("wallet cancel --wallet alice").code, 2);
    assert_eq!(w.run("wallet finalize --wallet alice").code, 2);
    w.run("wallet finalize --session 00 --wallet alice").fails(1);
}
