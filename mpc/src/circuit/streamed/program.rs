//! A streamed circuit as a program of two parties.

use super::super::NAME;
use super::{Elements, StreamedCircuit, gives};
use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};

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
