//! What the evaluator reports of a chunk, and the two sums by which each party checks the other.
//!
//! The evaluator reveals Λ_α and Λ_β of every AND gate of the chunk, and with the last chunk Λ of every
//! output. Both parties then compute, for what was revealed:
//!
//! ```text
//! labels   Σ = ⊕ H(A ⊕ 2B, S ⊕ g) over the gates, ⊕ H(C, S ⊕ (n + i)) over the outputs       2· doubles in GF(2^128)
//!          the evaluator from its labels; the garbler from A⁰ ⊕ Λ_α·Δ_G, B⁰ ⊕ Λ_β·Δ_G, C⁰ ⊕ Λ·Δ_G
//! values   c_g = Λ_α·β ⊕ Λ_β·α ⊕ σ ⊕ γ,  which must be Λ_α·Λ_β ⊕ Λ_γ                         for σ = α∧β
//!          the garbler   W = Σ χ_g·M_G[c_g]
//!          the evaluator     Σ χ_g·(K_E[c_g] ⊕ (c_{g,E} ⊕ Λ_α·Λ_β ⊕ Λ_γ)·Δ_E)
//! ```
//!
//! **Labels** bind the evaluator: an evaluator that reveals a false Λ must know the other label of the wire,
//! A ⊕ Δ_G. Each gate has its own number, and one label is doubled, so that two lies do not cancel. Without
//! this check a false Λ would draw masks of the garbler out of W. So the garbler sends W only if Σ is right.
//!
//! **Values** bind the garbler: (Λ_α ⊕ α)∧(Λ_β ⊕ β) = Λ_γ ⊕ γ is what an AND gate means. χ is drawn by the
//! evaluator and revealed after all tables, so a garbler whose tables led to another Λ_γ must find Δ_E or a
//! zero of a random linear form.
//!
//! **That Λ is revealed early** gives nothing away: each Λ is masked by a share of λ that the evaluator alone
//! knows. And Σ of the evaluator is a function of the tables, of σ as the garbler spoilt it and of the
//! revealed Λ, all known to the garbler.
//!
//! Source: Katz, Ranellucci, Rosulek, Wang 2018 (ePrint 2018/578), section 4; Yang, Wang, Zhang 2019 (ePrint
//! 2019/1104), section 4, for checking all gates at once.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Block as AesBlock};
use zeroize::Zeroizing;

use crate::Block;
use crate::backend::Backend;
use crate::hash::HashKey;

/// Labels that are hashed at once.
const BLOCK: usize = 256;
/// Coefficients that are computed at once.
const AHEAD: usize = 64;

/// Σ: the sum of hashes of labels.
pub(super) struct LabelSum {
    key: HashKey,
    backend: Backend,
    /// The number of the next hash to be computed, and the labels that wait for it.
    next: u64,
    waiting: Zeroizing<Vec<Block>>,
    sum: Block,
}

impl LabelSum {
    pub(super) fn new(key: HashKey, backend: Backend) -> Self {
        let waiting = Zeroizing::new(Vec::with_capacity(BLOCK));
        Self { key, backend, next: 0, waiting, sum: Block::ZERO }
    }

    /// Adds the labels of a gate's inputs.
    pub(super) fn add_gate(&mut self, a: Block, b: Block) {
        self.add(a ^ double(b));
    }

    /// Adds the label of an output.
    pub(super) fn add_output(&mut self, c: Block) {
        self.add(c);
    }

    /// Σ.
    pub(super) fn total(&mut self) -> Block {
        self.hash();
        self.sum
    }

    fn add(&mut self, x: Block) {
        self.waiting.push(x);
        if self.waiting.len() == BLOCK {
            self.hash();
        }
    }

    fn hash(&mut self) {
        let mut h = Zeroizing::new([Block::ZERO; BLOCK]);
        let h = &mut h[..self.waiting.len()];
        self.backend.hash(&self.key, self.next, &self.waiting, h);
        self.sum = h.iter().fold(self.sum, |sum, h| sum ^ *h);
        self.next += h.len() as u64;
        self.waiting.clear();
    }
}

/// 2x in GF(2^128) with the polynomial X^128 + X^7 + X^2 + X + 1, in constant time.
pub(super) fn double(x: Block) -> Block {
    let [low, high] = x.halves();
    let carry = (high >> 63).wrapping_neg() & 0x87;
    Block::from_halves([low << 1 ^ carry, high << 1 | low >> 63])
}

/// a·b in GF(2^128), in constant time.
pub(super) fn times(a: Block, b: Block) -> Block {
    let bits = (0..128).rev().map(|i| b.to_u128() >> i & 1 == 1);
    bits.fold(Block::ZERO, |product, bit| double(product) ^ a.masked(bit))
}

/// Σ χ_g·v_g in GF(2^128), where χ_g = AES_χ(g) is public and v_g is not.
///
/// For each byte of χ_g, v_g is added to one of 256 sums of that byte's place; addresses depend on χ alone.
/// The products are taken once, at the end.
pub(super) struct ValueSum {
    chi: Aes128Enc,
    next: u64,
    /// χ of the gates from the last multiple of AHEAD on.
    ahead: [AesBlock; AHEAD],
    sums: Zeroizing<Vec<[Block; 256]>>,
}

impl ValueSum {
    pub(super) fn new(chi: Block) -> Self {
        let sums = Zeroizing::new(vec![[Block::ZERO; 256]; Block::BYTES]);
        Self {
            chi: Aes128Enc::new(&chi.to_bytes().into()),
            next: 0,
            ahead: [AesBlock::default(); AHEAD],
            sums,
        }
    }

    /// Adds the values of the next gates.
    pub(super) fn add(&mut self, values: impl IntoIterator<Item = Block>) {
        for value in values {
            let coefficient = self.coefficient().to_bytes();
            for (sums, byte) in self.sums.iter_mut().zip(coefficient) {
                sums[usize::from(byte)] ^= value;
            }
        }
    }

    /// The sum.
    pub(super) fn total(&self) -> Block {
        let places = (0..Block::BYTES).rev().flat_map(|byte| (0..8).rev().map(move |bit| (byte, bit)));
        places.fold(Block::ZERO, |total, (byte, bit)| {
            let chosen = self.sums[byte].iter().enumerate().filter(|(number, _)| number >> bit & 1 == 1);
            chosen.fold(double(total), |total, (_, sum)| total ^ *sum)
        })
    }

    /// χ of the next gate.
    fn coefficient(&mut self) -> Block {
        let place = (self.next % AHEAD as u64) as usize;
        if place == 0 {
            self.ahead =
                core::array::from_fn(|i| Block::new((self.next + i as u64).into()).to_bytes().into());
            self.chi.encrypt_blocks(&mut self.ahead);
        }
        self.next += 1;
        Block::from_bytes(self.ahead[place].into())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn doubling_reduces_by_the_polynomial() {
        assert_eq!(double(Block::new(1 << 63)), Block::new(1 << 64));
        assert_eq!(double(Block::new(1 << 127 | 5)), Block::new(0x87 ^ 10));
        // X^128 = X^7 + X^2 + X + 1, and multiplication is commutative.
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let (a, b) = (Block::random(rng), Block::random(rng));
        assert_eq!(times(a, b), times(b, a));
    }

    #[test]
    fn the_value_sum_is_the_linear_form_of_its_seed() {
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let chi = Block::random(rng);
        let values: Vec<Block> = (0..700).map(|_| Block::random(rng)).collect();
        let cipher = Aes128Enc::new(&chi.to_bytes().into());
        let expected = values.iter().enumerate().fold(Block::ZERO, |sum, (g, value)| {
            let mut block = Block::new(g as u128).to_bytes().into();
            cipher.encrypt_block(&mut block);
            sum ^ times(*value, Block::from_bytes(block.into()))
        });
        let mut sum = ValueSum::new(chi);
        sum.add(values[..300].iter().copied());
        sum.add(values[300..].iter().copied());
        assert_eq!(sum.total(), expected);
    }

    #[test]
    fn the_label_sum_numbers_gates_and_outputs_and_tells_the_inputs_of_a_gate_apart() {
        let rng = &mut ChaCha20Rng::seed_from_u64(3);
        let s = Block::random(rng);
        let key = HashKey::new(s);
        let labels: Vec<[Block; 2]> = (0..300).map(|_| [Block::random(rng), Block::random(rng)]).collect();
        let mut sum = LabelSum::new(HashKey::new(s), Backend::detect());
        labels.iter().for_each(|[a, b]| sum.add_gate(*a, *b));
        sum.add_output(labels[0][0]);
        let hash = |g: u128, x: Block| key.tweaked(g).of(x);
        let gates = labels.iter().enumerate().map(|(g, [a, b])| hash(g as u128, *a ^ double(*b)));
        let expected = gates.fold(hash(300, labels[0][0]), |sum, h| sum ^ h);
        assert_eq!(sum.total(), expected);
        // The same gate twice does not cancel, nor do its two inputs.
        let [a, b] = labels[0];
        let sum_of = |gates: &[[Block; 2]]| {
            let mut sum = LabelSum::new(HashKey::new(s), Backend::detect());
            gates.iter().for_each(|[a, b]| sum.add_gate(*a, *b));
            sum.total()
        };
        assert_ne!(sum_of(&[[a, b], [a, b]]), Block::ZERO);
        assert_ne!(sum_of(&[[a, b]]), sum_of(&[[b, a]]));
        assert_ne!(sum_of(&[[a, a]]), sum_of(&[[Block::ZERO, Block::ZERO]]));
    }
}
