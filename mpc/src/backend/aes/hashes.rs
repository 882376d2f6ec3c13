//! The kernel of hashes alone: two numbers side by side, several pairs of numbers in flight.
//!
//! ```text
//! hash        h[i] = H(x[i], S ⊕ (first + i))
//! hash_both   h[i] = [H(x[i], S ⊕ (first + i)), H(x[i] ⊕ Δ, S ⊕ (first + i))]
//! ```
//!
//! As in `half_gates`, key schedules are computed on the fly and overlap. A last single number is left to
//! `portable`, which states the equations.

use super::super::context::PairContext;
use super::super::portable;
use super::half_gates::encrypt;
use super::pair::{Pair, State};
use crate::Block;
use crate::hash::HashKey;

/// `(S ⊕ n, S ⊕ (n + 1))` for `G` pairs of numbers from `n`.
#[inline(always)]
unsafe fn keys_from<P: Pair, const G: usize>(s: P::State, n: u64) -> [P; G] {
    // SAFETY: the caller has the instructions of `P`.
    unsafe {
        let mut keys = [P::join(s, s); G];
        for (i, key) in keys.iter_mut().enumerate() {
            let n = n.wrapping_add(2 * i as u64);
            *key = P::join(s.tweaked(n), s.tweaked(n.wrapping_add(1)));
        }
        keys
    }
}

#[inline(always)]
pub(super) unsafe fn hash<P: Pair>(key: &HashKey, mut first: u64, x: &[Block], h: &mut [Block]) {
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
        let k = keys_from::<P, G>(P::State::load(&key.block()), first);
        let mut sigma = [[k[0]; 1]; G];
        for (sigma, [a, b]) in sigma.iter_mut().zip(x) {
            *sigma = [P::join(P::State::load(a), P::State::load(b)).sigma()];
        }
        let e = encrypt(k, sigma);
        for ((h, [e]), [sigma]) in h.iter_mut().zip(e).zip(sigma) {
            let both = e.xor(sigma);
            both.low().store(&mut h[0]);
            both.high().store(&mut h[1]);
        }
    }
}

#[inline(always)]
pub(super) unsafe fn hash_both<P: Pair>(keys: &PairContext<'_>, x: &[Block], h: &mut [[Block; 2]]) {
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
        let delta = P::State::load(&keys.delta.block());
        let deltas = P::join(delta, delta);
        let mut sigma = [[deltas; 2]; G];
        for (sigma, [a, b]) in sigma.iter_mut().zip(x) {
            let x = P::join(P::State::load(a), P::State::load(b));
            *sigma = [x.sigma(), x.xor(deltas).sigma()];
        }
        let e = encrypt(keys_from::<P, G>(P::State::load(&keys.key.block()), first), sigma);
        for ((h, e), sigma) in h.iter_mut().zip(e).zip(sigma) {
            for j in 0..2 {
                let both = e[j].xor(sigma[j]);
                both.low().store(&mut h[0][j]);
                both.high().store(&mut h[1][j]);
            }
        }
    }
}
