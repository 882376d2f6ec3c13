//! What a job declares of a source's result: which rows are suppressed, how numbers are rounded, what rows are.
//!
//! ```text
//! minimum = { count = 10 }                        a row is shown if its count is at least 10
//! minimum = { count[] = 10 }                      a place of the arrays in a row is shown if its count is
//! round = { count = 5, sum = 10000 }              steps, in units of the last decimal
//! exact = [mean]                                  numbers that are not rounded; beside one of the two above
//! rows = { column = region, names = [north, …] }  what the rows are
//! ```
//!
//! These are parameters of the program, so the job's id and the schemas of input parties cover them, and they are
//! never constants of a source, whose names have colons. Gates do what they say (`circuits/disclosure.rs`).

use serde_json::{Map, Value as Json, json};

use crate::circuits::{Disclosure, is_array, is_named};
use crate::job::{Job, Parameter, Value};
use crate::kind::{Kind, decimal};
use crate::multiparty::Table;
use crate::text::{Line, TextError};

const MINIMUM: &str = "minimum";
const ROUND: &str = "round";
const EXACT: &str = "exact";
const ROWS: &str = "rows";
const COLUMN: &str = "column";
const NAMES: &str = "names";

/// Built-in programs whose parameter `minimum` is the least number of rows behind a figure.
const SUPPRESS: [&str; 3] = ["join_count@1", "sum_by_group@1", "welch@1"];

/// The parameters that say what is declared of a result, which is this table once it is opened.
///
/// # Errors
/// If names do not print.
pub(crate) fn parameters(
    Disclosure { rows, minimum, rounding }: &Disclosure,
    opened: &Table,
) -> Result<Vec<Parameter>, TextError> {
    let parameter = |name: &str, value| Ok(Parameter { name: Line::new(name)?, value });
    let text = |text: &String| Line::new(text).map(Value::Text);
    let mut all = Vec::new();
    for (name, entries) in [(MINIMUM, minimum), (ROUND, rounding)] {
        let entries = entries.iter().map(|(column, number)| parameter(column, Value::Number(*number)));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if !entries.is_empty() {
            all.push(parameter(name, Value::Record(entries))?);
        }
    }
    if !all.is_empty() {
        let exact = opened.columns.iter().filter(|column| {
            let is_number = matches!(column.kind, Kind::Number | Kind::Date | Kind::Time);
            is_number && !rounding.keys().any(|name| is_named(&column.name, name)) && column.number.max() > 1
        });
        let names = exact.map(|column| text(&column.name)).collect::<Result<_, _>>()?;
        all.push(parameter(EXACT, Value::List(names))?);
    }
    if let Some(rows) = rows {
        let names = Value::List(rows.names.iter().map(text).collect::<Result<_, _>>()?);
        let record = vec![parameter(COLUMN, text(&rows.column)?)?, parameter(NAMES, names)?];
        all.push(parameter(ROWS, Value::Record(record))?);
    }
    Ok(all)
}

/// What a job declares of the result of its source.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'j>(&'j Job);

impl Job {
    /// What it declares of the result of its source; `None` if nothing.
    #[must_use]
    pub fn declared(&self) -> Option<Declared<'_>> {
        let declared = Declared(self);
        let is_source = self.program.source.is_some();
        let has = |name| declared.find(name).is_some();
        (is_source && [MINIMUM, ROUND, ROWS].into_iter().any(has)).then_some(declared)
    }

    /// The least number of rows behind a figure that is shown, if the job has the others suppressed.
    #[must_use]
    pub fn least_group(&self) -> Option<i128> {
        if self.program.source.is_some() {
            return self.declared()?.entries(MINIMUM).map(|(_, least)| least).min();
        }
        let name = self.program.name.to_string();
        match Declared(self).find(MINIMUM) {
            Some(Value::Number(least)) if SUPPRESS.contains(&&*name) => Some(*least),
            _ => None,
        }
    }

    /// The least step to which numbers of the result are rounded; `None` if some are not.
    #[must_use]
    pub fn least_step(&self) -> Option<i128> {
        let declared = self.declared()?;
        let all = matches!(declared.find(EXACT), Some(Value::List(exact)) if exact.is_empty());
        declared.entries(ROUND).map(|(_, step)| step).min().filter(|_| all)
    }
}

impl<'j> Declared<'j> {
    fn find(self, name: &str) -> Option<&'j Value> {
        let parameters = &self.0.program.parameters;
        parameters.iter().find(|parameter| parameter.name.as_str() == name).map(|parameter| &parameter.value)
    }

    /// Columns with their numbers.
    fn entries(self, name: &str) -> impl Iterator<Item = (&'j str, i128)> + use<'j> {
        let record = match self.find(name) {
            Some(Value::Record(record)) => &record[..],
            _ => &[],
        };
        record.iter().filter_map(|Parameter { name, value }| match value {
            Value::Number(number) => Some((name.as_str(), *number)),
            _ => None,
        })
    }

    /// Whether places of arrays in a row are suppressed on their own.
    #[must_use]
    pub(crate) fn suppresses_places(self) -> bool {
        self.entries(MINIMUM).any(|(column, _)| is_array(column))
    }

    /// The texts of a list.
    fn texts(list: &'j Value) -> Vec<&'j str> {
        let Value::List(list) = list else { return Vec::new() };
        let text = |value: &'j Value| if let Value::Text(text) = value { Some(text.as_str()) } else { None };
        list.iter().filter_map(text).collect()
    }

    /// What the rows are, and their names.
    fn rows(self) -> Option<(&'j str, Vec<&'j str>)> {
        let Some(Value::Record(record)) = self.find(ROWS) else { return None };
        let find =
            |name: &str| record.iter().find(|entry| entry.name.as_str() == name).map(|entry| &entry.value);
        let Some(Value::Text(column)) = find(COLUMN) else { return None };
        Some((column.as_str(), Self::texts(find(NAMES)?)))
    }

    /// A step as it is written in files.
    fn step(self, column: &str, step: i128) -> String {
        let of = self.0.results.iter().find(|result| is_named(result.column.as_str(), column));
        decimal(step, of.map_or(0, |result| result.decimals))
    }

    /// In plain words, a line for each.
    #[must_use]
    pub fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((column, names)) = self.rows() {
            lines.push(format!("a row for each {column}: {}", names.join(", ")));
        }
        for (arrays, of) in [(false, "of a row in which"), (true, "at a place of arrays at which")] {
            let least = self.entries(MINIMUM).filter(|(column, _)| is_array(column) == arrays);
            let least: Vec<_> =
                least.map(|(column, least)| format!("{column} is less than {least}")).collect();
            if !least.is_empty() {
                lines.push(format!("suppressed, and never opened: all numbers {of} {}", least.join(" or ")));
            }
        }
        let steps: Vec<_> = self
            .entries(ROUND)
            .map(|(column, step)| format!("{column} to multiples of {}", self.step(column, step)))
            .collect();
        if !steps.is_empty() {
            lines.push(format!("rounded before it is opened: {}", steps.join(", ")));
        }
        let exact = self.find(EXACT).map(Self::texts).unwrap_or_default();
        if !exact.is_empty() {
            lines.push(format!("not rounded: {}", exact.join(", ")));
        }
        lines
    }

    /// As a record.
    #[must_use]
    pub fn record(self) -> Json {
        let least =
            self.entries(MINIMUM).map(|(column, least)| (column.to_owned(), json!(least.to_string())));
        let step = |(column, step): (&str, i128)| (column.to_owned(), json!(self.step(column, step)));
        let rows = self.rows().map(|(column, names)| json!({ "column": column, "names": names }));
        json!({ "minimum": least.collect::<Map<_, _>>(), "round": self.entries(ROUND).map(step).collect::<Map<_, _>>(),
                "rows": rows })
    }
}
