//! History: what came and went, as one list that people and spreadsheets can read.
//!
//! Each payment is one entry, whether it was made, answered, or made with oneself; each output that no payment of this wallet
//! explains is one, so that a restored wallet shows what the chain still proves. Entries are in the order of the chain, those
//! that are not in it last.

use crate::{
    keys::{Account, Address, Purpose},
    outputs::{Origin, OutputRecord, Status},
    state::{Fate, Moved, Reason, State, Step},
    wallet::Deal,
};
use core::fmt;
use sotto_mw::{
    amount::{Amount, Height},
    output::OutputFeatures,
};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Paid to somebody.
    Sent,
    /// Paid by somebody.
    Received,
    /// A block's reward.
    Reward,
    /// Received, as the chain alone shows it: from whom and for what is not known.
    Found,
    /// What came back from a payment of which nothing else is known.
    Change,
    /// Several outputs became one.
    Consolidation,
    /// An input of a payment was moved, to end the payment.
    SelfSpend,
}

/// One line of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: Kind,
    /// How far it has come.
    pub step: Step,
    /// Whose.
    pub account: Account,
    /// What was paid, without the fee; what was moved, for a consolidation or a self-spend.
    pub amount: Amount,
    /// What it cost this wallet beside that.
    pub fee: Amount,
    /// Who paid or was paid, as far as that is known.
    pub party: Option<Address>,
    /// What the slate says it is for.
    pub memo: String,
    /// The slate's session, or the output's commitment.
    pub id: [u8; 32],
}

impl Entry {
    /// The height of its block, if it is in the chain.
    #[must_use]
    pub const fn height(&self) -> Option<Height> {
        match self.step {
            Step::Signed(Fate::Confirmed { height }) => Some(height),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Reward => "reward",
            Self::Found => "found",
            Self::Change => "change",
            Self::Consolidation => "consolidation",
            Self::SelfSpend => "self-spend",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Begun => "open",
            Self::Held => "answered",
            Self::Cancelled => "cancelled",
            Self::Signed(Fate::Waiting) => "waiting",
            Self::Signed(Fate::Confirmed { .. }) => "confirmed",
            Self::Signed(Fate::Displaced { .. }) => "displaced",
            Self::Signed(Fate::Failed) => "failed",
        })
    }
}

/// Everything that a wallet knows to have come or gone.
pub(crate) fn history<'a>(state: &'a State, deals: impl Iterator<Item = Deal<'a>>) -> Vec<Entry> {
    let moved = state.moved.values().map(|m| moved(state, m));
    let mut all: Vec<Entry> = deals.map(|d| payment(&d)).chain(moved).collect();
    all.extend(state.outputs.values().filter_map(alone));
    all.sort_by_key(|e| (e.height().is_none(), e.height(), e.kind, e.id));
    all
}

fn payment(d: &Deal<'_>) -> Entry {
    let (kind, fee) = match d {
        Deal::Sent(sent, part) => (Kind::Sent, sent.fee(*part)),
        Deal::Paid(p) => (Kind::Sent, p.invoice.features.fee()),
        Deal::Received(_) | Deal::Asked(_) => (Kind::Received, Amount::ZERO),
    };
    let (account, amount, memo) = (d.account(), d.amount(), d.memo().as_str().to_owned());
    Entry { kind, step: d.step(), account, amount, fee, party: d.partner().copied(), memo, id: d.session().0 }
}

fn moved(state: &State, m: &Moved) -> Entry {
    let kind = match m.reason {
        Reason::Consolidation => Kind::Consolidation,
        Reason::SelfSpend { .. } => Kind::SelfSpend,
    };
    let amount = state.outputs.get(&m.output).map_or(Amount::ZERO, |o| o.opening.amount);
    let (step, party, memo) = (Step::Signed(m.fate), None, String::new());
    Entry { kind, step, account: m.account, amount, fee: m.fee(), party, memo, id: m.session.0 }
}

/// An output that no payment of this wallet explains.
fn alone(o: &OutputRecord) -> Option<Entry> {
    let (Status::Unspent { created } | Status::Locked { created, .. } | Status::Spent { created, .. }) =
        o.status
    else {
        return None;
    };
    if o.origin != Origin::Chain {
        return None;
    }
    let kind = match (o.features, o.purpose) {
        (OutputFeatures::Coinbase, _) => Kind::Reward,
        (_, Purpose::Received) => Kind::Found,
        (_, Purpose::Change) => Kind::Change,
    };
    let step = Step::Signed(Fate::Confirmed { height: created });
    let (amount, party, memo) = (o.opening.amount, None, String::new());
    Some(Entry { kind, step, account: o.account, amount, fee: Amount::ZERO, party, memo, id: o.commitment.0 })
}
