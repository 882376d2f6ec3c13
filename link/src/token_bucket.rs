//! A token bucket: how long to pause so that a stream keeps to an average rate.
//!
//! ```text
//! debt ← max(0, debt − rate·elapsed) + n          pause = debt / rate
//! ```
//!
//! Guaranteed: a caller that makes the pauses sends at most `rate` bytes per second on average. Silence earns
//! no credit. Time is an argument.

use core::time::Duration;

/// The bytes a stream has sent ahead of its rate.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    /// Bytes per second.
    rate: f64,
    debt: f64,
    at: Duration,
}

impl TokenBucket {
    /// An empty bucket with a rate in bytes per second, at least one.
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1) as f64, debt: 0.0, at: Duration::ZERO }
    }

    /// Takes `n` bytes at time `now` and returns how long to pause before sending them.
    pub(crate) fn take(&mut self, now: Duration, n: u64) -> Duration {
        let elapsed = now.saturating_sub(self.at).as_secs_f64();
        self.debt = (self.debt - elapsed * self.rate).max(0.0) + n as f64;
        self.at = self.at.max(now);
        Duration::try_from_secs_f64(self.debt / self.rate).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_on_average_and_silence_earns_no_credit() {
        let (mut bucket, mut now) = (TokenBucket::new(1000), Duration::from_secs(60));
        for _ in 0..100 {
            now += bucket.take(now, 50);
        }
        assert!((now.as_secs_f64() - 65.0).abs() < 1e-6, "{now:?}");
        assert_eq!(bucket.take(now + Duration::from_secs(60), 500), Duration::from_millis(500));
    }
}
