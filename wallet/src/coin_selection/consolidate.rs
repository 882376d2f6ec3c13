//! Plans self-transfers: several outputs become one, or one output moves.
//!
//! ```text
//! amount = inputs − least fee of (n inputs, 1 output, 1 kernel)
//! ```
//!
//! The output is hidden, so that it looks like a payment, if an input is one-sided; otherwise it is plain.

use super::{
    CoinSelectionError, Confirmed, Decision, Linkage,
    cost::{ChangeKind, Inputs, Shape, chosen_coins, coins_above_dust, least_fee, total},
};
use crate::{
    keys::Account,
    outputs::{OutputRecord, OutputStatus},
    state::State,
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, NOTICE_WEIGHT},
    group::PointBytes,
};

/// A planned transaction of the wallet with itself: everything to show before someone confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTransferPlan {
    account: Account,
    inputs: Vec<OutputRecord>,
    output: ChangeKind,
    fee: Amount,
    /// The part of the fee that a notice pays, if there is one.
    notice: Option<Amount>,
    amount: Amount,
    not_after: Height,
}

impl SelfTransferPlan {
    /// Asks for a decision about this plan; `None` when it is [`Decision::No`].
    pub fn confirm(self, decide: impl FnOnce(&Self) -> Decision) -> Option<Confirmed<Self>> {
        Confirmed::after(self, decide)
    }

    /// The account whose outputs are spent.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
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

    /// The part of the fee that the kernel of the transfer pays.
    pub(crate) fn transfer_fee(&self) -> Amount {
        self.fee.checked_sub(self.notice.unwrap_or_default()).unwrap_or_default()
    }

    /// The part that the kernel of a notice pays, if there is one.
    pub(crate) const fn notice_fee(&self) -> Option<Amount> {
        self.notice
    }

    /// What the new output looks like.
    pub(crate) const fn output(&self) -> ChangeKind {
        self.output
    }

    /// The amount of the new output.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The last height at which the transaction can enter a block.
    #[must_use]
    pub const fn not_after(&self) -> Height {
        self.not_after
    }

    /// What the transaction makes public.
    #[must_use]
    pub fn linkage(&self) -> Linkage {
        Linkage::of(&self.inputs, 0, self.amount)
    }

    fn of(state: &State, chain: &Chain, inputs: Vec<OutputRecord>) -> Result<Self, CoinSelectionError> {
        Self::with_notices(0, state, chain, inputs)
    }

    fn with_notices(
        notices: u64,
        state: &State,
        chain: &Chain,
        inputs: Vec<OutputRecord>,
    ) -> Result<Self, CoinSelectionError> {
        let shape = Shape { inputs: Inputs::of(&inputs), kernels: 1, notices, ..Shape::default() };
        let output = if shape.is_bonded() { ChangeKind::Hidden } else { ChangeKind::Plain };
        let fee = least_fee(chain, shape.with_change(output))?;
        let notice = (notices > 0).then(|| chain.least_fee(NOTICE_WEIGHT)).flatten();
        let amount = total(&inputs)?.checked_sub(fee).filter(|a| *a > Amount::ZERO);
        let amount = amount.ok_or(CoinSelectionError::NotWorth { fee })?;
        let account = inputs.first().map(|i| i.account).unwrap_or_default();
        let not_after = chain.standard_expiry(state.tip.height.next());
        Ok(Self { account, inputs, output, fee, notice, amount, not_after })
    }
}

/// Plans to make one output of at most `most` of an account's smallest outputs of one level that are worth more
/// than they cost.
pub(crate) fn consolidation(
    state: &State,
    chain: &Chain,
    account: Account,
    most: usize,
) -> Result<SelfTransferPlan, CoinSelectionError> {
    let groups = state.levels.groups(&coins_above_dust(state, chain, account));
    let coins = groups.into_iter().find(|coins| coins.len().min(most) >= 2);
    let coins = coins.ok_or(CoinSelectionError::NothingToMerge)?;
    SelfTransferPlan::of(state, chain, coins.into_iter().take(most).cloned().collect())
}

/// Plans to move one output within its account, so that its payer no longer knows what opens it.
pub(crate) fn relocation(
    state: &State,
    chain: &Chain,
    account: Account,
    output: &PointBytes,
) -> Result<SelfTransferPlan, CoinSelectionError> {
    let coins = chosen_coins(state, chain, account, &[*output])?;
    SelfTransferPlan::of(state, chain, coins.into_iter().cloned().collect())
}

/// Plans to move the smallest output that is worth more than the fee, beside a notice.
pub(crate) fn notice(
    state: &State,
    chain: &Chain,
    account: Account,
) -> Result<SelfTransferPlan, CoinSelectionError> {
    let coins = coins_above_dust(state, chain, account).into_iter().cloned();
    first(coins, |coin| SelfTransferPlan::with_notices(1, state, chain, vec![coin]))
}

/// Plans to move the smallest of a payment's inputs that is on the chain and worth more than the fee.
pub(crate) fn self_spend(
    state: &State,
    chain: &Chain,
    inputs: &[PointBytes],
) -> Result<SelfTransferPlan, CoinSelectionError> {
    let inputs = inputs.iter().filter_map(|c| state.outputs.get(c));
    let mut inputs: Vec<_> = inputs.filter(|o| matches!(o.status, OutputStatus::Locked { .. })).collect();
    inputs.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    first(inputs.into_iter().cloned(), |input| SelfTransferPlan::of(state, chain, vec![input]))
}

/// The first output with which it can be done; otherwise why it cannot with the last.
fn first(
    coins: impl Iterator<Item = OutputRecord>,
    plan: impl Fn(OutputRecord) -> Result<SelfTransferPlan, CoinSelectionError>,
) -> Result<SelfTransferPlan, CoinSelectionError> {
    let mut last = CoinSelectionError::Stale;
    for coin in coins {
        match plan(coin) {
            Ok(plan) => return Ok(plan),
            Err(e) => last = e,
        }
    }
    Err(last)
}
