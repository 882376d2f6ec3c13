//! Where the crate touches the outside: sockets, files and the clock live here and nowhere else.

pub mod file;
pub mod pinned;
mod places;
#[cfg(feature = "relay")]
pub mod relay;
mod tcp;
#[cfg(feature = "web")]
pub mod web;
