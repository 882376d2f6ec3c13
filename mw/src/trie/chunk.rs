//! Chunks: all leaves under a prefix, with a proof that none is missing. Snapshots are transferred in chunks.
//!
//! The path of the prefix, followed only while the forks lie within it, ends at the smallest subtree that can
//! contain the leaves under the prefix. The verifier hashes that subtree from the leaves and folds the forks
//! over it, at most `depth` of them. For a prefix without leaves, the path of the prefix followed by zeros
//! ends at an entry outside of the prefix.
//!
//! Guaranteed: a chunk can be verified alone, and a verified chunk contains exactly the leaves under its
//! prefix.
//!
//! Not guaranteed: that the root belongs to the chain, or was computed from a set at all. With all chunks of
//! one depth, the set can be rebuilt and the roots compared.

use super::{
    Entry, bit_of, empty_hash, first_difference, fork_hash, leaf_hash,
    proof::{Opening, TrieError},
};
use crate::{
    codec::{Decode, DecodeError, Encode, Reader, fields},
    hash::Hash,
};

/// The first `depth` bits of a key, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    depth: u8,
    index: u32,
}

impl Prefix {
    /// The longest prefix, in bits.
    pub const MAX_DEPTH: u8 = 32;

    /// The prefix of `depth` bits that reads `index`, or `None` if `index` has more bits or `depth` is above
    /// [`Self::MAX_DEPTH`]. Those with one depth and the indices below 2^depth part the trie.
    #[must_use]
    pub const fn new(depth: u8, index: u32) -> Option<Self> {
        if depth > Self::MAX_DEPTH || (index as u64) >> depth != 0 {
            None
        } else {
            Some(Self { depth, index })
        }
    }

    /// Its length in bits.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Its bits as a number.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Whether a key starts with it.
    #[must_use]
    pub fn covers(&self, key: &Hash) -> bool {
        first_difference(&self.first_key(), key) >= self.depth.into()
    }

    /// Whether a key starts with both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (short, long) = if self.depth <= other.depth { (self, other) } else { (other, self) };
        u64::from(long.index) >> (long.depth - short.depth) == u64::from(short.index)
    }

    /// The least key under it.
    pub(super) fn first_key(&self) -> Hash {
        let mut key = [0; 32];
        let bits = (u64::from(self.index) << 32) >> self.depth;
        key.iter_mut().zip((bits as u32).to_be_bytes()).for_each(|(k, b)| *k = b);
        Hash(key)
    }
}

/// A proof that some leaves are all leaves under a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkProof(pub(super) Opening);

fields!(ChunkProof { 0 });

impl ChunkProof {
    /// Checks that the set with this root has `leaves`, in the order of keys, and no others under `prefix`.
    ///
    /// # Errors
    /// [`TrieError::Shape`] if the leaves are not in strictly ascending order or not all under the prefix, or
    /// the opening is not one for them; [`TrieError::Root`] if it leads to another root.
    pub fn verify(&self, root: &Hash, prefix: Prefix, leaves: &[Entry]) -> Result<(), TrieError> {
        let Opening { end, forks, .. } = &self.0;
        let ordered = leaves.is_sorted_by(|a, b| a.key < b.key);
        let covered = leaves.iter().all(|e| prefix.covers(&e.key));
        let fits = match end {
            None => leaves.is_empty() || forks.iter().all(|(bit, _)| *bit < prefix.depth.into()),
            Some(outside) => leaves.is_empty() && !prefix.covers(&outside.key),
        };
        if !(ordered && covered && fits) {
            return Err(TrieError::Shape);
        }
        let end = end.as_ref().map_or_else(|| top_hash(leaves), leaf_hash);
        if self.0.root(&prefix.first_key(), end) == *root { Ok(()) } else { Err(TrieError::Root) }
    }

    /// Number of entries of the whole trie. The root commits to it, so it is right after [`Self::verify`]
    /// succeeds.
    #[must_use]
    pub const fn trie_len(&self) -> u64 {
        self.0.len
    }
}

/// All leaves under a prefix, with their proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The prefix.
    pub prefix: Prefix,
    /// The leaves under it, in the order of keys.
    pub leaves: Vec<Entry>,
    /// The proof that these are exactly the leaves under the prefix.
    pub proof: ChunkProof,
}

impl Encode for Chunk {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.prefix.depth());
        out.extend_from_slice(&self.prefix.index().to_le_bytes());
        (self.leaves.len() as u64).encode(out);
        self.leaves.iter().for_each(|entry| entry.encode(out));
        self.proof.encode(out);
    }
}

impl Decode for Chunk {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (depth, index) = (r.u8()?, r.u32()?);
        let prefix =
            Prefix::new(depth, index).ok_or(DecodeError::Code { what: "prefix's depth", code: depth })?;
        let n = r.u64()?;
        Ok(Self { prefix, leaves: r.repeat(n)?, proof: ChunkProof::decode(r)? })
    }
}

impl Chunk {
    /// Checks the chunk against a root. The caller must compare `prefix` with the prefix it asked for.
    ///
    /// # Errors
    /// Those of [`ChunkProof::verify`].
    pub fn verify(&self, root: &Hash) -> Result<(), TrieError> {
        self.proof.verify(root, self.prefix, &self.leaves)
    }
}

/// `top(S)` of entries in the order of keys, directly from the definition.
pub(super) fn top_hash(entries: &[Entry]) -> Hash {
    match entries {
        [] => empty_hash(),
        [entry] => leaf_hash(entry),
        [first, .., last] => {
            let bit = first_difference(&first.key, &last.key);
            let (zeros, ones) = entries.split_at(entries.partition_point(|e| !bit_of(&e.key, bit)));
            fork_hash(bit, &top_hash(zeros), &top_hash(ones))
        }
    }
}
