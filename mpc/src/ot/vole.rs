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
//! because `r_α` stands at `y = 0` and enters no `w_b`. Four leaves, and then four sums of leaves, are taken
//! together: each such step yields what they add to the two rows of the bits that tell them apart.
//!
//! Guaranteed: stream positions are given out once; the order of work depends on nothing secret. AES here is
//! used as a pseudorandom function with a secret key, no ideal cipher is assumed.
//!
//! Source: Roy 2022 (ePrint 2022/192), small-field VOLE (figure 7) and its efficient computation.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use zeroize::Zeroize;

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
    /// What the last four leaves gave.
    leaves: [[AesBlock; CHUNK]; 4],
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
            leaves: [[AesBlock::default(); CHUNK]; 4],
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
        rows.as_flattened_mut().fill(0);
        self.quarter(at, tree, 0, rows, sum);
    }

    /// Adds the leaves `4^h·i … 4^h·(i+1) − 1` to `2h` rows, and writes their sum.
    fn quarter(&mut self, at: &Positions, tree: usize, i: usize, rows: &mut [Row], sum: &mut Row) {
        let Some((upper @ [_, _], lower)) = rows.split_last_chunk_mut::<2>().map(|(l, u)| (u, l)) else {
            return;
        };
        if lower.is_empty() {
            for c in 0..4 {
                self.leaf(at, tree, 4 * i + c, c);
            }
            let leaves = &self.leaves;
            combine(|c, j| halves(Block::from_bytes(leaves[c][j].into())), upper, sum);
        } else {
            let mut parts = [[0; 2 * CHUNK]; 4];
            for (c, part) in parts.iter_mut().enumerate() {
                self.quarter(at, tree, 4 * i + c, lower, part);
            }
            combine(|c, j| [parts[c][2 * j], parts[c][2 * j + 1]], upper, sum);
        }
    }

    /// What leaf `y` gives, or zero if it is unknown, into place `c`.
    fn leaf(&mut self, at: &Positions, tree: usize, y: usize, c: usize) {
        let known = self.ciphers.len() / self.slice.trees();
        let index = (y + known).checked_sub(self.slice.leaves());
        let stream = &mut self.leaves[c][..at.len];
        match index.and_then(|index| self.ciphers.get(tree * known + index)) {
            Some(cipher) => {
                let same_length = cipher.encrypt_blocks_b2b(&at.counters[..at.len], stream);
                debug_assert!(same_length.is_ok());
            }
            None => stream.fill(AesBlock::default()),
        }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for block in self.leaves.as_flattened_mut() {
            block.as_mut_slice().zeroize();
        }
    }
}

/// From the sums of four quarters, what they add to the rows of the two bits that tell them apart, and
/// their sum.
fn combine(part: impl Fn(usize, usize) -> [u64; 2], rows: &mut [Row; 2], sum: &mut Row) {
    let [low, high] = rows.each_mut().map(|row| row.as_chunks_mut::<2>().0);
    let sum = sum.as_chunks_mut::<2>().0;
    for (j, ((low, high), sum)) in low.iter_mut().zip(high).zip(sum).enumerate() {
        let [zero, one, two, three] = core::array::from_fn(|c| part(c, j));
        let odd = xor(one, three);
        *low = xor(*low, odd);
        *high = xor(*high, xor(two, three));
        *sum = xor(odd, xor(zero, two));
    }
}

fn xor(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0] ^ b[0], a[1] ^ b[1]]
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
