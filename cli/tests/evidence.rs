//! Evidence against validators: shown, written down, verified elsewhere, and what it makes a node do.
#![allow(clippy::unwrap_used, reason = "the functions that tests share fail as tests do")]

mod support;

use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, Encode},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    secret::SecretScalar,
    validators::{Signatures, Signers},
    votes::{Certificate, SignedVote, Vote, VoteKind},
};
use sotto_node::{
    consensus::{DoubleCertificate, Evidence},
    storage::read_genesis,
};
use std::fs;
use support::{Said, World};

const NAMES: [&str; 4] = ["north", "east", "south", "west"];
const DIRS: [&str; 4] = ["a", "b", "c", "d"];

/// A chain of four validators without a block, and their keys in the order of the set.
struct Four {
    world: World,
    chain: Chain,
    keys: Vec<(String, SecretScalar)>,
}

impl Four {
    fn new() -> Self {
        let world = World::empty();
        let init = |(name, dir)| world.run(&format!("node validator init --name {name} --dir {dir}")).ok();
        let entries: Vec<String> = NAMES.into_iter().zip(DIRS).map(init).collect();
        world.write("validators.toml", &entries.join("\n"));
        world.run("chain init --validators validators.toml --dir a").ok();
        world.run("chain join a/chain/genesis --dir b").ok();
        let chain = read_genesis(&fs::read(world.path("a/chain/genesis")).unwrap()).unwrap();
        let key = |dir: &str| {
            // "SKEY", a version, and the secret.
            let file = fs::read(world.path(&format!("{dir}/node/vote_key"))).unwrap();
            SecretScalar::from_bytes(file[5..37].try_into().unwrap()).unwrap()
        };
        let set = chain.terms().sealing.validators().unwrap();
        let keys = NAMES.iter().zip(DIRS).map(|(name, dir)| ((*name).to_owned(), key(dir)));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_by_key(|(_, secret)| set.index_of(&PublicKey::of(secret)).unwrap());
        Self { world, chain, keys }
    }

    fn vote(&self, place: usize, vote: Vote) -> SignedVote {
        vote.sign(self.chain.id(), &self.keys[place].1, &mut rand_core::OsRng)
    }

    fn certificate(&self, height: u64, round: u32, value: u8, places: [usize; 3]) -> (Hash, Certificate) {
        let value = Hash::from_bytes([value; 32]);
        let vote = Vote { kind: VoteKind::Precommit, height: Height::new(height), round, value: Some(value) };
        let mut bytes = Signers::new(4, places).unwrap().to_bytes();
        places.iter().for_each(|place| self.vote(*place, vote).signature.encode(&mut bytes));
        (value, Certificate { round, signatures: Signatures::from_bytes(&bytes).unwrap() })
    }

    /// The file of evidence beside a chain.
    fn file(&self, all: &[Evidence], doubles: &[DoubleCertificate]) -> Vec<u8> {
        let count = u32::try_from(all.len()).unwrap().to_le_bytes();
        let mut out = [&[1], &self.chain.id().as_bytes()[..], &count].concat();
        all.iter().for_each(|e| e.encode(&mut out));
        out.push(u8::try_from(doubles.len()).unwrap());
        doubles.iter().for_each(|d| d.encode(&mut out));
        let check = tagged("sotto/node-equivocations/v1", &[&out[..]]);
        [&out[..], &check.as_bytes()[..]].concat()
    }
}

/// The explanation of a refusal with this code.
fn refused(said: Said, code: &str) -> String {
    assert!(said.err.contains(&format!("\"code\":\"{code}\"")), "{said:?}");
    said.fails(1)
}

/// A validator that voted twice: its node's neighbours show it, and anyone with the chain verifies it.
#[test]
fn a_validator_that_voted_twice_is_named() {
    let four = Four::new();
    let world = &four.world;
    assert_eq!(world.run("node evidence --json --dir a").ok(), "");
    let vote = |value| Vote {
        kind: VoteKind::Prevote,
        height: Height::new(1),
        round: 2,
        value: Some(Hash::from_bytes([value; 32])),
    };
    let [a, b] = [1, 2].map(|value| four.vote(2, vote(value)));
    let file = four.file(&[Evidence::votes(a, b)], &[]);
    fs::write(world.path("a/chain/equivocations"), &file).unwrap();
    let shown = world.run("node evidence --dir a").ok();
    let said = format!("height 1, round 2: {}", four.keys[2].0);
    assert!(shown.contains(&said) && shown.contains("signed two prevotes"), "{shown}");
    world.run("node evidence export found --dir a").ok();
    assert_eq!(fs::read(world.path("found")).unwrap(), file);
    let shown = world.run("node evidence verify found --json --dir b").ok();
    assert!(shown.contains(r#""verdict":"holds""#) && shown.contains(&four.keys[2].0), "{shown}");
    // A flipped bit, the same vote twice, and another chain.
    let mut flipped = file;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(world.path("flipped"), flipped).unwrap();
    let [a, b] = [1, 1].map(|value| four.vote(2, vote(value)));
    fs::write(world.path("one"), four.file(&[Evidence::votes(a, b)], &[])).unwrap();
    for bad in ["flipped", "one"] {
        refused(world.run(&format!("node evidence verify {bad} --json --dir b")), "invalid-evidence");
    }
    world.run("chain init --dir solo").ok();
    refused(world.run("node evidence verify found --json --dir solo"), "other-chain");
}

/// Three of four sealed two blocks of one height. Two signed both: guilty in one round, suspects in two. A
/// node does not start before a person says which block counts.
#[test]
fn two_certificates_stop_a_node_until_a_checkpoint_says_which_counts() {
    let four = Four::new();
    let world = &four.world;
    let start = |words: &str| {
        // The node has five seconds to refuse; one that runs is ended.
        world.shell(&format!(
            "timeout --signal INT 5 sotto node run --json --listen 127.0.0.1:0 {words} --dir a"
        ))
    };
    for (round, who) in [(0, "guilty"), (1, "suspects")] {
        let (a, b) = (four.certificate(1, 0, 7, [0, 1, 2]), four.certificate(1, round, 9, [1, 2, 3]));
        let double = DoubleCertificate::new(Height::new(1), a, b);
        fs::write(world.path("a/chain/equivocations"), four.file(&[], &[double])).unwrap();
        let both = [1, 2].map(|place: usize| four.keys[place].0.clone());
        let why = refused(start(""), "two-certificates");
        let shown = world.run("node evidence --dir a").ok();
        for said in [why, shown] {
            assert!(both.iter().all(|name| said.contains(name.as_str())) && said.contains(who), "{said}");
            assert!(![0, 3].iter().any(|place: &usize| said.contains(&four.keys[*place].0)), "{said}");
        }
        world.run("node evidence export --force twice --dir a").ok();
        world.run("node evidence verify twice --dir b").ok();
        let counts = format!("--checkpoint 1:{}", "09".repeat(32));
        let started = start(&counts);
        assert!(started.out.contains("chain_id"), "{started:?}");
    }
    // A certificate for another block is none for this one.
    let (a, mut b) = (four.certificate(1, 0, 7, [0, 1, 2]), four.certificate(1, 0, 9, [1, 2, 3]));
    b.1 = four.certificate(1, 0, 8, [1, 2, 3]).1;
    fs::write(world.path("forged"), four.file(&[], &[DoubleCertificate::new(Height::new(1), a, b)])).unwrap();
    refused(world.run("node evidence verify forged --json --dir b"), "invalid-evidence");
    start("--checkpoint 1:99").fails(2);
    start("--checkpoint nowhere").fails(2);
}
