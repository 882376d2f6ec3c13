//! Where the crate touches the outside: sockets live here and nowhere else.

pub mod files;
pub mod job_file;
pub mod rows;
pub mod tcp;
pub mod tls;
