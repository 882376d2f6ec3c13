//! Invoices: what this wallet asked for, and what it paid because it was asked.
//!
//! ```text
//! asked     Open ── collect ─▶ Collected: waiting ⇄ confirmed, waiting ─▶ failed
//!             └── cancel, or past last height + K ─▶ Cancelled
//! paid      Paid: as a payment that was finalised: see `state`
//! ```
//!
//! Asking promises nothing and locks nothing; a payer's partial signature leaves at once, so his inputs are held until the
//! kernel is in a block or can never be.

use super::{Fate, last_chance, settle::kernel_fate};
use crate::{
    keys::Account,
    slate::{Invoice, Payment, SlateError, seal::Sealed},
};
use sotto_mw::{
    amount::Height, chain::Chain, commitment::Commitment, group::PointBytes, kernel::Excess,
    range_proof::Opening, transaction::Transaction,
};
use std::collections::BTreeMap;

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedStage {
    /// The invoice is out; the secrets wait under seal.
    Open(Sealed),
    /// Called off before anything signed left; the secrets are gone.
    Cancelled,
    /// Signed; the secrets are gone, the result is kept.
    Collected {
        /// The one payment that was accepted.
        payment: Box<Payment>,
        /// The result.
        transaction: Transaction,
        /// Its kernel's excess.
        excess: Excess,
        /// What became of it.
        fate: Fate,
    },
}

/// A request of this wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The receiving account.
    pub account: Account,
    /// The invoice.
    pub invoice: Invoice,
    /// Opens its output.
    pub opening: Opening,
    /// How far it has come.
    pub stage: AskedStage,
}

impl Asked {
    pub(super) fn fate(&self) -> Fate {
        match self.stage {
            AskedStage::Open(_) => Fate::Waiting,
            AskedStage::Cancelled => Fate::Failed,
            AskedStage::Collected { fate, .. } => fate,
        }
    }

    /// Calls it off while no partial signature has left; doing it twice is the same as once.
    pub(super) fn cancel(&mut self, chain: &Chain) -> Result<(), SlateError> {
        match self.stage {
            AskedStage::Cancelled => {}
            AskedStage::Open(_) => self.stage = AskedStage::Cancelled,
            AskedStage::Collected { fate, .. } => {
                return fate.cancelled(last_chance(chain, self.invoice.not_after()));
            }
        }
        Ok(())
    }

    /// Takes over what the chain at `tip` says about its kernel.
    pub(super) fn settle(&mut self, chain: &Chain, tip: Height, kernels: &BTreeMap<Excess, Height>) {
        let not_after = self.invoice.not_after();
        match &mut self.stage {
            AskedStage::Collected { fate, excess, .. } => {
                *fate = kernel_fate((chain, tip), not_after, kernels.get(excess));
            }
            AskedStage::Open(_) if tip > last_chance(chain, not_after) => self.stage = AskedStage::Cancelled,
            AskedStage::Open(_) | AskedStage::Cancelled => {}
        }
    }
}

/// A payment of this wallet to somebody's invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The paying account.
    pub account: Account,
    /// The invoice.
    pub invoice: Invoice,
    /// The payment, repeated whenever the same invoice comes again.
    pub payment: Payment,
    /// The kernel's excess.
    pub excess: Excess,
    /// What became of it.
    pub fate: Fate,
}

impl Paid {
    /// What it spends.
    pub(crate) fn inputs(&self) -> Vec<PointBytes> {
        self.payment.inputs.iter().map(Commitment::encoded).collect()
    }
}
