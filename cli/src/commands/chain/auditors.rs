//! The auditors of a new chain: a group that its members made before, and the charter that names its key.

use crate::{
    args::ChainInit,
    bridge::read_text,
    commands::keys::read_group,
    exit::{Failure, OrRefuse as _, Outcome},
};
use sotto_audit::{Charter, charter::MAX_CHARTER};
use sotto_keys::{Group, Purpose};
use sotto_mw::chain::Auditors;
use std::path::Path;

/// The charter in a file.
pub(crate) fn read_charter(path: &Path) -> Outcome<Charter> {
    let text = read_text(path, MAX_CHARTER as u64)?;
    let charter = Charter::parse(&text);
    charter
        .or_refuse(format!("{} is not a charter", path.display()))
        .map_err(|f| f.help("`sotto audit charter` writes one"))
}

/// A group that can be the auditors of a chain.
pub(crate) fn read_auditors(path: &Path) -> Outcome<Group> {
    let (group, name) = (read_group(path)?, path.display());
    let draft = group.draft();
    if draft.purpose() != Purpose::Audit {
        return Err(Failure::refused(format!("{name} is not a group of auditors"))
            .why(format!("its purpose is `{}`", draft.purpose()))
            .help("`sotto keys new --purpose audit` begins one"));
    }
    if draft.chain().is_some() {
        return Err(Failure::refused(format!("{name} cannot be the auditors of a chain"))
            .why("its draft names a chain, and the chain of auditors is made with their key")
            .help("begin a group with `sotto keys new --purpose audit`, without --chain"));
    }
    Ok(group)
}

/// Whom the arguments name.
pub(super) fn named(a: &ChainInit) -> Outcome<Option<Auditors>> {
    let (Some(group), Some(charter)) = (&a.auditors, &a.charter) else { return Ok(None) };
    let (group, charter) = (read_auditors(group)?, read_charter(charter)?);
    let auditors = charter.auditors();
    if group.epoch().public_key(0).as_ref() != Some(auditors.key.as_bytes()) {
        return Err(Failure::refused("the charter is for other auditors")
            .why(format!("it names the key {}", auditors.key))
            .help("`sotto audit charter --auditors FILE` writes one for this group"));
    }
    Ok(Some(auditors))
}
