//! Paying what an invoice asks for: its fee is fixed, so it limits how many outputs can be spent.

use super::{Confirmed, Costs, Decision, Linkage, SelectError, choose, free_coins, on_this_network, total};
use crate::{
    keys::Account,
    outputs::OutputRecord,
    slate::{Invoice, invoice::Ask, pay::Checked},
    state::State,
};
use sotto_mw::{amount::Amount, chain::Chain, kernel::KernelFeatures};

/// An invoice that was checked, and what would pay it: everything to be shown before anybody says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    account: Account,
    invoice: Checked,
    inputs: Vec<OutputRecord>,
    change: Amount,
}

impl Bill {
    /// Asks for a decision about this bill; `None` when it is no.
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        match decide(&self) {
            Decision::Yes => Some(Confirmed(self)),
            Decision::No => None,
        }
    }

    /// Who would pay.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// What is asked for.
    #[must_use]
    pub const fn invoice(&self) -> &Invoice {
        self.invoice.get()
    }

    pub(crate) const fn checked(&self) -> &Checked {
        &self.invoice
    }

    /// What would be spent.
    #[must_use]
    pub fn inputs(&self) -> &[OutputRecord] {
        &self.inputs
    }

    /// What comes back; zero when there is no change output.
    #[must_use]
    pub const fn change(&self) -> Amount {
        self.change
    }

    /// What becomes linkable.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage::of(&self.inputs, 1, self.change)
    }
}

/// The kernel of a request.
pub(crate) fn ask(state: &State, chain: &Chain, ask: &Ask) -> Result<KernelFeatures, SelectError> {
    on_this_network(chain, ask.payer)?;
    if ask.amount == Amount::ZERO {
        return Err(SelectError::Zero);
    }
    if !(1..=Ask::MAX_INPUTS).contains(&ask.inputs) {
        return Err(SelectError::Inputs { found: ask.inputs });
    }
    let features = ask.features(chain, state.tip).ok_or(SelectError::Overflow)?;
    let sum = ask.amount.checked_add(features.fee());
    if sum.is_none() || sum > chain.supply(features.window(0).not_after) {
        return Err(SelectError::Overflow);
    }
    Ok(features)
}

/// Plans the payment of an invoice, whose fee is fixed: as few inputs as for any payment, and no more than the fee pays for.
pub(crate) fn bill(
    state: &State,
    chain: &Chain,
    account: Account,
    invoice: Checked,
) -> Result<Bill, SelectError> {
    let (amount, fee) = (invoice.get().amount, invoice.get().features.fee());
    let costs = Costs { chain, amount, payees: 1, fixed: Some(fee) };
    let needed = costs.needed(1, 0)?;
    let Some(chosen) = choose(&costs, &free_coins(state, chain, account))? else {
        let balance = state.balance(chain, Some(account));
        return Err(SelectError::Insufficient { needed, balance });
    };
    let change = total(chosen.iter().copied())?.checked_sub(needed).ok_or(SelectError::Overflow)?;
    if costs.least(chosen.len(), u64::from(change > Amount::ZERO))? > fee {
        return Err(SelectError::FeeTooLow { fee, inputs: chosen.len() });
    }
    Ok(Bill { account, invoice, inputs: chosen.into_iter().cloned().collect(), change })
}
