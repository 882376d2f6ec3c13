//! Identities of organisations that compute together: Ed25519 signatures and hybrid encryption.
//!
//! Reading order: [`hex`], [`hash`], [`key`] (identities and public keys), [`seal`] (encryption to one key).

pub mod hash;
pub mod hex;
pub mod key;
pub mod seal;

pub use key::{Context, Identity, KeyError, PublicKey};
