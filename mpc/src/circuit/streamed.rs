//! Circuits with loops: one that is run for each element of its large input values, with a state in between.
//!
//! ```text
//! state ← bits of the whole input values
//! Once:     state ← circuit(state)
//! ForEach:  for each element e: state[writes] ← round(state[reads], e)          `block`: several rounds at once
//! outputs = state, after the last step, which is a Once
//! ```
//!
//! Memory is that of the state and of the largest circuit, whatever the number of elements, and elements are
//! read as rounds need them. A block does the same as its rounds one after the other; its schedule puts AND
//! gates of different rounds into one batch, where a round alone is often a chain of dependent gates.
//!
//! Guaranteed of what decodes: as for a [`Circuit`], and every index into the state exists, circuits take and
//! give as many bits as the state and the elements have, and each streamed value is read once, to its end.

mod encoding;
mod program;

pub use program::StreamedProgram;

use sha2::{Digest, Sha256};

use super::Circuit;
use crate::Fancy;
use crate::codec::Encode;

/// Elements that are read at a time.
const CHUNK: usize = 256;

/// The largest number of elements of an input value that is read.
pub(super) const MAX_ELEMENTS: usize = 1 << 27;

/// The elements of a circuit's input values.
pub trait Elements<F: Fancy> {
    /// Appends all bits of an input value.
    ///
    /// # Errors
    /// If the interpreter fails.
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error>;

    /// Appends the bits of the next elements of a [streamed](StreamedCircuit::is_streamed) input value.
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

/// The size of an input value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Bits of an element.
    pub(super) element: usize,
    pub(super) elements: usize,
    /// Whether its elements are read one after the other, in a loop.
    pub(super) is_streamed: bool,
}

/// A step of a streamed circuit.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has few")]
pub(super) enum Step {
    Once(Circuit),
    ForEach(ForEach),
}

/// A loop over the elements of streamed values, all of the same length.
#[derive(Clone, Debug)]
pub(super) struct ForEach {
    /// The values, in the order in which a round takes their elements.
    pub(super) values: Vec<usize>,
    /// The bits of the state that a round takes, before the elements.
    pub(super) reads: Vec<u32>,
    /// The bits of the state that a round changes.
    pub(super) writes: Vec<u32>,
    pub(super) round: Circuit,
    /// The number of rounds that `block` does at once; 1 if it is that of a round.
    pub(super) rounds: usize,
    pub(super) block: Circuit,
}

/// A circuit with loops over the elements of input values.
#[derive(Clone, Debug)]
pub struct StreamedCircuit {
    sizes: Vec<Size>,
    inputs: Vec<usize>,
    steps: Vec<Step>,
    last: Circuit,
}

impl From<Circuit> for StreamedCircuit {
    /// A circuit without loops.
    fn from(last: Circuit) -> Self {
        let inputs = last.inputs().to_vec();
        let size = |bits: &usize| Size { element: *bits, elements: 1, is_streamed: false };
        Self { sizes: inputs.iter().map(size).collect(), inputs, steps: Vec::new(), last }
    }
}

impl StreamedCircuit {
    /// The circuit of these steps; `None` if they do not fit together.
    pub(super) fn new(sizes: Vec<Size>, steps: Vec<Step>, last: Circuit) -> Option<Self> {
        let bits = |size: &Size| size.element.checked_mul(size.elements);
        let inputs = sizes.iter().map(bits).collect::<Option<Vec<_>>>()?;
        let circuit = Self { sizes, inputs, steps, last };
        circuit.fits().then_some(circuit)
    }

    /// The number of bits of each input value.
    #[must_use]
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Whether the elements of an input value are read one after the other, in a loop.
    #[must_use]
    pub fn is_streamed(&self, value: usize) -> bool {
        self.sizes.get(value).is_some_and(|size| size.is_streamed)
    }

    /// The number of elements of a streamed input value, and the bits of one.
    #[must_use]
    pub fn elements(&self, value: usize) -> Option<(usize, usize)> {
        self.sizes.get(value).filter(|size| size.is_streamed).map(|size| (size.elements, size.element))
    }

    /// The input values in the order in which they are read: the whole ones, then those of each loop, of
    /// which the elements are read in turns.
    #[must_use]
    pub fn reading_order(&self) -> Vec<usize> {
        let whole = (0..self.sizes.len()).filter(|value| !self.is_streamed(*value));
        let streamed = self.loops().flat_map(|each| each.values.iter().copied());
        whole.chain(streamed).collect()
    }

    /// The number of bits of each output value.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        self.last.outputs()
    }

    /// The number of AND gates of a run.
    #[must_use]
    pub fn and_gates(&self) -> u64 {
        self.sum(Circuit::and_gates)
    }

    /// The number of gates of a run that cost nothing but time.
    #[must_use]
    pub fn free_gates(&self) -> u64 {
        self.sum(|circuit| circuit.gates() - circuit.and_gates())
    }

    /// What the circuits of a run have together.
    fn sum(&self, of: impl Fn(&Circuit) -> usize) -> u64 {
        let of = |circuit| of(circuit) as u64;
        let steps = self.steps.iter().map(|step| match step {
            Step::Once(circuit) => of(circuit),
            Step::ForEach(each) => {
                let (blocks, rounds) = each.shares(self.rounds(each));
                let blocks = (blocks as u64).saturating_mul(of(&each.block));
                blocks.saturating_add((rounds as u64).saturating_mul(of(&each.round)))
            }
        });
        steps.fold(of(&self.last), u64::saturating_add)
    }

    /// The number of gates in memory, free ones included.
    pub(super) fn gates(&self) -> usize {
        let steps = self.steps.iter().map(|step| match step {
            Step::Once(circuit) => circuit.gates(),
            Step::ForEach(each) => each.round.gates() + each.block.gates(),
        });
        self.last.gates() + steps.sum::<usize>()
    }

    /// A hash of the whole circuit: without loops, that of its [`Circuit`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        if self.steps.is_empty() {
            return self.last.digest();
        }
        let mut hash = Sha256::new_with_prefix(b"sotto mpc streamed circuit v1");
        let mut bytes = Vec::new();
        self.sizes.encode(&mut bytes);
        for step in &self.steps {
            match step {
                Step::Once(circuit) => circuit.digest().encode(&mut bytes),
                Step::ForEach(each) => {
                    let ForEach { values, reads, writes, round, rounds, block } = each;
                    values.encode(&mut bytes);
                    reads.encode(&mut bytes);
                    writes.encode(&mut bytes);
                    round.digest().encode(&mut bytes);
                    rounds.encode(&mut bytes);
                    block.digest().encode(&mut bytes);
                }
            }
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(&bytes);
            bytes.clear();
        }
        hash.update(self.last.digest());
        hash.finalize().into()
    }

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
        let mut state = Vec::new();
        for value in (0..self.sizes.len()).filter(|value| !self.is_streamed(*value)) {
            elements.whole(f, value, &mut state)?;
        }
        for step in &self.steps {
            match step {
                Step::Once(circuit) => {
                    let mut next = Vec::with_capacity(state.len());
                    circuit.run(f, state, &mut next)?;
                    state = next;
                }
                Step::ForEach(each) => self.run_loop(f, each, elements, &mut state)?,
            }
        }
        self.last.run(f, state, outputs)
    }

    fn run_loop<F: Fancy>(
        &self,
        f: &mut F,
        each: &ForEach,
        elements: &mut impl Elements<F>,
        state: &mut [F::Wire],
    ) -> Result<(), F::Error> {
        let chunk = CHUNK.next_multiple_of(each.rounds);
        let mut left = self.rounds(each);
        let (mut read, mut inputs, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        while left > 0 {
            let now = left.min(chunk);
            left -= now;
            read.resize_with(each.values.len(), Vec::new);
            for (value, wires) in each.values.iter().zip(&mut read) {
                wires.clear();
                elements.next(f, *value, now, wires)?;
            }
            let mut done = 0;
            while done < now {
                let block = now - done >= each.rounds;
                let (rounds, circuit) = if block { (each.rounds, &each.block) } else { (1, &each.round) };
                inputs.clear();
                inputs.extend(each.reads.iter().map(|bit| state[*bit as usize]));
                for round in done..done + rounds {
                    for (value, wires) in each.values.iter().zip(&read) {
                        let bits = self.sizes[*value].element;
                        inputs.extend_from_slice(&wires[round * bits..(round + 1) * bits]);
                    }
                }
                changed.clear();
                circuit.run(f, inputs.iter().copied(), &mut changed)?;
                for (bit, wire) in each.writes.iter().zip(&changed) {
                    state[*bit as usize] = *wire;
                }
                done += rounds;
            }
        }
        Ok(())
    }

    fn loops(&self) -> impl Iterator<Item = &ForEach> {
        self.steps.iter().filter_map(|step| match step {
            Step::Once(_) => None,
            Step::ForEach(each) => Some(each),
        })
    }

    /// The number of rounds of a loop.
    fn rounds(&self, each: &ForEach) -> usize {
        let first = each.values.first().and_then(|value| self.sizes.get(*value));
        first.map_or(0, |size| size.elements)
    }

    /// Whether the steps fit together.
    fn fits(&self) -> bool {
        let whole = self.sizes.iter().zip(&self.inputs).filter(|(size, _)| !size.is_streamed);
        let Some(mut state) = sum(whole.map(|(_, bits)| *bits)) else { return false };
        for step in &self.steps {
            match step {
                Step::Once(circuit) if takes(circuit, state) => state = gives(circuit),
                Step::ForEach(each) if self.loop_fits(each, state) => {}
                _ => return false,
            }
        }
        let mut read: Vec<usize> = self.loops().flat_map(|each| each.values.iter().copied()).collect();
        read.sort_unstable();
        let small = |size: &Size| size.elements <= MAX_ELEMENTS;
        takes(&self.last, state)
            && self.sizes.iter().all(small)
            && (0..self.sizes.len()).filter(|value| self.is_streamed(*value)).eq(read)
    }

    fn loop_fits(&self, each: &ForEach, state: usize) -> bool {
        let ForEach { values, reads, writes, round, rounds, block } = each;
        let sizes = values.iter().map(|value| self.sizes.get(*value)).collect::<Option<Vec<_>>>();
        let Some(sizes) = sizes.filter(|sizes| !sizes.is_empty()) else { return false };
        let exists = |bit: &u32| (*bit as usize) < state;
        let same = |size: &&Size| size.elements == self.rounds(each);
        let Some(elements) = sum(sizes.iter().map(|size| size.element)) else { return false };
        let all = |rounds: usize| elements.checked_mul(rounds)?.checked_add(reads.len());
        let fits = |circuit: &Circuit, rounds| {
            all(rounds).is_some_and(|bits| takes(circuit, bits)) && gives(circuit) == writes.len()
        };
        (1..=CHUNK).contains(rounds)
            && reads.iter().chain(writes).all(exists)
            && sizes.iter().all(same)
            && fits(round, 1)
            && fits(block, *rounds)
    }
}

impl ForEach {
    /// How many blocks and how many single rounds make this many rounds.
    const fn shares(&self, rounds: usize) -> (usize, usize) {
        // Chunks are multiples of a block, so single rounds come only at the end.
        (rounds / self.rounds, rounds % self.rounds)
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

#[cfg(test)]
mod tests;
