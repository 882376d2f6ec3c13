//! The files that a node saves beside its chain: each is replaced as a whole.
//!
//! The directory is made with mode 0700 and its files with 0600: they reveal which nodes this one knows and
//! what it stemmed. After a crash a file is the old or the new one; its bytes carry their own checksum, and a
//! damaged file counts as none.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// More than any of these files can hold.
const MAX_BYTES: u64 = 64 << 20;

/// A file that a node saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedFile {
    /// The address book.
    AddrBook,
    /// Transactions that were submitted here and may be unknown to all others.
    LocalTxs,
}

impl SavedFile {
    const fn name(self) -> &'static str {
        match self {
            Self::AddrBook => "book",
            Self::LocalTxs => "own",
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

    /// The bytes that were saved last, if any were.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(&self, file: SavedFile) -> io::Result<Option<Vec<u8>>> {
        match File::open(self.dir.join(file.name())) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(MAX_BYTES).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
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
