//! `sotto audit answer`, `open` and `log`: what a member of the auditors' group does.

use super::letters::{
    Letters, OnRecord, chain, chain_and_charter, describe, group_of, opened, print, printable, texts,
};
use crate::{
    Context,
    args::{AuditList, AuditOpen, AuditReply},
    bridge::{ChainAt, now},
    commands::{
        keys::{ShareFile, installation},
        mpc::job::read_identity,
    },
    exit::{Code, Failure, OrRefuse as _, Outcome},
    local_time::local_time,
    ui::BAD,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_audit::{Charter, OpenedRequest, RequestFault, RequestLetter};
use sotto_keys::{Group, Hash as KeysHash, edge::installation::Installation, reading::ReadingMember};
use sotto_mw::chain::Chain;
use sotto_party::Identity;
use sotto_wallet::{
    armor,
    audit::{AuditAnswer, AuditLog, MAX_LOG},
};
use std::path::Path;

/// The log of a member, and where it is.
struct Kept {
    installation: Installation,
    log: AuditLog,
}

impl Kept {
    fn open(context: &Context, chain: &Chain, key: &Path) -> Outcome<Self> {
        let (installation, what) =
            (installation(context, &read_identity(key)?)?, "cannot read the log of answers");
        let bytes = installation.audit_log(&name(chain), MAX_LOG).or_refuse(what)?;
        let log = bytes.map(|bytes| AuditLog::from_bytes(&bytes)).transpose().or_refuse(what)?;
        let log = log.unwrap_or_else(|| AuditLog::new(*chain.id()));
        if log.chain() != chain.id() {
            return Err(Failure::refused(what).why("it is another chain's"));
        }
        Ok(Self { installation, log })
    }

    /// Refuses a log that lacks answers of this member which readers have on record.
    fn check_age(&self, at: &ChainAt, charter: &Charter, group: &Group, identity: &Identity) -> Outcome {
        let Some(member) = group.draft().index_of(&identity.public()) else { return Ok(()) };
        let letters: Vec<RequestLetter> =
            at.opened_requests()?.into_iter().map(|opened| opened.letter).collect();
        let missing = self.log.unlogged(at.chain(), charter, &letters, member);
        let Some(first) = missing.first() else { return Ok(()) };
        Err(Failure::refused("the log of answers is older than what is on record")
            .why(format!(
                "readers have {} answers of member {member} on record that it does not have, the first one to request {}",
                missing.len(),
                first.request
            ))
            .help("put the newest copy of the log back; if it is lost, --accept-older-log answers without those counting"))
    }
}

fn name(chain: &Chain) -> KeysHash {
    KeysHash::from_bytes(*chain.id().as_bytes())
}

pub(super) fn answer(context: &Context, a: &AuditReply) -> Outcome {
    let (at, charter, letter, _) = opened(context, &a.letters)?;
    let group = group_of(&a.member.group, at.chain())?;
    let kept = Kept::open(context, at.chain(), &a.member.key)?;
    let identity = read_identity(&a.member.key)?;
    if !a.accept_older_log {
        kept.check_age(&at, &charter, &group, &identity)?;
    }
    let record = OnRecord::look(&at, &charter, letter)?;
    drop(at);
    if let Some(entry) = kept.log.answer_to(&record.name()) {
        context.ui.info("this member answered before; this is its answer again");
        return show(context, &record, &AuditAnswer(entry.answer.clone()));
    }
    let what = "this member does not answer the request";
    let admitted = record.facts().admit(&kept.log, now()).or_refuse(what)?;
    let file = ShareFile::open(&a.member)?;
    file.check(group.epoch())?;
    let share = file.shares.of(group.epoch()).or_refuse("cannot use the share")?;
    let plan = describe(&record.chain, &record.charter, &record.letter);
    let (used, most) = (kept.log.in_a_month(now()), charter.terms().requests);
    context.ui.confirm(
        &format!(
            "Open these amounts to the reader\n{plan}\nWith {} such answers the reader has them. This cannot be undone.\nIt is answer {} of {most} in thirty days. Unaudited.",
            group.draft().threshold(),
            used + 1,
        ),
        a.yes,
    )?;
    let member = ReadingMember { identity: &identity, share };
    let answered = admitted.answer(group.epoch(), member, &mut OsRng).or_refuse(what)?;
    let log = answered.log.to_bytes();
    kept.installation
        .keep_audit_log(&name(&record.chain), &log)
        .or_refuse("cannot keep the log of answers")?;
    show(context, &record, &answered.answer)
}

fn show(context: &Context, record: &OnRecord, answer: &AuditAnswer) -> Outcome {
    let text = armor::to_text(record.chain.id(), answer);
    let fields = json!({
        "request": record.name().to_string(), "member": answer.0.from().get(), "text": text.clone(),
    });
    context.output.record("audit-answer", fields, &text)
}

/// What became of one entry of the log.
enum Opened {
    /// It is public.
    Out(Box<RequestLetter>),
    /// The charter's delay is not over.
    Waits,
}

pub(super) fn open(context: &Context, a: &AuditOpen) -> Outcome {
    let texts = texts(&a.letter)?;
    let (mut at, charter) = chain_and_charter(context, &a.chain)?;
    group_of(&a.keys.group, at.chain())?;
    let kept = Kept::open(context, at.chain(), &a.keys.key)?;
    let copies = Letters::read(at.chain(), &texts)?.requests;
    let (mut waiting, mut left) = (0, 0);
    for entry in kept.log.entries() {
        let copy = copies.iter().find(|copy| copy.request() == entry.letter.request());
        let more = copy.and_then(|copy| entry.letter.clone().merged(copy.clone(), at.chain().id()));
        let letter = more.unwrap_or_else(|| entry.letter.clone());
        let name = letter.request().name(at.chain().id());
        match hand_out(&mut at, &charter, letter) {
            Ok(Opened::Out(letter)) => print(context, at.chain(), &charter, &letter)?,
            Ok(Opened::Waits) => waiting += 1,
            // Whatever is wrong with one says nothing of the others; without the node none can be looked up.
            Err(f) if f.code == Code::Refused => {
                let why = f.why.map_or_else(String::new, |why| format!(": {why}"));
                context.ui.info(&format!("{BAD}warning:{BAD:#} request {name} is left: {}{why}", f.what));
                left += 1;
            }
            Err(f) => return Err(f),
        }
    }
    if waiting > 0 {
        context.ui.info(&format!("{waiting} more requests wait for the charter's delay"));
    }
    if left > 0 {
        return Err(Failure::refused(format!("{left} requests were not handed out"))
            .why("each is named above with its reason; the others are out")
            .help("`sotto audit log` lists what was answered"));
    }
    Ok(())
}

/// Gives a request to the node, or to the chain in this folder, if its delay is over.
fn hand_out(at: &mut ChainAt, charter: &Charter, letter: RequestLetter) -> Outcome<Opened> {
    // Only what is on record too.
    let letter = if letter.recorded().is_some() { letter } else { letter.without_record() };
    let record = OnRecord::find(at, charter, letter)?;
    match record.facts().is_open() {
        Err(RequestFault::TooEarly { .. }) => return Ok(Opened::Waits),
        open => open.or_refuse("the request is refused")?,
    };
    let letter = record.letter;
    at.open_request(OpenedRequest { charter: charter.clone(), letter: letter.clone() })?;
    Ok(Opened::Out(Box::new(letter)))
}

pub(super) fn log(context: &Context, a: &AuditList) -> Outcome {
    let at = chain(context, &a.node)?;
    group_of(&a.keys.group, at.chain())?;
    let kept = Kept::open(context, at.chain(), &a.keys.key)?;
    if kept.log.entries().is_empty() {
        context.ui.info("No request was answered here.");
    }
    for entry in kept.log.entries() {
        let request = entry.letter.request();
        let fields = json!({
            "time": entry.time, "request": request.name(at.chain().id()).to_string(), "case": request.case().to_string(),
            "reason": request.reason(), "reader": request.reader().fingerprint(), "outputs": request.outputs().len(),
            "member": entry.answer.from().get(), "link": entry.link().to_string(),
        });
        let human = format!(
            "{}  {} outputs to {}: {}\n  request {}\n  link    {}",
            local_time(entry.time),
            request.outputs().len(),
            request.reader().fingerprint(),
            printable(request.reason()),
            request.name(at.chain().id()),
            entry.link(),
        );
        context.output.record("audit-log", fields, &human)?;
    }
    Ok(())
}
