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
//! **Failure.** A lane that fails raises [`Stop`] and then drops its channel, so its peer does not wait for it. The channels
//! of the party's other lanes then fail at their next use, and the session fails with the error of the lane that failed
//! first. So all threads of both parties end; a silent peer is bounded by the time limits of the channels.
//!
//! A lane is one thread, without queues; `docs/GARBLING.md` counts its memory.

use std::sync::OnceLock;
use std::thread::{self, ScopedJoinHandle};

use super::session::SessionError;
use crate::channel::{Channel, ChannelError, Phase};

/// Raised by the first lane that fails; `None` if it panicked.
#[derive(Default)]
pub(super) struct Stop(OnceLock<Option<SessionError>>);

impl Stop {
    /// Runs the work of a lane; `None` after an error, which is kept if it is the first.
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

/// Waits for the further lanes, and gives back each of them and what it computed.
pub(super) type Others<'w, L, T> = Box<dyn FnOnce() -> Result<Vec<(L, T)>, SessionError> + 'w>;

/// Runs `work` on each of the further lanes, each on a thread of its own, and `first` on lane `zero` on this one, in which it
/// may wait for the [`Others`]. That fails if one of them failed. A lane is dropped only after its error is kept.
pub(super) fn run<L: Send, T: Send, R>(
    zero: L,
    further: Vec<L>,
    work: impl Fn(u8, &mut L, &Stop) -> Result<T, SessionError> + Sync,
    first: impl FnOnce(&mut L, &Stop, Others<'_, L, T>) -> Result<R, SessionError>,
) -> Result<(L, R), SessionError> {
    let stop = Stop::default();
    let result = thread::scope(|scope| {
        let (stop, work, mut zero) = (&stop, &work, zero);
        let spawn = |(lane, mut what)| {
            let run = move || stop.watch(|| work(lane, &mut what, stop)).map(|done| (what, done));
            thread::Builder::new().spawn_scoped(scope, run).map_err(|e| SessionError::Thread(e.kind()))
        };
        let result = stop.watch(|| {
            let threads: Vec<_> = (1..).zip(further).map(spawn).collect::<Result<_, _>>()?;
            let join = |thread: ScopedJoinHandle<'_, Option<_>>| match thread.join() {
                Ok(result) => result.ok_or(STOPPED),
                Err(panic) => std::panic::resume_unwind(panic),
            };
            first(&mut zero, stop, Box::new(move || threads.into_iter().map(join).collect()))
        });
        result.map(|done| (zero, done))
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
    channel: &'s mut C,
    stop: &'s Stop,
}

impl<'s, C> Lane<'s, C> {
    pub(super) const fn new(channel: &'s mut C, stop: &'s Stop) -> Self {
        Self { channel, stop }
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
