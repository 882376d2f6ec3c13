//! Sums of four AES streams: counters go in, and only the sums are ever written to memory.
//!
//! A call makes the four key schedules and then keeps eight registers of states in flight: two pairs a stream
//! (VAES), or one (AES-NI, where a pair takes two registers).

use super::super::context::Sums;
use super::pair::{Pair, State, read, write};
use crate::Block;

/// Round keys, round after round, one a stream, each twice in its pair.
type Schedules<P> = [[P; 4]; 11];

#[inline(always)]
pub(super) unsafe fn fold<P: Pair, const G: usize>(keys: &[Block; 4], first: u64, sums: Sums<'_>) {
    // SAFETY: the caller has the instructions of `P`; 4 blocks are 2 pairs, and G divides 2.
    unsafe {
        let schedules = schedules::<P>(keys);
        let mut p = first;
        for ((low, high), sum) in sums.low.iter_mut().zip(sums.high).zip(sums.sum) {
            for i in (0..2).step_by(G) {
                let r = streams::<P, G>(&schedules, p);
                for (j, [r0, r1, r2, r3]) in r.into_iter().enumerate() {
                    let odd = r1.xor(r3);
                    let [low, high, sum] =
                        [&mut *low, high, sum].map(|four| &mut four.as_chunks_mut().0[i + j]);
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
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let zero = P::State::load(&Block::ZERO);
        let mut x = [schedules[0]; G];
        for (i, x) in x.iter_mut().enumerate() {
            let first = p.wrapping_add(2 * i as u64);
            let counters = P::join(zero.tweaked(first), zero.tweaked(first.wrapping_add(1)));
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
