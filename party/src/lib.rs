#![doc = include_str!("../README.md")]

pub mod hash;
pub mod hex;

pub mod identity;

pub mod encryption;

pub use encryption::{decrypt, encrypt};
pub use identity::{Context, Identity, KeyError, Place, PublicKey};
