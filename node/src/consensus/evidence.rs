//! Evidence against validators, which verifies alone: two messages of one validator at one position, and two
//! certificates of one height for different headers.
//!
//! ```text
//! evidence           = 0 ‖ signed vote ‖ signed vote | 1 ‖ signed proposal ‖ signed proposal      (mw)
//! double certificate = height (8) ‖ (header hash (32) ‖ certificate (mw)) twice
//! ```
//!
//! A validator that signed both certificates of one round is guilty. Of different rounds it is a suspect: one
//! that is locked in the first may follow a quorum of prevotes in the second. Guilty among them are those
//! that prevoted against their lock without one, which their votes of the rounds between show.
#![deny(clippy::indexing_slicing)]

use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    schnorr::PublicKey,
    validators::ValidatorSet,
    votes::{Certificate, SignedProposal, SignedVote, Vote, VoteKind},
};

/// Two different messages of one validator at one height, round and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "rare")]
pub enum Evidence {
    /// Two votes.
    Votes(SignedVote, SignedVote),
    /// Two proposals.
    Proposals(SignedProposal, SignedProposal),
}

impl Evidence {
    /// The vote key that signed both.
    #[must_use]
    pub const fn culprit(&self) -> &PublicKey {
        match self {
            Self::Votes(first, _) => &first.voter,
            Self::Proposals(first, _) => &first.proposer,
        }
    }

    /// Whether one key signed both, for one position, and they differ.
    #[must_use]
    pub fn holds(&self, chain: &ChainId) -> bool {
        match self {
            Self::Votes(a, b) => {
                let at = |s: &SignedVote| (s.voter, s.vote.kind, s.vote.height, s.vote.round);
                at(a) == at(b) && a.vote != b.vote && a.verifies(chain) && b.verifies(chain)
            }
            Self::Proposals(a, b) => {
                let at = |s: &SignedProposal| (s.proposer, s.claim.height, s.claim.round);
                at(a) == at(b) && a.claim != b.claim && a.verifies(chain) && b.verifies(chain)
            }
        }
    }
}

impl Encode for Evidence {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Votes(a, b) => {
                out.push(0);
                a.encode(out);
                b.encode(out);
            }
            Self::Proposals(a, b) => {
                out.push(1);
                a.encode(out);
                b.encode(out);
            }
        }
    }
}

impl Decode for Evidence {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Votes(SignedVote::decode(r)?, SignedVote::decode(r)?)),
            1 => Ok(Self::Proposals(SignedProposal::decode(r)?, SignedProposal::decode(r)?)),
            code => Err(DecodeError::Code { what: "evidence", code }),
        }
    }
}

/// Two certificates of one height for different headers: a third or more of the power is Byzantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleCertificate {
    /// The height.
    pub height: Height,
    /// A header and its certificate.
    pub first: (Hash, Certificate),
    /// Another header and its certificate.
    pub second: (Hash, Certificate),
}

impl DoubleCertificate {
    /// Whether the headers differ, and both have a quorum of this set, which is that of the height.
    #[must_use]
    pub fn holds(&self, chain: &ChainId, set: &ValidatorSet) -> bool {
        let sealed = |(header, certificate): &(Hash, Certificate)| {
            let (kind, height, round) = (VoteKind::Precommit, self.height, certificate.round);
            certificate.certifies(chain, set, &Vote { kind, height, round, value: Some(*header) })
        };
        self.first.0 != self.second.0 && sealed(&self.first) && sealed(&self.second)
    }

    /// Whether both are of one round, so that who signed both is guilty.
    #[must_use]
    pub const fn is_of_one_round(&self) -> bool {
        self.first.1.round == self.second.1.round
    }

    /// The places of those who signed both.
    pub fn signers_of_both(&self) -> impl Iterator<Item = usize> {
        let second = *self.second.1.signatures.signers();
        self.first.1.signatures.signers().places().filter(move |i| second.contains(*i))
    }
}

impl Encode for DoubleCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        for (header, certificate) in [&self.first, &self.second] {
            header.encode(out);
            certificate.encode(out);
        }
    }
}

impl Decode for DoubleCertificate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let height = Height::decode(r)?;
        let first = (Hash::decode(r)?, Certificate::decode(r)?);
        Ok(Self { height, first, second: (Hash::decode(r)?, Certificate::decode(r)?) })
    }
}
