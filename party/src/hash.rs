//! BLAKE3 under a context string.
//!
//! The context is part of the hash (key-derivation mode), so a value made for one purpose cannot stand for
//! another. Each part is hashed with its length before it, so that parts cannot be shifted against each
//! other.

use core::fmt;

use crate::hex::{from_hex, to_hex};

/// The hash of `parts` under `context`, which must be unique to one purpose.
#[must_use]
pub fn hash(context: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// 32 bytes that stand for something: printed as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Parses 64 lower-case hexadecimal digits.
    ///
    /// ```
    /// use sotto_party::hash::Digest;
    /// let digest = Digest::from_hex(&"0a".repeat(32)).expect("64 digits");
    /// assert_eq!(digest.short(), "0a0a0a0a0a0a0a0a");
    /// assert_eq!(Digest::from_hex("0A"), None);
    /// ```
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        from_hex(text, &mut bytes)?;
        Some(Self(bytes))
    }

    /// The hash of `parts` under `context`, as [`hash`] makes it.
    #[must_use]
    pub fn of(context: &'static str, parts: &[&[u8]]) -> Self {
        Self(hash(context, parts))
    }

    /// The first 16 digits, for people to tell things apart. Nothing is decided by them.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(16);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
