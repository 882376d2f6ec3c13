//! Changes of the terms, signed by a quorum of those who seal.
//!
//! ```text
//! change    = 1 ‖ set of validators
//!           | 2 ‖ version of the rules (1) ‖ from (8)
//!           | 3 ‖ fee per weight (8) ‖ greatest weight (8) ‖ from (8)
//!           | 4                                              withdraws the announced version
//! message   = "sotto/change/v1" ‖ chain id ‖ height of the last change (8) ‖ expiry (8) ‖ change
//! signed    = expiry (8) ‖ change ‖ signatures ‖ number (1) ‖ renewals
//! renewal   = place in the new set (1) ‖ signature of the new key (64)
//! ```
//!
//! The height of the last change makes a change unique: once it took effect, or another did, its signatures
//! are void. A renewal says that a validator goes on under another vote key: the old key is among the
//! signers, the new one signs the same message.

use super::announced::{Announced, Limits};
use crate::{
    amount::Height,
    chain_id::ChainId,
    codec::{Decode, DecodeError, Encode, Reader, fields},
    schnorr::Signature,
    tag,
    validators::{Signatures, ValidatorSet},
};

/// A change of the terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Other validators seal.
    Validators(ValidatorSet),
    /// Announces another version of the rules.
    Rules(Announced<u8>),
    /// Announces another fee and weight.
    Limits(Announced<Limits>),
    /// Withdraws the announced version of the rules.
    WithdrawRules,
}

impl Change {
    /// The message that signs the change, given the height of the last one and the last height at which a
    /// block may contain this one.
    #[must_use]
    pub fn message(&self, chain: &ChainId, last_change: Height, expiry: Height) -> Vec<u8> {
        let heights = [last_change.to_bytes(), expiry.to_bytes()].concat();
        [tag::CHANGE.as_bytes(), chain.as_bytes(), &heights, &self.to_bytes()].concat()
    }
}

impl Encode for Change {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Validators(set) => {
                out.push(1);
                set.encode(out);
            }
            Self::Rules(Announced { from, what }) => {
                out.extend_from_slice(&[2, *what]);
                from.encode(out);
            }
            Self::Limits(Announced { from, what }) => {
                out.push(3);
                what.encode(out);
                from.encode(out);
            }
            Self::WithdrawRules => out.push(4),
        }
    }
}

impl Decode for Change {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            1 => ValidatorSet::decode(r).map(Self::Validators),
            2 => Ok(Self::Rules(Announced { what: r.u8()?, from: Height::decode(r)? })),
            3 => Ok(Self::Limits(Announced { what: Limits::decode(r)?, from: Height::decode(r)? })),
            4 => Ok(Self::WithdrawRules),
            code => Err(DecodeError::Code { what: "kind of change", code }),
        }
    }
}

/// A validator that goes on under another vote key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Its place in the new set.
    pub place: u8,
    /// The signature of the change's message under the new key.
    pub signature: Signature,
}

fields!(Renewal { place, signature });

/// A change and its signatures, which may be invalid or too few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedChange {
    /// The last height at which a block may contain it.
    pub expiry: Height,
    /// The change.
    pub change: Change,
    /// The signatures of validators of the set that seals the block.
    pub signatures: Signatures,
    /// The validators whose keys it renews, in ascending order of places; at most 100.
    pub renewals: Vec<Renewal>,
}

impl Encode for SignedChange {
    fn encode(&self, out: &mut Vec<u8>) {
        self.expiry.encode(out);
        self.change.encode(out);
        self.signatures.encode(out);
        out.push(u8::try_from(self.renewals.len()).unwrap_or(u8::MAX));
        self.renewals.iter().for_each(|r| r.encode(out));
    }
}

impl Decode for SignedChange {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (expiry, change) = (Height::decode(r)?, Change::decode(r)?);
        let (signatures, count) = (Signatures::decode(r)?, r.u8()?);
        if usize::from(count) > ValidatorSet::MAX {
            let (found, bound) = (count.into(), ValidatorSet::MAX as u64);
            return Err(DecodeError::Bound { what: "number of renewals", found, bound });
        }
        let renewals: Vec<Renewal> = r.repeat(count.into())?;
        if !renewals.is_sorted_by(|a, b| a.place < b.place) {
            return Err(DecodeError::Invalid { what: "order of renewals" });
        }
        Ok(Self { expiry, change, signatures, renewals })
    }
}
