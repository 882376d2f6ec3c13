//! The workers: threads that decode points and verify proofs, so that the engine's thread does neither.
//!
//! ```text
//! Effect::Verify(ticket, work) ──▶ queue ──▶ a worker: a message, or all transactions that wait ──Event::Verified──▶ event loop
//! ```
//!
//! Transactions that wait are verified together, which costs each a fraction of its proofs. None waits for
//! company: a worker that is free takes what is there. They are threads of their own and not the pool that the rules
//! verify a block on: a worker may wait for the event loop, and the loop for that pool, so a shared pool could
//! come to a standstill. The engine has at most sixteen pieces of work under way, which bounds the queue.
//! Guaranteed: the threads end once the event loop has ended or the workers are dropped. A thread that panicked
//! has a verdict that never comes, so it ends the event loop, too: a node that has stopped is seen, and one
//! that hears nothing more is not.

use crate::{
    event::Event,
    work::{Ticket, ToVerify, Verdict, Work, verify_together},
};
use std::{
    collections::VecDeque,
    io, mem,
    num::NonZeroUsize,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc::SyncSender},
    thread::{self, JoinHandle},
};

/// Threads at most.
const MOST: usize = 8;

/// The threads that do the engine's work.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts as many threads as there are processors beside the engine's, and one at least.
    pub(crate) fn start(events: &SyncSender<Event>) -> io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let start = |_| {
            let (queue, events) = (queue.clone(), events.clone());
            thread::Builder::new().name("node-worker".into()).spawn(move || work(&queue, &events))
        };
        let threads =
            (0..processors.saturating_sub(1).clamp(1, MOST)).map(start).collect::<io::Result<_>>()?;
        Ok(Self { queue, threads })
    }

    /// Has work done.
    ///
    /// # Panics
    /// If a thread has panicked.
    pub(crate) fn begin(&self, ticket: Ticket, work: Work) {
        assert!(!self.threads.iter().any(JoinHandle::is_finished), "a worker of the node has panicked");
        self.queue.push(ticket, work);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// What waits for a thread.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    decode: VecDeque<(Ticket, Vec<u8>)>,
    verify: Vec<ToVerify>,
    closed: bool,
}

/// What a thread does at a time.
enum Next {
    Decode(Ticket, Vec<u8>),
    Verify(Vec<ToVerify>),
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, ticket: Ticket, work: Work) {
        let mut waiting = self.waiting();
        match work {
            Work::Decode(bytes) => waiting.decode.push_back((ticket, bytes)),
            Work::Verify(chain, t) => waiting.verify.push((ticket, chain, t)),
        }
        self.changed.notify_one();
    }

    fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }

    /// What is to be done next, once there is something; `None` when there will be nothing.
    fn next(&self) -> Option<Next> {
        let idle = |w: &mut Waiting| w.decode.is_empty() && w.verify.is_empty() && !w.closed;
        let mut waiting =
            self.changed.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let first = waiting.verify.first().map(|(ticket, ..)| *ticket);
        // What has waited longest is next.
        if waiting.decode.front().is_some_and(|(ticket, _)| first.is_none_or(|first| *ticket < first)) {
            return waiting.decode.pop_front().map(|(ticket, bytes)| Next::Decode(ticket, bytes));
        }
        first.map(|_| Next::Verify(mem::take(&mut waiting.verify)))
    }
}

/// Works until no more comes, or no verdict is taken.
fn work(queue: &Queue, events: &SyncSender<Event>) {
    while let Some(next) = queue.next() {
        let verdicts: Vec<(Ticket, Verdict)> = match next {
            Next::Decode(ticket, bytes) => vec![(ticket, Work::Decode(bytes).run())],
            Next::Verify(all) => verify_together(all),
        };
        for (ticket, verdict) in verdicts {
            if events.send(Event::Verified(ticket, verdict)).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use sotto_mw::{codec::Encode, rules::check_transaction, testing::TestChain, transaction::Transaction};
    use std::sync::mpsc::sync_channel;

    #[test]
    #[should_panic(expected = "a worker of the node has panicked")]
    fn the_end_of_a_worker_is_noticed() {
        let ended = thread::spawn(|| ());
        while !ended.is_finished() {
            thread::yield_now();
        }
        let workers = Workers { queue: Arc::default(), threads: vec![ended] };
        workers.begin(Ticket(0), Work::Decode(Vec::new()));
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

    /// All transactions that wait are one batch, in which the bad one is named under its ticket; messages that came
    /// before are decoded before.
    #[test]
    fn transactions_that_wait_are_verified_together() {
        let mut test_chain = TestChain::new(61);
        let coins = [test_chain.grow(Vec::new()), test_chain.grow(Vec::new()), test_chain.grow(Vec::new())];
        test_chain.mature();
        let mut all: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
        all[1].body.outputs[0].proof = all[2].body.outputs[0].proof.clone();
        let queue = Queue::default();
        let verify = |t: &Transaction| {
            let t = check_transaction(test_chain.chain(), t.clone()).unwrap();
            Work::Verify(Box::new(test_chain.chain().clone()), Box::new(t))
        };
        queue.push(Ticket(0), Work::Decode(vec![0]));
        (1..).zip(&all).for_each(|(n, t)| queue.push(Ticket(n), verify(t)));
        queue.push(Ticket(4), Work::Decode(vec![4]));
        assert!(matches!(queue.next(), Some(Next::Decode(Ticket(0), _))));
        let Some(Next::Verify(batch)) = queue.next() else { panic!("no batch") };
        let verdicts = verify_together(batch);
        let rule = |v: &Verdict| match v {
            Verdict::Transaction(Ok(t)) => Ok(t.get().clone()),
            Verdict::Transaction(Err(why)) => Err(why.rule()),
            Verdict::Decoded(_) => panic!("a message"),
        };
        let found: Vec<_> = verdicts.iter().map(|(ticket, v)| (ticket.0, rule(v))).collect();
        assert_eq!(found, [(1, Ok(all[0].clone())), (2, Err("MW-R13")), (3, Ok(all[2].clone()))]);
        assert!(matches!(queue.next(), Some(Next::Decode(Ticket(4), _))));
        queue.close();
        assert!(queue.next().is_none());
    }
}
