//! The file operations that the log, the head and the mempool's file are made of, behind a trait: a disk, or
//! a memory that fails.
//!
//! One flat directory. `write` may stay in a cache until `sync`, and a new, renamed or removed name until
//! `sync_names`; a caller that needs an order must ask for it.

use super::{
    error::{StoreError, StoreError::Io},
    file_name::FileName,
};
use crate::codec::Damage;
use std::{fmt::Debug, io};

/// File operations in one directory.
pub trait Files: Debug + Send + Sync {
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
    /// When the length cannot be determined.
    fn len(&self, file: FileName) -> io::Result<Option<u64>>;

    /// Reads exactly `n` bytes from `offset` on. The caller bounds `n` by [`Files::len`].
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
    /// The state of unsynced bytes is unknown then.
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
    /// The state of new names is unknown then.
    fn sync_names(&mut self) -> io::Result<()>;

    /// Refuses every change from now on, if changes are made in memory alone.
    fn freeze(&mut self) {}
}

impl Files for Box<dyn Files> {
    fn segments(&self) -> io::Result<Vec<u32>> {
        (**self).segments()
    }

    fn bases(&self) -> io::Result<Vec<u32>> {
        (**self).bases()
    }

    fn len(&self, file: FileName) -> io::Result<Option<u64>> {
        (**self).len(file)
    }

    fn read(&self, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        (**self).read(file, offset, n)
    }

    fn write(&mut self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (**self).write(file, offset, bytes)
    }

    fn truncate(&mut self, file: FileName, length: u64) -> io::Result<()> {
        (**self).truncate(file, length)
    }

    fn sync(&mut self, file: FileName) -> io::Result<()> {
        (**self).sync(file)
    }

    fn rename(&mut self, from: FileName, to: FileName) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove(&mut self, file: FileName) -> io::Result<()> {
        (**self).remove(file)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        (**self).sync_names()
    }

    fn freeze(&mut self) {
        (**self).freeze();
    }
}

/// Replaces a file's content: after a crash it is the old or the new one, and once this returns the new one.
pub(crate) fn replace(files: &mut dyn Files, file: FileName, bytes: &[u8]) -> Result<(), StoreError> {
    let draft = file.draft();
    let mut steps = || {
        files.write(draft, 0, bytes)?;
        files.truncate(draft, bytes.len() as u64)?;
        files.sync(draft)?;
        files.rename(draft, file)?;
        files.sync_names()
    };
    steps().map_err(|e| StoreError::writing(file, e))
}

/// Appends to a file that ends at `at`, durably: after a crash it has a part of the bytes, and once this returns all. A
/// file that ends elsewhere is left alone, which is an error.
pub(crate) fn append(files: &mut dyn Files, file: FileName, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
    let mut steps = || {
        if files.len(file)? != Some(at) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        files.write(file, at, bytes)?;
        files.sync(file)
    };
    steps().map_err(|e| StoreError::writing(file, e))
}

/// Reads a whole file of at most `bound` bytes.
pub(crate) fn read_whole(files: &dyn Files, file: FileName, bound: u64) -> Result<Vec<u8>, StoreError> {
    let length = length(files, file)?.ok_or(StoreError::damaged(file, 0, Damage::Missing))?;
    match usize::try_from(length) {
        Ok(n) if length <= bound => files.read(file, 0, n).map_err(|source| Io { file, source }),
        _ => Err(StoreError::damaged(file, bound, Damage::Long)),
    }
}

/// A file's length; `None` when it does not exist.
pub(crate) fn length(files: &dyn Files, file: FileName) -> Result<Option<u64>, StoreError> {
    files.len(file).map_err(|source| Io { file, source })
}

/// Removes a file, if it is there.
pub(crate) fn remove_if_there(files: &mut dyn Files, file: FileName) -> Result<(), StoreError> {
    if length(files, file)?.is_some() {
        files.remove(file).map_err(|e| StoreError::writing(file, e))?;
    }
    Ok(())
}

/// All bytes of a file; `None` when it does not exist.
pub(crate) fn read_if_there(files: &dyn Files, file: FileName) -> Result<Option<Vec<u8>>, StoreError> {
    match length(files, file)? {
        Some(n) => read_whole(files, file, n).map(Some),
        None => Ok(None),
    }
}

/// Writes at an offset of a file, not yet durably.
pub(crate) fn write_at(
    files: &mut dyn Files,
    file: FileName,
    offset: u64,
    bytes: &[u8],
) -> Result<(), StoreError> {
    files.write(file, offset, bytes).map_err(|e| StoreError::writing(file, e))
}

/// Makes a file's content and length durable.
pub(crate) fn sync(files: &mut dyn Files, file: FileName) -> Result<(), StoreError> {
    files.sync(file).map_err(|e| StoreError::writing(file, e))
}
