//! Transfer of input labels while the program runs.
//!
//! ```text
//!   evaluator                                             garbler
//!   corrections for the first bits of every stream ──────►             one batch, before the keys
//!                                      ◄────────────────── tables      … until a stream needs more labels
//!   has used all tables                                    has sent all tables
//!   corrections for that stream's next bits ─────────────►
//!                                      ◄────────────────── tables      and so on
//! ```
//!
//! The garbler's own bits and shares need no message: both parties draw their labels from the public stream
//! when the program reads them. The labels of the evaluator's bits and shares come from correlated oblivious
//! transfers. Each stream has some labels prefetched. When a stream has used them up, one more call transfers
//! its next ones. Both parties run the same program, so both reach this point after the same table. There the
//! garbler sends the tables that it has buffered and then only reads, and the evaluator has used all tables
//! and only writes. Data flows in one direction at a time, so the parties never wait for each other to drain
//! a full socket. A program with few inputs gets all its labels in the first batch; every refill costs one
//! round trip.
//!
//! **Several calls are as secure as one.** All calls of a session use positions of the same streams, none of
//! them twice (`ot::vole`), under the same `Δ`; against a malicious peer each call has its own check and its
//! own sacrificed transfers. The set-up and the position of a transfer determine its label pair `{q, q ⊕ Δ}`;
//! the choice only decides which of the two is the false label. So label pairs of later batches do not depend
//! on the gate keys, even though these are drawn after the first batch.
//!
//! Guaranteed: a party holds at most [`LABELS`] labels in all lanes together beyond what a single read of the program asks
//! for, unless it has more than 8,192 streams, and the garbler wipes its labels. Not guaranteed: how many wires the program itself keeps.

use zeroize::Zeroizing;

use crate::channel::Channel;
use crate::evaluate::Evaluation;
use crate::garble::{Garbling, StreamError};
use crate::inputs::{Holder, InputStream, Inputs, starts};
use crate::ot::{OtError, Receiver, Sender};
use crate::program::Shape;
use crate::programs::Part;
use crate::{Bits, Block};

/// The largest number of prefetched labels, over all streams and lanes.
const LABELS: usize = 1 << 20;
/// The largest number of prefetched labels of one stream.
const CHUNK: usize = 1 << 18;
/// The smallest number of prefetched labels of one stream: one block of transfers.
const LEAST: usize = 128;

/// The number of labels that a session prefetches for each stream if this many streams need transfers.
///
/// ```
/// use sotto_mpc::protocol::semi_honest::prefetched_labels;
///
/// assert_eq!(prefetched_labels(1), 1 << 18);
/// assert_eq!(prefetched_labels(64), 1 << 14);
/// ```
#[must_use]
pub fn prefetched_labels(input_streams: usize) -> usize {
    (LABELS / input_streams.max(1)).clamp(LEAST, CHUNK)
}

/// What a lane reads, and a party's bits of it.
pub(super) struct LaneInputs<'b> {
    input_streams: Vec<InputStream>,
    bits: &'b Bits,
    /// The number of streams of all lanes that need transfers: they share the labels that a party holds.
    transferred: usize,
}

impl<'b> LaneInputs<'b> {
    /// What the only lane of a session reads.
    pub(super) fn of_session(input_streams: Vec<InputStream>, bits: &'b Bits) -> Self {
        Self { transferred: transferred(&input_streams), input_streams, bits }
    }

    /// What a lane reads that runs this part of a program.
    pub(super) fn of_part(part: &'b Part, program: &Shape) -> Self {
        let input_streams = part.shape.input_streams.clone();
        Self { input_streams, bits: &part.bits, transferred: transferred(&program.input_streams) }
    }
}

fn transferred(input_streams: &[InputStream]) -> usize {
    input_streams.iter().filter(|stream| stream.holder.includes_evaluator()).count()
}

/// The prefetched labels of the evaluator's bits, stream by stream.
struct Labels {
    /// The number of labels to prefetch for each stream.
    ahead: usize,
    input_streams: Vec<Prefetched>,
}

struct Prefetched {
    /// The number of bits that are not transferred yet.
    left: usize,
    labels: Zeroizing<Vec<Block>>,
    /// The index of the first unused label.
    next: usize,
}

impl Labels {
    fn new(input_streams: &[InputStream], transferred: usize) -> Self {
        let ahead = prefetched_labels(transferred);
        let none = |stream: &InputStream| Prefetched {
            left: if stream.holder.includes_evaluator() { stream.bits } else { 0 },
            labels: Zeroizing::default(),
            next: 0,
        };
        Self { ahead, input_streams: input_streams.iter().map(none).collect() }
    }

    /// The number of transfers of each stream in the first batch.
    fn first(&self) -> Vec<usize> {
        self.input_streams.iter().map(|stream| stream.left.min(self.ahead)).collect()
    }

    /// Stores the labels of the first batch.
    fn begin(&mut self, first: Vec<usize>, labels: Zeroizing<Vec<Block>>) {
        let mut labels = labels.iter();
        for (stream, n) in self.input_streams.iter_mut().zip(first) {
            stream.labels.extend(labels.by_ref().take(n));
            stream.left -= n;
        }
    }

    /// Fills `into` with the next labels of a stream; `fetch` transfers more when none are left. A large read
    /// is fetched at once, because the program holds as many wires itself.
    fn take<E>(
        &mut self,
        stream: usize,
        mut into: &mut [Block],
        mut fetch: impl FnMut(usize) -> Result<Vec<Block>, E>,
    ) -> Result<(), E> {
        let Prefetched { left, labels, next } = &mut self.input_streams[stream];
        while !into.is_empty() {
            if *next == labels.len() {
                let n = (*left).min(self.ahead.max(into.len()));
                assert!(n > 0, "a program reads no more than its shape declares");
                // Wipe the old labels before fetching new ones.
                *labels = Zeroizing::default();
                (*labels, *next, *left) = (Zeroizing::new(fetch(n)?), 0, *left - n);
            }
            let n = into.len().min(labels.len() - *next);
            let (now, later) = into.split_at_mut(n);
            now.copy_from_slice(&labels[*next..*next + n]);
            (*next, into) = (*next + n, later);
        }
        Ok(())
    }

    #[cfg(test)]
    fn unused(&self) -> usize {
        self.input_streams.iter().map(|stream| stream.labels.len() - stream.next).sum()
    }
}

/// A party's own bits, and how far each stream is used.
struct OwnBits<'b> {
    bits: &'b Bits,
    next: Vec<usize>,
}

impl<'b> OwnBits<'b> {
    fn new(input_streams: &[InputStream], bits: &'b Bits, holds: fn(Holder) -> bool) -> Self {
        Self { bits, next: starts(input_streams, holds) }
    }

    /// The next `n` bits of a stream.
    fn take(&mut self, stream: usize, n: usize) -> impl Iterator<Item = bool> + '_ {
        let from = self.next[stream];
        self.next[stream] += n;
        self.bits.iter_from(from).take(n)
    }
}

/// The garbler's input wires.
pub(super) struct GarblerInputs<'s> {
    input_streams: Vec<InputStream>,
    ot: &'s mut Sender,
    own: OwnBits<'s>,
    theirs: Labels,
}

impl<'s> GarblerInputs<'s> {
    /// Performs the transfers of the first batch.
    ///
    /// # Errors
    /// If oblivious transfer fails.
    pub(super) fn begin(
        LaneInputs { input_streams, bits, transferred }: LaneInputs<'s>,
        ot: &'s mut Sender,
        channel: &mut impl Channel,
    ) -> Result<Self, OtError> {
        let mut theirs = Labels::new(&input_streams, transferred);
        let first = theirs.first();
        let labels = ot.send_correlated(channel, first.iter().sum())?;
        theirs.begin(first, Zeroizing::new(labels));
        let own = OwnBits::new(&input_streams, bits, Holder::includes_garbler);
        Ok(Self { input_streams, ot, own, theirs })
    }
}

impl<C: Channel> Inputs<Garbling<'_, C>> for GarblerInputs<'_> {
    fn read_into(
        &mut self,
        f: &mut Garbling<'_, C>,
        stream: usize,
        wires: &mut [Block],
    ) -> Result<(), StreamError> {
        let (holder, n) = (self.input_streams[stream].holder, wires.len());
        if holder.includes_evaluator() {
            let ot = &mut *self.ot;
            self.theirs.take(stream, wires, |n| {
                let channel = f.pause()?;
                Ok::<_, StreamError>(ot.send_correlated(channel, n)?)
            })?;
        } else {
            wires.fill(Block::ZERO);
        }
        if holder.includes_garbler() {
            for (wire, bit) in wires.iter_mut().zip(self.own.take(stream, n)) {
                *wire ^= f.known(bit);
            }
        }
        Ok(())
    }
}

/// The evaluator's input wires.
pub(super) struct EvaluatorInputs<'s> {
    input_streams: Vec<InputStream>,
    ot: &'s mut Receiver,
    own: OwnBits<'s>,
    labels: Labels,
}

impl<'s> EvaluatorInputs<'s> {
    /// Performs the transfers of the first batch.
    ///
    /// # Errors
    /// If oblivious transfer fails.
    pub(super) fn begin(
        LaneInputs { input_streams, bits, transferred }: LaneInputs<'s>,
        ot: &'s mut Receiver,
        channel: &mut impl Channel,
    ) -> Result<Self, OtError> {
        let (mut own, mut labels) = (
            OwnBits::new(&input_streams, bits, Holder::includes_evaluator),
            Labels::new(&input_streams, transferred),
        );
        let first = labels.first();
        let mut choices = Zeroizing::new(Vec::with_capacity(first.iter().sum()));
        first.iter().enumerate().for_each(|(stream, n)| choices.extend(own.take(stream, *n)));
        labels.begin(first, Zeroizing::new(ot.receive_correlated(channel, &choices)?));
        Ok(Self { input_streams, ot, own, labels })
    }
}

impl<C: Channel> Inputs<Evaluation<'_, C>> for EvaluatorInputs<'_> {
    fn read_into(
        &mut self,
        f: &mut Evaluation<'_, C>,
        stream: usize,
        wires: &mut [Block],
    ) -> Result<(), StreamError> {
        let holder = self.input_streams[stream].holder;
        if holder.includes_evaluator() {
            let Self { ot, own, .. } = self;
            self.labels.take(stream, wires, |n| {
                let mut choices = Zeroizing::new(Vec::with_capacity(n));
                choices.extend(own.take(stream, n));
                Ok::<_, StreamError>(ot.receive_correlated(f.pause()?, &choices)?)
            })?;
        } else {
            wires.fill(Block::ZERO);
        }
        if holder.includes_garbler() {
            wires.iter_mut().for_each(|wire| *wire ^= f.known());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
