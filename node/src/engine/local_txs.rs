//! Transactions that were submitted to this node, and which of them are saved, acknowledged and to be stemmed
//! again.
//!
//! ```text
//! submitted ─▶ saved? ── no ─▶ refused: no peer has heard of it
//!                 └ yes ─▶ acknowledged, stemmed ─▶ public ─▶ in a block: forgotten
//!                              ▲      fluff refused, or public no longer │        └ expired: dropped
//!                              └──────────── a random delay ◀────────────┘
//! ```
//!
//! What is public may cease to be: a transaction that was aggregated with another on its stem falls with it,
//! and a mempool drops what pays least. Then it is stemmed again as if it were new, since a node that fluffed
//! it now would be known as its origin: no other still has it. It waits first, for an exponential time as
//! long on average as an embargo, because what comes at once after a block comes from nearby.
//!
//! Guaranteed: a transaction that was acknowledged is saved durably until a block has it or its window is
//! over: here, or where it is pending under its own name, in the mempool's file. Not guaranteed: that one
//! which a restart found in the mempool is stemmed again when the mempool drops it, nor one whose block was
//! undone. An attacker who makes a transaction fall sees its route a second time, which shows no more before
//! the epoch changes (`docs/THREATS.md`).

use crate::event::RequestId;
use core::time::Duration;
use sotto_mw::{error::Rejection, hash::Hash, rules::Verified, transaction::Transaction};
use std::collections::BTreeMap;

/// What was submitted here.
#[derive(Debug, Default)]
pub(crate) struct LocalTxs {
    all: BTreeMap<Hash, Verified<Transaction>>,
    /// Those that no peer has heard of, and the requests that wait for a response.
    unacknowledged: Vec<(RequestId, Hash)>,
    /// Those that are neither stemmed nor public, and when they are stemmed again.
    again: BTreeMap<Hash, Duration>,
    file: File,
}

/// How what is to be saved compares with what was saved last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum File {
    #[default]
    Same,
    /// The file holds more than it need.
    Stale,
    /// The file must be written before this step is over.
    Due,
}

/// How far a submitted transaction has come.
pub(crate) enum TxStatus {
    /// A block has it.
    Sealed,
    /// No block can have it any more.
    Expired(Rejection),
    /// It is stemmed or public.
    UnderWay,
    /// Only this node has it, as far as it knows.
    Lost,
}

impl LocalTxs {
    pub(crate) fn contains(&self, id: &Hash) -> bool {
        self.all.contains_key(id)
    }

    pub(crate) fn get(&self, id: &Hash) -> Option<&Verified<Transaction>> {
        self.all.get(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &Hash> {
        self.all.keys()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Hash, &Transaction)> {
        self.all.iter().map(|(id, t)| (id, t.get()))
    }

    /// Takes in what was submitted now. It must be saved before any peer hears of it.
    pub(crate) fn submit(&mut self, request: RequestId, id: Hash, t: Verified<Transaction>) {
        self.all.insert(id, t);
        self.unacknowledged.push((request, id));
        self.file = File::Due;
    }

    /// Takes in what an earlier run saved.
    pub(crate) fn load(&mut self, id: Hash, t: Verified<Transaction>) {
        self.all.insert(id, t);
    }

    pub(crate) fn take_unacknowledged(&mut self) -> Vec<(RequestId, Hash)> {
        core::mem::take(&mut self.unacknowledged)
    }

    /// Plans to stem one again, unless that is planned already.
    pub(crate) fn schedule(&mut self, id: Hash, at: Duration) {
        self.again.entry(id).or_insert(at);
    }

    /// Does not stem one again.
    pub(crate) fn cancel(&mut self, id: &Hash) {
        self.again.remove(id);
    }

    /// Those that are to be stemmed again by now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<Hash> {
        let due = self.again.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        self.again.retain(|_, at| *at > now);
        due
    }

    pub(crate) fn forget(&mut self, id: &Hash) {
        self.all.remove(id);
        self.again.remove(id);
        self.mark_stale();
    }

    /// Takes note that one of these may be public now, or not stemmed any longer.
    pub(crate) fn touch(&mut self, id: &Hash) {
        if self.contains(id) {
            self.mark_stale();
        }
    }

    /// Takes note that the file holds more than it need.
    pub(crate) fn mark_stale(&mut self) {
        if self.file == File::Same {
            self.file = File::Stale;
        }
    }

    /// Has a stale file written in this step.
    pub(crate) fn save_stale(&mut self) {
        if self.file == File::Stale {
            self.file = File::Due;
        }
    }

    /// Whether the file must be written now; it counts as written then.
    pub(crate) fn take_save(&mut self) -> bool {
        let due = self.file == File::Due;
        if due {
            self.file = File::Same;
        }
        due
    }
}
