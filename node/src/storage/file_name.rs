//! The names of the files in a store's directory.

use core::fmt;

/// A file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// The chain's parameters.
    Genesis,
    /// The chain's tip and the end of the log.
    Head,
    /// Pending transactions.
    Mempool,
    /// A part of the block log.
    Segment(u32),
    /// The state that the log begins with, which replaces the blocks before.
    Base(u32),
    /// A base that is being made.
    BaseDraft,
    /// Sealed headers that are not in the chain.
    Evidence,
    /// Evidence against validators.
    Equivocations,
    /// A damaged file of evidence against validators, kept for inspection.
    EquivocationsDamaged,
    /// Requests that auditors handed out.
    Requests,
    /// A damaged file of them, kept for inspection.
    RequestsDamaged,
    /// Parts of a snapshot that is being fetched from peers.
    SnapshotDownload,
    /// A snapshot that is served to peers.
    Snapshot(u32),
    /// A snapshot that is being made.
    SnapshotDraft,
    /// A file that is about to replace another.
    Draft,
    /// Transactions that were submitted to a node. Not in the store's directory but in the node's.
    LocalTxs,
    /// A file of them that is about to replace the last one.
    LocalTxsDraft,
    /// A damaged file of pending transactions, kept for inspection.
    MempoolDamaged,
    /// The index: a directory of its own.
    Index,
    /// The index of a state that is being installed.
    NextIndex,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis => f.write_str("genesis"),
            Self::Head => f.write_str("head"),
            Self::Mempool => f.write_str("mempool"),
            Self::Segment(n) => write!(f, "log-{n:08}"),
            Self::Base(n) => write!(f, "base-{n:08}"),
            Self::BaseDraft => f.write_str("base-draft"),
            Self::Evidence => f.write_str("evidence"),
            Self::Equivocations => f.write_str("equivocations"),
            Self::EquivocationsDamaged => f.write_str("equivocations.damaged"),
            Self::Requests => f.write_str("requests"),
            Self::RequestsDamaged => f.write_str("requests.damaged"),
            Self::SnapshotDownload => f.write_str("snapshot-download"),
            Self::Snapshot(n) => write!(f, "snapshot-{n}"),
            Self::SnapshotDraft => f.write_str("snapshot-draft"),
            Self::Draft => f.write_str("draft"),
            Self::LocalTxs => f.write_str("local_txs"),
            Self::LocalTxsDraft => f.write_str("local_txs.draft"),
            Self::MempoolDamaged => f.write_str("mempool.damaged"),
            Self::Index => f.write_str("index"),
            Self::NextIndex => f.write_str("index-next"),
        }
    }
}

impl FileName {
    /// The file that is about to replace this one.
    pub(super) const fn draft(self) -> Self {
        match self {
            Self::LocalTxs => Self::LocalTxsDraft,
            _ => Self::Draft,
        }
    }
}
