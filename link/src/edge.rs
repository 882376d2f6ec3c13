//! Where the crate touches the outside: sockets, files and the clock live here and nowhere else.

pub mod file;
pub mod pinned;
mod tcp;
