//! What members of a group that seals or votes say and keep: `vectors/council.json`, which `vectors/check.py` reads without
//! this code (`SOTTO_VECTORS=write` writes it). Letters are those of `vectors/keys.json`, blocks those of
//! `vectors/blocks.json`, validators and certificates those of `vectors/consensus.json`.
#![allow(clippy::unwrap_used)]

use sha2::{Digest as _, Sha256};
use sotto_keys::Letter;
use sotto_mw::{
    amount::Height,
    block::Block,
    chain::ChainId,
    codec::{Decode, Encode},
    hash::Hash,
    rules::Proposal,
    validators::ValidatorSet,
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};
use sotto_node::{
    consensus::{Ballot, Statement},
    council::{Said, VoteHeight, VoteRecord},
};
use sotto_vectors::{Value, json, load, render};

const HEIGHT: Height = Height::new(9);
/// What the records with a lock are locked on.
const LOCKED: Hash = Hash::from_bytes([7; 32]);

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn letter() -> Letter {
    Letter::from_bytes(&bytes(&load("keys").unwrap()["sign_letters"][0]["bytes"])).unwrap()
}

fn proposal() -> Proposal {
    let block = Block::from_bytes(&bytes(&load("blocks").unwrap()["blocks"][0]["bytes"])).unwrap();
    Proposal { header: block.header, body: block.body }
}

fn vote(kind: VoteKind, value: Option<Hash>) -> Statement {
    Statement::Vote(Vote { kind, height: HEIGHT, round: 2, value })
}

fn messages() -> Vec<(&'static str, Said)> {
    let (proposal, consensus) = (proposal(), load("consensus").unwrap());
    let value = proposal.header.hash();
    let polka = Certificate::from_bytes(&bytes(&consensus["certificates"][0]["bytes"])).unwrap();
    let block = [&proposal.header.to_bytes()[..], &proposal.body.to_bytes()].concat();
    let ballot = |statement, polka, block: &[u8]| Said::Ballot {
        letter: letter(),
        ballot: Ballot { statement, claim: None, polka, block: block.into() },
    };
    let claim = ProposalClaim { height: HEIGHT, round: 2, pol_round: Some(1), value };
    vec![
        ("ask", Said::Ask { bound: true, letter: letter(), proposal }),
        ("letter", Said::Letter(letter())),
        ("precommit", ballot(vote(VoteKind::Precommit, Some(value)), Some(polka), &[])),
        ("proposal", ballot(Statement::Proposal(claim), None, &block)),
        ("instead", Said::Instead(vote(VoteKind::Prevote, None))),
    ]
}

/// A record of nothing, one of a vote for nothing, and one with a lock, which is written here byte by byte; and that in the
/// version before, which had the last statement alone.
fn records(chain: ChainId) -> Vec<(&'static str, Vec<u8>)> {
    let consensus = load("consensus").unwrap();
    let set = ValidatorSet::from_bytes(&bytes(&consensus["validators"])).unwrap();
    let key = set.get(0).unwrap().vote_key;
    let mut said = VoteRecord::new(chain);
    let ballot =
        Ballot { statement: vote(VoteKind::Prevote, None), claim: None, polka: None, block: [].into() };
    said.admit(&ballot, &key, &VoteHeight { height: HEIGHT, set }).unwrap();
    let last = vote(VoteKind::Precommit, Some(LOCKED));
    vec![
        ("nothing", VoteRecord::new(chain).to_file()),
        ("nil", said.to_file()),
        ("locked", by_hand(chain, 2, &[1], &[vote(VoteKind::Prevote, Some(LOCKED)), last])),
        ("version 1", by_hand(chain, 1, &[], &[last])),
    ]
}

/// A record with a lock, byte by byte: `whole` is one byte, and missing in version 1.
fn by_hand(chain: ChainId, version: u8, whole: &[u8], said: &[Statement]) -> Vec<u8> {
    let lock = [&[1, 2, 0, 0, 0], &LOCKED.as_bytes()[..]].concat();
    let mut file = [&b"SGVR"[..], &[version], chain.as_bytes(), &lock, whole].concat();
    said.iter().for_each(|said| said.encode(&mut file));
    let tag = Sha256::digest(b"sotto/node-group-votes/v1");
    let check = Sha256::new().chain_update(tag).chain_update(tag).chain_update(&file).finalize();
    [&file[..], &check].concat()
}

fn vectors() -> Value {
    let chain = ChainId::from_bytes([7; 32]);
    let messages: Vec<Value> = messages()
        .into_iter()
        .map(|(name, said)| json!({ "name": name, "bytes": hex(&said.to_bytes()) }))
        .collect();
    let records: Vec<Value> =
        records(chain).into_iter().map(|(name, file)| json!({ "name": name, "bytes": hex(&file) })).collect();
    json!({
        "about": "letter: the first of keys.json that signs; block: the first of blocks.json; certificate: the first of consensus.json",
        "chain_id": hex(chain.as_bytes()), "height": 9, "round": 2, "messages": messages, "records": records,
    })
}

#[test]
fn what_members_say_and_keep_is_as_documented() {
    let (file, text) = (sotto_vectors::file("council"), render(&vectors()));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|mode| mode == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(std::fs::read_to_string(&file).unwrap() == text, "council.json differs from what the code gives");
}

/// Statements of one height, ascending, at most 192; of version 1, one.
#[test]
fn a_record_has_its_statements_in_order() {
    let chain = ChainId::from_bytes([7; 32]);
    let is_read = |version, whole: &[u8], said: &[Statement]| {
        VoteRecord::from_file(&chain, &by_hand(chain, version, whole, said)).is_ok()
    };
    let nil = |height, round| Statement::Vote(Vote { kind: VoteKind::Precommit, height, round, value: None });
    let (first, second) = (vote(VoteKind::Prevote, None), vote(VoteKind::Precommit, None));
    assert!(is_read(2, &[1], &[first, second]) && is_read(2, &[0], &[first, second]));
    assert!(!is_read(2, &[2], &[first, second]), "neither whole nor not");
    assert!(!is_read(2, &[1], &[second, first]) && !is_read(2, &[1], &[first, first]));
    assert!(!is_read(2, &[1], &[first, nil(HEIGHT.next(), 0)]), "of two heights");
    assert!(is_read(1, &[], &[first]) && !is_read(1, &[], &[first, second]));
    let many: Vec<_> = (0..193).map(|round| nil(HEIGHT, round)).collect();
    assert!(is_read(2, &[0], &many[1..]) && !is_read(2, &[0], &many));
}

#[test]
fn each_is_read_again() {
    let made = vectors();
    for message in made["messages"].as_array().unwrap() {
        let bytes = bytes(&message["bytes"]);
        assert_eq!(Said::from_bytes(&bytes).unwrap().to_bytes(), bytes, "{message}");
        // The block of a ballot takes the rest, and is read where it is judged.
        let is_cut = message["name"] == "proposal" || Said::from_bytes(&bytes[..bytes.len() - 1]).is_none();
        assert!(is_cut, "{message}");
    }
    let chain = ChainId::from_bytes([7; 32]);
    for record in made["records"].as_array().unwrap() {
        let bytes = bytes(&record["bytes"]);
        let read = VoteRecord::from_file(&chain, &bytes).unwrap();
        if record["name"] == "version 1" {
            // What was said before the last statement is unknown, so nothing is said there.
            let nothing = Vote { kind: VoteKind::Prevote, height: HEIGHT, round: 2, value: None };
            assert_eq!((read.last().kind, read.instead(&Statement::Vote(nothing))), (2, None));
            let again = VoteRecord::from_file(&chain, &read.to_file());
            assert_eq!(again, Ok(read));
        } else {
            assert_eq!(read.to_file(), bytes, "{record}");
        }
        assert!(VoteRecord::from_file(&ChainId::from_bytes([8; 32]), &bytes).is_err());
    }
}
