//! Input labels, fetched as the program asks for them.
//!
//! ```text
//!   evaluator                                             garbler
//!   corrections of the first bits of every strand ──────►              one batch, before the keys
//!                                      ◄────────────────── tables       …until a strand runs dry
//!   used all tables                                        sent all tables
//!   corrections of that strand's next bits ─────────────►
//!                                      ◄────────────────── tables       and so on
//! ```
//!
//! The garbler's own bits (and its shares) need no message: their labels are drawn from the public stream when the program asks.
//! A label for the evaluator's bit (or share) comes from a correlated transfer. Each strand has a few in hand; when they are used
//! up, the next come in one more call. Both sides run the same program, so both arrive there after the same table. The garbler
//! sends what tables it holds and then only reads, the evaluator has used all of them and then only writes: one direction at a
//! time, so nobody waits for room in a socket that the other does not read from. A program with few inputs has all its labels in the
//! first batch. A refill costs a round trip.
//!
//! **Several calls are as good as one.** All calls of a session take positions of the same streams, none twice (`ot::vole`), under
//! the same Δ; a call against a peer that deviates has its own check and its own sacrificed transfers. What the label pair
//! `{q, q ⊕ Δ}` of a transfer is, follows from the set-up and its position; the choice only says which of the two is the false
//! label. So although the keys of the gates are drawn after the first batch only, no label pair of a later one can depend on them.
//!
//! Guaranteed: labels in hand are at most [`LABELS`] beyond what one call of the program asks for; those of the garbler are wiped.
//! Not guaranteed: how many wires the program itself keeps.

use zeroize::Zeroizing;

use crate::channel::Channel;
use crate::evaluate::Evaluation;
use crate::garble::{Garbling, StreamError};
use crate::inputs::{Inputs, Place, Strand, starts};
use crate::ot::{OtError, Receiver, Sender};
use crate::{Bits, Block};

/// Labels of all strands together that are fetched ahead, at most.
const LABELS: usize = 1 << 20;
/// Labels of a strand that are fetched ahead, at most.
const CHUNK: usize = 1 << 18;
/// Labels of a strand that are fetched ahead however many strands there are: a block of transfers.
const LEAST: usize = 128;

/// Labels of a strand that are fetched ahead if so many strands need transfers.
#[must_use]
pub fn labels_ahead(strands: usize) -> usize {
    (LABELS / strands.max(1)).clamp(LEAST, CHUNK)
}

/// Labels of the evaluator's bits that are in hand, strand by strand.
struct Labels {
    ahead: usize,
    strands: Vec<InHand>,
}

struct InHand {
    /// Bits that are not transferred yet.
    left: usize,
    labels: Zeroizing<Vec<Block>>,
    /// The first label that is not used.
    next: usize,
}

impl Labels {
    fn new(strands: &[Strand]) -> Self {
        let ahead = labels_ahead(strands.iter().filter(|strand| strand.place.at_evaluator()).count());
        let none = |strand: &Strand| InHand {
            left: if strand.place.at_evaluator() { strand.bits } else { 0 },
            labels: Zeroizing::default(),
            next: 0,
        };
        Self { ahead, strands: strands.iter().map(none).collect() }
    }

    /// Transfers of each strand in the first batch.
    fn first(&self) -> Vec<usize> {
        self.strands.iter().map(|strand| strand.left.min(self.ahead)).collect()
    }

    /// Takes the labels of the first batch.
    fn begin(&mut self, first: Vec<usize>, labels: Zeroizing<Vec<Block>>) {
        let mut labels = labels.iter();
        for (strand, n) in self.strands.iter_mut().zip(first) {
            strand.labels.extend(labels.by_ref().take(n));
            strand.left -= n;
        }
    }

    /// The next labels of a strand; `fetch` gives so many more when there are none in hand. What a program asks for at once is also
    /// fetched at once: it holds as many wires itself.
    fn take<E>(
        &mut self,
        strand: usize,
        mut into: &mut [Block],
        mut fetch: impl FnMut(usize) -> Result<Vec<Block>, E>,
    ) -> Result<(), E> {
        let InHand { left, labels, next } = &mut self.strands[strand];
        while !into.is_empty() {
            if *next == labels.len() {
                let n = (*left).min(self.ahead.max(into.len()));
                assert!(n > 0, "a program takes no more than its shape says");
                // The old ones are wiped before the new ones come.
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
    fn in_hand(&self) -> usize {
        self.strands.iter().map(|strand| strand.labels.len() - strand.next).sum()
    }
}

/// A party's own bits, strand by strand, and how far each is used.
struct Own<'b> {
    bits: &'b Bits,
    next: Vec<usize>,
}

impl<'b> Own<'b> {
    fn new(strands: &[Strand], bits: &'b Bits, has: fn(Place) -> bool) -> Self {
        Self { bits, next: starts(strands, has) }
    }

    /// The next `n` bits of a strand.
    fn take(&mut self, strand: usize, n: usize) -> impl Iterator<Item = bool> + '_ {
        let from = self.next[strand];
        self.next[strand] += n;
        self.bits.iter_from(from).take(n)
    }
}

/// The garbler's inputs.
pub(super) struct Garbled<'s> {
    strands: Vec<Strand>,
    ot: &'s mut Sender,
    own: Own<'s>,
    theirs: Labels,
}

impl<'s> Garbled<'s> {
    /// Takes the first labels of all strands.
    ///
    /// # Errors
    /// If transfers fail.
    pub(super) fn begin(
        strands: Vec<Strand>,
        ot: &'s mut Sender,
        channel: &mut impl Channel,
        bits: &'s Bits,
    ) -> Result<Self, OtError> {
        let mut theirs = Labels::new(&strands);
        let first = theirs.first();
        let labels = ot.send_correlated(channel, first.iter().sum())?;
        theirs.begin(first, Zeroizing::new(labels));
        let own = Own::new(&strands, bits, Place::at_garbler);
        Ok(Self { strands, ot, own, theirs })
    }
}

impl<C: Channel> Inputs<Garbling<'_, C>> for Garbled<'_> {
    fn take(
        &mut self,
        f: &mut Garbling<'_, C>,
        strand: usize,
        wires: &mut [Block],
    ) -> Result<(), StreamError> {
        let (place, n) = (self.strands[strand].place, wires.len());
        if place.at_evaluator() {
            let ot = &mut *self.ot;
            self.theirs.take(strand, wires, |n| {
                let channel = f.pause()?;
                Ok::<_, StreamError>(ot.send_correlated(channel, n)?)
            })?;
        } else {
            wires.fill(Block::ZERO);
        }
        if place.at_garbler() {
            for (wire, bit) in wires.iter_mut().zip(self.own.take(strand, n)) {
                *wire ^= f.known(bit);
            }
        }
        Ok(())
    }
}

/// The evaluator's inputs.
pub(super) struct Evaluated<'s> {
    strands: Vec<Strand>,
    ot: &'s mut Receiver,
    own: Own<'s>,
    labels: Labels,
}

impl<'s> Evaluated<'s> {
    /// Fetches the first labels of all strands.
    ///
    /// # Errors
    /// If transfers fail.
    pub(super) fn begin(
        strands: Vec<Strand>,
        ot: &'s mut Receiver,
        channel: &mut impl Channel,
        bits: &'s Bits,
    ) -> Result<Self, OtError> {
        let (mut own, mut labels) = (Own::new(&strands, bits, Place::at_evaluator), Labels::new(&strands));
        let first = labels.first();
        let mut choices = Zeroizing::new(Vec::with_capacity(first.iter().sum()));
        first.iter().enumerate().for_each(|(strand, n)| choices.extend(own.take(strand, *n)));
        labels.begin(first, Zeroizing::new(ot.receive_correlated(channel, &choices)?));
        Ok(Self { strands, ot, own, labels })
    }
}

impl<C: Channel> Inputs<Evaluation<'_, C>> for Evaluated<'_> {
    fn take(
        &mut self,
        f: &mut Evaluation<'_, C>,
        strand: usize,
        wires: &mut [Block],
    ) -> Result<(), StreamError> {
        let place = self.strands[strand].place;
        if place.at_evaluator() {
            let Self { ot, own, .. } = self;
            self.labels.take(strand, wires, |n| {
                let mut choices = Zeroizing::new(Vec::with_capacity(n));
                choices.extend(own.take(strand, n));
                Ok::<_, StreamError>(ot.receive_correlated(f.pause()?, &choices)?)
            })?;
        } else {
            wires.fill(Block::ZERO);
        }
        if place.at_garbler() {
            wires.iter_mut().for_each(|wire| *wire ^= f.known());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
