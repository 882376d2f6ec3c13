//! What a member asks the others to do with it.
//!
//! ```text
//! receive  1 ‖ key of the output (1) ‖ key of the kernel (1) ‖ invite
//! pay      2 ‖ key of the change (1), 0 if there is none ‖ key of the kernel (1)
//!          ‖ inputs: count (4), each: key (1) ‖ amount (8) ‖ invoice
//! ```
#![deny(clippy::indexing_slicing)]

use super::GroupCoin;
use crate::{
    codec::{list, put_list, whole},
    slate::{Invite, Invoice},
};
use sotto_keys::pool::{Plan, PoolKey};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader},
};

/// What a member asks the others to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// To respond to an invite.
    Receive {
        /// The key of the output.
        output: PoolKey,
        /// The key in the kernel.
        kernel: PoolKey,
        /// The invite.
        invite: Box<Invite>,
    },
    /// To pay an invoice.
    Pay {
        /// The key of the change, if there is any.
        change: Option<PoolKey>,
        /// The key in the kernel.
        kernel: PoolKey,
        /// The outputs to spend, in ascending order of their keys.
        inputs: Vec<GroupCoin>,
        /// The invoice.
        invoice: Box<Invoice>,
    },
}

impl GroupRequest {
    /// The amount that changes hands.
    #[must_use]
    pub fn amount(&self) -> Amount {
        match self {
            Self::Receive { invite, .. } => invite.amount,
            Self::Pay { invoice, .. } => invoice.amount,
        }
    }

    /// The last height at which it can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        match self {
            Self::Receive { invite, .. } => invite.not_after(),
            Self::Pay { invoice, .. } => invoice.not_after(),
        }
    }

    /// What is left of the inputs; `None` if they do not pay for the invoice and its fee, or to receive.
    pub(super) fn rest(&self) -> Option<Amount> {
        let Self::Pay { inputs, invoice, .. } = self else { return None };
        let sum = Amount::checked_sum(inputs.iter().map(|coin| coin.amount))?;
        sum.checked_sub(invoice.amount.checked_add(invoice.features.fee())?)
    }

    /// The output that the group gets.
    #[must_use]
    pub fn made(&self) -> Option<GroupCoin> {
        match self {
            Self::Receive { output, invite, .. } => Some(GroupCoin { key: *output, amount: invite.amount }),
            Self::Pay { change, .. } => Some(GroupCoin { key: (*change)?, amount: self.rest()? }),
        }
    }

    /// The outputs that the group spends.
    #[must_use]
    pub fn spent(&self) -> &[GroupCoin] {
        match self {
            Self::Receive { .. } => &[],
            Self::Pay { inputs, .. } => inputs,
        }
    }

    /// What the members do: answer for the output and the kernel, open the offset, prove possession of the
    /// kernel's key, and sign a receipt for what they receive.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let (made, kernel) = match self {
            Self::Receive { output, kernel, .. } => (Some(*output), *kernel),
            Self::Pay { change, kernel, .. } => (*change, *kernel),
        };
        let receipt = matches!(self, Self::Receive { .. }).then_some(PoolKey::ADDRESS);
        Plan {
            fresh: made.into_iter().chain([kernel]).collect(),
            added: made.into_iter().collect(),
            subtracted: self.spent().iter().map(|coin| coin.key).collect(),
            signed: [kernel].into_iter().chain(receipt).collect(),
            request: self.to_bytes(),
        }
    }

    /// The request that a plan is for; `None` if the plan does something else.
    ///
    /// # Errors
    /// [`DecodeError`] if the request cannot be read.
    pub(super) fn of_plan(plan: &Plan) -> Result<Option<Self>, DecodeError> {
        let request = whole(&plan.request, Self::decode)?;
        Ok((request.plan() == *plan).then_some(request))
    }
}

impl Encode for GroupRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Receive { output, kernel, invite } => {
                out.extend_from_slice(&[1, output.get(), kernel.get()]);
                invite.encode(out);
            }
            Self::Pay { change, kernel, inputs, invoice } => {
                out.extend_from_slice(&[2, change.map_or(0, PoolKey::get), kernel.get()]);
                put_list(inputs, out);
                invoice.encode(out);
            }
        }
    }
}

impl Decode for GroupRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (code, made, kernel) = (r.u8()?, PoolKey::new(r.u8()?), PoolKey::new(r.u8()?));
        Ok(match code {
            1 => Self::Receive { output: made, kernel, invite: Box::new(Invite::decode(r)?) },
            2 => Self::Pay {
                change: Some(made).filter(|key| *key != PoolKey::ADDRESS),
                kernel,
                inputs: list(r, "inputs", 9)?,
                invoice: Box::new(Invoice::decode(r)?),
            },
            code => return Err(DecodeError::Code { what: "request of a group", code }),
        })
    }
}
