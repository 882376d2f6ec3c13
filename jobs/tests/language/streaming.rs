//! Loops over large tables: the same results as the language's own circuits, in memory that does not grow.

use crate::compiler::compiler;
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality, TooLarge};
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::semi_honest::run_in_memory;

/// Sources, and which of their parameters are streamed.
const STREAMED: &[(&str, &[bool])] = &[
    (
        "pub fn main(rows: [u32; 100], least: u32) -> (u32, u16) {
            let mut sum = 0u32;
            let mut count = 0u16;
            for row in rows {
                if row > least { sum = sum ^ row; count = count + 1u16; } else { }
            }
            (sum, count)
        }",
        &[true, false],
    ),
    // Two tables in step, and arithmetic that overflows in most runs.
    (
        "pub fn main(a: [u8; 70], b: [u16; 70]) -> u64 {
            let mut dot = 0u64;
            for i in 0usize..70usize { dot = dot + (a[i] as u64) * (b[i] as u64); }
            dot
        }",
        &[true, true],
    ),
    (
        "pub fn main(a: [u8; 64], y: u8) -> u8 { let mut sum = y; for x in a { sum = sum + x; } sum }",
        &[true, false],
    ),
    // Sums by group in an array whose index is secret; the array and a constant outlive the loop.
    (
        "struct Row { group: u8, pay: u16 }
        pub fn main(rows: [Row; 130], other: [u16; 3]) -> [u32; 4] {
            let bonus = 3u32;
            let mut totals = [0u32; 4];
            for Row { group, pay } in rows {
                let place = (group & 3u8) as usize;
                totals[place] = totals[place] + (pay as u32);
            }
            for x in other { totals[1] = totals[1] + (x as u32) * bonus; }
            totals
        }",
        &[true, false],
    ),
    // Loops one after the other, a function with names of its own, a nested loop, and a name bound anew.
    (
        "fn mix(xs: u8, y: u8) -> u8 { let i = [y, xs]; i[0] ^ (i[1] >> 1u8) }
        pub fn main(xs: [u8; 65], ys: [(u8, bool); 80], z: u8) -> (u8, u8) {
            let mut a = z;
            for x in xs { a = mix(a, x); }
            let b = a;
            let mut c = 0u8;
            for (y, flag) in ys {
                let a = y ^ b;
                for i in 0u8..3u8 { if flag & (a > i) { c = c ^ a ^ i; } else { c = c ^ z; } }
            }
            (a, c)
        }",
        &[true, true, false],
    ),
    // A panic ahead of the loop, and one after it, are not forgotten.
    (
        "pub fn main(x: u8, rows: [bool; 64]) -> u8 {
            let y = x + 200u8;
            let mut n = 0u8;
            for row in rows { n = n + (row as u8); }
            n - (y - 200u8)
        }",
        &[false, true],
    ),
    // The index is used as a number.
    (
        "pub fn main(a: [u16; 64], y: u16) -> u16 { let mut s = y; for i in 0usize..64usize { s = s ^ a[i] ^ (i as u16); } s }",
        &[true, false],
    ),
    // Held: used twice, another table has its index and more rows.
    (
        "pub fn main(a: [u8; 64], y: u8) -> u8 { let mut s = y ^ a[3]; for x in a { s = s ^ x; } s }",
        &[false, false],
    ),
    (
        "pub fn main(a: [u8; 64], b: [u8; 65]) -> u8 { let mut s = 0u8; for i in 0usize..64usize { s = s ^ (a[i] & b[i]); } s }",
        &[true, false],
    ),
    // One that nothing uses, beside one that a loop reads.
    (
        "pub fn main(a: [u8; 64], b: [u8; 64]) -> u8 { let mut s = 1u8; for i in 0usize..64usize { s = s ^ a[i]; } s }",
        &[true, false],
    ),
    // Unrolled: too small, not a statement of `main` itself.
    ("pub fn main(a: [u8; 31], y: u8) -> u8 { let mut s = y; for x in a { s = s ^ x; } s }", &[false, false]),
    (
        "pub fn main(a: [u8; 64], y: bool) -> u8 { let mut s = 0u8; if y { for x in a { s = s ^ x; } } else { } s }",
        &[false, false],
    ),
];

#[test]
fn streamed_programs_agree_with_the_language() {
    for (source, streamed) in STREAMED {
        let twin = Twin::new(source);
        let found: Vec<bool> = (0..streamed.len()).map(|p| twin.ours.circuit().is_streamed(p)).collect();
        assert_eq!(&found, streamed, "{source}");
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        for _ in 0..12 {
            twin.agrees(&twin.inputs(rng), source);
        }
    }
}

/// Sums of small numbers, which do not overflow.
#[test]
fn streamed_sums_are_right() {
    let (source, _) = STREAMED[2];
    let twin = Twin::new(source);
    let rows: Cells = (0..64).map(|n| vec![n % 4]).collect();
    assert_eq!(twin.run(&[vec![rows], vec![vec![vec![5]]]]), (false, vec![vec![96 + 5]]));
}

/// What is streamed comes last among a party's tables, whatever the order of the parameters.
#[test]
fn a_party_with_whole_and_streamed_tables() {
    let source = "pub fn main(a: [u8; 300], least: u8, b: [u8; 300], weights: [u8; 2]) -> u32 {
        let mut sum = 0u32;
        for x in b { if x > least { sum = sum + (weights[0] as u32); } else { } }
        for x in a { sum = sum + (weights[1] as u32) * (x as u32); }
        sum
    }";
    let options = GarbleOptions { parties: vec![0; 4], ..GarbleOptions::default() };
    let program = GarbleFunctionality::new(source, &options, &compiler()).unwrap();
    let names: Vec<&str> = program.declaration().party(0).iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["least", "weights", "b", "a"]);
    let table = |rows: i128, f: fn(i128) -> i128| (0..rows).map(|n| vec![f(n)]).collect::<Cells>();
    let tables = vec![table(1, |_| 99), table(2, |n| n + 2), table(300, |n| n % 200), table(300, |n| n % 7)];
    let over = (0..300).filter(|n| n % 200 > 99).count() as i128;
    let all: i128 = (0..300).map(|n| n % 7).sum();
    assert_eq!(program.compute(&[tables]).unwrap()[2], [[2 * over + 3 * all]]);
}

/// A loop that takes rows of two tables of one party in turns.
#[test]
fn two_tables_of_one_party_in_one_loop() {
    for rows in [100, 300, 512, 700] {
        let source = format!(
            "pub fn main(a: [u8; {rows}], y: u64, b: [u16; {rows}]) -> u64 {{
                let mut dot = y;
                for i in 0usize..{rows}usize {{ dot = dot + (a[i] as u64) * (b[i] as u64); }}
                dot
            }}"
        );
        let options = GarbleOptions { parties: vec![0, 0, 0], ..GarbleOptions::default() };
        let program = GarbleFunctionality::new(&source, &options, &compiler()).unwrap();
        assert!(program.circuit().is_streamed(0) && program.circuit().is_streamed(2));
        let column = |f: fn(i128) -> i128| (0..rows).map(|n| vec![f(n)]).collect::<Cells>();
        let tables = vec![vec![vec![5]], column(|n| n % 200), column(|n| 3 * n)];
        let expected: i128 = 5 + (0..rows).map(|n| (n % 200) * 3 * n).sum::<i128>();
        assert_eq!(program.compute(&[tables]).unwrap()[2], [[expected]]);
    }
}

/// A source of few AND gates cannot keep whoever looks at it busy for ever.
#[test]
fn free_gates_are_bounded_too() {
    let source = "pub fn main(a: [bool; 100000000]) -> bool {
        let mut s = [false; 100];
        for x in a { for i in 0usize..99usize { s[i + 1usize] = s[i + 1usize] ^ s[i] ^ x; } s[0] = x; }
        s[99]
    }";
    let program = GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap();
    assert!(matches!(program.gate_stream(1_000), Err(TooLarge::FreeGates(n)) if n > 10_000_000_000));
}

/// Compiling takes the same whatever the number of rows, and the gates are known.
#[test]
fn a_million_rows_compile() {
    let source = |rows: usize| {
        format!(
            "pub fn main(a: [u32; {rows}], b: [u32; {rows}], least: u32) -> u64 {{
                let mut sum = 0u64;
                for x in a {{ if x > least {{ sum = sum + (x as u64); }} else {{ }} }}
                for y in b {{ if y > least {{ sum = sum + (y as u64); }} else {{ }} }}
                sum
            }}"
        )
    };
    let compile =
        |rows| GarbleFunctionality::new(&source(rows), &GarbleOptions::default(), &compiler()).unwrap();
    let gates = |rows| compile(rows).circuit().and_gates();
    let row = (gates(2_000_016) - gates(1_000_016)) / 2_000_000;
    assert!(row <= 32 + 2 * 64 + 4, "a comparison, a sum and a choice: {row} gates");
    assert_eq!(gates(1_000_000), gates(1_000_016) - 32 * row);
    let program = compile(128);
    let (count, cost) = (program.circuit().and_gates(), program.gate_stream(u64::MAX).unwrap().1);
    assert_eq!(cost.and_gates, count);
}

/// Two parties garble a streamed program of rows that they hold in shares.
#[test]
fn a_streamed_program_is_garbled() {
    let (source, _) = STREAMED[3];
    let twin = Twin::new(source);
    let program = &twin.ours;
    let delegated = Delegated::new(program, vec![Holder::Garbler, Holder::Evaluator]).unwrap();
    let rng = &mut ChaCha20Rng::seed_from_u64(9);
    let inputs = twin.inputs(rng);
    let bits = |party: usize| -> Vec<bool> {
        program.declaration().encode(party, &inputs[party]).unwrap().iter().collect()
    };
    let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
    let output = run_in_memory(&delegated, &bits(0), &bits(1), [garbler, evaluator]).unwrap();
    assert_eq!(program.declaration().decode(&output).unwrap(), program.compute(&inputs).unwrap());
}
