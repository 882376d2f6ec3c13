//! `sotto wallet slates`: open payments, and their messages again.

use super::{WalletCommand, named, slates::privacy};
use crate::{
    args,
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_mw::session::SessionId;
use sotto_wallet::{
    edge::file::WalletFile,
    state::Fate,
    wallet::{Deal, Step, Wallet},
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
        let listed: Vec<Deal<'_>> = wallet.deals().filter(|d| a.all || d.is_open()).collect();
        if listed.is_empty() {
            self.context.ui.say("No open payments.");
        }
        listed.iter().try_for_each(|deal| self.listed(&wallet, deal))
    }

    fn listed(&self, wallet: &Wallet<WalletFile>, deal: &Deal<'_>) -> Outcome {
        let (role, step, session) = (role(deal), step(deal.step()), hex(&deal.session().0));
        let partner = deal.partner().map(|a| named(wallet, a));
        let fields = json!({
            "session": session, "role": role, "amount": deal.amount().to_string(), "step": step,
            "with": deal.partner().map(ToString::to_string), "not_after": deal.not_after().get(),
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
pub(super) fn find<'a>(wallet: &'a Wallet<WalletFile>, prefix: &str) -> Outcome<Deal<'a>> {
    let prefix = prefix.trim().to_ascii_lowercase();
    let begins = |s: SessionId| hex(&s.0).starts_with(&prefix);
    let mut all = wallet.deals().filter(|d| begins(d.session()));
    match (all.next(), all.next()) {
        (Some(deal), None) if !prefix.is_empty() => Ok(deal),
        (None, _) => Err(Failure::refused(format!("no payment with session `{prefix}`"))
            .help("`sotto wallet slates --all` lists the sessions")),
        _ => Err(Failure::refused(format!("more than one session starts with `{prefix}`"))
            .help("write more digits of it")),
    }
}

const fn role(deal: &Deal<'_>) -> &'static str {
    match deal {
        Deal::Sent(..) => "send",
        Deal::Received(_) => "receive",
        Deal::Asked(_) => "invoice",
        Deal::Paid(_) => "pay",
    }
}

const fn step(step: Step) -> &'static str {
    match step {
        Step::Begun => "waiting for an answer",
        Step::Held => "answered, waiting for the other receivers",
        Step::Cancelled => "cancelled",
        Step::Signed(Fate::Waiting) => "signed, not in a block yet",
        Step::Signed(Fate::Confirmed { .. }) => "confirmed",
        Step::Signed(Fate::Displaced { .. }) => "displaced: another transaction spent one of its inputs",
        Step::Signed(Fate::Failed) => "failed",
    }
}
