//! The operator's key in a file that only its owner can read.
//!
//! The format is that of [`crate::seal`]. The file is created with mode 0600 and never overwritten. A file
//! that other users can read is refused, because the key may be known to them. The key is not encrypted.

use crate::{
    codec::Damage,
    seal::{OPERATOR_BYTES, OperatorKey, operator, read_operator},
};
use sotto_mw::secret::SecretScalar;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why a key file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file exists, and a key is never overwritten.
    #[error("{} already exists: use it, or name another file", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Other users can read it.
    #[error("other users can read the key in {} (mode {mode:03o}): they may know it; run chmod 600 only if you are sure that they do not", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a key.
    #[error("invalid operator key in {}: {damage}; restore it from a copy", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is damaged.
        damage: Damage,
    },
    /// The operating system reported an error.
    #[error("cannot use {}: {source}; check the path and its permissions", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Writes a key to a new file, durably.
///
/// # Errors
/// [`KeyFileError::Exists`] if the file exists.
pub fn write(path: &Path, key: &OperatorKey) -> Result<(), KeyFileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        _ => KeyFileError::Io { path: path.to_owned(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(&operator(&key.secret().to_bytes())).and_then(|()| file.sync_all()).map_err(failed)?;
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|d| d.sync_all()).map_err(failed)
}

/// Reads a key.
///
/// # Errors
/// [`KeyFileError::Exposed`] if group or others have any permission, [`KeyFileError::Damaged`] if it does not
/// hold a key.
pub fn read(path: &Path) -> Result<OperatorKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let damaged = |damage| KeyFileError::Damaged { path: path.to_owned(), damage };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let bound = OPERATOR_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(bound));
    file.take(bound as u64).read_to_end(&mut bytes).map_err(failed)?;
    let secret = read_operator(&bytes).map_err(damaged)?;
    let scalar = SecretScalar::from_bytes(*secret).filter(|s| *s != SecretScalar::zero());
    scalar.map(OperatorKey::from_secret).ok_or(damaged(Damage::Misplaced))
}
