//! Self-transfers: transactions of the wallet with itself, whose kernel it signs alone.
//!
//! A **consolidation** makes one output of several, which links them for ever. A **relocation** makes one
//! output of one, so that its sender, if it was one-sided, no longer knows what opens it. A **self-spend**
//! moves one input of a payment that can no longer be cancelled: a chain that contains it never accepts the
//! payment.

use super::context::{Change, Context};
use crate::{
    coin_selection::{self, ChangeKind, CoinSelectionError, SelfTransferPlan},
    error::WalletError,
    keys::{Account, OutputKind, Purpose as OutputPurpose, fresh_index},
    level::{Claim, Stated, Subject},
    outputs::{OutputRecord, OutputStatus},
    slate::{
        SlateError,
        finalize::{Parts, PayerKernel, join},
        funding::Funding,
        session::fresh_session,
    },
    state::{SelfTransfer, SelfTransferReason, State, TxStatus},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::Chain,
    group::PointBytes,
    kernel::{Excess, KernelFeatures, Notice},
    range_proof::Opening,
    rules::Verified,
    session::SessionId,
    transaction::Transaction,
};

/// The payment that this session belongs to.
fn payment_of(context: &Context<'_>, session: &SessionId) -> SessionId {
    context.state.payment_with(session).map_or(*session, |s| s.id)
}

pub(crate) fn plan_self_spend(
    context: &Context<'_>,
    session: &SessionId,
) -> Result<SelfTransferPlan, WalletError> {
    let of = payment_of(context, session);
    let payment = context.state.payment(&of).ok_or(SlateError::UnknownSession)?;
    if payment.tx_status != TxStatus::Waiting || context.state.is_ending(&of) {
        return Err(SlateError::Over.into());
    }
    Ok(coin_selection::self_spend(context.state, context.chain, &payment.inputs)?)
}

pub(crate) fn self_spend(
    context: &Context<'_>,
    session: &SessionId,
    plan: &SelfTransferPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    if *plan != plan_self_spend(context, session)? {
        return Err(CoinSelectionError::Stale.into());
    }
    transfer(context, plan, SelfTransferReason::SelfSpend { of: payment_of(context, session) }.into(), rng)
}

pub(crate) fn consolidate(
    context: &Context<'_>,
    plan: &SelfTransferPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    transfer(context, plan, SelfTransferReason::Consolidation.into(), rng)
}

/// The outputs of an account that somebody paid one-sidedly and that are worth moving.
pub(crate) fn movable<'a>(
    chain: &'a Chain,
    state: &'a State,
    account: Account,
) -> impl Iterator<Item = &'a OutputRecord> {
    state.outputs.values().filter(move |o| {
        let paid = o.account == account && matches!(o.kind, OutputKind::OneSided { .. });
        let worth = coin_selection::is_worth_moving(chain, o);
        paid && worth && !state.frozen.contains(&o.commitment) && o.is_spendable(chain, state.tip.height)
    })
}

/// The first of them whose time has come, unless another one is being moved.
pub(crate) fn due(context: &Context<'_>, account: Account) -> Result<Option<PointBytes>, WalletError> {
    let keys = context.keys(account)?;
    let moving =
        |t: &SelfTransfer| t.reason == SelfTransferReason::Relocation && t.tx_status == TxStatus::Waiting;
    if context.state.self_transfers.values().any(moving) {
        return Ok(None);
    }
    let due = |o: &&OutputRecord| {
        let OutputStatus::Unspent { created } = o.status else { return false };
        created.plus(keys.relocation_delay(&o.commitment)) <= context.tip()
    };
    Ok(movable(context.chain, context.state, account).find(due).map(|o| o.commitment))
}

pub(crate) fn relocate(
    context: &Context<'_>,
    plan: &SelfTransferPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    transfer(context, plan, SelfTransferReason::Relocation.into(), rng)
}

/// Plans the payment of a notice: one output of the account becomes another.
pub(crate) fn plan_notice(context: &Context<'_>, account: Account) -> Result<SelfTransferPlan, WalletError> {
    context.keys(account)?;
    Ok(coin_selection::notice(context.state, context.chain, account)?)
}

/// Signs a claim and pays for the kernel that puts it on record, which stands beside that of the transfer.
pub(crate) fn state(
    context: &Context<'_>,
    plan: &SelfTransferPlan,
    Subject { output, level }: Subject,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Stated>, WalletError> {
    let chain = context.chain;
    let identity = context.keys(plan.account())?.identity(chain.params().network);
    let claim = Claim::new(output, level, identity.address, rng);
    let kernel = notice_kernel(chain, plan, claim.record(chain.id()), rng)?;
    let statement = claim.sign(chain.id(), kernel.excess(), &identity.sign, rng);
    let reason = SelfTransferReason::Statement(Box::new(statement));
    let Change { next, result } = transfer(context, plan, Purpose { reason, notice: Some(kernel) }, rng)?;
    Ok(Change { next, result: Stated { statement, transaction: result } })
}

fn notice_kernel(
    chain: &Chain,
    plan: &SelfTransferPlan,
    notice: Notice,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<PayerKernel, WalletError> {
    let fee = plan.notice_fee().ok_or(CoinSelectionError::Stale)?;
    let features = KernelFeatures::Notice { fee, not_after: plan.not_after(), notice };
    Ok(PayerKernel::new(chain, features, rng))
}

/// Pays for the kernel that puts a notice on record, which stands beside that of the transfer.
pub(crate) fn record(
    context: &Context<'_>,
    plan: &SelfTransferPlan,
    notice: Notice,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Recorded>, WalletError> {
    let kernel = notice_kernel(context.chain, plan, notice, rng)?;
    let excess = kernel.excess();
    let purpose = Purpose { reason: SelfTransferReason::Notice(notice), notice: Some(kernel) };
    let Change { next, result: transaction } = transfer(context, plan, purpose, rng)?;
    Ok(Change { next, result: Recorded { excess, transaction } })
}

/// A notice, and what to submit.
#[derive(Debug)]
pub struct Recorded {
    /// The notice's kernel.
    pub excess: Excess,
    /// For the chain: it contains the notice.
    pub transaction: Verified<Transaction>,
}

/// What a self-transfer is for, and the kernel of its notice.
struct Purpose {
    reason: SelfTransferReason,
    notice: Option<PayerKernel>,
}

impl From<SelfTransferReason> for Purpose {
    fn from(reason: SelfTransferReason) -> Self {
        Self { reason, notice: None }
    }
}

fn transfer(
    context: &Context<'_>,
    plan: &SelfTransferPlan,
    purpose: Purpose,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let Purpose { reason, notice } = purpose;
    let (account, not_after) = (plan.account(), plan.not_after());
    let keys = context.keys(account)?;
    let opening = Opening { amount: plan.amount(), index: fresh_index(rng) };
    let fee = plan.transfer_fee();
    let (new, features) = match plan.output() {
        ChangeKind::Hidden => (keys.hidden(opening), KernelFeatures::Bonded { fee, not_after }),
        ChangeKind::Plain => {
            (keys.plain(OutputPurpose::Change, opening), KernelFeatures::Plain { fee, not_after })
        }
    };
    let inputs = plan.inputs().iter().map(OutputRecord::secret).collect();
    let funding = Funding { inputs, change: Some(new.secret) };
    let own = PayerKernel::new(context.chain, features, rng);
    let excess = notice.as_ref().unwrap_or(&own).excess();
    let own = [Some(own), notice].into_iter().flatten().collect();
    let parts = Parts { answered: vec![], direct: vec![], funding, own };
    let transaction = join(&keys, context.chain, parts, rng)?;
    let session = fresh_session(rng);
    let output = OutputRecord::pending(account, session, &new);
    let inputs: Vec<_> = plan.inputs().iter().map(|i| i.commitment).collect();
    let made = SelfTransfer {
        session,
        account,
        reason,
        inputs: inputs.clone(),
        output: output.commitment,
        not_after,
        transaction: transaction.get().clone(),
        excess,
        tx_status: TxStatus::Waiting,
    };
    let mut next = context.state.clone();
    // The payment that a self-spend ends has locked the input.
    let locked: &[PointBytes] = match made.reason {
        SelfTransferReason::SelfSpend { .. } => &[],
        _ => &inputs,
    };
    if !next.lock(session, locked, Some(output)) {
        return Err(CoinSelectionError::Stale.into());
    }
    next.levels.inherit(&inputs, made.output);
    next.self_transfers.insert(session, made);
    Ok(Change::new(next, transaction))
}
