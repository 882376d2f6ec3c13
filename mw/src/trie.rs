//! The trie of unspent outputs: a set of (key, leaf) pairs whose root depends on the set alone.
//!
//! A key is the 32-byte hash of a commitment, read from its most significant bit; a leaf is the hash of an
//! unspent output. A set `S` of two or more forks at the first bit `b` in which two of its keys differ, into
//! `S₀` and `S₁` by that bit; bits that all keys share cost no node, so no node has a single child:
//!
//! ```text
//! top({})         = H("sotto/trie-empty/v1")
//! top({(k, x)})   = H("sotto/trie-leaf/v1", k ‖ x)
//! top(S)          = H("sotto/trie-node/v1", b (2, LE) ‖ top(S₀) ‖ top(S₁))
//! root(S)         = H("sotto/trie-root/v1", |S| (8, LE) ‖ top(S))
//! ```
//!
//! Guaranteed: one root for one set, whatever the order of edits. A node commits to its bit and a leaf to its
//! whole key, so a key has only one path from a root. It ends at the leaf of the key, which proves inclusion,
//! or at another leaf, which proves absence. No root, however constructed, allows both proofs for one key.
//!
//! Not guaranteed: that the set behind a root is the set of unspent outputs, which the rules ensure; nor
//! balance: a path has about log₂ n forks for hashed keys, and at most 256.
//!
//! Nodes are immutable and shared: `clone` makes a snapshot for the price of a pointer, keeping the old value
//! is enough to undo, and an edit copies only the nodes on the paths that it changes. Memory: two nodes of 96
//! bytes for each leaf that is loaded (see [`Part`]).
//!
//! Source: D. R. Morrison, "PATRICIA", J. ACM 15 (1968); hashed as in R. Merkle, CRYPTO '87.

mod chunk;
mod parts;
mod proof;

pub use chunk::{Chunk, ChunkProof, Prefix};
pub use proof::{TrieError, TrieProof};

use crate::{
    codec::fields,
    hash::{Hash, tagged},
    tag::{TRIE_EMPTY, TRIE_LEAF, TRIE_NODE, TRIE_ROOT},
};
use std::sync::Arc;

/// One member of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The key: the hash of a commitment.
    pub key: Hash,
    /// The leaf: the hash of an unspent output.
    pub leaf: Hash,
}

fields!(Entry { key, leaf });

/// The entries whose keys begin with the same 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u16);

impl Part {
    /// How many bits of a key name its part.
    const BITS: u16 = 16;

    /// The part whose keys begin with these bits, the first the most significant.
    #[must_use]
    pub const fn new(bits: u16) -> Self {
        Self(bits)
    }

    /// The part of a key.
    #[must_use]
    pub const fn of(key: &Hash) -> Self {
        let [a, b, ..] = key.0;
        Self(u16::from_be_bytes([a, b]))
    }

    /// The bits with which its keys begin.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The least key that could be in it.
    #[must_use]
    pub const fn first_key(self) -> Hash {
        let mut key = [0; 32];
        [key[0], key[1]] = self.0.to_be_bytes();
        Hash(key)
    }
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The key to insert is in the set.
    #[error("key {0} is in the set already")]
    Occupied(Hash),
    /// The key to remove is not in the set.
    #[error("key {0} is not in the set")]
    Absent(Hash),
    /// The path of the key is not loaded.
    #[error("the path of key {0} is not loaded")]
    Unloaded(Hash),
}

/// The set. Cloning is O(1).
///
/// ```
/// use sotto_mw::{hash::tagged, trie::Trie};
///
/// let (key, leaf) = (tagged("example/key", &[b"k"]), tagged("example/leaf", &[b"x"]));
/// let mut trie = Trie::new();
/// trie.insert(key, leaf)?;
/// assert_eq!(trie.prove(&key).verify(&trie.root(), &key), Ok(Some(leaf)));
///
/// let absent = tagged("example/key", &[b"other"]);
/// assert_eq!(trie.prove(&absent).verify(&trie.root(), &absent), Ok(None));
/// # Ok::<(), sotto_mw::trie::EditError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Trie {
    top: Option<Arc<Node>>,
    len: u64,
}

#[derive(Debug)]
enum Node {
    Leaf(Entry),
    /// A part that is not loaded, in place of the node with its hash.
    Part {
        part: Part,
        hash: Hash,
    },
    Fork {
        bit: u16,
        hash: Hash,
        left: Arc<Node>,
        right: Arc<Node>,
    },
}

/// The new leaf of a key, and the first bit in which the key differs from the keys of the trie ([`END`] if it
/// is one of them).
struct Edit {
    key: Hash,
    leaf: Option<Hash>,
    leaves_at: u16,
}

/// One past the last bit of a key.
const END: u16 = 256;

/// Batches of at least this many edits are worth a second core.
const PARALLEL: usize = 64;

impl Trie {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { top: None, len: 0 }
    }

    /// The set of these entries, in any order, built at once.
    ///
    /// # Errors
    /// [`EditError::Occupied`] if a key comes twice.
    pub fn from_leaves(entries: impl IntoIterator<Item = Entry>) -> Result<Self, EditError> {
        let mut edits: Vec<Edit> =
            entries.into_iter().map(|e| Edit { key: e.key, leaf: Some(e.leaf), leaves_at: END }).collect();
        edits.sort_unstable_by_key(|e| e.key);
        match edits.iter().zip(edits.iter().skip(1)).find(|(a, b)| a.key == b.key) {
            Some((twice, _)) => Err(EditError::Occupied(twice.key)),
            None => Ok(Self { top: merge(None, &edits), len: edits.len() as u64 }),
        }
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        root_hash(self.len, &self.top.as_deref().map_or_else(empty_hash, Node::hash))
    }

    /// The leaf of a key whose path is loaded.
    #[must_use]
    pub fn get(&self, key: &Hash) -> Option<Hash> {
        self.nearest(key).filter(|e| e.key == *key).map(|e| e.leaf)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`EditError::Occupied`] if the key is in the set, which then stays as it is.
    pub fn insert(&mut self, key: Hash, leaf: Hash) -> Result<(), EditError> {
        self.apply(&[], &[Entry { key, leaf }])
    }

    /// Removes a key and returns its leaf.
    ///
    /// # Errors
    /// [`EditError::Absent`] if the key is not in the set.
    pub fn remove(&mut self, key: &Hash) -> Result<Hash, EditError> {
        let leaf = self.get(key).ok_or(EditError::Absent(*key))?;
        self.apply(&[*key], &[])?;
        Ok(leaf)
    }

    /// All removals, then all insertions, hashing each changed node once.
    ///
    /// # Errors
    /// The first conflict in the order of keys; the set then stays as it is.
    pub fn apply(&mut self, removes: &[Hash], inserts: &[Entry]) -> Result<(), EditError> {
        let edits = self.edits(removes, inserts)?;
        self.top = merge(self.top.as_ref(), &edits);
        self.len = self.len - removes.len() as u64 + inserts.len() as u64;
        Ok(())
    }

    /// The edits in the order of keys, one for each key.
    fn edits(&self, removes: &[Hash], inserts: &[Entry]) -> Result<Vec<Edit>, EditError> {
        let removes = removes.iter().map(|key| (*key, None));
        let mut steps: Vec<_> = removes.chain(inserts.iter().map(|e| (e.key, Some(e.leaf)))).collect();
        steps.sort_unstable(); // None < Some: a key's removal comes before its insertion
        let mut edits: Vec<Edit> = Vec::with_capacity(steps.len());
        for (key, leaf) in steps {
            let before = match edits.pop_if(|e| e.key == key) {
                Some(before) => before,
                None => self.unchanged(key)?,
            };
            match (before.leaf, leaf) {
                (Some(_), Some(_)) => return Err(EditError::Occupied(key)),
                (None, None) => return Err(EditError::Absent(key)),
                _ => edits.push(Edit { leaf, ..before }),
            }
        }
        Ok(edits)
    }

    /// The edit that leaves a key as it is.
    fn unchanged(&self, key: Hash) -> Result<Edit, EditError> {
        let near = match self.end(&key) {
            Some(Node::Leaf(entry)) => Some(entry),
            Some(_) => return Err(EditError::Unloaded(key)),
            None => None,
        };
        let leaf = near.filter(|e| e.key == key).map(|e| e.leaf);
        Ok(Edit { key, leaf, leaves_at: near.map_or(END, |e| first_difference(&e.key, &key)) })
    }

    /// The entry at the end of the path of a key: its own if it is in the set, else one of those that share
    /// the most bits with it. `None` also if that is not loaded.
    fn nearest(&self, key: &Hash) -> Option<&Entry> {
        match self.end(key)? {
            Node::Leaf(entry) => Some(entry),
            _ => None,
        }
    }

    /// The leaf at the end of the path of a key, or the part that is not loaded.
    fn end(&self, key: &Hash) -> Option<&Node> {
        self.walk(key, END).0
    }
}

impl Node {
    fn fork(bit: u16, left: Arc<Self>, right: Arc<Self>) -> Arc<Self> {
        let hash = fork_hash(bit, &left.hash(), &right.hash());
        Arc::new(Self::Fork { bit, hash, left, right })
    }

    fn hash(&self) -> Hash {
        match self {
            Self::Leaf(entry) => leaf_hash(entry),
            Self::Part { hash, .. } | Self::Fork { hash, .. } => *hash,
        }
    }

    fn bit(&self) -> u16 {
        match self {
            Self::Leaf(_) => END,
            Self::Part { .. } => Part::BITS,
            Self::Fork { bit, .. } => *bit,
        }
    }
}

/// The part of the trie under `node` after `edits`: in the order of keys, none of which leaves the trie
/// further up.
fn merge(node: Option<&Arc<Node>>, edits: &[Edit]) -> Option<Arc<Node>> {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else {
        return node.cloned();
    };
    // The first bit in which the keys of this part differ, old and new together.
    let parting = edits.iter().min_by_key(|e| e.leaves_at).unwrap_or(first);
    let bit =
        node.map_or_else(|| first_difference(&first.key, &last.key), |n| n.bit().min(parting.leaves_at));
    if bit == END {
        return first.leaf.map(|leaf| Arc::new(Node::Leaf(Entry { key: first.key, leaf })));
    }
    let (left, right) = match node.map(|n| (n, &**n)) {
        None => (None, None),
        Some((_, Node::Fork { bit: b, left, right, .. })) if *b == bit => (Some(left), Some(right)),
        // A new fork above this node: the edit that requires it is on the other side.
        Some((n, _)) if bit_of(&parting.key, bit) => (Some(n), None),
        Some((n, _)) => (None, Some(n)),
    };
    let (zeros, ones) = edits.split_at(edits.partition_point(|e| !bit_of(&e.key, bit)));
    match both(edits.len(), || merge(left, zeros), || merge(right, ones)) {
        (Some(left), Some(right)) => Some(Node::fork(bit, left, right)),
        (one, None) | (None, one) => one,
    }
}

/// Both results, on two cores if there is enough work.
fn both<T: Send>(work: usize, a: impl FnOnce() -> T + Send, b: impl FnOnce() -> T + Send) -> (T, T) {
    if work < PARALLEL { (a(), b()) } else { rayon::join(a, b) }
}

/// Bit `i` of a key; bit 0 is the most significant of the first byte.
fn bit_of(key: &Hash, i: u16) -> bool {
    key.0.get(usize::from(i / 8)).is_some_and(|byte| (byte >> (7 - i % 8)) & 1 == 1)
}

/// The first bit in which two keys differ, or [`END`].
fn first_difference(a: &Hash, b: &Hash) -> u16 {
    let bits = a.0.iter().zip(&b.0).map(|(x, y)| (x ^ y).leading_zeros() as u16);
    let mut at = 0;
    for zeros in bits {
        at += zeros;
        if zeros < 8 {
            break;
        }
    }
    at
}

fn empty_hash() -> Hash {
    tagged(TRIE_EMPTY, &[])
}

fn leaf_hash(entry: &Entry) -> Hash {
    tagged(TRIE_LEAF, &[&entry.key.0, &entry.leaf.0])
}

fn fork_hash(bit: u16, left: &Hash, right: &Hash) -> Hash {
    tagged(TRIE_NODE, &[&bit.to_le_bytes(), &left.0, &right.0])
}

fn root_hash(len: u64, top: &Hash) -> Hash {
    tagged(TRIE_ROOT, &[&len.to_le_bytes(), &top.0])
}
