//! An installation in a folder: its key, and a small file for each session that it has closed.
//!
//! ```text
//! DIR/installation.key    created on first use, mode 0600
//! DIR/closed/SESSION-ROLE the response that closed the session in this role; written once, never changed
//! ```
//!
//! A file is written under a temporary name, synced, and linked to its final name, which fails if the name is
//! taken; then its folder is synced. Of two processes one is first, and after a crash a file is complete or
//! absent. [`crate::nonce_vault`] describes the bytes.
//!
//! **Not covered**: restoring an old copy of this folder together with the wallet opens its sessions again.
//! Keep the folder out of backups. File systems without hard links are not supported: nothing can be signed
//! there.

use super::disk::{failed, folder_of, private, sync_folder, with_suffix};
use crate::{
    nonce_vault::{self, Installation},
    store::{SessionRegister, StoreError},
};
use rand_core::{OsRng, RngCore};
use sotto_mw::{
    hash::Hash,
    session::{Role, SessionId},
};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Opens the installation in this folder; creates the folder and the key on first use.
///
/// # Errors
/// [`StoreError`]: the folder is not usable, other users can read the key, or the key is damaged. It is never
/// replaced.
pub fn open(dir: &Path) -> Result<Installation, StoreError> {
    let (path, closed) = (dir.join("installation.key"), dir.join("closed"));
    make_private(&closed)?;
    let mut fresh = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *fresh);
    // This also syncs the folder, so that the key never exists without the register.
    let kept = write_once(&path, &nonce_vault::key_bytes(&fresh))?;
    let key = nonce_vault::read_key(&kept).map_err(|_| StoreError::Installation { path })?;
    Ok(Installation::new(key, Folder(closed)))
}

/// A register in a folder, with one file for each session.
struct Folder(PathBuf);

impl SessionRegister for Folder {
    fn close(&self, session: &SessionId, role: Role, on: &Hash) -> Result<Hash, StoreError> {
        let session = Hash::from_bytes(session.0);
        // Earlier versions closed both roles with one file, which stays closed.
        let both = self.0.join(session.to_string());
        let closed = fs::exists(&both).map_err(failed("look for", &both))?;
        let path = if closed { both } else { self.0.join(format!("{session}-{role}")) };
        let kept = write_once(&path, &nonce_vault::closed_bytes(on))?;
        nonce_vault::read_closed(&kept).map_err(|_| StoreError::Installation { path })
    }
}

/// Writes a file unless it exists, and returns its bytes, which are durable then.
fn write_once(path: &Path, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    if !fs::exists(path).map_err(failed("look for", path))? {
        let temporary = with_suffix(path, &format!(".{:016x}", OsRng.next_u64()));
        let written = || -> io::Result<()> {
            let mut file = private().create_new(true).open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            match fs::hard_link(&temporary, path) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
                _ => Ok(()),
            }
        };
        let written = written();
        // A temporary file that remains is harmless; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        written.map_err(failed("write", path))?;
    }
    sync_folder(folder_of(path))?;
    read(path)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let file = File::open(path).map_err(failed("open", path))?;
    owner_only(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(nonce_vault::MAX_FILE));
    file.take(nonce_vault::MAX_FILE as u64).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

#[cfg(unix)]
fn owner_only(file: &File, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(failed("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn owner_only(_: &File, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Creates a folder and its parents, readable only by the owner.
fn make_private(dir: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(failed("make", dir))
}
