//! Pairs of AES states: in one 256-bit register, or in two 128-bit registers.

use core::arch::x86_64::*;

use super::super::context::Table;
use crate::Block;

/// Two AES states: that of wire `A` in the low half, that of wire `B` in the high half.
///
/// # Safety
/// Every method requires a processor with the instructions of the implementing type: AES, AVX2 and VAES for
/// `__m256i`, AES and SSSE3 for [`Halves`].
pub(super) trait Pair: Copy {
    unsafe fn join(low: __m128i, high: __m128i) -> Self;
    unsafe fn low(self) -> __m128i;
    unsafe fn high(self) -> __m128i;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn sigma(self) -> Self;
    unsafe fn round(self, key: Self) -> Self;
    unsafe fn last_round(self, key: Self) -> Self;
    /// The next round key.
    unsafe fn next_key<const RCON: i32>(self) -> Self;
    unsafe fn store(self, table: &mut Table);
}

/// The shuffle that puts `RotWord` of the last column into all four columns.
const ROTATE_LAST: i32 = 0x0c0f_0e0d;

impl Pair for __m256i {
    #[inline(always)]
    unsafe fn join(low: __m128i, high: __m128i) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_set_m128i(high, low) }
    }
    #[inline(always)]
    unsafe fn low(self) -> __m128i {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_castsi256_si128(self) }
    }
    #[inline(always)]
    unsafe fn high(self) -> __m128i {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_extracti128_si256::<1>(self) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_xor_si256(self, other) }
    }
    #[inline(always)]
    unsafe fn sigma(self) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe {
            let left = _mm256_and_si256(self, _mm256_set_epi64x(-1, 0, -1, 0));
            _mm256_xor_si256(_mm256_shuffle_epi32::<0x4e>(self), left)
        }
    }
    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_aesenc_epi128(self, key) }
    }
    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe { _mm256_aesenclast_epi128(self, key) }
    }
    #[inline(always)]
    unsafe fn next_key<const RCON: i32>(self) -> Self {
        // SAFETY: the caller has the instructions of `__m256i` (AES, AVX2, VAES).
        unsafe {
            let rotated = _mm256_shuffle_epi8(self, _mm256_set1_epi32(ROTATE_LAST));
            let word = _mm256_aesenclast_epi128(rotated, _mm256_set1_epi32(RCON));
            let sum = self.xor(_mm256_slli_si256::<4>(self));
            sum.xor(_mm256_slli_si256::<8>(sum)).xor(word)
        }
    }
    #[inline(always)]
    unsafe fn store(self, table: &mut Table) {
        // SAFETY: a table is 32 writable bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(table.as_mut_ptr().cast(), self) }
    }
}

/// A pair in two 128-bit registers.
#[derive(Clone, Copy)]
pub(super) struct Halves(__m128i, __m128i);

impl Pair for Halves {
    #[inline(always)]
    unsafe fn join(low: __m128i, high: __m128i) -> Self {
        Self(low, high)
    }
    #[inline(always)]
    unsafe fn low(self) -> __m128i {
        self.0
    }
    #[inline(always)]
    unsafe fn high(self) -> __m128i {
        self.1
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
        unsafe { Self(_mm_xor_si128(self.0, other.0), _mm_xor_si128(self.1, other.1)) }
    }
    #[inline(always)]
    unsafe fn sigma(self) -> Self {
        #[inline(always)]
        unsafe fn sigma(x: __m128i) -> __m128i {
            // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
            unsafe {
                let left = _mm_and_si128(x, _mm_set_epi64x(-1, 0));
                _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(x), left)
            }
        }
        // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
        unsafe { Self(sigma(self.0), sigma(self.1)) }
    }
    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
        unsafe { Self(_mm_aesenc_si128(self.0, key.0), _mm_aesenc_si128(self.1, key.1)) }
    }
    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
        unsafe { Self(_mm_aesenclast_si128(self.0, key.0), _mm_aesenclast_si128(self.1, key.1)) }
    }
    #[inline(always)]
    unsafe fn next_key<const RCON: i32>(self) -> Self {
        #[inline(always)]
        unsafe fn next<const RCON: i32>(key: __m128i) -> __m128i {
            // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
            unsafe {
                let rotated = _mm_shuffle_epi8(key, _mm_set1_epi32(ROTATE_LAST));
                let word = _mm_aesenclast_si128(rotated, _mm_set1_epi32(RCON));
                let sum = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
                _mm_xor_si128(_mm_xor_si128(sum, _mm_slli_si128::<8>(sum)), word)
            }
        }
        // SAFETY: the caller has the instructions of `Halves` (AES, SSSE3).
        unsafe { Self(next::<RCON>(self.0), next::<RCON>(self.1)) }
    }
    #[inline(always)]
    unsafe fn store(self, table: &mut Table) {
        let (low, high) = table.split_at_mut(16);
        // SAFETY: both halves are 16 writable bytes, and the stores need no alignment.
        unsafe {
            _mm_storeu_si128(low.as_mut_ptr().cast(), self.0);
            _mm_storeu_si128(high.as_mut_ptr().cast(), self.1);
        }
    }
}

#[inline(always)]
pub(super) unsafe fn load(block: &Block) -> __m128i {
    // SAFETY: a block is 16 readable bytes in little-endian order on this architecture.
    unsafe { _mm_loadu_si128((&raw const *block).cast()) }
}
