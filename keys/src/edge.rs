//! System calls: files and the operating system's random source are used here and nowhere else.

pub mod files;
pub mod installation;
pub mod seal_records;
