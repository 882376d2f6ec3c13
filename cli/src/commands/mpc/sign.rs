//! `sotto mpc keygen`, `check` and `sign`.

use super::evidence::Files;
use super::job::{
    approvals, check_expiry, check_policy, find_name, home, load, load_to_check, open_home, read_identity,
    read_policy, write,
};
use super::run::Mine;
use super::sale::Offers;
use crate::{
    Context, args,
    bridge::now,
    exit::{Failure, OrRefuse as _, Outcome},
    new_file,
    output::merge,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_jobs::disclosure::Declared;
use sotto_jobs::exposure;
use sotto_jobs::policy_file::bind;
use sotto_jobs::reading;
use sotto_jobs::summary::describe;
use sotto_jobs::{Approval, Digest, Job};
use sotto_party::Identity;
use std::path::{Path, PathBuf};

pub(crate) fn keygen(context: &Context, a: &args::MpcKeygen) -> Outcome {
    let [key, shown] = ["key", "pub"].map(|end| with_end(&a.name, end));
    if shown.try_exists().unwrap_or(true) {
        return Err(Failure::refused(format!("{} exists already", shown.display())).help(
            "choose another name, or delete the old files if no job uses them; a key is never overwritten",
        ));
    }
    // If there is a secret key without a public file, the public file was lost or could not be written: write
    // it again.
    let is_new = !key.try_exists().unwrap_or(true);
    let identity = if is_new { Identity::random(&mut OsRng) } else { read_identity(&key)? };
    let public = identity.public();
    if is_new {
        new_file::write_secret(&key, &identity.to_secret_text())?;
    }
    write(&shown, &format!("{}\n", public.to_text()))?;
    let fingerprint = public.fingerprint();
    let human = format!(
        "secret key   {}   ({}keep it secret)\npublic key   {}   (for the author of the job)\nfingerprint  {fingerprint}",
        key.display(),
        if is_new { "" } else { "it existed already; " },
        shown.display()
    );
    let fields = json!({ "secret": key.display().to_string(), "public": shown.display().to_string(),
                         "fingerprint": fingerprint });
    context.output.record("mpc-key", fields, &human)
}

/// Appends an ending to a path; a dot in the name is not an ending.
fn with_end(name: &Path, end: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

pub(crate) fn check(context: &Context, a: &args::MpcCheck) -> Outcome {
    let (job, program, missing) = load_to_check(&a.job)?;
    let id = if missing.is_empty() { json!(job.id().to_string()) } else { json!(null) };
    if let Some(name) = &a.name {
        let us = find_name(&job, name)?;
        let forms = Mine { job: &job, us, program: &program, form: a.form }.check(&a.input)?;
        let files: Vec<_> = a.input.iter().map(|path| path.display().to_string()).collect();
        let fields = json!({ "job": id, "party": name, "input": files, "read_as": forms });
        let human = format!(
            "{}: every row fits the job. It was read as {}. Nothing was sent.",
            files.join(", "),
            forms.join("; ")
        );
        return context.output.record("mpc-input", fields, &human);
    }
    let is_over = now() >= job.expiry;
    let over = "\nThis job has expired: it can no longer be signed or started. Agree on a new one.\n";
    let most = exposure::describe(&job, &program);
    let read = reading::describe(&job, &program);
    let read = if read.is_empty() { read } else { format!("\n{read}") };
    let mut human = missing.hide(&job, &format!("{}\n{most}{read}", describe(&job, None)))
        + if is_over { over } else { "" };
    if !missing.is_empty() {
        let files = missing.files().join(", ");
        human += &format!(
            "\nThe job has no id yet: its key files are not beside it: {files}.\nEach party makes its own with `sotto mpc keygen NAME`; all else was checked.\n"
        );
    }
    let added = json!({ "job": id, "expired": is_over, "missing_keys": missing.files(),
                        "reading": reading::records(&job, &program), "without_minimum": exposure::ungrouped(&job, &program) });
    let shown = serde_json::from_str(&missing.hide(&job, &fields(&job).to_string()));
    let shown = shown.or_refuse("cannot show the job")?;
    context.output.record("mpc-job", merge(shown, added), &human)
}

pub(crate) fn run(context: &Context, a: &args::MpcSign) -> Outcome {
    let ((job, program), identity) = (load(&a.job)?, read_identity(&a.key)?);
    let home = home(context, &identity);
    let policy = read_policy(a.policy.as_ref(), &home)?;
    let us = job.find_key(&identity.public().signing_bytes()).ok_or_else(|| {
        Failure::refused("no party of the job has this key")
            .why(format!("its fingerprint is {}", identity.public().fingerprint()))
            .help("pass the right --key, or ask the author to name your .pub file in the job")
    })?;
    check_expiry(&job)?;
    check_policy(policy.as_ref(), &job, us)?;
    let offers = Offers::read(&a.job, &job)?;
    let enrolled = check_enrolments(context, a, &job, &home)?;
    let most = exposure::describe(&job, &program);
    let (job_words, prices) = (describe(&job, Some(us)), offers.words(&job));
    let plan = format!("{job_words}\n{most}{prices}\n{enrolled}You sign as {}.", job.party(us).name);
    if a.dry_run {
        let fields =
            json!({ "job": job.id().to_string(), "party": job.party(us).name.as_str(), "summary": plan });
        return context.output.record("mpc-plan", fields, &format!("{plan}\nNothing was signed."));
    }
    context.ui.confirm(&plan, a.yes)?;
    if let Some(policy) = &policy {
        let bound = open_home(&home).and_then(|mut folder| bind(&mut folder, &job, policy));
        bound.or_refuse("cannot remember the policy")?;
    }
    offers.use_own(&home, &job, us)?;
    let approval = Approval::sign(&job, &identity, &mut OsRng).or_refuse("cannot sign the job")?;
    let file = approvals(&a.job).join(format!("{}.approval", job.party(us).name));
    write(&file, &approval.to_text())?;
    let fields = json!({ "job": job.id().to_string(), "party": job.party(us).name.as_str(),
                         "approval": file.display().to_string() });
    let human = format!(
        "signed: {}\nNext: send this file to the other parties, or all that is signed so far: `sotto mpc bundle {} --out FILE`",
        file.display(),
        a.job.display()
    );
    context.output.record("mpc-approval", fields, &human)
}

/// Refuses a job whose parties' keys were not made in the code that it asks for; in words, what was found.
fn check_enrolments(context: &Context, a: &args::MpcSign, job: &Job, home: &Path) -> Outcome<String> {
    let Some(files) = Files::read(context, (&a.job, job), home, &a.collateral)? else {
        return Ok(String::new());
    };
    let revoked = files.revoked();
    let appraiser = files.appraiser(job, &revoked)?;
    let words = files.check_enrolments(job, &appraiser)?;
    if !a.dry_run {
        files.remember(&appraiser)?;
    }
    Ok(words + "\n")
}

/// The record of a job.
fn fields(job: &Job) -> serde_json::Value {
    let parties = job.parties.iter().map(|p| {
        json!({ "name": p.name.as_str(), "fingerprint": p.key.fingerprint(),
                                                          "key": Digest(p.key.digest()).to_string() })
    });
    let evidence = job.attestation.demands.iter().map(|demand| {
        json!({ "party": job.party(demand.party).name.as_str(), "policy": demand.policy.to_string() })
    });
    let schemas = job.inputs.iter().map(|input| {
        let owner = job.party(input.party).name.as_str();
        json!({ "party": owner, "schema": job.schema_of(input.party).to_string() })
    });
    json!({
        "job": job.id().to_string(), "name": job.name.as_str(), "purpose": job.purpose.as_str(),
        "program": job.program.name.to_string(), "circuit": job.program.circuit.to_string(),
        "and_gates": job.program.and_gates, "expiry": job.expiry, "maximum_runs": job.runs,
        "disclosure": job.declared().map(Declared::record),
        "evidence": evidence.collect::<Vec<_>>(), "diverse": job.attestation.diverse,
        "inputs": schemas.collect::<Vec<_>>(), "parties": parties.collect::<Vec<_>>(), "summary": describe(job, None),
    })
}
