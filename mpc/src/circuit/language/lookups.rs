//! Rows of tables inside a circuit: recorded as wires that come from outside, and then cut into stages.
//!
//! ```text
//! while recording    table[index]  ─►  new wires from 2^40 on; the index is noted
//! afterwards         a wire is of stage s if it depends on the first s lookups and no later ones
//!                    stage s: gates of stage s, then the row of lookup s; wires that later stages need go along
//! ```
//!
//! So a row may be looked up anywhere: in an arm of a branch, in a nested loop, in the index of another lookup.
//! Rows whose numbers are constants are there from the beginning. The same row of the same table is looked up
//! once. What no output needs is left out, lookups too.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::recorder::Recorded;
use crate::circuit::netlist::{Gate, Netlist, Signal};
use crate::circuit::streamed::{Known, Stage, Staged};
use crate::circuit::{Circuit, TooLarge};

/// The first number of wires that come from a table.
const OUTSIDE: usize = 1 << 40;

/// A table of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) number: u32,
    /// The bits of a row.
    pub(super) width: usize,
    pub(super) rows: usize,
}

/// The rows that are looked up while a circuit is recorded.
#[derive(Default)]
pub(super) struct Lookups {
    known: Vec<KnownRow>,
    secret: Vec<Secret>,
    /// The first wire of each row.
    rows: BTreeMap<(u32, Vec<Bit>), usize>,
    wires: usize,
}

/// A bit of an index, which can be compared.
type Bit = (bool, usize);

/// A row whose number is known.
struct KnownRow {
    row: Known,
    width: usize,
    /// Its first wire.
    begin: usize,
}

/// A lookup by a secret index.
struct Secret {
    table: Table,
    index: Vec<Signal>,
    /// Its first wire.
    begin: usize,
    /// The number of gates that were recorded before.
    gates: usize,
}

/// The value of an index, if all its bits are constants.
pub(super) fn known_index(index: &[Signal]) -> Option<usize> {
    index.iter().enumerate().try_fold(0usize, |sum, (i, bit)| match bit {
        Signal::Constant(bit) => Some(sum | usize::from(*bit) << i),
        Signal::Wire(_) => None,
    })
}

impl Lookups {
    /// The wires of a row.
    pub(super) fn row(&mut self, table: Table, index: &[Signal], gates: usize) -> Rc<Vec<Signal>> {
        let bit = |signal: &Signal| match *signal {
            Signal::Constant(bit) => (bit, usize::MAX),
            Signal::Wire(wire) => (false, wire),
        };
        let place = (table.number, index.iter().map(bit).collect());
        let Self { known, secret, rows, wires } = self;
        let begin = *rows.entry(place).or_insert_with(|| {
            let begin = OUTSIDE + *wires;
            match known_index(index) {
                Some(row) => {
                    let row = Known { table: table.number, row: row as u32 };
                    known.push(KnownRow { row, width: table.width, begin });
                }
                None => secret.push(Secret { table, index: index.to_vec(), begin, gates }),
            }
            *wires += table.width;
            begin
        });
        (begin..begin + table.width).map(Signal::Wire).collect::<Vec<_>>().into()
    }
}

/// What was recorded, in stages.
pub(super) struct Stages {
    known: Vec<Known>,
    stages: Vec<(Netlist, u32, Vec<u32>)>,
    last: Netlist,
}

impl Stages {
    /// The number of gates.
    pub(super) fn gates(&self) -> usize {
        self.last.gates().len() + self.stages.iter().map(|(netlist, ..)| netlist.gates().len()).sum::<usize>()
    }

    /// The only part.
    pub(super) fn single(&self) -> Option<&Netlist> {
        (self.known.is_empty() && self.stages.is_empty()).then_some(&self.last)
    }

    pub(super) fn scheduled(&self) -> Result<Staged, TooLarge> {
        let mut stages = Vec::with_capacity(self.stages.len());
        for (netlist, table, index) in &self.stages {
            stages.push(Stage { circuit: Circuit::new(netlist)?, table: *table, index: index.clone() });
        }
        Ok(Staged { known: self.known.clone(), stages, last: Circuit::new(&self.last)? })
    }
}

/// Cuts what was recorded into stages, so that these outputs are those of the last one.
pub(super) fn staged(
    recorded: Recorded,
    lookups: Lookups,
    outputs: Vec<Vec<Signal>>,
    meta: MetaInfo,
) -> Result<Stages, CompileError> {
    if lookups.wires == 0 {
        return Ok(Stages { known: Vec::new(), stages: Vec::new(), last: recorded.netlist(outputs) });
    }
    let wrong = || refused(meta, Refusal::Unsupported);
    let Recorded { inputs, gates } = recorded;
    let mut cut = Cut::new(inputs.iter().sum(), &gates, lookups);
    cut.mark_needed(&outputs);
    cut.number_stages().ok_or_else(wrong)?;
    cut.stages(inputs, outputs).ok_or_else(wrong)
}

/// A recording that is being cut. Wires are the inputs, those of gates, and those of rows.
struct Cut<'g> {
    inputs: usize,
    gates: &'g [Gate],
    known: Vec<KnownRow>,
    secret: Vec<Secret>,
    needed: Vec<bool>,
    needed_outside: Vec<bool>,
    /// The stage of each gate, and of each wire from outside.
    stage: Vec<u32>,
    stage_outside: Vec<u32>,
}

impl<'g> Cut<'g> {
    fn new(inputs: usize, gates: &'g [Gate], lookups: Lookups) -> Self {
        let Lookups { known, secret, wires, .. } = lookups;
        Self {
            inputs,
            gates,
            known,
            secret,
            needed: vec![false; gates.len()],
            needed_outside: vec![false; wires],
            stage: vec![0; gates.len()],
            stage_outside: vec![0; wires],
        }
    }

    fn need(&mut self, signal: Signal) {
        let Signal::Wire(wire) = signal else { return };
        if let Some(outside) = wire.checked_sub(OUTSIDE) {
            self.needed_outside[outside] = true;
        } else if let Some(gate) = wire.checked_sub(self.inputs) {
            self.needed[gate] = true;
        }
    }

    fn is_needed(&self, begin: usize, width: usize) -> bool {
        self.needed_outside[begin - OUTSIDE..begin - OUTSIDE + width].contains(&true)
    }

    /// Finds what the outputs need, and drops other lookups.
    fn mark_needed(&mut self, outputs: &[Vec<Signal>]) {
        outputs.iter().flatten().for_each(|signal| self.need(*signal));
        let mut secret = std::mem::take(&mut self.secret);
        let mut left = secret.len();
        let mut keeps = vec![false; secret.len()];
        for gate in (0..=self.gates.len()).rev() {
            // Only gates from here on read the row.
            while let Some(lookup) = left.checked_sub(1).map(|at| &secret[at]).filter(|l| l.gates == gate) {
                left -= 1;
                keeps[left] = self.is_needed(lookup.begin, lookup.table.width);
                if keeps[left] {
                    lookup.index.iter().for_each(|signal| self.need(*signal));
                }
            }
            if let Some(at) = gate.checked_sub(1)
                && self.needed[at]
            {
                self.gates[at].operands().into_iter().for_each(|wire| self.need(Signal::Wire(wire)));
            }
        }
        let mut keeps = keeps.into_iter();
        secret.retain(|_| keeps.next().unwrap_or_default());
        self.secret = secret;
    }

    /// The stage of a wire.
    fn stage(&self, wire: usize) -> usize {
        let stage = match (wire.checked_sub(OUTSIDE), wire.checked_sub(self.inputs)) {
            (Some(outside), _) => self.stage_outside[outside],
            (None, Some(gate)) => self.stage[gate],
            (None, None) => 0,
        };
        stage as usize
    }

    /// `None` if an index depends on its own row, which cannot be.
    fn number_stages(&mut self) -> Option<()> {
        for (at, secret) in self.secret.iter().enumerate() {
            let begin = secret.begin - OUTSIDE;
            self.stage_outside[begin..begin + secret.table.width].fill(at as u32 + 1);
        }
        for at in 0..self.gates.len() {
            let [a, b] = self.gates[at].operands();
            self.stage[at] = self.stage(a).max(self.stage(b)) as u32;
        }
        let in_order = |(at, secret): (usize, &Secret)| {
            secret
                .index
                .iter()
                .all(|bit| if let Signal::Wire(wire) = bit { self.stage(*wire) <= at } else { true })
        };
        self.secret.iter().enumerate().all(in_order).then_some(())
    }

    /// For each wire that a later stage than its own needs, the last such stage.
    fn carried(&self, outputs: &[Vec<Signal>]) -> BTreeMap<usize, usize> {
        let mut carried = BTreeMap::new();
        let mut used = |wire: usize, stage: usize| {
            if stage > self.stage(wire) {
                let last = carried.entry(wire).or_insert(stage);
                *last = stage.max(*last);
            }
        };
        for (at, gate) in self.gates.iter().enumerate().filter(|(at, _)| self.needed[*at]) {
            gate.operands().into_iter().for_each(|wire| used(wire, self.stage[at] as usize));
        }
        let indices = self.secret.iter().enumerate().map(|(at, secret)| (&secret.index, at));
        for (signals, stage) in indices.chain(outputs.iter().map(|signals| (signals, self.secret.len()))) {
            for signal in signals {
                if let Signal::Wire(wire) = *signal {
                    used(wire, stage);
                }
            }
        }
        carried
    }

    /// The netlists of all stages.
    fn stages(self, inputs: Vec<usize>, outputs: Vec<Vec<Signal>>) -> Option<Stages> {
        let carried = self.carried(&outputs);
        let mut of_stage = vec![Vec::new(); self.secret.len() + 1];
        for gate in (0..self.gates.len()).filter(|gate| self.needed[*gate]) {
            of_stage.get_mut(self.stage[gate] as usize)?.push(gate);
        }
        let mut taken: Vec<usize> = (0..self.inputs).collect();
        let (mut known, mut sizes) = (Vec::new(), inputs);
        for KnownRow { row, width, begin } in &self.known {
            if self.is_needed(*begin, *width) {
                known.push(*row);
                sizes.push(*width);
                taken.extend(*begin..begin + width);
            }
        }
        let mut stages = Vec::with_capacity(self.secret.len());
        for (at, secret) in self.secret.iter().enumerate() {
            let (mut netlist, places) = self.netlist(sizes, &taken, &of_stage[at])?;
            let value = |signal: &Signal| match *signal {
                Signal::Wire(wire) => places.get(&wire).copied(),
                constant => Some(constant),
            };
            let goes_on = |wire: &usize| carried.get(wire).is_some_and(|last| *last > at);
            let made = of_stage[at].iter().map(|gate| self.inputs + gate);
            let next: Vec<usize> = taken.iter().copied().chain(made).filter(goes_on).collect();
            let on = next.iter().map(|wire| value(&Signal::Wire(*wire))).collect::<Option<Vec<_>>>()?;
            let index = secret.index.iter().map(value).collect::<Option<Vec<_>>>()?;
            let places = (on.len()..on.len() + index.len()).map(|place| place as u32).collect();
            netlist.output(on);
            netlist.output(index);
            stages.push((netlist.pruned(), secret.table.number, places));
            sizes = vec![next.len(), secret.index.len(), secret.table.width];
            taken = next;
            // The index goes along, and nothing reads it.
            taken.extend(std::iter::repeat_n(usize::MAX, secret.index.len()));
            taken.extend(secret.begin..secret.begin + secret.table.width);
        }
        let (mut last, places) = self.netlist(sizes, &taken, of_stage.last()?)?;
        for output in outputs {
            let value = |signal: Signal| match signal {
                Signal::Wire(wire) => places.get(&wire).copied(),
                constant => Some(constant),
            };
            last.output(output.into_iter().map(value).collect::<Option<Vec<_>>>()?);
        }
        Some(Stages { known, stages, last: last.pruned() })
    }

    /// A netlist that takes these wires and makes these gates, and where each wire is in it.
    fn netlist(
        &self,
        sizes: Vec<usize>,
        taken: &[usize],
        gates: &[usize],
    ) -> Option<(Netlist, HashMap<usize, Signal>)> {
        let mut netlist = Netlist::new(sizes);
        let mut places: HashMap<usize, Signal> = taken.iter().copied().zip(netlist.input_wires()).collect();
        for gate in gates {
            let [a, b] = self.gates[*gate].operands();
            let (a, b) = (*places.get(&a)?, *places.get(&b)?);
            let wire = match self.gates[*gate] {
                Gate::And(..) => netlist.and(a, b),
                Gate::Xor(..) => netlist.xor(a, b),
                Gate::Not(_) => netlist.not(a),
            };
            places.insert(self.inputs + gate, wire);
        }
        Some((netlist, places))
    }
}
