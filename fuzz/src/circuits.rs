//! The files that a compute party reads: circuits, tables and program sources.

use crate::{Verdict, compiler};
use sotto_jobs::builtins::auc::{BREAST_CANCER, Column, Table};
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Delegated, Functionality};
use sotto_mpc::Program;
use sotto_mpc::circuit::{Circuit, Netlist};
use sotto_mpc::fancy::Plain;
use sotto_mpc::inputs::Holder;
use std::borrow::Cow;

/// Circuits with more input bits are only parsed, not run.
const MOST_INPUTS: usize = 1 << 10;

/// A circuit in either format. The scheduled circuit must compute what its gates define, and reading must
/// invert writing.
pub fn mpc_bristol_fashion(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let Ok(netlist) = Netlist::from_bristol(text) else { return Verdict::Refused };
    let bits = netlist.inputs().iter().sum();
    if bits <= MOST_INPUTS {
        let circuit = Circuit::new(&netlist).expect("fewer gates than bytes");
        for pattern in [0u64, u64::MAX, 0x6c62_272e_07bb_0142] {
            let inputs: Vec<bool> = (0..bits).map(|i| pattern.rotate_right(i as u32) & 1 == 1).collect();
            let mut outputs = Vec::new();
            let Ok(()) = circuit.run(&mut Plain, inputs.iter().copied(), &mut outputs);
            assert_eq!(outputs, netlist.compute(&inputs), "the schedule computes another function");
        }
        let again = Netlist::from_bristol(&netlist.to_string());
        assert!(again.is_ok_and(|again| again == netlist), "reading does not invert writing");
    }
    Verdict::Accepted
}

/// A circuit in the older format. With the header of the newer format it must be the same circuit.
pub fn mpc_bristol(data: &[u8]) -> Verdict {
    let verdict = mpc_bristol_fashion(data);
    let Some(newer) = str::from_utf8(data).ok().and_then(in_fashion) else { return Verdict::Refused };
    let digest = |text: &str| Some(Circuit::new(&Netlist::from_bristol(text).ok()?).ok()?.digest());
    let small = newer.inputs <= MOST_INPUTS;
    assert!(
        verdict == Verdict::Refused
            || !small
            || str::from_utf8(data).ok().and_then(digest) == digest(&newer.text),
        "another circuit in the newer format"
    );
    verdict
}

/// A circuit's text in the newer format, and its input bits.
struct Fashion {
    text: String,
    inputs: usize,
}

/// The text with the older header's three sizes as the newer's two lines; `None` if the header is not the
/// older one.
fn in_fashion(text: &str) -> Option<Fashion> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (counts, sizes) = (lines.next()?, lines.next()?);
    let sizes: Option<Vec<usize>> = sizes.split_ascii_whitespace().map(|n| n.parse().ok()).collect();
    let [a, b, output] = sizes?[..] else { return None };
    let gates: Vec<&str> = lines.collect();
    let older = gates.first().is_none_or(|line| line.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let text = format!("{counts}\n2 {a} {b}\n1 {output}\n{}\n", gates.join("\n"));
    older.then_some(Fashion { text, inputs: a.saturating_add(b) })
}

/// A short schema, so that seeds are short.
static SCHEMA: [Column; 2] = [
    Column { name: Cow::Borrowed("a"), decimals: 2, bits: 10 },
    Column { name: Cow::Borrowed("b"), decimals: 0, bits: 32 },
];

/// A table with a schema of two columns, or with that of the breast-cancer data. Reading must invert writing.
pub fn mpc_table(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let all = [&SCHEMA[..], &BREAST_CANCER].map(|schema| table(text, schema));
    Verdict::of(all.contains(&true))
}

fn table(text: &str, schema: &[Column]) -> bool {
    let Ok(table) = Table::parse(text, schema) else { return false };
    let classes = table.classes();
    assert_eq!((classes.positive + classes.negative, table.columns()), (table.rows(), schema.len()));
    let header = format!("{},{},yes,no\n", table.rows(), table.columns());
    let rows = (0..table.rows()).filter_map(|i| table.part(i..i + 1)).map(|row| line(&row, schema));
    let again = Table::parse(&(header + &rows.collect::<String>()), schema);
    assert!(again.is_ok_and(|again| again == table), "reading does not invert writing");
    true
}

/// The line of a table of one row.
fn line(row: &Table, schema: &[Column]) -> String {
    let positive = row.classes().positive == 1;
    let value = |(i, column): (usize, &Column)| {
        let value = match row.column(i) {
            ([value], []) | ([], [value]) => *value,
            other => unreachable!("{other:?} in a row"),
        };
        assert!(u64::from(value) >> column.bits == 0, "{value} has more than {} bits", column.bits);
        let unit = 10u32.pow(column.decimals);
        let (whole, fraction, digits) = (value / unit, value % unit, column.decimals as usize);
        if digits == 0 { format!("{whole},") } else { format!("{whole}.{fraction:0digits$},") }
    };
    let values: String = schema.iter().enumerate().map(value).collect();
    format!("{values}{}\n", u8::from(!positive))
}

/// A program in the Garble language, with a small gate limit. A compiled program must have the declared
/// numbers of input and output bits, and must not reveal a result if it panics.
pub fn mpc_language(data: &[u8]) -> Verdict {
    let Ok(source) = str::from_utf8(data) else { return Verdict::Refused };
    let options = GarbleOptions { gates: 1 << 12, ..GarbleOptions::default() };
    let Ok(program) = GarbleFunctionality::new(source, &options, compiler()) else { return Verdict::Refused };
    let declaration = program.declaration();
    let places = vec![Holder::Garbler; declaration.parties().len()];
    let parties = Delegated::new(&program, places).expect("a place for each owner");
    for pattern in [0u64, u64::MAX, 0x6c62_272e_07bb_0142] {
        let bits = parties.shape().garbler_bits();
        let inputs: Vec<bool> = (0..bits).map(|i| pattern.rotate_right(i as u32) & 1 == 1).collect();
        let outputs = declaration.decode(&parties.compute(&inputs, &[])).expect("as many bits as declared");
        let [_, panicked, result] = &outputs[..] else { unreachable!("three tables") };
        let is_zero = result.iter().flatten().all(|n| *n == 0);
        assert!(panicked[0][0] == 0 || is_zero, "a panic reveals the result");
    }
    Verdict::Accepted
}
