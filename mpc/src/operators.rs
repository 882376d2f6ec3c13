//! Built-in programs, each with a name, a version and parameters.

mod aes;
pub mod auc;

pub use aes::Aes128;
