//! The curve −x² + y² = 1 + d·x²·y² over p = 2²⁵⁵ − 19, N points at a time.
//!
//! Extended coordinates (X : Y : Z : T) with x = X/Z, y = Y/Z, x·y = T/Z, and the formulas of Hisil, Wong,
//! Carter and Dawson (2008), sections 3.1 and 3.3. They are complete because −1 is a square modulo p and d is
//! not, so no input needs special treatment. The formulas use X and Y only as Y − X and Y + X, so points are
//! stored in that form. An [`Addend`] is a point with Z = 1 in the form that addition needs, halved: this
//! saves the doubling of Z and scales all coordinates of the sum alike.

use super::{
    field::Fe,
    lanes::{Field, Lanes, Mask},
};

/// d = −121665/121666.
pub(super) const D: Fe =
    Fe([0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff]);
/// 2d.
pub(super) const TWICE_D: Fe =
    Fe([0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff]);
/// 1/d.
pub(super) const D_INVERSE: Fe =
    Fe([0x0f276cdc9f843, 0x3084f2a85c4bc, 0x6e73d982d775a, 0x721958b108a66, 0x40907ed214d5c]);
/// √−1, the even one.
pub(super) const ROOT_OF_MINUS_ONE: Fe =
    Fe([0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d]);
/// 1/2.
pub(super) const HALF: Fe =
    Fe([0x7fffffffffff7, 0x7ffffffffffff, 0x7ffffffffffff, 0x7ffffffffffff, 0x3ffffffffffff]);

/// A point with Z = 1, in memory: (y − x)/2, (y + x)/2 and d·x·y, five words each.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Addend([[u64; 8]; 2]);

impl Addend {
    /// The identity.
    pub(super) const IDENTITY: Self = {
        let h = HALF.0;
        Self([[h[0], h[1], h[2], h[3], h[4], h[0], h[1], h[2]], [h[3], h[4], 0, 0, 0, 0, 0, 0]])
    };

    /// N addends from N affine points.
    #[inline(always)]
    pub(super) fn store<F: Lanes>(x: F, y: F) -> impl Iterator<Item = Self> {
        let half = F::splat(HALF);
        Self::store_coordinates(y.sub(x).mul(half), y.add(x).mul(half), x.mul(y).mul(F::splat(D)))
    }

    /// Announces that it will be added soon.
    #[inline(always)]
    pub(super) fn prefetch<F: Lanes>(&self) {
        F::prefetch(&self.0[0]);
        F::prefetch(&self.0[1]);
    }

    #[inline(always)]
    fn store_coordinates<F: Lanes>(a: F, b: F, c: F) -> impl Iterator<Item = Self> {
        let (a, b, c) = (a.to_words(), b.to_words(), c.to_words());
        let zero = F::splat(Fe::ZERO).to_words()[0];
        let low = F::store([a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2]]);
        let high = F::store([b[3], b[4], c[0], c[1], c[2], c[3], c[4], zero]);
        low.into_iter().zip(high).map(|(low, high)| Self([low, high])).take(F::N)
    }

    /// The three coordinates of N addends. Negated, the first two change places and the third its sign.
    #[inline(always)]
    fn load<'a, F: Lanes>(row: impl Fn(usize) -> &'a Self) -> [F; 3] {
        let l = F::load(|lane| &row(lane).0[0]);
        let h = F::load(|lane| &row(lane).0[1]);
        [
            F::from_words([l[0], l[1], l[2], l[3], l[4]]),
            F::from_words([l[5], l[6], l[7], h[0], h[1]]),
            F::from_words([h[2], h[3], h[4], h[5], h[6]]),
        ]
    }
}

/// N points.
#[derive(Clone, Copy)]
pub(crate) struct Point<F> {
    /// Y − X.
    minus: F,
    /// Y + X.
    plus: F,
    pub(super) z: F,
    t: F,
}

/// A point in memory.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct PointRow([[u64; 8]; 3]);

impl PointRow {
    /// The identity.
    pub(super) const IDENTITY: Self = {
        let mut rows = [[0; 8]; 3];
        (rows[0][0], rows[0][5], rows[1][2]) = (1, 1, 1);
        Self(rows)
    };
}

impl<F: Lanes> Point<F> {
    #[inline(always)]
    pub(super) fn identity() -> Self {
        let (zero, one) = (F::splat(Fe::ZERO), F::splat(Fe::ONE));
        Self { minus: one, plus: one, z: one, t: zero }
    }

    /// N addends, negated in the lanes of the mask, as points.
    #[inline(always)]
    pub(super) fn from_addends<'a>(row: impl Fn(usize) -> &'a Addend, negate: Mask) -> Self {
        let [a, b, c] = Addend::load::<F>(row);
        let (a, b) = (F::pick(negate, b, a), F::pick(negate, a, b));
        let t = c.mul(F::splat(D_INVERSE)).negate_if(negate);
        Self { minus: a.add(a), plus: b.add(b), z: F::splat(Fe::ONE), t }
    }

    /// Adds N addends, negated in the lanes of the mask: seven products.
    #[inline(always)]
    pub(super) fn add_addends<'a>(&self, row: impl Fn(usize) -> &'a Addend, negate: Mask) -> Self {
        let [a, b, c] = Addend::load::<F>(row);
        let (a, b) = (F::pick(negate, b, a), F::pick(negate, a, b));
        let (c, d) = (self.t.times(c), self.z.wide());
        let (a, b) = (self.minus.times(a), self.plus.times(b));
        let (f, g) = (F::difference(d, c), F::sum(d, c));
        let (f, g) = (F::pick(negate, g, f), F::pick(negate, f, g));
        Self::completed(F::difference(b, a), f, g, F::sum(b, a))
    }

    /// Adds N points: nine products.
    #[inline(always)]
    pub(super) fn add(&self, q: &Self) -> Self {
        let (a, b) = (self.minus.times(q.minus), self.plus.times(q.plus));
        let c = self.t.mul(q.t).times(F::splat(TWICE_D));
        let zz = self.z.times(q.z);
        let d = F::sum(zz, zz).wide();
        Self::completed(F::difference(b, a), F::difference(d, c), F::sum(d, c), F::sum(b, a))
    }

    /// Doubles N points. E, F, G and H of the paper are twice as large here: (Y + X)² − (Y − X)² = 4XY and so
    /// on.
    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        let (minus, plus) = (self.minus.squared(), self.plus.squared());
        let (e, h) = (F::difference(plus, minus), F::sum(plus, minus).negate());
        let (g, zz) = (self.minus.times(self.plus), self.z.squared());
        let (g, zz) = (F::sum(g, g), F::sum(zz, zz));
        Self::completed(e, g.sub(zz.add(zz)), g, h)
    }

    /// X = E·F, Y = G·H, Z = F·G and T = E·H: the last step of all three formulas.
    #[inline(always)]
    fn completed(e: F, f: F, g: F, h: F) -> Self {
        let (z, t) = (f.mul(g), e.mul(h));
        let (x, y) = (e.times(f), g.times(h));
        Self { minus: F::difference(y, x), plus: F::sum(y, x), z, t }
    }

    /// N addends, given the inverses of Z.
    #[inline(always)]
    pub(super) fn addends(&self, z_inverse: F) -> impl Iterator<Item = Addend> {
        let half = z_inverse.mul(F::splat(HALF));
        Addend::store_coordinates(
            self.minus.mul(half),
            self.plus.mul(half),
            self.t.mul(z_inverse).mul(F::splat(D)),
        )
    }

    #[inline(always)]
    pub(super) fn load<'a>(row: impl Fn(usize) -> &'a PointRow) -> Self {
        let l = F::load(|lane| &row(lane).0[0]);
        let m = F::load(|lane| &row(lane).0[1]);
        let h = F::load(|lane| &row(lane).0[2]);
        Self {
            minus: F::from_words([l[0], l[1], l[2], l[3], l[4]]),
            plus: F::from_words([l[5], l[6], l[7], m[0], m[1]]),
            z: F::from_words([m[2], m[3], m[4], m[5], m[6]]),
            t: F::from_words([m[7], h[0], h[1], h[2], h[3]]),
        }
    }

    #[inline(always)]
    pub(super) fn store(self) -> impl Iterator<Item = PointRow> {
        let (a, b) = (self.minus.to_words(), self.plus.to_words());
        let (z, t) = (self.z.to_words(), self.t.to_words());
        let o = F::splat(Fe::ZERO).to_words()[0];
        let l = F::store([a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2]]);
        let m = F::store([b[3], b[4], z[0], z[1], z[2], z[3], z[4], t[0]]);
        let h = F::store([t[1], t[2], t[3], t[4], o, o, o, o]);
        (0..F::N).map(move |lane| PointRow([l[lane], m[lane], h[lane]]))
    }

    /// The point of each lane.
    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = Point<Fe>> {
        self.store().map(|row| Point::load(|_| &row))
    }
}

impl Point<Fe> {
    /// The identity.
    pub(super) const IDENTITY: Self = Self { minus: Fe::ONE, plus: Fe::ONE, z: Fe::ONE, t: Fe::ZERO };

    /// The coordinates X, Y, Z and T.
    pub(super) fn coordinates(&self) -> [Fe; 4] {
        [self.plus.sub(self.minus), self.plus.add(self.minus), self.z.add(self.z), self.t.add(self.t)]
    }

    /// Whether both are the same point of the curve.
    #[cfg(test)]
    pub(super) fn equals(&self, q: &Self) -> bool {
        let crossed = |a: Fe, b: Fe| a.mul(q.z).sub(b.mul(self.z)).is_zero() == Mask(1);
        crossed(self.minus, q.minus) && crossed(self.plus, q.plus) && crossed(self.t, q.t)
    }

    /// Whether this is the identity of ristretto255: X = 0 or Y = 0 (RFC 9496, section 4.3.3, against (0,
    /// 1)).
    pub(crate) fn is_ristretto_identity(&self) -> bool {
        let (twice_x, twice_y) = (self.plus.sub(self.minus), self.plus.add(self.minus));
        twice_x.is_zero().or(twice_y.is_zero()) == Mask(1)
    }
}
