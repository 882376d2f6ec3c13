//! The rows that a round of a loop takes and makes, and the names of the variables that they are.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use garble_lang::TypedExpr;

use super::uses::offset;
use crate::circuit::netlist::Signal;

/// The rows of a round: of tables that it reads, by their names and what is added to the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) variable: String,
    pub(super) reads: BTreeMap<(String, i64), Rc<Vec<Signal>>>,
    pub(super) writes: BTreeSet<String>,
}

impl Row {
    /// What `table[index]` is in this round.
    pub(super) fn at(&self, table: &str, index: &TypedExpr) -> Place<'_> {
        let Some((_, offset)) = offset(index).filter(|(variable, _)| *variable == self.variable) else {
            return Place::Elsewhere;
        };
        if offset == 0 && self.writes.contains(table) {
            return Place::Made;
        }
        self.reads.get(&(table.to_owned(), offset)).map_or(Place::Elsewhere, Place::Read)
    }
}

/// A row of a table in a round.
pub(super) enum Place<'r> {
    /// One that the round takes.
    Read(&'r Rc<Vec<Signal>>),
    /// The one that the round makes, which is a [variable](made).
    Made,
    /// Another row.
    Elsewhere,
}

/// The name of the variable that is the row of a table that a round makes. No source has such a name.
pub(super) fn made(table: &str) -> String {
    format!("{table}[]")
}

/// The name of the variable that is every row of a table of equal rows.
pub(super) fn filled(table: &str) -> String {
    format!("{table}[..]")
}

/// The name in the source of the table of which a variable is a row; other names are their own.
pub(super) fn of_table(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}
