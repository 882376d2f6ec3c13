//! Payments to this wallet that it answered.
//!
//! ```text
//! bytes = invite ‖ account (4) ‖ response ‖ excess (32) ‖ transaction status
//! ```
#![deny(clippy::indexing_slicing)]

use super::{TxStatus, sent::LEAST_INVITE};
use crate::{
    codec::Keyed,
    keys::Account,
    slate::{Invite, Response},
};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    kernel::Excess,
    session::SessionId,
};

/// A payment to this wallet that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedPayment {
    /// The receiving account.
    pub(crate) account: Account,
    pub(crate) invite: Invite,
    /// The response; the wallet repeats it when the same invite arrives again.
    pub(crate) response: Response,
    /// The excess of the kernel.
    pub(crate) excess: Excess,
    pub(crate) tx_status: TxStatus,
}

impl Keyed for ReceivedPayment {
    type Key = SessionId;
    const NAME: &'static str = "payments received";
    const LEAST_BYTES: usize = LEAST_INVITE + 1_000;

    fn key(&self) -> SessionId {
        self.invite.session
    }
}

impl Encode for ReceivedPayment {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        self.response.encode(out);
        self.excess.encode(out);
        self.tx_status.encode(out);
    }
}

impl Decode for ReceivedPayment {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invite: Invite::decode(r)?,
            account: Account(r.u32()?),
            response: Response::decode(r)?,
            excess: Excess::decode(r)?,
            tx_status: TxStatus::decode(r)?,
        })
    }
}
