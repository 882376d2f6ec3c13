//! Sessions: one read-only view of every payment, incoming or outgoing, begun by either party.
//!
//! ```text
//!                 pays                          is paid
//! inviter         an invite of a payment        an invoice that was issued
//! responder       an invoice that was paid      an invite that was answered
//! ```
//!
//! A payment to several recipients has one session for each of them.

pub use crate::state::{Ending, HoldRecord, HoldSide, SessionStatus, TxStatus};

use crate::{
    keys::{Account, Address},
    reference::Reference,
    slate::{Memo, Response},
    state::{InvoiceStage, IssuedInvoice, PaidInvoice, PaymentPart, ReceivedPayment, SentPayment, State},
};
use sotto_mw::{
    amount::{Amount, Height},
    kernel::Excess,
    session::{Role, SessionId},
};

/// One payment of a wallet, as seen from its signing session.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    pub(crate) record: Record<'a>,
    status: SessionStatus,
    locks: bool,
}

/// What the wallet remembers of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record<'a> {
    /// This wallet pays and invited: the whole payment, and the part that belongs to the session.
    Invite(&'a SentPayment, PaymentPart<'a>),
    /// This wallet is paid and responded.
    Received(&'a ReceivedPayment),
    /// This wallet is paid and issued an invoice.
    Issued(&'a IssuedInvoice),
    /// This wallet pays an invoice.
    Paid(&'a PaidInvoice),
}

/// All sessions: those that began here first, each kind in the order of session identifiers.
pub(crate) fn sessions(state: &State) -> impl Iterator<Item = SessionView<'_>> {
    let invites = state.sent.values().flat_map(|s| s.parts().map(move |p| Record::Invite(s, p)));
    let begun = invites.chain(state.issued.values().map(Record::Issued));
    let answered = state.received.values().map(Record::Received).chain(state.paid.values().map(Record::Paid));
    begun.chain(answered).map(|record| SessionView::new(state, record))
}

/// The open invites of the payment that this session belongs to.
pub(crate) fn open_invites<'a>(
    state: &'a State,
    session: &SessionId,
) -> impl Iterator<Item = SessionView<'a>> + use<'a> {
    let payment = state.payment_with(session).into_iter();
    let parts = payment.flat_map(|s| s.parts().map(move |p| (s, p)));
    let open = parts.filter(|(_, part)| matches!(part, PaymentPart::Open(_)));
    open.map(|(sent, part)| SessionView::new(state, Record::Invite(sent, part)))
}

/// What has become of a payment, at the height of the last scan.
fn status(state: &State, record: &Record<'_>) -> SessionStatus {
    let tip = state.tip.height;
    let signed = |status, id: &SessionId| match status {
        TxStatus::Waiting if state.is_ending(id) => SessionStatus::Ending,
        status => SessionStatus::Signed(status),
    };
    match record {
        Record::Invite(sent, part) => match sent.status(*part, tip) {
            SessionStatus::Signed(status) => signed(status, &sent.id),
            unsigned => unsigned,
        },
        Record::Issued(IssuedInvoice { stage, invoice, .. }) => match stage {
            InvoiceStage::Open(_) if invoice.not_after() > tip => SessionStatus::Begun,
            InvoiceStage::Open(_) | InvoiceStage::Expired => SessionStatus::Expired,
            InvoiceStage::Cancelled => SessionStatus::Cancelled,
            InvoiceStage::Collected { tx_status, .. } => SessionStatus::Signed(*tx_status),
        },
        Record::Paid(p) => signed(p.tx_status, &p.invoice.session),
        Record::Received(r) => received_status(state, r),
    }
}

/// Only a block shows whether the payer has signed.
fn received_status(state: &State, r: &ReceivedPayment) -> SessionStatus {
    match r.tx_status {
        TxStatus::Confirmed { .. } => SessionStatus::Signed(r.tx_status),
        _ if state.dismissed.contains(&r.invite.session) => SessionStatus::Dismissed,
        TxStatus::Waiting if r.invite.not_after() > state.tip.height => SessionStatus::Answered,
        TxStatus::Waiting | TxStatus::Displaced { .. } | TxStatus::Failed => SessionStatus::Expired,
    }
}

impl<'a> SessionView<'a> {
    fn new(state: &State, record: Record<'a>) -> Self {
        let locks = matches!(record, Record::Invite(_, PaymentPart::Open(_)));
        Self { status: status(state, &record), record, locks }
    }

    /// The identifier of the signing session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        match self.record {
            Record::Invite(_, part) => part.session(),
            Record::Received(r) => r.invite.session,
            Record::Issued(i) => i.invoice.session,
            Record::Paid(p) => p.invoice.session,
        }
    }

    /// The account of this wallet that pays or is paid.
    #[must_use]
    pub const fn account(&self) -> Account {
        match self.record {
            Record::Invite(SentPayment { account, .. }, _)
            | Record::Received(ReceivedPayment { account, .. })
            | Record::Issued(IssuedInvoice { account, .. })
            | Record::Paid(PaidInvoice { account, .. }) => *account,
        }
    }

    /// The amount that the receiver gets.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        match self.record {
            Record::Invite(_, part) => part.amount(),
            Record::Received(ReceivedPayment { invite, .. }) => invite.amount,
            Record::Issued(IssuedInvoice { invoice, .. }) | Record::Paid(PaidInvoice { invoice, .. }) => {
                invoice.amount
            }
        }
    }

    /// What this wallet pays beyond the amount: zero where it is paid.
    #[must_use]
    pub fn fee(&self) -> Amount {
        match self.record {
            Record::Invite(sent, part) => sent.fee(part),
            Record::Paid(p) => p.fee(),
            Record::Received(_) | Record::Issued(_) => Amount::ZERO,
        }
    }

    /// The reference of a one-sided payment.
    #[must_use]
    pub const fn reference(&self) -> Option<Reference> {
        match self.record {
            Record::Invite(_, PaymentPart::Direct(direct)) => Some(Reference(direct.terms.opening.index)),
            _ => None,
        }
    }

    /// The memo that travels with the slate; the payer's own note, if there is no slate.
    #[must_use]
    pub const fn memo(&self) -> &'a Memo {
        match self.record {
            Record::Invite(_, part) => part.memo(),
            Record::Received(ReceivedPayment { invite, .. }) => &invite.memo,
            Record::Issued(IssuedInvoice { invoice, .. }) | Record::Paid(PaidInvoice { invoice, .. }) => {
                &invoice.memo
            }
        }
    }

    /// The last height at which the payment can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        match self.record {
            Record::Invite(sent, _) => sent.not_after,
            Record::Received(ReceivedPayment { invite, .. }) => invite.not_after(),
            Record::Issued(IssuedInvoice { invoice, .. }) | Record::Paid(PaidInvoice { invoice, .. }) => {
                invoice.not_after()
            }
        }
    }

    /// The address of the other party, if it is known.
    #[must_use]
    pub const fn counterparty(&self) -> Option<&'a Address> {
        match self.record {
            Record::Invite(_, part) => part.recipient(),
            Record::Received(r) => Some(&r.invite.sender),
            Record::Issued(i) => i.invoice.payer.as_ref(),
            Record::Paid(p) => Some(&p.invoice.receiver),
        }
    }

    /// The role of this wallet in the signing session.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.record {
            Record::Invite(..) | Record::Issued(_) => Role::Inviter,
            Record::Received(_) | Record::Paid(_) => Role::Responder,
        }
    }

    /// Whether this wallet pays; otherwise it is paid.
    #[must_use]
    pub const fn is_payer(&self) -> bool {
        matches!(self.record, Record::Invite(..) | Record::Paid(_))
    }

    /// How far the session has come, at the height of the last scan.
    #[must_use]
    pub const fn status(&self) -> SessionStatus {
        self.status
    }

    /// Whether something can still happen: the payment can confirm and has not confirmed yet, or it locks
    /// outputs.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        let open = matches!(
            self.status,
            SessionStatus::Begun
                | SessionStatus::Held
                | SessionStatus::Answered
                | SessionStatus::Ending
                | SessionStatus::Signed(TxStatus::Waiting)
        );
        open || self.locks
    }

    /// The one response that this wallet accepted to an invite of its own, or gave to somebody else's invite.
    #[must_use]
    pub fn response(&self) -> Option<&'a Response> {
        match self.record {
            Record::Invite(_, PaymentPart::Open(open)) => open.response.as_deref(),
            Record::Invite(_, PaymentPart::Signed(signed)) => Some(&signed.response),
            Record::Received(r) => Some(&r.response),
            Record::Invite(
                _,
                PaymentPart::Cancelled(_) | PaymentPart::Expired(_) | PaymentPart::Direct(_),
            )
            | Record::Issued(_)
            | Record::Paid(_) => None,
        }
    }

    /// The excess of the payment's kernel, once this wallet has signed for it.
    #[must_use]
    pub fn excess(&self) -> Option<Excess> {
        match self.record {
            Record::Invite(_, PaymentPart::Signed(s)) => Some(s.excess),
            Record::Invite(sent, PaymentPart::Direct(_)) => sent.excess(),
            Record::Received(r) => Some(r.excess),
            Record::Paid(p) => Some(p.excess),
            Record::Issued(i) => i.excess(),
            Record::Invite(..) => None,
        }
    }
}
