//! What becomes of a block or transaction that a ledger was given: what changed, or why nothing did.

use super::{
    fork::ForkError,
    mempool::conflict::{AdmitError, Conflict},
};
use crate::{seal::DoubleSeal, storage::StoreError};
use sotto_mw::{
    block::Block,
    error::{ConnectError, Rejection},
    hash::Hash,
};

/// Why the ledger refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A rule refuses the block or transaction.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// Pending transactions are in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The branch is not better, not ours, or leaves too deep.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The block is sealed, and so is another of its height.
    #[error("block {} was sealed twice: this one is {}, the chain has {}; the evidence is kept", .0.second.header.height, .0.second.header.hash(), .0.first.header.hash())]
    DoubleSeal(Box<DoubleSeal>),
    /// The store failed; nothing is known about the block or transaction.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectError<StoreError>> for LedgerError {
    fn from(e: ConnectError<StoreError>) -> Self {
        match e {
            ConnectError::Refused(r) => Self::Refused(r),
            ConnectError::View(e) => Self::Store(e),
        }
    }
}

impl From<AdmitError<StoreError>> for LedgerError {
    fn from(e: AdmitError<StoreError>) -> Self {
        match e {
            AdmitError::Refused(r) => Self::Refused(r),
            AdmitError::Conflict(c) => Self::Conflict(c),
            AdmitError::View(e) => Self::Store(e),
        }
    }
}

/// What became of the pool.
#[derive(Debug, Default)]
pub struct MempoolChange {
    /// Transactions whose kernels are all in the block.
    pub sealed: Vec<Hash>,
    /// Other transactions that no longer fit the tip, and the rule that says so.
    pub dropped: Vec<(Hash, Rejection)>,
    /// The pool's file was damaged and set aside when the ledger was opened; what it held before the damage is here.
    pub set_aside: bool,
    /// The pool's file could not be written, and is as it was before; what matters of it is found out on opening.
    pub unsaved: Option<StoreError>,
    /// Blocks of this change whose height has another sealed block: an alarm, with its evidence.
    pub alarms: Vec<DoubleSeal>,
}

/// A change of branches.
#[derive(Debug)]
pub struct Reorganised {
    /// The blocks that were taken back, the last first.
    pub undone: Vec<Block>,
    /// What became of the pool, into which the undone payments went; those that no longer fit are among the dropped.
    pub pool: MempoolChange,
}
