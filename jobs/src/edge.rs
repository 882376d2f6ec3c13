//! System calls: sockets, files and the clock are used here and nowhere else.

pub mod folder;
pub mod job_folder;
pub mod run;
pub mod tls;
