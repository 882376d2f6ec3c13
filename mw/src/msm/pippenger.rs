//! `Σ aᵢ·Pᵢ`, its windows shared out over the threads.
//!
//! Each window's buckets are summed in N segments, one a lane; then the segments' sums of N windows are put together, one window
//! a lane. With m buckets a segment:
//!
//! ```text
//! bucket l·m + i + 1 = Bₗᵢ      Sₗ = Σᵢ Bₗᵢ      Tₗ = Σᵢ (i + 1)·Bₗᵢ      window = Σₗ Tₗ + m·Σₗ l·Sₗ
//! ```

use super::{
    backend::{Backend, Instructions, Kernel},
    buckets::{accumulate, reduce},
    curve::{Addend, Point, PointRow},
    digits::{Digits, Width, Words},
    field::Fe,
    lanes::Field,
};
use rayon::prelude::*;

/// Digits that make a task worth handing to a thread.
const TASK_DIGITS: usize = 2048;

/// `Σ aᵢ·Pᵢ`.
pub(super) fn sum_of_products(backend: Backend, points: &[Addend], scalars: &[Words]) -> Point<Fe> {
    let width = best_width(points.len());
    let scalars: Vec<Digits> = scalars.par_iter().with_min_len(256).map(|a| Digits::new(a, width)).collect();
    let windows: Vec<usize> = (0..width.windows()).collect();
    let per_task = TASK_DIGITS.div_ceil(points.len().max(1));
    let segments = windows.par_chunks(per_task).flat_map_iter(|windows| {
        let digits: Vec<i16> = windows.iter().flat_map(|j| scalars.iter().map(|a| a.digit(*j))).collect();
        backend.run(Segments { points, digits: &digits, width })
    });
    let windows = backend.run(Windows { segments: &segments.collect::<Vec<_>>(), width });
    let shifted = |sum: Point<Fe>| (0..width.0).fold(sum, |sum, _| sum.double());
    windows.into_iter().rev().reduce(|sum, window| shifted(sum).add(&window)).unwrap_or(Point::IDENTITY)
}

/// `Σ dᵢ·Pᵢ` for digits of at most 2^(c−1).
pub(super) fn sum_of_digits(backend: Backend, points: &[Addend], digits: &[i16], width: Width) -> Point<Fe> {
    let segments = backend.run(Segments { points, digits, width });
    let windows = backend.run(Windows { segments: &segments, width });
    windows.first().copied().unwrap_or(Point::IDENTITY)
}

/// The width with the fewest products modulo p, by lane, for n points.
fn best_width(n: usize) -> Width {
    // A point's addition; a bucket's start and its two additions; a segment's share of the rest.
    let cost = |c: &usize| Width(*c).windows() * (7 * n + 13 * Width(*c).buckets() + 225);
    Width((Width::LEAST.0..=13).min_by_key(cost).unwrap_or(Width::LEAST.0))
}

/// For each window of digits, S₀ … and then T₀ ….
struct Segments<'a> {
    points: &'a [Addend],
    digits: &'a [i16],
    width: Width,
}

impl Kernel for Segments<'_> {
    type Output = Vec<PointRow>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<PointRow> {
        let (lanes, buckets) = (I::Field::N, self.width.buckets());
        let windows = self.digits.len() / self.points.len().max(1);
        let mut rows = vec![PointRow::IDENTITY; windows * buckets];
        accumulate::<I::Field>(self.points, self.digits, buckets, &mut rows);
        let m = buckets / lanes;
        let mut out = Vec::with_capacity(windows * 2 * lanes);
        for window in rows.chunks_exact(buckets) {
            let (s, t) = reduce::<I::Field>(window, m, m);
            out.extend(s.store());
            out.extend(t.store());
        }
        out
    }
}

/// The windows' sums from their segments.
struct Windows<'a> {
    segments: &'a [PointRow],
    width: Width,
}

impl Kernel for Windows<'_> {
    type Output = Vec<Point<Fe>>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<Point<Fe>> {
        let lanes = I::Field::N;
        let mut sums = Vec::with_capacity(self.segments.len() / lanes);
        for group in self.segments.chunks(2 * lanes * lanes) {
            let (_, mut sum) = reduce::<I::Field>(&group[1..], lanes - 1, 2 * lanes);
            for _ in 0..(self.width.buckets() / lanes).ilog2() {
                sum = sum.double();
            }
            let (t, _) = reduce::<I::Field>(&group[lanes..], lanes, 2 * lanes);
            let rows = sum.add(&t).store().take(group.len() / (2 * lanes));
            sums.extend(rows.map(|row| Point::load(|_| &row)));
        }
        sums
    }
}
