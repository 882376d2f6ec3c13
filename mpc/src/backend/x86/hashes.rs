//! The kernel of hashes alone: two numbers side by side, several pairs of numbers in flight.
//!
//! ```text
//! hash        h[i] = H(x[i], S ⊕ (first + i))
//! hash_both   h[i] = [H(x[i], S ⊕ (first + i)), H(x[i] ⊕ Δ, S ⊕ (first + i))]
//! ```
//!
//! As in `half_gates`, key schedules are computed on the fly and overlap. A last single number is left to
//! `portable`, which states the equations.

use core::arch::x86_64::*;

use super::super::context::PairContext;
use super::super::portable;
use super::half_gates::{encrypt, store};
use super::pair::{Halves, Pair, load};
use crate::Block;
use crate::hash::HashKey;

pub(in super::super) fn hash_vaes(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
    #[target_feature(enable = "aes,avx2,vaes")]
    fn kernel(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
        // SAFETY: the features that `__m256i` needs are enabled here.
        unsafe { hash::<__m256i>(key, first, x, h) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_vaes()` holds.
    unsafe { kernel(key, first, x, h) }
}

pub(in super::super) fn hash_aes_ni(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
    #[target_feature(enable = "aes,ssse3")]
    fn kernel(key: &HashKey, first: u64, x: &[Block], h: &mut [Block]) {
        // SAFETY: the features that `Halves` needs are enabled here.
        unsafe { hash::<Halves>(key, first, x, h) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_aes_ni()` holds.
    unsafe { kernel(key, first, x, h) }
}

pub(in super::super) fn hash_both_vaes(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
    #[target_feature(enable = "aes,avx2,vaes")]
    fn kernel(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
        // SAFETY: the features that `__m256i` needs are enabled here.
        unsafe { hash_both::<__m256i>(keys, x, h) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_vaes()` holds.
    unsafe { kernel(keys, x, h) }
}

pub(in super::super) fn hash_both_aes_ni(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
    #[target_feature(enable = "aes,ssse3")]
    fn kernel(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
        // SAFETY: the features that `Halves` needs are enabled here.
        unsafe { hash_both::<Halves>(keys, x, h) }
    }
    // SAFETY: a `Backend` of this kind exists only where `has_aes_ni()` holds.
    unsafe { kernel(keys, x, h) }
}

/// `(S ⊕ n, S ⊕ (n + 1))` for `G` pairs of numbers from `n`.
#[inline(always)]
unsafe fn keys_from<P: Pair, const G: usize>(s: __m128i, n: u64) -> [P; G] {
    // SAFETY: the caller has the instructions of `P`; the others are part of x86-64.
    unsafe {
        let mut keys = [P::join(s, s); G];
        for (i, key) in keys.iter_mut().enumerate() {
            let n = n.wrapping_add(2 * i as u64);
            let tweak = |n: u64| _mm_xor_si128(s, _mm_set_epi64x(0, n as i64));
            *key = P::join(tweak(n), tweak(n.wrapping_add(1)));
        }
        keys
    }
}

#[inline(always)]
unsafe fn hash<P: Pair>(key: &HashKey, mut first: u64, x: &[Block], h: &mut [Block]) {
    let ((eights, x), (h_eights, h)) = (x.as_chunks::<8>(), h.as_chunks_mut::<8>());
    for (x, h) in eights.iter().zip(h_eights) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { hash_each::<P, 4>(key, first, x.as_chunks().0, h.as_chunks_mut().0) };
        first = first.wrapping_add(8);
    }
    let ((twos, x), (h_twos, h)) = (x.as_chunks::<2>(), h.as_chunks_mut::<2>());
    for (x, h) in twos.iter().zip(h_twos) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { hash_each::<P, 1>(key, first, &[*x], core::slice::from_mut(h)) };
        first = first.wrapping_add(2);
    }
    portable::hash(key, first, x, h);
}

/// Hashes `G` pairs of numbers.
#[inline(always)]
unsafe fn hash_each<P: Pair, const G: usize>(
    key: &HashKey,
    first: u64,
    x: &[[Block; 2]],
    h: &mut [[Block; 2]],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let k = keys_from::<P, G>(load(&key.block()), first);
        let mut sigma = [[k[0]; 1]; G];
        for (sigma, [a, b]) in sigma.iter_mut().zip(x) {
            *sigma = [P::join(load(a), load(b)).sigma()];
        }
        let e = encrypt(k, sigma);
        for ((h, [e]), [sigma]) in h.iter_mut().zip(e).zip(sigma) {
            let both = e.xor(sigma);
            store(&mut h[0], both.low());
            store(&mut h[1], both.high());
        }
    }
}

#[inline(always)]
unsafe fn hash_both<P: Pair>(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
    let mut first = keys.first;
    let ((eights, x), (h_eights, h)) = (x.as_chunks::<8>(), h.as_chunks_mut::<8>());
    for (x, h) in eights.iter().zip(h_eights) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { both_of_each::<P, 4>(keys, first, x.as_chunks().0, h.as_chunks_mut().0) };
        first = first.wrapping_add(8);
    }
    let ((twos, x), (h_twos, h)) = (x.as_chunks::<2>(), h.as_chunks_mut::<2>());
    for (x, h) in twos.iter().zip(h_twos) {
        // SAFETY: the caller has the instructions of `P`.
        unsafe { both_of_each::<P, 1>(keys, first, &[*x], core::slice::from_mut(h)) };
        first = first.wrapping_add(2);
    }
    portable::hash_both(&PairContext { first, ..*keys }, x, h);
}

/// Hashes two blocks for each of `G` pairs of numbers.
#[inline(always)]
unsafe fn both_of_each<P: Pair, const G: usize>(
    keys: &PairContext<'_>,
    first: u64,
    x: &[[Block; 2]],
    h: &mut [[[Block; 2]; 2]],
) {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let delta = load(&keys.delta.block());
        let deltas = P::join(delta, delta);
        let mut sigma = [[deltas; 2]; G];
        for (sigma, [a, b]) in sigma.iter_mut().zip(x) {
            let x = P::join(load(a), load(b));
            *sigma = [x.sigma(), x.xor(deltas).sigma()];
        }
        let e = encrypt(keys_from::<P, G>(load(&keys.key.block()), first), sigma);
        for ((h, e), sigma) in h.iter_mut().zip(e).zip(sigma) {
            for j in 0..2 {
                let both = e[j].xor(sigma[j]);
                store(&mut h[0][j], both.low());
                store(&mut h[1][j], both.high());
            }
        }
    }
}
