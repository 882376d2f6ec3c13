//! Transactions of this wallet with itself: self-spends that displace a payment, consolidations,
//! relocations, and what pays for a notice.
//!
//! ```text
//! bytes = identifier (32) ‖ account (4) ‖ reason ‖ list of inputs ‖ output (32) ‖ last height (8)
//!         ‖ transaction ‖ excess (32) ‖ transaction status
//! ```
#![deny(clippy::indexing_slicing)]

use super::TxStatus;
use crate::{
    codec::{Keyed, inputs, point_bytes, put_inputs, session},
    keys::Account,
    level::Statement,
};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    kernel::{Excess, Notice},
    session::SessionId,
    transaction::Transaction,
};

/// The purpose of a self-transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SelfTransferReason {
    /// Several outputs become one.
    Consolidation,
    /// An output moves, so that its payer no longer knows what opens it.
    Relocation,
    /// An input of a payment is spent, so that the payment can never confirm.
    SelfSpend {
        /// The session of the payment.
        of: SessionId,
    },
    /// A notice is put on record; its kernel is the one that counts.
    Statement(Box<Statement>),
    /// Another notice is put on record; its kernel is the one that counts.
    Notice(Notice),
}

/// A transaction of this wallet with itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SelfTransfer {
    /// A random identifier; there is no signing session.
    pub(crate) session: SessionId,
    pub(crate) account: Account,
    pub(crate) reason: SelfTransferReason,
    /// The commitments of its inputs.
    pub(crate) inputs: Vec<PointBytes>,
    /// The commitment of its output.
    pub(crate) output: PointBytes,
    /// The last height at which it can enter a block.
    pub(crate) not_after: Height,
    /// The transaction, to be submitted again if need be.
    pub(crate) transaction: Transaction,
    /// The excess of the kernel.
    pub(crate) excess: Excess,
    pub(crate) tx_status: TxStatus,
}

impl SelfTransfer {
    /// The fee.
    pub(crate) fn fee(&self) -> Amount {
        self.transaction.body.fees().unwrap_or_default()
    }

    /// Whether its kernel is in the chain or can still enter it.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.tx_status, TxStatus::Waiting | TxStatus::Confirmed { .. })
    }
}

impl Keyed for SelfTransfer {
    type Key = SessionId;
    const NAME: &'static str = "self-transfers";
    const LEAST_BYTES: usize = 32 + 4 + 1 + 4 + 32 + 8 + 32 + 1;

    fn key(&self) -> SessionId {
        self.session
    }
}

impl Encode for SelfTransfer {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        match &self.reason {
            SelfTransferReason::Consolidation => out.push(0),
            SelfTransferReason::Relocation => out.push(2),
            SelfTransferReason::SelfSpend { of } => {
                out.push(1);
                out.extend_from_slice(&of.0);
            }
            SelfTransferReason::Statement(statement) => {
                out.push(3);
                statement.encode(out);
            }
            SelfTransferReason::Notice(notice) => {
                out.push(4);
                notice.encode(out);
            }
        }
        put_inputs(&self.inputs, out);
        out.extend_from_slice(&self.output.0);
        self.not_after.encode(out);
        self.transaction.encode(out);
        self.excess.encode(out);
        self.tx_status.encode(out);
    }
}

impl Decode for SelfTransfer {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session(r)?,
            account: Account(r.u32()?),
            reason: match r.u8()? {
                0 => SelfTransferReason::Consolidation,
                1 => SelfTransferReason::SelfSpend { of: session(r)? },
                2 => SelfTransferReason::Relocation,
                3 => SelfTransferReason::Statement(Box::new(Statement::decode(r)?)),
                4 => SelfTransferReason::Notice(Notice::decode(r)?),
                code => return Err(DecodeError::Code { what: "reason", code }),
            },
            inputs: inputs(r)?,
            output: point_bytes(r)?,
            not_after: Height::decode(r)?,
            transaction: Transaction::decode(r)?,
            excess: Excess::decode(r)?,
            tx_status: TxStatus::decode(r)?,
        })
    }
}
