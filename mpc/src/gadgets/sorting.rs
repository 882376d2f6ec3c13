//! Sorting and merging lanes, and finding the largest: bitonic networks of compare-and-exchange.
//!
//! Which lanes are compared is public and depends only on the number of lanes. A network for `2^k` lanes
//! sorts any smaller number of lanes too, because all comparators put the smaller number into the lower lane:
//! missing lanes behave as if they held the largest number at the end, and never move. (Batcher 1968,
//! *Sorting networks and their applications*.)
//!
//! Comparing `w`-bit records by a key in their lowest `k` bits costs `k + w` gates for each comparator. All
//! comparators of a step run in lock-step. Sorting `n = 2^m` lanes takes `n·m(m+1)/4` comparators, merging
//! into `n` lanes `n·m/2`.
//!
//! Numbers are unsigned. To sort signed ones, flip the sign bit of the key before and after, which is free
//! ([`Comparison::flip_sign`]). Not guaranteed: stability. Records with equal keys may change places.

use super::{Comparison, Selection, Words};
use crate::Fancy;

/// Sorting of lanes.
pub trait Sorting: Fancy {
    /// The lanes in ascending order of their lowest `key` bits.
    ///
    /// ```
    /// use sotto_mpc::gadgets::Sorting;
    /// use sotto_mpc::{Plain, Words};
    ///
    /// let words = Words::from_rows(2, &[true, true, false, true, true, false]); // 3, 2, 1
    /// let sorted = Plain.sort(&words, 2)?;
    /// assert_eq!(sorted, Words::from_rows(2, &[true, false, false, true, true, true])); // 1, 2, 3
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the key has no bits, or more than the words.
    fn sort(&mut self, x: &Words<Self::Wire>, key: usize) -> Result<Words<Self::Wire>, Self::Error> {
        let mut x = x.clone();
        let mut sorted = 1;
        while sorted < x.lanes() {
            sorted *= 2;
            // Both halves ascend, so the first half followed by the reversed second half is bitonic.
            exchange(self, &mut x, key, sorted - 1)?;
            clean(self, &mut x, key, sorted / 2)?;
        }
        Ok(x)
    }

    /// The lanes of both operands in ascending order of their lowest `key` bits; each operand must already be
    /// in this order.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the widths differ, or the key has no bits or more than the words.
    fn merge(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
        key: usize,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!(x.width(), y.width());
        // Descending, then ascending: a bitonic sequence.
        let wires = x.bits().zip(y.bits()).flat_map(|(x, y)| x.iter().rev().chain(y)).copied();
        let lanes = x.lanes() + y.lanes();
        let mut both = Words::new(lanes, wires.collect());
        clean(self, &mut both, key, lanes.next_power_of_two())?;
        Ok(both)
    }

    /// The largest number and the index of its lane, the first one if there are several. Both have one lane;
    /// the index has as many bits as the number of the last lane. At most `(n − 1)(2w + index bits)` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    #[allow(clippy::type_complexity)]
    fn arg_max(
        &mut self,
        x: &Words<Self::Wire>,
    ) -> Result<(Words<Self::Wire>, Words<Self::Wire>), Self::Error> {
        // A tournament of neighbours; the index of a winner gets one bit in each round.
        let (mut best, mut index) = (x.clone(), Words::new(x.lanes(), Vec::new()));
        while best.lanes() > 1 {
            let pairs = best.lanes() / 2;
            let halves = |words: &Words<Self::Wire>, first| words.gathered((0..pairs).map(|i| 2 * i + first));
            let (low, high) = (halves(&best, 0), halves(&best, 1));
            let wins = self.greater(&high, &low)?;
            let mut winner = self.select(&wins, &high, &low)?;
            let mut place = self.select(&wins, &halves(&index, 1), &halves(&index, 0))?.appended(&wins);
            if best.lanes() > 2 * pairs {
                let last = best.lanes() - 1..best.lanes();
                let bye = index.lanes_in(last.clone()).appended(&[Self::Wire::default()]);
                (winner, place) = (winner.joined(&best.lanes_in(last)), place.joined(&bye));
            }
            (best, index) = (winner, place);
        }
        Ok((best, index))
    }
}

impl<F: Fancy + ?Sized> Sorting for F {}

/// Sorts bitonic runs whose length is `length`, a power of two.
fn clean<F: Fancy + ?Sized>(
    f: &mut F,
    x: &mut Words<F::Wire>,
    key: usize,
    length: usize,
) -> Result<(), F::Error> {
    let mut stride = length / 2;
    while stride > 0 {
        exchange(f, x, key, stride)?;
        stride /= 2;
    }
    Ok(())
}

/// Compares each lane `i` with lane `i ⊕ mask`, and puts the smaller number into the lower lane.
fn exchange<F: Fancy + ?Sized>(
    f: &mut F,
    x: &mut Words<F::Wire>,
    key: usize,
    mask: usize,
) -> Result<(), F::Error> {
    assert!((1..=x.width()).contains(&key));
    let lows = (0..x.lanes()).filter(|i| (i + 1..x.lanes()).contains(&(i ^ mask)));
    let low = x.gathered(lows.clone());
    let high = x.gathered(lows.clone().map(|i| i ^ mask));
    let swap = f.greater(&low.clone().truncated(key), &high.clone().truncated(key))?;
    let n = low.wires().len();
    let (mut change, mut changed) = (vec![F::Wire::default(); n], vec![F::Wire::default(); n]);
    f.xor_n(low.wires(), high.wires(), &mut change);
    let swaps: Vec<_> = swap.iter().copied().cycle().take(n).collect();
    f.and_n(&swaps, &change, &mut changed)?;
    let (pairs, lanes) = (low.lanes(), x.lanes());
    let mut wires = x.wires().to_vec();
    for (bit, changed) in wires.chunks_exact_mut(lanes).zip(changed.chunks_exact(pairs)) {
        for (i, changed) in lows.clone().zip(changed) {
            bit[i] = f.xor(bit[i], *changed);
            bit[i ^ mask] = f.xor(bit[i ^ mask], *changed);
        }
    }
    *x = Words::new(lanes, wires);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fancy::{Count, Plain};

    fn words(numbers: &[u32]) -> Words<bool> {
        let rows: Vec<bool> = numbers.iter().flat_map(|n| (0..10).map(move |i| n >> i & 1 == 1)).collect();
        Words::from_rows(10, &rows)
    }

    fn numbers(words: &Words<bool>) -> Vec<u32> {
        let number = |lane| words.lane(lane).enumerate().map(|(i, bit)| u32::from(bit) << i).sum();
        (0..words.lanes()).map(number).collect()
    }

    /// A network sorts all numbers if it sorts all zeros and ones.
    #[test]
    fn sorts_zeros_and_ones_in_any_number_of_lanes() {
        for n in 1..=11usize {
            for bits in 0..1u32 << n {
                let x: Vec<u32> = (0..n).map(|i| bits >> i & 1).collect();
                let Ok(sorted) = Plain.sort(&words(&x), 1);
                let ones = bits.count_ones() as usize;
                assert_eq!(numbers(&sorted), [vec![0; n - ones], vec![1; ones]].concat(), "{n} {bits:b}");
            }
        }
    }

    #[test]
    fn merges_any_two_numbers_of_lanes() {
        for (m, n) in (1..=9).flat_map(|m| (1..=9).map(move |n| (m, n))) {
            for (i, j) in (0..=m).flat_map(|i| (0..=n).map(move |j| (i, j))) {
                let run = |n: usize, ones: usize| words(&[vec![0; n - ones], vec![1; ones]].concat());
                let Ok(merged) = Plain.merge(&run(m, i), &run(n, j), 1);
                assert_eq!(merged, run(m + n, i + j), "{m} {n} {i} {j}");
            }
        }
    }

    #[test]
    fn records_move_whole_and_only_the_key_counts() {
        let x = [0x3c5, 0x001, 0x3f4, 0x102, 0x203];
        let Ok(sorted) = Plain.sort(&words(&x), 4);
        assert_eq!(numbers(&sorted), [0x001, 0x102, 0x203, 0x3f4, 0x3c5]);
    }

    #[test]
    fn the_first_of_the_largest_is_found() {
        for n in 1..=9usize {
            for seed in 0..50 {
                let x: Vec<u32> = (0..n).map(|i| (seed * 7 + i as u32 * (seed + 3)) % 5).collect();
                let Ok((max, index)) = Plain.arg_max(&words(&x));
                let expected = *x.iter().max().unwrap();
                let at = x.iter().position(|x| *x == expected).unwrap() as u32;
                assert_eq!((numbers(&max), numbers(&index)), (vec![expected], vec![at]), "{x:?}");
                assert_eq!(index.width(), n.next_power_of_two().ilog2() as usize);
            }
        }
    }

    #[test]
    fn costs_what_it_says() {
        let cost = |run: &dyn Fn(&mut Count, &Words<_>)| {
            let mut count = Count::default();
            run(&mut count, &Words::new(16, vec![Default::default(); 16 * 10]));
            count.cost().and_gates
        };
        assert_eq!(cost(&|f, x| drop(f.sort(x, 4))), 16 * 4 * 5 / 4 * (4 + 10));
        assert_eq!(cost(&|f, x| drop(f.merge(x, x, 4))), 32 * 5 / 2 * (4 + 10));
        assert!(cost(&|f, x| drop(f.arg_max(x))) <= 15 * (2 * 10 + 4));
    }
}
