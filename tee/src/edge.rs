//! System calls: the files of the platform are used here and nowhere else.

pub mod device_files;
pub mod platform;
