//! The entries of a job file that give columns their types, and the schema of an input that follows.
//!
//! ```toml
//! [[input]]                                                       [[output]]
//! columns.pay = { max = 1000000, decimals = 2, optional = true }  columns.mean = { decimals = 2 }
//! columns.region = { values = ["north", "south"] }                columns.region = { values = ["north", "south"] }
//! columns.born = { type = "date", min = 1900-01-01 }              columns.last = { type = "date" }
//! missing = { region = "south" }
//! ```
//!
//! Bounds of numbers are whole numbers in units of the last decimal, or texts as in files. Where an entry says
//! nothing, the program does: a `bool` is a truth value, an enum a category of its variants. Inputs that have a
//! column of one name must agree on its decimals and meaning: a program that takes cents from one party and euros
//! from another has no error that anybody would see.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::job::Table;
use crate::kind::Kind;
use crate::multiparty::{Column, ColumnType, Functionality};
use crate::program::Computation;
use crate::rows;

/// The entries of an input or an output, by the names of columns.
pub(super) type ColumnEntries = BTreeMap<String, ColumnEntry>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnEntry {
    min: Option<toml::Value>,
    max: Option<toml::Value>,
    #[serde(default)]
    decimals: u8,
    r#type: Option<String>,
    values: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
}

impl ColumnEntry {
    /// The type that it gives an input's column, of which the program says this.
    fn ty(&self, column: Option<&Column>) -> Result<ColumnType, String> {
        let kind = self.kind()?;
        let ty = ColumnType { kind, range: None, decimals: self.decimals, is_optional: self.optional };
        if self.min.is_none() && self.max.is_none() {
            return Ok(ty);
        }
        if self.values.is_some() {
            return Err("has `values`, and so neither `min` nor `max`".to_owned());
        }
        let of = ty.kind.clone().or_else(|| Some(column?.kind.clone())).unwrap_or_default();
        let bound = |value: &toml::Value| {
            bound(value, &of, self.decimals).ok_or("has a `min` or `max` that is not of its type")
        };
        // Without a lower bound, numbers begin at 0 as those of built-in programs do.
        let least =
            of.range().map_or(0, |(min, _)| column.map_or(min, |column| min.max(column.number.min())));
        let min = self.min.as_ref().map_or(Ok(least), bound)?;
        let max = match &self.max {
            Some(max) => bound(max)?,
            None => {
                let own = column.map(|column| column.number.max()).ok_or("needs a `max`")?;
                of.range().map_or(own, |(_, max)| max.min(own))
            }
        };
        Ok(ColumnType { range: Some((min, max)), ..ty })
    }

    fn kind(&self) -> Result<Option<Kind>, String> {
        let wrong = || {
            "has a type that is none of \"number\", \"boolean\", \"date\", \"time\" and \"text\"; a category has `values`".to_owned()
        };
        match (self.r#type.as_deref(), &self.values) {
            (None, None) => Ok(None),
            (None | Some("category"), Some(values)) => Kind::category(values).map(Some).ok_or_else(|| {
                "has `values` that are not 1 to 1024 different texts of at most 100 printable bytes"
                    .to_owned()
            }),
            (Some(_), Some(_)) => Err(wrong()),
            (Some("number"), None) => Ok(Some(Kind::Number)),
            (Some("boolean"), None) => Ok(Some(Kind::Truth)),
            (Some("date"), None) => Ok(Some(Kind::Date)),
            (Some("time"), None) => Ok(Some(Kind::Time)),
            (Some("text"), None) => Ok(Some(Kind::Text)),
            (Some(_), None) => Err(wrong()),
        }
    }
}

/// A bound of a range.
pub(super) fn bound(value: &toml::Value, kind: &Kind, decimals: u8) -> Option<i128> {
    match (value, kind) {
        (toml::Value::Integer(number), Kind::Number) => Some((*number).into()),
        (toml::Value::String(text), Kind::Number) => rows::number(text, decimals),
        (toml::Value::String(text), kind) => kind.parse(text),
        (toml::Value::Datetime(date), Kind::Date | Kind::Time) => kind.parse(&date.to_string()),
        _ => None,
    }
}

/// Gives the columns of inputs the types that the job states; what is wrong with each input, of which there are the
/// party and the entries.
pub(super) fn retype_inputs(
    inputs: &[(&str, &ColumnEntries)],
    program: &mut Computation,
) -> Vec<Vec<String>> {
    let mut faults = Vec::new();
    for (i, (_, entries)) in inputs.iter().enumerate() {
        let mut retype = |name: &str, entry: &ColumnEntry| {
            let tables = program.declaration().party(i).iter();
            let column = tables.flat_map(|table| find(&table.columns, name, entry)).next();
            let ty = entry.ty(column).map_err(|what| format!("`columns`: \"{name}\" {what}"))?;
            let typed = program.retype(i, name, &ty);
            typed.map_err(|e| format!("`columns`: \"{name}\" cannot have this type: {e}"))
        };
        faults.push(entries.iter().filter_map(|(name, entry)| retype(name, entry).err()).collect());
    }
    for (own, more) in faults.iter_mut().zip(disagreements(inputs, program)) {
        Vec::extend(own, more);
    }
    faults
}

/// All inputs with a column of one name that is given a type must mean the same by it.
fn disagreements(inputs: &[(&str, &ColumnEntries)], program: &Computation) -> Vec<Vec<String>> {
    let column = |i: usize, name: &str| {
        let tables = program.declaration().party(i).iter();
        let found = tables.flat_map(|table| &table.columns).find(|column| column.name == name)?;
        Some((found.number.decimals(), found.kind.clone()))
    };
    let fault = |i: usize, name: &str| {
        let ours = column(i, name)?;
        let mut others = inputs.iter().enumerate().filter(|(j, _)| *j != i);
        let (_, (other, _)) = others.find(|(j, _)| column(*j, name).is_some_and(|theirs| theirs != ours))?;
        Some(format!(
            "\"{name}\" has other decimals or another type than that of {other}: inputs must agree on what a column means"
        ))
    };
    let inputs = inputs.iter().enumerate();
    inputs.map(|(i, (_, entries))| entries.keys().filter_map(|name| fault(i, name)).collect()).collect()
}

/// Gives the columns of an output the types that the job states; what is wrong.
pub(super) fn retype_output(output: &str, entries: &ColumnEntries, program: &mut Computation) -> Vec<String> {
    let mut retype = |name: &str, entry: &ColumnEntry| {
        let has_range = entry.min.is_some() || entry.max.is_some();
        let ty = if has_range { Err("is a result, and has no range".to_owned()) } else { entry.ty(None) };
        ty.and_then(|ty| program.retype_output(output, name, &ty).map_err(|e| e.to_string()))
    };
    let faults = entries.iter().filter_map(|(name, entry)| Some((name, retype(name, entry).err()?)));
    faults.map(|(name, what)| format!("`columns`: \"{name}\": {what}")).collect()
}

/// Gives columns their values for empty fields; what is wrong.
pub(super) fn fill_all(tables: &mut [Table], missing: &BTreeMap<String, String>) -> Vec<String> {
    let filled = missing.iter().filter_map(|(name, value)| Some((name, fill(tables, name, value).err()?)));
    filled.map(|(name, what)| format!("`missing`: \"{name}\" {what}")).collect()
}

/// The program's column that an entry is about.
fn find<'c>(columns: &'c [Column], name: &str, entry: &ColumnEntry) -> Option<&'c Column> {
    let within = |column: &&Column| column.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    if entry.optional {
        columns.iter().filter(within).nth(1)
    } else {
        columns.iter().find(|column| column.name == name)
    }
}

/// Gives a column a value for empty fields.
fn fill(tables: &mut [Table], name: &str, value: &str) -> Result<(), String> {
    let place = |table: &Table| table.columns.iter().position(|column| column.name.as_str() == name);
    let found = tables.iter_mut().find_map(|table| place(table).map(|place| (table, place)));
    let (table, place) = found.ok_or("is no column that the program reads")?;
    if table.is_optional(place) {
        return Err("is optional: the program sees that a field is empty".to_owned());
    }
    if table.cases().get(place).is_some() {
        return Err("is a field of a variant: it is empty in rows of another one alone".to_owned());
    }
    let column = table.columns.get_mut(place).filter(|column| !column.kind.is_derived());
    let column = column.ok_or("is not a column of files")?;
    column.missing = match &column.kind {
        Kind::Number => rows::number(value, column.decimals),
        kind => kind.parse(value),
    };
    let wrong = match &column.kind {
        Kind::Number => format!("is given what is not a number with {} decimals", column.decimals),
        _ => "is given what is not of its type".to_owned(),
    };
    column.missing.map(|_| ()).ok_or(wrong)
}
