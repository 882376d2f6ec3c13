#![doc = include_str!("../README.md")]

pub mod hex;

pub mod hash;

pub mod identity;

pub mod encryption;

pub use encryption::{decrypt, encrypt};
pub use identity::{Context, Identity, KeyError, Place, PublicKey};
