//! The kernel mountain range: an append-only Merkle tree over every kernel of the chain, whose root commits
//! to how many there are.
//!
//! `n` leaves form perfect trees ("mountains"), one for each set bit of `n`, the tallest first:
//!
//! ```text
//! leaf(x)    = H("sotto/mmr-leaf/v1", x)
//! node(l, r) = H("sotto/mmr-node/v1", l ‖ r)
//! root       = H("sotto/mmr-root/v1", n (8, LE) ‖ peak ‖ … ‖ peak)        n = 0: no peak
//! ```
//!
//! The mountain of leaf `i` is read off `i xor n`: its highest set bit is the mountain's height.
//!
//! Guaranteed: a root commits to the count and to every leaf at its index; leaf, node and root never share a
//! hash; `i` and `n` determine the length of a proof, and exactly one proof verifies for a leaf.
//!
//! Not guaranteed: that leaves are distinct, which the rules ensure, or that a count is right that does not
//! come from a header.
//!
//! [`Mmr`] keeps every node (64 bytes a leaf) and can prove; [`Peaks`] keeps the peaks alone (32 bytes for
//! each set bit of `n`) and can only grow. Both give the same roots. To undo, keep the old `Peaks` or
//! [`Mmr::truncate`].
//!
//! Source: P. Todd, "Merkle mountain ranges" (OpenTimestamps, 2012).

use crate::{
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    tag::{MMR_LEAF, MMR_NODE, MMR_ROOT},
};

/// Why a proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MmrError {
    /// The index lies beyond the leaves, or a proof for it has another length.
    #[error("the proof has not the shape that its index and count call for")]
    Shape,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// A mountain range with all its nodes.
///
/// ```
/// use sotto_mw::{hash::tagged, mmr::Mmr};
///
/// let mut range = Mmr::new();
/// let leaves = [1u8, 2, 3].map(|i| tagged("example/leaf", &[&[i]]));
/// leaves.into_iter().for_each(|leaf| range.push(leaf));
/// let proof = range.prove(1).expect("three leaves");
/// assert_eq!(proof.verify(&range.root(), &leaves[1], 1, 3), Ok(()));
/// assert!(proof.verify(&range.root(), &leaves[0], 1, 3).is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Mmr {
    /// `levels[h]` holds the roots of all perfect trees of height `h`, left to right: `len >> h` of them.
    levels: Vec<Vec<Hash>>,
}

impl Mmr {
    /// The empty range.
    #[must_use]
    pub const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.levels.first().map_or(0, |l| l.len() as u64)
    }

    /// Whether there are no leaves.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = tagged(MMR_LEAF, &[&leaf.0]);
        for level in &mut self.levels {
            level.push(hash);
            match level.as_slice() {
                [.., left, right] if level.len() % 2 == 0 => hash = node(left, right),
                _ => return,
            }
        }
        self.levels.push(vec![hash]);
    }

    /// Removes every leaf from index `len` on; does nothing if there are at most `len`.
    pub fn truncate(&mut self, len: u64) {
        for (h, level) in self.levels.iter_mut().enumerate() {
            level.truncate(usize::try_from(len >> h).unwrap_or(usize::MAX));
        }
        self.levels.retain(|l| !l.is_empty());
    }

    /// The compact form.
    #[must_use]
    pub fn peaks(&self) -> Peaks {
        let odd = self.levels.iter().rev().filter(|l| l.len() % 2 == 1);
        Peaks { len: self.len(), peaks: odd.filter_map(|l| l.last().copied()).collect() }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.peaks().root()
    }

    /// The proof of the leaf at `index`; `None` if there is none.
    #[must_use]
    pub fn prove(&self, index: u64) -> Option<MmrProof> {
        let place = Place::of(index, self.len())?;
        let at = usize::try_from(index).ok()?;
        let siblings = self.levels.iter().take(place.height).enumerate();
        let mut hashes: Vec<Hash> = siblings.filter_map(|(h, l)| l.get((at >> h) ^ 1).copied()).collect();
        let mut peaks = self.peaks().peaks;
        peaks.remove(place.mountain);
        hashes.append(&mut peaks);
        Some(MmrProof { hashes })
    }
}

/// The compact form: the count and the peaks, enough to append and to give roots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks {
    len: u64,
    /// One for each set bit of `len`, the tallest mountain first.
    peaks: Vec<Hash>,
}

impl Peaks {
    /// Decoded counts must be below this bound, which no chain reaches.
    const MAX_LEN: u64 = 1 << 48;

    /// The empty range.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, peaks: Vec::new() }
    }

    /// Number of leaves.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no leaves.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a leaf: each trailing one of the count is a mountain that grows into the next.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = tagged(MMR_LEAF, &[&leaf.0]);
        for _ in 0..self.len.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.len += 1;
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        root(self.len, &self.peaks)
    }
}

impl Encode for Peaks {
    fn encode(&self, out: &mut Vec<u8>) {
        self.len.encode(out);
        self.peaks.iter().for_each(|p| p.encode(out));
    }
}

impl Decode for Peaks {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = r.u64()?;
        if len >= Self::MAX_LEN {
            return Err(DecodeError::Bound { what: "kernels", found: len, bound: Self::MAX_LEN - 1 });
        }
        Ok(Self { len, peaks: r.repeat(len.count_ones().into())? })
    }
}

/// A proof of the leaf at an index: its siblings from the bottom up, then the other peaks, the tallest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MmrProof {
    hashes: Vec<Hash>,
}

impl MmrProof {
    /// A proof holds at most this many hashes: 63 siblings and 63 other peaks.
    pub const MAX_HASHES: usize = 126;

    /// Checks that `root`, a range of `len` leaves, has `leaf` at `index`.
    ///
    /// # Errors
    /// [`MmrError::Shape`] if `index` is not below `len` or the proof has another length than these two call
    /// for; [`MmrError::Root`] if it leads to another root.
    pub fn verify(&self, root: &Hash, leaf: &Hash, index: u64, len: u64) -> Result<(), MmrError> {
        let place = Place::of(index, len).ok_or(MmrError::Shape)?;
        let (siblings, others) = self.hashes.split_at_checked(place.height).ok_or(MmrError::Shape)?;
        if others.len() + 1 != len.count_ones() as usize {
            return Err(MmrError::Shape);
        }
        let leaf = tagged(MMR_LEAF, &[&leaf.0]);
        let peak = siblings.iter().enumerate().fold(leaf, |hash, (h, sibling)| match (index >> h) & 1 {
            0 => node(&hash, sibling),
            _ => node(sibling, &hash),
        });
        let mut peaks = others.to_vec();
        peaks.insert(place.mountain, peak);
        if self::root(len, &peaks) == *root { Ok(()) } else { Err(MmrError::Root) }
    }
}

impl Encode for MmrProof {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.hashes.len()).unwrap_or(u8::MAX));
        self.hashes.iter().for_each(|h| h.encode(out));
    }
}

impl Decode for MmrProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = u64::from(r.u8()?);
        let bound = Self::MAX_HASHES as u64;
        if n > bound {
            return Err(DecodeError::Bound { what: "hashes of a proof", found: n, bound });
        }
        Ok(Self { hashes: r.repeat(n)? })
    }
}

/// The position of a leaf.
struct Place {
    /// Height of its mountain.
    height: usize,
    /// Number of mountains to the left.
    mountain: usize,
}

impl Place {
    /// The highest bit in which `index` and `len` differ is set in `len` alone: that mountain holds the leaf.
    fn of(index: u64, len: u64) -> Option<Self> {
        if index >= len {
            return None;
        }
        let height = (index ^ len).ilog2();
        let mountain = (len >> height).count_ones() - 1;
        Some(Self { height: height as usize, mountain: mountain as usize })
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    tagged(MMR_NODE, &[&left.0, &right.0])
}

fn root(len: u64, peaks: &[Hash]) -> Hash {
    let len = len.to_le_bytes();
    let parts: Vec<&[u8]> = core::iter::once(&len[..]).chain(peaks.iter().map(|p| &p.0[..])).collect();
    tagged(MMR_ROOT, &parts)
}
