//! An installation's folder: its key, the sessions that it takes part in, and what it closed.
//!
//! ```text
//! DIR/                          mode 0700; one process at a time
//!   installation.key            made on first use, mode 0600
//!   sessions/GROUP-SESSION      seed and letters; replaced as a whole
//!   closed/SESSION              written once, never changed
//!   vault/REQUEST               nonce or answer for a machine that wants a box opened; replaced as a whole
//!   audit/CHAIN                 log of this member's answers as an auditor; replaced as a whole
//!   sealed/KEY                  what the share of a key sealed last ([`super::seal_records`])
//! ```
//!
//! Keep the folder out of backups: an old copy that is put back opens its sessions again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rand_core::OsRng;

use super::files::{Readers, read, replace, write_once};
use crate::draft::GroupId;
use crate::letter::SessionId;
use crate::log::Log;
use crate::register::Register;
use crate::seed::Seed;
use crate::session_file::{InstallationKey, closed, over, put_closed, put_over};
use crate::tag::Hash;
use crate::vault_session::{MAX_RECORD, VaultRecord};

/// Most bytes of a session: 15 letters at five steps, and evidence.
const MAX_SESSION: usize = 64 << 20;

/// An installation's folder, locked by this process.
#[derive(Debug)]
pub struct Installation {
    path: PathBuf,
    key: InstallationKey,
    /// Held until this value is dropped.
    _lock: File,
}

/// What an installation keeps of a session.
#[derive(Debug)]
pub enum Kept {
    /// It goes on.
    Open(Seed, Log),
    /// It is complete.
    Over(Log),
}

impl Installation {
    /// Opens the folder, made if need be, and locks it.
    ///
    /// # Errors
    /// If it cannot be made, other users can look into it (`PermissionDenied`), its key is damaged
    /// (`InvalidData`), or another process is at it (`WouldBlock`).
    pub fn open(path: &Path) -> io::Result<Self> {
        for folder in ["", "sessions", "closed", "vault", "audit"] {
            make_private(&path.join(folder))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = options.open(path.join("lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        let fresh = InstallationKey::random(&mut OsRng);
        let kept = write_once(&path.join("installation.key"), fresh.to_text().as_bytes())?;
        let damaged = || io::Error::new(ErrorKind::InvalidData, "the key of the installation is damaged");
        let key = InstallationKey::from_text(&kept).ok_or_else(damaged)?;
        Ok(Self { path: path.to_owned(), key, _lock: lock })
    }

    fn file(&self, group: GroupId, session: SessionId) -> PathBuf {
        self.path.join("sessions").join(format!("{group}-{session}"))
    }

    /// What is kept of a session; a fresh seed and no letters if that is nothing.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn session(&self, group: GroupId, session: SessionId) -> io::Result<Kept> {
        let file = match read(&self.file(group, session), MAX_SESSION) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Ok(Kept::Open(Seed::random(&mut OsRng), Log::new(group, session)));
            }
            file => file?,
        };
        let kept = match over(&file) {
            Some(log) => log.map(Kept::Over),
            None => self.key.session(&file).map(|(seed, log)| Kept::Open(seed, log)),
        };
        kept.map_err(|e| io::Error::new(ErrorKind::InvalidData, e))
    }

    /// Keeps a session, durably. Call this before a letter leaves.
    ///
    /// # Errors
    /// If that fails; what was kept before is still there then.
    pub fn keep(&self, seed: &Seed, log: &Log) -> io::Result<()> {
        let bytes = self.key.put_session(seed, log, &mut OsRng);
        replace(&self.file(log.group(), log.session()), &bytes, Readers::Owner)
    }

    /// Ends a session: the seed goes, the letters stay for members who need them again.
    ///
    /// # Errors
    /// If that fails.
    pub fn end(&self, log: &Log) -> io::Result<()> {
        replace(&self.file(log.group(), log.session()), &put_over(log), Readers::Owner)
    }

    /// What is kept of a machine's request to open a box.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged (`InvalidData`).
    pub fn vault_record(&self, request: &Hash) -> io::Result<Option<VaultRecord>> {
        let file = match read(&self.path.join("vault").join(request.to_string()), MAX_RECORD) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let record = VaultRecord::from_bytes(&file);
        let record = record.map_err(|e| io::Error::new(ErrorKind::InvalidData, e))?;
        let other = || io::Error::new(ErrorKind::InvalidData, "the record is of another request");
        (record.request() == *request).then_some(Some(record)).ok_or_else(other)
    }

    /// Keeps what this member said to a machine, durably. Call this before a letter leaves.
    ///
    /// # Errors
    /// If that fails; what was kept before is still there then.
    pub fn keep_vault_record(&self, record: &VaultRecord) -> io::Result<()> {
        let path = self.path.join("vault").join(record.request().to_string());
        replace(&path, &record.to_bytes(), Readers::Owner)
    }

    fn audit_log_file(&self, chain: &Hash) -> PathBuf {
        self.path.join("audit").join(chain.to_string())
    }

    /// The log of this member's answers as an auditor of a chain, of at most so many bytes; `None` before the first answer.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn audit_log(&self, chain: &Hash, most: usize) -> io::Result<Option<Vec<u8>>> {
        match read(&self.audit_log_file(chain), most) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            file => file.map(|bytes| Some(bytes.to_vec())),
        }
    }

    /// Keeps that log, durably. Call this before an answer leaves.
    ///
    /// # Errors
    /// If that fails; what was kept before is still there then.
    pub fn keep_audit_log(&self, chain: &Hash, log: &[u8]) -> io::Result<()> {
        replace(&self.audit_log_file(chain), log, Readers::Owner)
    }

    /// Forgets the seeds of all sessions of a group, complete or not. Secrets of an earlier epoch follow from
    /// them.
    ///
    /// # Errors
    /// If a file cannot be read or removed.
    pub fn forget(&self, group: GroupId) -> io::Result<()> {
        let prefix = format!("{group}-");
        for entry in fs::read_dir(self.path.join("sessions"))? {
            let path = entry?.path();
            let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
            if named && over(&read(&path, MAX_SESSION)?).is_none() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl Register for Installation {
    fn close(&mut self, session: &SessionId, on: &Hash) -> io::Result<Hash> {
        let kept = write_once(&self.path.join("closed").join(session.to_string()), &put_closed(on))?;
        closed(&kept).map_err(|e| io::Error::new(ErrorKind::InvalidData, e))
    }
}

pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0 {
        let why = "other users can look into this folder: run `chmod 700` on it";
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_kept_and_closed_once() {
        let folder = std::env::temp_dir().join(format!("sotto-keys-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let [group, session, one, two] = [1, 2, 3, 4].map(|b| Hash::from_bytes([b; 32]));
        let mut here = Installation::open(&folder).unwrap();
        assert_eq!(Installation::open(&folder).unwrap_err().kind(), ErrorKind::WouldBlock);
        let seed = |kept: Kept| match kept {
            Kept::Open(seed, _) => *seed.expose(),
            Kept::Over(log) => panic!("over: {log:?}"),
        };
        let Kept::Open(fresh, log) = here.session(group, session).unwrap() else { panic!("over") };
        here.keep(&fresh, &log).unwrap();
        assert_eq!(here.close(&session, &one).unwrap(), one);
        drop(here);
        let mut here = Installation::open(&folder).unwrap();
        assert_eq!(seed(here.session(group, session).unwrap()), *fresh.expose());
        assert_eq!(here.close(&session, &two).unwrap(), one, "closed on the first");
        here.end(&log).unwrap();
        here.forget(group).unwrap();
        assert!(matches!(here.session(group, session).unwrap(), Kept::Over(_)), "the letters stay");
        let other = Log::new(group, two);
        here.keep(&fresh, &other).unwrap();
        here.forget(session).unwrap();
        assert_eq!(seed(here.session(group, two).unwrap()), *fresh.expose(), "another group's");
        here.forget(group).unwrap();
        assert_ne!(seed(here.session(group, two).unwrap()), *fresh.expose(), "the seed is gone");
        drop(here);
        // The key is never replaced.
        fs::write(folder.join("installation.key"), "x").unwrap();
        assert_eq!(Installation::open(&folder).unwrap_err().kind(), ErrorKind::InvalidData);
        fs::remove_dir_all(&folder).unwrap();
    }
}
