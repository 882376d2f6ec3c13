//! `auc@1` as a program of two parties, each with a table of its own.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::circuit::PartyInputs;
use super::schema::{Classes, Column, MAX_ROWS, NAME, column_bits, local_widths};
use super::statistics::{self, Statistics};
use super::table::Table;
use sotto_mpc::program::{Program, ProgramName, Shape};
use sotto_mpc::protocol::semi_honest::Role;
use sotto_mpc::{Fancy, Inputs};

/// The parameters do not make a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AucError {
    /// There is no pair to compare.
    #[error("both classes need at least one row among the two input parties")]
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

/// The program `auc@1`.
#[derive(Clone, Debug)]
pub struct Auc<'s> {
    pub(crate) schema: Cow<'s, [Column]>,
    pub(crate) garbler: Classes,
    pub(crate) evaluator: Classes,
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
        let widths = self.classes().output_widths();
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
        let outputs = self.classes().output_widths().iter().sum::<u32>() as usize * self.schema.len();
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
            let sums = self.classes().column(f, &ours, &theirs)?;
            outputs.extend(sums.iter().flat_map(|sum| sum.wires()));
        }
        Ok(())
    }
}
