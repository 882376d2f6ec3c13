//! Plans the payment of an invoice. Its fee is fixed, so the fee limits how many outputs can be spent.

use super::{
    CoinSelectionError, Confirmed, Decision, Linkage,
    cost::{
        ChangeKind, Costs, FeeRule, Inputs, Leaves, Shape, at_one_level, choose, coins_above_dust,
        on_this_network, total,
    },
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
    /// The kernel beside that of the invoice, if something one-sided is spent.
    own: Option<KernelFeatures>,
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

    /// The fee of the transaction: that of the invoice, and of a kernel that holds the bond of one-sided
    /// inputs.
    #[must_use]
    pub fn fee(&self) -> Amount {
        let fee = self.invoice().features.fee();
        self.own.as_ref().and_then(|own| fee.checked_add(own.fee())).unwrap_or(fee)
    }

    pub(crate) const fn own(&self) -> Option<KernelFeatures> {
        self.own
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

/// Plans the payment of an invoice: as few plain inputs as for any payment, and no more than the fee pays
/// for. If they do not suffice, one-sided outputs pay too, with a kernel of the payer beside that of the
/// invoice.
pub(crate) fn plan_invoice(
    state: &State,
    chain: &Chain,
    account: Account,
    invoice: CheckedInvoice,
) -> Result<InvoicePlan, CoinSelectionError> {
    let coins = coins_above_dust(state, chain, account);
    let plan = |coins: &[&OutputRecord]| plan_from(chain, coins, account, &invoice);
    if let Some(plan) = at_one_level(state, &coins, plan)? {
        return Ok(plan);
    }
    let (needed, balance) = (needed(&invoice)?, state.balance(chain, Some(account)));
    Err(CoinSelectionError::Insufficient { needed, balance })
}

fn plan_from(
    chain: &Chain,
    coins: &[&OutputRecord],
    account: Account,
    invoice: &CheckedInvoice,
) -> Result<Option<InvoicePlan>, CoinSelectionError> {
    let plain: Vec<_> = coins.iter().copied().filter(|o| o.kind.receiver().is_none()).collect();
    match plan_plain(chain, &plain, account, invoice.clone()) {
        Ok(Some(plan)) => return Ok(Some(plan)),
        Err(e) if plain.len() == coins.len() => return Err(e),
        Ok(None) | Err(_) => {}
    }
    plan_bonded(chain, coins, account, invoice.clone())
}

fn needed(invoice: &CheckedInvoice) -> Result<Amount, CoinSelectionError> {
    let (amount, fee) = (invoice.get().amount, invoice.get().features.fee());
    amount.checked_add(fee).ok_or(CoinSelectionError::Overflow)
}

fn costs<'a>(chain: &'a Chain, invoice: &CheckedInvoice, fee: FeeRule) -> Costs<'a> {
    let kernels = if matches!(fee, FeeRule::Fixed(_)) { 1 } else { 2 };
    let recipients = Shape { outputs: 1, kernels, ..Shape::default() };
    Costs { chain, amount: invoice.get().amount, recipients, change: ChangeKind::Plain, fee }
}

fn plan_plain(
    chain: &Chain,
    coins: &[&OutputRecord],
    account: Account,
    invoice: CheckedInvoice,
) -> Result<Option<InvoicePlan>, CoinSelectionError> {
    let fee = invoice.get().features.fee();
    let costs = costs(chain, &invoice, FeeRule::Fixed(fee));
    let Some(chosen) = choose(&costs, coins)? else { return Ok(None) };
    let sum = total(chosen.iter().copied())?;
    let change = sum.checked_sub(needed(&invoice)?).ok_or(CoinSelectionError::Overflow)?;
    let leaves = if change > Amount::ZERO { Leaves::Change } else { Leaves::Nothing };
    if costs.least(Inputs::of(chosen.iter().copied()), leaves)? > fee {
        return Err(CoinSelectionError::FeeTooLow { fee, inputs: chosen.len() });
    }
    let inputs = chosen.into_iter().cloned().collect();
    Ok(Some(InvoicePlan { account, invoice, inputs, change, own: None }))
}

fn plan_bonded(
    chain: &Chain,
    coins: &[&OutputRecord],
    account: Account,
    invoice: CheckedInvoice,
) -> Result<Option<InvoicePlan>, CoinSelectionError> {
    let fee = invoice.get().features.fee();
    let costs = costs(chain, &invoice, FeeRule::AtLeast(fee));
    let Some(chosen) = choose(&costs, coins)? else { return Ok(None) };
    let (sum, spent) = (total(chosen.iter().copied())?, Inputs::of(chosen.iter().copied()));
    let rest = |leaves| Ok(sum.checked_sub(costs.needed(spent, leaves)?));
    let change = rest(Leaves::Change)?.filter(|c| *c > Amount::ZERO).unwrap_or(Amount::ZERO);
    let paid = sum.checked_sub(change).and_then(|paid| paid.checked_sub(needed(&invoice).ok()?));
    let own = KernelFeatures::Bonded {
        fee: paid.ok_or(CoinSelectionError::Overflow)?,
        not_after: invoice.get().not_after(),
    };
    let inputs = chosen.into_iter().cloned().collect();
    Ok(Some(InvoicePlan { account, invoice, inputs, change, own: Some(own) }))
}
