//! Where the crate touches the outside: sockets and the clock live here and nowhere else.

pub mod tcp;
