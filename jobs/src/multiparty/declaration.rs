//! The declaration of a functionality: its input and output tables, row by row and bit by bit.
//!
//! ```text
//! bits of an input party    table ‖ table ‖ …
//! table                     row ‖ row ‖ …                      always as many as declared
//! row                       [present] ‖ number ‖ number ‖ …    lowest bit first; `present` only if rows may be absent
//! ```
//!
//! With [`Rows::UpTo`] an input party may enter fewer rows. The rest are absent rows, all zeros and last, and
//! the circuit does not reveal how many there are.

use sha2::{Digest, Sha256};

use crate::kind::Kind;
use crate::variants::Cases;
use sotto_mpc::Bits;
use sotto_mpc::number::Number;

/// The name of the output table that says whose inputs hold what was declared.
pub const INPUTS_HOLD: &str = "inputs_hold";

/// A number with a name: a column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// What people call it.
    pub name: String,
    /// Its range.
    pub number: Number,
    /// What its numbers stand for.
    pub kind: Kind,
}

impl Column {
    /// The column of this name, of numbers.
    pub fn new(name: impl Into<String>, number: Number) -> Self {
        Self { name: name.into(), number, kind: Kind::Number }
    }

    /// The same column, whose numbers stand for this.
    #[must_use]
    pub fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

/// Rows of numbers, each as many as the table has columns.
pub type Cells = Vec<Vec<i128>>;

/// How many rows a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// This many.
    Exactly(usize),
    /// At most this many; how many is hidden.
    UpTo(usize),
}

impl Rows {
    /// Rows that enter the circuit, present or not.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::Exactly(rows) | Self::UpTo(rows) => rows,
        }
    }

    /// The same kind of count, of so many rows.
    pub(crate) const fn of(self, rows: usize) -> Self {
        match self {
            Self::Exactly(_) => Self::Exactly(rows),
            Self::UpTo(_) => Self::UpTo(rows),
        }
    }

    /// Bits of a row that say if it is there.
    const fn flags(self) -> usize {
        match self {
            Self::Exactly(_) => 0,
            Self::UpTo(_) => 1,
        }
    }
}

/// Rows of named numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// What people call it.
    pub name: String,
    /// How many rows.
    pub rows: Rows,
    /// What each row holds.
    pub columns: Vec<Column>,
}

impl Table {
    /// A table.
    pub fn new(name: impl Into<String>, rows: Rows, columns: Vec<Column>) -> Self {
        Self { name: name.into(), rows, columns }
    }

    /// Bits of a row.
    #[must_use]
    pub fn row_bits(&self) -> usize {
        self.columns.iter().fold(self.rows.flags(), |bits, column| bits + column.number.width())
    }

    /// Bits of the table.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.rows.most() * self.row_bits()
    }

    /// Which columns are fields of variants.
    pub(crate) fn cases(&self) -> Cases {
        Cases::of(self.columns.iter().map(|column| (column.name.as_str(), &column.kind)))
    }

    /// Appends the bits of a row.
    ///
    /// # Errors
    /// If the row has other columns, or a number is out of its range. Nothing is appended then.
    pub fn encode_row(&self, row: &[i128], bits: &mut Bits) -> Result<(), RowErrorKind> {
        if row.len() != self.columns.len() {
            return Err(RowErrorKind::Columns { expected: self.columns.len(), found: row.len() });
        }
        for (i, (value, Column { number, .. })) in row.iter().zip(&self.columns).enumerate() {
            if !number.holds(*value) {
                let Column { name, number, .. } = &self.columns[i];
                return Err(RowErrorKind::OutOfRange { column: name.clone(), number: *number });
            }
        }
        bits.extend(std::iter::repeat_n(true, self.rows.flags()));
        row.iter().zip(&self.columns).for_each(|(value, column)| column.number.encode(*value, bits));
        Ok(())
    }

    /// Appends absent rows, so that there are as many as declared; `rows` are there already.
    ///
    /// # Errors
    /// If there are too many rows, or too few and none may be absent.
    pub fn encode_rest(&self, rows: usize, bits: &mut Bits) -> Result<(), RowErrorKind> {
        let verify = match self.rows {
            Rows::Exactly(expected) => rows == expected,
            Rows::UpTo(most) => rows <= most,
        };
        if !verify {
            return Err(RowErrorKind::Rows { expected: self.rows, found: rows });
        }
        bits.push_zeros((self.rows.most() - rows) * self.row_bits());
        Ok(())
    }

    /// The present rows of these bits; `None` if there are not as many bits as the table has.
    pub(crate) fn decode(&self, bits: &[bool]) -> Option<Cells> {
        if bits.len() != self.bits() {
            return None;
        }
        if self.row_bits() == 0 {
            return Some(vec![vec![0; self.columns.len()]; self.rows.most()]);
        }
        let mut rows = Vec::new();
        for row in bits.chunks_exact(self.row_bits()) {
            let (flags, mut bits) = row.split_at(self.rows.flags());
            if flags == [false] {
                continue;
            }
            let mut cells = Vec::with_capacity(self.columns.len());
            for Column { number, .. } in &self.columns {
                let (value, rest) = bits.split_at_checked(number.width())?;
                cells.push(number.decode(value)?);
                bits = rest;
            }
            rows.push(cells);
        }
        Some(rows)
    }

    /// That a row of this table, from 1, does not fit.
    pub(crate) fn error(&self, row: usize, kind: RowErrorKind) -> RowError {
        RowError { table: self.name.clone(), row, kind }
    }

    fn feed(&self, hash: &mut Sha256) {
        let Self { name, rows, columns } = self;
        feed_text(hash, name);
        let (kind, most) = match rows {
            Rows::Exactly(rows) => (0u8, *rows),
            Rows::UpTo(rows) => (1, *rows),
        };
        hash.update([kind]);
        hash.update((most as u64).to_le_bytes());
        hash.update((columns.len() as u64).to_le_bytes());
        // What numbers stand for changes no gate; the job's id covers it.
        for Column { name, number, .. } in columns {
            feed_text(hash, name);
            hash.update(number.min().to_le_bytes());
            hash.update(number.max().to_le_bytes());
            hash.update([number.decimals()]);
        }
    }
}

/// The bits of rows, table by table.
pub(crate) fn encode(declared: &[Table], tables: &[Cells]) -> Result<Bits, RowError> {
    if declared.len() != tables.len() {
        let kind = RowErrorKind::Tables { expected: declared.len(), found: tables.len() };
        return Err(RowError { table: String::new(), row: 0, kind });
    }
    let mut bits = Bits::with_capacity(declared.iter().map(Table::bits).sum());
    for (table, rows) in declared.iter().zip(tables) {
        for (i, row) in rows.iter().enumerate() {
            table.encode_row(row, &mut bits).map_err(|kind| table.error(i + 1, kind))?;
        }
        table.encode_rest(rows.len(), &mut bits).map_err(|kind| table.error(rows.len(), kind))?;
    }
    Ok(bits)
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

/// Where an input party's rows do not fit, and how. Names no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table {table}, row {row}: {kind}")]
pub struct RowError {
    /// The table.
    pub table: String,
    /// The row, from 1.
    pub row: usize,
    /// What is wrong.
    pub kind: RowErrorKind,
}

/// How a row does not fit its table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowErrorKind {
    /// Another number of tables.
    #[error("there are {found} tables, declared are {expected}")]
    Tables {
        /// Declared.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// Another number of columns.
    #[error("{found} numbers, declared are {expected}")]
    Columns {
        /// Declared.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// Another number of rows.
    #[error("{found} rows, declared are {expected:?}")]
    Rows {
        /// Declared.
        expected: Rows,
        /// Given.
        found: usize,
    },
    /// A number is too small or too large.
    #[error("column {column} is not within {} to {}", number.min(), number.max())]
    OutOfRange {
        /// The column.
        column: String,
        /// What it may be.
        number: Number,
    },
}

/// What a program says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    parties: Vec<Vec<Table>>,
    outputs: Vec<Table>,
    reveals: Vec<String>,
}

impl Declaration {
    /// The tables of each input party, the output tables, and what the outputs reveal beyond their names, in
    /// plain sentences. The table `inputs_hold` is put before the outputs.
    #[must_use]
    pub fn new(parties: Vec<Vec<Table>>, outputs: Vec<Table>, reveals: Vec<String>) -> Self {
        let holds =
            (0..parties.len()).map(|i| Column::new(format!("owner {}", i + 1), Number::bit())).collect();
        let mut all = vec![Table::new(INPUTS_HOLD, Rows::Exactly(1), holds)];
        all.extend(outputs);
        Self { parties, outputs: all, reveals }
    }

    /// The tables of each input party, in the order of the program's input parties.
    #[must_use]
    pub fn parties(&self) -> &[Vec<Table>] {
        &self.parties
    }

    /// The tables of an input party; none if there is no such input party.
    #[must_use]
    pub fn party(&self, party: usize) -> &[Table] {
        self.parties.get(party).map_or(&[], Vec::as_slice)
    }

    /// The tables of an input party, to be given other types.
    pub(crate) fn party_mut(&mut self, party: usize) -> &mut [Table] {
        self.parties.get_mut(party).map_or(&mut [], Vec::as_mut_slice)
    }

    /// An output table, to be given other types.
    pub(crate) fn output_mut(&mut self, name: &str) -> Option<&mut Table> {
        self.outputs.iter_mut().find(|table| table.name == name)
    }

    /// Adds sentences about what the outputs reveal.
    pub(crate) fn reveal(&mut self, more: Vec<String>) {
        self.reveals.extend(more);
    }

    /// The output tables, `inputs_hold` first.
    #[must_use]
    pub fn outputs(&self) -> &[Table] {
        &self.outputs
    }

    /// What the outputs reveal, in plain sentences.
    #[must_use]
    pub fn reveals(&self) -> &[String] {
        &self.reveals
    }

    /// Input bits of an input party.
    #[must_use]
    pub fn input_bits(&self, party: usize) -> usize {
        self.party(party).iter().map(Table::bits).sum()
    }

    /// Output bits.
    #[must_use]
    pub fn output_bits(&self) -> usize {
        self.outputs.iter().map(Table::bits).sum()
    }

    /// The bits of an input party's rows, table by table.
    ///
    /// # Errors
    /// If there are other tables, other columns or rows, or a number is out of range.
    pub fn encode(&self, party: usize, tables: &[Cells]) -> Result<Bits, RowError> {
        encode(self.party(party), tables)
    }

    /// The output tables of these bits, `inputs_hold` first; `None` if there are not as many bits.
    #[must_use]
    pub fn decode(&self, bits: &[bool]) -> Option<Vec<Cells>> {
        if bits.len() != self.output_bits() {
            return None;
        }
        let mut rest = bits;
        let tables = self.outputs.iter().map(|table| {
            let (bits, after) = rest.split_at_checked(table.bits())?;
            rest = after;
            table.decode(bits)
        });
        tables.collect()
    }

    /// Everything, unambiguously, into a hash.
    pub(crate) fn feed(&self, hash: &mut Sha256) {
        let Self { parties, outputs, reveals } = self;
        hash.update((parties.len() as u64).to_le_bytes());
        for tables in parties.iter().chain([outputs]) {
            hash.update((tables.len() as u64).to_le_bytes());
            tables.iter().for_each(|table| table.feed(hash));
        }
        hash.update((reveals.len() as u64).to_le_bytes());
        reveals.iter().for_each(|text| feed_text(hash, text));
    }
}
