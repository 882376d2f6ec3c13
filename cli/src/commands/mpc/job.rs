//! What the verbs of jobs share: reading jobs, keys, approvals and policies; the failures of a run.
//!
//! ```text
//! job.toml                      the job; the key files that it names are beside it
//! job.approvals/NAME.approval   the signed approval of each party
//! NAME.offer[.terms]            offers that a job with a sale names, and what opens confidential ones
//! job.results/NAME-RUN/         results and receipt of a party, readable only by its owner
//! job.evidence/NAME.bundle      the enrolment of a party of which the job demands evidence
//! DIR/jobs/KEY/                 a party's policy and budget, and a folder JOB-RUN for each run, which survive a crash
//! ```

use crate::{
    Context,
    bridge::{now, read_text},
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    secret,
};
use rand_core::OsRng;
use sotto_jobs::attempt::AttemptError;
use sotto_jobs::budget::BudgetError;
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::edge::job_folder::JobFolder;
use sotto_jobs::edge::run::RunError;
use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::job::RendezvousServer;
use sotto_jobs::job_file::{self, Counting};
use sotto_jobs::line_error::LineError;
use sotto_jobs::policy::{Policy, PolicyError};
use sotto_jobs::policy_file::{self, Binding, DebitError, check_binding};
use sotto_jobs::program::Computation;
use sotto_jobs::text::Line;
use sotto_jobs::{Agreement, Approval, Digest, Job, PartyId};
use sotto_link::pinned::LinkError;
use sotto_mpc::ChannelError;
use sotto_mpc::edge::compiler::Compiler;
use sotto_party::{Identity, PublicKey};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Size limit of a key, approval or policy file, in bytes.
const MAX_SMALL: u64 = 1 << 16;

/// Reads and checks a job and its program, and counts its gates.
pub(crate) fn load(path: &Path) -> Outcome<(Job, Computation)> {
    read_job(path, Counting::Now)
}

/// Reads and checks a job and its program for a party that has signed it.
///
/// The party counted the gates before it signed, and counts them again only if it computes.
/// [`load_agreement`] notices if it signed another job.
pub(crate) fn load_signed(path: &Path, party: &str) -> Outcome<(Job, Computation)> {
    let signed = approvals(path).join(format!("{party}.approval"));
    let approval = read_text(&signed, MAX_SMALL).ok().and_then(|text| Approval::from_text(&text));
    read_job(
        path,
        approval.map_or(Counting::Now, |approval| Counting::Before { party, gates: approval.gates() }),
    )
}

/// Keys that stand in for the key files of a job that has none of them yet.
#[derive(Default)]
pub(crate) struct StandIns(BTreeMap<String, PublicKey>);

impl StandIns {
    /// The files that are not there.
    pub(crate) fn files(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hides what follows from the keys that stand in: their fingerprints and the job's id.
    pub(crate) fn hide(&self, job: &Job, text: &str) -> String {
        let blank = |text: String, key: &PublicKey| {
            let text = text.replace(&key.fingerprint(), "no key file yet");
            text.replace(&Digest(key.digest()).to_string(), "no key file yet")
        };
        let id =
            if self.is_empty() { text.to_owned() } else { text.replace(&job.id().to_string(), "no id yet") };
        self.0.values().fold(id, blank)
    }
}

/// Reads and checks a job as [`load`] does, also before any of its key files is there.
pub(crate) fn load_to_check(path: &Path) -> Outcome<(Job, Computation, StandIns)> {
    let mut beside = read_beside(path);
    let (mut is_here, mut keys) = (false, BTreeMap::new());
    let text = read_text(path, job_file::MAX_FILE)?;
    let parsed = job_file::parse(&text, Counting::Now, &Compiler::this_program(), |name| {
        let read = beside(name);
        let is_key = name.ends_with(".pub");
        match &read {
            Err(e) if is_key && e.kind() == io::ErrorKind::NotFound => {
                let key = keys.entry(name.to_owned());
                return Ok(key.or_insert_with(|| Identity::random(&mut OsRng).public()).to_text());
            }
            _ => is_here |= is_key,
        }
        read
    });
    // Where some key files are there, one that is not is a fault.
    if is_here && !keys.is_empty() {
        return load(path).map(|(job, program)| (job, program, StandIns::default()));
    }
    let (job, program) = parsed.map_err(|errors| invalid_job(path, &errors))?;
    Ok((job, program, StandIns(keys)))
}

fn read_job(path: &Path, counting: Counting<'_>) -> Outcome<(Job, Computation)> {
    let text = read_text(path, job_file::MAX_FILE)?;
    job_file::parse(&text, counting, &Compiler::this_program(), read_beside(path))
        .map_err(|errors| invalid_job(path, &errors))
}

/// Reads the files that a job names, from the job's folder.
pub(crate) fn read_beside(job: &Path) -> impl FnMut(&str) -> io::Result<String> {
    let folder = JobFolder::of(job);
    move |name| folder.read(name)
}

/// Opens a regular file; opening a pipe or a terminal in its place would block.
fn open_regular(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

/// Reads a small file that another person may have supplied.
fn read_small(path: &Path, help: &str) -> Outcome<String> {
    let unreadable = |e| Failure::refused(format!("{} cannot be read", path.display())).why(e).help(help);
    let mut text = String::new();
    open_regular(path).and_then(|file| file.take(MAX_SMALL).read_to_string(&mut text)).map_err(unreadable)?;
    Ok(text)
}

/// The failure for an invalid job, with all its faults.
pub(crate) fn invalid_job(path: &Path, errors: &[LineError]) -> Failure {
    invalid_file(path, errors).help("docs/JOBS.md explains each entry of a job")
}

fn invalid_file(path: &Path, errors: &[LineError]) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::refused(format!("invalid file {}", path.display())).why(lines.join("\n       "))
}

/// Reads a secret key file.
pub(crate) fn read_identity(path: &Path) -> Outcome<Identity> {
    let public = open_regular(path).and_then(|file| {
        let mut text = String::new();
        file.take(MAX_SMALL).read_to_string(&mut text).map(|_| text)
    });
    if public.is_ok_and(|text| PublicKey::from_text(&text).is_ok()) {
        return Err(Failure::refused(format!("{} is a public key file", path.display()))
            .help("pass the secret key file, which ends in .key"));
    }
    Identity::from_secret_text(&secret::read_file(path)?).ok_or_else(|| {
        Failure::refused(format!("{} is not a secret key file", path.display()))
            .help("create one with `sotto mpc keygen NAME`")
    })
}

/// Reads a public key file.
pub(crate) fn read_public(path: &Path) -> Outcome<PublicKey> {
    let help = "`sotto mpc keygen NAME` creates a public key file, NAME.pub";
    PublicKey::from_text(&read_small(path, help)?).map_err(|e| {
        Failure::refused(format!("{} is not a public key file", path.display())).why(e).help(help)
    })
}

/// Reads the policy that was passed, or else `policy.toml` in the party's folder, if it is there.
pub(crate) fn read_policy(path: Option<&PathBuf>, home: &Path) -> Outcome<Option<Policy>> {
    let default = home.join("policy.toml");
    let Some(path) = path.or_else(|| Some(&default).filter(|path| path.exists())) else { return Ok(None) };
    let help = "docs/JOBS.md explains the entries of a policy";
    policy_file::parse(&read_small(path, help)?)
        .map(Some)
        .map_err(|complaint| invalid_file(path, &[complaint]).help(help))
}

/// Refuses a job that the policy of an input party does not allow.
pub(crate) fn check_policy(policy: Option<&Policy>, job: &Job, us: PartyId) -> Outcome {
    let owner = job.input_of(us).is_some();
    let allowed = policy.filter(|_| owner).map_or(Ok(()), |policy| policy.check(job, us));
    allowed.map_err(|e| policy_failure(&e))
}

/// Refuses to run a job without a policy that was signed under one, before anything is sent.
pub(crate) fn check_signed_policy(
    context: &Context,
    home: &Path,
    job: &Job,
    policy: Option<&Policy>,
) -> Outcome {
    if !home.exists() {
        return Ok(());
    }
    let binding = open_home(home)
        .map_err(DebitError::Storage)
        .and_then(|folder| check_binding(&folder, job, policy))
        .map_err(|e| debit_failure(&e, "cannot run this job"))?;
    if binding == Binding::Changed {
        context.ui.info("The policy differs from the one under which you signed this job.");
    }
    Ok(())
}

/// The folder of a party's policy and budget. Another run of the same party may use it for a moment.
pub(crate) fn open_home(home: &Path) -> io::Result<Folder> {
    let mut folder = Folder::open(home);
    for _ in 0..100 {
        if !matches!(&folder, Err(e) if e.kind() == io::ErrorKind::WouldBlock) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
        folder = Folder::open(home);
    }
    folder
}

/// The failure for a use of data that cannot be recorded.
fn debit_failure(e: &DebitError, what: &str) -> Failure {
    let failed = Failure::refused(what).why(e);
    match e {
        DebitError::Policy(e) => policy_failure(e),
        DebitError::NoPolicy => failed.help("nothing was sent; pass --policy FILE, or put the policy into DIR/jobs/KEY/policy.toml (see docs/JOBS.md)"),
        DebitError::Storage(_) => failed.help("nothing was sent; free some space, or end the process that uses the folder, then run the same command again"),
        DebitError::Budget(BudgetError::OtherRows(_)) => failed.help("nothing was sent; pass the same rows as before, or the next number with --run"),
        DebitError::Budget(_) => failed.help("nothing was sent; restore the files `budget` and `budget-head` in DIR/jobs/KEY from one backup"),
    }
}

/// The failure for a job that a policy does not allow.
pub(crate) fn policy_failure(e: &PolicyError) -> Failure {
    Failure::refused("your policy forbids this job").why(e).help(
        "nothing was sent; talk to the author of the job, or change the policy file if you want to allow the job",
    )
}

/// The folder of the approvals of a job.
pub(crate) fn approvals(job: &Path) -> PathBuf {
    job.with_extension("approvals")
}

/// The help for an expired job.
const EXPIRED: &str = "agree on a new job; results that were finished in time are still delivered";

/// Refuses an expired job.
pub(crate) fn check_expiry(job: &Job) -> Outcome {
    let is_over = now() >= job.expiry;
    let expired = || {
        Failure::coded(ErrorCode::Expired, "cannot sign this job").why("the job has expired").help(EXPIRED)
    };
    if is_over { Err(expired()) } else { Ok(()) }
}

/// The job with all its approvals, also if it has expired: results that were finished in time can still be
/// fetched.
pub(crate) fn load_agreement(path: &Path, job: Job) -> Outcome<Agreement> {
    let all = signed_so_far(path, &job)?;
    let (folder, id) = (approvals(path), job.id());
    Agreement::regardless_of_expiry(job, &all).map_err(|e| {
        Failure::refused("cannot run this job").why(e).help(format!(
            "each party signs with `sotto mpc sign`; collect all approvals in {}; all parties need the same job {}",
            folder.display(),
            id
        ))
    })
}

/// The approvals of a job's parties that are beside it, not verified.
pub(crate) fn signed_so_far(path: &Path, job: &Job) -> Outcome<Vec<Approval>> {
    let folder = approvals(path);
    let mut all = bundled(&folder, job)?;
    for party in &job.parties {
        let file = folder.join(format!("{}.approval", party.name));
        if !file.exists() {
            continue;
        }
        let help =
            format!("ask {} for the file that `sotto mpc sign` wrote, and replace this one", party.name);
        let approval = Approval::from_text(&read_small(&file, &help)?);
        let bad =
            || Failure::refused(format!("{} is not an approval of a job", file.display())).help(help.clone());
        let approval = approval.ok_or_else(bad)?;
        all.retain(|bundled| bundled.party != approval.party);
        all.push(approval);
    }
    Ok(all)
}

/// The approvals of the file `bundle.approval`, one a line, which one person collected for all. A file of a party's
/// own counts instead of its line.
fn bundled(folder: &Path, job: &Job) -> Outcome<Vec<Approval>> {
    let file = folder.join("bundle.approval");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let help = "make it again: `cat *.approval > bundle.approval` in the folder of all approvals";
    let bad = || Failure::refused(format!("{} is not a list of approvals", file.display())).help(help);
    let text = read_small(&file, help)?;
    let approvals: Option<Vec<_>> = text.lines().map(Approval::from_text).collect();
    let mut approvals = approvals.ok_or_else(bad)?;
    approvals.retain(|approval| job.ids().any(|id| id == approval.party));
    Ok(approvals)
}

/// The folder of a party's budget and runs.
pub(crate) fn home(context: &Context, identity: &Identity) -> PathBuf {
    context.config.dir.value.join("jobs").join(Digest(identity.public().digest()).to_string())
}

/// Writes a file for other parties beside the job.
///
/// An approval replaces an earlier approval of the same party; nothing else is replaced.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).or_refuse(format!("{} cannot be made", folder.display()))?;
    }
    let existing = Existing::Own(|bytes| {
        core::str::from_utf8(bytes).is_ok_and(|text| Approval::from_text(text).is_some())
    });
    NewFile { path, readers: Readers::Anybody, existing }.write_all(text.as_bytes())
}

/// Writes a file of a party's result, readable only by its owner, into a folder that no other user can change.
///
/// The result of a run that is repeated has the same bytes; any other file stays.
pub(crate) fn write_result(path: &Path, bytes: &[u8]) -> Outcome {
    let help = "free some space or pass another --out, then run the same command again; the result is kept and will be written then";
    if let Some(folder) = path.parent() {
        secret::make_folder(folder).map_err(|failed| failed.help(help))?;
        let mode = fs::metadata(folder).map_or(0, |folder| folder.permissions().mode());
        if mode & 0o022 != 0 {
            return Err(Failure::refused(format!("results are not written to {}", folder.display()))
                .why("other users can write to this folder")
                .help(format!("run `chmod go-w {}`, or pass another --out, then run the same command again; the result is kept", folder.display())));
        }
    }
    let file = NewFile { path, readers: Readers::Owner, existing: Existing::Same };
    file.write_all(bytes).map_err(|failed| failed.help(help))
}

/// The party with this name.
pub(crate) fn find_name(job: &Job, name: &str) -> Outcome<PartyId> {
    let names: Vec<_> = job.parties.iter().map(|party| party.name.as_str()).collect();
    job.find(name).ok_or_else(|| {
        Failure::refused(format!("the job has no party named {name}"))
            .help(format!("its parties are {}", names.join(", ")))
    })
}

/// The party with this name; refuses a key of another party.
pub(crate) fn find(job: &Job, name: &str, identity: &Identity) -> Outcome<PartyId> {
    let us = find_name(job, name)?;
    if job.party(us).key != identity.public() {
        return Err(Failure::refused(format!("this is not the key of {name}"))
            .why(format!(
                "its fingerprint is {}, but the job has {}",
                identity.public().fingerprint(),
                job.party(us).key.fingerprint()
            ))
            .help("pass the right --as and --key"));
    }
    Ok(us)
}

/// A rendezvous server, from its key file and address.
pub(crate) fn read_rendezvous(text: &str) -> Outcome<RendezvousServer> {
    let usage = |why: &dyn std::fmt::Display| {
        Failure::new(Code::Usage, format!("invalid rendezvous server `{text}`"))
            .why(why)
            .help("write server.pub@host:port")
    };
    let (file, address) = text.rsplit_once('@').ok_or_else(|| usage(&"it has no `@`"))?;
    if file.starts_with("sotto-") {
        return Err(usage(&"it begins with a key instead of the name of a key file"));
    }
    let address = Line::new(address).map_err(|e| usage(&e))?;
    Ok(RendezvousServer { address, key: read_public(Path::new(file))? })
}

/// The failure where evidence is not accepted.
pub(crate) fn evidence_failure(e: &EvidenceError, what: &str) -> Failure {
    let coded = |code, help: &str| Failure::coded(code, what).why(e).help(help);
    match e {
        EvidenceError::Device(_) => coded(
            ErrorCode::NoHardware,
            "run it on the platform that the job's policy names; to try the steps: --software HASH",
        ),
        EvidenceError::Policy(_) => {
            coded(ErrorCode::InvalidPolicy, "ask the author of the job for the policy files that it names")
        }
        EvidenceError::Revoked => coded(ErrorCode::InvalidPolicy, "correct revoked.toml; nothing was sent"),
        _ => coded(
            ErrorCode::EvidenceRefused,
            "nothing secret was sent; docs/ATTESTATION.md explains the reasons; collateral is given with --collateral NAME=FILE",
        ),
    }
}

/// The failure of a run, or of anything else that needs the other parties.
pub(crate) fn run_failure(e: &RunError, what: &str) -> Failure {
    match e {
        RunError::Debit(e) => return debit_failure(e, what),
        RunError::Evidence(e) | RunError::Attempt(AttemptError::Evidence(e)) => {
            return evidence_failure(e, what);
        }
        _ => {}
    }
    let code = if e.is_unreachable() { Code::Unreachable } else { Code::Refused };
    let failed = Failure::new(code, what).why(e);
    match e {
        RunError::Link { why: LinkError::Altered, .. }
        | RunError::Attempt(AttemptError::Channel(ChannelError::Altered { .. })) => failed.help(
            "someone on the network alters the data, perhaps the rendezvous server; nothing was disclosed; take another route and run the same command again",
        ),
        RunError::Link { why: LinkError::NotAccepted, .. } => failed.help(
            "the operator of the rendezvous server has to allow your .pub file; without such a server, the other side's job names another key for you",
        ),
        RunError::WrongKey { .. } => failed.help(
            "nothing was disclosed; ask for the fingerprint of the right key, and pass its .pub file with --rendezvous or correct the job",
        ),
        RunError::Listen { .. } => failed.help("end the process that uses the port, or pass another address with --listen HOST:PORT"),
        RunError::Expired => failed.help(EXPIRED),
        RunError::Late(_) | RunError::Link { .. } => failed
            .help("nothing is lost; ask the parties named above to run their part, then run the same command again"),
        RunError::Storage(_) => failed.help("free some space, then run the same command again"),
        RunError::Input(_) => failed.help("pass the same rows as in the first attempt, or the next number with --run"),
        RunError::Attempt(e) if e.is_passing() => failed.help("run the same command again at both compute parties"),
        RunError::Attempt(AttemptError::TooLong(_)) => failed.help(
            "no result was disclosed; agree on a job with more `limits.seconds`; `sotto mpc quote --measure` estimates how many it needs",
        ),
        RunError::Attempt(AttemptError::Approval(name)) => failed.help(format!(
            "put the same file {name}.approval into the approvals of all parties, then run the same command again"
        )),
        RunError::Refused { by, .. } => {
            failed.help(format!("look at the error message of {by}; when the cause is fixed, run the same command again"))
        }
        RunError::Stopped(_) => failed.help(
            "when the cause is fixed, run the same command again; if no attempt is left, all parties pass the next number with --run",
        ),
        RunError::Disagree(_) | RunError::Receipt(_) | RunError::OutputShare(_) => failed.help(
            "keep all files and ask both compute parties: one of them delivers something else than it signed",
        ),
        RunError::NotCollected(_) => failed.help("nothing is lost; run the same command again when they run theirs"),
        RunError::Attempt(AttemptError::Exhausted(_) | AttemptError::Opened) => failed.help(
            "ask who broke off, and why; all parties have to pass the next number with --run, or agree on a new job",
        ),
        RunError::Unpaid(_) => failed.help("nothing of yours left; ask the buyer, and run the same command again"),
        RunError::Unsettled(_) => failed.help("money that is not claimed returns to its payer: `sotto wallet hold status` shows it"),
        RunError::Lost => failed.help("all parties have to pass the next number with --run"),
        _ => failed.help("nothing was disclosed; compare the job's id (`sotto mpc check`) and the version of sotto with the other parties"),
    }
}
