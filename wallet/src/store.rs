//! Storage: where a wallet keeps its contents, and where its installation remembers which sessions are
//! closed.
//!
//! [`Store`] replaces the contents as a whole or not at all. It has two implementations: [`MemoryStore`]
//! here, and the encrypted file of [`crate::edge::file`]. [`SessionRegister`] has two as well: one in memory,
//! and the folder of [`crate::edge::installation`]. The register is separate from the contents, so that an
//! old copy of the contents does not bring back an old register.

use sotto_mw::{
    hash::Hash,
    session::{Role, SessionId},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Keeps the contents of a wallet.
pub trait Store {
    /// Loads the last contents; empty when there are none.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read whole and unaltered.
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError>;

    /// Replaces the contents as a whole. After `Ok`, the new contents survive a power failure. After an
    /// error, the store holds either the old or the new contents, whole; the caller must send nothing that
    /// depends on the new.
    ///
    /// # Errors
    /// [`StoreError`] when the new contents could not be made durable.
    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError>;
}

/// Why a wallet could not be loaded or stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What the program tried to do.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system call.
        source: std::io::Error,
    },
    /// Another process has the wallet open.
    #[error("the wallet {path} is in use by another process")]
    InUse {
        /// The wallet file.
        path: PathBuf,
    },
    /// The file is not a wallet file.
    #[error("not a wallet file")]
    NotAWallet,
    /// The version of the file is unknown.
    #[error("unsupported wallet file version {found}: expected version {reads}")]
    Version {
        /// The version of the file.
        found: u8,
        /// The version that this program reads.
        reads: u8,
    },
    /// The file is shorter than its header says.
    #[error("the wallet file is cut off: found {found} of {expected} bytes; restore it from a backup")]
    CutOff {
        /// The length of the file.
        found: u64,
        /// The length that the header implies.
        expected: u64,
    },
    /// The file is longer than its header says, or than any wallet.
    #[error("the wallet file is too long: found {found} bytes, expected at most {expected}")]
    TooLong {
        /// The length of the file.
        found: u64,
        /// The maximum length.
        expected: u64,
    },
    /// No key can be derived.
    #[error("cannot open the wallet file: {0}")]
    Kdf(#[from] sotto_keys::passphrase::KdfError),
    /// Other users can read a file that only the owner should read.
    #[error("other users can read {path} (mode {mode:o}); run chmod 600 on it, unless others have read it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file of the installation is damaged.
    #[error("{path} is damaged; payments that were begun here expire at their last height")]
    Installation {
        /// The file.
        path: PathBuf,
    },
    /// The key does not decrypt the file.
    #[error("wrong passphrase, or the wallet file was altered")]
    Passphrase,
    /// The decrypted contents are not those of a wallet.
    #[error("cannot read the contents of the wallet: {0}")]
    Contents(#[from] sotto_mw::codec::DecodeError),
}

/// A store in memory.
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

/// Remembers for ever which response closed each signing session, in each of its two roles. It is separate
/// from the wallet: an old copy of a wallet file, or the same file under two names, cannot close a session
/// twice.
pub trait SessionRegister: Send + Sync {
    /// Closes a session in one role with the response that has this hash, or with no response
    /// ([`Hash::ZERO`]), unless it is already closed. Returns the hash that the session is closed with. After
    /// `Ok`, the entry survives a power failure. The other party chooses the identifier of a session that is
    /// answered, so answering must not close a session that was begun here under the same identifier.
    ///
    /// # Errors
    /// [`StoreError`] when the entry could not be made durable or read; the caller must sign nothing then.
    fn close(&self, session: &SessionId, role: Role, on: &Hash) -> Result<Hash, StoreError>;
}

/// A register in memory: it forgets everything when the process ends.
#[derive(Debug, Default)]
pub struct MemoryRegister(Mutex<BTreeMap<(SessionId, Role), Hash>>);

impl SessionRegister for MemoryRegister {
    fn close(&self, session: &SessionId, role: Role, on: &Hash) -> Result<Hash, StoreError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(*all.entry((*session, role)).or_insert(*on))
    }
}
