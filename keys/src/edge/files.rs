//! Reading files within a limit, and replacing a file as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Who can read a file; the umask can restrict this further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Every user.
    Anybody,
}

/// The bytes of a file.
///
/// # Errors
/// If it cannot be read or is longer than `most`.
pub fn read(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path)?;
    if file.take(most as u64 + 1).read_to_end(&mut bytes)? > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Puts these bytes in place of a file, or makes it: temporary file, sync, rename, sync of the folder. After a
/// crash there is the old file or the new one.
///
/// # Errors
/// If that cannot be made durable; the old file is still there then.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let temporary = temporary(path);
    let write = || {
        fill(&temporary, bytes, readers)?;
        fs::rename(&temporary, path)?;
        sync_folder(path)
    };
    write().inspect_err(|_| {
        // Half a file is of no use; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}

/// Makes a file unless there is one, and returns the bytes that it has then, durably. Of two processes, one is
/// first.
///
/// # Errors
/// If that cannot be made durable.
pub(super) fn write_once(path: &Path, bytes: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    if !path.try_exists()? {
        let temporary = temporary(path);
        let written =
            fill(&temporary, bytes, Readers::Owner).and_then(|()| match fs::hard_link(&temporary, path) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
                _ => Ok(()),
            });
        // A temporary file that remains is harmless; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        written?;
    }
    sync_folder(path)?;
    read(path, 1 << 10)
}

fn fill(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    let mode = if readers == Readers::Owner { 0o600 } else { 0o644 };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name that cannot be guessed, so that no link is followed.
fn temporary(path: &Path) -> PathBuf {
    use rand_core::RngCore as _;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", rand_core::OsRng.next_u64()));
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
