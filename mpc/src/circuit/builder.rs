//! The interpreter that records a program as a circuit.

use std::convert::Infallible;

use super::{Netlist, Signal};
use crate::inputs::GivenWires;
use crate::{Fancy, Program};

/// The interpreter that records a circuit; a wire is its number.
///
/// ```
/// use sotto_mpc::circuit::CircuitBuilder;
/// use sotto_mpc::programs::Aes128;
///
/// let netlist = CircuitBuilder::record(&Aes128);
/// assert_eq!((netlist.inputs(), netlist.outputs()), (&[128, 128][..], &[128][..]));
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBuilder(Netlist);

impl CircuitBuilder {
    /// A builder without gates, whose input values have these numbers of bits.
    #[must_use]
    pub fn new(inputs: Vec<usize>) -> Self {
        Self(Netlist::new(inputs))
    }

    /// Records a whole program: the garbler's input value, then the evaluator's, and one output value.
    #[must_use]
    pub fn record(program: &impl Program) -> Netlist {
        let shape = program.shape();
        let mut writer = Self::new(vec![shape.garbler_bits(), shape.evaluator_bits()]);
        let inputs: Vec<_> = writer.0.input_wires().collect();
        let (garbler, evaluator) = inputs.split_at(shape.garbler_bits());
        let (mut inputs, mut outputs) =
            (GivenWires::new(&shape.input_streams, garbler, evaluator), Vec::new());
        let Ok(()) = program.run(&mut writer, &mut inputs, &mut outputs);
        writer.finish([outputs])
    }

    /// The wires of all inputs, in order.
    pub fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        self.0.input_wires()
    }

    /// The recorded circuit, with these output values.
    pub fn finish(mut self, outputs: impl IntoIterator<Item = Vec<Signal>>) -> Netlist {
        outputs.into_iter().for_each(|value| self.0.output(value));
        self.0
    }
}

impl Fancy for CircuitBuilder {
    type Wire = Signal;
    type Error = Infallible;

    fn and_n(&mut self, a: &[Signal], b: &[Signal], out: &mut [Signal]) -> Result<(), Infallible> {
        assert!(a.len() == b.len() && a.len() == out.len());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = self.0.and(*a, *b);
        }
        Ok(())
    }

    fn xor(&mut self, a: Signal, b: Signal) -> Signal {
        self.0.xor(a, b)
    }

    fn not(&mut self, a: Signal) -> Signal {
        self.0.not(a)
    }

    fn constant(&mut self, bit: bool) -> Signal {
        Signal::Constant(bit)
    }
}
