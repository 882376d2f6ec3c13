//! Known answers: `vectors/evidence.json`, which `vectors/check.py` reads without this code.
//!
//! `SOTTO_VECTORS=write cargo test -p sotto-jobs --release --test attestation` writes the file.

use sotto_jobs::{Digest, PartyId};
use sotto_party::hex::to_hex;
use sotto_tee::Purpose;
use sotto_vectors::{json, load, render};

use super::kit::{ACME, BOLT, computers, ends};
use super::receipts::{facts, of_three, receipt};

#[test]
fn vectors_are_up_to_date() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let demand =
        |party: PartyId| json!({ "party": party.0, "policy": job.demand_of(party).unwrap().to_string() });
    let (_, others, receipt_of_three) = of_three();
    let [acme, _] = ends(&agreement, ACME, BOLT, [5; 32]);
    let binding = acme.binding(Digest([7; 32]));
    let Purpose::Session { nonce, verifier, run, exporter, .. } = binding.purpose else { panic!() };
    let Purpose::Receipt { facts, .. } = facts(job).binding(job, ACME).purpose else { panic!() };
    let subject = json!({
        "about": "a job that asks its compute parties for evidence, a receipt of it, what session evidence is bound to, \
                  and the same of three compute parties",
        "job_bytes": to_hex(&job.to_bytes()), "job_id": job.id().to_string(),
        "demands": [demand(ACME), demand(BOLT)], "diverse": job.attestation.diverse,
        "receipt_bytes": to_hex(&receipt(&texts, &agreement).to_bytes()), "facts_hash": facts.to_string(), "run": 1,
        "session": { "party": binding.party.to_string(), "nonce": nonce.to_string(), "verifier": verifier.to_string(),
                     "run": run.to_string(), "exporter": exporter.to_string(),
                     "report_data": to_hex(&binding.report_data()) },
        "of_three": { "job_bytes": to_hex(&others.job().to_bytes()), "receipt_bytes": to_hex(&receipt_of_three.to_bytes()) },
    });
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(sotto_vectors::file("evidence"), render(&subject)).unwrap();
    }
    assert_eq!(load("evidence").unwrap(), subject, "`SOTTO_VECTORS=write` writes the file");
}
