//! Half gates and AES streams with AES instructions: one kernel each, for any registers.
//!
//! A kernel works on pairs of AES states ([`pair`]): one register of 256 bits with VAES, two of 128 bits with AES-NI
//! and with the cryptographic extension of ARM.
//!
//! `SubWord(RotWord(·))` of the key schedule comes from a last round on four equal columns, where `ShiftRows` has no
//! effect (Gueron, Lindell, Nof, Pinkas, ePrint 2015/751, section 3).
//!
//! Safety: the kernels need instructions that not all processors have. [`kernels!`] puts each inside a function that
//! enables them; a [`Backend`](super::Backend) with these functions exists only on a processor that supports them.

#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod half_gates;
mod hashes;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(super) mod neon;
mod pair;
mod streams;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

/// The kernels of one back end: its name, its instructions, its pair, how many pairs of each stream are in flight,
/// and what is compiled for its registers alone.
macro_rules! kernels {
    ($name:literal, $features:literal, $pair:ty, $flight:literal, $fold_sums:expr, $transpose:expr) => {
        Kernels {
            name: $name,
            garble: |gates, a, b, c, tables| {
                #[target_feature(enable = $features)]
                fn enabled(
                    gates: &GarbleContext<'_>,
                    a: &[Block],
                    b: &[Block],
                    c: &mut [Block],
                    tables: &mut [Table],
                ) {
                    // SAFETY: the instructions of the pair are enabled here.
                    unsafe { half_gates::garble::<$pair>(gates, a, b, c, tables) }
                }
                // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                unsafe { enabled(gates, a, b, c, tables) }
            },
            evaluate: |gates, a, b, tables, c| {
                #[target_feature(enable = $features)]
                fn enabled(
                    gates: &EvaluateContext<'_>,
                    a: &[Block],
                    b: &[Block],
                    tables: &[Table],
                    c: &mut [Block],
                ) {
                    // SAFETY: the instructions of the pair are enabled here.
                    unsafe { half_gates::evaluate::<$pair>(gates, a, b, tables, c) }
                }
                // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                unsafe { enabled(gates, a, b, tables, c) }
            },
            hash: |key, first, x, h| {
                #[target_feature(enable = $features)]
                fn enabled(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
                    // SAFETY: the instructions of the pair are enabled here.
                    unsafe { hashes::hash::<$pair>(key, first, x, h) }
                }
                // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                unsafe { enabled(key, first, x, h) }
            },
            hash_both: |keys, x, h| {
                #[target_feature(enable = $features)]
                fn enabled(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
                    // SAFETY: the instructions of the pair are enabled here.
                    unsafe { hashes::hash_both::<$pair>(keys, x, h) }
                }
                // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                unsafe { enabled(keys, x, h) }
            },
            fold_streams: |keys, first, sums| {
                #[target_feature(enable = $features)]
                fn enabled(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
                    // SAFETY: the instructions of the pair are enabled here.
                    unsafe { streams::fold::<$pair, 2, $flight>(keys, first, sums) }
                }
                // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                unsafe { enabled(keys, first, sums) }
            },
            fold_sums: $fold_sums,
            transpose: $transpose,
            scheduled: Some(Scheduled {
                schedule: |key, first, schedules| {
                    #[target_feature(enable = $features)]
                    fn enabled(key: &HashKey, first: u64, schedules: &mut [Schedule; AHEAD]) {
                        // SAFETY: the instructions of the pair are enabled here.
                        unsafe { half_gates::schedule::<$pair>(key, first, schedules) }
                    }
                    // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                    unsafe { enabled(key, first, schedules) }
                },
                garble: |delta, schedules, a, b, c, tables| {
                    #[target_feature(enable = $features)]
                    fn enabled(
                        delta: &Delta,
                        schedules: &[Schedule],
                        a: &[Block],
                        b: &[Block],
                        c: &mut [Block],
                        tables: &mut [Table],
                    ) {
                        // SAFETY: the instructions of the pair are enabled here.
                        unsafe { half_gates::garble_scheduled::<$pair>(delta, schedules, a, b, c, tables) }
                    }
                    // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                    unsafe { enabled(delta, schedules, a, b, c, tables) }
                },
                evaluate: |schedules, a, b, tables, c| {
                    #[target_feature(enable = $features)]
                    fn enabled(
                        schedules: &[Schedule],
                        a: &[Block],
                        b: &[Block],
                        tables: &[Table],
                        c: &mut [Block],
                    ) {
                        // SAFETY: the instructions of the pair are enabled here.
                        unsafe { half_gates::evaluate_scheduled::<$pair>(schedules, a, b, tables, c) }
                    }
                    // SAFETY: a `Backend` with this function exists only where the instructions were detected.
                    unsafe { enabled(schedules, a, b, tables, c) }
                },
            }),
        }
    };
}
use kernels;
