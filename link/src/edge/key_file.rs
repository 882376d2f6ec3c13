//! Files of identities and of peer keys.
//!
//! An identity is one line in a file of mode 0600. It is written durably or not at all, and a file that other
//! users can read is refused. A list of peer keys has one key per line; text after the key is ignored, and
//! `#` begins a comment.
//!
//! Guaranteed: an existing file is never replaced, and no more than one mebibyte is read.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::identity::{Identity, KeyError, PeerKey};

const MAX_BYTES: u64 = 1 << 20;

/// Why a key file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system reported an error.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The operation: `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Other users can read the secret.
    #[error("other users can read {path}: its mode is {mode:o}, expected 600")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not a key.
    #[error("{path}, line {line}: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why the line is not a key.
        source: KeyError,
    },
}

/// Writes an identity into a new file of mode 0600.
///
/// # Errors
/// [`FileError::Io`] if the file exists or cannot be written. A file that cannot be written completely is
/// removed.
pub fn create_identity(path: &Path, identity: &Identity) -> Result<(), FileError> {
    let failed = |source| FileError::Io { action: "write", path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut write = || {
        file.write_all(identity.to_secret_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| {
        // An incomplete secret is useless; report the first error, not one of removing it.
        let _ = fs::remove_file(path);
        failed(e)
    })
}

/// Reads an identity from a file that only its owner can read.
///
/// # Errors
/// [`FileError`] if the file does not exist, other users can read it, or it does not hold a key.
pub fn read_identity(path: &Path) -> Result<Identity, FileError> {
    let text = read(path, |mode| mode & 0o077 == 0)?;
    let wrong = |source| FileError::Key { path: path.to_owned(), line: 1, source };
    Identity::from_secret_text(&text).map_err(wrong)
}

/// Reads a list of peer keys.
///
/// # Errors
/// [`FileError`] if the file does not exist or a line is not a key.
pub fn read_peer_keys(path: &Path) -> Result<BTreeSet<PeerKey>, FileError> {
    let text = read(path, |_| true)?;
    let mut keys = BTreeSet::new();
    for (i, line) in text.lines().enumerate() {
        let key = line.split('#').next().and_then(|l| l.split_whitespace().next());
        let wrong = |source| FileError::Key { path: path.to_owned(), line: i + 1, source };
        keys.extend(key.map(|k| k.parse::<PeerKey>().map_err(wrong)).transpose()?);
    }
    Ok(keys)
}

fn read(path: &Path, allowed: impl Fn(u32) -> bool) -> Result<Zeroizing<String>, FileError> {
    let failed = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.mode() & 0o777;
    if !allowed(mode) {
        return Err(FileError::Open { path: path.to_owned(), mode });
    }
    if about.len() > MAX_BYTES {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    // Reserve the room first: a growing string leaves copies of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(about.len() as usize + 1));
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_identity_is_private_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let identity = Identity::from_seed(&[3; 32]);
        create_identity(&path, &identity).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_identity(&path).unwrap().peer_key(), identity.peer_key());
        assert!(matches!(create_identity(&path, &identity), Err(FileError::Io { .. })));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(read_identity(&path), Err(FileError::Open { mode: 0o640, .. })));
    }

    #[test]
    fn an_invalid_line_of_a_list_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let [a, b] = [1, 2].map(|n| Identity::from_seed(&[n; 32]).peer_key());
        fs::write(&path, format!("# partners\n{a} first\n\n{b}# second\n")).unwrap();
        assert_eq!(read_peer_keys(&path).unwrap(), BTreeSet::from([a, b]));
        fs::write(&path, format!("{a}\nnobody\n")).unwrap();
        assert!(matches!(read_peer_keys(&path), Err(FileError::Key { line: 2, .. })));
        assert!(matches!(read_identity(&folder.path().join("none")), Err(FileError::Io { .. })));
    }
}
