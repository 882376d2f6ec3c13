//! Compute parties that lie about who wrote a letter, and strangers who measure the link.

use super::sales::sold;
use super::{at_free_ports, drawn, rows_of, with_setup};
use crate::support::identity;
use crate::support::selling::{ACME, BOLT, CARL, DORA, EVE};
use sotto_jobs::codec::Bytes;
use sotto_jobs::edge::run::{Outcome, Post, Progress, Routes, RunError, Setup, Trade, probe, take_part};
use sotto_jobs::edge::tls;
use sotto_jobs::job::Meeting;
use sotto_jobs::messages::{Request, RequestKind, Response};
use sotto_jobs::post::{Letter, Slot};
use sotto_jobs::storage::Memory;
use sotto_jobs::{Job, PartyId};
use sotto_mpc::channel::{Channel, Phase};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: tls::Timeouts = tls::Timeouts {
    connect: Duration::from_millis(200),
    handshake: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: Duration::from_secs(60),
};

fn address(job: &Job, id: PartyId) -> &str {
    let Some(Meeting::Address(address)) = &job.party(id).meeting else { panic!("it listens") };
    address.as_str()
}

/// Answers carl as a compute party that keeps these letters for it.
fn pose(job: &Job, us: PartyId, letters: &[Letter], over: &AtomicBool) {
    let carl = tls::peer_key(&job.party(CARL).key).unwrap();
    let mut listener = tls::Listener::bind(address(job, us), &tls::identity(&identity(us)), [carl]).unwrap();
    while !over.load(Ordering::Acquire) {
        let Ok(mut line) = listener.accept(PATIENCE) else { continue };
        while let Ok(request) = Request::receive(&mut line, 1 << 20) {
            let answer = match request.kind {
                RequestKind::Fetch => Response::Letters(letters.to_vec()),
                _ => Response::Waiting(Vec::new()),
            };
            if answer.send(&mut line).is_err() {
                break;
            }
        }
    }
}

/// Fetches until letters have come, and wants no more.
struct Fetches<'a>(&'a Mutex<Vec<Letter>>);

impl Trade for Fetches<'_> {
    fn fund(&self, post: &dyn Post) -> Progress {
        let letters = post.fetch().unwrap_or_default();
        if letters.len() < 2 {
            return Progress::Awaited("letters of both compute parties".to_owned());
        }
        *self.0.lock().unwrap() = letters;
        Progress::Gone("enough is known".to_owned())
    }

    fn attend(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn settle(&self, _: &Outcome, _: &dyn Post) -> Progress {
        Progress::Done
    }
}

/// What a compute party hands out as the letter of a party that writes no such letter to us is dropped.
#[test]
fn a_letter_that_its_sender_may_not_write_is_dropped() {
    let agreement = sold(|_| ());
    let letter = |from, slot, byte| Letter { from, slot, bytes: Bytes(vec![byte]) };
    let genuine = [letter(EVE, Slot::Offer, 1), letter(BOLT, Slot::EvaluatorSecret, 2)];
    let lies = [
        letter(DORA, Slot::Offer, 3),
        letter(ACME, Slot::Claims, 4),
        letter(EVE, Slot::Join, 5),
        letter(BOLT, Slot::GarblerSecret, 6),
        letter(ACME, Slot::Go, 7),
        letter(DORA, Slot::GarblerSecret, 8),
    ];
    let (fetched, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let result = thread::scope(|scope| {
        let (job, over, genuine) = (agreement.job(), &over, &genuine);
        let all = [&genuine[..1], &lies[..], &genuine[..]].concat();
        scope.spawn(move || pose(job, ACME, &all, over));
        scope.spawn(move || pose(job, BOLT, genuine, over));
        let trade = Fetches(&fetched);
        let result = with_setup(&agreement, CARL, rows_of(CARL), |setup| {
            take_part(&Setup { trade: Some(&trade), ..setup }, &mut Memory::default(), &mut drawn())
        });
        over.store(true, Ordering::Release);
        result
    });
    assert!(matches!(result, Err(RunError::Unpaid(_))), "{:?}", result.map(drop));
    let mut fetched = fetched.into_inner().unwrap();
    fetched.sort_by_key(|letter| letter.bytes.0[0]);
    assert_eq!(fetched, genuine, "each once, and no lie");
}

/// Whether the other end of a measurement answers a byte.
fn is_answered(mut line: impl Channel) -> bool {
    line.send(Phase::Hello, &[0]).and_then(|()| line.receive(Phase::Hello, &mut [0])).is_ok()
}

/// The garbler of a job measures the link to the evaluator alone, and with few connections.
#[test]
fn a_garbler_answers_the_evaluator_alone_and_not_for_ever() {
    let mut draft = at_free_ports();
    draft.deadline = 60;
    let job = Job::new(draft).unwrap();
    let measure = |us| {
        let identity = identity(us);
        let routes =
            Routes { job: &job, run: 0, us, identity: &identity, listen: None, rendezvous_server: None };
        probe(&routes)
    };
    let acme = tls::peer_key(&job.party(ACME).key).unwrap();
    let connect = |us: PartyId| {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match tls::connect(address(&job, ACME), &tls::identity(&identity(us)), acme, PATIENCE) {
                Ok(line) => return line,
                Err(why) => {
                    assert!(Instant::now() < until, "{why}");
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }
    };
    thread::scope(|scope| {
        let garbler = scope.spawn(|| measure(ACME));
        assert!(!is_answered(connect(CARL)), "carl computes nothing");
        let measured = measure(BOLT).unwrap();
        assert_eq!(garbler.join().unwrap().unwrap(), measured);
    });
    assert!(matches!(measure(CARL), Err(RunError::Refused { .. })));
    let start = Instant::now();
    thread::scope(|scope| {
        let garbler = scope.spawn(|| measure(ACME));
        for _ in 0..8 {
            assert!(is_answered(connect(BOLT)));
        }
        assert!(matches!(garbler.join().unwrap(), Err(RunError::Late(_))));
    });
    assert!(start.elapsed() < Duration::from_secs(50), "long before the deadline");
}
