//! Whole runs over loopback TLS of jobs that ask for evidence, accepted and refused; and what who is refused has seen.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use sotto_jobs::attempt::AttemptError;
use sotto_jobs::edge::run::{Outcome, RunError, Setup, Stage, take_part};
use sotto_jobs::edge::tls;
use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::job::{Draft, Meeting};
use sotto_jobs::messages::{Request, RequestKind, Response};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::session_evidence::End;
use sotto_jobs::storage::{Memory, Storage};
use sotto_jobs::{Agreement, Digest, Job, PartyId, Receipt};
use sotto_tee::appraise::Verdict;
use sotto_tee::{Revocable, software};

use super::attested::snp;
use super::kit::{ACME, BOLT, BUILD, CARL, Kit, Texts, demanding, key, software_policy};
use crate::support::{NAMES, Sum, agreement, draft, identity, line, malicious_draft, rng};

const EVE: PartyId = PartyId(4);
const ROWS: [(u16, [i128; 3]); 3] = [(0, [100, 200, 999]), (2, [1, 2, 3]), (3, [0, 0, 50])];
const TOTAL: u64 = 100 + 200 + 999 + 1 + 2 + 3 + 50;

pub(crate) fn placed(mut draft: Draft) -> Draft {
    let ports = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let computers = draft.compute_parties().into_iter().map(|party| usize::from(party.0));
    for (computer, port) in computers.collect::<Vec<_>>().into_iter().zip(&ports) {
        let party = &mut draft.parties[computer];
        party.meeting = Some(Meeting::Address(line(&port.local_addr().unwrap().to_string())));
    }
    (draft.deadline, draft.limits.seconds) = (15, 15);
    draft
}

/// A job at free ports in which these parties show software evidence.
pub(crate) fn software_job(draft: Draft, parties: &[PartyId]) -> (Texts, Agreement) {
    let texts: Texts = parties.iter().map(|party| (*party, software_policy(&[*party]))).collect();
    let job = Job::new(demanding(placed(draft), &texts, 0)).unwrap();
    (texts, agreement(&job))
}

/// What one party ended with, kept and was told.
pub(crate) struct Ran {
    pub(crate) result: Result<Outcome, RunError>,
    kept: Memory,
    pub(crate) stages: Vec<Stage>,
}

fn drawn() -> rand_chacha::ChaCha20Rng {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    rng(DRAWN.fetch_add(1, Ordering::Relaxed))
}

/// One party's part; `debits` counts how often it was about to send something of its own.
pub(crate) fn part(agreement: &Agreement, texts: &Texts, us: PartyId, kit: &Kit, debits: &AtomicU64) -> Ran {
    let program = Sum::new(3);
    let job = agreement.job();
    let rows = ROWS.iter().find(|(party, _)| *party == us.0).map_or([0; 3], |(_, rows)| *rows);
    let cells = vec![rows.map(|value| vec![value]).to_vec()];
    let bits = job.input_of(us).map(|input| program.declaration().encode(input, &cells).unwrap());
    let (mut kept, stages) = (Memory::default(), Mutex::new(Vec::new()));
    let result = kit.with(job, texts, |means| {
        let setup = Setup {
            run: agreement.run(1).unwrap(),
            program: &program,
            us,
            identity: &identity(us),
            input: bits.as_ref(),
            listen: None,
            rendezvous_server: None,
            trade: None,
            debit: &|| {
                debits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            },
            observe: &|stage| stages.lock().unwrap().push(stage),
            means: Some(means),
        };
        take_part(&setup, &mut kept, &mut drawn())
    });
    Ran { result: result.unwrap(), kept, stages: stages.into_inner().unwrap() }
}

pub(crate) fn everybody(
    agreement: &Agreement,
    texts: &Texts,
    kit: impl Fn(PartyId) -> Kit + Sync,
) -> [Ran; 5] {
    thread::scope(|scope| {
        let kit = &kit;
        let start = |id| {
            scope.spawn(move || part(agreement, texts, PartyId(id), &kit(PartyId(id)), &AtomicU64::new(0)))
        };
        [0, 1, 2, 3, 4].map(start).map(|party| party.join().unwrap())
    })
}

fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

/// All have the same receipt, with evidence behind both statements, and eve the sum.
pub(crate) fn check(ran: &[Ran; 5], agreement: &Agreement) -> Receipt {
    let outcome = |i: usize| ran[i].result.as_ref().unwrap_or_else(|e| panic!("{}: {e}", NAMES[i]));
    let sum = outcome(4).outputs.iter().find(|(place, _)| *place == 1).unwrap();
    assert_eq!(number(&sum.1), TOTAL);
    let receipt = outcome(0).receipt.clone();
    (1..5).for_each(|i| assert_eq!(outcome(i).receipt, receipt, "{}", NAMES[i]));
    assert_eq!(Receipt::from_bytes(agreement.job(), &receipt.to_bytes()), Ok(receipt.clone()));
    receipt
}

pub(crate) fn is_attested(ran: &Ran, party: &str) -> bool {
    let verdict = Verdict::UnattestedSoftware;
    ran.stages.contains(&Stage::Attested { party: party.to_owned(), verdict })
}

#[test]
fn a_job_with_evidence_gives_results_and_a_receipt_that_names_it() {
    // A result party and an input party show theirs, too.
    let (texts, agreement) = software_job(draft(), &[ACME, BOLT, CARL, EVE]);
    let ran = everybody(&agreement, &texts, Kit::software);
    let receipt = check(&ran, &agreement);
    for statement in [&receipt.garbler, &receipt.evaluator] {
        assert_eq!(statement.vouched().unwrap().verdict(), Verdict::UnattestedSoftware);
    }
    for (who, whose) in
        [(0, "bolt"), (1, "acme"), (2, "acme"), (2, "bolt"), (3, "acme"), (0, "carl"), (1, "carl")]
    {
        assert!(is_attested(&ran[who], whose), "{} judges {whose}", NAMES[who]);
    }
    assert!(is_attested(&ran[0], "eve") && is_attested(&ran[1], "eve"), "before a share of an output leaves");
    assert!(!is_attested(&ran[0], "dora"), "nothing is demanded of dora");
}

#[test]
fn a_job_against_malicious_computers_does_too() {
    let (texts, agreement) = software_job(malicious_draft(), &[ACME, BOLT]);
    let ran = everybody(&agreement, &texts, Kit::software);
    assert!(check(&ran, &agreement).evaluator.vouched().is_some());
}

#[test]
fn an_input_party_that_refuses_a_computer_sends_neither_anything() {
    let (texts, agreement) = software_job(draft(), &[ACME, BOLT]);
    // Carl has revoked the code of bolt; everybody else has not.
    let revoked = Revocable::Measurement(key(BOLT).0.to_vec());
    let debits = AtomicU64::new(0);
    let ran = thread::scope(|scope| {
        let (agreement, texts, debits, revoked) = (&agreement, &texts, &debits, &revoked);
        let start = |id| {
            let us = PartyId(id);
            scope.spawn(move || match us {
                CARL => part(agreement, texts, us, &Kit::software(us).revoking(revoked.clone()), debits),
                us => part(agreement, texts, us, &Kit::software(us), &AtomicU64::new(0)),
            })
        };
        [0, 1, 2].map(start).map(|party| party.join().unwrap())
    });
    let [acme, bolt, carl] = &ran;
    assert!(
        matches!(carl.result, Err(RunError::Evidence(EvidenceError::Refused { .. }))),
        "{:?}",
        carl.result
    );
    assert_eq!(debits.load(Ordering::Relaxed), 0, "no use of the data was written down");
    assert_eq!(carl.kept.get("own").unwrap(), None, "carl may bring other rows another time");
    for computer in [acme, bolt] {
        for item in ["share-carl", "input-commitment-carl"] {
            assert_eq!(computer.kept.get(item).unwrap(), None, "{item}");
        }
        assert!(matches!(&computer.result, Err(RunError::Late(names)) if names.contains(&"carl".to_owned())));
    }
}

/// What a compute party hears that poses with evidence of another code: challenges, and nothing after them.
#[test]
fn a_computer_with_other_code_hears_a_challenge_and_no_more() {
    let (texts, agreement) = software_job(draft(), &[ACME, BOLT]);
    let job = agreement.job();
    let (heard, debits) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let carl = thread::scope(|scope| {
        for us in [ACME, BOLT] {
            let (heard, agreement) = (&heard, &agreement);
            scope.spawn(move || pose(agreement, us, heard));
        }
        let carl = part(&agreement, &texts, CARL, &Kit::software(CARL), &debits);
        thread::sleep(Duration::from_millis(500));
        carl
    });
    assert!(matches!(carl.result, Err(RunError::Evidence(_))), "{:?}", carl.result);
    let heard = heard.into_inner().unwrap();
    assert!(!heard.is_empty(), "carl came");
    for (bytes, request) in &heard {
        assert!(matches!(request.kind, RequestKind::Challenge(_)), "{request:?}");
        assert!(*bytes < 100, "{bytes} bytes: a nonce, and which run of which job");
    }
    assert_eq!(heard.len(), 1, "after the first refusal there is nothing: {heard:?}");
    assert_eq!(debits.load(Ordering::Relaxed), 0);
    assert_eq!(job.demand_of(CARL), None);
}

/// Answers like a compute party of the job whose evidence is of another party's key.
fn pose(agreement: &Agreement, us: PartyId, heard: &Mutex<Vec<(usize, Request)>>) {
    let job = agreement.job();
    let Some(Meeting::Address(address)) = &job.party(us).meeting else { panic!("it listens") };
    let carl = tls::peer_key(&job.party(CARL).key).unwrap();
    let timeouts = tls::Timeouts { connect: Duration::from_secs(3), ..tls::Timeouts::default() };
    let mut listener = tls::Listener::bind(address.as_str(), &tls::identity(&identity(us)), [carl]).unwrap();
    while let Ok(mut line) = listener.accept(timeouts) {
        let end = End { run: agreement.run(1).unwrap(), us, them: CARL, exporter: line.get_ref().binding() };
        while let Ok(request) = Request::receive(&mut line, 1 << 20) {
            let RequestKind::Challenge(nonce) = request.kind else {
                heard.lock().unwrap().push((usize::MAX, request));
                continue;
            };
            heard.lock().unwrap().push((32 + 4 + 1 + 32, request));
            let data = end.binding(nonce).report_data();
            let evidence = Some(software::sign(&identity(CARL), &BUILD, &data).unwrap().encode());
            Response::Proof { nonce: Digest([1; 32]), evidence }.send(&mut line).unwrap();
        }
    }
}

#[test]
fn computers_that_refuse_each_other_compute_nothing_and_the_reason_stays_here() {
    let (texts, agreement) = software_job(draft(), &[ACME, BOLT]);
    // Acme has revoked bolt's code; input parties have not and deliver.
    let ran = everybody(&agreement, &texts, |us| match us {
        ACME => Kit::software(us).revoking(Revocable::Measurement(key(BOLT).0.to_vec())),
        us => Kit::software(us),
    });
    let said = |i: usize| ran[i].result.as_ref().unwrap_err();
    assert!(matches!(said(0), RunError::Evidence(EvidenceError::Refused { party, .. }) if party == "bolt"));
    for (i, name) in NAMES.iter().enumerate().skip(1) {
        let why = said(i).to_string();
        assert!(why.contains("its operator knows why") && !why.contains("revoked"), "{name}: {why}");
    }
    assert!(ran.iter().all(|ran| !ran.stages.iter().any(|stage| matches!(stage, Stage::Attempt(_)))));
    assert_eq!(ran[0].kept.get("attempts").unwrap(), None);
}

#[test]
fn two_computers_on_one_machine_are_one() {
    let machine = format!(
        "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
         tcb = {{ bootloader = 3, tee = 0, snp = 8, microcode = 200 }}\n",
        "aa".repeat(48)
    );
    let texts = Texts::from([(ACME, machine.clone()), (BOLT, machine)]);
    let run = |diverse| {
        let agreement = agreement(&Job::new(demanding(placed(draft()), &texts, diverse)).unwrap());
        let ran = everybody(&agreement, &texts, |_| {
            let mut kit = Kit::proving(|binding| Ok(snp::signed(snp::report(binding.report_data()))));
            kit.roots = snp::roots();
            kit.clock = snp::NOW.into();
            kit.collateral.extend([ACME, BOLT].map(|party| (party, snp::fresh())));
            kit
        });
        (agreement, ran)
    };
    let (_, ran) = run(1);
    let one = EvidenceError::Platforms { wanted: 2, given: 1 };
    // Input parties notice before they deliver, and so do the compute parties if they come that far.
    for i in [2, 3] {
        assert!(matches!(&ran[i].result, Err(RunError::Evidence(why)) if *why == one), "{:?}", ran[i].result);
    }
    assert!(ran[..2].iter().all(|ran| ran.kept.get("share-carl").unwrap().is_none()));
}

#[test]
fn without_anything_to_judge_with_nothing_begins() {
    let (texts, agreement) = software_job(draft(), &[ACME, BOLT]);
    let program = Sum::new(3);
    let setup = Setup {
        run: agreement.run(1).unwrap(),
        program: &program,
        us: EVE,
        identity: &identity(EVE),
        input: None,
        listen: None,
        rendezvous_server: None,
        debit: &|| Ok(()),
        trade: None,
        observe: &|_| {},
        means: None,
    };
    let said = take_part(&setup, &mut Memory::default(), &mut drawn());
    assert!(matches!(said, Err(RunError::Evidence(EvidenceError::NoMeans))), "{said:?}");
    let why = RunError::Attempt(AttemptError::Evidence(EvidenceError::Missing("bolt".into())));
    assert!(why.public_reason().contains("its operator knows why"));
    assert!(texts.contains_key(&ACME));
}
