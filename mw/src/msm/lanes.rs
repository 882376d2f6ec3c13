//! Several integers modulo p side by side: the operations that every back end provides to the curve
//! arithmetic.
//!
//! A back end keeps N elements in N lanes and applies each operation to all of them. Memory holds an element
//! as five words ([`Fe`]), in rows of eight words; loading transposes N rows into eight words of N lanes.
//! Every element has limbs within [`LIMIT`](super::field::LIMIT), in and out, on every back end.
//!
//! All methods are inlined always, into a function that enables the back end's instructions
//! ([`super::backend`]); the generic code above them avoids closures around arithmetic for the same reason.

use super::field::Fe;

/// One bit a lane, the lowest for lane 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask(pub(super) u16);

impl Mask {
    /// No lane.
    pub(super) const NONE: Self = Self(0);

    /// The first n lanes.
    pub(super) const fn all(n: usize) -> Self {
        Self(u16::MAX >> (16 - n))
    }

    /// The lanes of either.
    pub(super) const fn or(self, b: Self) -> Self {
        Self(self.0 | b.0)
    }
}

/// N integers modulo p.
pub(crate) trait Field: Copy {
    /// The number of lanes.
    const N: usize;
    /// A product before carries are propagated; two of them can be added first.
    type Product: Copy;

    /// The same element in every lane.
    fn splat(x: Fe) -> Self;

    /// `a + b`.
    fn add(self, b: Self) -> Self;

    /// `a − b`.
    fn sub(self, b: Self) -> Self;

    /// `a·b` as a product.
    fn times(self, b: Self) -> Self::Product;

    /// `a²` as a product.
    fn squared(self) -> Self::Product;

    /// `a` as a product.
    fn wide(self) -> Self::Product;

    /// `a` of a product.
    fn reduced(a: Self::Product) -> Self;

    /// `a + b` of products.
    fn sum(a: Self::Product, b: Self::Product) -> Self;

    /// `a − b` of products.
    fn difference(a: Self::Product, b: Self::Product) -> Self;

    /// `a·b`.
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Self::reduced(self.times(b))
    }

    /// `a²`.
    #[inline(always)]
    fn square(self) -> Self {
        Self::reduced(self.squared())
    }

    /// Which canonical values are odd: "negative" in RFC 9496.
    fn is_odd(self) -> Mask;

    /// Which values are 0 modulo p.
    fn is_zero(self) -> Mask;

    /// `a` in the lanes of the mask, `b` in the others.
    fn pick(mask: Mask, a: Self, b: Self) -> Self;

    /// `−a`.
    #[inline(always)]
    fn negate(self) -> Self {
        Self::splat(Fe::ZERO).sub(self)
    }

    /// `−a` in the lanes of the mask, `a` in the others.
    #[inline(always)]
    fn negate_if(self, mask: Mask) -> Self {
        Self::pick(mask, self.negate(), self)
    }
}

/// At most eight lanes that can be loaded from memory and stored there.
pub(crate) trait Lanes: Field {
    /// N 64-bit words.
    type Word: Copy;

    /// From the five words of each lane's element.
    fn from_words(w: [Self::Word; 5]) -> Self;

    /// To the five words of each lane's element.
    fn to_words(self) -> [Self::Word; 5];

    /// Transposes rows of eight words, one row a lane.
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self::Word; 8];

    /// The inverse of [`load`](Self::load); the first N rows count.
    fn store(words: [Self::Word; 8]) -> [[u64; 8]; 8];

    /// Announces that a row will be loaded soon.
    #[inline(always)]
    fn prefetch(_row: &[u64; 8]) {}
}

/// 64-bit words of several states.
pub(crate) trait States: Copy {
    /// The number of states, at most eight.
    const N: usize;

    /// The same word in every state.
    fn splat(x: u64) -> Self;

    /// `a ⊕ b`.
    fn xor(self, b: Self) -> Self;

    /// `a ⊕ b ⊕ c`.
    fn xor3(self, b: Self, c: Self) -> Self;

    /// `a ⊕ (¬b ∧ c)`.
    fn chi(self, b: Self, c: Self) -> Self;

    /// Rotated left.
    fn rotate<const BITS: i32>(self) -> Self;

    /// Transposes rows of eight words, one row a state.
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8];

    /// The inverse; the first N rows count.
    fn store(words: [Self; 8]) -> [[u64; 8]; 8];
}

/// Twice the lanes, for code in which each product depends on the one before: the second half fills the
/// pipeline.
#[derive(Clone, Copy)]
pub(super) struct Pair<F>(pub(super) F, pub(super) F);

impl<F: Field> Field for Pair<F> {
    const N: usize = 2 * F::N;
    type Product = (F::Product, F::Product);

    #[inline(always)]
    fn splat(x: Fe) -> Self {
        Self(F::splat(x), F::splat(x))
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self(self.0.add(b.0), self.1.add(b.1))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self(self.0.sub(b.0), self.1.sub(b.1))
    }

    #[inline(always)]
    fn times(self, b: Self) -> Self::Product {
        (self.0.times(b.0), self.1.times(b.1))
    }

    #[inline(always)]
    fn squared(self) -> Self::Product {
        (self.0.squared(), self.1.squared())
    }

    #[inline(always)]
    fn wide(self) -> Self::Product {
        (self.0.wide(), self.1.wide())
    }

    #[inline(always)]
    fn reduced(a: Self::Product) -> Self {
        Self(F::reduced(a.0), F::reduced(a.1))
    }

    #[inline(always)]
    fn sum(a: Self::Product, b: Self::Product) -> Self {
        Self(F::sum(a.0, b.0), F::sum(a.1, b.1))
    }

    #[inline(always)]
    fn difference(a: Self::Product, b: Self::Product) -> Self {
        Self(F::difference(a.0, b.0), F::difference(a.1, b.1))
    }

    #[inline(always)]
    fn is_odd(self) -> Mask {
        Mask(self.0.is_odd().0 | self.1.is_odd().0 << F::N)
    }

    #[inline(always)]
    fn is_zero(self) -> Mask {
        Mask(self.0.is_zero().0 | self.1.is_zero().0 << F::N)
    }

    #[inline(always)]
    fn pick(mask: Mask, a: Self, b: Self) -> Self {
        Self(F::pick(mask, a.0, b.0), F::pick(Mask(mask.0 >> F::N), a.1, b.1))
    }
}
