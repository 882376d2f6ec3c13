//! Lanes: the threads of a session, each with a channel, transfers and gate numbers of its own.
//!
//! ```text
//! lane 0   hello ── set-up ──┬── first slices ─────────────┬── final program ── outputs
//! lane 1                     ├── next slices ── labels ────┤
//! lane 2                     └── last slices ── labels ────┘
//! ```
//!
//! What goes from a lane to lane 0 are labels, inside a party. All lanes share `Δ` and the keys of an execution.
//! `docs/GARBLING.md` says why that is sound.
//!
//! **Failure.** A lane that fails drops its channel, so its peer does not wait for it, and raises [`Stop`]. The channels of
//! the party's other lanes then fail at their next use. So all threads of both parties end as soon as none of them waits
//! for the network, and the session fails with the error of the lane that failed first.
//!
//! **Memory** of a lane: the buffers of its channel, 64 KiB of tables, 128 KiB of transfers, and its share of the labels that
//! a session prefetches. There is no other thread, and no queue between threads.

use std::sync::OnceLock;
use std::thread;

use super::session::SessionError;
use crate::channel::{Channel, ChannelError, Phase};

/// Raised by the first lane that fails; `None` if it panicked.
#[derive(Default)]
pub(super) struct Stop(OnceLock<Option<SessionError>>);

impl Stop {
    /// Runs the work of a lane, which drops its channel before it returns an error; `None` after an error.
    fn watch<T>(&self, work: impl FnOnce() -> Result<T, SessionError>) -> Option<T> {
        let panicked = RaiseOnDrop(self);
        let result = work();
        core::mem::forget(panicked);
        result.map_err(|error| self.0.set(Some(error))).ok()
    }
}

struct RaiseOnDrop<'s>(&'s Stop);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        let _ = self.0.0.set(None);
    }
}

/// Waits for the further lanes, and gives back what each took with it and what it computed.
pub(super) type Others<'w, L, T> = &'w mut dyn FnMut() -> Result<Vec<(L, T)>, SessionError>;

/// Runs `work` on each of the further lanes, each on a thread of its own, and `first` on this one, in which it may wait for
/// the [`Others`]. That fails if one of them failed.
pub(super) fn run<L: Send, T: Send, R>(
    further: Vec<L>,
    work: impl Fn(u8, L, &Stop) -> Result<(L, T), SessionError> + Sync,
    first: impl FnOnce(&Stop, Others<'_, L, T>) -> Result<R, SessionError>,
) -> Result<R, SessionError> {
    let stop = Stop::default();
    let result = thread::scope(|scope| {
        let (stop, work) = (&stop, &work);
        let spawn = |(lane, what)| scope.spawn(move || stop.watch(|| work(lane, what, stop)));
        let threads: Vec<_> = (1..).zip(further).map(spawn).collect();
        let mut threads = Some(threads);
        let mut wait = || -> Result<Vec<(L, T)>, SessionError> {
            let joined = threads.take().into_iter().flatten().map(|thread| match thread.join() {
                Ok(result) => result.ok_or(STOPPED),
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect()
        };
        stop.watch(|| first(stop, &mut wait))
    });
    match (result, stop.0.into_inner()) {
        (Some(result), None) => Ok(result),
        (_, error) => Err(error.flatten().unwrap_or(STOPPED)),
    }
}

/// What a lane reports after another has failed; the session reports the other's error.
const STOPPED: SessionError = SessionError::Channel(ChannelError::Closed { phase: Phase::Tables });

/// The channel of a lane, which fails once another lane has failed.
pub(super) struct Lane<'s, C> {
    channel: C,
    stop: &'s Stop,
}

impl<'s, C> Lane<'s, C> {
    pub(super) const fn new(channel: C, stop: &'s Stop) -> Self {
        Self { channel, stop }
    }

    pub(super) fn into_inner(self) -> C {
        self.channel
    }

    fn go_on(&self, phase: Phase) -> Result<(), ChannelError> {
        if self.stop.0.get().is_none() { Ok(()) } else { Err(ChannelError::Closed { phase }) }
    }
}

impl<C: Channel> Channel for Lane<'_, C> {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        self.go_on(phase)?;
        self.channel.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.channel.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.go_on(phase)?;
        self.channel.receive_some(phase, into)
    }

    fn receive(&mut self, phase: Phase, into: &mut [u8]) -> Result<(), ChannelError> {
        self.go_on(phase)?;
        self.channel.receive(phase, into)
    }
}
