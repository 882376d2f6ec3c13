//! The run state of a compute party: what it keeps, and that it goes on from what a crash left.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::support::world::World;
use crate::support::{agreement, draft, identity, job};
use sotto_jobs::attempt::{AttemptError, Computed, Finished};
use sotto_jobs::messages::Response;
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::receipt::Receipt;
use sotto_jobs::run_state::{Effect, Event, Item, OwnParty, RunState};
use sotto_jobs::{Digest, Job, PartyId};
use sotto_mpc::channel::pipe_pair;
use sotto_party::Identity;

#[test]
fn attempts_go_on_after_a_record_that_a_crash_cut_off() {
    let (agreement, identity) = (agreement(&job()), identity(PartyId(0)));
    let mut kept = BTreeMap::new();
    let restored = |kept: &BTreeMap<Item, Vec<u8>>| {
        let kept = |item| kept.get(&item).cloned();
        let ours = OwnParty { id: PartyId(0), identity: &identity };
        RunState::restore(agreement.run(1).unwrap(), ours, vec![8; 3], kept)
    };
    for attempt in 1..=8u32 {
        let mut state = restored(&kept);
        let next = state.next_attempt();
        assert!(next >= attempt, "{next}");
        let effects = state.step(Event::Begun { attempt: next, run_id: Digest([next as u8; 32]) });
        let [Effect::Keep(Item::Attempts, bytes), Effect::Proceed] = &effects[..] else {
            panic!("attempt {attempt}: {effects:?}")
        };
        // Every second time, the end of the last record is lost.
        let cut = bytes.len() - 17 * (attempt as usize % 2);
        kept.insert(Item::Attempts, bytes[..cut].to_vec());
        assert!(restored(&kept).next_attempt() > next, "a number is used once");
        assert!(restored(&kept).next_attempt() < 20, "and none is made up");
    }
    let stopped = restored(&kept).step(Event::Begun { attempt: 20, run_id: Digest([8; 32]) });
    assert!(matches!(stopped[..], [Effect::Response(_)]), "the id of attempt 8 is remembered: {stopped:?}");
}

const ACME: PartyId = PartyId(0);
const BOLT: PartyId = PartyId(1);
const CARL: PartyId = PartyId(2);
const DORA: PartyId = PartyId(3);
const EVE: PartyId = PartyId(4);

/// What survives a crash.
#[derive(Default)]
struct Disk(BTreeMap<Item, Vec<u8>>);

impl Disk {
    fn get(&self, item: Item) -> Option<Vec<u8>> {
        self.0.get(&item).cloned()
    }

    /// Keeps what is to be kept; the rest of the effects.
    fn apply(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let keep = |effect| match effect {
            Effect::Keep(item, bytes) => {
                self.0.insert(item, bytes);
                None
            }
            other => Some(other),
        };
        effects.into_iter().filter_map(keep).collect()
    }
}

/// A compute party's state for the first run, as it was kept.
fn restored<'a>(world: &'a World, id: PartyId, us: &'a Identity, disk: &Disk) -> RunState<'a> {
    let bits = (0..3).map(|i| world.program.declaration().input_bits(i)).collect();
    let run = world.agreement.run(1).unwrap();
    RunState::restore(run, OwnParty { id, identity: us }, bits, |item| disk.get(item))
}

/// What this contributor brings to a compute party.
fn delivery(world: &World, from: PartyId, to: PartyId) -> Event {
    let prepared = world.prepared.iter().find(|p| p.input_commitment.input_party == from).unwrap();
    let encrypted = prepared.encrypted.iter().find(|(compute_party, _)| *compute_party == to);
    Event::Delivered {
        input_party: from,
        input_commitment: prepared.input_commitment.to_bytes(),
        encrypted: encrypted.map(|(_, encrypted)| encrypted.clone()).unwrap_or_default(),
    }
}

fn finished(world: &World) -> [Finished; 2] {
    world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap)
}

/// What a compute party computed, of what it finished.
fn computed(finished: &Finished, us: PartyId) -> Computed {
    let Receipt { facts, garbler, evaluator, .. } = finished.receipt.clone();
    let statement = if us == ACME { garbler } else { evaluator };
    Computed { facts, statement, encrypted_shares: finished.encrypted_shares.clone() }
}

fn response(response: Response) -> Vec<Effect> {
    vec![Effect::Response(response)]
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_attempt_begins_once_all_inputs_are_there() {
    let (world, us) = (World::new(), identity(BOLT));
    let mut disk = Disk::default();
    let mut state = restored(&world, BOLT, &us, &disk);
    for (from, missing) in [(CARL, &["carl", "dora"][..]), (DORA, &["dora"])] {
        assert_eq!(state.missing(), missing);
        assert_eq!(state.step(Event::PeerReady), response(Response::Waiting(names(missing))));
        assert_eq!(state.step(Event::Collecting(EVE)), response(Response::Waiting(names(missing))));
        assert_eq!(disk.apply(state.step(delivery(&world, from, BOLT))), response(Response::Taken));
    }
    // The other compute party's input comes with it.
    assert_eq!((state.missing(), state.input_commitments()), (Vec::new(), None));
    assert_eq!(state.step(Event::PeerReady), response(Response::Waiting(Vec::new())));
    assert_eq!(disk.apply(state.step(delivery(&world, ACME, BOLT))), response(Response::Taken));
    assert_eq!(state.input_commitments().as_ref(), Some(&world.input_commitments));
    assert_eq!(state.step(Event::PeerReady), [Effect::Proceed]);
    assert_eq!(state.step(Event::PeerReady), response(Response::Waiting(Vec::new())), "one at a time");
    state.step(Event::Failed { why: "cut off".to_owned(), is_passing: true });
    assert_eq!(state.step(Event::PeerReady), [Effect::Proceed], "another attempt");

    assert_eq!(restored(&world, BOLT, &us, &disk).input_commitments(), Some(world.input_commitments.clone()));
    disk.0.remove(&Item::InputShare(CARL));
    assert_eq!(restored(&world, BOLT, &us, &disk).missing(), ["carl"], "a commitment without its share");
}

#[test]
fn what_was_kept_of_another_run_or_job_is_not_there() {
    let world = World::new();
    let mut other = draft();
    other.nonce = Digest([8; 32]);
    let other = agreement(&Job::new(other).unwrap());
    for (us, finished) in [ACME, BOLT].into_iter().zip(finished(&world)) {
        let (identity, computed) = (identity(us), computed(&finished, us));
        let ours = OwnParty { id: us, identity: &identity };
        for (item, bytes) in [(Item::Computed, computed.to_bytes()), (Item::Finished, finished.to_bytes())] {
            let restore = |run, bytes: &[u8]| {
                RunState::restore(run, ours, vec![8; 3], |asked| (asked == item).then(|| bytes.to_vec()))
            };
            let here = restore(world.agreement.run(1).unwrap(), &bytes);
            assert_eq!(here.waiting(), Some(computed.clone()), "what it signed itself");
            assert_eq!(here.finished(), (item == Item::Finished).then_some(&finished));
            let cut = &bytes[..bytes.len() - 1];
            for (run, bytes) in [
                (world.agreement.run(2).unwrap(), &bytes[..]),
                (other.run(1).unwrap(), &bytes),
                (world.agreement.run(1).unwrap(), cut),
            ] {
                let state = restore(run, bytes);
                assert!(state.waiting().is_none() && state.finished().is_none() && state.stopped().is_none());
            }
        }
    }
}

#[test]
fn a_finished_run_gives_each_party_its_part_and_remembers_who_has_it() {
    let (world, us, mut disk) = (World::new(), identity(ACME), Disk::default());
    let [garbler, _] = finished(&world);
    let mut state = restored(&world, ACME, &us, &disk);
    assert_eq!(state.step(Event::Confirmed(EVE)), response(Response::Taken));
    assert!(!state.has_confirmed(EVE), "there was nothing to have");
    assert_eq!(disk.apply(state.step(Event::Signed(Box::new(garbler.clone())))), []);
    state.step(Event::Failed { why: "too late".to_owned(), is_passing: false });
    assert_eq!(state.stopped(), None, "finished is finished");
    for party in [BOLT, DORA, EVE] {
        let encrypted_share = garbler.encrypted_shares.iter().find(|s| s.result_party == party).cloned();
        assert_eq!(encrypted_share.is_some(), party == EVE);
        let part = Response::Finished { receipt: garbler.receipt.to_bytes(), encrypted_share };
        assert_eq!(state.step(Event::Collecting(party)), response(part));
    }
    assert_eq!(state.uncollected(), ["bolt", "carl", "dora", "eve"]);
    assert_eq!(disk.apply(state.step(Event::Confirmed(EVE))), response(Response::Taken));
    assert_eq!(state.step(Event::Confirmed(EVE)), response(Response::Taken), "and kept once");
    disk.apply(state.step(Event::Confirmed(CARL)));
    for state in [&state, &restored(&world, ACME, &us, &disk)] {
        assert_eq!(state.uncollected(), ["bolt", "dora"]);
        assert!(state.has_confirmed(EVE) && !state.has_confirmed(DORA));
    }
}

#[test]
fn the_first_reason_to_stop_is_the_one_that_is_told() {
    let (world, us) = (World::new(), identity(ACME));
    let mut state = restored(&world, ACME, &us, &Disk::default());
    for why in ["the first", "the second"] {
        state.step(Event::Failed { why: why.to_owned(), is_passing: false });
        assert_eq!(state.stopped(), Some("the first"));
    }
    let refused = response(Response::Refused("the first".to_owned()));
    assert_eq!(state.step(Event::Collecting(EVE)), refused);
    assert_eq!(state.step(Event::PeerReady), refused);
}

/// A disk that fails may have lost what it had: what is known in memory still counts.
#[test]
fn a_disk_that_fails_takes_back_no_attempt_no_opening_and_no_input() {
    let (world, us) = (World::new(), identity(ACME));
    let begun = |attempt: u32| Event::Begun { attempt, run_id: Digest([attempt as u8; 32]) };
    let mut state = restored(&world, ACME, &us, &Disk::default());
    state.recover(|_| None);
    assert_eq!(state.stopped(), None, "nothing was opened");
    for from in [ACME, CARL, DORA] {
        state.step(delivery(&world, from, ACME));
    }
    state.step(begun(1));
    state.recover(|_| None);
    assert_eq!((state.next_attempt(), state.stopped()), (2, None));
    assert_eq!(state.missing(), ["carl", "dora"], "theirs are gone");
    for from in [CARL, DORA] {
        state.step(delivery(&world, from, ACME));
    }
    assert!(state.input_commitments().is_some(), "our own came with us");

    let mut disk = Disk::default();
    for attempt in [2, 3] {
        disk.apply(restored(&world, ACME, &us, &disk).step(begun(attempt)));
    }
    state.recover(|item| disk.get(item));
    assert_eq!(state.next_attempt(), 4, "the disk knows more");

    state.step(Event::Opening);
    let opened = AttemptError::Opened.to_string();
    let [garbler, _] = finished(&world);
    let bytes = computed(&garbler, ACME).to_bytes();
    state.recover(|item| (item == Item::Computed).then(|| bytes.clone()));
    assert_eq!(state.stopped(), None, "its outputs lack a signature");
    state.step(begun(5));
    state.step(Event::Failed { why: "cut off".to_owned(), is_passing: true });
    assert_eq!(state.stopped(), Some(&*opened));
    state.recover(|_| None);
    assert_eq!(state.stopped(), Some(&*opened));
}
