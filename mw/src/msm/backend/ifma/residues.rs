//! Eight integers modulo ℓ, limbs of 52 bits.
//!
//! **Bounds.** Limbs below 2⁵² and values below 2²⁵⁴, in and out: every factor below is a limb, a constant
//! limb, or what `lo` left, all below 2⁵². The columns of a product add up at most ten times 2⁵², and the
//! reduction eight more and a carry: below 2⁵⁷.

use super::word::Word;
use crate::msm::{
    digits::Words,
    residues::{BITS, EIGHT_L_SPREAD, L, L_SPREAD, MASK, MINUS_L_INVERSE, R2, R2_HIGH, Residue, Residues},
};

/// Eight residues, limb by limb.
#[derive(Clone, Copy)]
pub(super) struct Residues8([Word; 5]);

impl Residues8 {
    /// The columns of a·b, of which the lower five become 0 modulo R by adding m·ℓ.
    #[inline(always)]
    fn product(a: [Word; 5], b: [Word; 5]) -> Self {
        let mut c = [Word::all(0); 10];
        for i in 0..5 {
            for j in 0..5 {
                c[i + j] = c[i + j].lo(a[i], b[j]);
                c[i + j + 1] = c[i + j + 1].hi(a[i], b[j]);
            }
        }
        let l = [Word::all(L[0]), Word::all(L[1]), Word::all(L[2]), Word::all(L[3]), Word::all(L[4])];
        for i in 0..5 {
            let m = Word::all(0).lo(c[i], Word::all(MINUS_L_INVERSE));
            for j in [0, 1, 2, 4] {
                c[i + j] = c[i + j].lo(m, l[j]);
                c[i + j + 1] = c[i + j + 1].hi(m, l[j]);
            }
            c[i + 1] = c[i + 1].add(c[i].shr::<BITS>());
        }
        Self::carried([c[5], c[6], c[7], c[8], c[9]])
    }

    /// Carries from limb to limb; the top one stays below 2⁵² because the value does below 2²⁵⁴.
    #[inline(always)]
    fn carried(mut l: [Word; 5]) -> Self {
        for i in 0..4 {
            l[i + 1] = l[i + 1].add(l[i].shr::<BITS>());
            l[i] = l[i].and(Word::all(MASK));
        }
        Self(l).checked()
    }

    /// Limbs below 2⁵⁶, the top one below 2⁴⁹, to residues.
    #[inline(always)]
    fn reduced(l: [Word; 5]) -> Self {
        let q = l[4].shr::<44>();
        let o = L_SPREAD;
        Self::carried([
            l[0].add(Word::all(o[0])).sub(q.times(Word::all(L[0]))),
            l[1].add(Word::all(o[1])).sub(q.times(Word::all(L[1]))),
            l[2].add(Word::all(o[2])).sub(q.times(Word::all(L[2]))),
            l[3].add(Word::all(o[3])),
            l[4].and(Word::all((1 << 44) - 1)).add(Word::all(o[4])),
        ])
    }

    /// Four of the words of each lane as limbs.
    #[inline(always)]
    fn limbs(w: [Word; 4]) -> [Word; 5] {
        let mask = Word::all(MASK);
        [
            w[0].and(mask),
            w[0].shr::<52>().or(w[1].shl::<12>()).and(mask),
            w[1].shr::<40>().or(w[2].shl::<24>()).and(mask),
            w[2].shr::<28>().or(w[3].shl::<36>()).and(mask),
            w[3].shr::<16>(),
        ]
    }

    #[inline(always)]
    fn constant(l: [u64; 5]) -> [Word; 5] {
        [Word::all(l[0]), Word::all(l[1]), Word::all(l[2]), Word::all(l[3]), Word::all(l[4])]
    }

    /// Lanes of limbs to limbs of lanes.
    #[inline(always)]
    fn rows(l: [Word; 5]) -> [[u64; 8]; 8] {
        let zero = Word::all(0);
        Word::store([l[0], l[1], l[2], l[3], l[4], zero, zero, zero])
    }

    /// Checks the bounds in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        debug_assert!(self.0[..4].iter().all(|l| l.above(MASK) == 0), "a limb is out of bounds");
        debug_assert!(self.0[4].above((1 << 46) - 1) == 0, "a value is out of bounds");
        self
    }
}

impl Residues for Residues8 {
    const N: usize = 8;
    type Sum = [Word; 5];

    #[inline(always)]
    fn splat(x: Residue) -> Self {
        Self(Self::constant(x.0))
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> Self {
        let w = Word::load(row);
        let low = Self::product(Self::limbs([w[0], w[1], w[2], w[3]]), Self::constant(R2));
        low.add(Self::product(Self::limbs([w[4], w[5], w[6], w[7]]), Self::constant(R2_HIGH)))
    }

    #[inline(always)]
    fn to_words(self) -> [Words; 8] {
        Self::rows(self.0).map(|r| Residue::words_of([r[0], r[1], r[2], r[3], r[4]]))
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        let (a, b) = (self.0, b.0);
        Self::reduced([a[0].add(b[0]), a[1].add(b[1]), a[2].add(b[2]), a[3].add(b[3]), a[4].add(b[4])])
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        let (a, b, o) = (self.0, b.0, Self::constant(EIGHT_L_SPREAD));
        Self::reduced([
            a[0].add(o[0]).sub(b[0]),
            a[1].add(o[1]).sub(b[1]),
            a[2].add(o[2]).sub(b[2]),
            a[3].add(o[3]).sub(b[3]),
            a[4].add(o[4]).sub(b[4]),
        ])
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self::product(self.0, b.0)
    }

    #[inline(always)]
    fn no_sum() -> [Word; 5] {
        [Word::all(0); 5]
    }

    #[inline(always)]
    fn add_to(self, sum: &mut [Word; 5]) {
        for (s, l) in sum.iter_mut().zip(self.0) {
            *s = s.add(l);
        }
    }

    #[inline(always)]
    fn total(sum: [Word; 5]) -> Residue {
        let lanes = Self::rows(sum);
        Residue::total(core::array::from_fn(|i| lanes.iter().map(|l| l[i]).sum()))
    }
}
