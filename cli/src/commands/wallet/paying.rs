//! `sotto wallet send` and `finalize`: a payment that its payer starts, to one or several receivers.
//!
//! ```text
//! all receivers are paid one-sidedly    send ─▶ submitted
//! otherwise                             send ─▶ invites ─▶ responses ─▶ finalize ─▶ transaction
//! ```

use super::{
    choosing::{Dust, spend},
    command::{WalletCommand, who},
    dates::Dated,
    deliver::{self, ListenerAddress},
    plan::{plan_json, plan_text},
    reasons::OrRefuseIn as _,
    sessions::find,
    slates::{Addressed, declined, in_block, memo, print_slate, read_slate, who_reads, wrong_slate},
};
use crate::{
    amounts, args,
    bridge::{ChainAt, hex},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::counted,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_mw::{
    amount::{Amount, Height},
    rules::Verified,
    session::{Role, SessionId},
    transaction::Transaction,
    unit::WrittenAmount,
};
use sotto_wallet::{
    SessionView, Wallet,
    armor::{self, MessageKind},
    coin_selection::{ChangeKind, Confirmed, Decision, Payee, PaymentPlan, PaymentRequest, Recipient},
    edge::file::WalletFile,
    reference::{Reference, split_request},
    scan::UnspentInputs,
    sessions::{SessionStatus, TxStatus},
    slate::{Memo, Payment, Response},
};

/// A receiver as given on the command line, and the amount; none to pay everything.
struct Receiver {
    who: String,
    amount: Option<WrittenAmount>,
}

/// The result of a response.
#[allow(clippy::large_enum_variant, reason = "one for each run of the program")]
enum Finalized {
    /// It was the last one: the transaction is complete.
    Complete(SessionId, Verified<Transaction>),
    /// Other responses of the same payment are missing.
    Waiting(SessionId),
}

pub(crate) fn send(command: &WalletCommand<'_>, a: &args::WalletSend) -> Outcome {
    let (to, memo) = (receivers(a)?, memo(&a.memo)?);
    let listener = a.to_listener.as_deref().map(ListenerAddress::parse).transpose()?;
    if listener.is_some() && to.len() > 1 {
        return Err(Failure::new(Code::Usage, "one listener is for one receiver")
            .help("pay each receiver with a command of its own, or omit --to-listener"));
    }
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let plan = plan(command, &wallet, a, payees(&wallet, &to, &Terms::of(a, memo)?)?)?;
    let at_once = plan.is_complete();
    if at_once && (a.form.plain || a.form.qr || command.qr_file.is_some()) {
        return Err(Failure::new(Code::Usage, "a payment that needs no answer has no text to print")
            .help("omit --plain, --qr and --qr-file, or pass --interactive"));
    }
    let text = plan_text(&plan, &wallet);
    if a.dry_run {
        return command.context.output.record("payment-plan", plan_json(&plan), &text);
    }
    let mut wallet = command.confirm(wallet, &text, a.yes)?;
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
    if at_once {
        return pay_at_once(command, wallet, plan);
    }
    let invites = wallet.invite(plan, &mut OsRng).or_refuse("cannot start the payment")?;
    if let (Some(listener), [invite]) = (&listener, &invites[..]) {
        return deliver::invite(command, wallet, listener, invite);
    }
    let several = invites.len() > 1;
    let give = if several { "each receiver its invite" } else { "this invite to the receiver" };
    command.context.ui.info(&format!("Give {give}. {}", who_reads(a.form)));
    for invite in &invites {
        let to = invite.recipient.as_ref();
        if several {
            let who = to.map_or_else(|| "anyone".to_owned(), |to| who(&wallet, to));
            command.context.output.text(&format!("For {who}:"))?;
        }
        print_slate(command, &wallet, &Addressed { slate: invite, session: invite.session, to }, a.form)?;
    }
    Ok(())
}

/// The plan of a payment: of these amounts, or with --all of everything.
fn plan(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    a: &args::WalletSend,
    payees: Vec<Payee>,
) -> Outcome<PaymentPlan> {
    let (account, spend) = (command.account(wallet)?, spend(wallet, &a.spend)?);
    let (what, unit) = ("cannot make this payment", wallet.chain().unit());
    let plan = match payees.first().filter(|_| a.all) {
        Some(payee) => wallet.plan_all(account, payee.clone(), &spend).or_refuse_in(unit, what)?,
        None => {
            let dust = Dust::of(a.allow_dust);
            payees.iter().try_for_each(|p| dust.check(wallet, p.amount))?;
            let change = if a.plain_change { ChangeKind::Plain } else { ChangeKind::Hidden };
            let request = PaymentRequest { change, ..PaymentRequest::new(account, payees) };
            wallet.plan_from(request, &spend).or_refuse_in(unit, what)?
        }
    };
    Dust::of(a.allow_dust).check(wallet, plan.amount())?;
    Ok(plan)
}

/// Makes a payment that needs no answer, and submits it.
fn pay_at_once(
    command: &WalletCommand<'_>,
    mut wallet: Wallet<WalletFile>,
    plan: Confirmed<PaymentPlan>,
) -> Outcome {
    let (amount, fee) = (plan.get().amount(), plan.get().fee());
    let t = wallet.pay(plan, &mut OsRng).or_refuse("cannot make the payment")?;
    let mine =
        |s: &SessionView<'_>| s.excess().is_some_and(|e| t.get().body.kernels.iter().any(|k| k.excess == e));
    let sessions: Vec<SessionView<'_>> = wallet.sessions().filter(mine).collect();
    let first = sessions.first().map_or_else(String::new, |s| hex(&s.session().0));
    let submitted = command.chain().and_then(|mut chain| chain.submit(t.get().clone()));
    let id = submitted.map_err(|failed| {
        failed.help(format!(
            "the payment is signed, but not submitted: `sotto wallet slates {} | sotto chain submit -` tries it again",
            first.get(..12).unwrap_or(&first)
        ))
    })?;
    let payee = |s: &SessionView<'_>| {
        json!({
            "to": s.counterparty().map(ToString::to_string), "amount": s.amount().to_string(),
            "session": hex(&s.session().0), "reference": s.reference().map(|r| r.to_string()),
        })
    };
    let fields = json!({
        "session": first, "amount": amount.to_string(), "fee": fee.to_string(), "id": id.to_string(),
        "payees": sessions.iter().map(payee).collect::<Vec<_>>(),
    });
    let unit = wallet.chain().unit();
    let human = format!("paid {}, fee {}: pending {id}", unit.show(amount), unit.show(fee));
    command.context.output.record("paid", fields, &human)
}

pub(crate) fn finalize(command: &WalletCommand<'_>, a: &args::WalletFinalize) -> Outcome {
    let texts = a.files.iter().map(|f| read_slate(f)).collect::<Outcome<Vec<_>>>()?;
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let mut finalized = vec![];
    for text in texts.iter().flat_map(|t| armor::split_messages(t)) {
        finalized.push(finalize_one(&mut wallet, &chain, &text)?);
    }
    if let Some(prefix) = &a.session {
        let response = kept_response(&wallet, prefix)?;
        finalized.push(finalize_response(&mut wallet, &response)?);
    }
    let mut waits = None;
    let mut made: Vec<(SessionId, Verified<Transaction>)> = vec![];
    for one in finalized {
        match one {
            Finalized::Complete(s, t) if made.iter().all(|(_, m)| m.get() != t.get()) => made.push((s, t)),
            Finalized::Complete(..) => {}
            Finalized::Waiting(session) => waits = Some(session),
        }
    }
    for (session, t) in &made {
        match confirmed(&wallet, session) {
            Some(height) => in_block(command, session, Dated::of(&chain, height)?)?,
            None if a.submit => submit(command, &mut chain, t)?,
            None => transaction(command, t, &wallet)?,
        }
    }
    waits.map_or(Ok(()), |session| waiting(command, &session, &wallet))
}

/// The block that contains a payment of this session already.
fn confirmed(wallet: &Wallet<WalletFile>, session: &SessionId) -> Option<Height> {
    let mut begun = wallet.sessions().filter(|s| s.session() == *session && s.role() == Role::Inviter);
    match begun.next()?.status() {
        SessionStatus::Signed(TxStatus::Confirmed { height }) => Some(height),
        _ => None,
    }
}

fn submit(command: &WalletCommand<'_>, chain: &mut ChainAt, t: &Verified<Transaction>) -> Outcome {
    let id = chain.submit(t.get().clone()).map_err(|refused| {
        Failure { what: "the payment is signed, but the ledger does not accept it now".into(), ..refused }
            .help("finalize again to print it or to submit it later; it is the same transaction")
    })?;
    let (weight, fee) = (t.get().body.weight(), t.get().body.fees().unwrap_or_default());
    let fields = json!({ "id": id.to_string(), "weight": weight, "fee": fee.to_string() });
    let human = format!("pending {id}  weight {weight}, fee {}", chain.chain().unit().show(fee));
    command.context.output.record("submitted", fields, &human)
}

fn transaction(
    command: &WalletCommand<'_>,
    t: &Verified<Transaction>,
    wallet: &Wallet<WalletFile>,
) -> Outcome {
    command
        .context
        .ui
        .info(&format!(
            "Submit this transaction with `sotto chain submit{}`, or finalize again with --submit. It can no longer be cancelled for free.",
            command.at_node(),
        ));
    let text = armor::to_text(wallet.chain().id(), t.get());
    let network = wallet.chain().params().network.to_string();
    command.context.output.record("transaction", json!({ "network": network, "text": text }), &text)
}

/// Reports which responses a payment waits for; nothing if a later response has completed it.
fn waiting(command: &WalletCommand<'_>, session: &SessionId, wallet: &Wallet<WalletFile>) -> Outcome {
    let open = wallet.open_invites(session).collect::<Vec<_>>();
    let awaited = open.iter().filter(|o| o.response().is_none()).map(|o| hex(&o.session().0));
    let awaited: Vec<String> = awaited.collect();
    if awaited.is_empty() {
        return Ok(());
    }
    let all = if open.len() == 2 { "both".to_owned() } else { format!("all {}", open.len()) };
    let missing = counted(awaited.len() as u64, "response");
    let are = if awaited.len() == 1 { "is" } else { "are" };
    let first = awaited.first().map_or("", |s| &s[..12]);
    command.context.ui.info(&format!(
        "Kept. The payment is signed when {all} receivers have answered; {missing} {are} missing. To drop a receiver and pay the others, run: sotto wallet cancel --session {first}{}",
        command.at_node(),
    ));
    if command.context.output.json {
        let fields = json!({ "session": hex(&session.0), "of": open.len(), "awaited": awaited });
        return command.context.output.record("waiting", fields, "");
    }
    Ok(())
}

/// The response that was kept for a session.
fn kept_response(wallet: &Wallet<WalletFile>, prefix: &str) -> Outcome<Response> {
    let found = Some(find(wallet, prefix)?).filter(SessionView::is_payer);
    found.and_then(|session| session.response()).cloned().ok_or_else(|| {
        Failure::refused("no response is kept for this session")
            .help("`sotto wallet slates` shows which receivers have answered; pass a new response as a file, or as `-`")
    })
}

fn finalize_one(wallet: &mut Wallet<WalletFile>, chain: &ChainAt, text: &str) -> Outcome<Finalized> {
    let kind = armor::kind(text).or_refuse("not a response to a slate")?;
    if matches!(kind, MessageKind::Payment | MessageKind::EncryptedPayment) {
        let payment: Payment = wallet.read_message(text).or_refuse("cannot use this payment")?;
        let inputs = UnspentInputs::look_up(&chain.view(), &payment).or_refuse("cannot read the chain")?;
        let done = wallet.collect(&payment, &inputs).or_refuse("the payment was refused")?;
        return Ok(Finalized::Complete(payment.session, done));
    }
    let response: Response = wallet.read_message(text).map_err(wrong_slate("cannot use this response"))?;
    finalize_response(wallet, &response)
}

fn finalize_response(wallet: &mut Wallet<WalletFile>, response: &Response) -> Outcome<Finalized> {
    let done = wallet.finalize(response, &mut OsRng).or_refuse("the response was refused")?;
    let session = response.session;
    Ok(done.map_or(Finalized::Waiting(session), |t| Finalized::Complete(session, t)))
}

/// One receiver and an amount, or several receivers with an amount each.
fn receivers(a: &args::WalletSend) -> Outcome<Vec<Receiver>> {
    let usage = |why: &str| {
        Failure::new(Code::Usage, why)
            .help("run `sotto wallet send 1.5 --to bob`, or `sotto wallet send --to bob=1.5 --to carol=2`")
    };
    match (&a.amount, &a.to[..]) {
        (None, [who]) if a.all && with_amount(who).is_none() => {
            Ok(vec![Receiver { who: who.clone(), amount: None }])
        }
        (None, _) if a.all => Err(usage("everything can be paid to one receiver only")),
        (Some(amount), [who]) if with_amount(who).is_none() => {
            Ok(vec![Receiver { who: who.clone(), amount: Some(amounts::written(amount)?) }])
        }
        (Some(_), _) => Err(usage("one amount is for one receiver; for several, write --to WHO=AMOUNT")),
        (None, all) => all
            .iter()
            .map(|to| {
                let (who, amount) =
                    with_amount(to).ok_or_else(|| usage("no amount: it is not clear how much to pay"))?;
                Ok(Receiver { who: who.to_owned(), amount: Some(amounts::written(amount)?) })
            })
            .collect(),
    }
}

/// The parts of WHO=AMOUNT; the equals sign of a request ADDRESS?ref=REFERENCE begins no amount.
fn with_amount(to: &str) -> Option<(&str, &str)> {
    to.rsplit_once('=').filter(|(who, _)| who.split_once('?').is_none_or(|(_, query)| query.contains('=')))
}

/// Who has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    /// All receivers.
    Wanted,
    /// Only those whose address leaves no other way.
    IfNeeded,
    /// No receiver.
    Refused,
}

/// What applies to all receivers.
struct Terms {
    answers: Answers,
    reference: Option<Reference>,
    memo: Memo,
}

impl Terms {
    fn of(a: &args::WalletSend, memo: Memo) -> Outcome<Self> {
        let answers = match (a.interactive || a.to_listener.is_some(), a.one_sided) {
            (true, _) => Answers::Wanted,
            (false, true) => Answers::Refused,
            (false, false) => Answers::IfNeeded,
        };
        let reference = a.reference.as_deref().map(str::parse).transpose();
        Ok(Self { answers, reference: reference.or_refuse("invalid reference")?, memo })
    }
}

fn payees(wallet: &Wallet<WalletFile>, to: &[Receiver], terms: &Terms) -> Outcome<Vec<Payee>> {
    let unit = wallet.chain().unit();
    let mut all: Vec<Payee> = vec![];
    for Receiver { who, amount } in to {
        let amount = amount.as_ref().map(|amount| amounts::in_unit(amount, unit)).transpose()?;
        let recipient = recipient(wallet, who, terms)?;
        if all.iter().any(|p| p.recipient.address() == recipient.address()) {
            return Err(Failure::refused(format!("receiver `{who}` is named twice"))
                .why("another receiver has the same address")
                .help("name each receiver once, with the whole amount"));
        }
        all.push(Payee { amount: amount.unwrap_or(Amount::ZERO), recipient, memo: terms.memo.clone() });
    }
    Ok(all)
}

/// The receiver that a person named, and how it is paid.
fn recipient(wallet: &Wallet<WalletFile>, who: &str, terms: &Terms) -> Outcome<Recipient> {
    let cannot = format!("cannot pay `{who}`");
    let (text, asked) = split_request(who).or_refuse(&*cannot)?;
    let address = wallet.contacts().resolve(text, wallet.chain().params().network).or_refuse(&*cannot)?;
    let reference = terms.reference.or(asked);
    if asked.is_some() && asked != reference {
        return Err(Failure::refused(cannot)
            .why("the request asks for another reference than --reference")
            .help("omit --reference: the receiver recognises the payment by its own"));
    }
    match (terms.answers, address.payment_address()) {
        (Answers::IfNeeded | Answers::Refused, Some(to)) => Ok(Recipient::OneSided { to, reference }),
        (Answers::Refused, None) => Err(Failure::refused(cannot)
            .why("this address can only be paid interactively")
            .help("omit --one-sided, or ask the receiver for the address that `sotto wallet address` shows")),
        _ if reference.is_some() => Err(Failure::refused(cannot)
            .why("only a payment that needs no answer carries a reference")
            .help("omit the reference and write a memo")),
        _ => Ok(Recipient::Interactive(address)),
    }
}
