//! The records of what this installation's shares sealed, one for each key.
//!
//! ```text
//! DIR/sealed/KEY   the record, replaced as a whole; DIR is the folder of the installation
//! DIR/sealed/lock  held while a record changes: a node and `sotto keys sign` use the same one
//! DIR/sealed/KEY.votes       what the share said as a validator's: bytes of the node that speaks for it, empty at
//!                            first; without this file the share says nothing
//! DIR/sealed/KEY.votes.lock  held by that node
//! installation     = H("sotto/keys/installation/v1", key of the installation ‖ path of DIR)
//! ```
//!
//! The installation itself need not be open: a node binds its share while its operator runs other sessions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sotto_party::hex::to_hex;

use super::files::{Readers, read, replace};
use super::installation::make_private;
use crate::sealed::{SealRecord, SealRefusal};
use crate::tag::{Hash, INSTALLATION, tagged};

/// Why a share is not used.
#[derive(Debug, thiserror::Error)]
pub enum SealRecordError {
    /// The record refuses.
    #[error(transparent)]
    Refused(#[from] SealRefusal),
    /// There is no record: the share was made elsewhere, or the record was lost.
    #[error("this installation has no record of what the share sealed: the share was made elsewhere")]
    Missing,
    /// The record was made elsewhere.
    #[error("the record of what the share sealed belongs to another installation")]
    Elsewhere,
    /// The operating system reported an error, or a file is damaged.
    #[error("cannot use the record of what the share sealed: {0}")]
    Io(#[from] io::Error),
}

/// The records of an installation.
#[derive(Clone, Debug)]
pub struct SealRecords {
    dir: PathBuf,
}

impl SealRecords {
    /// The records in the folder of an installation.
    #[must_use]
    pub fn of(installation: &Path) -> Self {
        Self { dir: installation.to_owned() }
    }

    /// Begins the record of a share that was made here.
    ///
    /// # Errors
    /// If that cannot be made durable.
    pub fn begin_made(&self, key: &[u8; 32]) -> Result<(), SealRecordError> {
        self.begin(key, SealRecord::made)
    }

    /// Begins the record of a share that was repaired here, now in seconds since 1970. A record that is here goes
    /// on.
    ///
    /// # Errors
    /// If that cannot be made durable.
    pub fn begin_repaired(&self, key: &[u8; 32], now: u64) -> Result<(), SealRecordError> {
        self.begin(key, |here| SealRecord::repaired(here, now))
    }

    fn begin(&self, key: &[u8; 32], fresh: impl Fn(Hash) -> SealRecord) -> Result<(), SealRecordError> {
        let (_lock, here) = (self.lock()?, self.here()?);
        match self.read(key) {
            Ok(record) if record.installation() == here => Ok(()),
            Ok(_) | Err(SealRecordError::Missing) => {
                // The votes first: without a record they are not used.
                replace(&self.votes_path(key), &[], Readers::Owner)?;
                self.write(key, &fresh(here))
            }
            Err(e) => Err(e),
        }
    }

    /// Whether a share of this key may seal here at all.
    ///
    /// # Errors
    /// [`SealRecordError`] if not.
    pub fn check(&self, key: &[u8; 32]) -> Result<(), SealRecordError> {
        let record = self.read(key)?;
        if record.installation() == self.here()? { Ok(()) } else { Err(SealRecordError::Elsewhere) }
    }

    /// Whether the share of this key may seal some block upon the chain's tip, which has this height and time.
    ///
    /// # Errors
    /// [`SealRecordError`] if not.
    pub fn permits_upon(&self, key: &[u8; 32], height: u64, time: u64) -> Result<(), SealRecordError> {
        self.change(key, |record| {
            record.follow(height, time);
            record.permits(height.saturating_add(1))
        })
    }

    /// Binds the share of this key to a header at a height, durably. Only then may the share of a signature leave.
    ///
    /// # Errors
    /// [`SealRecordError`]: then it must not.
    pub fn bind(&self, key: &[u8; 32], height: u64, header: Hash) -> Result<(), SealRecordError> {
        self.change(key, |record| record.admit(height, header))
    }

    /// What the share of this key said as a validator's, for one process alone.
    ///
    /// # Errors
    /// [`SealRecordError`] if the share may not be used here, or another process uses it (`WouldBlock`).
    pub fn votes(&self, key: &[u8; 32]) -> Result<VotesFile, SealRecordError> {
        self.check(key)?;
        let path = self.votes_path(key);
        let bytes = read(&path, 1 << 12).map_err(|e| match e.kind() {
            ErrorKind::NotFound => SealRecordError::Missing,
            _ => e.into(),
        })?;
        let at = path.with_extension("votes.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(at)?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(VotesFile { path, bytes: bytes.to_vec(), _lock: lock })
    }

    fn change(
        &self,
        key: &[u8; 32],
        change: impl FnOnce(&mut SealRecord) -> Result<(), SealRefusal>,
    ) -> Result<(), SealRecordError> {
        let _lock = self.lock()?;
        self.check(key)?;
        let before = self.read(key)?;
        let mut record = before;
        let changed = change(&mut record);
        if record != before {
            self.write(key, &record)?;
        }
        Ok(changed?)
    }

    fn file(&self, key: &[u8; 32]) -> PathBuf {
        self.dir.join("sealed").join(to_hex(key))
    }

    fn votes_path(&self, key: &[u8; 32]) -> PathBuf {
        self.dir.join("sealed").join(format!("{}.votes", to_hex(key)))
    }

    fn lock(&self) -> io::Result<File> {
        let folder = self.dir.join("sealed");
        make_private(&folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// The name of this installation at this place.
    fn here(&self) -> io::Result<Hash> {
        use std::os::unix::ffi::OsStrExt as _;
        let key = read(&self.dir.join("installation.key"), 1 << 10)?;
        let path = fs::canonicalize(&self.dir)?;
        Ok(tagged(INSTALLATION, &[&key, path.as_os_str().as_bytes()]))
    }

    fn read(&self, key: &[u8; 32]) -> Result<SealRecord, SealRecordError> {
        let bytes = read(&self.file(key), 1 << 10).map_err(|e| match e.kind() {
            ErrorKind::NotFound => SealRecordError::Missing,
            _ => e.into(),
        })?;
        let damaged = |e| io::Error::new(ErrorKind::InvalidData, e);
        Ok(SealRecord::from_bytes(&bytes).map_err(damaged)?)
    }

    fn write(&self, key: &[u8; 32], record: &SealRecord) -> Result<(), SealRecordError> {
        Ok(replace(&self.file(key), &record.to_bytes(), Readers::Owner)?)
    }
}

/// The file of what one share said as a validator's.
#[derive(Debug)]
pub struct VotesFile {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Held until this value is dropped.
    _lock: File,
}

impl VotesFile {
    /// What was in it when it was opened.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Replaces it, durably.
    ///
    /// # Errors
    /// If that fails: then what it says must not leave.
    pub fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        replace(&self.path, bytes, Readers::Owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::installation::Installation;

    const KEY: [u8; 32] = [9; 32];

    #[test]
    fn a_share_seals_where_it_was_made_and_a_copy_does_not() {
        let base = std::env::temp_dir().join(format!("sotto-seal-records-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let (one, two) = (base.join("one"), base.join("two"));
        let [a, b] = [1, 2].map(|n| Hash::from_bytes([n; 32]));
        // The installation stays locked: a record has a lock of its own.
        let installation = Installation::open(&one).unwrap();
        let here = SealRecords::of(&one);
        assert!(matches!(here.bind(&KEY, 1, a), Err(SealRecordError::Missing)));
        assert!(matches!(here.votes(&KEY), Err(SealRecordError::Missing)));
        here.begin_made(&KEY).unwrap();
        let votes = here.votes(&KEY).unwrap();
        assert_eq!(votes.bytes(), b"");
        votes.keep(b"said").unwrap();
        assert!(here.votes(&KEY).is_err(), "one process alone");
        drop(votes);
        here.bind(&KEY, 1, a).unwrap();
        assert!(matches!(here.bind(&KEY, 1, b), Err(SealRecordError::Refused(_))));
        here.begin_made(&KEY).unwrap();
        here.begin_repaired(&KEY, 0).unwrap();
        here.bind(&KEY, 1, a).unwrap();
        assert!(here.bind(&KEY, 1, b).is_err(), "a record that is here goes on");
        assert_eq!(here.votes(&KEY).unwrap().bytes(), b"said");

        // The folder is copied: the record names the place that it was made at.
        drop(installation);
        for folder in ["", "sealed"] {
            fs::create_dir_all(two.join(folder)).unwrap();
        }
        for name in ["installation.key".to_owned(), format!("sealed/{}", to_hex(&KEY))] {
            fs::copy(one.join(&name), two.join(&name)).unwrap();
        }
        for folder in [two.clone(), two.join("sealed")] {
            fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        }
        let there = SealRecords::of(&two);
        assert!(matches!(there.check(&KEY), Err(SealRecordError::Elsewhere)));
        assert!(matches!(there.votes(&KEY), Err(SealRecordError::Elsewhere)));
        assert!(matches!(there.bind(&KEY, 2, a), Err(SealRecordError::Elsewhere)));
        there.begin_repaired(&KEY, 0).unwrap();
        assert!(matches!(there.bind(&KEY, 2, a), Err(SealRecordError::Refused(SealRefusal::Waits))));
        there.bind(&KEY, 3, a).unwrap();
        fs::remove_dir_all(&base).unwrap();
    }
}
