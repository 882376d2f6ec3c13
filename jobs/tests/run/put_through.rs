//! A session is bound to its connection: nobody can put it through between two.

use super::{at_free_ports, part_listening};
use crate::support::{agreement, identity};
use sotto_jobs::attempt::AttemptError;
use sotto_jobs::edge::run::RunError;
use sotto_jobs::edge::tls;
use sotto_jobs::job::Meeting;
use sotto_jobs::{Job, PartyId};
use sotto_link::pinned::Pinned;
use sotto_mpc::protocol::semi_honest::{HelloError, SessionError};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Passes bytes on between two channels until one of them ends.
fn relay(mut ends: [Pinned; 2]) {
    let (mut chunk, patience) = (vec![0; 1 << 16], Duration::from_secs(20));
    loop {
        for from in 0..2 {
            ends[from].set_deadline(Instant::now() + Duration::from_millis(20));
            let read = ends[from].read(&mut chunk);
            ends.iter_mut().for_each(|end| end.set_deadline(Instant::now() + patience));
            match read {
                Ok(n @ 1..) if ends[1 - from].write_all(&chunk[..n]).is_ok() => {}
                Err(e) if e.kind() == ErrorKind::TimedOut => {}
                _ => return,
            }
        }
    }
}

/// Somebody who holds all keys listens at acme's address, and puts each client through to where acme listens.
/// Inputs pass, because they are encrypted and signed. But a session is bound to its connection, and these are
/// two.
#[test]
fn no_session_is_put_through_between_two_connections() {
    let mut draft = at_free_ports();
    (draft.deadline, draft.limits.seconds) = (6, 2);
    let agreement = agreement(&Job::new(draft).unwrap());
    let (job, acme) = (agreement.job(), PartyId(0));
    let Some(Meeting::Address(there)) = &job.party(acme).meeting else { panic!("acme listens") };
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let key = |id: PartyId| tls::peer_key(&job.party(id).key).unwrap();
    let us = tls::identity(&identity(acme));
    let mut listener = tls::Listener::bind(there.as_str(), &us, job.ids().map(key)).unwrap();
    let over = AtomicBool::new(false);
    let results: Vec<_> = thread::scope(|scope| {
        let (elsewhere, over, key) = (elsewhere.as_str(), &over, &key);
        scope.spawn(move || {
            let timeouts = tls::Timeouts { connect: Duration::from_secs(1), ..tls::Timeouts::default() };
            while !over.load(Ordering::Acquire) {
                let Ok(near) = listener.accept(timeouts) else { continue };
                scope.spawn(move || {
                    let client = job.ids().find(|id| key(*id) == near.get_ref().peer()).unwrap();
                    let posing = tls::identity(&identity(client));
                    let far = tls::connect(elsewhere, &posing, key(acme), timeouts);
                    // Acme may have gone.
                    let Ok(far) = far else { return };
                    relay([near.into_inner(), far.into_inner()]);
                });
            }
        });
        let agreement = &agreement;
        let start = |id: PartyId| {
            scope.spawn(move || part_listening(agreement, id, (id == acme).then_some(elsewhere)))
        };
        let running: Vec<_> = job.ids().map(start).collect();
        let results = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        over.store(true, Ordering::Release);
        results
    });
    assert!(results.iter().all(Result::is_err), "no party has a result");
    // Whoever notices first hangs up; the other may see only that.
    let other_run = AttemptError::Session(SessionError::Hello(HelloError::Run));
    let noticed = |result: &Result<_, _>| matches!(result, Err(RunError::Attempt(why)) if *why == other_run);
    assert!(results[..2].iter().any(noticed), "{:?}", &results[..2]);
}
