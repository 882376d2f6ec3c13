//! An input stream, divided into the blocks in which its bits are entered.
//!
//! A stream also keeps Λ of the bits that were entered until the second pass reads them.

use std::collections::VecDeque;

use super::error::SessionError;
pub(super) use super::owners::block_bits;
use crate::Bits;

/// A block to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId {
    pub(super) stream: usize,
    /// The number of the block in its stream, from 0.
    pub(super) number: u64,
    pub(super) bits: usize,
}

/// The blocks of one stream.
pub(super) struct StreamBlocks {
    /// The bits of the stream.
    bits: usize,
    /// The bits of a full block.
    block: usize,
    /// Blocks entered so far.
    entered: u64,
    /// Λ of entered bits that the second pass has not read, and the place in the first block of them.
    values: VecDeque<Bits>,
    next: usize,
}

impl StreamBlocks {
    /// A stream of this many bits, in blocks of `block` bits.
    pub(super) fn new(bits: usize, block: usize) -> Self {
        Self { bits, block, entered: 0, values: VecDeque::new(), next: 0 }
    }

    /// The next block, where the stream has the number `stream`; empty at its end.
    pub(super) fn next(&mut self, stream: usize) -> BlockId {
        let number = self.entered;
        self.entered += 1;
        BlockId { stream, number, bits: self.bits.saturating_sub(self.first_bit(number)).min(self.block) }
    }

    /// The next blocks, with at least `bits` bits.
    ///
    /// # Errors
    /// If the stream has not as many.
    pub(super) fn at_least(&mut self, stream: usize, bits: usize) -> Result<Vec<BlockId>, SessionError> {
        let (mut blocks, mut found) = (Vec::new(), 0);
        while found < bits {
            let block = self.next(stream);
            if block.bits == 0 {
                return Err(SessionError::Unsteady);
            }
            found += block.bits;
            blocks.push(block);
        }
        Ok(blocks)
    }

    /// The index of the first bit of a block among the bits of the stream.
    pub(super) fn first_bit(&self, number: u64) -> usize {
        self.block.saturating_mul(number as usize)
    }

    /// Keeps Λ of a block that was entered.
    pub(super) fn push(&mut self, values: Bits) {
        self.values.push_back(values);
    }

    /// Λ of the next bit; `None` if it was not entered.
    pub(super) fn value(&mut self) -> Option<bool> {
        while self.values.front()?.len() == self.next {
            (self.next, _) = (0, self.values.pop_front());
        }
        let value = self.values.front()?.get(self.next);
        self.next += 1;
        Some(value)
    }
}
