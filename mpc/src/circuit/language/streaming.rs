//! Statements that work on tables: loops and joins recorded once and run for every row, and sorts.
//!
//! What is recorded before a loop ends in a circuit whose outputs are the *state*: the bits of all variables,
//! and the panic bit. The body is recorded as a circuit from the bits that it uses, and a row of each table, to
//! the bits that it assigns. Then recording goes on from the state.
//!
//! ```text
//! loop     a round for each row
//! sort     a step alone; the state stays
//! join     each table: a round for each two neighbours, which panics unless their keys ascend
//!          a merge; then a round for each two neighbours, whose body counts if their keys are equal
//! ```
//!
//! The same gates are made as by unrolling, but for those that constants would save in some rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use garble_lang::TypedFnDef;
use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::lookups::{Stages, Table};
use super::patterns::matches;
use super::state::{Bits, Frame, Lowering, Row};
use super::tables::{Action, Expression, Join, Plan};
use super::types::Leaves;
use super::uses::Uses;
use crate::circuit::netlist::Signal;
use crate::circuit::streamed::{Block, ForEach, MAX_TABLES, Merge, Reading, Sort, Source, Staged, Step};
use crate::circuit::{Circuit, TooLarge};
use crate::gadgets::network::KeyBit;
use crate::gadgets::{Comparison, Words};

/// About the largest number of gates of a block of rounds, and the largest number of its rounds.
const BLOCK_GATES: usize = 1 << 14;
const BLOCK_ROUNDS: usize = 16;

/// What a loop takes rows of, and how often.
struct Rounds<'l> {
    /// Tables, and the row of each that the first round takes.
    sources: &'l [(Table, usize)],
    count: usize,
    /// The names in the body.
    uses: &'l Uses,
}

/// Where a bit of a variable is while a loop runs.
#[derive(Clone, Copy)]
enum Place {
    Constant(bool),
    State(usize),
}

/// The state of a loop: what each of its bits was before, and where the bits of all variables are.
#[derive(Default)]
struct State {
    before: Vec<Signal>,
    frame: Vec<BTreeMap<String, Vec<Place>>>,
}

impl State {
    /// The panic bit is the first. Variables that the body assigns have bits of their own; others share equal
    /// bits, and constants of theirs take none.
    fn new(frame: &Frame, panic: Signal, assigned: &BTreeSet<String>) -> Self {
        let mut state = Self { before: vec![panic], frame: Vec::new() };
        let mut shared = BTreeMap::new();
        for scope in frame {
            let mut places = BTreeMap::new();
            for (name, bits) in scope {
                let own = assigned.contains(name);
                let place = bits.iter().map(|bit| match *bit {
                    Signal::Constant(bit) if !own => Place::Constant(bit),
                    Signal::Wire(wire) if !own => {
                        Place::State(*shared.entry(wire).or_insert_with(|| state.push(*bit)))
                    }
                    bit => Place::State(state.push(bit)),
                });
                places.insert(name.clone(), place.collect::<Vec<_>>());
            }
            state.frame.push(places);
        }
        state
    }

    fn push(&mut self, before: Signal) -> usize {
        self.before.push(before);
        self.before.len() - 1
    }

    /// The variables that `wanted` names, with wire `wire(bit)` for each bit of the state.
    fn frame(&self, wanted: impl Fn(&str) -> bool, wire: impl Fn(usize) -> usize) -> Frame {
        let signal = |place: &Place| match *place {
            Place::Constant(bit) => Signal::Constant(bit),
            Place::State(bit) => Signal::Wire(wire(bit)),
        };
        let scope = |scope: &BTreeMap<String, Vec<Place>>| {
            let named = scope.iter().filter(|(name, _)| wanted(name));
            named.map(|(name, places)| (name.clone(), Rc::new(places.iter().map(signal).collect()))).collect()
        };
        self.frame.iter().map(scope).collect()
    }

    /// The bits of the state that belong to variables that `wanted` names, in ascending order, and the panic
    /// bit.
    fn bits_of(&self, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut all = BTreeSet::from([0]);
        for (_, places) in self.frame.iter().flatten().filter(|(name, _)| wanted(name)) {
            all.extend(places.iter().filter_map(|place| match place {
                Place::Constant(_) => None,
                Place::State(bit) => Some(*bit),
            }));
        }
        all.into_iter().collect()
    }
}

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
            Action::Rows { pattern, table, body } => {
                let table = self.table(meta, &table)?;
                let (sources, uses) = ([(table, 0)], Uses::of(body));
                let rounds = Rounds { sources: &sources, count: table.rows, uses: &uses };
                self.for_rows(meta, &rounds, |this, rows| {
                    rows.first().map_or(Ok(()), |row| matches(this, pattern, row).map(drop))?;
                    this.statements(body).map(drop)
                })
            }
            Action::Index { variable, from, to, tables, body } => {
                let known = tables.iter().filter_map(|name| Some((*self.tables.get(name)?, from)));
                let (sources, uses): (Vec<_>, _) = (known.collect(), Uses::of(body));
                let rounds = Rounds { sources: &sources, count: to - from, uses: &uses };
                self.for_rows(meta, &rounds, |this, rows| {
                    let elements = tables.iter().cloned().zip(rows).collect();
                    this.row = Row { variable: variable.to_owned(), elements };
                    this.statements(body)?;
                    this.row = Row::default();
                    Ok(())
                })
            }
            Action::Join(join) => self.join_tables(meta, &join),
        }
    }

    /// A table, after the sorts that make it.
    fn table(&mut self, meta: MetaInfo, table: &Expression<'_>) -> Result<Table, CompileError> {
        let unknown = || refused(meta, Refusal::Unsupported);
        let mut now = *self.tables.get(table.name).ok_or_else(unknown)?;
        for key in &table.sorts {
            self.steps.push(Step::Sort(Sort { table: now.number, key: key.unsigned() }));
            now = self.made(meta, now.width, now.rows)?;
        }
        Ok(now)
    }

    /// The table that the last step makes.
    fn made(&mut self, meta: MetaInfo, width: usize, rows: usize) -> Result<Table, CompileError> {
        if width.saturating_mul(rows) > MAX_TABLES {
            return Err(refused(meta, Refusal::TooLarge(MAX_TABLES)));
        }
        let number = self.next_table;
        self.next_table += 1;
        Ok(Table { number, width, rows })
    }

    fn join_tables(&mut self, meta: MetaInfo, join: &Join<'_>) -> Result<(), CompileError> {
        let mut leaves = Leaves::default();
        self.types.leaves("", join.key, meta, &mut leaves)?;
        let (mut key, mut from) = (Vec::new(), 0);
        for leaf in &leaves.all {
            let width = leaf.number.width();
            // Parts are compared from the first on, so the last one is lowest.
            key.splice(0..0, from..from + width);
            from += width;
        }
        if key.is_empty() {
            return Err(refused(meta, Refusal::Unsupported));
        }
        let words = |row: &Bits| Words::single(&key.iter().map(|place| row[*place]).collect::<Vec<_>>());
        let [first, second] = &join.tables;
        let (first, second) = (self.table(meta, first)?, self.table(meta, second)?);
        for table in [first, second] {
            let (sources, uses) = ([(table, 0), (table, 1)], Uses::default());
            let rounds = Rounds { sources: &sources, count: table.rows - 1, uses: &uses };
            self.for_rows(meta, &rounds, |this, rows| {
                let [before, after] = [&rows[0], &rows[1]].map(&words);
                let ascend = this.gates(meta, |f| f.greater(&after, &before))?;
                let wrong = this.not(ascend.first().copied().unwrap_or_default());
                this.panic_if(meta, wrong)
            })?;
        }
        let bits = key.iter().map(|place| KeyBit { place: *place as u32, descends: false }).collect();
        self.steps.push(Step::Merge(Merge { tables: [first.number, second.number], key: bits }));
        let width = first.width.max(second.width) + 1;
        let merged = self.made(meta, width, first.rows + second.rows)?;
        let (sources, uses) = ([(merged, 0), (merged, 1)], Uses::of(join.body));
        let rounds = Rounds { sources: &sources, count: merged.rows - 1, uses: &uses };
        self.for_rows(meta, &rounds, |this, rows| {
            let [low, high] = [&rows[0], &rows[1]].map(&words);
            let is_pair = this.gates(meta, |f| f.equal(&low, &high))?;
            let both = [&rows[0][..first.width], &rows[1][..second.width]].concat();
            this.joined(meta, is_pair.first().copied().unwrap_or_default(), &Rc::new(both), join)
        })
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

    fn for_rows(
        &mut self,
        meta: MetaInfo,
        rounds: &Rounds<'_>,
        mut body: impl FnMut(&mut Self, Vec<Bits>) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        let Rounds { sources, count, uses } = *rounds;
        let is_used = |name: &str| uses.reads(name) > 0 || uses.assigned.contains(name);
        let state = State::new(self.frame(), self.panic(), &uses.assigned);
        self.spend(meta, state.before.len())?;
        let before = self.end(meta, vec![state.before.clone()])?;

        let reads = state.bits_of(is_used);
        let writes = state.bits_of(|name| uses.assigned.contains(name));
        let row: usize = sources.iter().map(|(table, _)| table.width).sum();
        let place = |bit: usize| reads.binary_search(&bit).unwrap_or_default();
        let mut record = |this: &mut Self, rounds: usize| -> Result<Stages, CompileError> {
            this.restart(reads.len() + rounds * row, state.frame(is_used, place));
            let mut wires = (reads.len()..).map(Signal::Wire);
            for _ in 0..rounds {
                let rows = sources.iter().map(|(table, _)| wires.by_ref().take(table.width).collect());
                let rows = rows.map(|row: Vec<_>| Rc::new(row)).collect();
                this.spend(meta, row)?;
                this.scoped(|this| body(this, rows))?;
            }
            let after = state.values(&writes, this.frame(), this.panic());
            this.end(meta, vec![after])
        };
        let round = record(self, 1)?;
        let at_once = self.rounds_at_once(&round, count);
        let block = if at_once > 1 { record(self, at_once)?.single().cloned() } else { None };
        let block = block.map(|netlist| Circuit::new(&netlist)).transpose();
        let block = block.map_err(|TooLarge| self.too_many_gates(meta))?;
        let block = block.map(|circuit| Block { rounds: at_once, circuit });
        let numbers = |bits: &[usize]| bits.iter().map(|bit| *bit as u32).collect();
        let each = ForEach {
            sources: sources
                .iter()
                .map(|(table, from)| Source { table: table.number, from: *from as u32 })
                .collect(),
            rounds: count,
            reads: numbers(&reads),
            writes: numbers(&writes),
            round: self.scheduled(meta, &round)?,
            block,
        };
        let before = self.scheduled(meta, &before)?;
        self.steps.extend([Step::Once(before), Step::ForEach(each)]);
        self.restart(state.before.len(), state.frame(|_| true, |bit| bit));
        Ok(())
    }

    /// The rounds of a block: one if a round looks up rows, because that takes most of its gates.
    fn rounds_at_once(&self, round: &Stages, count: usize) -> usize {
        let most = BLOCK_GATES.min(self.gates_left()) / round.gates().max(1);
        if round.single().is_none() { 1 } else { 1 << most.min(BLOCK_ROUNDS).min(count).max(1).ilog2() }
    }

    /// What was recorded, ready to run.
    pub(super) fn scheduled(&self, meta: MetaInfo, stages: &Stages) -> Result<Staged, CompileError> {
        stages.scheduled().map_err(|TooLarge| self.too_many_gates(meta))
    }
}

impl State {
    /// The values of these bits of the state after a round.
    fn values(&self, bits: &[usize], frame: &Frame, panic: Signal) -> Vec<Signal> {
        let mut after = BTreeMap::from([(0, panic)]);
        for (places, values) in self.frame.iter().zip(frame) {
            for (name, places) in places {
                let values = values.get(name).map_or(&[][..], |values| &values[..]);
                after.extend(places.iter().zip(values).filter_map(|(place, value)| match place {
                    Place::Constant(_) => None,
                    Place::State(bit) => Some((*bit, *value)),
                }));
            }
        }
        bits.iter().map(|bit| after.get(bit).copied().unwrap_or_default()).collect()
    }
}
