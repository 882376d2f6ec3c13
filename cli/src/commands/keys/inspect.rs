//! `sotto keys show`, `check` and `export`: they change nothing.

use super::files::{read_armor, read_group, read_header, unusable};
use super::session::shown;
use super::vault::show_piece;
use crate::{
    Context,
    args::{KeysCheck, KeysExport, KeysShow},
    bridge::now,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    local_time::{age, local_time},
};
use serde_json::{Value, json};
use sotto_keys::{
    Draft, Evidence, Group, Index, Letter,
    armor::Kind,
    share_file::{self, ShareFileError},
};
use sotto_party::hex::to_hex;
use std::path::Path;

/// A member that has had no drill for so long is named.
const DRILL_EVERY: u64 = 90 * 86_400;

/// A draft in words.
pub(super) fn describe(draft: &Draft) -> String {
    let (t, n) = (draft.threshold(), draft.members().len());
    let mut text = format!(
        "group    {}\npurpose  {}, {t} of {n} members act together\nchain    {}\n",
        draft.id(),
        draft.purpose(),
        draft.chain().map_or_else(|| "one that is made with the key".to_owned(), |chain| to_hex(chain))
    );
    if let Some(before) = draft.before() {
        text += &format!("after    {before}\n");
    }
    for (i, key) in draft.indexes().zip(draft.members()) {
        text += &format!("member {i:>2}  {}\n", key.fingerprint());
    }
    text + "Compare group id and fingerprints with the other members. The protocols have not been audited."
}

fn draft_fields(draft: &Draft) -> Value {
    let members: Vec<String> = draft.members().iter().map(sotto_party::PublicKey::fingerprint).collect();
    json!({ "group": draft.id().to_string(), "purpose": draft.purpose().name(), "chain": draft.chain().map(|chain| to_hex(chain)),
        "threshold": draft.threshold(), "members": members, "after": draft.before().map(|id| id.to_string()) })
}

pub(super) fn show(context: &Context, a: &KeysShow) -> Outcome {
    for (kind, bytes) in read_armor(&a.file)? {
        let invalid = || format!("{} holds something malformed", shown(&a.file));
        match kind {
            Kind::Draft => {
                let draft = Draft::from_bytes(&bytes).or_refuse(invalid())?;
                context.output.record("keys-draft", draft_fields(&draft), &describe(&draft))?;
            }
            Kind::Group => show_group(context, &Group::from_bytes(&bytes).or_refuse(invalid())?)?,
            Kind::Letter => show_letter(context, &Letter::from_bytes(&bytes).or_refuse(invalid())?)?,
            Kind::Evidence => show_evidence(context, &Evidence::from_bytes(&bytes).or_refuse(invalid())?)?,
            kind => show_piece(context, &a.file, (kind, &bytes))?,
        }
    }
    Ok(())
}

fn show_group(context: &Context, group: &Group) -> Outcome {
    let (epoch, draft, now) = (group.epoch(), group.draft(), now());
    let key = epoch.public_key(0).map(|key| to_hex(&key)).unwrap_or_default();
    let mut text = format!("{}\nepoch    {}\nkey      {key}\n", describe(draft), epoch.number());
    if epoch.key_count() > 1 {
        text += &format!("keys     {} (`sotto keys export --number`)\n", epoch.key_count());
    }
    let mut drills = Vec::new();
    for i in draft.indexes() {
        let last = group.last_drill(i);
        let said = match last {
            Some(time) => format!("{}, {} ago", local_time(time), age(now.saturating_sub(time))),
            None => "never, since the key was made".to_owned(),
        };
        text += &format!("drill {i:>2} {said}\n");
        drills.push(last);
    }
    if group_overdue(group, now) {
        context.ui.warn("some members have had no drill for 90 days: run `sotto keys drill`");
    }
    let mut fields = draft_fields(draft);
    fields["epoch"] = json!(epoch.number());
    fields["key"] = json!(key);
    fields["keys"] = json!(epoch.key_count());
    fields["drills"] = json!(drills);
    context.output.record("keys-group", fields, &text)
}

fn group_overdue(group: &Group, now: u64) -> bool {
    let old = |i: Index| group.last_drill(i).is_none_or(|time| now.saturating_sub(time) > DRILL_EVERY);
    group.draft().indexes().any(old)
}

fn show_letter(context: &Context, letter: &Letter) -> Outcome {
    let heading = letter.heading();
    let fields = json!({ "group": heading.group.to_string(), "session": heading.session.to_string(),
        "step": heading.step.name(), "from": heading.from.get(), "letter": letter.name().to_string() });
    let human = format!(
        "letter   {}\ngroup    {}\nsession  {}\nstep     {}\nfrom     member {} (the signature was not checked: that takes the group)",
        letter.name(),
        heading.group,
        heading.session,
        heading.step,
        heading.from
    );
    context.output.record("keys-letter", fields, &human)
}

fn show_evidence(context: &Context, evidence: &Evidence) -> Outcome {
    let human = format!(
        "evidence that member {} sent two different letters at one step, if the group's members signed them",
        evidence.member()
    );
    context.output.record("keys-evidence", json!({ "member": evidence.member().get() }), &human)
}

pub(super) fn check(context: &Context, a: &KeysCheck) -> Outcome {
    let group = read_group(&a.group)?;
    let mut bad = Vec::new();
    for path in &a.file {
        let state = check_one(a, &group, path)?;
        let fields = json!({ "file": shown(path), "state": state.0, "why": state.1 });
        context.output.record("keys-share", fields, &format!("{}: {}", shown(path), state.1))?;
        if state.0 != "current" {
            bad.push(shown(path));
        }
    }
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Code::Refused, format!("not current: {}", bad.join(", ")))
        .help("erase shares of earlier epochs, backups too: a refresh protects only if all who stay do"))
}

/// A word for programs, and a sentence.
fn check_one(a: &KeysCheck, group: &Group, path: &Path) -> Outcome<(&'static str, String)> {
    let (header, bytes) = read_header(path)?;
    let epoch = group.epoch();
    if header.group != epoch.group() {
        let before = epoch.draft().before() == Some(header.group);
        let why = if before {
            "a share of the group before the change of members"
        } else {
            "a share of another group"
        };
        return Ok((if before { "old" } else { "other" }, why.to_owned()));
    }
    let (share, now) = (header.epoch, epoch.number());
    let (index, next) = (header.index, header.next);
    if share > now || next.is_some_and(|next| next > now) {
        return Ok((
            "unfinished",
            format!(
                "member {index}, epoch {share}: a refresh of it has not ended, or the group file is older; it is at epoch {now}"
            ),
        ));
    }
    if share < now && next != Some(now) {
        return Ok(("old", format!("member {index}, epoch {share}: replaced by epoch {now}; erase it")));
    }
    if !a.open {
        return Ok(("current", format!("member {index}, epoch {now}: current")));
    }
    let right =
        |pass: &str| share_file::decrypt(&bytes, pass.as_bytes()).err() != Some(ShareFileError::Passphrase);
    let passphrase = a.passphrase.existing(&shown(path), right)?;
    let shares = share_file::decrypt(&bytes, passphrase.as_bytes());
    let shares = shares.map_err(|e| {
        let code =
            if e == ShareFileError::Passphrase { ErrorCode::WrongPassphrase } else { ErrorCode::Refused };
        Failure::coded(code, format!("cannot open {}", shown(path))).why(e)
    })?;
    shares.of(epoch).map_err(|e| unusable(path, &e))?;
    Ok(("current", format!("member {index}, epoch {now}: current, and fits the group's keys")))
}

pub(super) fn export(context: &Context, a: &KeysExport) -> Outcome {
    let group = read_group(&a.group)?;
    let key = group.epoch().public_key(a.number.into()).ok_or_else(|| {
        Failure::refused(format!("the group has no key {}", a.number))
            .why(format!("it has {}", group.epoch().key_count()))
    })?;
    let key = to_hex(&key);
    context.output.record("keys-public", json!({ "number": a.number, "key": key }), &key)
}
