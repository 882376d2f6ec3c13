//! The outcome for a block or transaction that a ledger was given: what changed, or why nothing did.

use super::{
    equivocations::Halt,
    fork::ForkError,
    mempool::conflict::{AdmitError, Conflict},
};
use crate::{message::BlockName, seal::DoubleSeal, storage::StoreError};
use sotto_mw::{
    block::Block,
    error::{ConnectError, Rejection},
    hash::Hash,
    rules::InvalidBlock,
};

/// Why the ledger refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A rule refuses the block or transaction.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// A rule refuses one block of a branch; those before it are sound.
    #[error(transparent)]
    InvalidBlock(#[from] InvalidBlock),
    /// Pending transactions conflict with it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The branch is not better, begins at no block of this chain, or leaves too deep.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The block is sealed, and so is another of its height.
    #[error("block {} was sealed twice: this one is {}, the chain has {}; the evidence is kept", .0.second.header.height, .0.second.header.hash(), .0.first.header.hash())]
    DoubleSeal(Box<DoubleSeal>),
    /// It is not the block of a checkpoint.
    #[error(transparent)]
    OtherCheckpoint(#[from] OtherCheckpoint),
    /// A height has two certificates.
    #[error(transparent)]
    Halt(#[from] Box<Halt>),
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

/// A chain has another block at the height of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain has block {found} at height {}, and the checkpoint there is {}", .checkpoint.height, .checkpoint.hash)]
pub struct OtherCheckpoint {
    /// The checkpoint.
    pub checkpoint: BlockName,
    /// What the chain has there.
    pub found: Hash,
}

/// How the mempool changed.
#[derive(Debug, Default)]
pub struct MempoolChange {
    /// Transactions whose kernels are all in the block.
    pub sealed: Vec<Hash>,
    /// Other transactions that no longer fit the tip, and the rule that says so.
    pub dropped: Vec<(Hash, Rejection)>,
    /// The mempool's file was damaged and set aside when the ledger was opened. What it held before the
    /// damage was loaded.
    pub set_aside: bool,
    /// The file of evidence against validators was damaged and set aside when the ledger was opened.
    pub evidence_set_aside: bool,
    /// The file of auditors' requests was damaged and set aside when the ledger was opened.
    pub requests_set_aside: bool,
    /// The mempool's file could not be written, and is as it was before.
    pub unsaved: Option<StoreError>,
    /// Blocks of this change whose height has another sealed block, with the evidence.
    pub alarms: Vec<DoubleSeal>,
}

/// A change of branches.
#[derive(Debug)]
pub struct Reorganised {
    /// The blocks that were undone, the last first.
    pub undone: Vec<Block>,
    /// How the mempool changed. Undone payments returned to it; those that no longer fit are among the
    /// dropped.
    pub mempool: MempoolChange,
}
