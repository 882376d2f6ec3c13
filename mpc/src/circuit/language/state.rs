//! The state of lowering: recorded gates, variables in scopes, the panic bit, and the work done so far.
//!
//! A value is its bits. Both arms of a branch are lowered, each from the variables before it. Where the arms
//! leave different values, the condition selects one; a constant condition leaves only one arm. Panicking is
//! one more bit: each operation that can fail ORs into it, and in a branch it counts only if the arm is
//! taken.
//!
//! Work is bounded by counting: every copied bit is a unit, and every expression some more.

use std::collections::BTreeMap;
use std::rc::Rc;

use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::lookups::{Lookups, Stages, Table, staged};
use super::recorder::{Full, Recorder};
use super::round::Row;
use super::types::Types;
use crate::Fancy;
use crate::circuit::netlist::Signal;
use crate::circuit::streamed::Step;
use crate::gadgets::{Selection, Words};

/// The bits of a value.
pub(super) type Bits = Rc<Vec<Signal>>;

/// The variables of a function, in scopes.
pub(super) type Frame = Vec<BTreeMap<String, Bits>>;

/// The largest number of units of work.
const MAX_WORK: u64 = 1 << 25;

pub(super) const FALSE: Signal = Signal::Constant(false);

/// A program that is being lowered.
pub(super) struct Lowering<'p> {
    pub(super) types: Types<'p>,
    f: Recorder,
    limit: usize,
    /// The gates of the circuits recorded before.
    ended: usize,
    frame: Frame,
    /// The tables of `main`, by their names.
    pub(super) tables: BTreeMap<String, Table>,
    /// Those whose rows are all equal, to a [variable](super::round::filled), and their numbers of rows.
    pub(super) equal: BTreeMap<String, usize>,
    /// The rows that a round of a loop takes.
    pub(super) row: Row,
    /// The rows of tables that the circuit looks up.
    pub(super) lookups: Lookups,
    /// The steps so far, and the number of the next table that one makes.
    pub(super) steps: Vec<Step>,
    pub(super) next_table: u32,
    panic: Signal,
    work: u64,
}

/// The variables, the panic bit and the value after an arm of a branch.
pub(super) struct Branch {
    frame: Frame,
    panic: Signal,
    value: Bits,
}

impl<'p> Lowering<'p> {
    pub(super) fn new(types: Types<'p>, inputs: Vec<usize>, limit: usize) -> Self {
        let f = Recorder::new(inputs, limit);
        Self {
            types,
            f,
            limit,
            ended: 0,
            frame: vec![BTreeMap::new()],
            tables: BTreeMap::new(),
            equal: BTreeMap::new(),
            row: Row::default(),
            lookups: Lookups::default(),
            steps: Vec::new(),
            next_table: 0,
            panic: FALSE,
            work: 0,
        }
    }

    pub(super) const fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) const fn panic(&self) -> Signal {
        self.panic
    }

    pub(super) const fn gates_left(&self) -> usize {
        self.limit.saturating_sub(self.ended)
    }

    /// Ends the recording in a circuit with these outputs; nothing is recorded until a
    /// [`restart`](Self::restart).
    pub(super) fn end(&mut self, meta: MetaInfo, outputs: Vec<Vec<Signal>>) -> Result<Stages, CompileError> {
        let recorded = std::mem::replace(&mut self.f, Recorder::new(Vec::new(), 0));
        if recorded.is_full() {
            return Err(self.too_many_gates(meta));
        }
        let stages = staged(recorded.finish(), std::mem::take(&mut self.lookups), outputs, meta)?;
        self.ended += stages.gates();
        Ok(stages)
    }

    /// Begins to record a circuit of this many input bits, the first of which is the panic bit.
    pub(super) fn restart(&mut self, bits: usize, frame: Frame) {
        self.f = Recorder::new(vec![bits], self.gates_left());
        (self.frame, self.panic) = (frame, Signal::Wire(0));
    }

    pub(super) fn too_many_gates(&self, meta: MetaInfo) -> CompileError {
        refused(meta, Refusal::TooManyGates { limit: self.limit as u64, about: 0 })
    }

    /// The gates and the work so far.
    pub(super) fn spent(&self) -> [u64; 2] {
        [(self.ended + self.f.gates()) as u64, self.work]
    }

    /// The number of gates of the circuit that is being recorded.
    pub(super) fn recorded(&self) -> usize {
        self.f.gates()
    }

    pub(super) fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        self.f.input_wires()
    }

    /// Records gates for a location of the source.
    pub(super) fn gates<T>(
        &mut self,
        meta: MetaInfo,
        make: impl FnOnce(&mut Recorder) -> Result<T, Full>,
    ) -> Result<T, CompileError> {
        match make(&mut self.f) {
            Ok(made) if !self.f.is_full() => Ok(made),
            _ => Err(self.too_many_gates(meta)),
        }
    }

    pub(super) fn spend(&mut self, meta: MetaInfo, units: usize) -> Result<(), CompileError> {
        self.work = self.work.saturating_add(units as u64);
        if self.work > MAX_WORK {
            return Err(refused(meta, Refusal::TooMuchWork { limit: MAX_WORK, about: 0 }));
        }
        Ok(())
    }

    /// Makes the program panic if the signal is set.
    pub(super) fn panic_if(&mut self, meta: MetaInfo, signal: Signal) -> Result<(), CompileError> {
        let before = self.panic;
        self.panic = self.gates(meta, |f| {
            let (a, b) = (f.not(before), f.not(signal));
            let neither = f.and(a, b)?;
            Ok(f.not(neither))
        })?;
        Ok(())
    }

    /// Binds a name in the innermost scope.
    pub(super) fn bind(&mut self, name: &str, value: Bits) {
        if let Some(scope) = self.frame.last_mut() {
            scope.insert(name.to_string(), value);
        }
    }

    /// Takes a name out of all scopes.
    pub(super) fn forget(&mut self, name: &str) {
        self.frame.iter_mut().for_each(|scope| drop(scope.remove(name)));
    }

    /// Runs in a new scope.
    pub(super) fn scoped<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        self.frame.push(BTreeMap::new());
        let result = run(self);
        self.frame.pop();
        result
    }

    pub(super) fn variable(&mut self, name: &str) -> Option<&mut Bits> {
        self.frame.iter_mut().rev().find_map(|scope| scope.get_mut(name))
    }

    /// Runs an arm of a branch, then restores the state from before it.
    pub(super) fn branch(
        &mut self,
        meta: MetaInfo,
        run: impl FnOnce(&mut Self) -> Result<Bits, CompileError>,
    ) -> Result<Branch, CompileError> {
        let frame = self.frame.clone();
        self.spend(meta, frame.iter().map(BTreeMap::len).sum())?;
        let panic = std::mem::replace(&mut self.panic, FALSE);
        let value = run(self)?;
        Ok(Branch {
            frame: std::mem::replace(&mut self.frame, frame),
            panic: std::mem::replace(&mut self.panic, panic),
            value,
        })
    }

    /// Selects the first arm if `choice` is set, else the second.
    pub(super) fn choose(
        &mut self,
        meta: MetaInfo,
        choice: Signal,
        first: Branch,
        second: Branch,
    ) -> Result<Branch, CompileError> {
        if let Signal::Constant(choice) = choice {
            return Ok(if choice { first } else { second });
        }
        let mut frame = second.frame;
        for (scope, chosen) in frame.iter_mut().zip(first.frame) {
            for (name, first) in chosen {
                if let Some(second) = scope.get_mut(&name).filter(|second| !Rc::ptr_eq(second, &first)) {
                    *second = self.select(meta, choice, &first, second)?;
                }
            }
        }
        let panic = self.select(meta, choice, &[first.panic], &[second.panic])?;
        let value = self.select(meta, choice, &first.value, &second.value)?;
        Ok(Branch { frame, panic: panic.first().copied().unwrap_or(FALSE), value })
    }

    /// Continues with the state after a branch.
    pub(super) fn adopt(&mut self, meta: MetaInfo, branch: Branch) -> Result<Bits, CompileError> {
        self.frame = branch.frame;
        self.panic_if(meta, branch.panic)?;
        Ok(branch.value)
    }

    pub(super) fn select(
        &mut self,
        meta: MetaInfo,
        choice: Signal,
        first: &[Signal],
        second: &[Signal],
    ) -> Result<Bits, CompileError> {
        self.spend(meta, first.len())?;
        if first.len() != second.len() {
            return Err(refused(meta, Refusal::Width));
        }
        let (first, second) = (Words::single(first), Words::single(second));
        let chosen = self.gates(meta, |f| f.select(&[choice], &first, &second))?;
        Ok(Rc::new(chosen.wires().to_vec()))
    }

    pub(super) fn not(&mut self, a: Signal) -> Signal {
        self.f.not(a)
    }

    /// Runs with only these variables in scope, as in the body of a function.
    pub(super) fn in_frame<T>(
        &mut self,
        scope: BTreeMap<String, Bits>,
        run: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        let frame = std::mem::replace(&mut self.frame, vec![scope]);
        let (tables, equal) = (std::mem::take(&mut self.tables), std::mem::take(&mut self.equal));
        let row = std::mem::take(&mut self.row);
        let value = run(self)?;
        (self.frame, self.tables, self.equal, self.row) = (frame, tables, equal, row);
        Ok(value)
    }
}

/// The bits of a constant.
pub(super) fn known(n: i128, width: usize) -> Vec<Signal> {
    (0..width).map(|i| Signal::Constant(n >> i.min(127) & 1 == 1)).collect()
}

/// Truncates a number, or extends it by zeros or by its sign.
pub(super) fn resized(bits: &[Signal], width: usize, signed: bool) -> Vec<Signal> {
    let fill = bits.last().copied().filter(|_| signed).unwrap_or(FALSE);
    bits.iter().copied().chain(std::iter::repeat(fill)).take(width).collect()
}
