//! Why a store fails: what happened, why, and what to do.

use crate::{codec::Damage, storage::file_name::FileName};
use sotto_mw::{
    amount::Height,
    chain::{ChainId, ParamsError},
    group::PointBytes,
    hash::Hash,
    state::WrongState,
};
use std::{io, path::PathBuf};

/// A store's failure. It says nothing about the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store.
    #[error("there is no chain in {}: create one first, or name another directory", .dir.display())]
    Absent {
        /// The directory.
        dir: PathBuf,
    },
    /// There is a store already.
    #[error("there is a chain already: open it, or create the new one in another directory")]
    Exists,
    /// Another process uses the store.
    #[error("another process is using the chain in {}: wait for it or end it, then try again", .dir.display())]
    Locked {
        /// The store.
        dir: PathBuf,
    },
    /// A file belongs to another chain.
    #[error(
        "file {file} belongs to chain {found}, the rest to chain {expected}: put this chain's own file back"
    )]
    Foreign {
        /// Which file.
        file: FileName,
        /// The store's chain.
        expected: ChainId,
        /// The file's chain.
        found: ChainId,
    },
    /// A file other than the index is damaged.
    #[error("file {file} is damaged at byte {offset}: {damage}; restore it from a copy of the store")]
    Damaged {
        /// Which file.
        file: FileName,
        /// Where in it.
        offset: u64,
        /// How.
        damage: Damage,
    },
    /// The index is damaged; opening rebuilds it.
    #[error("the index is damaged ({fault}): open the store again, and it is rebuilt from the block log")]
    Index {
        /// What does not fit.
        fault: IndexFault,
    },
    /// The log is whole but does not lead to the head.
    #[error("the block log does not lead to the head ({fault}): restore the whole store from a copy")]
    Inconsistent {
        /// What does not fit.
        fault: IndexFault,
    },
    /// The disk is full.
    #[error(
        "the disk is full, writing {file}: make room and open the store again; no acknowledged block is lost"
    )]
    DiskFull {
        /// Which file.
        file: FileName,
    },
    /// The operating system refused an operation on a file.
    #[error(
        "file {file} cannot be used: {source}; check the disk and the permissions, and open the store again"
    )]
    Io {
        /// Which file.
        file: FileName,
        /// Why.
        source: io::Error,
    },
    /// The operating system refused an operation on the directory.
    #[error("directory {} cannot be used: {source}; check the path and its permissions", .dir.display())]
    Directory {
        /// Which directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An earlier write failed, so what is on disk is unknown until the store is opened again.
    #[error("an earlier write failed, and the store has stopped: open it again")]
    Stopped,
    /// The change was made for another state.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// The block cannot be undone any more.
    #[error("block {height} is final: no block up to height {floor} can be undone")]
    Final {
        /// The tip.
        height: Height,
        /// The deepest height to go back to.
        floor: Height,
    },
    /// The block's body was pruned.
    #[error("block {height} was pruned: bodies are here from block {} on; another store may have it", .base.next())]
    Pruned {
        /// Which block.
        height: Height,
        /// The last block without a body.
        base: Height,
    },
    /// The state after this block is not kept.
    #[error("the state after block {height} is not kept: choose one from {floor} to {tip}, above 0")]
    NotKept {
        /// Which block.
        height: Height,
        /// The first block whose state is kept.
        floor: Height,
        /// The last.
        tip: Height,
    },
    /// An import is under way.
    #[error("an import is under way here: give it another copy of the snapshot, or use another directory")]
    Importing,
    /// The parameters make no sense.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// What does not fit in an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexFault {
    /// It does not name its head, or one that the log never had.
    #[error("its head is not in this log")]
    Position,
    /// A header is missing or does not follow its parent.
    #[error("header {0} is missing or wrong")]
    Header(Height),
    /// A kernel is missing or wrong, by its place in the chain.
    #[error("kernel number {0} is missing or wrong")]
    Kernel(u64),
    /// The kernels are not those the header commits to.
    #[error("the kernels are not those of the head")]
    Kernels,
    /// A kernel id or excess is missing or wrong.
    #[error("the entry of kernel {0} is missing or wrong")]
    KernelEntry(Hash),
    /// A part of what is looked up by height, kernel id or excess is missing or wrong.
    #[error("what it looks up by height, kernel or excess is missing or wrong")]
    Lookup,
    /// An unspent output is missing, wrong, or there and spent.
    #[error("the entry of output {0} is missing or wrong")]
    Output(PointBytes),
    /// The unspent outputs are not those the header commits to.
    #[error("the unspent outputs are not those of the head")]
    Outputs,
    /// The terms from a height on are missing or wrong.
    #[error("the entry of the terms from block {0} on is missing or wrong")]
    Terms(Height),
    /// An undo entry is missing or wrong.
    #[error("the undo entry of block {0} is missing or wrong")]
    Undo(Height),
    /// The database failed.
    #[error("its database failed: {0}")]
    Database(String),
    /// The database cannot read its own files.
    #[error("its database cannot read its own files")]
    Unreadable,
}

impl StoreError {
    pub(crate) fn damaged(file: FileName, offset: u64, damage: impl Into<Damage>) -> Self {
        Self::Damaged { file, offset, damage: damage.into() }
    }

    /// The meaning of this error for an index that was just rebuilt from the log.
    pub(crate) fn of_new_index(self) -> Self {
        match self {
            Self::Index { fault } if !matches!(fault, IndexFault::Database(_) | IndexFault::Unreadable) => {
                Self::Inconsistent { fault }
            }
            e => e,
        }
    }

    /// Whether the folder cannot be written, or has no room, so that nothing but reading it is possible.
    #[must_use]
    pub fn is_unwritable(&self) -> bool {
        let source = match self {
            Self::Directory { source, .. } | Self::Io { source, .. } => source,
            other => return matches!(other, Self::DiskFull { .. }),
        };
        let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        refused.contains(&source.kind()) || is_full(source)
    }

    /// A failure while writing to `file`.
    pub(crate) fn writing(file: FileName, source: io::Error) -> Self {
        if is_full(&source) { Self::DiskFull { file } } else { Self::Io { file, source } }
    }
}

fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<IndexFault> for StoreError {
    fn from(fault: IndexFault) -> Self {
        Self::Index { fault }
    }
}
