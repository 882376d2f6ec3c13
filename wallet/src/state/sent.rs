//! Payments that this wallet began: one transaction to one or several recipients, with a session and a kernel
//! for each.
//!
//! ```text
//! each invite     awaited ── response ─▶ held ── the last response arrives ─▶ signed, all at once
//!                    └──── cancel ─────────┴──▶ cancelled: nonces destroyed unsigned
//! the payment     Open ── no response is awaited ─▶ Finalised: signed, see `state`
//!                   ├── all invites cancelled ─▶ Cancelled
//!                   └── past last height + K ─▶ Expired
//!
//! bytes = session of the first recipient (32) ‖ account (4) ‖ list of inputs ‖ [change (32)]
//!         ‖ list of cancelled invites ‖ list of direct recipients ‖ last height (8) ‖ stage
//! ```
//!
//! A direct recipient is paid one-sidedly and answers nothing. A payment to such recipients alone is signed
//! at once; beside invites, their outputs enter the transaction when the last response arrives.
//!
//! The wallet signs nothing before every remaining recipient has responded, so an invite can be cancelled
//! free of charge until then: its share of the inputs becomes change. Its kernel never exists, because the
//! kernel needs a partial signature of this wallet. All invites of a payment have the same last height, and
//! their kernels enter the chain together or not at all. Source: `docs/SIGNING.md`, "Several recipients".
#![deny(clippy::indexing_slicing)]

use super::{DirectPayment, SessionStatus, TxStatus};
use crate::{
    codec::{Keyed, flag, inputs, list, option, point_bytes, put_inputs, put_list, put_option, session},
    keys::{Account, Address},
    nonce_vault::EncryptedNonces,
    outputs::Coin,
    slate::{Invite, Memo, Response},
};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    kernel::Excess,
    output::Output,
    session::SessionId,
    transaction::Transaction,
};
use std::collections::BTreeSet;

/// An invite that is out, with its encrypted nonces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenInvite {
    pub(crate) invite: Invite,
    /// x, d, e.
    pub(crate) encrypted: EncryptedNonces,
    /// The one response that is accepted: it was checked, and waits for the others.
    pub(crate) response: Option<Box<Response>>,
}

/// An invite that was answered and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedInvite {
    pub(crate) invite: Invite,
    /// The one response that was accepted.
    pub(crate) response: Response,
    /// The excess of the kernel.
    pub(crate) excess: Excess,
}

/// The stage of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "most payments are finalised")]
pub(crate) enum PaymentStage {
    /// At least one invite is out, and nothing signed has left.
    Open(Vec<OpenInvite>),
    /// Cancelled before anything signed left; the nonces are destroyed.
    Cancelled,
    /// Open until its last chance had passed; the nonces are destroyed. These invites were open then.
    Expired(Vec<Invite>),
    /// Signed; the nonces are destroyed, the result is kept.
    Finalised {
        /// The invites that it pays, in their order; none, if all recipients are direct.
        signed: Vec<SignedInvite>,
        transaction: Transaction,
        tx_status: TxStatus,
    },
}

/// A payment that this wallet began, to one or several recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentPayment {
    /// The session of its first recipient, which identifies the payment.
    pub(crate) id: SessionId,
    /// The paying account.
    pub(crate) account: Account,
    /// The commitments of its inputs.
    pub(crate) inputs: Vec<PointBytes>,
    /// The commitment of its change.
    pub(crate) change: Option<PointBytes>,
    /// The invites that were cancelled.
    pub(crate) cancelled: Vec<Invite>,
    /// The recipients who need not answer.
    pub(crate) direct: Vec<DirectPayment>,
    /// The last height at which it can enter a block.
    pub(crate) not_after: Height,
    pub(crate) stage: PaymentStage,
}

/// One recipient of a payment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PaymentPart<'a> {
    Open(&'a OpenInvite),
    Signed(&'a SignedInvite),
    Cancelled(&'a Invite),
    Expired(&'a Invite),
    Direct(&'a DirectPayment),
}

impl<'a> PaymentPart<'a> {
    /// The invite, unless the recipient need not answer.
    pub(crate) const fn invite(self) -> Option<&'a Invite> {
        match self {
            Self::Open(OpenInvite { invite, .. })
            | Self::Signed(SignedInvite { invite, .. })
            | Self::Cancelled(invite)
            | Self::Expired(invite) => Some(invite),
            Self::Direct(_) => None,
        }
    }

    pub(crate) const fn session(self) -> SessionId {
        match self {
            Self::Open(OpenInvite { invite, .. })
            | Self::Signed(SignedInvite { invite, .. })
            | Self::Cancelled(invite)
            | Self::Expired(invite) => invite.session,
            Self::Direct(direct) => direct.session,
        }
    }

    pub(crate) const fn amount(self) -> Amount {
        match self {
            Self::Direct(direct) => direct.terms.opening.amount,
            Self::Open(OpenInvite { invite, .. })
            | Self::Signed(SignedInvite { invite, .. })
            | Self::Cancelled(invite)
            | Self::Expired(invite) => invite.amount,
        }
    }

    /// The memo of the invite, or the payer's own note.
    pub(crate) const fn memo(self) -> &'a Memo {
        match self {
            Self::Direct(direct) => &direct.note,
            Self::Open(OpenInvite { invite, .. })
            | Self::Signed(SignedInvite { invite, .. })
            | Self::Cancelled(invite)
            | Self::Expired(invite) => &invite.memo,
        }
    }

    pub(crate) const fn recipient(self) -> Option<&'a Address> {
        match self {
            Self::Direct(direct) => Some(&direct.recipient),
            Self::Open(OpenInvite { invite, .. })
            | Self::Signed(SignedInvite { invite, .. })
            | Self::Cancelled(invite)
            | Self::Expired(invite) => invite.recipient.as_ref(),
        }
    }
}

impl SentPayment {
    /// The status of its transaction: an open payment waits, a cancelled one failed.
    pub(crate) const fn tx_status(&self) -> TxStatus {
        match self.stage {
            PaymentStage::Open(_) => TxStatus::Waiting,
            PaymentStage::Cancelled | PaymentStage::Expired(_) => TxStatus::Failed,
            PaymentStage::Finalised { tx_status, .. } => tx_status,
        }
    }

    /// The excess of its first kernel, once it is signed. Its kernels enter the chain together.
    pub(crate) fn excess(&self) -> Option<Excess> {
        let PaymentStage::Finalised { signed, transaction, .. } = &self.stage else { return None };
        let own = || transaction.body.kernels.first().map(|k| k.excess);
        signed.first().map(|s| s.excess).or_else(own)
    }

    /// Whether these outputs of a block pay all direct recipients.
    pub(crate) fn is_in(&self, outputs: &[Output]) -> bool {
        let made: BTreeSet<Coin> = outputs.iter().map(|o| Coin::of(&o.commitment, &o.features)).collect();
        self.direct.iter().all(|d| made.contains(&d.coin))
    }

    /// All recipients: those with an invite first, the cancelled ones last.
    pub(crate) fn parts(&self) -> impl Iterator<Item = PaymentPart<'_>> {
        let (open, signed, expired): (&[OpenInvite], &[SignedInvite], &[Invite]) = match &self.stage {
            PaymentStage::Open(open) => (open, &[], &[]),
            PaymentStage::Finalised { signed, .. } => (&[], signed, &[]),
            PaymentStage::Expired(expired) => (&[], &[], expired),
            PaymentStage::Cancelled => (&[], &[], &[]),
        };
        let live = open.iter().map(PaymentPart::Open).chain(signed.iter().map(PaymentPart::Signed));
        let live = live.chain(self.direct.iter().map(PaymentPart::Direct));
        let live = live.chain(expired.iter().map(PaymentPart::Expired));
        live.chain(self.cancelled.iter().map(PaymentPart::Cancelled))
    }

    /// The recipient with this session, if it belongs to the payment.
    pub(crate) fn part(&self, session: &SessionId) -> Option<PaymentPart<'_>> {
        self.parts().find(|p| p.session() == *session)
    }

    /// The status of one recipient, after the block at `tip`.
    pub(crate) fn status(&self, part: PaymentPart<'_>, tip: Height) -> SessionStatus {
        match part {
            PaymentPart::Direct(_) => match self.stage {
                PaymentStage::Finalised { tx_status, .. } => SessionStatus::Signed(tx_status),
                PaymentStage::Open(_) if self.not_after > tip => SessionStatus::Held,
                PaymentStage::Open(_) | PaymentStage::Expired(_) => SessionStatus::Expired,
                PaymentStage::Cancelled => SessionStatus::Cancelled,
            },
            PaymentPart::Open(o) if o.invite.not_after() <= tip => SessionStatus::Expired,
            PaymentPart::Open(OpenInvite { response: None, .. }) => SessionStatus::Begun,
            PaymentPart::Open(_) => SessionStatus::Held,
            PaymentPart::Signed(_) => SessionStatus::Signed(self.tx_status()),
            PaymentPart::Cancelled(_) => SessionStatus::Cancelled,
            PaymentPart::Expired(_) => SessionStatus::Expired,
        }
    }

    /// The fee of one recipient: that of its kernel; the first one also bears what exceeds the fees of all
    /// kernels of recipients.
    pub(crate) fn fee(&self, part: PaymentPart<'_>) -> Amount {
        let fee = part.invite().map_or(Amount::ZERO, |i| i.features.fee());
        let PaymentStage::Finalised { signed, transaction, .. } = &self.stage else { return fee };
        if self.parts().next().is_none_or(|first| first.session() != part.session()) {
            return fee;
        }
        let others = Amount::checked_sum(signed.iter().skip(1).map(|s| s.invite.features.fee()));
        let all = transaction.body.fees();
        all.zip(others).and_then(|(all, others)| all.checked_sub(others)).unwrap_or(fee)
    }

    /// Cancels one open invite; the payment continues with the others, if there are any.
    pub(crate) fn cancel_invite(&mut self, session: &SessionId) {
        let PaymentStage::Open(open) = &mut self.stage else { return };
        let off = open.extract_if(.., |o| o.invite.session == *session);
        self.cancelled.extend(off.map(|o| o.invite));
        if open.is_empty() {
            self.stage = PaymentStage::Cancelled;
        }
    }

    /// Ends all open invites, which no party can finish any more.
    pub(crate) fn expire(&mut self) {
        let PaymentStage::Open(open) = &mut self.stage else { return };
        let expired = core::mem::take(open).into_iter().map(|o| o.invite);
        self.stage = PaymentStage::Expired(expired.collect());
    }

    /// Whether it ended before anything was signed.
    pub(crate) const fn is_unsigned_and_over(&self) -> bool {
        matches!(self.stage, PaymentStage::Cancelled | PaymentStage::Expired(_))
    }
}

/// Fewest bytes of an invite.
pub(crate) const LEAST_INVITE: usize = 32 + 8 + 9 + 160 + 65 + 1 + 2;

fn invites<T: Decode>(r: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    list(r, "invites", LEAST_INVITE)
}

impl Encode for OpenInvite {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        self.encrypted.encode(out);
        put_option(self.response.as_deref(), out);
    }
}

impl Decode for OpenInvite {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (invite, encrypted) = (Invite::decode(r)?, EncryptedNonces::decode(r)?);
        Ok(Self { invite, encrypted, response: option(r, "response flag")?.map(Box::new) })
    }
}

impl Encode for SignedInvite {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        self.response.encode(out);
        self.excess.encode(out);
    }
}

impl Decode for SignedInvite {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (invite, response) = (Invite::decode(r)?, Response::decode(r)?);
        Ok(Self { invite, response, excess: Excess::decode(r)? })
    }
}

impl Keyed for SentPayment {
    type Key = SessionId;
    const NAME: &'static str = "payments made";
    const LEAST_BYTES: usize = 32 + 4 + 4 + 1 + 4 + 4 + 8 + 1 + DirectPayment::LEAST_BYTES;

    fn key(&self) -> SessionId {
        self.id
    }
}

impl Encode for SentPayment {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        put_inputs(&self.inputs, out);
        out.push(u8::from(self.change.is_some()));
        self.change.iter().for_each(|c| out.extend_from_slice(&c.0));
        put_list(&self.cancelled, out);
        put_list(&self.direct, out);
        self.not_after.encode(out);
        match &self.stage {
            PaymentStage::Open(open) => {
                out.push(0);
                put_list(open, out);
            }
            PaymentStage::Cancelled => out.push(1),
            PaymentStage::Finalised { signed, transaction, tx_status } => {
                out.push(2);
                put_list(signed, out);
                transaction.encode(out);
                tx_status.encode(out);
            }
            PaymentStage::Expired(expired) => {
                out.push(3);
                put_list(expired, out);
            }
        }
    }
}

/// The identifier must be the session of one of the recipients, and a payment that is open, finalised or
/// expired must have recipients.
impl Decode for SentPayment {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (id, account, inputs) = (session(r)?, Account(r.u32()?), inputs(r)?);
        let change = flag(r, "change flag")?.then(|| point_bytes(r)).transpose()?;
        let cancelled = invites(r)?;
        let direct: Vec<DirectPayment> = list(r, "direct recipients", DirectPayment::LEAST_BYTES)?;
        let not_after = Height::decode(r)?;
        let (live, stage) = match r.u8()? {
            0 => {
                let open: Vec<OpenInvite> = invites(r)?;
                (!open.is_empty(), PaymentStage::Open(open))
            }
            1 => (true, PaymentStage::Cancelled),
            2 => {
                let signed: Vec<SignedInvite> = invites(r)?;
                let (transaction, tx_status) = (Transaction::decode(r)?, TxStatus::decode(r)?);
                (
                    !(signed.is_empty() && direct.is_empty()),
                    PaymentStage::Finalised { signed, transaction, tx_status },
                )
            }
            3 => {
                let expired: Vec<Invite> = invites(r)?;
                (!expired.is_empty(), PaymentStage::Expired(expired))
            }
            code => return Err(DecodeError::Code { what: "stage", code }),
        };
        let sent = Self { id, account, inputs, change, cancelled, direct, not_after, stage };
        match live && sent.part(&id).is_some() {
            true => Ok(sent),
            false => Err(DecodeError::Code { what: "payment without its recipient", code: 0 }),
        }
    }
}
