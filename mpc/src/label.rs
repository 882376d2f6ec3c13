//! Labels that everyone may know: the garbler's inputs and constants.
//!
//! For a bit `x` that the garbler knows, the *active* label is number `n` of a public stream,
//! `AES_s(n)` with `s` drawn for this session, and the false label is `W⁰ = active ⊕ x·Δ`. Nothing is
//! sent: both compute the active label, and it says nothing of `x` to one who does not know `Δ`.
//!
//! Each number is used once, because two wires with one active label would tell by the table rows they
//! share whether their values agree.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};

use crate::Block;

/// The public stream of active labels of one session.
pub(crate) struct PublicLabels {
    cipher: Aes128,
    next: u128,
}

impl PublicLabels {
    /// The stream of `seed`.
    pub(crate) fn new(seed: Block) -> Self {
        Self { cipher: Aes128::new(&seed.to_bytes().into()), next: 0 }
    }

    /// The next label.
    pub(crate) fn draw(&mut self) -> Block {
        let mut block = self.next.to_le_bytes().into();
        self.cipher.encrypt_block(&mut block);
        self.next += 1; // 2¹²⁸ labels are never drawn
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
