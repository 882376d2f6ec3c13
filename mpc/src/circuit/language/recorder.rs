//! Records gates without duplicates: a gate that was made before is found again.
//!
//! ```text
//! a ∧ a = a    a ∧ ¬a = 0    a ⊕ a = 0    a ⊕ ¬a = 1    ¬¬a = a    same gate, same operands: same wire
//! ```
//!
//! Programs repeat themselves (the parser turns `x <= y` into `x < y | x == y`), and gadgets ask for gates
//! whose operands turn out to be equal. Beyond a limit of gates nothing is recorded, so a program that is too
//! large ends in an error and does not exhaust the memory.

use super::super::netlist::{Gate, Netlist, Signal};
use crate::Fancy;

/// The circuit is larger than allowed.
#[derive(Debug)]
pub(super) struct Full;

/// Finds a gate among those of a netlist. It holds their numbers alone, 4 bytes each in a table that is at
/// most half full, because the gates themselves stand in the netlist.
struct Known {
    /// One more than the number of a gate; 0 is vacant. The length is a power of two.
    places: Vec<u32>,
    count: usize,
}

impl Known {
    fn new() -> Self {
        Self { places: vec![0; 1 << 10], count: 0 }
    }

    /// Where the search for a gate begins: its numbers, mixed by odd constants.
    const fn hash(gate: Gate) -> usize {
        let [a, b] = gate.operands();
        let kind = match gate {
            Gate::And(..) => 1,
            Gate::Xor(..) => 2,
            Gate::Not(_) => 3,
        };
        let mixed = (a as u64 ^ (b as u64).rotate_left(32) ^ kind << 62).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16) as usize
    }

    /// The number of a gate, or the place where it belongs.
    fn find(&self, gate: Gate, gates: &[Gate]) -> Result<usize, usize> {
        let mask = self.places.len() - 1;
        let mut place = Self::hash(gate) & mask;
        loop {
            match (self.places[place] as usize).checked_sub(1) {
                None => return Err(place),
                Some(number) if gates.get(number) == Some(&gate) => return Ok(number),
                Some(_) => place = (place + 1) & mask,
            }
        }
    }

    /// Enters the gate that the netlist recorded last, at the place that [`find`](Self::find) gave.
    fn enter(&mut self, place: usize, gates: &[Gate]) {
        self.count += 1;
        self.places[place] = self.count as u32;
        if self.count * 2 > self.places.len() {
            self.places = vec![0; self.places.len() * 2];
            for (number, gate) in gates.iter().enumerate() {
                if let Err(place) = self.find(*gate, gates) {
                    self.places[place] = number as u32 + 1;
                }
            }
        }
    }
}

/// Recorded gates, which may read wires that come from tables.
pub(super) struct Recorded {
    /// The bits of each input value.
    pub(super) inputs: Vec<usize>,
    pub(super) gates: Vec<Gate>,
}

impl Recorded {
    /// The circuit with these output values, without the gates that no output needs; no gate may read other
    /// wires.
    pub(super) fn netlist(self, outputs: Vec<Vec<Signal>>) -> Netlist {
        let mut netlist = Netlist::from_parts(self.inputs, self.gates);
        outputs.into_iter().for_each(|output| netlist.output(output));
        netlist.pruned()
    }
}

/// The interpreter that records a circuit without duplicate gates.
pub(super) struct Recorder {
    netlist: Netlist,
    inputs: usize,
    known: Known,
    /// The largest number of gates, including free ones.
    limit: usize,
    full: bool,
}

impl Recorder {
    pub(super) fn new(inputs: Vec<usize>, limit: usize) -> Self {
        let bits = inputs.iter().sum();
        // Gates are numbered in 32 bits.
        let limit = limit.min(u32::MAX as usize - 1);
        Self { netlist: Netlist::new(inputs), inputs: bits, known: Known::new(), limit, full: false }
    }

    pub(super) fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        self.netlist.input_wires()
    }

    /// Whether the limit was exceeded.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The number of gates so far.
    pub(super) fn gates(&self) -> usize {
        self.netlist.gates().len()
    }

    /// What was recorded.
    pub(super) fn finish(self) -> Recorded {
        let (inputs, gates) = self.netlist.into_parts();
        Recorded { inputs, gates }
    }

    fn gate(&mut self, gate: Gate) -> Signal {
        let place = match self.known.find(gate, self.netlist.gates()) {
            Ok(number) => return Signal::Wire(self.inputs + number),
            Err(place) => place,
        };
        if self.known.count >= self.limit {
            self.full = true;
            return Signal::Constant(false);
        }
        let wire = match gate {
            Gate::And(a, b) => self.netlist.and(Signal::Wire(a), Signal::Wire(b)),
            Gate::Xor(a, b) => self.netlist.xor(Signal::Wire(a), Signal::Wire(b)),
            Gate::Not(a) => self.netlist.not(Signal::Wire(a)),
        };
        self.known.enter(place, self.netlist.gates());
        wire
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
        let netlist = f.finish().netlist(vec![vec![and]]);
        assert_eq!(netlist.gates(), [Gate::And(0, 1)]);
    }

    #[test]
    fn many_gates_are_found_again() {
        let mut f = Recorder::new(vec![60], usize::MAX);
        let wires: Vec<_> = f.input_wires().collect();
        let pairs = || (0..60).flat_map(|i| (0..i).map(move |j| (i, j)));
        let made: Vec<_> =
            pairs().map(|(i, j)| [f.and_one(wires[i], wires[j]), f.xor(wires[i], wires[j])]).collect();
        assert_eq!(f.netlist.gates().len(), 60 * 59);
        for ((i, j), [and, xor]) in pairs().zip(made) {
            assert_eq!([f.and_one(wires[j], wires[i]), f.xor(wires[j], wires[i])], [and, xor]);
        }
        assert_eq!((f.netlist.gates().len(), f.known.count), (60 * 59, 60 * 59));
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
