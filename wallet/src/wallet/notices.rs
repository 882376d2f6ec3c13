//! Notices that are not about levels, as methods of a handle: what a wallet puts on record for others.

use super::{
    Wallet,
    self_transfers::{self, Recorded},
};
use crate::{
    coin_selection::{self, Confirmed, SelfTransferPlan},
    error::WalletError,
    keys::Account,
    state::{SelfTransferReason, TxStatus},
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::kernel::{Excess, Notice};

/// The notices of a wallet.
#[derive(Debug)]
pub struct Notices<'a, S>(pub(super) &'a mut Wallet<S>);

impl<S: Store> Notices<'_, S> {
    /// Plans the payment of a notice: one output of the account becomes another.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError`] when no output is worth more than the fee.
    pub fn plan(&self, account: Account) -> Result<SelfTransferPlan, WalletError> {
        let context = self.0.context();
        context.keys(account)?;
        Ok(coin_selection::notice(context.state, context.chain, account)?)
    }

    /// Pays for a notice.
    ///
    /// # Errors
    /// [`coin_selection::CoinSelectionError::Stale`], or the error of the store; nothing changes then.
    pub fn record(
        &mut self,
        plan: Confirmed<SelfTransferPlan>,
        notice: Notice,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Recorded, WalletError> {
        let plan = plan.into_inner();
        self.0.perform(|context| self_transfers::record(context, &plan, notice, rng))
    }

    /// The kernel that this wallet has paid for this notice, if it is in the chain or can still enter it.
    #[must_use]
    pub fn recorded(&self, notice: &Notice) -> Option<Excess> {
        let live = |status| matches!(status, TxStatus::Waiting | TxStatus::Confirmed { .. });
        let mut all = self.0.state.self_transfers.values();
        let same =
            |reason: &SelfTransferReason| matches!(reason, SelfTransferReason::Notice(n) if n == notice);
        all.find(|t| live(t.tx_status) && same(&t.reason)).map(|t| t.excess)
    }
}
