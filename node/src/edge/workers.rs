//! The workers: threads that decode points and verify proofs, so that the engine's thread does neither.
//!
//! ```text
//! Effect::Verify(ticket, work) ──▶ channel ──▶ a worker: work.run() ──Event::Verified──▶ event loop
//! ```
//!
//! They are threads of their own and not the pool that the rules verify a block on: a worker may wait for the
//! event loop, and the loop for that pool, so a shared pool could come to a standstill. The engine has at
//! most sixteen pieces of work under way, which bounds the channel. Guaranteed: the threads end once the
//! event loop has ended or the workers are dropped. A thread that panicked has a verdict that never comes, so
//! it ends the event loop, too: a node that has stopped is seen, and one that hears nothing more is not.

use crate::{
    event::Event,
    work::{Ticket, Work},
};
use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel},
    },
    thread::{self, JoinHandle},
};

/// Threads at most.
const MOST: usize = 8;

/// The threads that do the engine's work.
#[derive(Debug)]
pub(crate) struct Workers {
    jobs: Sender<(Ticket, Work)>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts as many threads as there are processors beside the engine's, and one at least.
    pub(crate) fn start(events: &SyncSender<Event>) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let start = |_| {
            let (waiting, events) = (waiting.clone(), events.clone());
            thread::Builder::new().name("node-worker".into()).spawn(move || work(&waiting, &events))
        };
        let threads =
            (0..processors.saturating_sub(1).clamp(1, MOST)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { jobs, threads })
    }

    /// Has work done.
    ///
    /// # Panics
    /// If a thread has panicked.
    pub(crate) fn begin(&self, ticket: Ticket, work: Work) {
        assert!(!self.threads.iter().any(JoinHandle::is_finished), "a worker of the node has panicked");
        // A thread that is there takes it, sooner or later.
        drop(self.jobs.send((ticket, work)));
    }
}

/// Works until no more comes, or no verdict is taken.
fn work(waiting: &Mutex<Receiver<(Ticket, Work)>>, events: &SyncSender<Event>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((ticket, work)) = next else { return };
        if events.send(Event::Verified(ticket, work.run())).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{message::Message, work::Verdict};
    use sotto_mw::codec::Encode;
    use std::sync::mpsc::sync_channel;

    #[test]
    #[should_panic(expected = "a worker of the node has panicked")]
    fn the_end_of_a_worker_is_noticed() {
        let (jobs, _waiting) = channel();
        let ended = thread::spawn(|| ());
        while !ended.is_finished() {
            thread::yield_now();
        }
        Workers { jobs, threads: vec![ended] }.begin(Ticket(0), Work::Decode(Vec::new()));
    }

    #[test]
    fn every_ticket_comes_back_once() {
        let (events, verdicts) = sync_channel(2);
        let workers = Workers::start(&events).unwrap();
        for n in 0..50 {
            workers.begin(Ticket(n), Work::Decode(Message::Ping(n).to_bytes()));
        }
        let mut tickets: Vec<u64> = (0..50)
            .map(|_| match verdicts.recv().unwrap() {
                Event::Verified(Ticket(n), Verdict::Decoded(Ok(m))) if *m == Message::Ping(n) => n,
                other => panic!("{other:?}"),
            })
            .collect();
        tickets.sort_unstable();
        assert_eq!(tickets, (0..50).collect::<Vec<_>>());
        drop((workers, events));
        assert!(verdicts.recv().is_err(), "the threads have ended");
    }
}
