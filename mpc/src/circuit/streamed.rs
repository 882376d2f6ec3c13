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

use sha2::{Digest, Sha256};

use super::{Circuit, NAME};
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};

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

    /// The input values in the order in which they are read: the whole ones, then those of each loop, of which
    /// the elements are read in turns.
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
        let steps = self.steps.iter().map(|step| match step {
            Step::Once(circuit) => circuit.and_gates() as u64,
            Step::ForEach(each) => {
                let (blocks, rounds) = each.shares(self.rounds(each));
                let [block, round] = [&each.block, &each.round].map(|circuit| circuit.and_gates() as u64);
                (blocks as u64).saturating_mul(block).saturating_add((rounds as u64).saturating_mul(round))
            }
        });
        steps.fold(self.last.and_gates() as u64, u64::saturating_add)
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

/// `circuit@1`: a streamed circuit whose first input values belong to the garbler, and the others to the evaluator.
/// Each holds the bits of its values in [reading order](StreamedCircuit::reading_order).
#[derive(Clone, Copy, Debug)]
pub struct StreamedProgram<'c> {
    circuit: &'c StreamedCircuit,
    values: usize,
}

impl<'c> StreamedProgram<'c> {
    /// The program in which the garbler holds the first `values` input values; `None` if the circuit has fewer.
    #[must_use]
    pub fn new(circuit: &'c StreamedCircuit, values: usize) -> Option<Self> {
        (values <= circuit.inputs.len()).then_some(Self { circuit, values })
    }
}

impl Program for StreamedProgram<'_> {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn digest(&self) -> [u8; 32] {
        self.circuit.digest()
    }

    fn shape(&self) -> Shape {
        let (garbler, evaluator) = self.circuit.inputs.split_at(self.values);
        Shape::two_party(garbler.iter().sum(), evaluator.iter().sum(), gives(&self.circuit.last))
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.circuit.run(f, &mut Streams { program: *self, inputs }, outputs)
    }
}

/// The input streams of the two parties, as elements of the circuit's values.
struct Streams<'c, 'i, I> {
    program: StreamedProgram<'c>,
    inputs: &'i mut I,
}

impl<I> Streams<'_, '_, I> {
    fn read<F: Fancy>(
        &mut self,
        f: &mut F,
        value: usize,
        bits: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>
    where
        I: Inputs<F>,
    {
        wires.extend(self.inputs.read(f, usize::from(value >= self.program.values), bits)?);
        Ok(())
    }
}

impl<F: Fancy, I: Inputs<F>> Elements<F> for Streams<'_, '_, I> {
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error> {
        self.read(f, value, self.program.circuit.inputs[value], wires)
    }

    fn next(
        &mut self,
        f: &mut F,
        value: usize,
        elements: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.read(f, value, elements * self.program.circuit.sizes[value].element, wires)
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

impl Encode for Size {
    fn encode(&self, out: &mut Vec<u8>) {
        self.element.encode(out);
        self.elements.encode(out);
        u8::from(self.is_streamed).encode(out);
    }
}

impl Decode for Size {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (element, elements) = (usize::decode(reader)?, usize::decode(reader)?);
        let is_streamed = match u8::decode(reader)? {
            flag @ (0 | 1) => flag == 1,
            _ => return Err(DecodeError::Invalid("size")),
        };
        Ok(Self { element, elements, is_streamed })
    }
}

impl Encode for Step {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Once(circuit) => {
                0u8.encode(out);
                circuit.encode(out);
            }
            Self::ForEach(ForEach { values, reads, writes, round, rounds, block }) => {
                1u8.encode(out);
                values.encode(out);
                reads.encode(out);
                writes.encode(out);
                round.encode(out);
                rounds.encode(out);
                block.encode(out);
            }
        }
    }
}

impl Decode for Step {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Once(Decode::decode(reader)?)),
            1 => Ok(Self::ForEach(ForEach {
                values: Decode::decode(reader)?,
                reads: Decode::decode(reader)?,
                writes: Decode::decode(reader)?,
                round: Decode::decode(reader)?,
                rounds: Decode::decode(reader)?,
                block: Decode::decode(reader)?,
            })),
            _ => Err(DecodeError::Invalid("step")),
        }
    }
}

impl Encode for StreamedCircuit {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sizes.encode(out);
        self.steps.encode(out);
        self.last.encode(out);
    }
}

impl Decode for StreamedCircuit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (sizes, steps, last) = (Vec::decode(reader)?, Vec::decode(reader)?, Circuit::decode(reader)?);
        Self::new(sizes, steps, last).ok_or(DecodeError::Invalid("steps"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Netlist, Signal};
    use super::*;
    use crate::Plain;

    /// Elements of one bit each.
    struct Given([Vec<bool>; 2], [usize; 2]);

    impl Elements<Plain> for Given {
        fn whole(&mut self, _: &mut Plain, value: usize, wires: &mut Vec<bool>) -> Result<(), Never> {
            wires.extend(&self.0[value]);
            Ok(())
        }

        fn next(
            &mut self,
            _: &mut Plain,
            value: usize,
            n: usize,
            wires: &mut Vec<bool>,
        ) -> Result<(), Never> {
            let Self(bits, read) = self;
            wires.extend(&bits[value][read[value]..read[value] + n]);
            read[value] += n;
            Ok(())
        }
    }

    type Never = <Plain as Fancy>::Error;

    /// The conjunction of a whole bit and of all streamed ones, of which `rounds` are taken at once.
    fn conjunction(elements: usize, rounds: usize) -> StreamedCircuit {
        let all = |inputs: usize| {
            let mut netlist = Netlist::new(vec![inputs]);
            let both = (1..inputs).fold(Signal::Wire(0), |all, i| netlist.and(all, Signal::Wire(i)));
            netlist.output([both]);
            Circuit::new(&netlist).unwrap()
        };
        let sizes = vec![
            Size { element: 1, elements: 1, is_streamed: false },
            Size { element: 1, elements, is_streamed: true },
        ];
        let (reads, writes) = (vec![0], vec![0]);
        let each = ForEach { values: vec![1], reads, writes, round: all(2), rounds, block: all(1 + rounds) };
        let steps = vec![Step::Once(all(1)), Step::ForEach(each)];
        StreamedCircuit::new(sizes, steps, all(1)).unwrap()
    }

    fn bytes(circuit: &StreamedCircuit) -> Vec<u8> {
        let mut out = Vec::new();
        circuit.encode(&mut out);
        out
    }

    #[test]
    fn every_element_counts_in_chunks_and_in_blocks() {
        for (elements, rounds) in [(0, 1), (1, 1), (5, 4), (256, 8), (257, 8), (600, 3), (1_000, 256)] {
            let circuit = conjunction(elements, rounds);
            assert_eq!(circuit.and_gates(), elements as u64);
            assert_eq!((circuit.inputs(), circuit.reading_order()), (&[1, elements][..], vec![0, 1]));
            let run = |first: bool, bits: Vec<bool>| {
                let (mut out, mut given) = (Vec::new(), Given([vec![first], bits], [0; 2]));
                let Ok(()) = circuit.run(&mut Plain, &mut given, &mut out);
                assert_eq!(given.1[1], elements, "all are read");
                out
            };
            assert_eq!(run(true, vec![true; elements]), [true]);
            assert_eq!(run(false, vec![true; elements]), [false]);
            for at in [0, elements / 2, elements.saturating_sub(1)].into_iter().filter(|at| *at < elements) {
                let mut bits = vec![true; elements];
                bits[at] = false;
                assert_eq!(run(true, bits), [false]);
            }
        }
    }

    #[test]
    fn a_program_of_two_parties_reads_both_streams() {
        let circuit = conjunction(600, 3);
        let program = StreamedProgram::new(&circuit, 1).unwrap();
        let mut bits = vec![true; 600];
        assert_eq!(program.compute(&[true], &bits), [true]);
        bits[599] = false;
        assert_eq!(program.compute(&[true], &bits), [false]);
        assert_eq!(program.compute(&[false], &[true; 600]), [false]);
        assert!(StreamedProgram::new(&circuit, 3).is_none());
    }

    #[test]
    fn a_streamed_circuit_reads_back_and_other_bytes_do_not_panic() {
        let circuit = conjunction(9, 4);
        let encoded = bytes(&circuit);
        let again = StreamedCircuit::from_bytes(&encoded).unwrap();
        assert_eq!((again.digest(), bytes(&again)), (circuit.digest(), encoded.clone()));
        let others = [conjunction(9, 3), conjunction(10, 4), conjunction(9, 4).last.into()];
        assert!(others.iter().all(|other| other.digest() != circuit.digest()));
        assert!((0..encoded.len()).all(|length| StreamedCircuit::from_bytes(&encoded[..length]).is_err()));
        for bit in 0..8 * encoded.len() {
            let mut changed = encoded.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(other) = StreamedCircuit::from_bytes(&changed) else { continue };
            assert_eq!(bytes(&other), changed);
            // What is accepted runs.
            let [whole, streamed] = other.inputs() else { panic!("two values") };
            if *streamed < 1 << 20 {
                let given = [vec![true; *whole], vec![true; *streamed]];
                let Ok(()) = other.run(&mut Plain, &mut Given(given, [0; 2]), &mut Vec::new());
            }
        }
    }

    #[test]
    fn steps_that_do_not_fit_are_refused() {
        let refused = |change: fn(&mut StreamedCircuit)| {
            let mut changed = conjunction(9, 4);
            change(&mut changed);
            assert!(StreamedCircuit::from_bytes(&bytes(&changed)).is_err());
        };
        fn each(circuit: &mut StreamedCircuit) -> &mut ForEach {
            match &mut circuit.steps[1] {
                Step::ForEach(each) => each,
                Step::Once(_) => panic!("a loop"),
            }
        }
        refused(|c| each(c).reads[0] = 1);
        refused(|c| each(c).writes[0] = 1);
        refused(|c| each(c).values[0] = 0);
        refused(|c| each(c).values.push(1));
        refused(|c| each(c).values.clear());
        refused(|c| each(c).rounds = 0);
        refused(|c| each(c).rounds = 3);
        refused(|c| each(c).writes.clear());
        refused(|c| c.sizes[1].elements = MAX_ELEMENTS + 1);
        refused(|c| c.sizes[1].is_streamed = false);
        refused(|c| drop(c.steps.pop()));
        refused(|c| c.steps.push(c.steps[1].clone()));
        refused(|c| c.steps[0] = Step::Once(conjunction(9, 4).steps.remove(1).block()));
    }

    impl Step {
        fn block(self) -> Circuit {
            match self {
                Self::Once(circuit) => circuit,
                Self::ForEach(each) => each.block,
            }
        }
    }
}
