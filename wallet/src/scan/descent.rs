//! A descent: the blocks of a source from the last one down, each named by the one above it.
//!
//! The last block names all blocks below it by their hashes, so the blocks of a descent are one chain, even if
//! the source moves to another branch meanwhile.

use super::{report::ScanError, source::BlockContents, source::ChainSource};
use crate::state::BlockRef;
use sotto_mw::amount::Height;

/// A descent that has come down to a block.
pub(crate) struct Descent<'a, S> {
    source: &'a S,
    next: BlockRef,
}

/// One step of a descent.
pub(crate) enum Step {
    /// The next block below.
    Block(Height, BlockContents),
    /// The source does not have it.
    NotStored,
    /// The source has another block at this height by now.
    Moved,
}

impl<'a, S: ChainSource> Descent<'a, S> {
    /// Begins with this block.
    pub(crate) const fn from(tip: BlockRef, source: &'a S) -> Self {
        Self { source, next: tip }
    }

    /// The height of the next block.
    pub(crate) const fn height(&self) -> Height {
        self.next.height
    }

    /// The next block.
    pub(crate) const fn next(&self) -> BlockRef {
        self.next
    }

    pub(crate) fn step(&mut self) -> Result<Step, ScanError<S::Error>> {
        let BlockRef { height, hash } = self.next;
        let Some(block) = self.source.block(height).map_err(ScanError::Source)? else {
            return Ok(Step::NotStored);
        };
        if block.hash != hash {
            return Ok(Step::Moved);
        }
        self.next = BlockRef { height: height.minus(1), hash: block.previous };
        Ok(Step::Block(height, block))
    }
}
