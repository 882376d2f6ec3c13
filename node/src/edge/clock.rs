//! A node's clock: the time since its start, which changes of the system time do not affect; and the system
//! time, which a validator needs.

use std::time::{Duration, Instant, SystemTime};

/// A running clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts a clock.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The system time, in seconds since 1970; 0 if it is before.
    #[must_use]
    pub(crate) fn system_seconds() -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs())
    }

    /// The time since the start; it never decreases.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
