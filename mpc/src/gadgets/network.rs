//! Sorting and merging of large tables in memory, and taking a row by a secret index: networks that are made
//! as they run.
//!
//! ```text
//! sort     Batcher's merge exchange, for any number of rows (Knuth, TAOCP 3, 5.2.2, algorithm M):
//!          passes (p, d, r) compare row i with row i + d for each i with i & p = r
//! merge    bitonic: the first rows reversed, then the second; passes (d, d, 0) for d = 2^k, …, 2, 1
//! lookup   a tree of choices between neighbours, from the lowest bit of the index
//! ```
//!
//! A pass is a few numbers, and its comparators are found as they are needed and run [`LANES`] at a time in
//! lock-step, so beyond the table itself memory is that of [`LANES`] rows. A comparator of rows of `w` bits by
//! a key of `k` bits costs `k + w` gates, a lookup among `n` rows `(n − 1)·w`.
//!
//! **Sorts are stable**: rows with equal keys keep their order. Where the key does not cover the row, the
//! number of each row is appended to it as the lowest part of the key, and taken off at the end.
//!
//! [`Sorting`](super::Sorting) does the same for words that are small enough to be compared all at once.

use super::{Comparison, Selection, Words};
use crate::Fancy;
use crate::fancy::{Cost, Count};

/// Comparators that run in lock-step.
const LANES: usize = 128;

/// The logarithm of the number of rows among which a lookup chooses at once.
const CHOICES: usize = 8;

/// A bit of the key by which rows are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyBit {
    /// Its place in the row.
    pub(crate) place: u32,
    /// Whether rows with a zero come after those with a one.
    pub(crate) descends: bool,
}

/// How rows are ordered: the bits of their key, the lowest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'k> {
    /// The bits of a row.
    pub(crate) width: usize,
    pub(crate) key: &'k [KeyBit],
}

/// The comparators of a pass: row `i` with row `i + span`, for each `i` whose bit `bit` is that of `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    span: usize,
    bit: usize,
    value: usize,
}

impl Pass {
    fn pairs(self, rows: usize) -> impl Iterator<Item = (usize, usize)> {
        let lower = (0..rows.saturating_sub(self.span)).filter(move |i| i & self.bit == self.value);
        lower.map(move |i| (i, i + self.span))
    }

    /// The number of its comparators.
    fn count(self, rows: usize) -> u64 {
        let lower = rows.saturating_sub(self.span);
        let (whole, rest) = (lower / (2 * self.bit), lower % (2 * self.bit));
        let last = if self.value == 0 { rest.min(self.bit) } else { rest.saturating_sub(self.bit) };
        (whole * self.bit + last) as u64
    }
}

/// The passes that sort this many rows.
fn sorting(rows: usize) -> Vec<Pass> {
    let mut passes = Vec::new();
    let top = rows.next_power_of_two() / 2;
    let mut bit = top;
    while bit > 0 {
        passes.push(Pass { span: bit, bit, value: 0 });
        let mut q = top;
        while q > bit {
            passes.push(Pass { span: q - bit, bit, value: bit });
            q /= 2;
        }
        bit /= 2;
    }
    passes
}

/// The passes that sort this many rows that first descend and then ascend.
fn merging(rows: usize) -> Vec<Pass> {
    let mut spans = vec![rows.next_power_of_two() / 2];
    while let Some(span) = spans.last().filter(|span| **span > 1) {
        spans.push(span / 2);
    }
    spans.into_iter().filter(|span| *span > 0).map(|span| Pass { span, bit: span, value: 0 }).collect()
}

impl Order<'_> {
    /// Whether rows with equal keys are equal.
    fn covers(&self) -> bool {
        let mut places: Vec<u32> = self.key.iter().map(|bit| bit.place).collect();
        places.sort_unstable();
        places.dedup();
        places.len() == self.width
    }

    /// The bits that number this many rows, if they have to be numbered.
    fn numbering(&self, rows: usize) -> usize {
        if self.covers() { 0 } else { rows.next_power_of_two().trailing_zeros() as usize }
    }

    /// The cost of sorting this many rows; its depth is that of one comparator.
    pub(crate) fn cost_of_sort(&self, rows: usize) -> Cost {
        let extra = self.numbering(rows);
        let key: Vec<_> = numbers(self.width, extra).chain(self.key.iter().copied()).collect();
        Order { width: self.width + extra, key: &key }.cost(&sorting(rows), rows)
    }

    /// The cost of merging into this many rows; its depth is that of one comparator.
    pub(crate) fn cost_of_merge(&self, rows: usize) -> Cost {
        self.cost(&merging(rows), rows)
    }

    fn cost(&self, passes: &[Pass], rows: usize) -> Cost {
        let comparators: u64 = passes.iter().map(|pass| pass.count(rows)).sum();
        let (mut count, mut two) = (Count::default(), vec![Default::default(); 2 * self.width]);
        let Ok(()) = exchange(&mut count, &mut two, *self, &[(0, 1)]);
        let one = count.cost();
        Cost {
            and_gates: one.and_gates.saturating_mul(comparators),
            free_gates: one.free_gates.saturating_mul(comparators),
            depth: one.depth,
        }
    }
}

/// The bits of a row's number, which stand after its other bits.
fn numbers(width: usize, bits: usize) -> impl Iterator<Item = KeyBit> {
    (width..width + bits).map(|place| KeyBit { place: place as u32, descends: false })
}

/// Sorts rows, each with its bits one after the other.
///
/// # Errors
/// As [`Fancy::and_n`].
pub(crate) fn sort<F: Fancy>(
    f: &mut F,
    mut rows: Vec<F::Wire>,
    order: Order<'_>,
) -> Result<Vec<F::Wire>, F::Error> {
    let Order { width, key } = order;
    let count = rows.len().checked_div(width).unwrap_or(0);
    let extra = order.numbering(count);
    if count < 2 {
        return Ok(rows);
    }
    if extra > 0 {
        let bits = [f.constant(false), f.constant(true)];
        let mut numbered = Vec::with_capacity(count * (width + extra));
        for (i, row) in rows.chunks_exact(width).enumerate() {
            numbered.extend_from_slice(row);
            numbered.extend((0..extra).map(|bit| bits[i >> bit & 1]));
        }
        rows = numbered;
    }
    let key: Vec<_> = numbers(width, extra).chain(key.iter().copied()).collect();
    run(f, &mut rows, Order { width: width + extra, key: &key }, &sorting(count))?;
    if extra > 0 {
        // In place: the rows move to the front of their memory.
        for i in 0..count {
            let from = i * (width + extra);
            rows.copy_within(from..from + width, i * width);
        }
        rows.truncate(count * width);
        rows.shrink_to_fit();
    }
    Ok(rows)
}

/// Sorts rows that first descend and then ascend: two tables that ascend, the first one reversed.
///
/// # Errors
/// As [`Fancy::and_n`].
pub(crate) fn merge<F: Fancy>(
    f: &mut F,
    mut rows: Vec<F::Wire>,
    order: Order<'_>,
) -> Result<Vec<F::Wire>, F::Error> {
    let passes = merging(rows.len() / order.width.max(1));
    run(f, &mut rows, order, &passes)?;
    Ok(rows)
}

fn run<F: Fancy>(f: &mut F, rows: &mut [F::Wire], order: Order<'_>, passes: &[Pass]) -> Result<(), F::Error> {
    let mut now = Vec::with_capacity(LANES);
    for pass in passes {
        let mut pairs = pass.pairs(rows.len() / order.width);
        loop {
            now.clear();
            now.extend(pairs.by_ref().take(LANES));
            if now.is_empty() {
                break;
            }
            exchange(f, rows, order, &now)?;
        }
    }
    Ok(())
}

/// Puts the smaller row of each pair into the first place; no row is in two pairs.
fn exchange<F: Fancy>(
    f: &mut F,
    rows: &mut [F::Wire],
    Order { width, key }: Order<'_>,
    pairs: &[(usize, usize)],
) -> Result<(), F::Error> {
    let lanes = pairs.len();
    let bits =
        |of: fn(&(usize, usize)) -> usize, bit: usize| pairs.iter().map(move |pair| of(pair) * width + bit);
    let (mut low, mut high) = (Vec::with_capacity(lanes * width), Vec::with_capacity(lanes * width));
    for bit in 0..width {
        low.extend(bits(|pair| pair.0, bit).map(|at| rows[at]));
        high.extend(bits(|pair| pair.1, bit).map(|at| rows[at]));
    }
    let of_key = |f: &mut F, wires: &[F::Wire]| {
        let mut words = Vec::with_capacity(lanes * key.len());
        for KeyBit { place, descends } in key {
            let place = *place as usize;
            let bit = &wires[place * lanes..(place + 1) * lanes];
            words.extend(bit.iter().map(|bit| if *descends { f.not(*bit) } else { *bit }));
        }
        Words::new(lanes, words)
    };
    let (low_key, high_key) = (of_key(f, &low), of_key(f, &high));
    let swap = f.greater(&low_key, &high_key)?;
    let (mut change, mut changed) = (low.clone(), vec![F::Wire::default(); low.len()]);
    f.xor_n(&low, &high, &mut change);
    let swaps: Vec<_> = swap.iter().copied().cycle().take(low.len()).collect();
    f.and_n(&swaps, &change, &mut changed)?;
    for (bit, changed) in changed.chunks_exact(lanes).enumerate() {
        for ((i, j), changed) in pairs.iter().zip(changed) {
            let (i, j) = (i * width + bit, j * width + bit);
            (rows[i], rows[j]) = (f.xor(rows[i], *changed), f.xor(rows[j], *changed));
        }
    }
    Ok(())
}

/// The row with this number, the lowest bit first; some row if there are fewer.
///
/// # Errors
/// As [`Fancy::and_n`].
///
/// # Panics
/// If there are no rows, or they have no bits.
pub(crate) fn lookup<F: Fancy>(
    f: &mut F,
    rows: &[F::Wire],
    width: usize,
    index: &[F::Wire],
) -> Result<Vec<F::Wire>, F::Error> {
    let (now, later) = index.split_at(index.len().min(CHOICES));
    let mut chosen = Vec::new();
    for rows in rows.chunks(width << CHOICES) {
        let mut rows = Words::from_rows(width, rows);
        for bit in now {
            let (pairs, odd) = (rows.lanes() / 2, rows.lanes() % 2);
            if pairs == 0 {
                break;
            }
            let half = |first| rows.gathered((0..pairs).map(|i| 2 * i + first));
            let winners = f.select(&vec![*bit; pairs], &half(1), &half(0))?;
            let last = rows.lanes() - 1;
            rows = if odd == 1 { winners.joined(&rows.lanes_in(last..last + 1)) } else { winners };
        }
        chosen.extend(rows.lane(0));
    }
    if chosen.len() > width && !later.is_empty() {
        lookup(f, &chosen, width, later)
    } else {
        chosen.truncate(width);
        Ok(chosen)
    }
}

/// The cost of a lookup among this many rows; its depth is that of one choice.
pub(crate) fn cost_of_lookup(rows: usize, width: usize) -> Cost {
    let choices = (rows.saturating_sub(1) as u64).saturating_mul(width as u64);
    Cost { and_gates: choices, free_gates: choices.saturating_mul(2), depth: 1 }
}

#[cfg(test)]
mod tests;
