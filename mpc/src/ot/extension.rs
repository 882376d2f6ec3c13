//! The extension: from the set-up to any number of correlated transfers.
//!
//! In each chunk of up to 128 × 128 transfers the receiver computes `u_i` and the rows `v` of tree `i`. Its
//! choices `x` are the given ones, or `u_0` if any will do. It sends `d_i = x ⊕ u_i` for every tree, except
//! for tree 0 if `x = u_0`: tree after tree for 64 × 128 transfers, then for the next. The sender corrects its rows to `w_b ⊕ α_b·d_i = v_b ⊕ α_b·x`. Bits `ik … ik+k−1`
//! of `Δ` are the bits of `α_i`, so the columns of the 128 rows of both parties satisfy
//!
//! ```text
//! q_j ⊕ t_j = x_j·Δ
//! ```
//!
//! A transfer costs 16/k bytes if the receiver chooses, 16/k − 1/8 if not; a call rounds up to a multiple of
//! 128 transfers. Against a malicious peer a call has 64 more transfers, and one exchange of a challenge and
//! about a kilobyte ([`check`](super::check)).
//!
//! If the options expand the transfers ([`ferret`](super::ferret)), those of the trees are only the first ones, and a
//! call hands out outputs of the expansion. If the receiver chooses, it then sends the XOR of its choices and those of
//! the outputs, one bit each, and the sender adds Δ to q where that is 1.
//!
//! Source: Roy 2022 (ePrint 2022/192), subspace VOLE with the repetition code, and `Δ`-OT from it.

mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

use core::ops::Range;

use super::check::ROWS;
use super::transpose::SIDE;
use super::vole::CHUNK;
use super::{Adversary, Options};
use crate::block::Block;
use zeroize::Zeroize;

/// The first tree that needs corrections if any choice will do.
const RANDOM: usize = 1;

/// The choices of a call.
#[derive(Clone, Copy)]
enum Choices<'a> {
    /// The caller chooses.
    Chosen(&'a [bool]),
    /// The caller chooses, sacrificed transfers too.
    Packed(PackedChoices<'a>),
    /// Tree 0 determines the choices, for this many transfers.
    Random(usize),
}

/// Choices of transfers whose check is put off: of `n` transfers, then of those that the check sacrifices.
/// With the same choices towards several senders, and one challenge for all, `R·x` is the same for all.
#[derive(Clone, Copy)]
pub(crate) struct PackedChoices<'a> {
    /// 128 choices in each block; bits beyond the last one do not matter.
    pub(crate) bits: &'a [Block],
    /// The transfers without the sacrificed ones.
    pub(crate) n: usize,
}

impl Choices<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Chosen(bits) => bits.len(),
            Self::Packed(choices) => choices.n,
            Self::Random(n) => *n,
        }
    }

    /// The first tree that needs corrections.
    fn corrected(&self) -> usize {
        if matches!(self, Self::Random(_)) { RANDOM } else { 0 }
    }

    /// The choices of transfers 128·i to 128·i + 127, where `u` is the output of tree 0 for them. Padding
    /// beyond the last choice is `u`, so that it reveals nothing.
    fn block(&self, i: usize, u: Block) -> Block {
        let bits = match self {
            Self::Chosen(bits) => bits,
            Self::Packed(choices) => {
                let given = (choices.n + ROWS).saturating_sub(i * SIDE).min(SIDE) as u32;
                let padding = u128::MAX.checked_shl(given).unwrap_or(0);
                let x = choices.bits.get(i).copied().unwrap_or_default();
                return (x & Block::new(!padding)) ^ (u & Block::new(padding));
            }
            Self::Random(_) => return u,
        };
        let bits = bits.get(i * SIDE..).unwrap_or_default();
        let bits = bits.get(..SIDE).unwrap_or(bits);
        let mut value = [0; 16];
        for (byte, bits) in value.iter_mut().zip(bits.chunks(8)) {
            *byte = bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        }
        let padding = u128::MAX.checked_shl(bits.len() as u32).unwrap_or(0);
        Block::from_bytes(value) ^ (u & Block::new(padding))
    }
}

/// The number of transfers of a call for `n` of them, sacrificed ones included, and the number of blocks of
/// 128 that they fill.
fn extent(n: usize, options: Options) -> (usize, usize) {
    let total = match options.adversary {
        Adversary::Malicious if n > 0 => n.saturating_add(ROWS),
        _ => n,
    };
    (total, total.div_ceil(SIDE))
}

/// The chunks that so many blocks are divided into.
fn chunks(blocks: usize) -> impl Iterator<Item = Range<usize>> {
    (0..blocks).step_by(CHUNK).map(move |at| at..blocks.min(at + CHUNK))
}

/// The bytes of a tree's corrections for `len` blocks that travel together, before those of the next tree.
fn portions(len: usize) -> impl Iterator<Item = Range<usize>> {
    const PORTION: usize = 64 * Block::BYTES;
    let end = len * Block::BYTES;
    (0..end).step_by(PORTION).map(move |at| at..end.min(at + PORTION))
}

/// Makes room for `n` blocks. Memory that is left behind is wiped.
fn reserve(blocks: &mut Vec<Block>, n: usize) {
    if n > blocks.capacity() {
        blocks.zeroize();
        *blocks = Vec::with_capacity(n);
    }
}

/// Makes `n` blocks, whose contents do not matter. Memory that is left behind is wiped.
fn resize(blocks: &mut Vec<Block>, n: usize) {
    reserve(blocks, n);
    blocks.resize(n, Block::ZERO);
}

/// The blocks of a chunk, whose contents do not matter. New ones are made a chunk at a time, while it is in the cache.
fn part(blocks: &mut Vec<Block>, range: Range<usize>) -> &mut [Block] {
    blocks.resize(blocks.len().max(range.end), Block::ZERO);
    &mut blocks[range]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_travel_for_64_blocks_at_a_time() {
        let found: Vec<_> = portions(130).collect();
        assert_eq!(found, [0..1024, 1024..2048, 2048..2080]);
    }

    #[test]
    fn a_call_for_no_transfers_sacrifices_none() {
        let malicious = Options { adversary: Adversary::Malicious, ..Options::default() };
        assert_eq!([0, 1, 64, 65].map(|n| extent(n, malicious)), [(0, 0), (65, 1), (128, 1), (129, 2)]);
        assert_eq!(
            [0, 1, 128, 129].map(|n| extent(n, Options::default())),
            [(0, 0), (1, 1), (128, 1), (129, 2)]
        );
    }
}
