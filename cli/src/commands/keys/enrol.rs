//! `sotto keys enrol`.

use super::super::mpc::job::read_identity;
use super::files::{ShareFile, read_draft, read_group, read_letters, replace_group, share_path};
use super::inspect::describe;
use super::session::Session;
use crate::{
    Context,
    args::KeysEnrol,
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_keys::{Progress, succession};

pub(super) fn run(context: &Context, a: &KeysEnrol) -> Outcome {
    let (draft, identity) = (read_draft(&a.draft)?, read_identity(&a.member.key)?);
    let group = read_group(&a.member.group)?;
    let mut session =
        Session::open(context, (&draft, &identity), succession::session(&draft), read_letters(&a.letter)?)?;
    let spoken = "complete: the group has its new member\nIt asks for its share with `sotto keys repair`; then refresh.".to_owned();
    if session.is_over() {
        return session.print(&Progress::Done(()), (json!(null), spoken));
    }
    let changed = if group.epoch().group() == draft.id() {
        None
    } else {
        Some(draft.changes(group.draft()).or_refuse("cannot sign this draft")?)
    };
    // The new member has no share; every other one keeps its own.
    let file = match changed {
        Some(changed) if changed != session.index => {
            let file = ShareFile::open(&a.member)?;
            file.check(group.epoch())?;
            Some(file)
        }
        _ => None,
    };
    if session.log.latest(session.index).is_none() {
        let changed = changed.ok_or_else(|| Failure::refused("the group has this draft already"))?;
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
    if let Some(file) = file {
        let shares = file.shares.succeed(group.epoch(), next.epoch());
        file.replace(&shares.or_refuse("cannot keep the share")?)?;
    }
    replace_group(&a.member.group, next)?;
    session.end()?;
    let share = share_path(&a.member.group, a.member.share.as_ref()).display().to_string();
    session.print(&progress, (json!({ "share_file": share }), spoken))
}
