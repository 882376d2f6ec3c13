//! Pippenger's buckets, N at a time: `Σ digit·point` for each window of digits.
//!
//! ```text
//! bucket b = Σ of the points whose digit is ±b, with that sign        window = Σ b·bucket b
//! ```
//!
//! The points of each bucket are listed first (a counting sort), buckets with lists of nearly equal length are put side
//! by side, and each lane adds up one bucket in registers: no two lanes ever touch the same bucket, and no sum goes to memory
//! before it is complete. The windows' own sums are then taken with one window a lane.

use super::{
    curve::{Addend, Point, PointRow},
    lanes::{Lanes, Mask},
};

/// Which points go to which bucket: bucket k holds `entries[starts[k]..starts[k + 1]]`.
///
/// An entry is twice the point's index, plus one for its negation.
struct Lists {
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl Lists {
    /// Lists `n` digits a window; digits of window j go to buckets `j·buckets + |d| − 1`, zeros nowhere.
    fn new(digits: &[i16], n: usize, buckets: usize) -> Self {
        let windows = digits.len() / n;
        // Slot 0 of each window's part counts its zeros.
        let mut ends = vec![0u32; windows * buckets + 1];
        for (j, window) in digits.chunks_exact(n).enumerate() {
            let counts = &mut ends[j * buckets + 1..(j + 1) * buckets + 1];
            for d in window.iter().filter(|d| **d != 0) {
                counts[usize::from(d.unsigned_abs()) - 1] += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut entries = vec![0; total as usize];
        let mut next = ends.clone();
        for (j, window) in digits.chunks_exact(n).enumerate() {
            let next = &mut next[j * buckets..(j + 1) * buckets];
            for (i, d) in window.iter().enumerate().filter(|(_, d)| **d != 0) {
                let slot = &mut next[usize::from(d.unsigned_abs()) - 1];
                entries[*slot as usize] = 2 * i as u32 + u32::from(*d < 0);
                *slot += 1;
            }
        }
        Self { starts: ends, entries }
    }

    fn of(&self, bucket: usize) -> &[u32] {
        &self.entries[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    /// All buckets, those with the longest lists first.
    fn by_length(&self) -> Vec<u32> {
        const LONGEST: usize = 255;
        let length = |w: &[u32]| ((w[1] - w[0]) as usize).min(LONGEST);
        let mut next = [0; LONGEST + 1];
        self.starts.windows(2).for_each(|w| next[length(w)] += 1);
        let mut total = 0;
        for n in next.iter_mut().rev() {
            (*n, total) = (total, total + *n);
        }
        let mut order = vec![0; self.starts.len() - 1];
        for (bucket, w) in self.starts.windows(2).enumerate() {
            let slot = &mut next[length(w)];
            order[*slot] = bucket as u32;
            *slot += 1;
        }
        order
    }
}

/// The sums of all buckets of some windows, window after window.
///
/// `digits` are one window after another, one digit a point, none beyond ±`buckets`.
#[inline(always)]
pub(super) fn accumulate<F: Lanes>(points: &[Addend], digits: &[i16], buckets: usize, out: &mut [PointRow]) {
    let lists = Lists::new(digits, points.len(), buckets);
    for group in lists.by_length().chunks(F::N) {
        let mut list: [&[u32]; 8] = [&[]; 8];
        for (list, bucket) in list.iter_mut().zip(group) {
            *list = lists.of(*bucket as usize);
        }
        let sums = sum_lists::<F>(points, &list);
        for (bucket, row) in group.iter().zip(sums.store()) {
            out[*bucket as usize] = row;
        }
    }
}

/// The sum of each list, one a lane; the first list is among the longest.
#[inline(always)]
fn sum_lists<F: Lanes>(points: &[Addend], lists: &[&[u32]; 8]) -> Point<F> {
    let longest = lists.iter().map(|l| l.len()).max().unwrap_or(0);
    if longest == 0 {
        return Point::identity();
    }
    let step = |i: usize| {
        let mut rows = [&Addend::IDENTITY; 8];
        let mut negate = 0;
        for lane in 0..F::N {
            if let Some(entry) = lists[lane].get(i) {
                rows[lane] = &points[(entry >> 1) as usize];
                negate |= (entry as &u32 & 1) << lane;
            }
        }
        (rows, Mask(negate as u16))
    };
    let (rows, negate) = step(0);
    let mut sum = Point::from_addends(|lane| rows[lane], negate);
    for i in 1..longest {
        let (rows, negate) = step(i);
        sum = sum.add_addends(|lane| rows[lane], negate);
    }
    sum
}

/// `(Σ Pᵢ, Σ (i + 1)·Pᵢ)` over `count` rows, `stride` apart from lane to lane; the identity beyond the last row.
#[inline(always)]
pub(super) fn reduce<F: Lanes>(rows: &[PointRow], count: usize, stride: usize) -> (Point<F>, Point<F>) {
    let mut running = Point::identity();
    let mut total = Point::identity();
    for i in (0..count).rev() {
        let next = Point::load(|lane| rows.get(lane * stride + i).unwrap_or(&PointRow::IDENTITY));
        running = if i + 1 == count { next } else { running.add(&next) };
        total = if i + 1 == count { next } else { total.add(&running) };
    }
    (running, total)
}
