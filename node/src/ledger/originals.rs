//! The transactions of the last blocks one by one, as they were pending before they were aggregated.
//!
//! A block that is undone returns its payments. Aggregated, they would stand or fall together: one that the
//! better branch has made impossible would take all others with it. So what a block took from the mempool is
//! remembered for a while, in memory. The payments of older blocks, and of those from before the process
//! started, return aggregated.

use sotto_mw::{block::Block, hash::Hash, transaction::Transaction};
use std::collections::VecDeque;

/// Most weight that is remembered: that of ten blocks of 40,000.
const MAX_WEIGHT: u64 = 400_000;

/// What the last blocks took from the mempool, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Originals {
    blocks: VecDeque<(Hash, Vec<Transaction>)>,
    weight: u64,
}

fn weigh(all: &[Transaction]) -> u64 {
    all.iter().map(|t| t.body.weight()).sum()
}

impl Originals {
    /// Remembers what a block took.
    pub(crate) fn keep(&mut self, block: &Block, taken: Vec<Transaction>) {
        self.weight += weigh(&taken);
        self.blocks.push_back((block.header.hash(), taken));
        while self.weight > MAX_WEIGHT {
            let Some((_, oldest)) = self.blocks.pop_front() else { return };
            self.weight -= weigh(&oldest);
        }
    }

    /// All payments of a block, if all are remembered.
    pub(crate) fn of(&self, block: &Block) -> Option<&[Transaction]> {
        let hash = block.header.hash();
        let (_, all) = self.blocks.iter().rev().find(|(of, _)| *of == hash)?;
        let payments = block.body.kernels.iter().filter(|k| !k.features.is_coinbase()).count();
        let known: usize = all.iter().map(|t| t.body.kernels.len()).sum();
        (known == payments).then_some(all)
    }
}
