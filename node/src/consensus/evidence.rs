//! Evidence against validators, which verifies alone: two messages of one validator at one position, and two
//! certificates of one height for different headers.
//!
//! ```text
//! evidence           = 0 ‖ signed vote ‖ signed vote | 1 ‖ signed proposal ‖ signed proposal      (mw)
//! double certificate = height (8) ‖ (header hash (32) ‖ certificate (mw)) twice
//! ```
//!
//! Of two messages the one with the lesser bytes comes first, and of two headers that with the lesser hash,
//! so that one case has one encoding.
//!
//! A validator that signed both certificates of one round is guilty. Of different rounds it is a suspect: one
//! that is locked in the first may follow a quorum of prevotes in the second. Who did not is found by
//! [`accountability`](super::accountability).
#![deny(clippy::indexing_slicing)]

use crate::seal::DoubleSeal;
use sotto_mw::{
    amount::Height,
    block::{Seal, SealedHeader},
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

/// Where one validator said two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u32,
    /// The vote; none for a proposal.
    pub vote: Option<VoteKind>,
}

impl Place {
    /// What was said, in a word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.vote {
            None => "proposal",
            Some(VoteKind::Prevote) => "prevote",
            Some(VoteKind::Precommit) => "precommit",
        }
    }
}

impl Evidence {
    /// Most bytes of the encoding.
    pub const MAX_BYTES: u64 = 1 + 2 * (48 + 32 + 64);

    /// Two votes.
    #[must_use]
    pub fn votes(a: SignedVote, b: SignedVote) -> Self {
        let (a, b) = ordered(a, b);
        Self::Votes(a, b)
    }

    /// Two proposals.
    #[must_use]
    pub fn proposals(a: SignedProposal, b: SignedProposal) -> Self {
        let (a, b) = ordered(a, b);
        Self::Proposals(a, b)
    }

    /// Where.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::Votes(SignedVote { vote, .. }, _) => {
                Place { height: vote.height, round: vote.round, vote: Some(vote.kind) }
            }
            Self::Proposals(SignedProposal { claim, .. }, _) => {
                Place { height: claim.height, round: claim.round, vote: None }
            }
        }
    }

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
            0 => pair(r).map(|(a, b)| Self::Votes(a, b)),
            1 => pair(r).map(|(a, b)| Self::Proposals(a, b)),
            code => Err(DecodeError::Code { what: "evidence", code }),
        }
    }
}

fn ordered<T: Encode>(a: T, b: T) -> (T, T) {
    if b.to_bytes() < a.to_bytes() { (b, a) } else { (a, b) }
}

fn pair<T: Encode + Decode>(r: &mut Reader<'_>) -> Result<(T, T), DecodeError> {
    let (a, b) = (T::decode(r)?, T::decode(r)?);
    if a.to_bytes() < b.to_bytes() {
        Ok((a, b))
    } else {
        Err(DecodeError::Invalid { what: "evidence: it is not in order" })
    }
}

/// A header's hash and its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedHeader {
    /// The hash.
    pub header: Hash,
    /// The certificate.
    pub certificate: Certificate,
}

/// Two certificates of one height for different headers: a third or more of the power is Byzantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleCertificate {
    /// The height.
    pub height: Height,
    /// A header and its certificate.
    pub first: CertifiedHeader,
    /// Another header and its certificate.
    pub second: CertifiedHeader,
}

impl DoubleCertificate {
    /// Two certificates of a height.
    #[must_use]
    pub fn new(height: Height, a: CertifiedHeader, b: CertifiedHeader) -> Self {
        let (first, second) = if b.header < a.header { (b, a) } else { (a, b) };
        Self { height, first, second }
    }

    /// Those of two sealed headers; none if an operator sealed them.
    #[must_use]
    pub fn of(twice: &DoubleSeal) -> Option<Self> {
        let certified = |s: &SealedHeader| match &s.seal {
            Seal::Certificate(certificate) => {
                Some(CertifiedHeader { header: s.header.hash(), certificate: certificate.clone() })
            }
            Seal::Operator(_) => None,
        };
        Some(Self::new(twice.first.header.height, certified(&twice.first)?, certified(&twice.second)?))
    }

    /// Whether the headers differ, and both have a quorum of this set, which is that of the height.
    #[must_use]
    pub fn holds(&self, chain: &ChainId, set: &ValidatorSet) -> bool {
        let sealed = |CertifiedHeader { header, certificate }: &CertifiedHeader| {
            let (kind, height, round) = (VoteKind::Precommit, self.height, certificate.round);
            certificate.certifies(chain, set, &Vote { kind, height, round, value: Some(*header) })
        };
        self.first.header != self.second.header && sealed(&self.first) && sealed(&self.second)
    }

    /// Whether both are of one round, so that who signed both is guilty.
    #[must_use]
    pub const fn is_of_one_round(&self) -> bool {
        self.first.certificate.round == self.second.certificate.round
    }

    /// The places of those who signed both.
    pub fn signers_of_both(&self) -> impl Iterator<Item = usize> {
        let second = *self.second.certificate.signatures.signers();
        self.first.certificate.signatures.signers().places().filter(move |i| second.contains(*i))
    }
}

impl Encode for DoubleCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        for CertifiedHeader { header, certificate } in [&self.first, &self.second] {
            header.encode(out);
            certificate.encode(out);
        }
    }
}

impl Decode for DoubleCertificate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let height = Height::decode(r)?;
        let mut certified =
            || Ok(CertifiedHeader { header: Hash::decode(r)?, certificate: Certificate::decode(r)? });
        let (first, second) = (certified()?, certified()?);
        if first.header < second.header {
            Ok(Self { height, first, second })
        } else {
            Err(DecodeError::Invalid { what: "two certificates: they are not in order" })
        }
    }
}
