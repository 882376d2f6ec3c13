//! The evaluator's interpreter: a wire is its active label, and tables are used as they arrive.
//!
//! ```text
//! XOR    C = A ⊕ B        NOT    C = A        AND    from the labels and the table; see `backend/portable`
//! ```
//!
//! The evaluator cannot tell which bit a label encodes; it follows the table rows that the lowest bits of the
//! labels select. Evaluation succeeds with any tables. Whether the labels at the end are labels that the
//! garbler made is checked with the outputs.
//!
//! Memory: one buffer of 64 KiB of tables, however long the program.

use crate::Block;
use crate::backend::{Backend, EvaluateContext, Table};
use crate::channel::{Channel, Phase};
use crate::fancy::Fancy;
use crate::garble::StreamError;
use crate::keys::SessionKeys;

const TABLE: usize = size_of::<Table>();
/// The bytes of tables that are read at once.
const BUFFER: usize = 2048 * TABLE;

/// The interpreter that evaluates a program garbled by the peer of a channel.
pub struct Evaluation<'s, C> {
    backend: Backend,
    keys: &'s mut SessionKeys,
    channel: &'s mut C,
    /// `buffer[start..end]` is received and unused.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<'s, C: Channel> Evaluation<'s, C> {
    /// An interpreter that evaluates under the garbler's keys.
    pub fn new(backend: Backend, keys: &'s mut SessionKeys, channel: &'s mut C) -> Self {
        Self { backend, keys, channel, buffer: vec![0; BUFFER].into(), start: 0, end: 0 }
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

    /// Checks that no received table is left over and lends the channel for other messages.
    pub(crate) fn pause(&mut self) -> Result<&mut C, StreamError> {
        if self.start == self.end { Ok(self.channel) } else { Err(StreamError::SurplusTables) }
    }

    /// Receives until there is at least one whole table.
    fn refill(&mut self) -> Result<(), StreamError> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < TABLE {
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
            if self.end - self.start < TABLE {
                self.refill()?;
            }
            let (tables, _) = self.buffer[self.start..self.end].as_chunks::<TABLE>();
            let n = a.len().min(tables.len());
            let (a_now, b_now, out_now);
            ((a_now, a), (b_now, b), (out_now, out)) = (a.split_at(n), b.split_at(n), out.split_at_mut(n));
            let gates = EvaluateContext { key: &self.keys.gates, first };
            self.backend.evaluate(&gates, a_now, b_now, &tables[..n], out_now);
            first += n as u64;
            self.start += n * TABLE;
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

    /// The end of an evaluation of one AND gate for which the garbler sent `tables` tables at once.
    fn end_after(tables: usize) -> Result<(), StreamError> {
        let (mut garbler, mut evaluator) = memory_pair();
        garbler.send(Phase::Tables, &vec![0; tables * TABLE]).unwrap();
        garbler.flush().unwrap();
        let mut keys = SessionKeys::from_bytes([3; 48]);
        let mut evaluation = Evaluation::new(Backend::detect(), &mut keys, &mut evaluator);
        evaluation.and_n(&[Block::ZERO], &[Block::ZERO], &mut [Block::ZERO]).unwrap();
        evaluation.finish()
    }

    #[test]
    fn tables_left_over_at_the_end_are_refused() {
        assert_eq!(end_after(1), Ok(()));
        assert_eq!(end_after(2), Err(StreamError::SurplusTables));
    }
}
