//! The keys of a test chain's validators.

use crate::{
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    validators::{LinkKey, Signatures, Validator, ValidatorSet},
};
use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;
use std::collections::BTreeMap;

/// The secret vote keys of validators.
#[derive(Clone, Debug, Default)]
pub struct TestValidators(BTreeMap<PublicKey, SecretScalar>);

impl TestValidators {
    pub(super) fn of(vote_keys: Vec<SecretScalar>) -> Self {
        Self(vote_keys.into_iter().map(|key| (PublicKey::of(&key), key)).collect())
    }

    /// A validator under a new vote key, which is remembered.
    ///
    /// # Panics
    /// For a name or a power that none can have.
    pub fn appoint(&mut self, name: &str, power: u32, rng: &mut ChaCha20Rng) -> Validator {
        let (vote_key, mut link_key) = (SecretScalar::random(rng), [0; 32]);
        rng.fill_bytes(&mut link_key);
        let (power, name) = (power.try_into().expect("a power"), name.parse().expect("a name"));
        let validator = Validator::new(&vote_key, LinkKey::from_bytes(link_key), power, name, rng);
        self.0.insert(validator.vote_key, vote_key);
        validator
    }

    /// The same validator under a new vote key, which is remembered.
    pub fn renew(&mut self, of: &Validator, rng: &mut ChaCha20Rng) -> Validator {
        let vote_key = SecretScalar::random(rng);
        let validator = Validator::new(&vote_key, of.link_key, of.power, of.name.clone(), rng);
        self.0.insert(validator.vote_key, vote_key);
        validator
    }

    /// The secret of a vote key.
    ///
    /// # Panics
    /// If it is not known.
    #[must_use]
    pub fn secret(&self, vote_key: &PublicKey) -> &SecretScalar {
        &self.0[vote_key]
    }

    /// The signatures of the validators at these places of the set under a message.
    ///
    /// # Panics
    /// If a place is not in the set or occurs twice, or a key is not known.
    pub fn signatures(
        &self,
        set: &ValidatorSet,
        places: impl IntoIterator<Item = usize>,
        message: &[u8],
        rng: &mut ChaCha20Rng,
    ) -> Signatures {
        let signed = |i: usize| (i, sign(self.secret(&set.all()[i].vote_key), message, rng));
        Signatures::new(set.count(), places.into_iter().map(signed).collect()).expect("places of this set")
    }
}
