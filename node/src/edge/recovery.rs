//! A damaged copy of a chain that others have is fetched again.
//!
//! ```text
//! damaged ─▶ the parameters can be read ─▶ folder renamed to NAME.damaged-N ─▶ an empty copy in its place
//!               └ no: a person must help     └ nothing of it is removed           └ the mempool's file is read back
//! ```
//!
//! For copies that joined a chain: a solo operator's folder may be the only one, and its blocks are lost if
//! it is not restored from a copy. Evidence of double seals moves to the new copy, so that the operator is
//! judged as before.

use crate::{
    edge::{
        directory::{length_in, read_in},
        disk::sync_dir,
    },
    ledger::{Ledger, LedgerError},
    storage::{FileName, GENESIS_MAX, StoreError, read_genesis},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// More than a mempool's file can hold.
pub(crate) const MEMPOOL_MAX: u64 = 256 << 20;
/// Damaged folders that are kept.
const MOST: u32 = 1_000;

/// An empty copy in place of a damaged one.
#[derive(Debug)]
pub struct Recovered {
    /// The copy.
    pub ledger: Ledger,
    /// Where the damaged one is now.
    pub aside: PathBuf,
    /// The bytes of its mempool's file, if they can be read.
    pub mempool: Option<Vec<u8>>,
}

/// Why a damaged copy was not replaced; it is where it was.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The parameters of the chain cannot be read.
    #[error("the chain's parameters in {} cannot be read", .dir.display())]
    Genesis {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder cannot be moved.
    #[error("cannot move {}: {source}", .dir.display())]
    Move {
        /// The folder.
        dir: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The new copy cannot be made.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Whether an error means that what is on disk is damaged, so that only another copy helps.
#[must_use]
pub const fn is_damage(why: &LedgerError) -> bool {
    matches!(
        why,
        LedgerError::Store(
            StoreError::Damaged { .. } | StoreError::Inconsistent { .. } | StoreError::Index { .. }
        )
    )
}

/// Moves the damaged copy of a chain aside, and makes an empty one in its place. No process may be using it.
///
/// # Errors
/// [`RecoveryError`].
pub fn begin_again(dir: &Path) -> Result<Recovered, RecoveryError> {
    let whole = |file, most: u64| -> Option<Vec<u8>> {
        let n = length_in(dir, file).ok()?.filter(|n| *n <= most)?;
        read_in(dir, file, 0, usize::try_from(n).ok()?).ok()
    };
    let chain = whole(FileName::Genesis, GENESIS_MAX).and_then(|bytes| read_genesis(&bytes).ok());
    let chain = chain.ok_or_else(|| RecoveryError::Genesis { dir: dir.to_owned() })?;
    let mempool = whole(FileName::Mempool, MEMPOOL_MAX);
    let evidence = whole(FileName::Evidence, MEMPOOL_MAX);
    let failed = |source| RecoveryError::Move { dir: dir.to_owned(), source };
    let aside = free_name(dir).map_err(failed)?;
    fs::rename(dir, &aside).map_err(failed)?;
    sync_dir(dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))).map_err(failed)?;
    let create = || Ledger::create(dir, chain.params().clone());
    let mut ledger = create()?;
    if let Some(evidence) = evidence {
        drop(ledger);
        fs::write(dir.join(FileName::Evidence.to_string()), evidence).map_err(failed)?;
        ledger = Ledger::open(dir).or_else(|_| {
            // The evidence is what was damaged.
            fs::remove_file(dir.join(FileName::Evidence.to_string())).map_err(failed)?;
            Ok::<_, RecoveryError>(Ledger::open(dir)?)
        })?;
    }
    Ok(Recovered { ledger, aside, mempool })
}

fn free_name(dir: &Path) -> io::Result<PathBuf> {
    let named = |n| {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".damaged-{n}"));
        PathBuf::from(name)
    };
    let free = (1..=MOST).map(named).find(|path| !path.exists());
    free.ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "too many damaged copies are kept"))
}
