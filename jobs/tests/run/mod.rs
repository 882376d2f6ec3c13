//! Whole runs over loopback TLS: five parties on threads, crashes and full disks at every step, and who is
//! refused.
#![allow(clippy::unwrap_used, clippy::panic)]

mod computers;
mod liars;
mod malicious;
mod post;
mod put_through;
mod sales;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::{NAMES, Sum, agreement, approvals, draft, identity, line, malicious_draft, rng};
use sotto_jobs::edge::run::{Outcome, RunError, Setup, Stage, take_part};
use sotto_jobs::edge::tls;
use sotto_jobs::job::{Draft, Meeting};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::policy_file::DebitError;
use sotto_jobs::storage::{Memory, Storage};
use sotto_jobs::{Agreement, Approval, Job, PartyId};

/// Sum of everybody's three numbers, and what each input party brings.
const TOTAL: u64 = 100 + 200 + 999 + 1 + 2 + 3 + 50;
const ROWS: [(u16, [i128; 3]); 3] = [(0, [100, 200, 999]), (2, [1, 2, 3]), (3, [0, 0, 50])];

/// The job with compute parties at free ports.
fn at_free_ports() -> Draft {
    placed(draft())
}

/// A job with compute parties at free ports.
fn placed(mut draft: Draft) -> Draft {
    // Held until both are known, so that they differ.
    let computers = draft.compute_parties();
    let ports: Vec<_> = computers.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for (party, port) in computers.iter().zip(&ports) {
        let address = port.local_addr().unwrap().to_string();
        draft.parties[usize::from(party.0)].meeting = Some(Meeting::Address(line(&address)));
    }
    draft
}

/// One party's part, with what it kept before.
fn part(
    agreement: &Agreement,
    us: PartyId,
    rows: [i128; 3],
    storage: &mut Memory,
    observe: &(dyn Fn(Stage) + Sync),
) -> Result<Outcome, RunError> {
    debited(agreement, us, rows, (storage, &|| Ok(())), observe)
}

/// The same, where a compute party listens elsewhere than the job says.
fn part_listening(agreement: &Agreement, us: PartyId, listen: Option<&str>) -> Result<Outcome, RunError> {
    let (storage, observe) = (&mut Memory::default(), &|_| {});
    with_setup(agreement, us, rows_of(us), |setup| {
        take_part(&Setup { listen, observe, ..setup }, storage, &mut drawn())
    })
}

/// The same, with a budget that may refuse.
fn debited(
    agreement: &Agreement,
    us: PartyId,
    rows: [i128; 3],
    (storage, debit): (&mut Memory, &(dyn Fn() -> Result<(), DebitError> + Sync)),
    observe: &(dyn Fn(Stage) + Sync),
) -> Result<Outcome, RunError> {
    with_setup(agreement, us, rows, |setup| {
        take_part(&Setup { debit, observe, ..setup }, storage, &mut drawn())
    })
}

/// Calls `run` with what a party brings.
fn with_setup<T>(
    agreement: &Agreement,
    us: PartyId,
    rows: [i128; 3],
    run: impl FnOnce(Setup<'_, Sum>) -> T,
) -> T {
    let program = Sum::new(3);
    let input_party = agreement.job().input_of(us);
    let cells = vec![rows.map(|value| vec![value]).to_vec()];
    let bits = input_party.map(|input_party| program.declaration().encode(input_party, &cells).unwrap());
    run(Setup {
        run: agreement.run(1).unwrap(),
        program: &program,
        us,
        identity: &identity(us),
        input: bits.as_ref(),
        listen: None,
        rendezvous_server: None,
        debit: &|| Ok(()),
        trade: None,
        observe: &|_| {},
        means: None,
    })
}

/// A random source: no two draws are the same, also not after a crash.
fn drawn() -> rand_chacha::ChaCha20Rng {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    rng(DRAWN.fetch_add(1, Ordering::Relaxed))
}

fn rows_of(id: PartyId) -> [i128; 3] {
    ROWS.iter().find(|(input_party, _)| *input_party == id.0).map_or([0; 3], |(_, rows)| *rows)
}

type Results = BTreeMap<u16, Result<Outcome, RunError>>;

/// All parties at once, each with its storage.
fn everybody(agreement: &Agreement, storages: &mut [Memory; 5]) -> Results {
    thread::scope(|scope| {
        let start = |(i, storage): (usize, _)| {
            let id = PartyId(i as u16);
            (id.0, scope.spawn(move || part(agreement, id, rows_of(id), storage, &|_| {})))
        };
        let running: Vec<_> = storages.iter_mut().enumerate().map(start).collect();
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    })
}

/// The same, until all are there together: on a slow machine, a deadline of seconds may be too short.
fn at_last(agreement: &Agreement, storages: &mut [Memory; 5]) -> Results {
    let passing = |r: &Result<_, _>| {
        matches!(r, Err(RunError::Late(_) | RunError::Attempt(_) | RunError::NotCollected(_)))
    };
    let mut tries = (0..10).map(|_| everybody(agreement, storages));
    tries.find(|results| !results.values().any(passing)).unwrap()
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
    let mut storages = <[Memory; 5]>::default();
    let first = everybody(&agreement, &mut storages);
    check(&first);
    let again = everybody(&agreement, &mut storages);
    check(&again);
    let receipts = [&first, &again].map(|results| results[&4].as_ref().unwrap().receipt.to_bytes());
    assert_eq!(receipts[0], receipts[1], "delivered again, not computed again");
}

#[test]
fn a_disk_that_is_full_at_any_write_stops_that_party_and_the_next_try_ends_well() {
    // A compute party keeps the inputs of others and its own, attempts, outputs, the receipt; the others
    // their input and result.
    for (who, rooms) in [(0, &[0, 4, 7][..]), (1, &[6][..]), (3, &[0][..])] {
        for room in rooms.iter().copied() {
            let mut draft = at_free_ports();
            (draft.deadline, draft.limits.seconds) = (3, 1);
            let agreement = agreement(&Job::new(draft).unwrap());
            let mut storages = <[Memory; 5]>::default();
            storages[who].room = Some(room);
            let broken = everybody(&agreement, &mut storages);
            assert!(broken[&(who as u16)].is_err(), "{} with room for {room}", NAMES[who]);
            storages[who].room = None;
            check(&at_last(&agreement, &mut storages));
        }
    }
}

#[test]
fn who_died_before_it_said_that_it_has_all_says_so_when_it_comes_back() {
    let agreement = agreement(&Job::new(at_free_ports()).unwrap());
    let mut storages = <[Memory; 5]>::default();
    check(&everybody(&agreement, &mut storages));
    // Eve has her result; no party heard that she has it.
    let kept = storages[4].get("finished").unwrap().unwrap();
    storages[4] = Memory::default();
    storages[4].put("finished", &kept).unwrap();
    for storage in &mut storages[..2] {
        storage.put("confirmed", &[0, 0, 1, 0, 2, 0, 3, 0]).unwrap();
    }
    let started = Instant::now();
    let [acme, bolt, _, _, eve] = &mut storages;
    thread::scope(|scope| {
        let agreement = &agreement;
        let compute_parties = [(0, acme), (1, bolt)].map(|(id, storage)| {
            scope.spawn(move || part(agreement, PartyId(id), rows_of(PartyId(id)), storage, &|_| {}).unwrap())
        });
        // They are there when she comes, and wait for no other.
        thread::sleep(Duration::from_secs(1));
        part(agreement, PartyId(4), [0; 3], eve, &|_| {}).unwrap();
        compute_parties.into_iter().for_each(|compute_party| drop(compute_party.join().unwrap()));
    });
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_party_with_another_input_than_before_is_refused() {
    let agreement = agreement(&Job::new(at_free_ports()).unwrap());
    let mut storages = <[Memory; 5]>::default();
    check(&everybody(&agreement, &mut storages));
    let changed = part(&agreement, PartyId(3), [0, 0, 51], &mut storages[3], &|_| {});
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
    assert_eq!(names, ["carl", "dora", "bolt"]);
    let awaited = vec!["carl".into(), "dora".into(), "bolt".into()];
    assert!(seen.lock().unwrap().contains(&Stage::Waiting(awaited)));
}

#[test]
fn who_is_there_is_not_awaited() {
    let mut draft = at_free_ports();
    draft.deadline = 3;
    let agreement = agreement(&Job::new(draft).unwrap());
    // Acme brings an input too, which crosses only when the compute parties begin.
    let late = |id: u16| match part(
        &agreement,
        PartyId(id),
        rows_of(PartyId(id)),
        &mut Memory::default(),
        &|_| {},
    ) {
        Err(RunError::Late(names)) => names,
        other => panic!("{other:?}"),
    };
    let [acme, bolt] = thread::scope(|scope| {
        [0, 1].map(|id| scope.spawn(move || late(id))).map(|party| party.join().unwrap())
    });
    assert_eq!([acme, bolt], [["carl", "dora"]; 2], "each compute party knows that the other one is there");
}

#[test]
fn nothing_begins_after_the_expiry_and_what_was_finished_is_delivered() {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut draft = at_free_ports();
    (draft.deadline, draft.expiry) = (60, clock() + 10);
    let (job, mut storages) = (Job::new(draft).unwrap(), <[Memory; 5]>::default());
    let agreement = agreement(&job);
    check(&everybody(&agreement, &mut storages));
    while clock() < job.expiry {
        thread::sleep(Duration::from_millis(100));
    }
    // Eve alone has not fetched what is hers.
    storages[4] = Memory::default();
    for storage in &mut storages[..2] {
        storage.put("confirmed", &[0, 0, 1, 0, 2, 0, 3, 0]).unwrap();
    }
    check(&everybody(&agreement, &mut storages));
    for id in [0, 1, 3].map(PartyId) {
        let late = part(&agreement, id, rows_of(id), &mut Memory::default(), &|_| {});
        assert!(matches!(late, Err(RunError::Expired)), "{late:?}");
    }
}

#[test]
fn a_computation_that_takes_longer_than_its_seconds_ends_and_everybody_is_told() {
    let mut draft = at_free_ports();
    (draft.deadline, draft.limits.seconds) = (20, 1);
    let agreement = agreement(&Job::new(draft).unwrap());
    let started = Instant::now();
    let slow = |stage| {
        if matches!(stage, Stage::Passed(_)) {
            thread::sleep(Duration::from_millis(300));
        }
    };
    let results = thread::scope(|scope| {
        let start = |id: u16| {
            let (agreement, id) = (&agreement, PartyId(id));
            let observe: &(dyn Fn(Stage) + Sync) = if id.0 == 0 { &slow } else { &|_| {} };
            scope.spawn(move || part(agreement, id, rows_of(id), &mut Memory::default(), observe))
        };
        [0, 1, 2, 3, 4].map(start).map(|party| party.join().unwrap())
    });
    for (name, result) in NAMES.iter().zip(results) {
        let why = result.unwrap_err().to_string();
        assert!(why.contains("longer than 1 s, which the job sets as its limit"), "{name}: {why}");
    }
    assert!(started.elapsed() < Duration::from_secs(15), "no party waits for the deadline");
}

#[test]
fn who_signed_twice_is_named_at_once_and_to_everybody() {
    let mut draft = at_free_ports();
    draft.deadline = 60;
    let job = Job::new(draft).unwrap();
    let mut again = approvals(&job);
    again[4] = Approval::sign(&job, &identity(PartyId(4)), &mut rng(77)).unwrap();
    let (first, second) = (agreement(&job), Agreement::new(job, &again, crate::support::NOW).unwrap());
    let started = Instant::now();
    let results = thread::scope(|scope| {
        let start = |id: u16| {
            let (agreement, id) = (if id == 1 { &second } else { &first }, PartyId(id));
            scope.spawn(move || part(agreement, id, rows_of(id), &mut Memory::default(), &|_| {}))
        };
        [0, 1, 2, 3, 4].map(start).map(|party| party.join().unwrap())
    });
    for (name, result) in NAMES.iter().zip(results) {
        let why = result.unwrap_err().to_string();
        assert!(why.contains("eve signed this job twice"), "{name}: {why}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "no party waits for the deadline");
}

#[test]
fn an_input_binds_once_somebody_is_told_of_it() {
    let mut draft = at_free_ports();
    draft.deadline = 3;
    let agreement = agreement(&Job::new(draft).unwrap());
    let mut storages = <[Memory; 5]>::default();
    for id in [0, 3] {
        let mistyped = part(&agreement, PartyId(id), [7; 3], &mut storages[usize::from(id)], &|_| {});
        assert!(matches!(mistyped, Err(RunError::Late(_))), "{mistyped:?}");
    }
    // No other party was there: the right rows are taken, from the compute party and from the input party. Then they
    // stay.
    check(&at_last(&agreement, &mut storages));
    for id in [0, 3] {
        let changed = part(&agreement, PartyId(id), [7; 3], &mut storages[usize::from(id)], &|_| {});
        assert!(matches!(changed, Err(RunError::Input(_))), "{changed:?}");
    }
}

#[test]
fn a_guest_who_proves_its_key_and_is_silent_keeps_nobody_out() {
    let agreement = agreement(&Job::new(at_free_ports()).unwrap());
    let (job, mut storages, started) = (agreement.job(), <[Memory; 5]>::default(), Instant::now());
    let (eve, acme) =
        (tls::identity(&identity(PartyId(4))), tls::peer_key(&job.party(PartyId(0)).key).unwrap());
    let Some(Meeting::Address(address)) = &job.party(PartyId(0)).meeting else { panic!("acme listens") };
    let results: Results = thread::scope(|scope| {
        let (agreement, mut running, mut silent) = (&agreement, Vec::new(), Vec::new());
        for (i, storage) in storages.iter_mut().enumerate() {
            let id = PartyId(i as u16);
            running.push((id.0, scope.spawn(move || part(agreement, id, rows_of(id), storage, &|_| {}))));
            // The others come when eve has made herself broad at acme's.
            while i == 0 && silent.len() < 80 {
                let timeouts = tls::Timeouts { connect: Duration::from_secs(9), ..tls::Timeouts::default() };
                silent.push(tls::connect(address.as_str(), &eve, acme, timeouts).unwrap());
            }
        }
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    });
    check(&results);
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
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

#[test]
fn nothing_leaves_before_the_run_is_debited() {
    let mut draft = at_free_ports();
    (draft.deadline, draft.limits.seconds) = (4, 4);
    let agreement = agreement(&Job::new(draft).unwrap());
    let mut storages = <[Memory; 5]>::default();
    // Dora delivers, and acme, who computes, begins an attempt, only after a debit.
    for refusing in [3, 0] {
        let results: Results = thread::scope(|scope| {
            let start = |(i, storage): (usize, _)| {
                let (agreement, id) = (&agreement, PartyId(i as u16));
                let debit = move || if i == refusing { Err(DebitError::NoPolicy) } else { Ok(()) };
                let run = move || debited(agreement, id, rows_of(id), (storage, &debit), &|_| {});
                (id.0, scope.spawn(run))
            };
            let running: Vec<_> = storages.iter_mut().enumerate().map(start).collect();
            running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
        });
        let refused = &results[&(refusing as u16)];
        assert!(matches!(refused, Err(RunError::Debit(DebitError::NoPolicy))), "{refused:?}");
        assert!(results.values().all(Result::is_err), "no party has a result");
        if refusing == 3 {
            assert_eq!(storages[3].get("own").unwrap(), None, "dora is bound to nothing");
            for storage in &storages[..2] {
                assert_eq!(storage.get("share-dora").unwrap(), None, "nothing of dora's was delivered");
            }
        }
        for storage in &storages[..2] {
            assert_eq!(storage.get("computed").unwrap(), None);
        }
        assert_eq!(storages[0].get("attempts").unwrap(), None, "acme began no attempt");
    }
}

#[test]
fn what_is_kept_of_one_run_is_of_no_other() {
    let mut draft = at_free_ports();
    (draft.deadline, draft.limits.seconds) = (1, 1);
    let ours = agreement(&Job::new(draft.clone()).unwrap());
    draft.nonce = sotto_jobs::Digest([8; 32]);
    let other = agreement(&Job::new(draft).unwrap());
    let mut storage = Memory::default();
    let late = part(&ours, PartyId(4), [0; 3], &mut storage, &|_| {});
    assert!(matches!(late, Err(RunError::Late(_))), "{late:?}");
    let refused = part(&other, PartyId(4), [0; 3], &mut storage, &|_| {});
    assert!(matches!(refused, Err(RunError::OtherStorage)), "{refused:?}");
}

#[test]
fn an_address_that_does_not_answer_is_named_at_once() {
    let mut draft = at_free_ports();
    draft.deadline = 1;
    draft.parties[1].meeting = Some(Meeting::Address(line("no-such-host.invalid:7700")));
    let agreement = agreement(&Job::new(draft).unwrap());
    let seen = Mutex::new(Vec::new());
    let observe = |stage| seen.lock().unwrap().push(stage);
    let late = part(&agreement, PartyId(3), rows_of(PartyId(3)), &mut Memory::default(), &observe);
    assert!(matches!(&late, Err(RunError::Late(names)) if names == &["acme", "bolt"]), "{late:?}");
    let seen = seen.lock().unwrap();
    for (name, host) in [("acme", "127.0.0.1"), ("bolt", "no-such-host.invalid")] {
        let is_named = |stage: &Stage| matches!(stage, Stage::Unreachable { party, why } if party == name && why.contains(host));
        assert!(seen.iter().take(3).any(is_named), "{name}: {seen:?}");
    }
}

#[test]
fn a_computer_says_whose_result_was_not_collected() {
    let mut draft = at_free_ports();
    draft.deadline = 4;
    let agreement = agreement(&Job::new(draft).unwrap());
    let finished = Mutex::new(Vec::new());
    let results = thread::scope(|scope| {
        let start = |id: u16| {
            let (agreement, finished, id) = (&agreement, &finished, PartyId(id));
            let observe = move |stage| {
                if let Stage::Finished(outcome) = stage {
                    finished.lock().unwrap().push((id, outcome.outputs));
                }
            };
            scope.spawn(move || part(agreement, id, rows_of(id), &mut Memory::default(), &observe))
        };
        [0, 1, 2, 3].map(start).map(|party| party.join().unwrap())
    });
    for result in &results[..2] {
        assert!(matches!(result, Err(RunError::NotCollected(names)) if names == &["eve"]), "{result:?}");
    }
    assert!(results[2..].iter().all(Result::is_ok), "{results:?}");
    let own = (PartyId(0), vec![(0, vec![true; 3])]);
    assert!(finished.lock().unwrap().contains(&own), "acme has its own result");
}
