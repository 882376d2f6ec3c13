//! The wallet file: encrypted under a passphrase, replaced as a whole, and locked by one process.
//!
//! A write goes to a temporary file in the same folder, which is synced and renamed over the old file; then
//! the folder is synced. A crash leaves either the old file or the new one. A lock on `<file>.lock` keeps
//! other processes out; the lock file remains. `crate::encrypted_file` describes the bytes.

use super::disk::{failed, folder_of, private, sync_folder, with_suffix};
use crate::{
    encrypted_file::{FileKey, MAX_FILE},
    store::{Store, StoreError},
};
use core::fmt;
use rand_core::{OsRng, RngCore};
pub use sotto_keys::passphrase::KdfCost;
use std::{
    cell::Cell,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// An open wallet file, locked by this process.
pub struct WalletFile {
    path: PathBuf,
    key: FileKey,
    /// Whether the caller only shows what the wallet holds.
    to_read: bool,
    /// What was decrypted to check the passphrase, until it is loaded.
    opened: Cell<Option<Zeroizing<Vec<u8>>>>,
    /// Holds the lock until this value is dropped.
    _lock: File,
}

impl fmt::Debug for WalletFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletFile").field("path", &self.path).field("key", &self.key).finish_non_exhaustive()
    }
}

impl WalletFile {
    /// Prepares a new, empty wallet file. The first write creates it on disk.
    ///
    /// # Errors
    /// When the file exists, the folder is not writable, or another process has locked the file.
    pub fn create(path: &Path, passphrase: &[u8], cost: KdfCost) -> Result<Self, StoreError> {
        let lock = lock(path, false)?;
        if fs::exists(path).map_err(failed("look for", path))? {
            let source = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(StoreError::Io { action: "create", path: path.to_owned(), source });
        }
        let key = FileKey::derive(cost, random(), passphrase)?;
        Ok(Self { path: path.to_owned(), key, to_read: false, opened: Cell::default(), _lock: lock })
    }

    /// Opens a wallet file and checks the passphrase.
    ///
    /// # Errors
    /// [`StoreError`]: in use, cut off, of an unknown version, or [`StoreError::Passphrase`].
    pub fn open(path: &Path, passphrase: &[u8]) -> Result<Self, StoreError> {
        Self::open_as(path, passphrase, false)
    }

    /// The same, also in a folder that cannot be written, or on a full disk: what cannot be written there is
    /// dropped, and the file stays as it was.
    ///
    /// # Security
    /// For callers that only show what the wallet holds. One that signs would forget that it did.
    ///
    /// # Errors
    /// As [`WalletFile::open`].
    pub fn open_to_read(path: &Path, passphrase: &[u8]) -> Result<Self, StoreError> {
        Self::open_as(path, passphrase, true)
    }

    fn open_as(path: &Path, passphrase: &[u8], to_read: bool) -> Result<Self, StoreError> {
        // Before the lock file is created: opening a wallet that does not exist leaves nothing behind. Links
        // are resolved once, so that a wallet has one lock, and a write replaces the wallet and not the link.
        let path = &fs::canonicalize(path).map_err(failed("open", path))?;
        let lock = lock(path, to_read)?;
        let bytes = read(path)?;
        let key = FileKey::of_file(&bytes, passphrase)?;
        let opened = Cell::new(Some(key.decrypt(&bytes)?));
        Ok(Self { path: path.to_owned(), key, to_read, opened, _lock: lock })
    }

    /// Changes the passphrase: writes the file again under another key and salt.
    ///
    /// # Errors
    /// As [`Store::replace`]; the old passphrase remains valid then.
    pub fn change_passphrase(&mut self, passphrase: &[u8], cost: KdfCost) -> Result<(), StoreError> {
        let contents = self.load()?;
        let key = FileKey::derive(cost, random(), passphrase)?;
        let old = core::mem::replace(&mut self.key, key);
        let replaced = self.replace(&contents);
        if replaced.is_err() {
            self.key = old;
        }
        replaced
    }

    /// The bytes of a copy of the file, encrypted under the same passphrase.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn backup(&self) -> Result<Vec<u8>, StoreError> {
        self.key.encrypt(&self.load()?, random())
    }

    /// Writes such a copy to a path that does not exist.
    ///
    /// # Errors
    /// When the path exists, or the copy cannot be made durable; nothing is left there then.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let bytes = self.backup()?;
        let mut file = private().create_new(true).open(to).map_err(failed("create", to))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| {
            // Half a backup is useless; the first error is the one to report.
            let _ = fs::remove_file(to);
            failed("write", to)(e)
        })?;
        sync_folder(folder_of(to))
    }

    /// Reads the contents of a backup, without a lock and without changing anything.
    ///
    /// # Errors
    /// [`StoreError`]: cut off, of an unknown version, or [`StoreError::Passphrase`].
    pub fn read_backup(path: &Path, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let bytes = read(path)?;
        FileKey::of_file(&bytes, passphrase)?.decrypt(&bytes)
    }
}

impl Store for WalletFile {
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        if let Some(opened) = self.opened.take() {
            return Ok(opened);
        }
        if !fs::exists(&self.path).map_err(failed("look for", &self.path))? {
            return Ok(Zeroizing::default());
        }
        self.key.decrypt(&read(&self.path)?)
    }

    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError> {
        self.opened.take();
        match write_atomically(&self.path, &self.key.encrypt(contents, random())?) {
            Err(StoreError::Io { source, .. }) if self.to_read && is_unwritable(&source) => Ok(()),
            written => written,
        }
    }
}

/// Random bytes from the system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// Whether nothing can be written there now.
fn is_unwritable(e: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(e.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// Locks `<file>.lock`; to read where it cannot be made, the wallet itself.
fn lock(path: &Path, to_read: bool) -> Result<File, StoreError> {
    let name = with_suffix(path, ".lock");
    let file = match private().create(true).truncate(false).open(&name) {
        Err(e) if to_read && is_unwritable(&e) => File::open(&name).or_else(|_| File::open(path)),
        opened => opened,
    };
    let file = file.map_err(failed("open", &name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(e)) => Err(failed("lock", &name)(e)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let found = file.metadata().map_err(failed("read", path))?.len();
    if found > MAX_FILE {
        return Err(StoreError::TooLong { found, expected: MAX_FILE });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

/// Temporary file, sync, rename, sync of the folder. The temporary file is always new, so a link at its path
/// is not followed.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = with_suffix(path, ".new");
    let written = || -> io::Result<()> {
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = private().create_new(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(|e| {
        // Half a file is useless and occupies a full disk; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        failed("write", &temporary)(e)
    })?;
    fs::rename(&temporary, path).map_err(failed("replace", path))?;
    sync_folder(folder_of(path))
}
