//! Signatures of some validators of a set under one message.
//!
//! ```text
//! signers    = n, validators of the set (1) ‖ bitmap, ceil(n/8) bytes; bit i is bit i mod 8 of byte i/8
//! signatures = signers ‖ one signature (64) for each bit, in the order of the set
//! ```
//!
//! Bits from n on do not decode, nor do more or fewer signatures than bits.

use super::ValidatorSet;
use crate::{
    codec::{Decode, DecodeError, Encode, Reader},
    schnorr::{Signature, SignedMessage},
};

/// Some of the validators of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signers {
    of: u8,
    bits: u128,
}

impl Signers {
    /// Those at these places in a set of `of` validators; `None` if a place is not in it, or the set is empty
    /// or too large.
    #[must_use]
    pub fn new(of: usize, places: impl IntoIterator<Item = usize>) -> Option<Self> {
        let count = u8::try_from(of).ok().filter(|_| (1..=ValidatorSet::MAX).contains(&of))?;
        let bits = places.into_iter().try_fold(0, |bits, i| (i < of).then(|| bits | 1u128 << i))?;
        Some(Self { of: count, bits })
    }

    /// How many validators the set has.
    #[must_use]
    pub fn of(&self) -> usize {
        self.of.into()
    }

    /// The places, ascending.
    pub fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { of, bits } = *self;
        (0..usize::from(of)).filter(move |i| bits >> i & 1 == 1)
    }

    /// Whether the validator at this place is among them.
    #[must_use]
    pub fn contains(&self, place: usize) -> bool {
        place < self.of() && self.bits >> place & 1 == 1
    }

    /// How many they are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.bits.count_ones() as usize
    }

    /// The power of these validators; `None` if the set has another number of validators.
    #[must_use]
    pub fn power(&self, set: &ValidatorSet) -> Option<u64> {
        let power = |i| set.get(i).map_or(0, |v| u64::from(v.power.get()));
        (self.of() == set.count()).then(|| self.places().map(power).sum())
    }
}

impl Encode for Signers {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.of);
        out.extend(self.bits.to_le_bytes().iter().take(self.of().div_ceil(8)));
    }
}

impl Decode for Signers {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let of = r.u8()?;
        if !(1..=ValidatorSet::MAX).contains(&usize::from(of)) {
            return Err(DecodeError::Invalid { what: "number of validators" });
        }
        let bytes = r.take(usize::from(of).div_ceil(8))?;
        let bits = bytes.iter().rev().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        if bits >> of != 0 {
            return Err(DecodeError::Invalid { what: "bitmap of signers: a bit is beyond the set" });
        }
        Ok(Self { of, bits })
    }
}

/// The signatures of some validators under one message. They may be invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures {
    signers: Signers,
    all: Vec<Signature>,
}

impl Signatures {
    /// These signatures, each with the place of its signer in a set of `of` validators; `None` if a place is
    /// not in it or occurs twice.
    #[must_use]
    pub fn new(of: usize, mut signed: Vec<(usize, Signature)>) -> Option<Self> {
        signed.sort_unstable_by_key(|(i, _)| *i);
        let signers = Signers::new(of, signed.iter().map(|(i, _)| *i))?;
        (signers.count() == signed.len())
            .then(|| Self { signers, all: signed.into_iter().map(|(_, s)| s).collect() })
    }

    /// Who signed.
    #[must_use]
    pub const fn signers(&self) -> &Signers {
        &self.signers
    }

    /// Each signature with the place of its signer, ascending.
    pub fn by_place(&self) -> impl Iterator<Item = (usize, &Signature)> {
        self.signers.places().zip(&self.all)
    }

    /// The signed messages, each of which must verify; `None` unless the signers are a quorum of the set.
    #[must_use]
    pub fn of_quorum(&self, set: &ValidatorSet, message: &[u8]) -> Option<Vec<SignedMessage>> {
        if !set.has_quorum(self.signers.power(set)?) {
            return None;
        }
        let signed = |(i, s): (usize, &Signature)| {
            Some(SignedMessage::new(set.get(i)?.vote_key, message.to_vec(), *s))
        };
        self.by_place().map(signed).collect()
    }
}

impl Encode for Signatures {
    fn encode(&self, out: &mut Vec<u8>) {
        self.signers.encode(out);
        self.all.iter().for_each(|s| s.encode(out));
    }
}

impl Decode for Signatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let signers = Signers::decode(r)?;
        let needed = 64 * signers.count();
        if needed > r.left() {
            return Err(DecodeError::Short { needed: needed - r.left() });
        }
        Ok(Self { signers, all: r.repeat(signers.count() as u64)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Point, Scalar};

    #[test]
    fn bits_beyond_the_set_do_not_decode() {
        let signers = Signers::new(10, [0, 9]).unwrap();
        assert_eq!(signers.to_bytes(), [10, 1, 2]);
        assert_eq!(Signers::from_bytes(&[10, 1, 2]), Ok(signers));
        assert!(signers.contains(9) && !signers.contains(8) && !signers.contains(200));
        for bytes in [&[10, 1, 4][..], &[10, 1, 0x80], &[0], &[101, 0], &[10, 1], &[8, 1, 0]] {
            assert!(Signers::from_bytes(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(Signers::new(10, [10]), None);
        assert_eq!(Signers::new(101, []), None);
        assert_eq!(
            Signers::new(100, [99]).map(|s| Signers::from_bytes(&s.to_bytes())),
            Some(Signers::new(100, [99]).ok_or(DecodeError::Point))
        );
    }

    #[test]
    fn there_is_one_signature_for_each_bit() {
        let s = Signature::from_parts(Point::g(), Scalar::ONE);
        let three = Signatures::new(4, vec![(2, s), (0, s), (3, s)]).unwrap();
        let bytes = three.to_bytes();
        assert_eq!(bytes.len(), 2 + 3 * 64);
        assert_eq!(Signatures::from_bytes(&bytes), Ok(three));
        assert_eq!(Signatures::new(4, vec![(2, s), (2, s)]), None);
        let mut fewer = bytes.clone();
        fewer[1] = 0b0101;
        assert_eq!(Signatures::from_bytes(&fewer), Err(DecodeError::Trailing { extra: 64 }));
        let mut more = bytes;
        more[1] = 0b1111;
        assert_eq!(Signatures::from_bytes(&more), Err(DecodeError::Short { needed: 64 }));
    }
}
