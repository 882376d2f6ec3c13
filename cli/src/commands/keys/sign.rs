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
};
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
use sotto_mw::{block::Header, codec::Decode as _};
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
    let ask = a.header.as_deref().map(|header| request(a, header)).transpose()?;
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
    let (result, spoken) = shown(answer);
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
            Request::Vote { .. } => {
                return Err(Failure::refused("`sotto keys sign` signs no votes")
                    .why("nothing here records what the share voted for"));
            }
            Request::Drill { .. } => None,
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

/// A finished signature, for programs and for people.
fn shown(answer: &Answered) -> (serde_json::Value, String) {
    let members: Vec<u8> = answer.members.iter().copied().map(Index::get).collect();
    let names: Vec<String> = members.iter().map(u8::to_string).collect();
    let signature = answer.signature.map(|signature| to_hex(&signature));
    let spoken = match &signature {
        Some(signature) => format!("signed by members {}\nsignature {signature}", names.join(", ")),
        None => format!("members {} proved that they have their shares", names.join(", ")),
    };
    (json!({ "members": members, "signature": signature }), spoken)
}
