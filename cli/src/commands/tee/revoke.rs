//! `sotto tee policy revoke`: what is not trusted any more, and what rests on it.

use crate::{
    Context, args,
    bridge::read_text,
    evidence_files::{read_bytes, read_revoked, revoked_in, write_revoked},
    exit::{Code, ErrorCode, Failure, Outcome},
    local_time::local_time,
};
use serde_json::{Value, json};
use sotto_jobs::receipt_file::{self, SignedReceipt};
use sotto_tee::bundle::MAX_BUNDLE;
use sotto_tee::{Bundle, Revocable, Roots};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Most files that are looked at.
const MAX_FILES: usize = 10_000;
/// How far below the folder files are looked at: `job.results/NAME-RUN/receipt.json`, one folder more.
const MAX_DEPTH: usize = 3;

pub(super) fn revoke(context: &Context, a: &args::TeePolicyRevoke) -> Outcome {
    let entry = entry(&a.what)?;
    let mut revoked = read_revoked(&a.policies)?;
    let is_new = revoked.insert(entry.clone());
    let found = leaning(&a.policies, &entry)?;
    if is_new && !a.dry_run {
        write_revoked(&a.policies, &revoked)?;
    }
    let path = revoked_in(&a.policies).display().to_string();
    let mut human = match (is_new, a.dry_run) {
        (false, _) => format!("{entry} is revoked already, in {path}\n"),
        (true, true) => format!("{entry} would be revoked in {path}; nothing was written\n"),
        (true, false) => format!("{entry} is revoked in {path}\n"),
    };
    if found.is_empty() {
        let _ = writeln!(human, "no bundle or receipt in {} rests on it", a.policies.display());
    }
    found.iter().for_each(|found| human.push_str(&found.line()));
    human.push_str(
        "Only bundles and receipts in this folder and below it were looked at. Parties whose enrolment rests on it need new \
         keys; `sotto mpc sign` and `run` refuse jobs that are open, which must be agreed on again.",
    );
    let parties: BTreeSet<String> =
        found.iter().map(|found| found.bundle.binding.party.to_string()).collect();
    let records =
        |of: fn(&Leaning) -> bool| found.iter().filter(|f| of(f)).map(Leaning::record).collect::<Vec<_>>();
    let fields = json!({ "entry": entry.to_string(), "file": path, "new": is_new, "written": is_new && !a.dry_run,
                         "bundles": records(|found| found.statement.is_none()),
                         "receipts": records(|found| found.statement.is_some()), "parties": parties });
    context.output.record("tee-revocation", fields, &human)
}

fn entry(what: &args::TeeRevocable) -> Outcome<Revocable> {
    let read = [
        (
            what.platform.as_deref().map(Revocable::platform),
            "a platform has 64 lower-case hexadecimal digits",
        ),
        (
            what.measurement.as_deref().map(Revocable::measurement),
            "a measurement has 4 to 128 hexadecimal digits",
        ),
        (what.advisory.as_deref().map(Revocable::advisory), "an advisory has letters, digits and dashes"),
    ];
    let given = read.into_iter().find_map(|(entry, why)| entry.map(|entry| (entry, why)));
    let (entry, why) = given.ok_or_else(|| Failure::new(Code::Usage, "nothing to revoke"))?;
    entry.ok_or_else(|| Failure::new(Code::Usage, "this cannot be revoked").why(why))
}

/// Evidence that rests on what is revoked.
struct Leaning {
    file: PathBuf,
    bundle: Bundle,
    /// If it stands behind a statement in a receipt: whose, and which run of which job.
    statement: Option<Statement>,
}

struct Statement {
    name: String,
    job: String,
    run: u32,
}

impl Leaning {
    fn line(&self) -> String {
        let Self { file, bundle, statement } = self;
        let (file, when) = (file.display(), local_time(bundle.time));
        let party = bundle.binding.party;
        match statement {
            None => {
                format!("rests on it: {file}, {} of party {party}, {when}\n", bundle.binding.purpose.name())
            }
            Some(Statement { name, job, run }) => {
                format!(
                    "rests on it: {file}, statement of {name} ({party}) on run {run} of job {job}, {when}\n"
                )
            }
        }
    }

    fn record(&self) -> Value {
        let Self { file, bundle, statement } = self;
        let mut record = json!({ "file": file.display().to_string(), "purpose": bundle.binding.purpose.name(),
                    "party": bundle.binding.party.to_string(), "evidence": bundle.evidence.name().to_string(),
                    "at": bundle.time });
        if let (Some(Statement { name, job, run }), Some(members)) = (statement, record.as_object_mut()) {
            members.insert("name".to_owned(), name.as_str().into());
            members.insert("job".to_owned(), job.as_str().into());
            members.insert("run".to_owned(), (*run).into());
        }
        record
    }
}

/// The bundles and receipts below a folder whose evidence rests on `entry`. What does not verify rests on nothing.
fn leaning(folder: &Path, entry: &Revocable) -> Outcome<Vec<Leaning>> {
    let mut files = Vec::new();
    list(folder, MAX_DEPTH, &mut files).map_err(|e| {
        Failure::coded(ErrorCode::CannotRead, format!("cannot read {}", folder.display())).why(e)
    })?;
    files.sort_unstable();
    let roots = Roots::vendors();
    let rests = |found: &Leaning| found.bundle.claims(&roots).is_ok_and(|claims| entry.is_in(&claims));
    Ok(files.into_iter().flat_map(shown).filter(rests).collect())
}

/// The files in a folder and below it, up to a number of them; links are not followed, and a folder below that cannot be
/// read is left out.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_file() && files.len() < MAX_FILES {
            files.push(entry.path());
        } else if kind.is_dir() && depth > 0 {
            let _ = list(&entry.path(), depth - 1, files);
        }
    }
    Ok(())
}

/// The evidence in a file, if it is a bundle or a receipt.
fn shown(file: PathBuf) -> Vec<Leaning> {
    if file.extension().is_some_and(|end| end == "json") {
        return receipt(&file).unwrap_or_default();
    }
    let bundle = || {
        if !Bundle::begins(&read_bytes(&file, 64).ok()?) {
            return None;
        }
        Bundle::decode(&read_bytes(&file, MAX_BUNDLE).ok()?).ok()
    };
    bundle().map(|bundle| Leaning { file, bundle, statement: None }).into_iter().collect()
}

/// The evidence behind the statements of a receipt.
fn receipt(file: &Path) -> Option<Vec<Leaning>> {
    let text = read_text(file, receipt_file::MAX_FILE).ok()?;
    if !text.contains("\"receipt_bytes\"") {
        return None;
    }
    let SignedReceipt { job, receipt } = receipt_file::read(&text).ok()?;
    let statements = receipt.statements_of(&job);
    let leaning = statements.into_iter().filter_map(|(party, statement)| {
        let name = job.party(party).name.to_string();
        let statement_of = Statement { name, job: job.id().to_string(), run: receipt.facts.run };
        let bundle = statement.vouched()?.bundle().clone();
        Some(Leaning { file: file.to_owned(), bundle, statement: Some(statement_of) })
    });
    Some(leaning.collect())
}
