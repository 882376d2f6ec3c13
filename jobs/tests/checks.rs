//! Each check between parties, by what fails without it: altered signatures, terms, shares, commitments,
//! requests and receipts.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{self, Read, Write};
use std::thread;

use crate::support::world::{FIRST, World, channel};
use crate::support::{NOW, Sum, agreement, approvals, identity, job, rng};
use sotto_jobs::admission::{Admission, Connections, MAX_CONNECTIONS};
use sotto_jobs::attempt::{AttemptError, Computed, Finished, Surroundings, begin};
use sotto_jobs::collect::{Collected, Collector, Disagreement, Ended};
use sotto_jobs::input_commitment::{Brought, InputCommitment, InputError, prepare};
use sotto_jobs::messages::{Request, RequestKind, Response};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::output_share::{AttemptOutputs, EncryptedOutputShare};
use sotto_jobs::receipt::Statement;
use sotto_jobs::receipt_file::{FileError, read, render};
use sotto_jobs::run_state::{Effect, Event, NextStep, OwnParty, RunState};
use sotto_jobs::{Agreement, Approval, Digest, PartyId};
use sotto_mpc::channel::pipe_pair;
use sotto_party::Context;

const ACME: PartyId = PartyId(0);
const BOLT: PartyId = PartyId(1);
const DORA: PartyId = PartyId(3);
const EVE: PartyId = PartyId(4);

/// Both compute parties compute; the evaluator signs what `change` makes of its outputs. What the garbler makes
/// of that.
fn exchanged(change: impl FnOnce(&mut Computed) + Send) -> Result<Finished, AttemptError> {
    let world = World::new();
    let (near, far) = pipe_pair();
    thread::scope(|scope| {
        let garbling = scope.spawn(|| world.compute(ACME, near, &mut None, 1));
        let (us, rng) = (identity(BOLT), &mut rng(2));
        let begun = begin(world.known(BOLT, &us), channel(far), FIRST, rng).unwrap();
        let shares = world.shares(BOLT);
        let refs: Vec<_> = shares.iter().collect();
        let surroundings = Surroundings { clock: &mut || NOW, keep: &mut |_| Ok(()) };
        let (mut computed, begun) = begun.compute(&world.program, &refs, surroundings, rng).unwrap();
        change(&mut computed);
        let _ = begun.exchange(&computed);
        garbling.join().unwrap()
    })
}

#[test]
fn the_other_computers_statement_is_signed_by_it_and_within_the_terms() {
    let (expiry, seconds) = (job().expiry, u64::from(job().limits.seconds));
    let signed = |times, signer| {
        exchanged(move |c| c.statement = Statement::sign(&c.facts, times, [1, 1], &identity(signer)))
    };
    assert!(signed([NOW, NOW + seconds], BOLT).is_ok());
    let unsigned = Some(AttemptError::Unsigned);
    assert_eq!(signed([NOW, NOW], DORA).err(), unsigned, "another key");
    assert_eq!(signed([expiry, expiry], BOLT).err(), unsigned, "after the expiry");
    assert_eq!(signed([NOW, NOW + seconds + 1], BOLT).err(), unsigned, "too long");
    let other_facts = exchanged(|c| {
        c.facts.transcript = Digest([9; 32]);
        c.statement = Statement::sign(&c.facts, [NOW, NOW], [1, 1], &identity(BOLT));
    });
    assert_eq!(other_facts.err(), unsigned, "other facts");
}

#[test]
fn the_other_computers_share_is_there_and_for_us() {
    let malformed = Some(AttemptError::Malformed("output share of our outputs"));
    assert_eq!(exchanged(|c| c.encrypted_shares.retain(|share| share.result_party != ACME)).err(), malformed);
    // One that names another party, on its way.
    let world = World::new();
    let (near, far) = pipe_pair();
    let far = Relabelled { inner: far, from: ACME, to: EVE };
    let error = thread::scope(|scope| {
        let garbling = scope.spawn(|| world.compute(ACME, near, &mut None, 1).err());
        let _ = world.compute(BOLT, far, &mut None, 2);
        garbling.join().unwrap()
    });
    assert_eq!(error, malformed);
}

/// A stream on which the share that comes with a signature names another party.
struct Relabelled<S> {
    inner: S,
    from: PartyId,
    to: PartyId,
}

impl<S: Read> Read for Relabelled<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl<S: Write> Write for Relabelled<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const PREFIX: &[u8] = b"sotto signature v1\0";
        let mut altered = bytes.to_vec();
        if let Some(at) = bytes.windows(PREFIX.len()).position(|window| window == PREFIX) {
            // Behind four numbers, a signature, and that there is a share.
            let place = at + PREFIX.len() + 32 + 64 + 1;
            assert_eq!(altered[place..place + 2], self.from.0.to_le_bytes());
            altered[place..place + 2].copy_from_slice(&self.to.0.to_le_bytes());
        }
        self.inner.write_all(&altered)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A finished run.
fn finished() -> (World, [Finished; 2]) {
    let world = World::new();
    let results = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
    (world, results)
}

fn share_of(finished: &Finished, party: PartyId) -> Option<EncryptedOutputShare> {
    finished.encrypted_shares.iter().find(|share| share.result_party == party).cloned()
}

#[test]
fn a_share_is_the_one_that_was_signed_for() {
    let (world, [garbler, evaluator]) = finished();
    let widths: Vec<usize> = world.program.declaration().outputs().iter().map(|t| t.bits()).collect();
    let facts = garbler.receipt.facts.clone();
    let origin = AttemptOutputs { job: world.agreement.job(), run_id: facts.run_id, widths: &widths };
    let [a, b] = [&garbler, &evaluator].map(|f| share_of(f, EVE).unwrap().encrypted.0);
    let shares = origin.join(EVE, &identity(EVE), &facts, [&a, &b]).unwrap().output_shares;
    for (who, name) in [(0, "garbler"), (1, "evaluator")] {
        // Another bit, and another commitment.
        let mut contents = shares.clone();
        *contents[who].last_mut().unwrap() ^= 1;
        let error = origin.received(EVE, &facts, contents).unwrap_err().to_string();
        assert!(error.contains(&format!("the {name}'s output share")), "{error}");
        let mut other = facts.clone();
        let delivered = other.outputs.iter_mut().find(|o| o.result_party == EVE).unwrap();
        *[&mut delivered.garbler, &mut delivered.evaluator][who] = Digest([7; 32]);
        assert!(origin.join(EVE, &identity(EVE), &other, [&a, &b]).is_err());
    }
}

#[test]
fn a_receipt_is_the_same_from_both_of_our_run_and_about_our_input() {
    let (world, [garbler, evaluator]) = finished();
    let ended = |finished: &Finished, party| Ended {
        receipt: finished.receipt.clone(),
        encrypted_share: share_of(finished, party),
    };
    let collected = |party| Collected::of([ended(&garbler, party), ended(&evaluator, party)]);
    let widths: Vec<usize> = world.program.declaration().outputs().iter().map(|t| t.bits()).collect();
    let outcome = |agreement: &Agreement, party, number, input, collected: &Collected| {
        let identity = identity(party);
        let ours = OwnParty { id: party, identity: &identity };
        let collector = Collector { run: agreement.run(number).unwrap(), ours, input, widths: &widths };
        collector.outcome(collected)
    };
    let (eve, dora) = (collected(EVE).unwrap(), collected(DORA).unwrap());
    let here = &world.agreement;
    assert_eq!(outcome(here, EVE, 1, None, &eve).unwrap().outputs.len(), 2);
    let own = &world.input_commitments[2];
    assert_eq!(outcome(here, DORA, 1, Some(own), &dora).unwrap().outputs, []);
    // Another input than ours, another run, another job, a share that is missing, two receipts.
    let not_ours = Err(Disagreement::NotOurs);
    assert_eq!(outcome(here, DORA, 1, Some(&world.input_commitments[1]), &dora), not_ours);
    assert_eq!(outcome(here, DORA, 1, None, &dora), not_ours);
    assert_eq!(outcome(here, EVE, 2, None, &eve), not_ours);
    let mut other = crate::support::draft();
    other.nonce = Digest([8; 32]);
    let other = agreement(&sotto_jobs::Job::new(other).unwrap());
    assert_eq!(outcome(&other, EVE, 1, None, &eve), not_ours);
    assert_eq!(outcome(here, EVE, 1, None, &dora), Err(Disagreement::NoShare));
    let mut altered = ended(&evaluator, EVE);
    altered.receipt.evaluator.sent += 1;
    assert_eq!(Collected::of([ended(&garbler, EVE), altered.clone()]), Err(Disagreement::Receipts));
    // What is kept is believed only if it is of this job, and signed.
    assert_eq!(Collected::from_bytes(here.job(), &eve.to_bytes()), Some(eve.clone()));
    assert_eq!(Collected::from_bytes(other.job(), &eve.to_bytes()), None);
    let unsigned = Collected::of([altered.clone(), altered]).unwrap();
    assert_eq!(Collected::from_bytes(here.job(), &unsigned.to_bytes()), None);
}

#[test]
fn the_words_of_a_receipt_are_those_of_its_bytes() {
    let (world, [garbler, _]) = finished();
    let rendered = render(world.agreement.job(), &garbler.receipt);
    assert!(read(&rendered.to_string()).is_ok());
    for (name, value) in rendered.as_object().unwrap() {
        let mut altered = rendered.clone();
        altered[name] = if value.is_number() { 77.into() } else { "other".into() };
        let error = read(&altered.to_string()).unwrap_err();
        assert!(name.ends_with("_bytes") || error == FileError::Words, "{name}: {error}");
        altered.as_object_mut().unwrap().remove(name);
        assert!(read(&altered.to_string()).is_err(), "without {name}");
    }
}

#[test]
fn an_input_commitment_names_its_holders_and_rows() {
    let agreement = agreement(&job());
    let input = agreement.run(1).unwrap().input_of(DORA);
    let prepared =
        prepare(input, Brought { bits: &[true][..].into(), pad: 0 }, &identity(DORA), &mut rng(1)).unwrap();
    let signed = |change: fn(&mut InputCommitment)| {
        let mut commitment = prepared.input_commitment.clone();
        change(&mut commitment);
        let mut bytes = commitment.to_bytes();
        bytes.truncate(bytes.len() - 64);
        let signature = identity(DORA).sign(Context::new("sotto manifest v1"), &bytes);
        InputCommitment::from_bytes(input, &[&bytes[..], &signature].concat()).map(|_| ())
    };
    assert_eq!(signed(|_| {}), Ok(()));
    let refused = Err(InputError::InputCommitment("dora".into()));
    assert_eq!(signed(|c| _ = c.share_commitments.pop()), refused, "one holder is missing");
    assert_eq!(signed(|c| c.share_commitments.swap(0, 1)), refused, "in another order");
    assert_eq!(signed(|c| c.share_commitments[1].compute_party = EVE), refused, "another holder");
    assert_eq!(signed(|c| c.share_commitments.push(c.share_commitments[0].clone())), refused, "one too many");
    assert_eq!(signed(|c| c.rows[0] += 1), refused, "another number of rows");
}

#[test]
fn an_input_party_commits_once_to_a_run() {
    let world = World::new();
    let (run, us) = (world.agreement.run(1).unwrap(), identity(ACME));
    let bits = (0..3).map(|i| world.program.declaration().input_bits(i)).collect();
    let mut state = RunState::restore(run, OwnParty { id: ACME, identity: &us }, bits, |_| None);
    let mut deliver = |seed, number: i128| {
        let cells = vec![vec![vec![number]; 3]];
        let bits = world.program.declaration().encode(2, &cells).unwrap();
        let prepared =
            prepare(run.input_of(DORA), Brought { bits: &bits, pad: 0 }, &identity(DORA), &mut rng(seed))
                .unwrap();
        let (_, encrypted) = prepared.encrypted.into_iter().find(|(to, _)| *to == ACME).unwrap();
        let input_commitment = prepared.input_commitment.to_bytes();
        let effects = state.step(Event::Delivered { input_party: DORA, input_commitment, encrypted });
        match effects.last().cloned() {
            Some(Effect::Response(answer)) => (effects.len(), answer),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(deliver(1, 5), (3, Response::Taken));
    assert_eq!(deliver(1, 5), (1, Response::Taken), "the same again");
    for (seed, number) in [(2, 6), (2, 5)] {
        let (effects, answer) = deliver(seed, number);
        let Response::Refused(why) = answer else { panic!("{answer:?}") };
        assert!(effects == 1 && why.contains("committed to another input"), "{why}");
    }
    assert_eq!(deliver(1, 5), (1, Response::Taken), "the first stays");
}

#[test]
fn two_channels_are_two_sessions() {
    let (garbler, mut evaluator) = (World::new(), World::new());
    evaluator.exported = [6; 32];
    let (near, far) = pipe_pair();
    let errors = thread::scope(|scope| {
        let garbling = scope.spawn(|| garbler.compute(ACME, near, &mut None, 1).err());
        let evaluated = evaluator.compute(BOLT, far, &mut None, 2).err();
        [garbling.join().unwrap(), evaluated]
    });
    assert!(errors.iter().any(|e| matches!(e, Some(AttemptError::Session(_)))), "{errors:?}");
    assert!(errors.iter().all(Option::is_some), "{errors:?}");
}

#[test]
fn computers_with_other_approvals_or_another_program_stop_at_once() {
    let world = World::new();
    let mut again = approvals(&job());
    again[4] = Approval::sign(&job(), &identity(EVE), &mut rng(77)).unwrap();
    let mut twice = World::new();
    twice.agreement = Agreement::new(job(), &again, NOW).unwrap();
    let mut altered = World::new();
    altered.program = Sum::up_to(3, 998);
    let both = |other: &World| {
        let (near, far) = pipe_pair();
        thread::scope(|scope| {
            let garbling = scope.spawn(|| world.compute(ACME, near, &mut None, 1).unwrap_err());
            [other.compute(BOLT, far, &mut None, 2).unwrap_err(), garbling.join().unwrap()]
        })
    };
    let named = || AttemptError::Approval("eve".to_owned());
    assert_eq!(both(&twice), [named(), named()]);
    assert!(named().to_string().contains("eve signed this job twice") && !named().is_passing());
    let errors = both(&altered);
    assert!(errors.iter().any(|error| matches!(error, AttemptError::Session(_))), "{errors:?}");
}

#[test]
fn an_attempt_number_far_ahead_uses_up_no_run() {
    let world = World::new();
    let far_ahead = |next| {
        let (near, far) = pipe_pair();
        let (us, them) = (identity(ACME), identity(BOLT));
        let (ours, theirs) = (world.known(ACME, &us), world.known(BOLT, &them));
        thread::scope(|scope| {
            let earlier = sotto_jobs::attempt::Earlier { next, waiting: None };
            scope.spawn(move || drop(begin(theirs, channel(far), earlier, &mut rng(2))));
            begin(ours, channel(near), FIRST, &mut rng(1)).map(|begun| begun.attempt)
        })
    };
    assert_eq!([900, 1001].map(far_ahead), [Ok(900), Ok(1001)]);
    for jump in [1002, u32::MAX] {
        assert_eq!(far_ahead(jump), Err(AttemptError::Malformed("attempt number")));
    }
}

#[test]
fn a_request_is_of_this_run_and_of_whom_the_job_gives_the_role() {
    let agreement = agreement(&job());
    let run = agreement.run(1).unwrap();
    let check = |us, client, kind: RequestKind, now| {
        let request = Request { job: agreement.job().id(), run: 1, kind };
        Admission { run, us }.check(client, &request, now)
    };
    let deliver = || RequestKind::Deliver { input_commitment: Vec::new(), encrypted: Vec::new() };
    let refused = |why: &str| Err(Response::Refused(why.to_owned()));
    let role = || refused("the job does not give you that role");
    for client in [BOLT, DORA, EVE] {
        for kind in [RequestKind::Collect, RequestKind::Confirmed] {
            assert_eq!(check(ACME, client, kind.clone(), NOW), Ok(()));
            for (job, number) in [(Digest([1; 32]), 1), (agreement.job().id(), 2), (agreement.job().id(), 0)]
            {
                let request = Request { job, run: number, kind: kind.clone() };
                let other = refused("this is another job, or another run of it: compare the job's ids");
                assert_eq!(Admission { run, us: ACME }.check(client, &request, NOW), other);
            }
        }
        let is_evaluator = client == BOLT;
        for kind in [
            RequestKind::Compute { input_commitment: None },
            RequestKind::Awaiting(Vec::new()),
            RequestKind::Stopped("why".to_owned()),
        ] {
            let expected = if is_evaluator { Ok(()) } else { role() };
            assert_eq!(check(ACME, client, kind.clone(), NOW), expected, "{client:?}: {kind:?}");
            assert_eq!(check(BOLT, client, kind, NOW), role(), "the evaluator is not called");
        }
        assert_eq!(check(ACME, client, deliver(), NOW), if client == DORA { Ok(()) } else { role() });
    }
    assert_eq!(check(ACME, DORA, deliver(), agreement.job().expiry), refused("the job has expired"));
}

#[test]
fn a_party_holds_four_connections() {
    let mut connections = Connections::default();
    for _ in 0..MAX_CONNECTIONS {
        assert!(connections.open(EVE));
    }
    assert_eq!(MAX_CONNECTIONS, 4);
    assert!(!connections.open(EVE) && !connections.open(EVE));
    assert!(connections.open(DORA), "others have their own");
    connections.close(EVE);
    assert!(connections.open(EVE) && !connections.open(EVE));
}

#[test]
fn after_the_expiry_only_what_was_computed_goes_on() {
    let (world, [garbler, _]) = finished();
    let (run, us, expiry) = (world.agreement.run(1).unwrap(), identity(ACME), world.agreement.job().expiry);
    let mut state = RunState::restore(run, OwnParty { id: ACME, identity: &us }, vec![8; 3], |_| None);
    assert_eq!((state.next_step(expiry - 1), state.next_step(expiry)), (NextStep::Meet, NextStep::Expire));
    let Finished { receipt, encrypted_shares, .. } = garbler.clone();
    let computed = Computed { facts: receipt.facts, statement: receipt.garbler, encrypted_shares };
    state.step(Event::Computed(Box::new(computed)));
    assert_eq!(state.next_step(expiry), NextStep::Meet, "it lacks a signature");
    state.step(Event::Signed(Box::new(garbler)));
    assert_eq!(state.next_step(expiry), NextStep::Deliver);
    let mut stopped = RunState::restore(run, OwnParty { id: ACME, identity: &us }, vec![8; 3], |_| None);
    stopped.step(Event::Failed { why: "no".to_owned(), is_passing: false });
    assert_eq!(stopped.next_step(0), NextStep::Stop("no".to_owned()));
}
