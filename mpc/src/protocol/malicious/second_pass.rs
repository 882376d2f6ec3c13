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
pub(super) fn execute<K: Kernel, P: Program + Sync, C: Channel>(
    party: &mut Party,
    channel: &mut Transcribed<C>,
    task: &Task<'_, P>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Masked, SessionError> {
    let Task { program, inputs, attempt } = *task;
    let entry = Entry::new(party.own.role, &program.shape().input_streams, (inputs, attempt))?;
    let chunks = party.agreed.chunks.count();
    let preparation = Preparation { party, channel, rng, entry };
    if chunks == 1 {
        return SecondPass::<_, _, _, K>::begin(preparation, Here(program))?.run(program);
    }
    thread::scope(|scope| {
        let (there, worker) = hand_over();
        scope.spawn(move || worker.work(program));
        SecondPass::<_, _, _, K>::begin(preparation, there)?.run(program)
    })
}

/// The interpreter of the second pass.
struct SecondPass<'s, C, R, F, K> {
    preparation: Preparation<'s, Transcribed<C>, R>,
    first: F,
    at_hand: AtHand<K>,
    trace: Trace,
    /// Labels on their way to and from the kernel.
    labels: Zeroizing<Vec<[Block; 2]>>,
    results: Zeroizing<Vec<Block>>,
}

/// The chunk whose gates are garbled or evaluated.
struct AtHand<K> {
    chunk: Chunk,
    kernel: K,
    /// The digests of its openings.
    digests: MacDigests,
    /// What the first pass was at the end of the chunk.
    noted: [u64; 3],
    /// The masks of the outputs, with the last chunk.
    outputs: Option<Shares>,
    /// The number of the next gate.
    next: usize,
}

impl<K> AtHand<K> {
    /// The number of gates that are left.
    fn left(&self) -> usize {
        self.chunk.extent().gates - self.next
    }
}

/// Prepares chunk `number`, in the memory of one that is no longer needed.
fn prepare<C: Channel, R: RngCore + CryptoRng, K: Kernel>(
    preparation: &mut Preparation<'_, Transcribed<C>, R>,
    first: &mut impl FirstPass<Transcribed<C>, R>,
    (number, memory): (u64, Chunk),
) -> Result<AtHand<K>, SessionError> {
    let chunk = preparation.draw(number, memory)?;
    let (Noted { mut chunk, trace }, outputs) = first.note(preparation, chunk)?;
    let is_last = number + 1 == preparation.party.agreed.chunks.count();
    if is_last != outputs.is_some() {
        return Err(SessionError::Unsteady);
    }
    let digests = preparation.multiply(&mut chunk)?;
    let Preparation { party, channel, rng, .. } = preparation;
    let kernel = K::begin(party, chunk.extent().gates, *channel, *rng)?;
    Ok(AtHand { chunk, kernel, digests, noted: trace, outputs, next: 0 })
}

impl<'s, C, R, F, K> SecondPass<'s, C, R, F, K>
where
    C: Channel,
    R: RngCore + CryptoRng,
    F: FirstPass<Transcribed<C>, R>,
    K: Kernel,
{
    /// Prepares the first chunk.
    fn begin(
        mut preparation: Preparation<'s, Transcribed<C>, R>,
        mut first: F,
    ) -> Result<Self, SessionError> {
        let at_hand = prepare(&mut preparation, &mut first, (0, Chunk::default()))?;
        let labels = Zeroizing::new(Vec::with_capacity(GROUP));
        let results = Zeroizing::new(vec![Block::ZERO; GROUP]);
        Ok(Self { preparation, first, at_hand, trace: Trace::default(), labels, results })
    }

    fn run(mut self, program: &impl Program) -> Result<Masked, SessionError> {
        let mut outputs = Vec::new();
        program.run(&mut self, &mut KnownInputs, &mut outputs)?;
        self.trace.outputs(&outputs);
        let labels: Vec<Block> = outputs.iter().map(|wire| label(*wire)).collect();
        let values = self.end(&labels)?;
        // Missing if the program was to have further chunks.
        let masks = self.at_hand.outputs.ok_or(SessionError::Unsteady)?;
        Ok(Masked { values, masks })
    }

    /// Ends the chunk at hand; returns Λ of the outputs.
    fn end(&mut self, outputs: &[Block]) -> Result<Bits, SessionError> {
        if self.at_hand.left() > 0 {
            return Err(SessionError::Unsteady);
        }
        let AtHand { chunk, kernel, digests, noted, .. } = &mut self.at_hand;
        self.trace.compare(*noted)?;
        let Preparation { party, channel, .. } = &mut self.preparation;
        kernel.end(&Done { party, chunk, digests, outputs }, channel)
    }

    /// Ends the chunk at hand, and prepares the next one.
    fn turn(&mut self) -> Result<(), SessionError> {
        if self.at_hand.outputs.is_some() {
            return Err(SessionError::Unsteady);
        }
        self.end(&[])?;
        let memory = core::mem::take(&mut self.at_hand.chunk);
        let next = memory.extent().number + 1;
        self.at_hand = prepare(&mut self.preparation, &mut self.first, (next, memory))?;
        Ok(())
    }

    /// Garbles or evaluates gates of one group.
    fn gates(&mut self, a: &[Wire<1>], b: &[Wire<1>], out: &mut [Wire<1>]) -> Result<(), SessionError> {
        self.labels.clear();
        self.labels.extend(a.iter().zip(b).map(|(a, b)| [label(*a), label(*b)]));
        let Preparation { party, channel, .. } = &mut self.preparation;
        let AtHand { chunk, kernel, next, .. } = &mut self.at_hand;
        let gates = Gates { party, chunk, first: *next, labels: &self.labels };
        let results = &mut self.results[..out.len()];
        kernel.gates(&gates, *channel, results)?;
        *next += out.len();
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

    fn xor(&mut self, a: Wire<1>, b: Wire<1>) -> Wire<1> {
        a ^ b
    }

    fn not(&mut self, a: Wire<1>) -> Wire<1> {
        a.negated([K::not(self.preparation.party, label(a))])
    }

    fn constant(&mut self, bit: bool) -> Wire<1> {
        Wire::constant([self.at_hand.kernel.known(self.preparation.party, bit)], bit)
    }
}

/// The input streams of the second pass: labels of the Λ that were revealed.
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
            *wire = Wire::new([f.at_hand.kernel.known(f.preparation.party, value)], f.trace.input(stream));
        }
        Ok(())
    }
}
