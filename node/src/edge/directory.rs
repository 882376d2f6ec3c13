//! Reading the files of a store in a directory: shared by the disk and by what only reads.

use crate::storage::FileName;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The path of a file of a directory.
pub(crate) fn path_in(dir: &Path, file: FileName) -> PathBuf {
    dir.join(file.to_string())
}

/// The numbers of all files of a directory with this prefix and name.
pub(crate) fn numbers_in(dir: &Path, prefix: &str, named: impl Fn(u32) -> FileName) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix(prefix)).and_then(|n| n.parse().ok());
        all.extend(number.filter(|n| name == *named(*n).to_string()));
    }
    Ok(all)
}

/// The length of a file of a directory.
pub(crate) fn length_in(dir: &Path, file: FileName) -> io::Result<Option<u64>> {
    match fs::metadata(path_in(dir, file)) {
        Ok(m) => Ok(Some(m.len())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Exactly `n` bytes of a file of a directory.
pub(crate) fn read_in(dir: &Path, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
    let mut open = File::open(path_in(dir, file))?;
    open.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; n];
    open.read_exact(&mut bytes).map(|()| bytes)
}
