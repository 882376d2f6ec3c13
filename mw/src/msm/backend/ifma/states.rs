//! Eight Keccak states, a word of each in a register.

use super::word::Word;
use crate::msm::lanes::States;

impl States for Word {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        Self::all(x)
    }

    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        Self::xor(self, b)
    }

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        Self::xor3(self, b, c)
    }

    #[inline(always)]
    fn chi(self, b: Self, c: Self) -> Self {
        Self::chi(self, b, c)
    }

    #[inline(always)]
    fn rotate<const BITS: i32>(self) -> Self {
        Self::rotate::<BITS>(self)
    }

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u64; 8]) -> [Self; 8] {
        Self::load(row)
    }

    #[inline(always)]
    fn store(words: [Self; 8]) -> [[u64; 8]; 8] {
        Self::store(words)
    }
}
