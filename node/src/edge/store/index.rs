//! The index over the block log: a sled database that answers what the log cannot answer quickly.
//!
//! It is never the truth. All that one record changes is one atomic batch, which also says where the index then stands,
//! so after a crash it is behind the head by whole records and catches up from the log; [`check`](super::check) holds
//! it against the head when the store opens, and whatever does not fit throws it away.
//!
//! One flipped bit in sled's file can lose records without an error, and its own flush does not cover metadata: hence
//! the check, and the `fsync` of its files in [`Index::flush`].

use super::{
    disk::sync_dir,
    error::{IndexFault, StoreError},
    files::FileName,
};
use crate::{
    seal::SealedHeader,
    wire::{Head, HeaderEntry, Position, UndoEntry, key},
};
use sled::IVec;
use sotto_mw::{
    amount::Height,
    block::{Block, Header},
    commitment::Commitment,
    hash::Hash,
    kernel::{Excess, Kernel},
    state::{Sighting, Unspent},
    wire::{Decode, Encode},
};
use std::{
    fs::{self, File},
    io, iter,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Where an index is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexPlace {
    /// In this directory.
    Directory(PathBuf),
    /// Nowhere: it is gone with the store, as for tests.
    Temporary,
}

impl IndexPlace {
    /// Where another index is made, which is to take this one's place.
    pub(super) fn next(&self) -> Self {
        let Self::Directory(dir) = self else { return Self::Temporary };
        let (here, there) = (FileName::Index.to_string(), FileName::NextIndex.to_string());
        let name = if dir.file_name().is_some_and(|name| *name == *there) { here } else { there };
        Self::Directory(dir.with_file_name(name))
    }

    /// Whether something is there.
    pub(super) fn exists(&self) -> bool {
        matches!(self, Self::Directory(dir) if dir.exists())
    }

    /// Renames an index that nobody has open.
    pub(super) fn rename(&self, to: &Self) -> Result<(), StoreError> {
        let (Self::Directory(from), Self::Directory(to)) = (self, to) else { return Ok(()) };
        fs::rename(from, to).map_err(|e| directory(from, e))
    }
}

/// How often, and how long each time, to wait for sled's lock.
const LOCK_TRIES: u32 = 300;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Bytes of sled's page cache.
const CACHE_BYTES: u64 = 64 << 20;

/// An open index.
#[derive(Debug)]
pub(super) struct Index {
    db: sled::Db,
    place: IndexPlace,
}

impl Index {
    /// Opens an index, or makes an empty one.
    pub(super) fn open(place: IndexPlace) -> Result<Self, StoreError> {
        // No flushing thread: the store says when.
        let config = sled::Config::new().cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let config = match &place {
            IndexPlace::Directory(dir) => config.path(dir),
            IndexPlace::Temporary => config.temporary(true),
        };
        Ok(Self { db: open_patiently(&config)?, place })
    }

    /// Where it is.
    pub(super) const fn place(&self) -> &IndexPlace {
        &self.place
    }

    /// Removes an index that nobody has open.
    pub(super) fn remove(place: &IndexPlace) -> Result<(), StoreError> {
        let IndexPlace::Directory(dir) = place else { return Ok(()) };
        match fs::remove_dir_all(dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(directory(dir, e)),
            _ => Ok(()),
        }
    }

    /// Makes everything durable, sled's own files included.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        let IndexPlace::Directory(dir) = &self.place else { return Ok(()) };
        sync_tree(dir).map_err(|e| directory(dir, e))
    }

    /// Removes everything.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        Ok(self.db.clear()?)
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> Result<u64, StoreError> {
        Ok(self.db.size_on_disk()?)
    }

    fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<IVec>, StoreError> {
        guarded(|| Ok(self.db.get(key)?))
    }

    /// The entries of a table, in order, up to the first that cannot be read.
    fn scan(&self, table: &[u8]) -> impl Iterator<Item = Result<(IVec, IVec), StoreError>> + use<> {
        guarded_entries(self.db.scan_prefix(table))
    }

    /// Where the index stands; `None` when it is empty.
    pub(super) fn head(&self) -> Result<Option<Head>, StoreError> {
        let bytes = self.get(key::HEAD)?;
        let head = bytes.map(|b| Head::from_bytes(&b)).transpose();
        head.map_err(|_| IndexFault::Position.into())
    }

    /// Records a block whose record begins at `at`, and forgets what undid the block that is now final.
    pub(super) fn connect(
        &self,
        (before, after): (&Head, &Head),
        at: Position,
        (block, spent): (&Block, &[Unspent]),
    ) -> Result<(), StoreError> {
        let height = after.header.height;
        let mut batch = sled::Batch::default();
        for u in spent {
            batch.remove(key::unspent(&u.output.commitment));
        }
        for output in &block.body.outputs {
            let unspent = Unspent { created: height, output: output.clone() };
            batch.insert(key::unspent(&output.commitment), unspent.to_bytes());
        }
        for (k, place) in block.body.kernels.iter().zip(before.header.kernel_count..) {
            put_kernel(&mut batch, k, place, height);
        }
        let undo = UndoEntry { kernels: before.kernels.clone(), spent: spent.to_vec() };
        batch.insert(key::undo(height), undo.to_bytes(height));
        (before.floor.get()..after.floor.get()).for_each(|h| batch.remove(key::undo(Height::new(h + 1))));
        batch.insert(key::header(height), HeaderEntry { header: after.header.clone(), at }.to_bytes());
        self.write(batch, after)
    }

    /// Takes a block back.
    pub(super) fn undo(
        &self,
        (before, after): (&Head, &Head),
        (block, spent): (&Block, &[Unspent]),
    ) -> Result<(), StoreError> {
        let height = before.header.height;
        let mut batch = sled::Batch::default();
        for output in &block.body.outputs {
            batch.remove(key::unspent(&output.commitment));
        }
        for u in spent {
            batch.insert(key::unspent(&u.output.commitment), u.to_bytes());
        }
        for (k, place) in block.body.kernels.iter().zip(after.header.kernel_count..) {
            batch.remove(key::kernel(place));
            batch.remove(key::kernel_id(&k.id()));
            batch.remove(key::excess(&k.excess, Some(height)));
        }
        batch.remove(key::undo(height));
        batch.remove(key::header(height));
        self.write(batch, after)
    }

    /// Tells where blocks were moved to, and that the index stands at this head.
    pub(super) fn relocate(&self, head: &Head, moved: Vec<(Header, Position)>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (header, at) in moved {
            batch.insert(key::header(header.height), HeaderEntry { header, at }.to_bytes());
        }
        self.write(batch, head)
    }

    /// Puts headers whose blocks are nowhere.
    pub(super) fn put_headers(&self, all: &[SealedHeader]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for SealedHeader { header, .. } in all {
            let entry = HeaderEntry { header: header.clone(), at: Position::start(0) };
            batch.insert(key::header(header.height), entry.to_bytes());
        }
        Ok(self.db.apply_batch(batch)?)
    }

    /// Puts the kernels of whole blocks from height `first` on, whose headers are there; `place` is the first's.
    pub(super) fn put_kernels(&self, first: Height, place: u64, all: &[Kernel]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        let (mut height, mut until) = (first.minus(1), place);
        for (k, place) in all.iter().zip(place..) {
            while until <= place {
                height = height.next();
                until = self.header(height)?.ok_or(IndexFault::Header(height))?.header.kernel_count;
            }
            put_kernel(&mut batch, k, place, height);
        }
        Ok(self.db.apply_batch(batch)?)
    }

    /// Puts unspent outputs.
    pub(super) fn put_unspent(&self, all: &[Unspent]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        all.iter().for_each(|u| batch.insert(key::unspent(&u.output.commitment), u.to_bytes()));
        Ok(self.db.apply_batch(batch)?)
    }

    /// Says where the index stands.
    pub(super) fn put_head(&self, head: &Head) -> Result<(), StoreError> {
        self.write(sled::Batch::default(), head)
    }

    fn write(&self, mut batch: sled::Batch, after: &Head) -> Result<(), StoreError> {
        batch.insert(key::HEAD, after.to_bytes());
        Ok(self.db.apply_batch(batch)?)
    }

    /// The header at a height above the genesis, and where its block is.
    pub(super) fn header(&self, h: Height) -> Result<Option<HeaderEntry>, StoreError> {
        let Some(bytes) = self.get(key::header(h))? else { return Ok(None) };
        Ok(Some(HeaderEntry::from_bytes(&bytes, h).map_err(|_| IndexFault::Header(h))?))
    }

    /// What undoing the block at this height needs.
    pub(super) fn undo_entry(&self, h: Height) -> Result<UndoEntry, StoreError> {
        let entry = self.get(key::undo(h))?.and_then(|b| UndoEntry::from_bytes(&b, h).ok());
        Ok(entry.ok_or(IndexFault::Undo(h))?)
    }

    /// The unspent output of this name, as the index has it.
    pub(super) fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        let found = self.unspent_at(&Unspent::key(c))?;
        if found.as_ref().is_some_and(|u| u.output.commitment != *c) {
            return Err(IndexFault::Output(c.encoded()).into());
        }
        Ok(found)
    }

    /// The unspent output with this key in the trie, as the index has it.
    pub(super) fn unspent_at(&self, key: &Hash) -> Result<Option<Unspent>, StoreError> {
        let Some(bytes) = self.get(key::unspent_at(key))? else { return Ok(None) };
        Ok(Some(Unspent::from_bytes(&bytes).map_err(|_| IndexFault::Outputs)?))
    }

    /// All unspent outputs in the order of their keys in the trie.
    pub(super) fn all_unspent(&self) -> impl Iterator<Item = Result<Unspent, StoreError>> + use<> {
        self.scan(key::UNSPENT).map(|entry| {
            let (k, v) = entry?;
            let unspent = Unspent::from_bytes(&v).ok();
            let unspent = unspent.filter(|u| key::unspent(&u.output.commitment) == k.as_ref());
            Ok(unspent.ok_or(IndexFault::Outputs)?)
        })
    }

    /// The kernels in the order of the chain, from the one with this place on.
    pub(super) fn kernels_from(
        &self,
        first: u64,
    ) -> impl Iterator<Item = Result<Kernel, StoreError>> + use<> {
        let entries = guarded_entries(self.db.range(key::kernel(first)..=key::kernel(u64::MAX)));
        entries.zip(first..).map(|(entry, place)| {
            let (k, v) = entry?;
            let kernel = Kernel::from_bytes(&v).ok().filter(|_| key::kernel(place) == k.as_ref());
            Ok(kernel.ok_or(IndexFault::Kernel(place))?)
        })
    }

    /// All kernels.
    pub(super) fn kernels(&self) -> impl Iterator<Item = Result<Kernel, StoreError>> + use<> {
        self.kernels_from(0)
    }

    /// All headers above the genesis, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = Result<HeaderEntry, StoreError>> + use<> {
        self.scan(key::HEADERS).zip((1..).map(Height::new)).map(|(entry, h)| {
            let (k, v) = entry?;
            let header = HeaderEntry::from_bytes(&v, h).ok().filter(|_| key::header(h) == k.as_ref());
            Ok(header.ok_or(IndexFault::Header(h))?)
        })
    }

    /// How many entries a table has.
    pub(super) fn count(&self, table: &[u8]) -> Result<u64, StoreError> {
        self.scan(table).try_fold(0, |n, entry| entry.map(|_| n + 1))
    }

    /// The height of the kernel with this id.
    pub(super) fn kernel_height(&self, id: &Hash) -> Result<Option<Height>, StoreError> {
        let Some(bytes) = self.get(key::kernel_id(id))? else { return Ok(None) };
        Ok(Some(Height::from_bytes(&bytes).map_err(|_| IndexFault::KernelEntry(*id))?))
    }

    /// The last block up to height `last` with this excess.
    pub(super) fn last_seen(&self, e: &Excess, last: Height) -> Result<Option<Sighting>, StoreError> {
        let prefix = key::excess(e, None);
        let range = prefix.clone()..=key::excess(e, Some(last));
        let last = guarded(|| Ok(self.db.range(range).next_back().transpose()?))?;
        let Some((k, v)) = last else { return Ok(None) };
        let height = k.get(prefix.len()..).and_then(|h| h.try_into().ok()).map(u64::from_be_bytes);
        let may_repeat = match v.as_ref() {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        };
        match (height.map(Height::new), may_repeat) {
            (Some(height), Some(may_repeat)) => Ok(Some(Sighting { height, may_repeat })),
            _ => Err(IndexFault::KernelEntry(Hash::from_bytes(*e.as_bytes())).into()),
        }
    }

    /// Whether the index says exactly that this excess was seen at this height, and whether it may come again.
    pub(super) fn saw(&self, e: &Excess, seen: Sighting) -> Result<bool, StoreError> {
        let entry = self.get(key::excess(e, Some(seen.height)))?;
        Ok(entry.is_some_and(|v| v.as_ref() == [u8::from(seen.may_repeat)]))
    }
}

/// Opens sled. Its threads may hold its lock for a moment after a store was closed; no other process can, since the
/// store's own lock keeps it out.
fn open_patiently(config: &sled::Config) -> sled::Result<sled::Db> {
    let locked = |e: &sled::Error| matches!(e, sled::Error::Io(e) if e.to_string().contains("acquire lock"));
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(e) if locked(&e) => thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

/// Entries in order, up to the first that cannot be read.
fn guarded_entries(entries: sled::Iter) -> impl Iterator<Item = Result<(IVec, IVec), StoreError>> {
    let mut entries = Some(entries);
    iter::from_fn(move || {
        let next = guarded(|| Ok(entries.as_mut().and_then(Iterator::next).transpose()?)).transpose();
        if !matches!(next, Some(Ok(_))) {
            entries = None;
        }
        next
    })
}

/// A kernel's three entries.
fn put_kernel(batch: &mut sled::Batch, k: &Kernel, place: u64, height: Height) {
    batch.insert(key::kernel(place), k.to_bytes());
    batch.insert(key::kernel_id(&k.id()), height.to_bytes().as_slice());
    batch.insert(key::excess(&k.excess, Some(height)), &[k.features.may_repeat().into()]);
}

/// Runs something that reads sled's files; what sled panics over is damage like any other.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(IndexFault::Unreadable.into()))
}

fn directory(dir: &Path, source: io::Error) -> StoreError {
    StoreError::Directory { dir: dir.to_owned(), source }
}

/// Syncs every file of a directory and the directory itself, and so on below.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?
        } else {
            File::open(entry.path())?.sync_all()?
        }
    }
    sync_dir(dir)
}

#[cfg(test)]
impl Index {
    /// Sets or removes an entry behind the store's back.
    pub(super) fn put(&self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(v) => self.db.insert(key, v).map(drop).unwrap(),
            None => self.db.remove(key).map(drop).unwrap(),
        }
    }
}
