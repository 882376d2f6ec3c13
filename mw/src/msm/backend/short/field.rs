//! Four integers modulo p, limbs of 26 and 25 bits in turn.
//!
//! ```text
//! x = l₀ + l₁·2²⁶ + l₂·2⁵¹ + l₃·2⁷⁷ + l₄·2¹⁰² + l₅·2¹²⁸ + l₆·2¹⁵³ + l₇·2¹⁷⁹ + l₈·2²⁰⁴ + l₉·2²³⁰
//! aᵢ·bⱼ stands at limb i + j, doubled if i and j are odd; from limb 10 on at limb i + j − 10, times 19
//! ```
//!
//! Two limbs are one word of 51 bits in memory.
//!
//! **Bounds.** A product is *tight*: even limbs ≤ 2²⁶ + 2¹⁶, odd limbs ≤ 2²⁵ + 2¹⁶. An element is a tight one or the
//! sum or difference of two: even limbs ≤ 3·2²⁶ + 2¹⁶ ([`EVEN`]), odd limbs ≤ 3·2²⁵ + 2¹⁶ ([`ODD`]). So 19 times a
//! limb, twice an even and four times an odd one are below 2³², as the multiplication wants. In units of 9·2⁵², and up to
//! 2⁻⁹ of itself, an even column is at most 1 + 4·19 + 5·19/2 < 125, the first one; an odd column at most (2 + 8·19)/2 =
//! 77. Both are below 2⁶²·².
//!
//! A product is a function of its own: it needs all registers, and inlined into the curve's formulas it took two thirds
//! longer.
//!
//! No closure around arithmetic: it would be compiled without the instructions.
//!
//! Source of the form: Bernstein, Curve25519 (2006); of the lanes: Faz-Hernández and López, Fast
//! implementation of Curve25519 using AVX2 (2015).

use super::Word;
use crate::msm::{
    field::{BITS, Fe, LIMIT, MASK},
    lanes::{Field, Lanes, Mask},
};

/// The greatest value of an even limb.
const EVEN: u64 = 3 * (1 << 26) + (1 << 16);
/// The greatest value of an odd limb.
const ODD: u64 = 3 * (1 << 25) + (1 << 16);
/// The same of a tight element.
const TIGHT: [u64; 2] = [(1 << 26) + (1 << 16), (1 << 25) + (1 << 16)];
/// Bits of a word in memory.
const BITS_51: i32 = BITS as i32;
/// The low 26 bits.
const MASK_EVEN: u64 = (1 << 26) - 1;
/// The low 25 bits.
const MASK_ODD: u64 = (1 << 25) - 1;

/// Four elements, limb by limb.
#[derive(Clone, Copy)]
pub(super) struct Field4([Word; 10]);

/// Four tight elements, limb by limb.
#[derive(Clone, Copy)]
pub(super) struct Tight([Word; 10]);

impl Tight {
    /// One carry from every limb at once, with 2²⁵⁵ = 19.
    #[inline(always)]
    fn passed(l: [Word; 10]) -> [Word; 10] {
        let (even, odd) = (Word::all(MASK_EVEN), Word::all(MASK_ODD));
        let top = l[9].shr::<25>();
        [
            l[0].and(even).add(nineteen(top)),
            l[1].and(odd).add(l[0].shr::<26>()),
            l[2].and(even).add(l[1].shr::<25>()),
            l[3].and(odd).add(l[2].shr::<26>()),
            l[4].and(even).add(l[3].shr::<25>()),
            l[5].and(odd).add(l[4].shr::<26>()),
            l[6].and(even).add(l[5].shr::<25>()),
            l[7].and(odd).add(l[6].shr::<26>()),
            l[8].and(even).add(l[7].shr::<25>()),
            l[9].and(odd).add(l[8].shr::<26>()),
        ]
    }

    /// Limbs up to 7·2²⁶ and 7·2²⁵: carries of at most 8, nineteenfold 152.
    #[inline(always)]
    fn carried(l: [Word; 10]) -> Self {
        Self(Self::passed(l)).checked()
    }

    /// Columns below 2⁶²·², odd ones below 2⁶¹·⁵. The first carries are below 2³⁶·⁵, nineteen times the top one's below
    /// 2⁴⁰·⁸. So the second ones are below 2¹²; the lowest limb's is below 2¹⁵, and nineteen times the top one's below
    /// 2¹⁵·⁶.
    #[inline(always)]
    fn reduced(c: [Word; 10]) -> Self {
        Self(Self::passed(Self::passed(c))).checked()
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        let [even, odd] = TIGHT;
        debug_assert!(
            self.0.chunks(2).all(|l| l[0].above(even) == 0 && l[1].above(odd) == 0),
            "a limb is not tight"
        );
        self
    }
}

/// `a·b`.
#[inline(always)]
fn multiplied(Field4(a): &Field4, Field4(b): &Field4) -> Tight {
    let b = Wrapped::new(*b);
    let mut c = [Word::all(0); 10];
    b.add_row::<0>(&mut c, a[0]);
    b.add_row::<1>(&mut c, a[1]);
    b.add_row::<2>(&mut c, a[2]);
    b.add_row::<3>(&mut c, a[3]);
    b.add_row::<4>(&mut c, a[4]);
    b.add_row::<5>(&mut c, a[5]);
    b.add_row::<6>(&mut c, a[6]);
    b.add_row::<7>(&mut c, a[7]);
    b.add_row::<8>(&mut c, a[8]);
    b.add_row::<9>(&mut c, a[9]);
    Tight::reduced(c)
}

/// `a²`: the products of different limbs once, with one factor doubled: fifty-five instead of a hundred.
#[inline(always)]
fn squared(Field4(a): &Field4) -> Tight {
    let b = Wrapped::new(*a);
    let mut c = [Word::all(0); 10];
    b.add_square::<0>(&mut c);
    b.add_square::<1>(&mut c);
    b.add_square::<2>(&mut c);
    b.add_square::<3>(&mut c);
    b.add_square::<4>(&mut c);
    b.add_square::<5>(&mut c);
    b.add_square::<6>(&mut c);
    b.add_square::<7>(&mut c);
    b.add_square::<8>(&mut c);
    b.add_square::<9>(&mut c);
    Tight::reduced(c)
}

/// A function of its own, which enables the instructions for elements of the field.
macro_rules! outlined {
    ($name:ident, $inlined:path, $($factor:ident),+) => {
        #[allow(unsafe_code)]
        #[inline(never)]
        fn $name($($factor: &Field4),+) -> Tight {
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
            #[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
            fn enabled($($factor: &Field4),+) -> Tight {
                $inlined($($factor),+)
            }
            // SAFETY: `enabled` requires avx2 or neon. An element exists only inside `Present::run`, where it was detected.
            unsafe { enabled($($factor),+) }
        }
    };
}
outlined!(product, multiplied, a, b);
outlined!(square, squared, a);

impl Field4 {
    /// Five words of 51 bits, but for the lowest, which is below 2⁵¹ + 57.
    #[inline(always)]
    fn tidied(self) -> [Word; 5] {
        let (mask, mut w) = (Word::all(MASK), Self(self.wide().0).words());
        for i in 0..4 {
            w[i + 1] = w[i + 1].add(w[i].shr::<BITS_51>());
            w[i] = w[i].and(mask);
        }
        w[0] = w[0].add(nineteen(w[4].shr::<BITS_51>()));
        w[4] = w[4].and(mask);
        w
    }

    /// Two tight limbs a word, each below 2⁵².
    #[inline(always)]
    fn words(self) -> [Word; 5] {
        let l = self.0;
        [
            l[0].add(l[1].shl::<26>()),
            l[2].add(l[3].shl::<26>()),
            l[4].add(l[5].shl::<26>()),
            l[6].add(l[7].shl::<26>()),
            l[8].add(l[9].shl::<26>()),
        ]
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    fn checked(self) -> Self {
        debug_assert!(
            self.0.chunks(2).all(|l| l[0].above(EVEN) == 0 && l[1].above(ODD) == 0),
            "a limb is out of bounds"
        );
        self
    }
}

/// `19·x`, for any x below 2⁵⁹.
#[inline(always)]
fn nineteen(x: Word) -> Word {
    x.add(x.shl::<1>()).add(x.shl::<4>())
}

/// A multiple of p, limb by limb.
#[inline(always)]
fn multiple_of_p(factor: u64) -> [Word; 10] {
    let (low, even, odd) =
        (Word::all(factor * (MASK_EVEN - 18)), Word::all(factor * MASK_EVEN), Word::all(factor * MASK_ODD));
    [low, odd, even, odd, even, odd, even, odd, even, odd]
}

/// `a + b`, limb by limb.
#[inline(always)]
fn added(a: [Word; 10], b: [Word; 10]) -> [Word; 10] {
    [
        a[0].add(b[0]),
        a[1].add(b[1]),
        a[2].add(b[2]),
        a[3].add(b[3]),
        a[4].add(b[4]),
        a[5].add(b[5]),
        a[6].add(b[6]),
        a[7].add(b[7]),
        a[8].add(b[8]),
        a[9].add(b[9]),
    ]
}

/// `a − b`, limb by limb.
#[inline(always)]
fn subtracted(a: [Word; 10], b: [Word; 10]) -> [Word; 10] {
    [
        a[0].sub(b[0]),
        a[1].sub(b[1]),
        a[2].sub(b[2]),
        a[3].sub(b[3]),
        a[4].sub(b[4]),
        a[5].sub(b[5]),
        a[6].sub(b[6]),
        a[7].sub(b[7]),
        a[8].sub(b[8]),
        a[9].sub(b[9]),
    ]
}

/// One factor's limbs, and what wraps around: 19 times each.
struct Wrapped {
    b: [Word; 10],
    b19: [Word; 10],
}

impl Wrapped {
    #[inline(always)]
    fn new(b: [Word; 10]) -> Self {
        let n = Word::all(19);
        let b19 = [
            b[0].times(n),
            b[1].times(n),
            b[2].times(n),
            b[3].times(n),
            b[4].times(n),
            b[5].times(n),
            b[6].times(n),
            b[7].times(n),
            b[8].times(n),
            b[9].times(n),
        ];
        Self { b, b19 }
    }

    /// Adds the products of a, which is limb I of the other factor, with all limbs.
    #[inline(always)]
    fn add_row<const I: usize>(&self, c: &mut [Word; 10], a: Word) {
        let twice = a.add(a);
        for j in 0..10 {
            self.add_product::<I>(c, j, if I % 2 == 1 && j % 2 == 1 { twice } else { a });
        }
    }

    /// Adds the products of limb I with itself and, twice, with the limbs above it.
    #[inline(always)]
    fn add_square<const I: usize>(&self, c: &mut [Word; 10]) {
        let a = self.b[I];
        let twice = a.add(a);
        let four_times = twice.add(twice);
        self.add_product::<I>(c, I, if I % 2 == 1 { twice } else { a });
        for j in I + 1..10 {
            self.add_product::<I>(c, j, if I % 2 == 1 && j % 2 == 1 { four_times } else { twice });
        }
    }

    /// Adds `a·bⱼ`, where a belongs to limb I.
    #[inline(always)]
    fn add_product<const I: usize>(&self, c: &mut [Word; 10], j: usize, a: Word) {
        let (column, b) = if I + j < 10 { (I + j, self.b[j]) } else { (I + j - 10, self.b19[j]) };
        c[column] = c[column].add(a.times(b));
    }
}

impl Field for Field4 {
    const N: usize = 4;
    type Product = Tight;

    #[inline(always)]
    fn splat(x: Fe) -> Self {
        let l = x.0;
        Self::from_words([
            Word::all(l[0]),
            Word::all(l[1]),
            Word::all(l[2]),
            Word::all(l[3]),
            Word::all(l[4]),
        ])
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(Tight::carried(added(self.0, b.0)).0)
    }

    /// The limbs of 4p are above those of b, so no difference is negative.
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(Tight::carried(added(self.0, subtracted(multiple_of_p(4), b.0))).0)
    }

    #[inline(always)]
    fn times(self, b: Self) -> Tight {
        product(&self, &b)
    }

    #[inline(always)]
    fn squared(self) -> Tight {
        square(&self)
    }

    #[inline(always)]
    fn wide(self) -> Tight {
        Tight::carried(self.0)
    }

    #[inline(always)]
    fn reduced(a: Tight) -> Self {
        Self(a.0)
    }

    #[inline(always)]
    fn sum(a: Tight, b: Tight) -> Self {
        Self(added(a.0, b.0)).checked()
    }

    /// The limbs of 2p are above those of b.
    #[inline(always)]
    fn difference(a: Tight, b: Tight) -> Self {
        Self(added(a.0, subtracted(multiple_of_p(2), b.0))).checked()
    }

    /// Subtracting p, when the value is at least p, changes the parity.
    #[inline(always)]
    fn is_odd(self) -> Mask {
        let w = self.tidied();
        let mut carry = w[0].add(Word::all(19)).shr::<BITS_51>();
        for word in &w[1..] {
            carry = word.add(carry).shr::<BITS_51>();
        }
        let even = w[0].add(carry).and(Word::all(1)).zeros();
        Mask(!even & 0b1111)
    }

    /// Below 2²⁵⁵ + 57, the multiples of p are 0 and p, and each has one form.
    #[inline(always)]
    fn is_zero(self) -> Mask {
        let w = self.tidied();
        let (low, rest) = (Word::all(MASK - 18), Word::all(MASK));
        let zero = w[0].or(w[1]).or(w[2]).or(w[3]).or(w[4]);
        let beside = w[1].sub(rest).or(w[2].sub(rest)).or(w[3].sub(rest)).or(w[4].sub(rest));
        Mask(zero.zeros() | w[0].sub(low).or(beside).zeros())
    }

    #[inline(always)]
    fn pick(mask: Mask, a: Self, b: Self) -> Self {
        let (a, b, m) = (a.0, b.0, Word::mask(mask.0));
        Self([
            Word::pick(m, a[0], b[0]),
            Word::pick(m, a[1], b[1]),
            Word::pick(m, a[2], b[2]),
            Word::pick(m, a[3], b[3]),
            Word::pick(m, a[4], b[4]),
            Word::pick(m, a[5], b[5]),
            Word::pick(m, a[6], b[6]),
            Word::pick(m, a[7], b[7]),
            Word::pick(m, a[8], b[8]),
            Word::pick(m, a[9], b[9]),
        ])
    }
}

impl Lanes for Field4 {
    type Word = Word;

    /// Words are at most LIMIT, so odd limbs are at most 2²⁵.
    #[inline(always)]
    fn from_words(w: [Word; 5]) -> Self {
        let mask = Word::all(MASK_EVEN);
        Self([
            w[0].and(mask),
            w[0].shr::<26>(),
            w[1].and(mask),
            w[1].shr::<26>(),
            w[2].and(mask),
            w[2].shr::<26>(),
            w[3].and(mask),
            w[3].shr::<26>(),
            w[4].and(mask),
            w[4].shr::<26>(),
        ])
        .checked()
    }

    /// Carries of at most 1 bring the words, which are below 2⁵², within LIMIT.
    #[inline(always)]
    fn to_words(self) -> [Word; 5] {
        let (mask, w) = (Word::all(MASK), Self(self.wide().0).words());
        let words = [
            w[0].and(mask).add(nineteen(w[4].shr::<BITS_51>())),
            w[1].and(mask).add(w[0].shr::<BITS_51>()),
            w[2].and(mask).add(w[1].shr::<BITS_51>()),
            w[3].and(mask).add(w[2].shr::<BITS_51>()),
            w[4].and(mask).add(w[3].shr::<BITS_51>()),
        ];
        debug_assert!(words.iter().all(|w| w.above(LIMIT) == 0), "a word is out of bounds");
        words
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
