//! Seals: by which a block's header is the chain's.
//!
//! ```text
//! seal = 0 ‖ signature of the operator over ("sotto/seal/v1" ‖ chain id ‖ header hash)
//!      | 1 ‖ certificate: precommits for the header hash of a quorum of the terms' validators
//! ```
//!
//! The header hash leaves the seal out, and one header may have many certificates. A seal that is refused
//! therefore says nothing of its header: another seal of it may hold.

use super::Header;
use crate::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    schnorr::{Signature, SignedMessage},
    terms::{Sealing, Terms},
    validators::ValidatorSet,
    votes::{Certificate, Vote, VoteKind},
};

/// A seal. It may be invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "most chains have one variant only")]
pub enum Seal {
    /// The signature of the operator of a solo chain.
    Operator(Signature),
    /// The precommits of a quorum.
    Certificate(Certificate),
}

impl Seal {
    /// The signed messages, each of which must verify; `None` if the terms ask for another kind of seal, or
    /// the signers do not make a quorum.
    #[must_use]
    pub fn signed(&self, chain: &ChainId, terms: &Terms, header: &Header) -> Option<Vec<SignedMessage>> {
        match (self, &terms.sealing) {
            (Self::Operator(seal), Sealing::Solo(operator)) => {
                Some(vec![SignedMessage::new(*operator, header.seal_message(chain), *seal)])
            }
            (Self::Certificate(all), Sealing::Validators(set)) => {
                all.signed(chain, set, &all.precommit(header))
            }
            _ => None,
        }
    }
}

impl Encode for Seal {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Operator(seal) => {
                out.push(0);
                seal.encode(out);
            }
            Self::Certificate(all) => {
                out.push(1);
                all.encode(out);
            }
        }
    }
}

impl Decode for Seal {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Signature::decode(r).map(Self::Operator),
            1 => Certificate::decode(r).map(Self::Certificate),
            code => Err(DecodeError::Code { what: "kind of seal", code }),
        }
    }
}

impl From<Signature> for Seal {
    fn from(seal: Signature) -> Self {
        Self::Operator(seal)
    }
}

impl From<Certificate> for Seal {
    fn from(all: Certificate) -> Self {
        Self::Certificate(all)
    }
}

impl Certificate {
    /// The vote of a certificate that seals this header.
    #[must_use]
    pub fn precommit(&self, header: &Header) -> Vote {
        let (round, value) = (self.round, Some(header.hash()));
        Vote { kind: VoteKind::Precommit, height: header.height, round, value }
    }

    /// Whether a quorum of the set precommitted to this header.
    #[must_use]
    pub fn holds(&self, chain: &ChainId, set: &ValidatorSet, header: &Header) -> bool {
        self.certifies(chain, set, &self.precommit(header))
    }
}
