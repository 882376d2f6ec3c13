//! Cover traffic: when to send messages without content.
//!
//! With [`Cover::Mean`] the times between cover messages are exponentially distributed, so they form a
//! Poisson process that is independent of the real traffic. A time is never longer than a third of the idle
//! limit, so the peer does not give up.

use core::time::Duration;

use rand_core::RngCore;

/// When to send messages without content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// Only when the connection would otherwise be silent for too long.
    #[default]
    Sparse,
    /// At random times with this mean distance, whatever else is sent.
    Mean(Duration),
}

impl Cover {
    /// The time until the next cover message, at most a third of `idle`.
    pub(crate) fn gap(self, idle: Duration, rng: &mut impl RngCore) -> Duration {
        let longest = idle / 3;
        let Self::Mean(mean) = self else { return longest };
        // Uniform in (0, 1]; −ln of it is exponentially distributed with mean one.
        let uniform = ((rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        Duration::try_from_secs_f64(-uniform.ln() * mean.as_secs_f64()).unwrap_or(longest).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    #[test]
    fn gaps_have_their_mean_and_their_bound() {
        let (mut rng, idle) = (ChaCha8Rng::seed_from_u64(1), Duration::from_secs(300));
        assert_eq!(Cover::Sparse.gap(idle, &mut rng), Duration::from_secs(100));
        let cover = Cover::Mean(Duration::from_secs(2));
        let sum: Duration = (0..10_000).map(|_| cover.gap(idle, &mut rng)).sum();
        assert!((sum.as_secs_f64() / 10_000.0 - 2.0).abs() < 0.1, "{sum:?}");
        let rare = Cover::Mean(Duration::from_secs(100_000));
        assert!((0..100).all(|_| rare.gap(idle, &mut rng) <= idle / 3));
    }
}
