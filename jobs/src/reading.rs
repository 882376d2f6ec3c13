//! How a source's tables are read, in words: what streams, what is held, and what loops make of it.
//!
//! ```text
//! streamed     by one loop, row after row, and never held
//! as rows      held: each bit has a label in memory
//! as a whole   a value like any other; loops over it are unrolled
//! ```

use core::fmt::Write as _;

use serde_json::{Value, json};

use crate::circuits::Reading;
use crate::job::Job;
use crate::multiparty::Functionality;
use crate::program::Computation;
use crate::summary::folded;
use sotto_mpc::circuit::Tables;

/// Bytes of a bit of a row in memory, and about as many against a malicious compute party.
const LABEL: usize = 16;
const AUTHENTICATED: usize = 64;

/// A table of an input.
struct Read<'j> {
    party: &'j str,
    table: &'j str,
    rows: u64,
    row_bits: usize,
    reading: Reading,
}

fn tables<'j>(job: &'j Job, program: &Computation) -> Vec<Read<'j>> {
    let mut all = Vec::new();
    for (i, input) in job.inputs.iter().enumerate() {
        for (t, table) in input.tables.iter().enumerate() {
            let declared = program.declaration().party(i).get(t);
            if let (Some(reading), Some(declared)) = (program.reading(i, t), declared) {
                let party = job.party(input.party).name.as_str();
                let (table, rows) = (table.name.as_str(), table.rows);
                all.push(Read { party, table, rows, row_bits: declared.row_bits(), reading });
            }
        }
    }
    all
}

impl Reading {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Streamed => "streamed",
            Self::Rows => "rows",
            Self::Whole => "whole",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Streamed => "streamed, row after row",
            Self::Rows => "held as rows",
            Self::Whole => "read as a whole",
        }
    }
}

/// A line for each table of the inputs of a source, and what memory its tables take; nothing for other programs.
#[must_use]
pub fn describe(job: &Job, program: &Computation) -> String {
    let all = tables(job, program);
    if all.is_empty() {
        return String::new();
    }
    let mut text = String::from("How tables are read\n");
    for Read { party, table, rows, row_bits, reading } in all {
        let advice = match reading {
            Reading::Whole if rows > 1 => "; loops over it are unrolled",
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {table} of {party}: {}, {rows} row(s) of {row_bits} bits{advice}",
            reading.words()
        );
    }
    let Tables { sorts, joins, lookups, made, held_bits } = program.tables();
    let _ = writeln!(
        text,
        "  Sorts {sorts}, joins {joins}, tables made by loops {made}, rows by a secret index {lookups}."
    );
    if held_bits > 0 {
        let [bytes, authenticated] =
            [LABEL, AUTHENTICATED].map(|bytes| held_bits.saturating_mul(bytes) >> 20);
        let _ = writeln!(
            text,
            "  At most {held_bits} bits of rows are held at once, which takes {bytes} MiB at each compute party, or \
             about {authenticated} MiB with `adversary = \"malicious\"`."
        );
    }
    folded(&text)
}

/// The same as records; `null` for programs that are no sources.
#[must_use]
pub fn records(job: &Job, program: &Computation) -> Value {
    let all = tables(job, program);
    if all.is_empty() {
        return Value::Null;
    }
    let record = |read: &Read<'_>| {
        json!({ "party": read.party, "table": read.table, "rows": read.rows, "row_bits": read.row_bits,
                "reading": read.reading.as_str() })
    };
    json!(all.iter().map(record).collect::<Vec<_>>())
}
