//! `sotto keys sign` and `drill`.

use super::super::mpc::job::read_identity;
use super::files::{ShareFile, chain_id, read_group, read_letters, replace_group};
use super::session::{Session, fresh, seal_records, session_of};
use crate::{
    Context,
    args::{KeysDrill, KeysMember, KeysSign},
    bridge::{now, read_text},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    local_time::local_time,
    validator_list::{Entries, Entry},
};
use core::num::NonZeroU32;
use serde_json::json;
use sotto_keys::{
    Group, Hash, Index, Progress, Register, SessionId, Step,
    edge::{
        installation::Installation,
        seal_records::{SealRecordError, SealRecords},
    },
    request::Request,
    sign::{self, Answered, Asked},
};
use sotto_link::{PeerKey, identity::KeyError};
use sotto_mw::{
    block::Header,
    codec::Decode as _,
    schnorr::{PublicKey, Signature},
    validators::{LinkKey, NameError, Validator, ValidatorName},
};
use sotto_party::hex::{from_hex, to_hex};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// How to go on in a session of signatures.
struct Turn<'a> {
    member: &'a KeysMember,
    letters: &'a [PathBuf],
    /// What to ask for, in a new session.
    ask: Option<Request>,
    yes: bool,
}

pub(super) fn sign(context: &Context, a: &KeysSign) -> Outcome {
    let ask = match (&a.header, &a.validator, &a.link_key) {
        (Some(header), ..) => Some(request(a, header)?),
        (None, Some(name), Some(key)) => Some(entry(name, key)?),
        _ => None,
    };
    run(context, &Turn { member: &a.member, letters: &a.letter, ask, yes: a.yes })
}

pub(super) fn drill(context: &Context, a: &KeysDrill) -> Outcome {
    let ask = a.letter.is_empty().then(|| Request::Drill { time: now() });
    run(context, &Turn { member: &a.member, letters: &a.letter, ask, yes: a.yes })
}

fn run(context: &Context, turn: &Turn<'_>) -> Outcome {
    let member = turn.member;
    let (mut group, identity) = (read_group(&member.group)?, read_identity(&member.key)?);
    let letters = read_letters(turn.letters)?;
    let id = session_of(&letters)?.unwrap_or_else(fresh);
    let draft = group.draft().clone();
    let mut session = Session::open(context, (&draft, &identity), id, letters)?;
    if session.is_over() {
        return session.print(&Progress::Done(()), (json!(null), "complete".to_owned()));
    }
    let file = ShareFile::open(member)?;
    file.check(group.epoch())?;
    let share = file.shares.of(group.epoch()).or_refuse("cannot use the share")?;
    if let Some(request) = &turn.ask {
        session.act(|me, log, _| sign::ask(me, group.epoch(), log, request))?;
    }
    let asked = sign::asked(group.epoch(), &session.log).map_err(|fault| session.failed(&fault))?;
    let asked = asked.ok_or_else(|| {
        Failure::refused("the letter that asks is missing").help("pass all letters of the session")
    })?;
    let key = group.epoch().public_key(0).unwrap_or_default();
    let mut binding = Binding::new(&session, key, &asked)?;
    let is_drill = matches!(asked.request, Request::Drill { .. });
    let answered =
        |step| session.log.letters().any(|l| l.heading().from == session.index && l.heading().step == step);
    if !answered(Step::Committed) && !answered(Step::Signed) {
        // To ask for a drill is to take part in it.
        let agreed = turn.yes || turn.ask.is_some() && is_drill;
        context.ui.confirm(&plan(&asked, &group, &session)?, agreed)?;
        session.act(|me, log, _| sign::agree(&me.holding(group.epoch(), Some(share)), log, &asked))?;
    }
    let due = is_drill.then(|| group.due());
    let progress = session.act(|me, log, installation| {
        let register = &mut Bound { binding: &mut binding, installation };
        sign::advance(&me.holding(group.epoch(), Some(share)), log, due.as_deref(), register)
    });
    let progress = binding.refused.map_or(progress, |why| Err(not_sealed(&why)))?;
    let Progress::Done(answer) = &progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    if is_drill {
        group.drilled(answer.members.iter().copied(), now());
        replace_group(&member.group, &group)?;
    }
    session.end()?;
    let (result, spoken) = shown(answer, key)?;
    session.print(&progress, (result, spoken))
}

/// The request for a seal, for the chain that the group's draft or --chain names.
fn request(a: &KeysSign, header: &Path) -> Outcome<Request> {
    let given = a.chain.as_deref().map(chain_id).transpose()?;
    let chain = read_group(&a.member.group)?.draft().chain().copied().or(given).ok_or_else(|| {
        Failure::new(Code::Usage, "the group's draft names no chain")
            .help("pass --chain ID; `sotto chain info` prints it")
    })?;
    Ok(Request::Header { chain, header: read_header(header)? })
}

/// The request for the entry of a validator, whose vote key is the group's.
fn entry(name: &str, key: &str) -> Outcome<Request> {
    let usage = |e: &dyn core::fmt::Display| Failure::new(Code::Usage, e.to_string());
    let name: ValidatorName = name.parse().map_err(|e: NameError| usage(&e))?;
    let key: PeerKey = key.parse().map_err(|e: KeyError| {
        usage(&format!("invalid --link-key: {e}")).help("`sotto node validator init` prints `link_key`")
    })?;
    Ok(Request::Validator { link_key: *key.as_bytes(), name: name.to_string() })
}

/// A header in hexadecimal digits.
fn read_header(path: &Path) -> Outcome<Vec<u8>> {
    let text = read_text(path, 1 << 12)?;
    let mut bytes = vec![0; text.trim().len() / 2];
    let read = from_hex(text.trim(), &mut bytes);
    let usage = || Failure::new(Code::Refused, format!("{} is not a header in hexadecimal", path.display()));
    read.ok_or_else(usage)?;
    Header::from_bytes(&bytes).map_err(|e| usage().why(e))?;
    Ok(bytes)
}

/// What a member is asked to agree to.
fn plan(asked: &Asked, group: &Group, session: &Session<'_>) -> Outcome<String> {
    let draft = group.draft();
    let what = match &asked.request {
        Request::Header { chain, header } => {
            let header =
                Header::from_bytes(header).or_refuse("member asks for the seal of something else")?;
            format!(
                "the seal of a block\n  chain    {}\n  height   {}\n  header   {}\n  parent   {}\n  time     {}\n  kernels  {}\n  outputs  {}\nThe block's contents were not checked here.",
                to_hex(chain),
                header.height,
                header.hash(),
                header.previous,
                local_time(header.time),
                header.kernel_count,
                header.output_count
            )
        }
        // Refused before anybody is asked.
        Request::Vote { .. } => "a vote".to_owned(),
        Request::Claim { .. } => "a proposal".to_owned(),
        Request::Validator { link_key, name } => format!(
            "the entry of a validator, who votes with the group's key\n  name         {name}\n  connections  {}",
            PeerKey::from_bytes(*link_key).map_or_else(|_| to_hex(link_key), |key| key.to_string())
        ),
        Request::Drill { time } => format!("a drill of {}", local_time(*time)),
    };
    let (t, n) = (draft.threshold(), draft.members().len());
    let key = draft.key(asked.by).map(|key| key.fingerprint()).unwrap_or_default();
    Ok(format!(
        "Member {} ({key}) asks the group {} ({t} of {n}, {}) for {what}\nYou answer as member {}.",
        asked.by,
        draft.id(),
        draft.purpose(),
        session.index
    ))
}

/// What this member's share is bound to before it leaves.
struct Binding {
    records: SealRecords,
    key: [u8; 32],
    block: Option<(u64, Hash)>,
    refused: Option<SealRecordError>,
}

impl Binding {
    fn new(session: &Session<'_>, key: [u8; 32], asked: &Asked) -> Outcome<Self> {
        let block = match &asked.request {
            Request::Header { header, .. } => {
                let header = Header::from_bytes(header).or_refuse("cannot read the header")?;
                Some((header.height.get(), Hash::from_bytes(*header.hash().as_bytes())))
            }
            Request::Vote { .. } | Request::Claim { .. } => {
                return Err(Failure::refused("`sotto keys sign` signs no votes and no proposals")
                    .why("nothing here records what the share voted for"));
            }
            Request::Drill { .. } | Request::Validator { .. } => None,
        };
        Ok(Self { records: seal_records(session.context, session.identity), key, block, refused: None })
    }
}

/// The register of a session of signatures: whoever closes it signs next, so the share is bound first.
struct Bound<'a> {
    binding: &'a mut Binding,
    installation: &'a mut Installation,
}

impl Register for Bound<'_> {
    fn close(&mut self, session: &SessionId, on: &Hash) -> io::Result<Hash> {
        let Binding { records, key, block, refused } = &mut *self.binding;
        if let Some(Err(why)) = block.map(|(height, header)| records.bind(key, height, header)) {
            *refused = Some(why);
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.installation.close(session, on)
    }
}

fn not_sealed(why: &SealRecordError) -> Failure {
    Failure::refused("this share does not seal the block").why(why).help(match why {
        SealRecordError::Refused(_) => {
            "nothing was signed; two seals at one height are evidence against the operator"
        }
        _ => "move the share away, and ask for it here with `sotto keys repair`",
    })
}

/// A finished signature under a key, for programs and for people.
fn shown(answer: &Answered, key: [u8; 32]) -> Outcome<(serde_json::Value, String)> {
    let members: Vec<u8> = answer.members.iter().copied().map(Index::get).collect();
    let names: Vec<String> = members.iter().map(u8::to_string).collect();
    let signature = answer.signature.map(|signature| to_hex(&signature));
    let entry = match (&answer.request, answer.signature) {
        (Request::Validator { link_key, name }, Some(signature)) => {
            Some(listed(&key, (link_key, name), &signature)?)
        }
        _ => None,
    };
    let spoken = match (&entry, &signature) {
        (Some(entry), _) => {
            format!("signed by members {}; for the list of validators:\n\n{entry}", names.join(", "))
        }
        (None, Some(signature)) => format!("signed by members {}\nsignature {signature}", names.join(", ")),
        (None, None) => format!("members {} proved that they have their shares", names.join(", ")),
    };
    Ok((json!({ "members": members, "signature": signature, "validator": entry }), spoken))
}

/// What a list of validators says of a group.
fn listed(key: &[u8; 32], (link_key, name): (&[u8; 32], &str), possession: &[u8; 64]) -> Outcome<String> {
    let unusable = "the entry cannot be used";
    let validator = Validator {
        vote_key: PublicKey::from_bytes(key).or_refuse(unusable)?,
        possession: Signature::from_bytes(possession).or_refuse(unusable)?,
        link_key: LinkKey::from_bytes(*link_key),
        power: NonZeroU32::MIN,
        name: name.parse().or_refuse(unusable)?,
    };
    let entries = Entries { validator: vec![Entry::of(&validator)] };
    toml::to_string(&entries).or_refuse(unusable)
}
