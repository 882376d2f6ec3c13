//! The seed of a session, from which a member's secrets of that session follow.
//!
//! ```text
//! randomness of a step = ChaCha20 under SHA-512/tagged("sotto/keys/seed/v1", seed ‖ step ‖ what the step answers)
//! ```
//!
//! A step that is repeated with the same letters gives the same letter, so nothing has to be kept but the seed.
//! Other letters give other secrets. The nonces of a signature also depend on the share (RFC 9591, 4.1).
//!
//! **Not guaranteed here**: that a seed serves one session only, and that a copy of it is not used twice. The
//! edge encrypts seeds under the key of an installation and closes each session once.

use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::letter::Step;
use crate::tag::{Hash, SEED, tagged_wide};

/// The seed of one session of one member.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Bytes of a seed.
    pub const BYTES: usize = 32;

    /// A fresh seed.
    #[must_use]
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut seed = Self([0; 32]);
        rng.fill_bytes(&mut seed.0);
        seed
    }

    /// The seed of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, which are secret.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The randomness of a step that answers `before`.
    pub(crate) fn rng(&self, step: Step, before: &Hash) -> ChaCha20Rng {
        let wide = Zeroizing::new(tagged_wide(SEED, &[&self.0, &[step as u8], before.as_bytes()]));
        let mut key = Zeroizing::new([0; 32]);
        key.iter_mut().zip(wide.iter()).for_each(|(to, from)| *to = *from);
        ChaCha20Rng::from_seed(*key)
    }
}

/// Shows nothing.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}
