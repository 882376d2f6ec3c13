//! `sotto wallet slates`: open payments, and their messages again.

use super::{
    command::{WalletCommand, named},
    dates::Dates,
    slates::{Message, print_message, privacy},
};
use crate::{
    args,
    bridge::hex,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_mw::{
    amount::Height,
    session::{Role, SessionId},
};
use sotto_wallet::{
    SessionView, Wallet,
    edge::file::WalletFile,
    sessions::{SessionStatus, TxStatus},
};

pub(crate) fn slates(command: &WalletCommand<'_>, a: &args::WalletSlates) -> Outcome {
    let (mut wallet, chain, _) = command.open_fresh()?;
    if let Some(prefix) = &a.session {
        if a.forget {
            let session = find(&wallet, prefix)?.session();
            wallet.dismiss(&session).or_refuse("cannot dismiss the payment")?;
            let what = "dismissed; it is received if the payer signs it all the same";
            return command.context.output.record("dismissed", json!({ "session": hex(&session.0) }), what);
        }
        let session = find(&wallet, prefix)?;
        let text = wallet.message(&session, privacy(a.form)).or_refuse("no message to print again")?;
        let message = Message { text: &text, session: session.session() };
        return print_message(command, &wallet, &message, a.form);
    }
    let listed: Vec<SessionView<'_>> = wallet.sessions().filter(|d| a.all || d.is_open()).collect();
    if listed.is_empty() {
        command.context.ui.info("No open payments.");
    }
    let dates = Dates::of(&chain, listed.iter().filter_map(|s| block_of(s.status())))?;
    drop(chain);
    listed
        .iter()
        .try_for_each(|session| print_session(command, &Listed { wallet: &wallet, session, dates: &dates }))
}

/// The block that decided a payment: the one that it is in, or that ended it.
const fn block_of(status: SessionStatus) -> Option<Height> {
    match status {
        SessionStatus::Signed(TxStatus::Confirmed { height } | TxStatus::Displaced { height }) => {
            Some(height)
        }
        _ => None,
    }
}

/// A payment of a list.
struct Listed<'a> {
    wallet: &'a Wallet<WalletFile>,
    session: &'a SessionView<'a>,
    dates: &'a Dates,
}

fn print_session(command: &WalletCommand<'_>, listed: &Listed<'_>) -> Outcome {
    let Listed { wallet, session, dates } = *listed;
    let (role, step, id) = (role(session), step(session.status()), hex(&session.session().0));
    let height = match session.status() {
        SessionStatus::Signed(TxStatus::Confirmed { height }) => Some(height),
        _ => None,
    };
    let date = block_of(session.status()).map_or_else(String::new, |h| dates.beside(h));
    let partner = session.counterparty().map(|a| named(wallet, a));
    let fields = json!({
        "session": id, "role": role, "amount": session.amount().to_string(), "step": step,
        "status": session.status().to_string(), "height": height.map(Height::get),
        "time": height.and_then(|h| dates.time(h)),
        "with": session.counterparty().map(ToString::to_string), "not_after": session.not_after().get(),
        "memo": session.memo().as_str(),
    });
    let human = format!(
        "{id}\n  {role} {}: {step}{date}{}\n  with {}{}",
        wallet.chain().unit().show(session.amount()),
        time_left(wallet, session),
        partner.as_deref().unwrap_or("anyone who answers"),
        proof(session),
    );
    command.context.output.record("slate", fields, &human)
}

/// When a payment that is not in a block expires, or what its expiry still holds.
fn time_left(wallet: &Wallet<WalletFile>, session: &SessionView<'_>) -> String {
    let (end, tip) = (session.not_after(), wallet.tip());
    let free = end.plus(wallet.chain().params().reorganisation).next();
    match session.status() {
        SessionStatus::Begun | SessionStatus::Held | SessionStatus::Answered => {
            format!("; expires after height {end}")
        }
        SessionStatus::Signed(TxStatus::Waiting) | SessionStatus::Ending if end > tip => {
            format!("; expires after height {end}")
        }
        SessionStatus::Signed(TxStatus::Waiting) | SessionStatus::Ending => {
            format!("; it expired after height {end}, and its outputs are free from height {free} on")
        }
        SessionStatus::Expired if session.is_open() => {
            format!(" after height {end}; its outputs are free from height {free} on, or when you cancel it")
        }
        SessionStatus::Expired => format!(" after height {end}"),
        _ => String::new(),
    }
}

/// Who can prove a payment that is in a block.
fn proof(session: &SessionView<'_>) -> String {
    match (session.status(), session.is_payer()) {
        (SessionStatus::Signed(TxStatus::Confirmed { .. }), true) => {
            let id = hex(&session.session().0);
            format!("\n  you have its proof: sotto wallet proof export {}", id.get(..12).unwrap_or(&id))
        }
        (SessionStatus::Signed(TxStatus::Confirmed { .. }), false) => {
            "\n  the payer has its proof, signed by you".to_owned()
        }
        _ => String::new(),
    }
}

/// The payment whose session starts with a prefix.
pub(crate) fn find<'a>(wallet: &'a Wallet<WalletFile>, prefix: &str) -> Outcome<SessionView<'a>> {
    let prefix = prefix.trim().to_ascii_lowercase();
    let begins = |s: SessionId| hex(&s.0).starts_with(&prefix);
    let mut all = wallet.sessions().filter(|d| begins(d.session()));
    match (all.next(), all.next()) {
        (Some(session), None) if !prefix.is_empty() => Ok(session),
        (None, _) => Err(Failure::coded(ErrorCode::NoSession, format!("no payment with session `{prefix}`"))
            .help("`sotto wallet slates --all` lists the sessions")),
        _ => Err(Failure::refused(format!("more than one session starts with `{prefix}`"))
            .help("write more digits of it")),
    }
}

const fn role(session: &SessionView<'_>) -> &'static str {
    match (session.role(), session.is_payer()) {
        (Role::Inviter, true) => "send",
        (Role::Responder, false) => "receive",
        (Role::Inviter, false) => "invoice",
        (Role::Responder, true) => "pay",
    }
}

/// What has become of a payment, for people.
pub(crate) fn step(status: SessionStatus) -> String {
    match status {
        SessionStatus::Begun => "waiting for an answer".into(),
        SessionStatus::Held => "answered, waiting for the other receivers".into(),
        SessionStatus::Answered => "answered, waiting for the payer".into(),
        SessionStatus::Cancelled => "cancelled".into(),
        SessionStatus::Expired => "expired".into(),
        SessionStatus::Dismissed => "dismissed; it is received if the payer signs it all the same".into(),
        SessionStatus::Ending => "being ended: a self-spend waits for a block".into(),
        SessionStatus::Signed(TxStatus::Waiting) => "signed, not in a block yet".into(),
        SessionStatus::Signed(TxStatus::Confirmed { height }) => format!("in block {height}"),
        SessionStatus::Signed(TxStatus::Displaced { height }) => {
            format!("ended: block {height} spends one of its inputs elsewhere")
        }
        SessionStatus::Signed(TxStatus::Failed) => "failed: it can never be in a block".into(),
    }
}
