//! Programs of two parties that come with the crate, and [slices](Sliced) of any program.

mod aes;
mod sha256;
mod sliced;

pub use aes::Aes128;
pub use sha256::Sha256Block;
pub(crate) use sliced::Part;
pub use sliced::{SideBySide, Sliced};
