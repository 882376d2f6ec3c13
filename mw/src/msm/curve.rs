//! The curve −x² + y² = 1 + d·x²·y² over p = 2²⁵⁵ − 19, N points at a time.
//!
//! Extended coordinates (X : Y : Z : T) with x = X/Z, y = Y/Z, x·y = T/Z, and the additions of Hisil, Wong, Carter and
//! Dawson (2008), sections 3.1 and 3.3. They are complete because −1 is a square modulo p and d is not: no input is special, so
//! none is tested for. An [`Addend`] is a point with Z = 1 in the form that the formula wants, halved: this saves the
//! doubling of Z and scales all four coordinates of the sum alike, by 1/4.

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
        let (a, b) = (y.sub(x).mul(half).to_words(), y.add(x).mul(half).to_words());
        let c = x.mul(y).mul(F::splat(D)).to_words();
        let zero = F::splat(Fe::ZERO).to_words()[0];
        let low = F::store([a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2]]);
        let high = F::store([b[3], b[4], c[0], c[1], c[2], c[3], c[4], zero]);
        low.into_iter().zip(high).map(|(low, high)| Self([low, high])).take(F::N)
    }

    /// (y − x)/2, (y + x)/2 and d·x·y of N addends; negated, the first two change places and the third its sign.
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

/// N points in extended coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Point<F> {
    x: F,
    y: F,
    pub(super) z: F,
    t: F,
}

/// A point in memory.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct PointRow([[u64; 8]; 3]);

impl PointRow {
    /// The identity (0 : 1 : 1 : 0).
    pub(super) const IDENTITY: Self = {
        let mut rows = [[0; 8]; 3];
        rows[0][5] = 1;
        rows[1][2] = 1;
        Self(rows)
    };
}

impl<F: Lanes> Point<F> {
    #[inline(always)]
    pub(super) fn identity() -> Self {
        let (zero, one) = (F::splat(Fe::ZERO), F::splat(Fe::ONE));
        Self { x: zero, y: one, z: one, t: zero }
    }

    /// N addends as points: x = b − a, y = b + a, t = c/d.
    #[inline(always)]
    pub(super) fn from_addends<'a>(row: impl Fn(usize) -> &'a Addend, negate: Mask) -> Self {
        let [a, b, c] = Addend::load::<F>(row);
        let t = c.mul(F::splat(D_INVERSE));
        Self { x: b.sub(a).negate_if(negate), y: b.add(a), z: F::splat(Fe::ONE), t: t.negate_if(negate) }
    }

    /// Adds N addends: seven products.
    #[inline(always)]
    pub(super) fn add_addends<'a>(&self, row: impl Fn(usize) -> &'a Addend, negate: Mask) -> Self {
        let [a, b, c] = Addend::load::<F>(row);
        let (a, b) = (F::pick(negate, b, a), F::pick(negate, a, b));
        let (c, d) = (self.t.mul(c), self.z);
        let (a, b) = (self.y.sub(self.x).mul(a), self.y.add(self.x).mul(b));
        let (f, g) = (d.sub(c), d.add(c));
        Self::completed((b.sub(a), b.add(a)), (F::pick(negate, g, f), F::pick(negate, f, g)))
    }

    /// Adds N points: nine products.
    #[inline(always)]
    pub(super) fn add(&self, q: &Self) -> Self {
        let a = self.y.sub(self.x).mul(q.y.sub(q.x));
        let b = self.y.add(self.x).mul(q.y.add(q.x));
        let c = self.t.mul(q.t).mul(F::splat(TWICE_D));
        let zz = self.z.mul(q.z);
        let d = zz.add(zz);
        Self::completed((b.sub(a), b.add(a)), (d.sub(c), d.add(c)))
    }

    /// The last step of all three formulas.
    #[inline(always)]
    fn completed((e, h): (F, F), (f, g): (F, F)) -> Self {
        let z = f.mul(g);
        let t = e.mul(h);
        Self { x: e.mul(f), y: g.mul(h), z, t }
    }

    /// Doubles N points.
    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        let (a, b, zz) = (self.x.square(), self.y.square(), self.z.square());
        let h = a.add(b).negate();
        let e = self.x.add(self.y).square().add(h);
        let g = b.sub(a);
        Self::completed((e, h), (g.sub(zz.add(zz)), g))
    }

    /// N addends, given the inverses of Z.
    #[inline(always)]
    pub(super) fn addends(&self, z_inverse: F) -> impl Iterator<Item = Addend> {
        Addend::store(self.x.mul(z_inverse), self.y.mul(z_inverse))
    }

    #[inline(always)]
    pub(super) fn load<'a>(row: impl Fn(usize) -> &'a PointRow) -> Self {
        let l = F::load(|lane| &row(lane).0[0]);
        let m = F::load(|lane| &row(lane).0[1]);
        let h = F::load(|lane| &row(lane).0[2]);
        Self {
            x: F::from_words([l[0], l[1], l[2], l[3], l[4]]),
            y: F::from_words([l[5], l[6], l[7], m[0], m[1]]),
            z: F::from_words([m[2], m[3], m[4], m[5], m[6]]),
            t: F::from_words([m[7], h[0], h[1], h[2], h[3]]),
        }
    }

    #[inline(always)]
    pub(super) fn store(self) -> impl Iterator<Item = PointRow> {
        let (x, y, z, t) = (self.x.to_words(), self.y.to_words(), self.z.to_words(), self.t.to_words());
        let o = F::splat(Fe::ZERO).to_words()[0];
        let l = F::store([x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2]]);
        let m = F::store([y[3], y[4], z[0], z[1], z[2], z[3], z[4], t[0]]);
        let h = F::store([t[1], t[2], t[3], t[4], o, o, o, o]);
        (0..F::N).map(move |lane| PointRow([l[lane], m[lane], h[lane]]))
    }
}

impl Point<Fe> {
    /// The identity (0 : 1 : 1 : 0).
    pub(super) const IDENTITY: Self = Self { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE, t: Fe::ZERO };

    /// Whether both are the same point of the curve.
    #[cfg(test)]
    pub(super) fn equals(&self, q: &Self) -> bool {
        let crossed = |a: Fe, b: Fe| a.mul(q.z).sub(b.mul(self.z)).is_zero() == Mask(1);
        crossed(self.x, q.x) && crossed(self.y, q.y) && crossed(self.t, q.t)
    }

    /// Whether these are the identity of ristretto255: X = 0 or Y = 0 (RFC 9496, section 4.3.3, against (0, 1)).
    pub(crate) fn is_ristretto_identity(&self) -> bool {
        self.x.is_zero().or(self.y.is_zero()) == Mask(1)
    }
}
