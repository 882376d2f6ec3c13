//! What a member keeps of a payment that the group made, or that its members began to make.
//!
//! ```text
//! record  members' session (32) ‖ request ‖ stage ‖ height of its block (8), 0 if it is in none
//! stage   1 ‖ awaited (1): 1 masks, 2 answers ‖ count (1) ‖ members, ascending (1 each)
//!         2 ‖ response or payment, whichever the request asks for
//!         3 ‖ member at fault (1), 0 if none is known
//! ```
//!
//! A session that failed here can be complete at a member that kept letters back, so its record stays: it is what the
//! rule against paying twice looks at.
#![deny(clippy::indexing_slicing)]

use super::{GroupAnswer, GroupRequest};
use crate::{
    keys::Address,
    slate::{Memo, Payment, Response},
    state::{SessionStatus, TxStatus, last_possible_height},
};
use sotto_keys::{Hash as KeysHash, Index, Progress, Step};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    kernel::Excess,
    schnorr::PublicKey,
    session::SessionId,
};

/// How far the members have come with a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupStage {
    /// They wait for letters.
    Awaiting {
        /// The step of those letters.
        step: Step,
        /// Whose letters are missing.
        from: Vec<Index>,
    },
    /// They have answered the other side.
    Answered(GroupAnswer),
    /// The session is over for this member.
    Failed {
        /// Who is at fault, if that is known.
        by: Option<Index>,
    },
}

/// A payment of a group, as one member knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// The session of the members' letters.
    pub session: KeysHash,
    /// What was asked for.
    pub request: GroupRequest,
    /// How far it has come.
    pub stage: GroupStage,
    /// The height of its block, if it is in one.
    pub confirmed: Option<Height>,
}

impl GroupRecord {
    /// The identifier of the slate.
    #[must_use]
    pub fn slate(&self) -> SessionId {
        match &self.request {
            GroupRequest::Receive { invite, .. } => invite.session,
            GroupRequest::Pay { invoice, .. } => invoice.session,
        }
    }

    /// Whether the group pays.
    #[must_use]
    pub const fn is_payer(&self) -> bool {
        matches!(self.request, GroupRequest::Pay { .. })
    }

    /// The address of the other side.
    #[must_use]
    pub fn counterparty(&self) -> &Address {
        match &self.request {
            GroupRequest::Receive { invite, .. } => &invite.sender,
            GroupRequest::Pay { invoice, .. } => &invoice.receiver,
        }
    }

    /// The line of text in the slate.
    #[must_use]
    pub fn memo(&self) -> &Memo {
        match &self.request {
            GroupRequest::Receive { invite, .. } => &invite.memo,
            GroupRequest::Pay { invoice, .. } => &invoice.memo,
        }
    }

    /// What the payment costs the group beyond its amount.
    #[must_use]
    pub fn fee(&self) -> Amount {
        match &self.request {
            GroupRequest::Receive { .. } => Amount::ZERO,
            GroupRequest::Pay { invoice, .. } => invoice.features.fee(),
        }
    }

    /// The excess of its kernel, once the group's part of it is known.
    #[must_use]
    pub fn excess(&self) -> Option<Excess> {
        let sum = |theirs: &PublicKey, ours: &PublicKey| Excess::from_point(*theirs.plus(ours).point());
        match (&self.request, &self.stage) {
            (GroupRequest::Receive { invite, .. }, GroupStage::Answered(GroupAnswer::Response(r))) => {
                Some(sum(&invite.share.key, &r.share.key))
            }
            (GroupRequest::Pay { invoice, .. }, GroupStage::Answered(GroupAnswer::Payment(p))) => {
                Some(sum(&invoice.share.key, &p.share.key))
            }
            _ => None,
        }
    }

    /// Its status in a chain that has come so far.
    #[must_use]
    pub fn status(&self, chain: &Chain, tip: Height) -> SessionStatus {
        if let Some(height) = self.confirmed {
            return SessionStatus::Signed(TxStatus::Confirmed { height });
        }
        let end = self.request.not_after();
        let over = tip > last_possible_height(chain, end);
        match &self.stage {
            GroupStage::Failed { .. } => SessionStatus::Cancelled,
            GroupStage::Answered(GroupAnswer::Payment(_)) if over => SessionStatus::Signed(TxStatus::Failed),
            GroupStage::Answered(GroupAnswer::Payment(_)) => SessionStatus::Signed(TxStatus::Waiting),
            _ if tip >= end => SessionStatus::Expired,
            GroupStage::Answered(_) => SessionStatus::Answered,
            GroupStage::Awaiting { .. } => SessionStatus::Begun,
        }
    }
}

impl GroupStage {
    /// The stage of a session that has come so far.
    #[must_use]
    pub fn of(progress: &Progress<GroupAnswer>) -> Self {
        match progress {
            Progress::Awaiting { step, from } => Self::Awaiting { step: *step, from: from.clone() },
            Progress::Done(answer) => Self::Answered(answer.clone()),
        }
    }
}

impl Encode for GroupRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.session.as_bytes());
        self.request.encode(out);
        match &self.stage {
            GroupStage::Awaiting { step, from } => {
                out.extend_from_slice(&[1, if *step == Step::Answered { 2 } else { 1 }]);
                // At most fifteen.
                out.push(from.len() as u8);
                out.extend(from.iter().map(|i| i.get()));
            }
            GroupStage::Answered(answer) => {
                out.push(2);
                match answer {
                    GroupAnswer::Response(response) => response.encode(out),
                    GroupAnswer::Payment(payment) => payment.encode(out),
                }
            }
            GroupStage::Failed { by } => out.extend_from_slice(&[3, by.map_or(0, Index::get)]),
        }
        self.confirmed.unwrap_or(Height::GENESIS).encode(out);
    }
}

impl Decode for GroupRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (session, request) = (KeysHash::from_bytes(r.array()?), GroupRequest::decode(r)?);
        let stage = match (r.u8()?, &request) {
            (1, _) => awaiting(r)?,
            (2, GroupRequest::Receive { .. }) => {
                GroupStage::Answered(GroupAnswer::Response(Box::new(Response::decode(r)?)))
            }
            (2, GroupRequest::Pay { .. }) => {
                GroupStage::Answered(GroupAnswer::Payment(Box::new(Payment::decode(r)?)))
            }
            (3, _) => match r.u8()? {
                0 => GroupStage::Failed { by: None },
                number => GroupStage::Failed { by: Some(member(number)?) },
            },
            (code, _) => return Err(DecodeError::Code { what: "stage of a group's payment", code }),
        };
        let confirmed = Some(Height::decode(r)?).filter(|height| *height > Height::GENESIS);
        Ok(Self { session, request, stage, confirmed })
    }
}

fn member(number: u8) -> Result<Index, DecodeError> {
    Index::new(number).ok_or(DecodeError::Code { what: "member of a group", code: number })
}

fn awaiting(r: &mut Reader<'_>) -> Result<GroupStage, DecodeError> {
    let step = match r.u8()? {
        1 => Step::Masked,
        2 => Step::Answered,
        code => return Err(DecodeError::Code { what: "step of a group's payment", code }),
    };
    let mut from: Vec<Index> = Vec::new();
    for _ in 0..r.u8()? {
        let next = member(r.u8()?)?;
        if from.last().is_some_and(|last| *last >= next) {
            return Err(DecodeError::Repeated { what: "member of a group" });
        }
        from.push(next);
    }
    Ok(GroupStage::Awaiting { step, from })
}
