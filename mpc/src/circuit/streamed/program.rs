//! A streamed circuit as a program of two parties.

use super::super::NAME;
use super::{Elements, StreamedCircuit};
use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};
use std::collections::VecDeque;

/// `circuit@1`: a streamed circuit whose first input values belong to the garbler, and the others to the
/// evaluator. Each holds the bits of its values one after the other, in [reading
/// order](StreamedCircuit::reading_order).
#[derive(Clone, Copy, Debug)]
pub struct StreamedProgram<'c> {
    circuit: &'c StreamedCircuit,
    values: usize,
}

impl<'c> StreamedProgram<'c> {
    /// The program in which the garbler holds the first `values` input values; `None` if the circuit has
    /// fewer.
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
        Shape::two_party(garbler.iter().sum(), evaluator.iter().sum(), self.circuit.outputs().iter().sum())
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.circuit.run(f, &mut Streams::new(*self, inputs), outputs)
    }
}

/// The input streams of the two parties, as elements of the circuit's values. Where a loop takes elements of
/// two values of one party in turns, the first is held from the element on at which the second is needed.
struct Streams<'c, 'i, W, I> {
    program: StreamedProgram<'c>,
    inputs: &'i mut I,
    /// Bits of each value that are still in its stream.
    left: Vec<usize>,
    /// Bits of each value that were read before they were needed.
    ahead: Vec<VecDeque<W>>,
}

impl<'c, 'i, W: Copy + Default, I> Streams<'c, 'i, W, I> {
    fn new(program: StreamedProgram<'c>, inputs: &'i mut I) -> Self {
        let left = program.circuit.inputs.clone();
        let ahead = vec![VecDeque::new(); left.len()];
        Self { program, inputs, left, ahead }
    }

    fn stream(&self, value: usize) -> usize {
        usize::from(value >= self.program.values)
    }

    fn read<F>(&mut self, f: &mut F, value: usize, bits: usize) -> Result<Vec<W>, F::Error>
    where
        F: Fancy<Wire = W>,
        I: Inputs<F>,
    {
        self.left[value] -= bits;
        self.inputs.read(f, self.stream(value), bits)
    }
}

impl<F: Fancy, I: Inputs<F>> Elements<F> for Streams<'_, '_, F::Wire, I> {
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error> {
        wires.extend(self.read(f, value, self.left[value])?);
        Ok(())
    }

    fn next(
        &mut self,
        f: &mut F,
        value: usize,
        elements: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let earlier = self.program.circuit.reading_order().into_iter().take_while(|other| *other != value);
        for other in earlier.filter(|other| self.stream(*other) == self.stream(value)).collect::<Vec<_>>() {
            let rest = self.read(f, other, self.left[other])?;
            self.ahead[other].extend(rest);
        }
        let bits = elements * self.program.circuit.sizes[value].element;
        let held = bits.min(self.ahead[value].len());
        wires.extend(self.ahead[value].drain(..held));
        wires.extend(self.read(f, value, bits - held)?);
        Ok(())
    }
}
