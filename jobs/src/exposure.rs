//! The most that an output could say of a row, in numbers, for people who sign.
//!
//! ```text
//! an output of b bits      a row that its columns allow to be one of v values
//! b ≥ log2 v               could tell ⌊b / log2 v⌋ rows exactly
//! b < log2 v               could narrow a row down to one of v / 2^b
//! ```
//!
//! That is the worst program of this form: what a program that adds or compares does say is mostly far less. No program
//! says more, whatever its author did.

use core::fmt::Write as _;

use crate::job::sale::VERDICTS;
use crate::job::{Job, Table};
use crate::multiparty::Functionality;
use crate::summary::folded;

/// What each output of a program could tell of each table, a line each.
#[must_use]
pub fn describe(job: &Job, program: &impl Functionality) -> String {
    let mut text = String::from("The most that outputs of their sizes could tell, whatever the program\n");
    let tables = || job.inputs.iter().flat_map(|input| &input.tables);
    for (output, made) in job.outputs.iter().zip(program.declaration().outputs()) {
        if VERDICTS.contains(&output.name.as_str()) {
            continue;
        }
        let bits = made.bits();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {bits} bits", output.name);
        for table in tables() {
            let _ = writeln!(text, "      {}: {}", table.name, most(bits, table));
        }
    }
    folded(&text)
}

/// What an output of some bits could tell of a table.
fn most(bits: usize, table: &Table) -> String {
    let (bits, row) = (bits as f64, row_bits(table));
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
    format!("one row up to {whole} possible ones")
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
            (96, &[7, 7][..], "16 of its rows exactly"),
            (1, &[1], "one row exactly"),
            (96, &[2, 2], "30 of its rows exactly"),
            (600, &[7, 7], "every row exactly"),
            (1, &[255], "one row up to 128 possible ones"),
            (8, &[u64::MAX.into()], "one row up to 2^56 possible ones"),
            (8, &[0], "nothing: every row is the same"),
        ] {
            assert_eq!(most(bits, &table(maxima)), expected, "{bits} {maxima:?}");
        }
    }
}
