//! Jobs that ask for evidence, with real processes over loopback TLS: enrolment, signing, runs that are accepted and
//! refused, receipts, and revocation. The evidence is of software.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::{fs, net::TcpListener, thread};

const JOB: &str = include_str!("data/job/job.toml");
const NAMES: [&str; 3] = ["north", "south", "west"];
/// Hashes of build records.
const BUILD: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const OTHER_BUILD: &str = "2222222222222222222222222222222222222222222222222222222222222222";

/// A job in which both compute parties show evidence, with keys, rows and the policy, not yet enrolled.
fn world(deadline: u32, diverse: &str) -> World {
    let w = World::empty();
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |i: usize| ports[i].local_addr().unwrap().port().to_string();
    let mut accept = String::from("version = 1\nallow_software = true\n");
    for (name, bid) in [("north", "500.00"), ("south", "420.50"), ("west", "77")] {
        w.run(&format!("mpc keygen {name}")).ok();
        w.write(&format!("{name}.csv"), &format!("bid\n{bid}\n"));
    }
    for name in ["north", "south"] {
        let made = enrol(&w, name);
        accept += &format!("[[accept]]\nkind = 'software'\nmeasurements.key = {}\n", made["party"]);
    }
    w.write("tee.toml", &accept);
    let job = JOB
        .replace(":17701\"", &format!(":{}\"\nevidence = \"tee.toml\"", port(0)))
        .replace(":17702\"", &format!(":{}\"\nevidence = \"tee.toml\"", port(1)))
        .replace("deadline = 300", &format!("deadline = {deadline}\n{diverse}"));
    w.write("job.toml", &job);
    w
}

/// Evidence that a party's key was made in code of this build.
fn enrol(w: &World, name: &str) -> Value {
    let words =
        format!("tee evidence {name}.evidence --software {name}.key --purpose enrol --build {BUILD} --json");
    serde_json::from_str(&w.run(&words).ok()).unwrap()
}

/// Puts the enrolment of a party where the others look for it.
fn enrolled(w: &World, name: &str) {
    fs::create_dir_all(w.path("job.evidence")).unwrap();
    let bundle = format!("--bundle job.evidence/{name}.bundle");
    w.run(&format!(
        "tee verify {name}.evidence --policy tee.toml --party {name}.pub --purpose enrol --build {BUILD} {bundle}"
    ))
    .ok();
}

fn sign(name: &str) -> String {
    format!("mpc sign job.toml --key {name}.key --yes")
}

/// A job that all have signed.
fn signed(deadline: u32) -> World {
    let w = world(deadline, "");
    ["north", "south"].iter().for_each(|name| enrolled(&w, name));
    NAMES.iter().for_each(|name| drop(w.run(&sign(name)).ok()));
    w
}

fn take_part(name: &str, build: &str) -> String {
    let software = if name == "west" { String::new() } else { format!("--software {build}") };
    format!("mpc run job.toml --json --as {name} --key {name}.key --input {name}.csv {software}")
}

/// The code and the reason of a run that must be refused.
fn refused(w: &World, words: &str) -> (String, String) {
    let said = w.run(&format!("--json {words}"));
    let record: Value = serde_json::from_str(said.err.lines().last().unwrap_or_default()).unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("why"))
}

#[test]
fn nobody_signs_before_the_keys_are_enrolled() {
    let w = world(60, "");
    let shown = w.run("mpc check job.toml").ok();
    assert!(
        shown.contains("Who shows what code it runs") && shown.contains("forged by the vendor"),
        "{shown}"
    );
    let (code, why) = refused(&w, &sign("west"));
    assert!(code == "evidence-refused" && why.contains("asks north for evidence"), "{code}: {why}");
    enrolled(&w, "north");
    let (_, why) = refused(&w, &sign("west"));
    assert!(why.contains("asks south for evidence"), "{why}");
    // North's enrolment in south's place.
    fs::copy(w.path("job.evidence/north.bundle"), w.path("job.evidence/south.bundle")).unwrap();
    let (code, why) = refused(&w, &sign("west"));
    assert!(code == "evidence-refused" && why.contains("is for something else"), "{code}: {why}");
    fs::remove_file(w.path("job.evidence/south.bundle")).unwrap();
    enrolled(&w, "south");
    let plan = w.run("mpc sign job.toml --key west.key --dry-run").ok();
    assert!(plan.contains("Enrolment of south: UNATTESTED-SOFTWARE") && plan.contains(BUILD), "{plan}");
    w.run(&sign("west")).ok();
    // The policy was changed after others signed: the job is another one.
    let id = |w: &World| {
        let checked: Value = serde_json::from_str(&w.run("mpc check job.toml --json").ok()).unwrap();
        checked["job"].clone()
    };
    let before = id(&w);
    w.write("tee.toml", &format!("# a comment\n{}", w.read("tee.toml")));
    assert_eq!(id(&w), before, "what a policy says is hashed");
    w.write("tee.toml", &format!("max_collateral_age_days = 9\n{}", w.read("tee.toml")));
    assert_ne!(id(&w), before);
    w.write("tee.toml", "version = 1\n");
    let (_, why) = refused(&w, "mpc check job.toml");
    assert!(why.contains("the policy tee.toml is invalid"), "{why}");
}

#[test]
fn software_is_no_second_platform() {
    let w = world(60, "diverse = 1");
    ["north", "south"].iter().for_each(|name| enrolled(&w, name));
    let (code, why) = refused(&w, &sign("west"));
    assert!(code == "evidence-refused" && why.contains("2 different platforms"), "{code}: {why}");
    for (from, to) in [("diverse = 1", "diverse = 0"), ("diverse = 1", "diverse = 3")] {
        w.write("again.toml", &w.read("job.toml").replace(from, to));
        assert!(refused(&w, "mpc check again.toml").1.contains("`diverse` is"), "{to}");
    }
    w.write("again.toml", &w.read("job.toml").replacen("evidence = ", "evidense = ", 1));
    assert!(refused(&w, "mpc check again.toml").1.contains("evidense"));
}

#[test]
fn a_run_with_evidence_ends_with_a_receipt_that_names_it_until_it_is_revoked() {
    let w = signed(120);
    let said = thread::scope(|scope| {
        let w = &w;
        let start = |name| scope.spawn(move || w.run(&take_part(name, BUILD)));
        NAMES.map(start).map(|party| party.join().unwrap())
    });
    assert!(said[2].err.contains("The evidence of north is accepted: UNATTESTED-SOFTWARE"), "{:?}", said[2]);
    let results = said.map(|said| serde_json::from_str::<Value>(&said.ok()).unwrap());
    assert_eq!(results[2]["outputs"]["result"][0]["price"], "420.50");
    let receipt = results[2]["receipt"].as_str().unwrap();
    let shown = w.run(&format!("mpc verify {receipt}")).ok();
    assert!(shown.contains("evidence of north: UNATTESTED-SOFTWARE then"), "{shown}");
    let both = format!("mpc verify {receipt} --at now --json");
    let both: Value = serde_json::from_str(&w.run(&both).ok()).unwrap();
    assert_eq!(both["verdicts"][1]["now"], "UNATTESTED-SOFTWARE");
    assert_eq!(both["statements"][0]["evidence"]["verdict"], "UNATTESTED-SOFTWARE");
    let altered = w.read(receipt).replacen("UNATTESTED-SOFTWARE", "ATTESTED", 1);
    w.write("altered.json", &altered);
    assert!(refused(&w, "mpc verify altered.json").1.contains("the words of the receipt differ"));
    // North's key is revoked: receipts and enrolments rest on it, and what is open is refused.
    let enrolment: Value =
        serde_json::from_str(&w.run("tee verify job.evidence/north.bundle --json").ok()).unwrap();
    let key = enrolment["measurements"]["key"].as_str().unwrap();
    let done = w.run(&format!("tee policy revoke --measurement {key} --json")).ok();
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!(done["bundles"].as_array().unwrap().len(), 1);
    assert_eq!(
        done["receipts"].as_array().unwrap().len(),
        3,
        "of three parties; the altered one is no receipt"
    );
    assert_eq!((&done["receipts"][0]["name"], &done["receipts"][0]["run"]), (&"north".into(), &1.into()));
    assert_eq!(done["parties"].as_array().unwrap().len(), 1);
    let (code, why) = refused(&w, &sign("west"));
    assert!(code == "evidence-refused" && why.contains("revoked: measurement"), "{code}: {why}");
    let (code, why) = refused(&w, &format!("{} --run 2", take_part("west", BUILD)));
    assert!(code == "evidence-refused" && why.contains("revoked: measurement"), "{code}: {why}");
    // The receipt: what held then is as it was; today's verdict has the list beside the receipt and that in --dir.
    w.run(&format!("mpc verify {receipt}")).ok();
    fs::copy(w.path("revoked.toml"), w.path("data/revoked.toml")).unwrap();
    let (code, why) = refused(&w, &format!("mpc verify {receipt} --at now"));
    assert!(code == "evidence-refused" && why.contains("revoked: measurement"), "{code}: {why}");
}

#[test]
fn a_party_that_refuses_a_computer_sends_it_nothing() {
    let w = signed(8);
    // South runs another build than it enrolled, which the policy leaves open, and west has revoked.
    fs::create_dir_all(w.path("west")).unwrap();
    w.write("west/revoked.toml", &format!("[revoked]\nmeasurements = [\"{OTHER_BUILD}\"]\n"));
    let [north, south, west] = thread::scope(|scope| {
        let w = &w;
        let run = |words: String| scope.spawn(move || w.run(&words));
        let north = run(take_part("north", BUILD) + " --dir north");
        let south = run(take_part("south", OTHER_BUILD) + " --dir south");
        let west = run(take_part("west", BUILD) + " --dir west");
        [north, south, west].map(|party| party.join().unwrap())
    });
    assert_eq!(west.code, 1, "{west:?}");
    assert!(west.err.contains("the evidence of south is not accepted"), "{west:?}");
    assert!(west.err.contains("revoked: measurement"), "{west:?}");
    for (computer, name) in [(north, "north"), (south, "south")] {
        assert_eq!(computer.code, 3, "it waited: {computer:?}");
        assert!(computer.err.contains("west") && !computer.err.contains("revoked"), "{computer:?}");
        let kept = w.shell(&format!("find {name} -name '*west*'")).ok();
        assert_eq!(kept, "", "{name} has nothing of west's");
    }
}
