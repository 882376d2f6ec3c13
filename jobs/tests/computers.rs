//! Jobs with three compute parties, of whom two may deviate: what all parties accept, how often a run is attempted, and
//! what each check refuses.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::thread;

use crate::support::world::{ROWS, World, channel};
use crate::support::{NOW, Sum, draft_of_three, identity, line, rng};
use sotto_jobs::admission::Admission;
use sotto_jobs::attempt::{
    AttemptChannel, AttemptError, Computed, Earlier, Finished, Surroundings, begin_with_all,
};
use sotto_jobs::collect::{Collected, Collector, Disagreement, Ended, Outcome};
use sotto_jobs::input_commitment::{InputError, InputShare, encrypted_length};
use sotto_jobs::job::{Draft, JobError, Part, Suite};
use sotto_jobs::messages::{Request, RequestKind};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::policy::{Experiments, PolicyError};
use sotto_jobs::receipt::{Receipt, ReceiptError, Statement};
use sotto_jobs::run_state::OwnParty;
use sotto_jobs::{Digest, Job, PartyId, policy_file, receipt_file};
use sotto_mpc::channel::{Pipe, pipe_pair};
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::malicious::{Check, HelloError, SessionError};
use sotto_party::hex::to_hex;
use sotto_vectors::{json, load, render};

/// In the job's order.
const COMPUTERS: [PartyId; 3] = [PartyId(0), PartyId(1), PartyId(3)];
const BOLT: PartyId = PartyId(1);
const CARL: PartyId = PartyId(2);
const DORA: PartyId = PartyId(3);
const EVE: PartyId = PartyId(4);

/// To each of three those to both others.
fn mesh() -> [Vec<Pipe>; 3] {
    let [(ab, ba), (ac, ca), (bc, cb)] = [(); 3].map(|()| pipe_pair());
    [vec![ab, ac], vec![ba, bc], vec![ca, cb]]
}

/// One compute party's part, and what survives a crash.
struct Part3<'w> {
    world: &'w World,
    shares: Vec<InputShare>,
    next: u32,
    kept: Option<Computed>,
    /// Whether it dies once it has computed.
    dies: bool,
    /// What its channels export, if not what the others' do.
    exported: Option<[u8; 32]>,
}

impl<'w> Part3<'w> {
    fn new(world: &'w World, us: PartyId) -> Self {
        Self { world, shares: world.shares(us), next: 1, kept: None, dies: false, exported: None }
    }

    fn run(&mut self, us: PartyId, streams: Vec<Pipe>) -> Result<Finished, AttemptError> {
        let (world, identity, rng) = (self.world, identity(us), &mut rng(u64::from(us.0) + 9));
        let earlier = Earlier { next: self.next, waiting: self.kept.as_ref() };
        let end = |stream| {
            let common = channel(stream);
            AttemptChannel { exported: self.exported.unwrap_or(common.exported), ..common }
        };
        let channels = streams.into_iter().map(end).collect();
        let begun = begin_with_all(world.known(us, &identity), channels, earlier, rng)?;
        if begun.is_computed {
            return begun.exchange(self.kept.as_ref().unwrap());
        }
        let surroundings = Surroundings { clock: &mut || NOW, keep: &mut |_| Ok(()) };
        let shares: Vec<&InputShare> = self.shares.iter().collect();
        let (computed, begun) = begun.compute(&world.program, &shares, surroundings, rng)?;
        self.kept = Some(computed);
        if self.dies {
            return Err(AttemptError::Expired);
        }
        begun.exchange(self.kept.as_ref().unwrap())
    }
}

fn all<'w>(world: &'w World) -> [Part3<'w>; 3] {
    COMPUTERS.map(|us| Part3::new(world, us))
}

fn run(parts: &mut [Part3<'_>; 3]) -> [Result<Finished, AttemptError>; 3] {
    let results: Vec<_> = thread::scope(|scope| {
        let parts = parts.iter_mut().zip(COMPUTERS).zip(mesh());
        let threads: Vec<_> =
            parts.map(|((part, us), streams)| scope.spawn(move || part.run(us, streams))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    results.try_into().unwrap()
}

fn finished(world: &World) -> [Finished; 3] {
    run(&mut all(world)).map(Result::unwrap)
}

/// What a result party makes of what the compute parties deliver.
fn outcome(world: &World, party: PartyId, finished: &[Finished]) -> Result<Outcome, Disagreement> {
    let job = world.agreement.job();
    let widths: Vec<usize> = world.program.declaration().outputs().iter().map(|t| t.bits()).collect();
    let identity = identity(party);
    let input = job.contributor_of(party).map(|i| &world.input_commitments[i]);
    let ours = OwnParty { id: party, identity: &identity };
    let collector = Collector { run: world.agreement.run(1).unwrap(), ours, input, widths: &widths };
    if let Some(place) = COMPUTERS.iter().position(|id| *id == party) {
        return collector.outcome_of_compute_party(&finished[place]);
    }
    let ended = finished.iter().map(|finished| Ended {
        receipt: finished.receipt.clone(),
        encrypted_share: finished.encrypted_shares.iter().find(|s| s.result_party == party).cloned(),
    });
    collector.outcome(&Collected::of(ended)?)
}

fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

#[test]
fn every_kind_of_result_party_learns_its_outputs_and_one_receipt_says_what_holds() {
    let world = World::of_three();
    let (job, finished) = (world.agreement.job(), finished(&world));
    assert_eq!(job.compute_parties(), COMPUTERS);
    let receipt = &finished[0].receipt;
    assert!(finished.iter().all(|finished| finished.receipt == *receipt));
    assert_eq!(receipt.statements_of(job).iter().map(|(id, _)| *id).collect::<Vec<_>>(), COMPUTERS);
    assert_eq!(Receipt::from_bytes(job, &receipt.to_bytes()).as_ref(), Ok(receipt));
    for (party, places) in [(PartyId(0), vec![0]), (BOLT, vec![0, 1]), (CARL, vec![0, 1]), (EVE, vec![0, 1])]
    {
        let outcome = outcome(&world, party, &finished).unwrap();
        assert_eq!(outcome.outputs.iter().map(|(i, _)| *i).collect::<Vec<_>>(), places, "{party:?}");
        assert_eq!(outcome.outputs[0].1, [true; 3]);
        if let Some((_, sum)) = outcome.outputs.get(1) {
            assert_eq!(number(sum), 100 + 200 + 999 + 6 + 50);
        }
    }
    assert!(outcome(&world, DORA, &finished).unwrap().outputs.is_empty());
    let shows = Receipt::shows(job).unwrap();
    assert!(
        shows.starts_with("If one of the compute parties followed") && shows.contains("argued, not proven")
    );
    let text = receipt_file::render(job, receipt).to_string();
    assert_eq!(receipt_file::read(&text).unwrap().receipt, *receipt);
    assert!(text.contains("argued, not proven") && text.contains("\"v\":3"));
}

/// A result party that gets parts that do not fit says so, and has no result.
#[test]
fn parts_that_do_not_fit_are_no_result() {
    let world = World::of_three();
    let honest = finished(&world);
    for (who, name) in [(0, "garbler"), (1, "evaluator"), (2, "further garbler")] {
        for party in [CARL, EVE] {
            let mut altered = honest.clone();
            let share = altered[who].encrypted_shares.iter_mut().find(|s| s.result_party == party);
            share.unwrap().encrypted.0[8] ^= 1;
            let error = outcome(&world, party, &altered).unwrap_err();
            let words = error.to_string();
            assert!(matches!(error, Disagreement::PaddedOutputs(_)) && words.contains(name), "{words}");
            assert!(words.contains("there is no result"), "{words}");
            let mut missing = honest.clone();
            missing[who].encrypted_shares.retain(|share| share.result_party != party);
            assert_eq!(outcome(&world, party, &missing), Err(Disagreement::NoShare));
        }
        let mut other = honest.clone();
        other[who].receipt.garbler.sent += 1;
        assert_eq!(outcome(&world, EVE, &other), Err(Disagreement::Receipts));
    }
    assert_eq!(outcome(&world, EVE, &honest[..2]), Err(Disagreement::NoShare));
}

#[test]
fn a_receipt_without_one_statement_of_each_is_none() {
    let world = World::of_three();
    let job = world.agreement.job();
    let [finished, ..] = finished(&world);
    let read = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = finished.receipt.clone();
        change(&mut receipt);
        Receipt::from_bytes(job, &receipt.to_bytes())
    };
    let sign = |receipt: &Receipt, by| Statement::sign(&receipt.facts, [NOW, NOW], [1, 1], &identity(by));
    assert!(read(&|receipt| receipt.further[0] = sign(receipt, DORA)).is_ok());
    let forged = read(&|receipt| receipt.further[0] = sign(receipt, CARL));
    assert_eq!(forged, Err(ReceiptError::Signature("further garbler")));
    assert_eq!(read(&|receipt| receipt.further.clear()), Err(ReceiptError::Statements));
    let twice = read(&|receipt| receipt.further.push(sign(receipt, DORA)));
    assert_eq!(twice, Err(ReceiptError::Statements));
    // A receipt of two does not become one of three, nor the reverse.
    let other = Receipt::from_bytes(World::malicious().agreement.job(), &finished.receipt.to_bytes());
    assert_eq!(other, Err(ReceiptError::OtherJob));
    // Two values that all would have signed are no facts of this job.
    let two = read(&|receipt| {
        receipt.facts.outputs[0].evaluator = Digest([1; 32]);
        receipt.garbler = sign(receipt, COMPUTERS[0]);
        receipt.evaluator = sign(receipt, COMPUTERS[1]);
        receipt.further[0] = sign(receipt, COMPUTERS[2]);
    });
    assert_eq!(two, Err(ReceiptError::Facts));
}

/// A share or test that one compute party changed, wherever it has it from.
#[test]
fn a_changed_share_ends_the_run_at_every_honest_party() {
    let world = World::of_three();
    for (who, us) in COMPUTERS.into_iter().enumerate() {
        // Carl is the first whose shares all have: after the inputs of the compute party itself, if it has one.
        let at = usize::from(us == COMPUTERS[0]);
        let mut parts = all(&world);
        let mut bytes = parts[who].shares[at].to_bytes().to_vec();
        bytes[40] ^= 1;
        parts[who].shares[at] = InputShare::from_bytes(&bytes).unwrap();
        // What it was given does not match what its owner committed to.
        let commitment = world.input_commitments.iter().find(|c| c.input_party == CARL).unwrap();
        let bits = parts[who].shares[at].bits().len();
        let refused = commitment.check(world.agreement.job(), us, &parts[who].shares[at], bits);
        assert_eq!(refused, Err(InputError::InputShare("carl".into())));
        let results = run(&mut parts);
        assert!(results.iter().all(Result::is_err), "{us:?}");
        let caught = AttemptError::Malicious(SessionError::Deviation(Check::OwnerInput));
        let caught = |result: &Result<_, AttemptError>| result.as_ref().is_err_and(|error| *error == caught);
        assert!((0..3).any(|i| i != who && caught(&results[i])), "{results:?}");
    }
}

#[test]
fn an_owner_gives_each_compute_party_a_test_with_each_other_and_attempt() {
    let world = World::of_three();
    let job = world.agreement.job();
    for (us, at) in [(COMPUTERS[0], 1), (BOLT, 0), (DORA, 0)] {
        let share = &world.shares(us)[at];
        assert_eq!([1, 2, 3].map(|attempt| share.tests(job, attempt).len()), [2, 2, 0]);
        let bits = share.bits().len();
        assert_eq!(encrypted_length(job, CARL, bits) - encrypted_length(job, DORA, bits), 4 * 80);
    }
    // Any two shares are uniform, and all three are the input.
    let shares =
        [world.shares(COMPUTERS[0]).remove(1), world.shares(BOLT).remove(0), world.shares(DORA).remove(0)];
    let sum = shares[0].bits().xor(shares[1].bits()).xor(shares[2].bits());
    let cells = vec![ROWS[1].map(|value| vec![value]).to_vec()];
    let input = world.program.declaration().encode(1, &cells).unwrap();
    assert_eq!(sum.iter().take(input.len()).collect::<Vec<_>>(), input.iter().collect::<Vec<_>>());
}

/// Compute parties that disagree on anything that they signed find it in the opening, before a secret leaves.
#[test]
fn compute_parties_of_different_jobs_do_not_begin() {
    let world = World::of_three();
    let others: [fn(&mut Draft); 5] = [
        |d| d.suite = support_suite(3),
        |d| (d.garbler, d.evaluator) = (d.evaluator, d.garbler),
        |d| d.further = vec![CARL],
        |d| d.program.circuit = Digest([3; 32]),
        |d| d.limits.seconds += 1,
    ];
    for (who, change) in [0, 1, 2, 0, 1].into_iter().zip(others) {
        let mut draft = draft_of_three();
        change(&mut draft);
        draft.parties[2].meeting = Some(sotto_jobs::job::Meeting::Address(line("127.0.0.1:0")));
        let other = World::drafted(draft, Sum::new(3), ROWS);
        let mut parts = all(&world);
        parts[who].world = &other;
        let results = run(&mut parts);
        assert!(results.iter().all(Result::is_err));
        let differs = AttemptError::Differs("another job");
        let is_told =
            |result: &Result<_, AttemptError>| result.as_ref().is_err_and(|error| *error == differs);
        assert!(results.iter().any(is_told), "{results:?}");
    }
}

fn support_suite(attempts: u32) -> Suite {
    use sotto_mpc::protocol::malicious::{Attempts, Settings};
    let default = Settings::default();
    Suite::Malicious(Settings::new(Attempts::new(attempts).unwrap(), default.depth))
}

/// Who relays between two channels, whatever keys it has, ends the session before anything secret is sent.
#[test]
fn a_session_is_bound_to_the_channels_of_each_two() {
    let world = World::of_three();
    for who in 0..3 {
        let mut parts = all(&world);
        parts[who].exported = Some([6; 32]);
        let results = run(&mut parts);
        assert!(results.iter().all(Result::is_err));
        let run_differs = AttemptError::Malicious(SessionError::Hello(HelloError::Run));
        assert!(
            results.iter().any(|result| result.as_ref().is_err_and(|e| *e == run_differs)),
            "{results:?}"
        );
    }
}

#[test]
fn the_highest_count_of_attempts_is_taken_and_the_jobs_is_the_last() {
    let world = World::of_three();
    let mut parts = all(&world);
    parts[2].next = 2;
    let [first, ..] = run(&mut parts).map(Result::unwrap);
    assert_eq!(first.receipt.facts.attempt, 2);
    let mut parts = all(&world);
    parts[2].next = 3;
    let results = run(&mut parts);
    assert_eq!(results[2].as_ref().unwrap_err(), &AttemptError::Exhausted(2));
    assert!(results.iter().all(Result::is_err), "whatever a peer's count may be");
    assert_eq!(results[0].as_ref().unwrap_err(), &AttemptError::Malformed("attempt number"));
}

#[test]
fn signatures_are_exchanged_later_by_all_who_computed_and_by_nobody_else() {
    let world = World::of_three();
    let mut parts = all(&world);
    parts[1].dies = true;
    assert!(run(&mut parts).iter().all(Result::is_err));
    assert!(parts.iter().all(|part| part.kept.is_some()));
    let ids: Vec<_> = parts.iter().map(|part| part.kept.as_ref().unwrap().facts.run_id).collect();
    let again = run(&mut parts).map(Result::unwrap);
    assert!(
        again.iter().zip(ids).all(|(finished, id)| finished.receipt.facts.run_id == id),
        "not computed again"
    );
    // Who delivers to another one something else than all have is refused.
    let honest = parts[2].kept.clone();
    let shares = &mut parts[2].kept.as_mut().unwrap().encrypted_shares;
    shares.iter_mut().find(|share| share.result_party == BOLT).unwrap().encrypted.0[8] ^= 1;
    let results = run(&mut parts);
    let refused = AttemptError::Malformed("output share of our outputs");
    assert_eq!(results[1].as_ref().unwrap_err(), &refused);
    parts[2].kept = honest;
    assert!(run(&mut parts).iter().all(Result::is_ok));
    // One that lost what it computed: outputs may have been opened, and there is no other attempt.
    parts[2].kept = None;
    let results = run(&mut parts);
    assert!(results.iter().all(Result::is_err));
    assert_eq!(results[0].as_ref().unwrap_err(), &AttemptError::Opened);
}

/// Who may ask which compute party for what: all others call the first, and those after each other one join it.
#[test]
fn each_compute_party_is_met_by_those_after_it() {
    let world = World::of_three();
    let (run, job) = (world.agreement.run(1).unwrap(), world.agreement.job());
    let is_taken = |us, client, kind| {
        let request = Request { job: job.id(), run: 1, kind };
        Admission { run, us }.check(client, &request, 0).is_ok()
    };
    let join = || RequestKind::Join { meeting: Digest([1; 32]), input_commitment: None };
    let compute = || RequestKind::Compute { input_commitment: None };
    for us in COMPUTERS {
        for client in job.ids() {
            let is_first = us == COMPUTERS[0];
            let is_called = is_first && [BOLT, DORA].contains(&client);
            assert_eq!(is_taken(us, client, compute()), is_called, "{client:?} calls {us:?}");
            assert_eq!(is_taken(us, client, RequestKind::Stopped("no".into())), is_called);
            let is_joined = us == BOLT && client == DORA;
            assert_eq!(is_taken(us, client, join()), is_joined, "{client:?} joins {us:?}");
            assert!(is_taken(us, client, RequestKind::Collect));
        }
    }
}

/// Known answers: `vectors/computers.json`, which `vectors/check.py` reads without this code.
/// `SOTTO_VECTORS=write cargo test -p sotto-jobs --release --test computers` writes the file.
#[test]
fn vectors_are_up_to_date() {
    let world = World::of_three();
    let (job, [finished, ..]) = (world.agreement.job(), finished(&world));
    // What was received by now depends on what was read ahead.
    let facts = finished.receipt.facts;
    let [garbler, evaluator, further] =
        COMPUTERS.map(|us| Statement::sign(&facts, [NOW, NOW], [3, 4], &identity(us)));
    let receipt = Receipt { facts, garbler, evaluator, further: vec![further] };
    // All that carl, who does not compute, gives the compute parties, by their places in the protocol.
    let tests = [BOLT, COMPUTERS[0], DORA].map(|us| {
        let share = &world.shares(us)[usize::from(us == COMPUTERS[0])];
        let attempts = [1, 2].map(|attempt| share.tests(job, attempt).iter().map(|test| test.to_bytes()));
        let attempts = attempts.map(|tests| tests.map(|test| to_hex(&test)).collect::<Vec<_>>());
        json!({ "party": us.0, "tests": attempts })
    });
    let subject = json!({
        "about": "a job of three computers, a receipt of it, and the tests that an owner gives the computers",
        "job_bytes": to_hex(&job.to_bytes()), "job_id": job.id().to_string(),
        "further": job.further.iter().map(|id| id.0).collect::<Vec<_>>(),
        "receipt_bytes": to_hex(&receipt.to_bytes()), "run": 1,
        "owner": CARL.0, "by_place": tests,
    });
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(sotto_vectors::file("computers"), render(&subject)).unwrap();
    }
    assert_eq!(load("computers").unwrap(), subject, "`SOTTO_VECTORS=write` writes the file");
}

#[test]
fn which_jobs_of_many_there_are() {
    let faults = |change: fn(&mut Draft)| {
        let mut draft = draft_of_three();
        change(&mut draft);
        Job::new(draft).err().unwrap_or_default()
    };
    let field = Part::Field("computers");
    assert!(faults(|_| {}).is_empty());
    assert!(
        faults(|d| d.suite = Suite::SemiHonest(Expansion::None))
            .contains(&(field, JobError::SemiHonestOfMany))
    );
    let expand = |d: &mut Draft| {
        let Suite::Malicious(settings) = d.suite else { return };
        d.suite = Suite::Malicious(settings.with_expansion(Expansion::K16));
    };
    assert_eq!(faults(expand), [(field, JobError::ExpandedOfMany)]);
    assert!(faults(|d| d.further = vec![PartyId(1)]).contains(&(field, JobError::ComputeParties)));
    assert!(faults(|d| d.further = vec![PartyId(9)]).contains(&(field, JobError::ComputeParties)));
    assert!(faults(|d| d.further = vec![PartyId(3); 7]).contains(&(field, JobError::ComputeParties)));
    assert!(faults(|d| d.parties[3].meeting = None).contains(&(Part::Party(3), JobError::NoAddress)));
    assert!(faults(|d| d.attestation.diverse = 1).contains(&(Part::Field("diverse"), JobError::Diverse)));
    let same = faults(|d| {
        let at = || Some(sotto_jobs::job::Meeting::Address(line("127.0.0.1:77")));
        (d.parties[0].meeting, d.parties[3].meeting) = (at(), at());
    });
    assert!(same.contains(&(Part::Party(3), JobError::OneAddress)));
    // A job of two has the encoding and the id that it had before there were more, and no other.
    let of_two = Job::new(crate::support::malicious_draft()).unwrap();
    let bytes = of_two.to_bytes();
    assert!(bytes.starts_with(b"sotto job v1\0"));
    let mut relabelled = b"sotto job v4\0".to_vec();
    relabelled.extend(&bytes[13..]);
    relabelled.extend([0; 4 + 4 + 1 + 4]);
    assert!(Job::from_bytes(&relabelled).is_err());
    let of_three = Job::new(draft_of_three()).unwrap();
    assert!(of_three.to_bytes().starts_with(b"sotto job v4\0"));
    assert_eq!(Job::from_bytes(&of_three.to_bytes()), Ok(of_three));
}

#[test]
fn a_policy_refuses_experiments_unless_it_says_otherwise_and_may_ask_for_more_computers() {
    let job = Job::new(draft_of_three()).unwrap();
    let text = |more: &str| {
        let digests = |digests: &[Digest]| {
            digests.iter().map(|digest| format!("\"{digest}\"")).collect::<Vec<_>>().join(", ")
        };
        let keys: Vec<_> = job.parties.iter().map(|party| Digest(party.key.digest())).collect();
        format!(
            "programs = [{}]\nschemas = [{}]\npurposes = [\"{}\"]\nresult_parties = [{}]\nminimum_rows = 1\n\
             runs_a_month = 9\noutputs_a_month = 9\n{more}",
            digests(&[job.program.circuit]),
            digests(&[job.schema_of(CARL)]),
            job.purpose,
            digests(&keys),
        )
    };
    let policy = |more: &str| policy_file::parse(&text(more)).unwrap();
    assert_eq!(policy("").check(&job, CARL), Err(PolicyError::Experimental));
    assert_eq!(policy("experimental = true").check(&job, CARL), Ok(()));
    assert_eq!(policy("experimental = true\ncomputers = 3").check(&job, CARL), Ok(()));
    let more = policy("experimental = true\ncomputers = 4").check(&job, CARL);
    assert_eq!(more, Err(PolicyError::Computers { least: 4, given: 3 }));
    for bad in ["computers = 3", "experimental = true\ncomputers = 9", "computers = 1"] {
        assert!(policy_file::parse(&text(bad)).unwrap_err().what.contains("`computers` is 2"), "{bad}");
    }
    assert_eq!(policy("").experiments, Experiments::Refused);
    let ids =
        ["", "experimental = true", "experimental = true\ncomputers = 3"].map(|more| policy(more).digest());
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    assert_eq!(policy("").digest(), policy("computers = 2").digest());
}
