//! Transactions of this wallet with itself: a self-spend that displaces a payment, a consolidation.

use super::Fate;
use crate::keys::Account;
use sotto_mw::{
    amount::{Amount, Height},
    group::PointBytes,
    kernel::Excess,
    session::SessionId,
    transaction::Transaction,
};

/// Why money was moved within the wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Several outputs become one.
    Consolidation,
    /// An input of a payment is spent, so that the payment cannot come true any more.
    SelfSpend {
        /// The payment's session.
        of: SessionId,
    },
}

/// A transaction of this wallet with itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name in this wallet; no session was held.
    pub session: SessionId,
    /// The account.
    pub account: Account,
    /// Why.
    pub reason: Reason,
    /// What it spends.
    pub inputs: Vec<PointBytes>,
    /// What it makes.
    pub output: PointBytes,
    /// The last height at which it can enter a block.
    pub not_after: Height,
    /// The transaction, to be submitted again if need be.
    pub transaction: Transaction,
    /// Its kernel's excess.
    pub excess: Excess,
    /// What became of it.
    pub fate: Fate,
}

impl Moved {
    /// What it costs.
    #[must_use]
    pub fn fee(&self) -> Amount {
        self.transaction.body.fees().unwrap_or_default()
    }
}
