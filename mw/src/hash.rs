//! Tagged hashes: how the ledger hashes everything except range proofs and signature challenges.
//!
//! ```text
//! tagged(t, x)        = SHA-256(SHA-256(t) ‖ SHA-256(t) ‖ x)
//! tagged_scalar(t, x) = SHA-512(SHA-512(t) ‖ SHA-512(t) ‖ x) mod ℓ
//! ```
//!
//! Guaranteed: as long as the hash function has no collisions, two uses with different tags have none; any
//! standard library can recompute a hash. Not guaranteed: where one part ends and the next begins. Parts are
//! concatenated, so callers pass parts of fixed width, or put a length before each part that varies.
//!
//! Source: BIP-340, "Design", tagged hashes.

use crate::{codec::fields, group::Scalar};
use core::fmt;
use sha2::{Digest, Sha256, Sha512, digest::Output};

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
    Hash(tagged_output::<Sha256>(tag, parts).into())
}

/// The scalar of the concatenated parts; 64 bytes modulo ℓ are uniform but for 2⁻²⁵⁶.
#[must_use]
pub(crate) fn tagged_scalar(tag: &str, parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&tagged_output::<Sha512>(tag, parts).into())
}

fn tagged_output<D: Digest>(tag: &str, parts: &[&[u8]]) -> Output<D> {
    let t = D::digest(tag.as_bytes());
    let mut h = D::new_with_prefix(&t).chain_update(&t);
    parts.iter().for_each(|p| h.update(p));
    h.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hashlib.
    #[test]
    fn agrees_with_an_independent_implementation() {
        let hash = tagged("BIP0340/challenge", &[b"a", b"b"]);
        assert_eq!(hash.to_string(), "ad51e567373cd27f4002760217ae51e218f4a8801a9da879c306f2b4e728fd2f");
        let scalar = Hash(tagged_scalar("example/v1", &[b"ab", b"c"]).to_bytes());
        assert_eq!(scalar.to_string(), "ad02072da5a599dee3ad7c994aa3b30c3781007c9f5b6c3559f9fb9c19201d0c");
    }
}
