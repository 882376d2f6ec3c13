//! The order in which things leave: what was appended to the log, then `votes`, then the messages.
//!
//! ```text
//! put         ──────────────────────────────────────────────▶ leaves with this step
//! put_written ─▶ if something was appended: Write ─▶ held ──Written──▶ leaves
//! ```
//!
//! What others said is appended and not written until something of our own is to leave: so one write a
//! message of our own is enough, and losing the rest is as if it had not arrived.

use super::{
    event::{Effect, WriteId},
    guard::Votes,
    log::LogWriter,
};
use std::collections::VecDeque;

/// The effects of a step, and those that wait for the disk.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    now: Vec<Effect>,
    written: Vec<Effect>,
    held: VecDeque<(WriteId, Effect)>,
    last: WriteId,
    on_disk: WriteId,
    votes: Option<Votes>,
}

impl Outbox {
    /// This file is on disk.
    pub(super) fn new(votes: Option<Votes>) -> Self {
        Self { votes, ..Self::default() }
    }

    /// Leaves at once.
    pub(super) fn put(&mut self, effect: Effect) {
        self.now.push(effect);
    }

    /// Leaves when all that was appended is on disk.
    pub(super) fn put_written(&mut self, effect: Effect) {
        self.written.push(effect);
    }

    /// Everything up to this write is on disk.
    pub(super) fn on_written(&mut self, id: WriteId) {
        self.on_disk = self.on_disk.max(id.min(self.last));
        let free = self.held.iter().take_while(|(needs, _)| *needs <= self.on_disk).count();
        self.now.extend(self.held.drain(..free).map(|(_, effect)| effect));
    }

    /// The height is over: what was to be said of it is said no more.
    pub(super) fn move_on(&mut self) {
        self.held.clear();
        self.written.clear();
    }

    /// The effects of this step.
    pub(super) fn finish(&mut self, log: Option<&mut LogWriter>, votes: Option<&Votes>) -> Vec<Effect> {
        if let (false, Some(log), Some(votes)) = (self.written.is_empty(), log, votes)
            && (log.is_dirty() || self.votes != Some(*votes))
        {
            self.last = WriteId(self.last.0 + 1);
            self.votes = Some(*votes);
            let (log_at, log) = log.take();
            self.now.push(Effect::Write { id: self.last, log_at, log, votes: *votes });
        }
        let waits = self.last > self.on_disk;
        for effect in self.written.drain(..) {
            if waits {
                self.held.push_back((self.last, effect));
            } else {
                self.now.push(effect);
            }
        }
        core::mem::take(&mut self.now)
    }
}
