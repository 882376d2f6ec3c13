//! `sotto wallet cancel` and `consolidate`.

use super::{
    command::WalletCommand,
    sessions::find,
    slates::{declined, read_slate},
};
use crate::{
    args,
    bridge::{ChainAt, hex},
    exit::{Failure, OrRefuse as _, Outcome},
    ui::BOLD,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{rules::Verified, session::SessionId, transaction::Transaction};
use sotto_wallet::{
    Wallet, WalletError, armor,
    coin_selection::{Confirmed, Decision, SelfTransferPlan},
    edge::file::WalletFile,
    slate::SlateError,
};

pub(crate) fn cancel(command: &WalletCommand<'_>, a: &args::WalletCancel) -> Outcome {
    let text = a.file.as_deref().map(read_slate).transpose()?;
    let mut wallet = command.open()?;
    let sessions = match (&text, &a.session) {
        (Some(text), _) => {
            armor::split_messages(text).iter().map(|t| wallet.session_of(t)).collect::<Result<_, _>>()
        }
        (None, prefix) => Ok(vec![find(&wallet, prefix.as_deref().unwrap_or_default())?.session()]),
    };
    let sessions: Vec<SessionId> = sessions.or_refuse("not the start of a payment of this wallet")?;
    for session in sessions {
        match wallet.cancel(&session) {
            Ok(()) => report_cancelled(command, &session, &wallet)?,
            Err(e) if is_too_late(&e) && a.self_spend => {
                drop(wallet);
                return self_spend(command, a, &session);
            }
            Err(e) if is_too_late(&e) => {
                return Err(Failure::refused("cannot cancel the payment")
                    .cause(&e)
                    .help("pass --self-spend to spend one of its inputs back to this wallet, for a fee"));
            }
            Err(e) => return Err(e).or_refuse("cannot cancel the payment"),
        }
    }
    Ok(())
}

fn report_cancelled(
    command: &WalletCommand<'_>,
    session: &SessionId,
    wallet: &Wallet<WalletFile>,
) -> Outcome {
    let rest = wallet.open_invites(session).collect::<Vec<_>>();
    let awaited = rest.iter().filter(|o| o.response().is_none()).count();
    let human = match (rest.len(), awaited) {
        (0, _) => "cancelled; its outputs can be spent again".to_owned(),
        (n, 0) => format!(
            "dropped; its share becomes change. All {n} others have answered; to pay them, run: sotto wallet finalize --session {}",
            rest.first().map_or_else(String::new, |o| hex(&o.session().0[..6])),
        ),
        (n, _) => format!(
            "dropped; its share becomes change. The {n} others are paid when {awaited} more have answered"
        ),
    };
    let fields = json!({ "session": hex(&session.0), "others": rest.len(), "awaited": awaited });
    command.context.output.record("cancelled", fields, &human)
}

fn self_spend(command: &WalletCommand<'_>, a: &args::WalletCancel, session: &SessionId) -> Outcome {
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let plan = wallet.plan_self_spend(session).or_refuse("cannot end the payment")?;
    let what = "End the payment by spending one of its inputs back to this wallet";
    let Some(plan) = confirm(command, plan, what, Consent::of(a.yes, a.dry_run))? else { return Ok(()) };
    let done = wallet.self_spend(session, plan, &mut OsRng).or_refuse("cannot end the payment")?;
    submit(command, &mut chain, &done, "self-spend")
}

pub(crate) fn consolidate(command: &WalletCommand<'_>, a: &args::WalletConsolidate) -> Outcome {
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let account = command.account(&wallet)?;
    let plan = wallet.plan_consolidation(account, a.most.into()).or_refuse("nothing to consolidate")?;
    let what = "Merge these outputs into one, which links them forever";
    let Some(plan) = confirm(command, plan, what, Consent::of(a.yes, a.dry_run))? else { return Ok(()) };
    let done = wallet.consolidate(plan, &mut OsRng).or_refuse("cannot merge the outputs")?;
    submit(command, &mut chain, &done, "consolidation")
}

/// What the flags say about consent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// --yes
    Given,
    /// --dry-run
    DryRun,
    /// Neither: ask.
    Ask,
}

impl Consent {
    const fn of(yes: bool, dry_run: bool) -> Self {
        match (yes, dry_run) {
            (_, true) => Self::DryRun,
            (true, false) => Self::Given,
            (false, false) => Self::Ask,
        }
    }
}

/// Shows a plan and asks for confirmation; `None` after --dry-run.
fn confirm(
    command: &WalletCommand<'_>,
    plan: SelfTransferPlan,
    what: &str,
    consent: Consent,
) -> Outcome<Option<Confirmed<SelfTransferPlan>>> {
    let text = merge_text(&plan, what);
    if consent == Consent::DryRun {
        command.context.output.record("self-transfer-plan", merge_json(&plan), &text)?;
        return Ok(None);
    }
    command.context.ui.confirm(&text, consent == Consent::Given)?;
    plan.confirm(|_| Decision::Yes).ok_or_else(declined).map(Some)
}

fn submit(
    command: &WalletCommand<'_>,
    chain: &mut ChainAt,
    t: &Verified<Transaction>,
    kind: &str,
) -> Outcome {
    let id = chain.submit(t.get().clone()).map_err(|refused| {
        Failure { what: format!("the {kind} was created, but the ledger does not accept it now"), ..refused }
            .help("its inputs stay locked until it expires; if the payment itself is pending here, it has priority")
    })?;
    let fee = t.get().body.fees().unwrap_or_default();
    let fields = json!({ "kind": kind, "id": id.to_string(), "fee": fee.to_string() });
    command.context.output.record("self-transfer", fields, &format!("pending {id}  {kind}, fee {fee}"))
}

fn is_too_late(e: &WalletError) -> bool {
    matches!(e, WalletError::Slate(SlateError::HasLeft { .. } | SlateError::MayHaveLeft { .. }))
}

fn merge_text(plan: &SelfTransferPlan, what: &str) -> String {
    let line = |i: &sotto_wallet::outputs::OutputRecord| {
        format!("  spend  {:>20}  {}\n", i.opening.amount.units(), i.commitment)
    };
    let inputs: String = plan.inputs().iter().map(line).collect();
    format!(
        "{BOLD}{what}{BOLD:#}\n{inputs}  fee    {:>20}\n  new    {:>20}  one output of this wallet\nPublic afterwards: {}. It expires after height {}.",
        plan.fee().units(),
        plan.amount().units(),
        plan.linkage(),
        plan.not_after(),
    )
}

fn merge_json(plan: &SelfTransferPlan) -> Value {
    json!({
        "amount": plan.amount().to_string(), "fee": plan.fee().to_string(), "not_after": plan.not_after().get(),
        "inputs": plan.inputs().iter().map(|i| json!({
            "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string(),
        })).collect::<Vec<_>>(),
        "linkage": plan.linkage().to_string(),
    })
}
