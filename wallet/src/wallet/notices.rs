//! Notices that a wallet puts on record for others, as methods of a handle; those about integrity levels are in
//! [`super::levels`].

use super::{
    Wallet,
    self_transfers::{self, Recorded},
};
use crate::{
    coin_selection::{Confirmed, SelfTransferPlan},
    error::WalletError,
    keys::Account,
    state::SelfTransferReason,
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
    /// [`crate::coin_selection::CoinSelectionError`] when no output is worth more than the fee.
    pub fn plan(&self, account: Account) -> Result<SelfTransferPlan, WalletError> {
        self_transfers::plan_notice(&self.0.context(), account)
    }

    /// Pays for a notice.
    ///
    /// # Errors
    /// [`crate::coin_selection::CoinSelectionError::Stale`], or the error of the store; nothing changes then.
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
        let mut live = self.0.state.self_transfers.values().filter(|t| t.is_live());
        live.find(|t| matches!(&t.reason, SelfTransferReason::Notice(n) if n == notice)).map(|t| t.excess)
    }
}
