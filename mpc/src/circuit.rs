//! Circuits as data: read from a file, compiled from a [`language`], or recorded from a program; scheduled
//! once and run many times.
//!
//! A [`Netlist`] is what was read or recorded: gates in order, with constants folded. A [`Circuit`] is what
//! runs. Its AND gates are collected into batches of up to eight that do not depend on each other (see
//! `schedule`), and its wires share slots (see `slots`), so it needs memory for the wires that are in use and
//! not for all of them.
//!
//! ```
//! use sotto_mpc::{Circuit, Netlist, Plain};
//!
//! // Bristol Fashion: gates and wires, input sizes, output sizes, then the gates.
//! let netlist = Netlist::from_bristol("1 3\n2 1 1\n1 1\n\n2 1 0 1 2 AND\n")?;
//! let circuit = Circuit::new(&netlist)?;
//! let mut outputs = Vec::new();
//! let Ok(()) = circuit.run(&mut Plain, [true, true], &mut outputs);
//! assert_eq!((circuit.and_gates(), &outputs[..]), (1, &[true][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The schedule determines the order of the tables, so it is part of the circuit's digest, which both parties
//! compare.

mod bristol;
mod builder;
mod encoding;
pub mod language;
mod netlist;
mod schedule;
mod slots;
mod streamed;

pub use bristol::{BristolError, BristolErrorKind};
pub use builder::CircuitBuilder;
pub use netlist::{Netlist, Signal};
pub use slots::TooLarge;
pub use streamed::{Elements, StreamedCircuit, StreamedProgram, Tables};

use sha2::{Digest, Sha256};

use schedule::BATCH;
use slots::{Layout, Output};

use crate::program::{Program, ProgramName, Shape};
use crate::{Fancy, Inputs};

const NAME: ProgramName = ProgramName::literal("circuit@1");

/// A circuit, ready to run in any interpreter.
#[derive(Clone, Debug)]
pub struct Circuit {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    layout: Layout,
}

impl Circuit {
    /// Schedules a netlist.
    ///
    /// # Errors
    /// If the circuit is too large.
    pub fn new(netlist: &Netlist) -> Result<Self, TooLarge> {
        // Wires are numbered in 32 bits from here on.
        if netlist.input_bits().saturating_add(netlist.gates().len()) >= u32::MAX as usize {
            return Err(TooLarge);
        }
        let order = schedule::schedule(netlist.input_bits(), netlist.gates());
        let layout = slots::allocate(netlist, &order)?;
        Ok(Self { inputs: netlist.inputs().to_vec(), outputs: netlist.outputs().to_vec(), layout })
    }

    /// The number of bits of each input value.
    #[must_use]
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The number of bits of each output value.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The number of AND gates.
    #[must_use]
    pub fn and_gates(&self) -> usize {
        self.layout.ands.len()
    }

    /// The number of wires that are in memory at the same time.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.layout.slots
    }

    /// A hash of the whole circuit and its schedule.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc circuit v1");
        for sizes in [&self.inputs, &self.outputs] {
            hash.update((sizes.len() as u64).to_le_bytes());
            sizes.iter().for_each(|size| hash.update((*size as u64).to_le_bytes()));
        }
        let mut add = |numbers: &[u32]| numbers.iter().for_each(|n| hash.update(n.to_le_bytes()));
        let (mut xors, mut ands) = (self.layout.xors.iter(), self.layout.ands.iter());
        for batch in &self.layout.batches {
            add(&[batch.xors, batch.ands]);
            xors.by_ref().take(batch.xors as usize).for_each(|gate| add(gate));
            ands.by_ref().take(batch.ands as usize).for_each(|gate| add(gate));
        }
        for result in &self.layout.results {
            match *result {
                Output::Slot(slot) => add(&[0, slot]),
                Output::Constant(bit) => add(&[1, bit.into()]),
            }
        }
        hash.finalize().into()
    }

    /// Runs the circuit in an interpreter: reads all input bits in order, and appends all output bits in
    /// order.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the number of inputs differs from that of the circuit.
    pub fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: impl IntoIterator<Item = F::Wire>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut wires: Vec<F::Wire> = inputs.into_iter().collect();
        assert_eq!(wires.len(), self.inputs.iter().sum::<usize>(), "expected one wire for each input bit");
        wires.push(f.not(F::Wire::default()));
        wires.resize(self.layout.slots, F::Wire::default());
        let wires = &mut wires[..];
        let (mut xors, mut ands) = (&self.layout.xors[..], &self.layout.ands[..]);
        let mut operands = [[F::Wire::default(); BATCH]; 3];
        let [a, b, out] = &mut operands;
        for batch in &self.layout.batches {
            let (xors_now, ands_now);
            (xors_now, xors) = xors.split_at(batch.xors as usize);
            (ands_now, ands) = ands.split_at(batch.ands as usize);
            for [a, b, out] in xors_now {
                wires[*out as usize] = f.xor(wires[*a as usize], wires[*b as usize]);
            }
            for (([slot_a, slot_b, _], a), b) in ands_now.iter().zip(a.iter_mut()).zip(b.iter_mut()) {
                (*a, *b) = (wires[*slot_a as usize], wires[*slot_b as usize]);
            }
            let n = ands_now.len();
            f.and_n(&a[..n], &b[..n], &mut out[..n])?;
            for ([_, _, slot], out) in ands_now.iter().zip(out.iter()) {
                wires[*slot as usize] = *out;
            }
        }
        outputs.extend(self.layout.results.iter().map(|result| match *result {
            Output::Slot(slot) => wires[slot as usize],
            Output::Constant(bit) => f.constant(bit),
        }));
        Ok(())
    }
}

/// `circuit@1`: a circuit whose first input values belong to the garbler, and the others to the evaluator.
#[derive(Clone, Copy, Debug)]
pub struct CircuitProgram<'c> {
    circuit: &'c Circuit,
    garbler: usize,
    evaluator: usize,
}

impl<'c> CircuitProgram<'c> {
    /// The program in which the garbler holds the first `values` input values; `None` if the circuit has
    /// fewer.
    #[must_use]
    pub fn new(circuit: &'c Circuit, values: usize) -> Option<Self> {
        let (garbler, evaluator) = circuit.inputs.split_at_checked(values)?;
        Some(Self { circuit, garbler: garbler.iter().sum(), evaluator: evaluator.iter().sum() })
    }
}

impl Program for CircuitProgram<'_> {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn digest(&self) -> [u8; 32] {
        self.circuit.digest()
    }

    fn shape(&self) -> Shape {
        Shape::two_party(self.garbler, self.evaluator, self.circuit.layout.results.len())
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut wires = inputs.read(f, 0, self.garbler)?;
        wires.extend(inputs.read(f, 1, self.evaluator)?);
        self.circuit.run(f, wires, outputs)
    }
}
