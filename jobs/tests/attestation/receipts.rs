//! Enrolments before signing, and receipts with evidence: what they must be, and that one without is what it was.

use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::receipt::{Facts, Receipt, ReceiptError, Signer, Statement};
use sotto_jobs::receipt_file::{FileError, read, render};
use sotto_jobs::vouched::Vouched;
use sotto_jobs::{Agreement, Digest, Job, PartyId};
use sotto_tee::appraise::Refusal;
use sotto_tee::bundle::NoVerdict;
use sotto_tee::{
    Binding, Bundle, Circumstances, Collateral, Purpose, Revocable, Revoked, Roots, Seen, software,
};

use super::kit::{ACME, BOLT, BUILD, CARL, DORA, Kit, Texts, computers, demanding, key, software_policy};
use crate::support::{NOW, agreement, draft_of_three, identity, job};

/// Software evidence of a party in a bundle that was made under this policy.
fn bundle(us: PartyId, binding: &Binding, policy: &str, time: u64) -> Bundle {
    let evidence = software::sign(&identity(us), &BUILD, &binding.report_data()).unwrap();
    let (revoked, seen) = (Revoked::default(), Seen::default());
    let at = Circumstances { now: time, binding, revoked: &revoked, seen: &seen };
    Bundle::new(evidence, Collateral::nothing(), policy.to_owned(), &at).unwrap()
}

fn enrolment(us: PartyId) -> Bundle {
    let purpose = Purpose::Enrol { build: Digest(BUILD) };
    // The policy of a bundle is its author's: the job's decides.
    bundle(us, &Binding { party: key(us), purpose }, &software_policy(&[us, CARL]), NOW - 1000)
}

#[test]
fn keys_are_enrolled_before_anybody_signs() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let enrolled = |kit: &Kit, bundle: &Bundle| {
        kit.with(job, &texts, |means| means.appraiser.enrolled(job, ACME, bundle, NOW)).unwrap()
    };
    let kit = Kit::software(CARL);
    assert_eq!(enrolled(&kit, &enrolment(ACME)).unwrap().party(), key(ACME));
    assert_eq!(enrolled(&kit, &enrolment(BOLT)), Err(EvidenceError::Other("acme".into())), "another key");
    let purpose = Purpose::Receipt { job: job.id(), run: key(ACME), facts: key(ACME) };
    let receipt = bundle(ACME, &Binding { party: key(ACME), purpose }, &software_policy(&[ACME]), NOW);
    assert_eq!(enrolled(&kit, &receipt), Err(EvidenceError::Other("acme".into())), "another purpose");
    // A bundle that says it is acme's, signed by carl.
    let purpose = Purpose::Enrol { build: Digest(BUILD) };
    let posing = bundle(CARL, &Binding { party: key(ACME), purpose }, &software_policy(&[CARL]), NOW);
    assert!(matches!(enrolled(&kit, &posing), Err(EvidenceError::Refused { .. })));
    let code = Revocable::Measurement(BUILD.to_vec());
    let said = enrolled(&Kit::software(CARL).revoking(code.clone()), &enrolment(ACME)).unwrap_err();
    let EvidenceError::Refused { why: NoVerdict::Refused(refused), .. } = said else { panic!("{said:?}") };
    assert_eq!(refused.0, [Refusal::Revoked(code)], "whatever held when it was made");
}

pub(super) fn facts(job: &Job) -> Facts {
    let digest = |n| Digest([n; 32]);
    Facts {
        job: job.id(),
        run: 1,
        attempt: 1,
        run_id: digest(3),
        circuit: job.program.circuit,
        and_gates: job.program.and_gates,
        inputs: vec![digest(4); job.contributors().len()],
        outputs: job
            .result_parties()
            .into_iter()
            .map(|result_party| sotto_jobs::receipt::Delivered {
                result_party,
                garbler: digest(1),
                evaluator: digest(if job.malicious().is_some() { 1 } else { 2 }),
            })
            .collect(),
        transcript: digest(5),
        sold: None,
    }
}

const TIMES: [u64; 2] = [NOW, NOW + 5];

/// A statement of a party over facts, with evidence for what `binding` makes of what it should be.
fn statement(
    job: &Job,
    us: PartyId,
    policy: &str,
    (binding, time): (impl Fn(Binding) -> Binding, u64),
) -> Statement {
    let facts = facts(job);
    let vouched = Vouched::new(bundle(us, &binding(facts.binding(job, us)), policy, time));
    let identity = identity(us);
    let signer = Signer { identity: &identity, vouched: Some(vouched) };
    Statement::sign_vouched(&facts, TIMES, [1, 1], signer)
}

pub(super) fn receipt(texts: &Texts, agreement: &Agreement) -> Receipt {
    let job = agreement.job();
    let of = |us| statement(job, us, &texts[&us], (|binding| binding, TIMES[1]));
    Receipt { facts: facts(job), garbler: of(ACME), evaluator: of(BOLT), further: Vec::new() }
}

/// A statement of a party over facts: with its evidence if the job's policies are given, but of this party.
pub(super) fn statement_of(job: &Job, us: PartyId, evidence: Option<(&Texts, PartyId)>) -> Statement {
    match evidence {
        None => Statement::sign(&facts(job), TIMES, [1, 1], &identity(us)),
        Some((texts, whose)) => {
            let of = |binding| Binding { party: key(whose), ..binding };
            statement(job, us, &texts[&us], (of, TIMES[1]))
        }
    }
}

/// A job in which three compute and show software evidence, and a receipt of it.
pub(super) fn of_three() -> (Texts, Agreement, Receipt) {
    let texts: Texts = [ACME, BOLT, DORA].map(|party| (party, software_policy(&[party]))).into();
    let agreement = agreement(&Job::new(demanding(draft_of_three(), &texts, 0)).unwrap());
    let of = |us| statement_of(agreement.job(), us, Some((&texts, us)));
    let (garbler, evaluator, further) = (of(ACME), of(BOLT), vec![of(DORA)]);
    let receipt = Receipt { facts: facts(agreement.job()), garbler, evaluator, further };
    (texts, agreement, receipt)
}

#[test]
fn a_receipt_has_the_evidence_that_the_job_demands() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let good = receipt(&texts, &agreement);
    let bytes = good.to_bytes();
    assert!(bytes.starts_with(b"sotto receipt v2\0"));
    assert_eq!(Receipt::from_bytes(job, &bytes), Ok(good.clone()));
    let then = good.garbler.vouched().unwrap().bundle().verdict_then(&Roots::vendors()).unwrap();
    assert_eq!(then.verdict().to_string(), "UNATTESTED-SOFTWARE");
    let with = |garbler: Statement| Receipt::from_bytes(job, &Receipt { garbler, ..good.clone() }.to_bytes());
    let evidence = Err(ReceiptError::Evidence("garbler"));
    let plain = Statement::sign(&good.facts, TIMES, [1, 1], &identity(ACME));
    assert_eq!(with(plain), evidence, "no evidence");
    let other = |change: fn(Binding) -> Binding| statement(job, ACME, &texts[&ACME], (change, TIMES[1]));
    assert!(with(other(|binding| binding)).is_ok());
    assert_eq!(with(other(|binding| Binding { party: key(CARL), ..binding })), evidence, "another party's");
    let enrol = |binding| Binding { purpose: Purpose::Enrol { build: Digest(BUILD) }, ..binding };
    assert_eq!(with(other(enrol)), evidence, "for another purpose");
    let result = |binding: Binding| {
        let Purpose::Receipt { job, run, .. } = binding.purpose else { panic!() };
        Binding { purpose: Purpose::Receipt { job, run, facts: Digest([1; 32]) }, ..binding }
    };
    assert_eq!(with(other(result)), evidence, "for another result");
    let lax = statement(job, ACME, &software_policy(&[ACME, CARL]), (|binding| binding, TIMES[1]));
    assert_eq!(with(lax), evidence, "under another policy");
    let late = statement(job, ACME, &texts[&ACME], (|binding| binding, TIMES[1] + 1));
    assert_eq!(with(late), evidence, "of another time");
    // Evidence that another statement has.
    let signed = Err(ReceiptError::Evidence("garbler"));
    assert_eq!(with(good.evaluator.clone()), signed);
    // Nothing of what is signed, or of the bundle, can be altered.
    for at in (0..bytes.len()).step_by(3) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Receipt::from_bytes(job, &altered).is_err(), "byte {at}");
    }
}

#[test]
fn a_receipt_of_a_job_without_evidence_is_what_it_was() {
    let job = job();
    let of = |us| Statement::sign(&facts(&job), TIMES, [1, 1], &identity(us));
    let plain = Receipt { facts: facts(&job), garbler: of(ACME), evaluator: of(BOLT), further: Vec::new() };
    assert!(plain.to_bytes().starts_with(b"sotto receipt v1\0"));
    assert_eq!(Receipt::from_bytes(&job, &plain.to_bytes()), Ok(plain.clone()));
    assert_eq!(render(&job, &plain)["v"], 1);
    // Evidence that nobody asked for.
    let added = statement(&job, ACME, &software_policy(&[ACME]), (|binding| binding, TIMES[1]));
    let added = Receipt { garbler: added, ..plain };
    assert_eq!(Receipt::from_bytes(&job, &added.to_bytes()), Err(ReceiptError::Evidence("garbler")));
    // Nor does version 2 say what version 1 can.
    let mut bytes = added.to_bytes();
    bytes[..17].copy_from_slice(b"sotto receipt v2\0");
    let start = bytes.len() - 1;
    bytes.truncate(start);
    assert!(Receipt::from_bytes(&job, &bytes).is_err());
}

#[test]
fn a_receipt_file_names_the_evidence_in_words() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let good = receipt(&texts, &agreement);
    let shown = render(job, &good);
    assert_eq!(shown["v"], 2);
    let evidence = &shown["statements"][0]["evidence"];
    assert_eq!(
        (&evidence["verdict"], &evidence["kind"]),
        (&"UNATTESTED-SOFTWARE".into(), &"software".into())
    );
    assert_eq!(evidence["policy"], job.demand_of(ACME).unwrap().to_string());
    let text = shown.to_string();
    assert_eq!(read(&text).unwrap().receipt, good);
    let altered = text.replacen("UNATTESTED-SOFTWARE", "ATTESTED", 1);
    assert!(matches!(read(&altered), Err(FileError::Words)));
}
