//! How long a blocking connection may take.

use core::time::Duration;

/// Time limits of one connection. None of its calls blocks longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the peer to appear.
    pub connect: Duration,
    /// For the whole handshake.
    pub handshake: Duration,
    /// For one read or write to make progress.
    pub idle: Duration,
    /// For the whole session after its handshake.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 30 s to appear, 10 s for the handshake, 30 s without progress, an hour in total.
    fn default() -> Self {
        let (half_a_minute, hour) = (Duration::from_secs(30), Duration::from_secs(3600));
        Self { connect: half_a_minute, handshake: Duration::from_secs(10), idle: half_a_minute, total: hour }
    }
}
