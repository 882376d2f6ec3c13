//! Scalars as signed digits.
//!
//! ```text
//! ±a = Σⱼ dⱼ·2^(cj),   −2^(c−1) ≤ dⱼ ≤ 2^(c−1),   0 ≤ j < ⌈252/c⌉
//! ```
//!
//! The sign is that which makes the absolute value at most (ℓ − 1)/2 < 2²⁵¹ + 2¹²³, ℓ the group's order: one
//! bit less, and for c = 6, 7, 9, 12 one window less. Instead of carrying from digit to digit, 2^(c−1) is
//! added to every digit but the top one before the windows are cut, and taken off each afterwards. The top
//! digit has nothing added: what is left of a and the addition's carry is at most 2^(c−1).

/// ℓ = 2²⁵² + 27742317777372353535851937790883648493, the group's order.
pub(super) const ORDER: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];
/// (ℓ − 1)/2.
const HALF_ORDER: [u64; 4] = [0x2c09_318d_2e7a_e9f6, 0x0a6f_7cef_517b_ce6b, 0, 0x0800_0000_0000_0000];
/// Bits of the absolute values, except one that the range of the top digit covers.
const BITS: usize = 252;

/// A public scalar below ℓ: four 64-bit words, the lowest first.
pub(crate) type Words = [u64; 4];

/// Whether the words are below ℓ.
pub(crate) fn is_canonical(words: &Words) -> bool {
    less(words, &ORDER)
}

/// The window width c, 4 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width(pub(super) usize);

impl Width {
    /// The least: eight buckets, one for each of eight lanes.
    pub(super) const LEAST: Self = Self(4);

    /// Windows of a scalar.
    pub(super) const fn windows(self) -> usize {
        BITS.div_ceil(self.0)
    }

    /// The greatest digit: 2^(c−1).
    pub(super) const fn buckets(self) -> usize {
        1 << (self.0 - 1)
    }

    /// `Σ 2^(cj + c − 1)` over all windows but the top one.
    fn offset(self) -> Words {
        let mut w = [0; 4];
        for j in 0..self.windows() - 1 {
            let bit = self.0 * j + self.0 - 1;
            w[bit / 64] |= 1 << (bit % 64);
        }
        w
    }
}

/// Recoded scalars: the absolute values plus the offset of their digits, word by word.
pub(super) struct Recoded {
    words: [Vec<u64>; 4],
    /// −1 for a negated scalar, or 0.
    signs: Vec<i16>,
    width: Width,
}

impl Recoded {
    pub(super) fn new(scalars: &[Words], width: Width) -> Self {
        let offset = width.offset();
        let mut all = Self { words: Default::default(), signs: Vec::with_capacity(scalars.len()), width };
        all.words.iter_mut().for_each(|words| words.reserve(scalars.len()));
        for a in scalars {
            let (sign, a) = absolute(a);
            all.signs.push(sign);
            all.words.iter_mut().zip(sum(&a, &offset)).for_each(|(words, w)| words.push(w));
        }
        all
    }

    /// Appends dⱼ of each.
    #[inline(always)]
    pub(super) fn digits(&self, j: usize, out: &mut Vec<i16>) {
        let top = j + 1 == self.width.windows();
        let added = if top { 0 } else { self.width.buckets() as i16 };
        let (i, shift) = (self.width.0 * j / 64, self.width.0 * j % 64);
        let mask = (1 << self.width.0) - 1;
        let digit = |low: u64, high: u64, sign: i16| {
            let window = low >> shift | high << 1 << (63 - shift);
            (((window & mask) as i16 - added) ^ sign) - sign
        };
        let low = self.words[i].iter().zip(&self.signs);
        match self.words.get(i + 1) {
            Some(high) => out.extend(low.zip(high).map(|((low, sign), high)| digit(*low, *high, *sign))),
            None => out.extend(low.map(|(low, sign)| digit(*low, 0, *sign))),
        }
    }
}

/// −1 or 0 for the sign, and the absolute value.
fn absolute(a: &Words) -> (i16, Words) {
    debug_assert!(less(a, &ORDER), "a scalar is not canonical");
    if less(&HALF_ORDER, a) { (-1, difference(&ORDER, a)) } else { (0, *a) }
}

/// `a < b`.
pub(super) fn less(a: &Words, b: &Words) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn sum(a: &Words, b: &Words) -> Words {
    let mut carry = false;
    core::array::from_fn(|i| {
        let (s, c) = a[i].overflowing_add(b[i]);
        let (s, d) = s.overflowing_add(carry.into());
        carry = c | d;
        s
    })
}

pub(super) fn difference(a: &Words, b: &Words) -> Words {
    let mut borrow = false;
    core::array::from_fn(|i| {
        let (s, c) = a[i].overflowing_sub(b[i]);
        let (s, d) = s.overflowing_sub(borrow.into());
        borrow = c | d;
        s
    })
}
