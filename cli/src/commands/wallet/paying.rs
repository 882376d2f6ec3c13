//! The payer's steps of a payment that it begins, to one or several: send, finalize.

use super::{
    WalletCommand,
    plan::{plan_json, plan_text},
    sessions::find,
    slates::{declined, memo, parse_amount, read_slate, unusable, who_reads},
};
use crate::{
    args,
    bridge::hex,
    exit::{Code, Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_mw::{amount::Amount, rules::Verified, schnorr::session::SessionId, transaction::Transaction};
use sotto_wallet::{
    armor::{self, Kind},
    edge::file::WalletFile,
    select::{Decision, Payee, Request},
    slate::{Memo, Payment, Response},
    state::{Invited, Part, Stage},
    wallet::{Deal, Wallet},
};

/// Whom to pay, as it was written, and how much.
type Named = (String, Amount);

/// What came of an answer.
enum Taken {
    /// It was the last one.
    Whole(Verified<Transaction>),
    /// Others of the same payment are awaited.
    Held(SessionId),
}

impl WalletCommand<'_> {
    pub(super) fn send(&self, a: &args::WalletSend) -> Outcome {
        let (to, memo) = (whom(a)?, memo(&a.memo)?);
        let (mut wallet, chain, _) = self.open_fresh()?;
        let (account, payees) = (self.account(&wallet)?, payees(&wallet, &to, &memo)?);
        let plan = wallet.plan(Request { account, payees }).or_refuse("this payment cannot be made")?;
        let text = plan_text(&plan, &wallet);
        if a.dry_run {
            return self.context.output.record("payment-plan", plan_json(&plan), &text);
        }
        self.context.ui.confirm(&text, a.yes)?;
        let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
        let invites = wallet.invite(plan, &mut OsRng).or_refuse("the payment cannot be started")?;
        drop(chain);
        let several = invites.len() > 1;
        let give = if several { "each receiver its invite" } else { "this invite to the receiver" };
        self.context.ui.say(&format!("Give {give}. {}", who_reads(a.form)));
        for (invite, (name, _)) in invites.iter().zip(&to) {
            if several {
                self.context.output.text(&format!("For {name}:"))?;
            }
            self.letter((invite, &invite.session), invite.recipient.as_ref(), &wallet, a.form)?;
        }
        Ok(())
    }

    pub(super) fn finalize(&self, a: &args::WalletFinalize) -> Outcome {
        let texts = a.files.iter().map(|f| read_slate(f)).collect::<Outcome<Vec<_>>>()?;
        let (mut wallet, chain, _) = self.open_fresh()?;
        drop(chain);
        let mut taken = vec![];
        for text in texts.iter().flat_map(|t| armor::letters(t)) {
            taken.push(take(&mut wallet, &text)?);
        }
        if let Some(prefix) = &a.session {
            let response = held(&wallet, prefix)?;
            taken.push(answered(&mut wallet, &response)?);
        }
        let mut waits = None;
        let mut made: Vec<Verified<Transaction>> = vec![];
        for one in taken {
            match one {
                Taken::Whole(t) if made.iter().all(|m| m.get() != t.get()) => made.push(t),
                Taken::Whole(_) => {}
                Taken::Held(session) => waits = Some(session),
            }
        }
        made.iter().try_for_each(|t| self.transaction(t, &wallet))?;
        waits.map_or(Ok(()), |session| self.waiting(&session, &wallet))
    }

    fn transaction(&self, t: &Verified<Transaction>, wallet: &Wallet<WalletFile>) -> Outcome {
        self.context.ui.say(
            "Submit this transaction with `sotto chain submit`. From now on it cannot be cancelled for free.",
        );
        let text = armor::to_text(wallet.chain().id(), t.get());
        let network = wallet.chain().params().network.to_string();
        self.context.output.record("transaction", json!({ "network": network, "text": text }), &text)
    }

    /// Says whom a payment waits for; nothing, when a later answer has completed it.
    fn waiting(&self, session: &SessionId, wallet: &Wallet<WalletFile>) -> Outcome {
        let open = open_with(wallet, session).unwrap_or_default();
        let awaited = open.iter().filter(|o| o.response().is_none()).map(|o| hex(&o.invite.session.0));
        let awaited: Vec<String> = awaited.collect();
        if awaited.is_empty() {
            return Ok(());
        }
        self.context.ui.say(&format!(
            "Kept. The payment is signed when all {} have answered; of {} the answer is awaited. To pay the others without one: sotto wallet cancel --session {}",
            open.len(), awaited.len(), awaited.first().map_or("", |s| &s[..12]),
        ));
        if self.context.output.json {
            let fields = json!({ "session": hex(&session.0), "of": open.len(), "awaited": awaited });
            return self.context.output.record("held", fields, "");
        }
        Ok(())
    }
}

/// The open invites of the payment that has this session.
pub(super) fn open_with<'a>(wallet: &'a Wallet<WalletFile>, session: &SessionId) -> Option<&'a [Invited]> {
    wallet.sent().find(|s| s.part(session).is_some()).and_then(|s| match &s.stage {
        Stage::Open(open) => Some(&**open),
        _ => None,
    })
}

/// The response that is held in a session.
fn held(wallet: &Wallet<WalletFile>, prefix: &str) -> Outcome<Response> {
    let response = match find(wallet, prefix)? {
        Deal::Sent(_, Part::Open(o)) => o.response(),
        Deal::Sent(_, Part::Signed(s)) => Some(&s.response),
        _ => None,
    };
    response.cloned().ok_or_else(|| {
        Failure::refused("no answer is held in this session")
            .help("`sotto wallet slates` says which are answered. A response is given as a file, or as `-`.")
    })
}

fn take(wallet: &mut Wallet<WalletFile>, text: &str) -> Outcome<Taken> {
    let kind = armor::kind(text).or_refuse("this is no answer to a slate")?;
    if matches!(kind, Kind::Payment | Kind::EncryptedPayment) {
        let payment: Payment = wallet.read(text).or_refuse("this payment cannot be used")?;
        return wallet.collect(&payment).map(Taken::Whole).or_refuse("the payment was refused");
    }
    let response: Response = wallet.read(text).map_err(unusable("this response cannot be used"))?;
    answered(wallet, &response)
}

fn answered(wallet: &mut Wallet<WalletFile>, response: &Response) -> Outcome<Taken> {
    let done = wallet.finalize(response, &mut OsRng).or_refuse("the response was refused")?;
    Ok(done.map_or(Taken::Held(response.session), Taken::Whole))
}

/// One receiver and an amount, or each receiver with his own.
fn whom(a: &args::WalletSend) -> Outcome<Vec<Named>> {
    let usage = |why: &str| {
        Failure::new(Code::Usage, why)
            .help("sotto wallet send 2500000 --to bob, or: sotto wallet send --to bob=1000 --to carol=2000")
    };
    match (&a.amount, &a.to[..]) {
        (Some(amount), [who]) if !who.contains('=') => Ok(vec![(who.clone(), parse_amount(amount)?)]),
        (Some(_), _) => Err(usage("one amount is for one receiver, and others have theirs in --to")),
        (None, all) => all
            .iter()
            .map(|to| {
                let (who, amount) = to.split_once('=').ok_or_else(|| usage("how much to pay is not said"))?;
                Ok((who.to_owned(), parse_amount(amount)?))
            })
            .collect(),
    }
}

fn payees(wallet: &Wallet<WalletFile>, to: &[Named], memo: &Memo) -> Outcome<Vec<Payee>> {
    let network = wallet.chain().params().network;
    let mut all: Vec<Payee> = vec![];
    for (who, amount) in to {
        let recipient = wallet.contacts().resolve(who, network);
        let recipient = Some(recipient.or_refuse(format!("`{who}` cannot be paid"))?);
        if all.iter().any(|p| p.recipient == recipient) {
            return Err(Failure::refused(format!("`{who}` is named twice"))
                .why("it stands for the address of another receiver")
                .help("Give each receiver once, with all that it gets."));
        }
        all.push(Payee { amount: *amount, recipient, memo: memo.clone() });
    }
    Ok(all)
}
