//! Evidence in jobs of more than two compute parties: every two show it on their line, each judges all platforms
//! together before it computes, and the receipt has that of all.

use std::sync::atomic::AtomicU64;
use std::thread;

use sotto_jobs::admission::Admission;
use sotto_jobs::edge::run::{RunError, Stage};
use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::messages::{Request, RequestKind};
use sotto_jobs::receipt::{Receipt, ReceiptError};
use sotto_jobs::{Agreement, Digest, Job, PartyId, receipt_file};
use sotto_tee::Revocable;
use sotto_tee::appraise::Verdict;

use super::attested::snp;
use super::kit::{ACME, BOLT, CARL, DORA, Kit, Texts, demanding, key};
use super::receipts::{facts, of_three, statement_of};
use super::runs::{check, everybody, is_attested, part, placed, software_job};
use crate::support::{NAMES, agreement, draft_of_three};

#[test]
fn three_show_each_other_evidence_and_the_receipt_names_that_of_all() {
    let (texts, agreement) = software_job(draft_of_three(), &[ACME, BOLT, DORA]);
    let ran = everybody(&agreement, &texts, Kit::software);
    let receipt = check(&ran, &agreement);
    assert!(receipt.to_bytes().starts_with(b"sotto receipt v5\0"));
    for (_, statement) in receipt.statements_of(agreement.job()) {
        assert_eq!(statement.vouched().unwrap().verdict(), Verdict::UnattestedSoftware);
    }
    for who in 0..5 {
        for whose in [0, 1, 3].into_iter().filter(|whose| *whose != who) {
            assert!(is_attested(&ran[who], NAMES[whose]), "{} judges {}", NAMES[who], NAMES[whose]);
        }
    }
}

/// Which of two that refuse each other called does not matter: nothing is computed, and why stays with who refused.
#[test]
fn one_of_three_that_refuses_another_stops_all() {
    let (texts, agreement) = software_job(draft_of_three(), &[ACME, BOLT, DORA]);
    for (who, whose) in [(DORA, BOLT), (BOLT, DORA), (ACME, DORA)] {
        let ran = everybody(&agreement, &texts, |us| match us {
            us if us == who => Kit::software(us).revoking(Revocable::Measurement(key(whose).0.to_vec())),
            us => Kit::software(us),
        });
        for (i, ran) in ran.iter().enumerate() {
            assert!(!ran.stages.iter().any(|stage| matches!(stage, Stage::Attempt(_))), "{}", NAMES[i]);
            let why = ran.result.as_ref().unwrap_err();
            match why {
                RunError::Evidence(EvidenceError::Refused { party, .. }) => {
                    assert_eq!((i, party.as_str()), (usize::from(who.0), NAMES[usize::from(whose.0)]));
                }
                why => assert!(i != usize::from(who.0) && !why.to_string().contains("revoked"), "{why}"),
            }
        }
    }
}

/// A job that four compute on their own inputs, on machines that show one and the same chip.
fn of_four_on_one_machine(diverse: u8) -> (Texts, Agreement) {
    let machine = format!(
        "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
         tcb = {{ bootloader = 3, tee = 0, snp = 8, microcode = 200 }}\n",
        "aa".repeat(48)
    );
    let texts: Texts = [ACME, BOLT, CARL, DORA].map(|party| (party, machine.clone())).into();
    let mut draft = draft_of_three();
    draft.further = vec![CARL, DORA];
    draft.parties.truncate(4);
    for output in &mut draft.outputs {
        output.result_parties.retain(|party| party.0 < 4);
        if output.result_parties.is_empty() {
            output.result_parties.push(DORA);
        }
    }
    let job = Job::new(demanding(placed(draft), &texts, diverse)).unwrap();
    (texts, agreement(&job))
}

/// No other party judges the platforms there, so the compute parties must.
#[test]
fn four_computers_on_one_machine_are_one() {
    let run = |diverse| {
        let (texts, agreement) = of_four_on_one_machine(diverse);
        thread::scope(|scope| {
            let (texts, agreement) = (&texts, &agreement);
            let start = |id| {
                scope.spawn(move || {
                    let mut kit = Kit::proving(|binding| Ok(snp::signed(snp::report(binding.report_data()))));
                    (kit.roots, kit.clock) = (snp::roots(), snp::NOW.into());
                    kit.collateral.extend([ACME, BOLT, CARL, DORA].map(|party| (party, snp::fresh())));
                    part(agreement, texts, PartyId(id), &kit, &AtomicU64::new(0))
                })
            };
            [0, 1, 2, 3].map(start).map(|party| party.join().unwrap())
        })
    };
    let one = EvidenceError::Platforms { wanted: 4, given: 1 };
    let ran = run(1);
    assert!(ran.iter().all(|ran| ran.result.is_err()));
    assert!(matches!(&ran[0].result, Err(RunError::Evidence(why)) if *why == one), "{:?}", ran[0].result);
    assert!(!ran.iter().flat_map(|ran| &ran.stages).any(|stage| matches!(stage, Stage::Attempt(_))));
}

/// What crosses on the line of one that joins is meant for accepted code alone.
#[test]
fn a_compute_party_of_which_evidence_is_demanded_joins_with_it_alone() {
    let (_, agreement, _) = of_three();
    let admission = Admission { run: agreement.run(1).unwrap(), us: BOLT };
    let kind = RequestKind::Join { meeting: Digest([1; 32]), input_commitment: None };
    let request = Request { job: agreement.job().id(), run: 1, kind: kind.clone() };
    assert_eq!(admission.check(DORA, &request, 0), Ok(()));
    assert!(admission.needs_proof(DORA, &kind) && !admission.needs_proof(CARL, &kind));
}

#[test]
fn a_receipt_of_three_has_the_evidence_that_the_job_demands() {
    let (texts, agreement, good) = of_three();
    let job = agreement.job();
    let bytes = good.to_bytes();
    assert_eq!(Receipt::from_bytes(job, &bytes), Ok(good.clone()));
    let shown = receipt_file::render(job, &good);
    assert_eq!((&shown["v"], &shown["statements"][2]["evidence"]["kind"]), (&5.into(), &"software".into()));
    assert_eq!(receipt_file::read(&shown.to_string()).unwrap().receipt, good);
    // The third one's is missing, or is another's.
    let (plain, others) = (statement_of(job, DORA, None), statement_of(job, DORA, Some((&texts, ACME))));
    for further in [plain, others] {
        let receipt = Receipt { further: vec![further], ..good.clone() };
        assert_eq!(receipt.facts, facts(job));
        let said = Receipt::from_bytes(job, &receipt.to_bytes());
        assert_eq!(said, Err(ReceiptError::Evidence("further garbler")));
    }
    // Nothing of what is signed, or of a bundle, can be altered.
    for at in (0..bytes.len()).step_by(5) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Receipt::from_bytes(job, &altered).is_err(), "byte {at}");
    }
    // Version 5 does not say what version 3 can.
    let further = statement_of(job, DORA, None);
    let none = Receipt {
        garbler: statement_of(job, ACME, None),
        evaluator: statement_of(job, BOLT, None),
        further: vec![further],
        ..good
    };
    let mut bytes = none.to_bytes();
    assert!(bytes.starts_with(b"sotto receipt v3\0"));
    bytes[15] = b'5';
    bytes.extend([0; 3]);
    assert!(matches!(Receipt::from_bytes(job, &bytes), Err(ReceiptError::Codec(_))));
}
