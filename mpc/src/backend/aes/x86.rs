//! Registers of 64-bit x86: pairs in one of 256 bits (VAES), or in two of 128 bits (AES-NI). What has 512 bits is in `wide`.

use core::arch::x86_64::*;

use super::super::context::{
    AHEAD, EvaluateContext, GarbleContext, Kernels, Matrices, PairContext, Schedule, Scheduled, Sums, Table,
};
use super::super::portable;
use super::pair::{Pair, State};
use super::{half_gates, hashes, kernels, streams};
use crate::hash::HashKey;
use crate::{Block, Delta};

static AES_NI: Kernels = kernels!("aesni", "aes,ssse3", Halves, 1, portable::fold_sums, portable::transpose);
const VAES: Kernels = kernels!("vaes", "aes,avx2,vaes", __m256i, 2, fold_sums, transpose);
/// As [`VAES`], but streams take registers of 512 bits.
static VAES_512: Kernels = Kernels {
    name: "vaes512",
    fold_streams: |keys, first, sums| {
        #[target_feature(enable = "aes,avx2,vaes,avx512f,avx512bw")]
        fn enabled(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
            // SAFETY: the instructions of `__m512i` are enabled here.
            unsafe { streams::fold::<__m512i, 4, 2>(keys, first, sums) }
        }
        // SAFETY: a `Backend` with this function exists only where the instructions were detected.
        unsafe { enabled(keys, first, sums) }
    },
    ..VAES
};

/// The kernels with AES on 128-bit registers, where the processor has it.
pub(in super::super) fn aes_ni() -> Option<&'static Kernels> {
    (is_x86_feature_detected!("aes") && is_x86_feature_detected!("ssse3")).then_some(&AES_NI)
}

/// The kernels with AES on 256-bit registers, where the processor has it.
pub(in super::super) fn vaes() -> Option<&'static Kernels> {
    let wide = is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx2");
    (wide && aes_ni().is_some()).then_some(&VAES)
}

/// The kernels with AES on 512-bit registers for streams, where the processor has it.
pub(in super::super) fn vaes_512() -> Option<&'static Kernels> {
    let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    (wide && vaes().is_some()).then_some(&VAES_512)
}

/// [`portable::fold_sums`], compiled for registers of 256 bits.
fn fold_sums(r: [&[[Block; 4]]; 4], sums: Sums<'_>) {
    #[target_feature(enable = "avx2")]
    fn enabled(r: [&[[Block; 4]]; 4], sums: Sums<'_>) {
        portable::fold_sums(r, sums);
    }
    // SAFETY: a `Backend` with this function exists only where `vaes` has detected AVX2.
    unsafe { enabled(r, sums) }
}

/// [`portable::transpose`], compiled for registers of 256 bits.
fn transpose(m: &mut Matrices) {
    #[target_feature(enable = "avx2")]
    fn enabled(m: &mut Matrices) {
        portable::transpose(m);
    }
    // SAFETY: a `Backend` with this function exists only where `vaes` has detected AVX2.
    unsafe { enabled(m) }
}

/// The shuffle that puts `RotWord` of the last column into all four columns.
pub(super) const ROTATE_LAST: i32 = 0x0c0f_0e0d;

/// All but the shuffles of bytes is part of x86-64.
impl State for __m128i {
    #[inline(always)]
    unsafe fn read(bytes: &[u8; 16]) -> Self {
        // SAFETY: 16 readable bytes; the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn load(block: &Block) -> Self {
        // SAFETY: a block is 16 readable bytes in little-endian order on this architecture.
        unsafe { _mm_loadu_si128((&raw const *block).cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, block: &mut Block) {
        // SAFETY: a block is 16 writable bytes, and any value is a block.
        unsafe { _mm_storeu_si128((&raw mut *block).cast(), self) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: part of x86-64.
        unsafe { _mm_xor_si128(self, other) }
    }
    #[inline(always)]
    unsafe fn tweaked(self, number: u64) -> Self {
        // SAFETY: part of x86-64.
        unsafe { _mm_xor_si128(self, _mm_set_epi64x(0, number as i64)) }
    }
    #[inline(always)]
    unsafe fn masked(self, label: Self) -> Self {
        // SAFETY: part of x86-64.
        unsafe {
            let bit = _mm_slli_epi64::<63>(label);
            let mask = _mm_srai_epi32::<31>(_mm_shuffle_epi32::<0x55>(bit));
            _mm_and_si128(self, mask)
        }
    }
}

/// Needs AES, AVX2 and VAES.
impl Pair for __m256i {
    type State = __m128i;
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

/// A pair in two registers of 128 bits.
#[derive(Clone, Copy)]
struct Halves(__m128i, __m128i);

/// Needs AES and SSSE3.
impl Pair for Halves {
    type State = __m128i;
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
