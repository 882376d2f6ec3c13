//! Functions that work on tables, and joins as arrays: the same results as the language's own circuits, in circuits that
//! do not grow with the rows.

use crate::compiler::compiler;
use crate::language::tables::{ascending, sort};
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::Cells;

/// The functions of the sources below; each may use those after it.
const FUNCTIONS: &[(&str, &str)] = &[
    (
        "both",
        "fn both(rows: [Row; 40], others: [Row; 40]) -> u16 {
            let first = total(rows, 3u8);
            let new = changed(others, 9u8);
            first ^ total(new, 5u8)
        }",
    ),
    (
        "total",
        "fn total(rows: [Row; 40], of: u8) -> u16 {
            let mut total = 0u16;
            for row in rows { if row.value > of { total = total ^ (row.value as u16) ^ row.key; } }
            total
        }",
    ),
    (
        "least",
        "fn least(rows: [Row; 40]) -> u16 {
            let mut least = 65535u16;
            for row in rows { least = if row.key < least { row.key } else { least }; }
            least
        }",
    ),
    (
        "changed",
        "fn changed(rows: [Row; 40], by: u8) -> [Row; 40] {
            let mut new = rows;
            for i in 0usize..40usize { new[i].value = new[i].value ^ by; }
            new
        }",
    ),
    (
        "counted",
        "fn counted(mut rows: [Row; 40], mut count: u16) -> (u16, u8) {
            for i in 0usize..40usize { rows[i].key = rows[i].key & 255u16; }
            for row in rows { count = count ^ row.key; }
            (count, rows[7usize].value)
        }",
    ),
];

/// Bodies of `main`, how many tables loops make, and which of the two parameters are streamed.
const CALLS: &[(&str, u64, [bool; 2])] = &[
    ("{ let of = y; total(a, of) }", 0, [true, false]),
    ("{ let of = y; (total(a, of), least(b), of) }", 0, [true, true]),
    ("{ let total = total(a, y + 0u8) ^ least(a); let least = least(b); total ^ least }", 0, [false, true]),
    ("{ let mut x = 7u16; x = total(b, 9u8); x = x ^ least(a); x }", 0, [true, true]),
    ("both(a, b)", 1, [true, false]),
    ("least(changed(changed(a, y), 200u8)) ^ (if least(b) > 3u16 { 1u16 } else { 2u16 })", 2, [false, true]),
    ("{ let (count, seventh) = counted(a, 5u16); (count, seventh, total(b, seventh)) }", 1, [false, true]),
    ("{ for row in changed(a, y) { } changed(b, y) }", 2, [false, false]),
];

/// Calls that are not always made, that are made again and again, and those beside an assignment.
const LEFT: &[&str] = &[
    "if y > 9u8 { total(a, y) } else { least(b) }",
    "{ let mut x = 1u16; for i in 0usize..3usize { x = x ^ total(a, i as u8) ^ least(b); } x }",
    "{ let mut x = 1u8; let z = total(a, { x = x ^ y; x }) ^ total(b, x); z }",
    "{ let z = y > 9u8 && total(a, y) > 9u16; (z, least(if z { a } else { b })) }",
];

fn source(body: &str) -> String {
    let result = match body {
        _ if body.contains("changed(b, y) }") => "[Row; 40]",
        _ if body.contains("(count, seventh,") => "(u16, u8, u16)",
        _ if body.contains("least(b), of)") => "(u16, u16, u8)",
        _ if body.contains("(z, least") => "(bool, u16)",
        _ => "u16",
    };
    let body = body.strip_prefix("{ ").and_then(|body| body.strip_suffix(" }")).unwrap_or(body);
    // The language refuses functions that are not used.
    let mut source = format!("pub fn main(a: [Row; 40], b: [Row; 40], y: u8) -> {result} {{ {body} }}");
    for (name, function) in FUNCTIONS {
        if source.contains(&format!("{name}(")) {
            source = format!("{function}\n{source}");
        }
    }
    format!("struct Row {{ key: u16, value: u8 }}\n{source}")
}

#[test]
fn functions_that_main_calls_are_streamed() {
    for (body, made, streamed) in CALLS {
        let source = source(body);
        let twin = Twin::new(&source);
        assert_eq!(twin.ours.circuit().tables().made, *made, "{body}");
        assert_eq!([0, 1].map(|p| twin.ours.circuit().is_streamed(p)), *streamed, "{body}");
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..8).for_each(|_| twin.agrees(&twin.inputs(rng), &source));
        twin.agrees_garbled(&twin.inputs(rng), &source, rng);
    }
}

#[test]
fn other_calls_are_made_as_they_stand() {
    for body in LEFT {
        let source = source(body);
        let twin = Twin::new(&source);
        assert_eq!([0, 1].map(|p| twin.ours.circuit().is_streamed(p)), [false; 2], "{body}");
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..6).for_each(|_| twin.agrees(&twin.inputs(rng), &source));
    }
}

/// A panic in a function counts, and a name of a constant that a function binds is left alone.
#[test]
fn what_a_function_says_is_what_is_computed() {
    let source = "const least: u8 = 100u8;
        fn sum(rows: [u8; 40]) -> u8 { let mut sum = 0u8; for row in rows { sum = sum + row; } sum }
        fn above(rows: [u8; 33]) -> u8 { let above = least; let mut n = 0u8; for least in rows { if least > above { n = n + 1u8; } } n }
        pub fn main(a: [u8; 40], b: [u8; 33]) -> (u8, u8) { (sum(a), above(b)) }";
    let twin = Twin::new(source);
    assert_eq!([0, 1].map(|p| twin.ours.circuit().is_streamed(p)), [true, false]);
    let rows = |n: usize, value: i128| vec![vec![vec![value]; n]];
    assert_eq!(twin.run(&[rows(40, 6), rows(33, 101)]), (false, vec![vec![240, 33]]));
    assert_eq!(twin.run(&[rows(40, 7), rows(33, 100)]), (true, vec![vec![0, 0]]));
}

/// Sources that use `join` as an array, of tables of 40 and 34 rows.
fn joined(main: &str) -> String {
    format!("{}{}", sort("by_key", "(u16, u8)", 40, ".0"), main)
}

const PAIRS: &str = "pub fn main(a: [(u16, u8); 40], b: [(u16, u32); 34]) -> [(bool, (u16, u8), (u16, u32)); const { 40usize + 34usize - 1usize }] { join(by_key(a), b) }";
const SUM: &str = "pub fn main(a: [(u16, u8); 40], b: [(u16, u32); 34]) -> (u16, u32) {
    let pairs = join(a, b);
    let mut count = 0u16;
    let mut sum = 0u32;
    for (is_pair, (_, x), (_, y)) in pairs { if is_pair { count = count + 1u16; sum = sum ^ y ^ (x as u32); } }
    (count, sum ^ ((pairs[72usize].1).0 as u32))
}";
const KEYS: &str = "pub fn main(a: [u16; 40], b: [u16; 34]) -> (u16, u32) {
    let mut sum = 0u32;
    let mut count = 0u16;
    for (is_key, key) in join(a, b) { if is_key { sum = sum + (key as u32); count = count + 1u16; } }
    (count, sum)
}";

#[test]
fn joins_as_arrays_are_streamed() {
    let rng = &mut ChaCha20Rng::seed_from_u64(5);
    for (source, sorts) in [(joined(PAIRS), 2), (SUM.to_owned(), 1), (KEYS.to_owned(), 1)] {
        let twin = Twin::new(&source);
        let tables = twin.ours.circuit().tables();
        assert_eq!((tables.joins, tables.sorts, tables.made), (1, sorts, 1), "{source}");
        for round in 0..3 {
            let columns = if source.contains("[u16; 40]") { &[][..] } else { &[200] };
            let (mut a, b) = (ascending(rng, 40, columns), ascending(rng, 34, columns));
            if sorts == 2 {
                a.reverse();
            }
            let inputs = [vec![a], vec![b]];
            if source.contains("pairs") || source.contains("is_key") {
                twin.agrees(&inputs, &source);
                if round == 0 {
                    assert!(twin.run(&inputs).1[0][0] > 2, "some are pairs");
                    twin.agrees_garbled(&inputs, &source, rng);
                }
                continue;
            }
            // Which of the last places a pair gets is the network's business; here they ascend.
            let ((ours, rows), (theirs, mut expected)) = (twin.run(&inputs), twin.oracle(&inputs));
            expected.sort();
            assert_eq!((ours, &rows), (theirs, &expected));
            assert!(rows[72][0] == 1 && rows[0] == [0; 5]);
        }
        // Keys that do not ascend panic.
        let columns = if source.contains("[u16; 40]") { &[][..] } else { &[200] };
        let (a, mut b): (Cells, Cells) = (ascending(rng, 40, columns), ascending(rng, 34, columns));
        b[4] = b[5].clone();
        assert!(twin.run(&[vec![a], vec![b]]).0);
    }
}

/// Compiling takes the same whatever the number of rows.
#[test]
fn large_tables_are_joined_as_arrays_and_passed_to_functions() {
    let compile =
        |source: &str| GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap();
    let joined = compile(
        "fn paid(pairs: [(bool, (u32, u16), (u32, u16)); const { 20000usize + 30000usize - 1usize }]) -> u64 {
            let mut sum = 0u64;
            for (is_pair, (_, x), (_, y)) in pairs { if is_pair { sum = sum + ((x as u64) * (y as u64)); } }
            sum
        }
        pub fn main(a: [(u32, u16); 20000], b: [(u32, u16); 30000]) -> u64 { paid(join(a, b)) }",
    );
    assert_eq!((joined.circuit().tables().joins, joined.circuit().tables().made), (1, 1));
    let sum = |rows: usize| {
        compile(&format!(
            "fn sum(rows: [u32; {rows}]) -> u64 {{ let mut sum = 0u64; for row in rows {{ sum = sum + (row as u64); }} sum }}
            pub fn main(a: [u32; {rows}], b: [u32; {rows}]) -> u64 {{ sum(a) + sum(b) }}"
        ))
    };
    let (one, two) = (sum(1 << 10), sum(1 << 20));
    assert!(two.circuit().and_gates() / one.circuit().and_gates() >= 1000 && two.circuit().is_streamed(1));
    assert_eq!(two.circuit().tables().held_bits, 0);
}
