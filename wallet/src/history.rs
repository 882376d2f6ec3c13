//! History: every payment and every unexplained output of a wallet, as one list for people and spreadsheets.
//!
//! Each payment is one entry, whether this wallet began it, answered it, or made it with itself. What no
//! payment of this wallet explains, because another copy of the wallet paid or this one was restored, is
//! shown as the chain proves it: an output that came in is one entry, and everything that one block spends is
//! another, less the change that the same block brought back. Change is not income: it has an entry of its
//! own only where no block shows what was spent for it. Entries are in the order of the chain; those that are
//! not in it come last.

use crate::{
    keys::{Account, Address, OutputKind, Purpose},
    outputs::{OutputOrigin, OutputRecord, OutputStatus},
    reference::Reference,
    sessions::{SessionView, sessions},
    state::{Ending, HoldRecord, HoldSide, SelfTransfer, SelfTransferReason, SessionStatus, State, TxStatus},
};
use core::fmt;
use sotto_mw::amount::{Amount, Height};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A payment by this wallet.
    Sent,
    /// A payment to this wallet.
    Received,
    /// A block reward.
    Reward,
    /// A received output that only the chain shows: its payer and purpose are unknown.
    Found,
    /// Outputs that a payment which this wallet does not remember has spent, less its change: what was paid
    /// and the fee, together.
    Spent,
    /// Change of a payment that this wallet does not remember, and whose inputs no stored block shows.
    Change,
    /// A consolidation: several outputs became one.
    Consolidation,
    /// Money that this wallet put into a hold, with the start fee: what the seller gets, or got; the start fee alone once
    /// the rest came back.
    Hold,
    /// What this wallet, as the seller of a hold, was paid with its funding.
    StartFee,
    /// A relocation: an output that somebody paid one-sidedly was moved.
    Relocation,
    /// A self-spend: an input of a payment was moved in order to end the payment.
    SelfSpend,
    /// A notice was put on record: the amount stays in this wallet.
    Notice,
}

/// One line of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What the entry is about.
    pub kind: EntryKind,
    /// How far it has come.
    pub status: SessionStatus,
    /// The account of this wallet.
    pub account: Account,
    /// The amount paid, without the fee; the amount moved, for a consolidation or a self-spend.
    pub amount: Amount,
    /// What it cost this wallet beyond the amount.
    pub fee: Amount,
    /// The other party's address, if it is known.
    pub counterparty: Option<Address>,
    /// The memo of the slate, or the payer's own note; empty when there is none.
    pub memo: String,
    /// The reference of a one-sided payment.
    pub reference: Option<Reference>,
    /// The session identifier of the slate, or the commitment of the output.
    pub id: [u8; 32],
}

impl HistoryEntry {
    /// The height of its block, if it is in the chain.
    #[must_use]
    pub const fn height(&self) -> Option<Height> {
        match self.status {
            SessionStatus::Signed(TxStatus::Confirmed { height }) => Some(height),
            _ => None,
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Reward => "reward",
            Self::Found => "found",
            Self::Spent => "spent",
            Self::Change => "change",
            Self::Consolidation => "consolidation",
            Self::Hold => "hold",
            Self::StartFee => "start-fee",
            Self::Relocation => "relocation",
            Self::SelfSpend => "self-spend",
            Self::Notice => "notice",
        })
    }
}

/// All entries of a wallet's history, in the order of the chain.
pub(crate) fn history(state: &State) -> Vec<HistoryEntry> {
    let mut all: Vec<HistoryEntry> = sessions(state).map(|s| payment(&s)).collect();
    all.extend(state.self_transfers.values().map(|t| self_transfer(state, t)));
    all.extend(state.holds.values().filter_map(|h| hold(state, h)));
    all.extend(state.holds.values().filter_map(start_fee));
    let of_holds: BTreeSet<_> = state.holds.values().flat_map(|h| &h.outputs).collect();
    let spent = unexplained_spends(state);
    let folded = |o: &OutputRecord| {
        let created = created(o).filter(|_| o.purpose == Purpose::Change);
        created.is_some_and(|h| spent.contains_key(&(o.account, h)))
    };
    let unexplained_outputs =
        state.outputs.values().filter(|o| !folded(o) && !of_holds.contains(&o.commitment));
    all.extend(unexplained_outputs.filter_map(unexplained));
    all.extend(spent.into_values());
    all.sort_by_key(|e| (e.height().is_none(), e.height(), e.kind, e.id));
    all
}

fn payment(s: &SessionView<'_>) -> HistoryEntry {
    HistoryEntry {
        kind: if s.is_payer() { EntryKind::Sent } else { EntryKind::Received },
        status: s.status(),
        account: s.account(),
        amount: s.amount(),
        fee: s.fee(),
        counterparty: s.counterparty().copied(),
        memo: s.memo().as_str().to_owned(),
        reference: s.reference(),
        id: s.session().0,
    }
}

/// The payer's entry of a hold that was funded; the seller's, of one that was claimed.
fn hold(state: &State, h: &HoldRecord) -> Option<HistoryEntry> {
    let terms = &h.offer().terms;
    let (kind, status, fee, amount) = match (h.funding_transaction(), h.ended()) {
        (Some(t), ended) => {
            let back = h.outputs.iter().filter_map(|c| state.outputs.get(c)).map(|o| o.opening.amount);
            let (kept, paid) = match ended {
                None => (Amount::ZERO, terms.amount),
                Some((Ending::Claimed, _)) => (terms.claim_fee, terms.amount),
                Some(_) => (terms.held().checked_sub(Amount::checked_sum(back)?)?, Amount::ZERO),
            };
            let fee = t.body.fees()?.checked_add(kept)?;
            (EntryKind::Hold, h.funding, fee, paid.checked_add(terms.start_fee)?)
        }
        (None, Some((Ending::Claimed, height))) if h.side() == HoldSide::Seller => {
            (EntryKind::Received, TxStatus::Confirmed { height }, Amount::ZERO, terms.amount)
        }
        _ => return None,
    };
    Some(HistoryEntry { fee, ..of_hold(h, kind, (status, amount)) })
}

/// The seller's entry of a start fee, once the funding is in a block.
fn start_fee(h: &HoldRecord) -> Option<HistoryEntry> {
    let (height, amount) = (h.funded()?, h.offer().terms.start_fee);
    let is_paid = h.side() == HoldSide::Seller && amount > Amount::ZERO;
    is_paid.then(|| of_hold(h, EntryKind::StartFee, (TxStatus::Confirmed { height }, amount)))
}

fn of_hold(h: &HoldRecord, kind: EntryKind, (status, amount): (TxStatus, Amount)) -> HistoryEntry {
    let offer = h.offer();
    HistoryEntry {
        kind,
        status: SessionStatus::Signed(status),
        account: h.account(),
        amount,
        fee: Amount::ZERO,
        counterparty: Some(match h.side() {
            HoldSide::Payer => offer.seller,
            HoldSide::Seller => offer.payer,
        }),
        memo: offer.memo.as_str().to_owned(),
        reference: None,
        id: offer.id.0,
    }
}

fn self_transfer(state: &State, t: &SelfTransfer) -> HistoryEntry {
    HistoryEntry {
        kind: match &t.reason {
            SelfTransferReason::Consolidation => EntryKind::Consolidation,
            SelfTransferReason::Relocation => EntryKind::Relocation,
            SelfTransferReason::SelfSpend { .. } => EntryKind::SelfSpend,
            SelfTransferReason::Statement(_) | SelfTransferReason::Notice(_) => EntryKind::Notice,
        },
        status: SessionStatus::Signed(t.tx_status),
        account: t.account,
        amount: state.outputs.get(&t.output).map_or(Amount::ZERO, |o| o.opening.amount),
        fee: t.fee(),
        counterparty: None,
        memo: String::new(),
        reference: None,
        id: t.session.0,
    }
}

/// The height of the block that created an output which only the chain explains.
fn created(o: &OutputRecord) -> Option<Height> {
    let (OutputStatus::Unspent { created }
    | OutputStatus::Locked { created, .. }
    | OutputStatus::Spent { created, .. }) = o.status
    else {
        return None;
    };
    (o.origin == OutputOrigin::Chain).then_some(created)
}

/// One entry for each account and block that spends outputs for which no payment of this wallet accounts.
fn unexplained_spends(state: &State) -> BTreeMap<(Account, Height), HistoryEntry> {
    let explained = state.inputs_of_confirmed();
    let mut all: BTreeMap<(Account, Height), HistoryEntry> = BTreeMap::new();
    for o in state.outputs.values().filter(|o| !explained.contains(&o.commitment)) {
        let OutputStatus::Spent { spent: height, .. } = o.status else { continue };
        let entry = all.entry((o.account, height)).or_insert_with(|| spend(o, height));
        entry.amount = entry.amount.checked_add(o.opening.amount).unwrap_or(Amount::new(u64::MAX));
    }
    for o in state.outputs.values().filter(|o| o.purpose == Purpose::Change) {
        let block = created(o).and_then(|h| all.get_mut(&(o.account, h)));
        block.into_iter().for_each(|e| e.amount = e.amount.checked_sub(o.opening.amount).unwrap_or_default());
    }
    all
}

fn spend(first: &OutputRecord, height: Height) -> HistoryEntry {
    HistoryEntry {
        kind: EntryKind::Spent,
        status: SessionStatus::Signed(TxStatus::Confirmed { height }),
        account: first.account,
        amount: Amount::ZERO,
        fee: Amount::ZERO,
        counterparty: None,
        memo: String::new(),
        reference: None,
        id: first.commitment.0,
    }
}

/// The entry of an output that no payment of this wallet explains.
fn unexplained(o: &OutputRecord) -> Option<HistoryEntry> {
    created(o).map(|created| HistoryEntry {
        kind: match (o.kind, o.purpose) {
            (OutputKind::Coinbase, _) => EntryKind::Reward,
            (OutputKind::OneSided { .. }, _) => EntryKind::Received,
            (_, Purpose::Received) => EntryKind::Found,
            (_, Purpose::Change) => EntryKind::Change,
        },
        status: SessionStatus::Signed(TxStatus::Confirmed { height: created }),
        account: o.account,
        amount: o.opening.amount,
        fee: Amount::ZERO,
        counterparty: None,
        memo: String::new(),
        reference: o.reference(),
        id: o.commitment.0,
    })
}
