//! What a result party has in the end: tables, figures, and a verdict whether they mean anything.
//!
//! ```text
//! inputs_hold has a 0       every other output is zero and means nothing      its cells are empty
//! panicked is not 0         the same
//! a row is suppressed       too few rows stand behind it                      its cells are empty
//! a place of arrays         the same                                          its cells are empty
//! ```
//!
//! An empty cell is empty in CSV and `null` in JSON, so that a zero is not taken for a result.

use serde_json::{Map, Value, json};

use crate::kind::Kind;
use crate::multiparty::{Cells, Figure, Functionality, INPUTS_HOLD, RowNames, Table};
use crate::variants::Cases;

/// The name of the output table that says whether a source panicked.
const PANICKED: &str = "panicked";

/// Whether the outputs of a party are a result. A later one says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All numbers are results.
    Complete,
    /// The party does not receive the outputs that would say so.
    Unknown,
    /// Some rows are suppressed; all other numbers are results.
    PartlySuppressed,
    /// Every row is suppressed.
    Suppressed,
    /// The inputs of some input party break what the program requires: there is no result.
    InputsDoNotHold,
    /// The program panicked: there is no result.
    Panicked,
}

/// All verdicts.
const ALL: [Verdict; 6] = [
    Verdict::Complete,
    Verdict::Unknown,
    Verdict::PartlySuppressed,
    Verdict::Suppressed,
    Verdict::InputsDoNotHold,
    Verdict::Panicked,
];

impl Verdict {
    /// The word in `result.json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::PartlySuppressed => "partly suppressed",
            Self::Suppressed => "suppressed",
            Self::InputsDoNotHold => "inputs do not hold",
            Self::Panicked => "panicked",
            Self::Unknown => "unknown",
        }
    }

    /// The verdict of this word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|verdict| verdict.as_str() == name)
    }

    /// Whether the outputs have no result at all.
    #[must_use]
    pub const fn is_none(self) -> bool {
        matches!(self, Self::Suppressed | Self::InputsDoNotHold | Self::Panicked)
    }

    /// Whether nothing but zeros came out.
    const fn is_void(self) -> bool {
        matches!(self, Self::InputsDoNotHold | Self::Panicked)
    }
}

/// The outputs of a party: their places in the job, and their bits.
pub type OutputBits = [(usize, Vec<bool>)];

/// What a result party has in the end.
#[derive(Clone, Debug)]
pub struct PartyResult<'p> {
    /// Whether it is a result; `None` for a party that receives nothing.
    pub verdict: Option<Verdict>,
    /// Its tables, in the program's order.
    pub tables: Vec<ResultTable<'p>>,
    /// What follows from the outputs, if the party has all of them and they are a result.
    pub figures: Vec<Figure>,
}

/// A column of a result with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedColumn {
    /// Its name.
    pub name: String,
    /// What its numbers stand for.
    pub kind: Kind,
    /// Digits after the point.
    pub decimals: u8,
    /// A number for each row; `None` where it means nothing.
    pub cells: Vec<Option<i128>>,
}

/// An output table with its rows; `None` is a cell that means nothing.
#[derive(Clone, Debug)]
pub struct ResultTable<'p> {
    table: &'p Table,
    names: Option<RowNames>,
    cases: Cases,
    rows: Vec<Vec<Option<i128>>>,
}

impl<'p> PartyResult<'p> {
    /// The result of these outputs.
    #[must_use]
    pub fn of(program: &'p impl Functionality, outputs: &OutputBits) -> Self {
        let tables = tables(program, outputs);
        let verdict = verdict(program, &tables);
        let is_void = verdict.is_some_and(Verdict::is_void);
        let all = tables.len() == program.declaration().outputs().len();
        let cells: Vec<Cells> = tables.iter().map(|(_, rows)| rows.clone()).collect();
        let figures = if all && !is_void { program.figures(&cells) } else { Vec::new() };
        let shown = |(table, rows): (&'p Table, Cells)| ResultTable {
            table,
            names: program.row_names(table),
            cases: table.cases(),
            rows: rows.iter().map(|row| shown(program, table, row, is_void)).collect(),
        };
        Self { verdict, tables: tables.into_iter().map(shown).collect(), figures }
    }
}

/// The cells of a row, without those that mean nothing.
fn shown(program: &impl Functionality, table: &Table, row: &[i128], is_void: bool) -> Vec<Option<i128>> {
    if is_void && !is_verdict(table) {
        return vec![None; row.len()];
    }
    let cells = row.iter().enumerate();
    cells.map(|(i, cell)| (!program.is_place_suppressed(table, row, i)).then_some(*cell)).collect()
}

fn is_verdict(table: &Table) -> bool {
    says_whether(&table.name)
}

/// Whether an output says if the others mean anything: `inputs_hold` or `panicked`.
#[must_use]
pub fn says_whether(output: &str) -> bool {
    output == INPUTS_HOLD || output == PANICKED
}

fn verdict(program: &impl Functionality, tables: &[(&Table, Cells)]) -> Option<Verdict> {
    let cells = |name: &str| {
        let table = tables.iter().find(|(table, _)| table.name == name);
        table.map(|(_, rows)| rows.iter().flatten().copied().collect::<Vec<_>>())
    };
    let has = |name: &str| program.declaration().outputs().iter().any(|table| table.name == name);
    let (holds, panicked) = (cells(INPUTS_HOLD), cells(PANICKED));
    let rest = || tables.iter().filter(|(table, _)| !is_verdict(table));
    if tables.is_empty() {
        return None;
    }
    if holds.as_ref().is_some_and(|holds| holds.contains(&0)) {
        return Some(Verdict::InputsDoNotHold);
    }
    if panicked.as_ref().is_some_and(|panicked| panicked.iter().any(|cell| *cell != 0)) {
        return Some(Verdict::Panicked);
    }
    let is_blind = holds.is_none() || (panicked.is_none() && has(PANICKED));
    if is_blind && rest().next().is_some() {
        return Some(Verdict::Unknown);
    }
    let rows = || rest().flat_map(|(table, rows)| rows.iter().map(move |row| (*table, row)));
    let has_suppressed = |(table, row): (&Table, &Vec<i128>)| {
        (0..row.len()).any(|place| program.is_place_suppressed(table, row, place))
    };
    Some(if !rows().any(has_suppressed) {
        Verdict::Complete
    } else if rows().all(|(table, row)| program.is_suppressed(table, row)) {
        Verdict::Suppressed
    } else {
        Verdict::PartlySuppressed
    })
}

/// A result party's outputs: each table with its rows as they are.
#[must_use]
pub fn tables<'p>(program: &'p impl Functionality, outputs: &OutputBits) -> Vec<(&'p Table, Cells)> {
    let declared = program.declaration().outputs();
    // What is for others is as if it were zero, and is not looked at.
    let bits = declared.iter().enumerate().flat_map(|(i, table)| {
        let ours = outputs.iter().find(|(place, _)| *place == i).map(|(_, bits)| bits.clone());
        ours.unwrap_or_else(|| vec![false; table.bits()])
    });
    let cells = program.declaration().decode(&bits.collect::<Vec<_>>()).unwrap_or_default();
    let ours = |(i, (_, _)): &(usize, _)| outputs.iter().any(|(place, _)| place == i);
    declared.iter().zip(cells).enumerate().filter(ours).map(|(_, table)| table).collect()
}

impl ResultTable<'_> {
    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// The columns as they are shown, each with its type.
    #[must_use]
    pub fn typed(&self) -> Vec<TypedColumn> {
        let names = self.names.as_ref().and_then(|names| {
            let cells =
                (0..self.rows.len()).map(|row| (row < names.names.len()).then_some(row as i128)).collect();
            let kind = Kind::category(&names.names)?;
            Some(TypedColumn { name: names.column.clone(), kind, decimals: 0, cells })
        });
        let columns = self.table.columns.iter().enumerate().filter(|(_, column)| !column.kind.is_derived());
        let columns = columns.map(|(place, column)| {
            let cell = |row: &Vec<Option<i128>>| {
                row.get(place).copied().flatten().filter(|_| self.is_there(row, place))
            };
            let cells = self.rows.iter().map(cell).collect();
            let (kind, decimals) = (column.kind.clone(), column.number.decimals());
            TypedColumn { name: column.name.clone(), kind, decimals, cells }
        });
        names.into_iter().chain(columns).collect()
    }

    /// The rows as they are shown: the name of the row if it has one, and its cells.
    fn texts(&self) -> impl Iterator<Item = Vec<Option<String>>> + '_ {
        self.rows.iter().enumerate().map(|(i, row)| {
            let name = self.names.as_ref().map(|names| names.names.get(i).cloned());
            let columns =
                self.table.columns.iter().enumerate().filter(|(_, column)| !column.kind.is_derived());
            let cells = columns.map(|(place, column)| {
                let cell = row.get(place).copied().flatten().filter(|_| self.is_there(row, place));
                cell.map(|cell| column.kind.show(cell, column.number.decimals()))
            });
            name.into_iter().chain(cells).collect()
        })
    }

    /// Whether an optional column, or a field of a variant, has a value in this row; every other one has.
    fn is_there(&self, row: &[Option<i128>], place: usize) -> bool {
        let before =
            place.checked_sub(1).and_then(|before| Some((self.table.columns.get(before)?, row.get(before)?)));
        before.is_none_or(|(column, flag)| column.kind != Kind::Presence || *flag == Some(1))
            && self.cases.is_there(place, |at| row.get(at).copied().flatten())
    }

    fn columns(&self) -> Vec<&str> {
        let name = self.names.as_ref().map(|names| names.column.as_str());
        let columns = self.table.columns.iter().filter(|column| !column.kind.is_derived());
        name.into_iter().chain(columns.map(|column| column.name.as_str())).collect()
    }

    /// A list of objects with their members in the table's order, decimals as texts, so that nothing is
    /// rounded; `null` for what means nothing.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let row = |row: Vec<Option<String>>| {
            let members =
                self.columns().into_iter().map(str::to_owned).zip(row.into_iter().map(|c| json!(c)));
            members.collect::<Map<_, _>>()
        };
        json!(self.texts().map(row).collect::<Vec<_>>())
    }

    /// CSV with a heading; nothing for what means nothing.
    ///
    /// # Errors
    /// Never on a table of text.
    pub fn to_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns())?;
        for row in self.texts() {
            writer.write_record(row.into_iter().map(Option::unwrap_or_default))?;
        }
        let bytes = writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::Builtin;
    use crate::multiparty::Parameters;
    use sotto_mpc::Bits;

    fn sums() -> Builtin {
        let parameters = Parameters::default().with("rows", vec![5i128, 5]).with("groups", vec!["x", "y"]);
        let value = Parameters::default().with("max", 100i128);
        Builtin::new("sum_by_group@1", &parameters.with("value", value).with("minimum", 2i128)).unwrap()
    }

    /// The outputs of tables, all for one party.
    fn outputs(program: &Builtin, tables: &[Cells]) -> Vec<(usize, Vec<bool>)> {
        let bits = |(i, rows): (usize, &Cells)| {
            let mut bits = Bits::default();
            let table = &program.declaration().outputs()[i];
            rows.iter().for_each(|row| table.encode_row(row, &mut bits).unwrap());
            (i, bits.iter().collect())
        };
        tables.iter().enumerate().map(bits).collect()
    }

    #[test]
    fn what_means_nothing_is_empty_and_the_verdict_says_why() {
        let program = sums();
        for (hold, groups, verdict, csv) in [
            ([1, 1], [[1, 3, 15], [1, 2, 9]], Verdict::Complete, "x,1,3,15|y,1,2,9|"),
            ([1, 1], [[1, 3, 15], [0, 0, 0]], Verdict::PartlySuppressed, "x,1,3,15|y,0,,|"),
            ([1, 1], [[0, 0, 0], [0, 0, 0]], Verdict::Suppressed, "x,0,,|y,0,,|"),
            ([1, 0], [[0, 0, 0], [0, 0, 0]], Verdict::InputsDoNotHold, "x,,,|y,,,|"),
        ] {
            let tables = [vec![hold.to_vec()], groups.map(|row| row.to_vec()).to_vec()];
            let bits = outputs(&program, &tables);
            let result = PartyResult::of(&program, &bits);
            assert_eq!(result.verdict, Some(verdict));
            let shown = result.tables[1].to_csv().unwrap().replace('\n', "|").replace('\r', "");
            assert_eq!(shown, format!("group,shown,count,sum|{csv}"));
            assert_eq!(result.tables[1].to_json().to_string().contains("null"), verdict != Verdict::Complete);
            assert_eq!(
                result.tables[0].to_csv().unwrap().lines().nth(1),
                Some(&*format!("{},{}", hold[0], hold[1]))
            );
            assert_eq!(result.figures.is_empty(), verdict == Verdict::InputsDoNotHold);
            // Who does not learn whether inputs hold cannot tell.
            assert_eq!(PartyResult::of(&program, &bits[1..]).verdict, Some(Verdict::Unknown));
            let holds = if hold == [1, 1] { Verdict::Complete } else { Verdict::InputsDoNotHold };
            assert_eq!(PartyResult::of(&program, &bits[..1]).verdict, Some(holds));
        }
        assert_eq!(PartyResult::of(&program, &[]).verdict, None);
    }

    #[test]
    fn members_are_in_the_declared_order_and_rows_have_their_names() {
        let program = sums();
        let bits = outputs(&program, &[vec![vec![1, 1]], vec![vec![1, 3, 15], vec![1, 2, 9]]]);
        let json = PartyResult::of(&program, &bits).tables[1].to_json().to_string();
        assert!(
            json.starts_with("[{\"group\":\"x\",\"shown\":\"1\",\"count\":\"3\",\"sum\":\"15\"}"),
            "{json}"
        );
    }
}
