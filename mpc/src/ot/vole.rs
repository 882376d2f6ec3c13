//! Stretching the leaves of the trees into a correlation over `F_{2^k}`.
//!
//! Leaf `x` of a tree is a key; at stream position `p` it gives the block `r_x = AES_x(p)`. From all leaves
//!
//! ```text
//! u = ⊕ r_x        v_b = ⊕ { r_x : bit b of x is 1 }          b = 0 … k−1
//! ```
//!
//! and from all leaves but `α`, taken in the order `y = α ⊕ x`, the same sums over `y` are
//!
//! ```text
//! w_b = v_b ⊕ α_b·u
//! ```
//!
//! because `r_α` stands at `y = 0` and enters no `w_b`. The tree of sums (each level yields one `v_b` and
//! halves the leaves) costs two XORs a leaf.
//!
//! Guaranteed: stream positions are given out once; the order of work depends on nothing secret. AES here is
//! used as a pseudorandom function with a secret key, no ideal cipher is assumed.
//!
//! Source: Roy 2022 (ePrint 2022/192), section 3 and "Efficient computation".

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use zeroize::Zeroizing;

use super::transpose::halves;
use super::{OtError, Slice};
use crate::block::Block;

/// Blocks of a row that are worked on at once: 128 rows of them stay in the second-level cache.
pub(super) const CHUNK: usize = 64;

/// One bit for each of up to 128·64 transfers, in halves of blocks: low, high, low, …
pub(super) type Row = [u64; 2 * CHUNK];

/// The leaves of all trees as streams, and how much of them is spent.
pub(super) struct Streams {
    slice: Slice,
    /// `2^k` ciphers a tree, or one less if number 0 is unknown.
    ciphers: Vec<Aes128Enc>,
    next: u64,
    /// Left halves that wait for their right ones, a level each.
    left: Zeroizing<Vec<Row>>,
    /// What the last leaf gave.
    stream: [AesBlock; CHUNK],
}

/// The positions of one chunk.
pub(super) struct Positions {
    counters: [AesBlock; CHUNK],
    len: usize,
}

impl Streams {
    /// Streams under `keys`, tree after tree.
    pub(super) fn new(slice: Slice, keys: &[Block]) -> Self {
        let cipher = |key: &Block| Aes128Enc::new(&key.to_bytes().into());
        Self {
            slice,
            ciphers: keys.iter().map(cipher).collect(),
            next: 0,
            left: Zeroizing::new(vec![[0; 2 * CHUNK]; slice.bits()]),
            stream: [AesBlock::default(); CHUNK],
        }
    }

    /// Takes `len ≤ CHUNK` positions that were never given out before.
    ///
    /// # Errors
    /// If there are none left.
    pub(super) fn advance(&mut self, len: usize) -> Result<Positions, OtError> {
        let first = self.next;
        self.next = first.checked_add(len as u64).ok_or(OtError::Exhausted)?;
        let counter = |j: usize| Block::new(u128::from(first) + j as u128).to_bytes().into();
        Ok(Positions { counters: core::array::from_fn(counter), len })
    }

    /// Writes the `v_b` (or `w_b`) of tree `tree` into `rows`, k of them, and `u` into `sum`, which is
    /// meaningless if leaf 0 is unknown.
    pub(super) fn fold(&mut self, at: &Positions, tree: usize, rows: &mut [Row], sum: &mut Row) {
        let leaves = self.slice.leaves();
        let known = self.ciphers.len() / self.slice.trees();
        self.left[0].fill(0);
        rows.as_flattened_mut().fill(0);
        let ciphers = self.ciphers.iter().skip(tree * known).take(known);
        for (y, cipher) in (leaves - known..).zip(ciphers) {
            let (counters, stream) = (&at.counters[..at.len], &mut self.stream[..at.len]);
            let same_length = cipher.encrypt_blocks_b2b(counters, stream);
            debug_assert!(same_length.is_ok());
            for (sum, block) in sum.as_chunks_mut().0.iter_mut().zip(&self.stream) {
                *sum = halves(Block::from_bytes((*block).into()));
            }
            // Every trailing one of `y` closes a pair whose right half is `sum`.
            let closed = y.trailing_ones() as usize;
            for (row, left) in rows.iter_mut().zip(self.left.iter()).take(closed) {
                xor(row, sum);
                xor(sum, left);
            }
            if let Some(left) = self.left.get_mut(closed) {
                *left = *sum;
            }
        }
    }
}

/// `a ⊕= b`.
fn xor(a: &mut Row, b: &Row) {
    for (a, b) in a.iter_mut().zip(b) {
        *a ^= *b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(slice: Slice, number: impl Fn(usize) -> usize) -> Vec<Block> {
        (0..slice.trees())
            .flat_map(|tree| (0..slice.leaves()).map(move |y| (tree, y)))
            .map(|(tree, y)| Block::new(((tree << 8) + number(y) + 1) as u128))
            .collect()
    }

    /// `w_b = v_b ⊕ α_b·u`, with `v_b` and `u` by their definitions.
    #[test]
    fn sums_are_as_defined_from_all_leaves_and_from_all_but_one() {
        for slice in [Slice::Two, Slice::Four, Slice::Eight] {
            let (k, alpha) = (slice.bits(), 0xa5 & (slice.leaves() - 1));
            let all = keys(slice, |x| x);
            let mut known = keys(slice, |y| alpha ^ y);
            let mut y = 0..;
            known.retain(|_| y.next().unwrap() % slice.leaves() != 0);
            let (mut v, mut w) = (vec![[0; 2 * CHUNK]; k], vec![[0; 2 * CHUNK]; k]);
            let (mut u, mut unused) = ([0; 2 * CHUNK], [0; 2 * CHUNK]);
            let tree = slice.trees() - 1;
            for (streams, rows, sum) in [(&all, &mut v, &mut u), (&known, &mut w, &mut unused)] {
                let mut streams = Streams::new(slice, streams);
                streams.advance(3).unwrap();
                let at = streams.advance(5).unwrap();
                streams.fold(&at, tree, rows, sum);
            }
            let r = |x: usize, position: u128| {
                let mut block = AesBlock::from(Block::new(position).to_bytes());
                let key = all[tree * slice.leaves() + x].to_bytes();
                Aes128Enc::new(&key.into()).encrypt_block(&mut block);
                halves(Block::from_bytes(block.into()))[0]
            };
            for j in 0..5 {
                let at = j as u128 + 3;
                let sum = (0..slice.leaves()).fold(0, |sum, x| sum ^ r(x, at));
                assert_eq!(u[2 * j], sum);
                for b in 0..k {
                    let ones = (0..slice.leaves()).filter(|x| x >> b & 1 == 1);
                    assert_eq!(v[b][2 * j], ones.fold(0, |sum, x| sum ^ r(x, at)));
                    let alpha_b = (alpha >> b & 1) as u64;
                    assert_eq!(w[b][2 * j], v[b][2 * j] ^ (alpha_b * u[2 * j]));
                }
            }
        }
    }

    #[test]
    fn positions_are_given_out_once_and_end() {
        let mut streams = Streams::new(Slice::Two, &keys(Slice::Two, |x| x));
        streams.next = u64::MAX - 5;
        assert!(streams.advance(5).is_ok());
        assert_eq!(streams.advance(1).err(), Some(OtError::Exhausted));
        assert_eq!(streams.next, u64::MAX);
    }
}
