//! A register of 512 bits as four blocks of a stream, on 64-bit x86.

use core::arch::x86_64::*;

use super::streams::{Schedules, Wide};
use super::x86::ROTATE_LAST;
use crate::Block;

/// Needs AVX-512F, AVX-512BW and VAES.
impl Wide<4> for __m512i {
    #[inline(always)]
    unsafe fn numbers(first: u64) -> Self {
        // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
        unsafe {
            let first = _mm512_maskz_set1_epi64(0x55, first as i64);
            _mm512_add_epi64(first, _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0))
        }
    }
    #[inline(always)]
    unsafe fn load(blocks: &[Block; 4]) -> Self {
        // SAFETY: four blocks are 64 readable bytes in little-endian order on this architecture.
        unsafe { _mm512_loadu_si512(blocks.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, blocks: &mut [Block; 4]) {
        // SAFETY: four blocks are 64 writable bytes, and any value is a block.
        unsafe { _mm512_storeu_si512(blocks.as_mut_ptr().cast(), self) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
        unsafe { _mm512_xor_si512(self, other) }
    }
    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
        unsafe { _mm512_aesenc_epi128(self, key) }
    }
    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
        unsafe { _mm512_aesenclast_epi128(self, key) }
    }
    /// Those of all four keys side by side, then each round key four times.
    #[inline(always)]
    unsafe fn schedules(keys: &[Block; 4]) -> Schedules<Self> {
        #[inline(always)]
        unsafe fn next<const RCON: i32>(keys: __m512i) -> __m512i {
            // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
            unsafe {
                let rotated = _mm512_shuffle_epi8(keys, _mm512_set1_epi32(ROTATE_LAST));
                let word = _mm512_aesenclast_epi128(rotated, _mm512_set1_epi32(RCON));
                let sum = keys.xor(_mm512_bslli_epi128::<4>(keys));
                sum.xor(_mm512_bslli_epi128::<8>(sum)).xor(word)
            }
        }
        // SAFETY: the caller has the instructions of `__m512i` (AVX-512F, AVX-512BW, VAES).
        unsafe {
            let mut k = [Self::load(keys); 11];
            macro_rules! expand {
                ($($round:literal $rcon:literal),*) => { $(k[$round] = next::<$rcon>(k[$round - 1]);)* };
            }
            expand!(1 0x01, 2 0x02, 3 0x04, 4 0x08, 5 0x10, 6 0x20, 7 0x40, 8 0x80, 9 0x1b, 10 0x36);
            let mut rounds = [[k[0]; 4]; 11];
            for (round, k) in rounds.iter_mut().zip(k) {
                *round = [
                    _mm512_shuffle_i32x4::<0x00>(k, k),
                    _mm512_shuffle_i32x4::<0x55>(k, k),
                    _mm512_shuffle_i32x4::<0xaa>(k, k),
                    _mm512_shuffle_i32x4::<0xff>(k, k),
                ];
            }
            rounds
        }
    }
}
