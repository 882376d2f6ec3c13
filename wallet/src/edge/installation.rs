//! One installation of the wallet, in a folder of its own: its key, and a small file for each session it has closed.
//!
//! ```text
//! DIR/installation.key    made on first use, mode 0600
//! DIR/closed/SESSION      what the session is closed on; made once, never changed
//! ```
//!
//! A file is written under another name, synced, linked to its own name, which fails if that is taken, and its folder is
//! synced: of two processes one is first, and after a crash a file is whole or not there. Bytes: `crate::wire`.
//!
//! **Not covered**: who puts this folder back to an earlier day together with the wallet, opens its sessions again. Keep it
//! out of backups, and off file systems without hard links, where nothing can be signed.

use super::file::{beside, failed, private, sync_folder};
use crate::{
    slate::seal::Installation,
    store::{Register, StoreError},
    wire,
};
use rand_core::{OsRng, RngCore};
use sotto_mw::{hash::Hash, session::SessionId};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Opens the installation in this folder; makes folder and key on first use.
///
/// # Errors
/// [`StoreError`]: the folder cannot be used, others can read the key, or it is damaged. It is never replaced.
pub fn open(dir: &Path) -> Result<Installation, StoreError> {
    let (path, closed) = (dir.join("installation.key"), dir.join("closed"));
    make_private(&closed)?;
    let mut fresh = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *fresh);
    // Syncs the folder too, so that the key is never there without the register.
    let kept = write_once(&path, &wire::installation_key(&fresh))?;
    let key = wire::read_installation_key(&kept).map_err(|_| StoreError::Installation { path })?;
    Ok(Installation::new(key, Folder(closed)))
}

/// The register: a folder with one file a session.
struct Folder(PathBuf);

impl Register for Folder {
    fn close(&self, session: &SessionId, on: &Hash) -> Result<Hash, StoreError> {
        let path = self.0.join(Hash::from_bytes(session.0).to_string());
        let kept = write_once(&path, &wire::closed(on))?;
        wire::read_closed(&kept).map_err(|_| StoreError::Installation { path })
    }
}

/// What a file holds that is written once: these bytes, unless others were there first. Durable when this returns.
fn write_once(path: &Path, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    if !fs::exists(path).map_err(failed("look for", path))? {
        let temporary = beside(path, &format!(".{:016x}", OsRng.next_u64()));
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
        // If it stays, it is litter; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        written.map_err(failed("write", path))?;
    }
    sync_folder(path.parent().unwrap_or(Path::new(".")))?;
    read(path)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let file = File::open(path).map_err(failed("open", path))?;
    owner_only(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(wire::INSTALLATION_MAX));
    file.take(wire::INSTALLATION_MAX as u64).read_to_end(&mut bytes).map_err(failed("read", path))?;
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

/// Makes a folder, and those above it, for the owner alone.
fn make_private(dir: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(failed("make", dir))
}
