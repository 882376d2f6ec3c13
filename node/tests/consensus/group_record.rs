//! The record of a member of a group that is a validator: it refuses what a validator refuses.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    hash::Hash,
    schnorr::PublicKey,
    testing::TestValidators,
    validators::{Signatures, ValidatorSet},
    votes::{
        Certificate, ProposalClaim, SignedProposal, Vote,
        VoteKind::{self, Precommit, Prevote},
    },
};
use sotto_node::{
    consensus::{Ballot, Statement},
    council::{VoteHeight, VoteRecord, VoteRefusal},
};
use std::sync::Arc;

const CHAIN: ChainId = ChainId::from_bytes([7; 32]);
const A: Hash = Hash::from_bytes([1; 32]);
const B: Hash = Hash::from_bytes([2; 32]);

struct Bench {
    keys: TestValidators,
    at: VoteHeight,
    record: VoteRecord,
    rng: ChaCha20Rng,
}

impl Bench {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut keys = TestValidators::default();
        let members = (0..4).map(|i| keys.appoint(&format!("v{i}"), 1, &mut rng)).collect();
        let at = VoteHeight { height: Height::new(5), set: ValidatorSet::new(members).unwrap() };
        Self { keys, at, record: VoteRecord::new(CHAIN), rng }
    }

    fn key(&self, place: usize) -> PublicKey {
        self.at.set.get(place).unwrap().vote_key
    }

    fn vote(kind: VoteKind, round: u32, value: Option<Hash>) -> Ballot {
        let statement = Statement::Vote(Vote { kind, height: Height::new(5), round, value });
        Ballot { statement, claim: None, polka: None, block: Arc::new([]) }
    }

    /// Prevotes of these places for a value, whatever `kind` they are under.
    fn polka(&mut self, (kind, round): (VoteKind, u32), value: Hash, places: &[usize]) -> Certificate {
        let vote = Vote { kind, height: self.at.height, round, value: Some(value) };
        let sign = |i: &usize| {
            let key = self.keys.secret(&self.at.set.get(*i).unwrap().vote_key).clone();
            (*i, vote.sign(&CHAIN, &key, &mut self.rng).signature)
        };
        let signatures = places.iter().map(sign).collect();
        Certificate { round, signatures: Signatures::new(4, signatures).unwrap() }
    }

    fn turn(&self, round: u32) -> usize {
        self.at.set.proposer(&CHAIN, self.at.height, round)
    }

    fn claim(&mut self, by: usize, round: u32, value: Hash) -> SignedProposal {
        let claim = ProposalClaim { height: self.at.height, round, pol_round: None, value };
        let key = self.keys.secret(&self.key(by)).clone();
        claim.sign(&CHAIN, &key, &mut self.rng)
    }

    /// A prevote with the proposal of whose turn it is.
    fn prevote(&mut self, round: u32, value: Hash) -> Ballot {
        let claim = self.claim(self.turn(round), round, value);
        Ballot { claim: Some(claim), ..Self::vote(Prevote, round, Some(value)) }
    }

    fn precommit(&mut self, round: u32, value: Hash) -> Ballot {
        let polka = self.polka((Prevote, round), value, &[0, 1, 2]);
        Ballot { polka: Some(polka), ..Self::vote(Precommit, round, Some(value)) }
    }

    fn admit(&mut self, ballot: &Ballot) -> Result<(), VoteRefusal> {
        let key = self.key(0);
        let before = self.record.clone();
        let admitted = self.record.admit(ballot, &key, &self.at);
        assert!(admitted.is_ok() || self.record == before, "a refusal changes nothing");
        let file = self.record.to_file();
        assert_eq!(VoteRecord::from_file(&CHAIN, &file), Ok(self.record.clone()));
        admitted
    }
}

#[test]
fn nothing_is_said_twice() {
    let mut bench = Bench::new();
    let (a, b) = (bench.prevote(1, A), bench.prevote(1, B));
    assert_eq!(bench.admit(&a), Ok(()));
    assert_eq!(bench.admit(&a), Ok(()), "the very same again");
    assert_eq!(bench.admit(&b), Err(VoteRefusal::Twice));
    assert_eq!(bench.record.instead(&b.statement), Some(a.statement), "what it may say there");
    let nil = Bench::vote(Prevote, 1, None);
    assert_eq!(bench.admit(&nil), Err(VoteRefusal::Twice));
    assert_eq!(bench.admit(&Bench::vote(Precommit, 1, None)), Ok(()));
}

/// Votes come in any order, and whichever of two that contradict each other comes second is refused.
#[test]
fn votes_below_the_last_position_are_held_against_those_above() {
    let mut bench = Bench::new();
    let (early, lock) = (bench.prevote(1, A), bench.precommit(3, A));
    assert_eq!((bench.admit(&early), bench.admit(&lock)), (Ok(()), Ok(())));
    // The same again at any position, also below; and not something else there.
    let without = Ballot { claim: None, ..early.clone() };
    assert_eq!(bench.admit(&without), Ok(()), "said already, so its grounds were there");
    let other = bench.prevote(1, B);
    assert_eq!(bench.admit(&other), Err(VoteRefusal::Twice));
    assert_eq!(bench.admit(&Bench::vote(Prevote, 1, None)), Err(VoteRefusal::Twice));
    assert_eq!(bench.record.instead(&other.statement), Some(early.statement));
    // A prevote below the lock is bound by nothing, one above is; and their grounds are asked for as ever.
    let (below, above) = (bench.prevote(2, B), bench.prevote(4, B));
    assert_eq!(bench.admit(&Ballot { claim: None, ..below.clone() }), Err(VoteRefusal::Claim));
    assert_eq!(bench.admit(&below), Ok(()));
    assert_eq!(bench.admit(&above), Err(VoteRefusal::Locked(3)));
    // A precommit below a prevote for something else would have been a lock against it.
    let (bad, good) = (bench.precommit(1, A), bench.precommit(1, B));
    assert_eq!(bench.admit(&bad), Err(VoteRefusal::Twice));
    assert_eq!(bench.admit(&Ballot { polka: None, ..good.clone() }), Err(VoteRefusal::Polka));
    assert_eq!(bench.admit(&good), Ok(()), "as the prevote above it");
    // The lock that counts in a round is the last one below it.
    assert_eq!(bench.admit(&above), Err(VoteRefusal::Locked(3)));
    let (zero, two) = (bench.precommit(2, B), bench.prevote(3, A));
    assert_eq!(bench.admit(&zero), Ok(()));
    assert_eq!(bench.admit(&two), Err(VoteRefusal::Locked(2)));
    assert_eq!(bench.record.instead(&two.statement), Some(Bench::vote(Prevote, 3, None).statement));
    // A vote for nothing always, a proposal never.
    assert_eq!(bench.admit(&Bench::vote(Prevote, 3, None)), Ok(()));
    let ours = (0..3).find(|round| bench.turn(*round) == 0);
    let claim = ProposalClaim { height: Height::new(5), round: ours.unwrap_or(0), pol_round: None, value: A };
    let late = Ballot { statement: Statement::Proposal(claim), ..Bench::vote(Prevote, 0, None) };
    assert_eq!(bench.admit(&late), Err(VoteRefusal::Twice));
    assert_eq!(bench.record.instead(&late.statement), None, "no vote in its place");
    // Of another height all is new, and of one that is over nothing is said.
    bench.at.height = Height::new(6);
    let nil = Statement::Vote(Vote { kind: Prevote, height: Height::new(6), round: 0, value: None });
    let ballot = Ballot { statement: nil, claim: None, polka: None, block: Arc::new([]) };
    assert_eq!((bench.admit(&ballot), bench.record.last().height), (Ok(()), Height::new(6)));
    bench.at.height = Height::new(5);
    assert_eq!(bench.admit(&Bench::vote(Prevote, 9, None)), Err(VoteRefusal::Twice));
}

/// A record holds a bounded number of statements; below those that it dropped, nothing is signed.
#[test]
fn what_a_record_forgot_is_not_said_again() {
    let mut bench = Bench::new();
    for round in 1..=96 {
        for kind in [Prevote, Precommit] {
            assert_eq!(bench.admit(&Bench::vote(kind, round, None)), Ok(()));
        }
    }
    let full = bench.record.to_file();
    assert_eq!(bench.admit(&Bench::vote(Prevote, 0, None)), Ok(()), "all is still there");
    assert_eq!(bench.admit(&Bench::vote(Precommit, 0, None)), Err(VoteRefusal::Twice));
    assert_eq!(bench.admit(&Bench::vote(Prevote, 97, None)), Ok(()));
    assert_eq!(bench.record.to_file().len(), full.len());
    assert_eq!(bench.admit(&Bench::vote(Prevote, 1, None)), Err(VoteRefusal::Twice), "forgotten");
    assert_eq!(bench.record.instead(&Bench::vote(Prevote, 1, None).statement), None);
    assert_eq!(bench.admit(&Bench::vote(Prevote, 2, None)), Ok(()), "and this is not");
}

/// The lock is the precommit of the last round, in whatever order they came, and it stays when that statement is dropped.
#[test]
fn a_lock_outlives_its_statement() {
    let mut bench = Bench::new();
    for (round, value) in [(2, A), (1, B)] {
        let lock = bench.precommit(round, value);
        assert_eq!(bench.admit(&lock), Ok(()));
    }
    for round in 3..99 {
        for kind in [Prevote, Precommit] {
            assert_eq!(bench.admit(&Bench::vote(kind, round, None)), Ok(()));
        }
    }
    assert_eq!(bench.admit(&Bench::vote(Prevote, 2, None)), Err(VoteRefusal::Twice), "dropped");
    let (against, same) = (bench.prevote(99, B), bench.prevote(99, A));
    assert_eq!(bench.admit(&against), Err(VoteRefusal::Locked(2)));
    assert_eq!(bench.admit(&same), Ok(()));
}

#[test]
fn a_lock_holds_until_a_later_quorum() {
    let mut bench = Bench::new();
    let lock = bench.precommit(2, A);
    assert_eq!(bench.admit(&lock), Ok(()));
    let same = bench.prevote(3, A);
    assert_eq!(bench.admit(&same), Ok(()), "for what it is locked on");
    let against = bench.prevote(5, B);
    assert_eq!(bench.admit(&against), Err(VoteRefusal::Locked(2)));
    let nothing = Statement::Vote(Vote { kind: Prevote, height: Height::new(5), round: 5, value: None });
    assert_eq!(bench.record.instead(&against.statement), Some(nothing));
    for (round, released) in [(1, false), (2, true), (4, true), (5, false), (6, false)] {
        let mut fresh = Bench { record: bench.record.clone(), ..Bench::new() };
        let polka = Some(fresh.polka((Prevote, round), B, &[0, 1, 3]));
        let expected = if released { Ok(()) } else { Err(VoteRefusal::Locked(2)) };
        assert_eq!(fresh.admit(&Ballot { polka, ..against.clone() }), expected, "a quorum of round {round}");
    }
    for polka in [
        bench.polka((Prevote, 4), B, &[0, 1]),
        bench.polka((Prevote, 4), A, &[0, 1, 2]),
        bench.polka((Precommit, 4), B, &[0, 1, 2]),
    ] {
        let ballot = Ballot { polka: Some(polka), ..against.clone() };
        assert_eq!(bench.admit(&ballot), Err(VoteRefusal::Locked(2)), "no quorum of prevotes for it");
    }
    assert_eq!(bench.admit(&Bench::vote(Prevote, 5, None)), Ok(()), "for nothing, always");
    // Of another height nothing is locked.
    bench.at.height = Height::new(6);
    let turn = bench.turn(0);
    let claim = bench.claim(turn, 0, B);
    let statement = Statement::Vote(Vote { kind: Prevote, height: Height::new(6), round: 0, value: Some(B) });
    let next = Ballot { statement, claim: Some(claim), polka: None, block: Arc::new([]) };
    assert_eq!(bench.admit(&next), Ok(()));
}

#[test]
fn a_precommit_needs_the_quorum_of_its_round() {
    let mut bench = Bench::new();
    let good = bench.precommit(2, A);
    for polka in [
        None,
        Some(bench.polka((Prevote, 1), A, &[0, 1, 2])),
        Some(bench.polka((Prevote, 3), A, &[0, 1, 2])),
        Some(bench.polka((Prevote, 2), B, &[0, 1, 2])),
        Some(bench.polka((Prevote, 2), A, &[0, 1])),
    ] {
        assert_eq!(bench.admit(&Ballot { polka, ..good.clone() }), Err(VoteRefusal::Polka));
    }
    assert_eq!(bench.admit(&good), Ok(()));
}

#[test]
fn a_prevote_needs_the_proposal_of_whose_turn_it_is() {
    let mut bench = Bench::new();
    let turn = bench.turn(1);
    let good = bench.prevote(1, A);
    for claim in [
        None,
        Some(bench.claim((turn + 1) % 4, 1, A)),
        Some(bench.claim(turn, 2, A)),
        Some(bench.claim(turn, 1, B)),
        Some(SignedProposal { proposer: bench.key(turn), ..bench.claim((turn + 1) % 4, 1, A) }),
    ] {
        assert_eq!(bench.admit(&Ballot { claim, ..good.clone() }), Err(VoteRefusal::Claim));
    }
    assert_eq!(bench.admit(&good), Ok(()));
}

#[test]
fn a_proposal_needs_the_turn_and_the_quorum_that_it_names() {
    let mut bench = Bench::new();
    let ours = (2..).find(|round| bench.turn(*round) == 0).unwrap();
    let proposal = |round, pol_round| {
        let claim = ProposalClaim { height: Height::new(5), round, pol_round, value: A };
        Ballot { statement: Statement::Proposal(claim), claim: None, polka: None, block: Arc::new([]) }
    };
    let theirs = (0..).find(|round| bench.turn(*round) != 0).unwrap();
    assert_eq!(bench.admit(&proposal(theirs, None)), Err(VoteRefusal::Turn));
    assert_eq!(bench.admit(&proposal(ours, Some(1))), Err(VoteRefusal::Polka));
    let polka = Some(bench.polka((Prevote, 1), A, &[1, 2, 3]));
    assert_eq!(bench.admit(&Ballot { polka, ..proposal(ours, Some(1)) }), Ok(()));
    let key = bench.key(0);
    let high = VoteHeight { height: Height::new(6), ..bench.at.clone() };
    assert_eq!(bench.record.admit(&proposal(ours, None), &key, &high), Err(VoteRefusal::Height));
}
