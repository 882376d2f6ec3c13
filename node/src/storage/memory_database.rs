//! The in-memory twin of the database on disk: a sorted map that is gone when the store is closed.

use super::{
    database::{Batch, Database, Databases, KeyValue, Slot},
    error::StoreError,
};
use std::collections::BTreeMap;

/// Databases in memory. Each lives as long as the store that opened it, so a store that is opened again
/// rebuilds its index from the block log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemoryDatabases;

impl Databases for MemoryDatabases {
    fn open(&self, _: Slot) -> Result<Box<dyn Database>, StoreError> {
        Ok(Box::new(MemoryDatabase::default()))
    }

    fn exists(&self, _: Slot) -> bool {
        false
    }

    fn remove(&self, _: Slot) -> Result<(), StoreError> {
        Ok(())
    }

    fn rename(&self, _: Slot, _: Slot) -> Result<(), StoreError> {
        Ok(())
    }
}

/// One database.
#[derive(Debug, Default)]
struct MemoryDatabase(BTreeMap<Vec<u8>, Vec<u8>>);

impl MemoryDatabase {
    fn entries(&self, from: &[u8], to: &[u8]) -> std::collections::btree_map::Range<'_, Vec<u8>, Vec<u8>> {
        // A range that ends before it begins would be a panic.
        self.0.range(from.to_vec()..to.max(from).to_vec())
    }
}

impl Database for MemoryDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, StoreError>> + '_> {
        Box::new(self.entries(from, to).map(|(k, v)| Ok((k.clone(), v.clone()))))
    }

    fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        for (key, value) in batch {
            match value {
                Some(value) => drop(self.0.insert(key, value)),
                None => drop(self.0.remove(&key)),
            }
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.0.clear();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        Ok(self.0.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum())
    }
}
