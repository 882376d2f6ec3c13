//! Four 64-bit words in a register: every instruction that the back end uses, and all its `unsafe`.
//!
//! The methods cannot be safe functions with `#[target_feature]`: they are the bodies of trait methods, which
//! may not carry that attribute, and they must be `#[inline(always)]`, which excludes it. What stands in for
//! the attribute is an invariant: a [`Word`] exists only inside [`Present::run`](super::Present::run), which
//! enables the instructions after it has detected them.
#![allow(unsafe_code)]

use crate::msm::lanes::States;
use core::arch::x86_64::*;

/// Runs an intrinsic that takes and returns values only.
macro_rules! instruction {
    ($intrinsic:expr) => {{
        // SAFETY: an intrinsic without pointers requires only that the processor has its feature, which is
        // avx2 or what avx2 includes. A `Word` exists only inside `Present::run`, where it was detected.
        unsafe { $intrinsic }
    }};
}

/// Four words.
#[derive(Clone, Copy)]
pub(super) struct Word(__m256i);

impl Word {
    /// The same in every lane.
    #[inline(always)]
    pub(super) fn all(x: u64) -> Self {
        Self(instruction!(_mm256_set1_epi64x(x as i64)))
    }

    /// `a + b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn add(self, b: Self) -> Self {
        Self(instruction!(_mm256_add_epi64(self.0, b.0)))
    }

    /// `a − b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn sub(self, b: Self) -> Self {
        Self(instruction!(_mm256_sub_epi64(self.0, b.0)))
    }

    /// `a·b` of the low 32 bits of both.
    #[inline(always)]
    pub(super) fn times(self, b: Self) -> Self {
        Self(instruction!(_mm256_mul_epu32(self.0, b.0)))
    }

    /// The bits set in both.
    #[inline(always)]
    pub(super) fn and(self, b: Self) -> Self {
        Self(instruction!(_mm256_and_si256(self.0, b.0)))
    }

    /// The bits set in either.
    #[inline(always)]
    pub(super) fn or(self, b: Self) -> Self {
        Self(instruction!(_mm256_or_si256(self.0, b.0)))
    }

    /// Shifted right.
    #[inline(always)]
    pub(super) fn shr<const BITS: i32>(self) -> Self {
        Self(instruction!(_mm256_srli_epi64::<BITS>(self.0)))
    }

    /// Shifted left.
    #[inline(always)]
    pub(super) fn shl<const BITS: i32>(self) -> Self {
        Self(instruction!(_mm256_slli_epi64::<BITS>(self.0)))
    }

    /// `a` in the lanes of the mask, `b` in the others.
    #[inline(always)]
    pub(super) fn pick(mask: Self, a: Self, b: Self) -> Self {
        Self(instruction!(_mm256_blendv_epi8(b.0, a.0, mask.0)))
    }

    /// All bits in the lanes of the mask, no bit in the others.
    #[inline(always)]
    pub(super) fn mask(mask: u16) -> Self {
        let lane = instruction!(_mm256_set_epi64x(8, 4, 2, 1));
        let chosen = Self::all(mask.into()).and(Self(lane));
        Self(instruction!(_mm256_cmpeq_epi64(chosen.0, lane)))
    }

    /// The lanes that are 0.
    #[inline(always)]
    pub(super) fn zeros(self) -> u16 {
        let zeros = instruction!(_mm256_cmpeq_epi64(self.0, Self::all(0).0));
        instruction!(_mm256_movemask_pd(_mm256_castsi256_pd(zeros))) as u16
    }

    /// The lanes with a value above `limit`; all below 2⁶³.
    #[inline(always)]
    pub(super) fn above(self, limit: u64) -> u16 {
        let above = instruction!(_mm256_cmpgt_epi64(self.0, Self::all(limit).0));
        instruction!(_mm256_movemask_pd(_mm256_castsi256_pd(above))) as u16
    }

    /// Four rows, transposed.
    #[inline(always)]
    pub(super) fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        let [a, b, c, d] =
            [Self::from_row(row(0)), Self::from_row(row(1)), Self::from_row(row(2)), Self::from_row(row(3))];
        let (low, high) = (transposed([a[0], b[0], c[0], d[0]]), transposed([a[1], b[1], c[1], d[1]]));
        [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
    }

    /// To four rows, transposed.
    #[inline(always)]
    pub(super) fn store(w: [Self; 8]) -> [[u64; 8]; 8] {
        let mut rows = [[0; 8]; 8];
        let halves = [transposed([w[0], w[1], w[2], w[3]]), transposed([w[4], w[5], w[6], w[7]])];
        for (i, row) in rows.iter_mut().enumerate().take(4) {
            let (low, high) = row.split_at_mut(4);
            for (half, part) in [low, high].into_iter().zip(&halves) {
                // SAFETY: `half` is four words of a row, so the pointer is valid for writes of 32 bytes; the
                // store needs no alignment. It needs avx, which was detected because `part` exists.
                unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), part[i].0) };
            }
        }
        rows
    }

    #[inline(always)]
    fn from_row(row: &[u64; 8]) -> [Self; 2] {
        let (low, high) = row.split_at(4);
        // SAFETY: `low` and `high` are four words each, so both pointers are valid for reads of 32 bytes; the
        // loads need no alignment. They need avx: only `load` calls this function, and only code inside
        // `Present::run` calls `load`.
        unsafe {
            [Self(_mm256_loadu_si256(low.as_ptr().cast())), Self(_mm256_loadu_si256(high.as_ptr().cast()))]
        }
    }

    /// Brings a row into the nearest cache.
    #[inline(always)]
    pub(super) fn prefetch(row: &[u64; 8]) {
        // SAFETY: a prefetch is a hint that accesses no memory, whatever the pointer, and every x86-64
        // processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast()) };
    }
}

/// Word i of row j to word j of row i.
#[inline(always)]
fn transposed([a, b, c, d]: [Word; 4]) -> [Word; 4] {
    const LOW: i32 = 0x20;
    const HIGH: i32 = 0x31;
    let (ab0, ab1) =
        (instruction!(_mm256_unpacklo_epi64(a.0, b.0)), instruction!(_mm256_unpackhi_epi64(a.0, b.0)));
    let (cd0, cd1) =
        (instruction!(_mm256_unpacklo_epi64(c.0, d.0)), instruction!(_mm256_unpackhi_epi64(c.0, d.0)));
    [
        Word(instruction!(_mm256_permute2x128_si256::<LOW>(ab0, cd0))),
        Word(instruction!(_mm256_permute2x128_si256::<LOW>(ab1, cd1))),
        Word(instruction!(_mm256_permute2x128_si256::<HIGH>(ab0, cd0))),
        Word(instruction!(_mm256_permute2x128_si256::<HIGH>(ab1, cd1))),
    ]
}

/// Four Keccak states, a word of each in a register.
impl States for Word {
    const N: usize = 4;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        Self::all(x)
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        Self(instruction!(_mm256_xor_si256(self.0, b.0)))
    }

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        self.xor(b).xor(c)
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        self.xor(Self(instruction!(_mm256_andnot_si256(b.0, c.0))))
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        let (left, right) = (Self::all(BITS as u64), Self::all(64 - BITS as u64));
        let left = Self(instruction!(_mm256_sllv_epi64(self.0, left.0)));
        left.or(Self(instruction!(_mm256_srlv_epi64(self.0, right.0))))
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        Self::load(row)
    }

    #[inline(always)]
    fn store(words: [Self; 8]) -> [[u64; 8]; 8] {
        Self::store(words)
    }
}
