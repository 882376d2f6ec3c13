//! `sotto keys dkg`.

use super::super::mpc::job::read_identity;
use super::files::{
    group_text, may_write_share, read_draft, read_group, read_letters, share_path, write_share,
};
use super::inspect::describe;
use super::session::{Session, ShareOrigin, shown};
use crate::{
    Context,
    args::KeysDkg,
    exit::{Failure, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use serde_json::json;
use sotto_keys::{Progress, Shares, dkg};

pub(super) fn run(context: &Context, a: &KeysDkg) -> Outcome {
    let (draft, identity) = (read_draft(&a.draft)?, read_identity(&a.member.key)?);
    if draft.before().is_some() {
        return Err(Failure::refused("this draft is that of a group that exists already")
            .help("sign it with `sotto keys enrol`"));
    }
    let letters = read_letters(&a.letter)?;
    let mut session = Session::open(context, (&draft, &identity), dkg::session(&draft), letters)?;
    let (group, share) = (&a.member.group, share_path(&a.member.group, a.member.share.as_ref()));
    if session.is_over() {
        let done = Progress::Done(());
        return session.print(&done, (json!(null), format!("complete; the group is in {}", shown(group))));
    }
    // An earlier run may have been interrupted after it wrote the group.
    let written = group.try_exists().unwrap_or(true) && read_group(group)?.draft() == &draft;
    let file = NewFile { path: group, readers: Readers::Anybody, existing: Existing::Never };
    if !written {
        file.check()?;
    }
    let begins = session.log.latest(session.index).is_none();
    if begins {
        let plan = format!("{}\nYou take part as member {}.", describe(&draft), session.index);
        context.ui.confirm(&plan, a.yes)?;
    }
    let progress = session.act(dkg::advance)?;
    let Progress::Done(made) = &progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    session.begin_seal_record(made.group.epoch(), ShareOrigin::Made)?;
    // The share first: a group without its share would look complete.
    if may_write_share(&share, made.group.epoch())? {
        write_share(&a.member, &Shares::new(made.share.clone()))?;
    }
    if !written {
        file.write_all(group_text(&made.group).as_bytes())?;
    }
    session.end()?;
    let result = json!({ "group_file": shown(group), "share_file": shown(&share) });
    let spoken = format!(
        "complete: the group is in {}, your share in {}\nThe others still need your letter. Back both files up (`sotto keys backup`).",
        shown(group),
        shown(&share)
    );
    session.print(&progress, (result, spoken))
}
