//! `welch@1`: do two arms differ in the mean, over the rows of several input parties? (Welch 1947.)
//!
//! ```text
//! local, of each input party      n, Σx, Σx²  in arm 0 and in arm 1                 (declared, in the clear)
//! circuit                   the sums of these over all input parties, if both arms have at least `minimum` rows
//! result party                  t = (m₁ − m₀)/√(s₁²/n₁ + s₀²/n₀), degrees of freedom, p   (`figures`)
//! ```
//!
//! No row enters the circuit, so the cost does not depend on the rows. The circuit checks of each input party
//! that sums are in the range that rows can give, and `n·Σx² ≥ (Σx)²` (Cauchy and Schwarz), which every real
//! table satisfies.
//!
//! The final statistics follow from the joint sums, which are the outputs: with two input parties each
//! thereby learns the other's sums; with three, a coalition of two learns the third's.

mod student;

use crate::multiparty::{
    Cells, CheckedInputs, Chunk, Column, Declaration, Figure, Functionality, Header, LocalStep,
    LocalStepError, ParameterError, Parameters, RowNames, Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Selection, Words};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

use super::limits::{MAX_INPUT_PARTIES, MAX_ROWS};

const NAME: ProgramName = ProgramName::literal("welch@1");

/// What is known of one arm: its columns in the order `n`, `Σx`, `Σx²`.
#[derive(Clone, Copy, Debug)]
struct Arm([Number; 3]);

impl Arm {
    /// Of at most this many rows.
    fn of(rows: usize, value: &Number) -> Option<Self> {
        let n = rows as i128;
        let sum = Number::new(value.min().min(0).checked_mul(n)?, value.max().max(0).checked_mul(n)?)?;
        let largest = value.min().unsigned_abs().max(value.max().unsigned_abs());
        let squares = i128::try_from(largest.checked_pow(2)?).ok()?.checked_mul(n)?;
        Some(Self([Number::up_to(rows as u128), sum.scaled(value.decimals()), Number::new(0, squares)?]))
    }

    fn columns(&self, suffix: &str) -> impl Iterator<Item = Column> {
        ["n", "sum", "squares"]
            .into_iter()
            .zip(self.0)
            .map(move |(name, number)| Column::new(format!("{name}{suffix}"), number))
    }
}

/// The program `welch@1`.
#[derive(Clone, Debug)]
pub struct Welch {
    header: Header,
    /// What an input party's rows are read by.
    rows: [Table; 1],
    total: Arm,
    value: Number,
    minimum: usize,
}

impl Welch {
    /// From `parties` (how many), `rows` (the most of one input party), `value` (its range) and `minimum`
    /// (rows of each arm for a result to be shown, at least 2).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["owners", "rows", "value", "minimum"])?;
        let parties = parameters.count("owners", 2..=MAX_INPUT_PARTIES)?;
        let rows = parameters.count("rows", 1..=MAX_ROWS)?;
        let value = parameters.range("value")?;
        let minimum = parameters.count("minimum", 2..=parties * rows)?;
        let too_wide = || ParameterError::wrong("value", "smaller: sums of squares do not fit");
        let own = Arm::of(rows, &value).ok_or_else(too_wide)?;
        let total = Arm::of(parties * rows, &value).ok_or_else(too_wide)?;
        let sums =
            || Table::new("sums", Rows::Exactly(1), own.columns(" 0").chain(own.columns(" 1")).collect());
        let shown = Column::new("shown", Number::bit());
        let declaration = Declaration::new(
            (0..parties).map(|_| vec![sums()]).collect(),
            vec![Table::new(
                "arms",
                Rows::Exactly(2),
                std::iter::once(shown).chain(total.columns("")).collect(),
            )],
            vec![
                format!(
                    "For each arm the number of rows, the sum and the sum of squares over all owners, if both arms have at least {minimum} rows."
                ),
                "All owners but one together learn, by subtraction, these sums of that one.".into(),
            ],
        );
        let columns = vec![Column::new("arm", Number::bit()), Column::new("value", value)];
        let rows = [Table::new("rows", Rows::UpTo(rows), columns)];
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, rows, total, value, minimum })
    }

    /// Whether an input party's arm can come of rows: `n·Σx² ≥ (Σx)²`.
    fn is_possible<F: Fancy>(&self, f: &mut F, arm: &[Words<F::Wire>]) -> Result<Vec<F::Wire>, F::Error> {
        let [n, sum, squares] = arm else { return Ok(Vec::new()) };
        let sum = if self.total.0[1].is_signed() { f.absolute(sum)? } else { sum.clone() };
        let width = (n.width() + squares.width()).max(2 * sum.width());
        let left = f.multiply(n, squares, width)?;
        let right = f.square(&sum, width)?;
        f.greater_or_equal(&left, &right)
    }

    fn add<F: Fancy>(
        &self,
        f: &mut F,
        chunk: &Chunk<F::Wire>,
        totals: &mut [CarrySaveAdder<F::Wire>],
    ) -> Result<(), F::Error> {
        for (i, (words, total)) in chunk.columns.iter().zip(totals).enumerate() {
            let number = self.total.0[i % 3];
            let words = match number.is_signed() {
                true => f.extended_signed(words, number.width()),
                false => words.clone(),
            };
            total.add_words(&words);
            total.reduce(f)?;
        }
        Ok(())
    }
}

impl Functionality for Welch {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let widths = self.total.0.iter().chain(&self.total.0);
        let mut totals: Vec<_> = widths.map(|number| CarrySaveAdder::new(1, number.width())).collect();
        for party in 0..self.header.declaration.parties().len() {
            let Some(chunk) = inputs.whole(f, party)? else { continue };
            for arm in chunk.columns.chunks(3) {
                let possible = self.is_possible(f, arm)?;
                inputs.require(f, party, &possible)?;
            }
            self.add(f, &chunk, &mut totals)?;
        }
        let mut sums = Vec::with_capacity(totals.len());
        for total in totals {
            sums.push(total.finish(f)?);
        }
        let (Some(n_0), Some(n_1)) = (sums.first(), sums.get(3)) else { return Ok(()) };
        let enough = [n_0, n_1].map(|n| f.greater_than_constant(n, self.minimum as u128 - 1));
        let [enough_0, enough_1] = enough;
        let mut shown = enough_0?;
        f.and_n(&shown.clone(), &enough_1?, &mut shown)?;
        for arm in sums.chunks(3) {
            outputs.extend(&shown);
            for sum in arm {
                outputs.extend(f.keep(&shown, sum)?.wires());
            }
        }
        Ok(())
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        table.name == "arms" && row.first() == Some(&0)
    }

    fn row_names(&self, table: &Table) -> Option<RowNames> {
        let names = || RowNames { column: "arm".to_owned(), names: vec!["0".to_owned(), "1".to_owned()] };
        (table.name == "arms").then(names)
    }

    fn local(&self, _: usize) -> Box<dyn LocalStep + '_> {
        Box::new(Moments { program: self, rows: 0, arms: [[0; 3]; 2] })
    }

    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let Some([first, second]) = outputs.get(1).map(Vec::as_slice) else { return Vec::new() };
        let scale = 10f64.powi(self.value.decimals().into());
        match (student::Moments::of(first, scale), student::Moments::of(second, scale)) {
            (Some(first), Some(second)) => student::figures(&first, &second),
            _ => Vec::new(),
        }
    }
}

/// Adds up an input party's rows.
struct Moments<'p> {
    program: &'p Welch,
    rows: usize,
    arms: [[i128; 3]; 2],
}

impl LocalStep for Moments<'_> {
    fn tables(&self) -> &[Table] {
        &self.program.rows
    }

    fn row(&mut self, _: usize, row: &[i128]) -> Result<(), LocalStepError> {
        let most = self.program.rows[0].rows.most();
        self.rows += 1;
        if self.rows > most {
            return Err(LocalStepError::TooManyRows(most));
        }
        if let [arm, value] = *row {
            let [n, sum, squares] = &mut self.arms[usize::from(arm == 1)];
            *n += 1;
            *sum += value;
            *squares += value * value;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError> {
        Ok(vec![vec![self.arms.concat()]])
    }
}
