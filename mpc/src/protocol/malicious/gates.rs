//! What both parties use in the second pass, and how tables are grouped on their way.
//!
//! ```text
//! group = (R0 [16] ‖ R1 [16]) of up to 2048 gates ‖ b of the same gates, 1 bit each
//! ```
//!
//! All groups of a chunk but the last are full, so a gate takes 32.125 bytes. The evaluator knows the number
//! of gates, and so the length of each group.

use rand_core::{CryptoRng, RngCore};

use super::buckets::MacDigests;
use super::checks::Transcribed;
use super::chunk::Chunk;
use super::error::SessionError;
use super::party::Party;
use crate::channel::Channel;
use crate::hash::HashKey;
use crate::public_labels::PublicLabels;
use crate::{Bits, Block};

/// The bytes of a group of `n` gates.
pub(super) const fn group_bytes(n: usize) -> usize {
    n * 2 * Block::BYTES + n.div_ceil(8)
}

/// The keys of a chunk's second pass, which the garbler draws after the evaluator's transfers are fixed.
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

/// Gates that are garbled or evaluated together: all of one group.
pub(super) struct Gates<'g> {
    pub(super) party: &'g Party,
    pub(super) chunk: &'g Chunk,
    /// The number of the first one in the chunk.
    pub(super) first: usize,
    /// The labels of their inputs.
    pub(super) labels: &'g [[Block; 2]],
    /// The number of gates of the chunk after these.
    pub(super) left: usize,
}

/// A chunk whose gates are all garbled or evaluated.
pub(super) struct Done<'d> {
    pub(super) party: &'d Party,
    pub(super) chunk: &'d Chunk,
    pub(super) digests: &'d MacDigests,
    /// The labels of the outputs, with the last chunk.
    pub(super) outputs: &'d [Block],
}

/// What the second pass of a chunk does differently at garbler and evaluator.
pub(super) trait Kernel: Sized {
    /// Agrees on fresh keys for a chunk of `gates` gates.
    ///
    /// # Errors
    /// If the connection fails.
    fn begin(
        party: &Party,
        gates: usize,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError>;

    /// The wire of a known Λ.
    fn known(&mut self, party: &Party, masked_value: bool) -> Block;

    /// The negation of a wire.
    fn not(party: &Party, a: Block) -> Block;

    /// Garbles or evaluates gates; writes the labels of their outputs.
    ///
    /// # Errors
    /// If the connection fails.
    fn gates(
        &mut self,
        gates: &Gates<'_>,
        channel: &mut impl Channel,
        out: &mut [Block],
    ) -> Result<(), SessionError>;

    /// Reports the chunk, proves our part and checks the peer's; returns Λ of the outputs.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    fn end<C: Channel>(
        &mut self,
        done: &Done<'_>,
        channel: &mut Transcribed<C>,
    ) -> Result<Bits, SessionError>;
}
