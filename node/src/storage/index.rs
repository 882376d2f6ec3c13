//! The index over the block log: a database that answers what the log cannot answer quickly.
//!
//! The log decides, never the index. One record makes one atomic batch, which also holds the head after it,
//! so after a crash it is behind the head by whole records and catches up from the log.
//! What it has is compared with the head and with two roots, that of the unspent outputs
//! ([`index_outputs`](super::index_outputs)) and that of what is looked up ([`index_lookups`](super::index_lookups)):
//! when the store opens ([`index_check`](super::index_check)), or when it is read. An index that does not fit is
//! thrown away and rebuilt.

use super::{
    block_place::BlockPlace,
    database::{Batch, Database, Databases, KeyValue, Slot},
    error::{IndexFault, StoreError},
    format::{Head, Position},
    index_format::{Standing, UndoEntry, terms_entry},
    key,
    located::Located,
    merkle_map::Changes,
};
use crate::seal::SealedHeader;
use sotto_mw::{
    amount::Height, block::Block, codec::Encode, hash::Hash, history::TermsChange, kernel::Kernel, trie::Trie,
};

/// Entries that are copied together.
const COPIED: usize = 1_024;

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) db: Box<dyn Database>,
    slot: Slot,
    /// The root of the map of what is looked up.
    pub(crate) lookups: Hash,
}

/// Where a chain was before a change, and where it is after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadChange<'a> {
    pub(crate) before: &'a Head,
    pub(crate) after: &'a Head,
}

impl Index {
    /// Opens the index of a slot, or creates an empty one.
    pub(crate) fn open(databases: &dyn Databases, slot: Slot) -> Result<Self, StoreError> {
        let mut index = Self { db: databases.open(slot)?, slot, lookups: Hash::ZERO };
        // One that does not say where it stands is empty, or is rebuilt.
        index.lookups = index.standing().ok().flatten().map_or(Hash::ZERO, |standing| standing.lookups);
        Ok(index)
    }

    /// Which index this is.
    pub(crate) const fn slot(&self) -> Slot {
        self.slot
    }

    /// Makes everything durable.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.db.flush()
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> Result<(), StoreError> {
        self.lookups = Hash::ZERO;
        self.db.clear()
    }

    /// Copies everything to another index, durably. Until that is whole it has no head.
    pub(crate) fn copy_to(&self, other: &mut Self) -> Result<(), StoreError> {
        other.clear()?;
        for table in key::TABLES {
            let mut entries = self.scan(table).peekable();
            while entries.peek().is_some() {
                let mut batch = Batch::default();
                for entry in entries.by_ref().take(COPIED) {
                    let (key, value) = entry?;
                    batch.insert(key, value);
                }
                other.apply(batch)?;
            }
        }
        other.flush()?;
        // The root that is stored: after a batch that failed, the one in memory is ahead of the entries.
        let Standing { head, lookups } = self.standing()?.ok_or(IndexFault::Position)?;
        other.lookups = lookups;
        other.put_head(&head)?;
        other.flush()
    }

    /// Notes, durably, that something in it is damaged: it is rebuilt when it is opened next.
    pub(crate) fn distrust(&mut self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.insert(key::HEAD, []);
        self.db.write(batch)?;
        self.db.flush()
    }

    /// Applies a batch.
    pub(crate) fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.db.write(batch)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> Result<u64, StoreError> {
        self.db.bytes()
    }

    pub(crate) fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(key.as_ref())
    }

    /// The entries of a table, in order, up to the first that cannot be read.
    pub(crate) fn scan(&self, table: &[u8]) -> impl Iterator<Item = Result<KeyValue, StoreError>> + '_ {
        self.db.range(table, &key::after(table))
    }

    /// The head that the index is at; `None` when it is empty.
    pub(crate) fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.standing()?.map(|standing| standing.head))
    }

    fn standing(&self) -> Result<Option<Standing>, StoreError> {
        let standing = self.get(key::HEAD)?.map(|bytes| Standing::from_bytes(&bytes)).transpose();
        standing.map_err(|_| IndexFault::Position.into())
    }

    /// Adds a block whose record begins at `at`, and which leads to these outputs; removes the undo entry of
    /// the block that is now final.
    pub(crate) fn connect(
        &mut self,
        HeadChange { before, after }: HeadChange<'_>,
        at: Position,
        block: &Block,
        outputs: &Trie,
    ) -> Result<(), StoreError> {
        let height = after.header.height;
        let (mut batch, mut changes) = (Batch::default(), Changes::new());
        let spent = self.rewrite(&mut batch, block, &Located::in_block(block, at), outputs)?;
        for k in &block.body.kernels {
            self.note_kernel(&mut changes, k, height, after.floor)?;
        }
        let undo = UndoEntry { kernels: before.kernels.clone(), spent };
        batch.insert(key::undo(height), undo.to_bytes(height));
        (before.floor.get()..after.floor.get()).for_each(|h| batch.remove(key::undo(Height::new(h + 1))));
        self.note_place(&mut changes, height, &BlockPlace::of(block, at));
        if after.header.terms != after.header.next_terms {
            batch.insert(key::terms(height.next()), terms_entry(height.next(), &after.terms));
            self.note_terms(&mut changes, height.next(), &after.terms)?;
        }
        self.note(&mut batch, changes)?;
        self.write(batch, after)
    }

    /// Undoes a block, which goes back to these outputs.
    pub(crate) fn undo(
        &mut self,
        HeadChange { before, after }: HeadChange<'_>,
        block: &Block,
        outputs: &Trie,
    ) -> Result<(), StoreError> {
        let height = before.header.height;
        let (mut batch, mut changes) = (Batch::default(), Changes::new());
        self.rewrite(&mut batch, block, &self.undo_entry(height)?.spent, outputs)?;
        for k in &block.body.kernels {
            self.forget_kernel(&mut changes, k, height)?;
        }
        batch.remove(key::undo(height));
        self.forget_place(&mut changes, height);
        self.note(&mut batch, changes)?;
        self.write(batch, after)
    }

    /// Adds the headers of a part of a base, and where each begins in its file.
    pub(crate) fn put_headers(&mut self, all: &[SealedHeader], offsets: &[u64]) -> Result<(), StoreError> {
        let (mut batch, mut changes) = (Batch::default(), Changes::new());
        for (SealedHeader { header, .. }, offset) in all.iter().zip(offsets) {
            self.note_place(&mut changes, header.height, &BlockPlace::in_base(header, *offset));
        }
        self.note(&mut batch, changes)?;
        self.db.write(batch)
    }

    /// Adds terms from the headers at which they change.
    pub(crate) fn put_terms(&mut self, changes: &[TermsChange]) -> Result<(), StoreError> {
        let (mut batch, mut noted) = (Batch::default(), Changes::new());
        for TermsChange { sealed, terms } in changes {
            let from = sealed.header.height.next();
            batch.insert(key::terms(from), terms_entry(from, terms));
            self.note_terms(&mut noted, from, terms)?;
        }
        self.note(&mut batch, noted)?;
        self.db.write(batch)
    }

    /// Adds the kernels of whole blocks of a base from height `first` on, whose headers are there; they begin at `offset`
    /// of its file, and `before` are before them.
    pub(crate) fn put_kernels(
        &mut self,
        first: Height,
        (before, mut offset): (u64, u64),
        all: &[Kernel],
    ) -> Result<(), StoreError> {
        let (mut batch, mut changes) = (Batch::default(), Changes::new());
        let (mut height, mut until) = (first.minus(1), before);
        for (k, place) in all.iter().zip(before..) {
            while until <= place {
                height = height.next();
                let found = self.place(height)?.ok_or(IndexFault::Header(height))?;
                until = found.kernels;
                self.note_place(&mut changes, height, &BlockPlace { kernels_at: offset, ..found });
            }
            // No block of these is ever undone.
            self.note_kernel(&mut changes, k, height, height)?;
            offset += k.to_bytes().len() as u64;
        }
        self.note(&mut batch, changes)?;
        self.db.write(batch)
    }

    /// Sets the head.
    pub(crate) fn put_head(&mut self, head: &Head) -> Result<(), StoreError> {
        self.write(Batch::default(), head)
    }

    fn write(&mut self, mut batch: Batch, after: &Head) -> Result<(), StoreError> {
        let standing = Standing { head: after.clone(), lookups: self.lookups };
        batch.insert(key::HEAD, standing.to_bytes());
        self.db.write(batch)
    }

    /// The undo entry of the block at this height.
    pub(crate) fn undo_entry(&self, h: Height) -> Result<UndoEntry, StoreError> {
        let entry = self.get(key::undo(h))?.and_then(|b| UndoEntry::from_bytes(&b, h).ok());
        Ok(entry.ok_or(IndexFault::Undo(h))?)
    }

    /// How many entries a table has.
    pub(crate) fn count(&self, table: &[u8]) -> Result<u64, StoreError> {
        self.scan(table).try_fold(0, |n, entry| entry.map(|_| n + 1))
    }
}

/// Leaves one index in the current slot: the next one, if it is of the state that the head names, and else
/// the current one.
pub(crate) fn keep_one(databases: &dyn Databases, head: &Head) -> Result<(), StoreError> {
    if !databases.exists(Slot::Next) {
        return Ok(());
    }
    let found = Index::open(databases, Slot::Next).and_then(|index| index.head());
    // One that cannot be read counts as none.
    if found.is_ok_and(|found| found.is_some_and(|h| (h.base, h.first) == (head.base, head.first))) {
        databases.remove(Slot::Current)?;
        databases.rename(Slot::Next, Slot::Current)
    } else {
        databases.remove(Slot::Next)
    }
}

#[cfg(test)]
impl Index {
    /// Sets or removes an entry behind the store's back.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let mut batch = Batch::default();
        match value {
            Some(v) => batch.insert(key, v),
            None => batch.remove(key),
        }
        self.db.write(batch).unwrap();
    }
}
