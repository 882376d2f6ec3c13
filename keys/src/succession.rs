//! A change of members: all members of a successor's draft sign it, and the key stays.
//!
//! ```text
//! Succeeded (all members of the new draft) ─▶ group of the new draft, same epoch, same keys
//! ```
//!
//! The new draft names the group before it and differs in one member: another key for its place, or one more at
//! the end ([`Draft::successor`]). The new member then asks for its share (`repair`), and a refresh makes the
//! share of the member that had the place before worthless. Every old member types the new key's fingerprint
//! when it helps.
#![deny(clippy::indexing_slicing)]

use crate::draft::{Draft, Index};
use crate::epoch::{Epoch, Group};
use crate::fault::Fault;
use crate::letter::{SessionId, Step};
use crate::log::{Held, Log, Progress, progress};
use crate::member::Member;
use crate::tag::{self, tagged};

/// The session of a successor's draft.
#[must_use]
pub fn session(draft: &Draft) -> SessionId {
    tagged(tag::SESSION, &[b"succession", draft.id().as_bytes()])
}

/// Signs the successor, whose member this is, and ends when all its members have.
///
/// # Errors
/// [`Fault`]: the draft is not a successor of the group, or a member confirms something else.
pub fn advance(me: &Member<'_>, group: &Group, log: &mut Log) -> Result<Progress<Group>, Fault> {
    log.is_sound()?;
    progress(run(me, group.epoch(), log))
}

fn run(me: &Member<'_>, old: &Epoch, log: &mut Log) -> Result<Group, Held> {
    let epoch = old.under(me.draft().clone(), log.session()).ok_or(Fault::NoPart)?;
    let (before, hash) = (old.hash(), epoch.hash());
    let rng = &mut me.rng(Step::Succeeded, &before);
    me.write(log, (Step::Succeeded, before), (hash.as_bytes().to_vec(), &[]), rng)?;
    let all: Vec<Index> = me.draft().indexes().collect();
    let letters = log.all(Step::Succeeded, &all, &before)?;
    if let Some((i, _)) = letters.iter().find(|(_, letter)| letter.body() != hash.as_bytes()) {
        return Err(Fault::OtherKeys(i).into());
    }
    let letters = letters.iter().map(|(_, letter)| letter.clone()).collect();
    Ok(Group::new(epoch, letters).ok_or(Fault::NoPart)?)
}
