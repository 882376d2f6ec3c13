//! The local step of an input party on its own rows, and the figures that a result party derives from
//! outputs: both in the clear.
//!
//! If input parties hold different rows, a sum needs no garbled computation on rows: each party adds up its
//! own rows, and only the sums enter. The local step belongs to the functionality and is covered by its name
//! and version. It runs on rows as they are read.

use super::declaration::{Cells, Table};
use super::declaration::{RowError, encode};
use sotto_mpc::Bits;

/// Turns an input party's own rows into the rows that enter the circuit.
pub trait LocalStep {
    /// The tables that the input party's data are read by.
    fn tables(&self) -> &[Table];

    /// Takes a row of a table, which holds what the table declares; tables and rows come in order.
    ///
    /// # Errors
    /// If the rows are more than the step can take.
    fn row(&mut self, table: usize, row: &[i128]) -> Result<(), LocalStepError>;

    /// The rows that enter the circuit, for each table of the [`Declaration`](super::Declaration).
    ///
    /// # Errors
    /// If the rows do not give what is to enter.
    fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError>;

    /// The bits that enter the circuit, as the input party's `declared` tables have them.
    ///
    /// # Errors
    /// If the rows do not give what is to enter.
    fn enter(self: Box<Self>, declared: &[Table]) -> Result<Bits, LocalStepError> {
        Ok(encode(declared, &self.finish()?)?)
    }
}

/// Why an input party's own rows cannot be used. Names no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalStepError {
    /// More rows than the program allows.
    #[error("more than {0} rows, the most that this program takes from one input party")]
    TooManyRows(usize),
    /// A key that is not above the one before.
    #[error("row {row}: keys must ascend, and none may come twice")]
    Order {
        /// The row, from 1.
        row: usize,
    },
    /// Rows of another number than was declared.
    #[error("{found} rows of this kind, declared are {expected}")]
    Rows {
        /// Declared.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// A row that does not fit its table.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// The step that changes nothing: of each row its bits are kept, and no more.
#[derive(Clone, Debug)]
pub struct PassThrough<'t> {
    tables: &'t [Table],
    /// For each table its rows so far, and their bits.
    taken: Vec<(usize, Bits)>,
}

impl<'t> PassThrough<'t> {
    /// For these tables.
    #[must_use]
    pub fn new(tables: &'t [Table]) -> Self {
        Self { tables, taken: tables.iter().map(|_| (0, Bits::default())).collect() }
    }
}

impl LocalStep for PassThrough<'_> {
    fn tables(&self) -> &[Table] {
        self.tables
    }

    fn row(&mut self, table: usize, row: &[i128]) -> Result<(), LocalStepError> {
        let (Some((rows, bits)), Some(declared)) = (self.taken.get_mut(table), self.tables.get(table)) else {
            return Ok(());
        };
        if *rows >= declared.rows.most() {
            return Err(LocalStepError::TooManyRows(declared.rows.most()));
        }
        *rows += 1;
        Ok(declared.encode_row(row, bits).map_err(|kind| declared.error(*rows, kind))?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError> {
        let cells = |(table, (rows, bits)): (&Table, &(usize, Bits))| {
            let taken = Table { rows: table.rows.of(*rows), ..table.clone() };
            taken.decode(&bits.iter().collect::<Vec<_>>()).unwrap_or_default()
        };
        Ok(self.tables.iter().zip(&self.taken).map(cells).collect())
    }

    fn enter(self: Box<Self>, _: &[Table]) -> Result<Bits, LocalStepError> {
        let mut all = Bits::with_capacity(self.tables.iter().map(Table::bits).sum());
        for (table, (rows, bits)) in self.tables.iter().zip(&self.taken) {
            all.extend(bits.iter());
            table.encode_rest(*rows, &mut all).map_err(|kind| table.error(*rows, kind))?;
        }
        Ok(all)
    }
}

/// A figure that follows from the outputs, with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The value; NaN if the outputs do not determine it.
    pub value: f64,
}

/// Names for the rows of an output table, where its numbers do not have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowNames {
    /// What the rows are, as the heading of a column.
    pub column: String,
    /// The name of each row.
    pub names: Vec<String>,
}
