//! Half gates and AES streams with AES instructions: one kernel each, for two register widths.
//!
//! A kernel works on pairs of AES states ([`pair`]): one 256-bit register with VAES, two 128-bit registers
//! with AES-NI.
//!
//! `SubWord(RotWord(·))` of the key schedule comes from `AESENCLAST` on four equal columns, where `ShiftRows`
//! has no effect (Gueron, Lindell, Nof, Pinkas, ePrint 2015/751, section 3).
//!
//! Safety: the kernels need instructions that not all processors have. Only a `Backend` of the matching kind
//! calls their entry functions, and such a value exists only on a processor that supports the instructions.

#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod half_gates;
mod hashes;
mod pair;
mod streams;
mod transposition;

pub(super) use half_gates::{evaluate_aes_ni, evaluate_vaes, garble_aes_ni, garble_vaes};
pub(super) use hashes::{hash_aes_ni, hash_both_aes_ni, hash_both_vaes, hash_vaes};
pub(super) use streams::{fold_streams_aes_ni, fold_streams_vaes};
pub(super) use transposition::transpose_avx2;

pub(super) fn has_aes_ni() -> bool {
    is_x86_feature_detected!("aes") && is_x86_feature_detected!("ssse3")
}

pub(super) fn has_vaes() -> bool {
    has_aes_ni() && is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx2")
}
