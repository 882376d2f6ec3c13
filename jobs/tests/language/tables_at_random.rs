//! Random programs with sorts, joins, loops and rows by secret indices, against the language's own circuits.

use crate::tables::{ascending, sort};
use crate::twin::Twin;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// One of these, at random.
fn pick<'o>(rng: &mut ChaCha20Rng, options: &[&'o str]) -> &'o str {
    options[rng.next_u32() as usize % options.len()]
}

/// The names of tables of `Row` so far.
fn row_table(rng: &mut ChaCha20Rng, sorted: usize) -> String {
    match rng.next_u32() as usize % (sorted + 1) {
        0 => "rows".into(),
        n => format!("s{n}"),
    }
}

/// An index that is a number, or secret. None is out of bounds: the language's own circuits forget a panic when a
/// condition is checked a second time, so panics have tests of their own.
fn index(rng: &mut ChaCha20Rng, inner: &str) -> String {
    match rng.next_u32() % 5 {
        0 => format!("{}usize", rng.next_u32() % 32),
        _ => format!("(({inner}) & 31u8) as usize"),
    }
}

/// A value of a row of a table.
fn value(rng: &mut ChaCha20Rng, sorted: usize, depth: u32) -> String {
    let inner = if depth == 0 || rng.next_u32().is_multiple_of(2) {
        "x".into()
    } else {
        value(rng, sorted, depth - 1)
    };
    let index = index(rng, &inner);
    match rng.next_u32() % 3 {
        0 => format!("a[{index}].1"),
        _ => format!("{}[{index}].v", row_table(rng, sorted)),
    }
}

fn statement(rng: &mut ChaCha20Rng, sorted: &mut usize, joined: &mut bool) -> String {
    let value = |rng: &mut ChaCha20Rng, sorted| value(rng, sorted, 2);
    match rng.next_u32() % 7 {
        0 => {
            let of = row_table(rng, *sorted);
            *sorted += 1;
            format!("let s{sorted} = {}({of});", pick(rng, &["by_k", "by_v"]))
        }
        1 => format!(
            "for row in {} {{ x = ((x << 1u8) | (x >> 7u8)) ^ row.v; if row.on {{ n = n + (row.v as u16); }} }}",
            row_table(rng, *sorted)
        ),
        2 => format!(
            "for i in 0usize..32usize {{ x = (x ^ {}[i].v) & (a[i].1 | 15u8); n = n ^ (x as u16); }}",
            row_table(rng, *sorted)
        ),
        3 => format!("x = x ^ {};", value(rng, *sorted)),
        4 => format!(
            "if x > {}u8 {{ x = {}; }} else {{ n = n + 1u16; }}",
            rng.next_u32() % 256,
            value(rng, *sorted)
        ),
        5 if !*joined => {
            *joined = true;
            format!(
                "for ((k, v), (_, w)) in join_iter(a, b) {{ n = n + (w & 3u16); x = x ^ k ^ {}; }}",
                pick(rng, &["v", "s0[(v & 31u8) as usize].v"])
            )
        }
        _ => format!(
            "for row in by_v({}) {{ if row.on {{ x = (x << 1u8) ^ row.v; }} }}",
            row_table(rng, *sorted)
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_with_tables_agree(seed in any::<u64>()) {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (mut sorted, mut joined) = (0, false);
        let mut statements: Vec<String> = (0..3).map(|_| statement(rng, &mut sorted, &mut joined)).collect();
        // The language wants every function to be used.
        statements.push(format!("for row in by_k({}) {{ n = (n << 1u8) ^ (row.v as u16); }}", row_table(rng, sorted)));
        statements.push("for row in by_v(rows) { if row.on { x = (x << 1u8) ^ row.v; } }".into());
        let statements = statements.join("\n            ").replace("s0[", "rows[");
        let [by_k, by_v] = [pick(rng, &[".k", ".k <"]), pick(rng, &[".v", ".v <"])];
        let source = format!(
            "struct Row {{ k: i8, on: bool, v: u8 }}
            {}{}pub fn main(rows: [Row; 32], a: [(u8, u8); 32], b: [(u8, u16); 32], z: u8) -> (u8, u16, u8) {{
            let mut x = z;
            let mut n = 0u16;
            {statements}
            (x, n, z)
            }}",
            sort("by_k", "Row", 32, by_k),
            sort("by_v", "Row", 32, by_v),
        );
        let twin = Twin::new(&source);
        for _ in 0..3 {
            let mut inputs = twin.inputs(rng);
            inputs[1][0] = ascending(rng, 32, &[256]);
            inputs[2][0] = ascending(rng, 32, &[900]);
            twin.agrees(&inputs, &source);
        }
    }
}
