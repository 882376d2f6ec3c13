//! `sotto keys repair`.

use super::super::mpc::job::read_identity;
use super::files::{ShareFile, may_write_share, read_group, read_letters, share_path, write_share};
use super::session::{Session, ShareOrigin, fresh, session_of, shown};
use crate::{
    Context,
    args::KeysRepair,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    secret,
};
use serde_json::json;
use sotto_keys::{
    Group, Progress, Shares, Step,
    repair::{self, AuthoriseError, Repaired},
};

pub(super) fn run(context: &Context, a: &KeysRepair) -> Outcome {
    let (group, identity) = (read_group(&a.member.group)?, read_identity(&a.member.key)?);
    let letters = read_letters(&a.letter)?;
    let id = session_of(&letters)?;
    let draft = group.draft();
    let mut session = Session::open(context, (draft, &identity), id.unwrap_or_else(fresh), letters)?;
    if session.is_over() {
        return session.print(&Progress::Done(()), (json!(null), "complete".to_owned()));
    }
    if id.is_none() {
        let share = share_path(&a.member.group, a.member.share.as_ref());
        if !may_write_share(&share, group.epoch())? {
            return Err(Failure::coded(ErrorCode::FileExists, format!("{} is there", shown(&share)))
                .why("it is a share of this epoch, so nothing has to be repaired")
                .help("`sotto keys check` explains; move a damaged file away"));
        }
        session.act(|me, log, _| repair::ask(me, group.epoch(), log))?;
    }
    let lost = repair::asked(group.epoch(), &session.log).map_err(|fault| session.failed(&fault))?;
    let lost = lost.ok_or_else(|| {
        Failure::refused("the letter that asks is missing").help("pass all letters of the session")
    })?;
    if lost == session.index { ours(a, &group, session) } else { help(a, &group, session) }
}

/// This member's own share.
fn ours(a: &KeysRepair, group: &Group, mut session: Session<'_>) -> Outcome {
    let progress = session.act(|me, log, _| repair::advance(&me.holding(group.epoch(), None), log))?;
    let Progress::Done(Repaired::Share(share)) = &progress else {
        let fingerprint = session.identity.public().fingerprint();
        session.context.ui.info(&format!("tell the helpers your fingerprint by telephone: {fingerprint}"));
        return session.print(&progress, (json!(null), String::new()));
    };
    session.begin_seal_record(group.epoch(), ShareOrigin::Repaired)?;
    write_share(&a.member, &Shares::new(share.clone()))?;
    session.end()?;
    let path = shown(&share_path(&a.member.group, a.member.share.as_ref()));
    let spoken = format!(
        "your share is back, and fits the group's keys: {path}\nIf the old one may be in somebody's hands, propose a refresh."
    );
    session.print(&progress, (json!({ "share_file": path }), spoken))
}

/// Another member's share.
fn help(a: &KeysRepair, group: &Group, mut session: Session<'_>) -> Outcome {
    let file = ShareFile::open(&a.member)?;
    file.check(group.epoch())?;
    let share = file.shares.of(group.epoch()).or_refuse("cannot use the share")?;
    let index = session.index;
    let step_is = |step| move |l: &&sotto_keys::Letter| (l.heading().from, l.heading().step) == (index, step);
    if !session.log.letters().any(|letter| step_is(Step::Authorised)(&letter)) {
        let typed = match &a.fingerprint {
            Some(typed) => typed.clone(),
            None => secret::ask(
                "A member asks for its share. The fingerprint of its key, as that person tells you: ",
                "--fingerprint DIGITS",
            )?
            .to_string(),
        };
        let authorised = session.act(|me, log, _| {
            match repair::authorise(&me.holding(group.epoch(), Some(share)), log, &typed) {
                Err(AuthoriseError::Fault(fault)) => Err(fault),
                other => Ok(other),
            }
        })?;
        authorised.map_err(|e| {
            Failure::refused("nothing was sent").why(e).help(
                "ask the person again by another way; somebody else may be asking for the share in its name",
            )
        })?;
    }
    let progress = session.act(|me, log, _| repair::advance(&me.holding(group.epoch(), Some(share)), log))?;
    if let Progress::Done(_) = progress {
        session.end()?;
    }
    let spoken = "complete for you: the member that asked needs your letter".to_owned();
    session.print(&progress, (json!(null), spoken))
}
