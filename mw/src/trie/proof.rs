//! Proofs of a key's leaf, or of its absence, against the root of a trie.
//!
//! Both are an *opening*: the forks on the path of the key, each as its bit and the hash of the other side,
//! and the entry at the end of the path. The verifier hashes the end, folds the forks over it by the bits of
//! the key, and compares roots. The path ends at the entry of the key (inclusion), at another entry or in the
//! empty trie (absence). [`Chunk`](super::Chunk)s use the same fold.
//!
//! ```text
//! opening     = |S| (8) ‖ entry? (1: 0 or 1) ‖ [entry] ‖ forks (32) ‖ hash (32) for each fork set
//! entry       = key (32) ‖ leaf (32)
//! trie proof  = chunk proof = opening
//! chunk       = depth (1) ‖ index (4) ‖ number of leaves (8) ‖ entries ‖ opening
//! ```
//!
//! `forks` is a map of 256 bits: bit `b`, counted as in a key, is set if the path has a fork at `b`.
//!
//! Guaranteed: for one root and key, one verdict and one proof of it. Not guaranteed: that the root belongs
//! to the chain.

use super::{END, Entry, Node, Trie, bit_of, empty_hash, fork_hash, leaf_hash, root_hash};
use crate::{
    codec::{Decode, DecodeError, Encode, Reader, fields},
    hash::Hash,
};

/// Why a proof or a chunk is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// The leaves of a chunk are out of order or not under its prefix, or its opening does not fit them.
    #[error("the chunk's leaves, its prefix and its opening do not belong together")]
    Shape,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The forks of a path, and the entry at its end unless the verifier knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    /// Number of entries of the whole trie.
    pub(super) len: u64,
    pub(super) end: Option<Entry>,
    /// Bit and other side of each fork, from the top down: bits ascend and are below [`END`].
    pub(super) forks: Vec<(u16, Hash)>,
}

impl Opening {
    /// The root of the trie in which the walk of `key` over these forks ends at a part with hash `end`.
    pub(super) fn root(&self, key: &Hash, end: Hash) -> Hash {
        let top = self.forks.iter().rev().fold(end, |hash, (bit, other)| {
            let (left, right) = if bit_of(key, *bit) { (other, &hash) } else { (&hash, other) };
            fork_hash(*bit, left, right)
        });
        root_hash(self.len, &top)
    }
}

impl Encode for Opening {
    fn encode(&self, out: &mut Vec<u8>) {
        self.len.encode(out);
        out.push(self.end.is_some().into());
        self.end.iter().for_each(|entry| entry.encode(out));
        let mut map = [0u8; 32];
        for (bit, _) in &self.forks {
            if let Some(byte) = map.get_mut(usize::from(bit / 8)) {
                *byte |= 0x80 >> (bit % 8);
            }
        }
        out.extend_from_slice(&map);
        self.forks.iter().for_each(|(_, other)| other.encode(out));
    }
}

impl Decode for Opening {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = r.u64()?;
        let end = match r.u8()? {
            0 => None,
            1 => Some(Entry::decode(r)?),
            code => return Err(DecodeError::Code { what: "end of a walk", code }),
        };
        let map: [u8; 32] = r.array()?;
        let set =
            |bit: &u16| map.get(usize::from(bit / 8)).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        let mut forks = Vec::new();
        for bit in (0..256).filter(set) {
            forks.push((bit, Hash::decode(r)?));
        }
        Ok(Self { len, end, forks })
    }
}

/// A proof of the leaf of a key, or of its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrieProof(Opening);

fields!(TrieProof { 0 });

impl TrieProof {
    /// The maximum length in bytes: 256 forks and an entry.
    pub const MAX_BYTES: usize = 8 + 1 + 64 + 32 + 256 * 32;

    /// Returns the leaf of `key` in the set with this root, or `None` if the key is absent.
    ///
    /// # Errors
    /// [`TrieError::Root`] if the proof does not belong to this root and key.
    pub fn verify(&self, root: &Hash, key: &Hash) -> Result<Option<Hash>, TrieError> {
        let end = self.0.end.as_ref();
        if self.0.root(key, end.map_or_else(empty_hash, leaf_hash)) != *root {
            return Err(TrieError::Root);
        }
        Ok(end.filter(|e| e.key == *key).map(|e| e.leaf))
    }
}

impl Trie {
    /// The proof of a key's leaf or of its absence. Without the part that [`Trie::missing`] names it does not
    /// verify.
    #[must_use]
    pub fn prove(&self, key: &Hash) -> TrieProof {
        TrieProof(self.open(key))
    }

    pub(super) fn open(&self, key: &Hash) -> Opening {
        let (_, forks) = self.walk(key, END);
        Opening { len: self.len, end: self.nearest(key).copied(), forks }
    }

    /// Follows a key over the forks at bits below `until`.
    pub(super) fn walk(&self, key: &Hash, until: u16) -> (Option<&Node>, Vec<(u16, Hash)>) {
        let (mut node, mut forks) = (self.top.as_deref(), Vec::new());
        while let Some(Node::Fork { bit, left, right, .. }) = node
            && *bit < until
        {
            let (next, other) = if bit_of(key, *bit) { (right, left) } else { (left, right) };
            forks.push((*bit, other.hash()));
            node = Some(next);
        }
        (node, forks)
    }
}
