//! Pruning: bodies that no reorganisation can need are dropped; headers, kernels and unspent outputs stay.
//!
//! ```text
//! write the base (state at the floor), fsync ─▶ write the blocks above the floor into new segments, fsync
//!   ─▶ replace the head, which names both ─▶ tell the index ─▶ remove the old base and the old segments
//! ```
//!
//! Until the head is replaced the old files are the store, and afterwards the new; opening removes whichever is left over.
//! Undone blocks go as well: the log remembers them only until it is pruned.

use super::{
    Running, Store,
    base::Base,
    error::StoreError,
    export,
    export::Snapshot,
    files::{FileName, Files, replace},
    index::guarded,
    log::Log,
};
use crate::wire::{Head, Record};
use sotto_mw::{amount::Height, wire::Encode};

/// What pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Bodies of blocks up to this height are gone.
    pub base: Height,
    /// How many bodies went now.
    pub dropped: u64,
    /// Bytes of base and log before.
    pub bytes_before: u64,
    /// Bytes of base and log now.
    pub bytes_after: u64,
}

impl<F: Files> Store<F> {
    /// Drops all bodies at and below the floor, durably.
    ///
    /// # Errors
    /// When files cannot be read or written; the store then has to be opened again, pruned or not.
    pub fn prune(&mut self) -> Result<Pruned, StoreError> {
        self.running()?;
        let (to, before) = (self.head.floor, self.head.base);
        let bytes_before = self.sizes()?.log;
        if to > before {
            let snapshot = Snapshot::plan(self, to, export::PART_ITEMS)?;
            self.state = Running::Stopped;
            self.rebase(&snapshot)?;
            self.state = Running::Yes;
        }
        let dropped = to.get() - before.get();
        Ok(Pruned { base: to, dropped, bytes_before, bytes_after: self.sizes()?.log })
    }

    fn rebase(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let (to, first) = (self.head.floor, self.head.end.segment + 1);
        let file = FileName::Base(first);
        self.write_parts(file, &snapshot.start, |store, place| Ok(snapshot.part(store, place)?.1))?;
        self.files.sync_names().map_err(|e| StoreError::writing(file, e))?;
        let base = Base::open(&self.files, file)?;
        let mut log = Log::start(&mut self.files, self.chain.id(), first, self.log.segment_bytes())?;
        let mut moved = Vec::new();
        for height in (to.get() + 1..=self.head.header.height.get()).map(Height::new) {
            let block = self.body(height)?;
            let at = log.append(&mut self.files, &Record::Block { height, bytes: block.to_bytes() })?;
            moved.push((block.header, at));
        }
        let head = Head { end: log.end(), base: to, first, ..self.head.clone() };
        replace(&mut self.files, FileName::Head, &head.to_bytes())?;
        guarded(|| self.index.relocate(&head, moved))?;
        (self.log, self.head, self.base) = (log, head, Some(base));
        self.kept.rebased(export::PART_ITEMS);
        self.flush()?;
        remove_leftovers(&mut self.files, &self.head)
    }
}

/// Removes bases and segments that the head does not name.
pub(super) fn remove_leftovers(files: &mut impl Files, head: &Head) -> Result<(), StoreError> {
    let failed = |file| move |source| StoreError::Io { file, source };
    let kept = (head.base > Height::GENESIS).then_some(head.first);
    let bases = files.bases().map_err(failed(FileName::Head))?.into_iter();
    let segments = files.segments().map_err(failed(FileName::Head))?.into_iter();
    let bases = bases.filter(|n| Some(*n) != kept).map(FileName::Base);
    let old: Vec<_> = bases.chain(segments.filter(|n| *n < head.first).map(FileName::Segment)).collect();
    for file in &old {
        files.remove(*file).map_err(|e| StoreError::writing(*file, e))?;
    }
    match old.first() {
        Some(file) => files.sync_names().map_err(|e| StoreError::writing(*file, e)),
        None => Ok(()),
    }
}
