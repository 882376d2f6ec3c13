//! Token buckets: how much of something a peer may cause, at once and in the long run.
//!
//! ```text
//! tokens(t) = min(burst, tokens(t₀) + rate·(t − t₀))        a use of n is allowed ⇔ n ≤ tokens, and takes n
//! ```

use core::time::Duration;

/// What a bucket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Units a second in the long run.
    pub rate: u64,
    /// Units at once.
    pub burst: u64,
}

/// A bucket.
///
/// ```
/// use sotto_node::token_bucket::{Allowance, TokenBucket};
/// use std::time::Duration;
///
/// // Ten units a second in the long run, thirty at once.
/// let mut bucket = TokenBucket::new(Allowance { rate: 10, burst: 30 }, Duration::ZERO);
/// assert!(bucket.take(Duration::ZERO, 30));
/// assert!(!bucket.take(Duration::ZERO, 1));
/// assert!(bucket.take(Duration::from_secs(1), 10));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    allowance: Allowance,
    /// In millionths of a unit.
    tokens: u128,
    at: Duration,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub const fn new(allowance: Allowance, now: Duration) -> Self {
        Self { allowance, tokens: allowance.burst as u128 * 1_000_000, at: now }
    }

    /// Takes `n` units, if they are there.
    pub fn take(&mut self, now: Duration, n: u64) -> bool {
        let enough = self.affords(now, n);
        if enough {
            self.tokens -= u128::from(n) * 1_000_000;
        }
        enough
    }

    /// Whether `n` units are there.
    pub fn affords(&mut self, now: Duration, n: u64) -> bool {
        let passed = now.saturating_sub(self.at).as_micros();
        let full = u128::from(self.allowance.burst) * 1_000_000;
        self.tokens = full.min(self.tokens.saturating_add(passed.saturating_mul(self.allowance.rate.into())));
        self.at = self.at.max(now);
        u128::from(n) * 1_000_000 <= self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate_and_never_more() {
        let mut m = TokenBucket::new(Allowance { rate: 10, burst: 30 }, Duration::ZERO);
        let at = Duration::from_millis;
        assert!(m.take(at(0), 30) && !m.take(at(0), 1));
        assert!(!m.take(at(99), 1) && m.take(at(100), 1) && !m.take(at(100), 1));
        assert!(!m.take(at(10_000_000), 31) && m.take(at(10_000_000), 30));
        assert!(m.take(at(20_000_000), 30) && !m.take(at(20_000_000), 1));
        // A clock that goes back gives nothing.
        assert!(!m.take(at(0), 1) && !m.take(at(20_000_000), 1));
    }
}
