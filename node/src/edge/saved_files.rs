//! The files that a node saves beside its chain: the address book and others, which are replaced as a whole, and the log
//! of a validator. Transactions that were submitted here are only read; `local_txs_file`
//! writes them.
//!
//! The directory is made with mode 0700 and its files with 0600: they reveal which nodes this one knows and
//! what it stemmed. After a crash a file is the old or the new one; its bytes carry their own checksum, and a
//! damaged file counts as none.

use crate::{consensus::Accounts, edge::recovery::MEMPOOL_MAX, effect::FileWrite};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// More than most of these files can hold. A longer file is an error: to read a part of it would lose the rest.
const MAX_BYTES: u64 = 64 << 20;

/// A file that a node saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedFile {
    /// The address book.
    AddrBook,
    /// Transactions that were submitted here and may be unknown to all others.
    LocalTxs,
    /// The same, as it was when it was found to be damaged.
    LocalTxsDamaged,
    /// What a validator's key signed last.
    Votes,
    /// What a validator heard and said at this height.
    VoteLog,
    /// A validator's accounts of heights at which it voted against a former lock.
    Accounts,
    /// The same, as it was when it was found to be damaged.
    AccountsDamaged,
    /// The block that this node's share of a group's key was bound to last.
    Sealing,
}

impl SavedFile {
    /// Most bytes of the file.
    const fn most(self) -> u64 {
        match self {
            // A height that does not end has many rounds, each with a block.
            Self::VoteLog => 4 << 30,
            Self::Accounts => Accounts::MAX_BYTES as u64,
            // Twice what is held ([`Config::local_txs_bytes`](crate::config::Config::local_txs_bytes)), or that and
            // the mempool's file of a damaged store ([`recovery`](super::recovery)).
            Self::LocalTxs => 2 * MEMPOOL_MAX,
            _ => MAX_BYTES,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::AddrBook => "addr_book",
            Self::LocalTxs => "local_txs",
            Self::LocalTxsDamaged => "local_txs.damaged",
            Self::Votes => "votes",
            Self::VoteLog => "votes.log",
            Self::Accounts => "accounts",
            Self::AccountsDamaged => "accounts.damaged",
            Self::Sealing => "sealing",
        }
    }
}

/// The directory.
#[derive(Clone, Debug)]
pub struct SavedFiles {
    dir: PathBuf,
}

impl SavedFiles {
    /// Uses a directory, and makes it if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Reads from a directory, which need not be there.
    #[must_use]
    pub fn existing(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The bytes that were saved last, if any were.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is longer than any that was saved.
    pub fn read(&self, name: SavedFile) -> io::Result<Option<Vec<u8>>> {
        match File::open(self.dir.join(name.name())) {
            Ok(file) => {
                let mut bytes = Vec::new();
                let most = name.most();
                file.take(most + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > most {
                    let why = format!("file {} is longer than {most} bytes", name.name());
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
                }
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Changes a file, durably.
    ///
    /// # Errors
    /// When it cannot be written; a file that was to be replaced is as it was before then, and one that was
    /// to grow may have grown by a part.
    pub fn write(&self, file: SavedFile, change: &FileWrite) -> io::Result<()> {
        let (at, bytes) = match change {
            FileWrite::Replace(bytes) => return self.replace(file, bytes),
            FileWrite::Append { at, bytes } => (*at, bytes),
        };
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(at == 0)
            .truncate(false)
            .mode(0o600)
            .open(self.dir.join(file.name()))?;
        if file.metadata()?.len() < at {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_all_at(bytes, at)?;
        file.set_len(at + bytes.len() as u64)?;
        file.sync_data()
    }

    /// Replaces a file, durably.
    ///
    /// # Errors
    /// When it cannot be written; the file is as it was before then.
    pub fn replace(&self, file: SavedFile, bytes: &[u8]) -> io::Result<()> {
        let (path, draft) = (self.dir.join(file.name()), self.dir.join(format!("{}.draft", file.name())));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&draft, &path)?;
        File::open(&self.dir)?.sync_all()
    }
}
