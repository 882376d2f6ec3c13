//! A token bucket: how long to pause so that a rate is kept on average.
//!
//! ```text
//! debt ← max(0, debt − rate·elapsed) + n          pause = debt / rate
//! ```
//!
//! Time comes in as an argument.

use std::time::Duration;

/// What is owed at a rate.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Bytes a second.
    rate: f64,
    debt: f64,
    at: Duration,
}

impl Bucket {
    /// An empty bucket of a rate in bytes a second, at least one.
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1) as f64, debt: 0.0, at: Duration::ZERO }
    }

    /// Takes `n` bytes at the moment `now`; how long to pause before they are passed on.
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
    fn a_rate_is_kept_on_average_and_silence_is_not_saved_up() {
        let (mut bucket, mut now) = (Bucket::new(1000), Duration::from_secs(60));
        for _ in 0..100 {
            now += bucket.take(now, 50);
        }
        assert!((now.as_secs_f64() - 65.0).abs() < 1e-6, "{now:?}");
        assert_eq!(bucket.take(now + Duration::from_secs(60), 500), Duration::from_millis(500));
    }
}
