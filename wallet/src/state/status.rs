//! How far sessions and transactions have come.

use crate::slate::SlateError;
use core::fmt;
use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
};

/// The status of a signed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// Its kernel is not in the chain, and can still enter it.
    Waiting,
    /// Its kernel is in the chain.
    Confirmed {
        /// The height of its block.
        height: Height,
    },
    /// Another transaction has spent one of its inputs: it cannot confirm in this chain.
    Displaced {
        /// The height of the other transaction's block, or of the scan that noticed.
        height: Height,
    },
    /// It can never confirm, whatever is reorganised.
    Failed,
}

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// This wallet began, and the other party has not answered. Cancelling is free.
    Begun,
    /// The recipient has answered, but other recipients of the same transaction have not. Cancelling is free.
    Held,
    /// This wallet has answered, and the payer decides whether to sign. It locks nothing here.
    Answered,
    /// Cancelled before anything signed left this wallet.
    Cancelled,
    /// Its last height has passed before the other party, or the payer, signed it.
    Expired,
    /// This wallet has answered, and no longer expects the payer to sign.
    Dismissed,
    /// This wallet has signed, and a self-spend that ends the payment is waiting for a block.
    Ending,
    /// This wallet has signed as the payer, or the payment is in a block.
    Signed(TxStatus),
}

impl TxStatus {
    /// The result of cancelling a signed transaction that can confirm until a height.
    pub(crate) const fn cancelled(self, until: Height) -> Result<(), SlateError> {
        match self {
            Self::Failed => Ok(()),
            Self::Confirmed { height } => Err(SlateError::Confirmed { height }),
            Self::Waiting | Self::Displaced { .. } => Err(SlateError::HasLeft { until }),
        }
    }
}

/// The last height at which a kernel can still enter the chain, by a reorganisation if need be.
pub(crate) fn last_possible_height(chain: &Chain, not_after: Height) -> Height {
    not_after.plus(chain.params().reorganisation)
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Begun => "open",
            Self::Held => "held",
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Dismissed => "dismissed",
            Self::Ending => "ending",
            Self::Signed(TxStatus::Waiting) => "waiting",
            Self::Signed(TxStatus::Confirmed { .. }) => "confirmed",
            Self::Signed(TxStatus::Displaced { .. }) => "displaced",
            Self::Signed(TxStatus::Failed) => "failed",
        })
    }
}

impl Encode for TxStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting => out.push(0),
            Self::Confirmed { height } => {
                out.push(1);
                height.encode(out);
            }
            Self::Failed => out.push(2),
            Self::Displaced { height } => {
                out.push(3);
                height.encode(out);
            }
        }
    }
}

impl Decode for TxStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Waiting),
            1 => Ok(Self::Confirmed { height: Height::decode(r)? }),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Displaced { height: Height::decode(r)? }),
            code => Err(DecodeError::Code { what: "transaction status", code }),
        }
    }
}
