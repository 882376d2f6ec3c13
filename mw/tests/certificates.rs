//! Votes, proposals and certificates: what a quorum signed holds, and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong must stop")]

use proptest::prelude::*;
use sotto_mw::{
    ChainId, Decode, Encode, Hash, Height, Rejection,
    block::{Block, Seal, SealedHeader},
    testing::TestChain,
    validators::{Signatures, ValidatorSet},
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};
use std::collections::BTreeSet;

fn set(ledger: &TestChain) -> ValidatorSet {
    ledger.chain().terms().sealing.validators().unwrap().clone()
}

/// Two kinds of vote, a proposal and a seal never share a message, whatever their fields.
#[test]
fn no_message_reads_as_another() {
    let chain = ChainId::from_bytes([1; 32]);
    let value = Hash::from_bytes([2; 32]);
    let vote = |kind, round, value| Vote { kind, height: Height::new(5), round, value }.message(&chain);
    let claim =
        |round, pol_round| ProposalClaim { height: Height::new(5), round, pol_round, value }.message(&chain);
    let all = [
        vote(VoteKind::Prevote, 1, Some(value)),
        vote(VoteKind::Precommit, 1, Some(value)),
        vote(VoteKind::Precommit, 2, Some(value)),
        vote(VoteKind::Precommit, 1, None),
        vote(VoteKind::Precommit, 1, Some(Hash::ZERO)),
        claim(1, None),
        claim(1, Some(0)),
        claim(2, None),
        Vote { kind: VoteKind::Precommit, height: Height::new(5), round: 1, value: Some(value) }
            .message(&ChainId::from_bytes([3; 32])),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[0].len(), 13 + 32 + 1 + 8 + 4 + 1 + 32);
    assert_eq!(all[5].len(), 17 + 32 + 8 + 4 + 4 + 32);
    assert_eq!(all[5][57 + 4..57 + 8], [0xff; 4], "no POL round");
}

#[test]
fn a_vote_without_a_value_has_one_encoding() {
    let nil = Vote { kind: VoteKind::Prevote, height: Height::new(1), round: 0, value: None };
    let mut bytes = nil.to_bytes();
    assert_eq!(Vote::from_bytes(&bytes), Ok(nil));
    bytes[20] = 1; // a value beside the flag of none
    assert!(Vote::from_bytes(&bytes).is_err());
    bytes[13] = 2;
    assert!(Vote::from_bytes(&bytes).is_err());
}

#[test]
fn signed_votes_and_proposals_verify_on_their_chain_alone() {
    let mut ledger = TestChain::with_validators(1, 4);
    let (set, chain, other) = (set(&ledger), *ledger.chain().id(), ChainId::from_bytes([9; 32]));
    let key = ledger.validators().secret(&set.all()[1].vote_key).clone();
    let value = Hash::from_bytes([2; 32]);
    let vote = Vote { kind: VoteKind::Prevote, height: Height::new(3), round: 2, value: Some(value) };
    let signed = vote.sign(&chain, &key, ledger.rng());
    assert!(signed.verifies(&chain) && !signed.verifies(&other));
    assert_eq!(signed.voter, set.all()[1].vote_key);
    let mut precommit = signed.clone();
    precommit.vote.kind = VoteKind::Precommit;
    assert!(!precommit.verifies(&chain));
    let claim = ProposalClaim { height: Height::new(3), round: 2, pol_round: None, value };
    let signed = claim.sign(&chain, &key, ledger.rng());
    assert!(signed.verifies(&chain) && !signed.verifies(&other));
    let mut resting = signed;
    resting.claim.pol_round = Some(1);
    assert!(!resting.verifies(&chain));
}

/// The next block, unsealed under the certificate of these validators.
fn next(ledger: &mut TestChain, round: u32, places: impl IntoIterator<Item = usize>) -> Block {
    let (proposal, _) = ledger.propose(&[]).unwrap();
    let set = set(ledger);
    let certificate = ledger.certificate(&set, round, places, &proposal.header);
    proposal.seal(certificate)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any quorum seals, in any round; fewer do not.
    #[test]
    fn any_quorum_seals_and_less_does_not(n in 1usize..11, bits in any::<u16>(), round in any::<u32>()) {
        let mut ledger = TestChain::with_validators(5, n);
        let places: Vec<_> = (0..n).filter(|i| bits >> i & 1 == 1).collect();
        let enough = 3 * places.len() > 2 * n;
        let block = next(&mut ledger, round, places);
        let verdict = if enough { Ok(()) } else { Err(Rejection::Seal) };
        prop_assert_eq!(ledger.connect(&block).map(drop), verdict);
        let set = set(&ledger);
        let Seal::Certificate(all) = &block.seal else { unreachable!() };
        prop_assert_eq!(all.holds(ledger.chain().id(), &set, &block.header), enough);
        prop_assert_eq!(SealedHeader::of(&block).holds(ledger.chain()), enough);
    }

    #[test]
    fn certificates_decode_as_they_were(n in 1usize..11, bits in any::<u16>(), round in any::<u32>()) {
        let mut ledger = TestChain::with_validators(5, n);
        let block = next(&mut ledger, round, (0..n).filter(|i| bits >> i & 1 == 1));
        prop_assert_eq!(Block::from_bytes(&block.to_bytes()), Ok(block));
    }
}

/// No flipped bit of a certificate leaves it as it is: it is refused, or does not decode.
#[test]
fn any_flipped_bit_of_a_certificate_is_refused() {
    let mut ledger = TestChain::with_validators(6, 4);
    let block = next(&mut ledger, 1, [0, 2, 3]);
    let bytes = block.seal.to_bytes();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(seal) = Seal::from_bytes(&flipped) else { continue };
        let altered = Block { seal, ..block.clone() };
        assert_eq!(ledger.judge(&altered).map(drop), Err(Rejection::Seal), "bit {bit}");
    }
    assert_eq!(ledger.judge(&block).map(drop), Ok(()));
}

/// A signature above a quorum must verify too: else the same certificate would have many encodings.
#[test]
fn each_signature_of_a_certificate_counts() {
    let mut ledger = TestChain::with_validators(7, 4);
    let block = next(&mut ledger, 0, 0..4);
    let Seal::Certificate(all) = &block.seal else { unreachable!() };
    let signed: Vec<_> = all.signatures.by_place().map(|(i, s)| (i, *s)).collect();
    for i in 0..4 {
        let mut signed = signed.clone();
        signed[i].1 = signed[(i + 1) % 4].1;
        let signatures = Signatures::new(4, signed).unwrap();
        let seal = Seal::Certificate(Certificate { round: 0, signatures });
        assert_eq!(ledger.judge(&Block { seal, ..block.clone() }).map(drop), Err(Rejection::Seal));
    }
}

/// Prevotes of all are no seal, and an operator's signature is none on a chain of validators.
#[test]
fn other_signatures_are_no_seal() {
    let mut ledger = TestChain::with_validators(8, 4);
    let (proposal, _) = ledger.propose(&[]).unwrap();
    let (set, chain) = (set(&ledger), *ledger.chain().id());
    let vote = |kind, round, value| Vote { kind, height: Height::new(1), round, value };
    let hash = Some(proposal.header.hash());
    for vote in [
        vote(VoteKind::Prevote, 0, hash),
        vote(VoteKind::Precommit, 1, hash),
        vote(VoteKind::Precommit, 0, None),
    ] {
        let signed: Vec<_> = (0..4)
            .map(|i| {
                let key = ledger.validators().secret(&set.all()[i].vote_key).clone();
                (i, vote.sign(&chain, &key, ledger.rng()).signature)
            })
            .collect();
        let certificate = Certificate { round: 0, signatures: Signatures::new(4, signed).unwrap() };
        assert_eq!(certificate.certifies(&chain, &set, &vote), vote.round == 0);
        let block = proposal.clone().seal(certificate);
        assert_eq!(ledger.judge(&block).map(drop), Err(Rejection::Seal));
    }
    let key = ledger.operator().clone();
    let seal = sotto_mw::schnorr::sign(&key, &proposal.header.seal_message(&chain), ledger.rng());
    assert_eq!(ledger.judge(&proposal.seal(seal)).map(drop), Err(Rejection::Seal));
}
