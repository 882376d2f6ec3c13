//! What garblers and evaluator use in the second pass, and how tables travel.
//!
//! Garbler i has L = n − 1 rows of every gate, one for the Δ of each garbler j:
//!
//! ```text
//! group     rows of up to 2048 gates, gate after gate ‖ (of P_2) b of the same gates, 1 bit each
//! gate      for each garbler j, by place: R0 [16] ‖ R1 [16], and if j ≠ i also C' [16]
//! numbers   hashes of gate g and garbler j have the numbers 2(Lg + j) and 2(Lg + j) + 1, under a key of garbler i
//! ```
//!
//! A garbler thus sends 3n − 4 blocks of each gate.

use super::super::buckets::MacDigests;
use super::super::error::SessionError;
use super::super::gates::GateKeys;
use super::super::second_pass::Gates;
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerChunks;
use crate::{Bits, Block};

/// The blocks of a gate that a garbler sends, among this many garblers.
pub(super) const fn gate_blocks(garblers: usize) -> usize {
    3 * garblers - 1
}

/// The bytes of a group of `n` gates of garbler number `garbler`.
pub(super) const fn group_bytes(n: usize, garbler: usize, garblers: usize) -> usize {
    let colours = if garbler == 0 { n.div_ceil(8) } else { 0 };
    n * gate_blocks(garblers) * Block::BYTES + colours
}

/// The number of the first hash of a gate.
pub(super) const fn first_hash(gate: usize, garblers: usize) -> u64 {
    (2 * garblers * gate) as u64
}

/// The number of gates of the chunk after these.
pub(super) fn left<const L: usize>(gates: &Gates<'_, PeerChunks, L>) -> usize {
    gates.chunk.extent().gates - gates.first - gates.labels.len()
}

/// The keys of a garbler's second pass of a chunk, as it sends them.
pub(super) type KeyBytes = [[u8; Block::BYTES]; 3];

/// Decodes keys.
pub(super) fn keys(bytes: &KeyBytes) -> GateKeys {
    GateKeys::from_bytes(bytes)
}

/// A chunk whose gates are all garbled or evaluated.
pub(super) struct Done<'d, const L: usize> {
    pub(super) party: &'d Party,
    pub(super) chunks: &'d PeerChunks,
    pub(super) digests: &'d [MacDigests],
    /// The labels of the outputs, with the last chunk.
    pub(super) outputs: &'d [[Block; L]],
}

/// What the second pass of a chunk does differently at garblers and evaluator. Labels are L blocks.
pub(super) trait Kernel<const L: usize>: Sized {
    /// Agrees on fresh keys for a chunk of `gates` gates.
    ///
    /// # Errors
    /// If a connection fails.
    fn begin(
        party: &Party,
        gates: usize,
        links: &mut Links<'_>,
        rng: &mut (impl rand_core::RngCore + rand_core::CryptoRng),
    ) -> Result<Self, SessionError>;

    /// The wire of a known Λ.
    fn known(&mut self, party: &Party, masked_value: bool) -> [Block; L];

    /// The negation of a wire.
    fn not(party: &Party, a: [Block; L]) -> [Block; L];

    /// Garbles or evaluates gates of one group.
    ///
    /// # Errors
    /// If a connection fails.
    fn gates(
        &mut self,
        at: (&Party, &mut Links<'_>),
        gates: &Gates<'_, PeerChunks, L>,
        out: &mut [[Block; L]],
    ) -> Result<(), SessionError>;

    /// Reports the chunk, proves our part and checks that of the peers; returns Λ of the outputs.
    ///
    /// # Errors
    /// If a connection fails or a party is caught deviating.
    fn end(
        &mut self,
        done: &Done<'_, L>,
        links: &mut Links<'_>,
        rng: &mut (impl rand_core::RngCore + rand_core::CryptoRng),
    ) -> Result<Bits, SessionError>;
}
