//! Moving money within the wallet: several outputs to one, or one to another.
//!
//! ```text
//! amount = inputs − least fee of (n inputs, 1 output, 1 kernel)
//! ```

use super::{Confirmed, Decision, Linkage, SelectError, least, total};
use crate::{
    keys::Account,
    outputs::{OutputRecord, Status},
    state::State,
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, INPUT_WEIGHT},
    group::PointBytes,
};

/// A transaction with oneself that could be made: everything to be shown before anybody says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    account: Account,
    inputs: Vec<OutputRecord>,
    fee: Amount,
    amount: Amount,
    not_after: Height,
}

impl Merge {
    /// Asks for a decision about this plan; `None` when it is no.
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        match decide(&self) {
            Decision::Yes => Some(Confirmed(self)),
            Decision::No => None,
        }
    }

    /// Whose money is moved.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
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

    /// What the new output holds.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The last height at which it can enter a block.
    #[must_use]
    pub const fn not_after(&self) -> Height {
        self.not_after
    }

    /// What becomes linkable.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage::of(&self.inputs, 0, self.amount)
    }

    fn of(state: &State, chain: &Chain, inputs: Vec<OutputRecord>) -> Result<Self, SelectError> {
        let fee = least(chain, (inputs.len() as u64, 1, 1))?;
        let amount = total(&inputs)?.checked_sub(fee).filter(|a| *a > Amount::ZERO);
        let amount = amount.ok_or(SelectError::NotWorth { fee })?;
        let account = inputs.first().map(|i| i.account).unwrap_or_default();
        Ok(Self { account, inputs, fee, amount, not_after: chain.standard_expiry(state.tip.next()) })
    }
}

/// The smallest outputs of an account that are worth more than they cost, at most `most`, as one.
pub(crate) fn merge(
    state: &State,
    chain: &Chain,
    account: Account,
    most: usize,
) -> Result<Merge, SelectError> {
    let cost = chain.least_fee(INPUT_WEIGHT).ok_or(SelectError::Overflow)?;
    let worth = |o: &&OutputRecord| {
        o.account == account && o.is_spendable(chain, state.tip) && o.opening.amount > cost
    };
    let mut coins: Vec<&OutputRecord> = state.outputs.values().filter(worth).collect();
    if coins.len().min(most) < 2 {
        return Err(SelectError::NothingToMerge);
    }
    coins.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    Merge::of(state, chain, coins.into_iter().take(most).cloned().collect())
}

/// Of a payment's inputs that are on the chain, the smallest that pays for being moved.
pub(crate) fn self_spend(state: &State, chain: &Chain, inputs: &[PointBytes]) -> Result<Merge, SelectError> {
    let inputs = inputs.iter().filter_map(|c| state.outputs.get(c));
    let mut inputs: Vec<_> = inputs.filter(|o| matches!(o.status, Status::Locked { .. })).collect();
    inputs.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    let mut last = SelectError::Stale;
    for input in inputs {
        match Merge::of(state, chain, vec![input.clone()]) {
            Ok(plan) => return Ok(plan),
            Err(e) => last = e,
        }
    }
    Err(last)
}
