//! Chain sources: the chain as a wallet sees it.

use crate::{output_proof::SealedOutput, outputs::Coin};
use sotto_mw::{
    amount::Height,
    block::Block,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    output::Output,
    state::{ChainView, MemoryState, RewindData, Unspent},
};
use std::convert::Infallible;

/// What a scan reads of a block.
#[derive(Clone, Debug)]
pub struct BlockContents {
    /// The hash of the block.
    pub hash: Hash,
    /// The hash of the block before it.
    pub previous: Hash,
    /// The outputs that the block spends.
    pub inputs: Vec<Coin>,
    /// The outputs that the block creates.
    pub outputs: Vec<Output>,
    /// The excesses of its kernels.
    pub kernels: Vec<Excess>,
}

impl From<Block> for BlockContents {
    fn from(Block { header, body, .. }: Block) -> Self {
        Self {
            hash: header.hash(),
            previous: header.previous,
            inputs: Coin::spent_by(&body).collect(),
            kernels: body.kernels.iter().map(|k| k.excess).collect(),
            outputs: body.outputs,
        }
    }
}

/// A chain as a wallet sees it. All answers between two equal results of [`ChainSource::tip`] describe one
/// state.
pub trait ChainSource {
    /// Why the source cannot answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The height and the hash of the last block.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn tip(&self) -> Result<(Height, Hash), Self::Error>;

    /// The number of unspent outputs, for progress and estimates.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn unspent_count(&self) -> Result<u64, Self::Error>;

    /// Up to `most` unspent outputs in ascending order of their keys in the trie ([`Unspent::key`]), after
    /// the key `after` if given; empty at the end.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Self::Error>;

    /// The height of the last block with a kernel of this excess; `None` when no block has one.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Self::Error>;

    /// The hash of the block at this height. A source may always answer `None`; the wallet then scans more
    /// outputs again.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Self::Error> {
        let (tip, hash) = self.tip()?;
        Ok((tip == height).then_some(hash))
    }

    /// The unspent output with this commitment, if there is one. A source that can look it up overrides this;
    /// the default is [`unspent_at`].
    ///
    /// # Errors
    /// When the source cannot answer.
    fn unspent_output(&self, c: &Commitment) -> Result<Option<RewindData>, Self::Error> {
        unspent_at(self, c)
    }

    /// The unspent output with this commitment, with the proof that it is in the trie of a sealed header;
    /// `None` if there is none, or if the source cannot prove it.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn sealed_output(&self, c: &Commitment) -> Result<Option<SealedOutput>, Self::Error> {
        let _ = c;
        Ok(None)
    }

    /// The contents of the block at this height. A source may always answer `None`, for example if it pruned
    /// the block; the wallet then passes over all unspent outputs instead of following blocks, and does not
    /// learn when an output was spent, or what was spent before a restore.
    ///
    /// # Errors
    /// When the source cannot answer.
    fn block(&self, height: Height) -> Result<Option<BlockContents>, Self::Error> {
        let _ = height;
        Ok(None)
    }
}

/// Looks an unspent output up by listing what comes after the key before its own.
///
/// # Errors
/// When the source cannot answer.
pub fn unspent_at<C: ChainSource + ?Sized>(
    source: &C,
    c: &Commitment,
) -> Result<Option<RewindData>, C::Error> {
    let found = source.unspent(before(Unspent::key(c)).as_ref(), 1)?;
    Ok(found.into_iter().next().filter(|u| u.commitment == *c))
}

/// The key before this one; `None` before the first.
fn before(key: Hash) -> Option<Hash> {
    let mut bytes = *key.as_bytes();
    for b in bytes.iter_mut().rev() {
        let (less, borrowed) = b.overflowing_sub(1);
        *b = less;
        if !borrowed {
            return Some(Hash::from_bytes(bytes));
        }
    }
    None
}

/// A state in memory, without its past. It sorts all outputs for every batch.
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
