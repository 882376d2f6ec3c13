//! Errors for programs: one record on standard error with a code, whatever goes wrong.
#![allow(clippy::unwrap_used)]

use crate::support::{Said, World};
use serde_json::Value;

/// The record of a failure; standard output must be empty.
fn record(said: &Said) -> Value {
    assert!(said.out.is_empty(), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    let record: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!((&record["v"], &record["type"]), (&1.into(), &"error".into()), "{said:?}");
    assert_eq!(record["exit"], said.code, "{said:?}");
    assert!(!record["message"].as_str().unwrap().is_empty());
    assert!(!said.err.contains("error:"), "only the record says it: {said:?}");
    record
}

#[test]
fn each_failure_has_its_code() {
    let w = World::paying();
    w.shell("umask 077; echo wrong > wrong.pass").ok();
    w.shell("cp pass open.pass; chmod 644 open.pass").ok();
    let to = w.read("bob.address");
    for (words, code, exit) in [
        ("", "usage", 2),
        ("wallet balanse", "usage", 2),
        ("wallet balance --nonsense", "usage", 2),
        ("wallet send --interactive --wallet alice", "usage", 2),
        ("wallet send --interactive 0 --to bob --wallet alice", "invalid-amount", 2),
        ("wallet send --interactive 1.5.0 --to bob --wallet alice", "invalid-amount", 2),
        ("wallet send --interactive 1EUR --to bob --wallet alice", "invalid-amount", 2),
        ("wallet send --interactive 1.0000000001 --to bob --wallet alice", "invalid-amount", 2),
        ("wallet send --interactive --to bob=1,5 --wallet alice", "invalid-amount", 2),
        ("wallet listen --listen 127.0.0.1:0 --accept anyone --most 5x5 --wallet alice", "invalid-amount", 2),
        ("wallet listen --listen 127.0.0.1:0 --least 5EUR --wallet alice", "invalid-amount", 2),
        ("chain init --dir more --reward 1e9", "invalid-amount", 2),
        ("chain init --dir more --unit sot", "usage", 2),
        ("chain init --dir more --decimals 13", "usage", 2),
        ("wallet send --interactive abc --to bob --wallet alice", "invalid-amount", 2),
        ("wallet invoice -1 --wallet alice", "invalid-amount", 2),
        ("wallet send --interactive 999999999999999u --to TO --yes --wallet alice", "no-funds", 1),
        ("wallet send --interactive 1000000u --to TO --wallet alice", "no-terminal", 4),
        ("wallet send --interactive 1000000u --to zoe --yes --wallet alice", "no-contact", 1),
        ("wallet balance --wallet nosuch", "no-wallet", 1),
        ("wallet balance --wallet alice --account nosuch", "no-account", 1),
        ("wallet balance --wallet alice --passphrase-file wrong.pass", "wrong-passphrase", 1),
        ("wallet balance --wallet alice --passphrase-file open.pass", "secret-exposed", 1),
        ("wallet balance --wallet alice --passphrase-file nowhere", "cannot-read", 1),
        ("wallet balance --wallet alice --node /nowhere", "unreachable", 3),
        ("wallet balance --wallet alice --dir elsewhere", "no-chain", 1),
        ("wallet init --wallet alice --words-file new", "wallet-exists", 1),
        ("wallet init --wallet carol --words-file pass", "file-exists", 1),
        ("wallet slates ffff --wallet alice", "no-session", 1),
        ("wallet receive response.txt --yes --wallet bob", "invalid-slate", 1),
        ("wallet receive invite.txt --yes --wallet alice", "not-for-this-wallet", 1),
        ("chain init", "chain-exists", 1),
        ("chain export data/operator.key --force", "file-guarded", 1),
        ("chain submit pass", "invalid-slate", 1),
        ("node status", "unreachable", 3),
        ("mpc check nowhere.toml", "cannot-read", 1),
    ] {
        let said = w.run(&format!("--json {}", words.replace("TO", to.trim())));
        assert_eq!((record(&said)["code"].as_str(), said.code), (Some(code), exit), "{words}: {said:?}");
    }
    // The flag counts wherever it stands, and help succeeds.
    assert_eq!(record(&w.run("chain init --json"))["code"], "chain-exists");
    assert_eq!(w.run("wallet send --interactive --help --json").code, 0);
}

#[test]
fn quiet_is_quiet() {
    let w = World::paying();
    w.signed_job();
    for words in [
        "chain info",
        "wallet balance --wallet alice",
        "wallet receive invite.txt --yes --wallet bob",
        "wallet slates --wallet bob",
        "wallet outputs --wallet dora",
        "wallet init --wallet dora --words-file d",
        "chain export one.snapshot",
        "mpc keygen east",
        "mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv",
        "chain init --dir other",
    ] {
        let said = w.run(&format!("-q {words}"));
        assert!(said.code != 0 || said.err.is_empty(), "{words}: {said:?}");
    }
}
