//! Identities and lists of peer keys on disk.
//!
//! An identity is one line in a file of mode 0600, written durably or not at all; one that others can read is refused.
//! A list of keys has one a line; what follows the key is a remark, `#` begins a comment. Nothing longer than
//! a mebibyte is read.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::identity::{Identity, KeyError, PeerKey};

const MAX_BYTES: u64 = 1 << 20;

/// Why a file gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{path} cannot be {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A secret that is none.
    #[error("others can read {path}: its mode is {mode:o}, and should be 600")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is no key.
    #[error("{path}, line {line}: {source}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: KeyError,
    },
}

/// Writes an identity into a new file of mode 0600.
///
/// # Errors
/// If there is a file already, or it cannot be written; then there is none.
pub fn create_identity(path: &Path, identity: &Identity) -> Result<(), FileError> {
    let failed = |source| FileError::Io { action: "written", path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut write = || {
        file.write_all(identity.to_secret_text().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| {
        // Half a secret is of no use; the first error is the one to report.
        let _ = fs::remove_file(path);
        failed(e)
    })
}

/// Reads an identity from a file that nobody else can read.
///
/// # Errors
/// [`FileError`]: not there, readable by others, no key.
pub fn read_identity(path: &Path) -> Result<Identity, FileError> {
    let text = read(path, |mode| mode & 0o077 == 0)?;
    let wrong = |source| FileError::Key { path: path.to_owned(), line: 1, source };
    Identity::from_secret_text(&text).map_err(wrong)
}

/// Reads a list of peer keys.
///
/// # Errors
/// [`FileError`]: not there, or a line is no key.
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
    // Room beforehand: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(about.len() as usize + 1));
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_identity_is_kept_from_others_and_never_replaced() {
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
    fn a_list_names_the_line_that_is_no_key() {
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
