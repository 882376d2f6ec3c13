//! A chain as a wallet sees it.

use sotto_mw::{
    amount::Height,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    output::Output,
    state::{ChainView, MemoryState, RewindData, Unspent},
};
use std::convert::Infallible;

/// What a block spent and made.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Outputs that it spent.
    pub inputs: Vec<Commitment>,
    /// Outputs that it made.
    pub outputs: Vec<Output>,
}

/// A chain as a wallet sees it. All answers between two equal [`ChainSource::tip`]s concern one state.
pub trait ChainSource {
    /// Why it cannot answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Height and hash of the last block.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn tip(&self) -> Result<(Height, Hash), Self::Error>;

    /// How many outputs are unspent, for progress and estimates.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn unspent_count(&self) -> Result<u64, Self::Error>;

    /// Up to `most` unspent outputs in ascending order of their keys in the trie ([`Unspent::key`]), after the key `after` if
    /// given; empty at the end.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Self::Error>;

    /// The height of the last block that has a kernel with this excess, if any has.
    ///
    /// # Errors
    /// When the source cannot tell: absence is an answer.
    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Self::Error>;

    /// The hash of the chain's block at this height. `None` is always a true answer: it costs the wallet to look at more
    /// outputs again.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Self::Error> {
        let (tip, hash) = self.tip()?;
        Ok((tip == height).then_some(hash))
    }

    /// What the block at this height spent and made. `None`, as for a pruned one, is always a true answer: it costs the
    /// wallet to know when something was spent, and what was spent before it was restored.
    ///
    /// # Errors
    /// When the source cannot tell.
    fn block(&self, height: Height) -> Result<Option<Block>, Self::Error> {
        let _ = height;
        Ok(None)
    }
}

/// The in-memory twin: a state without its past; sorts what it has for every batch.
impl ChainSource for MemoryState {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        let header = ChainView::tip(self);
        Ok((header.height, header.hash()))
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        Ok(self.all_unspent().count() as u64)
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        let keyed = self.all_unspent().map(|u| (Unspent::key(&u.output.commitment), u));
        let mut all: Vec<_> = keyed.filter(|(key, _)| after.is_none_or(|a| key > a)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        Ok(all.into_iter().take(most).map(|(_, u)| u.rewind_data()).collect())
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        Ok(self.last_seen(excess)?.map(|s| s.height))
    }
}
