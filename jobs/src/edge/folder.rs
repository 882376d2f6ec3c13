//! A folder of small files as [`Storage`]: each file is written whole or not at all.
//!
//! ```text
//! FOLDER/                                mode 0700, files 0600; refused if others can look into it
//!   run  input-commitment-PARTY  share-PARTY  own  attempts  computed  finished  confirmed     of a run
//!   budget  budget-head  policy-JOB                                                            of an input party
//! ```
//!
//! A file is replaced by a temporary file, a sync, a rename and a sync of the folder. Nothing is appended to
//! a file, so neither a crash nor a full disk leaves half a record. When [`Storage::put`] returns, the bytes
//! are on the disk; when it fails, the earlier bytes are still there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::storage::Storage;

/// Longest item that is read, in bytes.
const MAX_ITEM: u64 = 1 << 30;

/// A folder that only its input party may look into.
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
    /// If it cannot be made, other users can look into it (`PermissionDenied`), or another process is at it
    /// (`WouldBlock`).
    pub fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            let why = "other users can look into this folder: run `chmod 700` on it";
            return Err(io::Error::new(ErrorKind::PermissionDenied, why));
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// What is kept under a name in a folder that another process may be at: as it was before its last
    /// [`put`](Storage::put) or after it. Nothing is made.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn peek(path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(path.join(name)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        let read = file.take(MAX_ITEM + 1).read_to_end(&mut bytes)? as u64;
        if read > MAX_ITEM { Err(ErrorKind::FileTooLarge.into()) } else { Ok(Some(bytes)) }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Storage for Folder {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Self::peek(&self.path, name)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Memory;

    fn remembers(storage: &mut impl Storage) {
        assert_eq!(storage.get("own").unwrap(), None);
        storage.put("own", b"one").unwrap();
        storage.put("own", b"two").unwrap();
        assert_eq!(storage.get("own").unwrap().unwrap(), b"two");
    }

    #[test]
    fn folder_and_memory_are_alike() {
        let path = std::env::temp_dir().join(format!("sotto-folder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let mut folder = Folder::open(&path).unwrap();
        remembers(&mut folder);
        assert_eq!(Folder::open(&path).unwrap_err().kind(), ErrorKind::WouldBlock, "one process at a time");
        assert_eq!(Folder::peek(&path, "own").unwrap().unwrap(), b"two", "and any number that only look");
        assert_eq!(Folder::peek(&path.join("none"), "own").unwrap(), None);
        drop(folder);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o750)).unwrap();
        assert_eq!(Folder::open(&path).unwrap_err().kind(), ErrorKind::PermissionDenied);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        assert_eq!(Folder::open(&path).unwrap().get("own").unwrap().unwrap(), b"two");
        fs::remove_dir_all(&path).unwrap();
        remembers(&mut Memory::default());
        let mut full = Memory::with_room(0);
        assert_eq!(full.put("own", b"").unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
