//! Where the crate touches the outside: sockets live here and nowhere else.

pub mod tcp;
pub mod tls;
