//! A set of validators: in order, of bounded power, each in possession of its key.

use super::{Validator, ValidatorName};
use crate::{
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    tag,
};
use core::fmt;
use rayon::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

/// Why validators do not make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None, or more than 100.
    #[error("invalid number of validators: expected 1 to {}", ValidatorSet::MAX)]
    Number,
    /// A vote key, a link key or a name occurs twice.
    #[error("invalid set of validators: a vote key, a link key or a name occurs twice")]
    Repeated,
    /// The powers add up to 2³¹ or more.
    #[error("invalid set of validators: the powers add up to 2³¹ or more")]
    Power,
    /// A proof of possession does not verify.
    #[error("invalid set of validators: a proof of possession does not verify")]
    Possession,
}

impl ValidatorSetError {
    const fn what(self) -> &'static str {
        match self {
            Self::Number => "number of validators",
            Self::Repeated => "set of validators: a vote key, a link key or a name occurs twice",
            Self::Power => "set of validators: the powers add up to 2³¹ or more",
            Self::Possession => "set of validators: a proof of possession does not verify",
        }
    }
}

/// The validators of a chain at a height: 1 to 100, in ascending order of vote keys. Cheap to clone.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::{
///     SecretScalar,
///     validators::{LinkKey, Validator, ValidatorSet},
/// };
///
/// let validators = (1u8..=4).map(|i| {
///     let name = format!("bank-{i}").parse().unwrap();
///     let vote_key = SecretScalar::random(&mut OsRng);
///     Validator::new(&vote_key, LinkKey::from_bytes([i; 32]), 10.try_into().unwrap(), name, &mut OsRng)
/// });
/// let set = ValidatorSet::new(validators.collect())?;
/// assert_eq!(set.total(), 40);
/// assert!(set.has_quorum(30) && !set.has_quorum(26));
/// assert!(set.has_honest(14) && !set.has_honest(13));
/// # Ok::<(), sotto_mw::validators::ValidatorSetError>(())
/// ```
#[derive(Clone)]
pub struct ValidatorSet(Arc<Checked>);

struct Checked {
    validators: Vec<Validator>,
    total: u64,
    hash: Hash,
}

impl ValidatorSet {
    /// Most validators.
    pub const MAX: usize = 100;
    /// Most bytes of an encoded set.
    pub(crate) const MAX_BYTES: usize = 1 + Self::MAX * Validator::MAX_BYTES;

    /// Checks the validators and puts them in order.
    ///
    /// # Errors
    /// [`ValidatorSetError`] for the first condition that they break.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if !(1..=Self::MAX).contains(&validators.len()) {
            return Err(ValidatorSetError::Number);
        }
        validators.sort_unstable_by_key(|v| v.vote_key);
        let links: BTreeSet<_> = validators.iter().map(|v| v.link_key).collect();
        let names: BTreeSet<&ValidatorName> = validators.iter().map(|v| &v.name).collect();
        let ascending = validators.is_sorted_by(|a, b| a.vote_key < b.vote_key);
        if !ascending || links.len() < validators.len() || names.len() < validators.len() {
            return Err(ValidatorSetError::Repeated);
        }
        let total = validators.iter().map(|v| u64::from(v.power.get())).sum();
        if total >= 1 << 31 {
            return Err(ValidatorSetError::Power);
        }
        if !validators.par_iter().all(Validator::is_possessed) {
            return Err(ValidatorSetError::Possession);
        }
        let hash = tagged(tag::VALIDATORS, &[&encoded(&validators)]);
        Ok(Self(Arc::new(Checked { validators, total, hash })))
    }

    /// The validators, in ascending order of vote keys.
    #[must_use]
    pub fn all(&self) -> &[Validator] {
        &self.0.validators
    }

    /// How many they are: 1 to 100.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.validators.len()
    }

    /// The power of all, below 2³¹.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.total
    }

    /// Whether this power, of different validators of this set, is a quorum: more than two thirds.
    #[must_use]
    pub fn has_quorum(&self, power: u64) -> bool {
        power.saturating_mul(3) > 2 * self.total()
    }

    /// Whether this power includes an honest validator, if less than a third are Byzantine: more than a
    /// third.
    #[must_use]
    pub fn has_honest(&self, power: u64) -> bool {
        power.saturating_mul(3) > self.total()
    }

    /// The validator at this place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Validator> {
        self.0.validators.get(index)
    }

    /// The place of the validator with this vote key.
    #[must_use]
    pub fn index_of(&self, vote_key: &PublicKey) -> Option<usize> {
        self.0.validators.binary_search_by_key(vote_key, |v| v.vote_key).ok()
    }

    /// The hash of the encoding.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.0.hash
    }
}

impl PartialEq for ValidatorSet {
    fn eq(&self, other: &Self) -> bool {
        self.0.hash == other.0.hash
    }
}
impl Eq for ValidatorSet {}

impl fmt::Debug for ValidatorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

fn encoded(validators: &[Validator]) -> Vec<u8> {
    let mut out = vec![u8::try_from(validators.len()).unwrap_or(u8::MAX)];
    validators.iter().for_each(|v| v.encode(&mut out));
    out
}

impl Encode for ValidatorSet {
    fn encode(&self, out: &mut Vec<u8>) {
        out.append(&mut encoded(self.all()));
    }
}

impl Decode for ValidatorSet {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let invalid = |why: ValidatorSetError| DecodeError::Invalid { what: why.what() };
        let count = usize::from(r.u8()?);
        if !(1..=Self::MAX).contains(&count) {
            return Err(invalid(ValidatorSetError::Number));
        }
        let needed = count * Validator::LEAST_BYTES;
        if needed > r.left() {
            return Err(DecodeError::Short { needed: needed - r.left() });
        }
        let validators: Vec<Validator> =
            (0..count).map(|_| Validator::decode(r)).collect::<Result<_, _>>()?;
        if !validators.is_sorted_by(|a, b| a.vote_key < b.vote_key) {
            return Err(DecodeError::Invalid { what: "order of validators" });
        }
        Self::new(validators).map_err(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{group::Scalar, secret::SecretScalar, validators::LinkKey};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn validator(i: u8, power: u32) -> Validator {
        let name = format!("validator-{i}").parse().unwrap();
        let vote_key = SecretScalar::from(Scalar::from(u64::from(i)));
        let mut rng = ChaCha20Rng::seed_from_u64(i.into());
        Validator::new(&vote_key, LinkKey::from_bytes([i; 32]), power.try_into().unwrap(), name, &mut rng)
    }

    fn refused(edit: impl FnOnce(&mut Vec<Validator>)) -> Option<ValidatorSetError> {
        let mut all: Vec<_> = (1..=4).map(|i| validator(i, 10)).collect();
        edit(&mut all);
        ValidatorSet::new(all).err()
    }

    #[test]
    fn what_is_no_set_is_refused() {
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(Vec::clear), Some(ValidatorSetError::Number));
        let many = |n| refused(move |all| *all = (1..=n).map(|i| validator(i, 1)).collect());
        assert_eq!((many(100), many(101)), (None, Some(ValidatorSetError::Number)));
        assert_eq!(refused(|all| all.push(validator(1, 10))), Some(ValidatorSetError::Repeated));
        let link = |all: &mut Vec<Validator>| all[0].link_key = all[1].link_key;
        assert_eq!(refused(link), Some(ValidatorSetError::Repeated));
        let name = |all: &mut Vec<Validator>| all[0].name = all[1].name.clone();
        assert_eq!(refused(name), Some(ValidatorSetError::Repeated));
        let power = |p: u32| refused(move |all| all[0].power = p.try_into().unwrap());
        assert_eq!((power((1 << 31) - 31), power((1 << 31) - 30)), (None, Some(ValidatorSetError::Power)));
        // The name and the link key are those that the holder of the vote key took.
        let own = Some(ValidatorSetError::Possession);
        assert_eq!(refused(|all| all[0].name = "another".parse().unwrap()), own);
        assert_eq!(refused(|all| all[0].link_key = LinkKey::from_bytes([9; 32])), own);
        assert_eq!(refused(|all| all[0].vote_key = validator(9, 1).vote_key), own);
    }

    #[test]
    fn thresholds_are_strict() {
        let set = |powers: [u32; 4]| {
            ValidatorSet::new((1..).zip(powers).map(|(i, p)| validator(i, p)).collect()).unwrap()
        };
        let three = set([1, 1, 1, 3]);
        assert!(!three.has_quorum(4) && three.has_quorum(5));
        assert!(!three.has_honest(2) && three.has_honest(3));
        let most = set([(1 << 31) - 4, 1, 1, 1]);
        assert!(most.has_quorum(most.total()) && most.has_quorum(u64::MAX));
    }

    #[test]
    fn only_an_ordered_set_decodes() {
        let set = ValidatorSet::new((1..=4).map(|i| validator(i, 10)).collect()).unwrap();
        let bytes = set.to_bytes();
        assert_eq!(ValidatorSet::from_bytes(&bytes), Ok(set.clone()));
        assert_eq!(set.index_of(&set.all()[2].vote_key), Some(2));
        assert_eq!(set.index_of(&validator(7, 1).vote_key), None);
        let mut swapped = vec![4];
        [1, 0, 2, 3].iter().for_each(|i| set.all()[*i].encode(&mut swapped));
        assert_eq!(
            ValidatorSet::from_bytes(&swapped),
            Err(DecodeError::Invalid { what: "order of validators" })
        );
        for i in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[i / 8] ^= 1 << (i % 8);
            // Power alone is not under the proof of possession.
            let other = ValidatorSet::from_bytes(&flipped);
            assert!(other.is_err() || other.as_ref().is_ok_and(|o| o.hash() != set.hash()), "bit {i}");
        }
    }
}
