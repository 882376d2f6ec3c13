//! `top_k@1`: the largest of counters that are summed over all input parties.
//!
//! ```text
//! total_i = Σ over input parties of count_i        k times: the first largest total, which is then set to zero
//! ```
//!
//! A total below the minimum is not shown: its item and total are 0, and so are all after it. For `n` items
//! and totals of `w` bits about `kn(3w + 2 log₂ n)` gates beyond the sums.

use crate::multiparty::{
    Cells, CheckedInputs, Column, Declaration, Figure, Functionality, Header, ParameterError, Parameters,
    Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Selection, Sorting};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

use super::limits::{MAX_INPUT_PARTIES, constant};

const NAME: ProgramName = ProgramName::literal("top_k@1");

/// The program `top_k@1`.
#[derive(Clone, Debug)]
pub struct TopK {
    header: Header,
    items: Vec<String>,
    item: Number,
    total: Number,
    k: usize,
    minimum: u128,
}

impl TopK {
    /// From `parties` (how many), `items` (their names), `count` (the range of an input party's counter, from
    /// 0), `k` and `minimum` (the least total that is shown).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["owners", "items", "count", "k", "minimum"])?;
        let parties = parameters.count("owners", 2..=MAX_INPUT_PARTIES)?;
        let items = parameters.names("items", 2..=4096)?;
        let count = parameters.range("count")?;
        if count.is_signed() {
            return Err(ParameterError::wrong("count", "a range without negative numbers"));
        }
        let k = parameters.count("k", 1..=items.len())?;
        let total = Number::up_to(count.max() as u128 * parties as u128).scaled(count.decimals());
        let minimum = parameters.number("minimum", 1..=total.max())? as u128;
        let item = Number::up_to(items.len() as u128);
        let counts =
            || vec![Table::new("counts", Rows::Exactly(items.len()), vec![Column::new("count", count)])];
        let top = vec![Column::new("item", item), Column::new("total", total)];
        let declaration = Declaration::new(
            (0..parties).map(|_| counts()).collect(),
            vec![Table::new("top", Rows::Exactly(k), top)],
            vec![
                format!(
                    "The {k} items with the largest totals, from 1 in the declared order, and these totals, if at least {minimum}."
                ),
                "That all other totals are at most the smallest shown.".into(),
                "All owners but one together learn, by subtraction, that one's counters of the items shown."
                    .into(),
            ],
        );
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, items, item, total, k, minimum })
    }
}

impl Functionality for TopK {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let n = self.items.len();
        let mut totals = CarrySaveAdder::new(n, self.total.width());
        for party in 0..self.header.declaration.parties().len() {
            if let Some(chunk) = inputs.whole(f, party)? {
                totals.add_words(chunk.column(0));
            }
        }
        let mut totals = totals.finish(f)?;
        let one = constant(f, 1, self.item.width());
        for rank in 0..self.k {
            let (total, index) = f.arg_max(&totals)?;
            let shown = f.greater_than_constant(&total, self.minimum - 1)?;
            let item = f.extended(&index, self.item.width());
            let item = f.add(&item, &one)?;
            outputs.extend(f.keep(&shown, &item)?.wires());
            outputs.extend(f.keep(&shown, &total)?.wires());
            if rank + 1 < self.k {
                let hot = f.one_hot(&index, n)?;
                let others: Vec<_> = hot.into_iter().map(|hot| f.not(hot)).collect();
                totals = f.keep(&others, &totals)?;
            }
        }
        Ok(())
    }

    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let scale = 10f64.powi(self.total.decimals().into());
        let figure = |row: &Vec<i128>| match row[..] {
            [item, total] => {
                let name = self.items.get(usize::try_from(item - 1).ok()?)?;
                Some(Figure { name: name.clone(), value: total as f64 / scale })
            }
            _ => None,
        };
        outputs.get(1).into_iter().flatten().filter_map(figure).collect()
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        table.name == "top" && row == [0, 0]
    }
}
