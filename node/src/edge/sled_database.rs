//! The index's database on disk: [`sled`], and what it takes to trust it.
//!
//! One flipped bit in sled's file can lose records without an error, and its own flush does not cover
//! metadata. Hence the `fsync` of its files in [`Database::flush`], and that no answer of the index is believed
//! that the head does not commit to. sled may also panic over damaged files, which is caught here and reported
//! as damage.

use crate::{
    edge::disk::sync_dir,
    storage::{Batch, Database, Databases, FileName, IndexFault, KeyValue, Slot, StoreError},
};
use std::{
    fs::{self, File},
    io, iter,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How often, and how long each time, to wait for sled's lock.
const LOCK_TRIES: u32 = 300;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Bytes of sled's page cache.
const CACHE_BYTES: u64 = 64 << 20;

/// sled databases in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SledDatabases {
    /// `None`: temporary ones, which are removed when they are closed.
    dir: Option<PathBuf>,
}

impl SledDatabases {
    /// Databases in the subdirectories `index` and `index-next` of a directory.
    #[must_use]
    pub fn in_directory(dir: &Path) -> Self {
        Self { dir: Some(dir.to_owned()) }
    }

    /// Databases that are removed when they are closed, for tests and benchmarks.
    #[must_use]
    pub const fn temporary() -> Self {
        Self { dir: None }
    }

    fn path(&self, slot: Slot) -> Option<PathBuf> {
        let name = match slot {
            Slot::Current => FileName::Index,
            Slot::Next => FileName::NextIndex,
        };
        self.dir.as_ref().map(|dir| dir.join(name.to_string()))
    }
}

impl Databases for SledDatabases {
    fn open(&self, slot: Slot) -> Result<Box<dyn Database>, StoreError> {
        // No flushing thread: the store says when.
        let config = sled::Config::new().cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let dir = self.path(slot);
        let config = match &dir {
            Some(dir) => config.path(dir),
            None => config.temporary(true),
        };
        let db = guarded(|| open_patiently(&config).map_err(failed))?;
        Ok(Box::new(SledDatabase { db, dir }))
    }

    fn exists(&self, slot: Slot) -> bool {
        self.path(slot).is_some_and(|dir| dir.exists())
    }

    fn remove(&self, slot: Slot) -> Result<(), StoreError> {
        let Some(dir) = self.path(slot) else { return Ok(()) };
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(directory(&dir, e)),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: Slot, to: Slot) -> Result<(), StoreError> {
        let Some((from, to)) = self.path(from).zip(self.path(to)) else { return Ok(()) };
        fs::rename(&from, to).map_err(|e| directory(&from, e))
    }
}

/// An open sled database.
#[derive(Debug)]
struct SledDatabase {
    db: sled::Db,
    dir: Option<PathBuf>,
}

impl Database for SledDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| Ok(self.db.get(key).map_err(failed)?.map(|v| v.to_vec())))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, StoreError>> + '_> {
        let mut entries = Some(self.db.range(from..to));
        Box::new(iter::from_fn(move || {
            let next =
                guarded(|| entries.as_mut().and_then(Iterator::next).map(entry).transpose()).transpose();
            if !matches!(next, Some(Ok(_))) {
                entries = None;
            }
            next
        }))
    }

    fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let mut changes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        guarded(|| self.db.apply_batch(changes).map_err(failed))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        guarded(|| self.db.clear().map_err(failed))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        guarded(|| self.db.flush().map_err(failed))?;
        let Some(dir) = &self.dir else { return Ok(()) };
        sync_tree(dir).map_err(|e| directory(dir, e))
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        guarded(|| self.db.size_on_disk().map_err(failed))
    }
}

fn entry(found: sled::Result<(sled::IVec, sled::IVec)>) -> Result<KeyValue, StoreError> {
    found.map(|(k, v)| (k.to_vec(), v.to_vec())).map_err(failed)
}

/// Opens sled. Its threads may hold its lock for a moment after a store was closed; no other process can,
/// since the store's own lock keeps it out.
fn open_patiently(config: &sled::Config) -> sled::Result<sled::Db> {
    let locked = |e: &sled::Error| matches!(e, sled::Error::Io(e) if e.to_string().contains("acquire lock"));
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(e) if locked(&e) => thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

/// Runs an operation of sled's; a panic of its is damage like any other.
fn guarded<T>(operation: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(operation)).unwrap_or_else(|_| Err(IndexFault::Unreadable.into()))
}

/// What an error of sled's means. What the operating system refuses says nothing about the index; the rest is
/// what sled made of its bytes.
fn failed(e: sled::Error) -> StoreError {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match e {
        sled::Error::Io(source)
            if !matches!(source.kind(), InvalidData | InvalidInput | Other | UnexpectedEof) =>
        {
            StoreError::writing(FileName::Index, source)
        }
        e => IndexFault::Database(e.to_string()).into(),
    }
}

fn directory(dir: &Path, source: io::Error) -> StoreError {
    StoreError::Directory { dir: dir.to_owned(), source }
}

/// Syncs every file of a directory and the directory itself, and so on below.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}
