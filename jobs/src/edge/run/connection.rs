//! A client's connection while it sends its request: limited in time, and closed when the run is over.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sotto_link::pinned::Pinned;

use super::setup::RETRY_INTERVAL;

/// For a word on any link.
const WORD: Duration = Duration::from_secs(10);
/// Slowest link, in bytes a second.
const SLOW: u64 = 16 << 10;

/// How long so many bytes may take.
pub(crate) const fn time_for(bytes: usize) -> Duration {
    WORD.saturating_add(Duration::from_secs(bytes as u64 / SLOW))
}

/// The connection. Reading ends when time is up or the compute party's part is over; writing when time is up.
pub(crate) struct ClientConnection<'o> {
    inner: Pinned,
    over: &'o AtomicBool,
    end: Instant,
}

impl<'o> ClientConnection<'o> {
    pub(crate) fn new(inner: Pinned, over: &'o AtomicBool, time: Duration) -> Self {
        Self { inner, over, end: Instant::now() + time }
    }

    /// What follows may take so long.
    pub(crate) fn end_in(&mut self, time: Duration) {
        self.end = Instant::now() + time;
        self.inner.set_deadline(self.end);
    }

    pub(crate) fn into_inner(self) -> Pinned {
        self.inner
    }
}

impl Read for ClientConnection<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let now = Instant::now();
            if self.over.load(Ordering::Acquire) {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            self.inner.set_deadline(self.end.min(now + RETRY_INTERVAL));
            match self.inner.read(into) {
                // A read that ends early has taken nothing.
                Err(e) if e.kind() == ErrorKind::TimedOut && now < self.end => {}
                done => return done,
            }
        }
    }
}

impl Write for ClientConnection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.set_deadline(self.end);
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
