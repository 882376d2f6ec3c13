//! The few file operations that log, head and pool are made of, behind a trait: the disk, or a memory that fails.
//!
//! One flat directory. `write` may stay in a cache until `sync`, and a new, renamed or removed name until
//! `sync_names`; whoever needs an order must ask for it.

use super::error::{StoreError, StoreError::Io};
use crate::wire::Damage;
use core::fmt;
use std::io;

/// The files of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// The chain's parameters.
    Genesis,
    /// Where the chain stands.
    Head,
    /// Pending transactions.
    Pool,
    /// A part of the block log.
    Segment(u32),
    /// The state that the log begins with, in place of the blocks before.
    Base(u32),
    /// A base that is being made.
    BaseDraft,
    /// Sealed headers that are not in the chain.
    Evidence,
    /// Parts of a snapshot that arrive from peers.
    Arriving,
    /// A snapshot that is handed out.
    Snapshot(u32),
    /// A snapshot that is being made.
    SnapshotDraft,
    /// A file that is about to replace another.
    Draft,
    /// A damaged pool, kept for inspection.
    PoolDamaged,
    /// The index: a directory of its own.
    Index,
    /// That of a state that is not adopted yet.
    NextIndex,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis => f.write_str("genesis"),
            Self::Head => f.write_str("head"),
            Self::Pool => f.write_str("pool"),
            Self::Segment(n) => write!(f, "log-{n:08}"),
            Self::Base(n) => write!(f, "base-{n:08}"),
            Self::BaseDraft => f.write_str("base-draft"),
            Self::Evidence => f.write_str("evidence"),
            Self::Arriving => f.write_str("arriving"),
            Self::Snapshot(n) => write!(f, "snapshot-{n}"),
            Self::SnapshotDraft => f.write_str("snapshot-draft"),
            Self::Draft => f.write_str("draft"),
            Self::PoolDamaged => f.write_str("pool.damaged"),
            Self::Index => f.write_str("index"),
            Self::NextIndex => f.write_str("index-next"),
        }
    }
}

/// File operations in one directory.
pub trait Files {
    /// The numbers of all log segments, in no order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn segments(&self) -> io::Result<Vec<u32>>;

    /// The numbers of all bases, in no order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn bases(&self) -> io::Result<Vec<u32>>;

    /// A file's length; `None` when it does not exist.
    ///
    /// # Errors
    /// When this cannot be told.
    fn len(&self, file: FileName) -> io::Result<Option<u64>>;

    /// Exactly `n` bytes from `offset` on. The caller bounds `n` by [`Files::len`].
    ///
    /// # Errors
    /// `UnexpectedEof` when there are fewer.
    fn read(&self, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>>;

    /// Writes bytes at `offset`, and creates the file if need be.
    ///
    /// # Errors
    /// Any number of the bytes may have been written then.
    fn write(&mut self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file to `length`, or fills it up to there with zeros.
    ///
    /// # Errors
    /// When it cannot be done.
    fn truncate(&mut self, file: FileName, length: u64) -> io::Result<()>;

    /// Makes a file's content and length durable (`fdatasync`).
    ///
    /// # Errors
    /// Nothing is known of unsynced bytes then.
    fn sync(&mut self, file: FileName) -> io::Result<()>;

    /// Renames a file over another.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn rename(&mut self, from: FileName, to: FileName) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&mut self, file: FileName) -> io::Result<()>;

    /// Makes all names durable (`fsync` of the directory).
    ///
    /// # Errors
    /// Nothing is known of new names then.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// Replaces a file's content: after a crash it is the old or the new, and once this returns the new.
pub(crate) fn replace(files: &mut impl Files, file: FileName, bytes: &[u8]) -> Result<(), StoreError> {
    let mut steps = || {
        files.write(FileName::Draft, 0, bytes)?;
        files.truncate(FileName::Draft, bytes.len() as u64)?;
        files.sync(FileName::Draft)?;
        files.rename(FileName::Draft, file)?;
        files.sync_names()
    };
    steps().map_err(|e| StoreError::writing(file, e))
}

/// All bytes of a file that has at most `bound`.
pub(crate) fn read_whole(files: &impl Files, file: FileName, bound: u64) -> Result<Vec<u8>, StoreError> {
    let length = length(files, file)?.ok_or(StoreError::damaged(file, 0, Damage::Missing))?;
    match usize::try_from(length) {
        Ok(n) if length <= bound => files.read(file, 0, n).map_err(|source| Io { file, source }),
        _ => Err(StoreError::damaged(file, bound, Damage::Long)),
    }
}

/// A file's length; `None` when it does not exist.
pub(crate) fn length(files: &impl Files, file: FileName) -> Result<Option<u64>, StoreError> {
    files.len(file).map_err(|source| Io { file, source })
}
