//! `sotto wallet sweep`: moves outputs that somebody paid one-sidedly, each by a transaction of its own.

use super::{
    command::WalletCommand,
    reasons::OrRefuseIn as _,
    slates::declined,
    spending::{merge_json, merge_text, submit},
};
use crate::{
    amounts, args,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_mw::amount::Amount;
use sotto_wallet::{
    Wallet,
    coin_selection::{Decision, SelfTransferPlan, dust_limit},
    edge::file::WalletFile,
    keys::OutputKind,
    outputs::OutputRecord,
};

pub(crate) fn sweep(command: &WalletCommand<'_>, a: &args::WalletSweep) -> Outcome {
    let least = a.least.as_deref().map(amounts::written).transpose()?;
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let unit = *wallet.chain().unit();
    let least = least.map_or(Ok(Amount::ZERO), |least| amounts::in_unit(&least, &unit))?;
    let plans = plans(command, &wallet, least)?;
    if plans.is_empty() {
        command.context.ui.info("Nothing to move.");
        return Ok(());
    }
    let what = "Move an output to another one of this wallet";
    let texts: Vec<String> = plans.iter().map(|plan| merge_text(plan, &unit, what)).collect();
    if a.dry_run {
        let output = &command.context.output;
        return plans
            .iter()
            .zip(&texts)
            .try_for_each(|(plan, text)| output.record("self-transfer-plan", merge_json(plan), text));
    }
    let mut wallet = command.confirm(wallet, &texts.join("\n\n"), a.yes)?;
    for plan in plans {
        let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
        let moved = wallet.relocate(plan, &mut OsRng).or_refuse("cannot move the output")?;
        submit(command, &moved, "relocation")?;
    }
    Ok(())
}

/// The outputs of the account that somebody paid one-sidedly, are worth moving, and amount to at least `least`.
fn plans(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    least: Amount,
) -> Outcome<Vec<SelfTransferPlan>> {
    let account = command.account(wallet)?;
    let movable = |o: &&OutputRecord| {
        let paid = matches!(o.kind, OutputKind::OneSided { .. }) && o.account == account;
        let worth = o.opening.amount >= least && o.opening.amount > dust_limit(wallet.chain(), &o.kind);
        paid && worth && !wallet.is_frozen(o) && o.is_spendable(wallet.chain(), wallet.tip())
    };
    let unit = wallet.chain().unit();
    let plan = |o: &OutputRecord| wallet.plan_relocation(account, &o.commitment);
    wallet.outputs().filter(movable).map(|o| plan(o).or_refuse_in(unit, "cannot move the output")).collect()
}
