//! Records gates without duplicates: a gate that was made before is found again.
//!
//! ```text
//! a ∧ a = a    a ∧ ¬a = 0    a ⊕ a = 0    a ⊕ ¬a = 1    ¬¬a = a    same gate, same operands: same wire
//! ```
//!
//! Programs repeat themselves (the parser turns `x <= y` into `x < y | x == y`), and gadgets ask for gates
//! whose operands turn out to be equal. Beyond a limit of gates nothing is recorded, so a program that is too
//! large ends in an error and does not exhaust the memory.

use std::collections::HashMap;

use super::super::netlist::{Gate, Netlist, Signal};
use crate::Fancy;

/// The circuit is larger than allowed.
#[derive(Debug)]
pub(super) struct Full;

/// The interpreter that records a circuit without duplicate gates.
pub(super) struct Recorder {
    netlist: Netlist,
    inputs: usize,
    known: HashMap<Gate, usize>,
    /// The largest number of gates, including free ones.
    limit: usize,
    full: bool,
}

impl Recorder {
    pub(super) fn new(inputs: Vec<usize>, limit: usize) -> Self {
        let bits = inputs.iter().sum();
        Self { netlist: Netlist::new(inputs), inputs: bits, known: HashMap::new(), limit, full: false }
    }

    pub(super) fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        self.netlist.input_wires()
    }

    /// Whether the limit was exceeded.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The recorded circuit with these output values, without the gates that no output needs.
    pub(super) fn finish(mut self, outputs: impl IntoIterator<Item = Vec<Signal>>) -> Netlist {
        outputs.into_iter().for_each(|output| self.netlist.output(output));
        self.netlist.pruned()
    }

    fn gate(&mut self, gate: Gate) -> Signal {
        if let Some(wire) = self.known.get(&gate) {
            return Signal::Wire(*wire);
        }
        if self.known.len() >= self.limit {
            self.full = true;
            return Signal::Constant(false);
        }
        let wire = self.inputs + self.known.len();
        self.known.insert(gate, wire);
        match gate {
            Gate::And(a, b) => self.netlist.and(Signal::Wire(a), Signal::Wire(b)),
            Gate::Xor(a, b) => self.netlist.xor(Signal::Wire(a), Signal::Wire(b)),
            Gate::Not(a) => self.netlist.not(Signal::Wire(a)),
        }
    }

    /// The wire of which this one was made as the complement.
    fn complement_of(&self, wire: usize) -> Option<usize> {
        match self.netlist.gates().get(wire.checked_sub(self.inputs)?) {
            Some(Gate::Not(of)) => Some(*of),
            _ => None,
        }
    }

    fn are_complements(&self, a: usize, b: usize) -> bool {
        self.complement_of(a) == Some(b) || self.complement_of(b) == Some(a)
    }

    fn and_one(&mut self, a: Signal, b: Signal) -> Signal {
        match (a, b) {
            (Signal::Wire(a), Signal::Wire(b)) if a == b => Signal::Wire(a),
            (Signal::Wire(a), Signal::Wire(b)) if self.are_complements(a, b) => Signal::Constant(false),
            (Signal::Wire(a), Signal::Wire(b)) => self.gate(Gate::And(a.min(b), a.max(b))),
            _ => self.netlist.and(a, b),
        }
    }
}

impl Fancy for Recorder {
    type Wire = Signal;
    type Error = Full;

    fn and_n(&mut self, a: &[Signal], b: &[Signal], out: &mut [Signal]) -> Result<(), Full> {
        assert!(a.len() == b.len() && a.len() == out.len());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = self.and_one(*a, *b);
        }
        if self.full { Err(Full) } else { Ok(()) }
    }

    fn xor(&mut self, a: Signal, b: Signal) -> Signal {
        match (a, b) {
            (Signal::Constant(bit), x) | (x, Signal::Constant(bit)) => {
                if bit {
                    self.not(x)
                } else {
                    x
                }
            }
            (Signal::Wire(a), Signal::Wire(b)) if a == b => Signal::Constant(false),
            (Signal::Wire(a), Signal::Wire(b)) if self.are_complements(a, b) => Signal::Constant(true),
            (Signal::Wire(a), Signal::Wire(b)) => self.gate(Gate::Xor(a.min(b), a.max(b))),
        }
    }

    fn not(&mut self, a: Signal) -> Signal {
        match a {
            Signal::Constant(bit) => Signal::Constant(!bit),
            Signal::Wire(a) => match self.complement_of(a) {
                Some(of) => Signal::Wire(of),
                None => self.gate(Gate::Not(a)),
            },
        }
    }

    fn constant(&mut self, bit: bool) -> Signal {
        Signal::Constant(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_made_again() {
        let mut f = Recorder::new(vec![2], 100);
        let [a, b] = [Signal::Wire(0), Signal::Wire(1)];
        let (and, not) = (f.and_one(a, b), f.not(a));
        assert_eq!(f.and_one(b, a), and);
        assert_eq!(f.not(not), a);
        assert_eq!((f.and_one(a, a), f.xor(a, a)), (a, Signal::Constant(false)));
        assert_eq!((f.and_one(a, not), f.xor(not, a)), (Signal::Constant(false), Signal::Constant(true)));
        let unused = f.xor(a, b);
        assert_ne!(unused, and);
        let netlist = f.finish([vec![and]]);
        assert_eq!(netlist.gates(), [Gate::And(0, 1)]);
    }

    #[test]
    fn a_full_recorder_records_no_more() {
        let mut f = Recorder::new(vec![3], 1);
        let wires: Vec<_> = f.input_wires().collect();
        assert!(f.and(wires[0], wires[1]).is_ok());
        assert!(f.and(wires[0], wires[2]).is_err());
        assert!(f.is_full());
    }
}
