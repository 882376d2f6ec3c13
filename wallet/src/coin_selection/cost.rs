//! What spending outputs costs, and which outputs are chosen.

use super::CoinSelectionError;
use crate::{
    keys::{Account, Address},
    outputs::OutputRecord,
    state::State,
};
use sotto_mw::{
    amount::Amount,
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    group::PointBytes,
};
use std::collections::BTreeSet;

/// The outputs that an account can spend, in ascending order of amounts.
pub(crate) fn free_coins<'a>(state: &'a State, chain: &Chain, account: Account) -> Vec<&'a OutputRecord> {
    let free = |o: &&OutputRecord| {
        let frozen = state.frozen.contains(&o.commitment);
        o.account == account && !frozen && o.is_spendable(chain, state.tip.height)
    };
    let mut coins: Vec<_> = state.outputs.values().filter(free).collect();
    coins.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    coins
}

pub(crate) fn on_this_network(chain: &Chain, address: Option<Address>) -> Result<(), CoinSelectionError> {
    let expected = chain.params().network;
    match address.map(|a| a.network()).filter(|n| *n != expected) {
        Some(found) => Err(CoinSelectionError::Network { found, expected }),
        None => Ok(()),
    }
}

/// What spending one more output costs: an amount below it is dust.
pub(crate) fn spending_cost(chain: &Chain) -> Result<Amount, CoinSelectionError> {
    chain.least_fee(INPUT_WEIGHT).ok_or(CoinSelectionError::Overflow)
}

/// The outputs with these commitments, each of which the account can spend.
pub(crate) fn chosen_coins<'a>(
    state: &'a State,
    chain: &Chain,
    account: Account,
    chosen: &[PointBytes],
) -> Result<Vec<&'a OutputRecord>, CoinSelectionError> {
    let free = free_coins(state, chain, account);
    let pick = |c: &PointBytes| {
        let found = free.iter().find(|o| o.commitment == *c).copied();
        found.ok_or(CoinSelectionError::NotFree { output: *c })
    };
    let distinct: BTreeSet<&PointBytes> = chosen.iter().collect();
    let mut coins = distinct.into_iter().map(pick).collect::<Result<Vec<_>, _>>()?;
    coins.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    Ok(coins)
}

/// The numbers of inputs, outputs and kernels of a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) inputs: u64,
    pub(crate) outputs: u64,
    pub(crate) kernels: u64,
}

/// The least fee of a transaction with this shape, if one transaction can hold it.
pub(crate) fn least_fee(chain: &Chain, shape: Shape) -> Result<Amount, CoinSelectionError> {
    let Shape { inputs, outputs, kernels } = shape;
    let parts = [(inputs, INPUT_WEIGHT), (outputs, OUTPUT_WEIGHT), (kernels, KERNEL_WEIGHT)];
    let weight = parts.iter().fold(0u64, |sum, (n, each)| sum.saturating_add(n.saturating_mul(*each)));
    if weight > chain.room() {
        return Err(CoinSelectionError::TooHeavy);
    }
    chain.least_fee(weight).ok_or(CoinSelectionError::Overflow)
}

pub(crate) fn total<'a>(
    coins: impl IntoIterator<Item = &'a OutputRecord>,
) -> Result<Amount, CoinSelectionError> {
    Amount::checked_sum(coins.into_iter().map(|o| o.opening.amount)).ok_or(CoinSelectionError::Overflow)
}

/// What a payment needs in addition to its inputs.
pub(crate) struct Costs<'a> {
    pub(crate) chain: &'a Chain,
    /// The sum of all amounts.
    pub(crate) amount: Amount,
    /// The number of payees.
    pub(crate) payees: u64,
    /// The fee, if it is fixed and not the least one.
    pub(crate) fixed: Option<Amount>,
}

impl Costs<'_> {
    /// The least fee with this many inputs and change outputs.
    pub(crate) fn least(&self, inputs: usize, change: u64) -> Result<Amount, CoinSelectionError> {
        let outputs = self.payees.saturating_add(change);
        least_fee(self.chain, Shape { inputs: inputs as u64, outputs, kernels: self.payees })
    }

    /// Amount and fee.
    pub(crate) fn needed(&self, inputs: usize, change: u64) -> Result<Amount, CoinSelectionError> {
        let fee = self.fixed.map_or_else(|| self.least(inputs, change), Ok)?;
        self.amount.checked_add(fee).ok_or(CoinSelectionError::Overflow)
    }

    /// Fee and change when exactly these outputs are spent.
    pub(crate) fn split(&self, inputs: &[&OutputRecord]) -> Result<(Amount, Amount), CoinSelectionError> {
        let sum = total(inputs.iter().copied())?;
        if let Some(change) = sum.checked_sub(self.needed(inputs.len(), 1)?).filter(|c| *c > Amount::ZERO) {
            return Ok((self.least(inputs.len(), 1)?, change));
        }
        Ok((sum.checked_sub(self.amount).ok_or(CoinSelectionError::Overflow)?, Amount::ZERO))
    }
}

/// Chooses the inputs of a payment from coins in ascending order; `None` when they do not suffice.
pub(crate) fn choose<'a>(
    costs: &Costs<'_>,
    coins: &[&'a OutputRecord],
) -> Result<Option<Vec<&'a OutputRecord>>, CoinSelectionError> {
    let mut sum = Amount::ZERO;
    for (n, coin) in coins.iter().rev().enumerate() {
        let (exact, with_change) = (costs.needed(n + 1, 0)?, costs.needed(n + 1, 1)?);
        let before = sum;
        sum = sum.checked_add(coin.opening.amount).ok_or(CoinSelectionError::Overflow)?;
        if sum < exact {
            continue;
        }
        // The n largest are spent; the last input is the best of the others.
        let (rest, largest) = coins.split_at(coins.len() - n);
        let sums = |o: &&&OutputRecord| before.checked_add(o.opening.amount);
        let last = (rest.iter().find(|o| sums(o) == Some(exact)))
            .or_else(|| rest.iter().find(|o| sums(o) > Some(with_change)))
            .or_else(|| rest.iter().find(|o| sums(o) >= Some(exact)));
        return Ok(last.map(|last| largest.iter().chain([last]).copied().collect()));
    }
    Ok(None)
}
