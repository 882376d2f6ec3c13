//! `sotto wallet slates`: open payments, and their messages again.

use super::{WalletCommand, named, slates::privacy};
use crate::{
    args,
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_mw::session::{Role, SessionId};
use sotto_wallet::{
    SessionView, Wallet,
    edge::file::WalletFile,
    sessions::{SessionStatus, TxStatus},
};

impl WalletCommand<'_> {
    pub(super) fn slates(&self, a: &args::WalletSlates) -> Outcome {
        let (wallet, chain, _) = self.open_fresh()?;
        drop(chain);
        if let Some(prefix) = &a.session {
            let deal = find(&wallet, prefix)?;
            let text = wallet.message(&deal, privacy(a.form)).or_refuse("no message to print again")?;
            return self.message(&text, &deal.session(), &wallet, a.form);
        }
        let listed: Vec<SessionView<'_>> = wallet.sessions().filter(|d| a.all || d.is_open()).collect();
        if listed.is_empty() {
            self.context.ui.say("No open payments.");
        }
        listed.iter().try_for_each(|deal| self.listed(&wallet, deal))
    }

    fn listed(&self, wallet: &Wallet<WalletFile>, deal: &SessionView<'_>) -> Outcome {
        let (role, step, session) = (role(deal), step(deal.status()), hex(&deal.session().0));
        let partner = deal.counterparty().map(|a| named(wallet, a));
        let fields = json!({
            "session": session, "role": role, "amount": deal.amount().to_string(), "step": step,
            "with": deal.counterparty().map(ToString::to_string), "not_after": deal.not_after().get(),
            "memo": deal.memo().as_str(),
        });
        let human = format!(
            "{session}\n  {role} {} base units: {step}; expires after height {}\n  with {}",
            deal.amount(),
            deal.not_after(),
            partner.as_deref().unwrap_or("anyone who answers"),
        );
        self.context.output.record("slate", fields, &human)
    }
}

/// The payment whose session starts with a prefix.
pub(super) fn find<'a>(wallet: &'a Wallet<WalletFile>, prefix: &str) -> Outcome<SessionView<'a>> {
    let prefix = prefix.trim().to_ascii_lowercase();
    let begins = |s: SessionId| hex(&s.0).starts_with(&prefix);
    let mut all = wallet.sessions().filter(|d| begins(d.session()));
    match (all.next(), all.next()) {
        (Some(deal), None) if !prefix.is_empty() => Ok(deal),
        (None, _) => Err(Failure::refused(format!("no payment with session `{prefix}`"))
            .help("`sotto wallet slates --all` lists the sessions")),
        _ => Err(Failure::refused(format!("more than one session starts with `{prefix}`"))
            .help("write more digits of it")),
    }
}

const fn role(deal: &SessionView<'_>) -> &'static str {
    match (deal.role(), deal.is_payer()) {
        (Role::Inviter, true) => "send",
        (Role::Responder, false) => "receive",
        (Role::Inviter, false) => "invoice",
        (Role::Responder, true) => "pay",
    }
}

const fn step(step: SessionStatus) -> &'static str {
    match step {
        SessionStatus::Begun => "waiting for an answer",
        SessionStatus::Held => "answered, waiting for the other receivers",
        SessionStatus::Cancelled => "cancelled",
        SessionStatus::Signed(TxStatus::Waiting) => "signed, not in a block yet",
        SessionStatus::Signed(TxStatus::Confirmed { .. }) => "confirmed",
        SessionStatus::Signed(TxStatus::Displaced { .. }) => {
            "displaced: another transaction spent one of its inputs"
        }
        SessionStatus::Signed(TxStatus::Failed) => "failed",
    }
}
