//! What validators sign: votes, proposals, and certificates of votes.
//!
//! ```text
//! vote     = signature over ("sotto/vote/v1" ‖ chain id ‖ kind (1) ‖ height (8) ‖ round (4) ‖ flag (1) ‖ header hash)
//! proposal = signature over ("sotto/proposal/v1" ‖ chain id ‖ height (8) ‖ round (4) ‖ POL round (4) ‖ header hash)
//! ```
//!
//! A vote without a value has the flag 0 and 32 zero bytes; a proposal without a POL round (the round whose
//! prevotes for the value it rests on) has 2³² − 1 there. The layout is fixed, so no vote reads as another,
//! and the label and the chain id keep both apart from all else that a key signs.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1.

mod certificate;

pub use certificate::Certificate;

use crate::{
    amount::Height,
    chain_id::ChainId,
    codec::{Decode, DecodeError, Encode, Reader, fields},
    hash::Hash,
    schnorr::{PublicKey, Signature, SignedMessage, sign},
    secret::SecretScalar,
    tag,
};
use rand_core::{CryptoRng, RngCore};

/// The step of a round in which a vote is cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum VoteKind {
    /// The first: the proposal is acceptable.
    Prevote = 1,
    /// The second: a quorum prevoted.
    Precommit = 2,
}

impl Encode for VoteKind {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for VoteKind {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            1 => Ok(Self::Prevote),
            2 => Ok(Self::Precommit),
            code => Err(DecodeError::Code { what: "kind of vote", code }),
        }
    }
}

/// A vote: what one validator says once in each step of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vote {
    /// The step.
    pub kind: VoteKind,
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// The header hash of the proposal, or none of all proposals.
    pub value: Option<Hash>,
}

impl Encode for Vote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.kind.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        out.push(self.value.is_some().into());
        self.value.unwrap_or(Hash::ZERO).encode(out);
    }
}

impl Decode for Vote {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, height, round) = (VoteKind::decode(r)?, Height::decode(r)?, r.u32()?);
        let value = match (r.u8()?, Hash::decode(r)?) {
            (0, Hash::ZERO) => None,
            (0, _) => return Err(DecodeError::Invalid { what: "vote: a value beside the flag of none" }),
            (1, hash) => Some(hash),
            (code, _) => return Err(DecodeError::Code { what: "flag of a vote", code }),
        };
        Ok(Self { kind, height, round, value })
    }
}

impl Vote {
    /// The message that a vote on this chain signs.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        [tag::VOTE.as_bytes(), chain.as_bytes(), &self.to_bytes()].concat()
    }

    /// Signs the vote.
    #[must_use]
    pub fn sign(
        self,
        chain: &ChainId,
        vote_key: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> SignedVote {
        let signature = sign(vote_key, &self.message(chain), rng);
        SignedVote { vote: self, voter: PublicKey::of(vote_key), signature }
    }
}

/// A vote with its voter and a signature, which may be invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVote {
    /// The vote.
    pub vote: Vote,
    /// The vote key of the voter.
    pub voter: PublicKey,
    /// The signature.
    pub signature: Signature,
}

fields!(SignedVote { vote, voter, signature });

impl SignedVote {
    /// The vote as a signed message, for a batch.
    #[must_use]
    pub fn signed(&self, chain: &ChainId) -> SignedMessage {
        SignedMessage::new(self.voter, self.vote.message(chain), self.signature)
    }

    /// Whether the voter cast this vote on this chain.
    #[must_use]
    pub fn verifies(&self, chain: &ChainId) -> bool {
        self.signature.verifies(&self.voter, &self.vote.message(chain))
    }
}

/// The claim of a proposer: its proposal of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalClaim {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// The earlier round in which a quorum prevoted for the value, below 2³² − 1; none for a fresh proposal.
    pub pol_round: Option<u32>,
    /// The hash of the proposed header.
    pub value: Hash,
}

/// The encoding of no POL round.
const NO_ROUND: u32 = u32::MAX;

impl Encode for ProposalClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        self.pol_round.unwrap_or(NO_ROUND).encode(out);
        self.value.encode(out);
    }
}

impl Decode for ProposalClaim {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (height, round) = (Height::decode(r)?, r.u32()?);
        let pol_round = Some(r.u32()?).filter(|r| *r != NO_ROUND);
        Ok(Self { height, round, pol_round, value: Hash::decode(r)? })
    }
}

impl ProposalClaim {
    /// The message that a proposal on this chain signs.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        [tag::PROPOSAL.as_bytes(), chain.as_bytes(), &self.to_bytes()].concat()
    }

    /// Signs the proposal.
    #[must_use]
    pub fn sign(
        self,
        chain: &ChainId,
        vote_key: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> SignedProposal {
        let signature = sign(vote_key, &self.message(chain), rng);
        SignedProposal { claim: self, proposer: PublicKey::of(vote_key), signature }
    }
}

/// A proposal with its proposer and a signature, which may be invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedProposal {
    /// The claim.
    pub claim: ProposalClaim,
    /// The vote key of the proposer.
    pub proposer: PublicKey,
    /// The signature.
    pub signature: Signature,
}

fields!(SignedProposal { claim, proposer, signature });

impl SignedProposal {
    /// The proposal as a signed message, for a batch.
    #[must_use]
    pub fn signed(&self, chain: &ChainId) -> SignedMessage {
        SignedMessage::new(self.proposer, self.claim.message(chain), self.signature)
    }

    /// Whether the proposer made this claim on this chain. Whether it was its turn says
    /// [`ValidatorSet::proposer`](crate::validators::ValidatorSet::proposer).
    #[must_use]
    pub fn verifies(&self, chain: &ChainId) -> bool {
        self.signature.verifies(&self.proposer, &self.claim.message(chain))
    }
}
