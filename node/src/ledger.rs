//! The ledger: a chain and the transactions that wait for it, joined by the rules.
//!
//! ```text
//! submit   transaction ─▶ mempool         connect   block ─▶ check ─▶ verify ─▶ connect ─▶ store ─▶ mempool again
//! draft    mempool ─▶ best transactions ─▶ (a wallet makes the reward) ─▶ propose ─▶ judge ─▶ (an engine seals) ─▶ commit
//! reorganise   a better branch ─▶ every rule, block by block, beside the store ─▶ store, all at once ─▶ mempool again
//! ```
//!
//! A change of the terms waits apart from transactions ([`pending_changes`]); a draft takes one.
//!
//! The mempool is kept beside the chain in a file (`journal`), so that submitting and sealing can be two
//! processes. The file decides nothing: a damaged one is set aside, and what does not fit the tip is dropped.
//!
//! Two sealed blocks of one height are kept as evidence, durably, wherever the second comes from: in place of
//! one that was undone, on a branch, or submitted for a height that has a block.

pub mod audit;
pub(crate) mod branches;
pub(crate) mod chain_ledger;
pub mod equivocations;
pub(crate) mod error;
pub mod evidence;
pub mod fork;
pub(crate) mod journal;
pub mod mempool;
pub(crate) mod mempool_file;
pub mod opened;
pub mod opening;
pub(crate) mod originals;
pub mod pending_changes;
pub(crate) mod proposals;
pub mod validating;
pub mod witness;

pub use chain_ledger::{Draft, Ledger};
pub use error::{LedgerError, MempoolChange, OtherCheckpoint, Reorganised};
pub use proposals::{Driven, SealingContext, seal_with};
