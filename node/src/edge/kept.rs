//! What a node keeps beside its chain: files of its own, each replaced as a whole.
//!
//! The directory is made with mode 0700 and its files with 0600: they tell whom a node knows and what it whispered. After a crash a
//! file is the old or the new one; its bytes carry their own check (`wire`), and a damaged one counts as none.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// More than any of these files can hold.
const MAX_BYTES: u64 = 64 << 20;

/// Something that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The address book.
    AddrBook,
    /// Transactions of this machine that nobody else may have yet.
    Own,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::AddrBook => "book",
            Self::Own => "own",
        }
    }
}

/// The directory.
#[derive(Clone, Debug)]
pub struct Kept {
    dir: PathBuf,
}

impl Kept {
    /// Uses a directory, and makes it if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// What was kept last, if anything was.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(&self, kind: Kind) -> io::Result<Option<Vec<u8>>> {
        match File::open(self.dir.join(kind.name())) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(MAX_BYTES).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Keeps this in place of what was kept, durably.
    ///
    /// # Errors
    /// When it cannot be written; what was kept is still there.
    pub fn replace(&self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let (path, draft) = (self.dir.join(kind.name()), self.dir.join(format!("{}.draft", kind.name())));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&draft, &path)?;
        File::open(&self.dir)?.sync_all()
    }
}
