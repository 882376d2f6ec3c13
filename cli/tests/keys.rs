//! Three members with a group of two of three: from the draft to a refreshed share, through files.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::World;
use serde_json::Value;
use sotto_keys::armor;
use std::fs;

const MEMBERS: [&str; 3] = ["north", "south", "west"];

/// Keys of three parties, and the id of a chain.
fn world() -> World {
    let world = World::empty();
    world.write("chain.id", &"07".repeat(32));
    MEMBERS.iter().for_each(|name| drop(world.run(&format!("mpc keygen {name}")).ok()));
    world
}

fn board() -> World {
    let world = world();
    world.board();
    world
}

/// Runs a verb at each of these members in turn, with all letters so far, until all are done.
fn until_done(w: &World, members: &[&str], verb: &str, letters: &str) {
    for _ in 0..6 {
        let mut done = 0;
        for name in members {
            let said = w.keys(name, &format!("{verb} {letters} --json")).ok();
            let record: Value = serde_json::from_str(&said).unwrap();
            let new: String =
                record["letters"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
            w.write(letters, &(w.read(letters) + &new));
            done += u32::from(record["state"] == "done");
        }
        if done as usize == members.len() {
            return;
        }
    }
    panic!("{verb} does not end");
}

fn record(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_board_is_made_signs_loses_a_share_repairs_it_and_refreshes() {
    let w = board();
    let shown = record(&w.run("keys show west.group --json").ok());
    assert_eq!(
        (&shown["epoch"], &shown["threshold"], &shown["purpose"]),
        (&0.into(), &2.into(), &"seal".into())
    );
    assert_eq!(w.read("north.group"), w.read("west.group"));
    let mode = |name: &str| {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(w.path(name)).unwrap().permissions())
    };
    assert_eq!(mode("west.share") & 0o777, 0o600);

    // North asks for the seal of a header, and south agrees.
    w.write("header.hex", &w.header(5));
    w.shell("sotto keys sign --header header.hex --key north.key --group north.group --yes > seal.letters")
        .ok();
    until_done(&w, &["south", "north"], "sign --yes", "seal.letters");
    let sealed = record(&w.keys("south", "sign seal.letters --yes --json").ok());
    assert_eq!(sealed["state"], "done");

    // West loses its share, and gets it again from north and south, who know its fingerprint.
    fs::rename(w.path("west.share"), w.path("lost.share")).unwrap();
    w.shell("sotto keys repair --key west.key --group west.group --share west.share > repair.letters").ok();
    let refused = w.keys("north", &format!("repair repair.letters --fingerprint {}", "0000-".repeat(8)));
    assert!(refused.fails(1).contains("the fingerprint is not that of the key of member 3"));
    let west = shown["members"][2].as_str().unwrap();
    for _ in 0..4 {
        for name in MEMBERS {
            let fingerprint = if name == "west" { String::new() } else { format!("--fingerprint {west}") };
            let said = w.keys(name, &format!("repair repair.letters {fingerprint}")).ok();
            w.write("repair.letters", &(w.read("repair.letters") + &said));
        }
    }
    let checked = w.run("keys check west.share --group west.group --open").ok();
    assert!(checked.contains("fits the group's keys"), "{checked}");

    // A refresh: the same key, and old shares are refused.
    w.run("keys backup . --group south.group --name south-old").ok();
    w.shell("sotto keys refresh --key north.key --group north.group --yes > refresh.letters").ok();
    until_done(&w, &MEMBERS, "refresh --yes", "refresh.letters");
    let key = |name: &str| w.run(&format!("keys export --group {name}.group")).ok();
    assert_eq!(key("north").trim(), shown["key"].as_str().unwrap());
    assert_eq!(record(&w.run("keys show west.group --json").ok())["epoch"], 1);
    for old in ["lost.share", "south-old.share"] {
        let said = w.run(&format!("keys check {old} --group north.group"));
        assert!(said.out.contains("replaced by epoch 1"), "{said:?}");
        said.fails(1);
    }
    w.shell("sotto keys drill --key north.key --group north.group > drill.letters").ok();
    let said =
        w.run("keys drill drill.letters --key south.key --group north.group --share south-old.share --yes");
    assert!(said.fails(1).contains("the share is of epoch 0, but the group is at epoch 1"));
    until_done(&w, &["south", "north"], "drill --yes", "drill.letters");
    let drills = record(&w.run("keys show north.group --json").ok())["drills"].clone();
    assert!(drills[0].is_u64() && drills[1].is_u64() && drills[2].is_null(), "{drills}");
}

/// The seal of a group is that of one operator: the ledger verifies it under the group's key.
#[test]
fn the_ledger_accepts_a_groups_seal() {
    use sotto_mw::{
        block::Header,
        chain::ChainId,
        codec::Decode,
        schnorr::{PublicKey, Signature},
    };
    let w = board();
    w.write("header.hex", &w.header(9));
    w.shell("sotto keys sign --header header.hex --key west.key --group west.group --yes > seal.letters")
        .ok();
    let south = w.keys("south", "sign seal.letters --yes").ok();
    w.write("seal.letters", &(w.read("seal.letters") + &south));
    let west = w.keys("west", "sign seal.letters --yes").ok();
    w.write("seal.letters", &(w.read("seal.letters") + &west));
    let signed = record(&w.keys("south", "sign seal.letters --yes --json").ok());
    assert_eq!(signed["result"]["members"], serde_json::json!([2, 3]));
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    };
    let signature = Signature::from_bytes(&bytes(signed["result"]["signature"].as_str().unwrap())).unwrap();
    let key = PublicKey::from_bytes(&bytes(w.run("keys export --group west.group").ok().trim())).unwrap();
    let header = Header::from_bytes(&bytes(&w.header(9))).unwrap();
    assert!(signature.verifies(&key, &header.seal_message(&ChainId::from_bytes([7; 32]))));
    assert!(!signature.verifies(&key, &header.seal_message(&ChainId::from_bytes([8; 32]))));

    // Another header at this height: members 2 and 3 are bound, member 1 is not, and one is not enough.
    w.write("other.hex", &(w.header(9)[..510].to_owned() + "01"));
    w.shell("sotto keys sign --header other.hex --key north.key --group north.group --yes > other.letters")
        .ok();
    let south = w.keys("south", "sign other.letters --yes").ok();
    w.write("other.letters", &(w.read("other.letters") + &south));
    let north = w.keys("north", "sign other.letters --yes").ok();
    w.write("other.letters", &(w.read("other.letters") + &north));
    let said = w.keys("south", "sign other.letters --yes");
    assert!(said.fails(1).contains("this member is bound to the header"));

    // Member 3 asked for the first one, and is bound as well: it asks for the other, chooses, and does not sign.
    w.shell("sotto keys sign --header other.hex --key west.key --group west.group --yes > third.letters")
        .ok();
    let north = w.keys("north", "sign third.letters --yes").ok();
    w.write("third.letters", &(w.read("third.letters") + &north));
    for _ in 0..2 {
        let said = w.keys("west", "sign third.letters --yes");
        assert_eq!(said.out, "", "no share leaves");
        assert!(said.fails(1).contains("this member is bound to the header"));
    }
}

/// A member leaves, and another takes its place.
#[test]
fn a_member_is_replaced() {
    let w = board();
    w.run("mpc keygen east").ok();
    w.run("keys new next.draft --after north.group --at 3 --member east.pub").ok();
    fs::copy(w.path("north.group"), w.path("east.group")).unwrap();
    let team = ["north", "south", "east"];
    w.write("enrol.letters", "");
    for _ in 0..2 {
        for name in team {
            let letters = if w.read("enrol.letters").is_empty() { "" } else { "enrol.letters" };
            let said = w.keys(name, &format!("enrol next.draft {letters} --yes")).ok();
            w.write("enrol.letters", &(w.read("enrol.letters") + &said));
        }
    }
    w.keys("north", "enrol next.draft enrol.letters --yes").ok();
    let shown = record(&w.run("keys show east.group --json").ok());
    let east = shown["members"][2].as_str().unwrap();
    w.shell("sotto keys repair --key east.key --group east.group > repair.letters").ok();
    for _ in 0..4 {
        for name in team {
            let fingerprint = if name == "east" { String::new() } else { format!("--fingerprint {east}") };
            let said = w.keys(name, &format!("repair repair.letters {fingerprint}")).ok();
            w.write("repair.letters", &(w.read("repair.letters") + &said));
        }
    }
    w.shell("sotto keys refresh --key east.key --group east.group --yes > refresh.letters").ok();
    until_done(&w, &team, "refresh --yes", "refresh.letters");
    w.run("keys check north.share south.share east.share --group east.group --open").ok();
    let said = w.run("keys check west.share --group east.group");
    assert!(said.out.contains("before the change of members"), "{said:?}");
    said.fails(1);
}

/// Two different letters of one member at one step: both are shown, and whoever has the draft can tell.
#[test]
fn contradictions_are_evidence() {
    let w = world();
    w.run("keys new board.draft --purpose seal --chain $(cat chain.id) --threshold 2 --member north.pub south.pub west.pub").ok();
    let one = w.keys("north", "dkg board.draft --yes").ok();
    let two = w
        .shell(
            "SOTTO_STATE_DIR=elsewhere sotto keys dkg board.draft --key north.key --group other.group --yes",
        )
        .ok();
    w.write("one", &one);
    w.write("two", &two);
    w.keys("south", "dkg board.draft one --yes").ok();
    let said = w.keys("south", "dkg board.draft two --yes");
    w.write("evidence", &said.out);
    assert!(said.fails(1).contains("member 1 said different things to different members"));
    assert!(w.run("keys show evidence").ok().contains("member 1 sent two different letters"));
    // A letter in one's own name from elsewhere is noticed.
    assert!(w.keys("north", "dkg board.draft two --yes").fails(1).contains("in use elsewhere"));
}

#[test]
fn what_is_asked_is_shown_and_nothing_is_overwritten() {
    let w = board();
    w.write("header.hex", &w.header(3));
    w.shell("sotto keys sign --header header.hex --key north.key --group north.group --yes > seal.letters")
        .ok();
    let said = w.keys("south", "sign seal.letters");
    assert!(said.fails(4).contains("no terminal"), "without a terminal nobody has agreed");
    let said = w.keys("south", "sign seal.letters --yes");
    assert!(said.err.contains("height   3") && said.err.contains("asks the group"), "{}", said.err);
    let letters = armor::from_text(&said.ok()).unwrap();
    assert_eq!(letters.len(), 1);
    assert!(w.keys("north", "repair").fails(1).contains("nothing has to be repaired"));
    w.write("chosen.group", "mine");
    w.run("keys new more.draft --purpose seal --chain $(cat chain.id) --threshold 2 --member north.pub south.pub").ok();
    let said = w.run("keys dkg more.draft --key north.key --group chosen.group --yes");
    said.fails(1);
    assert_eq!(w.read("chosen.group"), "mine");
    let said = w.run("keys new board.draft --purpose seal --chain $(cat chain.id) --threshold 2 --member north.pub south.pub");
    assert!(said.fails(1).contains("exists already"));
    let said = w.run("keys new minority.draft --purpose seal --chain $(cat chain.id) --threshold 1 --member north.pub south.pub");
    assert!(said.fails(1).contains("the threshold is 2 to"));
    w.write("wrong", "wrong\n");
    w.shell("chmod 600 wrong").ok();
    let said = w.shell("sotto --json keys drill --key north.key --group north.group --passphrase-file wrong");
    assert_eq!(record(said.err.trim())["code"], "wrong-passphrase");
}
