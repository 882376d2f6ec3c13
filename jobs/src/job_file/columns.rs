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

use serde::Deserialize;
use toml::Spanned;

use super::{Drafting, InputEntry};
use crate::job::{Input, Table};
use crate::kind::Kind;
use crate::multiparty::{Column, ColumnType, Functionality};
use crate::program::Computation;
use crate::rows;
use crate::verify_program::schema;

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
            "has a type that is none of \"number\", \"boolean\", \"date\" and \"time\"; a category has `values`".to_owned()
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
            (Some(_), None) => Err(wrong()),
        }
    }
}

/// A bound of a range.
fn bound(value: &toml::Value, kind: &Kind, decimals: u8) -> Option<i128> {
    match (value, kind) {
        (toml::Value::Integer(number), Kind::Number) => Some((*number).into()),
        (toml::Value::String(text), Kind::Number) => rows::number(text, decimals),
        (toml::Value::String(text), kind) => kind.parse(text),
        (toml::Value::Datetime(date), Kind::Date | Kind::Time) => kind.parse(&date.to_string()),
        _ => None,
    }
}

impl Drafting<'_> {
    /// Gives columns of inputs and outputs the types that the job states.
    pub(super) fn retype(&mut self, program: &mut Computation) {
        for (i, input) in self.file.input.iter().enumerate() {
            for (name, entry) in &input.get_ref().columns {
                let column =
                    program.declaration().party(i).iter().find_map(|table| find(&table.columns, name, entry));
                let typed =
                    entry.ty(column).map(|ty| program.retype(i, name, &ty).map_err(|e| e.to_string()));
                if let Err(what) = typed {
                    self.report(&input.span(), format!("`columns`: \"{name}\" {what}"));
                } else if let Ok(Err(what)) = typed {
                    self.report(
                        &input.span(),
                        format!("`columns`: \"{name}\" cannot have this type: {what}"),
                    );
                }
            }
        }
        for output in &self.file.output {
            for (name, entry) in &output.get_ref().columns {
                let has_range = entry.min.is_some() || entry.max.is_some();
                let ty =
                    if has_range { Err("is a result, and has no range".to_owned()) } else { entry.ty(None) };
                let of = &output.get_ref().name;
                let typed = ty.and_then(|ty| program.retype_output(of, name, &ty).map_err(|e| e.to_string()));
                if let Err(what) = typed {
                    self.report(&output.span(), format!("`columns`: \"{name}\": {what}"));
                }
            }
        }
        self.agree(program);
    }

    /// All inputs with a column of one name that is given a type must mean the same by it.
    fn agree(&mut self, program: &Computation) {
        let inputs = &self.file.input;
        let column = |i: usize, name: &str| {
            let tables = program.declaration().party(i).iter();
            let found = tables.flat_map(|table| &table.columns).find(|column| column.name == name)?;
            Some((found.number.decimals(), found.kind.clone()))
        };
        for (i, input) in inputs.iter().enumerate() {
            for name in input.get_ref().columns.keys() {
                let ours = column(i, name);
                let differs = |j: &usize| {
                    *j != i && column(*j, name).is_some_and(|theirs| ours.as_ref() != Some(&theirs))
                };
                if let (Some(_), Some(j)) = (&ours, (0..inputs.len()).find(differs)) {
                    let other = &inputs.get(j).map_or("?", |other| other.get_ref().party.as_str());
                    let what = format!(
                        "\"{name}\" has other decimals or another type than that of {other}: inputs must agree on what a column means"
                    );
                    self.report(&input.span(), what);
                }
            }
        }
    }

    pub(super) fn input(
        &mut self,
        i: usize,
        entry: &Spanned<InputEntry>,
        program: &Computation,
    ) -> Option<Input> {
        let (InputEntry { party, missing, .. }, span) = (entry.get_ref(), entry.span());
        let party = self.find(party, &span);
        let mut tables = schema(program, i).map_err(|e| self.report(&span, e)).ok()?;
        for (name, value) in missing {
            if let Err(what) = fill(&mut tables, name, value) {
                self.report(&span, format!("`missing`: \"{name}\" {what}"));
            }
        }
        Some(Input { party: party?, tables })
    }
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
