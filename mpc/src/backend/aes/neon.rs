//! Registers of 64-bit ARM: pairs in two of 128 bits, with the cryptographic extension.
//!
//! Its instructions divide a round otherwise than `Pair` does: `AESE` adds the key first. A round here is given a key
//! of zero and adds the real one at its end; the compiler joins that with the next round.
//!
//! The intrinsics of AES are inlined only into functions that enable them, so the methods that use them do; NEON is part
//! of every such target.

use core::arch::aarch64::*;

use super::super::context::{
    AHEAD, EvaluateContext, GarbleContext, Kernels, PairContext, Schedule, Scheduled, Sums, Table,
};
use super::super::portable;
use super::pair::{Pair, State};
use super::{half_gates, hashes, kernels, streams};
use crate::hash::HashKey;
use crate::{Block, Delta};

static NEON: Kernels = kernels!("neon", "neon,aes", Halves, 1, portable::fold_sums, portable::transpose);

/// The kernels with AES instructions, where the processor has them.
pub(in super::super) fn neon() -> Option<&'static Kernels> {
    let both =
        std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("aes");
    both.then_some(&NEON)
}

/// Bytes that `RotWord` of the last column takes, in all four columns.
const ROTATE_LAST: [u8; 16] = [13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12];

/// Needs NEON.
impl State for uint8x16_t {
    #[inline(always)]
    unsafe fn read(bytes: &[u8; 16]) -> Self {
        // SAFETY: 16 readable bytes; the load needs no alignment.
        unsafe { vld1q_u8(bytes.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn load(block: &Block) -> Self {
        // SAFETY: a block is 16 readable bytes in little-endian order on this target.
        unsafe { vld1q_u8((&raw const *block).cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, block: &mut Block) {
        // SAFETY: a block is 16 writable bytes, and any value is a block.
        unsafe { vst1q_u8((&raw mut *block).cast(), self) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { veorq_u8(self, other) }
    }
    #[inline(always)]
    unsafe fn tweaked(self, number: u64) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { self.xor(vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(number), vcreate_u64(0)))) }
    }
    #[inline(always)]
    unsafe fn masked(self, label: Self) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { vandq_u8(self, vtstq_u8(vdupq_laneq_u8::<0>(label), vdupq_n_u8(1))) }
    }
}

/// A pair in two registers.
#[derive(Clone, Copy)]
struct Halves(uint8x16_t, uint8x16_t);

/// Needs NEON and AES.
impl Pair for Halves {
    type State = uint8x16_t;

    #[inline(always)]
    unsafe fn join(low: uint8x16_t, high: uint8x16_t) -> Self {
        Self(low, high)
    }
    #[inline(always)]
    unsafe fn low(self) -> uint8x16_t {
        self.0
    }
    #[inline(always)]
    unsafe fn high(self) -> uint8x16_t {
        self.1
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { Self(self.0.xor(other.0), self.1.xor(other.1)) }
    }
    #[inline(always)]
    unsafe fn sigma(self) -> Self {
        #[inline(always)]
        unsafe fn sigma(x: uint8x16_t) -> uint8x16_t {
            // SAFETY: the caller has NEON.
            unsafe {
                let left = vcombine_u8(vcreate_u8(0), vget_high_u8(x));
                vextq_u8::<8>(x, x).xor(left)
            }
        }
        // SAFETY: the caller has NEON.
        unsafe { Self(sigma(self.0), sigma(self.1)) }
    }
    #[inline]
    #[target_feature(enable = "aes")]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: the caller has NEON and AES.
        unsafe {
            let zero = vdupq_n_u8(0);
            let mixed = Self(vaesmcq_u8(vaeseq_u8(self.0, zero)), vaesmcq_u8(vaeseq_u8(self.1, zero)));
            mixed.xor(key)
        }
    }
    #[inline]
    #[target_feature(enable = "aes")]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: the caller has NEON and AES.
        unsafe {
            let zero = vdupq_n_u8(0);
            Self(vaeseq_u8(self.0, zero), vaeseq_u8(self.1, zero)).xor(key)
        }
    }
    #[inline]
    #[target_feature(enable = "aes")]
    unsafe fn next_key<const RCON: i32>(self) -> Self {
        #[inline]
        #[target_feature(enable = "aes")]
        unsafe fn next<const RCON: i32>(key: uint8x16_t) -> uint8x16_t {
            // SAFETY: the caller has NEON and AES.
            unsafe {
                let zero = vdupq_n_u8(0);
                let rotated = vqtbl1q_u8(key, uint8x16_t::read(&ROTATE_LAST));
                let word = vaeseq_u8(rotated, zero).xor(vreinterpretq_u8_u32(vdupq_n_u32(RCON as u32)));
                let sum = key.xor(vextq_u8::<12>(zero, key));
                sum.xor(vextq_u8::<8>(zero, sum)).xor(word)
            }
        }
        // SAFETY: the caller has NEON and AES.
        unsafe { Self(next::<RCON>(self.0), next::<RCON>(self.1)) }
    }
    #[inline(always)]
    unsafe fn store(self, table: &mut Table) {
        // SAFETY: a table is 32 writable bytes; the stores need no alignment.
        unsafe {
            vst1q_u8(table.as_mut_ptr(), self.0);
            vst1q_u8(table.as_mut_ptr().add(16), self.1);
        }
    }
}
