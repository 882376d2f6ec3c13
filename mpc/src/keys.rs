//! The public keys of an execution and the numbers that are used once under them.
//!
//! The garbler draws them when the label pairs of the evaluator's inputs are fixed (by the set-up; choices that come later only say which
//! label of a pair is the false one), one for each purpose, and sends them: `S` of the gates, `S` of the output hashes, and the seed of the
//! public labels. They are no secret between the two parties; what matters is that a key is fresh, and that no gate or output number
//! is used twice under it. So this value lives as long as its execution and cannot be copied.
//!
//! A gate number is a lane (15 bits, for garbling one session on several threads later; now 0) and a
//! counter of 48 bits. Running out is an error, not a wrap.

use rand_core::{CryptoRng, RngCore};

use crate::Block;
use crate::hash::{Hash, HashKey};
use crate::label::PublicLabels;

/// All 2⁴⁸ gate numbers of a lane are used up; a new session is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has used up its 2^48 gate numbers; start a new session")]
pub struct OutOfGates;

/// What both parties know of an execution.
pub struct SessionKeys {
    pub(crate) gates: HashKey,
    pub(crate) outputs: HashKey,
    pub(crate) labels: PublicLabels,
    next_gate: u64,
    next_output: u64,
}

impl SessionKeys {
    /// Bytes that the garbler sends.
    pub const BYTES: usize = 48;
    const GATES: u64 = 1 << 48;

    /// Fresh keys, and what tells them to the evaluator.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> (Self, [u8; Self::BYTES]) {
        let mut bytes = [0; Self::BYTES];
        rng.fill_bytes(&mut bytes);
        (Self::from_bytes(bytes), bytes)
    }

    /// The keys that the garbler sent. To garble or to evaluate under them twice is to lose all secrecy.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let mut blocks = [[0; 16]; 3];
        blocks.as_flattened_mut().copy_from_slice(&bytes);
        let [gates, outputs, labels] = blocks.map(Block::from_bytes);
        Self {
            gates: HashKey::new(gates),
            outputs: HashKey::new(outputs),
            labels: PublicLabels::new(labels),
            next_gate: 0,
            next_output: 0,
        }
    }

    /// The first of `n` gate numbers that are used by nobody else.
    pub(crate) fn take_gates(&mut self, n: usize) -> Result<u64, OutOfGates> {
        let first = self.next_gate;
        let end = first.checked_add(n as u64).filter(|end| *end <= Self::GATES);
        self.next_gate = end.ok_or(OutOfGates)?;
        Ok(first)
    }

    /// The hashes of the two labels of the next `n` outputs, by the place of the label: place `j` of output `i`
    /// has the number `2i + j`, so that a hash which is moved matches nothing.
    pub(crate) fn take_outputs(&mut self, n: usize) -> impl Iterator<Item = [Hash; 2]> + '_ {
        let first = self.next_output;
        self.next_output += n as u64; // each output needs a gate or an input before it: no overflow
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
