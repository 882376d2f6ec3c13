//! Identities of organisations that compute together: Ed25519 signatures and hybrid encryption.
//!
//! Reading order: [`hex`], [`hash`], [`identity`] (identities and public keys), [`encryption`] (encryption to one key).

pub mod encryption;
pub mod hash;
pub mod hex;
pub mod identity;

pub use identity::{Context, Identity, KeyError, PublicKey};
