//! `sotto mpc bundle` and `collect`: a job, its files and the approvals so far as one file, and out of it again.

use super::job::{approvals, invalid_job, load, read_beside, signed_so_far, write};
use crate::{
    Context, args,
    bridge::read_text,
    exit::{Failure, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use serde_json::json;
use sotto_jobs::bundle_file::{Bundle, JOB_FILE, MAX_BUNDLE};
use sotto_jobs::job_file;
use sotto_jobs::line_error::LineError;
use sotto_jobs::{Approval, Job};
use std::{collections::BTreeMap, fs, path::Path};

pub(crate) fn bundle(context: &Context, a: &args::MpcBundle) -> Outcome {
    let out = a.out.as_deref().filter(|path| *path != Path::new("-"));
    let file = out.map(|path| NewFile::public(path, a.force, &context.config));
    file.map_or(Ok(()), |file| file.check())?;
    let (job, _) = load(&a.job)?;
    let text = read_text(&a.job, job_file::MAX_FILE)?;
    let mut read = read_beside(&a.job);
    let mut files = BTreeMap::new();
    for name in named(&text).map_err(|e| invalid_job(&a.job, &[e]))? {
        let content = read(&name).map_err(|e| Failure::refused(format!("{name} cannot be read")).why(e))?;
        files.insert(name, content);
    }
    let approvals = signed_so_far(&a.job, &job)?;
    let (signed, missing) = state(&job, &approvals);
    let bundle = Bundle { job: text, files, approvals }.to_text();
    // What cannot be taken apart again is not sent to anybody.
    Bundle::from_text(&bundle).map_err(|e| {
        Failure::refused("this job cannot be bundled").why(e).help("rename its files to a-z, 0-9, - and _")
    })?;
    let Some(file) = file else { return context.output.line(&bundle) };
    file.write_all((bundle + "\n").as_bytes())?;
    let human = format!(
        "{}: the job, its files, and the approvals of {}{missing}",
        file.path.display(),
        names(&signed)
    );
    let fields =
        json!({ "file": file.path.display().to_string(), "job": job.id().to_string(), "signed": signed });
    context.output.record("mpc-bundle", fields, &human)
}

pub(crate) fn collect(context: &Context, a: &args::MpcCollect) -> Outcome {
    let bundles = a.file.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    let path = a.into.join(JOB_FILE);
    for (bundle, file) in bundles.iter().zip(&a.file) {
        unpack(bundle, &a.into, &path)
            .map_err(|e| e.help(format!("compare {} with what its sender has", file.display())))?;
    }
    let (job, _) = load(&path)?;
    // All are verified before the first is written.
    for (bundle, file) in bundles.iter().zip(&a.file) {
        bundle.approvals.iter().try_for_each(|approval| approval.check(&job)).map_err(|e| {
            Failure::refused(format!("an approval in {} is not one of this job", file.display()))
                .why(e)
                .help("no approval was taken over; ask its sender for another")
        })?;
    }
    let mut known = signed_so_far(&path, &job)?;
    known.retain(|approval| approval.check(&job).is_ok());
    let mut added = Vec::new();
    for approval in bundles.into_iter().flat_map(|bundle| bundle.approvals) {
        if known.iter().any(|here| here.party == approval.party) {
            continue;
        }
        let name = job.party(approval.party).name.as_str();
        write(&approvals(&path).join(format!("{name}.approval")), &approval.to_text())?;
        added.push(name);
        known.push(approval);
    }
    let (signed, missing) = state(&job, &known);
    let next = if signed.len() < job.parties.len() {
        format!(
            "check your rows with `sotto mpc check {0} --as NAME --input FILE`, then `sotto mpc sign {0} --key NAME.key`",
            path.display()
        )
    } else {
        let at = "at every party";
        let run = format!("`sotto mpc run {} --as NAME --key NAME.key --input FILE`", path.display());
        job.sale.as_ref().map_or_else(
            || format!("{run}, {at}"),
            |sale| {
                let buyer = job.party(sale.buyer).name.as_str();
                format!("{run}, {at} but {buyer}, with --wallet where it is paid; {buyer} pays with `sotto mpc buy`")
            },
        )
    };
    let human = format!("{}: signed by {}{missing}\nNext: {next}", path.display(), names(&signed));
    let fields = json!({ "job": job.id().to_string(), "file": path.display().to_string(), "added": added, "signed": signed });
    context.output.record("mpc-collected", fields, &human)
}

/// Who signed, and in words who did not.
fn state(job: &Job, approvals: &[Approval]) -> (Vec<String>, String) {
    let has = |id| approvals.iter().any(|approval| approval.party == id);
    let (signed, missing): (Vec<_>, Vec<_>) = job.ids().partition(|id| has(*id));
    let named = |ids: Vec<_>| ids.into_iter().map(|id| job.party(id).name.to_string()).collect::<Vec<_>>();
    let missing = named(missing);
    let words = if missing.is_empty() {
        "; nobody is missing".to_owned()
    } else {
        format!("; missing: {}", missing.join(", "))
    };
    (named(signed), words)
}

fn names(signed: &[String]) -> String {
    if signed.is_empty() { "nobody yet".to_owned() } else { signed.join(", ") }
}

fn read(path: &Path) -> Outcome<Bundle> {
    Bundle::from_text(&read_text(path, MAX_BUNDLE)?).map_err(|e| {
        Failure::refused(format!("{} is not a bundle", path.display()))
            .why(e)
            .help("`sotto mpc bundle job.toml --out FILE` makes one")
    })
}

/// Writes the files of a bundle where there are none; those that are there must be the same. It brings those that its
/// job names and no others: a folder with rows, for instance, gets no rows from a stranger.
fn unpack(bundle: &Bundle, folder: &Path, job: &Path) -> Outcome {
    let named = named(&bundle.job).map_err(|e| invalid_job(job, &[e]))?;
    if let Some(other) = bundle.files.keys().find(|name| !named.contains(name)) {
        return Err(Failure::refused(format!("the job does not name the file {other} of its bundle")));
    }
    let files = bundle.files.iter().map(|(name, text)| (folder.join(name), text));
    let all: Vec<_> = [(job.to_owned(), &bundle.job)].into_iter().chain(files).collect();
    let new = |path| NewFile { path, readers: Readers::Anybody, existing: Existing::Same };
    for (path, text) in &all {
        let differs = path.exists() && fs::read(path).is_ok_and(|here| here != text.as_bytes());
        if differs {
            return Err(Failure::refused(format!("{} is there and is another one", path.display())));
        }
    }
    for (path, text) in &all {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        new(path).write_all(text.as_bytes())?;
    }
    Ok(())
}

/// The files that a job names.
fn named(text: &str) -> Result<Vec<String>, LineError> {
    let table: toml::Table =
        toml::from_str(text).map_err(|e| LineError { line: 1, what: e.message().to_owned() })?;
    let mut named = Vec::new();
    let mut add = |value: Option<&toml::Value>| {
        let file = value.and_then(toml::Value::as_str).filter(|file| !file.starts_with("sotto-party-1:"));
        named.extend(file.map(str::to_owned));
    };
    let program = table.get("program");
    ["garble", "bristol"].into_iter().for_each(|kind| add(program.and_then(|program| program.get(kind))));
    for party in table.get("party").and_then(toml::Value::as_array).into_iter().flatten() {
        add(party.get("key"));
        add(party.get("evidence"));
        add(party.get("rendezvous_server").and_then(|server| server.get("key")));
    }
    let payees = table.get("sale").and_then(|sale| sale.get("payee")).and_then(toml::Value::as_array);
    payees.into_iter().flatten().for_each(|payee| add(payee.get("offer")));
    // Parties may share a policy.
    named.sort_unstable();
    named.dedup();
    Ok(named)
}
