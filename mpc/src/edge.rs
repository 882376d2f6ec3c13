//! System calls: sockets, the clock, and the compiler's process. No other module of the crate makes any.

pub mod compiler;
pub mod tcp;
