//! Invented rows that fit a schema: what an author tries a program on before anybody has data.
//!
//! ```text
//! plausible   within a thousand steps of the number of the range that is nearest to zero; an optional field is
//!             empty once in eight
//! extreme     in each field the least or the greatest number of its column: sums overflow sooner
//! ```

use rand_core::RngCore;

use crate::job::{Column, Table};
use crate::kind::Kind;
use crate::multiparty::{Cells, Functionality, LocalStepError};

/// How many texts are invented: so few that parties have some in common.
const TEXTS_INVENTED: u32 = 1000;

/// Most rows of a table of which a job says only how many there may be.
const MOST: u64 = 1000;

/// Which numbers are invented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Such as data might have.
    Plausible,
    /// The ends of each range.
    Extreme,
}

/// The invented data of an input party.
#[derive(Clone, Debug)]
pub struct Invented {
    /// The rows of each table, as its file would have them.
    pub rows: Vec<Cells>,
    /// What enters the computation, after the program's local step.
    pub entered: Vec<Cells>,
}

/// Invents what an input party enters. Where the program wants keys that ascend, rows are put in order and keys that
/// come twice left out.
///
/// # Errors
/// If the program's local step takes no such rows.
pub fn input(
    program: &impl Functionality,
    input: usize,
    tables: &[Table],
    spread: Spread,
    rng: &mut impl RngCore,
) -> Result<Invented, LocalStepError> {
    let mut rows: Vec<Cells> = tables.iter().map(|table| cells(table, spread, rng)).collect();
    let mut entered = enter(program, input, &rows);
    if matches!(entered, Err(LocalStepError::Order { .. })) {
        for rows in &mut rows {
            rows.sort_by_key(|row| row.first().copied());
            rows.dedup_by_key(|row| row.first().copied());
        }
        entered = enter(program, input, &rows);
    }
    Ok(Invented { rows, entered: entered? })
}

fn enter(program: &impl Functionality, input: usize, rows: &[Cells]) -> Result<Vec<Cells>, LocalStepError> {
    let mut local = program.local(input);
    for (table, rows) in rows.iter().enumerate() {
        rows.iter().try_for_each(|row| local.row(table, row))?;
    }
    local.finish()
}

fn cells(table: &Table, spread: Spread, rng: &mut impl RngCore) -> Cells {
    let count = match table.count {
        crate::job::Count::Exactly => table.rows,
        crate::job::Count::UpTo => table.rows.min(MOST),
    };
    let cases = table.cases();
    let row = |_| {
        let mut row: Vec<i128> = table.columns.iter().map(|column| number(column, spread, rng)).collect();
        for (place, column) in table.columns.iter().enumerate() {
            if !cases.is_there(place, |at| row.get(at).copied()) {
                row.iter_mut().skip(place).take(1).for_each(|cell| *cell = column.absent());
                continue;
            }
            let is_absent = place.checked_sub(1).and_then(|before| row.get(before)) == Some(&0);
            if table.is_optional(place) && is_absent {
                row.iter_mut().skip(place).take(1).for_each(|cell| *cell = column.absent());
            }
        }
        row
    };
    (0..count).map(row).collect()
}

fn number(column: &Column, spread: Spread, rng: &mut impl RngCore) -> i128 {
    let (min, max) = (column.min, column.max);
    if column.kind == Kind::Presence {
        return i128::from(!rng.next_u32().is_multiple_of(8));
    }
    if column.kind == Kind::Text {
        return i128::from(rng.next_u32() % TEXTS_INVENTED);
    }
    if spread == Spread::Extreme {
        return if rng.next_u32().is_multiple_of(2) { min } else { max };
    }
    let steps = 1000 * 10i128.pow(column.decimals.min(18).into());
    let near = column.absent();
    let (low, high) = (min.max(near - steps), max.min(near + steps));
    low + i128::from(rng.next_u64()) % (high - low + 1)
}

/// The cells of a row as a file would have them, in the order of its columns; nothing for an empty field.
#[must_use]
pub fn texts(table: &Table, row: &[i128]) -> Vec<String> {
    let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.kind.is_derived());
    let cases = table.cases();
    let text = |(place, column): (usize, &Column)| {
        let flag = place.checked_sub(1).and_then(|before| row.get(before));
        let is_there = cases.is_there(place, |at| row.get(at).copied())
            && (!table.is_optional(place) || flag == Some(&1));
        let cell = row.get(place).filter(|_| is_there);
        cell.map_or_else(String::new, |cell| column.kind.show(*cell, column.decimals))
    };
    columns.map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::Builtin;
    use crate::multiparty::Parameters;
    use crate::verify_program::schema;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn what_is_invented_is_what_a_program_takes() {
        let key = Parameters::default().with("max", 99_999_999i128);
        let parameters = Parameters::default().with("rows", vec![500i128, 400]).with("minimum", 10i128);
        let program = Builtin::new("join_count@1", &parameters.with("key", key)).unwrap();
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let mut parties = Vec::new();
        for party in 0..2 {
            let tables = schema(&program, party).unwrap();
            let invented = input(&program, party, &tables, Spread::Plausible, rng).unwrap();
            assert!(invented.rows[0].is_sorted() && invented.rows[0].len() > 200);
            parties.push(invented.entered);
        }
        // Keys that meet: otherwise nothing is tried.
        assert!(program.compute(&parties).unwrap()[1][0][1] > 10);
    }

    #[test]
    fn every_number_is_in_its_range_and_an_empty_field_is_empty() {
        let column = |name: &str, min, max, kind: Kind| Column {
            name: crate::text::Line::new(name).unwrap(),
            min,
            max,
            decimals: u8::from(kind == Kind::Number),
            missing: None,
            kind,
        };
        let columns = vec![
            column("flag", 0, 1, Kind::Presence),
            column("pay", 5, i64::MAX.into(), Kind::Number),
            column("cold", i64::MIN.into(), -7, Kind::Number),
            column("day", -700_000, 2_000_000, Kind::Date),
        ];
        let name = crate::text::Line::new("t").unwrap();
        let table = Table { name, count: crate::job::Count::Exactly, rows: 300, columns };
        for spread in [Spread::Plausible, Spread::Extreme] {
            let rows = cells(&table, spread, &mut ChaCha20Rng::seed_from_u64(2));
            for row in &rows {
                assert!(row.iter().zip(&table.columns).all(|(n, c)| (c.min..=c.max).contains(n)), "{row:?}");
                let texts = texts(&table, row);
                assert_eq!((texts.len(), texts[0].is_empty()), (3, row[0] == 0));
                assert!(row[0] == 1 || row[1] == 5);
            }
            assert!(rows.iter().any(|row| row[0] == 0) && rows.iter().any(|row| row[0] == 1));
        }
    }
}
