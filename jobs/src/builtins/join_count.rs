//! `join_count@1`: how many keys two input parties have in common, and the sum of the second one's values
//! over them.
//!
//! ```text
//! both sorted ─ merge by (absent, key) ─► neighbours of equal key, not absent ─► count, Σ value
//! ```
//!
//! Each input party brings its keys in strictly ascending order, which the circuit checks: a key twice, or
//! out of order, makes the input party's inputs not hold, and everything is zero. So equal neighbours come
//! from different input parties, and one of their values is the first input party's zero. How many rows each
//! has is hidden up to the declared most.
//!
//! For `n` rows of both, keys of `k` bits and values of `w`: about `n·log₂(n)/2 · (2k + w + 2)` gates. All
//! rows are held at once.

use crate::multiparty::{
    Cells, CheckedInputs, Chunk, Column, Declaration, Functionality, Header, LocalStep, LocalStepError,
    ParameterError, Parameters, PassThrough, Rows, Table,
};
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Selection, Sorting, Words};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;
use sotto_mpc::{Bits, Fancy};

const NAME: ProgramName = ProgramName::literal("join_count@1");

/// Rows of an input party: all are held at once.
const MAX_ROWS: usize = 1 << 20;

/// The program `join_count@1`.
#[derive(Clone, Debug)]
pub struct JoinCount {
    header: Header,
    key: Number,
    value: Option<Number>,
    count: Number,
    sum: Number,
    minimum: usize,
}

impl JoinCount {
    /// From `rows` (the most of each of two input parties), `key` (its range), `minimum` (keys in common for
    /// a result to be shown) and perhaps `value` (the range of the second input party's values).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["rows", "key", "value", "minimum"])?;
        let rows = parameters.counts("rows", 2..=2, 1..=MAX_ROWS)?;
        let key = parameters.range("key")?;
        let value = if parameters.has("value") { Some(parameters.range("value")?) } else { None };
        let most = rows.iter().copied().min().unwrap_or(0);
        let minimum = parameters.count("minimum", 1..=most)?;
        let count = Number::up_to(most as u128);
        let bound = |end: fn(&Number) -> i128| value.map_or(0, |value| end(&value));
        let sum =
            Number::new(bound(Number::min).min(0) * most as i128, bound(Number::max).max(0) * most as i128)
                .ok_or_else(|| ParameterError::wrong("value", "smaller: sums do not fit"))?
                .scaled(value.map_or(0, |value| value.decimals()));

        let column = vec![Column::new("key", key)];
        let mut columns = vec![column.clone(), column];
        let mut outputs = vec![Column::new("shown", Number::bit()), Column::new("count", count)];
        let mut reveals = vec![
            format!("How many keys both owners have, if at least {minimum}; else only that there are fewer."),
            "An owner who chooses its keys to ask about certain ones learns about those.".into(),
        ];
        if let Some(value) = value {
            columns.iter_mut().skip(1).for_each(|columns| columns.push(Column::new("value", value)));
            outputs.push(Column::new("sum", sum));
            reveals.push("The sum of the second owner's values over those keys.".into());
        }
        let table =
            |(rows, columns): (&usize, Vec<Column>)| vec![Table::new("keys", Rows::UpTo(*rows), columns)];
        let declaration = Declaration::new(
            rows.iter().zip(columns).map(table).collect(),
            vec![Table::new("join", Rows::Exactly(1), outputs)],
            reveals,
        );
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, key, value, count, sum, minimum })
    }

    /// The keys, unsigned, and above them whether the row is absent; in order if that holds.
    fn keys<F: Fancy>(&self, f: &mut F, chunk: &Chunk<F::Wire>) -> Words<F::Wire> {
        let key = if self.key.is_signed() { f.flip_sign(chunk.column(0)) } else { chunk.column(0).clone() };
        let absent: Vec<_> = chunk.present.iter().map(|present| f.not(*present)).collect();
        key.appended(&absent)
    }
}

/// For each row that is present but the first, whether its key is above the one before.
fn ascends<F: Fancy>(
    f: &mut F,
    keys: &Words<F::Wire>,
    chunk: &Chunk<F::Wire>,
) -> Result<Vec<F::Wire>, F::Error> {
    if chunk.rows < 2 {
        return Ok(Vec::new());
    }
    let (before, after) = (keys.lanes_in(0..chunk.rows - 1), keys.lanes_in(1..chunk.rows));
    let above = f.greater(&after, &before)?;
    let not_above: Vec<_> = above.into_iter().map(|above| f.not(above)).collect();
    let mut wrong = not_above.clone();
    f.and_n(&not_above, &chunk.present[1..], &mut wrong)?;
    Ok(wrong.into_iter().map(|wrong| f.not(wrong)).collect())
}

impl Functionality for JoinCount {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let width = self.value.map_or(0, |value| value.width());
        let key_bits = self.key.width() + 1;
        let mut sides = Vec::with_capacity(2);
        for party in 0..2 {
            let Some(chunk) = inputs.whole(f, party)? else { continue };
            let keys = self.keys(f, &chunk);
            let ascends = ascends(f, &keys, &chunk)?;
            inputs.require(f, party, &ascends)?;
            let value = match (chunk.columns.get(1), self.value) {
                (Some(words), Some(value)) if value.is_signed() => f.flip_sign(words),
                (Some(words), _) => words.clone(),
                (None, _) => f.extended(&Words::new(chunk.rows, Vec::new()), width),
            };
            sides.push(Words::new(chunk.rows, [keys.wires(), value.wires()].concat()));
        }
        let [first, second] = &sides[..] else { return Ok(()) };
        let all = f.merge(first, second, key_bits)?;

        let (low, high) = (all.lanes_in(0..all.lanes() - 1), all.lanes_in(1..all.lanes()));
        let equal = f.equal(&low.clone().truncated(key_bits), &high.clone().truncated(key_bits))?;
        let present: Vec<_> = low.bit(key_bits - 1).iter().map(|absent| f.not(*absent)).collect();
        let mut both = equal.clone();
        f.and_n(&equal, &present, &mut both)?;
        let mut count = CarrySaveAdder::new(1, self.count.width());
        count.add(0, both.iter().copied());
        let count = count.finish(f)?;
        let shown = f.greater_than_constant(&count, self.minimum as u128 - 1)?;
        outputs.extend(&shown);
        outputs.extend(f.keep(&shown, &count)?.wires());

        let Some(value) = self.value else { return Ok(()) };
        let mut values = low.wires().to_vec();
        f.xor_n(low.wires(), high.wires(), &mut values);
        let values = Words::new(low.lanes(), values).without_low(key_bits);
        let mut sum = CarrySaveAdder::new(1, self.sum.width());
        sum.add_lanes(&f.keep(&both, &values)?);
        let mut sum = sum.finish(f)?;
        if value.is_signed() {
            let offset = f.extended(&count, self.sum.width());
            let offset = f.times_power_of_two(&offset, width - 1);
            sum = f.subtract(&sum, &offset)?;
        }
        outputs.extend(f.keep(&shown, &sum)?.wires());
        Ok(())
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        table.name == "join" && row.first() == Some(&0)
    }

    fn local(&self, party: usize) -> Box<dyn LocalStep + '_> {
        Box::new(Ascending {
            rows: PassThrough::new(self.header.declaration.party(party)),
            count: 0,
            last: None,
        })
    }
}

/// Refuses keys that the circuit would refuse, and says where.
struct Ascending<'t> {
    rows: PassThrough<'t>,
    count: usize,
    last: Option<i128>,
}

impl LocalStep for Ascending<'_> {
    fn tables(&self) -> &[Table] {
        self.rows.tables()
    }

    fn row(&mut self, table: usize, row: &[i128]) -> Result<(), LocalStepError> {
        self.count += 1;
        let key = row.first().copied();
        if self.last.is_some() && key <= self.last {
            return Err(LocalStepError::Order { row: self.count });
        }
        self.last = key;
        self.rows.row(table, row)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError> {
        Box::new(self.rows).finish()
    }

    fn enter(self: Box<Self>, declared: &[Table]) -> Result<Bits, LocalStepError> {
        Box::new(self.rows).enter(declared)
    }
}
