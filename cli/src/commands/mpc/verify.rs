//! `sotto mpc verify`: what a receipt shows, offline.

use crate::{
    Context, args,
    bridge::read_text,
    exit::{Failure, Outcome},
};
use serde_json::json;
use sotto_jobs::edge::receipt_file::{MAX_FILE, MAX_RESULT, read, read_result, render};
use sotto_jobs::receipt::Receipt;
use sotto_jobs::{Job, PartyId};
use std::{fmt::Write as _, path::Path};

use super::{job::load, merge};

const SHOWS: &str = "\
It shows that both computers state, under the keys above, that they ran this circuit of this job once, on the inputs that the
owners committed to, saw the same control, transfer and output messages, and delivered the halves that are named.
It does not show that they computed correctly, that the inputs were true, or that nobody colluded: it is evidence, not
proof. The garbled tables are not in its transcript; they are left to the encrypted channel. Compare the fingerprints with
those that you know.";

pub(super) fn run(context: &Context, a: &args::MpcVerify) -> Outcome {
    let (job, receipt) = read(&read_text(&a.receipt, MAX_FILE)?).map_err(|e| {
        Failure::refused("this receipt does not hold")
            .why(e)
            .help("Ask another party for its copy: all have the same one.")
    })?;
    let facts = &receipt.facts;
    let mut human = format!("Holds: run {} of \"{}\", job {}\n", facts.run, job.name, job.id());
    let _ = writeln!(
        human,
        "Program {}, circuit {}, {} AND gates",
        job.program.name, facts.circuit, facts.and_gates
    );
    for (computer, statement) in [(job.garbler, &receipt.garbler), (job.evaluator, &receipt.evaluator)] {
        let party = job.party(computer);
        let (took, sent) = (statement.finished.saturating_sub(statement.started), statement.sent);
        let _ = writeln!(
            human,
            "Signed by {} ({}): {took} s, {sent} bytes sent",
            party.name,
            party.key.fingerprint()
        );
    }
    let mut record = render(&job, &receipt);
    if let (Some(result), Some(of)) = (&a.result, &a.job) {
        let receiver = job.party(check_result(result, of, (&job, &receipt))?).name.as_str();
        let _ = writeln!(human, "The result is the one of {receiver} for which both signed");
        record = merge(record, json!({ "result_of": receiver }));
    }
    human.push_str(SHOWS);
    context.output.record("mpc-receipt", record, &human)
}

/// Whose result it is, if both computers signed for it.
fn check_result(result: &Path, of: &Path, (job, receipt): (&Job, &Receipt)) -> Outcome<PartyId> {
    let bad = |why: &dyn std::fmt::Display| {
        let advice = "Ask whoever gave you the result for the receipt and the job of the same run.";
        Failure::refused("this result does not hold").why(why).help(advice)
    };
    let (here, program) = load(of)?;
    if here.id() != job.id() {
        return Err(bad(&"the receipt is of another job"));
    }
    read_result(&read_text(result, MAX_RESULT)?, &program, (job, receipt)).map_err(|e| bad(&e))
}
