//! `sotto wallet receive`, and how slates of all kinds are read and printed.

use super::{
    command::{ACCOUNT, WalletCommand, named},
    dates::Dated,
    reasons::OrRefuseIn as _,
};
use crate::{
    args,
    bridge::{hex, read_text},
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    ui::BOLD,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_mw::session::SessionId;
use sotto_wallet::{
    Wallet, WalletError,
    armor::{self, ArmorError, MessageKind},
    edge::file::WalletFile,
    encrypt::{Encryptable, Privacy},
    keys::Address,
    sessions::{SessionStatus, TxStatus},
    slate::{Invite, Memo, SlateError},
};
use std::path::Path;

pub(crate) fn receive(command: &WalletCommand<'_>, a: &args::WalletReceive) -> Outcome {
    let text = read_slate(&a.file)?;
    let (wallet, chain, _) = command.open_fresh()?;
    let unit = *chain.chain().unit();
    let invite = find_invite(&wallet, &text).map_err(wrong_slate("cannot use this invite"))?;
    let account = command.chosen(&wallet)?.or_else(|| wallet.addressee(&invite)).unwrap_or(ACCOUNT);
    let known = wallet.sessions().find(|s| s.session() == invite.session && !s.is_payer());
    if let Some(SessionStatus::Signed(TxStatus::Confirmed { height })) = known.map(|s| s.status()) {
        return in_block(command, &invite.session, Dated::of(&chain, height)?);
    }
    drop(chain);
    // A refusal comes before the question.
    wallet.check_invite(account, &invite).or_refuse_in(&unit, "cannot answer the invite")?;
    let terms = terms(&wallet, &invite);
    let mut wallet = command.confirm(wallet, &terms, a.yes)?;
    let response =
        wallet.respond(account, &invite, &mut OsRng).or_refuse_in(&unit, "cannot answer the invite")?;
    command.context.ui.info(&format!("Give this response to the payer. {}", who_reads(a.form)));
    let to = Some(&invite.sender);
    let slate = Addressed { slate: &response, session: response.session, to };
    print_slate(command, &wallet, &slate, a.form)
}

/// What a receiver confirms. The invite is signed by the address that it names.
fn terms(wallet: &Wallet<WalletFile>, invite: &Invite) -> String {
    format!(
        "{BOLD}{}{BOLD:#} for you on the {} network\n  from   {}, who signed the invite\n  memo   {}\nThe payer gets a receipt signed by your address, and with it a proof of payment that anyone can check. You can spend the money once it is in a block. It expires after height {}.",
        wallet.chain().unit().show(invite.amount),
        wallet.chain().params().network,
        named(wallet, &invite.sender),
        memo_text(&invite.memo),
        invite.not_after(),
    )
}

/// Says that a payment is in a block already: there is nothing left to do.
pub(crate) fn in_block(command: &WalletCommand<'_>, session: &SessionId, block: Dated) -> Outcome {
    let fields = json!({ "session": hex(&session.0), "height": block.height.get(), "time": block.time });
    command.context.output.record("in-block", fields, &format!("already in {block}"))
}

/// A slate, its session, and the address that it is encrypted to.
pub(crate) struct Addressed<'a, T> {
    pub(crate) slate: &'a T,
    pub(crate) session: SessionId,
    pub(crate) to: Option<&'a Address>,
}

/// Prints a slate in the form that the user chose.
pub(crate) fn print_slate<T: Encryptable>(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    addressed: &Addressed<'_, T>,
    form: args::SlateForm,
) -> Outcome {
    let Addressed { slate, session, to } = *addressed;
    let account = wallet.sessions().find(|s| s.session() == session).map_or(ACCOUNT, |s| s.account());
    let text = wallet.write_message(account, to, slate, privacy(form)).or_refuse("cannot write the slate")?;
    print_message(command, wallet, &Message { text: &text, session }, form)
}

/// The text of a slate, and its session.
pub(crate) struct Message<'a> {
    pub(crate) text: &'a str,
    pub(crate) session: SessionId,
}

/// Prints the text of a slate.
pub(crate) fn print_message(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    message: &Message<'_>,
    form: args::SlateForm,
) -> Outcome {
    let Message { text, session } = *message;
    let kind = armor::kind(text).or_refuse("cannot write the slate")?;
    let name = kind.to_string().to_lowercase();
    let (encrypted, name) = match name.strip_prefix("encrypted ") {
        Some(name) => (true, name.to_owned()),
        None => (false, name),
    };
    command.draw(&text.replace('\n', ""), form.qr)?;
    let with = wallet.sessions().find(|d| d.session() == session).and_then(|d| d.counterparty().copied());
    let fields = json!({
        "network": wallet.chain().params().network.to_string(), "session": hex(&session.0),
        "with": with.map(|a| a.to_string()), "encrypted": encrypted, "text": text,
    });
    command.context.output.record(&name, fields, text)
}

/// The failure for an unusable slate; if it is meant for another verb, the help names the verb.
pub(crate) fn wrong_slate(what: &str) -> impl Fn(WalletError) -> Failure + '_ {
    move |e| {
        let verb = match e {
            WalletError::Armor(ArmorError::Kind { found, .. }) => match found {
                MessageKind::Invite | MessageKind::EncryptedInvite => {
                    "this is an invite: answer it with `sotto wallet receive`"
                }
                MessageKind::Invoice | MessageKind::EncryptedInvoice => {
                    "this is an invoice: pay it with `sotto wallet pay`"
                }
                MessageKind::Transaction => "this is a transaction: submit it with `sotto chain submit`",
                k if k.to_string().contains("HOLD") => {
                    "this is a letter of a hold: `sotto wallet hold --help` says who reads it with which verb"
                }
                MessageKind::Proof => "this is a proof: check it with `sotto wallet proof verify`",
                _ => {
                    "this is a response or a payment: the side that started finishes it with `sotto wallet finalize`"
                }
            },
            _ => return Failure::refused(what).cause(&e),
        };
        Failure::refused(what).cause(&e).help(verb)
    }
}

/// The invite in a text, or of several invites the one for this wallet.
fn find_invite(wallet: &Wallet<WalletFile>, text: &str) -> Result<Invite, WalletError> {
    let mut refused = None;
    for message in armor::split_messages(text) {
        match wallet.read_message::<Invite>(&message) {
            Ok(i) if i.recipient.is_none() || wallet.addressee(&i).is_some() => return Ok(i),
            Ok(_) => refused = Some(SlateError::NotForUs.into()),
            Err(e) => refused = refused.or(Some(e)),
        }
    }
    Err(refused.unwrap_or(SlateError::NotForUs.into()))
}

pub(crate) const fn privacy(form: args::SlateForm) -> Privacy {
    if form.plain { Privacy::Plain } else { Privacy::Encrypted }
}

/// Who can read what is printed.
pub(crate) const fn who_reads(form: args::SlateForm) -> &'static str {
    if form.plain {
        "It is not encrypted: anyone who sees it learns the amount and both parties."
    } else {
        "It is encrypted, so that only that person can read it."
    }
}

pub(crate) fn declined() -> Failure {
    Failure::new(Code::Declined, "declined; nothing was done")
}

pub(crate) fn memo_text(memo: &Memo) -> &str {
    if memo.as_str().is_empty() { "(none)" } else { memo.as_str() }
}

pub(crate) fn memo(text: &str) -> Outcome<Memo> {
    Memo::new(text.to_owned()).ok_or_else(|| {
        Failure::coded(ErrorCode::InvalidMemo, "invalid memo")
            .why(format!(
                "a memo is one line of at most {} bytes, without invisible or direction-changing characters",
                Memo::MAX
            ))
            .help("write a shorter or plainer memo")
    })
}

pub(crate) fn read_slate(path: &Path) -> Outcome<String> {
    read_text(path, armor::MAX_TEXT as u64)
}
