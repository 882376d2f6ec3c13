//! `sotto mpc verify`: verifies a receipt offline.

use crate::{
    Context, args,
    bridge::read_text,
    exit::{Failure, Outcome},
    output::merge,
};
use serde_json::json;
use sotto_jobs::receipt_file::{MAX_FILE, MAX_RESULT, SignedReceipt, read, read_result, render};
use sotto_jobs::{PartyId, Receipt};
use std::{fmt::Write as _, path::Path};

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
    for (computer, statement) in [(job.garbler, &receipt.garbler), (job.evaluator, &receipt.evaluator)] {
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
