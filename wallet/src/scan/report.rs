//! The result of a scan.

use crate::store::StoreError;
use sotto_mw::{
    amount::{Amount, Height},
    hash::Hash,
};

/// The result of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// The height of the chain.
    pub tip: Height,
    /// The number of outputs that were scanned.
    pub tried: u64,
    /// The number of outputs of this wallet among them.
    pub own: u64,
    /// The number of those that the wallet did not know to be on the chain.
    pub found: u64,
    /// The sum of those.
    pub found_amount: Amount,
    /// The number of outputs that have left the chain since the last scan.
    pub gone: u64,
    /// The block of the last scan, if it is no longer in the chain.
    pub replaced: Option<ReplacedBlock>,
}

/// A block that was the tip and is no longer in the chain, because of a reorganisation or of two seals for
/// one height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplacedBlock {
    /// The height of the block.
    pub height: Height,
    /// Its hash.
    pub before: Hash,
    /// The hash of the block that is now at this height.
    pub now: Hash,
}

/// Why a scan did not finish. The wallet is unchanged, except for the progress of a restore.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The source failed.
    #[error("cannot read the chain: {0}")]
    Source(E),
    /// New blocks arrived during each attempt.
    #[error("new blocks arrived during the scan several times; scan again")]
    TipMoved,
    /// The source returned outputs in the wrong order.
    #[error("faulty source: the outputs after {after} are out of order")]
    Disorder {
        /// The key in the trie after which the order is wrong.
        after: Hash,
    },
    /// The source ends below a block that the wallet has seen.
    #[error("the chain ends at height {shown}, but this wallet has seen it at height {seen}")]
    Older {
        /// The highest block that the wallet has seen.
        seen: Height,
        /// The last block of the source.
        shown: Height,
    },
    /// The source is on another branch, from below the reorganisation limit.
    #[error(
        "block {height} is {shown} in this chain, but was {seen}: no reorganisation reaches so deep, so the operator \
         sealed it twice"
    )]
    Forked {
        /// The height of a block that no reorganisation reaches.
        height: Height,
        /// The hash that the wallet has seen.
        seen: Hash,
        /// The hash in this chain.
        shown: Hash,
    },
    /// The result could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
