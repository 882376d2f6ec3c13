//! Orders gates so that AND gates come in batches.
//!
//! List scheduling, version 2. Within a window of 2,048 gates from the first gate that is not done, all free
//! gates that are ready are done, in the order in which they became ready; then the earliest ready AND gates,
//! up to eight, form a batch. The window keeps wires from being made long before they are used. The same
//! netlist always gets the same order, so two parties who read one file garble the same circuit.
//!
//! First come, first served puts dependent gates far apart, so a processor works on many XORs at once.
//! Version 1 took the free gate that comes first in the netlist, which mostly reads the wire that was just
//! made; it was a quarter slower.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::netlist::Gate;

/// The largest number of AND gates in a batch.
pub(super) const BATCH: usize = 8;

/// The number of gates considered from the first one that is not done.
const WINDOW: usize = 2048;

/// A step: the numbers of free gates in order, then those of independent AND gates.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) free: Vec<usize>,
    pub(super) ands: Vec<usize>,
}

/// Schedules gates; gate `j` makes wire `input_bits + j`.
pub(super) fn schedule(input_bits: usize, gates: &[Gate]) -> Vec<Step> {
    let mut ready = Ready::new(input_bits, gates);
    let mut steps = Vec::new();
    while ready.open_window() {
        let mut step = Step::default();
        while let Some(gate) = ready.free.pop_front() {
            step.free.push(gate);
            ready.finish(gate);
        }
        while step.ands.len() < BATCH {
            let Some(Reverse(gate)) = ready.ands.pop() else { break };
            step.ands.push(gate);
        }
        step.ands.iter().for_each(|gate| ready.finish(*gate));
        steps.push(step);
    }
    steps
}

/// The gates that are ready.
struct Ready<'g> {
    gates: &'g [Gate],
    /// For each gate, how many of its operands are not made yet.
    missing: Vec<u8>,
    done: Vec<bool>,
    /// The gates `readers[first_reader[j]..first_reader[j + 1]]` read the wire of gate `j`.
    first_reader: Vec<usize>,
    readers: Vec<usize>,
    free: VecDeque<usize>,
    ands: BinaryHeap<Reverse<usize>>,
    first_undone: usize,
    window_end: usize,
}

impl<'g> Ready<'g> {
    fn new(input_bits: usize, gates: &'g [Gate]) -> Self {
        let makers =
            |gate: &Gate| gate.operands().map(|wire| wire.checked_sub(input_bits)).into_iter().flatten();
        let mut first_reader = vec![0; gates.len() + 1];
        for maker in gates.iter().flat_map(makers) {
            first_reader[maker + 1] += 1;
        }
        for j in 0..gates.len() {
            first_reader[j + 1] += first_reader[j];
        }
        let mut next = first_reader.clone();
        let mut readers = vec![0; first_reader[gates.len()]];
        for (j, gate) in gates.iter().enumerate() {
            for maker in makers(gate) {
                readers[next[maker]] = j;
                next[maker] += 1;
            }
        }
        Self {
            gates,
            missing: gates.iter().map(|gate| makers(gate).count() as u8).collect(),
            done: vec![false; gates.len()],
            first_reader,
            readers,
            free: VecDeque::new(),
            ands: BinaryHeap::new(),
            first_undone: 0,
            window_end: 0,
        }
    }

    /// Moves the window; false if all gates are done.
    fn open_window(&mut self) -> bool {
        while self.done.get(self.first_undone) == Some(&true) {
            self.first_undone += 1;
        }
        let end = self.gates.len().min(self.first_undone + WINDOW);
        for gate in self.window_end..end {
            if self.missing[gate] == 0 {
                self.push(gate);
            }
        }
        self.window_end = end;
        self.first_undone < self.gates.len()
    }

    fn push(&mut self, gate: usize) {
        if self.gates[gate].is_and() {
            self.ands.push(Reverse(gate));
        } else {
            self.free.push_back(gate);
        }
    }

    fn finish(&mut self, gate: usize) {
        self.done[gate] = true;
        for i in self.first_reader[gate]..self.first_reader[gate + 1] {
            let reader = self.readers[i];
            self.missing[reader] -= 1;
            if self.missing[reader] == 0 && reader < self.window_end {
                self.push(reader);
            }
        }
    }
}
