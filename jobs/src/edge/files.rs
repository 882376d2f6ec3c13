//! Where a run survives a crash: a folder of small files, each written whole or not at all.
//!
//! ```text
//! FOLDER/                    mode 0700, files 0600
//!   manifest-OWNER  share-OWNER  own  attempts  computed  finished  served     a run's
//!   budget  budget-head                                                         an owner's
//! ```
//!
//! A file is replaced: a temporary one, sync, rename, sync of the folder; nothing is ever added to the end of one, so no crash and
//! no full disk leaves half a record. What was kept is on the disk when [`Shelf::keep`] returns; when it fails, what was
//! there before is still there. Tests use [`Memory`], which can also be full.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Job;
use crate::desk::Item;

/// Longest item that is read, in bytes.
const MAX_ITEM: u64 = 1 << 30;

/// A place for what survives a crash.
pub trait Shelf {
    /// What was kept under a name.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Keeps this in place of what was there, durably.
    ///
    /// # Errors
    /// If it cannot be kept; then what was there is still there.
    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// The name under which an item is kept.
#[must_use]
pub fn name(job: &Job, item: Item) -> String {
    match item {
        Item::Manifest(owner) => format!("manifest-{}", job.party(owner).name),
        Item::Share(owner) => format!("share-{}", job.party(owner).name),
        Item::Attempts => "attempts".to_owned(),
        Item::Computed => "computed".to_owned(),
        Item::Finished => "finished".to_owned(),
        Item::Served => "served".to_owned(),
        Item::Own => "own".to_owned(),
    }
}

/// A folder that only its owner may look into.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held until this value is dropped: one process at a time.
    _lock: File,
}

impl Folder {
    /// Opens a folder, made if need be, and locks it.
    ///
    /// # Errors
    /// If it cannot be made, or another process is at it (`WouldBlock`).
    pub fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Shelf for Folder {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        let read = file.take(MAX_ITEM + 1).read_to_end(&mut bytes)? as u64;
        if read > MAX_ITEM { Err(ErrorKind::FileTooLarge.into()) } else { Ok(Some(bytes)) }
    }

    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (path, new) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let write = || {
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            self.sync()
        };
        write().inspect_err(|_| {
            // Half a file is of no use; the first error is the one to report.
            let _ = fs::remove_file(&new);
        })
    }
}

/// A place in memory that may become full.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    items: BTreeMap<String, Vec<u8>>,
    /// How many more writes succeed; without it, all.
    pub room: Option<usize>,
}

impl Memory {
    fn take_room(&mut self) -> io::Result<()> {
        match &mut self.room {
            Some(0) => Err(ErrorKind::StorageFull.into()),
            Some(room) => {
                *room -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Shelf for Memory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.items.get(name).cloned())
    }

    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.take_room()?;
        self.items.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembers(shelf: &mut impl Shelf) {
        assert_eq!(shelf.get("own").unwrap(), None);
        shelf.keep("own", b"one").unwrap();
        shelf.keep("own", b"two").unwrap();
        assert_eq!(shelf.get("own").unwrap().unwrap(), b"two");
    }

    #[test]
    fn folder_and_memory_are_alike() {
        let path = std::env::temp_dir().join(format!("sotto-shelf-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let mut folder = Folder::open(&path).unwrap();
        remembers(&mut folder);
        assert_eq!(Folder::open(&path).unwrap_err().kind(), ErrorKind::WouldBlock, "one process at a time");
        drop(folder);
        assert_eq!(Folder::open(&path).unwrap().get("own").unwrap().unwrap(), b"two");
        fs::remove_dir_all(&path).unwrap();
        remembers(&mut Memory::default());
        let mut full = Memory { room: Some(0), ..Memory::default() };
        assert_eq!(full.keep("own", b"").unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
