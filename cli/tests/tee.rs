//! Evidence at the command line: software evidence from its making to its revocation, and real quotes.
#![allow(clippy::unwrap_used)]

use crate::support::{ENROL, World};
use serde_json::Value;

fn world() -> World {
    let w = World::empty();
    ["north", "south"].iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
    w.attested();
    w
}

/// The record of a run that must have succeeded.
fn record(w: &World, words: &str) -> Value {
    serde_json::from_str(&w.run(&format!("{words} --json")).ok()).unwrap()
}

/// The code and the reasons of a run that must be refused.
fn refused(w: &World, words: &str) -> (String, String) {
    let said = w.run(&format!("--json {words}"));
    let record: Value = serde_json::from_str(said.err.lines().last().unwrap_or_default()).unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("why"))
}

#[test]
fn software_evidence_is_labelled_everywhere() {
    let w = world();
    let said = w.run(&format!("tee evidence again.evidence --software north.key {ENROL}"));
    assert!(said.err.contains("UNATTESTED-SOFTWARE"), "{said:?}");
    let verify = format!("tee verify north.evidence --policy tee.toml --party north.pub {ENROL}");
    assert!(w.run(&verify).ok().starts_with("UNATTESTED-SOFTWARE: software evidence "));
    let verdict = record(&w, &verify);
    assert_eq!((&verdict["v"], &verdict["type"]), (&1.into(), &"tee-verdict".into()));
    assert_eq!((&verdict["verdict"], &verdict["purpose"]), (&"UNATTESTED-SOFTWARE".into(), &"enrol".into()));
    assert_eq!(verdict["policy"], record(&w, "tee policy hash tee.toml")["hash"]);
    assert!(w.run("tee policy check tee.toml").ok().contains("UNATTESTED-SOFTWARE"));
    assert!(w.run("tee policy show tee.toml").ok().contains("software     UNATTESTED-SOFTWARE"));
    // Only the file can allow it.
    w.write("strict.toml", &w.read("tee.toml").replace("allow_software = true\n", ""));
    let (code, why) = refused(&w, &verify.replace("tee.toml", "strict.toml"));
    assert!(code == "invalid-policy" && why.contains("allow_software"), "{code}: {why}");
    let tdx = format!("version = 1\n[[accept]]\nkind = 'tdx'\nmeasurements.mrtd = '{}'\n", "00".repeat(48));
    w.write("strict.toml", &tdx);
    let (code, why) = refused(&w, &verify.replace("tee.toml", "strict.toml"));
    assert_eq!(code, "evidence-refused");
    assert!(why.contains("software evidence is refused") && why.contains("no software evidence"), "{why}");
}

#[test]
fn evidence_for_another_party_build_or_purpose_is_refused() {
    let w = world();
    let hash = "ab".repeat(32);
    for words in [
        format!("--party south.pub {ENROL}"),
        format!("--party north.pub --purpose enrol --build {hash}"),
        format!("--party north.pub --purpose receipt --job {hash} --run {hash} --facts {hash}"),
        format!(
            "--party north.pub --purpose session --job {hash} --run {hash} --nonce {hash} --exporter {hash} --verifier south.pub"
        ),
    ] {
        let (code, why) = refused(&w, &format!("tee verify north.evidence --policy tee.toml {words}"));
        assert_eq!(code, "evidence-refused", "{words}");
        assert!(why.contains("the evidence is not for this"), "{words}: {why}");
    }
    for words in ["", "--purpose enrol", "--purpose enrol --build x", "--purpose receipt --job x"] {
        w.run(&format!("tee verify north.evidence --policy tee.toml --party north.pub {words}")).fails(2);
    }
    w.run(&format!("tee verify north.evidence --policy tee.toml {ENROL}")).fails(2);
    w.run(&format!("tee verify north.evidence --party north.pub {ENROL}")).fails(2);
    let other = format!("tee evidence x --software north.key --party south.pub {ENROL}");
    assert!(w.run(&other).fails(2).contains("another party"));
}

#[test]
fn files_are_not_overwritten_and_machines_without_hardware_say_so() {
    let w = world();
    let make = format!("tee evidence north.evidence --software north.key {ENROL}");
    assert!(w.run(&make).fails(1).contains("--force"));
    w.run(&format!("{make} --force")).ok();
    let verify = format!("tee verify north.evidence --policy tee.toml --party north.pub {ENROL}");
    assert!(w.run(&format!("{verify} --bundle north.bundle")).fails(1).contains("exists already"));
    if !["/sys/kernel/config/tsm/report", "/dev/attestation"]
        .iter()
        .any(|path| std::fs::exists(path).unwrap())
    {
        let words = format!("tee evidence x --party north.pub {ENROL}");
        assert_eq!(refused(&w, &words).0, "no-hardware");
    }
    w.write("x.evidence", "no evidence");
    assert_eq!(refused(&w, &verify.replace("north.ev", "x.ev")).0, "invalid-evidence");
    assert_eq!(refused(&w, &format!("{verify} --collateral x.evidence")).0, "invalid-evidence");
    assert_eq!(refused(&w, &format!("{verify} --collateral nowhere")).0, "cannot-read");
}

/// Whatever its size, a file is read no further than one of its kind can be long.
#[test]
fn huge_files_are_refused_unread() {
    let w = world();
    // Sparse: to read it whole would take more memory than there is.
    std::fs::File::create(w.path("huge")).unwrap().set_len(1 << 42).unwrap();
    let verify = format!("tee verify north.evidence --policy tee.toml --party north.pub {ENROL}");
    for words in [
        verify.replace("north.evidence", "huge"),
        verify.replace("tee.toml", "huge"),
        verify.replace("north.pub", "huge"),
        format!("{verify} --collateral huge"),
        format!("{verify} --seen huge"),
        "tee verify huge".into(),
        "tee verify north.bundle --at now --collateral huge".into(),
        "tee policy check huge".into(),
        format!("tee evidence x --software huge {ENROL}"),
        "keys show huge".into(),
        "keys vault show huge".into(),
        "keys check huge --group huge".into(),
    ] {
        let said = w.run(&words);
        assert!(said.out.is_empty(), "{words}: {said:?}");
        said.fails(1);
    }
    w.run("tee policy revoke --advisory INTEL-SA-1 --dry-run").ok();
}

#[test]
fn a_bundle_has_two_verdicts_and_revocation_changes_one() {
    let w = world();
    let then = record(&w, "tee verify north.bundle");
    assert_eq!(then["verdict"], "UNATTESTED-SOFTWARE");
    w.run("tee verify north.bundle --at now").fails(2);
    let now = "tee verify north.bundle --at now --collateral /dev/null";
    w.run(now).ok();
    // The policy in a bundle is its author's.
    let said = w.run("tee verify north.bundle");
    assert!(said.err.contains("the bundle's author"), "{said:?}");
    let ours = w.run("tee verify north.bundle --policy tee.toml");
    assert!(ours.code == 0 && ours.err.is_empty(), "{ours:?}");
    w.write("other.toml", &format!("max_collateral_age_days = 7\n{}", w.read("tee.toml")));
    assert_eq!(refused(&w, "tee verify north.bundle --policy other.toml").0, "evidence-refused");
    // The code of the build is revoked.
    let code = then["measurements"]["code"].as_str().unwrap();
    let revoke = format!("tee policy revoke --measurement {code}");
    let planned = record(&w, &format!("{revoke} --dry-run"));
    assert_eq!((&planned["written"], &planned["new"]), (&false.into(), &true.into()));
    w.run(now).ok();
    let done = record(&w, &revoke);
    assert_eq!((&done["written"], &done["entry"]), (&true.into(), &format!("measurement {code}").into()));
    assert_eq!(done["bundles"][0]["file"], "./north.bundle");
    assert_eq!(done["bundles"][0]["party"], then["party"]);
    assert_eq!(done["bundles"].as_array().unwrap().len(), 1);
    let (kind, why) = refused(&w, now);
    assert_eq!(kind, "evidence-refused");
    assert!(why.contains("revoked: measurement"), "{why}");
    let verify = format!("tee verify north.evidence --policy tee.toml --party north.pub {ENROL}");
    assert_eq!(refused(&w, &verify).0, "evidence-refused");
    assert_eq!(record(&w, "tee verify north.bundle"), then, "what held then is as it was");
    // Again, and another: the file keeps both.
    assert_eq!(record(&w, &revoke)["new"], false);
    let other = record(&w, &format!("tee policy revoke --platform {}", "0a".repeat(32)));
    assert_eq!(other["bundles"].as_array().unwrap().len(), 0);
    assert!(w.read("revoked.toml").contains(code) && w.read("revoked.toml").contains("0a0a"));
    // A file that cannot be read refuses everything.
    w.write("revoked.toml", "[revoked]\nplatform = []\n");
    assert_eq!(refused(&w, &verify).0, "invalid-policy");
    assert_eq!(refused(&w, &revoke).0, "invalid-policy");
    w.run("tee policy revoke").fails(2);
    w.run("tee policy revoke --platform 00").fails(2);
    w.run("tee policy revoke --platform 00 --advisory X").fails(2);
}

#[test]
fn real_quotes_verify_and_are_refused_for_what_they_are() {
    let w = world();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../tee/tests/data/intel");
    let hash = "00".repeat(32);
    let verify = |name: &str, policy: &str, at: u64| {
        w.write("hard.toml", &format!("version = 1\n[[accept]]\n{policy}\n"));
        let files = format!("{data}/{name} --collateral {data}/{name}_collateral.json --policy hard.toml");
        let words = format!("tee verify {files} --party north.pub --purpose enrol --build {hash} --at {at}");
        refused(&w, &words)
    };
    let mrtd = "tdx";
    let (code, why) = verify(
        "tdx_quote",
        &format!("kind = '{mrtd}'\nmeasurements.mrtd = '{}'", "00".repeat(48)),
        1_750_400_000,
    );
    assert_eq!((code.as_str(), why.contains("another mrtd")), ("evidence-refused", true), "{why}");
    let (code, why) = verify("tdx_quote_outdated", "kind = 'tdx'\nmeasurements.mrtd = ''", 1_771_700_000);
    assert_eq!(code, "invalid-policy", "{why}");
    let (code, why) = verify(
        "sgx_quote",
        &format!("kind = 'sgx'\nmeasurements.mrenclave = '{}'", "00".repeat(32)),
        1_750_400_000,
    );
    assert_eq!((code.as_str(), why.contains("mrenclave")), ("evidence-refused", true), "{why}");
    let (code, why) = verify(
        "sgx_quote",
        &format!("kind = 'sgx'\nmeasurements.mrenclave = '{}'", "00".repeat(32)),
        1_800_000_000,
    );
    assert_eq!((code.as_str(), why.is_empty()), ("invalid-evidence", false), "{why}");
    assert!(!why.contains("/root") && !why.contains(".rs"), "{why}");
}

#[test]
fn policies_are_hashed_by_what_they_say() {
    let w = world();
    let hash = w.run("tee policy hash tee.toml").ok();
    assert_eq!(hash.trim().len(), 64);
    w.write("again.toml", &format!("# a comment\n{}", w.read("tee.toml")));
    assert_eq!(w.run("tee policy hash again.toml").ok(), hash);
    assert_eq!(record(&w, "tee policy check again.toml")["hash"], hash.trim());
    w.write("again.toml", "version = 1\nallow = true\n");
    let (code, why) = refused(&w, "tee policy check again.toml");
    assert!(code == "invalid-policy" && why.contains("line 2"), "{code}: {why}");
}
