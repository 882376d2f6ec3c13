//! The clock of a node: the time since it started, which a change of the time of day does not touch.

use std::time::{Duration, Instant};

/// A clock that was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Starts a clock.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run; never less than before.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
