//! The entries of an `[[output]]` that say what is withheld of it.
//!
//! ```toml
//! [[output]]
//! name = "result"
//! result_parties = ["north"]
//! rows = "region"                            # its rows are the names of this category of an input; or a list of names
//! minimum = { count = 10 }                   # a row with a lesser count is suppressed; "n[]": a place of arrays in it
//! round = { count = 5, sum = "100.00" }      # steps, in units of the last decimal or as in files
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::columns::bound;
use crate::circuits::{Disclosure, is_named};
use crate::disclosure::parameters;
use crate::job::Parameter;
use crate::kind::{Kind, MAX_NAMES};
use crate::multiparty::{Functionality, RowNames, Table};
use crate::program::Computation;

/// What a list of names is called, where it has no column.
const ROW: &str = "row";

/// What the rows of a result are.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RowsEntry {
    /// The names of a category.
    Column(String),
    /// These.
    Names(Vec<String>),
}

/// What an output says.
pub(super) struct DisclosureEntries<'f> {
    pub(super) output: &'f str,
    pub(super) rows: Option<&'f RowsEntry>,
    pub(super) minimum: &'f BTreeMap<String, i64>,
    pub(super) round: &'f BTreeMap<String, toml::Value>,
}

impl DisclosureEntries<'_> {
    /// Has the program do what is said, and the parameters that say so.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn declare(&self, program: &mut Computation) -> Result<Vec<Parameter>, String> {
        let find = |program: &Computation| {
            let outputs = program.declaration().outputs().iter();
            outputs.into_iter().find(|table| table.name == self.output).cloned()
        };
        // An output that the program does not have is reported elsewhere.
        let Some(table) = find(program) else { return Ok(Vec::new()) };
        let step = |(name, value): (&String, &toml::Value)| {
            let columns = table.columns.iter().filter(|column| is_named(&column.name, name));
            let mut decimals: Vec<_> = columns.map(|column| column.number.decimals()).collect();
            decimals.dedup();
            if decimals.len() > 1 {
                return Err(format!("`round`: not all places of \"{name}\" have the same decimals"));
            }
            let step = bound(value, &Kind::Number, decimals.first().copied().unwrap_or_default());
            step.map(|step| (name.clone(), step))
                .ok_or_else(|| format!("`round`: the step of \"{name}\" is not a number of it"))
        };
        let disclosure = Disclosure {
            rows: self.rows.map(|rows| rows.names(program)).transpose()?,
            minimum: self.minimum.iter().map(|(name, least)| (name.clone(), (*least).into())).collect(),
            rounding: self.round.iter().map(step).collect::<Result<_, _>>()?,
        };
        program.disclose(self.output, disclosure.clone()).map_err(|e| e.to_string())?;
        let opened: Option<Table> = find(program);
        opened.map_or(Ok(Vec::new()), |opened| parameters(&disclosure, &opened).map_err(|e| e.to_string()))
    }
}

impl RowsEntry {
    fn names(&self, program: &Computation) -> Result<RowNames, String> {
        match self {
            Self::Names(names) => {
                let sound =
                    Kind::category(names).map(|_| RowNames { column: ROW.to_owned(), names: names.clone() });
                sound.ok_or_else(|| {
                    format!("`rows` are 1 to {MAX_NAMES} different texts of at most 100 printable bytes, or the name of a column")
                })
            }
            Self::Column(name) => {
                let tables = program.declaration().parties().iter().flatten();
                let columns = tables.flat_map(|table| &table.columns).filter(|column| column.name == *name);
                let mut kinds: Vec<&Kind> = columns.map(|column| &column.kind).collect();
                kinds.dedup();
                match kinds[..] {
                    [Kind::Category(names)] => {
                        let names = names.iter().map(ToString::to_string).collect();
                        Ok(RowNames { column: name.clone(), names })
                    }
                    [] => Err(format!("`rows`: no input has a column \"{name}\"")),
                    [_] => Err(format!(
                        "`rows`: the column \"{name}\" has no names: give it `values`, or list the names here"
                    )),
                    _ => {
                        Err(format!("`rows`: inputs have different columns \"{name}\": list the names here"))
                    }
                }
            }
        }
    }
}
