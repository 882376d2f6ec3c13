//! Whole runs over loopback TLS: five parties on threads, crashes and full disks at every step, and who is refused.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mpc::edge::files::Memory;
use mpc::edge::run::{Outcome, RunError, Setup, Stage, take_part};
use mpc::job::spec::{Draft, Meeting};
use mpc::job::{Agreement, Job, PartyId};
use mpc::joint::Joint;
use support::{NAMES, Sum, agreement, draft, identity, line, rng};

/// Sum of everybody's three numbers, and what each owner brings.
const TOTAL: u64 = 100 + 200 + 999 + 1 + 2 + 3 + 50;
const ROWS: [(u16, [i128; 3]); 3] = [(0, [100, 200, 999]), (2, [1, 2, 3]), (3, [0, 0, 50])];

/// The job with computers at free ports.
fn at_free_ports() -> Draft {
    let mut draft = draft();
    // Held until both are known, so that they differ.
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    for (party, port) in draft.parties.iter_mut().zip(&ports) {
        party.meeting = Some(Meeting::Address(line(&port.local_addr().unwrap().to_string())));
    }
    draft
}

/// One party's part, with what it kept before.
fn part(
    agreement: &Agreement,
    us: PartyId,
    rows: [i128; 3],
    shelf: &mut Memory,
    observe: &(dyn Fn(Stage) + Sync),
) -> Result<Outcome, RunError> {
    let program = Sum::new(3);
    let owner = agreement.job().input_of(us);
    let cells = vec![rows.map(|value| vec![value]).to_vec()];
    let bits = owner.map(|owner| program.declaration().encode(owner, &cells).unwrap());
    let identity = identity(us);
    let setup = Setup {
        agreement,
        program: &program,
        run: 1,
        us,
        identity: &identity,
        input: bits.as_ref(),
        listen: None,
        relay: None,
        debit: &|| Ok(()),
        observe,
    };
    // Nobody ever draws the same twice, also not after a crash.
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    take_part(&setup, shelf, &mut rng(DRAWN.fetch_add(1, Ordering::Relaxed)))
}

fn rows_of(id: PartyId) -> [i128; 3] {
    ROWS.iter().find(|(owner, _)| *owner == id.0).map_or([0; 3], |(_, rows)| *rows)
}

type Results = BTreeMap<u16, Result<Outcome, RunError>>;

/// All parties at once, each with its shelf.
fn everybody(agreement: &Agreement, shelves: &mut [Memory; 5]) -> Results {
    thread::scope(|scope| {
        let start = |(i, shelf): (usize, _)| {
            let id = PartyId(i as u16);
            (id.0, scope.spawn(move || part(agreement, id, rows_of(id), shelf, &|_| {})))
        };
        let running: Vec<_> = shelves.iter_mut().enumerate().map(start).collect();
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    })
}

fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |n, bit| n << 1 | u64::from(*bit))
}

fn check(results: &Results) {
    let outcome =
        |id: u16| results[&id].as_ref().unwrap_or_else(|e| panic!("{}: {e}", NAMES[usize::from(id)]));
    let receipt = &outcome(0).receipt;
    for id in 0..5 {
        assert_eq!(outcome(id).receipt, *receipt, "{}", NAMES[usize::from(id)]);
    }
    let [(0, hold), (1, sum)] = &outcome(4).outputs[..] else { panic!("eve learns both outputs") };
    assert_eq!((&hold[..], number(sum)), (&[true; 3][..], TOTAL));
    assert_eq!(outcome(0).outputs, [(0, vec![true; 3])], "acme learns whose inputs hold");
    for id in [1, 2, 3] {
        assert_eq!(outcome(id).outputs, [], "{} learns nothing", NAMES[usize::from(id)]);
    }
}

#[test]
fn five_parties_get_what_is_theirs_and_get_it_again() {
    let agreement = agreement(&Job::new(at_free_ports()).unwrap());
    let mut shelves = <[Memory; 5]>::default();
    let first = everybody(&agreement, &mut shelves);
    check(&first);
    let again = everybody(&agreement, &mut shelves);
    check(&again);
    let receipts = [&first, &again].map(|results| results[&4].as_ref().unwrap().receipt.to_bytes());
    assert_eq!(receipts[0], receipts[1], "delivered again, not computed again");
}

#[test]
fn a_disk_that_is_full_at_any_write_stops_that_party_and_the_next_try_ends_well() {
    // A computer keeps its own input and those of others, attempts, outputs, the receipt; the others their input and result.
    for (who, rooms) in [(0, &[0, 4, 8][..]), (1, &[6][..]), (3, &[0][..])] {
        for room in rooms.iter().copied() {
            let mut draft = at_free_ports();
            (draft.deadline, draft.limits.seconds) = (3, 1);
            let agreement = agreement(&Job::new(draft).unwrap());
            let mut shelves = <[Memory; 5]>::default();
            shelves[who].room = Some(room);
            let broken = everybody(&agreement, &mut shelves);
            assert!(broken[&(who as u16)].is_err(), "{} with room for {room}", NAMES[who]);
            shelves[who].room = None;
            // On a slow machine, three seconds may be too short.
            let passing = |r: &Result<_, _>| matches!(r, Err(RunError::Late(_) | RunError::Attempt(_)));
            let mut tries = (0..10).map(|_| everybody(&agreement, &mut shelves));
            check(&tries.find(|results| !results.values().any(passing)).unwrap());
        }
    }
}

#[test]
fn a_party_with_another_input_than_before_is_refused() {
    let agreement = agreement(&Job::new(at_free_ports()).unwrap());
    let mut shelves = <[Memory; 5]>::default();
    check(&everybody(&agreement, &mut shelves));
    let changed = part(&agreement, PartyId(3), [0, 0, 51], &mut shelves[3], &|_| {});
    assert!(matches!(changed, Err(RunError::Input(_))), "{changed:?}");
}

#[test]
fn whoever_stays_away_is_named_and_nothing_hangs() {
    let mut draft = at_free_ports();
    draft.deadline = 1;
    let agreement = agreement(&Job::new(draft).unwrap());
    let seen = Mutex::new(Vec::new());
    let observe = |stage| seen.lock().unwrap().push(stage);
    let alone = part(&agreement, PartyId(0), rows_of(PartyId(0)), &mut Memory::default(), &observe);
    let Err(RunError::Late(names)) = alone else { panic!("{alone:?}") };
    assert_eq!(names, ["carl", "dora"]);
    assert!(seen.lock().unwrap().contains(&Stage::Waiting(vec!["carl".into(), "dora".into()])));
}

#[test]
fn a_party_with_another_job_is_told_so() {
    let mut draft = at_free_ports();
    draft.deadline = 4;
    let mut other = draft.clone();
    other.limits.seconds += 1;
    let (ours, theirs) = (agreement(&Job::new(draft).unwrap()), agreement(&Job::new(other).unwrap()));
    thread::scope(|scope| {
        scope.spawn(|| part(&ours, PartyId(0), rows_of(PartyId(0)), &mut Memory::default(), &|_| {}));
        let refused = part(&theirs, PartyId(3), rows_of(PartyId(3)), &mut Memory::default(), &|_| {});
        assert!(matches!(&refused, Err(RunError::Refused { by, .. }) if by == "acme"), "{refused:?}");
    });
}
