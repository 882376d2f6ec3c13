//! Boxes that two of three members open for a machine, with real processes: the page of docs/CUSTODY.md line by line, and
//! letters that are cut, forged, foreign, repeated, too late or too few.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::{Said, World};
use serde_json::Value;
use sotto_keys::{
    armor::{self, Kind},
    vault::VaultRequest,
    vault_session::{VaultChallenge, VaultEvidence},
};
use sotto_party::{
    Context, Identity, PublicKey,
    hex::{from_hex, to_hex},
};
use sotto_tee::{Binding, Digest, Purpose, software};
use std::{
    fs,
    path::PathBuf,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

const PAGE: &str = include_str!("../../docs/CUSTODY.md");

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    let (_, page) = PAGE.split_once("\n# Data that a machine gets back").unwrap();
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let script: String = blocks.map(|(block, _)| block).collect();
    assert!(script.contains("vault request") && script.contains("vault open"), "{script}");
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("UNATTESTED-SOFTWARE"), "{said:?}");
    assert_eq!(world.read("machine.secret"), world.read("disk.secret"));
}

/// A group, a box, and letters about it; made once, because key derivation takes seconds.
fn made() -> World {
    static MADE: OnceLock<World> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let w = World::empty();
        w.write("chain.id", &"07".repeat(32));
        ["north", "south", "west"].iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
        w.attested();
        w.vault();
        w
    });
    made.copy()
}

fn member(w: &World, name: &str, letters: &str) -> Said {
    let files = format!("--group vault-{name}.group --key {name}.key --policy vault.toml");
    w.run(&format!("keys vault answer disk.box {letters} {files}"))
}

fn machine(w: &World, letters: &str) -> Said {
    let software = "--software platform.key --build $(cat build.hash)";
    w.run(&format!("keys vault request disk.box {letters} --group vault.group --key fresh.key {software}"))
}

fn open(w: &World, letters: &str, key: &str) -> Said {
    w.run(&format!("keys vault open disk.box {letters} --group vault.group --key {key} --out opened"))
}

/// The code and the reasons of a run that must be refused.
fn refused(said: &Said) -> (String, String) {
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    let record: Value = serde_json::from_str(said.err.lines().last().unwrap_or_default()).unwrap();
    (record["code"].as_str().unwrap().to_owned(), record["why"].as_str().unwrap_or_default().to_owned())
}

/// A fresh machine that asked, and west's challenge to it: `asked`, `challenge`.
fn asked(w: &World) {
    w.write("asked", &machine(w, "").ok());
    w.write("challenge", &member(w, "west", "asked").ok());
}

/// What west keeps of the request in `asked`.
fn record_of_west(w: &World) -> PathBuf {
    let shown = w.run("keys vault show disk.box asked --json").ok();
    let request: Value = serde_json::from_str(shown.lines().nth(1).unwrap()).unwrap();
    let west = PublicKey::from_text(&w.read("west.pub")).unwrap().digest();
    w.path("state/keys").join(to_hex(&west)).join("vault").join(request["request"].as_str().unwrap())
}

/// Sets the time at which west drew its nonce.
fn drawn_at(w: &World, change: impl FnOnce(u64) -> u64) -> Vec<u8> {
    let path = record_of_west(w);
    let record = fs::read(&path).unwrap();
    let (head, _) = record.split_at(record.len() - 8);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let record = [head, &change(now).to_le_bytes()].concat();
    fs::write(&path, &record).unwrap();
    record
}

/// The one piece of this kind in a file, changed by `change`.
fn changed(w: &World, file: &str, kind: Kind, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let pieces = armor::from_text(&w.read(file)).unwrap();
    let (_, mut bytes) = pieces.into_iter().find(|(found, _)| *found == kind).unwrap();
    change(&mut bytes);
    armor::to_text(kind, &bytes)
}

#[test]
fn a_machine_opens_with_two_answers_and_each_step_can_be_repeated() {
    let w = made();
    asked(&w);
    assert_eq!(machine(&w, "").ok(), w.read("asked"), "the same request under the same key");
    assert_eq!(member(&w, "west", "asked").ok(), w.read("challenge"), "the same challenge within a minute");
    let mode = fs::metadata(w.path("fresh.key")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    w.write("north.challenge", &member(&w, "north", "asked").ok());
    let said = machine(&w, "asked challenge north.challenge --json");
    assert!(said.err.contains("UNATTESTED-SOFTWARE"), "{said:?}");
    let record: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!((&record["state"], &record["attested"]), (&"proven".into(), &false.into()));
    let letters: String = record["letters"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    w.write("evidence", &letters);
    // Without consent nothing leaves, and nothing is kept.
    let said = member(&w, "west", "asked challenge evidence");
    assert!(said.out.is_empty() && said.fails(4).contains("no terminal"));
    let before = drawn_at(&w, |now| now);
    // What is said is durable before it leaves: if it cannot leave, it is the same the next time.
    let yes = "--group vault-west.group --key west.key --policy vault.toml --yes";
    let full = w.shell(&format!("sotto keys vault answer disk.box asked evidence {yes} > /dev/full"));
    assert_eq!(full.code, 1, "{full:?}");
    let kept = fs::read(record_of_west(&w)).unwrap();
    assert_ne!(kept, before);
    let west = member(&w, "west", "asked challenge evidence --yes --json").ok();
    let west: Value = serde_json::from_str(&west).unwrap();
    assert_eq!((&west["state"], &west["member"]), (&"done".into(), &3.into()));
    w.write("west", west["letters"][0].as_str().unwrap());
    // Once and no more: neither with other evidence nor without any.
    assert_eq!(member(&w, "west", "asked").ok(), w.read("west"));
    assert_eq!(fs::read(record_of_west(&w)).unwrap(), kept);
    let north = member(&w, "north", "asked challenge north.challenge evidence --yes --bundle north.vaulted");
    assert!(north.err.contains("UNATTESTED-SOFTWARE") && north.err.contains("A machine asks"), "{north:?}");
    w.write("north", &north.ok());
    let bundle = w.run("tee verify north.vaulted --json").ok();
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!((&bundle["purpose"], &bundle["verdict"]), (&"session".into(), &"UNATTESTED-SOFTWARE".into()));
    let opened = open(&w, "asked challenge north.challenge evidence west north --json", "fresh.key").ok();
    let opened: Value = serde_json::from_str(&opened).unwrap();
    assert_eq!((&opened["bytes"], &opened["false_answers"]), (&18.into(), &Value::Array(vec![])));
    assert_eq!(w.read("opened"), w.read("disk.secret"));
    open(&w, "west north", "fresh.key").ok();
    let piped =
        w.run("keys vault open disk.box west north --group vault.group --key fresh.key --out - --json");
    assert_eq!(piped.ok(), w.read("disk.secret"));
    let shown = w.run("keys vault show disk.box asked evidence west --group vault.group").ok();
    assert!(shown.contains("answer of member 3 (signed by that member)"), "{shown}");
    assert!(w.run("keys show west").ok().contains("the signature was not checked"));
}

#[test]
fn too_few_answers_repeated_ones_and_false_ones_open_nothing() {
    let w = made();
    let pieces = armor::from_text(&w.read("done.vault")).unwrap();
    let answers: Vec<String> = pieces
        .iter()
        .filter(|(kind, _)| *kind == Kind::VaultAnswer)
        .map(|(kind, bytes)| armor::to_text(*kind, bytes))
        .collect();
    let [north, south] = &answers[..] else { panic!("two answers") };
    w.write("north", north);
    w.write("twice", &north.repeat(2));
    let too_few = "1 good answers, and 2 are needed";
    for letters in ["north", "north twice"] {
        let (_, why) = refused(&open(&w, &format!("{letters} --json"), "machine.key"));
        assert_eq!(why, too_few, "{letters}");
    }
    // South signs something that is no partial of its share.
    let identity = Identity::from_secret_text(&w.read("south.key")).unwrap();
    let false_answer = |change: &dyn Fn(&mut Vec<u8>)| {
        let (_, mut bytes) = armor::from_text(south).unwrap().pop().unwrap();
        bytes.truncate(bytes.len() - 64);
        change(&mut bytes);
        let signature = identity.sign(Context::new("sotto keys vault answer v1"), &bytes);
        armor::to_text(Kind::VaultAnswer, &[&bytes[..], &signature].concat())
    };
    w.write("false", &false_answer(&|bytes| *bytes.last_mut().unwrap() ^= 1));
    let (_, why) = refused(&open(&w, "north false --json", "machine.key"));
    assert!(why.contains(too_few) && why.contains("member 2 sent a false answer"), "{why}");
    assert!(!w.path("opened").exists());
    // An altered answer without a signature accuses no member; and the honest one beside a false one is enough.
    w.write("south", south);
    let altered = changed(&w, "south", Kind::VaultAnswer, |bytes| bytes[100] ^= 1);
    w.write("altered", &altered);
    let (_, why) = refused(&open(&w, "north altered --json", "machine.key"));
    assert_eq!(why, too_few);
    let said = open(&w, "north false south", "machine.key");
    assert!(said.err.contains("member 2 sent a false answer"), "{said:?}");
    said.ok();
    fs::remove_file(w.path("opened")).unwrap();
    // The answers are of no use to another key, nor to a box that was altered.
    w.run("mpc keygen thief").ok();
    let said = open(&w, "north south --json", "thief.key");
    let record = refused(&said);
    assert!(record.1.contains("of another machine or box"), "{record:?}");
    w.write("disk.box", &changed(&w, "disk.box", Kind::Box, |bytes| bytes[90] ^= 1));
    let (_, why) = refused(&open(&w, "north south --json", "machine.key"));
    assert!(why.contains("the signature of a box"), "{why}");
    assert!(!w.path("opened").exists());
}

#[test]
fn evidence_that_is_late_repeated_foreign_or_refused_gets_no_answer() {
    let w = made();
    asked(&w);
    w.write("evidence", &machine(&w, "challenge").ok());
    let answer = |letters: &str| member(&w, "west", &format!("{letters} --yes --json"));
    let expired = |letters: &str, why: &str| {
        let (code, said) = refused(&answer(letters));
        assert_eq!((code.as_str(), said.contains(why)), ("expired", true), "{letters}: {said}");
    };
    // Evidence for a nonce that this member never drew: its letters come from elsewhere.
    let state = "SOTTO_STATE_DIR=elsewhere";
    let files = "--group vault-west.group --key west.key --policy vault.toml --yes";
    let said = w.shell(&format!("{state} sotto keys vault answer disk.box asked evidence {files} --json"));
    assert_eq!(refused(&said).0, "expired");
    let other = w.shell(&format!("{state} sotto keys vault answer disk.box asked {files}")).ok();
    assert_ne!(other, w.read("challenge"));
    w.write("other.challenge", &other);
    w.write("other.evidence", &machine(&w, "other.challenge").ok());
    expired("asked other.evidence", "another nonce");
    // The label of another nonce on it changes nothing: the evidence itself says for which it is.
    let label = |bytes: &mut Vec<u8>| {
        let (_, challenge) = armor::from_text(&w.read("challenge")).unwrap().pop().unwrap();
        bytes[28 + 33..28 + 65].copy_from_slice(&challenge[29 + 33..29 + 65]);
    };
    w.write("relabelled", &changed(&w, "other.evidence", Kind::VaultEvidence, label));
    let (code, why) = refused(&answer("asked relabelled"));
    assert_eq!((code.as_str(), why.contains("its report data differ")), ("evidence-refused", true), "{why}");
    // Of another machine, for this nonce.
    let thief = "keys vault request disk.box challenge --group vault.group --key thief.key";
    assert!(
        w.run(&format!("{thief} --software platform.key --build $(cat build.hash)"))
            .fails(1)
            .contains("another one")
    );
    // In time, it is accepted; 61 seconds after the nonce was drawn it is not. A clock that went back is no reason to accept.
    let path = record_of_west(&w);
    drawn_at(&w, |now| now - 61);
    expired("asked evidence", "is good for 60 s");
    drawn_at(&w, |now| now + 600);
    expired("asked evidence", "is good for 60 s");
    let late = fs::read(&path).unwrap();
    drawn_at(&w, |now| now - 61);
    let fresh = answer("asked").ok();
    assert!(!fresh.contains(w.read("challenge").lines().nth(3).unwrap()), "a fresh nonce");
    expired("asked evidence", "another nonce");
    // What is revoked beside the policy is refused, and a policy that the box does not name.
    fs::write(&path, late).unwrap();
    let record = drawn_at(&w, |now| now);
    let code = w.read("build.hash");
    w.run(&format!("tee policy revoke --measurement {}", code.trim())).ok();
    let (error, why) = refused(&answer("asked evidence"));
    assert_eq!((error.as_str(), why.contains("revoked: measurement")), ("evidence-refused", true), "{why}");
    fs::remove_file(w.path("revoked.toml")).unwrap();
    let named = w.read("vault.toml");
    w.write("vault.toml", &format!("max_collateral_age_days = 7\n{named}"));
    let (error, why) = refused(&answer("asked evidence"));
    assert_eq!((error.as_str(), why.contains("it names")), ("evidence-refused", true), "{why}");
    w.write("vault.toml", &named);
    assert_eq!(fs::read(&path).unwrap(), record, "what was refused changed nothing");
    answer("asked evidence").ok();
}

/// Evidence of the right platform, that answers the right nonce and is for something else in one respect.
#[test]
fn evidence_bound_to_anything_else_gets_no_answer() {
    let w = made();
    asked(&w);
    let piece = |file: &str| armor::from_text(&w.read(file)).unwrap().pop().unwrap().1;
    let request = VaultRequest::from_bytes(&piece("asked")).unwrap();
    let challenge = VaultChallenge::from_bytes(&piece("challenge")).unwrap();
    let platform = Identity::from_secret_text(&w.read("platform.key")).unwrap();
    let mut build = Digest([0; 32]);
    from_hex(w.read("build.hash").trim(), &mut build.0).unwrap();
    let (party, nonce) = (Digest(request.machine().digest()), Digest(*challenge.nonce()));
    let (job, run) = (Digest(*request.of().as_bytes()), Digest(*request.name().as_bytes()));
    let verifier = Digest(PublicKey::from_text(&w.read("west.pub")).unwrap().digest());
    let (exporter, other) = (Digest([0; 32]), Digest([1; 32]));
    let shown = |party: Digest, purpose: Purpose| {
        let data = Binding { party, purpose }.report_data();
        let evidence = software::sign(&platform, &build.0, &data).unwrap().encode();
        let letter = VaultEvidence::new(&challenge, evidence).unwrap();
        w.write("evidence", &armor::to_text(Kind::VaultEvidence, &letter.to_bytes()));
        member(&w, "west", "asked evidence --yes --json")
    };
    let right = Purpose::Session { job, nonce, verifier, run, exporter };
    for (what, party, purpose) in [
        ("exporter", party, Purpose::Session { job, nonce, verifier, run, exporter: other }),
        ("run", party, Purpose::Session { job, nonce, verifier, run: other, exporter }),
        ("verifier", party, Purpose::Session { job, nonce, verifier: other, run, exporter }),
        ("nonce", party, Purpose::Session { job, nonce: other, verifier, run, exporter }),
        ("job", party, Purpose::Session { job: other, nonce, verifier, run, exporter }),
        ("party", other, right),
        ("purpose", party, Purpose::Enrol { build }),
        ("purpose", party, Purpose::Receipt { job, run, facts: nonce }),
    ] {
        let (code, why) = refused(&shown(party, purpose));
        let differs = why.contains("its report data differ");
        assert_eq!((code.as_str(), differs), ("evidence-refused", true), "{what}: {why}");
    }
    shown(party, right).ok();
}

/// A box whose policy accepts hardware alone, and what else cannot be encrypted or asked for.
#[test]
fn software_is_refused_unless_the_policy_says_so() {
    let w = made();
    let tdx = format!("version = 1\n[[accept]]\nkind = 'tdx'\nmeasurements.mrtd = '{}'\n", "00".repeat(48));
    w.write("vault.toml", &tdx);
    fs::remove_file(w.path("disk.box")).unwrap();
    let encrypt = "keys vault encrypt disk.secret disk.box --group vault.group --owner north.pub --policy";
    let said = w.run(&format!("{encrypt} vault.toml --json"));
    assert!(said.err.is_empty(), "{said:?}");
    let record: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!(record["policy"], w.run("tee policy hash vault.toml").ok().trim());
    assert!(w.run(&format!("{encrypt} vault.toml")).fails(1).contains("exists already"));
    asked(&w);
    w.write("evidence", &machine(&w, "challenge").ok());
    let (code, why) = refused(&member(&w, "west", "asked evidence --yes --json"));
    assert_eq!(code, "evidence-refused");
    assert!(why.contains("software evidence is refused") && why.contains("no software evidence"), "{why}");
    // A quorum of two is more than a machine has.
    w.write("two.toml", &format!("{tdx}[quorum]\nof = 2\nvendors = 1\n"));
    let said = w.run(&format!("{} two.toml", encrypt.replace("disk.box", "two.box")));
    assert!(said.fails(1).contains("no machine can satisfy this policy"));
    w.write("large", &"x".repeat(65_537));
    let said = w.run(&format!("{} vault.toml", encrypt.replace("disk.secret disk.box", "large large.box")));
    assert!(said.fails(1).contains("at most 65536 bytes"));
    assert!(!w.path("two.box").exists() && !w.path("large.box").exists());
    // A member's own key is no fresh one; a machine without hardware says so.
    let ask = "keys vault request disk.box challenge --group vault.group --key";
    assert!(w.run(&format!("{ask} south.key")).fails(1).contains("is the key of member 2"));
    if !["/sys/kernel/config/tsm/report", "/dev/attestation"].iter().any(|path| fs::exists(path).unwrap()) {
        assert_eq!(refused(&w.run(&format!("{ask} fresh.key --json"))).0, "no-hardware");
    }
}

#[test]
fn letters_that_are_cut_forged_or_of_another_box_are_refused() {
    let w = made();
    asked(&w);
    let west = |letters: &str| member(&w, "west", &format!("{letters} --yes"));
    let text = w.read("asked");
    w.write("cut", &text[..text.len() / 2]);
    assert!(west("cut").fails(1).contains("the text is cut off"));
    w.write("altered", &text.replacen("61", "62", 1));
    assert!(west("altered").fails(1).contains("altered"));
    w.write("short", &changed(&w, "asked", Kind::VaultRequest, |bytes| bytes.truncate(bytes.len() - 1)));
    assert!(west("short").fails(1).contains("holds a malformed request"));
    assert!(west("").fails(1).contains("the machine's request is missing"));
    assert!(west("asked asked.vault").fails(1).contains("more than one request"));
    assert!(west("asked done.vault").fails(1).contains("more than one request"));
    // A challenge in a member's name that it did not sign makes no evidence.
    w.write("forged", &changed(&w, "challenge", Kind::VaultChallenge, |bytes| bytes[70] ^= 1));
    let said = machine(&w, "forged");
    assert!(said.err.contains("member 3 did not sign"), "{said:?}");
    assert!(said.out.is_empty() && said.fails(1).contains("no member of the group signed"));
    // Another box of the same group, and the box of another group.
    let encrypt = "keys vault encrypt disk.secret other.box --policy vault.toml --owner north.pub --group";
    w.run(&format!("{encrypt} vault.group")).ok();
    let files = "--group vault-west.group --key west.key --policy vault.toml --yes";
    let other = w.run(&format!("keys vault answer other.box asked {files}"));
    assert!(other.fails(1).contains("the request is for another box"));
    assert!(w.run(&format!("keys vault answer asked {files}")).fails(1).contains("holds no box"));
    let two = w.run(&format!("keys vault answer disk.box other.box asked {files}"));
    assert!(two.fails(1).contains("more than one box"));
    w.board();
    let foreign = w.run("keys vault request disk.box --group board.group --key new.key");
    assert!(foreign.fails(1).contains("this group is not one for `vault`"));
    assert!(!w.path("new.key").exists(), "no key for what cannot be asked");
    let said = w.run(&format!("{encrypt} board.group").replace("other.box", "third.box"));
    assert!(said.fails(1).contains("this group is not one for `vault`"));
    // A record that is damaged is refused, and stays.
    let path = record_of_west(&w);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    west("asked").fails(1);
    assert_eq!(fs::read(&path).unwrap(), bytes[..bytes.len() - 1]);
}
