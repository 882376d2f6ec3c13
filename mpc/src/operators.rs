//! Built-in programs, each with a name, a version and parameters.

mod aes;
pub mod auc;
mod sha256;

pub use aes::Aes128;
pub use sha256::Sha256Block;
