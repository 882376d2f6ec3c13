//! Test chains with validators: certificates and changes of the terms.

use super::{test_chain::TestChain, test_validators::TestValidators};
use crate::{
    amount::Height,
    chain::{Network, Params},
    schnorr::sign,
    secret::SecretScalar,
    terms::{Change, Renewal, SignedChange},
    validators::{Validator, ValidatorSet},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

impl TestChain {
    /// A new chain of `n` validators with equal power and short windows.
    ///
    /// # Panics
    /// If there cannot be so many.
    #[must_use]
    pub fn with_validators(seed: u64, n: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut validators = TestValidators::default();
        let all = (0..n).map(|i| validators.appoint(&format!("validator-{i}"), 1, &mut rng)).collect();
        let set = ValidatorSet::new(all).expect("a set of validators");
        let usual = Params::with_validators(Network::Test, set, 1_700_000_000);
        let params = Params { window_width: 16, window_grid: 4, ..usual };
        let operator = SecretScalar::random(&mut rng);
        Self::of(params, operator, validators, rng)
    }

    /// A chain of validators whose vote keys exist, such as those of nodes.
    ///
    /// # Panics
    /// If the parameters contradict each other.
    #[must_use]
    pub fn of_validators(seed: u64, params: Params, vote_keys: Vec<SecretScalar>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Self::of(params, SecretScalar::random(&mut rng), TestValidators::of(vote_keys), rng)
    }

    /// The keys of all validators that were ever made for this chain.
    #[must_use]
    pub const fn validators(&self) -> &TestValidators {
        &self.validators
    }

    /// A validator under a new vote key, which the chain knows.
    ///
    /// # Panics
    /// For a name or a power that none can have.
    pub fn appoint(&mut self, name: &str, power: u32) -> Validator {
        self.validators.appoint(name, power, &mut self.rng)
    }

    /// A validator under a new vote key in place of its own, which the chain knows too.
    pub fn renewed(&mut self, of: &Validator) -> Validator {
        self.validators.renew(of, &mut self.rng)
    }

    /// A change for the next block, or later ones up to `expiry`, signed by all validators of the next
    /// height.
    ///
    /// # Panics
    /// On a solo chain.
    pub fn change(&mut self, change: Change, expiry: Height) -> SignedChange {
        let set = self.chain().terms().sealing.validators().expect("a chain of validators").clone();
        self.change_by(change, expiry, 0..set.count())
    }

    /// The same, signed by the validators at these places.
    ///
    /// # Panics
    /// On a solo chain, or if a place is not in the set or occurs twice.
    pub fn change_by(
        &mut self,
        change: Change,
        expiry: Height,
        places: impl IntoIterator<Item = usize>,
    ) -> SignedChange {
        let terms = self.chain().terms().clone();
        let set = terms.sealing.validators().expect("a chain of validators");
        let message = change.message(self.chain().id(), terms.last_change, expiry);
        let signatures = self.validators.signatures(set, places, &message, &mut self.rng);
        SignedChange { expiry, change, signatures, renewals: Vec::new() }
    }

    /// Adds the renewal of the validator at this place of the new set.
    ///
    /// # Panics
    /// If the change has no such validator, or its key is not known.
    pub fn renew(&mut self, change: &mut SignedChange, place: u8) {
        let Change::Validators(new) = &change.change else { panic!("a change of validators") };
        let secret = self.validators.secret(&new.all()[usize::from(place)].vote_key);
        let last_change = self.chain().terms().last_change;
        let message = change.change.message(self.chain().id(), last_change, change.expiry);
        let signature = sign(secret, &message, &mut self.rng);
        change.renewals.push(Renewal { place, signature });
    }
}
