//! What a store has to do to move from its tip to another: blocks to undo, then blocks to connect.

use super::format::{Head, Record};
use sotto_mw::{block::Block, hash::Hash, state::Unspent, trie::Trie};

/// A record to append, and the state that it leads to. The head's end is set when the record is appended.
#[derive(Debug)]
pub(crate) struct ChainStep {
    pub(crate) record: Record,
    pub(crate) block: Block,
    pub(crate) spent: Vec<Unspent>,
    pub(crate) head: Head,
    pub(crate) outputs: Trie,
}

/// The steps from a store's tip to that of a branch.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) from: Hash,
    pub(crate) steps: Vec<ChainStep>,
}

impl Plan {
    /// The blocks to undo, the last first.
    pub(crate) fn undone(&self) -> impl Iterator<Item = &Block> {
        self.steps.iter().filter(|s| matches!(s.record, Record::Undo { .. })).map(|s| &s.block)
    }
}
