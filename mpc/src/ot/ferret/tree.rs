//! Trees with a punctured leaf, of which the receiver learns all leaves, and in the place of the punctured one
//! its leaf ⊕ Δ.
//!
//! ```text
//! child b of a node s     π_b(s) ⊕ s             π_b: AES under a public key of the tree and the side b
//! K_b of a level          the XOR of all nodes on side b
//! leaf v_j                a node of the last level, with bit 0 cleared
//! ψ                       Δ ⊕ v_0 ⊕ v_1 ⊕ …
//! receiver, puncture α    K of the side that the path to α is not on, for every level; ψ
//!                         w_j = v_j for j ≠ α,  w_α = ψ ⊕ Σ_{j ≠ α} w_j = v_α ⊕ Δ
//! ```
//!
//! Bit 0 of Δ counts as 1 here, so bit 0 of w_j is 1 for j = α and 0 elsewhere: the choices travel with the blocks.
//!
//! The receiver keeps a zero in the place of the node that it does not know. The children of zero are public, so they
//! are taken out of the sums afterwards, and the sibling comes into its place by masks over the whole level: no
//! address depends on α.
//!
//! A key for each tree, and not one for all, so that the search for a node attacks one tree at a time, however many
//! there are (Guo, Katz, Wang, Yu, ePrint 2019/074, on fixed keys).
//!
//! Source: Yang, Weng, Lan, Zhang, Wang 2020 (ePrint 2020/924), figure 6.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use zeroize::Zeroizing;

use super::super::SessionId;
use super::super::oracle::{TREE, oracle};
use crate::block::Block;

/// Nodes that are expanded together.
const BATCH: usize = 32;

/// The public keys of all trees of a session.
pub(super) struct TreeKeys(Aes128Enc);

/// The two permutations of one tree.
pub(in super::super) struct Permutations([Aes128Enc; 2]);

impl TreeKeys {
    pub(super) fn new(sid: &SessionId) -> Self {
        let hash = oracle(TREE, sid, 0, []);
        let mut key = [0; 16];
        key.copy_from_slice(&hash[..16]);
        Self(Aes128Enc::new(&key.into()))
    }

    /// Those of a tree, which has a number in its round.
    pub(super) fn of(&self, round: u64, tree: usize) -> Permutations {
        Permutations([0, 1].map(|side| {
            let mut key = Block::from_halves([2 * tree as u64 + side, round]).to_bytes().into();
            self.0.encrypt_block(&mut key);
            Aes128Enc::new(&key)
        }))
    }
}

impl Permutations {
    /// The children of `nodes` in their order; returns the XOR of all left and of all right ones.
    fn children(&self, nodes: &[Block], children: &mut [Block]) -> [Block; 2] {
        let mut sums = [Block::ZERO; 2];
        for (nodes, children) in nodes.chunks(BATCH).zip(children.chunks_mut(2 * BATCH)) {
            for ((side, cipher), sum) in self.0.iter().enumerate().zip(&mut sums) {
                let mut state = [AesBlock::default(); BATCH];
                let state = &mut state[..nodes.len()];
                for (state, node) in state.iter_mut().zip(nodes) {
                    *state = node.to_bytes().into();
                }
                cipher.encrypt_blocks(state);
                for ((pair, node), state) in children.as_chunks_mut::<2>().0.iter_mut().zip(nodes).zip(state)
                {
                    pair[side] = *node ^ Block::from_bytes((*state).into());
                    *sum ^= pair[side];
                }
            }
        }
        sums
    }
}

/// The leaves of a tree, and the memory in which they grow.
pub(in super::super) struct Leaves {
    nodes: Zeroizing<Vec<Block>>,
    next: Zeroizing<Vec<Block>>,
    depth: usize,
}

/// What the receiver has of a tree.
pub(super) struct Punctured<'a> {
    /// α: its bit for a level is that of the level's place, the highest first.
    pub(super) alpha: u64,
    /// K of the side of each level that the path to α is not on.
    pub(super) taken: &'a [Block],
    /// ψ.
    pub(super) last: Block,
}

impl Leaves {
    pub(super) fn new(depth: usize) -> Self {
        let level = || Zeroizing::new(vec![Block::ZERO; 1 << depth]);
        Self { nodes: level(), next: level(), depth }
    }

    /// The leaves.
    pub(super) fn get(&self) -> &[Block] {
        &self.nodes
    }

    pub(super) fn get_mut(&mut self) -> &mut [Block] {
        &mut self.nodes
    }

    /// Grows the whole tree; returns K_0 and K_1 of each level, and the sum of the leaves.
    pub(super) fn grow(&mut self, keys: &Permutations, root: Block) -> (Zeroizing<Vec<[Block; 2]>>, Block) {
        let mut sums = Zeroizing::new(Vec::with_capacity(self.depth));
        self.nodes[0] = root;
        for level in 0..self.depth {
            sums.push(keys.children(&self.nodes[..1 << level], &mut self.next[..2 << level]));
            core::mem::swap(&mut self.nodes, &mut self.next);
        }
        (sums, self.clear_low())
    }

    /// Grows the tree without the leaf α, and writes what the receiver has in its place.
    pub(super) fn puncture(&mut self, keys: &Permutations, tree: &Punctured<'_>) {
        let mut of_zero = [Block::ZERO; 2];
        keys.children(&[Block::ZERO], &mut of_zero);
        self.nodes[0] = Block::ZERO;
        for (level, taken) in (0..self.depth).zip(tree.taken) {
            let (path, next) = (tree.alpha >> (self.depth - level), &mut self.next[..2 << level]);
            let is_right = tree.alpha >> (self.depth - level - 1) & 1 == 1;
            let sums = keys.children(&self.nodes[..1 << level], next);
            // What to add to the two children of the unknown node: the one on the path becomes zero, the other one
            // what makes the sum of its side K.
            let [left, right] = [0, 1].map(|side| *taken ^ sums[side]);
            let add = [
                left.masked(is_right) ^ of_zero[0].masked(!is_right),
                right.masked(!is_right) ^ of_zero[1].masked(is_right),
            ];
            for (j, pair) in (0..).zip(next.as_chunks_mut::<2>().0) {
                let here = is_equal(j, path);
                pair[0] ^= add[0] & here;
                pair[1] ^= add[1] & here;
            }
            core::mem::swap(&mut self.nodes, &mut self.next);
        }
        let last = tree.last ^ self.clear_low();
        for (j, leaf) in (0..).zip(self.nodes.iter_mut()) {
            *leaf ^= last & is_equal(j, tree.alpha);
        }
    }

    /// Clears bit 0 of all leaves; returns their sum.
    fn clear_low(&mut self) -> Block {
        let mut sum = Block::ZERO;
        for leaf in self.nodes.iter_mut() {
            *leaf = leaf.with_lsb(false);
            sum ^= *leaf;
        }
        sum
    }
}

/// All ones if both are equal, else zero, in constant time.
fn is_equal(a: u64, b: u64) -> Block {
    let difference = a ^ b;
    let is_zero = (difference | difference.wrapping_neg()) >> 63 ^ 1;
    let mask = is_zero.wrapping_neg();
    Block::from_halves([mask, mask])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: SessionId = SessionId([4; 32]);

    /// The sender's leaves and messages for a tree, by its definition: node after node.
    fn leaf(keys: &Permutations, root: Block, depth: usize, j: usize) -> Block {
        (0..depth).rev().fold(root, |node, level| {
            let mut children = [Block::ZERO; 2];
            keys.children(&[node], &mut children);
            children[j >> level & 1]
        })
    }

    #[test]
    fn the_leaves_are_those_of_the_definition() {
        let keys = TreeKeys::new(&SID).of(1, 2);
        let mut leaves = Leaves::new(7);
        let (sums, total) = leaves.grow(&keys, Block::new(42));
        let expected: Vec<Block> = (0..128).map(|j| leaf(&keys, Block::new(42), 7, j)).collect();
        let cleared: Vec<Block> = expected.iter().map(|leaf| leaf.with_lsb(false)).collect();
        assert!(leaves.get() == cleared);
        assert_eq!(total, cleared.iter().fold(Block::ZERO, |sum, leaf| sum ^ *leaf));
        for side in [0, 1] {
            let sum = expected.iter().skip(side).step_by(2).fold(Block::ZERO, |sum, leaf| sum ^ *leaf);
            assert_eq!(sums[6][side], sum);
        }
        // The first permutation is AES of the key and the node, and the node is added.
        let mut children = [Block::ZERO; 2];
        keys.children(&[Block::new(9)], &mut children);
        let mut state = Block::new(9).to_bytes().into();
        keys.0[1].encrypt_block(&mut state);
        assert_eq!(children[1], Block::new(9) ^ Block::from_bytes(state.into()));
    }

    #[test]
    fn the_receiver_has_all_leaves_and_delta_in_the_place_of_the_puncture() {
        let (delta, trees) = (Block::new(0x1234_5678_9abc_def0_1111_2222_3333_4445), TreeKeys::new(&SID));
        for depth in [1, 3, 7] {
            for alpha in 0..1u64 << depth {
                let keys = trees.of(5, alpha as usize);
                let (mut all, mut some) = (Leaves::new(depth), Leaves::new(depth));
                let (sums, total) = all.grow(&keys, Block::new(77));
                let taken: Vec<Block> = (sums.iter().rev().enumerate())
                    .map(|(bit, sums)| sums[1 - (alpha >> bit & 1) as usize])
                    .rev()
                    .collect();
                some.puncture(&keys, &Punctured { alpha, taken: &taken, last: total ^ delta });
                for (j, (v, w)) in (0..).zip(all.get().iter().zip(some.get())) {
                    assert_eq!(*v ^ *w, delta.masked(j == alpha), "depth {depth}, leaf {j}");
                    assert_eq!((v.lsb(), w.lsb()), (false, j == alpha));
                }
            }
        }
    }

    #[test]
    fn trees_have_keys_of_their_own() {
        let (one, two) = (TreeKeys::new(&SID), TreeKeys::new(&SessionId([5; 32])));
        let mut firsts: Vec<u128> = [one.of(0, 0), one.of(0, 1), one.of(1, 0), two.of(0, 0)]
            .iter()
            .flat_map(|keys| {
                let mut children = [Block::ZERO; 2];
                keys.children(&[Block::new(3)], &mut children);
                children.map(Block::to_u128)
            })
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 8);
    }

    #[test]
    fn equality_is_a_mask() {
        for (a, b) in [(0, 0), (5, 5), (u64::MAX, u64::MAX)] {
            assert_eq!(is_equal(a, b), Block::new(u128::MAX));
        }
        for (a, b) in [(0, 1), (5, 4), (1 << 63, 0), (u64::MAX, 0)] {
            assert_eq!(is_equal(a, b), Block::ZERO);
        }
    }
}
