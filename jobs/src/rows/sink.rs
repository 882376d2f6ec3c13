//! Where rows go as they are read, and what is wrong with them.

use super::field::{Cell, Comma, FieldFault, Written, cell};
use crate::budget::RowsHasher;
use crate::job::{Column, Count, Table};
use crate::kind::Kind;
use crate::multiparty::LocalStepError;
use crate::text_key::TextKey;
use crate::variants::Cases;

/// What is wrong with an input party's rows.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// A field of a row.
    #[error("table {table}, row {row} (line {line}), column {column}: {what}")]
    Field {
        /// The table.
        table: String,
        /// The row, from 1, without the heading.
        row: u64,
        /// The line of the file.
        line: u64,
        /// The column.
        column: String,
        /// What is wrong.
        what: FieldFault,
    },
    /// A row as a whole, or the heading.
    #[error("table {table}, line {line}: {what}")]
    Line {
        /// The table.
        table: String,
        /// The line of the file.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Another number of rows than was signed.
    #[error("table {table} has {given} rows, the job says {wanted}")]
    Count {
        /// The table.
        table: String,
        /// Rows of the file.
        given: u64,
        /// Rows of the job.
        wanted: String,
    },
    /// The program's own first step refuses.
    #[error(transparent)]
    LocalStep(#[from] LocalStepError),
}

impl RowsError {
    pub(super) fn of_field(table: &Table, column: &Column, [row, line]: [u64; 2], what: FieldFault) -> Self {
        let (table, column) = (table.name.to_string(), column.name.to_string());
        Self::Field { table, row, line, column, what }
    }
}

/// Nothing more is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop;

/// Everything that is wrong with an input party's rows: the first faults, and how many there are.
#[derive(Debug, Default)]
pub struct Faults {
    /// The first ones.
    pub found: Vec<RowsError>,
    /// How each file was read: what was recognised in it, if anything.
    pub forms: Vec<String>,
    /// How many there are beyond these.
    pub beyond: u64,
    /// How many are kept; with none, reading stops at the first.
    kept: usize,
}

impl Faults {
    /// Keeps the first fault, at which reading stops.
    pub(super) fn first() -> Self {
        Self::default()
    }

    /// Counts all faults and keeps the first of them, at least one.
    pub(super) fn all(kept: usize) -> Self {
        Self { kept: kept.max(1), ..Self::default() }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.found.len() as u64 + self.beyond
    }

    /// Whether reading goes on after a fault.
    pub(super) const fn counts(&self) -> bool {
        self.kept > 0
    }

    /// Says how the file that is being read is written.
    pub(super) fn form(&mut self, form: String) {
        if let Some(last) = self.forms.last_mut() {
            *last = form;
        }
    }

    pub(super) fn add(&mut self, fault: RowsError) -> Result<(), Stop> {
        if self.found.len() < self.kept.max(1) {
            self.found.push(fault);
        } else {
            self.beyond += 1;
        }
        if self.counts() { Ok(()) } else { Err(Stop) }
    }

    /// Adds a fault after which the file cannot be read.
    pub(super) fn stop(&mut self, fault: RowsError) -> Result<(), Stop> {
        // Whatever else is wrong, this one is seen.
        if self.counts() && self.found.len() >= self.kept {
            self.beyond += u64::from(self.found.pop().is_some());
        }
        self.found.push(fault);
        Err(Stop)
    }
}

/// What a row is handed to.
pub(super) type TakeRow<'l> = dyn FnMut(usize, &[i128]) -> Result<(), LocalStepError> + 'l;

/// Where rows go.
pub(super) struct Reading<'l> {
    pub(super) texts: &'l TextKey,
    pub(super) take: &'l mut TakeRow<'l>,
    pub(super) hasher: Option<&'l mut RowsHasher>,
}

/// Where the rows of one table go.
pub(super) struct RowSink<'r, 'l> {
    pub(super) place: usize,
    pub(super) table: &'r Table,
    pub(super) given: u64,
    pub(super) numbers: Vec<i128>,
    /// Rows that wait to be put in the order of their texts, with their lines.
    pub(super) waiting: Vec<(Vec<i128>, u64)>,
    pub(super) reading: &'r mut Reading<'l>,
}

impl RowSink<'_, '_> {
    /// Takes a row; without a number for some cell, it only counts.
    pub(super) fn row(&mut self, cells: &[Option<Cell>], line: u64, faults: &mut Faults) -> Result<(), Stop> {
        self.given += 1;
        // Not one row more than was signed is even looked at; where all faults are wanted, rows are counted.
        if self.given > self.table.rows {
            return if faults.counts() { Ok(()) } else { faults.stop(count(self.table, self.given)) };
        }
        self.numbers.clear();
        self.numbers.extend(cells.iter().flatten().map(|cell| cell.number));
        if self.numbers.len() < cells.len() {
            return Ok(());
        }
        if let Some(hasher) = &mut self.reading.hasher {
            let in_files =
                cells.iter().zip(&self.table.columns).filter(|(_, column)| !column.kind.is_derived());
            hasher.row(self.place, in_files.map(|(cell, _)| cell.and_then(|cell| cell.written)));
        }
        if self.table.columns.iter().any(|column| column.kind == Kind::Text) {
            self.waiting.push((self.numbers.clone(), line));
            return Ok(());
        }
        (self.reading.take)(self.place, &self.numbers).or_else(|e| refused(self.table, line, &e, faults))
    }

    /// Hands over the rows that wait, by the numbers of their first text: the order of the file would say nothing to a
    /// program, and one that joins wants keys that ascend.
    pub(super) fn finish(&mut self, faults: &mut Faults) -> Result<(), Stop> {
        let by = self.table.columns.iter().position(|column| column.kind == Kind::Text);
        let mut rows = core::mem::take(&mut self.waiting);
        rows.sort_by_key(|(numbers, _)| by.and_then(|by| numbers.get(by).copied()));
        rows.into_iter().try_for_each(|(numbers, line)| {
            (self.reading.take)(self.place, &numbers).or_else(|e| match e {
                LocalStepError::Order { .. } => {
                    let what = "another row has the same text".to_owned();
                    faults.add(RowsError::Line { table: self.table.name.to_string(), line, what })
                }
                e => refused(self.table, line, &e, faults),
            })
        })
    }
}

fn refused(table: &Table, line: u64, e: &LocalStepError, faults: &mut Faults) -> Result<(), Stop> {
    faults.add(RowsError::Line { table: table.name.to_string(), line, what: e.to_string() })
}

pub(super) fn count(table: &Table, given: u64) -> RowsError {
    let most = if table.count == Count::UpTo { "at most " } else { "exactly " };
    RowsError::Count { table: table.name.to_string(), given, wanted: format!("{most}{}", table.rows) }
}

/// How the fields of a row are written, and where it is.
#[derive(Clone, Copy)]
pub(super) struct At<'k> {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) comma: Comma,
    pub(super) texts: &'k TextKey,
    /// Which columns are fields of variants.
    pub(super) cases: &'k Cases,
}

/// The cells of a row, in the schema's order: the field of each column is at its place in `written`. A column that
/// is in no file says whether the field of the next one is there.
pub(super) fn cells(
    table: &Table,
    written: &[Written<'_>],
    At { row, line, comma, texts, cases }: At<'_>,
    faults: &mut Faults,
) -> Result<Vec<Option<Cell>>, Stop> {
    let mut cells: Vec<Option<Cell>> = Vec::with_capacity(table.columns.len());
    for (place, column) in table.columns.iter().enumerate() {
        if column.kind.is_derived() {
            continue;
        }
        let read = cell(column, written.get(place).copied().unwrap_or(Written::Nothing), comma, texts);
        let number = |at: usize| Some(cells.get(at)?.as_ref()?.number);
        if !cases.is_there(place, number) {
            let is_empty = matches!(read, Err(FieldFault::Empty | FieldFault::MissingWord));
            if table.is_optional(place) {
                cells.push(Some(Cell { number: 0, written: None }));
            }
            cells.push(Some(Cell { number: column.absent(), written: None }));
            // Where the variant itself is at fault, nothing is known of its fields.
            if !is_empty && cases.is_known(place, |at| cells.get(at).is_some_and(Option::is_some)) {
                faults.add(RowsError::of_field(table, column, [row, line], FieldFault::Variant))?;
                cells.pop();
                cells.push(None);
            }
            continue;
        }
        let is_empty = matches!(read, Err(FieldFault::Empty | FieldFault::MissingWord));
        if table.is_optional(place) {
            cells.push(Some(Cell { number: (!is_empty).into(), written: None }));
        }
        match read {
            Ok(cell) => cells.push(Some(cell)),
            Err(_) if is_empty && table.is_optional(place) => {
                cells.push(Some(Cell { number: column.absent(), written: None }));
            }
            Err(what) => {
                cells.push(None);
                faults.add(RowsError::of_field(table, column, [row, line], what))?;
            }
        }
    }
    Ok(cells)
}

/// The place in the schema of each name; all must be there, once, and nothing else. A name that the job does
/// not have is named by its place.
pub(super) fn order<'n>(table: &Table, names: impl Iterator<Item = &'n str>) -> Result<Vec<usize>, String> {
    let mut order = Vec::with_capacity(table.columns.len());
    for (place, name) in names.enumerate() {
        let is_named = |column: &Column| !column.kind.is_derived() && column.name.as_str() == name;
        let at = table.columns.iter().position(is_named);
        match at {
            None => {
                let known: Vec<_> = table.in_files().take(8).map(|c| format!("{:?}", c.name)).collect();
                let more = if table.in_files().count() > 8 { ", …" } else { "" };
                return Err(format!(
                    "the name of column {} is not one that the job names ({}{more})",
                    place + 1,
                    known.join(", ")
                ));
            }
            Some(at) if order.contains(&at) => return Err(format!("the column {name:?} occurs twice")),
            Some(at) => order.push(at),
        }
    }
    let mut lacks = table.columns.iter().enumerate().filter(|(_, column)| !column.kind.is_derived());
    let lacks = lacks.find(|(at, _)| !order.contains(at)).map(|(_, column)| column);
    lacks.map_or(Ok(order), |column| {
        Err(format!("the column {:?} of the job is not there", column.name.as_str()))
    })
}
