//! The back end of every machine: one lane of 64-bit words.

use crate::msm::{
    field::{Fe, TWICE_P},
    kernel::Instructions,
    lanes::{Field, Lanes, Mask, States},
    residues::Residue,
};

/// No instructions beyond those of every machine.
pub(super) struct Portable;

impl Instructions for Portable {
    type Field = Fe;
    type Residues = Residue;
    type States = u64;
}

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

impl States for u64 {
    const N: usize = 1;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        x
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        self ^ b
    }

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        self ^ b ^ c
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        self ^ (!b & c)
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        self.rotate_left(BITS as u32)
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        *row(0)
    }

    #[inline(always)]
    fn store(words: [Self; 8]) -> [[u64; 8]; 8] {
        [words; 8]
    }
}
