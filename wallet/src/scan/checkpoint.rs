//! Checkpoints: what a wallet remembers of the end of the chain, and compares with the next scan.
//!
//! ```text
//! checkpoint ──── K blocks ──── tip      of the last scan: height and hash of both
//!   │                            │
//!   │                            ├─ lower now ────────▶ Older: refused
//!   │                            ├─ the same block ───▶ the same chain, with more blocks
//!   │                            └─ another block ────▶ reported if the checkpoint is unchanged;
//!   └─ another block too ─────────────────────────────▶ Forked: refused
//! ```
//!
//! A node leaves a chain only for a better one, which is not lower, and never from more than K blocks below
//! its tip. An honest source therefore shows a lower tip only while it catches up; a dishonest one does so to
//! hide an incoming payment, or to make a spent output look unspent. A tip commits to all blocks below it, so
//! the checkpoint is checked only when the tip was replaced.
//!
//! **Not guaranteed**: that the tip is the last block of the chain, and anything at the first scan.

use super::{
    report::{ReplacedBlock, ScanError},
    source::ChainSource,
};
use crate::state::{BlockRef, State};
use sotto_mw::{amount::Height, chain::Chain};

/// What a scan continues from: a state whose chain is the same as now up to the height `common`.
pub(crate) struct Basis<'a, S> {
    pub(crate) chain: &'a Chain,
    pub(crate) before: &'a State,
    pub(crate) common: Height,
    pub(crate) source: &'a S,
}

impl<'a, S: ChainSource> Basis<'a, S> {
    pub(crate) fn new(
        chain: &'a Chain,
        before: &'a State,
        source: &'a S,
    ) -> Result<Self, ScanError<S::Error>> {
        Ok(Self { chain, before, common: common_height(chain, source, before.tip)?, source })
    }
}

/// Compares the tip of a source with what a wallet remembers.
pub(crate) fn check<S: ChainSource>(
    state: &State,
    tip: BlockRef,
    source: &S,
) -> Result<Option<ReplacedBlock>, ScanError<S::Error>> {
    let seen = state.highest_seen();
    if tip.height < seen.height {
        return Err(ScanError::Older { seen: seen.height, shown: tip.height });
    }
    let replaced = replaced(source, seen)?;
    if replaced.is_some()
        && let Some(ReplacedBlock { height, before, now }) = self::replaced(source, state.checkpoint)?
    {
        return Err(ScanError::Forked { height, seen: before, shown: now });
    }
    Ok(replaced)
}

/// The block that replaced this one, if another block is at its height. All branches share the genesis, and a
/// source that does not know a block proves nothing.
fn replaced<S: ChainSource>(
    source: &S,
    block: BlockRef,
) -> Result<Option<ReplacedBlock>, ScanError<S::Error>> {
    let BlockRef { height, hash: before } = block;
    if height == Height::GENESIS {
        return Ok(None);
    }
    let now = source.hash_at(height).map_err(ScanError::Source)?;
    Ok(now.filter(|now| *now != before).map(|now| ReplacedBlock { height, before, now }))
}

/// The next checkpoint, once this tip is accepted.
pub(crate) fn next<S: ChainSource>(
    chain: &Chain,
    state: &State,
    tip: BlockRef,
    source: &S,
) -> Result<BlockRef, ScanError<S::Error>> {
    let height = tip.height.minus(chain.params().reorganisation);
    if tip == state.tip || height == Height::GENESIS {
        return Ok(state.checkpoint);
    }
    let hash = source.hash_at(height).map_err(ScanError::Source)?;
    Ok(hash.map_or(state.checkpoint, |hash| BlockRef { height, hash }))
}

/// The height up to which the chain is the same as one with this block: the block, if it is still there, or
/// the height that no reorganisation reaches.
pub(crate) fn common_height<S: ChainSource>(
    chain: &Chain,
    source: &S,
    block: BlockRef,
) -> Result<Height, ScanError<S::Error>> {
    let same = source.hash_at(block.height).map_err(ScanError::Source)? == Some(block.hash);
    Ok(if same { block.height } else { block.height.minus(chain.params().reorganisation) })
}
