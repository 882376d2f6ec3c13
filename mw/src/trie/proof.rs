//! What can be shown of a trie to one who knows only its root: a key's leaf, a key's absence, and all leaves under a
//! prefix.
//!
//! All three are an *opening*: the forks passed on a walk from the root, each as its bit and the hash of the side not
//! taken, and sometimes the entry the walk ends at. The checker computes the end's hash, folds the forks over it by the
//! bits of the key it asked for, and compares roots.
//!
//! - Inclusion: the walk of the key ends at its entry. Absence: it ends at another key's entry, or the trie is empty.
//! - A [`Chunk`]: the walk of the prefix, followed only while forks lie within it, ends at the smallest part of the trie
//!   that could hold all leaves under it; the checker hashes that part from the leaves. A chunk without leaves is the
//!   absence of the prefix followed by zeros, the entry met being outside of the prefix.
//!
//! Guaranteed: for one root and one question exactly one opening holds, and a chunk that holds lacks no leaf and has
//! none too many (for a root that was computed from a set). Not guaranteed: that the root is the one of the chain.
//!
//! ```text
//! opening = |S| (8, LE) ‖ entry? (1: 0 or 1) ‖ [key (32) ‖ leaf (32)] ‖ forks (32) ‖ hash (32) × forks set
//! chunk   = depth (1) ‖ index (4, LE) ‖ number of leaves (8, LE) ‖ (key (32) ‖ leaf (32)) × number ‖ opening
//! ```
//!
//! `forks` is a map of 256 bits: bit `b`, counted as in a key, is set if the walk passes a fork at `b`.

use super::{END, Entry, Node, Trie, bit_of, empty_hash, first_difference, fork_hash, leaf_hash, root_hash};
use crate::hash::Hash;

/// Why a proof, a chunk or an encoding is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// The bytes encode no such value.
    #[error("not an encoding of this part of a trie")]
    Encoding,
    /// The leaves of a chunk are out of order or not under its prefix, or its opening does not fit them.
    #[error("the chunk's leaves, its prefix and its opening do not belong together")]
    Shape,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The forks of a walk, and the entry at its end where the question does not give it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opening {
    /// Number of entries of the whole trie.
    len: u64,
    end: Option<Entry>,
    /// Bit and other side of each fork, from the top down: bits ascend and are below [`END`].
    forks: Vec<(u16, Hash)>,
}

impl Opening {
    /// The root of the trie in which the walk of `key` over these forks ends at a part with hash `end`.
    fn root(&self, key: &Hash, end: Hash) -> Hash {
        let top = self.forks.iter().rev().fold(end, |hash, (bit, other)| {
            let (left, right) = if bit_of(key, *bit) { (other, &hash) } else { (&hash, other) };
            fork_hash(*bit, left, right)
        });
        root_hash(self.len, &top)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.len.to_le_bytes().to_vec();
        out.push(self.end.is_some().into());
        self.end.iter().for_each(|entry| write_entry(entry, &mut out));
        let mut map = [0u8; 32];
        for (bit, _) in &self.forks {
            if let Some(byte) = map.get_mut(usize::from(bit / 8)) {
                *byte |= 0x80 >> (bit % 8);
            }
        }
        out.extend_from_slice(&map);
        self.forks.iter().for_each(|(_, other)| out.extend_from_slice(&other.0));
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, TrieError> {
        Self::read(bytes).ok_or(TrieError::Encoding)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (len, rest) = bytes.split_first_chunk()?;
        let (end, rest) = match rest.split_first()? {
            (0, rest) => (None, rest),
            (1, rest) => read_entry(rest).map(|(entry, rest)| (Some(entry), rest))?,
            _ => return None,
        };
        let (map, rest) = rest.split_first_chunk()?;
        let map = Hash(*map);
        let bits = (0..END).filter(|i| bit_of(&map, *i));
        match rest.as_chunks() {
            (others, []) if others.len() == bits.clone().count() => {
                let forks = bits.zip(others.iter().copied().map(Hash)).collect();
                Some(Self { len: u64::from_le_bytes(*len), end, forks })
            }
            _ => None,
        }
    }
}

/// Where the walk of a key ends: at the key's leaf or at what shows that it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrieProof(Opening);

impl TrieProof {
    /// No proof is longer than this many bytes: 256 forks and an entry.
    pub const MAX_BYTES: usize = 8 + 1 + 64 + 32 + 256 * 32;

    /// What the set with this root has at `key`: `Some` leaf, or `None` if the key is absent.
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

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads the canonical bytes.
    ///
    /// # Errors
    /// [`TrieError::Encoding`] if the length is not what the bytes call for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrieError> {
        Opening::from_bytes(bytes).map(Self)
    }
}

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

    /// The least key under it.
    fn first_key(&self) -> Hash {
        let mut key = [0; 32];
        let bits = (u64::from(self.index) << 32) >> self.depth;
        key.iter_mut().zip((bits as u32).to_be_bytes()).for_each(|(k, b)| *k = b);
        Hash(key)
    }
}

/// That some leaves are all the leaves under a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkProof(Opening);

impl ChunkProof {
    /// Checks that the set with this root has `leaves`, in the order of keys, and no others under `prefix`.
    ///
    /// # Errors
    /// [`TrieError::Shape`] if the leaves are not in strictly ascending order or not all under the prefix, or the
    /// opening is not one for them; [`TrieError::Root`] if it leads to another root.
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

    /// Number of entries of the whole trie, which the root commits to: true once [`Self::verify`] has passed.
    #[must_use]
    pub const fn trie_len(&self) -> u64 {
        self.0.len
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Reads the canonical bytes.
    ///
    /// # Errors
    /// [`TrieError::Encoding`] if the length is not what the bytes call for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrieError> {
        Opening::from_bytes(bytes).map(Self)
    }
}

/// All leaves under a prefix, with the proof that they are all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The prefix.
    pub prefix: Prefix,
    /// The leaves under it, in the order of keys.
    pub leaves: Vec<Entry>,
    /// That none is missing and none is foreign.
    pub proof: ChunkProof,
}

impl Chunk {
    /// Checks the chunk against a root. Whether it is the chunk one asked for, `prefix` tells.
    ///
    /// # Errors
    /// Those of [`ChunkProof::verify`].
    pub fn verify(&self, root: &Hash) -> Result<(), TrieError> {
        self.proof.verify(root, self.prefix, &self.leaves)
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.prefix.depth];
        out.extend_from_slice(&self.prefix.index.to_le_bytes());
        out.extend_from_slice(&(self.leaves.len() as u64).to_le_bytes());
        self.leaves.iter().for_each(|entry| write_entry(entry, &mut out));
        out.extend_from_slice(&self.proof.to_bytes());
        out
    }

    /// Reads the canonical bytes; allocates no more than their length.
    ///
    /// # Errors
    /// [`TrieError::Encoding`] if a length is not what the bytes call for, or the prefix is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrieError> {
        Self::read(bytes).ok_or(TrieError::Encoding)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&depth, rest) = bytes.split_first()?;
        let (index, rest) = rest.split_first_chunk()?;
        let prefix = Prefix::new(depth, u32::from_le_bytes(*index))?;
        let (count, rest) = rest.split_first_chunk()?;
        let size = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(64)?;
        let (leaves, rest) = rest.split_at_checked(size)?;
        let proof = ChunkProof(Opening::read(rest)?);
        let leaves = leaves.chunks_exact(64).filter_map(read_entry).map(|(entry, _)| entry).collect();
        Some(Self { prefix, leaves, proof })
    }
}

impl Trie {
    /// The proof of a key's leaf or of its absence.
    #[must_use]
    pub fn prove(&self, key: &Hash) -> TrieProof {
        TrieProof(self.open(key))
    }

    /// All leaves under a prefix, with their proof.
    #[must_use]
    pub fn chunk(&self, prefix: Prefix) -> Chunk {
        let key = prefix.first_key();
        let mut leaves = Vec::new();
        let opening = match self.nearest(&key) {
            // Then the prefix has an entry, and all entries under the forks within the prefix have the prefix.
            Some(near) if prefix.covers(&near.key) => {
                let (part, forks) = self.walk(&key, prefix.depth.into());
                part.into_iter().for_each(|node| node.collect(&mut leaves));
                Opening { len: self.len, end: None, forks }
            }
            _ => self.open(&key),
        };
        Chunk { prefix, leaves, proof: ChunkProof(opening) }
    }

    fn open(&self, key: &Hash) -> Opening {
        let (_, forks) = self.walk(key, END);
        Opening { len: self.len, end: self.nearest(key).copied(), forks }
    }

    /// Follows a key over the forks at bits below `until`.
    fn walk(&self, key: &Hash, until: u16) -> (Option<&Node>, Vec<(u16, Hash)>) {
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

impl Node {
    /// Adds the entries under this node, in the order of keys.
    fn collect(&self, into: &mut Vec<Entry>) {
        match self {
            Self::Leaf(entry) => into.push(*entry),
            Self::Fork { left, right, .. } => {
                left.collect(into);
                right.collect(into);
            }
        }
    }
}

/// `top(S)` of entries in the order of keys: the definition, at the length of one.
fn top_hash(entries: &[Entry]) -> Hash {
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

fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(&entry.key.0);
    out.extend_from_slice(&entry.leaf.0);
}

fn read_entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (key, rest) = bytes.split_first_chunk()?;
    let (leaf, rest) = rest.split_first_chunk()?;
    Some((Entry { key: Hash(*key), leaf: Hash(*leaf) }, rest))
}
