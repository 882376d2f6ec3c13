//! Random programs with sorts, joins, loops, tables that loops make, and rows by secret indices, against the language's
//! own circuits: in the clear, and computed by two parties, curious ones and malicious ones.

use crate::language::tables::{ascending, sort};
use crate::language::twin::Twin;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::multiparty::Cells;

/// One of these, at random.
fn pick<'o>(rng: &mut ChaCha20Rng, options: &[&'o str]) -> &'o str {
    options[rng.next_u32() as usize % options.len()]
}

/// A program that is being written.
struct Author<'r> {
    rng: &'r mut ChaCha20Rng,
    /// The names of tables of `Row` so far.
    tables: Vec<String>,
    has_join: bool,
}

impl Author<'_> {
    fn number(&mut self, below: u32) -> u32 {
        self.rng.next_u32() % below
    }

    fn table(&mut self) -> String {
        let at = self.number(self.tables.len() as u32);
        self.tables[at as usize].clone()
    }

    fn new_table(&mut self) -> String {
        let name = format!("t{}", self.tables.len());
        self.tables.push(name.clone());
        name
    }

    /// An index that is a number, or secret. None is out of bounds: the language's own circuits forget a panic when a
    /// condition is checked a second time, so panics have tests of their own.
    fn index(&mut self, inner: &str) -> String {
        match self.number(5) {
            0 => format!("{}usize", self.number(36)),
            _ => format!("(({inner}) & 31u8) as usize"),
        }
    }

    /// A value of a row of a table.
    fn value(&mut self, depth: u32) -> String {
        let inner = if depth == 0 || self.number(2) == 0 { "x".into() } else { self.value(depth - 1) };
        let index = self.index(&inner);
        match self.number(3) {
            0 => format!("a[{index}].1"),
            _ => format!("{}[{index}].v", self.table()),
        }
    }

    /// A table, and a loop that makes rows of it.
    fn map(&mut self) -> String {
        let (from, begin) = (self.table(), self.number(3));
        let init = match self.number(3) {
            0 => from.clone(),
            1 => "[Row { k: -3i8, on: true, v: 200u8 }; 36]".into(),
            _ => "[Row { k: 5i8, on: x > 100u8, v: x }; 36]".into(),
        };
        let name = self.new_table();
        let (first, last) = ([0, 1, 2][begin as usize], [36, 35, 34][begin as usize]);
        let near = if begin == 0 { "i" } else { pick(self.rng, &["i - 1usize", "i + 1usize", "i"]) };
        let body = match self.number(4) {
            0 => format!(
                "if {from}[i].on {{ {name}[i] = {from}[{near}]; }} else {{ {name}[i].v = (i as u8) ^ x; }}"
            ),
            1 => format!("{name}[i].k = {from}[{near}].k; x = x ^ {name}[i].v;"),
            2 => format!(
                "{name}[i] = Row {{ k: {from}[i].k, on: {from}[{near}].v > x, v: a[i].1 ^ {name}[i].v }};"
            ),
            _ => format!(
                "n = n ^ ({from}[{near}].v as u16); {name}[i].v = n as u8; {name}[i].on = i > 9usize;"
            ),
        };
        format!("let mut {name} = {init};\n for i in {first}usize..{last}usize {{ {body} }}")
    }

    fn statement(&mut self) -> String {
        match self.number(9) {
            0 => {
                let of = self.table();
                let by = pick(self.rng, &["by_k", "by_v"]);
                format!("let {} = {by}({of});", self.new_table())
            }
            1 => format!(
                "for row in {} {{ x = ((x << 1u8) | (x >> 7u8)) ^ row.v; if row.on {{ n = n + (row.v as u16); }} }}",
                self.table()
            ),
            2 => format!(
                "for i in 0usize..36usize {{ x = (x ^ {}[i].v) & (a[i].1 | 15u8); n = n ^ (x as u16) ^ (i as u16); }}",
                self.table()
            ),
            3 => format!("x = x ^ {};", self.value(2)),
            4 => {
                let (least, value) = (self.number(256), self.value(2));
                format!("if x > {least}u8 {{ x = {value}; }} else {{ n = n + 1u16; }}")
            }
            5 if !self.has_join => {
                self.has_join = true;
                let value = pick(self.rng, &["v", "rows[(v & 31u8) as usize].v"]);
                format!(
                    "for ((k, v), (_, w)) in join_iter(a, b) {{ n = n + (w & 3u16); x = x ^ k ^ {value}; }}"
                )
            }
            6 => format!("for row in by_v({}) {{ if row.on {{ x = (x << 1u8) ^ row.v; }} }}", self.table()),
            _ => self.map(),
        }
    }

    /// The source of a program.
    fn program(&mut self) -> String {
        let mut statements: Vec<String> = (0..4).map(|_| self.statement()).collect();
        // The language wants every function to be used.
        let last = self.table();
        statements.push(format!("for row in by_k({last}) {{ n = (n << 1u8) ^ (row.v as u16); }}"));
        statements.push("for row in by_v(rows) { if row.on { x = (x << 1u8) ^ row.v; } }".into());
        let (ty, result) = match self.number(3) {
            0 => ("[Row; 36]", self.table()),
            _ => ("(u8, u16, u8)", "(x, n, z)".into()),
        };
        let [by_k, by_v] = [pick(self.rng, &[".k", ".k <"]), pick(self.rng, &[".v", ".v <"])];
        format!(
            "struct Row {{ k: i8, on: bool, v: u8 }}
            {}{}pub fn main(rows: [Row; 36], a: [(u8, u8); 36], b: [(u8, u16); 36], z: u8) -> {ty} {{
            let mut x = z;
            let mut n = 0u16;
            {}
            {result}
            }}",
            sort("by_k", "Row", 36, by_k),
            sort("by_v", "Row", 36, by_v),
            statements.join("\n            "),
        )
    }
}

/// A random program.
fn program(rng: &mut ChaCha20Rng) -> (Twin, String) {
    let source = Author { rng, tables: vec!["rows".into()], has_join: false }.program();
    (Twin::new(&source), source)
}

/// Inputs of it, with keys that ascend.
fn inputs(twin: &Twin, rng: &mut ChaCha20Rng) -> Vec<Vec<Cells>> {
    let mut inputs = twin.inputs(rng);
    inputs[1][0] = ascending(rng, 36, &[256]);
    inputs[2][0] = ascending(rng, 36, &[900]);
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_with_tables_agree(seed in any::<u64>()) {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (twin, source) = program(rng);
        (0..3).for_each(|_| twin.agrees(&inputs(&twin, rng), &source));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_with_tables_agree_when_two_parties_compute_them(seed in any::<u64>()) {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let (twin, source) = program(rng);
        twin.agrees_garbled(&inputs(&twin, rng), &source, rng);
    }
}
