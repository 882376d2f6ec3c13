//! Loops over rows that are recorded once and run for every row.
//!
//! What is recorded before a loop ends in a circuit whose outputs are the *state*: the bits of all variables,
//! and the panic bit. The body is recorded as a circuit from the bits that it uses, and a row of each table, to
//! the bits that it assigns, and a row of each table that it makes. Then recording goes on from the state.
//!
//! The same gates are made as by unrolling, but for those that constants would save in some rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use garble_lang::token::MetaInfo;

use super::error::{CompileError, too_large};
use super::lookups::{Stages, Table};
use super::round::of_table;
use super::state::{Bits, FALSE, Frame, Lowering};
use super::uses::Uses;
use crate::circuit::netlist::Signal;
use crate::circuit::streamed::{Block, Counter, ForEach, MAX_TABLES, Make, Source, Staged, Step};
use crate::circuit::{Circuit, TooLarge};

/// About the largest number of gates of a block of rounds, and the largest number of its rounds.
const BLOCK_GATES: usize = 1 << 14;
const BLOCK_ROUNDS: usize = 16;

/// What a loop takes and makes, and how often.
pub(super) struct Rounds<'l> {
    /// Tables, and the row of each that the first round takes.
    pub(super) sources: &'l [(Table, usize)],
    pub(super) makes: &'l [Making],
    /// The number of the first round, and the bits of one, if rounds take it.
    pub(super) number: Option<(usize, usize)>,
    pub(super) count: usize,
    /// The names in the body.
    pub(super) uses: &'l Uses,
}

impl<'l> Rounds<'l> {
    /// One round for each row, which makes none.
    pub(super) const fn over(sources: &'l [(Table, usize)], count: usize, uses: &'l Uses) -> Self {
        Self { sources, makes: &[], number: None, count, uses }
    }
}

/// A table that rounds make: the bits of a row, and the table of which its rows replace some, from one on.
pub(super) struct Making {
    pub(super) width: usize,
    pub(super) into: Option<(Table, usize)>,
}

/// What a round takes.
pub(super) struct Round {
    pub(super) rows: Vec<Bits>,
    /// Its number, if the loop has one.
    pub(super) number: Bits,
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
    fn new(frame: &Frame, panic: Signal, uses: &Uses) -> Self {
        let mut state = Self { before: vec![panic], frame: Vec::new() };
        let mut shared = BTreeMap::new();
        for scope in frame {
            let mut places = BTreeMap::new();
            for (name, bits) in scope {
                let own = uses.assigns(name) > 0;
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

/// Records a loop whose body gives the rows that a round makes; returns the tables.
pub(super) fn for_rows(
    lowering: &mut Lowering<'_>,
    meta: MetaInfo,
    rounds: &Rounds<'_>,
    mut body: impl FnMut(&mut Lowering<'_>, Round) -> Result<Vec<Bits>, CompileError>,
) -> Result<Vec<Table>, CompileError> {
    let Rounds { sources, makes, number, count, uses } = *rounds;
    let is_used = |name: &str| uses.names(of_table(name));
    let state = State::new(lowering.frame(), lowering.panic(), uses);
    lowering.spend(meta, state.before.len())?;
    let before = lowering.end(meta, vec![state.before.clone()])?;

    let reads = state.bits_of(is_used);
    let writes = state.bits_of(|name| uses.assigns(name) > 0);
    let counter = number.map(|(first, width)| Counter {
        bits: bits_of(first + count).min(width) as u32,
        first: first as u32,
    });
    let bits = counter.map_or(0, |counter| counter.bits as usize);
    let row = bits + sources.iter().map(|(table, _)| table.width).sum::<usize>();
    let place = |bit: usize| reads.binary_search(&bit).unwrap_or_default();
    let mut record = |this: &mut Lowering<'_>, rounds: usize| -> Result<Stages, CompileError> {
        this.restart(reads.len() + rounds * row, state.frame(is_used, place));
        let (mut wires, mut made) = ((reads.len()..).map(Signal::Wire), Vec::new());
        for _ in 0..rounds {
            let rows = sources.iter().map(|(table, _)| wires.by_ref().take(table.width).collect());
            let rows = rows.map(|row: Vec<_>| Rc::new(row)).collect();
            let mut number_bits: Vec<_> = wires.by_ref().take(bits).collect();
            number_bits.resize(number.map_or(0, |(_, width)| width), FALSE);
            this.spend(meta, row)?;
            let round = Round { rows, number: Rc::new(number_bits) };
            made.extend(this.scoped(|this| body(this, round))?);
        }
        let mut after = state.values(&writes, this.frame(), this.panic());
        made.iter().for_each(|row| after.extend_from_slice(row));
        this.spend(meta, after.len())?;
        this.end(meta, vec![after])
    };
    let round = record(lowering, 1)?;
    let at_once = rounds_at_once(lowering, &round, count);
    let block = if at_once > 1 { record(lowering, at_once)?.single().cloned() } else { None };
    let block = block.map(|netlist| Circuit::new(&netlist)).transpose();
    let block = block.map_err(|TooLarge| lowering.too_many_gates(meta))?;
    let block = block.map(|circuit| Block { rounds: at_once, circuit });
    let numbers = |bits: &[usize]| bits.iter().map(|bit| *bit as u32).collect();
    let source = |(table, from): &(Table, usize)| Source { table: table.number, from: *from as u32 };
    let make = |make: &Making| Make { width: make.width as u32, into: make.into.as_ref().map(source) };
    let each = ForEach {
        sources: sources.iter().map(source).collect(),
        rounds: count,
        reads: numbers(&reads),
        writes: numbers(&writes),
        makes: makes.iter().map(make).collect(),
        counter,
        round: scheduled(lowering, meta, &round)?,
        block,
    };
    let before = scheduled(lowering, meta, &before)?;
    lowering.steps.extend([Step::Once(before), Step::ForEach(each)]);
    lowering.restart(state.before.len(), state.frame(|_| true, |bit| bit));
    let rows = |make: &Making| make.into.map_or(count, |(table, _)| table.rows);
    makes.iter().map(|make| new_table(lowering, meta, make.width, rows(make))).collect()
}

/// A table that the last step makes.
pub(super) fn new_table(
    lowering: &mut Lowering<'_>,
    meta: MetaInfo,
    width: usize,
    rows: usize,
) -> Result<Table, CompileError> {
    if width.saturating_mul(rows) > MAX_TABLES {
        return Err(too_large(meta, MAX_TABLES, width.saturating_mul(rows)));
    }
    let number = lowering.next_table;
    lowering.next_table += 1;
    Ok(Table { number, width, rows })
}

/// The rounds of a block: one if a round looks up rows, because that takes most of its gates.
fn rounds_at_once(lowering: &Lowering<'_>, round: &Stages, count: usize) -> usize {
    let most = BLOCK_GATES.min(lowering.gates_left()) / round.gates().max(1);
    if round.single().is_none() { 1 } else { 1 << most.min(BLOCK_ROUNDS).min(count).max(1).ilog2() }
}

/// What was recorded, ready to run.
pub(super) fn scheduled(
    lowering: &Lowering<'_>,
    meta: MetaInfo,
    stages: &Stages,
) -> Result<Staged, CompileError> {
    stages.scheduled().map_err(|TooLarge| lowering.too_many_gates(meta))
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

/// The bits of the numbers below this one.
const fn bits_of(end: usize) -> usize {
    let last = end.saturating_sub(1);
    if last == 0 { 1 } else { (usize::BITS - last.leading_zeros()) as usize }
}
