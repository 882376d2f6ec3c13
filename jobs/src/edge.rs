//! Where the crate touches the outside: sockets, files and the clock live here and nowhere else.

pub mod files;
pub mod job_file;
pub mod policy_file;
pub mod receipt_file;
pub mod rows;
pub mod run;
pub mod tls;
