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

/// All gates in the order in which they are done, and where each step ends: a flat list, because a chain of
/// AND gates has as many steps as gates.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    order: Vec<u32>,
    steps: Vec<Counts>,
}

/// The numbers of gates of a step.
#[derive(Clone, Copy, Debug)]
struct Counts {
    free: u32,
    ands: u32,
}

impl Schedule {
    /// The number of steps.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Each step: the numbers of free gates in order, then those of independent AND gates.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&[u32], &[u32])> {
        let mut rest = &self.order[..];
        self.steps.iter().map(move |counts| {
            let (free, later) = rest.split_at(counts.free as usize);
            let (ands, later) = later.split_at(counts.ands as usize);
            rest = later;
            (free, ands)
        })
    }
}

/// Schedules gates; gate `j` makes wire `input_bits + j`. There are fewer than 2³² wires.
pub(super) fn schedule(input_bits: usize, gates: &[Gate]) -> Schedule {
    let mut ready = Ready::new(input_bits, gates);
    let mut schedule = Schedule { order: Vec::with_capacity(gates.len()), steps: Vec::new() };
    let order = &mut schedule.order;
    while ready.open_window() {
        let from = order.len();
        while let Some(gate) = ready.free.pop_front() {
            order.push(gate);
            ready.finish(gate as usize);
        }
        let ands = order.len();
        while order.len() - ands < BATCH {
            let Some(Reverse(gate)) = ready.ands.pop() else { break };
            order.push(gate);
        }
        order[ands..].iter().for_each(|gate| ready.finish(*gate as usize));
        schedule.steps.push(Counts { free: (ands - from) as u32, ands: (order.len() - ands) as u32 });
    }
    schedule
}

/// The gates that are ready.
struct Ready<'g> {
    gates: &'g [Gate],
    /// For each gate, how many of its operands are not made yet.
    missing: Vec<u8>,
    done: Vec<bool>,
    /// The gates `readers[first_reader[j]..first_reader[j + 1]]` read the wire of gate `j`.
    first_reader: Vec<u32>,
    readers: Vec<u32>,
    free: VecDeque<u32>,
    ands: BinaryHeap<Reverse<u32>>,
    first_undone: usize,
    window_end: usize,
}

impl<'g> Ready<'g> {
    fn new(input_bits: usize, gates: &'g [Gate]) -> Self {
        let makers =
            |gate: &Gate| gate.operands().map(|wire| wire.checked_sub(input_bits)).into_iter().flatten();
        let mut first_reader = vec![0u32; gates.len() + 1];
        for maker in gates.iter().flat_map(makers) {
            first_reader[maker + 1] += 1;
        }
        for j in 0..gates.len() {
            first_reader[j + 1] += first_reader[j];
        }
        let mut next = first_reader.clone();
        let mut readers = vec![0u32; first_reader[gates.len()] as usize];
        for (j, gate) in gates.iter().enumerate() {
            for maker in makers(gate) {
                readers[next[maker] as usize] = j as u32;
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
            self.ands.push(Reverse(gate as u32));
        } else {
            self.free.push_back(gate as u32);
        }
    }

    fn finish(&mut self, gate: usize) {
        self.done[gate] = true;
        for i in self.first_reader[gate]..self.first_reader[gate + 1] {
            let reader = self.readers[i as usize] as usize;
            self.missing[reader] -= 1;
            if self.missing[reader] == 0 && reader < self.window_end {
                self.push(reader);
            }
        }
    }
}
