//! `sum_by_group@1`: counts and sums of a value by a secret group, over the rows of all input parties.
//!
//! ```text
//! row (g, v) of any input party     count_k = Σ [g = k]      sum_k = Σ [g = k]·v      for each group k
//! shown_k = [count_k ≥ minimum]                        count_k and sum_k are 0 where it is not set
//! ```
//!
//! A row is led down a binary tree by the bits of its group: each node ANDs it with a bit and finds the other
//! child by XOR. The leaves go into carry-save sums that are reduced with every chunk of rows, so memory does
//! not grow with the rows. For `G` groups and values of `w` bits a row costs about `2G(w + 1)` gates.
//!
//! Values that may be negative enter the sums with `2^(w−1)` added, which is a free change of the sign bit;
//! at the end `count · 2^(w−1)` is taken off.

use crate::kind::Kind;
use crate::multiparty::{
    Cells, CheckedInputs, Column, Declaration, Figure, Functionality, Header, ParameterError, Parameters,
    RowNames, Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Selection, Words};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

use super::limits::{MAX_INPUT_PARTIES, MAX_ROWS};

const NAME: ProgramName = ProgramName::literal("sum_by_group@1");

/// Rows that are led down the tree in lock-step.
const CHUNK: usize = 64;

/// The program `sum_by_group@1`.
#[derive(Clone, Debug)]
pub struct SumByGroup {
    header: Header,
    groups: Vec<String>,
    value: Number,
    count: Number,
    sum: Number,
    minimum: usize,
}

impl SumByGroup {
    /// From `rows` (the most of each input party), `groups` (their names), `value` (its range) and `minimum`
    /// (rows of a group that is shown).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["rows", "groups", "value", "minimum"])?;
        let rows = parameters.counts("rows", 2..=MAX_INPUT_PARTIES, 1..=MAX_ROWS)?;
        let groups = parameters.names("groups", 2..=1024)?;
        let value = parameters.range("value")?;
        let total: usize = rows.iter().sum();
        let minimum = parameters.count("minimum", 1..=total)?;
        let count = Number::up_to(total as u128);
        let sum = Number::new(value.min().min(0) * total as i128, value.max().max(0) * total as i128)
            .ok_or_else(|| ParameterError::wrong("value", "smaller: sums do not fit"))?
            .scaled(value.decimals());
        let group = Column::new("group", Number::up_to(groups.len() as u128 - 1));
        let columns =
            vec![group.of(Kind::category(&groups).unwrap_or_default()), Column::new("value", value)];
        let table = |rows: &usize| vec![Table::new("rows", Rows::UpTo(*rows), columns.clone())];
        let outputs =
            vec![Column::new("shown", Number::bit()), Column::new("count", count), Column::new("sum", sum)];
        let declaration = Declaration::new(
            rows.iter().map(table).collect(),
            vec![Table::new("groups", Rows::Exactly(groups.len()), outputs)],
            vec![
                format!("For each of {} groups with at least {minimum} rows: the number of rows and the sum of values.", groups.len()),
                "Which groups have fewer rows.".into(),
                "All owners but one together learn, by subtraction, the counts and sums of that one in every group shown.".into(),
                "If totals are known from elsewhere and just one group is suppressed, it follows from the others.".into(),
            ],
        );
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, groups, value, count, sum, minimum })
    }

    /// The leaves of the tree for a chunk of rows: for each group the rows that are in it, others being zero.
    /// A row is a one and its value.
    fn leaves<F: Fancy>(
        &self,
        f: &mut F,
        group: &Words<F::Wire>,
        row: Words<F::Wire>,
    ) -> Result<Vec<Words<F::Wire>>, F::Error> {
        let mut nodes = vec![row];
        for (level, bit) in group.bits().enumerate().rev() {
            let mut children = Vec::with_capacity(2 * nodes.len());
            for (i, node) in nodes.into_iter().enumerate() {
                // A node without a second child passes everything on to its first.
                if (2 * i + 1) << level >= self.groups.len() {
                    children.push(node);
                    continue;
                }
                let ones = f.keep(bit, &node)?;
                let mut zeros = node.wires().to_vec();
                f.xor_n(node.wires(), ones.wires(), &mut zeros);
                children.extend([Words::new(node.lanes(), zeros), ones]);
            }
            nodes = children;
        }
        Ok(nodes)
    }
}

impl Functionality for SumByGroup {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let tally = |number: &Number| vec![CarrySaveAdder::new(1, number.width()); self.groups.len()];
        let (mut counts, mut sums) = (tally(&self.count), tally(&self.sum));
        for party in 0..self.header.declaration.parties().len() {
            while let Some(chunk) = inputs.next(f, party, CHUNK)? {
                let value = if self.value.is_signed() {
                    f.flip_sign(chunk.column(1))
                } else {
                    chunk.column(1).clone()
                };
                let row = f.keep(&chunk.present, &value)?.appended(&chunk.present);
                for ((leaf, count), sum) in
                    self.leaves(f, chunk.column(0), row)?.into_iter().zip(&mut counts).zip(&mut sums)
                {
                    count.add(0, leaf.bit(self.value.width()).iter().copied());
                    sum.add_lanes(&leaf.truncated(self.value.width()));
                    count.reduce(f)?;
                    sum.reduce(f)?;
                }
            }
        }
        for (count, sum) in counts.into_iter().zip(sums) {
            let (count, mut sum) = (count.finish(f)?, sum.finish(f)?);
            if self.value.is_signed() {
                let offset = f.extended(&count, self.sum.width());
                let offset = f.times_power_of_two(&offset, self.value.width() - 1);
                sum = f.subtract(&sum, &offset)?;
            }
            let shown = f.greater_than_constant(&count, self.minimum as u128 - 1)?;
            outputs.extend(&shown);
            outputs.extend(f.keep(&shown, &count)?.wires());
            outputs.extend(f.keep(&shown, &sum)?.wires());
        }
        Ok(())
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        table.name == "groups" && row.first() == Some(&0)
    }

    fn row_names(&self, table: &Table) -> Option<RowNames> {
        let names = || RowNames { column: "group".to_owned(), names: self.groups.clone() };
        (table.name == "groups").then(names)
    }

    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let scale = 10f64.powi(self.value.decimals().into());
        let rows = outputs.get(1).into_iter().flatten();
        let mean = |row: &Vec<i128>| match row[..] {
            [1, count, sum] => sum as f64 / count as f64 / scale,
            _ => f64::NAN,
        };
        rows.zip(&self.groups)
            .map(|(row, group)| Figure { name: format!("mean of {group}"), value: mean(row) })
            .collect()
    }
}
