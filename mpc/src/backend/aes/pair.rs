//! AES states and pairs of them: what a back end's registers must be able to do.

use super::super::context::Table;
use crate::Block;

/// One AES state in a register of 128 bits.
///
/// # Safety
/// Every method requires a processor with the instructions of the implementing type.
pub(super) trait State: Copy {
    /// From bytes in memory.
    unsafe fn read(bytes: &[u8; 16]) -> Self;
    /// From a block.
    unsafe fn load(block: &Block) -> Self;
    /// To a block.
    unsafe fn store(self, block: &mut Block);
    unsafe fn xor(self, other: Self) -> Self;
    /// With a number XORed into the lower 64 bits.
    unsafe fn tweaked(self, number: u64) -> Self;
    /// `self` if the lowest bit of `label` is set, else zero.
    unsafe fn masked(self, label: Self) -> Self;
}

/// Two AES states: that of wire `A` in the low half, that of wire `B` in the high half.
///
/// # Safety
/// Every method requires a processor with the instructions of the implementing type.
pub(super) trait Pair: Copy {
    type State: State;
    unsafe fn join(low: Self::State, high: Self::State) -> Self;
    unsafe fn low(self) -> Self::State;
    unsafe fn high(self) -> Self::State;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn sigma(self) -> Self;
    unsafe fn round(self, key: Self) -> Self;
    unsafe fn last_round(self, key: Self) -> Self;
    /// The next round key.
    unsafe fn next_key<const RCON: i32>(self) -> Self;
    unsafe fn store(self, table: &mut Table);

    /// The same block in both halves.
    #[inline(always)]
    unsafe fn both(block: &Block) -> Self {
        // SAFETY: the caller has the instructions of `Self`.
        unsafe {
            let state = Self::State::load(block);
            Self::join(state, state)
        }
    }
}

/// Two blocks as a pair.
#[inline(always)]
pub(super) unsafe fn read<P: Pair>(two: &[Block; 2]) -> P {
    // SAFETY: the caller has the instructions of `P`.
    unsafe { P::join(P::State::load(&two[0]), P::State::load(&two[1])) }
}

/// Writes a pair as two blocks.
#[inline(always)]
pub(super) unsafe fn write<P: Pair>(two: &mut [Block; 2], value: P) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        value.low().store(&mut two[0]);
        value.high().store(&mut two[1]);
    }
}
