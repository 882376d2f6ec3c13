//! Loops that make tables row by row: the same results as the language's own circuits, in circuits that do not grow
//! with the rows.

use crate::compiler::compiler;
use crate::language::tables::{ascending, sort};
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};

/// Sources, how many tables their loops make, and which of their parameters are streamed.
const MAPS: &[(&str, u64, &[bool])] = &[
    (
        "pub fn main(rows: [u16; 40], y: u16) -> [(u16, bool); 40] {
            let mut out = [(0u16, false); 40];
            for i in 0usize..40usize { out[i] = (rows[i] ^ y, rows[i] > y); }
            out
        }",
        1,
        &[true, false],
    ),
    // Some rows alone, those beside the row, and what is carried from row to row; the others stay as they were.
    (
        "pub fn main(rows: [u8; 50], y: u8) -> [u8; 50] {
            let mut out = [y; 50];
            let mut before = 0u8;
            for i in 1usize..48usize {
                before = before ^ rows[i - 1usize] ^ (rows[i + 2usize] >> 1u8);
                out[i] = before;
            }
            out
        }",
        2,
        &[false, false],
    ),
    // Two tables in one loop, parts of rows, places of an array in a row, arms that assign and arms that do not.
    (
        "struct R { a: u8, b: [u8; 2] }
        pub fn main(rows: [R; 33], y: u8) -> [R; 33] {
            let mut one = rows;
            let mut two = [7u16; 33];
            for i in 0usize..33usize {
                one[i].a = one[i].a ^ y;
                if rows[i].a > y { one[i].b[1usize] = rows[i].a; two[i] = one[i].b[0usize] as u16; }
                else { one[i].b[(y & 1u8) as usize] = 9u8; }
            }
            let mut sum = 0u16;
            for x in two { sum = (sum << 1u8) ^ x; }
            for i in 1usize..33usize { one[i].a = one[i].a ^ (sum as u8); }
            one
        }",
        3,
        &[false, false],
    ),
    // A parameter that changes; the table that it was is another.
    (
        "pub fn main(mut t: [u8; 40], y: u8) -> [(u8, u8); 40] {
            let before = t;
            for i in 0usize..40usize { t[i] = t[i] ^ y; }
            let mut both = [(0u8, 0u8); 40];
            for i in 0usize..40usize { both[i] = (before[i], t[i]); }
            both
        }",
        2,
        &[false, false],
    ),
    // Rows by an index before a table is made and afterwards, and the index as a number.
    (
        "pub fn main(t: [u8; 64], i: usize, y: u8) -> (u8, u8, u8, u8) {
            let mut out = [(y, 3u8); 64];
            let a = out[i & 63usize];
            for j in 0usize..64usize { out[j].0 = t[j] ^ (j as u8); if j > 5usize { out[j].1 = (j as u8) & y; } }
            (a.0, out[i & 63usize].0, out[63usize].1, a.1)
        }",
        1,
        &[true, false, false],
    ),
    // An index beyond a table of equal rows panics.
    ("pub fn main(rows: [u8; 36], i: usize) -> u8 { let t = [2u8; 100]; for x in rows { } t[i] }", 0, &[true, false]),
    // A table of numbers alone.
    (
        "pub fn main(x: u8, y: u8) -> [u16; 70] {
            let mut out = [0u16; 70];
            for i in 0usize..70usize { out[i] = (i as u16) * 3u16 ^ (x as u16); }
            out
        }",
        1,
        &[false, false],
    ),
];

/// What is near to it and is unrolled: a round that sees another one's row, another index, an index that follows from
/// the loop's, a loop that is too short.
const UNROLLED: &[&str] = &[
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 1usize..34usize { out[i] = out[i - 1usize] ^ rows[i]; }
        out
    }",
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 0usize..33usize { out[i + 1usize] = rows[i]; }
        out
    }",
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 0usize..34usize { out[i] = rows[33usize - i]; }
        out
    }",
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 0usize..34usize { let j = 33usize - i; let k = j; out[i] = rows[k] ^ y; }
        out
    }",
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 0usize..20usize { out[i] = rows[i]; }
        out
    }",
    "pub fn main(rows: [u8; 34], y: u8) -> [u8; 34] {
        let mut out = [y; 34];
        for i in 0usize..34usize { out[i] = rows[i]; out[3usize] = y; }
        out
    }",
];

#[test]
fn loops_that_make_tables_agree_with_the_language() {
    for (source, made, streamed) in MAPS {
        let twin = Twin::new(source);
        assert_eq!(twin.ours.circuit().tables().made, *made, "{source}");
        let found: Vec<bool> = (0..streamed.len()).map(|p| twin.ours.circuit().is_streamed(p)).collect();
        assert_eq!(&found, streamed, "{source}");
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..8).for_each(|_| twin.agrees(&twin.inputs(rng), source));
        twin.agrees_garbled(&twin.inputs(rng), source, rng);
    }
}

/// The language's own circuits forget a panic between two checks of one condition, so arithmetic is the judge.
#[test]
fn a_panic_in_a_round_counts() {
    let source = "pub fn main(rows: [u8; 36], y: u8) -> [u8; 36] {
        let mut out = [0u8; 36];
        for i in 0usize..36usize { if rows[i] > 9u8 { out[i] = rows[i] + y; } }
        out
    }";
    let twin = Twin::new(source);
    assert_eq!(twin.ours.circuit().tables().made, 1);
    let rng = &mut ChaCha20Rng::seed_from_u64(8);
    for last in [0, 9, 100, 254, 255] {
        let rows: Vec<i128> = (0..36).map(|i| if i == 35 { last } else { 5 * i }).collect();
        let sums: Vec<i128> = rows.iter().map(|row| if *row > 9 { row + 1 } else { 0 }).collect();
        let panics = sums.iter().any(|sum| *sum > 255);
        let expected = sums.iter().map(|sum| vec![if panics { 0 } else { *sum }]).collect();
        let inputs = [vec![rows.iter().map(|row| vec![*row]).collect()], vec![vec![vec![1]]]];
        let expected = (panics, expected);
        assert_eq!((panics, twin.run(&inputs)), (last == 255, expected.clone()));
        if last > 100 {
            assert_eq!(twin.garbled(&inputs, rng), [expected.clone(), expected]);
        }
    }
}

#[test]
fn what_a_round_cannot_do_alone_is_unrolled() {
    for source in UNROLLED {
        let twin = Twin::new(source);
        assert_eq!(twin.ours.circuit().tables().made, 0, "{source}");
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..6).for_each(|_| twin.agrees(&twin.inputs(rng), source));
    }
}

/// Rows that do not count get keys of their own, so that those that do can be sorted and joined.
fn filtered(rows: usize) -> String {
    format!(
        "{}pub fn main(a: [(u32, u16); {rows}], b: [(u32, u16); {rows}], least: u16) -> (u32, u32) {{
            let mut kept = [(0u32, 0u16); {rows}];
            let mut dropped = 0u32;
            for i in 0usize..{rows}usize {{
                if a[i].1 > least {{ kept[i] = a[i]; }}
                else {{ kept[i].0 = 1000000u32 + (i as u32); dropped = dropped + 1u32; }}
            }}
            let mut sum = 0u32;
            for ((_, x), (_, y)) in join_iter(by_key(kept), b) {{ sum = sum + (x as u32) + (y as u32); }}
            (sum, dropped)
        }}",
        sort("by_key", "(u32, u16)", rows, ".0")
    )
}

#[test]
fn what_a_loop_keeps_is_sorted_and_joined() {
    let source = filtered(40);
    let twin = Twin::new(&source);
    let tables = twin.ours.circuit().tables();
    assert_eq!((tables.made, tables.sorts, tables.joins), (1, 1, 1));
    let rng = &mut ChaCha20Rng::seed_from_u64(3);
    for round in 0..4 {
        let mut a = ascending(rng, 40, &[1000]);
        a.reverse();
        let inputs = [vec![a], vec![ascending(rng, 40, &[1000])], vec![vec![vec![250 * round]]]];
        twin.agrees(&inputs, &source);
        if round == 2 {
            assert!(twin.run(&inputs).1[0][0] > 0, "some are left");
            twin.agrees_garbled(&inputs, &source, rng);
        }
    }
}

/// Compiling takes the same whatever the number of rows.
#[test]
fn large_tables_are_made() {
    let compile =
        |source: &str| GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap();
    let rows = 50_000;
    let filtered = compile(&filtered(rows));
    assert_eq!(filtered.circuit().tables().made, 1);
    let map = |rows: usize| {
        compile(&format!(
            "pub fn main(a: [u32; {rows}], y: u32) -> [u32; {rows}] {{
                let mut out = [0u32; {rows}];
                for i in 0usize..{rows}usize {{ if a[i] > y {{ out[i] = a[i]; }} }}
                out
            }}"
        ))
    };
    let (one, two) = (map(1 << 10), map(1 << 20));
    assert_eq!(two.circuit().tables().held_bits, 32 << 20, "the result alone is held");
    // A comparison and a choice for each row; and whether it panicked hides each bit.
    assert_eq!((one.circuit().and_gates(), two.circuit().and_gates()), (96 << 10, 96 << 20));
}
