//! Programs of two parties that come with the crate.

mod aes;
mod sha256;

pub use aes::Aes128;
pub use sha256::Sha256Block;
