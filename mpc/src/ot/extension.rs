//! The extension: from the set-up to any number of correlated transfers.
//!
//! In each chunk of up to 64 × 128 transfers the receiver computes `u_i` and rows `v` of tree `i`, takes as
//! its choices `x` either what it was given or `u_0`, and sends `d_i = x ⊕ u_i` for every tree (not for
//! tree 0 if `x = u_0`). The sender corrects its rows to `w_b ⊕ α_b·d_i = v_b ⊕ α_b·x`. Bits `ik … ik+k−1` of
//! `Δ` are the bits of `α_i`, so the 128 rows of both are the columns of
//!
//! ```text
//! q_j ⊕ t_j = x_j·Δ
//! ```
//!
//! Bytes a transfer: 16/k chosen, 16/k − 1/8 random; a call is rounded up to 128 transfers. Against a peer
//! that deviates a call has 64 more, then one exchange of a challenge and about a kilobyte
//! ([`check`](super::check)).
//!
//! Source: Roy 2022 (ePrint 2022/192), subspace VOLE with the repetition code, and `Δ`-OT from it.

mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

use super::check::ROWS;
use super::transpose::{SIDE, transpose};
use super::vole::{CHUNK, Row};
use super::{Adversary, Options};
use crate::block::Block;

/// How the choices of a call come about.
#[derive(Clone, Copy)]
enum Choices<'a> {
    /// As given.
    Chosen(&'a [bool]),
    /// Whatever tree 0 yields, for so many transfers.
    Random(usize),
}

impl Choices<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Chosen(bits) => bits.len(),
            Self::Random(n) => *n,
        }
    }

    /// The first tree that is corrected.
    fn corrected(&self) -> usize {
        usize::from(matches!(self, Self::Random(_)))
    }

    /// The choices of transfers 128·i to 128·i + 127, where `u` is what tree 0 yields for them; beyond
    /// the last choice it is `u`, so that padding reveals nothing.
    fn block(&self, i: usize, u: Block) -> Block {
        let Self::Chosen(bits) = self else { return u };
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

/// What a call for `n` transfers comes to: the transfers with those it sacrifices, and the blocks of 128 they
/// fill.
fn extent(n: usize, options: Options) -> (usize, usize) {
    let total = match options.adversary {
        Adversary::Malicious if n > 0 => n.saturating_add(ROWS),
        _ => n,
    };
    (total, total.div_ceil(SIDE))
}

/// The lengths in blocks of the chunks that make up `blocks`.
fn chunks(blocks: usize) -> impl Iterator<Item = usize> {
    (0..blocks).step_by(CHUNK).map(move |at| CHUNK.min(blocks - at))
}

/// Writes the columns of 128 rows, as many as `out` takes: a multiple of 128.
fn columns(rows: &[Row], out: &mut [Block]) {
    for (j, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
        transpose(|p| rows[p][j], out);
    }
}
