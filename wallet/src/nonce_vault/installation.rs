//! The installation: a key and a register of closed sessions, outside the wallet file and outside every
//! backup.
//!
//! ```text
//! installation.key   "SOTTOKEY" (8) ‖ version (1) ‖ key (32)
//! closed session     version (1) ‖ hash of the response that closed it (32), zeros for none
//! ```
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{VERSION, version, whole},
    keys::derive_key,
    store::{MemoryRegister, SessionRegister, StoreError},
    tag,
};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305};
use core::fmt;
use sotto_mw::{
    codec::{Decode, DecodeError},
    hash::Hash,
    session::{Role, SessionId},
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// One installation of the wallet: a key and a register of closed sessions. Clones share the register.
#[derive(Clone)]
pub struct Installation {
    key: Zeroizing<[u8; 32]>,
    register: Arc<dyn SessionRegister>,
}

impl Installation {
    /// The installation with this key and register.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>, register: impl SessionRegister + 'static) -> Self {
        Self { key, register: Arc::new(register) }
    }

    /// An installation whose register is lost when the process ends; for tests and examples.
    #[must_use]
    pub fn in_memory(key: [u8; 32]) -> Self {
        Self::new(Zeroizing::new(key), MemoryRegister::default())
    }

    /// Closes a session in one role once and for all: see [`SessionRegister::close`].
    ///
    /// # Errors
    /// [`StoreError`] when the register could not be made durable or read.
    pub fn close(&self, session: &SessionId, role: Role, on: &Hash) -> Result<Hash, StoreError> {
        self.register.close(session, role, on)
    }

    /// The cipher for pending nonces.
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*derive_key(tag::PENDING, &[&*self.key])))
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Installation(…)")
    }
}

const MAGIC: [u8; 8] = *b"SOTTOKEY";

/// One byte more than the longest file of an installation.
pub(crate) const MAX_FILE: usize = 42;

/// The bytes of `installation.key`; written without reallocating.
pub(crate) fn key_bytes(key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(MAX_FILE));
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    out.extend_from_slice(key);
    out
}

/// Reads what [`key_bytes`] writes.
pub(crate) fn read_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, DecodeError> {
    whole(bytes, |r| {
        if r.array()? != MAGIC {
            return Err(DecodeError::Code { what: "installation key", code: 0 });
        }
        version(r)?;
        r.array().map(Zeroizing::new)
    })
}

/// The bytes of the file of a closed session.
pub(crate) fn closed_bytes(on: &Hash) -> Vec<u8> {
    [&[VERSION][..], on.as_bytes()].concat()
}

/// Reads what [`closed_bytes`] writes.
pub(crate) fn read_closed(bytes: &[u8]) -> Result<Hash, DecodeError> {
    whole(bytes, |r| {
        version(r)?;
        Hash::decode(r)
    })
}
