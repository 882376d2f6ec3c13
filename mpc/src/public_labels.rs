//! The public stream of active labels, for the garbler's inputs and for constants.
//!
//! For a bit `x` that the garbler knows, the *active* label is block `n` of a public stream, `AES_s(n)` with
//! a fresh `s` for each execution, and the false label is `W⁰ = active ⊕ x·Δ`. Nothing is sent: both parties
//! compute the active label, and without `Δ` it tells nothing about `x`.
//!
//! Each number is used once. If two wires had the same active label, the table rows that they share would
//! tell whether their values agree.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};

use crate::Block;

/// The stream of one execution.
pub(crate) struct PublicLabels {
    cipher: Aes128,
    next: u128,
}

impl PublicLabels {
    /// The stream with this seed.
    pub(crate) fn new(seed: Block) -> Self {
        Self { cipher: Aes128::new(&seed.to_bytes().into()), next: 0 }
    }

    /// This stream before its first label, with the numbers of a lane: those from lane·2⁶⁴ on.
    pub(crate) fn in_lane(self, lane: u8) -> Self {
        Self { next: u128::from(lane) << 64, ..self }
    }

    /// The next label.
    pub(crate) fn draw(&mut self) -> Block {
        let mut block = self.next.to_le_bytes().into();
        self.cipher.encrypt_block(&mut block);
        self.next += 1; // reaches the next lane after 2⁶⁴ labels, so never in practice
        Block::from_bytes(block.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_draw_the_same_labels_and_never_one_twice() {
        let mut draws = [PublicLabels::new(Block::new(5)), PublicLabels::new(Block::new(5))]
            .map(|mut labels| (0..100).map(|_| labels.draw().to_u128()).collect::<Vec<_>>());
        assert_eq!(draws[0], draws[1]);
        draws[0].sort_unstable();
        draws[0].dedup();
        assert_eq!(draws[0].len(), 100);
        assert_ne!(PublicLabels::new(Block::new(6)).draw(), PublicLabels::new(Block::new(5)).draw());
    }
}
