//! Wire labels as 16-byte blocks, and `Δ`, the secret difference between the two labels of every wire.
//!
//! A wire `w` has two labels, `W0` for false and `W1 = W0 ⊕ Δ` for true (free XOR, Kolesnikov and Schneider
//! 2008). `Δ` has its lowest bit set, so the lowest bits of the two labels differ: this is the
//! point-and-permute bit. It tells nothing about the value of the wire.
//!
//! Guaranteed: [`Delta`] cannot be copied, printed or serialised, and dropping it wipes it. Not guaranteed:
//! that the compiler leaves no copy of it in registers or on the stack.

use core::fmt;
use core::ops::{BitAnd, BitXor, BitXorAssign};

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 16 bytes that are XORed: a wire label, a table row, a PRG output. Byte 0 holds the lowest bits.
///
/// Two `u64` words instead of one `u128`: compilers then use one vector instruction. With a `u128` they write
/// two 64-bit halves, and the 128-bit load that follows stalls the processor.
#[derive(Clone, Copy, Default, PartialEq, Eq, Zeroize)]
#[repr(C, align(16))]
pub struct Block([u64; 2]);

impl Block {
    /// Sixteen zero bytes.
    pub const ZERO: Self = Self([0; 2]);
    /// Size in bytes.
    pub const BYTES: usize = 16;

    /// The block whose bytes are the little-endian encoding of `value`.
    #[must_use]
    pub const fn new(value: u128) -> Self {
        Self([value as u64, (value >> 64) as u64])
    }

    /// The block with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::new(u128::from_le_bytes(bytes))
    }

    /// The bytes of the block.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.to_u128().to_le_bytes()
    }

    /// The low and the high half.
    pub(crate) const fn halves(self) -> [u64; 2] {
        self.0
    }

    /// The block with this low and this high half.
    pub(crate) const fn from_halves(halves: [u64; 2]) -> Self {
        Self(halves)
    }

    /// The bytes read as a little-endian number.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        let [low, high] = self.0;
        (high as u128) << 64 | low as u128
    }

    /// A uniformly random block.
    #[must_use]
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self::from_bytes(bytes)
    }

    /// The blocks of consecutive 16-byte chunks; a shorter rest is ignored.
    pub(crate) fn from_chunks(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let (chunks, _) = bytes.as_chunks();
        chunks.iter().copied().map(Self::from_bytes)
    }

    /// The lowest bit: the point-and-permute bit of a label.
    #[must_use]
    pub const fn lsb(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The block with its lowest bit replaced.
    #[must_use]
    pub(crate) const fn with_lsb(self, bit: bool) -> Self {
        let [low, high] = self.0;
        Self([low & !1 | bit as u64, high])
    }

    /// The block itself if `bit` is set, else zero, in constant time.
    #[must_use]
    pub const fn masked(self, bit: bool) -> Self {
        let [low, high] = self.0;
        let mask = (bit as u64).wrapping_neg();
        Self([low & mask, high & mask])
    }
}

impl BitXor for Block {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a ^ c, b ^ d])
    }
}

impl BitXorAssign for Block {
    fn bitxor_assign(&mut self, other: Self) {
        *self = *self ^ other;
    }
}

impl BitAnd for Block {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a & c, b & d])
    }
}

impl ConstantTimeEq for Block {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// Prints nothing of the value: a block may be a secret label.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Block(..)")
    }
}

/// The garbler's global difference `Δ` between the two labels of every wire; its lowest bit is 1.
///
/// In the malicious protocol the evaluator has a `Δ` too, under which it authenticates the garbler's bits;
/// its lowest bit is 0 ([`protocol::malicious`](crate::protocol::malicious)).
///
/// # Security
/// A party that knows `Δ` and one label of a wire knows both labels. Each session draws a fresh one. The type
/// has no `Clone`, and its `Debug` prints nothing of the value.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Delta(Block);

impl Delta {
    /// A fresh difference, uniformly random except for its lowest bit.
    #[must_use]
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let [low, high] = Block::random(rng).0;
        Self(Block([low | 1, high]))
    }

    /// A fresh difference whose two lowest bits are those of `ending`, and which is otherwise uniformly
    /// random.
    #[must_use]
    pub(crate) fn random_ending(ending: u64, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let [low, high] = Block::random(rng).0;
        Self(Block([low & !3 | ending & 3, high]))
    }

    /// The image of this difference under a linear map: the difference of what two labels are mapped to.
    pub(crate) fn mapped(&self, map: fn(Block) -> Block) -> Self {
        Self(map(self.0))
    }

    /// This difference, for tests of parties with a bad one.
    #[cfg(test)]
    pub(crate) const fn insecure(block: Block) -> Self {
        Self(block)
    }

    /// `Δ` as a block.
    pub(crate) const fn block(&self) -> Block {
        self.0
    }

    /// `bit · Δ`, in constant time.
    pub(crate) const fn times(&self, bit: bool) -> Block {
        self.0.masked(bit)
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delta(..)")
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn bytes_are_little_endian_and_bit_zero_is_the_permute_bit() {
        let mut bytes = [0; 16];
        bytes[0] = 1;
        let block = Block::from_bytes(bytes);
        assert!(block.lsb());
        assert_eq!(block.to_u128(), 1);
        assert_eq!(block.to_bytes(), bytes);
    }

    #[test]
    fn masking_keeps_all_or_nothing() {
        let block = Block::new(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(block.masked(true), block);
        assert_eq!(block.masked(false), Block::ZERO);
    }

    #[test]
    fn constant_time_equality_sees_both_halves() {
        for bit in 0..128 {
            assert!(!bool::from(Block::ZERO.ct_eq(&Block::new(1 << bit))));
        }
        assert!(bool::from(Block::new(7).ct_eq(&Block::new(7))));
    }

    #[test]
    fn delta_is_odd_and_silent() {
        let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
        for _ in 0..16 {
            let delta = Delta::random(&mut rng);
            assert!(delta.block().lsb());
            assert_eq!(delta.times(false), Block::ZERO);
            assert_eq!(delta.times(true), delta.block());
            assert_eq!(format!("{delta:?}"), "Delta(..)");
        }
    }
}
