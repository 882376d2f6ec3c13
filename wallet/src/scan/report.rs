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
    /// How the scan went.
    pub way: ScanWay,
    /// The number of outputs that were scanned.
    pub tried: u64,
    /// The number of unspent outputs of this wallet.
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

/// How a scan went; what it cost follows from this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanWay {
    /// The last block was the same as before, and no payment waits for one.
    #[default]
    Unchanged,
    /// It read the blocks since the last scan.
    Followed {
        /// How many.
        blocks: u64,
    },
    /// It passed over all unspent outputs.
    Passed(PassReason),
}

/// Why a scan passed over all unspent outputs instead of reading the blocks since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassReason {
    /// The wallet had not scanned this chain.
    #[error("nothing of this chain was scanned before")]
    First,
    /// It searched with keys that were not tried before.
    #[error("new keys were tried")]
    Keys,
    /// The source does not have a block.
    #[error("block {0} is not stored there")]
    NotStored(Height),
    /// The blocks since the last scan have more to read.
    #[error("the blocks since the last scan hold more than all unspent outputs")]
    TooMany,
    /// A reorganisation undid blocks in which outputs of this wallet seemed to be spent.
    #[error("a reorganisation undid blocks, and it is not known in which the wallet's outputs were spent")]
    Undone,
    /// The wallet of a group does not follow blocks.
    #[error("the wallet of a group does not follow blocks")]
    NotFollowed,
    /// A payment that the wallet has only now learned of was in a block before.
    #[error("a payment was in a block of an earlier scan, before the wallet knew of it")]
    EarlierPayment,
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
