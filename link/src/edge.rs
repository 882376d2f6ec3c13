//! The system calls: sockets, files, the clock and the system's random source.

pub(crate) mod key_file;
pub(crate) mod listener;
pub(crate) mod meet;
pub(crate) mod memory;
#[cfg(feature = "rendezvous")]
pub(crate) mod rendezvous_server;
pub(crate) mod tcp;
#[cfg(feature = "web")]
pub(crate) mod web;
