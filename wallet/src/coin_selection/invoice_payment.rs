//! Plans the payment of an invoice. Its fee is fixed, so the fee limits how many outputs can be spent.

use super::{
    CoinSelectionError, Confirmed, Decision, Linkage,
    cost::{ChangeKind, Costs, Inputs, Leaves, Shape, choose, coins_above_dust, on_this_network, total},
};
use crate::{
    keys::Account,
    outputs::OutputRecord,
    slate::{Invoice, InvoiceRequest, pay::CheckedInvoice},
    state::State,
};
use sotto_mw::{amount::Amount, chain::Chain, kernel::KernelFeatures};

/// A checked invoice and the planned payment: everything to show before someone confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicePlan {
    account: Account,
    invoice: CheckedInvoice,
    inputs: Vec<OutputRecord>,
    change: Amount,
}

impl InvoicePlan {
    /// Asks for a decision about this plan; `None` when it is [`Decision::No`].
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        Confirmed::after(self, decide)
    }

    /// The paying account.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// The invoice.
    #[must_use]
    pub const fn invoice(&self) -> &Invoice {
        self.invoice.get()
    }

    pub(crate) const fn checked(&self) -> &CheckedInvoice {
        &self.invoice
    }

    /// The outputs to be spent.
    #[must_use]
    pub fn inputs(&self) -> &[OutputRecord] {
        &self.inputs
    }

    /// The change; zero when there is no change output.
    #[must_use]
    pub const fn change(&self) -> Amount {
        self.change
    }

    /// What the payment makes public.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage::of(&self.inputs, 1, self.change)
    }
}

/// The kernel of a requested invoice.
pub(crate) fn invoice_features(
    state: &State,
    chain: &Chain,
    request: &InvoiceRequest,
) -> Result<KernelFeatures, CoinSelectionError> {
    on_this_network(chain, request.payer)?;
    if request.amount == Amount::ZERO {
        return Err(CoinSelectionError::Zero);
    }
    if !(1..=InvoiceRequest::MAX_INPUTS).contains(&request.inputs) {
        return Err(CoinSelectionError::Inputs { found: request.inputs });
    }
    let features = request.features(chain, state.tip.height).ok_or(CoinSelectionError::Overflow)?;
    let sum = request.amount.checked_add(features.fee());
    if sum.is_none() || sum > chain.supply(features.window(0).not_after) {
        return Err(CoinSelectionError::Overflow);
    }
    Ok(features)
}

/// Plans the payment of an invoice: as few inputs as for any payment, and no more than the fee pays for. One-sided
/// outputs are left aside, because the kernel of an invoice holds no bond.
pub(crate) fn plan_invoice(
    state: &State,
    chain: &Chain,
    account: Account,
    invoice: CheckedInvoice,
) -> Result<InvoicePlan, CoinSelectionError> {
    let (amount, fee) = (invoice.get().amount, invoice.get().features.fee());
    let recipients = Shape { outputs: 1, kernels: 1, ..Shape::default() };
    let costs = Costs { chain, amount, recipients, change: ChangeKind::Plain, fixed: Some(fee) };
    let needed = costs.needed_at_least()?;
    let mut coins = coins_above_dust(state, chain, account);
    coins.retain(|o| o.kind.receiver().is_none());
    let Some(chosen) = choose(&costs, &coins)? else {
        let balance = state.balance(chain, Some(account));
        return Err(CoinSelectionError::Insufficient { needed, balance });
    };
    let change = total(chosen.iter().copied())?.checked_sub(needed).ok_or(CoinSelectionError::Overflow)?;
    let leaves = if change > Amount::ZERO { Leaves::Change } else { Leaves::Nothing };
    if costs.least(Inputs::of(chosen.iter().copied()), leaves)? > fee {
        return Err(CoinSelectionError::FeeTooLow { fee, inputs: chosen.len() });
    }
    Ok(InvoicePlan { account, invoice, inputs: chosen.into_iter().cloned().collect(), change })
}
