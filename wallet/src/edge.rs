//! The edges: the only files of this crate that make system calls.

mod disk;
pub mod file;
pub mod installation;
