//! The files of a store on a disk, and the lock that keeps a second process out.
//!
//! Directories are made with mode 0700 and files with 0600, whatever the umask grants: a chain is public, but
//! what this node has pending is not yet. The index's files have the modes that sled gives them, below such a
//! directory. What is there already keeps the modes that it has.

use crate::{
    edge::{
        directory::{length_in, numbers_in, path_in, read_in},
        overlay::Overlay,
    },
    storage::{FileName, Files, StoreError},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Files that are open to read, at most.
const READING: usize = 64;

/// A directory on a disk, locked while this value lives.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    access: Access,
}

#[derive(Debug)]
enum Access {
    Write {
        /// The file that was written last.
        writing: Option<(FileName, File)>,
        reading: Readers,
        _lock: Option<File>,
    },
    /// Nothing is written. A directory without a lock file has never been opened to write.
    Read { overlay: Overlay, _lock: Option<File> },
}

/// Segments of the log and bases that are open to read, at most [`READING`] and as long as no name changes:
/// outputs are read from there one by one.
#[derive(Debug, Default)]
struct Readers(Mutex<HashMap<FileName, File>>);

impl Readers {
    fn read(&self, dir: &Path, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        if !matches!(file, FileName::Segment(_) | FileName::Base(_)) {
            return read_in(dir, file, offset, n);
        }
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= READING && !open.contains_key(&file) {
            open.clear();
        }
        let file = match open.entry(file) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => place.insert(File::open(path_in(dir, file))?),
        };
        let mut bytes = vec![0; n];
        file.read_exact_at(&mut bytes, offset).map(|()| bytes)
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
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
            Ok(()) => {
                let access = Access::Write { writing: None, reading: Readers::default(), _lock: Some(lock) };
                Ok(Self { dir: dir.to_owned(), access })
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }

    /// A directory beside a store whose lock the caller holds, and which no other process writes to then.
    pub(crate) fn beside_locked(dir: &Path) -> Self {
        let access = Access::Write { writing: None, reading: Readers::default(), _lock: None };
        Self { dir: dir.to_owned(), access }
    }

    /// Opens a directory to read, and writes nothing in it: what opening a store changes is changed in
    /// memory. Others may read at the same time.
    ///
    /// # Errors
    /// As [`Disk::lock`].
    pub fn read_only(dir: &Path) -> Result<Self, StoreError> {
        let refused = |source| StoreError::Directory { dir: dir.to_owned(), source };
        let lock = match File::open(dir.join("lock")) {
            Ok(lock) => Some(lock),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(refused(e)),
        };
        match lock.as_ref().map_or(Ok(()), File::try_lock_shared) {
            Ok(()) => {
                let access = Access::Read { overlay: Overlay::default(), _lock: lock };
                Ok(Self { dir: dir.to_owned(), access })
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn numbers(&self, prefix: &str, named: impl Fn(u32) -> FileName) -> io::Result<Vec<u32>> {
        match &self.access {
            Access::Write { .. } => numbers_in(&self.dir, prefix, named),
            Access::Read { overlay, .. } => overlay.numbers(&self.dir, prefix, named),
        }
    }
}

/// The open file to write to. It stays open until its sync, so that a failed write-back is reported there.
fn writer<'a>(
    dir: &Path,
    writing: &'a mut Option<(FileName, File)>,
    file: FileName,
) -> io::Result<&'a mut File> {
    let open = match writing.take() {
        Some((name, open)) if name == file => open,
        _ => writable(&path_in(dir, file))?,
    };
    Ok(&mut writing.insert((file, open)).1)
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
        match &self.access {
            Access::Write { .. } => length_in(&self.dir, file),
            Access::Read { overlay, .. } => overlay.len(&self.dir, file),
        }
    }

    fn read(&self, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        match &self.access {
            Access::Write { reading, .. } => reading.read(&self.dir, file, offset, n),
            Access::Read { overlay, .. } => overlay.read(&self.dir, file, offset, n),
        }
    }

    fn write(&mut self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match &mut self.access {
            Access::Write { writing, .. } => {
                let open = writer(&self.dir, writing, file)?;
                open.seek(SeekFrom::Start(offset))?;
                open.write_all(bytes)
            }
            Access::Read { overlay, .. } => overlay.write(&self.dir, file, offset, bytes),
        }
    }

    fn truncate(&mut self, file: FileName, length: u64) -> io::Result<()> {
        match &mut self.access {
            Access::Write { writing, .. } => writer(&self.dir, writing, file)?.set_len(length),
            Access::Read { overlay, .. } => overlay.truncate(&self.dir, file, length),
        }
    }

    fn sync(&mut self, file: FileName) -> io::Result<()> {
        match &mut self.access {
            Access::Write { writing, .. } => writer(&self.dir, writing, file)?.sync_data(),
            Access::Read { overlay, .. } => overlay.may_change(),
        }
    }

    fn rename(&mut self, from: FileName, to: FileName) -> io::Result<()> {
        match &mut self.access {
            Access::Write { writing, reading, .. } => {
                *writing = None;
                reading.forget();
                fs::rename(path_in(&self.dir, from), path_in(&self.dir, to))
            }
            Access::Read { overlay, .. } => overlay.rename(&self.dir, from, to),
        }
    }

    fn remove(&mut self, file: FileName) -> io::Result<()> {
        match &mut self.access {
            Access::Write { writing, reading, .. } => {
                *writing = None;
                reading.forget();
                fs::remove_file(path_in(&self.dir, file))
            }
            Access::Read { overlay, .. } => overlay.remove(file),
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        match &self.access {
            Access::Write { .. } => sync_dir(&self.dir),
            Access::Read { overlay, .. } => overlay.may_change(),
        }
    }

    fn freeze(&mut self) {
        if let Access::Read { overlay, .. } = &mut self.access {
            overlay.freeze();
        }
    }
}
