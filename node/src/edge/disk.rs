//! The files of a store on a disk, and the lock that keeps a second process out.
//!
//! Directories are made with mode 0700 and files with 0600, whatever the umask grants: a chain is public, but
//! what this node has pending is not yet. The index's files have the modes that sled gives them, below such a
//! directory. What is there already keeps the modes that it has.

use crate::storage::{FileName, Files, StoreError};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A directory on a disk, locked while this value lives.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    /// The file that was written last.
    writing: Option<(FileName, File)>,
    _lock: File,
}

impl Disk {
    /// Locks the directory.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it, [`StoreError::Directory`] when it cannot be used.
    pub fn lock(dir: &Path) -> Result<Self, StoreError> {
        let refused = |source| StoreError::Directory { dir: dir.to_owned(), source };
        let lock = writable(&dir.join("lock")).map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), writing: None, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, file: FileName) -> PathBuf {
        self.dir.join(file.to_string())
    }

    /// The numbers of all files with this prefix and name.
    fn numbers(&self, prefix: &str, named: impl Fn(u32) -> FileName) -> io::Result<Vec<u32>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_prefix(prefix)).and_then(|n| n.parse().ok());
            all.extend(number.filter(|n| name == *named(*n).to_string()));
        }
        Ok(all)
    }

    /// The open file to write to. It stays open until its sync, so that a failed write-back is reported
    /// there.
    fn writer(&mut self, file: FileName) -> io::Result<&mut File> {
        let open = match self.writing.take() {
            Some((name, open)) if name == file => open,
            _ => writable(&self.path(file))?,
        };
        Ok(&mut self.writing.insert((file, open)).1)
    }
}

/// Opens a file to write to, and makes it if need be.
fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory and those above it, durably.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dir(parent)?;
    DirBuilder::new().mode(0o700).create(dir)?;
    sync_dir(parent)
}

impl Files for Disk {
    fn segments(&self) -> io::Result<Vec<u32>> {
        self.numbers("log-", FileName::Segment)
    }

    fn bases(&self) -> io::Result<Vec<u32>> {
        self.numbers("base-", FileName::Base)
    }

    fn len(&self, file: FileName) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(file)) {
            Ok(m) => Ok(Some(m.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn read(&self, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        let mut open = File::open(self.path(file))?;
        open.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; n];
        open.read_exact(&mut bytes).map(|()| bytes)
    }

    fn write(&mut self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let open = self.writer(file)?;
        open.seek(SeekFrom::Start(offset))?;
        open.write_all(bytes)
    }

    fn truncate(&mut self, file: FileName, length: u64) -> io::Result<()> {
        self.writer(file)?.set_len(length)
    }

    fn sync(&mut self, file: FileName) -> io::Result<()> {
        self.writer(file)?.sync_data()
    }

    fn rename(&mut self, from: FileName, to: FileName) -> io::Result<()> {
        self.writing = None;
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&mut self, file: FileName) -> io::Result<()> {
        self.writing = None;
        fs::remove_file(self.path(file))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_dir(&self.dir)
    }
}
