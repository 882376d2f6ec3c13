//! Sorts, joins and rows by secret indices: the same results as the language's own circuits, which run the
//! source as it stands, and networks that are made as they run.

use crate::compiler::compiler;
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality};
use sotto_mpc::circuit::Tables;
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::{malicious, semi_honest};

/// A function that sorts `n` rows of this type: by this part of them, in this order, and with neighbours at these
/// offsets.
pub(crate) fn sort(name: &str, ty: &str, n: usize, by: &str) -> String {
    let (path, op) = by.rsplit_once(' ').unwrap_or((by, ">"));
    format!(
        "fn {name}(rows: [{ty}; {n}]) -> [{ty}; {n}] {{
            let mut sorted = rows;
            for pass in 0usize..{n}usize {{
                for i in 1usize..{n}usize {{
                    if sorted[i - 1usize]{path} {op} sorted[i]{path} {{
                        let row = sorted[i];
                        sorted[i] = sorted[i - 1usize];
                        sorted[i - 1usize] = row;
                    }}
                }}
            }}
            sorted
        }}\n"
    )
}

fn tables(twin: &Twin) -> Tables {
    twin.ours.circuit().tables()
}

fn agrees(source: &str, expected: [u64; 3]) {
    let twin = Twin::new(source);
    let Tables { sorts, joins, lookups, .. } = tables(&twin);
    assert_eq!([sorts, joins, lookups], expected, "{source}");
    let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
    (0..4).for_each(|_| twin.agrees(&twin.inputs(rng), source));
}

#[test]
fn whole_tables_come_out_in_order() {
    for (ty, by) in [("u16", ""), ("i16", ""), ("u8", " <"), ("i8", " <")] {
        let source = format!(
            "{}pub fn main(rows: [{ty}; 33], y: u8) -> [{ty}; 33] {{ by(rows) }}",
            sort("by", ty, 33, by)
        );
        agrees(&source, [1, 0, 0]);
    }
}

/// Rows with equal keys keep their order, as neighbours that are exchanged only if they are out of order do.
#[test]
fn rows_are_sorted_by_a_part_of_them() {
    for by in [".age", ".pair.1", ".pair.0 <"] {
        let source = format!(
            "struct Row {{ age: u8, flag: bool, pair: (u8, i8) }}
            {}pub fn main(rows: [Row; 32], y: u8) -> [Row; 32] {{ let sorted = by(rows); sorted }}",
            sort("by", "Row", 32, by)
        );
        agrees(&source, [1, 0, 0]);
    }
}

/// Neighbours as `i` and `i + 1`, the lower one kept, fewer passes; and a sort of a small array in a function.
#[test]
fn sorts_are_recognised_in_their_forms() {
    let other = "fn by(all: [u8; 32]) -> [u8; 32] {
        let mut a = all;
        for p in 0usize..31usize { for j in 0usize..31usize {
            if a[j] < a[j + 1usize] { let t = a[j]; a[j] = a[j + 1usize]; a[j + 1usize] = t; } else { }
        } }
        a
    }
    pub fn main(rows: [u8; 32], y: u8) -> (u8, u8) { let s = by(rows); (s[0], s[31]) }";
    agrees(other, [1, 0, 0]);
    let small = format!(
        "{}fn middle(x: [i16; 7], y: i16) -> i16 {{ let s = by(x); s[3] ^ y }}
        pub fn main(x: [i16; 7], y: i16) -> i16 {{ middle(x, y) }}",
        sort("by", "i16", 7, "")
    );
    agrees(&small, [0, 0, 0]);
    let twin = Twin::new(&small);
    assert!(twin.ours.circuit().and_gates() < 16 * 2 * 16 + 40, "a network of 16 comparators");
}

/// What is nearly a sort is compiled as it stands.
#[test]
fn what_does_not_sort_is_not_taken_for_a_sort() {
    let good = format!("{}pub fn main(x: [u8; 9], y: u8) -> [u8; 9] {{ by(x) }}", sort("by", "u8", 9, ""));
    let gates = |source: &str| Twin::new(source).ours.circuit().and_gates();
    let network = gates(&good);
    for (from, to) in [
        ("0usize..9usize {\n                for", "0usize..7usize {\n                for"),
        ("for i in 1usize..9usize", "for i in 2usize..9usize"),
        ("for i in 1usize..9usize", "for i in 1usize..8usize"),
        ("sorted[i] = sorted[i - 1usize];", "sorted[i] = row;"),
        ("sorted[i - 1usize] = row;", "sorted[i] = row;"),
        ("let row = sorted[i];", "let row = 7u8;"),
        ("if sorted[i - 1usize] > sorted[i]", "if sorted[i - 1usize] > rows[i]"),
        ("if sorted[i - 1usize] > sorted[i]", "if sorted[i] > sorted[i - 1usize]"),
        ("if sorted[i - 1usize] > sorted[i]", "if sorted[i - 1usize] >= sorted[i]"),
    ] {
        let source = good.replacen(from, to, 1);
        assert_ne!(source, good, "{from}");
        assert_ne!(gates(&source), network, "{to}");
        Twin::agrees_often(&source, 6);
    }
}

#[test]
fn rows_are_found_by_secret_indices() {
    // Of a table that is read nowhere else, in an arm, by an index from another row, out of bounds, twice.
    agrees("pub fn main(t: [u16; 100], i: usize) -> u16 { t[i] }", [0, 0, 1]);
    agrees(
        "pub fn main(t: [(u8, i8); 70], i: u8) -> (i8, u8) {
            let mut x = 3u8;
            if i > 60u8 { x = t[t[i as usize].0 as usize].0; } else { x = t[9].0; }
            (t[i as usize].1, x)
        }",
        [0, 0, 2],
    );
    agrees(
        "pub fn main(t: [u8; 300], q: [u8; 64], x: u8) -> u32 {
            let mut sum = 0u32;
            let mut last = x;
            for i in q {
                sum = sum + (t[i as usize] as u32);
                if i > 9u8 { last = t[(last & i) as usize]; }
            }
            for y in t { sum = sum ^ (y as u32); }
            sum ^ (last as u32)
        }",
        [0, 0, 128],
    );
}

#[test]
fn a_function_has_no_tables_of_main() {
    let source = "fn f(t: [u8; 2], i: u8) -> u8 { t[(i & 1u8) as usize] }
    pub fn main(t: [u8; 64], i: u8) -> u8 { f([t[0], t[1]], i) ^ t[(i & 63u8) as usize] }";
    agrees(source, [0, 0, 1]);
}

const JOIN: &str = "pub fn main(xs: [(u16, u8); 90], ys: [(u16, i32); 70]) -> (u16, i32) {
    let mut count = 0u16;
    let mut sum = 0i32;
    for ((_, a), (_, b)) in join_iter(xs, ys) {
        count = count + 1u16;
        sum = sum + b * (a as i32);
    }
    (count, sum)
}";

/// Rows with keys that ascend, about a third of which the other side has, too.
pub(crate) fn ascending(rng: &mut ChaCha20Rng, rows: usize, of: &[u32]) -> Cells {
    let mut key = i128::from(rng.next_u32() % 3);
    let mut table = Cells::new();
    for _ in 0..rows {
        let rest = of.iter().map(|most| i128::from(rng.next_u32() % most));
        table.push(std::iter::once(key).chain(rest).collect());
        key += 1 + i128::from(rng.next_u32() % 3);
    }
    table
}

#[test]
fn joins_of_large_tables_agree_and_refuse_keys_out_of_order() {
    let twin = Twin::new(JOIN);
    assert_eq!(tables(&twin).joins, 1);
    let rng = &mut ChaCha20Rng::seed_from_u64(4);
    for _ in 0..6 {
        let inputs = [vec![ascending(rng, 90, &[256])], vec![ascending(rng, 70, &[1000])]];
        twin.agrees(&inputs, JOIN);
        assert!(twin.run(&inputs).1[0][0] > 5, "some keys are common");
        for side in 0..2 {
            for (at, change) in [(0, 1), (30, 1), (68, 1), (30, 0)] {
                let mut wrong = inputs.clone();
                let rows = &mut wrong[side][0];
                // Two rows change places, or have the same key.
                rows[at + 1][0] = rows[at][0] - change * i128::from(rows[at][0] > 0);
                assert!(twin.run(&wrong).0, "{side} {at} {change}");
            }
        }
    }
}

/// A join of sorted tables of different rows, whose body changes what it uses.
#[test]
fn what_was_sorted_is_joined() {
    let source = format!(
        "{}{}pub fn main(a: [(u8, u8, u8); 32], b: [(u8, bool); 32], z: u8) -> (u8, u16) {{
            let mut x = z;
            let mut n = 0u16;
            let one = first(a);
            for ((k, v, w), (_, on)) in join_iter(one, second(b)) {{
                n = n + 1u16;
                if on {{ x = x ^ v ^ (w >> 1u8); }} else {{ x = x ^ k; }}
            }}
            for row in one {{ x = (x << 1u8) ^ row.2; }}
            (x, n)
        }}",
        sort("first", "(u8, u8, u8)", 32, ".0"),
        sort("second", "(u8, bool)", 32, ".0"),
    );
    let twin = Twin::new(&source);
    assert_eq!(tables(&twin), Tables { sorts: 2, joins: 1, lookups: 0, ..tables(&twin) });
    let rng = &mut ChaCha20Rng::seed_from_u64(5);
    for _ in 0..4 {
        let mut tables = [ascending(rng, 32, &[256, 256]), ascending(rng, 32, &[2])];
        for table in &mut tables {
            table.iter_mut().for_each(|row| row[0] &= 255);
            for i in (1..32).rev() {
                table.swap(i, rng.next_u32() as usize % (i + 1));
            }
        }
        let [a, b] = tables;
        twin.agrees(&[vec![a], vec![b], vec![vec![vec![77]]]], &source);
    }
}

/// Compiling takes the same whatever the number of rows, and the gates are known.
#[test]
fn large_tables_compile() {
    let source = |n: usize| {
        format!("{}pub fn main(x: [u32; {n}], y: u8) -> u32 {{ by(x)[7] }}", sort("by", "u32", n, ""))
            .replace("{ by(x)[7] }", "{ let s = by(x); s[7] }")
    };
    let compile =
        |source: &str| GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap();
    let sorted = compile(&source(65_536));
    assert_eq!(sorted.circuit().and_gates(), 64 * 3_997_695);
    assert_eq!(sorted.circuit().tables().held_bits, 65_536 * 32, "in place");
    let small = compile(&source(1_000));
    assert!(small.gate_stream(u64::MAX).unwrap().1.and_gates - small.circuit().and_gates() < 40);
    let join = compile(&JOIN.replace("; 90]", "; 50000]").replace("; 70]", "; 50000]"));
    let gates = join.circuit().and_gates();
    assert!((60_000_000..160_000_000).contains(&gates), "{gates}");
}

/// Two parties garble a program with all of them, as semi-honest and as malicious parties.
#[test]
fn sorts_joins_and_lookups_are_garbled() {
    let source = format!(
        "{}pub fn main(a: [(u8, u8); 32], b: [(u8, u8); 32]) -> (u8, u16, [(u8, u8); 2]) {{
            let s = by(b);
            let mut x = 0u8;
            let mut n = 0u16;
            for ((_, v), (_, w)) in join_iter(a, s) {{ n = n + 1u16; x = x ^ v ^ s[(w & 31u8) as usize].1; }}
            (x, n, [s[0], s[31]])
        }}",
        sort("by", "(u8, u8)", 32, ".0"),
    );
    let twin = Twin::new(&source);
    let program = &twin.ours;
    let rng = &mut ChaCha20Rng::seed_from_u64(6);
    let mut b = ascending(rng, 32, &[256]);
    b.reverse();
    let inputs = [vec![ascending(rng, 32, &[256])], vec![b]];
    twin.agrees(&inputs, &source);
    let expected = program.compute(&inputs).unwrap();
    let delegated = Delegated::new(program, vec![Holder::Garbler, Holder::Evaluator]).unwrap();
    let bits = |party: usize| -> Vec<bool> {
        program.declaration().encode(party, &inputs[party]).unwrap().iter().collect()
    };
    let rngs = || [1, 2].map(ChaCha20Rng::seed_from_u64);
    let [mut garbler, mut evaluator] = rngs();
    let output =
        semi_honest::run_in_memory(&delegated, &bits(0), &bits(1), [&mut garbler, &mut evaluator]).unwrap();
    assert_eq!(program.declaration().decode(&output).unwrap(), expected);
    let [mut garbler, mut evaluator] = rngs();
    let output =
        malicious::run_in_memory(&delegated, &bits(0), &bits(1), [&mut garbler, &mut evaluator]).unwrap();
    assert_eq!(program.declaration().decode(&output).unwrap(), expected);
}
