//! Coin selection: which outputs pay, what comes back and what it costs, as a plan to be shown and confirmed.
//!
//! Spending outputs together links them for ever, so the plan uses the smallest number n of outputs that can
//! pay. Among those sets it takes the n−1 largest outputs, and as the last one, in this order of preference:
//! the one that needs no change, the smallest that leaves change, the smallest that suffices. The result
//! depends only on the outputs of the wallet.
//!
//! ```text
//! fee = least fee of (n inputs, k outputs, 1 more with change, kernels)      change = inputs − amounts − fee
//! ```
//!
//! for k payees. Each payee who responds has a kernel, whose fee pays for the kernel and the payee's output;
//! the first kernel also pays for the inputs, the change and what is paid one-sidedly. If no recipient has to
//! respond there is one kernel. A remainder that is too small for a change output is added to the first fee.
//!
//! A wallet carries a plan out only as a [`Confirmed`] plan, and that comes from a decision about this very
//! plan.

mod consolidate;
mod cost;
mod error;
mod hold;
mod invoice_payment;
mod linkage;
mod remainder;

pub use consolidate::SelfTransferPlan;
pub(crate) use consolidate::{consolidation, notice, relocation, self_spend};
pub(crate) use cost::is_worth_moving;
pub use cost::{ChangeKind, dust_limit};
pub use error::CoinSelectionError;
pub(crate) use hold::plan_hold;
pub use hold::{HoldPlan, HoldRequest};
pub use invoice_payment::InvoicePlan;
pub(crate) use invoice_payment::{invoice_features, plan_invoice};
pub use linkage::Linkage;
pub(crate) use remainder::remainder;

use crate::{
    keys::{Account, Address, PaymentAddress},
    outputs::OutputRecord,
    reference::Reference,
    slate::{Memo, invite::InviteTerms},
    state::State,
};
use core::iter;
use cost::{
    Costs, FeeRule, Inputs, Leaves, Shape, at_one_level, choose, chosen_coins, coins_above_dust, least_fee,
    on_this_network, one_level, total,
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, KERNEL_WEIGHT},
    group::PointBytes,
    kernel::KernelFeatures,
};

/// Who is paid, and what the recipient does for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The first party that responds to an invite.
    FirstToRespond,
    /// The owner of this address, who responds to an invite.
    Interactive(Address),
    /// The owner of this address, who need not do anything.
    OneSided {
        /// The address.
        to: PaymentAddress,
        /// What the payment is for, if it says so.
        reference: Option<Reference>,
    },
}

impl Recipient {
    /// The address, if one is named.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::FirstToRespond => None,
            Self::Interactive(address) => Some(*address),
            Self::OneSided { to, .. } => Some((*to).into()),
        }
    }
}

/// A recipient of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// The amount that the recipient gets.
    pub amount: Amount,
    /// Who it is.
    pub recipient: Recipient,
    /// A line of text for the recipient; for the payer alone, if the recipient is paid one-sidedly.
    pub memo: Memo,
}

/// A payment to be planned: one transaction to one or several payees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The paying account.
    pub account: Account,
    /// The recipients.
    pub payees: Vec<Payee>,
    /// What change looks like if no recipient has to respond; otherwise it is plain.
    pub change: ChangeKind,
}

impl PaymentRequest {
    /// A payment with hidden change where that is possible.
    #[must_use]
    pub const fn new(account: Account, payees: Vec<Payee>) -> Self {
        Self { account, payees, change: ChangeKind::Hidden }
    }

    fn one_sided(&self) -> usize {
        self.payees.iter().filter(|p| matches!(p.recipient, Recipient::OneSided { .. })).count()
    }

    fn change(&self) -> ChangeKind {
        if self.one_sided() == self.payees.len() { self.change } else { ChangeKind::Plain }
    }

    /// The outputs and kernels of the recipients.
    fn shape(&self) -> Shape {
        let one_sided_outputs = self.one_sided() as u64;
        let outputs = self.payees.len() as u64 - one_sided_outputs;
        Shape { outputs, one_sided_outputs, kernels: outputs.max(1), ..Shape::default() }
    }
}

/// A planned payment: everything to show before someone confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPlan {
    request: PaymentRequest,
    /// Outputs beside those of the payees, under the kernel of one of them.
    beside: usize,
    amount: Amount,
    inputs: Vec<OutputRecord>,
    fee: Amount,
    /// The fee of each kernel except the first.
    share: Amount,
    change: Amount,
    not_after: Height,
}

/// A plan that was shown and confirmed. It can be carried out once.
#[derive(Debug, PartialEq, Eq)]
pub struct Confirmed<T>(T);

impl<T> Confirmed<T> {
    /// The plan.
    pub const fn get(&self) -> &T {
        &self.0
    }

    pub(crate) fn into_inner(self) -> T {
        self.0
    }

    /// The plan, confirmed if the decision is [`Decision::Yes`].
    fn after(plan: T, decide: impl FnOnce(&T) -> Decision) -> Option<Self> {
        match decide(&plan) {
            Decision::Yes => Some(Self(plan)),
            Decision::No => None,
        }
    }
}

/// The decision about a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Carry the plan out.
    Yes,
    /// Drop the plan.
    No,
}

impl PaymentPlan {
    /// Asks for a decision about this plan; `None` when it is [`Decision::No`].
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        Confirmed::after(self, decide)
    }

    /// The paying account.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.request.account
    }

    /// The recipients.
    #[must_use]
    pub fn payees(&self) -> &[Payee] {
        &self.request.payees
    }

    /// The sum of what the recipients get.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The outputs to be spent.
    #[must_use]
    pub fn inputs(&self) -> &[OutputRecord] {
        &self.inputs
    }

    /// The fee of the transaction.
    #[must_use]
    pub const fn fee(&self) -> Amount {
        self.fee
    }

    /// Whether no payee has to respond, so that the payment is complete at once.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.request.one_sided() == self.payees().len()
    }

    /// What the change looks like.
    #[must_use]
    pub fn change_kind(&self) -> ChangeKind {
        self.request.change()
    }

    /// Whether something one-sided is in the transaction.
    fn is_bonded(&self) -> bool {
        Shape { inputs: Inputs::of(&self.inputs), ..self.request.shape() }.is_bonded()
    }

    /// The fee of each kernel, in the order of the payees who respond.
    pub fn fees(&self) -> impl Iterator<Item = Amount> {
        let others = (self.payees().len() - self.request.one_sided()).saturating_sub(1);
        let first = (0..others).fold(self.fee, |fee, _| fee.checked_sub(self.share).unwrap_or_default());
        iter::once(first).chain(iter::repeat_n(self.share, others))
    }

    /// The change; zero when there is no change output.
    #[must_use]
    pub const fn change(&self) -> Amount {
        self.change
    }

    /// The last height at which the payment can enter a block.
    #[must_use]
    pub const fn not_after(&self) -> Height {
        self.not_after
    }

    /// What the payment makes public.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage { beside: self.beside, ..Linkage::of(&self.inputs, self.payees().len(), self.change) }
    }

    /// The kernel with this fee: the first one of a payment holds the bond, if there must be one.
    fn features(&self, index: usize, fee: Amount) -> KernelFeatures {
        let not_after = self.not_after;
        match index == 0 && self.is_bonded() {
            true => KernelFeatures::Bonded { fee, not_after },
            false => KernelFeatures::Plain { fee, not_after },
        }
    }

    /// The one kernel of a payment to which no recipient has to respond.
    pub(crate) fn only_kernel(&self) -> KernelFeatures {
        self.features(0, self.fee)
    }

    /// The terms for each recipient who responds.
    pub(crate) fn terms(&self) -> impl Iterator<Item = InviteTerms> {
        let respond = self.payees().iter().filter(|p| !matches!(p.recipient, Recipient::OneSided { .. }));
        respond.zip(self.fees()).enumerate().map(|(index, (payee, fee))| {
            let Payee { amount, ref recipient, ref memo } = *payee;
            let (features, recipient) = (self.features(index, fee), recipient.address());
            InviteTerms { amount, features, recipient, memo: memo.clone() }
        })
    }
}

/// Which outputs of the account pay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spend {
    /// As few as suffice; the rule is that of the module's head.
    #[default]
    Fewest,
    /// Exactly these.
    Exactly(Vec<PointBytes>),
}

/// Plans to pay everything that these outputs are worth to one recipient; the amount of `payee` is replaced.
/// [`Spend::Fewest`] means all free outputs that are worth more than they cost.
pub(crate) fn plan_all(
    state: &State,
    chain: &Chain,
    account: Account,
    payee: Payee,
    spend: &Spend,
) -> Result<PaymentPlan, CoinSelectionError> {
    let coins = match spend {
        Spend::Exactly(these) => chosen_coins(state, chain, account, these)?,
        Spend::Fewest => coins_above_dust(state, chain, account),
    };
    one_level(state, &coins)?;
    let request = PaymentRequest::new(account, vec![payee]);
    let shape = Shape { inputs: Inputs::of(coins.iter().copied()), ..request.shape() };
    let fee = least_fee(chain, shape)?;
    let sum = total(coins.iter().copied())?;
    let amount = sum.checked_sub(fee).filter(|a| *a > Amount::ZERO);
    let amount = amount.ok_or(CoinSelectionError::NotWorth { fee })?;
    let these = Spend::Exactly(coins.iter().map(|o| o.commitment).collect());
    let payees = request.payees.into_iter().map(|payee| Payee { amount, ..payee }).collect();
    plan(state, chain, PaymentRequest { payees, ..request }, &these)
}

/// Plans a payment from the outputs of an account.
pub(crate) fn plan(
    state: &State,
    chain: &Chain,
    request: PaymentRequest,
    spend: &Spend,
) -> Result<PaymentPlan, CoinSelectionError> {
    plan_with(state, chain, (request, 0), spend)
}

/// The same with so many outputs beside those of the payees, which their amounts pay for.
fn plan_with(
    state: &State,
    chain: &Chain,
    (request, beside): (PaymentRequest, usize),
    spend: &Spend,
) -> Result<PaymentPlan, CoinSelectionError> {
    let payees = &request.payees;
    payees.iter().try_for_each(|p| on_this_network(chain, p.recipient.address()))?;
    if payees.is_empty() || payees.iter().any(|p| p.amount == Amount::ZERO) {
        return Err(CoinSelectionError::Zero);
    }
    let amount = Amount::checked_sum(payees.iter().map(|p| p.amount)).ok_or(CoinSelectionError::Overflow)?;
    let (shape, change) = (request.shape(), request.change());
    let recipients = Shape { outputs: shape.outputs + beside as u64, ..shape };
    let costs = Costs { chain, amount, recipients, change, fee: FeeRule::Least };
    let chosen = match spend {
        Spend::Fewest => {
            let coins = coins_above_dust(state, chain, request.account);
            at_one_level(state, &coins, |coins| choose(&costs, coins))?
        }
        Spend::Exactly(these) => {
            let coins = chosen_coins(state, chain, request.account, these)?;
            let inputs = Inputs::of(coins.iter().copied());
            (total(coins.iter().copied())? >= costs.needed(inputs, Leaves::Nothing)?).then_some(coins)
        }
    };
    let Some(chosen) = chosen else {
        let balance = state.balance(chain, Some(request.account));
        return Err(CoinSelectionError::Insufficient { needed: costs.needed_at_least()?, balance });
    };
    let (fee, change) = costs.split(&chosen)?;
    let share = chain
        .least_fee(chain.params().output_weight() + KERNEL_WEIGHT)
        .ok_or(CoinSelectionError::Overflow)?;
    let inputs = chosen.into_iter().cloned().collect();
    let not_after = chain.standard_expiry(state.tip.height.next());
    Ok(PaymentPlan { request, beside, amount, inputs, fee, share, change, not_after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{OutputKind, Purpose},
        outputs::{OutputOrigin, OutputStatus},
    };
    use proptest::prelude::*;
    use sotto_mw::{
        chain::Params,
        commitment::Commitment,
        group::{Point, Scalar},
        range_proof::Opening,
        schnorr::PublicKey,
    };

    fn chain() -> Chain {
        Chain::new(Params::solo(PublicKey::from_point(Point::g()), 0)).unwrap()
    }

    fn wallet_of(coins: &[u64]) -> State {
        let record = |(i, units): (usize, &u64)| {
            let amount = Amount::new(*units);
            let commitment = Commitment::new(amount, &Scalar::from(i as u64 + 1).into()).encoded();
            let record = OutputRecord {
                commitment,
                account: Account(0),
                purpose: Purpose::Received,
                opening: Opening { amount, index: [0; 12] },
                kind: OutputKind::Plain,
                origin: OutputOrigin::Chain,
                status: OutputStatus::Unspent { created: Height::new(1) },
            };
            (commitment, record)
        };
        State { outputs: coins.iter().enumerate().map(record).collect(), ..State::default() }
    }

    /// The least fee of one kernel.
    fn fee(inputs: usize, outputs: u64) -> u64 {
        let coins = wallet_of(&vec![1; inputs]);
        let inputs = Inputs::of(coins.outputs.values());
        least_fee(&chain(), Shape { inputs, outputs, kernels: 1, ..Shape::default() }).unwrap().units()
    }

    fn paying(amounts: &[u64]) -> PaymentRequest {
        let recipient = Recipient::FirstToRespond;
        let payee = |n: &u64| Payee { amount: Amount::new(*n), recipient, memo: Memo::default() };
        PaymentRequest::new(Account(0), amounts.iter().map(payee).collect())
    }

    fn chosen(coins: &[u64], amount: u64) -> Result<PaymentPlan, CoinSelectionError> {
        plan(&wallet_of(coins), &chain(), paying(&[amount]), &Spend::Fewest)
    }

    fn amounts(p: &PaymentPlan) -> Vec<u64> {
        let mut all: Vec<u64> = p.inputs().iter().map(|o| o.opening.amount.units()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn prefers_one_input_that_fits() {
        let coins = [100_000, 1_000_000, 2_000_000, 100_000 + fee(1, 1)];
        assert_eq!(amounts(&chosen(&coins, 10_000).unwrap()), [100_000]);
        // Without change.
        let exact = chosen(&coins, 100_000).unwrap();
        assert_eq!((amounts(&exact), exact.change().units(), exact.linkage().own), (vec![coins[3]], 0, 0));
        assert_eq!(amounts(&chosen(&coins, 100_001).unwrap()), [1_000_000]);
        assert_eq!(amounts(&chosen(&coins, 1_960_000).unwrap()), [2_000_000]);
        assert_eq!(amounts(&chosen(&coins, 2_100_000).unwrap()), [1_000_000, 2_000_000]);
        assert_eq!(amounts(&chosen(&coins, 2_010_000).unwrap()), [100_000, 2_000_000]);
        assert!(matches!(
            chosen(&coins, 3_200_000 + fee(1, 1)),
            Err(CoinSelectionError::Insufficient { .. })
        ));
    }

    /// Coins worth less than their own weight do not help, and do not hurt.
    #[test]
    fn dust_does_not_pay() {
        let dust = [10; 300];
        assert!(matches!(chosen(&dust, 1), Err(CoinSelectionError::Insufficient { .. })));
        assert_eq!(amounts(&chosen(&[&dust[..], &[100_000]].concat(), 1).unwrap()), [100_000]);
    }

    #[test]
    fn more_inputs_than_fit_are_named() {
        let mut params = chain().params().clone();
        params.max_weight = 90;
        let small = Chain::new(params).unwrap();
        let request = paying(&[1_000_000]);
        assert_eq!(
            plan(&wallet_of(&[50_000; 40]), &small, request, &Spend::Fewest),
            Err(CoinSelectionError::TooHeavy)
        );
    }

    proptest! {
        #[test]
        fn plans_add_up_with_the_fewest_inputs(
            coins in prop::collection::vec(1u64..500_000, 0..30),
            amount in 1u64..2_000_000,
        ) {
            let mut sorted = coins.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let largest = |n: usize| sorted.iter().take(n).sum::<u64>();
            let suffices = |n: usize| largest(n) >= amount + fee(n, 1);
            match chosen(&coins, amount) {
                Ok(p) => {
                    let n = p.inputs().len();
                    prop_assert_eq!(amounts(&p).iter().sum::<u64>(), amount + p.fee().units() + p.change().units());
                    prop_assert!((1..n).all(|fewer| !suffices(fewer)));
                    if p.change() == Amount::ZERO {
                        prop_assert!((fee(n, 1)..=fee(n, 2)).contains(&p.fee().units()));
                    } else {
                        prop_assert_eq!(p.fee().units(), fee(n, 2));
                    }
                    prop_assert_eq!(Ok(p), chosen(&coins, amount));
                }
                Err(e) => {
                    let insufficient = matches!(e, CoinSelectionError::Insufficient { .. });
                    prop_assert!(insufficient && (1..=coins.len()).all(|n| !suffices(n)));
                }
            }
        }
    }
}
