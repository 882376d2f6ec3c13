//! The values that the targets work on. The crates' own public functions make them once, from fixed seeds.

pub(crate) mod auditors;
pub(crate) mod away;
pub(crate) mod chain;
pub(crate) mod circuit;
pub(crate) mod commitments;
pub(crate) mod hold;
pub(crate) mod job;
pub(crate) mod keys;
pub(crate) mod payment;
pub(crate) mod sale;
pub(crate) mod scratch;
pub(crate) mod store;
pub(crate) mod tee;
pub(crate) mod transfers;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// A deterministic random source.
pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
