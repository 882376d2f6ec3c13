//! `auc@1` as a functionality of two input parties.
//!
//! An input party's rows are read with their class; the local step sorts them by class and counts each input
//! party's own pairs, as the two-party program does.

use super::circuit::PartyInputs;
use super::schema::{Classes, Column, MAX_ROWS, NAME};
use super::statistics::{self, Interval, Statistics};
use super::two_party::Auc;
use crate::multiparty::{
    Cells, CheckedInputs, Chunk, Column as Cell, Declaration, Figure, Functionality, Header, LocalStep,
    LocalStepError, ParameterError, Parameters, Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;

/// `auc@1` of parameters from a job.
#[derive(Clone, Debug)]
pub struct MultipartyAuc {
    auc: Auc<'static>,
    header: Header,
    /// What each input party's rows are read by.
    rows: Vec<[Table; 1]>,
}

impl MultipartyAuc {
    /// From `positive` and `negative` (the rows of each class of the two input parties) and `measures`
    /// (columns of at most 32 bits).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["positive", "negative", "measures"])?;
        let rows = |name| parameters.counts(name, 2..=2, 0..=MAX_ROWS);
        let classes: Vec<Classes> = rows("positive")?
            .into_iter()
            .zip(rows("negative")?)
            .map(|(positive, negative)| Classes { positive, negative })
            .collect();
        let measures = parameters.columns("measures", 256)?;
        if measures.iter().any(|measure| measure.number.min() != 0 || measure.number.width() > 32) {
            return Err(ParameterError::wrong("measures", "columns from 0, of at most 32 bits"));
        }
        let schema: Vec<Column> = measures
            .iter()
            .map(|Cell { name, number, .. }| Column {
                name: name.clone().into(),
                decimals: number.decimals().into(),
                bits: number.width() as u32,
            })
            .collect();
        let [first, second] = classes[..] else { return Err(ParameterError::Missing("positive".into())) };
        let auc = Auc::new(schema, first, second)
            .map_err(|e| ParameterError::wrong("positive` and `negative", format!("such that {e}")))?;
        let rows = classes.iter().map(|classes| [source(*classes, &measures)]).collect();
        Ok(Self {
            header: Header {
                name: NAME,
                declaration: declaration(&auc, &classes, &measures),
                parameters: parameters.digest(),
            },
            auc,
            rows,
        })
    }
}

/// What an input party's rows are read by.
fn source(Classes { positive, negative }: Classes, measures: &[Cell]) -> Table {
    let class = Cell::new("class", Number::bit());
    Table::new("rows", Rows::Exactly(positive + negative), [&[class], measures].concat())
}

fn declaration(auc: &Auc<'_>, classes: &[Classes], measures: &[Cell]) -> Declaration {
    // A measurement, and against how many half pairs of the input party's own it is the larger one.
    let table = |name, rows, others: usize| {
        let counts = Number::up_to(2 * others as u128);
        let columns =
            |measure: &Cell| [measure.clone(), Cell::new(format!("own pairs, {}", measure.name), counts)];
        Table::new(name, Rows::Exactly(rows), measures.iter().flat_map(columns).collect())
    };
    let party = |Classes { positive, negative }: &Classes| {
        vec![table("positive", *positive, *negative), table("negative", *negative, *positive)]
    };
    let names = ["twice the pairs", "sum of V10 squared", "sum of V01 squared"];
    let widths = auc.classes().output_widths().map(|width| Number::up_to((1 << width) - 1));
    let columns = names.into_iter().zip(widths).map(|(name, number)| Cell::new(name, number)).collect();
    let Classes { positive, negative } = auc.classes();
    Declaration::new(
        classes.iter().map(party).collect(),
        vec![Table::new("measures", Rows::Exactly(measures.len()), columns)],
        vec![
            format!("For each of {} measures how well it tells {positive} positive rows from {negative} negative ones: three sums over all pairs.", measures.len()),
            "How many rows of each class each owner has.".into(),
            "Each owner can compare the result with that of its own rows, which tells it something of the other's; with few rows much.".into(),
        ],
    )
}

/// An input party's wires of a measure.
fn assigned<W: Copy>(
    positive: &Option<Chunk<W>>,
    negative: &Option<Chunk<W>>,
    measure: usize,
) -> PartyInputs<W> {
    let words = |chunk: &Option<Chunk<W>>, column| {
        chunk.as_ref().map(|chunk| chunk.column(column).clone()).filter(|words| words.width() > 0)
    };
    PartyInputs {
        x: words(positive, 2 * measure),
        y: words(negative, 2 * measure),
        v10: words(positive, 2 * measure + 1),
        v01: words(negative, 2 * measure + 1),
    }
}

impl Functionality for MultipartyAuc {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let ours = (inputs.whole(f, 0)?, inputs.whole(f, 0)?);
        let theirs = (inputs.whole(f, 1)?, inputs.whole(f, 1)?);
        for measure in 0..self.auc.schema.len() {
            let ours = assigned(&ours.0, &ours.1, measure);
            let theirs = assigned(&theirs.0, &theirs.1, measure);
            let sums = self.auc.classes().column(f, &ours, &theirs)?;
            outputs.extend(sums.iter().flat_map(|sum| sum.wires()));
        }
        Ok(())
    }

    fn local(&self, party: usize) -> Box<dyn LocalStep + '_> {
        let classes = if party == 0 { self.auc.garbler } else { self.auc.evaluator };
        let table = self.rows.get(party).map_or(&[][..], |table| &table[..]);
        Box::new(OwnPairs { table, classes, rows: [Cells::new(), Cells::new()] })
    }

    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let classes = self.auc.classes();
        let number = |value: &i128| u64::try_from(*value).ok();
        let statistics = |row: &Vec<i128>| match &row[..] {
            [two_u, v10, v01] => Some(Statistics {
                two_u: number(two_u)?,
                sum_v10_sq: number(v10)?,
                sum_v01_sq: number(v01)?,
                classes,
            }),
            _ => None,
        };
        let rows = outputs.get(1).into_iter().flatten().filter_map(statistics);
        let figures = |(column, statistics): (&Column, Statistics)| {
            let Interval { auc, low, high } = statistics.interval();
            let figure = |what, value| Figure { name: format!("{}: {what}", column.name), value };
            [figure("AUC", auc), figure("95 % from", low), figure("95 % to", high)]
        };
        self.auc.schema.iter().zip(rows).flat_map(figures).collect()
    }
}

/// Sorts an input party's rows by class, and counts its own pairs.
struct OwnPairs<'p> {
    table: &'p [Table],
    classes: Classes,
    /// Measures of positive and of negative rows.
    rows: [Cells; 2],
}

impl LocalStep for OwnPairs<'_> {
    fn tables(&self) -> &[Table] {
        self.table
    }

    fn row(&mut self, _: usize, row: &[i128]) -> Result<(), LocalStepError> {
        if let Some((class, measures)) = row.split_first() {
            self.rows[usize::from(*class == 1)].push(measures.to_vec());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError> {
        let Self { classes, rows: [mut positive, mut negative], .. } = *self;
        for (rows, expected) in [(&positive, classes.positive), (&negative, classes.negative)] {
            if rows.len() != expected {
                return Err(LocalStepError::Rows { expected, found: rows.len() });
            }
        }
        let measures = positive.first().or(negative.first()).map_or(0, Vec::len);
        for i in (0..measures).rev() {
            let column = |rows: &Cells| -> Vec<u32> {
                rows.iter().filter_map(|row| u32::try_from(*row.get(i)?).ok()).collect()
            };
            let (v10, v01) = statistics::counts(&column(&positive), &column(&negative));
            let both = [(&mut positive, v10), (&mut negative, v01)];
            for (rows, counts) in both {
                rows.iter_mut().zip(counts).for_each(|(row, count)| row.insert(i + 1, count.into()));
            }
        }
        Ok(vec![positive, negative])
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::width;
    use super::*;

    #[test]
    fn widths_are_those_of_the_two_party_program() {
        for n in 0..200u64 {
            assert_eq!(Number::up_to(2 * u128::from(n)).width(), width(2 * n) as usize);
        }
    }
}
