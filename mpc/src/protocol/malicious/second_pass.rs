//! The second pass over a program: garbling at one party, evaluation at the other, chunk after chunk.
//!
//! ```text
//! begin a chunk    random bits ─► first pass ─► products, coin, openings ─► keys
//! gates            tables, group by group
//! end a chunk      first pass = second pass? ─► report ─► checks (1), (2)
//! ```
//!
//! A chunk ends when the program asks for a gate more, and the last one with the program; the first pass
//! changes chunks at the same places. A wire is a label, with the form that ties it to the first pass
//! (`trace`). Nothing is opened in mid-program: outputs follow the checks of the last chunk.
//!
//! What differs between the parties is in a [`Kernel`].

use std::thread;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::authenticated_bits::Shares;
use super::buckets::MacDigests;
use super::checks::Transcribed;
use super::chunk::Chunk;
use super::error::SessionError;
use super::gates::{Done, GROUP, Gates, Kernel};
use super::hand_over::{FirstPass, Here, hand_over};
use super::inputs::{Entry, Inputs};
use super::masks::Noted;
use super::party::{Party, Preparation};
use super::trace::{Trace, Wire};
use crate::channel::Channel;
use crate::program::Program;
use crate::{Bits, Block, Fancy, inputs};

/// What a party executes.
pub(super) struct Task<'p, P> {
    pub(super) program: &'p P,
    pub(super) inputs: Inputs<'p>,
    /// The attempt, counted from 0.
    pub(super) attempt: u32,
}

/// What a party has before outputs: of each output, Λ and the share of λ.
pub(super) struct Masked {
    pub(super) values: Bits,
    pub(super) masks: Shares,
}

/// Runs both passes.
///
/// # Errors
/// If the inputs do not match the program, the connection fails, or the peer is caught deviating.
pub(super) fn execute<P: Program + Sync, C: Channel>(
    party: &mut Party,
    channel: &mut Transcribed<C>,
    task: &Task<'_, P>,
    kernel: impl Kernel,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Masked, SessionError> {
    let input_streams = task.program.shape().input_streams;
    let entry = Entry::new(party.own.role, &input_streams, (task.inputs, task.attempt))?;
    let chunks = party.agreed.chunks.count();
    let preparation = Preparation { party, channel, rng, entry };
    if chunks == 1 {
        return SecondPass::new(preparation, Here(task.program), kernel).run(task.program);
    }
    thread::scope(|scope| {
        let (there, worker) = hand_over();
        scope.spawn(move || worker.work(task.program));
        SecondPass::new(preparation, there, kernel).run(task.program)
    })
}

/// The interpreter of the second pass.
struct SecondPass<'s, C, R, F, K> {
    preparation: Preparation<'s, Transcribed<C>, R>,
    first: F,
    kernel: K,
    /// The chunk at hand, the digests of its openings, and what the first pass was at its end.
    chunk: Chunk,
    digests: MacDigests,
    noted: [u64; 3],
    /// The number of the next chunk, and of the next gate in the one at hand.
    next_chunk: u64,
    next: usize,
    trace: Trace,
    /// The masks of the outputs, with the last chunk.
    outputs: Option<Shares>,
    /// Labels on their way to and from the kernel.
    labels: Zeroizing<Vec<[Block; 2]>>,
    results: Zeroizing<Vec<Block>>,
}

impl<'s, C, R, F, K> SecondPass<'s, C, R, F, K>
where
    C: Channel,
    R: RngCore + CryptoRng,
    F: FirstPass<Transcribed<C>, R>,
    K: Kernel,
{
    fn new(preparation: Preparation<'s, Transcribed<C>, R>, first: F, kernel: K) -> Self {
        Self {
            preparation,
            first,
            kernel,
            chunk: Chunk::default(),
            digests: MacDigests::default(),
            noted: [0; 3],
            next_chunk: 0,
            next: 0,
            trace: Trace::default(),
            outputs: None,
            labels: Zeroizing::new(Vec::with_capacity(GROUP)),
            results: Zeroizing::new(vec![Block::ZERO; GROUP]),
        }
    }

    fn run(mut self, program: &impl Program) -> Result<Masked, SessionError> {
        self.begin()?;
        let mut outputs = Vec::new();
        program.run(&mut self, &mut KnownInputs, &mut outputs)?;
        self.trace.outputs(&outputs);
        let labels: Vec<Block> = outputs.iter().map(|wire| label(*wire)).collect();
        let values = self.end(&labels)?;
        // Missing if the program was to have further chunks.
        let masks = self.outputs.take().ok_or(SessionError::Unsteady)?;
        Ok(Masked { values, masks })
    }

    /// Prepares the next chunk.
    fn begin(&mut self) -> Result<(), SessionError> {
        let memory = core::mem::take(&mut self.chunk);
        let chunk = self.preparation.draw(self.next_chunk, memory)?;
        let (Noted { mut chunk, trace }, outputs) = self.first.note(&mut self.preparation, chunk)?;
        self.next_chunk += 1;
        let is_last = self.next_chunk == self.preparation.party.agreed.chunks.count();
        if is_last != outputs.is_some() {
            return Err(SessionError::Unsteady);
        }
        self.digests = self.preparation.multiply(&mut chunk)?;
        let Preparation { party, channel, rng, .. } = &mut self.preparation;
        self.kernel.begin(party, *channel, *rng)?;
        (self.chunk, self.noted, self.outputs, self.next) = (chunk, trace, outputs, 0);
        Ok(())
    }

    /// Ends the chunk at hand; returns Λ of the outputs.
    fn end(&mut self, outputs: &[Block]) -> Result<Bits, SessionError> {
        if self.next != self.chunk.extent().gates {
            return Err(SessionError::Unsteady);
        }
        self.trace.compare(self.noted)?;
        let Preparation { party, channel, .. } = &mut self.preparation;
        let done = Done { party, chunk: &self.chunk, digests: &self.digests, outputs };
        self.kernel.end(&done, channel)
    }

    /// Garbles or evaluates gates of one group.
    fn gates(&mut self, a: &[Wire<1>], b: &[Wire<1>], out: &mut [Wire<1>]) -> Result<(), SessionError> {
        self.labels.clear();
        self.labels.extend(a.iter().zip(b).map(|(a, b)| [label(*a), label(*b)]));
        let Preparation { party, channel, .. } = &mut self.preparation;
        let gates = Gates { party, chunk: &self.chunk, first: self.next, labels: &self.labels };
        let results = &mut self.results[..out.len()];
        self.kernel.gates(&gates, *channel, results)?;
        self.next += out.len();
        for (((out, result), a), b) in out.iter_mut().zip(results).zip(a).zip(b) {
            *out = Wire::new([*result], self.trace.gate([a.form, b.form]));
        }
        Ok(())
    }
}

fn label(wire: Wire<1>) -> Block {
    let [label] = wire.blocks();
    label
}

impl<C, R, F, K> Fancy for SecondPass<'_, C, R, F, K>
where
    C: Channel,
    R: RngCore + CryptoRng,
    F: FirstPass<Transcribed<C>, R>,
    K: Kernel,
{
    type Wire = Wire<1>;
    type Error = SessionError;

    fn and_n(&mut self, a: &[Wire<1>], b: &[Wire<1>], out: &mut [Wire<1>]) -> Result<(), SessionError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let mut done = 0;
        while done < out.len() {
            if self.next == self.chunk.extent().gates {
                if self.outputs.is_some() {
                    return Err(SessionError::Unsteady);
                }
                self.end(&[])?;
                self.begin()?;
            }
            let n = (self.chunk.extent().gates - self.next).min(GROUP - self.next % GROUP);
            let range = done..out.len().min(done + n);
            done = range.end;
            self.gates(&a[range.clone()], &b[range.clone()], &mut out[range])?;
        }
        Ok(())
    }

    fn xor(&mut self, a: Wire<1>, b: Wire<1>) -> Wire<1> {
        a ^ b
    }

    fn not(&mut self, a: Wire<1>) -> Wire<1> {
        a.negated([K::not(self.preparation.party, label(a))])
    }

    fn constant(&mut self, bit: bool) -> Wire<1> {
        Wire::constant([self.kernel.known(self.preparation.party, bit)], bit)
    }
}

/// The input streams of the second pass: labels of the Λ that were told.
struct KnownInputs;

impl<C, R, F, K> inputs::Inputs<SecondPass<'_, C, R, F, K>> for KnownInputs
where
    C: Channel,
    R: RngCore + CryptoRng,
    F: FirstPass<Transcribed<C>, R>,
    K: Kernel,
{
    fn read_into(
        &mut self,
        f: &mut SecondPass<'_, C, R, F, K>,
        stream: usize,
        wires: &mut [Wire<1>],
    ) -> Result<(), SessionError> {
        for wire in wires {
            let value = f.preparation.entry.value(stream).ok_or(SessionError::Unsteady)?;
            *wire = Wire::new([f.kernel.known(f.preparation.party, value)], f.trace.input(stream));
        }
        Ok(())
    }
}
