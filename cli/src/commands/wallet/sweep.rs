//! `sotto wallet sweep`: moves outputs that somebody paid one-sidedly, each by a transaction of its own; and
//! what a scan does about them, as the setting `move` says.

use super::{
    command::WalletCommand,
    holds,
    reasons::OrRefuseIn as _,
    slates::declined,
    spending::{merge_json, merge_text, submit},
};
use crate::{
    amounts, args,
    config::Relocation,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_mw::{amount::Amount, group::PointBytes};
use sotto_wallet::{
    Wallet,
    coin_selection::{Decision, SelfTransferPlan},
    edge::file::WalletFile,
    keys::Account,
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
        let moved = wallet.relocate(plan, &mut OsRng).or_refuse(CANNOT)?;
        submit(command, &moved, "relocation")?;
    }
    Ok(())
}

/// The outputs of the account that somebody paid one-sidedly, are worth moving, and amount to at least
/// `least`.
fn plans(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    least: Amount,
) -> Outcome<Vec<SelfTransferPlan>> {
    let (account, unit) = (command.account(wallet)?, wallet.chain().unit());
    let plan = |o: &OutputRecord| wallet.plan_relocation(account, &o.commitment);
    let large = wallet.movable(account).filter(|o| o.opening.amount >= least);
    large.map(|o| plan(o).or_refuse_in(unit, CANNOT)).collect()
}

const CANNOT: &str = "cannot move the output";

/// What follows a scan: holds whose time is over return; what was interrupted is submitted again; then nothing, a hint, or one move, as the
/// setting says. A move that fails spoils no scan.
pub(crate) fn after_scan(command: &WalletCommand<'_>, wallet: &mut Wallet<WalletFile>) -> Outcome {
    let ui = &command.context.ui;
    holds::take_back(command, wallet);
    for transaction in wallet.waiting_self_transfers() {
        if let Err(refused) = command.chain().and_then(|mut chain| chain.submit(transaction.clone())) {
            ui.detail(&format!("not submitted again: {}", refused.what));
        }
    }
    let accounts = || (0..wallet.accounts()).map(Account);
    match command.context.config.relocation.value {
        Relocation::Never => Ok(()),
        Relocation::Ask => {
            let movable = accounts().map(|a| wallet.movable(a).count()).sum::<usize>();
            if movable > 0 {
                ui.info(&format!(
                    "{movable} outputs were paid to your address alone; who paid them can see when they are spent. `sotto wallet sweep` moves them."
                ));
            }
            Ok(())
        }
        Relocation::Auto => {
            let due = |a| Some((a, wallet.due_relocation(a).ok()??));
            let Some((account, output)) = accounts().find_map(due) else { return Ok(()) };
            if let Err(failed) = move_one(command, wallet, account, &output) {
                ui.warn(&format!("{}: {}", failed.what, failed.why.unwrap_or_default()));
            }
            Ok(())
        }
    }
}

fn move_one(
    command: &WalletCommand<'_>,
    wallet: &mut Wallet<WalletFile>,
    account: Account,
    output: &PointBytes,
) -> Outcome {
    let plan = wallet.plan_relocation(account, output).or_refuse(CANNOT)?;
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
    let moved = wallet.relocate(plan, &mut OsRng).or_refuse(CANNOT)?;
    submit(command, &moved, "relocation")
}
