//! What the verbs about jobs share: reading jobs, keys, signatures and policies.
//!
//! ```text
//! job.toml                    the job; key files that it names lie beside it
//! job.consents/NAME.consent   signatures, one for each party
//! job.results/NAME-RUN/       what a party has in the end; nobody else may look into it
//! DIR/jobs/FINGERPRINT/       a party's budget, and a folder for each run: what survives a crash
//! ```

use crate::{
    Context,
    bridge::{now, read_text},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::{Readers, whole_file},
    secret,
};
use sotto_jobs::attempt::AttemptError;
use sotto_jobs::edge::job_file::{self, Complaint, Counting};
use sotto_jobs::edge::policy_file::{self, DebitError};
use sotto_jobs::edge::run::RunError;
use sotto_jobs::policy::{Policy, PolicyError};
use sotto_jobs::program::Computation;
use sotto_jobs::spec::Relay;
use sotto_jobs::text::Line;
use sotto_jobs::{Agreement, Consent, Job, PartyId};
use sotto_link::pinned::LinkError;
use sotto_mpc::ChannelError;
use sotto_party::{Identity, PublicKey};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Longest key, signature or policy file that is read, in bytes.
const MAX_SMALL: u64 = 1 << 16;

/// Longest file that a job names, in bytes: a circuit of some three million gates.
const MAX_BESIDE: u64 = 1 << 26;

/// Reads and checks a job and its program, and counts its gates.
pub(super) fn load(path: &Path) -> Outcome<(Job, Computation)> {
    read_job(path, Counting::Now)
}

/// Reads and checks a job and its program for a party that has signed it: it has counted the gates, and does so again only if it
/// computes. [`agree`] finds out if that was another job.
pub(super) fn load_signed(path: &Path, party: &str) -> Outcome<(Job, Computation)> {
    let signed = consents(path).join(format!("{party}.consent"));
    let consent = read_text(&signed, MAX_SMALL).ok().and_then(|text| Consent::from_text(&text));
    read_job(
        path,
        consent.map_or(Counting::Now, |consent| Counting::Before { party, gates: consent.gates() }),
    )
}

fn read_job(path: &Path, counting: Counting<'_>) -> Outcome<(Job, Computation)> {
    let text = read_text(path, job_file::MAX_FILE)?;
    job_file::parse(&text, counting, beside(path)).map_err(|complaints| faulty(path, &complaints))
}

/// Reads the files that a job names, which lie beside it.
pub(super) fn beside(job: &Path) -> impl FnMut(&str) -> io::Result<String> {
    let folder = job.parent().unwrap_or(Path::new("")).to_owned();
    move |name| {
        let mut text = String::new();
        let read = open_regular(&folder.join(name))?.take(MAX_BESIDE + 1).read_to_string(&mut text)?;
        if read as u64 > MAX_BESIDE { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
    }
}

/// Opens a file that is one: a pipe or a terminal that somebody put in its place would be waited for.
fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no regular file"))
    }
}

/// Reads a small file that lies where others may have put something.
fn read_small(path: &Path, advice: &str) -> Outcome<String> {
    let unreadable = |e| Failure::refused(format!("{} cannot be read", path.display())).why(e).help(advice);
    let mut text = String::new();
    open_regular(path).and_then(|file| file.take(MAX_SMALL).read_to_string(&mut text)).map_err(unreadable)?;
    Ok(text)
}

/// All complaints about a job.
pub(super) fn faulty(path: &Path, complaints: &[Complaint]) -> Failure {
    complain(path, complaints).help("Each entry of a job is explained in docs/JOBS.md.")
}

fn complain(path: &Path, complaints: &[Complaint]) -> Failure {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Failure::refused(format!("{} cannot be used", path.display())).why(lines.join("\n       "))
}

/// Reads a secret key file.
pub(super) fn read_identity(path: &Path) -> Outcome<Identity> {
    Identity::from_secret_text(&secret::read_file(path)?).ok_or_else(|| {
        Failure::refused(format!("{} is no secret key of a party", path.display()))
            .help("Make one with `sotto mpc keygen NAME`.")
    })
}

/// Reads a public key file.
pub(super) fn read_public(path: &Path) -> Outcome<PublicKey> {
    let advice = "It is the file NAME.pub that `sotto mpc keygen NAME` makes.";
    PublicKey::from_text(&read_small(path, advice)?).map_err(|e| {
        Failure::refused(format!("{} is no public key of a party", path.display())).why(e).help(advice)
    })
}

/// Reads a policy.
pub(super) fn read_policy(path: Option<&PathBuf>) -> Outcome<Option<Policy>> {
    let Some(path) = path else { return Ok(None) };
    let advice = "The entries of a policy are explained in docs/JOBS.md, under \"An owner's policy\".";
    policy_file::parse(&read_small(path, advice)?)
        .map(Some)
        .map_err(|complaint| complain(path, &[complaint]).help(advice))
}

/// Refuses what an owner's policy does not allow.
pub(super) fn allow(policy: Option<&Policy>, job: &Job, us: PartyId) -> Outcome {
    let owner = job.input_of(us).is_some();
    let allowed = policy.filter(|_| owner).map_or(Ok(()), |policy| policy.check(job, us));
    allowed.map_err(|e| forbidden(&e))
}

/// What an owner's policy does not allow.
pub(super) fn forbidden(e: &PolicyError) -> Failure {
    Failure::refused("your policy forbids this job").why(e).help(
        "Nothing was sent. Talk to whoever wrote the job, or change the policy file if you do mean to allow it.",
    )
}

/// Where the signatures under a job lie.
pub(super) fn consents(job: &Path) -> PathBuf {
    job.with_extension("consents")
}

/// What to do about a job whose time is over.
const EXPIRED: &str = "Agree on a new job. What this one finished in time is still delivered and collected.";

/// Refuses a job whose time is over.
pub(super) fn in_time(job: &Job) -> Outcome {
    let is_over = now() >= job.expiry;
    let expired = || Failure::refused("this job cannot be signed").why("the job has expired").help(EXPIRED);
    if is_over { Err(expired()) } else { Ok(()) }
}

/// The job with all its signatures, whether it has expired or not: what was finished in time is there to be fetched.
pub(super) fn agree(path: &Path, job: Job) -> Outcome<Agreement> {
    let folder = consents(path);
    let mut all = Vec::new();
    for party in &job.parties {
        let file = folder.join(format!("{}.consent", party.name));
        if !file.exists() {
            continue;
        }
        let advice = format!(
            "Ask {} for the file that `sotto mpc sign` made there, and put it in this one's place.",
            party.name
        );
        let consent = Consent::from_text(&read_small(&file, &advice)?);
        let bad = || {
            Failure::refused(format!("{} is no signature under a job", file.display())).help(advice.clone())
        };
        all.push(consent.ok_or_else(bad)?);
    }
    let id = job.id();
    Agreement::whenever(job, &all).map_err(|e| {
        Failure::refused("this job cannot be run").why(e).help(format!(
            "Every party signs with `sotto mpc sign` and puts its file into {}; all must have the same job {}.",
            folder.display(),
            id.short()
        ))
    })
}

/// Where a party keeps its budget and its runs.
pub(super) fn home(context: &Context, identity: &Identity) -> PathBuf {
    context.config.dir.value.join("jobs").join(identity.public().fingerprint())
}

/// Writes a file for the others beside a job, replacing it.
pub(super) fn write(path: &Path, text: &str) -> Outcome {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).or_refuse(format!("{} cannot be made", folder.display()))?;
    }
    put(
        path,
        Readers::Anybody,
        text,
        "Make room, or see who may write there; then give the same command again.",
    )
}

/// Writes a file of a party's result, for nobody else to read.
pub(super) fn write_result(path: &Path, text: &str) -> Outcome {
    let advice = "Make room, or give another --out; then give the same command again: the result is kept, and delivered again.";
    if let Some(folder) = path.parent() {
        secret::make_folder(folder).map_err(|failed| failed.help(advice))?;
    }
    put(path, Readers::Owner, text, advice)
}

fn put(path: &Path, readers: Readers, text: &str, advice: &str) -> Outcome {
    whole_file(path, readers, |out| out.write_all(text.as_bytes())).map_err(|e: io::Error| {
        Failure::refused(format!("{} cannot be written", path.display())).why(e).help(advice)
    })
}

/// The party of this name, whose key it is.
pub(super) fn find(job: &Job, name: &str, identity: &Identity) -> Outcome<PartyId> {
    let names: Vec<_> = job.parties.iter().map(|party| party.name.as_str()).collect();
    let us = job.find(name).ok_or_else(|| {
        Failure::refused(format!("the job has no party named {name}"))
            .help(format!("Its parties are {}.", names.join(", ")))
    })?;
    if job.party(us).key != identity.public() {
        return Err(Failure::refused(format!("this is not the key of {name}"))
            .why(format!(
                "its fingerprint is {}, the job says {}",
                identity.public().fingerprint(),
                job.party(us).key.fingerprint()
            ))
            .help("Give the right --as and --key."));
    }
    Ok(us)
}

/// A relay, from its key file and address.
pub(super) fn read_relay(text: &str) -> Outcome<Relay> {
    let usage = |why: &dyn std::fmt::Display| {
        Failure::new(Code::Usage, format!("`{text}` is no relay"))
            .why(why)
            .help("Give --relay relay.pub@host:port.")
    };
    let (file, address) = text.rsplit_once('@').ok_or_else(|| usage(&"there is no @"))?;
    let address = Line::new(address).map_err(|e| usage(&e))?;
    Ok(Relay { address, key: read_public(Path::new(file))? })
}

/// What a run, or what else needs the other parties, ended with.
pub(super) fn no_run(e: &RunError, what: &str) -> Failure {
    if let RunError::Debit(DebitError::Policy(e)) = e {
        return forbidden(e);
    }
    let code = if e.is_unreachable() { Code::Unreachable } else { Code::Refused };
    let failed = Failure::new(code, what).why(e);
    match e {
        RunError::Link { why: LinkError::Altered, .. }
        | RunError::Attempt(AttemptError::Channel(ChannelError::Altered { .. })) => failed.help(
            "Somebody on the way alters what passes, perhaps a relay. Nothing was given out: take another way, and give the same command again.",
        ),
        RunError::Link { why: LinkError::NotAccepted, .. } => failed.help(
            "Whoever runs the relay has to allow your .pub file; without a relay, the other side's job names another key for you.",
        ),
        RunError::Door { .. } => failed.help("End the process that has the port, or listen elsewhere: --listen HOST:PORT."),
        RunError::Expired => failed.help(EXPIRED),
        RunError::Late(_) | RunError::Link { .. } => failed
            .help("Nothing is lost: ask the parties that are named whether they run, then give the same command again."),
        RunError::Debit(DebitError::Shelf(_)) => failed.help("Nothing was sent. Make room on the disk, or see who holds the folder; then give the same command again."),
        RunError::Debit(_) => failed.help("Nothing was sent. Put the files `budget` and `budget-head` of DIR/jobs/FINGERPRINT back from a copy of one moment."),
        RunError::Shelf(_) => failed.help("Make room on the disk, then give the same command again."),
        RunError::Input(_) => failed.help("Give the rows of the first attempt, or take the next --run."),
        RunError::Attempt(e) if e.is_passing() => failed.help("Give the same command again on both computers."),
        RunError::Attempt(AttemptError::TooLong(_)) => failed.help(
            "No result was given out. Agree on a job with more `limits.seconds`: `sotto mpc quote --measure` tells how many it takes.",
        ),
        RunError::Attempt(AttemptError::Consent(name)) => failed.help(format!(
            "Put the same file {name}.consent into everybody's folder of consents, then give the same command again."
        )),
        RunError::Refused { by, .. } => {
            failed.help(format!("See what {by} says there; once that is mended, give the same command again."))
        }
        RunError::Stopped(_) => failed.help("Once that is mended, give the same command again."),
        RunError::Disagree(_) | RunError::Receipt(_) | RunError::Half(_) => failed.help(
            "Keep what you have, and ask both computers: one of them gives out something else than it signed for.",
        ),
        RunError::Lost => failed.help("Give --run with the next number, at all parties."),
        _ => failed.help("Nothing was given out. Compare the job's id (`sotto mpc check`) and this version with the others."),
    }
}
