//! A chain in a directory on disk: its files, its index, and the lock that keeps a second process out.

use crate::{
    edge::{
        directory::path_in,
        disk::{Disk, make_dir},
        sled_database::SledDatabases,
    },
    ledger::{Ledger, LedgerError, equivocations::Equivocations, mempool::MempoolLimits},
    storage::{
        FileName, ImportError, Imported, Layout, Store, StoreError,
        chain_store::{has_chain, importing},
        format::{GENESIS_MAX, HEAD_MAX, Head, read_genesis},
        import,
    },
};
use sotto_mw::chain::{Chain, ChainId, Params};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The layout of a store in a directory: segments of 64 MiB, the index in sled.
#[must_use]
pub fn layout(dir: &Path) -> Layout {
    Layout::new(SledDatabases::in_directory(dir))
}

impl Store {
    /// Creates the store of a new chain in a directory, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a chain is there, [`StoreError::Locked`] when another process uses the
    /// directory.
    pub fn create(dir: &Path, params: Params) -> Result<Self, StoreError> {
        Self::create_on(new_dir(dir)?, layout(dir), params)
    }

    /// Opens the store in a directory.
    ///
    /// # Errors
    /// [`StoreError::Absent`] when there is none, [`StoreError::Locked`] when another process uses it, and
    /// every damage that cannot be repaired.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_on(chain_in(dir, Disk::lock)?, layout(dir))
    }

    /// Opens the store in a directory to read, and writes nothing there: the index is built in memory, from
    /// the whole log. Every change of it fails.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        Self::open_on(chain_in(dir, Disk::read_only)?, Layout::in_memory())
    }

    /// Imports a snapshot into a directory without a chain, or goes on with an import: see [`import`].
    ///
    /// # Errors
    /// [`ImportError`]; what an earlier copy left stays as it was.
    pub fn import(
        dir: &Path,
        source: &mut dyn Read,
        expected: Option<ChainId>,
    ) -> Result<Imported, ImportError> {
        import(new_dir(dir)?, layout(dir), source, expected)
    }
}

impl Ledger {
    /// Creates the ledger of a new chain in a directory.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create(dir: &Path, params: Params) -> Result<Self, LedgerError> {
        Self::over(Store::create(dir, params)?, MempoolLimits::default())
    }

    /// Opens the ledger in a directory.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::over(Store::open(dir)?, MempoolLimits::default())
    }

    /// Opens the ledger in a directory to read, and writes nothing there: see [`Store::open_read_only`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_read_only(dir: &Path) -> Result<Self, LedgerError> {
        let mut ledger = Self::over(Store::open_read_only(dir)?, MempoolLimits::default())?;
        ledger.store_mut().files_mut().freeze();
        Ok(ledger)
    }
}

/// The chain in a directory, under the terms of its next block, and the evidence against its validators. It reads
/// files that are replaced whole, so that it may be done while a node runs there.
///
/// # Errors
/// [`StoreError::Absent`] when there is no chain, and damage of these files.
pub fn read_evidence(dir: &Path) -> Result<(Chain, Equivocations), StoreError> {
    let read = |file: FileName, most: u64| -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        let io = |source| StoreError::Io { file, source };
        match File::open(path_in(dir, file)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?.take(most + 1).read_to_end(&mut bytes).map_err(io)?,
        };
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
    };
    let damaged = |file| move |damage| StoreError::damaged(file, 0, damage);
    let absent = || StoreError::Absent { dir: dir.to_owned() };
    let genesis = read(FileName::Genesis, GENESIS_MAX)?.ok_or_else(absent)?;
    let chain = read_genesis(&genesis).map_err(damaged(FileName::Genesis))?;
    let head = read(FileName::Head, HEAD_MAX)?.ok_or_else(absent)?;
    let head = Head::from_bytes(&head).map_err(damaged(FileName::Head))?;
    let (file, expected) = (FileName::Equivocations, *chain.id());
    let Some(kept) = read(file, Equivocations::MAX_BYTES)? else {
        return Ok((chain.under(&head.terms), Equivocations::default()));
    };
    match Equivocations::from_file(&kept).map_err(damaged(file))? {
        (found, kept) if found == expected => Ok((chain.under(&head.terms), kept)),
        (found, _) => Err(StoreError::Foreign { file, expected, found }),
    }
}

/// The files of a directory that has a chain.
fn chain_in(dir: &Path, open: impl Fn(&Path) -> Result<Disk, StoreError>) -> Result<Disk, StoreError> {
    let absent = || StoreError::Absent { dir: dir.to_owned() };
    if !dir.exists() {
        return Err(absent());
    }
    let files = open(dir)?;
    match has_chain(&files)? {
        true => Ok(files),
        false => Err(if importing(&files)? { StoreError::Importing } else { absent() }),
    }
}

fn new_dir(dir: &Path) -> Result<Disk, StoreError> {
    make_dir(dir).map_err(|source| StoreError::Directory { dir: dir.to_owned(), source })?;
    Disk::lock(dir)
}
