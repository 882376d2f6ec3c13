//! `sotto wallet cancel` and `consolidate`.

use super::{
    command::WalletCommand,
    reasons::OrRefuseIn as _,
    sessions::{find, step},
    slates::{declined, read_slate},
};
use crate::{
    args,
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
    ui::BOLD,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    rules::Verified,
    session::{Role, SessionId},
    transaction::Transaction,
    unit::Unit,
};
use sotto_wallet::{
    SessionView, Wallet, WalletError, armor,
    coin_selection::{Confirmed, Decision, SelfTransferPlan},
    edge::file::WalletFile,
    sessions::SessionStatus,
    slate::SlateError,
};

pub(crate) fn cancel(command: &WalletCommand<'_>, a: &args::WalletCancel) -> Outcome {
    let text = a.file.as_deref().map(read_slate).transpose()?;
    let mut wallet = command.open()?;
    let sessions = sessions(&wallet, a, text.as_deref())?;
    if sessions.is_empty() {
        command.context.ui.info("No payment can be cancelled for free.");
    }
    for session in sessions {
        if a.dry_run && is_free(&wallet, &session) {
            would_cancel(command, &session, &wallet)?;
            continue;
        }
        match wallet.cancel(&session) {
            Ok(()) => report_cancelled(command, &session, &wallet)?,
            Err(e) if is_too_late(&e) && a.self_spend => {
                drop(wallet);
                return self_spend(command, a, &session);
            }
            Err(e) => return Err(cannot_cancel(&e)),
        }
    }
    Ok(())
}

/// The sessions that are to be cancelled.
fn sessions(
    wallet: &Wallet<WalletFile>,
    a: &args::WalletCancel,
    text: Option<&str>,
) -> Outcome<Vec<SessionId>> {
    if a.all {
        let free = wallet.sessions().filter(is_free_session);
        return Ok(free.map(|s| s.session()).collect());
    }
    let sessions = match (text, &a.session) {
        (Some(text), _) => {
            armor::split_messages(text).iter().map(|t| wallet.session_of(t)).collect::<Result<_, _>>()
        }
        (None, prefix) => Ok(vec![find(wallet, prefix.as_deref().unwrap_or_default())?.session()]),
    };
    sessions.or_refuse("not the start of a payment of this wallet")
}

/// Whether nothing signed has left for this session.
fn is_free_session(s: &SessionView<'_>) -> bool {
    let unsigned = matches!(s.status(), SessionStatus::Begun | SessionStatus::Held | SessionStatus::Expired);
    s.role() == Role::Inviter && unsigned && (s.is_open() || s.status() == SessionStatus::Begun)
}

fn is_free(wallet: &Wallet<WalletFile>, session: &SessionId) -> bool {
    wallet.sessions().any(|s| s.session() == *session && is_free_session(&s))
}

fn would_cancel(command: &WalletCommand<'_>, session: &SessionId, wallet: &Wallet<WalletFile>) -> Outcome {
    let view = wallet.sessions().find(|s| s.session() == *session);
    let (amount, what) = view.map(|s| (s.amount(), step(s.status()))).unwrap_or_default();
    let id = hex(&session.0);
    let fields = json!({ "session": id, "amount": amount.to_string(), "fee": "0" });
    let human = format!("would cancel {id} for free: {}, {what}", wallet.chain().unit().show(amount));
    command.context.output.record("cancel-plan", fields, &human)
}

fn cannot_cancel(e: &WalletError) -> Failure {
    let failure = Failure::refused("cannot cancel the payment").cause(e);
    match e {
        WalletError::Slate(SlateError::Answered { .. }) => {
            failure.help("to stop expecting it, run: sotto wallet slates SESSION --forget")
        }
        e if is_too_late(e) => {
            failure.help("pass --self-spend to spend one of its inputs back to this wallet, for a fee")
        }
        _ => failure,
    }
}

/// What becomes of a payment that a receiver was dropped from: with so many others, some of whom have yet to answer.
fn after_drop(others: usize, awaited: usize) -> String {
    let what = match (others, awaited) {
        (0, _) => return "cancelled; its outputs can be spent again".to_owned(),
        (1, 0) => "The other receiver has answered".to_owned(),
        (n, 0) => format!("All {n} others have answered"),
        (1, _) => "The other receiver is paid when it has answered".to_owned(),
        (n, missing) => format!("The {n} others are paid when {missing} more have answered"),
    };
    format!("dropped; its share becomes change. {what}")
}

fn report_cancelled(
    command: &WalletCommand<'_>,
    session: &SessionId,
    wallet: &Wallet<WalletFile>,
) -> Outcome {
    let rest = wallet.open_invites(session).collect::<Vec<_>>();
    let awaited = rest.iter().filter(|o| o.response().is_none()).count();
    let mut human = after_drop(rest.len(), awaited);
    if let (Some(first), 0) = (rest.first(), awaited) {
        let session = hex(&first.session().0[..6]);
        human += &format!("; to pay, run: sotto wallet finalize --session {session}{}", command.at_node());
    }
    let fields = json!({ "session": hex(&session.0), "others": rest.len(), "awaited": awaited });
    command.context.output.record("cancelled", fields, &human)
}

fn self_spend(command: &WalletCommand<'_>, a: &args::WalletCancel, session: &SessionId) -> Outcome {
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let plan =
        wallet.plan_self_spend(session).or_refuse_in(wallet.chain().unit(), "cannot end the payment")?;
    let what = "End the payment by spending one of its inputs back to this wallet";
    let agreed = confirm(command, wallet, Proposal { plan, what }, Consent::of(a.yes, a.dry_run))?;
    let Some((mut wallet, plan)) = agreed else { return Ok(()) };
    let done = wallet.self_spend(session, plan, &mut OsRng).or_refuse("cannot end the payment")?;
    submit(command, &done, "self-spend")
}

pub(crate) fn consolidate(command: &WalletCommand<'_>, a: &args::WalletConsolidate) -> Outcome {
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let account = command.account(&wallet)?;
    let plan = wallet.plan_consolidation(account, a.most.into());
    let plan = plan.or_refuse_in(wallet.chain().unit(), "nothing to consolidate")?;
    let what = "Merge these outputs into one, which links them forever";
    let agreed = confirm(command, wallet, Proposal { plan, what }, Consent::of(a.yes, a.dry_run))?;
    let Some((mut wallet, plan)) = agreed else { return Ok(()) };
    let done = wallet.consolidate(plan, &mut OsRng).or_refuse("cannot merge the outputs")?;
    submit(command, &done, "consolidation")
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

/// A plan, and what it is for.
struct Proposal<'a> {
    plan: SelfTransferPlan,
    what: &'a str,
}

/// Shows a plan and asks for confirmation, with the wallet closed meanwhile; `None` after --dry-run.
fn confirm(
    command: &WalletCommand<'_>,
    wallet: Wallet<WalletFile>,
    Proposal { plan, what }: Proposal<'_>,
    consent: Consent,
) -> Outcome<Option<(Wallet<WalletFile>, Confirmed<SelfTransferPlan>)>> {
    let text = merge_text(&plan, wallet.chain().unit(), what);
    if consent == Consent::DryRun {
        command.context.output.record("self-transfer-plan", merge_json(&plan), &text)?;
        return Ok(None);
    }
    let wallet = command.confirm(wallet, &text, consent == Consent::Given)?;
    plan.confirm(|_| Decision::Yes).ok_or_else(declined).map(|plan| Some((wallet, plan)))
}

pub(crate) fn submit(command: &WalletCommand<'_>, t: &Verified<Transaction>, kind: &str) -> Outcome {
    let mut chain = command.chain()?;
    let id = chain.submit(t.get().clone()).map_err(|refused| {
        Failure { what: format!("the {kind} was created, but the ledger does not accept it now"), ..refused }
            .help("its inputs stay locked until it expires; if the payment itself is pending here, it has priority")
    })?;
    let fee = t.get().body.fees().unwrap_or_default();
    let fields = json!({ "kind": kind, "id": id.to_string(), "fee": fee.to_string() });
    command.context.output.record(
        "self-transfer",
        fields,
        &format!("pending {id}  {kind}, fee {}", chain.chain().unit().show(fee)),
    )
}

fn is_too_late(e: &WalletError) -> bool {
    matches!(e, WalletError::Slate(SlateError::HasLeft { .. } | SlateError::MayHaveLeft { .. }))
}

pub(crate) fn merge_text(plan: &SelfTransferPlan, unit: &Unit, what: &str) -> String {
    let line = |i: &sotto_wallet::outputs::OutputRecord| {
        format!("  spend  {:>24}  {}\n", unit.show(i.opening.amount), i.commitment)
    };
    let inputs: String = plan.inputs().iter().map(line).collect();
    format!(
        "{BOLD}{what}{BOLD:#}\n{inputs}  fee    {:>24}\n  new    {:>24}  one output of this wallet\nPublic afterwards: {}. It expires after height {}.",
        unit.show(plan.fee()),
        unit.show(plan.amount()),
        plan.linkage(),
        plan.not_after(),
    )
}

pub(crate) fn merge_json(plan: &SelfTransferPlan) -> Value {
    json!({
        "amount": plan.amount().to_string(), "fee": plan.fee().to_string(), "not_after": plan.not_after().get(),
        "inputs": plan.inputs().iter().map(|i| json!({
            "commitment": i.commitment.to_string(), "amount": i.opening.amount.to_string(),
        })).collect::<Vec<_>>(),
        "linkage": plan.linkage().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_receiver_is_not_all_others() {
        for (others, awaited, said) in [
            (0, 0, "cancelled; "),
            (1, 0, "The other receiver has answered"),
            (1, 1, "The other receiver is paid when it has answered"),
            (2, 0, "All 2 others have answered"),
            (2, 1, "The 2 others are paid when 1 more have answered"),
        ] {
            assert!(after_drop(others, awaited).contains(said), "{others} {awaited}");
        }
    }
}
