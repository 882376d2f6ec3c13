//! `sotto mpc keygen`, `check` and `sign`: who one is, what a job means, and agreeing to it.

use super::job::{allow, consents, load, read_identity, read_policy, write};
use crate::{
    Context, args,
    exit::{Context as _, Failure, Outcome},
    secret,
};
use mpc::job::{Consent, Identity, Job, words::describe};
use rand_core::OsRng;
use serde_json::json;

pub(super) fn keygen(context: &Context, a: &args::MpcKeygen) -> Outcome {
    let identity = Identity::random(&mut OsRng);
    let public = identity.public();
    let (key, shown) = (a.name.with_extension("key"), a.name.with_extension("pub"));
    secret::write_new(&key, &identity.to_secret_text())?;
    write(&shown, &format!("{}\n", public.to_text()))?;
    let fingerprint = public.fingerprint();
    let human = format!(
        "Secret  {}   (keep it, and nobody else)\nPublic  {}   (for whoever writes the job)\nFingerprint  {fingerprint}",
        key.display(),
        shown.display()
    );
    let fields = json!({ "secret": key.display().to_string(), "public": shown.display().to_string(),
                         "fingerprint": fingerprint });
    context.output.record("mpc-key", fields, &human)
}

pub(super) fn check(context: &Context, a: &args::MpcCheck) -> Outcome {
    let (job, _) = load(&a.job)?;
    context.output.record("mpc-job", fields(&job), &describe(&job, None))
}

pub(super) fn run(context: &Context, a: &args::MpcSign) -> Outcome {
    let ((job, _), identity) = (load(&a.job)?, read_identity(&a.key)?);
    let policy = read_policy(a.policy.as_ref())?;
    let us = job.find_key(&identity.public().signing_bytes()).ok_or_else(|| {
        Failure::refused("this key is that of no party of the job")
            .why(format!("its fingerprint is {}", identity.public().fingerprint()))
            .advice("Give the right --key, or have the job name your .pub file.")
    })?;
    allow(policy.as_ref(), &job, us)?;
    let plan = format!("{}\nYou sign as {}.", describe(&job, Some(us)), job.party(us).name);
    context.ui.confirm(&plan, a.yes)?;
    let consent = Consent::sign(&job, &identity, &mut OsRng).or_refuse("the job cannot be signed")?;
    let file = consents(&a.job).join(format!("{}.consent", job.party(us).name));
    write(&file, &consent.to_text())?;
    let fields = json!({ "job": job.id().to_string(), "party": job.party(us).name.as_str(),
                         "consent": file.display().to_string() });
    context.output.record("mpc-consent", fields, &format!("Signed: {}", file.display()))
}

/// A job's record.
fn fields(job: &Job) -> serde_json::Value {
    let parties = job.parties.iter().map(|p| json!({ "name": p.name.as_str(), "key": p.key.fingerprint() }));
    json!({
        "job": job.id().to_string(), "name": job.name.as_str(), "purpose": job.purpose.as_str(),
        "program": job.program.name.to_string(), "circuit": job.program.circuit.to_string(),
        "and_gates": job.program.and_gates, "expiry": job.expiry, "maximum_runs": job.runs,
        "parties": parties.collect::<Vec<_>>(), "words": describe(job, None),
    })
}
