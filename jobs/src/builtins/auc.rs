//! `auc@1`: how well each of many measurements tells two classes of rows apart, over two input parties' rows.
//!
//! For a measurement, let `X` be its values in the `m` positive rows of both input parties and `Y` those in the `n`
//! negative rows. The area under the ROC curve is the Mann–Whitney statistic; with its variance after DeLong,
//! DeLong and Clarke-Pearson (Biometrics 44, 1988) it follows from three numbers,
//!
//! ```text
//! φ(x, y) = [x > y] + [x ≥ y]        V10_i = Σ_j φ(x_i, y_j)        V01_j = Σ_i φ(x_i, y_j)
//! 2U = Σ_i V10_i                     Σ_i V10_i²                     Σ_j V01_j²
//! ```
//!
//! which are all that comes out. An input party counts its own pairs in the clear and enters the counts with
//! its rows; the circuit compares the pairs across input parties, adds the counts, and squares.
//!
//! Cost for one measurement of `w` bits: `2w + 3` gates a pair across input parties, and little else. `φ` shares the
//! lowest bit of its two comparisons; sums are carry-save. Rows are processed about a thousand pairs at a
//! time, so memory does not grow with the number of pairs.
//!
//! Public: the schema, and how many rows of each class each input party has. The result itself tells each input party
//! something of the other's rows; with few rows it tells much. The engine does not limit that.

mod circuit;
mod multiparty;
mod statistics;
mod table;

pub use multiparty::MultipartyAuc;
pub use statistics::{Interval, Statistics, clear};
pub use table::{BREAST_CANCER, Column, Table, TableError, TableErrorKind};

use std::borrow::Cow;

use circuit::PartyInputs;
use sha2::{Digest, Sha256};

use sotto_mpc::program::{Program, ProgramName, Shape};
use sotto_mpc::protocol::semi_honest::Role;
use sotto_mpc::{Fancy, Inputs};

const NAME: ProgramName = ProgramName::literal("auc@1");

/// How many rows of each class an input party has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Rows of the positive class.
    pub positive: usize,
    /// Rows of the negative class.
    pub negative: usize,
}

/// The parameters do not make a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AucError {
    /// There is no pair to compare.
    #[error("both classes need at least one row among the two owners")]
    EmptyClass,
    /// More rows than the sums are made for.
    #[error("at most {} rows of a class", MAX_ROWS)]
    TooManyRows,
    /// A column's width cannot be computed with.
    #[error("column {column} has {bits} bits, allowed are 1 to 32")]
    Width {
        /// The column, from 0.
        column: usize,
        /// Its width.
        bits: u32,
    },
}

/// Rows of a class for which `Σ V²` stays below `2^63`.
const MAX_ROWS: usize = 1 << 20;

/// The program `auc@1`.
#[derive(Clone, Debug)]
pub struct Auc<'s> {
    schema: Cow<'s, [Column]>,
    garbler: Classes,
    evaluator: Classes,
}

impl<'s> Auc<'s> {
    /// The program for these columns and numbers of rows.
    ///
    /// # Errors
    /// If there is nothing to compare, or too much.
    pub fn new(
        schema: impl Into<Cow<'s, [Column]>>,
        garbler: Classes,
        evaluator: Classes,
    ) -> Result<Self, AucError> {
        let schema = schema.into();
        for (column, Column { bits, .. }) in schema.iter().enumerate() {
            if !(1..=32).contains(bits) {
                return Err(AucError::Width { column, bits: *bits });
            }
        }
        for (ours, theirs) in [(garbler.positive, evaluator.positive), (garbler.negative, evaluator.negative)]
        {
            match ours.checked_add(theirs) {
                Some(0) => return Err(AucError::EmptyClass),
                Some(1..=MAX_ROWS) => {}
                _ => return Err(AucError::TooManyRows),
            }
        }
        Ok(Self { schema, garbler, evaluator })
    }

    /// The rows of both input parties together.
    #[must_use]
    pub fn classes(&self) -> Classes {
        let (ours, theirs) = (self.garbler, self.evaluator);
        Classes { positive: ours.positive + theirs.positive, negative: ours.negative + theirs.negative }
    }

    /// The input bits of an input party with this table, if it is of the declared shape.
    #[must_use]
    pub fn inputs(&self, role: Role, table: &Table) -> Option<Vec<bool>> {
        let classes = self.classes_of(role);
        if table.classes() != classes || table.columns() != self.schema.len() {
            return None;
        }
        let mut bits = Vec::with_capacity(self.input_bits(classes));
        for (column, schema) in self.schema.iter().enumerate() {
            let (x, y) = table.column(column);
            let (v10, v01) = statistics::counts(x, y);
            let (width_10, width_01) = local_widths(classes);
            let values = x.iter().chain(y).map(|value| (u64::from(*value), schema.bits));
            let counts = v10.into_iter().map(|v| (v, width_10)).chain(v01.into_iter().map(|v| (v, width_01)));
            for (value, width) in values.chain(counts) {
                bits.extend((0..width).map(|i| value >> i & 1 == 1));
            }
        }
        Some(bits)
    }

    /// The statistics that the output bits stand for, column by column; `None` if there are not as many bits.
    #[must_use]
    pub fn statistics(&self, outputs: &[bool]) -> Option<Vec<Statistics>> {
        let widths = self.output_widths();
        let width: u32 = widths.iter().sum();
        if outputs.len() != self.schema.len() * width as usize {
            return None;
        }
        let mut bits = outputs.iter();
        let mut number = |width: u32| (0..width).zip(&mut bits).map(|(i, bit)| u64::from(*bit) << i).sum();
        let column = |_| {
            let [two_u, sum_v10_sq, sum_v01_sq] = widths.map(&mut number);
            Statistics { two_u, sum_v10_sq, sum_v01_sq, classes: self.classes() }
        };
        Some(self.schema.iter().map(column).collect())
    }

    fn classes_of(&self, role: Role) -> Classes {
        match role {
            Role::Garbler => self.garbler,
            Role::Evaluator => self.evaluator,
        }
    }

    fn input_bits(&self, classes: Classes) -> usize {
        self.schema.iter().map(|column| column_bits(classes, column)).sum()
    }

    /// Widths of `2U`, `Σ V10²` and `Σ V01²`.
    fn output_widths(&self) -> [u32; 3] {
        let Classes { positive: m, negative: n } = self.classes();
        let (m, n) = (m as u64, n as u64);
        [width(2 * m * n), width(m * (2 * n).pow(2)), width(n * (2 * m).pow(2))]
    }
}

/// Bits of numbers up to `max`.
fn width(max: u64) -> u32 {
    max.checked_ilog2().map_or(0, |log| log + 1)
}

/// Widths of an input party's own `V10` and `V01`.
fn local_widths(classes: Classes) -> (u32, u32) {
    (width(2 * classes.negative as u64), width(2 * classes.positive as u64))
}

/// Input bits of an input party for a column.
fn column_bits(classes: Classes, column: &Column) -> usize {
    let (width_10, width_01) = local_widths(classes);
    classes.positive * (column.bits + width_10) as usize
        + classes.negative * (column.bits + width_01) as usize
}

impl Program for Auc<'_> {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc auc@1");
        for Classes { positive, negative } in [self.garbler, self.evaluator] {
            hash.update((positive as u64).to_le_bytes());
            hash.update((negative as u64).to_le_bytes());
        }
        for Column { name, decimals, bits } in self.schema.iter() {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(decimals.to_le_bytes());
            hash.update(bits.to_le_bytes());
        }
        hash.finalize().into()
    }

    fn shape(&self) -> Shape {
        let outputs = self.output_widths().iter().sum::<u32>() as usize * self.schema.len();
        Shape::two_party(self.input_bits(self.garbler), self.input_bits(self.evaluator), outputs)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        for column in self.schema.iter() {
            let [ours, theirs] = [(0, self.garbler), (1, self.evaluator)].map(|(stream, classes)| {
                let wires = inputs.read(f, stream, column_bits(classes, column))?;
                Ok(PartyInputs::cut(&wires, classes, column))
            });
            let (ours, theirs) = (ours?, theirs?);
            let sums = self.column(f, &ours, &theirs)?;
            outputs.extend(sums.iter().flat_map(|sum| sum.wires()));
        }
        Ok(())
    }
}
