//! Eight lanes: AVX-512 with the 52-bit multiply-and-add of IFMA, limbs of 51 bits.
//!
//! ```text
//! lo(a·b) = a·b mod 2⁵²     hi(a·b) = ⌊a·b / 2⁵²⌋     aᵢ·bⱼ = lo + 2·hi·2⁵¹, at limb i + j and i + j + 1
//! ```
//!
//! **Bounds.** The instruction silently drops what is above bit 51 of its factors, so a limb must be below 2⁵². Every
//! element has limbs ≤ LIMIT = 2⁵¹ + 2¹², and each operation ends with a carry that restores this; the bounds stand beside each.
//! Idea of the split: Gueron and Krasnov (2016); lazy variants save carries, and are not used so that there is one bound.
#![allow(unsafe_code)]

use super::Kernel;
use crate::msm::{
    field::{BITS, Fe, MASK, TWICE_P},
    lanes::{Field, Lanes, Mask},
};
use core::arch::x86_64::*;

/// Witness that this machine has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Present(());

impl Present {
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        all.then_some(Self(()))
    }

    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
        fn enabled<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Octet>()
        }
        // SAFETY: `self` exists only where the features were detected.
        unsafe { enabled(kernel) }
    }
}

type Word = __m512i;

/// Eight elements, limb by limb. Never leaves `enabled`.
#[derive(Clone, Copy)]
struct Octet([Word; 5]);

// SAFETY of all blocks below: these functions are reached through `Present::run` alone, so the features are there; loads and
// stores are of whole arrays of eight words, and ask for no alignment.

#[inline(always)]
fn all(x: u64) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_set1_epi64(x as i64) }
}

#[inline(always)]
fn add(a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_add_epi64(a, b) }
}

#[inline(always)]
fn sub(a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_sub_epi64(a, b) }
}

#[inline(always)]
fn and(a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_and_si512(a, b) }
}

/// `⌊a / 2⁵¹⌋`.
#[inline(always)]
fn high(a: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_srli_epi64::<BITS>(a) }
}

/// `19·a`, modulo 2⁶⁴.
#[inline(always)]
fn times19(a: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_mullo_epi64(a, all(19)) }
}

/// `a` where the mask is set, `b` elsewhere.
#[inline(always)]
fn blend(mask: u8, a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_mask_blend_epi64(mask, b, a) }
}

#[inline(always)]
fn load(row: &[u64; 8]) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

/// `sum + lo(a·b)`.
#[inline(always)]
fn lo(sum: Word, a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_madd52lo_epu64(sum, a, b) }
}

/// `sum + hi(a·b)`.
#[inline(always)]
fn hi(sum: Word, a: Word, b: Word) -> Word {
    // SAFETY: see above.
    unsafe { _mm512_madd52hi_epu64(sum, a, b) }
}

impl Octet {
    /// One carry from every limb at once, within LIMIT where the limbs are below 2⁶³ and the top one below 2⁵⁸.
    #[inline(always)]
    fn carried(l: [Word; 5]) -> Self {
        let mask = all(MASK);
        let c = [high(l[0]), high(l[1]), high(l[2]), high(l[3]), high(l[4])];
        Self([
            lo(and(l[0], mask), c[4], all(19)),
            add(and(l[1], mask), c[0]),
            add(and(l[2], mask), c[1]),
            add(and(l[3], mask), c[2]),
            add(and(l[4], mask), c[3]),
        ])
        .checked()
    }

    /// Ten columns to five limbs: 2²⁵⁵ = 19.
    ///
    /// Columns of a product: c₀…c₉ ≤ 2⁵²·(1, 2, 3, 4, 5, 4, 3, 2, 1, 0) + 2·2⁵⁰·(0, 1, 2, 3, 4, 5, 4, 3, 2, 1), roughly; so
    /// c₀ + 19c₅ < 2⁵⁹ is the greatest sum, with a carry below 2⁸, and c₄ + 19c₉ < 2⁵⁷ the top one, with 19 times its
    /// carry below 2¹¹.
    #[inline(always)]
    fn folded(c: [Word; 10]) -> Self {
        Self::carried([
            add(c[0], times19(c[5])),
            add(c[1], times19(c[6])),
            add(c[2], times19(c[7])),
            add(c[3], times19(c[8])),
            add(c[4], times19(c[9])),
        ])
    }

    /// Limbs below 2⁵¹ but for the lowest, which is below 2⁵¹ + 57: a value below 2²⁵⁵ + 57.
    #[inline(always)]
    fn tidied(self) -> [Word; 5] {
        let (mask, mut l) = (all(MASK), self.0);
        for i in 0..4 {
            l[i + 1] = add(l[i + 1], high(l[i]));
            l[i] = and(l[i], mask);
        }
        l[0] = lo(l[0], high(l[4]), all(19));
        l[4] = and(l[4], mask);
        l
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        #[cfg(debug_assertions)]
        for l in self.0 {
            // SAFETY: see above.
            assert!(
                unsafe { _mm512_cmple_epu64_mask(l, all(crate::msm::field::LIMIT)) } == 0xff,
                "a limb is out of bounds"
            );
        }
        self
    }
}

impl Field for Octet {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: Fe) -> Self {
        Self([all(x.0[0]), all(x.0[1]), all(x.0[2]), all(x.0[3]), all(x.0[4])])
    }

    /// Sums ≤ 2⁵² + 2¹³: carries of at most 2.
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        Self::carried([add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2]), add(a[3], b[3]), add(a[4], b[4])])
    }

    /// 2p has limbs above LIMIT, so no difference is negative; sums ≤ 2⁵³: carries of at most 3.
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        let (low, rest) = (all(TWICE_P[0]), all(TWICE_P[1]));
        Self::carried([
            add(a[0], sub(low, b[0])),
            add(a[1], sub(rest, b[1])),
            add(a[2], sub(rest, b[2])),
            add(a[3], sub(rest, b[3])),
            add(a[4], sub(rest, b[4])),
        ])
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        let mut c = [all(0); 10];
        for i in 0..5 {
            for j in 0..5 {
                c[i + j + 1] = hi(c[i + j + 1], a[i], b[j]);
            }
        }
        for column in &mut c[1..] {
            *column = add(*column, *column);
        }
        for i in 0..5 {
            for j in 0..5 {
                c[i + j] = lo(c[i + j], a[i], b[j]);
            }
        }
        Self::folded(c)
    }

    /// The ten products of different limbs once, then doubled: fifteen instead of twenty-five.
    #[inline(always)]
    fn square(self) -> Self {
        let a = self.0;
        let mut c = [all(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                c[i + j + 1] = hi(c[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut c[2..9] {
            *column = add(*column, *column);
        }
        for i in 0..5 {
            for j in i + 1..5 {
                c[i + j] = lo(c[i + j], a[i], a[j]);
            }
            c[2 * i + 1] = hi(c[2 * i + 1], a[i], a[i]);
        }
        for column in &mut c[1..] {
            *column = add(*column, *column);
        }
        for i in 0..5 {
            c[2 * i] = lo(c[2 * i], a[i], a[i]);
        }
        Self::folded(c)
    }

    /// Subtracting p, when the value is at least p, changes the parity.
    #[inline(always)]
    fn is_odd(self) -> Mask {
        let l = self.tidied();
        let mut carry = high(add(l[0], all(19)));
        for limb in &l[1..] {
            carry = high(add(*limb, carry));
        }
        // SAFETY: see above.
        let odd = unsafe { _mm512_test_epi64_mask(_mm512_xor_si512(l[0], carry), all(1)) };
        Mask(odd.into())
    }

    /// Below 2²⁵⁵ + 57, the multiples of p are 0 and p, and each has one form.
    #[inline(always)]
    fn is_zero(self) -> Mask {
        let l = self.tidied();
        let (mut bits, mut beside_p) = (l[0], sub(l[0], all(MASK - 18)));
        for limb in &l[1..] {
            // SAFETY: see above.
            unsafe {
                bits = _mm512_or_si512(bits, *limb);
                beside_p = _mm512_or_si512(beside_p, _mm512_xor_si512(*limb, all(MASK)));
            }
        }
        // SAFETY: see above.
        let zero =
            unsafe { _mm512_testn_epi64_mask(bits, bits) | _mm512_testn_epi64_mask(beside_p, beside_p) };
        Mask(zero.into())
    }

    #[inline(always)]
    fn pick(mask: Mask, a: Self, b: Self) -> Self {
        let (a, b) = (a.0, b.0);
        let m = mask.0 as u8;
        Self([
            blend(m, a[0], b[0]),
            blend(m, a[1], b[1]),
            blend(m, a[2], b[2]),
            blend(m, a[3], b[3]),
            blend(m, a[4], b[4]),
        ])
    }
}

impl Lanes for Octet {
    type Word = Word;

    #[inline(always)]
    fn from_words(w: [Word; 5]) -> Self {
        Self(w).checked()
    }

    #[inline(always)]
    fn to_words(self) -> [Word; 5] {
        self.0
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Word; 8] {
        transposed([
            load(row(0)),
            load(row(1)),
            load(row(2)),
            load(row(3)),
            load(row(4)),
            load(row(5)),
            load(row(6)),
            load(row(7)),
        ])
    }

    #[inline(always)]
    fn store(words: [Word; 8]) -> [[u64; 8]; 8] {
        let mut rows = [[0; 8]; 8];
        for (row, w) in rows.iter_mut().zip(transposed(words)) {
            // SAFETY: see above.
            unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), w) };
        }
        rows
    }
}

/// Word i of row j to word j of row i.
#[inline(always)]
fn transposed(r: [Word; 8]) -> [Word; 8] {
    // SAFETY: see above.
    unsafe {
        // Pairs of words (rows 2k, 2k + 1) in 128-bit parts: even columns, then odd ones.
        let even = quarters(
            _mm512_unpacklo_epi64(r[0], r[1]),
            _mm512_unpacklo_epi64(r[2], r[3]),
            _mm512_unpacklo_epi64(r[4], r[5]),
            _mm512_unpacklo_epi64(r[6], r[7]),
        );
        let odd = quarters(
            _mm512_unpackhi_epi64(r[0], r[1]),
            _mm512_unpackhi_epi64(r[2], r[3]),
            _mm512_unpackhi_epi64(r[4], r[5]),
            _mm512_unpackhi_epi64(r[6], r[7]),
        );
        [even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]]
    }
}

/// Transposes a four by four matrix of 128-bit parts.
#[inline(always)]
fn quarters(a: Word, b: Word, c: Word, d: Word) -> [Word; 4] {
    // SAFETY: see above.
    unsafe {
        let (ab, cd) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0x88>(c, d));
        let (ba, dc) = (_mm512_shuffle_i64x2::<0xdd>(a, b), _mm512_shuffle_i64x2::<0xdd>(c, d));
        [
            _mm512_shuffle_i64x2::<0x88>(ab, cd),
            _mm512_shuffle_i64x2::<0x88>(ba, dc),
            _mm512_shuffle_i64x2::<0xdd>(ab, cd),
            _mm512_shuffle_i64x2::<0xdd>(ba, dc),
        ]
    }
}
