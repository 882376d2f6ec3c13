//! Four 64-bit words in two registers: every instruction that the back end uses, and all its `unsafe`.
//!
//! The methods cannot be safe functions with `#[target_feature]`, for the reason that `avx2` gives. In place of
//! the attribute there is the same invariant: a [`Word`] exists only inside [`Present::run`](super::Present::run), which
//! enables the instructions after it has detected them.
#![allow(unsafe_code)]

use crate::msm::lanes::States;
use core::arch::aarch64::*;

/// Runs an intrinsic that takes and returns values only.
macro_rules! instruction {
    ($intrinsic:expr) => {{
        // Where the target's own features include neon, the compiler knows that these are safe.
        #[allow(unused_unsafe, reason = "intrinsics are safe where the whole target has their feature")]
        // SAFETY: an intrinsic without pointers requires only that the processor has its feature, which is neon. A
        // `Word` exists only inside `Present::run`, where it was detected.
        unsafe {
            $intrinsic
        }
    }};
}

/// Four words: lanes 0 and 1, lanes 2 and 3.
#[derive(Clone, Copy)]
pub(super) struct Word(uint64x2_t, uint64x2_t);

/// `a·b` of the low 32 bits of both.
#[inline(always)]
fn product(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    instruction!(vmull_u32(vmovn_u64(a), vmovn_u64(b)))
}

/// The lowest bits of both words: of word 0 as bit 0, of word 1 as bit 1.
#[inline(always)]
fn bits(mask: uint64x2_t) -> u16 {
    instruction!(vgetq_lane_u64::<0>(mask) & 1 | vgetq_lane_u64::<1>(mask) & 2) as u16
}

impl Word {
    /// The same in every lane.
    #[inline(always)]
    pub(super) fn all(x: u64) -> Self {
        let both = instruction!(vdupq_n_u64(x));
        Self(both, both)
    }

    /// `a + b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn add(self, b: Self) -> Self {
        Self(instruction!(vaddq_u64(self.0, b.0)), instruction!(vaddq_u64(self.1, b.1)))
    }

    /// `a − b` modulo 2⁶⁴.
    #[inline(always)]
    pub(super) fn sub(self, b: Self) -> Self {
        Self(instruction!(vsubq_u64(self.0, b.0)), instruction!(vsubq_u64(self.1, b.1)))
    }

    /// `a·b` of the low 32 bits of both.
    #[inline(always)]
    pub(super) fn times(self, b: Self) -> Self {
        Self(product(self.0, b.0), product(self.1, b.1))
    }

    /// The bits set in both.
    #[inline(always)]
    pub(super) fn and(self, b: Self) -> Self {
        Self(instruction!(vandq_u64(self.0, b.0)), instruction!(vandq_u64(self.1, b.1)))
    }

    /// The bits set in either.
    #[inline(always)]
    pub(super) fn or(self, b: Self) -> Self {
        Self(instruction!(vorrq_u64(self.0, b.0)), instruction!(vorrq_u64(self.1, b.1)))
    }

    /// Shifted right.
    #[inline(always)]
    pub(super) fn shr<const BITS: i32>(self) -> Self {
        Self(instruction!(vshrq_n_u64::<BITS>(self.0)), instruction!(vshrq_n_u64::<BITS>(self.1)))
    }

    /// Shifted left.
    #[inline(always)]
    pub(super) fn shl<const BITS: i32>(self) -> Self {
        Self(instruction!(vshlq_n_u64::<BITS>(self.0)), instruction!(vshlq_n_u64::<BITS>(self.1)))
    }

    /// `a` in the lanes of the mask, `b` in the others.
    #[inline(always)]
    pub(super) fn pick(mask: Self, a: Self, b: Self) -> Self {
        Self(instruction!(vbslq_u64(mask.0, a.0, b.0)), instruction!(vbslq_u64(mask.1, a.1, b.1)))
    }

    /// All bits in the lanes of the mask, no bit in the others.
    #[inline(always)]
    pub(super) fn mask(mask: u16) -> Self {
        let all = instruction!(vdupq_n_u64(mask.into()));
        let chosen = |low, high| {
            let lane = instruction!(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
            instruction!(vtstq_u64(all, lane))
        };
        Self(chosen(1, 2), chosen(4, 8))
    }

    /// The lanes that are 0.
    #[inline(always)]
    pub(super) fn zeros(self) -> u16 {
        bits(instruction!(vceqzq_u64(self.0))) | bits(instruction!(vceqzq_u64(self.1))) << 2
    }

    /// The lanes with a value above `limit`; all below 2⁶³.
    #[inline(always)]
    pub(super) fn above(self, limit: u64) -> u16 {
        let limit = Self::all(limit).0;
        bits(instruction!(vcgtq_u64(self.0, limit))) | bits(instruction!(vcgtq_u64(self.1, limit))) << 2
    }

    /// Four rows, transposed.
    #[inline(always)]
    pub(super) fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        let mut words = [Self::all(0); 8];
        let (low, high) = ([row(0), row(1)], [row(2), row(3)]);
        for i in 0..4 {
            let (low, high) = (columns(low, i), columns(high, i));
            words[2 * i] = Self(low[0], high[0]);
            words[2 * i + 1] = Self(low[1], high[1]);
        }
        words
    }

    /// To four rows, transposed.
    #[inline(always)]
    pub(super) fn store(w: [Self; 8]) -> [[u64; 8]; 8] {
        let mut rows = [[0; 8]; 8];
        for i in 0..4 {
            let (a, b) = (w[2 * i], w[2 * i + 1]);
            for (lanes, (a, b)) in [(a.0, b.0), (a.1, b.1)].into_iter().enumerate() {
                let parts = [instruction!(vtrn1q_u64(a, b)), instruction!(vtrn2q_u64(a, b))];
                for (row, part) in rows[2 * lanes..].iter_mut().zip(parts) {
                    let place = &mut row[2 * i..2 * i + 2];
                    // SAFETY: `place` is two words of a row, so the pointer is valid for writes of 16 bytes; the
                    // store needs no more alignment than a word's. It needs neon, which was detected because `part`
                    // exists.
                    unsafe { vst1q_u64(place.as_mut_ptr(), part) };
                }
            }
        }
        rows
    }

    /// There is no stable intrinsic for a prefetch on this architecture, and its hardware prefetches rows.
    #[inline(always)]
    pub(super) fn prefetch(_row: &[u64; 8]) {}
}

/// Words `2i` and `2i + 1` of two rows: the first of both, the second of both.
#[inline(always)]
fn columns(rows: [&[u64; 8]; 2], i: usize) -> [uint64x2_t; 2] {
    let (a, b) = (&rows[0][2 * i..2 * i + 2], &rows[1][2 * i..2 * i + 2]);
    // SAFETY: `a` and `b` are two words each, so both pointers are valid for reads of 16 bytes; the loads need no more
    // alignment than a word's. They need neon: only `load` calls this function, and only code inside `Present::run`
    // calls `load`.
    let (a, b) = unsafe { (vld1q_u64(a.as_ptr()), vld1q_u64(b.as_ptr())) };
    [instruction!(vtrn1q_u64(a, b)), instruction!(vtrn2q_u64(a, b))]
}

/// Four Keccak states, a word of each in a lane.
impl States for Word {
    const N: usize = 4;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        Self::all(x)
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        Self(instruction!(veorq_u64(self.0, b.0)), instruction!(veorq_u64(self.1, b.1)))
    }

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        self.xor(b).xor(c)
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        // `BIC` is its first operand without the bits of its second.
        self.xor(Self(instruction!(vbicq_u64(c.0, b.0)), instruction!(vbicq_u64(c.1, b.1))))
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        let (left, right) =
            (instruction!(vdupq_n_s64(BITS.into())), instruction!(vdupq_n_s64(i64::from(BITS) - 64)));
        let shifted = |by| Self(instruction!(vshlq_u64(self.0, by)), instruction!(vshlq_u64(self.1, by)));
        shifted(left).or(shifted(right))
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
