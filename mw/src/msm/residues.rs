//! Integers modulo ℓ = 2²⁵² + 27742317777372353535851937790883648493, the group's order: one, or several side
//! by side.
//!
//! Montgomery's form (1985) with R = 2²⁶⁰: x is represented by x·R modulo ℓ, in five limbs of 52 bits, and
//!
//! ```text
//! mul(a, b) = (a·b + m·ℓ)/R,      m = −a·b/ℓ modulo R, a limb at a time
//! ```
//!
//! **Bounds.** Every residue has limbs below 2⁵² and a value below 2²⁵⁴ < 4ℓ, in and out; so a product is
//! below 2²⁴⁸ + ℓ. Sums and differences are brought back by q·2²⁵² + r = r + ℓ − q·(ℓ − 2²⁵²) modulo ℓ.
//! Canonical words come from [`Residues::to_words`] alone. Variable time: public values only.

use super::digits::{ORDER, Words, difference, less};

/// Bits of a limb.
pub(super) const BITS: u32 = 52;
/// The low 52 bits.
pub(super) const MASK: u64 = (1 << BITS) - 1;
/// ℓ. Its fourth limb is 0, and its fifth 2⁴⁴.
pub(super) const L: [u64; 5] = [0x2631a5cf5d3ed, 0xdea2f79cd6581, 0x000000014def9, 0, 1 << 44];
/// −1/ℓ modulo 2⁵².
pub(super) const MINUS_L_INVERSE: u64 = 0x51da312547e1b;
/// R² modulo ℓ: takes an integer to its residue.
pub(super) const R2: [u64; 5] =
    [0x9d265e952d13b, 0xd63c715bea69f, 0x5be65cb687604, 0x3dceec73d217f, 0x009411b7c309a];
/// 2²⁵⁶·R² modulo ℓ: the same for 2²⁵⁶ times an integer.
pub(super) const R2_HIGH: [u64; 5] =
    [0x6c1e65bbc47ff, 0x873074a06dd5d, 0xc5b6514d7af62, 0xc78065dc6c04e, 0x0030b773599ce];
/// ℓ, with 2⁵⁷ moved from each limb to the one below.
pub(super) const L_SPREAD: [u64; 5] = spread(L, 57);
/// 8ℓ, with 2⁵⁴ moved from each limb to the one below.
pub(super) const EIGHT_L_SPREAD: [u64; 5] = spread([8 * L[0], 8 * L[1], 8 * L[2], 8 * L[3], 8 * L[4]], 54);

/// The same value with `2^bits` added to each limb but the last and taken from the next.
const fn spread(l: [u64; 5], bits: u32) -> [u64; 5] {
    let (up, down) = (1 << bits, 1 << (bits - BITS));
    [l[0] + up, l[1] + up - down, l[2] + up - down, l[3] + up - down, l[4] - down]
}

/// N integers modulo ℓ.
pub(crate) trait Residues: Copy {
    /// How many, at most eight.
    const N: usize;
    /// An accumulator of sums.
    type Sum: Copy;

    /// The same in every lane.
    fn splat(x: Residue) -> Self;

    /// From rows of eight words, one row a lane: any integer below 2⁵¹², the lowest word first.
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> Self;

    /// The canonical words of each lane; the first N count.
    fn to_words(self) -> [Words; 8];

    /// `a + b`.
    fn add(self, b: Self) -> Self;

    /// `a − b`.
    fn sub(self, b: Self) -> Self;

    /// `a·b`.
    fn mul(self, b: Self) -> Self;

    /// The empty sum.
    fn no_sum() -> Self::Sum;

    /// Adds to a sum, which may have up to 2¹² terms, those of all lanes counted: its limbs stay below 2⁶⁴.
    fn add_to(self, sum: &mut Self::Sum);

    /// A sum over all its terms and lanes.
    fn total(sum: Self::Sum) -> Residue;

    /// `a − b·c`.
    #[inline(always)]
    fn sub_product(self, b: Self, c: Self) -> Self {
        self.sub(b.mul(c))
    }
}

/// An integer modulo ℓ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residue(pub(super) [u64; 5]);

impl Residue {
    pub(crate) const ZERO: Self = Self([0; 5]);
    /// R modulo ℓ.
    pub(crate) const ONE: Self =
        Self([0xf48bd6721e6ed, 0x3bab5ac67e45a, 0xfffffeb35e51b, 0xfffffffffffff, 0x00fffffffffff]);

    /// From an integer.
    pub(crate) fn from_u64(x: u64) -> Self {
        Self::from_words([x, 0, 0, 0])
    }

    /// From an integer below 2²⁵⁶.
    pub(crate) fn from_words(w: Words) -> Self {
        Self::product(limbs(w), R2)
    }

    /// The canonical words of `x/R`, whatever the limbs of x: `x/R` is below 2¹³, and m·ℓ/R below ℓ.
    pub(super) fn words_of(x: [u64; 5]) -> Words {
        let l = Self::product(x, [1, 0, 0, 0, 0]).0;
        let w =
            [l[0] | l[1] << 52, l[1] >> 12 | l[2] << 40, l[2] >> 24 | l[3] << 28, l[3] >> 36 | l[4] << 16];
        if less(&w, &ORDER) { w } else { difference(&w, &ORDER) }
    }

    /// `(a·b + m·ℓ)/R`. Limbs of a and b below 2⁵², or any limbs of a and b = 1.
    #[inline(always)]
    fn product(a: [u64; 5], b: [u64; 5]) -> Self {
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let mut c = [0u128; 9];
        for i in 0..5 {
            for j in 0..5 {
                c[i + j] += wide(a[i], b[j]);
            }
        }
        for i in 0..5 {
            let m = (c[i] as u64).wrapping_mul(MINUS_L_INVERSE) & MASK;
            for j in [0, 1, 2, 4] {
                c[i + j] += wide(m, L[j]);
            }
            c[i + 1] += c[i] >> BITS;
        }
        let mut carry = 0;
        Self(core::array::from_fn(|i| {
            let column = c.get(5 + i).unwrap_or(&0) + carry;
            carry = column >> BITS;
            column as u64 & MASK
        }))
    }

    /// Limbs below 2⁵⁶, the top one below 2⁴⁹, to a residue.
    #[inline(always)]
    fn reduced(mut l: [u64; 5]) -> Self {
        let q = l[4] >> 44;
        l[4] &= (1 << 44) - 1;
        let mut carry = 0;
        Self(core::array::from_fn(|i| {
            // q·Lᵢ < 2⁵⁷ for i < 4; q·L₄ is what was masked off.
            let taken = if i < 3 { q * L[i] } else { 0 };
            let limb = l[i] + L_SPREAD[i] - taken + carry;
            carry = limb >> BITS;
            limb & MASK
        }))
    }
}

/// The five limbs of four words.
#[inline(always)]
pub(super) const fn limbs(w: Words) -> [u64; 5] {
    [
        w[0] & MASK,
        (w[0] >> 52 | w[1] << 12) & MASK,
        (w[1] >> 40 | w[2] << 24) & MASK,
        (w[2] >> 28 | w[3] << 36) & MASK,
        w[3] >> 16,
    ]
}

/// One lane: the portable back end.
impl Residues for Residue {
    const N: usize = 1;
    type Sum = [u64; 5];

    #[inline(always)]
    fn splat(x: Self) -> Self {
        x
    }

    /// Each half is below 2²⁵⁶, so its product is below 2ℓ.
    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> Self {
        let w = row(0);
        let low = Self::product(limbs([w[0], w[1], w[2], w[3]]), R2);
        low.add(Self::product(limbs([w[4], w[5], w[6], w[7]]), R2_HIGH))
    }

    fn to_words(self) -> [Words; 8] {
        [Self::words_of(self.0); 8]
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self::reduced(core::array::from_fn(|i| self.0[i] + b.0[i]))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self::reduced(core::array::from_fn(|i| self.0[i] + EIGHT_L_SPREAD[i] - b.0[i]))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self::product(self.0, b.0)
    }

    fn no_sum() -> [u64; 5] {
        [0; 5]
    }

    #[inline(always)]
    fn add_to(self, sum: &mut [u64; 5]) {
        sum.iter_mut().zip(self.0).for_each(|(s, l)| *s += l);
    }

    fn total(sum: [u64; 5]) -> Self {
        Self::from_words(Self::words_of(sum))
    }
}
