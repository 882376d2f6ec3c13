//! Eight integers modulo p, limbs of 51 bits.
//!
//! ```text
//! aᵢ·bⱼ = lo + 2·hi·2⁵¹: lo at limb i + j, twice hi at limb i + j + 1
//! ```
//!
//! **Bounds.** Every element has limbs ≤ LIMIT = 2⁵¹ + 2¹³ < 2⁵². A product keeps its five columns as they
//! are, and every other operation ends with a carry that restores the bound.

use super::word::Word;
use crate::msm::{
    field::{BITS, Fe, LIMIT, MASK, TWICE_P},
    lanes::{Field, Lanes, Mask},
};

/// Eight elements, limb by limb.
#[derive(Clone, Copy)]
pub(super) struct Field8([Word; 5]);

impl Field8 {
    /// One carry from every limb at once, within LIMIT where the limbs are below 2⁶⁰ and the top one below
    /// 400·2⁵¹.
    #[inline(always)]
    fn carried(l: [Word; 5]) -> Self {
        let mask = Word::all(MASK);
        let c = [
            l[0].shr::<BITS>(),
            l[1].shr::<BITS>(),
            l[2].shr::<BITS>(),
            l[3].shr::<BITS>(),
            l[4].shr::<BITS>(),
        ];
        Self([
            l[0].and(mask).lo(c[4], Word::all(19)),
            l[1].and(mask).add(c[0]),
            l[2].and(mask).add(c[1]),
            l[3].and(mask).add(c[2]),
            l[4].and(mask).add(c[3]),
        ])
        .checked()
    }

    /// Ten columns to five, by 2²⁵⁵ = 19: the lowest below 250·2⁵¹, the others less, the top one below
    /// 34·2⁵¹.
    ///
    /// In units of 2⁵⁰, and up to 2⁻³⁸ of them: the halves lo of the products in columns 0 to 8 are 1, 2, 3,
    /// 4, 5, 4, 3, 2, 1 times 4, and the doubled halves hi in columns 1 to 9 as many times 2. So column 5 is
    /// 26, column 0 with 19 times that is 498, and column 4 with 19 times column 9 is 28 + 38.
    #[inline(always)]
    fn folded(c: [Word; 10]) -> [Word; 5] {
        let n = Word::all(19);
        [
            c[0].add(c[5].times(n)),
            c[1].add(c[6].times(n)),
            c[2].add(c[7].times(n)),
            c[3].add(c[8].times(n)),
            c[4].add(c[9].times(n)),
        ]
    }

    /// Limbs below 2⁵¹ except the lowest, which is below 2⁵¹ + 57: a value below 2²⁵⁵ + 57.
    #[inline(always)]
    fn tidied(self) -> [Word; 5] {
        let (mask, mut l) = (Word::all(MASK), self.0);
        for i in 0..4 {
            l[i + 1] = l[i + 1].add(l[i].shr::<BITS>());
            l[i] = l[i].and(mask);
        }
        l[0] = l[0].lo(l[4].shr::<BITS>(), Word::all(19));
        l[4] = l[4].and(mask);
        l
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        debug_assert!(self.0.iter().all(|l| l.above(LIMIT) == 0), "a limb is out of bounds");
        self
    }
}

/// 256p: above every column of a product.
const PRODUCT_BIAS: [u64; 5] = [256 * (MASK - 18), 256 * MASK, 256 * MASK, 256 * MASK, 256 * MASK];

#[inline(always)]
fn sums(a: [Word; 5], b: [Word; 5]) -> [Word; 5] {
    [a[0].add(b[0]), a[1].add(b[1]), a[2].add(b[2]), a[3].add(b[3]), a[4].add(b[4])]
}

/// `a + bias − b`; all limbs of the bias but the first are equal.
#[inline(always)]
fn differences(a: [Word; 5], b: [Word; 5], bias: [u64; 5]) -> [Word; 5] {
    let (low, rest) = (Word::all(bias[0]), Word::all(bias[1]));
    [
        a[0].add(low.sub(b[0])),
        a[1].add(rest.sub(b[1])),
        a[2].add(rest.sub(b[2])),
        a[3].add(rest.sub(b[3])),
        a[4].add(rest.sub(b[4])),
    ]
}

impl Field for Field8 {
    const N: usize = 8;
    /// Five columns as [`Field8::folded`] leaves them.
    type Product = [Word; 5];

    #[inline(always)]
    fn splat(x: Fe) -> Self {
        let l = x.0;
        Self([Word::all(l[0]), Word::all(l[1]), Word::all(l[2]), Word::all(l[3]), Word::all(l[4])])
    }

    /// Sums ≤ 2⁵² + 2¹⁴: carries of at most 2.
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self::carried(sums(self.0, b.0))
    }

    /// 2p has limbs above LIMIT, so no difference is negative; sums ≤ 2⁵³: carries of at most 3.
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self::carried(differences(self.0, b.0, TWICE_P))
    }

    #[inline(always)]
    fn times(self, b: Self) -> [Word; 5] {
        let (a, b) = (self.0, b.0);
        let mut c = [Word::all(0); 10];
        for i in 0..5 {
            for j in 0..5 {
                c[i + j + 1] = c[i + j + 1].hi(a[i], b[j]);
            }
        }
        for column in &mut c[1..] {
            *column = column.add(*column);
        }
        for i in 0..5 {
            for j in 0..5 {
                c[i + j] = c[i + j].lo(a[i], b[j]);
            }
        }
        Self::folded(c)
    }

    /// The ten products of different limbs once, then doubled: fifteen instead of twenty-five.
    #[inline(always)]
    fn squared(self) -> [Word; 5] {
        let a = self.0;
        let mut c = [Word::all(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                c[i + j + 1] = c[i + j + 1].hi(a[i], a[j]);
            }
        }
        for column in &mut c[2..9] {
            *column = column.add(*column);
        }
        for i in 0..5 {
            for j in i + 1..5 {
                c[i + j] = c[i + j].lo(a[i], a[j]);
            }
            c[2 * i + 1] = c[2 * i + 1].hi(a[i], a[i]);
        }
        for column in &mut c[1..] {
            *column = column.add(*column);
        }
        for i in 0..5 {
            c[2 * i] = c[2 * i].lo(a[i], a[i]);
        }
        Self::folded(c)
    }

    #[inline(always)]
    fn wide(self) -> [Word; 5] {
        self.0
    }

    #[inline(always)]
    fn reduced(a: [Word; 5]) -> Self {
        Self::carried(a)
    }

    /// Columns below 500·2⁵¹, the top one below 68·2⁵¹.
    #[inline(always)]
    fn sum(a: [Word; 5], b: [Word; 5]) -> Self {
        Self::carried(sums(a, b))
    }

    /// Columns below 506·2⁵¹, the top one below 290·2⁵¹; none is negative.
    #[inline(always)]
    fn difference(a: [Word; 5], b: [Word; 5]) -> Self {
        Self::carried(differences(a, b, PRODUCT_BIAS))
    }

    /// Subtracting p, when the value is at least p, changes the parity.
    #[inline(always)]
    fn is_odd(self) -> Mask {
        let l = self.tidied();
        let mut carry = l[0].add(Word::all(19)).shr::<BITS>();
        for limb in &l[1..] {
            carry = limb.add(carry).shr::<BITS>();
        }
        let even = l[0].xor(carry).and(Word::all(1)).zeros();
        Mask((!even).into())
    }

    /// Below 2²⁵⁵ + 57, the multiples of p are 0 and p, and each has one form.
    #[inline(always)]
    fn is_zero(self) -> Mask {
        let l = self.tidied();
        let (mut bits, mut beside_p) = (l[0], l[0].xor(Word::all(MASK - 18)));
        for limb in &l[1..] {
            bits = bits.or(*limb);
            beside_p = beside_p.or(limb.xor(Word::all(MASK)));
        }
        Mask((bits.zeros() | beside_p.zeros()).into())
    }

    #[inline(always)]
    fn pick(mask: Mask, a: Self, b: Self) -> Self {
        let (a, b, m) = (a.0, b.0, mask.0 as u8);
        Self([
            Word::pick(m, a[0], b[0]),
            Word::pick(m, a[1], b[1]),
            Word::pick(m, a[2], b[2]),
            Word::pick(m, a[3], b[3]),
            Word::pick(m, a[4], b[4]),
        ])
    }
}

impl Lanes for Field8 {
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
        Word::load(row)
    }

    #[inline(always)]
    fn store(words: [Word; 8]) -> [[u64; 8]; 8] {
        Word::store(words)
    }
    #[inline(always)]
    fn prefetch(row: &[u64; 8]) {
        Word::prefetch(row);
    }
}
