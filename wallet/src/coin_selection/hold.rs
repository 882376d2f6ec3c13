//! Plans a hold: what funds it, and its terms.

use super::{
    CoinSelectionError, Confirmed, Decision, Payee, PaymentPlan, PaymentRequest, Recipient, Spend, plan_with,
};
use crate::{
    hold::{HoldTerms, Schedule},
    keys::{Account, Address},
    slate::{Memo, invite::InviteTerms},
    state::State,
};
use sotto_mw::{amount::Amount, chain::Chain, kernel::KernelFeatures};

/// A hold to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRequest {
    /// The paying account.
    pub account: Account,
    /// Who is paid.
    pub seller: Address,
    /// What the seller gets with a claim.
    pub amount: Amount,
    /// What the seller gets with the funding, for beginning; zero for none.
    pub start_fee: Amount,
    /// Blocks, refunds, confirmations.
    pub schedule: Schedule,
    /// A line of text for the seller.
    pub memo: Memo,
}

/// A planned hold: everything to show before someone confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPlan {
    seller: Address,
    memo: Memo,
    terms: HoldTerms,
    funding: PaymentPlan,
}

impl HoldPlan {
    /// Asks for a decision about this plan; `None` when it is [`Decision::No`].
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        Confirmed::after(self, decide)
    }

    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &HoldTerms {
        &self.terms
    }

    /// The seller.
    #[must_use]
    pub const fn seller(&self) -> &Address {
        &self.seller
    }

    /// The memo.
    #[must_use]
    pub const fn memo(&self) -> &Memo {
        &self.memo
    }

    /// The transaction that funds the hold.
    #[must_use]
    pub const fn funding(&self) -> &PaymentPlan {
        &self.funding
    }

    /// The kernel of the funding.
    pub(crate) fn features(&self) -> Option<KernelFeatures> {
        self.funding.terms().next().map(|InviteTerms { features, .. }| features)
    }
}

/// Plans a hold on these terms from the outputs of an account.
pub(crate) fn plan_hold(
    state: &State,
    chain: &Chain,
    request: HoldRequest,
    terms: HoldTerms,
) -> Result<HoldPlan, CoinSelectionError> {
    let HoldRequest { account, seller, memo, .. } = request;
    let recipient = Recipient::Interactive(seller);
    let payee = Payee { amount: terms.to_fund(), recipient, memo: memo.clone() };
    let request = PaymentRequest::new(account, vec![payee]);
    let beside = usize::from(terms.start_fee > Amount::ZERO);
    let funding = plan_with(state, chain, (request, beside), &Spend::Fewest)?;
    Ok(HoldPlan { seller, memo, terms, funding })
}
