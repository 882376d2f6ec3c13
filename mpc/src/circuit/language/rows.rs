//! Loops over the rows of tables by an index, which may make rows of tables, too.
//!
//! ```text
//! for i in from..to {
//!     let change = rows[i].pay - rows[i - 1usize].pay;      rows at `i`, or at `i` plus a number
//!     if change > least { new[i] = (i, change); } else { }  the row of `new`, and `i` as a number
//! }
//! ```
//!
//! Within a round, the row at `i` of a table that is assigned is a variable: at first the row as it was, at the end
//! the row as it is afterwards. No round sees what another one made: a table that is assigned is used at `i` alone.
//!
//! `i` may be used as a number, which is a constant of its round, but no other index may follow from it: such loops
//! are unrolled, since an index that is known takes no gates.

use std::collections::{BTreeMap, BTreeSet};

use garble_lang::TypedStmt;
use garble_lang::ast::{ExprEnum, StmtEnum, Type};
use garble_lang::token::UnsignedNumType;

use super::sorting::identifier;
use super::types;
use super::uses::Uses;

/// The fewest elements of a table, and rounds of a loop over tables. Below, unrolling makes smaller circuits.
pub(super) const FEWEST: usize = 32;

/// A loop over the rows of tables.
pub(super) struct RowLoop<'s> {
    pub(super) variable: &'s str,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The rows that a round reads: the table, and the number that is added to the index.
    pub(super) reads: Vec<(String, i64)>,
    /// The tables of which a round makes the row.
    pub(super) writes: Vec<String>,
    /// The width of the index, if it is used as a number.
    pub(super) number: Option<usize>,
    pub(super) body: &'s [TypedStmt],
    pub(super) uses: Uses,
}

impl<'s> RowLoop<'s> {
    /// The loop that a statement is, over some of these tables and their numbers of rows.
    pub(super) fn of(tables: &BTreeMap<String, usize>, statement: &'s TypedStmt) -> Option<Self> {
        let StmtEnum::ForEachLoop(pattern, range, body) = &statement.inner else { return None };
        let ExprEnum::Range(from, to, ty) = range.inner else { return None };
        let variable = identifier(pattern)?;
        let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
        let uses = Uses::of(body);
        let place = |row: i64| usize::try_from(row).ok();
        let reaches = |rows: usize, offset: i64| {
            place(from as i64 + offset).is_some() && place(to as i64 + offset).is_some_and(|end| end <= rows)
        };
        let (mut reads, mut as_row) = (Vec::new(), 0);
        for (row, times) in uses.rows_by(variable) {
            let is_table = tables.get(&row.array).is_some_and(|rows| reaches(*rows, row.offset));
            if is_table {
                reads.push((row.array.clone(), row.offset));
                as_row += times;
            }
        }
        let mut writes = Vec::new();
        for (name, times) in uses.assigned_by(variable) {
            let is_table = tables.get(name).is_some_and(|rows| reaches(*rows, 0));
            let only = uses.assigns(name) == times && uses.reads(name) == uses.indexes(name, variable);
            if is_table && only {
                writes.push(name.clone());
                as_row += times;
            }
        }
        // Whatever else is assigned is no table.
        let assigned: BTreeSet<&String> = tables.keys().filter(|name| uses.assigns(name) > 0).collect();
        let all_known = assigned.iter().all(|name| writes.contains(name));
        reads.retain(|(name, _)| !writes.contains(name));
        let is_number = uses.reads(variable) > as_row;
        let is_constant = is_number && index_follows(&uses, variable, as_row);
        let is_any = !reads.is_empty() || !writes.is_empty();
        let fits = is_any && all_known && uses.binds(variable) == 0 && to.saturating_sub(from) >= FEWEST;
        (fits && !is_constant).then_some(())?;
        let number = if is_number { Some(width(ty)?) } else { None };
        Some(Self { variable, from, to, reads, writes, number, body, uses })
    }

    /// Whether a table is read at the index alone.
    pub(super) fn reads_only(&self, name: &str) -> bool {
        let at_index = self.reads.iter().any(|(table, offset)| table == name && *offset == 0);
        at_index && self.uses.reads(name) == self.uses.indexes(name, self.variable)
    }
}

/// Whether an index that is not a row of these follows from the variable.
fn index_follows(uses: &Uses, variable: &str, as_row: usize) -> bool {
    let rows: usize = uses.rows_by(variable).map(|(_, times)| times).sum();
    let assigned: usize = uses.assigned_by(variable).map(|(_, times)| times).sum();
    rows + assigned > as_row || uses.index_follows_from(variable)
}

/// The bits of a variable that counts.
fn width(ty: UnsignedNumType) -> Option<usize> {
    types::number(&Type::Unsigned(ty)).map(|number| number.width())
}
