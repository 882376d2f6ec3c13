//! The public keys of an execution, and the numbers that are used once under each of them.
//!
//! ```text
//! keys = S of the gates [16] ‖ S of the outputs [16] ‖ seed of the public labels [16]
//! ```
//!
//! The garbler draws one key for each purpose and sends them. They are no secret between the two parties.
//! What matters is that they are fresh, that they are drawn after the set-up has fixed the label pairs of the
//! evaluator's inputs (later choices only decide which label of a pair is the false one), and that no gate or
//! output number is used twice under the same key. So a [`SessionKeys`] lives as long as its execution and
//! cannot be copied.
//!
//! A gate number has 63 bits: 15 bits for a lane, which are zero unless a session has several, and a counter of 48 bits.
//! Using up the counter is an error; it does not wrap around. The number of a public label has the lane above bit 64. So the
//! lanes of an execution share its keys, and no two lanes have a number in common. Outputs have numbers in lane 0 alone.

use rand_core::{CryptoRng, RngCore};

use crate::Block;
use crate::hash::{Hash, HashKey};
use crate::public_labels::PublicLabels;

/// The execution has used all its 2⁴⁸ gate numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the execution has used all its 2^48 gate numbers: start a new one")]
pub struct OutOfGates;

/// The public keys of one execution.
pub struct SessionKeys {
    pub(crate) gates: HashKey,
    pub(crate) outputs: HashKey,
    pub(crate) labels: PublicLabels,
    lane: u8,
    next_gate: u64,
    next_output: u64,
}

impl SessionKeys {
    /// The size of the encoding in bytes.
    pub const BYTES: usize = 48;
    const GATES: u64 = 1 << 48;

    /// Fresh keys, and their encoding for the evaluator.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> (Self, [u8; Self::BYTES]) {
        let mut bytes = [0; Self::BYTES];
        rng.fill_bytes(&mut bytes);
        (Self::from_bytes(bytes), bytes)
    }

    /// Decodes the keys that the garbler sent.
    ///
    /// # Security
    /// Garbling or evaluating twice under the same keys reveals the inputs.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let mut blocks = [[0; 16]; 3];
        blocks.as_flattened_mut().copy_from_slice(&bytes);
        let [gates, outputs, labels] = blocks.map(Block::from_bytes);
        Self {
            gates: HashKey::new(gates),
            outputs: HashKey::new(outputs),
            labels: PublicLabels::new(labels),
            lane: 0,
            next_gate: 0,
            next_output: 0,
        }
    }

    /// These keys before their first use, with the numbers of a lane.
    ///
    /// # Security
    /// Each lane of an execution has one such value at each party.
    #[must_use]
    pub fn in_lane(self, lane: u8) -> Self {
        Self { labels: self.labels.in_lane(lane), lane, ..self }
    }

    /// Reserves `n` gate numbers and returns the first.
    pub(crate) fn take_gates(&mut self, n: usize) -> Result<u64, OutOfGates> {
        let first = self.next_gate;
        let end = first.checked_add(n as u64).filter(|end| *end <= Self::GATES);
        self.next_gate = end.ok_or(OutOfGates)?;
        Ok(u64::from(self.lane) * Self::GATES + first)
    }

    /// The two hash functions of each of the next `n` outputs. The hash at position `j` of output `i` has the
    /// tweak `2i + j`, so a hash that is moved to another position matches no label.
    pub(crate) fn take_outputs(&mut self, n: usize) -> impl Iterator<Item = [Hash; 2]> + '_ {
        let first = self.next_output;
        self.next_output += n as u64; // cannot overflow: each output needs a gate or an input
        (first..self.next_output).map(|i| [0, 1].map(|j| self.outputs.tweaked(2 * u128::from(i) + j)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gate_numbers_run_on_and_run_out() {
        let mut keys = SessionKeys::from_bytes([3; 48]);
        assert_eq!(keys.take_gates(5), Ok(0));
        assert_eq!(keys.take_gates(0), Ok(5));
        assert_eq!(keys.take_gates((1 << 48) - 6), Ok(5));
        assert_eq!(keys.take_gates(1), Ok((1 << 48) - 1));
        assert_eq!(keys.take_gates(1), Err(OutOfGates));
        assert_eq!(keys.take_gates(usize::MAX), Err(OutOfGates));
    }

    #[test]
    fn no_two_lanes_have_a_gate_or_a_label_in_common() {
        let lanes = || [0, 1, 2, 63].map(|lane| SessionKeys::from_bytes([3; 48]).in_lane(lane));
        let gates = lanes().map(|mut keys| {
            let first = keys.take_gates(1 << 48).unwrap();
            assert_eq!(keys.take_gates(1), Err(OutOfGates));
            first
        });
        assert_eq!(gates, [0, 1, 2, 63].map(|lane| lane << 48));
        let mut labels: Vec<u128> = lanes()
            .into_iter()
            .flat_map(|mut keys| [keys.labels.draw(), keys.labels.draw()].map(Block::to_u128))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), 8);
    }

    #[test]
    fn output_hashes_differ_by_number_place_and_call() {
        let mut keys = SessionKeys::from_bytes([3; 48]);
        let mut hashes: Vec<u128> = Vec::new();
        for n in [2, 1] {
            hashes.extend(keys.take_outputs(n).flatten().map(|hash| hash.of(Block::ZERO).to_u128()));
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 6);
    }
}
