//! Random draws: an index, a probability, an exponential time, a shuffle.

use rand_core::RngCore;
use std::time::Duration;

/// Uniform in `0..n`; `n` is not 0.
///
/// Numbers below `2⁶⁴ mod n` are rejected, so that each remainder is equally likely.
pub(crate) fn index(rng: &mut impl RngCore, n: usize) -> usize {
    let n = n as u64;
    let biased = n.wrapping_neg() % n;
    loop {
        let drawn = rng.next_u64();
        if drawn >= biased {
            return (drawn % n) as usize;
        }
    }
}

/// One of `all`; `None` if it is empty.
pub(crate) fn pick<'a, T>(rng: &mut impl RngCore, all: &'a [T]) -> Option<&'a T> {
    if all.is_empty() { None } else { all.get(index(rng, all.len())) }
}

/// Uniform in `[0, 1)`.
pub(crate) fn unit(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Exponentially distributed with this mean: `−mean · ln(1 − u)`.
pub(crate) fn exponential(rng: &mut impl RngCore, mean: Duration) -> Duration {
    mean.mul_f64(-(1.0 - unit(rng)).ln())
}

/// Every order is equally likely (Fisher and Yates).
pub(crate) fn shuffle<T>(rng: &mut impl RngCore, all: &mut [T]) {
    for i in (1..all.len()).rev() {
        all.swap(i, index(rng, i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn indices_are_uniform_and_times_have_their_mean() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[index(&mut rng, 3)] += 1;
        }
        assert!(counts.iter().all(|c| (9_700..10_300).contains(c)), "{counts:?}");
        let mean = Duration::from_secs(98);
        let sum: Duration = (0..30_000).map(|_| exponential(&mut rng, mean)).sum();
        assert!((sum.as_secs_f64() / 30_000.0 - 98.0).abs() < 2.0);
    }

    #[test]
    fn a_shuffle_moves_every_item_to_every_place() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut first = [0u32; 4];
        for _ in 0..8_000 {
            let mut all = [0, 1, 2, 3];
            shuffle(&mut rng, &mut all);
            first[all[0]] += 1;
        }
        assert!(first.iter().all(|c| (1_850..2_150).contains(c)), "{first:?}");
    }
}
