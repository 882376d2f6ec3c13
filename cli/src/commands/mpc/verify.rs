//! `sotto mpc verify`: verifies a receipt offline.

use crate::{
    Context, args,
    bridge::read_text,
    evidence_files::{folder_of, time},
    exit::{Code, ErrorCode, Failure, Outcome},
    local_time::local_time,
    output::merge,
};
use serde_json::{Value, json};
use sotto_jobs::disclosure::Declared;
use sotto_jobs::receipt_file::{MAX_FILE, MAX_RESULT, SignedReceipt, read, read_result, render};
use sotto_jobs::{PartyId, Receipt};
use sotto_tee::bundle::{NoVerdict, Today};
use sotto_tee::{Collateral, Roots, Seen};
use std::{fmt::Write as _, path::Path};

use super::evidence::{read_all_collateral, read_all_revoked};
use super::job::load;

const MEANING: &str = "\
It shows that both compute parties state, under the keys above, that they ran this circuit of this job once, on the
inputs that the input parties committed to, that they saw the same control, transfer and output messages, and that they
delivered the output shares named in the receipt.
It does not show that they computed correctly, that the inputs were true, or that no parties colluded: it is evidence,
not proof. The garbled tables are not part of its transcript; the encrypted channel protects them. Compare the
fingerprints with those that you know.";

pub(crate) fn run(context: &Context, a: &args::MpcVerify) -> Outcome {
    let signed = read(&read_text(&a.receipt, MAX_FILE)?).map_err(|e| {
        Failure::refused("invalid receipt")
            .why(e)
            .help("ask another party for its copy: all parties have the same receipt")
    })?;
    let SignedReceipt { job, receipt } = &signed;
    let facts = &receipt.facts;
    let mut human = format!("valid: run {} of \"{}\", job {}\n", facts.run, job.name, job.id());
    let _ = writeln!(
        human,
        "program {}, circuit {}, {} AND gates",
        job.program.name, facts.circuit, facts.and_gates
    );
    for line in job.declared().map(Declared::lines).unwrap_or_default() {
        let _ = writeln!(human, "result: {line}");
    }
    for (computer, statement) in receipt.statements_of(job) {
        let party = job.party(computer);
        let (took, sent) = (statement.finished.saturating_sub(statement.started), statement.sent);
        let _ = writeln!(
            human,
            "signed by {} ({}): {took} s, {sent} bytes sent",
            party.name,
            party.key.fingerprint()
        );
    }
    let mut record = render(job, receipt);
    let attested = attested(context, a, &signed)?;
    attested.iter().for_each(|(words, _)| human.push_str(words));
    if !attested.is_empty() {
        let verdicts: Vec<_> = attested.into_iter().map(|(_, verdict)| verdict).collect();
        record = merge(record, json!({ "verdicts": verdicts }));
    }
    if let (Some(result), Some(of)) = (&a.result, &a.job) {
        let receiver = job.party(check_result(result, of, &signed)?).name.as_str();
        let _ = writeln!(human, "the result is that of {receiver}, and both compute parties signed it");
        record = merge(record, json!({ "result_of": receiver }));
    }
    human.push_str(Receipt::shows(job).unwrap_or(MEANING));
    context.output.record("mpc-receipt", record, &human)
}

/// The result party of a result that both compute parties signed.
fn check_result(result: &Path, of: &Path, signed: &SignedReceipt) -> Outcome<PartyId> {
    let bad = |why: &dyn std::fmt::Display| {
        let help = "ask the source of the result for the receipt and the job of the same run";
        Failure::refused("invalid result").why(why).help(help)
    };
    let (here, program) = load(of)?;
    if here.id() != signed.job.id() {
        return Err(bad(&"the receipt belongs to another job"));
    }
    read_result(&read_text(result, MAX_RESULT)?, &program, signed).map_err(|e| bad(&e))
}

/// What held of the evidence behind each statement, and what holds at the time that was asked for.
fn attested(
    context: &Context,
    a: &args::MpcVerify,
    SignedReceipt { job, receipt }: &SignedReceipt,
) -> Outcome<Vec<(String, Value)>> {
    let (roots, seen) = (Roots::vendors(), Seen::default());
    let at = a.at.as_deref().map(time).transpose()?;
    let collateral = read_all_collateral(job, &a.collateral)?;
    let folders = [context.config.dir.value.clone(), folder_of(&a.receipt).to_owned()];
    let revoked = read_all_revoked(&folders)?;
    let mut all = Vec::new();
    for (computer, statement) in receipt.statements_of(job) {
        let Some(vouched) = statement.vouched() else { continue };
        let (name, bundle) = (job.party(computer).name.as_str(), vouched.bundle());
        let not = |when: &str| format!("the evidence behind the statement of {name} does not hold {when}");
        let then = bundle.verdict_then(&roots).map_err(|e| refused(&e, not("at the time of the receipt")))?;
        let mut words = format!("evidence of {name}: {} then ({})", then.verdict(), local_time(bundle.time));
        let mut verdict = json!({ "party": name, "then": then.verdict().to_string() });
        if let Some(now) = at {
            let nothing = Collateral::nothing();
            let collateral = collateral.get(&computer).unwrap_or(&nothing);
            let today = Today { collateral, now, revoked: &revoked, seen: &seen };
            let today = bundle.verdict_today(&roots, &today);
            let today =
                today.map_err(|e| refused(&e, format!("{}; then it did: {}", not("now"), then.verdict())))?;
            let _ = write!(words, ", {} now ({})", today.verdict(), local_time(now));
            verdict = merge(verdict, json!({ "now": today.verdict().to_string(), "at": now }));
        }
        all.push((words + "\n", verdict));
    }
    if all.is_empty() && a.at.is_some() {
        return Err(Failure::new(Code::Usage, "no evidence stands behind this receipt").help("omit --at"));
    }
    Ok(all)
}

fn refused(e: &NoVerdict, what: String) -> Failure {
    let code = match e {
        NoVerdict::Verify(_) => ErrorCode::InvalidEvidence,
        NoVerdict::Refused(_) => ErrorCode::EvidenceRefused,
    };
    Failure::coded(code, what)
        .why(e)
        .help("--collateral NAME=FILE gives fresh collateral; docs/ATTESTATION.md explains the reasons")
}
