//! The evaluator's interpreter: a wire is its active label, and tables are used as they arrive.
//!
//! ```text
//! XOR    C = A ⊕ B        NOT    C = A        AND    from the labels and the table; see `backend/portable`
//!                                                    and `backend/three_halves`
//! ```
//!
//! The evaluator cannot tell which bit a label encodes; it follows the table rows that the lowest bits of the
//! labels select. Evaluation succeeds with any tables. Whether the labels at the end are labels that the
//! garbler made is checked with the outputs.
//!
//! Memory: one buffer of 64 KiB of bytes, and with three halves as much of tables, however long the program.

use crate::Block;
use crate::backend::{
    Ahead, Backend, EvaluateContext, EvaluateScratch, GateWires, HalvesTable, Packed, Table,
};
use crate::channel::{Channel, Phase};
use crate::fancy::Fancy;
use crate::garble::{Scheme, StreamError};
use crate::keys::SessionKeys;

const TABLE: usize = size_of::<Table>();
/// The bytes of tables that are read at once.
const BUFFER: usize = 2048 * TABLE;

/// How bytes become tables.
enum Tables {
    HalfGates(Ahead),
    ThreeHalves { packed: Packed, tables: Box<[HalvesTable]>, scratch: Box<EvaluateScratch> },
}

impl Tables {
    fn new(scheme: Scheme) -> Self {
        match scheme {
            Scheme::HalfGates => Self::HalfGates(Ahead::default()),
            Scheme::ThreeHalves => Self::ThreeHalves {
                packed: Packed::default(),
                tables: vec![HalvesTable::default(); 2048].into(),
                scratch: Box::default(),
            },
        }
    }

    /// The bytes of the next table.
    const fn next_bytes(&self) -> usize {
        match self {
            Self::HalfGates(_) => TABLE,
            Self::ThreeHalves { packed, .. } => packed.next_bytes(),
        }
    }
}

/// The interpreter that evaluates a program garbled by the peer of a channel.
pub struct Evaluation<'s, C> {
    backend: Backend,
    keys: &'s mut SessionKeys,
    channel: &'s mut C,
    /// `buffer[start..end]` is received and unused.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    tables: Tables,
}

impl<'s, C: Channel> Evaluation<'s, C> {
    /// An interpreter that evaluates half gates under the garbler's keys.
    pub fn new(backend: Backend, keys: &'s mut SessionKeys, channel: &'s mut C) -> Self {
        let (buffer, tables) = (vec![0; BUFFER].into(), Tables::new(Scheme::HalfGates));
        Self { backend, keys, channel, buffer, start: 0, end: 0, tables }
    }

    /// This interpreter before its first gate, with another scheme.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { tables: Tables::new(scheme), ..self }
    }

    /// The wire of a bit that the garbler knows: its input, or a constant.
    pub fn known(&mut self) -> Block {
        self.keys.labels.draw()
    }

    /// Checks that no table is left over.
    ///
    /// # Errors
    /// If the garbler sent more tables than the program has gates.
    pub fn finish(mut self) -> Result<(), StreamError> {
        self.pause().map(|_| ())
    }

    /// Checks that no received table is left over, nor a bit of one, and lends the channel for other messages.
    pub(crate) fn pause(&mut self) -> Result<&mut C, StreamError> {
        self.end_group()?;
        if self.start == self.end { Ok(self.channel) } else { Err(StreamError::SurplusTables) }
    }

    /// Checks that no bit of the last group of tables is left over; later groups may have been received already.
    pub(crate) fn end_group(&mut self) -> Result<(), StreamError> {
        let is_used_up = match &mut self.tables {
            Tables::HalfGates(_) => true,
            Tables::ThreeHalves { packed, .. } => packed.end_group(),
        };
        if is_used_up { Ok(()) } else { Err(StreamError::SurplusTables) }
    }

    /// Receives until there is at least one whole table.
    fn refill(&mut self) -> Result<(), StreamError> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < self.tables.next_bytes() {
            self.end += self.channel.receive_some(Phase::Tables, &mut self.buffer[self.end..])?;
        }
        Ok(())
    }
}

impl<C: Channel> Fancy for Evaluation<'_, C> {
    type Wire = Block;
    type Error = StreamError;

    fn and_n(&mut self, mut a: &[Block], mut b: &[Block], mut out: &mut [Block]) -> Result<(), StreamError> {
        assert!(a.len() == b.len() && a.len() == out.len());
        let mut first = self.keys.take_gates(a.len())?;
        while !a.is_empty() {
            if self.end - self.start < self.tables.next_bytes() {
                self.refill()?;
            }
            let received = &self.buffer[self.start..self.end];
            // The number of tables to use now, and their bytes.
            let [used, n] = match &mut self.tables {
                Tables::HalfGates(_) => {
                    let n = a.len().min(received.len() / TABLE);
                    [n * TABLE, n]
                }
                Tables::ThreeHalves { packed, tables, .. } => {
                    let most = a.len().min(tables.len());
                    packed.unpack(received, &mut tables[..most])
                }
            };
            let (a_now, b_now, out_now);
            ((a_now, a), (b_now, b), (out_now, out)) = (a.split_at(n), b.split_at(n), out.split_at_mut(n));
            let gates = EvaluateContext { key: &self.keys.gates, first };
            match &mut self.tables {
                Tables::HalfGates(ahead) => {
                    let (tables, _) = received.as_chunks::<TABLE>();
                    self.backend.evaluate(&gates, ahead, a_now, b_now, &tables[..n], out_now);
                }
                Tables::ThreeHalves { tables, scratch, .. } => {
                    let wires = GateWires { a: a_now, b: b_now, c: out_now };
                    self.backend.evaluate_halves(&gates, scratch, wires, &tables[..n]);
                }
            }
            first += n as u64;
            self.start += used;
        }
        Ok(())
    }

    fn xor(&mut self, a: Block, b: Block) -> Block {
        a ^ b
    }

    fn not(&mut self, a: Block) -> Block {
        a
    }

    fn constant(&mut self, _: bool) -> Block {
        self.known()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::memory_pair;

    /// The end of an evaluation of one AND gate for which the garbler sent these bytes at once.
    fn end_after(scheme: Scheme, bytes: &[u8]) -> Result<(), StreamError> {
        let (mut garbler, mut evaluator) = memory_pair();
        garbler.send(Phase::Tables, bytes).unwrap();
        garbler.flush().unwrap();
        let mut keys = SessionKeys::from_bytes([3; 48]);
        let mut evaluation =
            Evaluation::new(Backend::detect(), &mut keys, &mut evaluator).with_scheme(scheme);
        evaluation.and_n(&[Block::ZERO], &[Block::ZERO], &mut [Block::ZERO]).unwrap();
        evaluation.finish()
    }

    #[test]
    fn tables_left_over_at_the_end_are_refused() {
        for (scheme, table) in [(Scheme::HalfGates, TABLE), (Scheme::ThreeHalves, 25)] {
            assert_eq!(end_after(scheme, &vec![0; table]), Ok(()));
            assert_eq!(end_after(scheme, &vec![0; table + 1]), Err(StreamError::SurplusTables));
            assert_eq!(end_after(scheme, &vec![0; 2 * table]), Err(StreamError::SurplusTables));
        }
    }

    #[test]
    fn control_bits_of_a_gate_that_does_not_follow_are_refused() {
        let end = |control| end_after(Scheme::ThreeHalves, &[&[control][..], &[0; 24]].concat());
        assert_eq!(end(0x1f), Ok(()));
        for bit in 5..8 {
            assert_eq!(end(1 << bit), Err(StreamError::SurplusTables));
        }
    }
}
