//! Arithmetic modulo ℓ against `curve25519-dalek`'s scalars.

use super::*;
use crate::msm::residues::{BITS, EIGHT_L_SPREAD, L, L_SPREAD, MASK, MINUS_L_INVERSE};
use proptest::prelude::*;

/// Most terms of a sum, over all lanes.
const TERMS: usize = 1 << 12;

/// All operations on each lane, of 512-bit integers.
struct Operations<'a>(&'a [[u64; 8]], &'a [[u64; 8]]);

impl Kernel for Operations<'_> {
    type Output = Vec<[Words; 6]>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Self::Output {
        let lanes = I::Residues::N;
        let mut all = vec![];
        for (a, b) in self.0.chunks(lanes).zip(self.1.chunks(lanes)) {
            let (a, b) = (I::Residues::load(|lane| &a[lane]), I::Residues::load(|lane| &b[lane]));
            let mut sum = I::Residues::no_sum();
            for _ in 0..TERMS / (2 * lanes) {
                a.add_to(&mut sum);
                b.add_to(&mut sum);
            }
            // Unreduced as they can get: differences and sums of each other.
            let far = a.sub(b).add(a.sub(b)).sub(b).add(a);
            let one = I::Residues::splat(Residue::ONE);
            let results =
                [a.add(b), a.sub(b), a.mul(b), far.mul(far), one.sub_product(a, far)].map(|r| r.to_words());
            let total = I::Residues::total(sum).to_words()[0];
            all.extend((0..lanes).map(|lane| {
                [
                    results[0][lane],
                    results[1][lane],
                    results[2][lane],
                    results[3][lane],
                    results[4][lane],
                    total,
                ]
            }));
        }
        all
    }
}

struct LanesOf;

impl Kernel for LanesOf {
    type Output = usize;

    #[inline(always)]
    fn run<I: Instructions>(self) -> usize {
        I::Residues::N
    }
}

fn scalar(w: &[u64; 8]) -> Scalar {
    let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_le_bytes()).collect();
    Scalar::from_bytes_mod_order_wide(bytes.as_slice().try_into().unwrap())
}

fn check(a: &[[u64; 8]], b: &[[u64; 8]]) {
    for backend in Backend::available() {
        let ours = backend.run(Operations(a, b));
        let lanes = backend.run(LanesOf);
        for (i, (x, y)) in a.iter().zip(b).enumerate() {
            let group = i / lanes * lanes..(i / lanes + 1) * lanes;
            let total: Scalar = a[group.clone()].iter().chain(&b[group]).map(scalar).sum();
            let (x, y) = (scalar(x), scalar(y));
            let far = x - y + x - y - y + x;
            let expected = [
                x + y,
                x - y,
                x * y,
                far * far,
                Scalar::ONE - x * far,
                total * Scalar::from((TERMS / (2 * lanes)) as u64),
            ];
            assert_eq!(ours[i], expected.map(|s| words(&s)), "{backend:?} {i}");
        }
    }
}

/// 0, 1, ℓ − 1, ℓ, ℓ + 1, 2²⁵² …, multiples of ℓ, and all bits.
fn edges() -> Vec<[u64; 8]> {
    let low = |w: [u64; 4]| [w[0], w[1], w[2], w[3], 0, 0, 0, 0];
    let l = digits::ORDER;
    let mut all = vec![[0; 8], [u64::MAX; 8], low([u64::MAX; 4]), [0, 0, 0, 0, 1, 0, 0, 0]];
    all.extend([-1i64, 0, 1].map(|d| low([l[0].wrapping_add_signed(d), l[1], l[2], l[3]])));
    all.extend([[0, 0, 0, 0, l[0], l[1], l[2], l[3]], low([1, 0, 0, 0]), low([0, 0, 0, 1 << 60])]);
    all.extend(
        (0..22).map(|i| core::array::from_fn(|j| if (i >> (j % 4)) & 1 == 1 { MASK << j } else { 0 })),
    );
    all
}

#[test]
fn edge_by_edge() {
    let edges = edges();
    for turn in 0..edges.len() {
        let mut turned = edges.clone();
        turned.rotate_left(turn);
        check(&edges, &turned);
    }
}

proptest! {
    #[test]
    fn of_any_words(w in proptest::collection::vec(any::<[u64; 8]>(), 16)) {
        check(&w[..8], &w[8..]);
    }
}

#[test]
fn constants() {
    assert_eq!(L[0].wrapping_mul(MINUS_L_INVERSE) & MASK, MASK);
    let value = |l: [u64; 5]| {
        let shift = Scalar::from(1u64 << BITS);
        l.iter().rev().fold(Scalar::ZERO, |v, l| v * shift + Scalar::from(*l))
    };
    for zero in [L, L_SPREAD, EIGHT_L_SPREAD] {
        assert_eq!(value(zero), Scalar::ZERO);
    }
    let r = (0..5).fold(Scalar::ONE, |r, _| r * Scalar::from(1u64 << BITS));
    assert_eq!(value(Residue::ONE.0), r);
    assert_eq!(Residue::ONE.to_words()[0], [1, 0, 0, 0]);
    assert_eq!(Residue::from_u64(u64::MAX).to_words()[0], [u64::MAX, 0, 0, 0]);
}
