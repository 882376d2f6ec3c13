//! What spending outputs costs, and which outputs are chosen.

use super::CoinSelectionError;
use crate::{
    keys::{Account, Address, OutputKind},
    outputs::OutputRecord,
    state::State,
};
use sotto_mw::{
    amount::Amount,
    chain::{BOND_WEIGHT, Chain, INPUT_WEIGHT, KERNEL_WEIGHT, NOTICE_WEIGHT, ONE_SIDED_INPUT_WEIGHT},
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

/// Those that a wallet spends unasked: without dust.
pub(crate) fn coins_above_dust<'a>(
    state: &'a State,
    chain: &Chain,
    account: Account,
) -> Vec<&'a OutputRecord> {
    let mut coins = free_coins(state, chain, account);
    coins.retain(|o| o.opening.amount > dust_limit(chain, &o.kind));
    coins
}

pub(crate) fn on_this_network(chain: &Chain, address: Option<Address>) -> Result<(), CoinSelectionError> {
    let expected = chain.params().network;
    match address.map(|a| a.network()).filter(|n| *n != expected) {
        Some(found) => Err(CoinSelectionError::Network { found, expected }),
        None => Ok(()),
    }
}

/// An amount that is not higher is dust on this chain: a plain output that costs as much to spend as it is
/// worth, or a one-sided one that is worth no more than twice as much. Anyone can pay dust to an address, and
/// spending it together with other outputs links them.
#[must_use]
pub fn dust_limit(chain: &Chain, kind: &OutputKind) -> Amount {
    let weight = match kind {
        OutputKind::Plain | OutputKind::Coinbase => INPUT_WEIGHT,
        OutputKind::Hidden { .. } => ONE_SIDED_INPUT_WEIGHT,
        OutputKind::OneSided { .. } => 2 * ONE_SIDED_INPUT_WEIGHT,
    };
    chain.least_fee(weight).unwrap_or(Amount::ZERO)
}

/// Whether an output that somebody paid one-sidedly is worth moving: more than moving it and then spending it
/// costs.
pub(crate) fn is_worth_moving(chain: &Chain, paid: &OutputRecord) -> bool {
    let moving = Shape { inputs: Inputs::of([paid]), kernels: 1, ..Shape::default() };
    let weight = moving.with_change(ChangeKind::Hidden).weight(chain) + ONE_SIDED_INPUT_WEIGHT;
    chain.least_fee(weight).is_some_and(|cost| paid.opening.amount > cost)
}

/// Refuses outputs of several integrity levels, unless they may be mixed.
pub(crate) fn one_level(state: &State, coins: &[&OutputRecord]) -> Result<(), CoinSelectionError> {
    if state.levels.groups(coins).len() > 1 { Err(CoinSelectionError::MixedLevels) } else { Ok(()) }
}

/// The first plan that spends outputs of one integrity level, from the highest on. `None`, or why not, if no level
/// suffices; [`CoinSelectionError::MixedLevels`] if all together would.
pub(crate) fn at_one_level<'a, T>(
    state: &State,
    coins: &[&'a OutputRecord],
    plan: impl Fn(&[&'a OutputRecord]) -> Result<Option<T>, CoinSelectionError>,
) -> Result<Option<T>, CoinSelectionError> {
    let groups = state.levels.groups(coins);
    let mut why = None;
    for group in &groups {
        match plan(group) {
            Ok(Some(plan)) => return Ok(Some(plan)),
            Ok(None) => {}
            Err(e) => why = Some(e),
        }
    }
    if groups.len() > 1 && plan(coins)?.is_some() {
        return Err(CoinSelectionError::MixedLevels);
    }
    why.map_or(Ok(None), Err)
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
    one_level(state, &coins)?;
    coins.sort_unstable_by_key(|o| (o.opening.amount, o.commitment));
    Ok(coins)
}

/// What change looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeKind {
    /// As a payment to somebody: a one-sided output. Only where all recipients are paid one-sidedly.
    #[default]
    Hidden,
    /// As a plain output, 129 bytes smaller: beside one-sided outputs it is visibly the change.
    Plain,
}

/// The numbers of inputs of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inputs {
    plain: u64,
    one_sided: u64,
}

impl Inputs {
    pub(crate) fn of<'a>(coins: impl IntoIterator<Item = &'a OutputRecord>) -> Self {
        coins.into_iter().fold(Self::default(), |all, coin| all.and(&coin.kind))
    }

    fn and(self, kind: &OutputKind) -> Self {
        let Self { plain, one_sided } = self;
        match kind.receiver() {
            None => Self { plain: plain + 1, one_sided },
            Some(_) => Self { plain, one_sided: one_sided + 1 },
        }
    }
}

/// What a transaction consists of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) inputs: Inputs,
    pub(crate) outputs: u64,
    pub(crate) one_sided_outputs: u64,
    pub(crate) kernels: u64,
    pub(crate) notices: u64,
}

impl Shape {
    /// The same with one output more, of this kind.
    pub(crate) const fn with_change(self, kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Plain => Self { outputs: self.outputs + 1, ..self },
            ChangeKind::Hidden => Self { one_sided_outputs: self.one_sided_outputs + 1, ..self },
        }
    }

    /// Whether something one-sided is in it, which a bond must hold together.
    pub(crate) const fn is_bonded(&self) -> bool {
        self.inputs.one_sided + self.one_sided_outputs > 0
    }

    fn weight(&self, chain: &Chain) -> u64 {
        let Self { inputs, outputs, one_sided_outputs, kernels, notices } = *self;
        let parts = [
            (inputs.plain, INPUT_WEIGHT),
            (inputs.one_sided, ONE_SIDED_INPUT_WEIGHT),
            (outputs, chain.params().output_weight()),
            (one_sided_outputs, chain.params().one_sided_output_weight()),
            (kernels, KERNEL_WEIGHT),
            (notices, NOTICE_WEIGHT),
            (u64::from(self.is_bonded()), BOND_WEIGHT),
        ];
        parts.iter().fold(0, |sum: u64, (n, each)| sum.saturating_add(n.saturating_mul(*each)))
    }
}

/// The least fee of a transaction with this shape, if one transaction can hold it.
pub(crate) fn least_fee(chain: &Chain, shape: Shape) -> Result<Amount, CoinSelectionError> {
    let weight = shape.weight(chain);
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
    /// Outputs and kernels of the recipients.
    pub(crate) recipients: Shape,
    pub(crate) change: ChangeKind,
    pub(crate) fee: FeeRule,
}

/// How much fee a payment pays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FeeRule {
    /// The least that the ledger accepts.
    Least,
    /// This, whatever it spends.
    Fixed(Amount),
    /// The least, and at least this.
    AtLeast(Amount),
}

/// Whether a payment leaves change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    Nothing,
    Change,
}

impl Costs<'_> {
    /// The least fee with these inputs.
    pub(crate) fn least(&self, inputs: Inputs, leaves: Leaves) -> Result<Amount, CoinSelectionError> {
        let shape = Shape { inputs, ..self.recipients };
        least_fee(self.chain, if leaves == Leaves::Change { shape.with_change(self.change) } else { shape })
    }

    /// Amount and fee.
    pub(crate) fn needed(&self, inputs: Inputs, leaves: Leaves) -> Result<Amount, CoinSelectionError> {
        let fee = match self.fee {
            FeeRule::Least => self.least(inputs, leaves)?,
            FeeRule::Fixed(fee) => fee,
            FeeRule::AtLeast(fee) => self.least(inputs, leaves)?.max(fee),
        };
        self.amount.checked_add(fee).ok_or(CoinSelectionError::Overflow)
    }

    /// Amount and fee with one plain input.
    pub(crate) fn needed_at_least(&self) -> Result<Amount, CoinSelectionError> {
        self.needed(Inputs { plain: 1, one_sided: 0 }, Leaves::Nothing)
    }

    /// Fee and change when exactly these outputs are spent.
    pub(crate) fn split(&self, coins: &[&OutputRecord]) -> Result<(Amount, Amount), CoinSelectionError> {
        let (sum, inputs) = (total(coins.iter().copied())?, Inputs::of(coins.iter().copied()));
        let change = sum.checked_sub(self.needed(inputs, Leaves::Change)?).filter(|c| *c > Amount::ZERO);
        if let Some(change) = change {
            return Ok((self.least(inputs, Leaves::Change)?, change));
        }
        Ok((sum.checked_sub(self.amount).ok_or(CoinSelectionError::Overflow)?, Amount::ZERO))
    }
}

/// Chooses the inputs of a payment from coins in ascending order; `None` when they do not suffice.
pub(crate) fn choose<'a>(
    costs: &Costs<'_>,
    coins: &[&'a OutputRecord],
) -> Result<Option<Vec<&'a OutputRecord>>, CoinSelectionError> {
    let (mut sum, mut inputs) = (Amount::ZERO, Inputs::default());
    for (n, coin) in coins.iter().rev().enumerate() {
        let (before, spent) = (sum, inputs);
        sum = sum.checked_add(coin.opening.amount).ok_or(CoinSelectionError::Overflow)?;
        inputs = inputs.and(&coin.kind);
        // A plain input costs least, and no coin is larger than this one.
        if sum < costs.needed(spent.and(&OutputKind::Plain), Leaves::Nothing)? {
            continue;
        }
        // The n largest are spent; the last input is the best of the others.
        let (rest, largest) = coins.split_at(coins.len() - n);
        let sums = |o: &OutputRecord| before.checked_add(o.opening.amount).unwrap_or_default();
        let needs = |o: &OutputRecord, leaves| costs.needed(spent.and(&o.kind), leaves).ok();
        let exact = |o: &&&OutputRecord| needs(o, Leaves::Nothing) == Some(sums(o));
        let covers = |o: &&&OutputRecord, leaves| needs(o, leaves).is_some_and(|needed| sums(o) >= needed);
        let leaves_change =
            |o: &&&OutputRecord| needs(o, Leaves::Change).is_some_and(|needed| sums(o) > needed);
        let last = (rest.iter().find(exact))
            .or_else(|| rest.iter().find(leaves_change))
            .or_else(|| rest.iter().find(|o| covers(o, Leaves::Nothing)));
        if let Some(last) = last {
            return Ok(Some(largest.iter().chain([last]).copied().collect()));
        }
    }
    Ok(None)
}
