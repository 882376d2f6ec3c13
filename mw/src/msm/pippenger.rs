//! `Σ aᵢ·Pᵢ` by Pippenger's method, with the windows distributed over the threads.
//!
//! With few buckets for each window, N windows are summed at once, one in each lane. With many, each window
//! is cut into N segments of m buckets, one in each lane; the segment sums of N windows are then combined
//! with one window in each lane.
//!
//! ```text
//! bucket l·m + i + 1 = Bₗᵢ      Sₗ = Σᵢ Bₗᵢ      Tₗ = Σᵢ (i + 1)·Bₗᵢ      window = Σₗ Tₗ + m·Σₗ l·Sₗ
//! ```

use super::{
    backend::Backend,
    buckets::{Scratch, accumulate, reduce},
    curve::{Addend, Point, PointRow},
    digits::{Recoded, Width, Words},
    field::Fe,
    kernel::{Instructions, Kernel},
    lanes::Field,
};
use rayon::prelude::*;

/// The least number of digits that is worth a task of its own.
const TASK_DIGITS: usize = 2048;
/// Windows no wider than this are not cut into segments.
const WHOLE: Width = Width(6);
/// The greatest number of lanes.
const LANES: usize = 8;

/// `Σ aᵢ·Pᵢ`.
pub(super) fn sum_of_products(backend: Backend, points: &[Addend], scalars: &[Words]) -> Point<Fe> {
    let width = best_width(points.len());
    let scalars = Recoded::new(scalars, width);
    let windows: Vec<usize> = (0..width.windows()).collect();
    let per_task = TASK_DIGITS.div_ceil(points.len().max(1));
    let cut = |scratch: &mut Scratch, windows: &[usize]| {
        scratch.digits.clear();
        backend.run(Cut { scalars: &scalars, windows, out: &mut scratch.digits });
    };
    let sums: Vec<Point<Fe>> = if width.0 <= WHOLE.0 {
        let tasks = windows.par_chunks(per_task.next_multiple_of(LANES));
        let tasks = tasks.map_init(Scratch::default, |scratch, windows| {
            cut(scratch, windows);
            backend.run(WholeWindows { points, scratch, width })
        });
        tasks.flatten_iter().collect()
    } else {
        let tasks = windows.par_chunks(per_task).map_init(Scratch::default, |scratch, windows| {
            cut(scratch, windows);
            backend.run(Segments { points, scratch, width })
        });
        backend.run(Windows { segments: &tasks.flatten_iter().collect::<Vec<_>>(), width })
    };
    let shifted = |sum: Point<Fe>| (0..width.0).fold(sum, |sum, _| sum.double());
    sums.into_iter().rev().reduce(|sum, window| shifted(sum).add(&window)).unwrap_or(Point::IDENTITY)
}

/// `Σ dᵢ·Pᵢ` for digits of at most 2^(c−1): one sum for each list of as many digits as there are points.
pub(super) fn sums_of_digits(
    backend: Backend,
    points: &[Addend],
    digits: Vec<i16>,
    width: Width,
) -> Vec<Point<Fe>> {
    let scratch = &mut Scratch::of(digits);
    let segments = backend.run(Segments { points, scratch, width });
    backend.run(Windows { segments: &segments, width })
}

/// The width with the least work for n points.
fn best_width(n: usize) -> Width {
    // Measured, in products modulo p a lane: a point's addition; a bucket's start and its two additions.
    let cost = |c: &usize| Width(*c).windows() * (7 * n + 19 * Width(*c).buckets());
    Width((Width::LEAST.0..=13).min_by_key(cost).unwrap_or(Width::LEAST.0))
}

/// The digits of some windows, one window after another.
struct Cut<'a> {
    scalars: &'a Recoded,
    windows: &'a [usize],
    out: &'a mut Vec<i16>,
}

impl Kernel for Cut<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        for j in self.windows {
            self.scalars.digits(*j, self.out);
        }
    }
}

/// The sums of the windows whose digits stand in `scratch`.
struct WholeWindows<'a> {
    points: &'a [Addend],
    scratch: &'a mut Scratch,
    width: Width,
}

impl Kernel for WholeWindows<'_> {
    type Output = Vec<Point<Fe>>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<Point<Fe>> {
        let buckets = self.width.buckets();
        let rows = accumulate::<I::Field>(self.points, self.scratch, buckets);
        let mut sums = Vec::with_capacity(rows.len() / buckets);
        for group in rows.chunks(I::Field::N * buckets) {
            let (_, sum) = reduce::<I::Field>(group, buckets, buckets);
            sums.extend(sum.each().take(group.len() / buckets));
        }
        sums
    }
}

/// For each window whose digits stand in `scratch`, S₀ … and then T₀ ….
struct Segments<'a> {
    points: &'a [Addend],
    scratch: &'a mut Scratch,
    width: Width,
}

impl Kernel for Segments<'_> {
    type Output = Vec<PointRow>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<PointRow> {
        let (lanes, buckets) = (I::Field::N, self.width.buckets());
        let rows = accumulate::<I::Field>(self.points, self.scratch, buckets);
        let m = buckets / lanes;
        let mut out = Vec::with_capacity(rows.len() / buckets * 2 * lanes);
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
            sums.extend(sum.add(&t).each().take(group.len() / (2 * lanes)));
        }
        sums
    }
}
