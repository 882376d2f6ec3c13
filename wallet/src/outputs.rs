//! A wallet's outputs: one record each, in exactly one status, so that none counts twice.
//!
//! ```text
//!                  ┌──────────── on chain ────────────┬────────── on chain, held ───────────┐
//!                  │                                  ▼                                     ▼
//! own slate ─▶ Pending ◀─ absent, slate waits ─ Unspent ◀─ cancel, expiry ─ confirmed plan ─▶ Locked
//!                  │                                  │                                     │
//!                  │ absent, its slate failed         └───────── absent, spent ─────────┬───┘
//!                  ▼                                                                    ▼
//!      Failed (or forgotten, when nothing unconfirmed spends it)                      Spent ── on chain ─▶ Unspent, Locked
//!
//! found by a scan, never seen before ─▶ Unspent, or Spent when a stored block spends it
//! found by a scan, and its block taken back ─▶ forgotten
//! ```
//!
//! After a scan the status is a function of two facts alone: what the chain says (on chain or absent), and what became of
//! the slates. So the order in which confirmation, cancelling, expiry and reorganisation are noticed does not matter.

use crate::keys::{Account, Purpose};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::PointBytes,
    output::OutputFeatures,
    range_proof::Opening,
    session::SessionId,
};

/// How the wallet came to know an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A scan found it.
    Chain,
    /// It was made in this session.
    Slate(SessionId),
}

/// Where an output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Made here, not on the chain.
    Pending,
    /// On the chain and free.
    Unspent {
        /// Height of its block.
        created: Height,
    },
    /// On the chain and reserved by an open slate.
    Locked {
        /// Height of its block.
        created: Height,
        /// The slate's session.
        by: SessionId,
    },
    /// No longer on the chain.
    Spent {
        /// Height of the block that made it.
        created: Height,
        /// Height of the block that spent it, or, where no stored block tells, of the scan that noticed.
        gone: Height,
    },
    /// Made here, and never to be on the chain: its slate failed.
    Failed,
}

/// One output of the wallet: its blinding factor is derived from these, never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecord {
    /// The output's name: its bytes alone, since decoding a point takes longer than reading the rest of the record.
    pub commitment: PointBytes,
    /// Whose.
    pub account: Account,
    /// Received or change.
    pub purpose: Purpose,
    /// Amount and index.
    pub opening: Opening,
    /// Plain or coinbase.
    pub features: OutputFeatures,
    /// How it came to be known.
    pub origin: Origin,
    /// Where it stands.
    pub status: Status,
}

/// What an account, or a wallet, has. No output counts in two of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Can be spent in the next block.
    pub spendable: Amount,
    /// Block rewards that cannot be spent yet.
    pub immature: Amount,
    /// Promised, by others or by oneself: signed, not on the chain. Nobody's until it is.
    pub pending: Amount,
    /// Reserved by open slates.
    pub locked: Amount,
    /// What comes back of `locked` when those payments confirm: no money of its own.
    pub change: Amount,
}

impl Balance {
    /// What is owned on the chain: spendable, immature and locked.
    #[must_use]
    pub fn total(&self) -> Amount {
        add(add(self.spendable, self.immature), self.locked)
    }

    /// Adds one output.
    pub(crate) fn count(&mut self, o: &OutputRecord, chain: &Chain, tip: Height) {
        let field = match (o.status, o.purpose) {
            (Status::Pending, Purpose::Received) => &mut self.pending,
            (Status::Pending, Purpose::Change) => &mut self.change,
            (Status::Unspent { .. }, _) if o.is_spendable(chain, tip) => &mut self.spendable,
            (Status::Unspent { .. }, _) => &mut self.immature,
            (Status::Locked { .. }, _) => &mut self.locked,
            (Status::Spent { .. } | Status::Failed, _) => return,
        };
        *field = add(*field, o.opening.amount);
    }
}

/// A sum for display; promises may be absurd, so it stops at the largest amount instead of wrapping.
fn add(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::new(u64::MAX))
}

impl OutputRecord {
    /// The first height at which it can be spent, if it is on the chain.
    #[must_use]
    pub fn matures(&self, chain: &Chain) -> Option<Height> {
        let (Status::Unspent { created } | Status::Locked { created, .. }) = self.status else { return None };
        let wait = if self.features == OutputFeatures::Coinbase { chain.params().maturity } else { 0 };
        Some(created.plus(wait))
    }

    /// Whether the block after `tip` can spend it, and no slate holds it.
    #[must_use]
    pub fn is_spendable(&self, chain: &Chain, tip: Height) -> bool {
        let free = matches!(self.status, Status::Unspent { .. });
        free && self.matures(chain).is_some_and(|h| h <= tip.next())
    }
}
