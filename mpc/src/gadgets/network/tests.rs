//! Networks against plain sorting, and what they cost.

use super::*;
use crate::fancy::{Depth, Plain};

const WIDTH: usize = 10;

fn bits(numbers: &[u32]) -> Vec<bool> {
    numbers.iter().flat_map(|n| (0..WIDTH).map(move |i| n >> i & 1 == 1)).collect()
}

fn numbers_of(bits: &[bool]) -> Vec<u32> {
    let number = |row: &[bool]| row.iter().enumerate().map(|(i, bit)| u32::from(*bit) << i).sum();
    bits.chunks_exact(WIDTH).map(number).collect()
}

fn key(places: impl IntoIterator<Item = u32>, descends: bool) -> Vec<KeyBit> {
    places.into_iter().map(|place| KeyBit { place, descends }).collect()
}

/// A network sorts all numbers if it sorts all zeros and ones.
#[test]
fn sorts_zeros_and_ones_in_any_number_of_rows() {
    let key = key(0..1, false);
    for n in 1..=12usize {
        for set in 0..1u32 << n {
            let x: Vec<u32> = (0..n).map(|i| set >> i & 1).collect();
            let mut rows = bits(&x);
            let Ok(()) = run(&mut Plain, &mut rows, Order { width: WIDTH, key: &key }, &sorting(n));
            let ones = set.count_ones() as usize;
            assert_eq!(numbers_of(&rows), [vec![0; n - ones], vec![1; ones]].concat(), "{n} {set:b}");
        }
    }
}

/// Without any one of its comparators, the network does not sort some zeros and ones.
#[test]
fn no_comparator_is_one_too_many() {
    let key = key(0..1, false);
    let n = 8;
    let pairs: Vec<_> = sorting(n).into_iter().flat_map(|pass| pass.pairs(n)).collect();
    assert_eq!(pairs.len(), 19, "as Batcher's network of eight");
    for left_out in 0..pairs.len() {
        let fails = (0..1u32 << n).any(|set| {
            let mut rows = bits(&(0..n).map(|i| set >> i & 1).collect::<Vec<_>>());
            for (_, pair) in pairs.iter().enumerate().filter(|(at, _)| *at != left_out) {
                let Ok(()) = exchange(&mut Plain, &mut rows, Order { width: WIDTH, key: &key }, &[*pair]);
            }
            !numbers_of(&rows).is_sorted()
        });
        assert!(fails, "{:?}", pairs[left_out]);
    }
}

#[test]
fn sorts_are_stable_in_both_directions() {
    let x: Vec<u32> = (0..300).map(|i| (i * 7 % 5) | i << 3).map(|n| n & 0x3ff).collect();
    for descends in [false, true] {
        let key = key(0..3, descends);
        let Ok(sorted) = sort(&mut Plain, bits(&x), Order { width: WIDTH, key: &key });
        let mut expected = x.clone();
        expected.sort_by_key(|n| if descends { 7 - (n & 7) } else { n & 7 });
        assert_eq!(numbers_of(&sorted), expected);
    }
}

#[test]
fn merges_any_two_numbers_of_rows() {
    let key = key(0..1, false);
    let run = |n: usize, ones: usize| bits(&[vec![0; n - ones], vec![1; ones]].concat());
    for (m, n) in (0..=9).flat_map(|m| (1..=9).map(move |n| (m, n))) {
        for (i, j) in (0..=m).flat_map(|i| (0..=n).map(move |j| (i, j))) {
            let rows = bits(&[vec![1; i], vec![0; m - i], vec![0; n - j], vec![1; j]].concat());
            let Ok(merged) = merge(&mut Plain, rows, Order { width: WIDTH, key: &key });
            assert_eq!(merged, run(m + n, i + j), "{m} {n} {i} {j}");
        }
    }
}

#[test]
fn rows_are_found_by_their_numbers() {
    for n in [1, 2, 3, 7, 255, 256, 257, 600, 1000] {
        let rows: Vec<u32> = (0..n).map(|i| (i * 37 + 5) & 0x3ff).collect();
        for i in (0..n).filter(|i| n < 20 || i % 13 == 0 || i + 1 == n) {
            let index: Vec<bool> = (0..10).map(|bit| i >> bit & 1 == 1).collect();
            let Ok(row) = lookup(&mut Plain, &bits(&rows), WIDTH, &index);
            assert_eq!(numbers_of(&row), [rows[i as usize]], "{i} of {n}");
        }
    }
}

#[test]
fn costs_are_known_beforehand() {
    let wires = |n: usize| vec![Depth::default(); n * WIDTH];
    for n in [1usize, 2, 3, 8, 100, 129, 1000] {
        for places in [0..4u32, 0..10] {
            let key = key(places, false);
            let order = Order { width: WIDTH, key: &key };
            let mut count = Count::default();
            let Ok(_) = sort(&mut count, wires(n), order);
            let (cost, known) = (count.cost(), order.cost_of_sort(n));
            assert_eq!((cost.and_gates, cost.free_gates), (known.and_gates, known.free_gates), "{n}");
            let mut count = Count::default();
            let Ok(_) = merge(&mut count, wires(n + 3), order);
            assert_eq!(count.cost().and_gates, order.cost_of_merge(n + 3).and_gates);
        }
        let mut count = Count::default();
        let Ok(_) = lookup(&mut count, &wires(n), WIDTH, &[Depth::default(); 10]);
        let (cost, known) = (count.cost(), cost_of_lookup(n, WIDTH));
        assert_eq!((cost.and_gates, cost.free_gates), (known.and_gates, known.free_gates), "{n}");
    }
    // 65,536 numbers of 32 bits: 3,997,695 comparators of 64 gates.
    let key = key(0..32, false);
    let cost = Order { width: 32, key: &key }.cost_of_sort(1 << 16);
    assert_eq!(cost.and_gates, 64 * 3_997_695);
}
