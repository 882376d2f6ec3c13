//! The edges: where the wallet touches the system.

pub mod file;
pub mod installation;
