//! The files that the kernel or Gramine shows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::device::Device;
use crate::evidence::MAX_EVIDENCE;

/// A folder of the kernel's or of Gramine's.
#[derive(Debug)]
pub struct DeviceFiles {
    root: PathBuf,
}

impl DeviceFiles {
    /// The files below this folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Whether the folder is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.root.is_dir()
    }
}

impl Device for DeviceFiles {
    fn make_folder(&mut self, path: &str) -> io::Result<()> {
        fs::create_dir(self.root.join(path))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        // The kernel takes a value in one call.
        match OpenOptions::new().write(true).open(self.root.join(path))?.write(bytes)? {
            n if n == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.root.join(path))?.take(MAX_EVIDENCE as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_EVIDENCE { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn remove_folder(&mut self, path: &str) -> io::Result<()> {
        fs::remove_dir(self.root.join(path))
    }
}
