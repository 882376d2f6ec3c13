//! Pippenger's buckets, N at a time: `Σ digit·point` for each window of digits.
//!
//! ```text
//! bucket b = Σ of the points whose digit is ±b, with that sign        window = Σ b·bucket b
//! ```
//!
//! A counting sort first lists the points of each bucket. Buckets with lists of similar length go side by
//! side, and each lane adds up one bucket in registers: two lanes never touch the same bucket, and no sum is
//! stored before it is complete. Then the sums of the windows are taken, one window in each lane.

use super::{
    curve::{Addend, Point, PointRow},
    lanes::{Lanes, Mask},
};

/// The points of each bucket. Tasks reuse the memory.
#[derive(Default)]
struct Lists {
    /// List k is at `starts[k]..starts[k + 1]`. Each window has one list for its zeros, then one a bucket.
    starts: Vec<u32>,
    /// Twice the point's index, plus one for its negation.
    entries: Vec<u32>,
    /// All buckets of all windows, those with the longest lists first.
    order: Vec<u32>,
    next: Vec<u32>,
}

impl Lists {
    /// Lists `n` digits a window, none beyond ±`buckets`.
    fn fill(&mut self, digits: &[i16], n: usize, buckets: usize) {
        let windows = digits.len() / n.max(1);
        self.starts.clear();
        self.starts.resize(windows * (buckets + 1) + 1, 0);
        let lists = self.starts[1..].chunks_exact_mut(buckets + 1);
        for (window, counts) in digits.chunks_exact(n.max(1)).zip(lists) {
            for d in window {
                counts[usize::from(d.unsigned_abs())] += 1;
            }
        }
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        self.next.clone_from(&self.starts);
        self.entries.resize(total as usize, 0);
        let lists = self.next.chunks_exact_mut(buckets + 1);
        for (window, next) in digits.chunks_exact(n.max(1)).zip(lists) {
            for (i, d) in (0u32..).zip(window) {
                let slot = &mut next[usize::from(d.unsigned_abs())];
                self.entries[*slot as usize] = 2 * i + u32::from(*d < 0);
                *slot += 1;
            }
        }
        self.sort_by_length(buckets);
    }

    /// The list of bucket `k` of all windows' buckets.
    fn of(&self, k: usize, buckets: usize) -> &[u32] {
        let list = k + k / buckets + 1;
        &self.entries[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// By counting; all above 255 count as 255.
    fn sort_by_length(&mut self, buckets: usize) {
        const LONGEST: u32 = 255;
        let lengths = |starts: &[u32]| -> Vec<u32> {
            let windows = starts[1..].chunks_exact(buckets + 1);
            windows.flat_map(|ends| ends.windows(2).map(|w| (w[1] - w[0]).min(LONGEST))).collect()
        };
        let lengths = lengths(&self.starts);
        let mut next = [0; LONGEST as usize + 1];
        lengths.iter().for_each(|n| next[*n as usize] += 1);
        let mut total = 0;
        for n in next.iter_mut().rev() {
            (*n, total) = (total, total + *n);
        }
        self.order.resize(lengths.len(), 0);
        for (bucket, n) in (0u32..).zip(lengths) {
            let slot = &mut next[n as usize];
            self.order[*slot] = bucket;
            *slot += 1;
        }
    }
}

/// Memory that a task reuses.
#[derive(Default)]
pub(super) struct Scratch {
    /// One window after another, one digit a point.
    pub(super) digits: Vec<i16>,
    lists: Lists,
    /// The sums of all buckets, window after window.
    sums: Vec<PointRow>,
}

impl Scratch {
    pub(super) fn of(digits: Vec<i16>) -> Self {
        Self { digits, ..Self::default() }
    }
}

/// The sums of all buckets of the windows whose digits are in `scratch`, none beyond ±`buckets`.
#[inline(always)]
pub(super) fn accumulate<'a, F: Lanes>(
    points: &[Addend],
    scratch: &'a mut Scratch,
    buckets: usize,
) -> &'a [PointRow] {
    let Scratch { digits, lists, sums: out } = scratch;
    lists.fill(digits, points.len(), buckets);
    out.resize(lists.order.len(), PointRow::IDENTITY);
    for group in lists.order.chunks(F::N) {
        let mut list: [&[u32]; 8] = [&[]; 8];
        for (list, bucket) in list.iter_mut().zip(group) {
            *list = lists.of(*bucket as usize, buckets);
        }
        let sums = sum_lists::<F>(points, &list);
        for (bucket, row) in group.iter().zip(sums.store()) {
            out[*bucket as usize] = row;
        }
    }
    out
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
        for (lane, row) in rows.iter_mut().enumerate().take(F::N) {
            if let Some(entry) = lists[lane].get(i) {
                *row = &points[(entry >> 1) as usize];
                row.prefetch::<F>();
                negate |= (entry & 1) << lane;
            }
        }
        (rows, Mask(negate as u16))
    };
    let (rows, negate) = step(0);
    let mut next = step(1);
    let mut sum = Point::from_addends(|lane| rows[lane], negate);
    for i in 1..longest {
        let (rows, negate) = next;
        next = step(i + 1);
        sum = sum.add_addends(|lane| rows[lane], negate);
    }
    sum
}

/// `(Σ Pᵢ, Σ (i + 1)·Pᵢ)` over `count` rows, `stride` apart from lane to lane; the identity beyond the last
/// row.
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
