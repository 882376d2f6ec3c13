//! The second pass over a program: garbling at one party, evaluation at the other, chunk after chunk.
//!
//! ```text
//! prepare a chunk  random bits ─► first pass ─► products, coin, openings ─► keys
//! gates            tables, group by group
//! end a chunk      first pass = second pass? ─► report ─► checks (1), (2)
//! ```
//!
//! A chunk ends when the program asks for a gate more, and the last one with the program; the first pass
//! changes chunks at the same places. A wire is a label, with the form that ties it to the first pass
//! (`trace`). Nothing is opened in mid-program: outputs follow the checks of the last chunk.
//!
//! What differs between protocols and parties is in a [`Machine`].

use std::thread;

use zeroize::Zeroizing;

use super::error::SessionError;
use super::hand_over::{FirstPass, Here, Source, hand_over};
use super::masks::{ListOf, Noted, Notes};
use super::trace::{Trace, Wire};
use crate::program::Program;
use crate::{Bits, Block, Fancy, inputs};

/// The most gates of a group: those that are garbled or evaluated at once, and whose tables travel together.
pub(super) const GROUP: usize = 2048;

/// The labels of the inputs of a gate.
pub(super) type Operands<const L: usize> = [[Block; L]; 2];

/// What a party has before outputs: of each output, Λ and the share of λ.
pub(super) struct Masked<M> {
    pub(super) values: Bits,
    pub(super) masks: M,
}

/// What a party does to chunks, between the gates of a program. Masks are N blocks, and labels L.
pub(super) trait Machine<const N: usize, const L: usize>: Source<N> {
    /// What the second pass of a chunk takes besides the chunk.
    type Kernel;

    /// The number of chunks.
    fn chunks(&self) -> u64;

    /// Draws the random bits of a chunk, in the memory of one that is no longer needed.
    ///
    /// # Errors
    /// If the connection fails or a peer is caught deviating.
    fn draw(&mut self, number: u64, memory: Self::Notes) -> Result<Self::Notes, SessionError>;

    /// Makes the products of α and β of all gates, once these are noted, and agrees on keys.
    ///
    /// # Errors
    /// If the connection fails or a peer is caught deviating.
    fn prepare(&mut self, chunk: &mut Self::Notes) -> Result<Self::Kernel, SessionError>;

    /// Λ of the next bit of an input stream; `None` if it was not entered.
    fn value(&mut self, stream: usize) -> Option<bool>;

    /// The wire of a known Λ.
    fn known(&self, kernel: &mut Self::Kernel, masked_value: bool) -> [Block; L];

    /// The negation of a wire.
    fn not(&self, a: [Block; L]) -> [Block; L];

    /// Garbles or evaluates gates of one group, the first of which is number `first` of the chunk; writes the
    /// labels of their outputs.
    ///
    /// # Errors
    /// If the connection fails.
    fn gates(
        &mut self,
        kernel: &mut Self::Kernel,
        gates: &Gates<'_, Self::Notes, L>,
        out: &mut [[Block; L]],
    ) -> Result<(), SessionError>;

    /// Reports a chunk, proves our part and checks the peers'; returns Λ of the outputs, which come with the
    /// last chunk.
    ///
    /// # Errors
    /// If the connection fails or a peer is caught deviating.
    fn end(
        &mut self,
        kernel: &mut Self::Kernel,
        chunk: &Self::Notes,
        outputs: &[[Block; L]],
    ) -> Result<Bits, SessionError>;
}

/// Gates that are garbled or evaluated together: all of one group.
pub(super) struct Gates<'g, K, const L: usize> {
    pub(super) chunk: &'g K,
    /// The number of the first one in the chunk.
    pub(super) first: usize,
    /// The labels of their inputs.
    pub(super) labels: &'g [Operands<L>],
}

impl<K, const L: usize> Gates<'_, K, L> {
    /// The number of gates of the chunk after these.
    pub(super) fn left<const N: usize>(&self) -> usize
    where
        K: Notes<N>,
    {
        self.chunk.extent().gates - self.first - self.labels.len()
    }
}

/// Runs both passes.
///
/// # Errors
/// If the program is not steady, the connection fails, or a peer is caught deviating.
pub(super) fn execute<const N: usize, const L: usize, M: Machine<N, L>>(
    machine: M,
    program: &(impl Program + Sync),
) -> Result<Masked<ListOf<N, M::Notes>>, SessionError> {
    if machine.chunks() == 1 {
        return SecondPass::begin(machine, &mut Here(program))?.run(program);
    }
    thread::scope(|scope| {
        let (mut there, worker) = hand_over::<M::Notes, ListOf<N, M::Notes>>();
        scope.spawn(move || worker.work::<N>(program));
        let result = SecondPass::begin(machine, &mut there).and_then(|pass| pass.run(program));
        // The other thread ends when its end of the hand-over is alone.
        drop(there);
        result
    })
}

/// The interpreter of the second pass.
struct SecondPass<'f, const N: usize, const L: usize, M: Machine<N, L>> {
    machine: M,
    first: &'f mut dyn FirstPass<N, M>,
    at_hand: AtHand<N, M::Notes, M::Kernel>,
    trace: Trace,
    /// Labels on their way to and from the kernel.
    labels: Zeroizing<Vec<Operands<L>>>,
    results: Zeroizing<Vec<[Block; L]>>,
}

/// The chunk whose gates are garbled or evaluated.
struct AtHand<const N: usize, C: Notes<N>, K> {
    chunk: C,
    kernel: K,
    /// What the first pass was at the end of the chunk.
    noted: [u64; 3],
    /// The masks of the outputs, with the last chunk.
    outputs: Option<C::List>,
    /// The number of the next gate.
    next: usize,
}

impl<const N: usize, C: Notes<N>, K> AtHand<N, C, K> {
    /// The number of gates that are left.
    fn left(&self) -> usize {
        self.chunk.extent().gates - self.next
    }
}

/// Prepares chunk `number`, in the memory of one that is no longer needed.
fn prepare<const N: usize, const L: usize, M: Machine<N, L>>(
    machine: &mut M,
    first: &mut dyn FirstPass<N, M>,
    (number, memory): (u64, M::Notes),
) -> Result<AtHand<N, M::Notes, M::Kernel>, SessionError> {
    let chunk = machine.draw(number, memory)?;
    let (Noted { mut chunk, trace }, outputs) = first.note(machine, chunk)?;
    let is_last = number + 1 == machine.chunks();
    if is_last != outputs.is_some() {
        return Err(SessionError::Unsteady);
    }
    let kernel = machine.prepare(&mut chunk)?;
    Ok(AtHand { chunk, kernel, noted: trace, outputs, next: 0 })
}

impl<'f, const N: usize, const L: usize, M: Machine<N, L>> SecondPass<'f, N, L, M> {
    /// Prepares the first chunk.
    fn begin(mut machine: M, first: &'f mut dyn FirstPass<N, M>) -> Result<Self, SessionError> {
        let at_hand = prepare(&mut machine, first, (0, M::Notes::default()))?;
        let labels = Zeroizing::new(Vec::with_capacity(GROUP));
        let results = Zeroizing::new(vec![[Block::ZERO; L]; GROUP]);
        Ok(Self { machine, first, at_hand, trace: Trace::default(), labels, results })
    }

    fn run(mut self, program: &impl Program) -> Result<Masked<ListOf<N, M::Notes>>, SessionError> {
        let mut outputs = Vec::new();
        program.run(&mut self, &mut KnownInputs, &mut outputs)?;
        self.trace.outputs(&outputs);
        let labels: Vec<_> = outputs.iter().map(|wire| wire.blocks()).collect();
        let values = self.end(&labels)?;
        // Missing if the program was to have further chunks.
        let masks = self.at_hand.outputs.ok_or(SessionError::Unsteady)?;
        Ok(Masked { values, masks })
    }

    /// Ends the chunk at hand; returns Λ of the outputs.
    fn end(&mut self, outputs: &[[Block; L]]) -> Result<Bits, SessionError> {
        if self.at_hand.left() > 0 {
            return Err(SessionError::Unsteady);
        }
        let AtHand { chunk, kernel, noted, .. } = &mut self.at_hand;
        self.trace.compare(*noted)?;
        self.machine.end(kernel, chunk, outputs)
    }

    /// Ends the chunk at hand, and prepares the next one.
    fn turn(&mut self) -> Result<(), SessionError> {
        if self.at_hand.outputs.is_some() {
            return Err(SessionError::Unsteady);
        }
        self.end(&[])?;
        let memory = core::mem::take(&mut self.at_hand.chunk);
        let next = memory.extent().number + 1;
        self.at_hand = prepare(&mut self.machine, self.first, (next, memory))?;
        Ok(())
    }

    /// Garbles or evaluates gates of one group.
    fn gates(&mut self, a: &[Wire<L>], b: &[Wire<L>], out: &mut [Wire<L>]) -> Result<(), SessionError> {
        self.labels.clear();
        self.labels.extend(a.iter().zip(b).map(|(a, b)| [a.blocks(), b.blocks()]));
        let AtHand { chunk, kernel, next, .. } = &mut self.at_hand;
        let gates = Gates { chunk, first: *next, labels: &self.labels };
        let results = &mut self.results[..out.len()];
        self.machine.gates(kernel, &gates, results)?;
        *next += out.len();
        for (((out, result), a), b) in out.iter_mut().zip(results).zip(a).zip(b) {
            *out = Wire::new(*result, self.trace.gate([a.form, b.form]));
        }
        Ok(())
    }
}

impl<const N: usize, const L: usize, M: Machine<N, L>> Fancy for SecondPass<'_, N, L, M> {
    type Wire = Wire<L>;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Wire<L>], b: &[Wire<L>], out: &mut [Wire<L>]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let mut done = 0;
        while done < out.len() {
            if self.at_hand.left() == 0 {
                self.turn()?;
            }
            let n = self.at_hand.left().min(GROUP - self.at_hand.next % GROUP);
            let range = done..out.len().min(done + n);
            done = range.end;
            self.gates(&a[range.clone()], &b[range.clone()], &mut out[range])?;
        }
        Ok(())
    }

    fn xor(&mut self, a: Wire<L>, b: Wire<L>) -> Wire<L> {
        a ^ b
    }

    fn not(&mut self, a: Wire<L>) -> Wire<L> {
        a.negated(self.machine.not(a.blocks()))
    }

    fn constant(&mut self, bit: bool) -> Wire<L> {
        Wire::constant(self.machine.known(&mut self.at_hand.kernel, bit), bit)
    }
}

/// The input streams of the second pass: labels of the Λ that were revealed.
struct KnownInputs;

impl<'f, const N: usize, const L: usize, M: Machine<N, L>> inputs::Inputs<SecondPass<'f, N, L, M>>
    for KnownInputs
{
    fn read_into(
        &mut self,
        f: &mut SecondPass<'f, N, L, M>,
        stream: usize,
        wires: &mut [Wire<L>],
    ) -> Result<(), SessionError> {
        for wire in wires {
            let value = f.machine.value(stream).ok_or(SessionError::Unsteady)?;
            *wire = Wire::new(f.machine.known(&mut f.at_hand.kernel, value), f.trace.input(stream));
        }
        Ok(())
    }
}
