//! The wallet file: encrypted under a passphrase, replaced whole, held by one process.
//!
//! Layout: `crate::wire`. key = Argon2id v1.3 (passphrase, salt) (RFC 9106), its parameters bounded before memory is taken.
//! A write goes to a temporary file in the same folder, is synced, renamed over the old one, and the folder is synced:
//! a crash leaves the old file or the new one. A lock on `<file>.lock` keeps a second process out; the lock file stays.
//!
//! A wrong passphrase and an altered byte are one error, after the same work. **Not hidden**: the file's length tells
//! roughly how many outputs and payments there are.

use crate::{
    store::{Store, StoreError},
    wire::{FileHeader, VERSION},
};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use core::{cmp::Ordering, fmt};
use rand_core::{OsRng, RngCore};
use sotto_mw::codec::{Decode, DecodeError, Encode, Reader};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const HEADER: u64 = FileHeader::BYTES as u64;
const TAG: u64 = 16;
/// Most bytes of contents: far above what 2²⁴ records take is refused before it is read.
const MAX_CONTENTS: u64 = 1 << 32;

/// What guessing a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// For people: RFC 9106's second recommendation (64 MiB, three passes, four lanes).
    pub const STANDARD: Self = Self { kib: 64 << 10, passes: 3, lanes: 4 };
    /// For tests: protects nothing.
    pub const INSECURE_FAST: Self = Self { kib: 8, passes: 1, lanes: 1 };

    /// This many KiB, passes and lanes; `None` above 2 GiB, 64 passes or 16 lanes, or below Argon2's own minimum.
    #[must_use]
    pub fn new(kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let bounded = kib <= 2 << 20 && passes <= 64 && lanes <= 16;
        (bounded && Params::new(kib, passes, lanes, Some(32)).is_ok()).then_some(Self { kib, passes, lanes })
    }

    fn derive(self, passphrase: &[u8], salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let params =
            Params::new(self.kib, self.passes, self.lanes, Some(32)).map_err(|_| StoreError::Cost)?;
        let mut memory: Vec<Block> = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| StoreError::Memory { kib: self.kib })?;
        memory.resize(params.block_count(), Block::default());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, salt, &mut *key, &mut memory)
            .map_err(|_| StoreError::Cost)?;
        memory.iter_mut().for_each(zeroize::Zeroize::zeroize);
        Ok(key)
    }
}

/// An open wallet file, held by this process.
pub struct WalletFile {
    path: PathBuf,
    cost: Cost,
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
    /// Held until this value is dropped.
    _lock: File,
}

impl fmt::Debug for WalletFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletFile")
            .field("path", &self.path)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

impl WalletFile {
    /// Prepares a new, empty wallet file; it appears on disk with the first write.
    ///
    /// # Errors
    /// When something is there already, the folder cannot be written, or another process is at it.
    pub fn create(path: &Path, passphrase: &[u8], cost: Cost) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        if fs::exists(path).map_err(failed("look for", path))? {
            let source = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(StoreError::Io { action: "create", path: path.to_owned(), source });
        }
        let mut salt = [0; 16];
        OsRng.fill_bytes(&mut salt);
        let key = cost.derive(passphrase, &salt)?;
        Ok(Self { path: path.to_owned(), cost, salt, key, _lock: lock })
    }

    /// Opens a wallet file and makes sure that the passphrase fits.
    ///
    /// # Errors
    /// [`StoreError`]: in use, cut off, of another version, or [`StoreError::Passphrase`].
    pub fn open(path: &Path, passphrase: &[u8]) -> Result<Self, StoreError> {
        // Before the lock file is made: asking for a wallet that is not there leaves nothing behind.
        // Links are followed once, so that a wallet has one lock, and a write replaces the wallet and not the link.
        let path = &fs::canonicalize(path).map_err(failed("open", path))?;
        let lock = lock(path)?;
        let bytes = read(path)?;
        let (header, cost) = header(&bytes)?;
        let key = cost.derive(passphrase, &header.salt)?;
        let file = Self { path: path.to_owned(), cost, salt: header.salt, key, _lock: lock };
        decrypt(&file.key, &bytes).map(|_| file)
    }

    /// The file under another passphrase: written anew under another key and salt.
    ///
    /// # Errors
    /// As [`Store::replace`]; the old passphrase still holds then.
    pub fn change_passphrase(&mut self, passphrase: &[u8], cost: Cost) -> Result<(), StoreError> {
        let contents = self.load()?;
        let mut salt = [0; 16];
        OsRng.fill_bytes(&mut salt);
        let key = cost.derive(passphrase, &salt)?;
        let old = (self.cost, self.salt, core::mem::replace(&mut self.key, key));
        (self.cost, self.salt) = (cost, salt);
        let kept = self.replace(&contents);
        if kept.is_err() {
            (self.cost, self.salt, self.key) = old;
        }
        kept
    }

    /// Writes a copy of the file, under the same passphrase, to a path where nothing is.
    ///
    /// # Errors
    /// When something is there already, or the copy cannot be made durable; then nothing is left there.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let bytes = self.encrypt(&self.load()?)?;
        let mut file = private().create_new(true).open(to).map_err(failed("create", to))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| {
            // Half a backup is of no use; the first error is the one to report.
            let _ = fs::remove_file(to);
            failed("write", to)(e)
        })?;
        sync_folder(folder(to))
    }

    /// What a backup holds, without a lock and without changing anything.
    ///
    /// # Errors
    /// [`StoreError`]: cut off, of another version, or [`StoreError::Passphrase`].
    pub fn read_backup(path: &Path, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let bytes = read(path)?;
        let (header, cost) = header(&bytes)?;
        let key = cost.derive(passphrase, &header.salt)?;
        decrypt(&key, &bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*self.key))
    }

    fn encrypt(&self, contents: &[u8]) -> Result<Vec<u8>, StoreError> {
        let length = contents.len() as u64;
        if length > MAX_CONTENTS {
            return Err(StoreError::TooLong { found: length, expected: MAX_CONTENTS });
        }
        let mut nonce = [0; 24];
        OsRng.fill_bytes(&mut nonce);
        let Cost { kib, passes, lanes } = self.cost;
        let header = FileHeader { cost: [kib, passes, lanes], salt: self.salt, nonce, length }.to_bytes();
        let payload = Payload { msg: contents, aad: &header };
        let text = self.cipher().encrypt(XNonce::from_slice(&nonce), payload);
        let text = text.map_err(|_| StoreError::TooLong { found: length, expected: MAX_CONTENTS })?;
        Ok([&header[..], &text].concat())
    }
}

impl Store for WalletFile {
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        if !fs::exists(&self.path).map_err(failed("look for", &self.path))? {
            return Ok(Zeroizing::default());
        }
        decrypt(&self.key, &read(&self.path)?)
    }

    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError> {
        write_atomically(&self.path, &self.encrypt(contents)?)
    }
}

fn decrypt(key: &[u8; 32], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let (FileHeader { nonce, .. }, _) = header(bytes)?;
    let (aad, msg) = bytes.split_at_checked(FileHeader::BYTES).ok_or(StoreError::NotAWallet)?;
    let plain = XChaCha20Poly1305::new(Key::from_slice(key))
        .decrypt(XNonce::from_slice(&nonce), Payload { msg, aad });
    plain.map(Zeroizing::new).map_err(|_| StoreError::Passphrase)
}

/// Reads the header, and holds cost and length against what makes sense and what is there.
fn header(bytes: &[u8]) -> Result<(FileHeader, Cost), StoreError> {
    let found = bytes.len() as u64;
    let mut r = Reader::new(bytes);
    let header = FileHeader::decode(&mut r).map_err(|e| match e {
        // An empty file, and one that begins otherwise, was never a wallet.
        DecodeError::Short { .. } if found > 0 && FileHeader::MAGIC.starts_with(first(bytes)) => {
            StoreError::CutOff { found, expected: HEADER + TAG }
        }
        DecodeError::Version { found } => StoreError::Version { found, reads: VERSION },
        _ => StoreError::NotAWallet,
    })?;
    if header.length > MAX_CONTENTS {
        return Err(StoreError::TooLong { found: header.length, expected: MAX_CONTENTS });
    }
    let expected = HEADER + header.length + TAG;
    match found.cmp(&expected) {
        Ordering::Less => return Err(StoreError::CutOff { found, expected }),
        Ordering::Greater => return Err(StoreError::TooLong { found, expected }),
        Ordering::Equal => {}
    }
    let [kib, passes, lanes] = header.cost;
    Ok((header, Cost::new(kib, passes, lanes).ok_or(StoreError::Cost)?))
}

fn first(bytes: &[u8]) -> &[u8] {
    bytes.get(..FileHeader::MAGIC.len()).unwrap_or(bytes)
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// For writing, readable by the owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let name = beside(path, ".lock");
    let file = private().create(true).truncate(false).open(&name).map_err(failed("open", &name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(e)) => Err(failed("lock", &name)(e)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let found = file.metadata().map_err(failed("read", path))?.len();
    let expected = MAX_CONTENTS + HEADER + TAG;
    if found > expected {
        return Err(StoreError::TooLong { found, expected });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

/// Temporary file, sync, rename, sync of the folder. The temporary file is new: nothing that lies there is followed.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = beside(path, ".new");
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
        // Half a file is of no use, and on a full disk its room is; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        failed("write", &temporary)(e)
    })?;
    fs::rename(&temporary, path).map_err(failed("replace", path))?;
    sync_folder(folder(path))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed("sync", folder))
}

/// Elsewhere a folder cannot be opened for syncing; the rename itself is the best there is.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<(), StoreError> {
    Ok(())
}
