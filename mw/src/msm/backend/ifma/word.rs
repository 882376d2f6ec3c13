//! Eight 64-bit words in a register: every instruction that the back end uses, and all its `unsafe`.
//!
//! The methods cannot be safe functions with `#[target_feature]`: they are the bodies of trait methods, which
//! may not carry that attribute, and they must be `#[inline(always)]`, which excludes it. What stands in for
//! the attribute is an invariant: a [`Word`] exists only inside [`Present::run`](super::Present::run), which
//! enables the instructions after it has detected them.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

/// Runs an intrinsic that takes and returns values only.
macro_rules! instruction {
    ($intrinsic:expr) => {{
        // SAFETY: an intrinsic without pointers requires only that the processor has its feature, which is
        // one of avx512f, avx512dq and avx512ifma. A `Word` exists only inside `Present::run`, where all
        // three were detected.
        unsafe { $intrinsic }
    }};
}

/// Eight words.
#[derive(Clone, Copy)]
pub(super) struct Word(__m512i);

impl Word {
    /// The same in every lane.
    #[inline(always)]
    pub(super) fn all(x: u64) -> Self {
        Self(instruction!(_mm512_set1_epi64(x as i64)))
    }

    /// `a + b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn add(self, b: Self) -> Self {
        Self(instruction!(_mm512_add_epi64(self.0, b.0)))
    }

    /// `a − b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn sub(self, b: Self) -> Self {
        Self(instruction!(_mm512_sub_epi64(self.0, b.0)))
    }

    /// `a·b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn times(self, b: Self) -> Self {
        Self(instruction!(_mm512_mullo_epi64(self.0, b.0)))
    }

    /// `a + lo(b·c)`.
    #[inline(always)]
    pub(super) fn lo(self, b: Self, c: Self) -> Self {
        Self(instruction!(_mm512_madd52lo_epu64(self.0, b.0, c.0)))
    }

    /// `a + hi(b·c)`.
    #[inline(always)]
    pub(super) fn hi(self, b: Self, c: Self) -> Self {
        Self(instruction!(_mm512_madd52hi_epu64(self.0, b.0, c.0)))
    }

    /// The bits set in both.
    #[inline(always)]
    pub(super) fn and(self, b: Self) -> Self {
        Self(instruction!(_mm512_and_si512(self.0, b.0)))
    }

    /// The bits set in either.
    #[inline(always)]
    pub(super) fn or(self, b: Self) -> Self {
        Self(instruction!(_mm512_or_si512(self.0, b.0)))
    }

    /// The bits set in exactly one.
    #[inline(always)]
    pub(super) fn xor(self, b: Self) -> Self {
        Self(instruction!(_mm512_xor_si512(self.0, b.0)))
    }

    /// Shifted right.
    #[inline(always)]
    pub(super) fn shr<const BITS: u32>(self) -> Self {
        Self(instruction!(_mm512_srli_epi64::<BITS>(self.0)))
    }

    /// Shifted left.
    #[inline(always)]
    pub(super) fn shl<const BITS: u32>(self) -> Self {
        Self(instruction!(_mm512_slli_epi64::<BITS>(self.0)))
    }

    /// The bits set in an odd number of the three.
    #[inline(always)]
    pub(super) fn xor3(self, b: Self, c: Self) -> Self {
        Self(instruction!(_mm512_ternarylogic_epi64::<0b1001_0110>(self.0, b.0, c.0)))
    }

    /// `a ⊕ (¬b ∧ c)`.
    #[inline(always)]
    pub(super) fn chi(self, b: Self, c: Self) -> Self {
        Self(instruction!(_mm512_ternarylogic_epi64::<0b1101_0010>(self.0, b.0, c.0)))
    }

    /// Rotated left.
    #[inline(always)]
    pub(super) fn rotate<const BITS: i32>(self) -> Self {
        Self(instruction!(_mm512_rol_epi64::<BITS>(self.0)))
    }

    /// `a` in the lanes of the mask, `b` in the others.
    #[inline(always)]
    pub(super) fn pick(mask: u8, a: Self, b: Self) -> Self {
        Self(instruction!(_mm512_mask_blend_epi64(mask, b.0, a.0)))
    }

    /// The lanes that are 0.
    #[inline(always)]
    pub(super) fn zeros(self) -> u8 {
        instruction!(_mm512_testn_epi64_mask(self.0, self.0))
    }

    /// The lanes with a value above `limit`.
    #[inline(always)]
    pub(super) fn above(self, limit: u64) -> u8 {
        instruction!(_mm512_cmpgt_epu64_mask(self.0, Self::all(limit).0))
    }

    /// Eight rows, transposed.
    #[inline(always)]
    pub(super) fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        transposed([
            Self::from_row(row(0)),
            Self::from_row(row(1)),
            Self::from_row(row(2)),
            Self::from_row(row(3)),
            Self::from_row(row(4)),
            Self::from_row(row(5)),
            Self::from_row(row(6)),
            Self::from_row(row(7)),
        ])
    }

    /// To eight rows, transposed.
    #[inline(always)]
    pub(super) fn store(words: [Self; 8]) -> [[u64; 8]; 8] {
        let mut rows = [[0; 8]; 8];
        for (row, w) in rows.iter_mut().zip(transposed(words)) {
            // SAFETY: `row` is a `&mut [u64; 8]`, so the pointer is valid for writes of 64 bytes; the store
            // needs no alignment. It needs avx512f, which was detected because `w` exists.
            unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), w.0) };
        }
        rows
    }

    #[inline(always)]
    fn from_row(row: &[u64; 8]) -> Self {
        // SAFETY: `row` is a `&[u64; 8]`, so the pointer is valid for reads of 64 bytes; the load needs no
        // alignment. It needs avx512f: only `load` calls this function, and only code inside `Present::run`
        // calls `load`.
        Self(unsafe { _mm512_loadu_si512(row.as_ptr().cast()) })
    }

    /// Brings a row into the nearest cache.
    #[inline(always)]
    pub(super) fn prefetch(row: &[u64; 8]) {
        // SAFETY: a prefetch is a hint that accesses no memory, whatever the pointer, and every x86-64
        // processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast()) };
    }

    /// Words 0 of both, words 2 of both, ….
    #[inline(always)]
    fn even(self, b: Self) -> Self {
        Self(instruction!(_mm512_unpacklo_epi64(self.0, b.0)))
    }

    /// Words 1 of both, words 3 of both, ….
    #[inline(always)]
    fn odd(self, b: Self) -> Self {
        Self(instruction!(_mm512_unpackhi_epi64(self.0, b.0)))
    }

    /// Of each, two of the four pairs of words, chosen by `PAIRS`.
    #[inline(always)]
    fn pairs<const PAIRS: i32>(self, b: Self) -> Self {
        Self(instruction!(_mm512_shuffle_i64x2::<PAIRS>(self.0, b.0)))
    }
}

/// Word i of row j to word j of row i.
#[inline(always)]
fn transposed(r: [Word; 8]) -> [Word; 8] {
    let even = quarters(r[0].even(r[1]), r[2].even(r[3]), r[4].even(r[5]), r[6].even(r[7]));
    let odd = quarters(r[0].odd(r[1]), r[2].odd(r[3]), r[4].odd(r[5]), r[6].odd(r[7]));
    [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
}

/// Transposes a four by four matrix of pairs of words.
#[inline(always)]
fn quarters(a: Word, b: Word, c: Word, d: Word) -> [Word; 4] {
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let (ab, cd) = (a.pairs::<EVEN>(b), c.pairs::<EVEN>(d));
    let (ba, dc) = (a.pairs::<ODD>(b), c.pairs::<ODD>(d));
    [ab.pairs::<EVEN>(cd), ba.pairs::<EVEN>(dc), ab.pairs::<ODD>(cd), ba.pairs::<ODD>(dc)]
}
