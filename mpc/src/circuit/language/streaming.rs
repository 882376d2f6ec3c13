//! Statements that work on tables: loops and joins recorded once and run for every row, sorts, and tables that are made.
//!
//! ```text
//! loop     a round for each row
//! sort     a step alone; the state stays
//! join     each table: a round for each two neighbours, which panics unless their keys ascend
//!          a merge; then a round for each two neighbours, whose body counts if their keys are equal
//!          `join(first, second)`: the rounds make a table of all neighbours, zeros but for pairs, which a sort puts last
//! [row; n] one row, in a variable, until rows are made or the table is used as one
//! ```

use std::rc::Rc;

use garble_lang::TypedFnDef;
use garble_lang::ast::Type;
use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::lookups::Table;
use super::loops::{Making, Round, Rounds, for_rows, new_table};
use super::patterns::matches;
use super::round::{Row, filled, made};
use super::rows::RowLoop;
use super::state::{Bits, Lowering};
use super::tables::{Action, Expression, Join, Joined, Origin, Plan};
use super::uses::Uses;
use crate::circuit::netlist::Signal;
use crate::circuit::streamed::{Merge, Reading, Sort, Step};
use crate::gadgets::network::KeyBit;
use crate::gadgets::{Comparison, Selection, Words};

impl Lowering<'_> {
    /// The statements of `main`: the value of the last one, or the table that it is.
    pub(super) fn main(
        &mut self,
        main: &TypedFnDef,
        plan: &Plan,
    ) -> Result<(Bits, Option<u32>), CompileError> {
        for (number, (parameter, size)) in main.params.iter().zip(&plan.sizes).enumerate() {
            if size.reading != Reading::Whole {
                let table = Table { number: number as u32, width: size.element, rows: size.elements };
                self.tables.insert(parameter.name.clone(), table);
            }
        }
        self.next_table = main.params.len() as u32;
        self.scoped(|this| {
            let (mut value, mut result) = (Bits::default(), None);
            for (at, statement) in main.body.iter().enumerate() {
                let meta = statement.meta;
                value = match plan.action(main, at, statement) {
                    None => this.statement(statement)?,
                    Some(Action::Result(table)) => {
                        result = Some(this.table(meta, &table)?.number);
                        Bits::default()
                    }
                    Some(action) => {
                        this.act(meta, action)?;
                        Bits::default()
                    }
                };
            }
            Ok((value, result))
        })
    }

    fn act(&mut self, meta: MetaInfo, action: Action<'_>) -> Result<(), CompileError> {
        match action {
            Action::Result(_) => Ok(()),
            Action::Bind { name, table } => {
                let table = self.table(meta, &table)?;
                self.tables.insert(name.to_owned(), table);
                Ok(())
            }
            Action::Fill { name, row, rows } => {
                let row = self.expression(row)?;
                self.bind(&filled(name), row);
                self.equal.insert(name.to_owned(), rows);
                Ok(())
            }
            Action::Rows { pattern, table, body } => {
                let table = self.table(meta, &table)?;
                let (sources, uses) = ([(table, 0)], Uses::of(body));
                let rounds = Rounds::over(&sources, table.rows, &uses);
                let body = |this: &mut Lowering<'_>, round: Round| {
                    round.rows.first().map_or(Ok(()), |row| matches(this, pattern, row).map(drop))?;
                    this.statements(body)?;
                    Ok(Vec::new())
                };
                for_rows(self, meta, &rounds, body).map(drop)
            }
            Action::Index(rows) => self.row_loop(meta, &rows),
            Action::Join(join) => self.join_tables(meta, &join),
        }
    }

    /// A table, after the sorts that make it.
    fn table(&mut self, meta: MetaInfo, table: &Expression<'_>) -> Result<Table, CompileError> {
        let unknown = || refused(meta, Refusal::Unsupported);
        let mut now = match &table.of {
            Origin::Name(name) => {
                self.fill(meta, name)?;
                *self.tables.get(*name).ok_or_else(unknown)?
            }
            Origin::Join(joined) => self.join_rows(meta, joined)?,
        };
        for key in &table.sorts {
            now = self.sort(meta, now, key.unsigned())?;
        }
        Ok(now)
    }

    fn sort(&mut self, meta: MetaInfo, table: Table, key: Vec<KeyBit>) -> Result<Table, CompileError> {
        self.steps.push(Step::Sort(Sort { table: table.number, key }));
        new_table(self, meta, table.width, table.rows)
    }

    /// A loop over rows by an index.
    fn row_loop(&mut self, meta: MetaInfo, rows: &RowLoop<'_>) -> Result<(), CompileError> {
        let (mut sources, mut makes) = (Vec::new(), Vec::new());
        for (name, offset) in &rows.reads {
            let from = usize::try_from(rows.from as i64 + offset).unwrap_or_default();
            sources.extend(self.tables.get(name).map(|table| (*table, from)));
        }
        for name in &rows.writes {
            let all = self.tables.get(name).map(|table| table.rows).or_else(|| self.equal.get(name).copied());
            let is_whole = (rows.from, Some(rows.to)) == (0, all);
            if !is_whole {
                self.fill(meta, name)?;
            }
            let before = self.tables.get(name).map(|table| (*table, rows.from));
            sources.extend(before);
            let width = before.map_or_else(
                || self.variable(&filled(name)).map_or(0, |row| row.len()),
                |(table, _)| table.width,
            );
            makes.push(Making { width, into: before.filter(|_| !is_whole) });
        }
        let rounds = Rounds {
            sources: &sources,
            makes: &makes,
            number: rows.number.map(|width| (rows.from, width)),
            count: rows.to - rows.from,
            uses: &rows.uses,
        };
        let tables = for_rows(self, meta, &rounds, |this, round| this.row(rows, round))?;
        for (name, table) in rows.writes.iter().zip(tables) {
            self.enter(name, table);
        }
        Ok(())
    }

    /// A round of a loop over rows by an index: the rows that it makes.
    fn row(&mut self, rows: &RowLoop<'_>, round: Round) -> Result<Vec<Bits>, CompileError> {
        let mut taken = round.rows.into_iter();
        let mut row = Row { variable: rows.variable.to_owned(), ..Row::default() };
        for (name, offset) in &rows.reads {
            let bits = self.row_of(name, &mut taken);
            row.reads.insert((name.clone(), *offset), bits);
        }
        for name in &rows.writes {
            let bits = self.row_of(name, &mut taken);
            self.bind(&made(name), bits);
            row.writes.insert(name.clone());
        }
        if rows.number.is_some() {
            self.bind(rows.variable, round.number);
        }
        self.row = row;
        self.statements(rows.body)?;
        self.row = Row::default();
        Ok(rows.writes.iter().map(|name| self.variable(&made(name)).cloned().unwrap_or_default()).collect())
    }

    /// The next of these rows, or the one that all rows of a table are.
    fn row_of(&mut self, name: &str, taken: &mut impl Iterator<Item = Bits>) -> Bits {
        let row = if self.tables.contains_key(name) { taken.next() } else { None };
        row.or_else(|| self.variable(&filled(name)).cloned()).unwrap_or_default()
    }

    /// Makes a table of equal rows one in memory.
    fn fill(&mut self, meta: MetaInfo, name: &str) -> Result<(), CompileError> {
        let Some(count) = self.equal.get(name).copied() else { return Ok(()) };
        let row = filled(name);
        let makes = [Making { width: self.variable(&row).map_or(0, |row| row.len()), into: None }];
        let uses = Uses::of_name(name);
        let rounds = Rounds { makes: &makes, ..Rounds::over(&[], count, &uses) };
        let body = |this: &mut Lowering<'_>, _| Ok(vec![this.variable(&row).cloned().unwrap_or_default()]);
        for table in for_rows(self, meta, &rounds, body)? {
            self.enter(name, table);
        }
        Ok(())
    }

    /// Gives a name a table of rows in memory.
    fn enter(&mut self, name: &str, table: Table) {
        if self.equal.remove(name).is_some() {
            self.forget(&filled(name));
        }
        self.tables.insert(name.to_owned(), table);
    }

    /// Two tables of which the keys of each must ascend, merged.
    fn merge(
        &mut self,
        meta: MetaInfo,
        key: &Type,
        [first, second]: &[Expression<'_>; 2],
    ) -> Result<Merged, CompileError> {
        let widths = self.types.key_widths(key, meta)?;
        let (mut key, mut from) = (Vec::new(), 0);
        for width in widths {
            // Parts are compared from the first on, so the last one is lowest.
            key.splice(0..0, from..from + width);
            from += width;
        }
        if key.is_empty() {
            return Err(refused(meta, Refusal::Unsupported));
        }
        let words = |row: &Bits| key_of(row, &key);
        let (first, second) = (self.table(meta, first)?, self.table(meta, second)?);
        for table in [first, second] {
            let (sources, uses) = ([(table, 0), (table, 1)], Uses::default());
            let rounds = Rounds::over(&sources, table.rows - 1, &uses);
            for_rows(self, meta, &rounds, |this, Round { rows, .. }| {
                let [before, after] = [&rows[0], &rows[1]].map(&words);
                let ascend = this.gates(meta, |f| f.greater(&after, &before))?;
                let wrong = this.not(ascend.first().copied().unwrap_or_default());
                this.panic_if(meta, wrong)?;
                Ok(Vec::new())
            })?;
        }
        let bits = key.iter().map(|place| KeyBit { place: *place as u32, descends: false }).collect();
        self.steps.push(Step::Merge(Merge { tables: [first.number, second.number], key: bits }));
        let width = first.width.max(second.width) + 1;
        let rows = new_table(self, meta, width, first.rows + second.rows)?;
        Ok(Merged { rows, key, widths: [first.width, second.width] })
    }

    /// Runs the body of a join for each two neighbours.
    fn join_tables(&mut self, meta: MetaInfo, join: &Join<'_>) -> Result<(), CompileError> {
        let merged = self.merge(meta, join.key, &join.tables)?;
        let (sources, uses) = (merged.neighbours(), Uses::of(join.body));
        let rounds = Rounds::over(&sources, merged.rows.rows - 1, &uses);
        let body = |this: &mut Lowering<'_>, Round { rows, .. }: Round| {
            let is_pair = merged.is_pair(this, meta, &rows)?;
            this.joined(meta, is_pair, &Rc::new(merged.both(&rows)), join)?;
            Ok(Vec::new())
        };
        for_rows(self, meta, &rounds, body).map(drop)
    }

    /// The array that a join is: all neighbours, zeros for those that are no pair, and the pairs last.
    fn join_rows(&mut self, meta: MetaInfo, joined: &Joined<'_>) -> Result<Table, CompileError> {
        let merged = self.merge(meta, joined.key, &joined.tables)?;
        let bits = if joined.has_both { merged.widths.iter().sum() } else { merged.widths[0] };
        let (sources, uses) = (merged.neighbours(), Uses::default());
        let makes = [Making { width: 1 + bits, into: None }];
        let rounds = Rounds { makes: &makes, ..Rounds::over(&sources, merged.rows.rows - 1, &uses) };
        let body = |this: &mut Lowering<'_>, Round { rows, .. }: Round| {
            let is_pair = merged.is_pair(this, meta, &rows)?;
            let row = Words::single(&merged.both(&rows)[..bits]);
            let kept = this.gates(meta, |f| f.keep(&[is_pair], &row))?;
            Ok(vec![Rc::new([&[is_pair], kept.wires()].concat())])
        };
        let made = for_rows(self, meta, &rounds, body)?;
        let made = *made.first().ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        // The places of the pairs would reveal their places in the tables.
        self.sort(meta, made, vec![KeyBit { place: 0, descends: false }])
    }

    /// Runs the body of a join for two rows, if they are a pair.
    fn joined(
        &mut self,
        meta: MetaInfo,
        is_pair: Signal,
        both: &Bits,
        join: &Join<'_>,
    ) -> Result<(), CompileError> {
        let taken = self.branch(meta, |this| {
            this.scoped(|this| {
                matches(this, join.pattern, both)?;
                this.statements(join.body)?;
                Ok(Bits::default())
            })
        })?;
        let skipped = self.branch(meta, |_| Ok(Bits::default()))?;
        let chosen = self.choose(meta, is_pair, taken, skipped)?;
        self.adopt(meta, chosen).map(drop)
    }
}

/// Two tables in one, in the order of their keys.
struct Merged {
    rows: Table,
    /// The places of the bits of a key in a row, the lowest first.
    key: Vec<usize>,
    /// The bits of a row of each.
    widths: [usize; 2],
}

impl Merged {
    /// What a round takes: a row, and the next.
    fn neighbours(&self) -> [(Table, usize); 2] {
        [(self.rows, 0), (self.rows, 1)]
    }

    /// Whether two neighbours have equal keys.
    fn is_pair(&self, l: &mut Lowering<'_>, meta: MetaInfo, rows: &[Bits]) -> Result<Signal, CompileError> {
        let [low, high] = [&rows[0], &rows[1]].map(|row| key_of(row, &self.key));
        let is_pair = l.gates(meta, |f| f.equal(&low, &high))?;
        Ok(is_pair.first().copied().unwrap_or_default())
    }

    /// The row of the first table and that of the second, if two neighbours are a pair.
    fn both(&self, rows: &[Bits]) -> Vec<Signal> {
        let [first, second] = self.widths;
        [&rows[0][..first], &rows[1][..second]].concat()
    }
}

/// The key of a row.
fn key_of(row: &Bits, key: &[usize]) -> Words<Signal> {
    Words::single(&key.iter().map(|place| row[*place]).collect::<Vec<_>>())
}
