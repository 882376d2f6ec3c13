//! GGM trees of which the sender gets all leaves but one: a punctured PRF (Goldreich, Goldwasser and Micali).
//!
//! A node `s` has the children `AES_s(0)` and `AES_s(1)`; a leaf `s` yields a stream key `AES_s(0)` and a
//! check value `AES_s(1) ‖ AES_s(2)`. Level `ℓ` of a tree of depth `k` belongs to bit `b = k−1−ℓ` of a leaf's
//! number. The extension receiver, who knows the whole tree, offers for each bit the XOR of all left nodes
//! and the XOR of all right nodes of that level. The extension sender, whose leaf `α` is left out, takes the
//! side that `α` is *not* on.
//!
//! The extension sender orders its nodes by `y = α ⊕ x`. The node that it does not know then always has
//! number 0, and the side of a child shows in `y` as "same as α" or "other". So no address depends on `α`,
//! here or later.
//!
//! Source: Roy 2022 (ePrint 2022/192), the PPRF from base transfers; leaves as in its consistency check.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use zeroize::Zeroizing;

use crate::block::Block;

/// The check value of a leaf.
pub(super) type LeafCheck = [Block; 2];

/// The leaves of a tree.
pub(super) struct Leaves {
    /// The stream keys; in a punctured tree, number 0 is zero and unused.
    pub(super) keys: Zeroizing<Vec<Block>>,
    /// The check values, in the order of the keys.
    pub(super) checks: Zeroizing<Vec<LeafCheck>>,
}

/// Grows a whole tree of depth `k`. Returns its leaves and, for each bit of a leaf's number, lowest first,
/// the pair of which the other party takes one by its bit of `α`.
pub(super) fn grow(root: Block, k: usize) -> (Leaves, Vec<[Block; 2]>) {
    let mut nodes = Zeroizing::new(vec![root]);
    let mut offers = Vec::with_capacity(k);
    for _ in 0..k {
        let mut sides = [Block::ZERO; 2];
        let mut next = Vec::with_capacity(2 * nodes.len());
        for node in nodes.iter() {
            let children = expand::<2>(*node);
            for (side, child) in sides.iter_mut().zip(children) {
                *side ^= child;
            }
            next.extend(children);
        }
        let [left, right] = sides;
        offers.push([right, left]);
        nodes = Zeroizing::new(next);
    }
    offers.reverse();
    (Leaves::new(&nodes), offers)
}

/// Grows a tree without leaf `α` from the bits of `α` and the node sum taken for each, lowest first.
pub(super) fn puncture(alpha: &[bool], taken: &[Block]) -> Leaves {
    let mut nodes = Zeroizing::new(vec![Block::ZERO]);
    for (bit, taken) in alpha.iter().zip(taken).rev() {
        let mut sibling = *taken;
        let mut next = vec![Block::ZERO; 2];
        for node in nodes.iter().skip(1) {
            let [left, right] = expand::<2>(*node);
            let swap = (left ^ right).masked(*bit);
            next.extend([left ^ swap, right ^ swap]);
            sibling ^= right ^ swap;
        }
        next[1] = sibling;
        nodes = Zeroizing::new(next);
    }
    let mut leaves = Leaves::new(&nodes);
    leaves.keys[0] = Block::ZERO;
    leaves.checks[0] = [Block::ZERO; 2];
    leaves
}

impl Leaves {
    fn new(nodes: &[Block]) -> Self {
        let (keys, checks) = (nodes.iter())
            .map(|node| {
                let [key, a, b] = expand::<3>(*node);
                (key, [a, b])
            })
            .unzip();
        Self { keys: Zeroizing::new(keys), checks: Zeroizing::new(checks) }
    }
}

/// `AES_seed(0) … AES_seed(N−1)`.
pub(super) fn expand<const N: usize>(seed: Block) -> [Block; N] {
    let cipher = Aes128Enc::new(&seed.to_bytes().into());
    let mut out = [Block::ZERO; N];
    for (i, block) in out.iter_mut().enumerate() {
        let mut bytes = AesBlock::from(Block::new(i as u128).to_bytes());
        cipher.encrypt_block(&mut bytes);
        *block = Block::from_bytes(bytes.into());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(alpha: usize, k: usize) -> Vec<bool> {
        (0..k).map(|b| alpha >> b & 1 == 1).collect()
    }

    #[test]
    fn the_receiver_has_all_leaves_but_one() {
        for k in [2, 4, 8] {
            let (leaves, offers) = grow(Block::new(42), k);
            assert_eq!((leaves.keys.len(), offers.len()), (1 << k, k));
            for alpha in 0..1 << k {
                let alpha_bits = bits(alpha, k);
                let taken: Vec<_> =
                    (offers.iter().zip(&alpha_bits)).map(|(offer, bit)| offer[usize::from(*bit)]).collect();
                let punctured = puncture(&alpha_bits, &taken);
                assert_eq!(punctured.keys[0], Block::ZERO);
                for y in 1..1 << k {
                    assert_eq!(punctured.keys[y], leaves.keys[alpha ^ y]);
                    assert_eq!(punctured.checks[y], leaves.checks[alpha ^ y]);
                }
            }
        }
    }

    #[test]
    fn a_wrong_offer_spoils_leaves() {
        let (leaves, offers) = grow(Block::new(7), 4);
        let taken: Vec<_> = offers.iter().map(|offer| offer[1]).collect();
        let punctured = puncture(&[false; 4], &taken);
        let right = (1..16).filter(|y| punctured.keys[*y] == leaves.keys[*y]);
        assert!(right.count() < 15);
    }

    /// FIPS-197, appendix C.1, so that `expand` is AES-128 with the counter in the lowest bytes.
    #[test]
    fn expansion_is_aes() {
        let key: [u8; 16] = core::array::from_fn(|i| i as u8);
        let [zero, one] = expand::<2>(Block::from_bytes(key));
        let cipher = Aes128Enc::new(&key.into());
        let mut block = AesBlock::from(core::array::from_fn::<u8, 16, _>(|i| (i * 17) as u8));
        cipher.encrypt_block(&mut block);
        assert_eq!(block[..4], [0x69, 0xc4, 0xe0, 0xd8]);
        let mut counter = [0; 16];
        counter[0] = 1;
        let mut block = AesBlock::from(counter);
        cipher.encrypt_block(&mut block);
        assert_eq!(one.to_bytes(), <[u8; 16]>::from(block));
        assert_ne!(zero, one);
    }
}
