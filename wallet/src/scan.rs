//! Scanning: finding one's outputs on the chain by rewinding proofs, and taking over what the chain says.
//!
//! ```text
//! unspent outputs ──┬─ known by name ──────────────────────────▶ present
//!                   ├─ tried before with these keys ─▶ skipped
//!                   └─ new: transcript once, four hashes an account, over all cores ─▶ found
//! blocks, from the last one down ─▶ where outputs of ours went; on a restore, those that came and went
//! kernels of payments ─▶ confirmed or not
//! ```
//!
//! A foreign output costs no curve operation; a hit is held against its commitment. What was tried up to the last scan's
//! block is not tried again while that block is in the chain, and otherwise from the reorganisation limit below it. A
//! restore tries every account up to a gap, is kept as [`Search`] as it goes on, and continues where it was interrupted.
//! What the wallet knew and the chain does not show is spent or undone ([`crate::outputs`]); kernels tell which payments
//! came true ([`crate::state`]).
//!
//! The chain is seen through [`ChainSource`]: a node, a file, a test's memory. It is believed, but for going back: a tip lower
//! than the one of the last scan is refused, and so is another branch from deeper than a reorganisation (`hold`). A source
//! that hides an output makes it look spent until an honest one is asked.

mod blocks;
mod conclude;
mod hold;
mod pass;
mod source;

pub(crate) use conclude::conclude;
pub use hold::Replaced;
pub(crate) use pass::{Key, Pass, Search, same_up_to};
pub use source::{Block, ChainSource};

use blocks::walk;
use hold::{anchor, hold};

use crate::store::StoreError;
use sotto_mw::{
    amount::{Amount, Height},
    hash::Hash,
};

/// Is told how many outputs were tried, and of how many.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Outputs asked for at a time.
pub const BATCH: usize = 2_048;

/// How often a scan begins again when a block arrives meanwhile.
pub(crate) const ATTEMPTS: usize = 5;

/// Accounts beyond the known ones that a restore looks into.
pub const RESTORE_GAP: u32 = 8;

/// What a scan found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// The chain's height.
    pub tip: Height,
    /// Outputs looked at.
    pub tried: u64,
    /// Outputs of this wallet among them.
    pub own: u64,
    /// Those it did not know to be on the chain.
    pub found: u64,
    /// Their sum.
    pub found_amount: Amount,
    /// Outputs that have left the chain since the last scan.
    pub gone: u64,
    /// The last scan's block, if it is not in the chain any more.
    pub replaced: Option<Replaced>,
}

/// Why a scan did not finish; the wallet is as before, but for how far a restore has come.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The source cannot answer.
    #[error("the chain cannot be read: {0}")]
    Source(E),
    /// The chain moved meanwhile.
    #[error("blocks arrived during the scan, again and again; scan again")]
    Moved,
    /// The source does not answer in order.
    #[error("the chain's outputs did not come in order (at {after}); the source is faulty")]
    Disorder {
        /// The output's key in the trie after which it went wrong.
        after: Hash,
    },
    /// The source is behind what was seen before.
    #[error("the chain that is shown ends at height {shown}, and this wallet has seen it at height {seen}")]
    Older {
        /// The highest block that was seen.
        seen: Height,
        /// The source's last block.
        shown: Height,
    },
    /// The source is on another branch, from deeper than a reorganisation.
    #[error(
        "block {height} is {shown} there and was {seen}: no reorganisation goes so deep, so the operator sealed it twice"
    )]
    Forked {
        /// A block that was beyond every reorganisation.
        height: Height,
        /// What it was.
        seen: Hash,
        /// What it is there.
        shown: Hash,
    },
    /// The result could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}
