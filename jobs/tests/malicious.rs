//! Runs against a malicious compute party: what the parties accept, how often a run is attempted, and what each
//! check refuses.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::thread;

use crate::support::world::{World, channel};
use crate::support::{NOW, agreement, draft, identity, malicious_draft, rng};
use sotto_jobs::attempt::{AttemptError, Computed, Earlier, Finished, Surroundings, begin};
use sotto_jobs::collect::{Collected, Collector, Disagreement, Ended, Outcome};
use sotto_jobs::input_commitment::{InputCommitment, InputError, InputShare, encrypted_length};
use sotto_jobs::messages::Response;
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::receipt::{Receipt, ReceiptError, Statement};
use sotto_jobs::receipt_file;
use sotto_jobs::run_state::{Effect, Event, Item, NextStep, OwnParty, RunState};
use sotto_jobs::{Digest, Job, PartyId};
use sotto_mpc::channel::pipe_pair;
use sotto_mpc::protocol::malicious::{Check, Milestone, NotKept, SessionError};

const ACME: PartyId = PartyId(0);
const BOLT: PartyId = PartyId(1);
const CARL: PartyId = PartyId(2);
const EVE: PartyId = PartyId(4);

fn finished() -> (World, [Finished; 2]) {
    let world = World::malicious();
    let finished = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
    (world, finished)
}

/// What a result party makes of what the compute parties deliver.
fn outcome(
    world: &World,
    party: PartyId,
    [garbler, evaluator]: [&Finished; 2],
) -> Result<Outcome, Disagreement> {
    let job = world.agreement.job();
    let widths: Vec<usize> = world.program.declaration().outputs().iter().map(|t| t.bits()).collect();
    let identity = identity(party);
    let input = job.contributor_of(party).map(|i| &world.input_commitments[i]);
    let ours = OwnParty { id: party, identity: &identity };
    let collector = Collector { run: world.agreement.run(1).unwrap(), ours, input, widths: &widths };
    if job.computes(party) {
        return collector.outcome_of_compute_party(if party == ACME { garbler } else { evaluator });
    }
    let ended = [garbler, evaluator].map(|finished| Ended {
        receipt: finished.receipt.clone(),
        encrypted_share: finished.encrypted_shares.iter().find(|s| s.result_party == party).cloned(),
    });
    collector.outcome(&Collected::of(ended)?)
}

fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

#[test]
fn every_kind_of_result_party_learns_its_outputs() {
    let (world, [garbler, evaluator]) = finished();
    let job = world.agreement.job();
    assert_eq!(job.contributors(), [ACME, CARL, PartyId(3), EVE]);
    assert_eq!(job.streams(), [ACME, CARL, PartyId(3), EVE, BOLT]);
    assert_eq!(garbler.receipt, evaluator.receipt);
    assert!(garbler.receipt.facts.outputs.iter().all(|output| output.garbler == output.evaluator));
    assert_eq!(Receipt::from_bytes(job, &garbler.receipt.to_bytes()), Ok(garbler.receipt.clone()));
    for (party, places) in [(ACME, vec![0]), (BOLT, vec![0, 1]), (CARL, vec![0, 1]), (EVE, vec![0, 1])] {
        let outcome = outcome(&world, party, [&garbler, &evaluator]).unwrap();
        assert_eq!(outcome.outputs.iter().map(|(i, _)| *i).collect::<Vec<_>>(), places, "{party:?}");
        assert_eq!(outcome.outputs[0].1, [true; 3]);
        if let Some((_, sum)) = outcome.outputs.get(1) {
            assert_eq!(number(sum), 100 + 200 + 999 + 6 + 50);
        }
    }
    // Dora learns nothing, and nothing is delivered to it.
    assert!(outcome(&world, PartyId(3), [&garbler, &evaluator]).unwrap().outputs.is_empty());
    // What is delivered is under pads: no two result parties get the same, and none the outputs.
    let delivered: Vec<_> = garbler.encrypted_shares.iter().map(|share| &share.encrypted.0).collect();
    assert_ne!(delivered[1], delivered[2]);
}

/// Attack 20 and the end of 10: who delivers anything but what both signed is refused, whatever the outputs are.
#[test]
fn outputs_that_were_not_signed_are_refused() {
    let (world, honest) = finished();
    for (who, name) in [(0, "garbler"), (1, "evaluator")] {
        for party in [CARL, EVE] {
            for at in [0, 8] {
                let mut altered = honest.clone();
                let share = altered[who].encrypted_shares.iter_mut().find(|s| s.result_party == party);
                share.unwrap().encrypted.0[at] ^= 1;
                let error = outcome(&world, party, [&altered[0], &altered[1]]).unwrap_err();
                assert!(matches!(error, Disagreement::PaddedOutputs(_)) && error.to_string().contains(name));
            }
        }
    }
    // Two values that both would have signed are no facts of this job.
    let mut receipt = honest[0].receipt.clone();
    receipt.facts.outputs[0].evaluator = Digest([1; 32]);
    let times = [NOW, NOW];
    receipt.garbler = Statement::sign(&receipt.facts, times, [1, 1], &identity(ACME));
    receipt.evaluator = Statement::sign(&receipt.facts, times, [1, 1], &identity(BOLT));
    let job = world.agreement.job();
    assert_eq!(Receipt::from_bytes(job, &receipt.to_bytes()), Err(ReceiptError::Facts));
    // Nor is an attempt that the job does not allow.
    let mut receipt = honest[0].receipt.clone();
    receipt.facts.attempt = 3;
    receipt.garbler = Statement::sign(&receipt.facts, times, [1, 1], &identity(ACME));
    receipt.evaluator = Statement::sign(&receipt.facts, times, [1, 1], &identity(BOLT));
    assert_eq!(Receipt::from_bytes(job, &receipt.to_bytes()), Err(ReceiptError::Facts));
}

/// One party's part up to its outputs, from these shares and this number of the next attempt.
fn part(
    world: &World,
    us: PartyId,
    stream: sotto_mpc::channel::Pipe,
    shares: &[InputShare],
    next: u32,
) -> Result<Computed, AttemptError> {
    let (identity, rng) = (identity(us), &mut rng(us.0.into()));
    let earlier = Earlier { next, waiting: None };
    let begun = begin(world.known(us, &identity), channel(stream), earlier, rng)?;
    let surroundings = Surroundings { clock: &mut || NOW, keep: &mut |_| Ok(()) };
    Ok(begun.compute(&world.program, &shares.iter().collect::<Vec<_>>(), surroundings, rng)?.0)
}

fn both(world: &World, shares: [Vec<InputShare>; 2], next: [u32; 2]) -> [Result<Computed, AttemptError>; 2] {
    let ((near, far), [garbler, evaluator]) = (pipe_pair(), &shares);
    thread::scope(|scope| {
        let garbling = scope.spawn(|| part(world, ACME, near, garbler, next[0]));
        let evaluated = part(world, BOLT, far, evaluator, next[1]);
        [garbling.join().unwrap(), evaluated]
    })
}

/// Attack 11, through the layers of a job: of an owner's input and of a result party's pad.
#[test]
fn a_computer_that_changes_a_share_gets_no_signature() {
    let world = World::malicious();
    for side in [0, 1] {
        let us = [ACME, BOLT][side];
        // Carl's input and pad are the garbler's second share and the evaluator's first; Eve's pad is the last.
        for (share, at) in [(1 - side, 0), (1 - side, 40), (3 - side, 2)] {
            let mut shares = [world.shares(ACME), world.shares(BOLT)];
            let mut bytes = shares[side][share].to_bytes().to_vec();
            bytes[40 + at / 8] ^= 1 << (at % 8);
            shares[side][share] = InputShare::from_bytes(&bytes).unwrap();
            let caught = SessionError::Deviation(Check::OwnerInput);
            let other = &both(&world, shares, [1, 1])[1 - side];
            assert_eq!(*other, Err(AttemptError::Malicious(caught)), "{us:?}, share {share}, bit {at}");
        }
    }
}

#[test]
fn both_take_the_higher_count_and_stop_after_the_last_attempt() {
    let world = World::malicious();
    let shares = || [world.shares(ACME), world.shares(BOLT)];
    for (next, attempt) in [([1, 1], 1), ([2, 1], 2), ([1, 2], 2)] {
        let [garbler, evaluator] = both(&world, shares(), next).map(Result::unwrap);
        assert_eq!([garbler.facts.attempt, evaluator.facts.attempt], [attempt; 2]);
    }
    // The other's count may be anything, so it does not end our run.
    for (next, spent) in [([3, 1], 0), ([1, 3], 1), ([3, 2], 0), ([2, 3], 1)] {
        let errors = both(&world, shares(), next);
        assert_eq!(errors[spent], Err(AttemptError::Exhausted(2)));
        assert_eq!(errors[1 - spent], Err(AttemptError::Malformed("attempt number")));
    }
    assert!(!AttemptError::Exhausted(2).is_passing() && !AttemptError::Opened.is_passing());
}

/// A party that has outputs meets one that lost them: under semi-honest security they compute again.
#[test]
fn outputs_that_one_party_lost_are_not_computed_again() {
    let world = World::malicious();
    let [computed, _] = both(&world, [world.shares(ACME), world.shares(BOLT)], [1, 1]).map(Result::unwrap);
    let (near, far) = pipe_pair();
    let (us, them) = (identity(ACME), identity(BOLT));
    let errors = thread::scope(|scope| {
        let lost = scope.spawn(|| {
            let earlier = Earlier { next: 2, waiting: None };
            begin(world.known(BOLT, &them), channel(far), earlier, &mut rng(2)).map(|begun| begun.attempt)
        });
        let earlier = Earlier { next: 2, waiting: Some(&computed) };
        let ours = begin(world.known(ACME, &us), channel(near), earlier, &mut rng(1));
        (ours.map(|begun| begun.attempt), lost.join().unwrap())
    });
    assert_eq!(errors.0, Err(AttemptError::Opened));
}

/// A compute party's memory that survives crashes.
#[derive(Default)]
struct Disk(BTreeMap<Item, Vec<u8>>);

impl Disk {
    fn restore<'a>(
        &self,
        agreement: &'a sotto_jobs::Agreement,
        us: &'a sotto_party::Identity,
    ) -> RunState<'a> {
        let ours = OwnParty { id: ACME, identity: us };
        RunState::restore(agreement.run(1).unwrap(), ours, vec![8; 4], |item| self.0.get(&item).cloned())
    }

    fn apply(&mut self, effects: Vec<Effect>) -> bool {
        effects.into_iter().all(|effect| match effect {
            Effect::Keep(item, bytes) => {
                self.0.insert(item, bytes);
                true
            }
            Effect::Proceed => true,
            Effect::Response(_) => false,
        })
    }
}

/// Attack 19: an attempt that counts is noted before κ leaves, so a restart uses the tests of the next one.
#[test]
fn a_burnt_attempt_is_not_used_again_after_a_restart() {
    let (agreement, us) = (agreement(&Job::new(malicious_draft()).unwrap()), identity(ACME));
    let mut disk = Disk::default();
    for attempt in 1..=2 {
        let mut state = disk.restore(&agreement, &us);
        assert_eq!(state.next_attempt(), attempt);
        assert_eq!(state.next_step(NOW), NextStep::Meet);
        // Nothing is burnt by an attempt that fails before its first milestone.
        state.step(Event::Failed { why: String::new(), is_passing: true });
        assert_eq!(disk.restore(&agreement, &us).next_attempt(), attempt);
        assert!(disk.apply(state.step(Event::Begun { attempt, run_id: Digest([attempt as u8; 32]) })));
        // The same number again is refused, at once and after a restart.
        let again = || Event::Begun { attempt, run_id: Digest([9; 32]) };
        assert!(matches!(state.step(again())[..], [Effect::Response(_)]));
        assert!(matches!(disk.restore(&agreement, &us).step(again())[..], [Effect::Response(_)]));
    }
    let stopped = disk.restore(&agreement, &us).next_step(NOW);
    assert_eq!(stopped, NextStep::Stop(AttemptError::Exhausted(2).to_string()));
    // A job against curious parties goes on.
    let other = crate::support::agreement(&Job::new(draft()).unwrap());
    assert_eq!(disk.restore(&other, &us).next_step(NOW), NextStep::Meet);
}

#[test]
fn after_outputs_may_have_been_opened_there_is_no_other_attempt() {
    let (agreement, us) = (agreement(&Job::new(malicious_draft()).unwrap()), identity(ACME));
    let mut disk = Disk::default();
    let mut state = disk.restore(&agreement, &us);
    assert!(disk.apply(state.step(Event::Begun { attempt: 1, run_id: Digest([1; 32]) })));
    let failed = || Event::Failed { why: "cut off".to_owned(), is_passing: true };
    // Before: another attempt. After: none, now and after a restart.
    disk.restore(&agreement, &us).step(failed());
    assert_eq!(disk.restore(&agreement, &us).next_step(NOW), NextStep::Meet);
    assert!(disk.apply(state.step(Event::Opening)));
    state.step(failed());
    let stop = NextStep::Stop(AttemptError::Opened.to_string());
    assert_eq!(state.next_step(NOW), stop);
    let mut restored = disk.restore(&agreement, &us);
    assert_eq!(restored.next_step(NOW), stop);
    let answer = restored.step(Event::PeerReady);
    assert!(matches!(&answer[..], [Effect::Response(Response::Refused(why))] if why.contains("opened")));
}

#[test]
fn an_attempt_ends_where_a_milestone_is_not_kept() {
    let world = World::malicious();
    for milestone in [Milestone::Attempt, Milestone::Outputs] {
        let (near, far) = pipe_pair();
        let mut reached = Vec::new();
        let error = thread::scope(|scope| {
            scope.spawn(|| {
                let _ = part(&world, BOLT, far, &world.shares(BOLT), 1);
            });
            let (identity, rng) = (identity(ACME), &mut rng(1));
            let earlier = Earlier { next: 1, waiting: None };
            let begun = begin(world.known(ACME, &identity), channel(near), earlier, rng).unwrap();
            let mut keep = |now| {
                reached.push(now);
                if now == milestone { Err(NotKept) } else { Ok(()) }
            };
            let surroundings = Surroundings { clock: &mut || NOW, keep: &mut keep };
            let shares = world.shares(ACME);
            begun.compute(&world.program, &shares.iter().collect::<Vec<_>>(), surroundings, rng).err()
        });
        assert_eq!(error, Some(AttemptError::Malicious(SessionError::NotKept(NotKept))));
        assert_eq!(reached.last(), Some(&milestone), "{reached:?}");
    }
}

#[test]
fn tests_of_shares_are_committed_to_and_counted() {
    let world = World::malicious();
    let job = world.agreement.job();
    for (i, party) in job.contributors().into_iter().enumerate() {
        let prepared = &world.prepared[i];
        for (computer, encrypted) in &prepared.encrypted {
            let bits = sotto_jobs::attempt::contributed(job, &world.program, i);
            assert_eq!(encrypted.len(), encrypted_length(job, party, bits));
            let commitment: &InputCommitment = &prepared.input_commitment;
            let share = commitment.decrypt(job, &identity(*computer), encrypted, bits).unwrap();
            assert_eq!(share.bits().len(), bits);
            assert_eq!([0, 1, 2, 3].map(|attempt| share.tests(job, attempt).len()), [1, 1, 1, 0]);
            // A byte of a test, or one test fewer, is another share.
            let bytes = share.to_bytes().to_vec();
            let mut altered = vec![bytes[..bytes.len() - 80].to_vec()];
            for back in [1, 80, 81, 160] {
                let mut bytes = bytes.clone();
                let at = bytes.len() - back;
                bytes[at] ^= 1;
                altered.push(bytes);
            }
            for bytes in altered {
                let share = InputShare::from_bytes(&bytes).unwrap();
                let refused = Err(InputError::InputShare(job.party(party).name.to_string()));
                assert_eq!(commitment.check(job, *computer, &share, bits), refused);
            }
            assert!(InputShare::from_bytes(&bytes[..bytes.len() - 1]).is_none());
        }
    }
}

#[test]
fn a_receipt_says_what_it_shows_and_no_more() {
    let (world, [garbler, _]) = finished();
    let job = world.agreement.job();
    let rendered = receipt_file::render(job, &garbler.receipt);
    assert_eq!(rendered["adversary"], "malicious");
    assert_eq!(
        rendered["shows"],
        "If one of the compute parties followed the protocol, these outputs are of this circuit on the inputs to \
         which the input parties committed (for one that colludes with a compute party: that these entered), and \
         no compute party learned more than its outputs."
    );
    assert!(receipt_file::read(&rendered.to_string()).is_ok());
    let mut altered = rendered.clone();
    altered["shows"] = "Everything is proven.".into();
    assert!(receipt_file::read(&altered.to_string()).is_err());
    let (curious, run) = (World::new(), |world: &World| world.run(pipe_pair(), &mut [None, None], 1));
    let [garbler, _] = run(&curious).map(Result::unwrap);
    let rendered = receipt_file::render(curious.agreement.job(), &garbler.receipt);
    assert!(rendered.get("shows").is_none() && rendered.get("adversary").is_none());
}
