//! Why a transaction is not admitted to the mempool.

use sotto_mw::{
    error::{ConnectError, Rejection},
    group::PointBytes,
    hash::Hash,
};

/// Most transactions in the ancestry of one, and in its descent, itself included.
pub(crate) const MAX_PACKAGE: usize = 25;

/// A pending transaction conflicts with another, or the mempool is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// It is pending already.
    #[error("transaction {0} is pending already: nothing more to do")]
    Known(Hash),
    /// Another pending one spends the same output.
    #[error(
        "output {output} is being spent by pending transaction {pending}: wait until that is sealed or expires"
    )]
    Spent {
        /// Which output.
        output: PointBytes,
        /// The transaction that spends it.
        pending: Hash,
    },
    /// Another pending one creates the same output.
    #[error(
        "output {output} is being created by pending transaction {pending}: wait, or build the payment anew"
    )]
    Created {
        /// Which output.
        output: PointBytes,
        /// The transaction that creates it.
        pending: Hash,
    },
    /// Another pending one has the same excess.
    #[error(
        "kernel excess {excess} is that of pending transaction {pending}: wait, or build the payment anew"
    )]
    Excess {
        /// Which excess.
        excess: PointBytes,
        /// The transaction that has it.
        pending: Hash,
    },
    /// Too many pending transactions depend on each other.
    #[error("more than {} pending transactions would wait for each other: wait for a block", MAX_PACKAGE)]
    PackageLimit,
    /// No room for this fee.
    #[error(
        "the mempool is full of transactions that pay as much per weight: wait for a block, or pay a higher fee"
    )]
    Full,
}

impl Conflict {
    /// A description without names, for a log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Known(_) => "it is pending",
            Self::Spent { .. } => "a pending one spends the same output",
            Self::Created { .. } => "a pending one creates the same output",
            Self::Excess { .. } => "a pending one has the same excess",
            Self::PackageLimit => "too many pending ones depend on each other",
            Self::Full => "the mempool is full",
        }
    }
}

/// Why a transaction was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError<E> {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// Pending transactions conflict with it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store cannot answer; nothing is known about the transaction.
    #[error("the chain's store cannot answer: {0}")]
    View(E),
}

impl<E> From<ConnectError<E>> for AdmitError<E> {
    fn from(e: ConnectError<E>) -> Self {
        match e {
            ConnectError::Refused(r) => Self::Refused(r),
            ConnectError::View(e) => Self::View(e),
        }
    }
}
