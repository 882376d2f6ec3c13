//! `sotto keys enrol`.

use super::super::mpc::job::read_identity;
use super::files::{ShareFile, read_draft, read_group, read_letters, replace_group, share_path};
use super::inspect::describe;
use super::session::Session;
use crate::{
    Context,
    args::KeysEnrol,
    exit::{OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_keys::{Group, Progress, succession};

pub(super) fn run(context: &Context, a: &KeysEnrol) -> Outcome {
    let (draft, identity) = (read_draft(&a.draft)?, read_identity(&a.member.key)?);
    let group = read_group(&a.member.group)?;
    let mut session =
        Session::open(context, (&draft, &identity), succession::session(&draft), read_letters(&a.letter)?)?;
    let spoken = "complete: the group has its new member\nIt asks for its share with `sotto keys repair`; then refresh.".to_owned();
    if session.is_over() {
        return session.print(&Progress::Done(()), (json!(null), spoken));
    }
    if group.epoch().group() == draft.id() {
        // A crash came between the group's file and the share's.
        let share = share_path(&a.member.group, a.member.share.as_ref());
        let file = share.try_exists().unwrap_or(true).then(|| ShareFile::open(&a.member)).transpose()?;
        finish(&mut session, file.as_ref(), &group)?;
        return session.print(&Progress::Done(()), (json!(null), spoken));
    }
    let changed = draft.changes(group.draft()).or_refuse("cannot sign this draft")?;
    // The new member has no share; every other one keeps its own.
    let file = (changed != session.index).then(|| ShareFile::open(&a.member)).transpose()?;
    file.iter().try_for_each(|file| file.check(group.epoch()))?;
    if session.log.latest(session.index).is_none() {
        let plan = format!(
            "{}\nIt succeeds the group {}; its new member is {changed}. The key stays.",
            describe(&draft),
            group.epoch().group()
        );
        context.ui.confirm(&plan, a.yes)?;
    }
    let progress = session.act(|me, log, _| succession::advance(me, &group, log))?;
    let Progress::Done(next) = &progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    // Both shares are in the file until the group's says which counts.
    let both = |file: ShareFile| {
        let share = file.shares.succeed(group.epoch(), next.epoch());
        file.with(&share.or_refuse("cannot keep the share")?)
    };
    let file = file.map(both).transpose()?;
    replace_group(&a.member.group, next)?;
    finish(&mut session, file.as_ref(), next)?;
    session.print(&progress, (json!(null), spoken))
}

/// Keeps the share of the new group alone; the new member has none yet.
fn finish(session: &mut Session<'_>, file: Option<&ShareFile>, group: &Group) -> Outcome {
    if let Some(file) = file {
        file.replace(&file.shares.commit(group.epoch()).or_refuse("cannot keep the share")?)?;
    }
    session.end()
}
