//! System calls: sockets, the clock, the compiler's process and its limits. No other module of the crate makes any.

pub mod compiler;
pub mod process_limits;
pub mod tcp;
