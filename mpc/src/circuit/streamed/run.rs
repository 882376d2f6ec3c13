//! Runs a streamed circuit in an interpreter.

use super::{
    CHUNK, Counter, Elements, ForEach, Make, Merge, Reading, Sort, Source, Staged, Step, StreamedCircuit,
};
use crate::Fancy;
use crate::gadgets::network::{Order, lookup, merge, sort};

/// Bits of a result that are kept or made zero at a time.
const SHOWN: usize = 1 << 12;

/// The tables in memory, by their numbers; those that are not are empty.
struct Memory<W> {
    rows: Vec<Vec<W>>,
    widths: Vec<usize>,
    /// The last step that uses each.
    last_uses: Vec<usize>,
}

impl StreamedCircuit {
    /// Runs the circuit in an interpreter: reads all elements, and appends all output bits in order.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    pub fn run<F: Fancy>(
        &self,
        f: &mut F,
        elements: &mut impl Elements<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut memory = self.memory();
        let mut state = self.read(f, elements, &mut memory)?;
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Once(staged) => {
                    let mut next = Vec::with_capacity(state.len());
                    staged.run(f, state, &memory, &mut next)?;
                    state = next;
                }
                Step::ForEach(each) => {
                    let mut reader = Reader { circuit: self, elements, memory: &memory };
                    let made = each.run(f, &mut reader, &mut state)?;
                    memory.rows.extend(made);
                }
                Step::Sort(Sort { table, key }) => {
                    let rows = memory.take_or_copy(*table as usize, at);
                    let sorted = sort(f, rows, Order { width: memory.widths[*table as usize], key })?;
                    memory.rows.push(sorted);
                }
                Step::Merge(both) => {
                    let merged = memory.merged(f, both, at)?;
                    memory.rows.push(merged);
                }
            }
            memory.give_up(at);
        }
        let begin = outputs.len();
        self.last.run(f, state, &memory, outputs)?;
        let Some(result) = self.result else { return Ok(()) };
        let fine = f.not(outputs[begin]);
        for rows in memory.rows[result as usize].chunks(SHOWN) {
            let shown = outputs.len();
            outputs.extend_from_slice(rows);
            f.and_n(rows, &vec![fine; rows.len()], &mut outputs[shown..])?;
        }
        Ok(())
    }

    fn memory<W>(&self) -> Memory<W> {
        Memory {
            rows: self.sizes.iter().map(|_| Vec::new()).collect(),
            widths: self.all_tables().iter().map(|rows| rows.width).collect(),
            last_uses: self.last_uses(),
        }
    }

    /// Reads the input values that no loop streams: the state, and tables.
    fn read<F: Fancy>(
        &self,
        f: &mut F,
        elements: &mut impl Elements<F>,
        memory: &mut Memory<F::Wire>,
    ) -> Result<Vec<F::Wire>, F::Error> {
        let mut state = Vec::new();
        for (value, size) in self.sizes.iter().enumerate() {
            match size.reading {
                Reading::Whole => elements.whole(f, value, &mut state)?,
                Reading::Held => {
                    let rows = &mut memory.rows[value];
                    rows.reserve_exact(self.inputs[value]);
                    for from in (0..size.elements).step_by(CHUNK) {
                        elements.next(f, value, CHUNK.min(size.elements - from), rows)?;
                    }
                }
                Reading::Streamed => {}
            }
        }
        Ok(state)
    }
}

impl<W: Copy + Default> Memory<W> {
    fn row(&self, table: u32, row: usize) -> &[W] {
        let width = self.widths[table as usize];
        &self.rows[table as usize][row * width..(row + 1) * width]
    }

    /// The rows of a table; if this step is the last that uses it, they leave the memory.
    fn take_or_copy(&mut self, table: usize, step: usize) -> Vec<W> {
        match self.last_uses[table] == step {
            true => std::mem::take(&mut self.rows[table]),
            false => self.rows[table].clone(),
        }
    }

    /// Gives up the tables that no later step uses.
    fn give_up(&mut self, step: usize) {
        for (rows, last) in self.rows.iter_mut().zip(&self.last_uses) {
            if *last <= step {
                *rows = Vec::new();
            }
        }
    }

    /// The rows of both tables in one order.
    fn merged<F: Fancy<Wire = W>>(
        &mut self,
        f: &mut F,
        both: &Merge,
        step: usize,
    ) -> Result<Vec<W>, F::Error> {
        let [first, second] = both.tables.map(|table| table as usize);
        let most = self.widths[first].max(self.widths[second]);
        let (zero, one, width) = (f.constant(false), f.constant(true), most + 1);
        let mut rows = Vec::new();
        let mut add = |row: &[W], side: W| {
            rows.extend_from_slice(row);
            rows.extend(std::iter::repeat_n(zero, most - row.len()));
            rows.push(side);
        };
        self.rows[first].chunks_exact(self.widths[first]).rev().for_each(|row| add(row, zero));
        self.rows[second].chunks_exact(self.widths[second]).for_each(|row| add(row, one));
        self.give_up(step);
        merge(f, rows, Order { width, key: &both.key_with_side(width) })
    }
}

impl Staged {
    /// Runs the circuit: its stages, with a lookup after each, and its last part.
    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: Vec<F::Wire>,
        memory: &Memory<F::Wire>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut state = inputs;
        self.known.iter().for_each(|known| state.extend(memory.row(known.table, known.row as usize)));
        for stage in &self.stages {
            let mut next = Vec::new();
            stage.circuit.run(f, state, &mut next)?;
            let index: Vec<_> = stage.index.iter().map(|place| next[*place as usize]).collect();
            let (table, width) = (&memory.rows[stage.table as usize], memory.widths[stage.table as usize]);
            next.extend(lookup(f, table, width, &index)?);
            state = next;
        }
        self.last.run(f, state, outputs)
    }
}

/// Where a loop takes its rows.
struct Reader<'r, E, W> {
    circuit: &'r StreamedCircuit,
    elements: &'r mut E,
    memory: &'r Memory<W>,
}

impl<E, W: Copy + Default> Reader<'_, E, W> {
    /// Reads the rows of these rounds.
    fn rows<F: Fancy<Wire = W>>(
        &mut self,
        f: &mut F,
        source: Source,
        rounds: std::ops::Range<usize>,
        wires: &mut Vec<W>,
    ) -> Result<(), F::Error>
    where
        E: Elements<F>,
    {
        let table = source.table as usize;
        if self.circuit.is_streamed(table) {
            return self.elements.next(f, table, rounds.len(), wires);
        }
        let width = self.memory.widths[table];
        let from = source.from as usize;
        let (begin, end) = (from + rounds.start, from + rounds.end);
        wires.extend_from_slice(&self.memory.rows[table][begin * width..end * width]);
        Ok(())
    }
}

impl Make {
    /// The table before the first row that a round makes.
    fn begin<W: Copy>(&self, rounds: usize, memory: &Memory<W>) -> Vec<W> {
        let width = self.width as usize;
        let Some(Source { table, from }) = self.into else { return Vec::with_capacity(rounds * width) };
        let before = &memory.rows[table as usize];
        let mut rows = Vec::with_capacity(before.len());
        rows.extend_from_slice(&before[..from as usize * width]);
        rows
    }

    /// Appends the rows after the last one that a round made.
    fn end<W: Copy>(&self, memory: &Memory<W>, rows: &mut Vec<W>) {
        let Some(Source { table, .. }) = self.into else { return };
        rows.extend_from_slice(&memory.rows[table as usize][rows.len()..]);
    }
}

impl Counter {
    /// Appends the number of a round.
    fn of<F: Fancy>(self, f: &mut F, round: usize, wires: &mut Vec<F::Wire>) {
        let number = self.first as usize + round;
        wires.extend((0..self.bits).map(|bit| f.constant(number >> bit & 1 == 1)));
    }
}

impl ForEach {
    fn run<F: Fancy, E: Elements<F>>(
        &self,
        f: &mut F,
        reader: &mut Reader<'_, E, F::Wire>,
        state: &mut [F::Wire],
    ) -> Result<Vec<Vec<F::Wire>>, F::Error> {
        let mut made: Vec<_> = self.makes.iter().map(|make| make.begin(self.rounds, reader.memory)).collect();
        let at_once = self.block.as_ref().map_or(1, |block| block.rounds);
        let chunk = CHUNK.next_multiple_of(at_once);
        let mut read = vec![Vec::new(); self.sources.len()];
        for from in (0..self.rounds).step_by(chunk) {
            let now = chunk.min(self.rounds - from);
            for (source, wires) in self.sources.iter().zip(&mut read) {
                wires.clear();
                reader.rows(f, *source, from..from + now, wires)?;
            }
            let mut done = 0;
            while done < now {
                let block = self.block.as_ref().filter(|block| now - done >= block.rounds);
                let rounds = block.map_or(1, |block| block.rounds);
                let mut inputs: Vec<_> = self.reads.iter().map(|bit| state[*bit as usize]).collect();
                for round in done..done + rounds {
                    for wires in &read {
                        let width = wires.len() / now;
                        inputs.extend_from_slice(&wires[round * width..(round + 1) * width]);
                    }
                    if let Some(counter) = self.counter {
                        counter.of(f, from + round, &mut inputs);
                    }
                }
                let mut changed = Vec::with_capacity(self.writes.len() + rounds * self.made_bits());
                match block {
                    Some(block) => block.circuit.run(f, inputs, &mut changed)?,
                    None => self.round.run(f, inputs, reader.memory, &mut changed)?,
                }
                let (written, mut rows) = changed.split_at(self.writes.len());
                for (bit, wire) in self.writes.iter().zip(written) {
                    state[*bit as usize] = *wire;
                }
                for _ in 0..rounds {
                    for (make, made) in self.makes.iter().zip(&mut made) {
                        let (row, rest) = rows.split_at(make.width as usize);
                        made.extend_from_slice(row);
                        rows = rest;
                    }
                }
                done += rounds;
            }
        }
        self.makes.iter().zip(&mut made).for_each(|(make, rows)| make.end(reader.memory, rows));
        Ok(made)
    }
}
