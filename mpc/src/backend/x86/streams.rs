//! Sums of four AES streams: counters go in, and only the sums are ever written to memory.
//!
//! A call makes the four key schedules and then keeps eight registers of states in flight: two pairs a stream
//! (VAES), or one (AES-NI, where a pair takes two registers).

use core::arch::x86_64::*;

use super::super::context::Sums;
use super::pair::{Halves, Pair, load};
use crate::Block;

pub(in super::super) fn fold_streams_vaes(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
    #[target_feature(enable = "aes,avx2,vaes")]
    fn kernel(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
        // SAFETY: the features that `__m256i` needs are enabled here.
        unsafe { fold::<__m256i, 2>(keys, first, sums) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_vaes()` holds.
    unsafe { kernel(keys, first, sums) }
}

pub(in super::super) fn fold_streams_aes_ni(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
    #[target_feature(enable = "aes,ssse3")]
    fn kernel(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
        // SAFETY: the features that `Halves` needs are enabled here.
        unsafe { fold::<Halves, 1>(keys, first, sums) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_aes_ni()` holds.
    unsafe { kernel(keys, first, sums) }
}

/// Round keys, round after round, one a stream, each twice in its pair.
type Schedules<P> = [[P; 4]; 11];

#[inline(always)]
unsafe fn fold<P: Pair, const G: usize>(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
    // SAFETY: the caller has the instructions of `P`; 4 blocks are 2 pairs, and G divides 2.
    unsafe {
        let schedules = schedules::<P>(keys);
        let mut p = first;
        for ((low, high), sum) in sums.low.iter_mut().zip(sums.high).zip(sums.sum) {
            for i in (0..2).step_by(G) {
                let r = streams::<P, G>(&schedules, p);
                for (j, [r0, r1, r2, r3]) in r.into_iter().enumerate() {
                    let odd = r1.xor(r3);
                    let [low, high, sum] = [&mut *low, high, sum].map(|four| pair(four, i + j));
                    write(low, read::<P>(low).xor(odd));
                    write(high, read::<P>(high).xor(r2.xor(r3)));
                    write(sum, odd.xor(r0.xor(r2)));
                }
                p = p.wrapping_add(2 * G as u64);
            }
        }
    }
}

/// What the four streams give at `2G` positions from `p`, two positions a pair.
#[inline(always)]
unsafe fn streams<P: Pair, const G: usize>(schedules: &Schedules<P>, p: u64) -> [[P; 4]; G] {
    // SAFETY: the caller has the instructions of `P`; the others are part of x86-64.
    unsafe {
        let counter = |i: usize| _mm_set_epi64x(0, p.wrapping_add(i as u64) as i64);
        let mut x = [schedules[0]; G];
        for (i, x) in x.iter_mut().enumerate() {
            let counters = P::join(counter(2 * i), counter(2 * i + 1));
            for x in x {
                *x = x.xor(counters);
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

#[inline(always)]
unsafe fn schedules<P: Pair>(keys: &[Block; 4]) -> Schedules<P> {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let mut rounds = [[P::join(load(&keys[0]), load(&keys[0])); 4]; 11];
        for (round, key) in rounds[0].iter_mut().zip(keys) {
            *round = P::join(load(key), load(key));
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

#[inline(always)]
unsafe fn read<P: Pair>(places: *mut __m128i) -> P {
    // SAFETY: the caller gives 32 readable bytes.
    unsafe { P::join(_mm_loadu_si128(places), _mm_loadu_si128(places.add(1))) }
}

#[inline(always)]
unsafe fn write<P: Pair>(places: *mut __m128i, value: P) {
    // SAFETY: the caller gives 32 writable bytes.
    unsafe {
        _mm_storeu_si128(places, value.low());
        _mm_storeu_si128(places.add(1), value.high());
    }
}

/// Places `2i` and `2i + 1` of four.
#[inline(always)]
fn pair(four: &mut [Block; 4], i: usize) -> *mut __m128i {
    four[2 * i..2 * i + 2].as_mut_ptr().cast()
}
