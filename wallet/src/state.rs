//! What a wallet knows: outputs and payments, and how both change.
//!
//! ```text
//! sent: see `sent`     received: answered = signed     moved (to oneself) = signed     asked, paid: see `invoices`
//!
//!             ┌───────────── kernel in the chain ─────────────▶ confirmed
//! signed ─▶ waiting ◀────────── kernel gone ───────────────────────┘
//!             │  ▲
//!             │  └─── the other block taken back ───┐
//!             ├──── an input spent by another ──▶ displaced ── that is K deep ─▶ failed
//!             └──── past last height + K, or an input's own payment failed ───▶ failed (inputs free)
//! ```
//!
//! [`Fate`] is a function of the chain alone, so it follows every reorganisation and does not depend on the order in which
//! things are noticed; a kernel in the chain always means confirmed. K is the chain's reorganisation limit. Cancelling is free
//! while nothing signed has left. Afterwards, and in a copy of the wallet, whose original may have signed, a payment ends by
//! expiry or by a self-spend: a transaction that moves one of its inputs to this wallet and so displaces it.

mod invoices;
mod moved;
mod sent;
mod settle;

pub use invoices::{Asked, AskedStage, Paid};
pub use moved::{Moved, Reason};
pub use sent::{Answer, Invited, Part, Sent, Signed, Stage};
pub(crate) use settle::{Seen, last_chance};

use crate::{
    contacts::Contacts,
    keys::{Account, Purpose},
    outputs::{Balance, Origin, OutputRecord, Status},
    scan::Search,
    select::{self, SelectError},
    slate::{Invite, Response, SlateError},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::PointBytes,
    hash::Hash,
    kernel::Excess,
    session::SessionId,
};
use std::collections::BTreeMap;

/// What became of something signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its kernel may still enter the chain.
    Waiting,
    /// Its kernel is in the chain.
    Confirmed {
        /// In the block of this height.
        height: Height,
    },
    /// Another transaction has spent one of its inputs: in this chain it cannot come true.
    Displaced {
        /// Where that is known to have happened: the other transaction's block, or the scan that noticed.
        height: Height,
    },
    /// It can enter no block any more, whatever is reorganised.
    Failed,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begun here; the other side's answer is awaited, and cancelling is free.
    Begun,
    /// Answered, and not signed before the other recipients of the same transaction answer; cancelling is free.
    Held,
    /// Called off.
    Cancelled,
    /// This wallet has signed.
    Signed(Fate),
}

impl Fate {
    /// What calling something signed off comes to.
    const fn cancelled(self, until: Height) -> Result<(), SlateError> {
        match self {
            Self::Failed => Ok(()),
            Self::Confirmed { height } => Err(SlateError::Confirmed { height }),
            Self::Waiting | Self::Displaced { .. } => Err(SlateError::HasLeft { until }),
        }
    }
}

/// A payment to this wallet that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The receiving account.
    pub account: Account,
    /// The invite.
    pub invite: Invite,
    /// The response, repeated whenever the same invite comes again.
    pub response: Response,
    /// The kernel's excess.
    pub excess: Excess,
    /// What became of it.
    pub fate: Fate,
}

/// What is kept about an account; its keys follow from the words and its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInfo {
    /// What its owner calls it; empty when it has no name, as after a restore.
    pub name: String,
    /// Outputs created up to this height of the last scan's chain were tried with its keys.
    pub(crate) searched: Height,
}

/// Everything a wallet knows, except its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The height of the last scan, and the hash of its block.
    pub(crate) tip: Height,
    pub(crate) tip_hash: Hash,
    /// A block that no reorganisation reaches, as far as a scan has seen one.
    pub(crate) anchor: (Height, Hash),
    pub(crate) accounts: Vec<AccountInfo>,
    /// A restore that has not come to its end.
    pub(crate) search: Option<Search>,
    pub(crate) outputs: BTreeMap<PointBytes, OutputRecord>,
    pub(crate) sent: BTreeMap<SessionId, Sent>,
    pub(crate) received: BTreeMap<SessionId, Received>,
    pub(crate) asked: BTreeMap<SessionId, Asked>,
    pub(crate) paid: BTreeMap<SessionId, Paid>,
    pub(crate) moved: BTreeMap<SessionId, Moved>,
    pub(crate) contacts: Contacts,
}

impl Default for State {
    fn default() -> Self {
        let (outputs, sent, received, asked, paid, moved, contacts) = Default::default();
        let accounts = vec![AccountInfo::default()];
        let (tip, tip_hash, search) = (Height::GENESIS, Hash::ZERO, None);
        let anchor = (tip, tip_hash);
        Self {
            tip,
            tip_hash,
            anchor,
            accounts,
            search,
            outputs,
            sent,
            received,
            asked,
            paid,
            moved,
            contacts,
        }
    }
}

impl State {
    /// The highest block that was seen, by a scan or by a restore on its way.
    pub(crate) fn seen(&self) -> (Height, Hash) {
        let restored = self.search.as_ref().map(|s| s.tip).filter(|(height, _)| *height > self.tip);
        restored.unwrap_or((self.tip, self.tip_hash))
    }

    /// The same without what was seen of the chain: the next scan takes any, and looks at all of it.
    pub(crate) fn without_chain(&self) -> Self {
        let Self { tip, tip_hash, anchor, .. } = Self::default();
        let mut next = Self { tip, tip_hash, anchor, ..self.clone() };
        next.accounts.iter_mut().for_each(|a| a.searched = tip);
        next.search.iter_mut().for_each(|s| *s = Search::new(s.birthday, s.accounts));
        next
    }

    /// What an account has, or all of them.
    pub(crate) fn balance(&self, chain: &Chain, account: Option<Account>) -> Balance {
        let mut balance = Balance::default();
        let mine = |o: &&OutputRecord| account.is_none_or(|a| a == o.account) && self.is_backed(o);
        self.outputs.values().filter(mine).for_each(|o| balance.count(o, chain, self.tip));
        balance
    }

    /// Whether an output counts: change that is on its way does while its payment holds all that it spends, so not beside
    /// the change of a payment that it would displace, nor when an input was taken back with its block.
    fn is_backed(&self, o: &OutputRecord) -> bool {
        let (Origin::Slate(s), Purpose::Change, Status::Pending) = (o.origin, o.purpose, o.status) else {
            return true;
        };
        let held = |c: &PointBytes| {
            self.outputs.get(c).is_some_and(|i| matches!(i.status, Status::Locked { by, .. } if by == s))
        };
        self.payment(&s).is_some_and(|(all, _)| all.iter().all(held))
    }

    /// What a payment of this wallet spends, and what became of it.
    pub(crate) fn payment(&self, id: &SessionId) -> Option<(Vec<PointBytes>, Fate)> {
        let sent = self.sent.get(id).map(|s| (s.inputs.clone(), s.fate()));
        let paid = || self.paid.get(id).map(|p| (p.inputs(), p.fate));
        let moved = || self.moved.get(id).map(|m| (m.inputs.clone(), m.fate));
        sent.or_else(paid).or_else(moved)
    }

    /// The payment that has an invite of this session.
    pub(crate) fn sent_in(&self, session: &SessionId) -> Option<&Sent> {
        self.sent.get(session).or_else(|| self.sent.values().find(|s| s.part(session).is_some()))
    }

    /// Records a payment that was begun or made: its inputs are locked, its change is pending. `false`, and nothing
    /// changed, when an input is not free.
    pub(crate) fn lock(
        &mut self,
        by: SessionId,
        inputs: &[PointBytes],
        change: Option<OutputRecord>,
    ) -> bool {
        let created = |c| match self.outputs.get(c).map(|o: &OutputRecord| o.status) {
            Some(Status::Unspent { created }) => Some(created),
            _ => None,
        };
        let Some(created) = inputs.iter().map(created).collect::<Option<Vec<_>>>() else { return false };
        for (c, created) in inputs.iter().zip(created) {
            self.set(c, Status::Locked { created, by });
        }
        self.outputs.extend(change.map(|o| (o.commitment, o)));
        true
    }

    fn set(&mut self, c: &PointBytes, status: Status) {
        if let Some(o) = self.outputs.get_mut(c) {
            o.status = status;
        }
    }

    /// Calls an invite or an invoice off: secrets burnt; when it was the last of its payment, inputs free and change forgotten.
    /// Doing it twice is the same as once.
    pub(crate) fn cancel(&mut self, chain: &Chain, session: &SessionId) -> Result<(), SlateError> {
        if let Some(asked) = self.asked.get_mut(session) {
            return asked.cancel(chain);
        }
        if let Some(Paid { invoice, fate, .. }) = self.paid.get(session) {
            return fate.cancelled(last_chance(chain, invoice.not_after()));
        }
        let id = self.sent_in(session).ok_or(SlateError::UnknownSession)?.id;
        let sent = self.sent.get_mut(&id).ok_or(SlateError::UnknownSession)?;
        match sent.part(session) {
            Some(Part::Signed(_)) => return sent.fate().cancelled(last_chance(chain, sent.not_after())),
            Some(Part::Open(_)) => sent.drop_open(session),
            _ => return Ok(()),
        }
        let inputs = if sent.stage == Stage::Cancelled { sent.inputs.clone() } else { vec![] };
        if let Some(c) = sent.change.take() {
            self.outputs.remove(&c);
        }
        for c in &inputs {
            if let Some(&Status::Locked { created, by }) = self.outputs.get(c).map(|o| &o.status)
                && by == id
            {
                self.set(c, Status::Unspent { created });
            }
        }
        Ok(())
    }

    /// What a payment pays beside the fees of its payees' kernels, and what comes back, as long as it pays those whom it pays now.
    pub(crate) fn rest(&self, chain: &Chain, sent: &Sent) -> Result<(Amount, Amount), SelectError> {
        let spent = sent.inputs.iter().filter_map(|c| self.outputs.get(c)).map(|o| o.opening.amount);
        let sum = Amount::checked_sum(spent).ok_or(SelectError::Overflow)?;
        let live = sent.parts().filter(|p| !matches!(p, Part::Dropped(_)));
        let paid: Vec<_> = live.map(|p| (p.invite().amount, p.invite().features.fee())).collect();
        select::rest(chain, (sent.inputs.len(), sum), &paid)
    }

    /// Gives an open payment its change, which depends on whom it still pays.
    pub(crate) fn put_change(&mut self, id: &SessionId, change: Option<OutputRecord>) {
        if let Some(sent) = self.sent.get_mut(id) {
            sent.change = change.as_ref().map(|o| o.commitment);
            self.outputs.extend(change.map(|o| (o.commitment, o)));
        }
    }
}
