//! `sotto audit answer`, `open` and `log`: what a member of the auditors' group does.

use super::letters::{OnRecord, chain, chain_and_charter, describe, opened, print, printable};
use crate::{
    Context,
    args::{AuditList, AuditOpen, AuditReply},
    bridge::now,
    commands::{
        chain::auditors::read_auditors,
        keys::{ShareFile, installation},
        mpc::job::read_identity,
    },
    exit::{Failure, OrRefuse as _, Outcome},
    local_time::local_time,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_keys::{Hash as KeysHash, edge::installation::Installation, reading::ReadingMember};
use sotto_mw::chain::Chain;
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
}

fn name(chain: &Chain) -> KeysHash {
    KeysHash::from_bytes(*chain.id().as_bytes())
}

pub(super) fn answer(context: &Context, a: &AuditReply) -> Outcome {
    let (at, charter, letter, _) = opened(context, &a.letters)?;
    let group = read_auditors(&a.member.group)?;
    let kept = Kept::open(context, at.chain(), &a.member.key)?;
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
    let identity = read_identity(&a.member.key)?;
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

pub(super) fn open(context: &Context, a: &AuditOpen) -> Outcome {
    let (at, charter) = chain_and_charter(context, &a.chain)?;
    read_auditors(&a.keys.group)?;
    let kept = Kept::open(context, at.chain(), &a.keys.key)?;
    let mut waiting = 0;
    for entry in kept.log.entries() {
        let record = OnRecord::look(&at, &charter, entry.letter.clone())?;
        if record.facts().is_open().is_ok() {
            print(context, &record.chain, &charter, &record.letter)?;
        } else {
            waiting += 1;
        }
    }
    if waiting > 0 {
        context.ui.info(&format!("{waiting} more requests wait for the charter's delay"));
    }
    Ok(())
}

pub(super) fn log(context: &Context, a: &AuditList) -> Outcome {
    let at = chain(context, &a.node)?;
    read_auditors(&a.keys.group)?;
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
