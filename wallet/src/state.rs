//! The state of a wallet: its outputs and payments, and how both change.
//!
//! ```text
//! sent: see `sent`    received: answered = signed    self-transfers = signed    issued, paid: see `invoices`
//!
//!             ┌───────────── kernel in the chain ─────────────▶ confirmed
//! signed ─▶ waiting ◀────────── kernel gone ───────────────────────┘
//!             │  ▲
//!             │  └─── the other block is undone ────┐
//!             ├──── an input spent elsewhere ──▶ displaced ── and K blocks passed ─▶ failed
//!             └──── past last height + K, or the payment of an input failed ──────▶ failed (inputs free)
//! ```
//!
//! A [`TxStatus`] is a function of the chain alone: it follows every reorganisation, and does not depend on
//! the order in which a wallet notices things. A kernel in the chain always means confirmed. K is the
//! reorganisation limit of the chain. Cancelling is free while nothing signed has left. Afterwards, and in a
//! copy of the wallet whose original may have signed, a payment ends by expiry or by a self-spend: a
//! transaction that moves one of its inputs within this wallet and so displaces the payment.
//!
//! ```text
//! bytes = last scanned block (40) ‖ list of accounts ‖ [restore] ‖ maps of outputs, sent, received, issued,
//!         paid, self-transfers ‖ contacts ‖ checkpoint (40) ‖ set of frozen outputs ‖ set of dismissed sessions
//!         ‖ [map of holds ‖ [levels]]
//! ```
#![deny(clippy::indexing_slicing)]

mod confirmations;
mod direct;
mod holds;
mod invoices;
mod levels;
mod observation;
mod received;
mod restore;
mod self_transfers;
mod sent;
mod status;

pub(crate) use direct::DirectPayment;
pub use holds::{Ending, HoldRecord, HoldSide};
pub(crate) use holds::{
    Funded, PayerHold, PayerStage, Pending, Proven, Released, SellerHold, SellerStage, Side, Undone,
};
pub(crate) use invoices::{InvoiceStage, IssuedInvoice, PaidInvoice};
pub(crate) use levels::Levels;
pub(crate) use observation::{BlockRef, ChainObservation};
pub(crate) use received::ReceivedPayment;
pub(crate) use restore::RestoreProgress;
pub(crate) use self_transfers::{SelfTransfer, SelfTransferReason};
pub(crate) use sent::{OpenInvite, PaymentPart, PaymentStage, SentPayment, SignedInvite};
pub(crate) use status::last_possible_height;
pub use status::{SessionStatus, TxStatus};

use crate::{
    accounts::AccountInfo,
    codec::{list, map, option, point_bytes, put_list, put_map, put_option, put_set, session, set},
    contacts::Contacts,
    keys::{Account, Purpose},
    outputs::{Balance, OutputOrigin, OutputRecord, OutputStatus},
    slate::SlateError,
};
use sotto_mw::{
    amount::Amount,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    session::SessionId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a wallet knows, except its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The last block that a scan has seen.
    pub(crate) tip: BlockRef,
    /// A block below the tip that no reorganisation can undo, if a scan has seen one.
    pub(crate) checkpoint: BlockRef,
    pub(crate) accounts: Vec<AccountInfo>,
    /// The progress of a restore that has not finished.
    pub(crate) restore: Option<RestoreProgress>,
    pub(crate) outputs: BTreeMap<PointBytes, OutputRecord>,
    pub(crate) sent: BTreeMap<SessionId, SentPayment>,
    pub(crate) received: BTreeMap<SessionId, ReceivedPayment>,
    pub(crate) issued: BTreeMap<SessionId, IssuedInvoice>,
    pub(crate) paid: BTreeMap<SessionId, PaidInvoice>,
    pub(crate) self_transfers: BTreeMap<SessionId, SelfTransfer>,
    pub(crate) holds: BTreeMap<SessionId, HoldRecord>,
    pub(crate) contacts: Contacts,
    /// The outputs that no plan may spend.
    pub(crate) frozen: BTreeSet<PointBytes>,
    /// The payments to this wallet that it answered and no longer expects.
    pub(crate) dismissed: BTreeSet<SessionId>,
    pub(crate) levels: Levels,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tip: BlockRef::NONE,
            checkpoint: BlockRef::NONE,
            accounts: vec![AccountInfo::default()],
            restore: None,
            outputs: BTreeMap::new(),
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            issued: BTreeMap::new(),
            paid: BTreeMap::new(),
            self_transfers: BTreeMap::new(),
            holds: BTreeMap::new(),
            contacts: Contacts::default(),
            frozen: BTreeSet::new(),
            dismissed: BTreeSet::new(),
            levels: Levels::default(),
        }
    }
}

/// A payment of this wallet, of any kind: what it spends, and the status of its transaction.
pub(crate) struct PaymentSummary {
    pub(crate) inputs: Vec<PointBytes>,
    pub(crate) tx_status: TxStatus,
}

impl State {
    /// How many accounts there are.
    pub(crate) fn account_count(&self) -> u32 {
        u32::try_from(self.accounts.len()).unwrap_or(u32::MAX)
    }

    /// The highest block that a scan or an unfinished restore has seen.
    pub(crate) fn highest_seen(&self) -> BlockRef {
        let restored = self.restore.as_ref().map(|r| r.tip).filter(|tip| tip.height > self.tip.height);
        restored.unwrap_or(self.tip)
    }

    /// The same state without what it has seen of the chain: the next scan accepts any chain, and scans all
    /// of it.
    pub(crate) fn without_chain(&self) -> Self {
        let (tip, checkpoint) = (BlockRef::NONE, BlockRef::NONE);
        let mut next = Self { tip, checkpoint, ..self.clone() };
        next.accounts.iter_mut().for_each(|a| a.scanned = tip.height);
        next.restore.iter_mut().for_each(|r| *r = RestoreProgress::new(r.birthday, r.accounts));
        next
    }

    /// The balance of an account, or of all accounts.
    pub(crate) fn balance(&self, chain: &Chain, account: Option<Account>) -> Balance {
        let mut balance = Balance::default();
        let counts = |o: &&OutputRecord| {
            account.is_none_or(|a| a == o.account) && self.is_backed(o) && self.is_expected(o)
        };
        for o in self.outputs.values().filter(counts) {
            balance.count(o, chain, self.tip.height, self.frozen.contains(&o.commitment));
        }
        let holds = self.holds.values().filter(|h| account.is_none_or(|a| a == h.account()));
        balance.held = Amount::checked_sum(holds.map(HoldRecord::held)).unwrap_or(Amount::new(u64::MAX));
        balance
    }

    /// Whether an output counts. Pending change counts while its payment holds all its inputs: neither
    /// together with the change of a payment that it would displace, nor when the block of an input was
    /// undone.
    fn is_backed(&self, o: &OutputRecord) -> bool {
        let (OutputOrigin::Slate(s), Purpose::Change, OutputStatus::Pending) =
            (o.origin, o.purpose, o.status)
        else {
            return true;
        };
        let held = |c: &PointBytes| self.outputs.get(c).is_some_and(|i| i.is_locked_by(&s));
        self.payment(&s).is_some_and(|p| p.inputs.iter().all(held))
    }

    /// Whether an output that was not on the chain yet can still get there: the payer can sign, and the next
    /// block can contain the payment.
    fn is_expected(&self, o: &OutputRecord) -> bool {
        let (OutputOrigin::Slate(s), Purpose::Received, OutputStatus::Pending) =
            (o.origin, o.purpose, o.status)
        else {
            return true;
        };
        let answered = self.received.get(&s).map(|r| r.invite.not_after());
        let not_after = answered.or_else(|| self.issued.get(&s).map(|i| i.invoice.not_after()));
        !self.dismissed.contains(&s) && not_after.is_none_or(|h| h > self.tip.height)
    }

    /// Whether a self-spend that ends this payment waits for a block.
    pub(crate) fn is_ending(&self, payment: &SessionId) -> bool {
        let ends = |t: &SelfTransfer| {
            t.reason == SelfTransferReason::SelfSpend { of: *payment } && t.tx_status == TxStatus::Waiting
        };
        self.self_transfers.values().any(ends)
    }

    /// The payment, of any kind, with this identifier.
    pub(crate) fn payment(&self, id: &SessionId) -> Option<PaymentSummary> {
        let sent = self.sent.get(id).map(|s| (s.inputs.clone(), s.tx_status()));
        let paid = || self.paid.get(id).map(|p| (p.inputs(), p.tx_status));
        let own = || self.self_transfers.get(id).map(|t| (t.inputs.clone(), t.tx_status));
        let hold = || self.holds.get(id).and_then(|h| Some((h.spends()?.inputs.clone(), h.funding)));
        let found = sent.or_else(paid).or_else(own).or_else(hold);
        found.map(|(inputs, tx_status)| PaymentSummary { inputs, tx_status })
    }

    /// The payment that has an invite with this session.
    pub(crate) fn payment_with(&self, session: &SessionId) -> Option<&SentPayment> {
        self.sent.get(session).or_else(|| self.sent.values().find(|s| s.part(session).is_some()))
    }

    /// Locks the inputs of a new payment and records its change, with its level. Returns `false`, and changes nothing, when
    /// an input is not free.
    pub(crate) fn lock(
        &mut self,
        by: SessionId,
        inputs: &[PointBytes],
        change: Option<OutputRecord>,
    ) -> bool {
        let created = |c| match self.outputs.get(c).map(|o: &OutputRecord| o.status) {
            Some(OutputStatus::Unspent { created }) => Some(created),
            _ => None,
        };
        let Some(created) = inputs.iter().map(created).collect::<Option<Vec<_>>>() else { return false };
        for (c, created) in inputs.iter().zip(created) {
            self.set_status(c, OutputStatus::Locked { created, by });
        }
        change.into_iter().for_each(|o| self.add_change(inputs, o));
        true
    }

    fn add_change(&mut self, inputs: &[PointBytes], change: OutputRecord) {
        self.levels.inherit(inputs, change.commitment);
        self.outputs.insert(change.commitment, change);
    }

    fn set_status(&mut self, c: &PointBytes, status: OutputStatus) {
        if let Some(o) = self.outputs.get_mut(c) {
            o.status = status;
        }
    }

    /// Cancels an invite or an invoice and destroys its nonces. When it was the last invite of its payment,
    /// the inputs are free and the change is forgotten. Cancelling twice is the same as once.
    pub(crate) fn cancel(&mut self, chain: &Chain, session: &SessionId) -> Result<(), SlateError> {
        if let Some(issued) = self.issued.get_mut(session) {
            return issued.cancel(chain);
        }
        if let Some(PaidInvoice { invoice, tx_status, .. }) = self.paid.get(session) {
            return tx_status.cancelled(last_possible_height(chain, invoice.not_after()));
        }
        if let Some(r) = self.received.get(session) {
            let until = last_possible_height(chain, r.invite.not_after());
            return r.tx_status.cancelled(until).map_err(|_| SlateError::Answered { until });
        }
        let id = self.payment_with(session).ok_or(SlateError::UnknownSession)?.id;
        let sent = self.sent.get_mut(&id).ok_or(SlateError::UnknownSession)?;
        match sent.part(session) {
            Some(PaymentPart::Signed(_)) => {
                return sent.tx_status().cancelled(last_possible_height(chain, sent.not_after));
            }
            Some(PaymentPart::Direct(_)) => {
                let until = last_possible_height(chain, sent.not_after);
                return match sent.stage {
                    PaymentStage::Open(_) => Err(SlateError::PaidWithInvites),
                    _ => sent.tx_status().cancelled(until),
                };
            }
            Some(PaymentPart::Open(_)) => sent.cancel_invite(session),
            _ => return Ok(()),
        }
        let inputs = if sent.stage == PaymentStage::Cancelled { sent.inputs.clone() } else { vec![] };
        if let Some(c) = sent.change.take() {
            self.outputs.remove(&c);
        }
        inputs.iter().for_each(|c| self.unlock(c, &id));
        Ok(())
    }

    /// Frees the inputs of a payment that was ended before anything signed left, and forgets its change.
    pub(crate) fn release(&mut self, id: &SessionId, inputs: &[PointBytes], change: Option<PointBytes>) {
        change.iter().for_each(|c| {
            self.outputs.remove(c);
        });
        inputs.iter().for_each(|c| self.unlock(c, id));
    }

    fn unlock(&mut self, c: &PointBytes, payment: &SessionId) {
        if let Some(&OutputStatus::Locked { created, by }) = self.outputs.get(c).map(|o| &o.status)
            && by == *payment
        {
            self.set_status(c, OutputStatus::Unspent { created });
        }
    }

    /// Sets the change of an open payment, which depends on the recipients that remain.
    pub(crate) fn set_change(&mut self, id: &SessionId, change: Option<OutputRecord>) {
        if let Some(sent) = self.sent.get_mut(id) {
            sent.change = change.as_ref().map(|o| o.commitment);
            let inputs = sent.inputs.clone();
            change.into_iter().for_each(|o| self.add_change(&inputs, o));
        }
    }
}

/// The map of holds and the levels, which are last and left out if they are empty: as in wallets from before there
/// were any.
fn latest(r: &mut Reader<'_>) -> Result<(BTreeMap<SessionId, HoldRecord>, Levels), DecodeError> {
    let empty = DecodeError::Code { what: "map of holds", code: 0 };
    let holds = if r.left() == 0 { return Ok(Default::default()) } else { map(r)? };
    match r.left() {
        0 if holds.is_empty() => Err(empty),
        0 => Ok((holds, Levels::default())),
        _ => Ok((holds, Some(Levels::decode(r)?).filter(|levels| !levels.is_empty()).ok_or(empty)?)),
    }
}

impl Encode for State {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        put_list(&self.accounts, out);
        put_option(self.restore.as_ref(), out);
        put_map(&self.outputs, out);
        put_map(&self.sent, out);
        put_map(&self.received, out);
        put_map(&self.issued, out);
        put_map(&self.paid, out);
        put_map(&self.self_transfers, out);
        self.contacts.encode(out);
        self.checkpoint.encode(out);
        put_set(self.frozen.iter().map(|c| &c.0), out);
        put_set(self.dismissed.iter().map(|s| &s.0), out);
        if !self.holds.is_empty() || !self.levels.is_empty() {
            put_map(&self.holds, out);
        }
        if !self.levels.is_empty() {
            self.levels.encode(out);
        }
    }
}

impl Decode for State {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut state = Self {
            tip: BlockRef::decode(r)?,
            accounts: list(r, "accounts", AccountInfo::LEAST_BYTES)?,
            restore: option(r, "restore flag")?,
            outputs: map(r)?,
            sent: map(r)?,
            received: map(r)?,
            issued: map(r)?,
            paid: map(r)?,
            self_transfers: map(r)?,
            contacts: Contacts::decode(r)?,
            checkpoint: BlockRef::decode(r)?,
            frozen: set(r, "frozen outputs", point_bytes)?,
            dismissed: set(r, "dismissed sessions", session)?,
            ..Self::default()
        };
        (state.holds, state.levels) = latest(r)?;
        Ok(state)
    }
}
