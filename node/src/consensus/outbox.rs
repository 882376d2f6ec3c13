//! The order in which things leave: what was appended to the log, then `votes`, then accounts,
//! then the messages.
//!
//! ```text
//! put         ──────────────────────────────────────────────▶ leaves with this step
//! put_written ─▶ if something was appended: Write ─▶ held ──Written──▶ leaves
//! ```
//!
//! The file of accounts changes when a vote goes against a former lock; it is written with that vote, after
//! `votes`, so that it never has a vote that the log has not.
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
    /// The file of accounts, if it changed.
    accounts: Option<Vec<u8>>,
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

    /// Goes to disk before what is put to leave after that.
    pub(super) fn save_accounts(&mut self, file: Vec<u8>) {
        self.accounts = Some(file);
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
        // Without a record of its own, as with a group's key, there is nothing to write and nothing to wait for.
        let log = log.filter(|_| votes.is_some());
        let leaves = !self.written.is_empty() || self.accounts.is_some();
        if let (true, Some(log), Some(votes)) = (leaves, log, votes)
            && (log.is_dirty() || self.votes != Some(*votes) || self.accounts.is_some())
        {
            self.last = WriteId(self.last.0 + 1);
            self.votes = Some(*votes);
            let (log_at, log) = log.take();
            let accounts = self.accounts.take();
            self.now.push(Effect::Write { id: self.last, log_at, log, votes: *votes, accounts });
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
