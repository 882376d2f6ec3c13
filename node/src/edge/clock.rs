//! A node's clock: the time since its start. Changes of the system time do not affect it.

use std::time::{Duration, Instant};

/// A running clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts a clock.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start; it never decreases.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
