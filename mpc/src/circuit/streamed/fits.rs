//! Whether the steps of a streamed circuit fit together, and the tables that they make.

use super::{
    Block, CHUNK, ForEach, MAX_ELEMENTS, MAX_TABLES, Make, Merge, Reading, Rows, Size, Sort, Source, Staged,
    Step, StreamedCircuit,
};
use crate::circuit::Circuit;
use crate::gadgets::network::KeyBit;

impl StreamedCircuit {
    /// The streamed input values, in the order in which loops read them.
    pub(super) fn streamed_values(&self) -> impl Iterator<Item = usize> {
        let loops = self
            .steps
            .iter()
            .filter_map(|step| if let Step::ForEach(each) = step { Some(each) } else { None });
        let sources = loops.flat_map(|each| each.sources.iter().map(|source| source.table as usize));
        sources.filter(|table| self.is_streamed(*table))
    }

    /// The sizes of all tables: of input values, whether they are tables or not, and those that steps make. A
    /// table that does not exist has no rows.
    pub(super) fn all_tables(&self) -> Vec<Rows> {
        let of_value = |size: &Size| Rows { width: size.element, count: size.elements };
        let mut tables: Vec<Rows> = self.sizes.iter().map(of_value).collect();
        for step in &self.steps {
            let of = |table: u32| tables.get(table as usize).copied().unwrap_or(Rows { width: 0, count: 0 });
            let made = match step {
                Step::Sort(sort) => vec![of(sort.table)],
                Step::Merge(merge) => vec![merge.rows(merge.tables.map(of))],
                Step::ForEach(each) => each
                    .makes
                    .iter()
                    .map(|make| Rows {
                        width: make.width as usize,
                        count: make.into.map_or(each.rounds, |into| of(into.table).count),
                    })
                    .collect(),
                Step::Once(_) => continue,
            };
            tables.extend(made);
        }
        tables
    }

    /// The last step that uses each table; what follows all steps is one more.
    pub(super) fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.all_tables().len()];
        let mut made = self.sizes.len();
        for (at, step) in self.steps.iter().enumerate() {
            for _ in 0..step.makes() {
                if let Some(last) = last.get_mut(made) {
                    *last = at;
                }
                made += 1;
            }
            for table in step.uses() {
                if let Some(last) = last.get_mut(table as usize) {
                    *last = at;
                }
            }
        }
        for table in self.last.uses().chain(self.result) {
            if let Some(last) = last.get_mut(table as usize) {
                *last = self.steps.len();
            }
        }
        last
    }

    /// The largest number of bits of tables at any time; `None` if it is beyond numbers.
    pub(super) fn most_bits(&self) -> Option<usize> {
        let (tables, last) = (self.all_tables(), self.last_uses());
        let bits = |table: usize| tables.get(table).and_then(|rows| rows.width.checked_mul(rows.count));
        let held = self.sizes.iter().enumerate().filter(|(_, size)| size.reading == Reading::Held);
        let mut alive: Vec<usize> = held.map(|(value, _)| value).collect();
        let sum = |alive: &[usize]| {
            sum(alive.iter().map(|table| bits(*table)).collect::<Option<Vec<_>>>()?.into_iter())
        };
        let mut most = sum(&alive)?;
        let mut made = self.sizes.len();
        for (at, step) in self.steps.iter().enumerate() {
            for _ in 0..step.makes() {
                alive.push(made);
                made += 1;
            }
            // A sort whose table is not needed any more takes its place.
            let in_place = if let Step::Sort(sort) = step { Some(sort.table as usize) } else { None };
            let now: Vec<usize> =
                alive.iter().copied().filter(|table| last[*table] > at || Some(*table) != in_place).collect();
            most = most.max(sum(&now)?);
            alive.retain(|table| last[*table] > at);
        }
        Some(most)
    }

    /// The sizes of all tables, if the steps fit together.
    pub(super) fn fits(&self) -> Option<Vec<Rows>> {
        let whole = self.sizes.iter().zip(&self.inputs).filter(|(size, _)| size.reading == Reading::Whole);
        let mut state = sum(whole.map(|(_, bits)| *bits))?;
        let all = self.all_tables();
        let small = |rows: &Rows| {
            let bits = rows.width.checked_mul(rows.count);
            rows.count <= MAX_ELEMENTS && bits.is_some_and(|bits| bits <= u32::MAX as usize)
        };
        // A step uses tables that were made before.
        let mut made = self.sizes.len();
        if !all.iter().all(small) || self.most_bits()? > MAX_TABLES {
            return None;
        }
        for step in &self.steps {
            let tables = Made { rows: all.get(..made)?, sizes: &self.sizes };
            match step {
                Step::Once(staged) => state = tables.gives(staged, state)?,
                Step::ForEach(each) => tables.loop_fits(each, state).then_some(())?,
                Step::Sort(Sort { table, key }) => {
                    let rows = tables.held(*table)?;
                    keys_fit(key, rows.width).then_some(())?;
                }
                Step::Merge(Merge { tables: both, key }) => {
                    let [first, second] = [tables.held(both[0])?, tables.held(both[1])?];
                    keys_fit(key, first.width.min(second.width)).then_some(())?;
                }
            }
            made += step.makes();
        }
        let mut read: Vec<usize> = self.streamed_values().collect();
        read.sort_unstable();
        let tables = Made { rows: &all, sizes: &self.sizes };
        tables.gives(&self.last, state)?;
        let ends = match self.result {
            Some(table) => self.last.last.outputs() == [1] && tables.held(table).is_some(),
            None => true,
        };
        let is_read = (0..self.sizes.len()).filter(|value| self.is_streamed(*value)).eq(read);
        (ends && is_read).then_some(all)
    }
}

/// A key of a sort or a merge has bits, and these exist, each once.
fn keys_fit(key: &[KeyBit], width: usize) -> bool {
    let mut places: Vec<u32> = key.iter().map(|bit| bit.place).collect();
    places.sort_unstable();
    let once = places.windows(2).all(|pair| pair[0] < pair[1]);
    once && places.last().is_some_and(|last| (*last as usize) < width)
}

/// The tables that exist before a step.
struct Made<'s> {
    rows: &'s [Rows],
    sizes: &'s [Size],
}

impl Made<'_> {
    /// The size of a table that is in memory and has bits.
    fn held(&self, table: u32) -> Option<Rows> {
        let rows = self.rows.get(table as usize).filter(|rows| rows.width > 0 && rows.count > 0)?;
        let size = self.sizes.get(table as usize);
        size.is_none_or(|size| size.reading == Reading::Held).then_some(*rows)
    }

    /// The number of bits that a circuit gives if it takes this many.
    fn gives(&self, staged: &Staged, bits: usize) -> Option<usize> {
        let mut bits = bits;
        for known in &staged.known {
            let rows = self.held(known.table).filter(|rows| (known.row as usize) < rows.count)?;
            bits = bits.checked_add(rows.width)?;
        }
        for stage in &staged.stages {
            takes(&stage.circuit, bits).then_some(())?;
            bits = gives(&stage.circuit);
            let exists = |place: &u32| (*place as usize) < bits;
            (!stage.index.is_empty() && stage.index.iter().all(exists)).then_some(())?;
            bits = bits.checked_add(self.held(stage.table)?.width)?;
        }
        takes(&staged.last, bits).then(|| gives(&staged.last))
    }

    /// Whether a table can be made of so many rows.
    fn made_fits(&self, make: &Make, rounds: usize) -> bool {
        let fits = |into: &Source| {
            let rows = self.held(into.table);
            rows.is_some_and(|rows| rows.width == make.width as usize && rows.hold(into.from, rounds))
        };
        make.width > 0 && rounds > 0 && make.into.as_ref().is_none_or(fits)
    }

    fn loop_fits(&self, each: &ForEach, state: usize) -> bool {
        let ForEach { sources, rounds, reads, writes, makes, counter, round, block } = each;
        let mut widths = Vec::with_capacity(sources.len());
        for source in sources {
            let size = self.sizes.get(source.table as usize);
            let rows = match size.filter(|size| size.reading == Reading::Streamed) {
                Some(size) if source.from == 0 && size.elements == *rounds => Some(size.element),
                Some(_) => None,
                None => {
                    let rows = self.held(source.table);
                    rows.filter(|rows| rows.hold(source.from, *rounds)).map(|rows| rows.width)
                }
            };
            let Some(width) = rows else { return false };
            widths.push(width);
        }
        widths.push(each.counter_bits());
        let (Some(row), Some(made)) =
            (sum(widths.into_iter()), sum(makes.iter().map(|make| make.width as usize)))
        else {
            return false;
        };
        let exists = |bit: &u32| (*bit as usize) < state;
        let all = |bits: usize, n: usize, fixed: usize| {
            bits.checked_mul(n).and_then(|bits| bits.checked_add(fixed))
        };
        let takes_rounds = |n: usize| all(row, n, reads.len());
        let gives_rounds = |n: usize| all(made, n, writes.len());
        let block_fits = |Block { rounds, circuit }: &Block| {
            (1..=CHUNK).contains(rounds)
                && takes_rounds(*rounds).is_some_and(|bits| takes(circuit, bits))
                && Some(gives(circuit)) == gives_rounds(*rounds)
        };
        !(sources.is_empty() && makes.is_empty())
            && makes.iter().all(|make| self.made_fits(make, *rounds))
            && counter.is_none_or(|counter| (1..=32).contains(&counter.bits))
            && reads.iter().chain(writes).all(exists)
            && takes_rounds(1).and_then(|bits| self.gives(round, bits)) == gives_rounds(1)
            && block.as_ref().is_none_or(block_fits)
    }
}

impl Rows {
    /// Whether there are so many rows from one on.
    fn hold(&self, from: u32, rounds: usize) -> bool {
        (from as usize).checked_add(rounds).is_some_and(|end| end <= self.count)
    }
}

impl Step {
    /// The number of tables that it makes.
    fn makes(&self) -> usize {
        match self {
            Self::Once(_) => 0,
            Self::ForEach(each) => each.makes.len(),
            Self::Sort(_) | Self::Merge(_) => 1,
        }
    }

    /// The tables that it uses.
    fn uses(&self) -> Vec<u32> {
        match self {
            Self::Once(staged) => staged.uses().collect(),
            Self::ForEach(each) => {
                let into = each.makes.iter().filter_map(|make| make.into);
                let all = each.sources.iter().copied().chain(into).map(|source| source.table);
                all.chain(each.round.uses()).collect()
            }
            Self::Sort(sort) => vec![sort.table],
            Self::Merge(merge) => merge.tables.to_vec(),
        }
    }
}

impl Staged {
    fn uses(&self) -> impl Iterator<Item = u32> {
        let known = self.known.iter().map(|known| known.table);
        known.chain(self.stages.iter().map(|stage| stage.table))
    }
}

fn sum(bits: impl Iterator<Item = usize>) -> Option<usize> {
    bits.into_iter().try_fold(0usize, usize::checked_add)
}

/// Whether a circuit takes this many bits.
fn takes(circuit: &Circuit, bits: usize) -> bool {
    sum(circuit.inputs().iter().copied()) == Some(bits)
}

fn gives(circuit: &Circuit) -> usize {
    circuit.outputs().iter().sum()
}
