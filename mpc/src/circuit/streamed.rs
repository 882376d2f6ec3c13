//! Circuits with loops, sorts and joins over large tables, which are made as they run.
//!
//! ```text
//! state  ← bits of the whole input values            tables ← the held input values
//! Once       state ← circuit(state)
//! ForEach    for each row, in order: state[writes], row of each new table ← round(state[reads], row of each source)
//! Sort       a new table: the rows of another in the order of a key
//! Merge      a new table: the rows of two others, each of which ascends, in one order
//! outputs    circuit(state), or its panic bit and a table
//! ```
//!
//! A circuit may look up rows of tables: by a number that is known, before it begins; by an index that it
//! computes, between two of its parts, its *stages*. A source of a loop is a table, from some row on, or an
//! input value that is *streamed*: read as rounds need it, and never held.
//!
//! A loop may make tables: each round gives a row of each, and the rows are new, or replace some rows of another table.
//! A round may take its number, as constants.
//!
//! Memory is that of the state, of the tables that are still needed, and of the largest circuit. A block does
//! the same as its rounds one after the other; its schedule puts AND gates of different rounds into one batch,
//! where a round alone is often a chain of dependent gates.
//!
//! Tables are numbered: the input values, then those that steps make, in order. A table is given up after the
//! last step that uses it.
//!
//! Guaranteed of what decodes: as for a [`Circuit`], and every index into the state and every table exists,
//! circuits take and give as many bits as the state and the rows have, each streamed value is read once, to its
//! end, and tables have at most [`MAX_TABLES`] bits at any time.

mod encoding;
mod fits;
mod program;
mod run;

pub use program::StreamedProgram;

use sha2::{Digest, Sha256};

use super::Circuit;
use crate::Fancy;
use crate::codec::Encode;
use crate::fancy::Cost;
use crate::gadgets::network::{KeyBit, Order, cost_of_lookup};

/// Elements that are read at a time.
const CHUNK: usize = 256;

/// The largest number of elements of an input value that is read.
pub(super) const MAX_ELEMENTS: usize = 1 << 27;

/// The largest number of bits that tables have at any time.
pub(super) const MAX_TABLES: usize = 1 << 27;

/// The elements of a circuit's input values.
pub trait Elements<F: Fancy> {
    /// Appends all bits of an input value.
    ///
    /// # Errors
    /// If the interpreter fails.
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error>;

    /// Appends the bits of the next elements of an input value that is a [table](StreamedCircuit::elements).
    ///
    /// # Errors
    /// If the interpreter fails.
    fn next(
        &mut self,
        f: &mut F,
        value: usize,
        elements: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>;
}

/// How an input value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Its bits are part of the state, from the beginning.
    Whole,
    /// It is a table, from the beginning.
    Held,
    /// One loop takes its elements one after the other.
    Streamed,
}

/// The size of an input value, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Bits of an element; of all of them, if the value is part of the state.
    pub(super) element: usize,
    pub(super) elements: usize,
    pub(super) reading: Reading,
}

/// The size of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Bits of a row.
    pub(super) width: usize,
    pub(super) count: usize,
}

/// A step of a streamed circuit.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has few")]
pub(super) enum Step {
    Once(Staged),
    ForEach(ForEach),
    Sort(Sort),
    Merge(Merge),
}

/// A circuit that looks up rows of tables.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    /// Rows whose numbers are known. Their bits follow the inputs.
    pub(super) known: Vec<Known>,
    pub(super) stages: Vec<Stage>,
    pub(super) last: Circuit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) table: u32,
    pub(super) row: u32,
}

/// A part of a circuit, and the row that is looked up after it. The next part takes the outputs of this one, and
/// the row.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) circuit: Circuit,
    pub(super) table: u32,
    /// The places of the index among the outputs, the lowest bit first.
    pub(super) index: Vec<u32>,
}

/// What a loop takes rows of, or puts them into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) table: u32,
    /// The row of the first round.
    pub(super) from: u32,
}

/// A loop over rows.
#[derive(Clone, Debug)]
pub(super) struct ForEach {
    /// In the order in which a round takes their rows.
    pub(super) sources: Vec<Source>,
    /// The number of rounds.
    pub(super) rounds: usize,
    /// The bits of the state that a round takes, before the rows.
    pub(super) reads: Vec<u32>,
    /// The bits of the state that a round changes.
    pub(super) writes: Vec<u32>,
    /// The tables of which a round gives rows, after those bits.
    pub(super) makes: Vec<Make>,
    /// The number that a round takes, after its rows.
    pub(super) counter: Option<Counter>,
    pub(super) round: Staged,
    pub(super) block: Option<Block>,
}

/// A table that a loop makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Make {
    /// Bits of a row.
    pub(super) width: u32,
    /// The table whose rows those of the loop replace, from one on; without it, those of the loop are all.
    pub(super) into: Option<Source>,
}

/// The number of a round: its lowest bits, as constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) bits: u32,
    /// The number of the first round.
    pub(super) first: u32,
}

/// Several rounds at once.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) rounds: usize,
    pub(super) circuit: Circuit,
}

/// A table in order.
#[derive(Clone, Debug)]
pub(super) struct Sort {
    pub(super) table: u32,
    /// The lowest bit first.
    pub(super) key: Vec<KeyBit>,
}

/// Two tables that ascend, in one order. A row is one of either table, zeros up to the wider of both, and whether it
/// is of the second; of rows with equal keys, that of the first comes first.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    pub(super) tables: [u32; 2],
    /// The lowest bit first.
    pub(super) key: Vec<KeyBit>,
}

/// A circuit with loops over the elements of input values.
#[derive(Clone, Debug)]
pub struct StreamedCircuit {
    sizes: Vec<Size>,
    inputs: Vec<usize>,
    steps: Vec<Step>,
    last: Staged,
    /// The table whose rows are output after the bits of `last`, as zeros if its first bit is set.
    result: Option<u32>,
    outputs: Vec<usize>,
}

impl From<Circuit> for Staged {
    fn from(last: Circuit) -> Self {
        Self { known: Vec::new(), stages: Vec::new(), last }
    }
}

impl From<Circuit> for StreamedCircuit {
    /// A circuit without loops.
    fn from(last: Circuit) -> Self {
        let (inputs, outputs) = (last.inputs().to_vec(), last.outputs().to_vec());
        let size = |bits: &usize| Size { element: *bits, elements: 1, reading: Reading::Whole };
        let sizes = inputs.iter().map(size).collect();
        Self { sizes, inputs, steps: Vec::new(), last: last.into(), result: None, outputs }
    }
}

impl StreamedCircuit {
    /// The circuit of these steps; `None` if they do not fit together.
    pub(super) fn new(sizes: Vec<Size>, steps: Vec<Step>, last: Staged, result: Option<u32>) -> Option<Self> {
        let bits = |size: &Size| size.element.checked_mul(size.elements);
        let inputs = sizes.iter().map(bits).collect::<Option<Vec<_>>>()?;
        let outputs = last.last.outputs().to_vec();
        let mut circuit = Self { sizes, inputs, steps, last, result, outputs };
        let tables = circuit.fits()?;
        if let Some(result) = result {
            let Rows { width, count } = *tables.get(result as usize)?;
            circuit.outputs.push(width.checked_mul(count)?);
        }
        Some(circuit)
    }

    /// The number of bits of each input value.
    #[must_use]
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Whether the elements of an input value are read one after the other, in a loop, and never held.
    #[must_use]
    pub fn is_streamed(&self, value: usize) -> bool {
        self.sizes.get(value).is_some_and(|size| size.reading == Reading::Streamed)
    }

    /// The number of elements of an input value that is streamed or a table, and the bits of one.
    #[must_use]
    pub fn elements(&self, value: usize) -> Option<(usize, usize)> {
        let size = self.sizes.get(value).filter(|size| size.reading != Reading::Whole);
        size.map(|size| (size.elements, size.element))
    }

    /// The input values in the order in which they are read: the whole ones and the tables, then those of each
    /// loop, of which the elements are read in turns.
    #[must_use]
    pub fn reading_order(&self) -> Vec<usize> {
        let whole = (0..self.sizes.len()).filter(|value| !self.is_streamed(*value));
        whole.chain(self.streamed_values()).collect()
    }

    /// The number of bits of each output value.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The number of AND gates of a run.
    #[must_use]
    pub fn and_gates(&self) -> u64 {
        self.cost().and_gates
    }

    /// The number of gates of a run that cost nothing but time.
    #[must_use]
    pub fn free_gates(&self) -> u64 {
        self.cost().free_gates
    }

    /// The free gates of a run, and its rounds with the words of 64 bits that they copy: what takes time, whatever
    /// is garbled.
    #[must_use]
    pub fn work(&self) -> u64 {
        let tables = self.all_tables();
        let rounds = self.steps.iter().map(|step| {
            let Step::ForEach(each) = step else { return 0 };
            let width = |source: &Source| tables.get(source.table as usize).map_or(0, |rows| rows.width);
            let bits = each.reads.len() + each.sources.iter().map(width).sum::<usize>() + each.made_bits();
            (each.rounds as u64).saturating_mul(1 + bits as u64 / 64)
        });
        rounds.fold(self.free_gates(), u64::saturating_add)
    }

    /// The sorts, joins and lookups of a run, and the memory for tables.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let mut all = Tables { held_bits: self.most_bits().unwrap_or(usize::MAX), ..Tables::default() };
        for step in &self.steps {
            match step {
                Step::Sort(_) => all.sorts += 1,
                Step::Merge(_) => all.joins += 1,
                Step::Once(staged) => all.lookups += staged.stages.len() as u64,
                Step::ForEach(each) => {
                    all.made += each.makes.len() as u64;
                    all.lookups += (each.round.stages.len() * each.rounds) as u64;
                }
            }
        }
        all.lookups += self.last.stages.len() as u64;
        all
    }

    /// The gates of a run; the depth is not known.
    fn cost(&self) -> Cost {
        let (tables, mut sum) = (self.all_tables(), Sum(Cost::default()));
        let rows = |table: u32| tables.get(table as usize).copied().unwrap_or(Rows { width: 0, count: 0 });
        let staged = |sum: &mut Sum, staged: &Staged, times: usize| {
            sum.circuit(&staged.last, times);
            for Stage { circuit, table, .. } in &staged.stages {
                sum.circuit(circuit, times);
                sum.add(cost_of_lookup(rows(*table).count, rows(*table).width), times);
            }
        };
        for step in &self.steps {
            match step {
                Step::Once(once) => staged(&mut sum, once, 1),
                Step::ForEach(each) => {
                    let (blocks, rounds) = each.shares();
                    staged(&mut sum, &each.round, rounds);
                    each.block.iter().for_each(|block| sum.circuit(&block.circuit, blocks));
                }
                Step::Sort(Sort { table, key }) => {
                    let Rows { width, count } = rows(*table);
                    sum.add(Order { width, key }.cost_of_sort(count), 1);
                }
                Step::Merge(merge) => {
                    let Rows { width, count } = merge.rows(merge.tables.map(rows));
                    sum.add(Order { width, key: &merge.key_with_side(width) }.cost_of_merge(count), 1);
                }
            }
        }
        staged(&mut sum, &self.last, 1);
        if let Some(table) = self.result {
            let bits = (rows(table).width as u64).saturating_mul(rows(table).count as u64);
            sum.add(Cost { and_gates: bits, ..Cost::default() }, 1);
        }
        sum.0
    }

    /// The number of gates in memory, free ones included.
    pub(super) fn gates(&self) -> usize {
        let steps = self.steps.iter().map(|step| match step {
            Step::Once(staged) => staged.gates(),
            Step::ForEach(each) => {
                each.round.gates() + each.block.as_ref().map_or(0, |block| block.circuit.gates())
            }
            Step::Sort(_) | Step::Merge(_) => 0,
        });
        self.last.gates() + steps.sum::<usize>()
    }

    /// A hash of the whole circuit: without loops and tables, that of its [`Circuit`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let is_whole = self.sizes.iter().all(|size| size.reading == Reading::Whole);
        if is_whole && self.steps.is_empty() {
            return self.last.last.digest();
        }
        let mut hash = Sha256::new_with_prefix(b"sotto mpc streamed circuit v3");
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        hash.update(&bytes);
        hash.finalize().into()
    }
}

/// What a streamed circuit does with tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Sorts of a table.
    pub sorts: u64,
    /// Joins of two tables.
    pub joins: u64,
    /// Rows that are looked up by a secret index.
    pub lookups: u64,
    /// Tables that loops make.
    pub made: u64,
    /// The largest number of bits of rows in memory at any time, each of which has a label.
    pub held_bits: usize,
}

/// Costs added up.
struct Sum(Cost);

impl Sum {
    fn add(&mut self, cost: Cost, times: usize) {
        let Self(sum) = self;
        let more = |gates: u64| gates.saturating_mul(times as u64);
        sum.and_gates = sum.and_gates.saturating_add(more(cost.and_gates));
        sum.free_gates = sum.free_gates.saturating_add(more(cost.free_gates));
    }

    fn circuit(&mut self, circuit: &Circuit, times: usize) {
        let and_gates = circuit.and_gates() as u64;
        let free_gates = circuit.gates() as u64 - and_gates;
        self.add(Cost { and_gates, free_gates, depth: 0 }, times);
    }
}

impl Staged {
    fn gates(&self) -> usize {
        self.last.gates() + self.stages.iter().map(|stage| stage.circuit.gates()).sum::<usize>()
    }
}

impl ForEach {
    /// The bits of rows that a round makes.
    fn made_bits(&self) -> usize {
        self.makes.iter().map(|make| make.width as usize).sum()
    }

    /// The bits of its number that a round takes.
    fn counter_bits(&self) -> usize {
        self.counter.map_or(0, |counter| counter.bits as usize)
    }

    /// How many blocks and how many single rounds make its rounds.
    fn shares(&self) -> (usize, usize) {
        // Chunks are multiples of a block, so single rounds come only at the end.
        self.block.as_ref().map_or((0, self.rounds), |b| (self.rounds / b.rounds, self.rounds % b.rounds))
    }
}

impl Merge {
    /// The size of the merged table.
    fn rows(&self, [first, second]: [Rows; 2]) -> Rows {
        Rows {
            width: first.width.max(second.width).saturating_add(1),
            count: first.count.saturating_add(second.count),
        }
    }

    /// The key of rows of this width, below which is the table.
    fn key_with_side(&self, width: usize) -> Vec<KeyBit> {
        let side = KeyBit { place: width as u32 - 1, descends: false };
        std::iter::once(side).chain(self.key.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests;
