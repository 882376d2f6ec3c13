//! A store's files in a folder that is not written: what opening repairs is repaired in memory.
//!
//! Opening a store cuts off what was never acknowledged, and removes what is left over. Here these changes
//! are made to copies in memory, until [`Overlay::freeze`]; afterwards every write fails, so that nothing can
//! be acknowledged that is not on disk. A file that is changed is read into memory whole.

use crate::{
    edge::directory::{length_in, numbers_in, read_in},
    storage::FileName,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    path::Path,
};

/// What differs from the folder: the new bytes of a file, or that it is gone.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    changed: BTreeMap<FileName, Option<Vec<u8>>>,
    frozen: bool,
}

impl Overlay {
    /// Refuses every change from now on.
    pub(crate) const fn freeze(&mut self) {
        self.frozen = true;
    }

    pub(crate) fn len(&self, dir: &Path, file: FileName) -> io::Result<Option<u64>> {
        match self.changed.get(&file) {
            Some(changed) => Ok(changed.as_ref().map(|bytes| bytes.len() as u64)),
            None => length_in(dir, file),
        }
    }

    pub(crate) fn read(&self, dir: &Path, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        let Some(changed) = self.changed.get(&file) else { return read_in(dir, file, offset, n) };
        let bytes = changed.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).ok();
        let found = from.and_then(|from| bytes.get(from..from.checked_add(n)?));
        found.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The numbers of all files that `named` names, which begin with this prefix.
    pub(crate) fn numbers(
        &self,
        dir: &Path,
        prefix: &str,
        named: impl Fn(u32) -> FileName,
    ) -> io::Result<Vec<u32>> {
        let mut all = numbers_in(dir, prefix, &named)?;
        all.retain(|n| !matches!(self.changed.get(&named(*n)), Some(None)));
        Ok(all)
    }

    pub(crate) fn write(&mut self, dir: &Path, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (from, all) = (index(offset)?, self.copy(dir, file)?);
        let end = from.checked_add(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        all.resize(all.len().max(end), 0);
        all.get_mut(from..end).into_iter().for_each(|place| place.copy_from_slice(bytes));
        Ok(())
    }

    pub(crate) fn truncate(&mut self, dir: &Path, file: FileName, length: u64) -> io::Result<()> {
        let length = index(length)?;
        self.copy(dir, file)?.resize(length, 0);
        Ok(())
    }

    pub(crate) fn rename(&mut self, dir: &Path, from: FileName, to: FileName) -> io::Result<()> {
        let bytes = core::mem::take(self.copy(dir, from)?);
        self.changed.extend([(from, None), (to, Some(bytes))]);
        Ok(())
    }

    pub(crate) fn remove(&mut self, file: FileName) -> io::Result<()> {
        self.may_change()?;
        self.changed.insert(file, None);
        Ok(())
    }

    pub(crate) fn may_change(&self) -> io::Result<()> {
        if self.frozen { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    /// The bytes of a file in memory; none, if it was gone or never there.
    fn copy(&mut self, dir: &Path, file: FileName) -> io::Result<&mut Vec<u8>> {
        self.may_change()?;
        let bytes = match self.changed.entry(file) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let length = length_in(dir, file)?.map(index).transpose()?;
                unknown.insert(length.map(|n| read_in(dir, file, 0, n)).transpose()?)
            }
        };
        Ok(bytes.get_or_insert_default())
    }
}

fn index(n: u64) -> io::Result<usize> {
    usize::try_from(n).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
