//! Sums of four AES streams: counters go in, and only the sums are ever written to memory.
//!
//! A call makes the four key schedules and then keeps eight registers of states in flight: two a stream, or one where a
//! pair takes two registers (AES-NI, NEON).

use super::super::context::Sums;
use super::pair::{Pair, State, read, write};
use crate::Block;

/// `N` blocks of one stream.
///
/// # Safety
/// Every method requires a processor with the instructions of the implementing type.
pub(super) trait Wide<const N: usize>: Copy {
    /// The numbers `first`, `first + 1`, … modulo 2⁶⁴.
    unsafe fn numbers(first: u64) -> Self;
    unsafe fn load(blocks: &[Block; N]) -> Self;
    unsafe fn store(self, blocks: &mut [Block; N]);
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn round(self, key: Self) -> Self;
    unsafe fn last_round(self, key: Self) -> Self;
    /// The round keys of these keys.
    unsafe fn schedules(keys: &[Block; 4]) -> Schedules<Self>;
}

/// Round keys, round after round, one a stream.
pub(super) type Schedules<R> = [[R; 4]; 11];

/// Folds `G` registers of each stream at a time, and then those that are left one by one.
#[inline(always)]
pub(super) unsafe fn fold<R: Wide<N>, const N: usize, const G: usize>(
    keys: &[Block; 4],
    first: u64,
    sums: Sums<'_>,
) {
    const { assert!(4 % N == 0, "four positions are whole registers") };
    let [low, high, sum] =
        [sums.low, sums.high, sums.sum].map(|row| row.as_flattened_mut().as_chunks_mut::<N>().0);
    let [(low, low_rest), (high, high_rest), (sum, sum_rest)] =
        [low, high, sum].map(|row| row.as_chunks_mut::<G>());
    // SAFETY: the caller has the instructions of `R`.
    unsafe {
        let schedules = R::schedules(keys);
        let next = fold_each(&schedules, first, low, high, sum);
        let [low, high, sum] = [low_rest, high_rest, sum_rest].map(|row| row.as_chunks_mut::<1>().0);
        fold_each(&schedules, next, low, high, sum);
    }
}

/// As [`fold`], with schedules; returns the position after the last.
#[inline(always)]
unsafe fn fold_each<R: Wide<N>, const N: usize, const G: usize>(
    schedules: &Schedules<R>,
    first: u64,
    low: &mut [[[Block; N]; G]],
    high: &mut [[[Block; N]; G]],
    sum: &mut [[[Block; N]; G]],
) -> u64 {
    let mut p = first;
    for ((low, high), sum) in low.iter_mut().zip(high).zip(sum) {
        // SAFETY: the caller has the instructions of `R`.
        unsafe {
            let r = streams::<R, N, G>(schedules, p);
            for ((([r0, r1, r2, r3], low), high), sum) in r.into_iter().zip(low).zip(high).zip(sum) {
                let odd = r1.xor(r3);
                R::load(low).xor(odd).store(low);
                R::load(high).xor(r2.xor(r3)).store(high);
                odd.xor(r0.xor(r2)).store(sum);
            }
        }
        p = p.wrapping_add((N * G) as u64);
    }
    p
}

/// What the four streams give at `NG` positions from `p`.
#[inline(always)]
unsafe fn streams<R: Wide<N>, const N: usize, const G: usize>(
    schedules: &Schedules<R>,
    p: u64,
) -> [[R; 4]; G] {
    // SAFETY: the caller has the instructions of `R`.
    unsafe {
        let mut x = [schedules[0]; G];
        for (i, x) in x.iter_mut().enumerate() {
            let numbers = R::numbers(p.wrapping_add((N * i) as u64));
            for x in x {
                *x = x.xor(numbers);
            }
        }
        for round in &schedules[1..10] {
            for x in &mut x {
                for (x, key) in x.iter_mut().zip(round) {
                    *x = x.round(*key);
                }
            }
        }
        for x in &mut x {
            for (x, key) in x.iter_mut().zip(&schedules[10]) {
                *x = x.last_round(*key);
            }
        }
        x
    }
}

/// A pair is two blocks of a stream.
impl<P: Pair> Wide<2> for P {
    #[inline(always)]
    unsafe fn numbers(first: u64) -> Self {
        // SAFETY: the caller has the instructions of `P`.
        unsafe {
            let zero = P::State::load(&Block::ZERO);
            P::join(zero.tweaked(first), zero.tweaked(first.wrapping_add(1)))
        }
    }
    #[inline(always)]
    unsafe fn load(blocks: &[Block; 2]) -> Self {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { read(blocks) }
    }
    #[inline(always)]
    unsafe fn store(self, blocks: &mut [Block; 2]) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { write(blocks, self) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { Pair::xor(self, other) }
    }
    #[inline(always)]
    unsafe fn round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { Pair::round(self, key) }
    }
    #[inline(always)]
    unsafe fn last_round(self, key: Self) -> Self {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { Pair::last_round(self, key) }
    }
    #[inline(always)]
    unsafe fn schedules(keys: &[Block; 4]) -> Schedules<Self> {
        // SAFETY: the caller has the instructions of `P`.
        unsafe {
            let mut rounds = [[P::both(&keys[0]); 4]; 11];
            for (round, key) in rounds[0].iter_mut().zip(keys) {
                *round = P::both(key);
            }
            macro_rules! expand {
                ($($round:literal $rcon:literal),*) => {
                    $(for x in 0..4 { rounds[$round][x] = rounds[$round - 1][x].next_key::<$rcon>(); })*
                };
            }
            expand!(1 0x01, 2 0x02, 3 0x04, 4 0x08, 5 0x10, 6 0x20, 7 0x40, 8 0x80, 9 0x1b, 10 0x36);
            rounds
        }
    }
}
