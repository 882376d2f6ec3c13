//! A node of a member of a group: the chain's operator, or one of its validators.

use crate::{
    Context,
    args::{CouncilArgs, KeysMember, NodeRun},
    commands::{
        keys::{ShareFile, installation_path, read_group},
        mpc::job::read_identity,
    },
    exit::{Code, Failure, OrRefuse as _, Outcome},
    secret::PassphraseArgs,
};
use core::time::Duration;
use sotto_keys::{Draft, Index, Purpose};
use sotto_mw::{chain::Chain, codec::Decode as _, hash::Hash, schnorr::PublicKey};
use sotto_node::{
    consensus::{Timing, VoteKey},
    edge::{council::CouncilMember, daemon::ValidatorSetup},
};
use std::{collections::BTreeMap, path::Path};

/// The member that the arguments describe, with its share opened.
pub(super) fn member(
    context: &Context,
    (a, group): (&NodeRun, &Path),
    every: Duration,
) -> Outcome<CouncilMember> {
    let CouncilArgs { key, share, share_passphrase_file, group_listen, member, .. } = &a.council;
    let usage = |why| Failure::new(Code::Usage, why);
    let key = key.clone().ok_or_else(|| usage("pass --key FILE"))?;
    let listen = group_listen.clone().ok_or_else(|| usage("pass --group-listen ADDR"))?;
    let wallet = &a.wallet.passphrase;
    let passphrase = match share_passphrase_file {
        Some(file) => PassphraseArgs { passphrase_file: Some(file.clone()), passphrase_fd: None },
        None => wallet.clone(),
    };
    let files = KeysMember { group: group.to_owned(), key, share: share.clone(), passphrase };
    let (group, identity) = (read_group(&files.group)?, read_identity(&files.key)?);
    let draft = group.draft();
    if draft.purpose() != Purpose::Seal {
        return Err(Failure::refused(format!("this is a group for `{}`", draft.purpose()))
            .help("a chain is sealed by a group for `seal`"));
    }
    let me = draft.index_of(&identity.public()).ok_or_else(|| {
        Failure::refused("no member of the group has this key")
            .help("pass the right --key, or the right group")
    })?;
    let others = others(draft, me, member)?;
    let opened = ShareFile::open(&files)?;
    opened.check(group.epoch())?;
    let share = opened.shares.of(group.epoch()).or_refuse("cannot use the share")?.clone();
    let installation = installation_path(context, &identity);
    Ok(CouncilMember { identity, group, share, every, installation, listen, others })
}

/// Whether the flags are those of a member on this chain.
pub(super) fn fits(a: &NodeRun, chain: &Chain) -> Outcome {
    let validators = chain.terms().sealing.validators().is_some();
    match (validators, a.seal) {
        (true, true) => Err(Failure::new(Code::Usage, "validators seal this chain, and no operator")
            .help("leave out --seal; the member that speaks for the group has --validate")),
        (false, false) => {
            Err(Failure::new(Code::Usage, "this chain has no validators, and its operator seals")
                .help("pass --seal with --group"))
        }
        _ => Ok(()),
    }
}

/// The validator for which a member speaks: its vote key is the group's, and the members keep what it signed.
pub(super) fn speaker(member: &CouncilMember, timing: Timing) -> Outcome<ValidatorSetup> {
    let key = member.group.epoch().public_key(0).unwrap_or_default();
    let key = PublicKey::from_bytes(&key).or_refuse("the group's key cannot be used")?;
    let (renewal, installation) = (None, Hash::ZERO);
    Ok(ValidatorSetup { vote_key: VoteKey::Group(key), renewal, installation, timing, resume: false })
}

/// Where the other members hear: each of them once.
fn others(draft: &Draft, me: Index, members: &[String]) -> Outcome<BTreeMap<Index, String>> {
    let mut others = BTreeMap::new();
    for text in members {
        let invalid = |why: &str| {
            Failure::new(Code::Usage, format!("invalid member `{text}`"))
                .why(why)
                .help("write N@HOST:PORT, with the member's number in the group")
        };
        let (number, at) = text.split_once('@').ok_or_else(|| invalid("it has no `@`"))?;
        let index = number.parse().ok().and_then(Index::new).filter(|i| draft.key(*i).is_some());
        let index = index.ok_or_else(|| invalid("the group has no such member"))?;
        if at.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
            return Err(invalid("no host and port after the `@`"));
        }
        if index == me || others.insert(index, at.to_owned()).is_some() {
            return Err(invalid("each of the other members is given once"));
        }
    }
    let missing: Vec<String> =
        draft.indexes().filter(|i| *i != me && !others.contains_key(i)).map(|i| i.to_string()).collect();
    if missing.is_empty() {
        return Ok(others);
    }
    Err(Failure::new(Code::Usage, format!("no address of member {}", missing.join(", ")))
        .help("pass --member N@HOST:PORT for each of the others"))
}
