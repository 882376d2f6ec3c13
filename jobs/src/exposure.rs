//! The most that an output could say of a row, in numbers, for people who sign.
//!
//! ```text
//! an output of b bits      a row that its columns allow to be one of v values
//! b ≥ log2 v               could tell ⌊b / log2 v⌋ rows exactly
//! b < log2 v               could narrow every row down to one of v / 2^b, and some rows exactly
//! ```
//!
//! The bits of an output are the logarithm of the number of values that it can have: fewer than it is wide, where rows
//! are suppressed or numbers rounded, and one value more if the program can panic.
//!
//! That is the worst program of this form: what a program that adds or compares does say is mostly far less. No program
//! says more, whatever its author did.

use core::fmt::Write as _;

use crate::job::sale::VERDICTS;
use crate::job::{Job, Table};
use crate::multiparty::{Functionality, Table as Made};
use crate::program::Computation;
use crate::summary::folded;

/// What each output of a program could tell of each table, a line each.
#[must_use]
pub fn describe(job: &Job, program: &Computation) -> String {
    let mut text = String::from("The most that outputs of their sizes could tell, whatever the program\n");
    text +=
        "  Of one run. A program can spend an output on one value alone: who has it is then known exactly.\n";
    if job.runs > 1 {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  If rows stay the same, {} runs can tell {} times as many bits of them.",
            job.runs, job.runs
        );
    }
    let tables = || job.inputs.iter().flat_map(|input| &input.tables);
    for (output, made) in job.outputs.iter().zip(program.declaration().outputs()) {
        if VERDICTS.contains(&output.name.as_str()) {
            continue;
        }
        let bits = program.output_bits(made);
        let _ = writeln!(text, "  {}: {} bits", output.name, tenths(bits));
        for table in tables() {
            let _ = writeln!(text, "      {}: {}", table.name, most(bits, table));
        }
    }
    for made in without_minimum(job, program) {
        let what = if made.rows.most() > 1 {
            format!("has {} rows", made.rows.most())
        } else {
            "has arrays".to_owned()
        };
        let _ = writeln!(
            text,
            "  Mind: {} {what}, and the job declares no smallest group. If they are those of groups, a group may be one \
             person. `minimum = {{ COLUMN = 10 }}` under its [[output]] suppresses each row in which COLUMN is less.",
            made.name
        );
    }
    folded(&text)
}

/// The outputs of a source that look like tables by groups and of which no row is suppressed.
fn without_minimum<'p>(job: &Job, program: &'p Computation) -> Vec<&'p Made> {
    if !matches!(program, Computation::Garble(_)) || job.least_group().is_some() {
        return Vec::new();
    }
    let outputs = program.declaration().outputs().iter();
    let outputs = outputs.filter(|made| !VERDICTS.contains(&made.name.as_str()));
    outputs
        .filter(|made| made.rows.most() > 1 || made.columns.iter().any(|c| c.name.ends_with(']')))
        .collect()
}

/// The names of outputs that look like tables by groups and of which no row is suppressed.
#[must_use]
pub fn ungrouped(job: &Job, program: &Computation) -> Vec<String> {
    without_minimum(job, program).into_iter().map(|made| made.name.clone()).collect()
}

/// A number of bits, with a decimal if it is not whole.
fn tenths(bits: f64) -> String {
    let tenths = format!("{bits:.1}");
    tenths.strip_suffix(".0").map_or(tenths.clone(), ToOwned::to_owned)
}

/// What an output of some bits could tell of a table.
fn most(bits: f64, table: &Table) -> String {
    let row = row_bits(table);
    if row == 0.0 {
        return "nothing: every row is the same".to_owned();
    }
    // A little more, so that no rounding makes it less.
    let rows = (bits / row + 1e-9).floor();
    if rows >= 1.0 {
        return match rows.min(table.rows as f64) {
            1.0 => "one row exactly".to_owned(),
            all if all >= table.rows as f64 => "every row exactly".to_owned(),
            rows => format!("{rows} of its rows exactly"),
        };
    }
    let left = row - bits;
    let whole = if left < 40.0 { format!("{}", left.exp2().floor()) } else { format!("2^{}", left.floor()) };
    format!("one row, whatever it is, up to {whole} possible ones")
}

/// The logarithm to the base 2 of the number of different rows.
fn row_bits(table: &Table) -> f64 {
    let cases = table.cases();
    let mut bits: Vec<f64> =
        table.columns.iter().map(|column| ((column.max - column.min + 1) as f64).log2()).collect();
    // Of the fields of variants, a row has those of one. Columns depend on earlier ones alone.
    for (place, column) in table.columns.iter().enumerate().rev() {
        if !cases.has_fields(place) {
            continue;
        }
        let of = |variant: i128| {
            let fields = (0..bits.len()).filter(|field| {
                cases.get(*field).is_some_and(|case| (case.column, case.variant as i128) == (place, variant))
            });
            fields.filter_map(|field| bits.get(field)).sum::<f64>()
        };
        let variants: Vec<f64> = (column.min..=column.max).map(of).collect();
        let most = variants.iter().copied().fold(0.0, f64::max);
        let all = most + variants.iter().map(|bits| (bits - most).exp2()).sum::<f64>().log2();
        bits.iter_mut().skip(place).take(1).for_each(|bits| *bits = all);
    }
    let own = bits.iter().enumerate().filter(|(place, _)| cases.get(*place).is_none());
    own.map(|(_, bits)| bits).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Column, Count};
    use crate::kind::Kind;
    use crate::text::Line;

    #[test]
    fn the_worst_case_is_counted() {
        let column = |max| Column {
            name: Line::new("x").unwrap(),
            min: 0,
            max,
            decimals: 0,
            missing: None,
            kind: Kind::Number,
        };
        let table = |maxima: &[i128]| Table {
            name: Line::new("t").unwrap(),
            count: Count::Exactly,
            rows: 100,
            columns: maxima.iter().map(|max| column(*max)).collect(),
        };
        for (bits, maxima, expected) in [
            (96.0, &[7, 7][..], "16 of its rows exactly"),
            (1.0, &[1], "one row exactly"),
            (96.0, &[2, 2], "30 of its rows exactly"),
            (600.0, &[7, 7], "every row exactly"),
            (1.0, &[255], "one row, whatever it is, up to 128 possible ones"),
            (8.0, &[u64::MAX.into()], "one row, whatever it is, up to 2^56 possible ones"),
            (3f64.log2(), &[255], "one row, whatever it is, up to 85 possible ones"),
            (8.0, &[0], "nothing: every row is the same"),
        ] {
            assert_eq!(most(bits, &table(maxima)), expected, "{bits} {maxima:?}");
        }
    }
}
