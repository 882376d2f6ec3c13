//! The most that an output could say of a row, in numbers, for people who sign.
//!
//! ```text
//! an output of b bits      a row that its columns allow to be one of v values
//! b ≥ log2 v               could tell ⌊b / log2 v⌋ rows exactly
//! b < log2 v               could narrow every row down to one of v / 2^b, and some rows exactly
//! ```
//!
//! The bits of an output are the logarithm of the number of values that it can have: fewer than it is wide, where rows
//! are suppressed or numbers rounded, and one value more if the program can panic. Who receives several outputs has the
//! bits of all of them. A field that may be empty has one value more than others of its range.
//!
//! That is the worst program of this form: what a program that adds or compares does say is mostly far less. No program
//! says more, whatever its author did.

use core::fmt::Write as _;

use crate::disclosure::Declared;
use crate::job::sale::VERDICTS;
use crate::job::{Job, Table};
use crate::kind::Kind;
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
    let outputs = job.outputs.iter().zip(program.declaration().outputs());
    let outputs = outputs.filter(|(output, _)| !VERDICTS.contains(&output.name.as_str()));
    let outputs: Vec<_> = outputs.map(|(output, made)| (output, program.output_bits(made))).collect();
    for (output, bits) in &outputs {
        tell(&mut text, job, output.name.as_str(), *bits);
    }
    for party in job.result_parties() {
        let of = outputs.iter().filter(|(output, _)| output.result_parties.contains(&party));
        let (count, bits) = of.fold((0, 0.0), |(count, all), (_, bits)| (count + 1, all + bits));
        if count > 1 {
            let who = format!("all {count} outputs of {} together", job.party(party).name);
            tell(&mut text, job, &who, bits);
        }
    }
    let mut columns = job.inputs.iter().flat_map(|input| &input.tables).flat_map(|table| &table.columns);
    if columns.any(|column| column.kind == Kind::Text) {
        text += "  A text counts as one of 2^62. Who knows a list that it is on, such as all customers, has fewer to choose from.\n";
    }
    for Ungrouped { made, arrays } in without_minimum(job, program) {
        let _ = if arrays {
            writeln!(
                text,
                "  Mind: {} has arrays, and the job declares no smallest group for their places. If they are those of groups, \
                 a group may be one person. `minimum = {{ \"ARRAY[]\" = 10 }}` under its [[output]] suppresses each place of \
                 the arrays at which ARRAY is less.",
                made.name
            )
        } else {
            writeln!(
                text,
                "  Mind: {} has {} rows, and the job declares no smallest group. If they are those of groups, a group may be one \
                 person. `minimum = {{ COLUMN = 10 }}` under its [[output]] suppresses each row in which COLUMN is less.",
                made.name,
                made.rows.most()
            )
        };
    }
    folded(&text)
}

/// What so many bits could tell of each table, a line each.
fn tell(text: &mut String, job: &Job, what: &str, bits: f64) {
    // Writing to a string cannot fail.
    let bits_of = tenths(bits);
    let unit = if bits_of == "1" { "bit" } else { "bits" };
    let _ = writeln!(text, "  {what}: {bits_of} {unit}");
    for table in job.inputs.iter().flat_map(|input| &input.tables) {
        let _ = writeln!(text, "      {}: {}", table.name, most(bits, table));
    }
}

/// An output that looks like a table by groups, of which nothing is suppressed.
struct Ungrouped<'p> {
    made: &'p Made,
    /// Whether the groups would be the places of arrays in a row, and not rows.
    arrays: bool,
}

/// The outputs of a source that look like tables by groups and of which nothing is suppressed.
fn without_minimum<'p>(job: &Job, program: &'p Computation) -> Vec<Ungrouped<'p>> {
    if !matches!(program, Computation::Garble(_)) {
        return Vec::new();
    }
    let outputs = program.declaration().outputs().iter();
    let outputs = outputs.filter(|made| !VERDICTS.contains(&made.name.as_str()));
    let ungrouped = |made: &'p Made| {
        let has_arrays = made.columns.iter().any(|column| column.name.contains('['));
        let arrays = has_arrays && !job.declared().is_some_and(Declared::suppresses_places);
        let rows = made.rows.most() > 1 && job.least_group().is_none();
        (arrays || rows).then_some(Ungrouped { made, arrays: arrays && !rows })
    };
    outputs.filter_map(ungrouped).collect()
}

/// The names of outputs that look like tables by groups and of which no row is suppressed.
#[must_use]
pub fn ungrouped(job: &Job, program: &Computation) -> Vec<String> {
    without_minimum(job, program).into_iter().map(|ungrouped| ungrouped.made.name.clone()).collect()
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
    let values = |bits: f64| match bits {
        // A little less, so that no rounding makes it more.
        40.0.. => format!("2^{}", (bits - 1e-9).ceil()),
        _ => format!("{}", (bits.exp2() - 1e-6).ceil()),
    };
    let (left, all) = (values(row - bits), values(row));
    format!("one row, whatever it is, down to {left} of {all} possible ones")
}

/// The logarithm to the base 2 of the number of different rows.
fn row_bits(table: &Table) -> f64 {
    let cases = table.cases();
    let mut bits: Vec<f64> =
        table.columns.iter().map(|column| ((column.max - column.min + 1) as f64).log2()).collect();
    // A field that is not there has one number, which the flag before it tells from the same one that is.
    for place in (0..bits.len()).filter(|place| table.is_optional(*place)) {
        let there = std::mem::take(&mut bits[place]);
        bits[place - 1] = there + (1.0 + (-there).exp2()).log2();
    }
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
            (1.0, &[255], "one row, whatever it is, down to 128 of 256 possible ones"),
            (8.0, &[u64::MAX.into()], "one row, whatever it is, down to 2^56 of 2^64 possible ones"),
            (3f64.log2(), &[255], "one row, whatever it is, down to 86 of 256 possible ones"),
            (8.0, &[0], "nothing: every row is the same"),
        ] {
            assert_eq!(most(bits, &table(maxima)), expected, "{bits} {maxima:?}");
        }
        // Empty, or one of three: four rows, and not one of six.
        let mut optional = table(&[1, 2]);
        assert_eq!(most(2.0, &optional), "one row, whatever it is, down to 2 of 6 possible ones");
        optional.columns[0].kind = Kind::Presence;
        assert_eq!(most(2.0, &optional), "one row exactly");
        assert_eq!(most(1.0, &optional), "one row, whatever it is, down to 2 of 4 possible ones");
    }
}
