//! `sotto keys refresh`.
//!
//! ```text
//! share file: old ─▶ old and new (before `prepared` leaves) ─▶ group file: new epoch ─▶ share file: new
//! ```

use super::super::mpc::job::read_identity;
use super::files::{ShareFile, read_group, read_letters, replace_group};
use super::session::{Session, fresh, session_of};
use crate::{
    Context,
    args::KeysRefresh,
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_keys::{Group, Index, Progress, refresh};

pub(super) fn run(context: &Context, a: &KeysRefresh) -> Outcome {
    let (group, identity) = (read_group(&a.member.group)?, read_identity(&a.member.key)?);
    let letters = read_letters(&a.letter)?;
    let id = session_of(&letters)?;
    let draft = group.draft();
    let mut session = Session::open(context, (draft, &identity), id.unwrap_or_else(fresh), letters)?;
    let spoken = |group: &Group| {
        format!(
            "complete: the group is at epoch {}, and your old share is erased\nErase old copies, too (`sotto keys check` names them), make a new backup, and hold a drill.",
            group.epoch().number()
        )
    };
    if session.is_over() {
        return session.print(&Progress::Done(()), (json!(null), spoken(&group)));
    }
    let file = ShareFile::open(&a.member)?;
    file.check(group.epoch())?;
    if id == Some(group.epoch().session()) {
        // A crash came between the group's file and the share's.
        finish(&mut session, &file, &group)?;
        return session.print(&Progress::Done(()), (json!(null), spoken(&group)));
    }
    let share = file.shares.of(group.epoch()).or_refuse("cannot use the share")?.clone();
    if id.is_none() {
        let stay = stay(a, &group)?;
        session.act(|me, log, _| refresh::propose(me, group.epoch(), log, &stay))?;
    }
    agree(context, a, (&group, &session))?;
    let progress =
        session.act(|me, log, _| refresh::prepare(&me.holding(group.epoch(), Some(&share)), log))?;
    let Progress::Done(prepared) = progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    // The new share is on the disk before anybody hears that it is.
    let file = file.with(prepared.share())?;
    let progress = session.act(|me, log, _| refresh::confirm(me, &prepared, log))?;
    let Progress::Done(next) = &progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    replace_group(&a.member.group, next)?;
    finish(&mut session, &file, next)?;
    let result = json!({ "epoch": next.epoch().number() });
    session.print(&progress, (result, spoken(next)))
}

/// Erases the old share, and every seed from which it might follow.
fn finish(session: &mut Session<'_>, file: &ShareFile, group: &Group) -> Outcome {
    let shares = file.shares.commit(group.epoch()).or_refuse("cannot use the share")?;
    file.replace(&shares)?;
    session.end()?;
    session.installation.forget(group.epoch().group()).or_refuse("cannot erase the seeds of old sessions")
}

fn stay(a: &KeysRefresh, group: &Group) -> Outcome<Vec<Index>> {
    if a.stay.is_empty() {
        return Ok(group.draft().indexes().collect());
    }
    let known = |number: &u8| {
        let index = Index::new(*number).filter(|index| group.draft().key(*index).is_some());
        index.ok_or_else(|| Failure::refused(format!("the group has no member {number}")))
    };
    a.stay.iter().map(known).collect()
}

/// Asks once, before the first letter of this member.
fn agree(context: &Context, a: &KeysRefresh, (group, session): (&Group, &Session<'_>)) -> Outcome {
    let proposed = refresh::proposed(group.epoch(), &session.log).map_err(|fault| session.failed(&fault))?;
    let (by, stay) = proposed.ok_or_else(|| {
        Failure::refused("the letter that proposes the refresh is missing")
            .help("pass all letters of the session")
    })?;
    let begun = session.log.letters().any(|letter| {
        letter.heading().from == session.index && letter.heading().step == sotto_keys::Step::Renewals
    });
    if begun {
        return Ok(());
    }
    let left: Vec<String> =
        group.draft().indexes().filter(|i| !stay.contains(i)).map(|i| i.to_string()).collect();
    let left = match left.is_empty() {
        true => "All members stay.".to_owned(),
        false => format!("Left out, with no share until repaired: member {}.", left.join(", ")),
    };
    let plan = format!(
        "Member {by} proposes new shares of the same key, for epoch {}.\n{left}\nOld shares are erased when all who stay have confirmed; that cannot be undone.",
        group.epoch().number() + 1
    );
    context.ui.confirm(&plan, a.yes)
}
