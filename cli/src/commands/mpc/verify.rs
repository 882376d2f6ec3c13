//! `sotto mpc verify`: what a receipt shows, offline.

use crate::{
    Context, args,
    bridge::read_text,
    exit::{Failure, Outcome},
};
use mpc::edge::receipt_file::{MAX_FILE, read, render};
use std::fmt::Write as _;

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
            .advice("Ask another party for its copy: all have the same one.")
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
    human.push_str(SHOWS);
    context.output.record("mpc-receipt", render(&job, &receipt), &human)
}
