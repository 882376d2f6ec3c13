//! The key-value database that a store's index lives in, behind a trait: a database on disk, or a map in
//! memory.
//!
//! ```text
//! Databases::open(slot) ─▶ Database: get, range ◀── write: one batch, all of it or nothing
//!                              flush: what was written survives the loss of power
//! ```
//!
//! A store has one index, and a second while a snapshot is being installed beside the chain; a [`Slot`] names
//! the two.
//!
//! Guaranteed by an implementation: a batch is applied as a whole, also across a crash, and batches in order.
//! Not guaranteed: that a batch which was not flushed survives a crash; the index catches up from the block
//! log.

use super::error::StoreError;
use core::fmt;

/// A key and its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// Which of a store's two indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The one that answers.
    Current,
    /// The one that is being filled to replace it.
    Next,
}

impl Slot {
    /// The other slot.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Current => Self::Next,
            Self::Next => Self::Current,
        }
    }
}

/// Changes that are applied together: a value sets a key, `None` removes it.
#[derive(Clone, Debug, Default)]
pub struct Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Batch {
    /// Sets a key.
    pub fn insert(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push((key.into(), Some(value.into())));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: impl Into<Vec<u8>>) {
        self.0.push((key.into(), None));
    }
}

impl IntoIterator for Batch {
    type Item = (Vec<u8>, Option<Vec<u8>>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An open database: an ordered map from bytes to bytes.
pub trait Database: fmt::Debug + Send {
    /// The value of a key.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The entries with `from ≤ key < to`, in order; ends after the first that cannot be read.
    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, StoreError>> + '_>;

    /// Applies a batch, all of it or nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn write(&mut self, batch: Batch) -> Result<(), StoreError>;

    /// Removes every entry.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn clear(&mut self) -> Result<(), StoreError>;

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the database cannot be written.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// Bytes that it takes up.
    ///
    /// # Errors
    /// When the size cannot be determined.
    fn bytes(&self) -> Result<u64, StoreError>;
}

/// Where a store keeps its databases.
pub trait Databases: fmt::Debug + Send {
    /// Opens the database of a slot, or creates an empty one.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, slot: Slot) -> Result<Box<dyn Database>, StoreError>;

    /// Whether a closed database is there.
    fn exists(&self, slot: Slot) -> bool;

    /// Removes a closed database, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, slot: Slot) -> Result<(), StoreError>;

    /// Moves a closed database to another slot, which is empty.
    ///
    /// # Errors
    /// When it cannot be moved.
    fn rename(&self, from: Slot, to: Slot) -> Result<(), StoreError>;
}
