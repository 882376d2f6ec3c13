//! What the child that compiles a source may use.

use std::time::Duration;

/// What a child process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes, the program itself included.
    pub memory: u64,
    /// Processor time in seconds.
    pub seconds: u32,
    /// The time until the child is ended, however busy the machine is.
    pub wall: Duration,
}

impl Default for Limits {
    /// 480 MiB, 4 seconds of processor time, and 20 seconds in all.
    fn default() -> Self {
        Self { memory: 480 << 20, seconds: 4, wall: Duration::from_secs(20) }
    }
}
