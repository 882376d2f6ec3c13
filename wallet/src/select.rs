//! Coin selection: which outputs pay, what comes back, what it costs; as a value to be shown and confirmed.
//!
//! Few inputs first: the smallest number n of outputs that can pay, since every input spent together is linked
//! for ever. Among those sets: the n−1 largest, and as the last one, in this order, the one that needs no change, the
//! smallest that leaves change, the smallest that suffices. The result depends on the wallet's outputs alone.
//!
//! ```text
//! fee = least fee of (n inputs, k outputs, 1 more with change, k kernels)      change = inputs − amounts − fee
//! ```
//!
//! for k payees, of whom each has a kernel of its own that pays for itself and its output; the first one's pays for the
//! inputs and the change beside. What is too little for a change output is added to it.
//! A [`Plan`] is only carried out as a [`Confirmed`] one, and that comes from a decision about this very plan.

mod bill;
mod linkage;
mod merge;
mod rest;

pub use bill::Bill;
pub(crate) use bill::{ask, bill};
pub use linkage::Linkage;
pub use merge::Merge;
pub(crate) use merge::{merge, self_spend};
pub(crate) use rest::rest;

use crate::{
    keys::{Account, Address},
    outputs::{Balance, OutputRecord},
    slate::{Memo, invite::Terms, invoice::Ask},
    state::State,
};
use core::iter;
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, Network, OUTPUT_WEIGHT},
    kernel::KernelFeatures,
};

/// Somebody to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// How much the receiver gets.
    pub amount: Amount,
    /// Who is to be paid; without it, whoever answers first is.
    pub recipient: Option<Address>,
    /// A line for the receiver.
    pub memo: Memo,
}

/// What somebody wants to pay, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// From which account.
    pub account: Account,
    /// To whom.
    pub payees: Vec<Payee>,
}

/// A payment that could be made: everything to be shown before anybody says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    request: Request,
    amount: Amount,
    inputs: Vec<OutputRecord>,
    fee: Amount,
    /// What each kernel but the first pays.
    share: Amount,
    change: Amount,
    not_after: Height,
}

/// Something that somebody looked at and said yes to, once.
#[derive(Debug, PartialEq, Eq)]
pub struct Confirmed<T>(T);

impl<T> Confirmed<T> {
    /// What was confirmed.
    pub const fn get(&self) -> &T {
        &self.0
    }

    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

/// What somebody said about a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Do it.
    Yes,
    /// Leave it.
    No,
}

impl Plan {
    /// Asks for a decision about this plan; `None` when it is no.
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        match decide(&self) {
            Decision::Yes => Some(Confirmed(self)),
            Decision::No => None,
        }
    }

    /// Who pays.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.request.account
    }

    /// Who is paid.
    #[must_use]
    pub fn payees(&self) -> &[Payee] {
        &self.request.payees
    }

    /// What all of them get together.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// What would be spent.
    #[must_use]
    pub fn inputs(&self) -> &[OutputRecord] {
        &self.inputs
    }

    /// What the sealer gets.
    #[must_use]
    pub const fn fee(&self) -> Amount {
        self.fee
    }

    /// What each payee's kernel pays of it, in their order.
    pub fn fees(&self) -> impl Iterator<Item = Amount> {
        let others = self.payees().len().saturating_sub(1);
        let first = (0..others).fold(self.fee, |fee, _| fee.checked_sub(self.share).unwrap_or_default());
        iter::once(first).chain(iter::repeat_n(self.share, others))
    }

    /// What comes back; zero when there is no change output.
    #[must_use]
    pub const fn change(&self) -> Amount {
        self.change
    }

    /// The last height at which the payment can enter a block.
    #[must_use]
    pub const fn not_after(&self) -> Height {
        self.not_after
    }

    /// What becomes linkable.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage::of(&self.inputs, self.payees().len(), self.change)
    }

    /// The terms that each receiver sees.
    pub(crate) fn terms(&self) -> impl Iterator<Item = Terms> {
        self.payees().iter().zip(self.fees()).map(|(payee, fee)| {
            let Payee { amount, recipient, ref memo } = *payee;
            let features = KernelFeatures::Plain { fee, not_after: self.not_after };
            Terms { amount, features, recipient, memo: memo.clone() }
        })
    }
}

/// Why a payment cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Nothing to pay.
    #[error("an amount is zero, or nobody is to be paid")]
    Zero,
    /// Amounts and fee do not fit.
    #[error("amounts and fee together do not fit 64 bits")]
    Overflow,
    /// Not enough.
    #[error(
        "{needed} are needed (amounts and fee) and {} can be spent now; {} wait to mature, {} are reserved by open payments",
        balance.spendable, balance.immature, balance.locked
    )]
    Insufficient {
        /// Amounts and least fee.
        needed: Amount,
        /// What the account has.
        balance: Balance,
    },
    /// More inputs than a transaction can hold.
    #[error("the payment needs more outputs than one transaction holds; pay in several parts")]
    TooHeavy,
    /// The recipient is elsewhere.
    #[error("the recipient's address is of the {found} network, this wallet is on {expected}")]
    Network {
        /// The address's network.
        found: Network,
        /// This wallet's.
        expected: Network,
    },
    /// An invoice for no inputs, or for very many.
    #[error("a fee for {found} inputs makes no sense; from 1 to {} do", Ask::MAX_INPUTS)]
    Inputs {
        /// How many were asked for.
        found: u32,
    },
    /// An invoice whose fee pays for fewer inputs than are needed.
    #[error(
        "the invoice's fee of {fee} does not pay for the {inputs} outputs that would be spent; ask for an invoice with          room for {inputs} inputs, or pay yourself first what they hold together"
    )]
    FeeTooLow {
        /// The invoice's fee.
        fee: Amount,
        /// How many outputs are needed.
        inputs: usize,
    },
    /// Fewer than two outputs are worth merging.
    #[error("there are not two outputs that are free and worth more than it costs to spend them")]
    NothingToMerge,
    /// The fee takes all of it.
    #[error("what would be moved is not worth more than the fee of {fee}")]
    NotWorth {
        /// The fee.
        fee: Amount,
    },
    /// The wallet has changed since the plan was made.
    #[error("an output of this plan is no longer free; plan again")]
    Stale,
}

/// Plans a payment from what an account has.
pub(crate) fn plan(state: &State, chain: &Chain, request: Request) -> Result<Plan, SelectError> {
    let payees = &request.payees;
    payees.iter().try_for_each(|p| on_this_network(chain, p.recipient))?;
    if payees.is_empty() || payees.iter().any(|p| p.amount == Amount::ZERO) {
        return Err(SelectError::Zero);
    }
    let amount = Amount::checked_sum(payees.iter().map(|p| p.amount)).ok_or(SelectError::Overflow)?;
    let coins = free_coins(state, chain, request.account);
    let costs = Costs { chain, amount, payees: payees.len() as u64, fixed: None };
    let Some(chosen) = choose(&costs, &coins)? else {
        let balance = state.balance(chain, Some(request.account));
        return Err(SelectError::Insufficient { needed: costs.needed(1, 0)?, balance });
    };
    let (fee, change) = costs.split(&chosen)?;
    let share = chain.least_fee(OUTPUT_WEIGHT + KERNEL_WEIGHT).ok_or(SelectError::Overflow)?;
    let inputs = chosen.into_iter().cloned().collect();
    let not_after = chain.standard_expiry(state.tip.next());
    Ok(Plan { request, amount, inputs, fee, share, change, not_after })
}

/// What an account can spend, in ascending order of amounts.
fn free_coins<'a>(state: &'a State, chain: &Chain, account: Account) -> Vec<&'a OutputRecord> {
    let free = |o: &&OutputRecord| o.account == account && o.is_spendable(chain, state.tip);
    let mut coins: Vec<_> = state.outputs.values().filter(free).collect();
    coins.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    coins
}

fn on_this_network(chain: &Chain, address: Option<Address>) -> Result<(), SelectError> {
    let expected = chain.params().network;
    match address.map(|a| a.network()).filter(|n| *n != expected) {
        Some(found) => Err(SelectError::Network { found, expected }),
        None => Ok(()),
    }
}

/// What paying `amount` in all takes.
struct Costs<'a> {
    chain: &'a Chain,
    amount: Amount,
    /// How many are paid.
    payees: u64,
    /// The fee, where it is not the least one.
    fixed: Option<Amount>,
}

impl Costs<'_> {
    /// The least fee with so many inputs and, beside the payees', so many outputs for change.
    fn least(&self, inputs: usize, change: u64) -> Result<Amount, SelectError> {
        least(self.chain, (inputs as u64, self.payees.saturating_add(change), self.payees))
    }

    /// Amount and fee.
    fn needed(&self, inputs: usize, change: u64) -> Result<Amount, SelectError> {
        let fee = self.fixed.map_or_else(|| self.least(inputs, change), Ok)?;
        self.amount.checked_add(fee).ok_or(SelectError::Overflow)
    }

    /// Fee and change when exactly these are spent.
    fn split(&self, inputs: &[&OutputRecord]) -> Result<(Amount, Amount), SelectError> {
        let sum = total(inputs.iter().copied())?;
        if let Some(change) = sum.checked_sub(self.needed(inputs.len(), 1)?).filter(|c| *c > Amount::ZERO) {
            return Ok((self.least(inputs.len(), 1)?, change));
        }
        Ok((sum.checked_sub(self.amount).ok_or(SelectError::Overflow)?, Amount::ZERO))
    }
}

/// The least fee of so many inputs, outputs and kernels, if one transaction holds them.
fn least(chain: &Chain, (inputs, outputs, kernels): (u64, u64, u64)) -> Result<Amount, SelectError> {
    let parts = [(inputs, INPUT_WEIGHT), (outputs, OUTPUT_WEIGHT), (kernels, KERNEL_WEIGHT)];
    let weight = parts.iter().fold(0u64, |sum, (n, each)| sum.saturating_add(n.saturating_mul(*each)));
    if weight > chain.room() {
        return Err(SelectError::TooHeavy);
    }
    chain.least_fee(weight).ok_or(SelectError::Overflow)
}

fn total<'a>(coins: impl IntoIterator<Item = &'a OutputRecord>) -> Result<Amount, SelectError> {
    Amount::checked_sum(coins.into_iter().map(|o| o.opening.amount)).ok_or(SelectError::Overflow)
}

/// The inputs of a payment, from coins in ascending order; `None` when they do not suffice.
fn choose<'a>(
    costs: &Costs<'_>,
    coins: &[&'a OutputRecord],
) -> Result<Option<Vec<&'a OutputRecord>>, SelectError> {
    let mut sum = Amount::ZERO;
    for (n, coin) in coins.iter().rev().enumerate() {
        let (exact, with_change) = (costs.needed(n + 1, 0)?, costs.needed(n + 1, 1)?);
        let before = sum;
        sum = sum.checked_add(coin.opening.amount).ok_or(SelectError::Overflow)?;
        if sum < exact {
            continue;
        }
        // The n largest stay; the last one is the best of the others.
        let (rest, largest) = coins.split_at(coins.len() - n);
        let sums = |o: &&&OutputRecord| before.checked_add(o.opening.amount);
        let last = (rest.iter().find(|o| sums(o) == Some(exact)))
            .or_else(|| rest.iter().find(|o| sums(o) > Some(with_change)))
            .or_else(|| rest.iter().find(|o| sums(o) >= Some(exact)));
        return Ok(last.map(|last| largest.iter().chain([last]).copied().collect()));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::Purpose,
        outputs::{Origin, Status},
    };
    use proptest::prelude::*;
    use sotto_mw::{
        chain::Params,
        commitment::Commitment,
        group::{Point, Scalar},
        output::OutputFeatures,
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
                features: OutputFeatures::Plain,
                origin: Origin::Chain,
                status: Status::Unspent { created: Height::new(1) },
            };
            (commitment, record)
        };
        State { outputs: coins.iter().enumerate().map(record).collect(), ..State::default() }
    }

    /// The least fee of one kernel.
    fn fee(inputs: usize, outputs: u64) -> u64 {
        least(&chain(), (inputs as u64, outputs, 1)).unwrap().units()
    }

    fn paying(amounts: &[u64]) -> Request {
        let payee = |n: &u64| Payee { amount: Amount::new(*n), recipient: None, memo: Memo::default() };
        Request { account: Account(0), payees: amounts.iter().map(payee).collect() }
    }

    fn chosen(coins: &[u64], amount: u64) -> Result<Plan, SelectError> {
        plan(&wallet_of(coins), &chain(), paying(&[amount]))
    }

    fn amounts(p: &Plan) -> Vec<u64> {
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
        assert!(matches!(chosen(&coins, 3_200_000 + fee(1, 1)), Err(SelectError::Insufficient { .. })));
    }

    /// Coins worth less than their own weight do not help, and do not hurt.
    #[test]
    fn dust_does_not_pay() {
        let dust = [10; 300];
        assert!(matches!(chosen(&dust, 1), Err(SelectError::Insufficient { .. })));
        assert_eq!(amounts(&chosen(&[&dust[..], &[100_000]].concat(), 1).unwrap()), [100_000]);
    }

    #[test]
    fn more_inputs_than_fit_are_named() {
        let mut params = chain().params().clone();
        params.max_weight = 90;
        let small = Chain::new(params).unwrap();
        let request = paying(&[1_000_000]);
        assert_eq!(plan(&wallet_of(&[50_000; 40]), &small, request), Err(SelectError::TooHeavy));
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
                    let insufficient = matches!(e, SelectError::Insufficient { .. });
                    prop_assert!(insufficient && (1..=coins.len()).all(|n| !suffices(n)));
                }
            }
        }
    }
}
