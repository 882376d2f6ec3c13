//! System calls: sockets and the clock. No other module of the crate makes any.

pub mod tcp;
