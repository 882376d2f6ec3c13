//! The in-memory twin of the disk: files that can be killed, filled up, damaged, and lose power.
//!
//! What was not synced may be lost, in any part and out of order. [`Memory::after_power_loss`] draws one of
//! the states that a disk may be in: of the writes and cuts since a file's last sync each is kept whole, kept
//! in part or dropped, and of the changes of names since the last `sync_names` each is kept or dropped.

use super::{file_name::FileName, files::Files};
use rand_core::RngCore;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Files in memory. Clones share them, as two handles of one disk do.
///
/// ```
/// use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// use sotto_node::{Files, Memory, storage::FileName};
///
/// # fn main() -> std::io::Result<()> {
/// let mut files = Memory::new();
/// files.write(FileName::Head, 0, b"old")?;
/// files.sync(FileName::Head)?;
/// files.sync_names()?;
/// files.write(FileName::Head, 0, b"new")?;
///
/// // The power fails before the next sync: any part of the last write may be on the disk.
/// let disk = files.after_power_loss(&mut ChaCha20Rng::seed_from_u64(1));
/// let bytes = disk.bytes(FileName::Head).expect("the name was synced");
/// assert!((0..=3).any(|n| bytes == [&b"new"[..n], &b"old"[n..]].concat()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// Contents, by number; a name points to one.
    files: Vec<Content>,
    names: BTreeMap<FileName, usize>,
    durable_names: BTreeMap<FileName, usize>,
    unsynced_names: Vec<NameChange>,
    changes: u64,
    reads: u64,
    /// How many more changes succeed.
    budget: Option<u64>,
    /// Whether a write was refused for want of budget.
    dead: bool,
    /// Most bytes of all files together.
    capacity: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(FileName, usize),
    Rename(FileName, FileName),
    Remove(FileName),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, new) => {
                let end = at + new.len();
                bytes.resize(bytes.len().max(end), 0);
                if let Some(place) = bytes.get_mut(*at..end) {
                    place.copy_from_slice(new);
                }
            }
            Self::Cut(length) => bytes.resize(*length, 0),
        }
    }

    /// What the disk kept of it: all, a part, or nothing.
    fn torn(&self, rng: &mut impl RngCore) -> Option<Self> {
        match (rng.next_u32() % 3, self) {
            (0, _) => None,
            (1, Self::Write(at, new)) => {
                let kept = rng.next_u64() as usize % (new.len() + 1);
                Some(Self::Write(*at, new.iter().take(kept).copied().collect()))
            }
            _ => Some(self.clone()),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<FileName, usize>) {
        match *self {
            Self::Set(name, file) => drop(names.insert(name, file)),
            Self::Remove(name) => drop(names.remove(&name)),
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
        }
    }
}

impl State {
    /// Counts a change, or refuses it when the budget is used up.
    fn spend(&mut self) -> io::Result<()> {
        match &mut self.budget {
            Some(0) => Err(io::Error::other("killed")),
            Some(left) => {
                *left -= 1;
                self.changes += 1;
                Ok(())
            }
            None => {
                self.changes += 1;
                Ok(())
            }
        }
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn content(&mut self, name: FileName) -> io::Result<&mut Content> {
        let file = self.names.get(&name).copied().ok_or(io::ErrorKind::NotFound)?;
        self.files.get_mut(file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&mut self, name: FileName) {
        if !self.names.contains_key(&name) {
            self.files.push(Content::default());
            self.rename(NameChange::Set(name, self.files.len() - 1));
        }
    }

    fn change(&mut self, name: FileName, change: Change) -> io::Result<()> {
        let content = self.content(name)?;
        change.apply(&mut content.now);
        content.unsynced.push(change);
        Ok(())
    }

    /// How many of `n` bytes at `at` of a file still fit.
    fn room(&self, name: FileName, at: usize, n: usize) -> usize {
        let Some(capacity) = self.capacity else { return n };
        let used: usize = self.names.values().filter_map(|f| self.files.get(*f)).map(|c| c.now.len()).sum();
        let length = self.names.get(&name).and_then(|f| self.files.get(*f)).map_or(0, |c| c.now.len());
        let free = capacity.saturating_sub(used) + length.saturating_sub(at);
        n.min(free)
    }
}

impl Memory {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changes were made so far: writes, cuts, syncs, renames, removals.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// How many reads there were.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    /// Lets `n` more changes succeed; all after them fail, the first write among them half done. `None`: no
    /// limit.
    pub fn kill_after(&self, n: Option<u64>) {
        let mut state = self.state();
        (state.budget, state.dead) = (n, false);
    }

    /// Lets all files together grow to `bytes`; a write beyond is cut short and fails. `None`: no limit.
    pub fn limit(&self, bytes: Option<usize>) {
        self.state().capacity = bytes;
    }

    /// A file's bytes.
    #[must_use]
    pub fn bytes(&self, file: FileName) -> Option<Vec<u8>> {
        self.state().content(file).ok().map(|c| c.now.clone())
    }

    /// Damages a file: sets its bytes, durably, without counting as a change.
    pub fn set(&self, file: FileName, bytes: Vec<u8>) {
        let mut state = self.state();
        state.create(file);
        if let Ok(content) = state.content(file) {
            *content = Content { now: bytes.clone(), durable: bytes, unsynced: Vec::new() };
        }
        state.durable_names = state.names.clone();
    }

    /// An independent copy, without limits.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = State { budget: None, dead: false, capacity: None, ..self.state().clone() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// One of the states the disk may be in if the power fails now.
    #[must_use]
    pub fn after_power_loss(&self, rng: &mut impl RngCore) -> Self {
        let mut state = self.state().clone();
        for content in &mut state.files {
            for change in core::mem::take(&mut content.unsynced) {
                change.torn(rng).iter().for_each(|c| c.apply(&mut content.durable));
            }
            content.now.clone_from(&content.durable);
        }
        for change in core::mem::take(&mut state.unsynced_names) {
            if rng.next_u32().is_multiple_of(2) {
                change.apply(&mut state.durable_names);
            }
        }
        state.names.clone_from(&state.durable_names);
        Self(Arc::new(Mutex::new(State { budget: None, dead: false, capacity: None, changes: 0, ..state })))
    }
}

impl Files for Memory {
    fn segments(&self) -> io::Result<Vec<u32>> {
        let number = |name: &FileName| if let FileName::Segment(n) = name { Some(*n) } else { None };
        Ok(self.state().names.keys().filter_map(number).collect())
    }

    fn bases(&self) -> io::Result<Vec<u32>> {
        let number = |name: &FileName| if let FileName::Base(n) = name { Some(*n) } else { None };
        Ok(self.state().names.keys().filter_map(number).collect())
    }

    fn len(&self, file: FileName) -> io::Result<Option<u64>> {
        Ok(self.state().content(file).ok().map(|c| c.now.len() as u64))
    }

    fn read(&self, file: FileName, offset: u64, n: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.reads += 1;
        let rest = usize::try_from(offset).ok().and_then(|at| state.content(file).ok()?.now.get(at..));
        rest.and_then(|r| r.get(..n)).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn write(&mut self, file: FileName, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let killed = state.spend().err();
        let n = match &killed {
            None => state.room(file, at, bytes.len()),
            Some(_) if core::mem::replace(&mut state.dead, true) => return killed.map_or(Ok(()), Err),
            Some(_) => bytes.len() / 2,
        };
        state.create(file);
        state.change(file, Change::Write(at, bytes.iter().take(n).copied().collect()))?;
        match killed {
            Some(e) => Err(e),
            None if n < bytes.len() => Err(io::ErrorKind::StorageFull.into()),
            None => Ok(()),
        }
    }

    fn truncate(&mut self, file: FileName, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.change(file, Change::Cut(usize::try_from(length).map_err(io::Error::other)?))
    }

    fn sync(&mut self, file: FileName) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let content = state.content(file)?;
        content.durable.clone_from(&content.now);
        content.unsynced.clear();
        Ok(())
    }

    fn rename(&mut self, from: FileName, to: FileName) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.content(from)?;
        state.rename(NameChange::Rename(from, to));
        Ok(())
    }

    fn remove(&mut self, file: FileName) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.content(file)?;
        state.rename(NameChange::Remove(file));
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.durable_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }
}
