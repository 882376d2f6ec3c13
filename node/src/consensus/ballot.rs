//! What a validator is about to say, with the grounds on which it may: for the members of a group that share its
//! vote key, who each check it before they sign.
//!
//! ```text
//! statement = 0 ‖ vote (mw) | 1 ‖ claim (mw)
//! ballot    = statement ‖ flag (1) ‖ signed proposal? ‖ flag (1) ‖ certificate? ‖ block
//! ```
//!
//! The proposal is the one that a prevote is for, the certificate a quorum of prevotes for the value: of the round
//! of a precommit, or of an earlier round that a prevote or a proposal rests on. The block takes the rest, and is
//! empty where none is needed.
#![deny(clippy::indexing_slicing)]

use super::guard::Position;
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    votes::{Certificate, ProposalClaim, SignedProposal, Vote, VoteKind},
};
use std::sync::Arc;

/// What a validator signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A vote.
    Vote(Vote),
    /// A proposal.
    Proposal(ProposalClaim),
}

impl Statement {
    /// Where in the chain's life it stands.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Vote(vote) => Position::of_vote(vote),
            Self::Proposal(claim) => Position::of_proposal(claim),
        }
    }

    /// The message that is signed.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        match self {
            Self::Vote(vote) => vote.message(chain),
            Self::Proposal(claim) => claim.message(chain),
        }
    }

    /// Its height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.position().height
    }

    /// The header that it is for, if it is for one.
    #[must_use]
    pub const fn value(&self) -> Option<Hash> {
        match self {
            Self::Vote(vote) => vote.value,
            Self::Proposal(claim) => Some(claim.value),
        }
    }

    /// Whether the block must be judged: a quorum has done that for a precommit.
    #[must_use]
    pub fn needs_block(&self) -> bool {
        match self {
            Self::Vote(vote) => vote.kind == VoteKind::Prevote && vote.value.is_some(),
            Self::Proposal(_) => true,
        }
    }
}

/// A statement with its grounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// What is to be said.
    pub statement: Statement,
    /// The proposal that a prevote for a value is for.
    pub claim: Option<SignedProposal>,
    /// A quorum of prevotes for the value.
    pub polka: Option<Certificate>,
    /// The block, as the rest of the node encodes it; empty if none is needed.
    pub block: Arc<[u8]>,
}

impl Encode for Statement {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => {
                out.push(0);
                vote.encode(out);
            }
            Self::Proposal(claim) => {
                out.push(1);
                claim.encode(out);
            }
        }
    }
}

impl Decode for Statement {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Vote::decode(r).map(Self::Vote),
            1 => ProposalClaim::decode(r).map(Self::Proposal),
            code => Err(DecodeError::Code { what: "statement of a validator", code }),
        }
    }
}

impl Encode for Ballot {
    fn encode(&self, out: &mut Vec<u8>) {
        self.statement.encode(out);
        out.push(self.claim.is_some().into());
        self.claim.iter().for_each(|claim| claim.encode(out));
        out.push(self.polka.is_some().into());
        self.polka.iter().for_each(|polka| polka.encode(out));
        out.extend_from_slice(&self.block);
    }
}

impl Decode for Ballot {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let statement = Statement::decode(r)?;
        let (claim, polka) = (optional(r)?, optional(r)?);
        Ok(Self { statement, claim, polka, block: r.take(r.left())?.into() })
    }
}

fn optional<T: Decode>(r: &mut Reader<'_>) -> Result<Option<T>, DecodeError> {
    match r.u8()? {
        0 => Ok(None),
        1 => T::decode(r).map(Some),
        code => Err(DecodeError::Code { what: "flag of a ballot", code }),
    }
}
