//! A state that is built anew from the base and the log, beside the store, to compare the store with.
//!
//! ```text
//! base ─▶ FreshState ─▶ connected block ─▶ FreshState ─▶ …        as the rules see a chain, in memory
//! ```
//!
//! It trusts nothing of the store's index but where blocks are. Its own index is in memory, some 100 bytes an
//! output and 200 a kernel; outputs and kernels stay where they are, in the base and the log.

use super::{
    base::Base,
    chain_store::ChainStore,
    database::{Batch, Database, Databases, KeyValue, Slot},
    error::StoreError,
    files::Files,
    format::Head,
    index::{HeadChange, Index},
    index_check::{after_block, outputs_of},
    index_outputs::UNLOAD_EVERY,
    key,
    located::Located,
    memory_database::MemoryDatabases,
};
use sotto_mw::{
    block::Header,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    rules::{BlockChange, Connected},
    state::{ChainView, Sighting, StateCommitments, Unspent},
    terms::Terms,
    trie::{Part, Trie},
};

/// The state of a chain, built anew.
#[derive(Debug)]
pub(crate) struct FreshState<'a, F: Files> {
    store: &'a ChainStore<F>,
    index: Index,
    head: Head,
    commitments: StateCommitments,
    /// Outputs that changed since the trie was cut back.
    changed: usize,
}

impl<'a, F: Files> FreshState<'a, F> {
    /// The state before the log: the base's, or that of the genesis.
    pub(crate) fn begin(store: &'a ChainStore<F>) -> Result<Self, StoreError> {
        let mut index = Index::open(&WithoutKernels, Slot::Current)?;
        let (files, chain) = (&store.files, &store.chain);
        let head = match Base::of(files, chain, &store.head)? {
            Some(base) => base.fill(files, &mut index, chain, store.head.first)?,
            None => Head::genesis(chain),
        };
        let outputs = outputs_of(&index, &head.header)?;
        let commitments = StateCommitments { kernels: head.kernels.clone(), outputs };
        Ok(Self { store, index, head, commitments, changed: 0 })
    }

    /// Takes in the next block, which was connected to this state.
    pub(crate) fn take(&mut self, block: &Connected<BlockChange>) -> Result<(), StoreError> {
        let BlockChange { block, change } = block.get();
        let at = self.store.place_of(block.header.height)?;
        let after = after_block(&self.head, block, &self.store.chain);
        self.commitments = change.after.commitments.clone();
        let heads = HeadChange { before: &self.head, after: &after };
        self.index.connect(heads, at, block, &self.commitments.outputs)?;
        self.head = after;
        self.changed += change.spent.len() + change.created.len();
        if self.changed >= UNLOAD_EVERY {
            self.commitments.outputs = self.commitments.outputs.unloaded();
            self.changed = 0;
        }
        Ok(())
    }

    /// Whether the store has the same outputs in a part, and names the same places.
    pub(crate) fn agrees(&self, part: Part) -> Result<bool, StoreError> {
        Ok(self.part(part)? == self.store.part(part)?)
    }

    fn part(&self, part: Part) -> Result<Vec<Located>, StoreError> {
        self.commitments.outputs.part(part).map_or(Ok(Vec::new()), |hash| self.index.part(part, &hash))
    }
}

impl<F: Files> ChainView for FreshState<'_, F> {
    type Error = StoreError;

    fn tip(&self) -> &Header {
        &self.head.header
    }

    fn terms(&self) -> &Terms {
        &self.head.terms
    }

    fn commitments(&self) -> &StateCommitments {
        &self.commitments
    }

    fn outputs(&self, keys: &[Hash]) -> Result<Trie, StoreError> {
        let mut outputs = self.commitments.outputs.clone();
        self.index.load_paths(&mut outputs, keys)?;
        Ok(outputs)
    }

    fn unspent(&self, c: &Commitment) -> Result<Option<Unspent>, StoreError> {
        let key = Unspent::key(c);
        let found = self.part(Part::of(&key))?.into_iter().find(|l| l.entry.key == key);
        found.map(|l| l.read(&self.store.files, &self.head)).transpose()
    }

    fn last_seen(&self, e: &Excess) -> Result<Option<Sighting>, StoreError> {
        self.index.last_seen(e, self.head.header.height)
    }

    fn has_kernel(&self, id: &Hash) -> Result<bool, StoreError> {
        Ok(self.index.kernel_height(id)?.is_some())
    }
}

/// Databases in memory for an index that is asked for everything but kernels by their place, which it does not keep.
#[derive(Debug)]
struct WithoutKernels;

impl Databases for WithoutKernels {
    fn open(&self, slot: Slot) -> Result<Box<dyn Database>, StoreError> {
        Ok(Box::new(NoKernels(MemoryDatabases.open(slot)?)))
    }

    fn exists(&self, slot: Slot) -> bool {
        MemoryDatabases.exists(slot)
    }

    fn remove(&self, slot: Slot) -> Result<(), StoreError> {
        MemoryDatabases.remove(slot)
    }

    fn rename(&self, from: Slot, to: Slot) -> Result<(), StoreError> {
        MemoryDatabases.rename(from, to)
    }
}

/// A database of [`WithoutKernels`].
#[derive(Debug)]
struct NoKernels(Box<dyn Database>);

impl Database for NoKernels {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key)
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, StoreError>> + '_> {
        self.0.range(from, to)
    }

    fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.0.write(batch.without(key::KERNELS))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.0.clear()
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.0.flush()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        self.0.bytes()
    }
}
