//! What a session takes, from public numbers: bytes of each party, flights and memory.
//!
//! ```text
//! of each candidate     U 16 bytes, s 1 bit, three correlated transfers of 16/k − 1/8 bytes        either party
//!                       (or of what the expansion takes)
//! of each AND gate      d and f, B bits                                                            either party
//!                       R0, R1 and b, 32 bytes and 1 bit                                           the garbler
//!                       Λ of two inputs, 2 bits                                                    the evaluator
//! ```
//!
//! A gate of a full chunk has B candidates. Shorter chunks have more, see `settings`.

use super::settings::{Chunks, Settings};
use crate::ot::Expansion;

/// What a session takes. Set-up, inputs and outputs are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCost {
    /// Bytes that the garbler sends.
    pub garbler_bytes: u64,
    /// Bytes that the evaluator sends.
    pub evaluator_bytes: u64,
    /// How often the direction changes.
    pub flights: u64,
    /// Candidates of all gates together, of which the work consists.
    pub candidates: u64,
    /// The most bytes of memory that a party needs, besides the wires of the program (measured).
    pub memory: u64,
}

/// Flights of a chunk: transfers both ways, U, s, commitment, opening, coin, openings, tables, report,
/// checks.
const FLIGHTS: u64 = 11;
/// Flights of a round of the expansion: trees, challenge and proof, in both directions.
const EXPANSION_FLIGHTS: u64 = 6;

impl Settings {
    /// What a program of so many AND gates takes.
    #[must_use]
    pub fn cost(&self, gates: u64) -> SessionCost {
        let chunks = Chunks { settings: *self, gates };
        let mut cost = SessionCost {
            garbler_bytes: 0,
            evaluator_bytes: 0,
            flights: FLIGHTS * chunks.count(),
            candidates: 0,
            memory: 0,
        };
        let (last, full) = (chunks.count() - 1, chunks.count() - 1);
        let (is_expanded, correction_bits) = (self.expansion != Expansion::None, 128 / self.depth as u64 - 1);
        for (number, times) in [(0, full), (last, 1)] {
            let extent = chunks.extent(number);
            let (candidates, layers) = (extent.buckets.total() as u64, extent.buckets.layers as u64);
            let gates = extent.gates as u64;
            let transfer_bits = if is_expanded { 0 } else { 3 * correction_bits };
            let common = candidates * (8 * 16 + 1 + transfer_bits) + gates * layers;
            cost.garbler_bytes += times * (common + gates * 257).div_ceil(8);
            cost.evaluator_bytes += times * (common + gates * 2).div_ceil(8);
            cost.candidates += times * candidates;
            if times > 0 {
                let memory = extent.buckets.candidates as u64 * (128 * layers + 64);
                cost.memory = cost.memory.max(memory);
            }
        }
        if is_expanded && gates > 0 {
            // Either party is the sender of one direction and the receiver of the other.
            let (expansion, transfers) = (self.expansion, 3 * cost.candidates);
            let bytes = expansion.bytes(transfers) + expansion.seed() * correction_bits / 8;
            cost.garbler_bytes += bytes;
            cost.evaluator_bytes += bytes;
            cost.flights += EXPANSION_FLIGHTS * expansion.rounds(transfers);
            cost.memory += 2 * expansion.memory();
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Attempts;
    use super::*;
    use crate::ot::TreeDepth;

    /// Bytes a gate of full chunks, to the next hundredth, by hand.
    #[test]
    fn a_gate_costs_what_its_parts_do() {
        for (depth, expected) in [(TreeDepth::Four, [11_575, 8_387]), (TreeDepth::Eight, [9_775, 6_587])] {
            let settings = Settings::new(Attempts::default(), depth);
            let gates = 560_488 * 100;
            let cost = settings.cost(gates);
            let found = [cost.garbler_bytes, cost.evaluator_bytes].map(|bytes| bytes * 100 / gates);
            assert_eq!(found, expected);
            assert_eq!((cost.flights, cost.candidates), (1100, 3 * gates));
        }
        // 251 MB: the full chunks need more than the last one, which has four layers.
        assert_eq!(Settings::default().cost(1 << 30).memory, 560_488 * (3 * 128 + 64));
        assert_eq!(Settings::default().cost(0).candidates, 0);
        // 81.4 and 49.5 bytes a gate: U, s, d and f, tables or report, and nine transfers of 0.055 bytes.
        let cost = Settings::default().with_expansion(Expansion::K19).cost(560_488 * 100);
        let found = [cost.garbler_bytes, cost.evaluator_bytes].map(|bytes| bytes * 10 / (560_488 * 100));
        assert_eq!(found, [813, 495]);
        assert_eq!(Settings::default().cost(1).candidates, 6 * 129);
        assert_eq!(Settings::default().cost(560_489).candidates, 3 * 560_488 + 6 * 129);
    }
}
