//! Scanning: finding the outputs of a wallet on the chain by rewinding range proofs, and applying what the
//! chain says.
//!
//! ```text
//! unspent outputs ──┬─ known commitment ──────────────────────▶ present
//!                   ├─ tried before with these keys ─▶ skipped
//!                   └─ new: transcript once, then each account, on all cores ─▶ found (`recognise`)
//! blocks, from the last one down ─▶ which block spent an output; on a restore, outputs of the past
//! kernels of payments ─▶ confirmed or not
//! ```
//!
//! A foreign plain output costs no curve operation, a one-sided one costs one; a match is compared with its
//! commitment, and a one-sided output is known by its receiver's key too. Outputs that were
//! tried up to the block of the last scan are not tried again while that block is in the chain; otherwise the
//! scan begins at the reorganisation limit below it. A restore tries all accounts up to a gap. Its progress
//! is kept, so that it resumes after an interruption. An output that the wallet knows and the chain does not
//! show is spent or undone ([`crate::outputs`]); kernels show which payments are confirmed.
//!
//! A wallet sees the chain through a [`ChainSource`]: a node, a file, or memory. It trusts the source except
//! for going back: a scan refuses a tip below the last one (`checkpoint`), and a branch from below the
//! reorganisation limit. A source that hides an output makes it look spent until the wallet asks an honest
//! source.

mod block_walk;
mod checkpoint;
mod cursor;
mod descent;
mod finish;
mod follow;
mod recognise;
mod report;
mod scanner;
mod source;
mod unspent_inputs;

pub(crate) use checkpoint::{check as check_tip, next as next_checkpoint};
pub use cursor::{BATCH, Progress};
pub(crate) use recognise::ScanKey;
pub use report::{PassReason, ReplacedBlock, ScanError, ScanReport, ScanWay};
pub use scanner::RESTORE_GAP;
pub(crate) use scanner::{Scannable, rescan, restore, scan};
pub use source::{BlockContents, ChainSource, unspent_at};
pub use unspent_inputs::UnspentInputs;
