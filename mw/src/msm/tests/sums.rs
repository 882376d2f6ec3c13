//! Sums against `curve25519-dalek`.

use super::*;
use crate::{
    group::vartime_sum_of_products,
    msm::{
        curve::ROOT_OF_MINUS_ONE,
        digits::{Recoded, Width},
        kernel::{Instructions, Kernel},
        lanes::Field,
    },
};
use proptest::prelude::*;

/// Scalars at the edges of the recoding, and powers of two.
fn edge_scalars() -> Vec<Scalar> {
    let half = (Scalar::ZERO - Scalar::ONE) * Scalar::from(2u64).invert();
    let mut all = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, half, half + Scalar::ONE, half - Scalar::ONE];
    let mut power = Scalar::ONE;
    for _ in 0..253 {
        all.extend([power, -power, power - Scalar::ONE]);
        power += power;
    }
    all
}

/// The sum equals dalek's, on every back end: it and the negated encoding of dalek's sum are the identity,
/// and not beside it.
pub(super) fn check(terms: &[(Scalar, Element)]) {
    let sum = vartime_sum_of_products(terms.iter().copied());
    let sum_is = |backend: Backend, minus_claimed: &Element| {
        let (mut scalars, points): (Vec<_>, Vec<_>) = terms.iter().copied().unzip();
        let mut encodings: Vec<_> = points.iter().map(encoded).collect();
        encodings.push(encoded(minus_claimed));
        scalars.push(Scalar::ONE);
        let points = decode(backend, &encodings).unwrap();
        let scalars: Vec<_> = scalars.iter().map(words).collect();
        let fixed = FixedBases::new(backend, &points).sum_of_products(backend, &scalars);
        let free = Sum::of_products(backend, &points, &scalars);
        let two = FixedBases::new(backend, &points).two_sums_of_products(backend, [&scalars; 2]);
        let expected = encoded(&(sum + minus_claimed));
        for sum in [fixed, free].iter().chain(&two) {
            assert_eq!(sum.encode(), expected, "{backend:?}");
        }
        assert_eq!(fixed.is_identity(), free.is_identity(), "{backend:?}");
        free.is_identity()
    };
    for backend in Backend::available() {
        assert!(sum_is(backend, &-sum), "{backend:?}, {} terms", terms.len());
        let beside = crate::group::h() - sum;
        assert!(!sum_is(backend, &beside), "{backend:?}, {} terms", terms.len());
    }
}

#[test]
fn of_any_number() {
    let mut rng = rng(10);
    for n in [1, 2, 7, 8, 9, 17, 63, 130, 300, 2000] {
        check(&(0..n).map(|_| (Scalar::random(&mut rng), Element::random(&mut rng))).collect::<Vec<_>>());
    }
    check(&[]);
}

#[test]
fn of_edge_scalars() {
    let mut rng = rng(11);
    let all: Vec<_> = edge_scalars().into_iter().map(|a| (a, Element::random(&mut rng))).collect();
    check(&all);
    for few in all.chunks(40).take(3) {
        check(few);
    }
}

/// Equal digits put everything into one bucket; equal points and inverse points meet there.
#[test]
fn of_repeated_points() {
    let mut rng = rng(12);
    let p = Element::random(&mut rng);
    for a in [Scalar::ONE, -Scalar::ONE, Scalar::from(255u64), Scalar::random(&mut rng)] {
        check(&[(a, p); 100]);
        check(&[(a, p), (a, p), (a, -p), (-a, p), (-a, -p)]);
        check(&vec![(a, Element::default()); 20]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn of_anything(seed in any::<u64>(), n in 1usize..60, repeat in 1usize..4) {
        let mut rng = rng(seed);
        let edges = edge_scalars();
        let mut terms = vec![];
        for i in 0..n {
            let p = Element::random(&mut rng);
            let a = if i % 3 == 0 { edges[(seed as usize).wrapping_mul(i + 1) % edges.len()] } else { Scalar::random(&mut rng) };
            terms.extend(vec![(a, p); repeat]);
        }
        check(&terms);
    }
}

/// The four points of the curve that are the identity of ristretto255 change no sum.
#[test]
fn representatives_of_the_identity() {
    let (zero, minus_one) = (Fe::ZERO, Fe::ONE.negate());
    let addend = |x, y| Addend::store(x, y).next().unwrap();
    let four =
        [(zero, Fe::ONE), (zero, minus_one), (ROOT_OF_MINUS_ONE, zero), (ROOT_OF_MINUS_ONE.negate(), zero)]
            .map(|(x, y)| addend(x, y));
    let mut rng = rng(13);
    let p = Element::random(&mut rng);
    for backend in Backend::available() {
        let pair = decode(backend, &[encoded(&p), encoded(&-p)]).unwrap();
        let one = [1, 0, 0, 0];
        for torsion in four {
            for k in 1..9 {
                assert!(Sum::of_products(backend, &[torsion], &[[k, 0, 0, 0]]).is_identity());
            }
            let with = [pair[0], torsion, pair[1]];
            assert!(Sum::of_products(backend, &with, &[one; 3]).is_identity());
            assert!(!Sum::of_products(backend, &with, &[one, one, [2, 0, 0, 0]]).is_identity());
            let with = [torsion, pair[0]];
            assert!(!Sum::of_products(backend, &with, &[one; 2]).is_identity());
        }
    }
}

/// Every digit is within its width, and they add up to the scalar.
#[test]
fn digits_are_the_scalar() {
    for c in 4..=13 {
        let (width, base) = (Width(c), Scalar::from(1u64 << c));
        let scalars = edge_scalars();
        let recoded = Recoded::new(&scalars.iter().map(words).collect::<Vec<_>>(), width);
        let mut digits = vec![];
        (0..width.windows()).for_each(|j| recoded.digits(j, &mut digits));
        for (i, a) in scalars.iter().enumerate() {
            let sum = (0..width.windows()).rev().fold(Scalar::ZERO, |sum, j| {
                let d = digits[j * scalars.len() + i];
                assert!(usize::from(d.unsigned_abs()) <= width.buckets(), "width {c}: {d}");
                let size = Scalar::from(d.unsigned_abs());
                sum * base + if d < 0 { -size } else { size }
            });
            assert_eq!(sum, *a, "width {c}");
        }
    }
}

/// Additions and doublings, any lane, against sums of addends.
struct Formulas<'a>(&'a [Addend]);

impl Kernel for Formulas<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions>(self) -> bool {
        let none = lanes::Mask::NONE;
        let all = lanes::Mask::all(I::Field::N);
        let p = Point::<I::Field>::from_addends(|lane| &self.0[lane], none);
        let q = Point::<I::Field>::from_addends(|lane| &self.0[lane + 8], all);
        // 2·(P − Q) = ((P − Q) + P) − Q, and −P + P = 0.
        let two = p.add(&q).double();
        let same =
            p.add(&q).add_addends(|lane| &self.0[lane], none).add_addends(|lane| &self.0[lane + 8], all);
        let rows: Vec<_> = two.store().zip(same.store()).collect();
        rows.iter().all(|(a, b)| {
            let (a, b) = (Point::<Fe>::load(|_| a), Point::<Fe>::load(|_| b));
            a.equals(&b)
        })
    }
}

#[test]
fn formulas_agree() {
    let mut rng = rng(14);
    let encodings: Vec<_> = (0..16).map(|_| encoded(&Element::random(&mut rng))).collect();
    for backend in Backend::available() {
        let points = decode(backend, &encodings).unwrap();
        assert!(backend.run(Formulas(&points)), "{backend:?}");
        // Doubling as an addition, and with identities.
        let twice: Vec<_> = points[..8].iter().chain(&points[..8]).copied().collect();
        assert!(backend.run(Formulas(&twice)), "{backend:?}");
        assert!(backend.run(Formulas(&[Addend::IDENTITY; 16])), "{backend:?}");
    }
}
