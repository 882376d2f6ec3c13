//! Sums over fixed bases: all 2^(cj)·P are stored, so every window of every scalar falls into one set of
//! buckets, without any doubling.

use super::{
    backend::Backend,
    curve::{Addend, Point},
    digits::{Recoded, Width, Words},
    field::Fe,
    kernel::{Instructions, Kernel},
    lanes::{Field, Lanes, Mask},
    pippenger::sums_of_digits,
    power::inverse,
};

/// Windows of nine bits: 28 multiples, 3.5 KiB a base.
const WIDTH: Width = Width(9);

/// Bases and their multiples.
pub(super) struct FixedBases {
    /// 2^(cj) times base i at `j·bases + i`.
    multiples: Vec<Addend>,
}

impl FixedBases {
    pub(super) fn new(backend: Backend, bases: &[Addend]) -> Self {
        Self { multiples: backend.run(Multiples(bases)) }
    }

    /// `Σ aᵢ·Pᵢ` for each list of scalars, with one scalar for each base.
    pub(super) fn sums_of_products(&self, backend: Backend, lists: &[&[Words]]) -> Vec<Point<Fe>> {
        let mut digits = Vec::with_capacity(lists.len() * self.multiples.len());
        for scalars in lists {
            let scalars = Recoded::new(scalars, WIDTH);
            (0..WIDTH.windows()).for_each(|j| scalars.digits(j, &mut digits));
        }
        sums_of_digits(backend, &self.multiples, digits, WIDTH)
    }
}

/// All multiples of some bases.
struct Multiples<'a>(&'a [Addend]);

impl Kernel for Multiples<'_> {
    type Output = Vec<Addend>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<Addend> {
        let (lanes, windows) = (I::Field::N, WIDTH.windows());
        let mut out = vec![Addend::IDENTITY; self.0.len() * windows];
        for (first, bases) in self.0.chunks(lanes).enumerate() {
            let base = |lane: usize| bases.get(lane).unwrap_or(&Addend::IDENTITY);
            let points = doubled::<I::Field>(Point::from_addends(base, Mask::NONE), windows);
            for (j, (point, z_inverse)) in points.iter().zip(z_inverses(&points)).enumerate() {
                for (lane, addend) in point.addends(z_inverse).enumerate().take(bases.len()) {
                    out[j * self.0.len() + first * lanes + lane] = addend;
                }
            }
        }
        out
    }
}

/// P, 2^c·P, 2^(2c)·P, ….
#[inline(always)]
fn doubled<F: Lanes>(mut point: Point<F>, count: usize) -> Vec<Point<F>> {
    let mut points = Vec::with_capacity(count);
    for _ in 0..count {
        points.push(point);
        for _ in 0..WIDTH.0 {
            point = point.double();
        }
    }
    points
}

/// 1/Z of all points, with one inversion (Montgomery's trick). No Z is 0: the addition is complete.
#[inline(always)]
fn z_inverses<F: Lanes>(points: &[Point<F>]) -> Vec<F> {
    let mut product = F::splat(Fe::ONE);
    let mut inverses = Vec::with_capacity(points.len());
    for p in points {
        inverses.push(product);
        product = product.mul(p.z);
    }
    let mut rest = inverse(product);
    for (i, p) in points.iter().enumerate().rev() {
        inverses[i] = inverses[i].mul(rest);
        rest = rest.mul(p.z);
    }
    inverses
}
