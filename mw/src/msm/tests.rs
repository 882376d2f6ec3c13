//! Compares each back end with the portable one, that one with bit-by-bit arithmetic, and all with
//! `curve25519-dalek`.

mod decoding;
mod differential;
mod field;
mod residues;
mod sums;

use super::*;
use crate::group::{Element, Scalar, words};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn encoded(p: &Element) -> [u8; 32] {
    p.compress().to_bytes()
}
