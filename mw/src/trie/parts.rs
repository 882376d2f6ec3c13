//! Parts: a trie of which only the top is in memory, and the rest is loaded part by part.
//!
//! A part is all entries whose keys begin with the same 16 bits. Its hash stands in the trie in its place:
//!
//! ```text
//!            root                        load(part, entries)   replaces a hash by the entries that lead to it
//!        ┌────┴────┐                     unloaded()            replaces all entries by hashes
//!      fork      part 0xc0de (hash)      missing(key)          the part that the path of a key leads into
//!   ┌───┴───┐
//!  part   part 0x1f03: fork, leaves …
//! ```
//!
//! Roots, and what an edit makes of them, do not depend on what is loaded. An edit needs the path of its key
//! alone; a proof and a chunk likewise need what [`Trie::missing`] and [`Trie::missing_under`] name.
//!
//! Guaranteed: entries are loaded only if they lead to the hash, so a trie with the right root never answers
//! from other entries. Memory: at most 2^17 nodes where nothing is loaded.

use super::{
    Entry, Node, Part, Trie, bit_of,
    chunk::{Chunk, ChunkProof, Prefix, top_hash},
    first_difference, fork_hash,
    proof::{Opening, TrieError},
};
use crate::hash::Hash;
use std::sync::Arc;

impl Part {
    /// The hash that stands for these entries, in the order of keys, in a trie.
    #[must_use]
    pub fn hash(entries: &[Entry]) -> Hash {
        top_hash(entries)
    }
}

impl Trie {
    /// The trie of `len` entries whose parts, in ascending order, have these hashes; nothing is loaded. Whether
    /// there are such entries the root does not tell: compare it.
    #[must_use]
    pub fn from_parts(len: u64, parts: &[(Part, Hash)]) -> Self {
        Self { top: joined(parts), len }
    }

    /// The hash of a part; `None` if it has no entries.
    #[must_use]
    pub fn part(&self, part: Part) -> Option<Hash> {
        self.part_node(part).map(Node::hash)
    }

    /// The entries of a part in the order of keys; `None` if they are not loaded.
    #[must_use]
    pub fn loaded(&self, part: Part) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        match self.part_node(part) {
            Some(Node::Part { .. }) => return None,
            Some(node) => node.collect(&mut entries),
            None => {}
        }
        Some(entries)
    }

    /// The part to load for an edit of this key or a proof about it, if there is one.
    #[must_use]
    pub fn missing(&self, key: &Hash) -> Option<Part> {
        match self.end(key)? {
            Node::Part { part, .. } => Some(*part),
            _ => None,
        }
    }

    /// The parts to load for the chunk of this prefix.
    #[must_use]
    pub fn missing_under(&self, prefix: Prefix) -> Vec<Part> {
        let (key, mut parts) = (prefix.first_key(), Vec::new());
        let node = self.walk(&key, prefix.depth().into()).0;
        // A subtree beside the prefix has none of its keys; then the path of the least key proves that.
        if let Some(node) = node.filter(|node| node.part().is_some_and(|p| prefix.meets(p.first_key()))) {
            node.parts(&mut parts);
        }
        let end = self.missing(&key).filter(|end| !parts.iter().any(|(part, _)| part == end));
        parts.into_iter().map(|(part, _)| part).chain(end).collect()
    }

    /// All leaves under a prefix, with their proof; what [`Trie::missing_under`] names must be loaded.
    #[must_use]
    pub fn chunk(&self, prefix: Prefix) -> Chunk {
        let key = prefix.first_key();
        let mut leaves = Vec::new();
        let opening = match self.nearest(&key) {
            // Then the prefix has an entry, and all entries under the forks within the prefix have the
            // prefix.
            Some(near) if prefix.covers(&near.key) => {
                let (part, forks) = self.walk(&key, prefix.depth().into());
                part.into_iter().for_each(|node| node.collect(&mut leaves));
                Opening { len: self.len, end: None, forks }
            }
            _ => self.open(&key),
        };
        Chunk { prefix, leaves, proof: ChunkProof(opening) }
    }

    /// Loads a part, whose entries are in the order of keys. Does nothing if it is loaded.
    ///
    /// # Errors
    /// [`TrieError::Root`] if these entries do not have its hash.
    pub fn load(&mut self, part: Part, entries: Vec<Entry>) -> Result<(), TrieError> {
        let Some(Node::Part { hash, .. }) = self.part_node(part) else { return Ok(()) };
        let (hash, loaded) = (*hash, Self::from_leaves(entries).map_err(|_| TrieError::Root)?);
        let node = loaded.top.filter(|node| node.hash() == hash).ok_or(TrieError::Root)?;
        self.top = self.top.as_ref().map(|top| replaced(top, part, node));
        Ok(())
    }

    /// The same trie with nothing loaded. Takes as long as there are parts.
    #[must_use]
    pub fn unloaded(&self) -> Self {
        Self { top: self.top.as_ref().map(|top| top.unloaded()), len: self.len }
    }

    /// All parts that have entries, and their hashes.
    #[must_use]
    pub fn parts(&self) -> Vec<(Part, Hash)> {
        let mut parts = Vec::new();
        if let Some(top) = self.unloaded().top {
            top.parts(&mut parts);
        }
        parts
    }

    /// The node under which all entries of a part are, and no others.
    fn part_node(&self, part: Part) -> Option<&Node> {
        let node = self.walk(&part.first_key(), Part::BITS).0?;
        (node.part() == Some(part)).then_some(node)
    }
}

impl Prefix {
    /// Whether a part that begins with this key has keys under the prefix.
    fn meets(&self, first: Hash) -> bool {
        first_difference(&self.first_key(), &first) >= u16::from(self.depth()).min(Part::BITS)
    }
}

impl Node {
    /// The part of its first entry.
    fn part(&self) -> Option<Part> {
        let mut node = self;
        while let Self::Fork { left, .. } = node {
            node = left;
        }
        match node {
            Self::Leaf(entry) => Some(Part::of(&entry.key)),
            Self::Part { part, .. } => Some(*part),
            Self::Fork { .. } => None,
        }
    }

    /// Adds the entries under this node, in the order of keys.
    fn collect(&self, into: &mut Vec<Entry>) {
        match self {
            Self::Leaf(entry) => into.push(*entry),
            Self::Part { .. } => {}
            Self::Fork { left, right, .. } => {
                left.collect(into);
                right.collect(into);
            }
        }
    }

    /// The same subtree with nothing loaded.
    fn unloaded(self: &Arc<Self>) -> Arc<Self> {
        let (bit, hash, left, right) = match &**self {
            Self::Part { .. } => return self.clone(),
            Self::Fork { bit, hash, left, right } if *bit < Part::BITS => (*bit, *hash, left, right),
            node => {
                let part = node.part().map(|part| Self::Part { part, hash: node.hash() });
                return part.map_or_else(|| self.clone(), Arc::new);
            }
        };
        let (l, r) = (left.unloaded(), right.unloaded());
        let same = Arc::ptr_eq(&l, left) && Arc::ptr_eq(&r, right);
        if same { self.clone() } else { Arc::new(Self::Fork { bit, hash, left: l, right: r }) }
    }

    /// Adds the parts under this node that are not loaded, and their hashes.
    fn parts(&self, into: &mut Vec<(Part, Hash)>) {
        match self {
            Self::Leaf(_) => {}
            Self::Part { part, hash } => into.push((*part, *hash)),
            Self::Fork { left, right, .. } => {
                left.parts(into);
                right.parts(into);
            }
        }
    }
}

/// The subtree with another node, of the same hash, in place of a part that it has.
fn replaced(node: &Arc<Node>, part: Part, by: Arc<Node>) -> Arc<Node> {
    match &**node {
        Node::Fork { bit, hash, left, right } if *bit < Part::BITS => {
            let (left, right) = if bit_of(&part.first_key(), *bit) {
                (left.clone(), replaced(right, part, by))
            } else {
                (replaced(left, part, by), right.clone())
            };
            Arc::new(Node::Fork { bit: *bit, hash: *hash, left, right })
        }
        _ => by,
    }
}

/// The subtree of these parts, from the definition.
fn joined(parts: &[(Part, Hash)]) -> Option<Arc<Node>> {
    let ((first, hash), (last, _)) = (parts.first()?, parts.last()?);
    let bit = first_difference(&first.first_key(), &last.first_key());
    if parts.len() == 1 || bit >= Part::BITS {
        return Some(Arc::new(Node::Part { part: *first, hash: *hash }));
    }
    let (zeros, ones) = parts.split_at(parts.partition_point(|(p, _)| !bit_of(&p.first_key(), bit)));
    match (joined(zeros), joined(ones)) {
        (Some(left), Some(right)) => {
            let hash = fork_hash(bit, &left.hash(), &right.hash());
            Some(Arc::new(Node::Fork { bit, hash, left, right }))
        }
        (one, None) | (None, one) => one,
    }
}
