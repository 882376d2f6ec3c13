//! Evidence against validators: shown, written down, verified elsewhere, and what it makes a node do.
#![allow(clippy::unwrap_used, reason = "the functions that tests share fail as tests do")]

use crate::support::{Said, World};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::{Decode, Encode},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    secret::SecretScalar,
    terms::Change,
    testing::TestChain,
    validators::{Signatures, Signers, Validator, ValidatorSet},
    votes::{Certificate, SignedVote, Vote, VoteKind},
};
use sotto_node::{
    consensus::{
        Accounts, CertifiedHeader, DoubleCertificate, Evidence,
        account::{Account, SignedAccount},
    },
    ledger::{Ledger, equivocations::Equivocations},
    storage::read_genesis,
};
use std::fs;

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

    fn certificate(&self, height: u64, round: u32, value: u8, places: [usize; 3]) -> CertifiedHeader {
        let value = Hash::from_bytes([value; 32]);
        let vote = Vote { kind: VoteKind::Precommit, height: Height::new(height), round, value: Some(value) };
        let mut bytes = Signers::new(4, places).unwrap().to_bytes();
        places.iter().for_each(|place| self.vote(*place, vote).signature.encode(&mut bytes));
        let signatures = Signatures::from_bytes(&bytes).unwrap();
        CertifiedHeader { header: value, certificate: Certificate { round, signatures } }
    }

    /// The signatures of these under one vote.
    fn signatures(&self, vote: Vote, places: [usize; 3]) -> Signatures {
        let signed = places.iter().map(|place| (*place, self.vote(*place, vote).signature)).collect();
        Signatures::new(4, signed).unwrap()
    }

    /// An account of height 1: votes for 7 in round 0 and for 9 in round 2, with these polkas for 9.
    fn account(&self, place: usize, released: &[(u32, [usize; 3])]) -> SignedAccount {
        use VoteKind::{Precommit, Prevote};
        let [first, second] = [7, 9].map(|value| Hash::from_bytes([value; 32]));
        let (kind, height) = (Prevote, Height::new(1));
        let polka = |round, value, places| {
            let vote = Vote { kind, height, round, value: Some(value) };
            ((round, value), self.signatures(vote, places))
        };
        let released = released.iter().map(|(round, places)| polka(*round, second, *places));
        let lock = polka(0, first, [0, 1, 2]);
        let account = Account {
            height,
            voter: PublicKey::of(&self.keys[place].1),
            votes: [
                ((0, Prevote), first),
                ((0, Precommit), first),
                ((2, Prevote), second),
                ((2, Precommit), second),
            ]
            .into(),
            polkas: released.chain([lock]).collect(),
        };
        account.sign(self.chain.id(), &self.keys[place].1, &mut rand_core::OsRng)
    }

    fn accounts(&self, all: Vec<SignedAccount>) -> Vec<u8> {
        let mut accounts = Accounts::default();
        all.into_iter().for_each(|a| assert!(accounts.keep(a, Height::GENESIS)));
        accounts.to_file(self.chain.id())
    }

    fn file(&self, all: &[Evidence], doubles: &[DoubleCertificate]) -> Vec<u8> {
        file(self.chain.id(), all, doubles)
    }
}

/// The file of evidence beside a chain.
fn file(chain: &ChainId, all: &[Evidence], doubles: &[DoubleCertificate]) -> Vec<u8> {
    let count = u32::try_from(all.len()).unwrap().to_le_bytes();
    let mut out = [&[1], &chain.as_bytes()[..], &count].concat();
    all.iter().for_each(|e| e.encode(&mut out));
    out.push(u8::try_from(doubles.len()).unwrap());
    doubles.iter().for_each(|d| d.encode(&mut out));
    let check = tagged("sotto/node-equivocations/v1", &[&out[..]]);
    [&out[..], &check.as_bytes()[..]].concat()
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
    b.certificate = four.certificate(1, 0, 8, [1, 2, 3]).certificate;
    fs::write(world.path("forged"), four.file(&[], &[DoubleCertificate::new(Height::new(1), a, b)])).unwrap();
    refused(world.run("node evidence verify forged --json --dir b"), "invalid-evidence");
    start("--checkpoint 1:99").fails(2);
    start("--checkpoint nowhere").fails(2);
}

/// 1 and 2 of four are in certificates of rounds 0 and 2. 1 followed a polka of round 1, which 0 and 2 made against
/// their lock.
#[test]
fn accounts_tell_who_is_guilty_of_two_certificates() {
    let four = Four::new();
    let world = &four.world;
    let (a, b) = (four.certificate(1, 0, 7, [0, 1, 2]), four.certificate(1, 2, 9, [1, 2, 3]));
    let double = DoubleCertificate::new(Height::new(1), a, b);
    fs::write(world.path("a/chain/equivocations"), four.file(&[], &[double])).unwrap();
    let name = |place: usize| four.keys[place].0.clone();
    let (followed, forgot) = ([(1, [0, 2, 3]), (2, [1, 2, 3])], [(2, [1, 2, 3])]);
    // What the validator's own node keeps is what is written down, and nothing of another height.
    assert!(
        world.run("node evidence account north.account --dir a").fails(1).contains("no account of height 1")
    );
    fs::write(world.path("a/node/accounts"), four.accounts(vec![four.account(1, &followed)])).unwrap();
    world.run("node evidence account north.account --dir a").ok();
    assert!(world.run("node evidence account other --height 2 --dir a").fails(1).contains("of height 2"));
    assert_eq!(
        fs::read(world.path("north.account")).unwrap(),
        fs::read(world.path("a/node/accounts")).unwrap()
    );
    world.run("node evidence account north.account --dir a").fails(1);
    world.run("node evidence export found.evidence --dir a").ok();
    // Another node, which has the chain alone.
    let judge = |files: &str| {
        world.run(&format!("node evidence judge {files} --evidence found.evidence --json --dir b"))
    };
    let verdict = |shown: &str, place: usize, word: &str| {
        shown.lines().any(|line| {
            line.contains(&format!("\"name\":\"{}\"", name(place)))
                && line.contains(&format!("\"verdict\":\"{word}\""))
        })
    };
    let shown = judge("north.account").ok();
    assert!(verdict(&shown, 1, "cleared") && verdict(&shown, 0, "no-account"), "{shown}");
    assert!(verdict(&shown, 2, "no-account") && shown.contains("\"more_than_a_third\":false"), "{shown}");
    fs::write(world.path("south.account"), four.accounts(vec![four.account(2, &forgot)])).unwrap();
    fs::write(world.path("east.account"), four.accounts(vec![four.account(0, &forgot)])).unwrap();
    let shown = judge("north.account south.account east.account").ok();
    assert!(
        verdict(&shown, 0, "guilty") && verdict(&shown, 1, "cleared") && verdict(&shown, 2, "guilty"),
        "{shown}"
    );
    assert!(shown.contains("\"guilty_power\":2") && shown.contains("\"more_than_a_third\":true"), "{shown}");
    let shown = world.run("node evidence judge south.account --dir a").ok();
    assert!(shown.contains("guilty") && shown.contains("without a quorum of prevotes"), "{shown}");
    // Files that do not hold: cut off, a polka taken out, of another height, of no account, of another chain.
    let whole = fs::read(world.path("north.account")).unwrap();
    fs::write(world.path("cut"), &whole[..whole.len() - 1]).unwrap();
    let mut less = four.account(1, &followed);
    less.account.polkas.pop_first();
    fs::write(world.path("less"), four.accounts(vec![less])).unwrap();
    let mut later = four.account(1, &followed);
    later.account.height = Height::new(2);
    fs::write(world.path("later"), four.accounts(vec![later])).unwrap();
    for bad in ["cut", "less", "later", "found.evidence"] {
        refused(judge(&format!("north.account {bad}")), "invalid-evidence");
    }
    world.run("chain init --dir solo").ok();
    refused(world.run("node evidence judge north.account --json --dir solo"), "other-chain");
    world.run("node evidence judge --dir a").fails(2);
}

/// A file that is longer than any is read no further.
#[test]
fn long_files_are_refused_unread() {
    let four = Four::new();
    for (verb, most) in [("verify", Equivocations::MAX_BYTES), ("judge", Accounts::MAX_BYTES as u64)] {
        let file = fs::File::create(four.world.path("long")).unwrap();
        // A sparse file: to read it whole would take more memory than there is.
        file.set_len(1 << 42).unwrap();
        let why =
            refused(four.world.run(&format!("node evidence {verb} long --json --dir a")), "invalid-evidence");
        assert!(why.contains("longer") && most < 1 << 24, "{why}");
    }
}

/// Evidence of a height is judged, and names validators, by the set of that height: one that has left since is named,
/// and one that joined since has sealed nothing then.
#[test]
fn evidence_is_judged_by_the_validators_of_its_height() {
    let world = World::empty();
    let mut chain = TestChain::with_validators(5, 7);
    let joins = chain.appoint("joined", 1);
    let before = chain.chain().terms().sealing.validators().unwrap().clone();
    let gone = before.get(0).unwrap().clone();
    let after = before.all().iter().skip(1).cloned().chain([joins.clone()]).collect();
    let change = chain.change(Change::Validators(ValidatorSet::new(after).unwrap()), Height::new(9));
    chain.grow_with(Vec::new(), Some(change));
    (0..4).for_each(|_| drop(chain.grow(Vec::new())));
    let dir = world.path("a/chain");
    let mut ledger = Ledger::create(&dir, chain.chain().params().clone()).unwrap();
    chain.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    drop(ledger);
    let set = chain.chain().terms().sealing.validators().unwrap();
    assert!(set.index_of(&gone.vote_key).is_none() && set.index_of(&joins.vote_key).is_some());
    let id = *chain.chain().id();
    let key = |v: &Validator| chain.validators().secret(&v.vote_key).clone();
    let cast = |v: &Validator, kind, height, value| {
        let value = Some(Hash::from_bytes([value; 32]));
        Vote { kind, height: Height::new(height), round: 0, value }.sign(&id, &key(v), &mut rand_core::OsRng)
    };
    let twice = |v, height| {
        let [a, b] = [1, 2].map(|value| cast(v, VoteKind::Prevote, height, value));
        Evidence::votes(a, b)
    };
    let double = |set: &ValidatorSet, height| {
        let certified = |value| {
            let all = set.all().iter().enumerate();
            let signed =
                all.map(|(i, v)| (i, cast(v, VoteKind::Precommit, height, value).signature)).collect();
            let signatures = Signatures::new(7, signed).unwrap();
            CertifiedHeader {
                header: Hash::from_bytes([value; 32]),
                certificate: Certificate { round: 0, signatures },
            }
        };
        DoubleCertificate::new(Height::new(height), certified(1), certified(2))
    };
    let write = |name: &str, cases: &[Evidence], doubles: &[DoubleCertificate]| {
        fs::write(world.path(name), file(&id, cases, doubles)).unwrap();
    };
    write(
        "a/chain/equivocations",
        &[twice(&gone, 1), twice(&joins, 4)],
        &[double(&before, 1), double(set, 4)],
    );
    let shown = world.run("node evidence --dir a").ok();
    for said in
        [format!("round 0: {}", gone.name), "round 0: joined".into(), format!("guilty: {}", gone.name)]
    {
        assert!(shown.contains(&said), "{said}: {shown}");
    }
    world.run("node evidence export both --dir a").ok();
    world.run("node evidence verify both --dir a").ok();
    for (name, wrong) in [("early", double(set, 1)), ("late", double(&before, 4))] {
        write(name, &[], &[wrong]);
        refused(world.run(&format!("node evidence verify {name} --json --dir a")), "invalid-evidence");
    }
}
