//! Stretches the leaves of the trees into a vector correlation over `F_{2^k}` (VOLE).
//!
//! Leaf `x` of a tree is a key; at stream position `p` it yields the block `r_x = AES_x(p)`. All leaves give
//!
//! ```text
//! u = ⊕ r_x        v_b = ⊕ { r_x : bit b of x is 1 }          b = 0 … k−1
//! ```
//!
//! and all leaves but `α`, ordered by `y = α ⊕ x`, give the same sums over `y`:
//!
//! ```text
//! w_b = v_b ⊕ α_b·u
//! ```
//!
//! because `r_α` has `y = 0` and so is part of no `w_b`. Leaves are combined by fours, and then their sums by
//! fours: each step adds to the two rows of the bits in which the four differ.
//!
//! A position is a number of 64 bits. Streams own a range of them, and [`Streams::split_off`] gives part of it away: so
//! lanes that run at the same time have the same keys and never the same position.
//!
//! ```text
//! lane ℓ   positions ℓ·2⁴⁸ … (ℓ+1)·2⁴⁸ − 1          streams that were not split: all positions
//! ```
//!
//! Guaranteed: every stream position is used once; the order of work does not depend on a secret. AES serves
//! as a pseudorandom function with a secret key here, so no ideal cipher is assumed.
//!
//! Source: Roy 2022 (ePrint 2022/192), small-field VOLE (figure 7) and its efficient computation.

use zeroize::Zeroizing;

use super::{OtError, TreeDepth};
use crate::backend::{Backend, Sums};
use crate::block::Block;

/// The blocks of a row that are processed at once, for one key schedule of each leaf: 128 such rows take 256 KiB, so that they
/// fit into the second-level cache.
pub(super) const CHUNK: usize = 128;

/// The positions of a lane.
const LANE: u64 = 1 << 48;

/// One bit for each of up to 128·128 transfers.
pub(super) type Row = [Block; CHUNK];

/// The leaves of all trees as streams, and the next unused position.
pub(super) struct Streams {
    backend: Backend,
    depth: TreeDepth,
    /// `2^k` keys for each tree; number 0 is arbitrary if the party does not know it.
    keys: Zeroizing<Vec<Block>>,
    /// Sums of quarters, for each step from the top.
    parts: Zeroizing<Vec<[Row; 4]>>,
    /// The positions `next..end` are unused and belong to these streams.
    next: u64,
    end: u64,
}

/// The positions of one chunk.
pub(super) struct Positions {
    first: u64,
    len: usize,
}

impl Streams {
    /// Streams with these keys, tree after tree.
    pub(super) fn new(depth: TreeDepth, keys: Zeroizing<Vec<Block>>) -> Self {
        let parts = Zeroizing::new(vec![[[Block::ZERO; CHUNK]; 4]; depth.bits() / 2 - 1]);
        Self { backend: Backend::detect(), depth, keys, parts, next: 0, end: u64::MAX }
    }

    /// Reserves `len ≤ CHUNK` unused positions.
    ///
    /// # Errors
    /// If there are none left.
    pub(super) fn advance(&mut self, len: usize) -> Result<Positions, OtError> {
        let first = self.next;
        let end = first.checked_add(len as u64).filter(|end| *end <= self.end);
        self.next = end.ok_or(OtError::Exhausted)?;
        Ok(Positions { first, len })
    }

    /// The streams of a lane, with its positions, which these streams and lanes below it keep clear of. Higher lanes are
    /// split off first.
    ///
    /// # Errors
    /// If these streams do not own all positions of the lane.
    pub(super) fn split_off(&mut self, lane: u8) -> Result<Self, OtError> {
        let first = u64::from(lane) * LANE;
        if first < self.next || first + LANE > self.end {
            return Err(OtError::Exhausted);
        }
        self.end = first;
        Ok(Self { next: first, end: first + LANE, ..Self::new(self.depth, self.keys.clone()) })
    }

    /// Writes the `k` rows `v_b` (or `w_b`) of a tree to `rows`, and `u` to `sum`, which is meaningless if
    /// leaf 0 is unknown.
    pub(super) fn fold(&mut self, at: &Positions, tree: usize, rows: &mut [Row], sum: &mut Row) {
        rows.as_flattened_mut().fill(Block::ZERO);
        let leaves = self.depth.leaves();
        let keys = self.keys[tree * leaves..][..leaves].as_chunks().0;
        quarter(self.backend, at, keys, &mut self.parts, rows, sum);
    }
}

/// Adds the streams of `4^h` keys to `2h` rows, and writes their sum.
fn quarter(
    backend: Backend,
    at: &Positions,
    keys: &[[Block; 4]],
    parts: &mut [[Row; 4]],
    rows: &mut [Row],
    sum: &mut Row,
) {
    let Some((lower, [low, high])) = rows.split_last_chunk_mut::<2>() else { return };
    let fours = at.len.div_ceil(4);
    let [low, high, sum] = [low, high, sum].map(|row| &mut row.as_chunks_mut().0[..fours]);
    let sums = Sums { low, high, sum };
    match (keys, parts) {
        ([keys], _) => backend.fold_streams(keys, at.first, sums),
        (keys, [parts, below @ ..]) => {
            for (keys, part) in keys.chunks(keys.len() / 4).zip(parts.iter_mut()) {
                quarter(backend, at, keys, below, lower, part);
            }
            let r = parts.each_ref().map(|part| &part.as_chunks().0[..fours]);
            backend.fold_sums(r, sums);
        }
        (_, []) => {}
    }
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockEncrypt, KeyInit};
    use aes::{Aes128Enc, Block as AesBlock};

    use super::*;

    fn keys(depth: TreeDepth, number: impl Fn(usize) -> usize) -> Vec<Block> {
        (0..depth.trees())
            .flat_map(|tree| (0..depth.leaves()).map(move |y| (tree, y)))
            .map(|(tree, y)| Block::new(((tree << 8) + number(y) + 1) as u128))
            .collect()
    }

    /// `w_b = v_b ⊕ α_b·u`, with `v_b` and `u` by their definitions.
    #[test]
    fn sums_are_as_defined_from_all_leaves_and_from_all_but_one() {
        for depth in [TreeDepth::Two, TreeDepth::Four, TreeDepth::Eight] {
            let (k, alpha) = (depth.bits(), 0xa5 & (depth.leaves() - 1));
            let all = keys(depth, |x| x);
            let mut known = keys(depth, |y| alpha ^ y);
            known.iter_mut().step_by(depth.leaves()).for_each(|unknown| *unknown = Block::ZERO);
            let (mut v, mut w) = (vec![[Block::ZERO; CHUNK]; k], vec![[Block::ZERO; CHUNK]; k]);
            let (mut u, mut unused) = ([Block::ZERO; CHUNK], [Block::ZERO; CHUNK]);
            let tree = depth.trees() - 1;
            for (streams, rows, sum) in [(&all, &mut v, &mut u), (&known, &mut w, &mut unused)] {
                let mut streams = Streams::new(depth, Zeroizing::new(streams.clone()));
                streams.advance(3).unwrap();
                let at = streams.advance(5).unwrap();
                streams.fold(&at, tree, rows, sum);
            }
            let r = |x: usize, position: u128| {
                let mut block = AesBlock::from(Block::new(position).to_bytes());
                let key = all[tree * depth.leaves() + x].to_bytes();
                Aes128Enc::new(&key.into()).encrypt_block(&mut block);
                Block::from_bytes(block.into())
            };
            for j in 0..5 {
                let at = j as u128 + 3;
                let sum = (0..depth.leaves()).fold(Block::ZERO, |sum, x| sum ^ r(x, at));
                assert_eq!(u[j], sum);
                for b in 0..k {
                    let ones = (0..depth.leaves()).filter(|x| x >> b & 1 == 1);
                    assert_eq!(v[b][j], ones.fold(Block::ZERO, |sum, x| sum ^ r(x, at)));
                    assert_eq!(w[b][j], v[b][j] ^ u[j].masked(alpha >> b & 1 == 1));
                }
            }
        }
    }

    #[test]
    fn positions_are_given_out_once_and_end() {
        let mut streams = Streams::new(TreeDepth::Two, Zeroizing::new(Vec::new()));
        streams.next = u64::MAX - 5;
        assert!(streams.advance(5).is_ok());
        assert_eq!(streams.advance(1).err(), Some(OtError::Exhausted));
        assert_eq!(streams.next, u64::MAX);
    }

    #[test]
    fn no_two_lanes_have_a_position_in_common() {
        let mut whole = Streams::new(TreeDepth::Two, Zeroizing::new(Vec::new()));
        whole.advance(5).unwrap();
        let two = whole.split_off(2).unwrap();
        let mut one = whole.split_off(1).unwrap();
        let ranges = [&whole, &one, &two].map(|streams| streams.next..streams.end);
        assert_eq!(ranges, [5..LANE, LANE..2 * LANE, 2 * LANE..3 * LANE]);
        // A lane is given away once, by whom it belongs to.
        for lane in [0, 1, 2, 3, 255] {
            assert!(whole.split_off(lane).is_err(), "{lane}");
        }
        assert!(one.split_off(2).is_err());
        one.next = 2 * LANE - 3;
        assert_eq!(one.advance(4).err(), Some(OtError::Exhausted));
        assert_eq!(one.advance(3).map(|at| at.first), Ok(2 * LANE - 3));
    }
}
