//! A node of a member of a group: the chain's operator, or one of its validators.

use crate::{
    Context,
    args::{CouncilArgs, KeysMember, NodeRun},
    commands::{
        keys::{ShareFile, addresses, installation_path, read_group},
        mpc::job::read_identity,
    },
    exit::{Code, Failure, OrRefuse as _, Outcome},
    secret::PassphraseArgs,
};
use core::time::Duration;
use sotto_keys::Purpose;
use sotto_mw::{chain::Chain, codec::Decode as _, hash::Hash, schnorr::PublicKey};
use sotto_node::{
    consensus::{Timing, VoteKey},
    edge::{council::CouncilMember, daemon::ValidatorSetup},
};
use std::path::Path;

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
    let others = addresses(draft, me, member)?;
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
