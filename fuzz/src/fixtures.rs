//! What the targets are tried against: made once, from fixed seeds, by the crates' own public functions.

pub(crate) mod chain;
pub(crate) mod circuit;
pub(crate) mod commitments;
pub(crate) mod job;
pub(crate) mod payment;
pub(crate) mod scratch;
pub(crate) mod store;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// Randomness that is the same everywhere.
pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
