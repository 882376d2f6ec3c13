//! Announced changes of the terms, and fee and weight.

use crate::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader, fields},
};

/// What a block may weigh, and what weight costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The least fee for one unit of weight.
    pub fee_per_weight: Amount,
    /// The greatest weight of a block.
    pub max_weight: u64,
}

fields!(Limits { fee_per_weight, max_weight });

impl Limits {
    /// The least fee of a body of this weight; `None` if it exceeds 64 bits.
    #[must_use]
    pub fn least_fee(&self, weight: u64) -> Option<Amount> {
        self.fee_per_weight.units().checked_mul(weight).map(Amount::new)
    }
}

/// What takes effect at a later height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced<T> {
    /// The first height at which it is in effect.
    pub from: Height,
    /// What takes effect.
    pub what: T,
}

impl<T: Encode> Encode for Option<Announced<T>> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.is_some().into());
        if let Some(Announced { from, what }) = self {
            from.encode(out);
            what.encode(out);
        }
    }
}

impl<T: Decode> Decode for Option<Announced<T>> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Announced { from: Height::decode(r)?, what: T::decode(r)? })),
            code => Err(DecodeError::Code { what: "flag of an announced change", code }),
        }
    }
}
