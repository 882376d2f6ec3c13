//! `sotto wallet hold`: the steps of a hold, each of which reads a letter and prints the next one.
//!
//! ```text
//! payer   open ─▶ offer      prove ◀─ join ─▶ prove      prove ◀─ part ─▶ funding      release ◀─ answer ─▶ release
//! seller  join ◀─ offer ─▶ join      join ◀─ prove ─▶ part      answer ─▶ answer      claim ◀─ release ─▶ claim
//! ```

use super::{
    command::WalletCommand,
    hold_plan::{
        funding_text, offer_json, offer_text, plan_json, plan_text, release_json, release_text, status,
    },
    reasons::OrRefuseIn as _,
    slates::{declined, memo, privacy, read_slate, who_reads},
};
use crate::{
    amounts,
    args::{self, HoldConsent, WalletHold},
    bridge::{ChainAt, hex, hex_bytes, read_text},
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    group::Point, rules::Verified, schnorr::PublicKey, secret::SecretScalar, session::SessionId,
    transaction::Transaction,
};
use sotto_wallet::{
    Wallet,
    armor::{self, MessageKind},
    coin_selection::{Decision, HoldRequest},
    edge::file::WalletFile,
    encrypt::Encryptable,
    hold::{Answer, Join, Offer, Part, Prove, Release, Schedule, Settlement},
    sessions::{HoldRecord, HoldSide},
};
use std::path::Path;
use zeroize::Zeroizing;

pub(crate) fn hold(command: &WalletCommand<'_>, verb: &WalletHold) -> Outcome {
    match verb {
        WalletHold::Open(a) => open(command, a),
        WalletHold::Join(a) => join(command, a),
        WalletHold::Prove(a) => prove(command, a),
        WalletHold::Lock(a) => lock(command, a),
        WalletHold::Answer(a) => answer(command, a),
        WalletHold::Release(a) => release(command, a),
        WalletHold::Claim(a) => claim(command, a),
        WalletHold::Undo(a) => undo(command, a),
        WalletHold::Refund(a) => refund(command, a),
        WalletHold::Status(a) => show(command, a),
    }
}

/// Shows a plan if that is all that was asked for, and says whether it was.
fn only_shown(command: &WalletCommand<'_>, (text, fields): (&str, Value), ask: HoldConsent) -> Outcome<bool> {
    if ask.dry_run {
        command.context.output.record("hold-plan", fields, text)?;
    }
    Ok(ask.dry_run)
}

/// The same for a step that is not asked about, of a hold that this wallet knows.
fn only_named(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    (id, what): (&SessionId, &str),
    ask: HoldConsent,
) -> Outcome<bool> {
    if !ask.dry_run {
        return Ok(false);
    }
    let offer = found(wallet, id)?.offer();
    let text = format!("{what}: {}", offer_text(offer, wallet));
    only_shown(command, (&text, offer_json(offer, wallet.chain())), ask)
}

/// Shows a plan and asks; `None` after a dry run.
fn consent(
    command: &WalletCommand<'_>,
    wallet: Wallet<WalletFile>,
    (text, fields): (&str, Value),
    ask: HoldConsent,
) -> Outcome<Option<Wallet<WalletFile>>> {
    if only_shown(command, (text, fields), ask)? {
        return Ok(None);
    }
    command.confirm(wallet, text, ask.yes).map(Some)
}

fn open(command: &WalletCommand<'_>, a: &args::HoldOpen) -> Outcome {
    let (amount, memo) = (amounts::written(&a.amount)?, memo(&a.memo)?);
    let start_fee = a.start_fee.as_deref().map(amounts::written).transpose()?;
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let (unit, network) = (*wallet.chain().unit(), wallet.chain().params().network);
    let request = HoldRequest {
        account: command.account(&wallet)?,
        seller: wallet.contacts().resolve(&a.to, network).or_refuse(format!("cannot pay `{}`", a.to))?,
        amount: amounts::in_unit(&amount, &unit)?,
        start_fee: amounts::optional(start_fee.as_ref(), &unit)?,
        schedule: Schedule { blocks: a.blocks, rungs: a.refunds, confirmations: a.confirmations },
        memo,
    };
    let plan = wallet.plan_hold(request).or_refuse_in(&unit, "cannot open this hold")?;
    let shown = (&*plan_text(&plan, &wallet), plan_json(&plan, &wallet));
    let Some(mut wallet) = consent(command, wallet, shown, a.consent)? else { return Ok(()) };
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
    let offer = wallet.holds().open(plan, &mut OsRng).or_refuse("cannot open the hold")?;
    print_letter(command, &wallet, (&offer.id, &offer), a.form)
}

fn join(command: &WalletCommand<'_>, a: &args::HoldJoin) -> Outcome {
    let text = read_slate(&a.file)?;
    let (mut wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let unit = *wallet.chain().unit();
    if is(&text, [MessageKind::HoldProve, MessageKind::EncryptedHoldProve])? {
        let letter: Prove = wallet.read_message(&text).or_refuse("cannot use this letter")?;
        if only_named(command, &wallet, (&letter.id, "Answer the range proof, once"), a.consent)? {
            return Ok(());
        }
        let part = wallet.holds().part(&letter).or_refuse_in(&unit, "cannot answer the proof")?;
        return print_letter(command, &wallet, (&part.id, &part), a.form);
    }
    let offer: Offer = wallet.read_message(&text).or_refuse("cannot use this offer")?;
    let known = wallet.held().any(|h| h.offer() == &offer);
    if !known {
        wallet.holds().check_offer(&offer).or_refuse_in(&unit, "cannot join the hold")?;
        let shown = (&*offer_text(&offer, &wallet), offer_json(&offer, wallet.chain()));
        let Some(asked) = consent(command, wallet, shown, a.consent)? else { return Ok(()) };
        wallet = asked;
    } else if only_named(command, &wallet, (&offer.id, "Repeat your consent"), a.consent)? {
        return Ok(());
    }
    let join = wallet.holds().join(&offer, &mut OsRng).or_refuse_in(&unit, "cannot join the hold")?;
    print_letter(command, &wallet, (&join.id, &join), a.form)
}

fn prove(command: &WalletCommand<'_>, a: &args::HoldProve) -> Outcome {
    let text = read_slate(&a.file)?;
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let unit = *wallet.chain().unit();
    if !is(&text, [MessageKind::HoldPart, MessageKind::EncryptedHoldPart])? {
        drop(chain);
        let letter: Join = wallet.read_message(&text).or_refuse("cannot use this letter")?;
        if only_named(command, &wallet, (&letter.id, "Sign the refunds and the range proof"), a.consent)? {
            return Ok(());
        }
        let what = "the seller's consent was refused";
        let prove = wallet.holds().prove(&letter, &mut OsRng).or_refuse_in(&unit, what)?;
        return print_letter(command, &wallet, (&prove.id, &prove), a.form);
    }
    let letter: Part = wallet.read_message(&text).or_refuse("cannot use this letter")?;
    let known = found(&wallet, &letter.id)?;
    let shown = (&*funding_text(known, &wallet), offer_json(known.offer(), wallet.chain()));
    // The chain is closed while a person thinks.
    drop(chain);
    let Some(mut wallet) = consent(command, wallet, shown, a.consent)? else { return Ok(()) };
    let t = wallet.holds().fund(&letter, &mut OsRng).or_refuse_in(&unit, "cannot fund the hold")?;
    chain = command.chain()?;
    submit(command, &mut chain, (&letter.id, &t))
}

fn answer(command: &WalletCommand<'_>, a: &args::HoldAnswer) -> Outcome {
    let lock = a.lock.as_deref().map(point).transpose()?;
    let (mut wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let (id, unit) = (find(&wallet, &a.hold)?.offer().id, *wallet.chain().unit());
    let answer =
        wallet.holds().answer(&id, lock, &mut OsRng).or_refuse_in(&unit, "cannot claim the money")?;
    let by = found(&wallet, &id)?.claim_by(wallet.chain());
    command.context.ui.info(&format!(
        "The claim must be published by height {by}; the next block is {}.",
        wallet.tip().next()
    ));
    print_letter(command, &wallet, (&id, &answer), a.form)
}

fn release(command: &WalletCommand<'_>, a: &args::HoldRelease) -> Outcome {
    let wanted = a.lock.as_deref().map(point).transpose()?;
    let text = read_slate(&a.file)?;
    let (wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    let unit = *wallet.chain().unit();
    let letter: Answer = wallet.read_message(&text).or_refuse("cannot use this letter")?;
    let known = found(&wallet, &letter.id)?;
    let lock = match &letter.settlement {
        Settlement::Claim { lock, .. } => *lock,
        Settlement::Undo if a.consent.dry_run => None,
        Settlement::Undo => {
            return Err(Failure::refused("cannot release the money")
                .why("the letter is the seller's consent to undo the hold")
                .help("pass it to `sotto wallet hold undo`"));
        }
    };
    if wanted.is_some() && wanted != lock {
        let found =
            lock.map_or_else(|| "the claim has no lock".into(), |p| format!("the claim is locked to {p}"));
        return Err(Failure::refused("the claim has another lock than --lock says").why(found));
    }
    let shown = (&*release_text(known, &letter, &wallet), release_json(known, &letter, wallet.chain()));
    let Some(mut wallet) = consent(command, wallet, shown, a.consent)? else { return Ok(()) };
    let release = wallet.holds().release(&letter).or_refuse_in(&unit, "cannot release the money")?;
    print_letter(command, &wallet, (&letter.id, &release), a.form)
}

fn claim(command: &WalletCommand<'_>, a: &args::HoldClaim) -> Outcome {
    let text = read_slate(&a.file)?;
    let secret = a.secret_file.as_deref().map(secret).transpose()?;
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let (letter, what): (Release, _) =
        (wallet.read_message(&text).or_refuse("cannot use this letter")?, "cannot claim the money");
    let id = letter.id;
    let plain = wallet.holds().receive(&letter, &mut OsRng).or_refuse(what)?;
    let t = match (plain, secret) {
        (Some(t), None) => t,
        (None, Some(t)) => wallet.holds().complete(&id, &t, &mut OsRng).or_refuse(what)?,
        (Some(_), Some(_)) => {
            return Err(Failure::refused(what).why("the claim has no lock").help("omit --secret-file"));
        }
        (None, None) => {
            let fields = json!({ "hold": hex(&id.0) });
            let human = "kept; with the secret of its lock, --secret-file completes the claim";
            return command.context.output.record("hold-locked", fields, human);
        }
    };
    submit(command, &mut chain, (&id, &t))
}

fn lock(command: &WalletCommand<'_>, a: &args::HoldLock) -> Outcome {
    let exists = a.file.try_exists().unwrap_or(true);
    let t = if exists { secret(&a.file)? } else { SecretScalar::random(&mut OsRng) };
    if !exists {
        let text = Zeroizing::new(format!("{}\n", &*Zeroizing::new(hex(&*t.to_bytes()))));
        new_file::write_secret(&a.file, &text)?;
    }
    let point = PublicKey::of(&t).encoded().to_string();
    let fields = json!({ "secret": a.file.display().to_string(), "point": point });
    command.context.output.record("hold-lock", fields, &point)
}

fn undo(command: &WalletCommand<'_>, a: &args::HoldUndo) -> Outcome {
    let is_file = a.what == "-" || Path::new(&a.what).exists();
    let text = is_file.then(|| read_slate(Path::new(&a.what))).transpose()?;
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    if let Some(text) = text {
        let letter: Answer = wallet.read_message(&text).or_refuse("cannot use this letter")?;
        if only_named(command, &wallet, (&letter.id, "Take the money back"), a.consent)? {
            return Ok(());
        }
        let t = wallet.holds().undo(&letter, &mut OsRng).or_refuse("cannot undo the hold")?;
        return submit(command, &mut chain, (&letter.id, &t));
    }
    drop(chain);
    let known = find(&wallet, &a.what)?;
    let (id, side) = (known.offer().id, known.side());
    if side == HoldSide::Payer {
        if only_named(command, &wallet, (&id, "Cancel, free of charge unless it is funded"), a.consent)? {
            return Ok(());
        }
        wallet.holds().cancel(&id).map_err(|e| {
            Failure::refused("cannot cancel the hold").cause(&e).help(
                "once it is funded, pass the seller's consent as a file, or wait for `sotto wallet hold refund`",
            )
        })?;
        let fields = json!({ "hold": hex(&id.0) });
        return command.context.output.record("hold-cancelled", fields, "cancelled; nothing was paid");
    }
    let text = format!("Return the money of the hold to its payer. {}", offer_text(known.offer(), &wallet));
    let shown = (&*text, offer_json(known.offer(), wallet.chain()));
    let Some(mut wallet) = consent(command, wallet, shown, a.consent)? else { return Ok(()) };
    let answer = wallet.holds().consent(&id, &mut OsRng).or_refuse("cannot undo the hold")?;
    print_letter(command, &wallet, (&id, &answer), a.form)
}

fn refund(command: &WalletCommand<'_>, a: &args::HoldRefund) -> Outcome {
    let (mut wallet, mut chain, _) = command.open_fresh()?;
    let known = find(&wallet, &a.hold)?;
    let id = known.offer().id;
    if a.dry_run {
        let fields = offer_json(known.offer(), wallet.chain());
        return command.context.output.record("hold-plan", fields, &funding_text(known, &wallet));
    }
    let t = wallet.holds().refund(&id, &mut OsRng).or_refuse("cannot take the money back")?;
    submit(command, &mut chain, (&id, &t))
}

/// Submits the refunds whose windows are open. One that fails is tried again at the next scan.
pub(super) fn take_back(command: &WalletCommand<'_>, wallet: &mut Wallet<WalletFile>) {
    for id in wallet.holds().due() {
        let refund = wallet.holds().refund(&id, &mut OsRng).or_refuse("cannot take the money back");
        let done = refund.and_then(|t| command.chain()?.submit(t.get().clone()));
        let hold = hex(&id.0);
        match done {
            Ok(_) => command
                .context
                .ui
                .info(&format!("The money of hold {hold} returns: its refund was submitted.")),
            Err(e) => command.context.ui.detail(&format!("hold {hold}: {}", e.what)),
        }
    }
}

fn show(command: &WalletCommand<'_>, a: &args::HoldStatus) -> Outcome {
    let (mut wallet, chain, _) = command.open_fresh()?;
    let chosen =
        a.hold.as_deref().map(|hold| Ok::<_, Failure>(find(&wallet, hold)?.offer().id)).transpose()?;
    let shown = |h: &&HoldRecord| chosen.is_none_or(|id| id == h.offer().id);
    let all: Vec<HoldRecord> = wallet.held().filter(shown).cloned().collect();
    if all.is_empty() {
        command.context.ui.info("No holds.");
    }
    for record in all {
        let secret = revealed(&mut wallet, &chain, &record)?;
        let (fields, human) = status(&record, &wallet, secret.as_deref());
        command.context.output.record("hold", fields, &human)?;
    }
    Ok(())
}

/// The secret that a locked claim has revealed to its payer.
fn revealed(
    wallet: &mut Wallet<WalletFile>,
    chain: &ChainAt,
    record: &HoldRecord,
) -> Outcome<Option<String>> {
    let Some(excess) = record.claim_excess().filter(|_| record.side() == HoldSide::Payer) else {
        return Ok(None);
    };
    let Some(found) = chain.inclusion(&excess)? else { return Ok(None) };
    let secret = wallet.holds().extract(&record.offer().id, &found.kernel);
    Ok(secret.ok().map(|t| hex(&*t.to_bytes())))
}

/// Submits a transaction of a hold.
fn submit(
    command: &WalletCommand<'_>,
    chain: &mut ChainAt,
    (id, t): (&SessionId, &Verified<Transaction>),
) -> Outcome {
    let done = chain.submit(t.get().clone()).map_err(|refused| {
        Failure { what: "the transaction is signed, but the ledger does not accept it now".into(), ..refused }
            .help("give the same command again; it makes the same transaction")
    })?;
    let (weight, fee) = (t.get().body.weight(), t.get().body.fees().unwrap_or_default());
    let fields = json!({
        "hold": hex(&id.0), "id": done.to_string(), "weight": weight, "fee": fee.to_string(),
    });
    let human = format!("pending {done}  weight {weight}, fee {}", chain.chain().unit().show(fee));
    command.context.output.record("submitted", fields, &human)
}

/// Prints a letter for the other side of a hold.
fn print_letter<T: Encryptable>(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    (id, letter): (&SessionId, &T),
    form: args::SlateForm,
) -> Outcome {
    let record = found(wallet, id)?;
    let (to, who) = match record.side() {
        HoldSide::Payer => (record.offer().seller, "seller"),
        HoldSide::Seller => (record.offer().payer, "payer"),
    };
    let text = wallet.write_message(record.account(), Some(&to), letter, privacy(form));
    let text = text.or_refuse("cannot write the letter")?;
    command.context.ui.info(&format!("Give this letter to the {who}. {}", who_reads(form)));
    command.draw(&text.replace('\n', ""), form.qr)?;
    let kind = T::KIND.to_string().to_lowercase().replace(' ', "-");
    let fields = json!({
        "network": wallet.chain().params().network.to_string(), "hold": hex(&id.0), "with": to.to_string(),
        "encrypted": !form.plain, "text": text,
    });
    command.context.output.record(&kind, fields, &text)
}

/// Whether a text is of one of these kinds.
fn is(text: &str, kinds: [MessageKind; 2]) -> Outcome<bool> {
    Ok(kinds.contains(&armor::kind(text).or_refuse("not a letter of a hold")?))
}

fn found<'a>(wallet: &'a Wallet<WalletFile>, id: &SessionId) -> Outcome<&'a HoldRecord> {
    wallet.held().find(|h| h.offer().id == *id).ok_or_else(|| none(&hex(&id.0)))
}

fn none(hold: &str) -> Failure {
    Failure::coded(ErrorCode::NoSession, format!("no hold `{hold}`"))
        .help("`sotto wallet hold status` lists the holds of this wallet")
}

/// The hold whose id starts with a prefix.
pub(super) fn find<'a>(wallet: &'a Wallet<WalletFile>, prefix: &str) -> Outcome<&'a HoldRecord> {
    let prefix = prefix.trim().to_ascii_lowercase();
    let mut all = wallet.held().filter(|h| hex(&h.offer().id.0).starts_with(&prefix));
    match (all.next(), all.next()) {
        (Some(hold), None) if !prefix.is_empty() => Ok(hold),
        (None, _) => Err(none(&prefix)),
        _ => Err(Failure::refused(format!("more than one hold starts with `{prefix}`"))
            .help("write more digits of it")),
    }
}

fn point(text: &str) -> Outcome<Point> {
    hex_bytes(text)
        .and_then(|b| Point::from_bytes(b.try_into().ok()?))
        .filter(|p| !p.is_identity())
        .ok_or_else(|| {
            Failure::new(Code::Usage, format!("invalid point `{text}`"))
                .help("a point is 64 hexadecimal digits, as the other side gives it to you")
        })
}

fn secret(path: &Path) -> Outcome<SecretScalar> {
    let text = Zeroizing::new(read_text(path, 200)?);
    let bytes = hex_bytes(text.trim()).map(Zeroizing::new);
    let bytes = bytes.and_then(|b| Some(Zeroizing::new(<[u8; 32]>::try_from(b.as_slice()).ok()?)));
    bytes.and_then(|b| SecretScalar::from_bytes(*b)).ok_or_else(|| {
        Failure::refused("invalid secret").why("the file does not have 64 hexadecimal digits of a scalar")
    })
}
