//! What is done to a result before it is opened: rows of small groups are suppressed, and numbers are rounded.
//!
//! ```text
//! row (c, v, …) of the result      shown = [c ≥ least]          a bit, before the row
//!                                  v'    = shown · round(v)     all numbers of a row that is not shown are zero
//! place i of arrays c, v in a row  the same with c[i] and v[i], and shown is also 0 if the row is not shown
//! round(v)                         the multiple of the step within the column's range that is nearest to v, of two
//!                                  equally near ones the greater
//! ```
//!
//! All of it is gates of the program: no compute party, and no receiver, has the numbers as they were. Groups are
//! compared as they are, and rounded then. (The threshold rule and deterministic rounding of Hundepool et al.,
//! *Statistical Disclosure Control*, Wiley 2012, sections 4.2 and 5.4.) **Not guaranteed**: that a column counts
//! the rows behind the others, which is what the source says; nor that what is shown does not give away what is
//! not, by subtraction.
//!
//! Gates of a row: `w − 1` for each least number of a column of `w` bits, 1 for each of several and for what is within
//! a row, `w` for each column that may be suppressed, and for each rounded one about `(w + 4)·(s + 4)`, where `s` are the
//! bits of the step.

mod error;
mod groups;
mod rounding;

use std::collections::BTreeMap;

use crate::kind::Kind;
use crate::multiparty::{Column, RowNames, Table};
use sotto_mpc::Fancy;
use sotto_mpc::fancy::Count;
use sotto_mpc::gadgets::{Comparison, Selection, Words};
use sotto_mpc::number::Number;

pub(crate) use error::DisclosureError;
use groups::{Groups, Minimum, Opened, SHOWN, array};
pub(crate) use groups::{is_array, is_named};
use rounding::{multiples, nearest, rounded};

/// Rows that are suppressed and rounded in lock-step.
const CHUNK: usize = 64;

/// What a job declares of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disclosure {
    /// What its rows are.
    pub(crate) rows: Option<RowNames>,
    /// The least number of each of these columns with which a row, or a place of an array `name[]`, is shown.
    pub(crate) minimum: BTreeMap<String, i128>,
    /// Steps of the columns that are rounded, in units of the last decimal.
    pub(crate) rounding: BTreeMap<String, i128>,
}

impl Disclosure {
    /// Whether nothing is declared.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The table as it is opened, and what is done to get it.
    pub(crate) fn of(self, table: &Table) -> Result<(Table, Withheld), DisclosureError> {
        let (mut minimum, mut rounding) = (Vec::new(), Vec::new());
        for (name, least) in &self.minimum {
            for place in named(table, name)? {
                let column = &table.columns[place];
                let number = column.number;
                if column.kind != Kind::Number || number.decimals() > 0 {
                    return Err(DisclosureError::NoCount(name.clone()));
                }
                let least = u128::try_from(*least).ok().filter(|_| (1..=number.max()).contains(least));
                let least = least.ok_or_else(|| DisclosureError::Least(name.clone(), number.max()))?;
                minimum.push((Minimum { least, is_array: is_array(name) }, place));
            }
        }
        for (name, step) in &self.rounding {
            for place in named(table, name)? {
                let Column { kind, number, .. } = &table.columns[place];
                if *kind != Kind::Number {
                    return Err(DisclosureError::NoNumber(name.clone()));
                }
                if !(2..=number.max()).contains(step) {
                    return Err(DisclosureError::Step(name.clone(), number.max()));
                }
                rounding.push((place, *step));
            }
        }
        let (rows, has) = (table.rows.most(), |name: &str| table.columns.iter().any(|c| c.name == name));
        if let Some(RowNames { column, names }) = &self.rows {
            if names.len() != rows {
                return Err(DisclosureError::Names { names: names.len(), rows });
            }
            if has(column) || column == SHOWN {
                return Err(DisclosureError::Taken(column.clone()));
            }
        }
        let groups = Groups::of(&table.columns, &minimum)?;
        let column = |opened: &Opened| match opened {
            Opened::Shown(group) => Column::new(groups.all[*group].shown.clone(), Number::bit()),
            Opened::Column(place) => table.columns[*place].clone(),
        };
        let opened = Table { columns: groups.opened.iter().map(column).collect(), ..table.clone() };
        Ok((opened, Withheld { columns: table.columns.clone(), groups, rounding, declared: self }))
    }

    /// What signers have to know about it.
    pub(crate) fn reveals(&self) -> Vec<String> {
        let mut all = Vec::new();
        let least = |arrays: bool| {
            let of = self.minimum.iter().filter(|(name, _)| is_array(name) == arrays);
            of.map(|(column, least)| format!("{column} is less than {least}"))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        let (rows, places) = (least(false), least(true));
        if !rows.is_empty() {
            all.push(format!("Which rows of the result are suppressed: those in which {rows}. What a column counts is what the source says: read it."));
        }
        if !places.is_empty() {
            all.push(format!("Which places of arrays in the result are suppressed: those at which {places}. What an array counts is what the source says: read it."));
        }
        if !self.minimum.is_empty() {
            all.extend([
                "All owners but one together learn, by subtraction, what that one has in every row shown.".into(),
                "If totals are known from elsewhere and just one row is suppressed, it follows from the others.".into(),
            ]);
        }
        if !self.rounding.is_empty() {
            let steps = self.rounding.keys().cloned().collect::<Vec<_>>().join(", ");
            all.push(format!("To within half a step, the numbers that are rounded ({steps}). Several runs on rows that differ tell them more closely."));
        }
        all
    }
}

/// What is done to the rows of a result before they are opened.
#[derive(Clone, Debug)]
pub(crate) struct Withheld {
    pub(crate) declared: Disclosure,
    /// The columns of the program.
    columns: Vec<Column>,
    /// What of a row is suppressed together.
    groups: Groups,
    /// Columns by their places, and their steps.
    rounding: Vec<(usize, i128)>,
}

impl Withheld {
    /// Whether the number at a place of an opened row is suppressed.
    pub(crate) fn is_suppressed(&self, row: &[i128], place: usize) -> bool {
        self.groups.is_suppressed(row, place)
    }

    /// Whether all numbers of an opened row are, but for those that say so.
    pub(crate) fn is_all_suppressed(&self, row: &[i128]) -> bool {
        let is_number = |(_, opened): &(usize, &Opened)| matches!(opened, Opened::Column(_));
        let mut numbers = self.groups.opened.iter().enumerate().filter(is_number);
        !self.groups.all.is_empty() && numbers.all(|(place, _)| self.is_suppressed(row, place))
    }

    /// Appends the rows as they are opened.
    pub(crate) fn open<F: Fancy>(
        &self,
        f: &mut F,
        rows: &[F::Wire],
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let bits: usize = self.columns.iter().map(|column| column.number.width()).sum();
        for chunk in rows.chunks(CHUNK * bits.max(1)) {
            let (lanes, mut at) = (chunk.len() / bits.max(1), 0);
            let mut columns = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                let of = at..at + column.number.width();
                at = of.end;
                let wires = of.flat_map(|bit| chunk.iter().skip(bit).step_by(bits)).copied().collect();
                columns.push(Words::new(lanes, wires));
            }
            let shown = self.shown(f, &columns)?;
            for (place, step) in &self.rounding {
                columns[*place] = rounded(f, &self.columns[*place].number, *step, &columns[*place])?;
            }
            for (column, group) in columns.iter_mut().zip(&self.groups.of) {
                if let Some(group) = group {
                    *column = f.keep(&shown[*group], column)?;
                }
            }
            for lane in 0..lanes {
                for opened in &self.groups.opened {
                    match opened {
                        Opened::Shown(group) => outputs.extend(shown[*group].get(lane).copied()),
                        Opened::Column(place) => outputs.extend(columns[*place].lane(lane)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether each group of each row is shown.
    fn shown<F: Fancy>(&self, f: &mut F, columns: &[Words<F::Wire>]) -> Result<Vec<Vec<F::Wire>>, F::Error> {
        let mut shown: Vec<Vec<F::Wire>> = Vec::with_capacity(self.groups.all.len());
        for group in &self.groups.all {
            let mut all = group.outer.map(|outer| shown[outer].clone());
            for (place, least) in &group.counts {
                let mut enough = self.enough(f, (*place, *least), columns)?;
                // An optional number that is not there counts nothing.
                let flag = place.checked_sub(1).filter(|flag| self.columns[*flag].kind == Kind::Presence);
                for also in flag.map(|flag| columns[flag].wires().to_vec()).into_iter().chain(all.take()) {
                    f.and_n(&also, &enough.clone(), &mut enough)?;
                }
                all = Some(enough);
            }
            shown.push(all.unwrap_or_default());
        }
        Ok(shown)
    }

    /// Whether the number of a column is at least this in each row.
    fn enough<F: Fancy>(
        &self,
        f: &mut F,
        (place, least): (usize, u128),
        columns: &[Words<F::Wire>],
    ) -> Result<Vec<F::Wire>, F::Error> {
        let (mut words, mut below) = (columns[place].clone(), least - 1);
        if self.columns[place].number.is_signed() {
            // In two's complement, order is that of unsigned numbers once 2^(w−1) is added.
            below += 1 << (words.width() - 1);
            words = f.flip_sign(&words);
        }
        f.greater_than_constant(&words, below)
    }

    /// The AND gates that it takes for so many rows.
    pub(crate) fn and_gates(&self, rows: usize) -> u64 {
        let (mut f, bits) = (Count::default(), self.columns.iter().map(|c| c.number.width()).sum());
        let Ok(()) = self.open(&mut f, &vec![Default::default(); bits], &mut Vec::new());
        f.cost().and_gates.saturating_mul(rows as u64)
    }

    /// How many different rows can be opened, at least two, as a logarithm to the base 2.
    pub(crate) fn row_bits(&self) -> f64 {
        let counts = || self.groups.all.iter().flat_map(|group| &group.counts);
        let least = |place| counts().find(|(at, _)| *at == place).map(|(_, least)| *least);
        let step = |place| self.rounding.iter().find(|(at, _)| *at == place).map(|(_, step)| *step);
        let numbers = self.columns.iter().enumerate().map(|(place, column)| {
            let (number, from) = (column.number, least(place).map(|least| least as i128));
            match (step(place), from) {
                (Some(step), from) => {
                    let lowest =
                        from.map_or_else(|| multiples(&number, step)[0], |from| nearest(&number, step, from));
                    ((multiples(&number, step)[1] - lowest) / step + 1) as f64
                }
                (None, Some(from)) => (number.max() - from + 1) as f64,
                (None, None) => (number.width() as f64).exp2(),
            }
        });
        self.groups.row_bits(&numbers.map(f64::log2).collect::<Vec<_>>())
    }
}

/// The columns of this name, or those of an array `name[]`.
fn named(table: &Table, name: &str) -> Result<Vec<usize>, DisclosureError> {
    let places = |holds: &dyn Fn(&str) -> bool| {
        let named = table.columns.iter().enumerate().filter(|(_, column)| holds(&column.name));
        named.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let found = places(&|column| is_named(column, name));
    if !found.is_empty() {
        return Ok(found);
    }
    // Who leaves the brackets out means the array.
    let close = |column: &str| array(column).replace("[]", "") == array(name).replace("[]", "");
    let array = places(&close).first().map(|place| array(&table.columns[*place].name));
    Err(array.map_or_else(
        || DisclosureError::NoColumn(name.to_owned()),
        |array| DisclosureError::Array(name.to_owned(), array),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiparty::Rows;
    use sotto_mpc::Bits;
    use sotto_mpc::fancy::Plain;

    /// A table of a count and a value.
    fn table(count: Number, value: Number) -> Table {
        Table::new("result", Rows::Exactly(3), vec![Column::new("count", count), Column::new("value", value)])
    }

    fn declared(minimum: &[(&str, i128)], rounding: &[(&str, i128)]) -> Disclosure {
        let all =
            |entries: &[(&str, i128)]| entries.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        Disclosure { rows: None, minimum: all(minimum), rounding: all(rounding) }
    }

    /// The rows as they are opened.
    fn opened(disclosure: Disclosure, table: &Table, rows: &[[i128; 2]]) -> Vec<Vec<i128>> {
        let (shown, withheld) = disclosure.of(table).unwrap();
        let mut bits = Bits::default();
        rows.iter().for_each(|row| table.encode_row(row, &mut bits).unwrap());
        let mut outputs = Vec::new();
        let Ok(()) = withheld.open(&mut Plain, &bits.iter().collect::<Vec<_>>(), &mut outputs);
        let shown = Table { rows: Rows::Exactly(rows.len()), ..shown };
        shown.decode(&outputs).unwrap()
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_multiple_within_their_range() {
        for (min, max) in [(0, 255), (-128, 127), (0, 100), (-7, 40), (-50, 3)] {
            let number = Number::new(min, max).unwrap();
            for step in (2..=max.min(17)).chain([31, 100]).filter(|step| *step <= max) {
                let table = table(Number::up_to(7), number);
                let rows: Vec<_> = (min..=max).map(|value| [1, value]).collect();
                let opened = opened(declared(&[], &[("value", step)]), &table, &rows);
                for ([_, value], row) in rows.iter().zip(opened) {
                    // By looking at all multiples.
                    let all = (min..=max).filter(|multiple| multiple % step == 0);
                    let best = all.min_by_key(|multiple| ((value - multiple).abs(), -multiple)).unwrap();
                    assert_eq!(row, [1, best], "{value} of {min} to {max} by {step}");
                    assert_eq!(nearest(&number, step, *value), best);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_wide_ranges_are_rounded() {
        for number in [Number::up_to(u64::MAX.into()), Number::new(i64::MIN.into(), i64::MAX.into()).unwrap()]
        {
            for step in [2, 3, 10, 1 << 40, (1 << 62) + 1, i128::from(i64::MAX)] {
                let ends = [number.min(), number.min() + 1, 0, 1, step / 2, number.max() - 1, number.max()];
                let rows = ends.map(|value| [3, value]);
                let rows = opened(declared(&[], &[("value", step)]), &table(Number::up_to(7), number), &rows);
                let values: Vec<_> = rows.iter().map(|row| row[1]).collect();
                assert_eq!(values, ends.map(|value| nearest(&number, step, value)), "{number:?} {step}");
            }
        }
    }

    #[test]
    fn small_groups_are_suppressed_as_they_are_and_not_as_they_are_rounded() {
        let table = table(Number::new(-20, 100).unwrap(), Number::new(-300, 300).unwrap());
        let rows: Vec<_> = (-20..=100).map(|count| [count, 3 * count]).collect();
        let disclosure = declared(&[("count", 8)], &[("count", 5), ("value", 10)]);
        for ([count, value], row) in rows.iter().zip(opened(disclosure, &table, &rows)) {
            let round = |x: i128, step: i128| (x + step / 2).div_euclid(step) * step;
            let shown = [1, round(*count, 5), round(*value, 10)];
            assert_eq!(row, if *count >= 8 { shown } else { [0; 3] }, "{count}");
        }
        // Both have to be large enough.
        let opened =
            opened(declared(&[("count", 2), ("value", 7)], &[]), &table, &[[2, 7], [1, 7], [2, 6], [2, 8]]);
        assert_eq!(opened, [[1, 2, 7], [0; 3], [0; 3], [1, 2, 8]]);
    }

    #[test]
    fn an_optional_count_that_is_not_there_counts_nothing() {
        let mut table = table(Number::bit(), Number::up_to(100));
        table.columns[0].kind = Kind::Presence;
        let opened = opened(declared(&[("value", 5)], &[]), &table, &[[1, 5], [1, 4], [0, 99]]);
        assert_eq!(opened, [[1, 1, 5], [0; 3], [0; 3]]);
    }

    #[test]
    fn what_cannot_be_declared_is_refused() {
        let of = |disclosure: Disclosure| {
            let mut table = table(Number::up_to(7), Number::up_to(7).scaled(2));
            table.columns.push(Column::new("sure", Number::bit()).of(Kind::Truth));
            disclosure.of(&table).map(drop).unwrap_err()
        };
        let name = |name: &str| name.to_owned();
        assert_eq!(of(declared(&[("n", 2)], &[])), DisclosureError::NoColumn(name("n")));
        assert_eq!(of(declared(&[("value", 2)], &[])), DisclosureError::NoCount(name("value")));
        assert_eq!(of(declared(&[("sure", 1)], &[])), DisclosureError::NoCount(name("sure")));
        assert_eq!(of(declared(&[], &[("sure", 2)])), DisclosureError::NoNumber(name("sure")));
        for least in [0, -1, 8] {
            assert_eq!(of(declared(&[("count", least)], &[])), DisclosureError::Least(name("count"), 7));
        }
        for step in [1, 0, -5, 8] {
            assert_eq!(of(declared(&[], &[("value", step)])), DisclosureError::Step(name("value"), 7));
        }
        let names = |column: &str, rows: usize| {
            let rows = RowNames { column: name(column), names: vec![name("x"); rows] };
            of(Disclosure { rows: Some(rows), ..Disclosure::default() })
        };
        assert_eq!(names("region", 2), DisclosureError::Names { names: 2, rows: 3 });
        assert_eq!(names("value", 3), DisclosureError::Taken(name("value")));
        assert_eq!(names("shown", 3), DisclosureError::Taken(name("shown")));
        let taken = Table {
            columns: vec![Column::new("shown", Number::up_to(7))],
            ..table(Number::bit(), Number::bit())
        };
        let error = declared(&[("shown", 2)], &[]).of(&taken).map(drop).unwrap_err();
        assert_eq!(error, DisclosureError::Taken(name("shown")));
    }

    #[test]
    fn the_number_of_different_rows_is_that_of_all_rows() {
        for (minimum, rounding) in [
            (&[("count", 3)][..], &[][..]),
            (&[("count", 3)], &[("count", 2)]),
            (&[("count", 4)], &[("count", 3), ("value", 4)]),
            (&[], &[("value", 5)]),
        ] {
            let table = table(Number::up_to(15), Number::new(-8, 7).unwrap());
            let rows: Vec<_> = (0..16).flat_map(|count| (-8..8).map(move |value| [count, value])).collect();
            let disclosure = declared(minimum, rounding);
            let different: std::collections::BTreeSet<_> =
                opened(disclosure.clone(), &table, &rows).into_iter().collect();
            let bits = disclosure.of(&table).unwrap().1.row_bits();
            assert!((bits.exp2() - different.len() as f64).abs() < 1e-6, "{minimum:?} {rounding:?}: {bits}");
        }
    }

    #[test]
    fn gates_are_counted() {
        let table = table(Number::up_to(15), Number::new(-8, 7).unwrap());
        let (_, withheld) = declared(&[("count", 4)], &[("value", 3)]).of(&table).unwrap();
        let (mut f, rows) = (Count::default(), vec![Default::default(); 8 * 100]);
        let Ok(()) = withheld.open(&mut f, &rows, &mut Vec::new());
        assert_eq!(withheld.and_gates(100), f.cost().and_gates);
        assert!(f.cost().and_gates > 100);
    }
}
