//! Integers modulo p = 2²⁵⁵ − 19: one at a time, and the form in which the lanes keep theirs in memory.
//!
//! ```text
//! x = l₀ + l₁·2⁵¹ + l₂·2¹⁰² + l₃·2¹⁵³ + l₄·2²⁰⁴        every limb ≤ LIMIT = 2⁵¹ + 2¹³
//! ```
//!
//! That bound holds for every argument and every result: there is no looser form that a caller must remember to reduce.
//! Arithmetic is exact modulo p for all such inputs; a value may be p or a little more, so equality and parity go through
//! [`Fe::canonical`]. Variable time: public values only.

use super::lanes::{Field, Lanes, Mask};

/// Bits of a limb in canonical form.
pub(super) const BITS: u32 = 51;
/// The low 51 bits.
pub(super) const MASK: u64 = (1 << BITS) - 1;
/// What no limb exceeds.
pub(super) const LIMIT: u64 = (1 << BITS) + (1 << 13);
/// 2p, limb by limb: added before a subtraction, it keeps every limb from going below zero.
pub(super) const TWICE_P: [u64; 5] = [2 * (MASK - 18), 2 * MASK, 2 * MASK, 2 * MASK, 2 * MASK];

/// An integer modulo p.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Fe(pub(super) [u64; 5]);

impl Fe {
    pub(super) const ZERO: Self = Self([0; 5]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// From canonical 32 little-endian bytes; `None` for p and above.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let w = words(bytes);
        let below_p = w[3] < u64::MAX >> 1
            || w[3] == u64::MAX >> 1 && (w[0] < u64::MAX - 18 || w[1] & w[2] != u64::MAX);
        below_p.then_some(Self::from_words(w))
    }

    /// From four 64-bit words, of which the topmost bit is ignored.
    pub(super) const fn from_words(w: [u64; 4]) -> Self {
        Self([
            w[0] & MASK,
            (w[0] >> 51 | w[1] << 13) & MASK,
            (w[1] >> 38 | w[2] << 26) & MASK,
            (w[2] >> 25 | w[3] << 39) & MASK,
            (w[3] >> 12) & MASK,
        ])
    }

    /// The same value in 0 … p − 1, every limb below 2⁵¹.
    pub(super) fn canonical(self) -> Self {
        // One pass leaves limbs below 2⁵¹ except the lowest, so the value is below 2²⁵⁵ + 19; adding 19 tells whether it is at least p.
        let x = Self::carried(self.0).0;
        let q = x.iter().fold(19, |carry, l| (l + carry) >> BITS);
        let mut carry = 19 * q;
        Self(x.map(|l| {
            let l = l + carry;
            carry = l >> BITS;
            l & MASK
        }))
    }

    /// One pass of carries over limbs below 2⁶³.
    fn carried(mut l: [u64; 5]) -> Self {
        for i in 0..4 {
            l[i + 1] += l[i] >> BITS;
            l[i] &= MASK;
        }
        l[0] += 19 * (l[4] >> BITS);
        l[4] &= MASK;
        Self(l).checked()
    }

    /// Five sums of products, each below 2¹¹⁰, the last below 2¹⁰⁵, to limbs.
    #[inline(always)]
    fn folded(r: [u128; 5]) -> Self {
        let mut carry = 0;
        let mut l = r.map(|r| {
            let r = r + carry;
            carry = r >> BITS;
            r as u64 & MASK
        });
        // carry < 2⁵⁵.
        l[0] += 19 * carry as u64;
        l[1] += l[0] >> BITS;
        l[0] &= MASK;
        Self(l).checked()
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        debug_assert!(self.0.iter().all(|l| *l <= LIMIT), "a limb is out of bounds: {self:?}");
        self
    }
}

/// The 64-bit words of 32 little-endian bytes.
pub(crate) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut w = [0; 4];
    for (w, b) in w.iter_mut().zip(bytes.chunks_exact(8)) {
        *w = b.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
    }
    w
}

/// One lane: the portable back end.
impl Field for Fe {
    const N: usize = 1;
    type Product = Self;

    #[inline(always)]
    fn splat(x: Fe) -> Self {
        x
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self::carried(core::array::from_fn(|i| self.0[i] + b.0[i]))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self::carried(core::array::from_fn(|i| self.0[i] + TWICE_P[i] - b.0[i]))
    }

    /// Schoolbook, with 2²⁵⁵ = 19.
    #[inline(always)]
    fn times(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        let w = b.map(|l| 19 * l);
        let column = |c: [u64; 5]| (0..5).map(|i| product(a[i], c[i])).sum();
        Self::folded([
            column([b[0], w[4], w[3], w[2], w[1]]),
            column([b[1], b[0], w[4], w[3], w[2]]),
            column([b[2], b[1], b[0], w[4], w[3]]),
            column([b[3], b[2], b[1], b[0], w[4]]),
            column([b[4], b[3], b[2], b[1], b[0]]),
        ])
    }

    #[inline(always)]
    fn squared(self) -> Self {
        let a = self.0;
        let (d0, d1, d2, d3) = (2 * a[0], 2 * a[1], 2 * a[2], 2 * a[3]);
        let (w3, w4) = (19 * a[3], 19 * a[4]);
        Self::folded([
            product(a[0], a[0]) + product(d1, w4) + product(d2, w3),
            product(d0, a[1]) + product(d2, w4) + product(a[3], w3),
            product(d0, a[2]) + product(a[1], a[1]) + product(d3, w4),
            product(d0, a[3]) + product(d1, a[2]) + product(a[4], w4),
            product(d0, a[4]) + product(d1, a[3]) + product(a[2], a[2]),
        ])
    }

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }

    #[inline(always)]
    fn reduced(a: Self) -> Self {
        a
    }

    #[inline(always)]
    fn sum(a: Self, b: Self) -> Self {
        a.add(b)
    }

    #[inline(always)]
    fn difference(a: Self, b: Self) -> Self {
        a.sub(b)
    }

    fn is_odd(self) -> Mask {
        Mask((self.canonical().0[0] & 1) as u16)
    }

    fn is_zero(self) -> Mask {
        Mask(u16::from(self.canonical().0 == [0; 5]))
    }

    #[inline(always)]
    fn pick(mask: Mask, a: Self, b: Self) -> Self {
        if mask.0 & 1 == 1 { a } else { b }
    }
}

impl Lanes for Fe {
    type Word = u64;

    #[inline(always)]
    fn from_words(w: [u64; 5]) -> Self {
        Self(w).checked()
    }

    #[inline(always)]
    fn to_words(self) -> [u64; 5] {
        self.0
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [u64; 8] {
        *row(0)
    }

    #[inline(always)]
    fn store(words: [u64; 8]) -> [[u64; 8]; 8] {
        let mut rows = [[0; 8]; 8];
        rows[0] = words;
        rows
    }
}

#[inline(always)]
const fn product(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}
