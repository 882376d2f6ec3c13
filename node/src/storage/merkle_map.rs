//! A Merkle map: keys and values in the index's database, under one hash. The index keeps one, of all that is looked up
//! by height, kernel or excess (`index_lookups`).
//!
//! ```text
//! root ─▶ branch: 16 children, by the next 4 bits of the key ─▶ … ─▶ leaf: up to 16 entries
//! hash of a node = H(depth ‖ path ‖ node)             of an empty map: 32 zeros
//! node           = 0 ‖ (key (32) ‖ length (LEB128) ‖ value)*      leaf, keys ascending
//!                | 1 ‖ bit i: there is child i (2) ‖ hash*        branch
//! ```
//!
//! With the root, a lookup reads the nodes on the path of its key and no others: some log₁₆(n/16) branches and a leaf. A node
//! that the database has lost, altered or kept from an earlier state does not have the hash that its parent names, so it is
//! an error; and the root commits to absences too. A change rewrites the nodes from the leaf to the root. Keys are hashes,
//! so that the shape is random; a path has 64 steps at most.
//!
//! Not guaranteed: one root for one content. A branch stays a branch until it is empty.
#![deny(clippy::indexing_slicing)]

use super::{
    database::{Batch, Database},
    error::{IndexFault, StoreError},
    key,
};
use crate::codec::{Damage, put_number, tag, take_number};
use sotto_mw::{
    codec::{Decode, Encode, Reader},
    hash::{Hash, tagged},
};
use std::collections::BTreeMap;

/// Entries of a leaf, at most, unless its path is the whole key.
const ENTRIES: usize = 16;
/// Children of a branch.
const CHILDREN: usize = 16;
/// Steps of 4 bits in a key.
const DEPTH: u8 = 64;

/// What changes: a value, or none for a key that goes.
pub(crate) type Changes = BTreeMap<Hash, Option<Vec<u8>>>;

/// A key and its value.
type Entry = (Hash, Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Leaf(Vec<Entry>),
    Branch(Box<[Hash; CHILDREN]>),
}

/// How much a map has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapSize {
    /// Entries in the database.
    pub(crate) nodes: u64,
    /// Keys with their values.
    pub(crate) keys: u64,
}

/// Where a node is: on the path of this key, after so many steps.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a Hash,
    depth: u8,
}

impl Place<'_> {
    /// Its key in the database.
    fn name(&self) -> Vec<u8> {
        let whole = usize::from(self.depth / 2);
        let mut name = [key::NODES, &[self.depth]].concat();
        name.extend(self.key.as_bytes().iter().take(whole));
        if self.depth % 2 == 1 {
            name.extend(self.key.as_bytes().get(whole).map(|b| b & 0xf0));
        }
        name
    }

    fn hash(&self, node: &[u8]) -> Hash {
        tagged(tag::MAP, &[&self.name(), node])
    }

    /// Reads the node with this hash, which is the one of the map.
    fn read(&self, db: &dyn Database, hash: &Hash) -> Result<Node, StoreError> {
        if *hash == Hash::ZERO {
            return Ok(Node::Leaf(Vec::new()));
        }
        let bytes = db.get(&self.name())?.filter(|bytes| self.hash(bytes) == *hash);
        let node = bytes.and_then(|bytes| Node::from_bytes(&bytes).ok());
        Ok(node.ok_or(IndexFault::Lookup)?)
    }
}

/// The step that a key takes after so many.
fn step(key: &Hash, depth: u8) -> usize {
    let byte = key.as_bytes().get(usize::from(depth / 2)).copied().unwrap_or_default();
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0xf })
}

impl Node {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Leaf(entries) => {
                let mut out = vec![0];
                for (key, value) in entries {
                    key.encode(&mut out);
                    put_number(&mut out, value.len() as u64);
                    out.extend_from_slice(value);
                }
                out
            }
            Self::Branch(children) => {
                let there = children.iter().enumerate().filter(|(_, hash)| **hash != Hash::ZERO);
                let bits = there.clone().fold(0u16, |bits, (n, _)| bits | 1 << n);
                let mut out = [&[1][..], &bits.to_le_bytes()].concat();
                there.for_each(|(_, hash)| hash.encode(&mut out));
                out
            }
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(bytes);
        match r.u8()? {
            0 => {
                let mut entries = Vec::new();
                while r.left() > 0 {
                    let key = Hash::decode(&mut r)?;
                    let length = usize::try_from(take_number(&mut r)?).map_err(|_| Damage::Long)?;
                    entries.push((key, r.take(length)?.to_vec()));
                }
                Ok(Self::Leaf(entries))
            }
            1 => {
                let bits = u16::from_le_bytes(r.array()?);
                let mut children = Box::new([Hash::ZERO; CHILDREN]);
                for (n, child) in children.iter_mut().enumerate() {
                    if bits >> n & 1 == 1 {
                        *child = Hash::decode(&mut r)?;
                    }
                }
                crate::codec::ends(&r).map(|()| Self::Branch(children))
            }
            _ => Err(Damage::Magic),
        }
    }
}

/// The value of a key in the map with this root.
pub(crate) fn get(db: &dyn Database, root: &Hash, key: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
    let mut hash = *root;
    for depth in 0..=DEPTH {
        match (Place { key, depth }).read(db, &hash)? {
            Node::Leaf(entries) => {
                return Ok(entries.into_iter().find(|(k, _)| k == key).map(|(_, value)| value));
            }
            Node::Branch(children) => {
                hash = children.get(step(key, depth)).copied().unwrap_or(Hash::ZERO);
            }
        }
    }
    Err(IndexFault::Lookup.into())
}

/// Adds to a batch what changes the map with this root; returns the root that the map has once the batch is applied.
pub(crate) fn edit(
    db: &dyn Database,
    batch: &mut Batch,
    root: &Hash,
    changes: Changes,
) -> Result<Hash, StoreError> {
    let changes: Vec<_> = changes.into_iter().collect();
    Edit { db, batch }.subtree(0, *root, &changes)
}

/// Reads all of the map with this root.
pub(crate) fn size(db: &dyn Database, root: &Hash) -> Result<MapSize, StoreError> {
    let mut size = MapSize::default();
    let mut left = vec![(Hash::ZERO, 0, *root)];
    while let Some((path, depth, hash)) = left.pop().filter(|(_, _, hash)| *hash != Hash::ZERO) {
        size.nodes += 1;
        match (Place { key: &path, depth }).read(db, &hash)? {
            Node::Leaf(entries) => size.keys += entries.len() as u64,
            Node::Branch(children) => {
                let there = children.iter().enumerate().filter(|(_, hash)| **hash != Hash::ZERO);
                left.extend(there.map(|(n, hash)| (stepped(&path, depth, n), depth + 1, *hash)));
            }
        }
    }
    Ok(size)
}

/// The path that goes on with step `n`.
fn stepped(path: &Hash, depth: u8, n: usize) -> Hash {
    let mut bytes = *path.as_bytes();
    if let Some(byte) = bytes.get_mut(usize::from(depth / 2)) {
        *byte |= (n as u8) << if depth.is_multiple_of(2) { 4 } else { 0 };
    }
    Hash::from_bytes(bytes)
}

struct Edit<'a> {
    db: &'a dyn Database,
    batch: &'a mut Batch,
}

impl Edit<'_> {
    /// Changes the subtree at the place that the keys of these changes have in common; returns its hash.
    fn subtree(
        &mut self,
        depth: u8,
        old: Hash,
        changes: &[(Hash, Option<Vec<u8>>)],
    ) -> Result<Hash, StoreError> {
        let Some((key, _)) = changes.first() else { return Ok(old) };
        let place = Place { key, depth };
        match place.read(self.db, &old)? {
            Node::Leaf(entries) => {
                let mut entries: BTreeMap<_, _> = entries.into_iter().collect();
                for (key, value) in changes {
                    match value {
                        Some(value) => drop(entries.insert(*key, value.clone())),
                        None => drop(entries.remove(key)),
                    }
                }
                let entries: Vec<_> = entries.into_iter().collect();
                if entries.is_empty() && old != Hash::ZERO {
                    self.batch.remove(place.name());
                }
                Ok(self.put(depth, &entries))
            }
            Node::Branch(mut children) => {
                let mut rest = changes;
                for (n, child) in children.iter_mut().enumerate() {
                    let these = rest.partition_point(|(key, _)| step(key, depth) <= n);
                    let (these, after) = rest.split_at_checked(these).unwrap_or((rest, &[]));
                    *child = self.subtree(depth + 1, *child, these)?;
                    rest = after;
                }
                if children.iter().all(|hash| *hash == Hash::ZERO) {
                    self.batch.remove(place.name());
                    return Ok(Hash::ZERO);
                }
                Ok(self.write(place, &Node::Branch(children)))
            }
        }
    }

    /// Writes a new subtree of these entries, which are in order; returns its hash.
    fn put(&mut self, depth: u8, entries: &[Entry]) -> Hash {
        let Some((key, _)) = entries.first() else { return Hash::ZERO };
        let place = Place { key, depth };
        if entries.len() <= ENTRIES || depth == DEPTH {
            return self.write(place, &Node::Leaf(entries.to_vec()));
        }
        let mut children = Box::new([Hash::ZERO; CHILDREN]);
        for these in entries.chunk_by(|(a, _), (b, _)| step(a, depth) == step(b, depth)) {
            let n = these.first().map_or(0, |(key, _)| step(key, depth));
            if let Some(child) = children.get_mut(n) {
                *child = self.put(depth + 1, these);
            }
        }
        self.write(place, &Node::Branch(children))
    }

    fn write(&mut self, place: Place<'_>, node: &Node) -> Hash {
        let bytes = node.to_bytes();
        let hash = place.hash(&bytes);
        self.batch.insert(place.name(), bytes);
        hash
    }
}

#[cfg(test)]
mod tests;
