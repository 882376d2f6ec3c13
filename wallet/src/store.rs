//! Where a wallet is kept: one value, replaced as a whole or not at all; and where its installation remembers, apart from
//! it, which sessions are closed.
//!
//! [`Store`] has two implementations: [`MemoryStore`] here, and the encrypted file of [`crate::edge::file`]; [`Register`]
//! too: [`MemoryRegister`], and the folder of [`crate::edge::installation`].

use sotto_mw::{hash::Hash, session::SessionId};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Keeps a wallet's contents.
pub trait Store {
    /// What was last kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read whole and unaltered.
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError>;

    /// Replaces what is kept as a whole. After `Ok` a power failure brings back the new contents; after an error it
    /// brings back the old ones or the new ones, whole, so nothing that depends on the new ones may leave.
    ///
    /// # Errors
    /// [`StoreError`] when the new contents could not be made durable.
    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError>;
}

/// Why a wallet could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the wallet {path} is in use by another process")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// No wallet file.
    #[error("this is not a wallet file")]
    NotAWallet,
    /// A version of another program.
    #[error("the wallet file is of version {found}, and this program reads version {reads}")]
    Version {
        /// The version found.
        found: u8,
        /// The version this program reads.
        reads: u8,
    },
    /// Fewer bytes than its header says.
    #[error("the wallet file is cut off: {found} of {expected} bytes are there; restore it from a backup")]
    CutOff {
        /// Bytes that are there.
        found: u64,
        /// Bytes that should be.
        expected: u64,
    },
    /// More bytes than its header says, or than any wallet has.
    #[error("the wallet file has {found} bytes, and at most {expected} make sense")]
    TooLong {
        /// Bytes that are there.
        found: u64,
        /// Most bytes that make sense.
        expected: u64,
    },
    /// A key derivation that would exhaust the machine, or protects nothing.
    #[error("the wallet file asks for a key derivation that this program does not run")]
    Cost,
    /// The machine lacks the memory for the key derivation.
    #[error("there is not enough memory to derive the wallet file's key ({kib} KiB)")]
    Memory {
        /// How much is needed.
        kib: u32,
    },
    /// Others can read what only the owner may.
    #[error(
        "others can read {path} (its mode is {mode:o}); if you are sure that nobody has, run chmod 600 on it"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file of the installation is damaged.
    #[error(
        "{path} is damaged; without it, payments that were begun here end by themselves at their last height"
    )]
    Installation {
        /// Which file.
        path: PathBuf,
    },
    /// The key does not open it.
    #[error("wrong passphrase, or the wallet file was altered")]
    Passphrase,
    /// It opened, and what is inside is not a wallet.
    #[error("the wallet's contents cannot be read: {0}")]
    Contents(#[from] sotto_mw::codec::DecodeError),
}

/// The in-memory twin.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Zeroizing<Vec<u8>>);

impl Store for MemoryStore {
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        Ok(self.0.clone())
    }

    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError> {
        self.0 = Zeroizing::new(contents.to_vec());
        Ok(())
    }
}

/// Remembers on what each signing session was closed, for ever and apart from the wallet: a wallet file that is put back
/// to an earlier day, or lies there under two names, cannot close a session twice.
pub trait Register: Send + Sync {
    /// Closes a session on the response with this hash, or on none ([`Hash::ZERO`]), unless it is closed already; returns
    /// what it is closed on. After `Ok` no power failure opens it again.
    ///
    /// # Errors
    /// [`StoreError`] when that could not be made durable or read: nothing may be signed then.
    fn close(&self, session: &SessionId, on: &Hash) -> Result<Hash, StoreError>;
}

/// The in-memory twin: it forgets with the process.
#[derive(Debug, Default)]
pub struct MemoryRegister(Mutex<BTreeMap<SessionId, Hash>>);

impl Register for MemoryRegister {
    fn close(&self, session: &SessionId, on: &Hash) -> Result<Hash, StoreError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(*all.entry(*session).or_insert(*on))
    }
}
