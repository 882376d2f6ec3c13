//! Invoices that this wallet issued, and invoices that it paid.
//!
//! ```text
//! issued    Open ── collect ─▶ Collected: waiting ⇄ confirmed, waiting ─▶ failed
//!             ├── cancel ─▶ Cancelled
//!             └── past last height + K ─▶ Expired
//! paid      signed: see `state`
//!
//! issued bytes = invoice ‖ account (4) ‖ amount (8) ‖ index (12) ‖ stage
//! paid bytes   = invoice ‖ account (4) ‖ payment ‖ excess (32) ‖ transaction status
//! ```
//!
//! Issuing an invoice promises nothing and reserves nothing. The partial signature of a payer leaves at once,
//! so the payer's inputs are reserved until the kernel is in a block or can never be.
#![deny(clippy::indexing_slicing)]

use super::{ChainObservation, TxStatus, last_possible_height};
use crate::{
    codec::Keyed,
    keys::Account,
    nonce_vault::EncryptedNonces,
    outputs::{opening, put_opening},
    slate::{Invoice, Payment, SlateError},
};
use sotto_mw::{
    amount::Amount,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    kernel::Excess,
    range_proof::Opening,
    session::SessionId,
    transaction::Transaction,
};

/// The stage of an invoice that this wallet issued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a wallet issues few invoices")]
pub(crate) enum InvoiceStage {
    /// The invoice is out; its nonces are kept.
    Open(EncryptedNonces),
    /// Cancelled before anything signed left; the nonces are destroyed.
    Cancelled,
    /// Not paid before its last chance had passed; the nonces are destroyed.
    Expired,
    /// Signed; the nonces are destroyed, the result is kept.
    Collected {
        /// The one payment that was accepted.
        payment: Box<Payment>,
        transaction: Transaction,
        /// The excess of the kernel.
        excess: Excess,
        tx_status: TxStatus,
    },
}

/// An invoice that this wallet issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuedInvoice {
    /// The receiving account.
    pub(crate) account: Account,
    pub(crate) invoice: Invoice,
    /// Opens the receiver's output.
    pub(crate) opening: Opening,
    pub(crate) stage: InvoiceStage,
}

impl IssuedInvoice {
    pub(crate) const fn tx_status(&self) -> TxStatus {
        match self.stage {
            InvoiceStage::Open(_) => TxStatus::Waiting,
            InvoiceStage::Cancelled | InvoiceStage::Expired => TxStatus::Failed,
            InvoiceStage::Collected { tx_status, .. } => tx_status,
        }
    }

    /// The excess of the kernel, once the payment was collected.
    pub(crate) const fn excess(&self) -> Option<Excess> {
        match self.stage {
            InvoiceStage::Collected { excess, .. } => Some(excess),
            InvoiceStage::Open(_) | InvoiceStage::Cancelled | InvoiceStage::Expired => None,
        }
    }

    /// Cancels the invoice if no partial signature has left; cancelling twice is the same as once.
    pub(crate) fn cancel(&mut self, chain: &Chain) -> Result<(), SlateError> {
        match self.stage {
            InvoiceStage::Cancelled | InvoiceStage::Expired => {}
            InvoiceStage::Open(_) => self.stage = InvoiceStage::Cancelled,
            InvoiceStage::Collected { tx_status, .. } => {
                return tx_status.cancelled(last_possible_height(chain, self.invoice.not_after()));
            }
        }
        Ok(())
    }

    /// Applies what a scan observed.
    pub(crate) fn observe(&mut self, chain: &Chain, seen: &ChainObservation) {
        let not_after = self.invoice.not_after();
        match &mut self.stage {
            InvoiceStage::Collected { tx_status, excess, .. } => {
                *tx_status = seen.kernel_status(chain, not_after, excess);
            }
            InvoiceStage::Open(_) if seen.is_over(chain, not_after) => self.stage = InvoiceStage::Expired,
            InvoiceStage::Open(_) | InvoiceStage::Cancelled | InvoiceStage::Expired => {}
        }
    }
}

/// A payment of this wallet to an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaidInvoice {
    /// The paying account.
    pub(crate) account: Account,
    pub(crate) invoice: Invoice,
    /// The payment; the wallet repeats it when the same invoice arrives again.
    pub(crate) payment: Payment,
    /// The excess of the kernel.
    pub(crate) excess: Excess,
    pub(crate) tx_status: TxStatus,
}

impl PaidInvoice {
    /// The fees of its kernels.
    pub(crate) fn fee(&self) -> Amount {
        let fee = self.invoice.features.fee();
        fee.checked_add(self.payment.own_fee()).unwrap_or(fee)
    }

    /// The commitments of its inputs.
    pub(crate) fn inputs(&self) -> Vec<PointBytes> {
        self.payment.spent().map(|coin| coin.commitment).collect()
    }
}

impl Keyed for IssuedInvoice {
    type Key = SessionId;
    const NAME: &'static str = "invoices";
    const LEAST_BYTES: usize = 1_000;

    fn key(&self) -> SessionId {
        self.invoice.session
    }
}

impl Encode for IssuedInvoice {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invoice.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        put_opening(&self.opening, out);
        match &self.stage {
            InvoiceStage::Open(encrypted) => {
                out.push(0);
                encrypted.encode(out);
            }
            InvoiceStage::Cancelled => out.push(1),
            InvoiceStage::Expired => out.push(3),
            InvoiceStage::Collected { payment, transaction, excess, tx_status } => {
                out.push(2);
                payment.encode(out);
                transaction.encode(out);
                excess.encode(out);
                tx_status.encode(out);
            }
        }
    }
}

impl Decode for IssuedInvoice {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoice: Invoice::decode(r)?,
            account: Account(r.u32()?),
            opening: opening(r)?,
            stage: match r.u8()? {
                0 => InvoiceStage::Open(EncryptedNonces::decode(r)?),
                1 => InvoiceStage::Cancelled,
                3 => InvoiceStage::Expired,
                2 => InvoiceStage::Collected {
                    payment: Box::new(Payment::decode(r)?),
                    transaction: Transaction::decode(r)?,
                    excess: Excess::decode(r)?,
                    tx_status: TxStatus::decode(r)?,
                },
                code => return Err(DecodeError::Code { what: "stage", code }),
            },
        })
    }
}

impl Keyed for PaidInvoice {
    type Key = SessionId;
    const NAME: &'static str = "invoices paid";
    const LEAST_BYTES: usize = 1_000;

    fn key(&self) -> SessionId {
        self.invoice.session
    }
}

impl Encode for PaidInvoice {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invoice.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        self.payment.encode(out);
        self.excess.encode(out);
        self.tx_status.encode(out);
    }
}

impl Decode for PaidInvoice {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoice: Invoice::decode(r)?,
            account: Account(r.u32()?),
            payment: Payment::decode(r)?,
            excess: Excess::decode(r)?,
            tx_status: TxStatus::decode(r)?,
        })
    }
}
