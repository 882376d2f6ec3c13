//! The hash of the garbling scheme, `H(x, k) = AES_k(σ(x)) ⊕ σ(x)` with `σ(xL ‖ xR) = (xL ⊕ xR) ‖ xL`.
//!
//! AND gate `g` hashes the label of its first wire under the key `S ⊕ 2g` and the label of its second wire
//! under `S ⊕ (2g + 1)`. The garbler draws a uniformly random `S` for each execution and purpose, and no gate
//! number is used twice under one `S`. Because the key changes with every gate, the security bound does not
//! degrade with the number of gates, sessions and users, as it does with a fixed key.
//!
//! Three halves use 67 bits of a hash, and need another linear map for that ([`twisted`]):
//!
//! ```text
//! H₃(x, d, g) = AES_k(τ(x)) ⊕ τ(x)   with k = S ⊕ (2⁶⁴·d ⊕ g)   and τ(x_0 ‖ x_1 ‖ x_2 ‖ x_3) = (x_1 ‖ x_0 ⊕ x_1 ‖ x_3 ‖ x_2 ⊕ x_3)
//! ```
//!
//! on words of 32 bits, the lowest first. Its lower half is the half of a label, the bit above it the mask of control bits,
//! and the two bits above that are the garbler's dice.
//!
//! Source: Guo, Katz, Wang, Weng, Yu, *Better concrete security for half-gates garbling* (ePrint 2019/1168),
//! section 4.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Block;

/// The linear orthomorphism `σ`: both it and `x ↦ σ(x) ⊕ x` are permutations.
pub(crate) const fn sigma(x: Block) -> Block {
    let (left, right) = (x.to_u128() >> 64, x.to_u128() & 0xffff_ffff_ffff_ffff);
    Block::new((left ^ right) << 64 | left)
}

/// `σ⁻¹(τ(x))`: `H` of this is `H₃` of `x`.
///
/// What the evaluator sees are `H₃(x ⊕ Δ) ⊕ λ(Δ)` for linear maps `λ` that it may infer, each from `Δ` to the half of a
/// label: zero, either half of `Δ`, or their sum. It must not know `AES_k` of anything by that. With `σ` the lower half
/// of a hash has the upper half of `x ⊕ Δ` as a summand, and where `λ(Δ)` is the upper half of `Δ`, nothing unknown is
/// left: 65 bits of `AES_k(σ(x ⊕ Δ))` are known, and inverting it for all values of the other 63 bits finds `Δ`. `τ` has
/// full rank in the bits that are used, whichever `λ` is added (`docs/adr/0033`).
#[inline(always)]
pub(crate) const fn twisted(x: Block) -> Block {
    const HIGH: u64 = 0xffff_ffff_0000_0000;
    let [low, high] = x.halves();
    let (low, high) = (low.rotate_left(32) ^ low & HIGH, high.rotate_left(32) ^ high & HIGH);
    Block::from_halves([low ^ high, low])
}

/// `S`: the part of the hash keys that is the same for all gates of an execution.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct HashKey(Block);

impl HashKey {
    pub(crate) const fn new(s: Block) -> Self {
        Self(s)
    }

    /// `S` itself.
    pub(crate) const fn block(&self) -> Block {
        self.0
    }

    /// `S ⊕ 2⁶⁴·domain`: with it, the numbers of another domain are used.
    pub(crate) const fn in_domain(&self, domain: u64) -> Self {
        let [low, high] = self.0.halves();
        Self(Block::from_halves([low, high ^ domain]))
    }

    /// `H(·, S ⊕ tweak)`.
    pub(crate) fn tweaked(&self, tweak: u128) -> Hash {
        let key = (self.0 ^ Block::new(tweak)).to_bytes();
        Hash(Aes128::new(&key.into()))
    }
}

/// `H(·, k)` for one key.
pub(crate) struct Hash(Aes128);

impl Hash {
    pub(crate) fn of(&self, x: Block) -> Block {
        let [h] = self.of_each([x]);
        h
    }

    pub(crate) fn of_each<const N: usize>(&self, x: [Block; N]) -> [Block; N] {
        let mut state = x.map(|x| sigma(x).to_bytes().into());
        self.0.encrypt_blocks(&mut state);
        let mut h = state.map(|state| Block::from_bytes(state.into()));
        for (h, x) in h.iter_mut().zip(x) {
            *h ^= sigma(x);
        }
        h
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS-197, appendix C.1, with the plaintext pulled back through `σ`.
    #[test]
    fn is_aes_of_sigma_plus_sigma() {
        let bytes = |hex: u128| Block::from_bytes(hex.to_be_bytes());
        let key = bytes(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
        let plain = bytes(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let cipher = bytes(0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a);
        // σ(x) = plain: its right half is xL, and its left half is xL ⊕ xR.
        let (left, right) = (plain.to_u128() >> 64, plain.to_u128() & u128::from(u64::MAX));
        let x = Block::new(right << 64 | (left ^ right));
        assert_eq!(sigma(x), plain);
        assert_eq!(HashKey::new(key).tweaked(0).of(x), cipher ^ plain);
        let shifted = HashKey::new(key ^ Block::new(41));
        assert_eq!(shifted.tweaked(41).of(x), cipher ^ plain);
        assert_ne!(shifted.tweaked(40).of(x), cipher ^ plain);
    }
}
