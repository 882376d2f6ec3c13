//! Votes, certificates, whose turn it is, terms and changes.

use super::{hex, named, wire};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, Encode},
    hash::Hash,
    schnorr::sign,
    terms::{Announced, Change, Limits, SignedChange, Terms},
    testing::TestChain,
    validators::{Signatures, ValidatorSet},
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};
use sotto_vectors::{Value, json};

fn set(ledger: &TestChain) -> ValidatorSet {
    ledger.chain().terms().sealing.validators().unwrap().clone()
}

pub(super) fn consensus() -> Value {
    let mut ledger = TestChain::with_validators(60, 5);
    let (set, id) = (set(&ledger), *ledger.chain().id());
    let value = Hash::from_bytes(named("a header"));
    json!({
        "about": "places are in the order of the set; terms are those of heights from 0 on, each with the change \
                  in the block of that height",
        "chain_id": wire(&id), "validators": wire(&set), "validators_hash": wire(&set.hash()),
        "votes": votes(&mut ledger, value), "proposals": proposals(&mut ledger, value),
        "certificates": certificates(&mut ledger, value), "turns": turns(&ledger), "terms": terms(&mut ledger),
    })
}

fn votes(ledger: &mut TestChain, value: Hash) -> Vec<Value> {
    let (set, id) = (set(ledger), *ledger.chain().id());
    let all =
        [(VoteKind::Prevote, Some(value)), (VoteKind::Precommit, Some(value)), (VoteKind::Precommit, None)];
    let mut vote = |(voter, (kind, value)): (usize, (VoteKind, Option<Hash>))| {
        let (height, round) = (Height::new(7 << 32), 3 + voter as u32);
        let vote = Vote { kind, height, round, value };
        let key = ledger.validators().secret(&set.all()[voter].vote_key).clone();
        let signed = vote.sign(&id, &key, ledger.rng());
        json!({
            "voter": voter, "kind": kind as u8, "height": height.get(), "round": round,
            "value": value.map(|v| wire(&v)), "message": hex(vote.message(&id)),
            "signature": wire(&signed.signature),
        })
    };
    all.into_iter().enumerate().map(&mut vote).collect()
}

fn proposals(ledger: &mut TestChain, value: Hash) -> Vec<Value> {
    let (set, id) = (set(ledger), *ledger.chain().id());
    let mut proposal = |(proposer, pol_round): (usize, Option<u32>)| {
        let claim = ProposalClaim { height: Height::new(9), round: 5, pol_round, value };
        let key = ledger.validators().secret(&set.all()[proposer].vote_key).clone();
        let signed = claim.sign(&id, &key, ledger.rng());
        json!({
            "proposer": proposer, "height": 9, "round": 5, "pol_round": pol_round, "value": wire(&value),
            "message": hex(claim.message(&id)), "signature": wire(&signed.signature),
        })
    };
    [None, Some(2)].into_iter().enumerate().map(&mut proposal).collect()
}

fn certificates(ledger: &mut TestChain, value: Hash) -> Vec<Value> {
    let (set, id) = (set(ledger), *ledger.chain().id());
    let vote = |kind| Vote { kind, height: Height::new(9), round: 4, value: Some(value) };
    let mut made = |kind, places: &[usize]| {
        let sign_at = |i: &usize| {
            let key = ledger.validators().secret(&set.all()[*i].vote_key).clone();
            (*i, sign(&key, &vote(kind).message(&id), ledger.rng()))
        };
        Certificate {
            round: 4,
            signatures: Signatures::new(5, places.iter().map(sign_at).collect()).unwrap(),
        }
    };
    let all = [
        ("a quorum", made(VoteKind::Precommit, &[0, 1, 3, 4])),
        ("all", made(VoteKind::Precommit, &[0, 1, 2, 3, 4])),
        ("three of five", made(VoteKind::Precommit, &[0, 1, 3])),
        ("prevotes", made(VoteKind::Prevote, &[0, 1, 2, 3, 4])),
    ];
    let judged = |(name, c): &(&str, Certificate)| {
        let holds = c.certifies(&id, &set, &vote(VoteKind::Precommit));
        json!({ "name": name, "height": 9, "value": wire(&value), "bytes": wire(c), "holds": holds })
    };
    all.iter().map(judged).collect()
}

/// Every fifth round all have been drawn.
fn turns(ledger: &TestChain) -> Vec<Value> {
    let (set, id) = (set(ledger), ledger.chain().id());
    let turn = |(height, round): (u64, u32)| {
        let proposer = set.proposer(id, Height::new(height), round);
        json!({ "height": height, "round": round, "proposer": proposer })
    };
    (1..12).flat_map(|h| [(h, 0), (h, 1), (h, 4), (h, 5), (h, 4_000_000_001)]).map(turn).collect()
}

/// The terms of the heights after each kind of change.
fn terms(ledger: &mut TestChain) -> Vec<Value> {
    let last = Height::new(99);
    let more = {
        let new = ledger.appoint("sixth", 1);
        Change::Validators(ValidatorSet::new([set(ledger).all(), &[new]].concat()).unwrap())
    };
    let limits = Limits { fee_per_weight: Amount::new(1_500), max_weight: 50_000 };
    let changes: Vec<Option<Change>> = vec![
        None,
        Some(more),
        None,
        Some(Change::Limits(Announced { from: Height::new(6), what: limits })),
        None,
        Some(Change::Rules(Announced { from: Height::new(40), what: 4 })),
        None,
        Some(Change::WithdrawRules),
        None,
    ];
    let mut now: Terms = ledger.chain().params().first_terms();
    let mut step = |(height, change): (u64, Option<Change>)| {
        let before = now.clone();
        now = before.after(Height::new(height), change.as_ref());
        assert_eq!(Terms::from_bytes(&before.to_bytes()).as_ref(), Ok(&before));
        let signed: Option<SignedChange> = change.map(|change| ledger.change(change, last));
        json!({ "bytes": wire(&before), "hash": wire(&before.hash()), "change": signed.map(|c| wire(&c)) })
    };
    (0..).zip(changes).map(&mut step).collect()
}
