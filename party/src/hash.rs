//! BLAKE3 under a context string.
//!
//! The context is part of the hash (key-derivation mode), so a value made for one purpose cannot stand for
//! another. Each part is hashed with its length before it, so that parts cannot be shifted against each
//! other.

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
