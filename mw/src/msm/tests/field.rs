//! Arithmetic modulo p at the edges of its bounds.

use super::*;
use crate::msm::{
    field::{LIMIT, MASK},
    kernel::{Instructions, Kernel},
    lanes::{Field, Lanes, Mask, Pair},
    power::inverse,
};
use proptest::prelude::*;

/// Integers below p as four words, added bit by bit: slow and plainly right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plain([u64; 4]);

const P: [u64; 4] = [u64::MAX - 18, u64::MAX, u64::MAX, u64::MAX >> 1];

impl Plain {
    fn add(self, b: Self) -> Self {
        let mut carry = 0;
        let sum = core::array::from_fn(|i| {
            let s = u128::from(self.0[i]) + u128::from(b.0[i]) + carry;
            carry = s >> 64;
            s as u64
        });
        Self(sum).reduced()
    }

    fn reduced(self) -> Self {
        if self.0.iter().rev().lt(P.iter().rev()) {
            return self;
        }
        let mut borrow = 0;
        Self(core::array::from_fn(|i| {
            let s = i128::from(self.0[i]) - i128::from(P[i]) + borrow;
            borrow = s >> 64;
            s as u64
        }))
    }

    fn negated(self) -> Self {
        let p_minus_1 = Plain([P[0] - 1, P[1], P[2], P[3]]);
        self.times(p_minus_1)
    }

    fn times(self, b: Self) -> Self {
        (0..256).rev().fold(Self([0; 4]), |sum, bit| {
            let sum = sum.add(sum);
            if b.0[bit / 64] >> (bit % 64) & 1 == 1 { sum.add(self) } else { sum }
        })
    }
}

/// The value of any five words.
fn value(x: Fe) -> Plain {
    let shifted = |v: Plain| (0..51).fold(v, |v, _| v.add(v));
    x.0.iter().rev().fold(Plain([0; 4]), |v, l| shifted(v).add(Plain([*l, 0, 0, 0])))
}

/// All operations on each lane of a and b.
struct Operations<'a>(&'a [Fe], &'a [Fe]);

#[derive(Debug, PartialEq)]
struct Results {
    elements: Vec<[Plain; 12]>,
    odd: Vec<bool>,
    zero: Vec<bool>,
}

impl Kernel for Operations<'_> {
    type Output = Results;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Results {
        let lanes = I::Field::N;
        let mut all = Results { elements: vec![], odd: vec![], zero: vec![] };
        for (a, b) in self.0.chunks(lanes).zip(self.1.chunks(lanes)) {
            let (a, b) = (loaded::<I::Field>(a), loaded::<I::Field>(b));
            let two = Pair(a, b);
            // The largest limbs that a back end may leave: sums and differences of products.
            let sum = I::Field::sum(a.wide(), b.wide());
            let difference = I::Field::difference(a.wide(), b.wide());
            let every_other = Mask(0x5555 & Mask::all(lanes).0);
            let results = [
                stored(a.add(b)),
                stored(a.sub(b)),
                stored(a.mul(b)),
                stored(a.square()),
                stored(I::Field::pick(every_other, a, b).negate_if(every_other)),
                stored(two.square().1),
                stored(I::Field::sum(a.times(b), b.squared())),
                stored(I::Field::difference(a.times(b), b.squared())),
                stored(I::Field::difference(b.wide(), a.times(b))),
                stored(sum.mul(difference)),
                stored(difference.square()),
                stored(difference.sub(sum)),
            ];
            let lanes = 0..lanes;
            all.elements.extend(lanes.clone().map(|lane| results.map(|r| value(r[lane]))));
            all.odd.extend(lanes.clone().map(|lane| a.is_odd().0 >> lane & 1 == 1));
            all.odd.extend(lanes.clone().map(|lane| difference.is_odd().0 >> lane & 1 == 1));
            all.zero.extend(lanes.clone().map(|lane| two.is_zero().0 >> lane & 1 == 1));
            all.zero.extend(lanes.map(|lane| difference.is_zero().0 >> lane & 1 == 1));
        }
        all
    }
}

#[inline(always)]
fn loaded<F: Lanes>(x: &[Fe]) -> F {
    let rows: Vec<[u64; 8]> = x.iter().map(|x| core::array::from_fn(|i| *x.0.get(i).unwrap_or(&9))).collect();
    let w = F::load(|lane| &rows[lane]);
    F::from_words([w[0], w[1], w[2], w[3], w[4]])
}

#[inline(always)]
fn stored<F: Lanes>(x: F) -> [Fe; 8] {
    let (w, zero) = (x.to_words(), F::splat(Fe::ZERO).to_words()[0]);
    let rows = F::store([w[0], w[1], w[2], w[3], w[4], zero, zero, zero]);
    rows.map(|r| {
        assert!(r[..5].iter().all(|l| *l <= LIMIT), "{r:x?}");
        Fe([r[0], r[1], r[2], r[3], r[4]])
    })
}

/// What the operations should give.
fn expected(a: &[Fe], b: &[Fe], lanes: usize) -> Results {
    let one = |(i, (a, b)): (usize, (&Fe, &Fe))| {
        let (a, b) = (value(*a), value(*b));
        let picked = if (i % lanes).is_multiple_of(2) { a.negated() } else { b };
        let (ab, aa, bb) = (a.times(b), a.times(a), b.times(b));
        let (sum, difference, wide) = (ab.add(bb), ab.add(bb.negated()), b.add(ab.negated()));
        let (plus, minus) = (a.add(b), a.add(b.negated()));
        let third = minus.add(plus.negated());
        [plus, minus, ab, aa, picked, bb, sum, difference, wide, plus.times(minus), minus.times(minus), third]
    };
    let (mut odd, mut zero) = (Vec::new(), Vec::new());
    for (a, b) in a.chunks(lanes).zip(b.chunks(lanes)) {
        let a: Vec<Plain> = a.iter().map(|a| value(*a)).collect();
        let minus = a.iter().zip(b).map(|(a, b)| a.add(value(*b).negated()));
        let all: Vec<Plain> = a.iter().copied().chain(minus).collect();
        odd.extend(all.iter().map(|x| x.0[0] & 1 == 1));
        zero.extend(all.iter().map(|x| *x == Plain([0; 4])));
    }
    Results { elements: a.iter().zip(b).enumerate().map(one).collect(), odd, zero }
}

struct LanesOf;

impl Kernel for LanesOf {
    type Output = usize;

    #[inline(always)]
    fn run<I: Instructions>(self) -> usize {
        I::Field::N
    }
}

fn check(a: &[Fe], b: &[Fe]) {
    for backend in Backend::available() {
        assert_eq!(backend.run(Operations(a, b)), expected(a, b, backend.run(LanesOf)), "{backend:?}");
    }
}

/// 0, 1, 2, 18, 19, p − 1, p, p + 1, 2²⁵⁵ − 1, all limbs at the bound, and limbs at the edges.
fn edges() -> Vec<Fe> {
    let p = [MASK - 18, MASK, MASK, MASK, MASK];
    let near_p = |d: i64| Fe([p[0].wrapping_add_signed(d), p[1], p[2], p[3], p[4]]);
    let small = [0, 1, 2, 18, 19].map(|l| Fe([l, 0, 0, 0, 0]));
    let mut all = small.to_vec();
    all.extend([-2, -1, 0, 1, 18, 19, 20].map(near_p));
    all.extend([Fe([MASK; 5]), Fe([LIMIT; 5]), Fe([1 << 51; 5])]);
    // The same values with a carry not taken.
    all.extend([Fe([1 << 51, MASK, MASK, MASK, MASK]), Fe([0, 1 << 51, 0, 0, 0]), Fe([0, 0, 0, 0, 1 << 51])]);
    all
}

#[test]
fn edge_by_edge() {
    let edges = edges();
    let (mut a, mut b) = (vec![], vec![]);
    for x in &edges {
        for y in &edges {
            a.push(*x);
            b.push(*y);
        }
    }
    a.truncate(a.len() / 8 * 8);
    b.truncate(a.len());
    check(&a, &b);
}

/// Every choice of limbs among 0, 2⁵¹ − 1, 2⁵¹ and the bound.
#[test]
fn limbs_at_their_edges() {
    let edge = |i: usize, k: u32| [0, MASK, 1 << 51, LIMIT][i / 4usize.pow(k) % 4];
    let all: Vec<Fe> = (0..1024).map(|i| Fe([0, 1, 2, 3, 4].map(|k| edge(i, k)))).collect();
    let turned: Vec<Fe> = all.iter().map(|x| Fe([x.0[3], x.0[0], x.0[4], x.0[1], x.0[2]])).collect();
    check(&all, &turned);
    check(&all, &all);
}

proptest! {
    #[test]
    fn any_limbs(limbs in proptest::collection::vec(0..=LIMIT, 80)) {
        let all: Vec<Fe> = limbs.chunks(5).map(|l| Fe([l[0], l[1], l[2], l[3], l[4]])).collect();
        check(&all[..8], &all[8..]);
    }
}

#[test]
fn canonical_form_is_the_value() {
    for x in edges() {
        let canonical = x.canonical();
        assert!(canonical.0.iter().all(|l| *l <= MASK));
        let w = value(x).0;
        assert_eq!(canonical.0, Fe::from_words(w).0, "{x:x?}");
        let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(Fe::from_bytes(bytes.as_slice().try_into().unwrap()).map(|x| x.0), Some(canonical.0));
    }
}

#[test]
fn p_and_above_are_no_encodings() {
    for d in 0..19u8 {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed + d, 0x7f);
        assert!(Fe::from_bytes(&bytes).is_none());
    }
    let mut bytes = [0; 32];
    bytes[31] = 0x80;
    assert!(Fe::from_bytes(&bytes).is_none());
}

#[test]
fn inverses_and_constants() {
    for x in edges() {
        let zero = value(x) == Plain([0; 4]);
        assert_eq!(value(x.mul(inverse(x))), Plain([u64::from(!zero), 0, 0, 0]));
    }
    let small = |n: u64| Fe([n, 0, 0, 0, 0]);
    assert_eq!(value(curve::D.mul(small(121_666))), value(small(121_665)).negated());
    assert_eq!(value(curve::TWICE_D), value(curve::D.add(curve::D)));
    assert_eq!(value(curve::D_INVERSE.mul(curve::D)), value(Fe::ONE));
    assert_eq!(value(curve::HALF.add(curve::HALF)), value(Fe::ONE));
    assert_eq!(value(curve::ROOT_OF_MINUS_ONE.square()), value(Fe::ONE).negated());
    assert_eq!(curve::ROOT_OF_MINUS_ONE.is_odd(), Mask::NONE);
}
