//! The unspent outputs in the index, part by part of their trie.
//!
//! ```text
//! 'p' part ─▶ hash of the part         all of these make the trie's top, and so the root that the head states
//! 'u' part ─▶ located* ‖ check         the check covers the part and its hash
//! ```
//!
//! The top is read and compared with the head when the store opens, some 65,000 hashes at most, and a part
//! when it is needed, so neither grows with what is not asked for. A part that was lost, altered, or of an
//! earlier state has another check: an error, never an answer. A change rewrites the parts that it touches.

use super::{
    database::Batch,
    error::{IndexFault, StoreError},
    index::Index,
    index_format::{part_entry, read_part_entry},
    key,
    located::Located,
};
use sotto_mw::{
    block::Block,
    codec::{Decode, Encode},
    hash::Hash,
    state::Unspent,
    trie::{Entry, Part, Trie},
};
use std::collections::BTreeMap;

/// Changed outputs after which a trie is cut back to its top; so many parts at most stay loaded.
pub(crate) const UNLOAD_EVERY: usize = 4_096;

impl Index {
    /// The trie of `len` unspent outputs, with nothing loaded. Its root tells whether the index is whole.
    pub(crate) fn outputs(&self, len: u64) -> Result<Trie, StoreError> {
        let parts = self.scan(key::PARTS).map(|entry| {
            let (k, v) = entry?;
            Ok((key::read_part(&k).ok_or(IndexFault::Outputs)?, hash(&v)?))
        });
        Ok(Trie::from_parts(len, &parts.collect::<Result<Vec<_>, StoreError>>()?))
    }

    /// The outputs of the part with this hash, in the order of keys.
    pub(crate) fn part(&self, part: Part, hash: &Hash) -> Result<Vec<Located>, StoreError> {
        let bytes = self.get(key::unspent(part))?.ok_or(IndexFault::Outputs)?;
        Ok(read_part_entry(&bytes, part, hash).map_err(|_| IndexFault::Outputs)?)
    }

    /// Loads the parts of a trie of this state.
    pub(crate) fn load(
        &self,
        trie: &mut Trie,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<(), StoreError> {
        for part in parts {
            let hash = trie.part(part).ok_or(IndexFault::Outputs)?;
            let entries = self.part(part, &hash)?.iter().map(|l| l.entry).collect();
            trie.load(part, entries).map_err(|_| IndexFault::Outputs)?;
        }
        Ok(())
    }

    /// Loads the paths of keys.
    pub(crate) fn load_paths(&self, trie: &mut Trie, keys: &[Hash]) -> Result<(), StoreError> {
        for key in keys {
            let missing = trie.missing(key);
            self.load(trie, missing)?;
        }
        Ok(())
    }

    /// Reads every part if there are at most `most`, one after the other, and whatever the table has beside them.
    pub(crate) fn check_parts(&self, trie: &Trie, most: u64) -> Result<(), StoreError> {
        let parts: Vec<_> = trie.parts().into_iter().map(|(part, _)| part).collect();
        if parts.len() as u64 > most {
            return Ok(());
        }
        let top = trie.unloaded();
        parts.iter().try_for_each(|part| self.load(&mut top.clone(), [*part]))?;
        let same = self.count(key::UNSPENT)? == parts.len() as u64;
        if same { Ok(()) } else { Err(IndexFault::Outputs.into()) }
    }

    /// Adds outputs to the parts that there are.
    pub(crate) fn put_outputs(&mut self, all: Vec<Located>) -> Result<(), StoreError> {
        let mut parts: BTreeMap<Part, Vec<Located>> = BTreeMap::new();
        all.into_iter().for_each(|l| parts.entry(l.part()).or_default().push(l));
        let mut batch = Batch::default();
        for (part, added) in parts {
            let mut all = self.stored_part(part)?;
            all.extend(added);
            all.sort_unstable_by_key(|l| l.entry.key);
            let entries: Vec<_> = all.iter().map(|l| l.entry).collect();
            put_part(&mut batch, part, &Part::hash(&entries), &all);
        }
        self.apply(batch)
    }

    /// Rewrites the parts that a block touches, to those of the trie that it leads to, in which they are
    /// loaded; returns what was dropped.
    pub(crate) fn rewrite(
        &self,
        batch: &mut Batch,
        block: &Block,
        added: &[Located],
        to: &Trie,
    ) -> Result<Vec<Located>, StoreError> {
        let added: BTreeMap<Entry, Located> = added.iter().map(|l| (l.entry, *l)).collect();
        let mut keys = touched(block);
        keys.sort_unstable();
        keys.dedup_by_key(|key| Part::of(key));
        let mut dropped = Vec::new();
        for part in keys.iter().map(Part::of) {
            let mut old: BTreeMap<Entry, Located> =
                self.stored_part(part)?.into_iter().map(|l| (l.entry, l)).collect();
            let entries = to.loaded(part).ok_or(IndexFault::Outputs)?;
            let all = entries.iter().map(|e| old.remove(e).or_else(|| added.get(e).copied()));
            let all: Vec<_> = all.collect::<Option<_>>().ok_or(IndexFault::Outputs)?;
            match to.part(part) {
                Some(hash) => put_part(batch, part, &hash, &all),
                None => {
                    batch.remove(key::unspent(part));
                    batch.remove(key::part(part));
                }
            }
            dropped.extend(old.into_values());
        }
        Ok(dropped)
    }

    /// The outputs of a part as the index has them.
    fn stored_part(&self, part: Part) -> Result<Vec<Located>, StoreError> {
        let Some(bytes) = self.get(key::part(part))? else { return Ok(Vec::new()) };
        self.part(part, &hash(&bytes)?)
    }
}

/// The keys of what a block spends and creates.
pub(crate) fn touched(block: &Block) -> Vec<Hash> {
    let spent = block.body.spent().map(Unspent::key);
    spent.chain(block.body.outputs.iter().map(|o| Unspent::key(&o.commitment))).collect()
}

fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    Ok(<Hash as Decode>::from_bytes(bytes).map_err(|_| IndexFault::Outputs)?)
}

fn put_part(batch: &mut Batch, part: Part, hash: &Hash, all: &[Located]) {
    batch.insert(key::part(part), hash.to_bytes());
    batch.insert(key::unspent(part), part_entry(all, part, hash));
}
