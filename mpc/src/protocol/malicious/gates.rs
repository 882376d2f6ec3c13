//! What both parties need of an AND gate in the second pass, and how tables are grouped on their way.
//!
//! ```text
//! group = (R0 [16] ‖ R1 [16]) of up to 2048 gates ‖ b of the same gates, 1 bit each
//! ```
//!
//! All groups but the last are full, so a gate takes 32.125 bytes. The evaluator knows the number of gates,
//! and so the length of each group.

use super::authenticated_bits::{Share, Shares, SharesView};
use crate::Block;
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;

/// The most gates of a group.
pub(super) const GROUP: usize = 2048;

/// The masks of all AND gates.
pub(super) struct GateMasks {
    /// α: of the first input.
    pub(super) alphas: Shares,
    /// β: of the second input; longer than the others by padding.
    pub(super) betas: Shares,
    /// σ ⊕ γ: the product of α and β, and the mask of the output.
    pub(super) tails: Shares,
}

/// The masks of one AND gate.
#[derive(Clone, Copy)]
pub(super) struct GateMask {
    pub(super) alpha: Share,
    pub(super) beta: Share,
    pub(super) tail: Share,
}

impl GateMask {
    /// Λ_α·β ⊕ Λ_β·α ⊕ σ ⊕ γ.
    pub(super) fn checked(self, value_a: bool, value_b: bool) -> Share {
        self.beta.masked(value_a) ^ self.alpha.masked(value_b) ^ self.tail
    }
}

impl GateMasks {
    /// The number of gates.
    pub(super) fn len(&self) -> usize {
        self.tails.len()
    }

    /// The masks of `n` gates from `first` on.
    pub(super) fn range(&self, first: usize, n: usize) -> impl Iterator<Item = GateMask> + '_ {
        let [alphas, betas, tails] =
            [&self.alphas, &self.betas, &self.tails].map(|shares| shares.view().slice(first..first + n));
        let both = alphas.iter().zip(betas.iter()).zip(SharesView::iter(tails));
        both.map(|((alpha, beta), tail)| GateMask { alpha, beta, tail })
    }
}

/// The keys of the second pass, which the garbler draws after the evaluator's transfers are fixed.
///
/// ```text
/// keys = S of the gates [16] ‖ S of reported labels [16] ‖ seed of the public labels [16]
/// ```
pub(super) struct GateKeys {
    pub(super) gates: HashKey,
    pub(super) reports: HashKey,
    pub(super) labels: PublicLabels,
}

impl GateKeys {
    /// Decodes the keys that the garbler drew.
    pub(super) fn from_bytes(bytes: &[[u8; Block::BYTES]; 3]) -> Self {
        let [gates, reports, labels] = bytes.map(Block::from_bytes);
        let labels = PublicLabels::new(labels);
        Self { gates: HashKey::new(gates), reports: HashKey::new(reports), labels }
    }
}
