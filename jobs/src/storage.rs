//! Where a run keeps what must survive a crash: a small key-value store, and one in memory for tests.
//!
//! The edge has the implementation on a disk, [`Folder`](crate::edge::folder::Folder).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use crate::Job;
use crate::approval::Run;
use crate::run_state::Item;

/// A place for what survives a crash.
pub trait Storage {
    /// What was kept under a name.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Keeps this in place of what was there, durably.
    ///
    /// # Errors
    /// If it cannot be kept; then what was there is still there.
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// The name under which an item is kept.
#[must_use]
pub fn name(job: &Job, item: Item) -> String {
    match item {
        Item::InputCommitment(input_party) => format!("input-commitment-{}", job.party(input_party).name),
        Item::InputShare(input_party) => format!("share-{}", job.party(input_party).name),
        Item::Run => "run".to_owned(),
        Item::Attempts => "attempts".to_owned(),
        Item::Opened => "opened".to_owned(),
        Item::Computed => "computed".to_owned(),
        Item::Finished => "finished".to_owned(),
        Item::Confirmed => "confirmed".to_owned(),
        Item::Own => "own".to_owned(),
        Item::Letter { from, to, slot } => {
            let [from, to] = [from, to].map(|party| &job.party(party).name);
            format!("letter-{from}-{to}-{}", slot.as_str())
        }
    }
}

/// Takes a storage for a run, durably, so that nothing of another run or job is ever kept there. Whether it is
/// for this run.
///
/// # Errors
/// If it cannot be read or kept.
pub fn claim(storage: &mut impl Storage, run: Run<'_>) -> io::Result<bool> {
    let (item, ours) = (name(run.job(), Item::Run), format!("{}-{}\n", run.job().id(), run.number()));
    match storage.get(&item)? {
        Some(kept) => Ok(kept == ours.as_bytes()),
        None => storage.put(&item, ours.as_bytes()).map(|()| true),
    }
}

/// A place in memory that may become full.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    items: BTreeMap<String, Vec<u8>>,
    /// How many more writes succeed; without it, all.
    pub room: Option<usize>,
}

impl Memory {
    /// An empty storage with room for so many writes.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self { items: BTreeMap::new(), room: Some(room) }
    }

    fn take_room(&mut self) -> io::Result<()> {
        match &mut self.room {
            Some(0) => Err(ErrorKind::StorageFull.into()),
            Some(room) => {
                *room -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Storage for Memory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.items.get(name).cloned())
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.take_room()?;
        self.items.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}
