//! Assigns wires to slots: a slot is free again after the last gate that reads its wire.
//!
//! All AND gates of a batch are read before any is written, so their outputs may take the slots of their own
//! operands. AES-128 has 36 thousand wires and needs some two thousand slots.

use super::netlist::{Gate, Netlist, Signal};
use super::schedule::Schedule;

/// The place of one wire while the circuit runs.
type Slot = u32;

/// A gate by the slots of its operands and of its output.
type SlotGate = [Slot; 3];

/// XOR gates, then AND gates that are independent of each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) xors: u32,
    pub(super) ands: u32,
}

/// The source of an output bit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    Slot(Slot),
    Constant(bool),
}

/// The circuit has more gates than can be numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit has more than 2^32 gates or wires")]
pub struct TooLarge;

/// The gates of a circuit in batches, with the slots of their wires.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The number of slots.
    pub(super) slots: usize,
    pub(super) batches: Vec<Batch>,
    /// A NOT is an XOR with the slot after the inputs, which always carries true.
    pub(super) xors: Vec<SlotGate>,
    pub(super) ands: Vec<SlotGate>,
    pub(super) results: Vec<Output>,
}

/// Assigns slots to the wires of a schedule.
pub(super) fn allocate(netlist: &Netlist, schedule: &Schedule) -> Result<Layout, TooLarge> {
    let mut slots = Slots::new(netlist)?;
    let mut layout = Layout {
        slots: 0,
        batches: Vec::with_capacity(schedule.len()),
        xors: Vec::new(),
        ands: Vec::new(),
        results: Vec::new(),
    };
    for (free, ands) in schedule.steps() {
        for gate in free.iter().map(|gate| *gate as usize) {
            let [a, b] = slots.read(gate)?;
            let b = if matches!(netlist.gates()[gate], Gate::Not(_)) { slots.truth } else { b };
            layout.xors.push([a, b, slots.write(gate)?]);
        }
        let from = layout.ands.len();
        for gate in ands {
            let [a, b] = slots.read(*gate as usize)?;
            layout.ands.push([a, b, 0]);
        }
        for (gate, and) in ands.iter().zip(&mut layout.ands[from..]) {
            and[2] = slots.write(*gate as usize)?;
        }
        layout.batches.push(Batch { xors: free.len() as u32, ands: ands.len() as u32 });
    }
    for result in netlist.results() {
        layout.results.push(match *result {
            Signal::Constant(bit) => Output::Constant(bit),
            Signal::Wire(wire) => Output::Slot(slots.of(wire)?),
        });
    }
    layout.slots = slots.count;
    Ok(layout)
}

struct Slots<'n> {
    netlist: &'n Netlist,
    /// The number of future reads of each wire; being an output counts as a read that never happens.
    reads: Vec<u32>,
    slot: Vec<Option<Slot>>,
    vacant: Vec<Slot>,
    /// The slot that always carries true.
    truth: Slot,
    count: usize,
}

impl<'n> Slots<'n> {
    fn new(netlist: &'n Netlist) -> Result<Self, TooLarge> {
        let inputs = netlist.input_bits();
        let wires = inputs + netlist.gates().len();
        let mut reads = vec![0u32; wires];
        let operands = netlist.gates().iter().flat_map(|gate| gate.operands());
        let results = netlist.results().iter().filter_map(|result| match result {
            Signal::Wire(wire) => Some(*wire),
            Signal::Constant(_) => None,
        });
        operands.chain(results).for_each(|wire| reads[wire] += 1);
        let slot = (0..wires).map(|wire| u32::try_from(wire).ok().filter(|_| wire < inputs)).collect();
        let truth = Slot::try_from(inputs).map_err(|_| TooLarge)?;
        Ok(Self { netlist, reads, slot, vacant: Vec::new(), truth, count: inputs + 1 })
    }

    /// The slot of a wire.
    fn of(&self, wire: usize) -> Result<Slot, TooLarge> {
        self.slot[wire].ok_or(TooLarge)
    }

    /// The slots of the operands of a gate, which become vacant after the last read.
    fn read(&mut self, gate: usize) -> Result<[Slot; 2], TooLarge> {
        let [a, b] = self.netlist.gates()[gate].operands();
        let slots = [self.of(a)?, self.of(b)?];
        for (wire, slot) in [a, b].into_iter().zip(slots) {
            self.reads[wire] -= 1;
            if self.reads[wire] == 0 {
                self.vacant.push(slot);
            }
        }
        Ok(slots)
    }

    /// Assigns a slot to the wire that a gate makes; the slot is vacant at once if no gate reads the wire.
    fn write(&mut self, gate: usize) -> Result<Slot, TooLarge> {
        let wire = self.netlist.input_bits() + gate;
        let slot = match self.vacant.pop() {
            Some(slot) => slot,
            None => {
                self.count += 1;
                Slot::try_from(self.count - 1).map_err(|_| TooLarge)?
            }
        };
        self.slot[wire] = Some(slot);
        if self.reads[wire] == 0 {
            self.vacant.push(slot);
        }
        Ok(slot)
    }
}
