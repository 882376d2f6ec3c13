//! What every verb with letters does.

use crate::{
    Context,
    bridge::now,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};
use sotto_keys::{
    Draft, Epoch, Fault, Index, Letter, Log, Member, Progress, Purpose, Seed, SessionId, Taken,
    armor::{self, Kind},
    edge::{
        installation::{Installation, Kept},
        seal_records::SealRecords,
    },
};
use sotto_party::{Identity, hex::to_hex};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// A session that this member takes part in.
pub(crate) struct Session<'a> {
    pub(crate) context: &'a Context,
    pub(crate) draft: &'a Draft,
    pub(crate) identity: &'a Identity,
    pub(crate) index: Index,
    pub(crate) installation: Installation,
    pub(crate) log: Log,
    /// `None` once the session is complete.
    seed: Option<Seed>,
    /// The letters of this member that it had before.
    known: usize,
}

/// How a member came by its share.
#[derive(Clone, Copy)]
pub(super) enum ShareOrigin {
    Made,
    Repaired,
}

/// The session of some letters; `None` without letters.
pub(crate) fn session_of(letters: &[Letter]) -> Outcome<Option<SessionId>> {
    let mut sessions = letters.iter().map(|letter| letter.heading().session);
    let first = sessions.next();
    if sessions.any(|session| Some(session) != first) {
        return Err(Failure::refused("these letters belong to more than one session")
            .help("pass the letters of one session alone; `sotto keys show` tells them apart"));
    }
    Ok(first)
}

/// A fresh session.
pub(crate) fn fresh() -> SessionId {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    SessionId::from_bytes(bytes)
}

/// The path of the folder of this installation for one key: two members on one machine must never share a seed.
pub(crate) fn installation_path(context: &Context, identity: &Identity) -> PathBuf {
    context.config.state.value.join("keys").join(to_hex(&identity.public().digest()))
}

/// What this installation's shares have sealed.
pub(super) fn seal_records(context: &Context, identity: &Identity) -> SealRecords {
    SealRecords::of(&installation_path(context, identity))
}

pub(crate) fn installation(context: &Context, identity: &Identity) -> Outcome<Installation> {
    let path = installation_path(context, identity);
    let locked = |e: &std::io::Error| e.kind() == ErrorKind::WouldBlock;
    let open = || Installation::open(&path);
    context
        .config
        .lock_wait
        .run("the keys", locked, open)
        .or_refuse(format!("cannot open {}", path.display()))
}

impl<'a> Session<'a> {
    /// Opens a session and takes the letters.
    pub(crate) fn open(
        context: &'a Context,
        (draft, identity): (&'a Draft, &'a Identity),
        id: SessionId,
        letters: Vec<Letter>,
    ) -> Outcome<Self> {
        let index = draft.index_of(&identity.public()).ok_or_else(|| {
            Failure::refused("no member of the group has this key")
                .why(format!("its fingerprint is {}", identity.public().fingerprint()))
                .help("pass the right --key, or the right group")
        })?;
        let installation = installation(context, identity)?;
        let kept = installation.session(draft.id(), id).or_refuse("cannot read the session")?;
        let (seed, log) = match kept {
            Kept::Open(seed, log) => (Some(seed), log),
            Kept::Over(log) => (None, log),
        };
        let own = |log: &Log| log.letters().filter(|letter| letter.heading().from == index).count();
        let known = own(&log);
        let mut session = Self { context, draft, identity, index, installation, log, seed, known };
        session.take(letters)?;
        Ok(session)
    }

    fn take(&mut self, letters: Vec<Letter>) -> Outcome {
        for letter in letters {
            let place = format!("the letter `{}` of member {}", letter.heading().step, letter.heading().from);
            // Letters in one's own name are only taken from oneself: they are here already, or made up.
            let own = letter.heading().from == self.index;
            if own && self.seed.is_some() && !self.log.letters().any(|known| *known == letter) {
                return Err(Failure::refused(format!("{place} is not one that this installation wrote"))
                    .why("the key of this member is in use elsewhere, or the folder of the session was lost")
                    .help("start a new session"));
            }
            let taken = self.log.take(letter, self.draft);
            if taken.or_refuse(format!("cannot use {place}"))? == Taken::Contradicts {
                self.context.ui.warn(&format!("{place} contradicts an earlier one"));
            }
        }
        Ok(())
    }

    /// Whether this member's part is complete: then only its letters are printed again.
    pub(crate) fn is_over(&self) -> bool {
        self.seed.is_none()
    }

    /// Lets this member act, and keeps what it did before anybody sees it.
    pub(crate) fn act<T>(
        &mut self,
        act: impl FnOnce(&Member<'_>, &mut Log, &mut Installation) -> Result<T, Fault>,
    ) -> Outcome<T> {
        let seed = self.seed.as_ref().ok_or_else(|| Failure::refused("the session is complete"))?;
        let me = Member::new(self.draft, self.identity, seed)
            .ok_or_else(|| Failure::refused("no member of the group has this key"))?;
        let acted = act(&me, &mut self.log, &mut self.installation);
        self.installation.keep(seed, &self.log).or_refuse("cannot keep the session")?;
        acted.map_err(|fault| self.failed(&fault))
    }

    /// Begins the record of what this member's share seals, before the share is written.
    pub(super) fn begin_seal_record(&self, epoch: &Epoch, origin: ShareOrigin) -> Outcome {
        let Some(key) = epoch.public_key(0).filter(|_| epoch.draft().purpose() == Purpose::Seal) else {
            return Ok(());
        };
        let records = seal_records(self.context, self.identity);
        let begun = match origin {
            ShareOrigin::Made => records.begin_made(&key),
            ShareOrigin::Repaired => records.begin_repaired(&key, now()),
        };
        begun.or_refuse("cannot begin the record of what the share seals")
    }

    /// The session is over: its seed goes, its letters stay.
    pub(crate) fn end(&mut self) -> Outcome {
        self.seed = None;
        self.installation.end(&self.log).or_refuse("cannot keep the session")
    }

    /// The failure of a session; evidence goes to standard output, so that it can be passed on.
    pub(crate) fn failed(&self, fault: &Fault) -> Failure {
        let help = match fault {
            Fault::Equivocation(_) => {
                "pass the evidence on standard output to the other members; start again without that member"
            }
            Fault::Differs { .. } => {
                "exchange the letters of the step before once more, all of them with everyone: two different letters of one member will show"
            }
            _ if fault.member().is_some() => "start again without that member",
            Fault::OtherShare => {
                "get the latest group file; if a refresh left you out, ask with `sotto keys repair`"
            }
            _ => "start a new session",
        };
        for evidence in self.log.evidence() {
            // What is reported is the fault; standard output may be closed.
            let _ = self.context.output.text(armor::to_text(Kind::Evidence, &evidence.to_bytes()).trim_end());
        }
        let name = |i: Index| self.draft.key(i).map(|key| key.fingerprint());
        let who = fault.member().and_then(name).map(|name| format!("; its fingerprint is {name}"));
        Failure::coded(ErrorCode::Refused, "the session has failed")
            .why(format!("{fault}{}", who.unwrap_or_default()))
            .help(help)
    }

    /// Prints all letters of this member from now on, for steps that write several: what was kept before a crash has
    /// perhaps not left.
    pub(crate) fn repeat_all(&mut self) {
        self.known = usize::MAX;
    }

    /// Prints this member's letters: the new ones, or if there are none all again.
    pub(crate) fn print<T>(&self, progress: &Progress<T>, done: (Value, String)) -> Outcome {
        let own: Vec<&Letter> =
            self.log.letters().filter(|letter| letter.heading().from == self.index).collect();
        let from = if self.known < own.len() { self.known } else { 0 };
        let text = |letter: &&Letter| armor::to_text(Kind::Letter, &letter.to_bytes());
        let letters: Vec<String> = own.get(from..).unwrap_or_default().iter().map(text).collect();
        let (state, awaits, spoken) = match progress {
            Progress::Done(_) => ("done", json!(null), done.1.clone()),
            Progress::Awaiting { step, from } => {
                let from: Vec<u8> = from.iter().map(|i| i.get()).collect();
                let names: Vec<String> = from.iter().map(u8::to_string).collect();
                let spoken = format!("waiting for the letter `{step}` of member {}", names.join(", "));
                ("awaiting", json!({ "step": step.name(), "from": from }), spoken)
            }
        };
        self.context.ui.info(&spoken);
        let fields = json!({ "group": self.draft.id().to_string(), "session": self.log.session().to_string(),
            "member": self.index.get(), "state": state, "awaits": awaits, "letters": letters, "result": done.0 });
        if letters.is_empty() && !self.context.output.json {
            return Ok(());
        }
        self.context.output.record("keys-session", fields, &letters.concat())
    }
}

/// The file's name, for messages.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
