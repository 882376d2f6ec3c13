//! Questions to a running node from other threads, and the way back of their answers.
//!
//! ```text
//! a thread ── ask ──▶ Event::Request(id, request) ──▶ loop
//!     ▲                                                    │
//!     └──────── answered(id) ◀── Effect::Respond ◀──────┘
//! ```
//!
//! Whoever asks never touches the ledger: the loop's thread answers between two steps. Guaranteed: a request is answered, or
//! the asker learns that the node has stopped; nobody waits for ever.

use crate::{
    effect::Response,
    event::{Event, Request, RequestId},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, SyncSender, channel},
    },
};

/// The node has stopped, and answers nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node has stopped")]
pub struct Stopped;

/// Asks a node. Clones ask the same node.
#[derive(Clone, Debug)]
pub struct Asker {
    events: SyncSender<Event>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for which answer.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    open: HashMap<RequestId, Sender<Response>>,
}

impl Asker {
    /// Asks through this way into a node's loop.
    #[must_use]
    pub fn new(events: SyncSender<Event>) -> Self {
        Self { events, waiting: Arc::default() }
    }

    /// Asks, and waits for the answer. Blocks the thread for as long as the node thinks about what came before.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask(&self, request: Request) -> Result<Response, Stopped> {
        let (answer, answered) = channel();
        let id = {
            let mut waiting = self.waiting();
            let id = RequestId(waiting.next);
            waiting.next += 1;
            waiting.open.insert(id, answer);
            id
        };
        if self.events.send(Event::Request { id, request }).is_err() {
            self.waiting().open.remove(&id);
        }
        answered.recv().map_err(|_| Stopped)
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn answered(&self, id: RequestId, answer: Response) {
        if let Some(asked) = self.waiting().open.remove(&id) {
            // Who asked may have given up.
            let _ = asked.send(answer);
        }
    }

    /// Tells all who wait that no answer will come. The loop's end of the channel must be gone by then, so that nobody
    /// can ask in between.
    pub(crate) fn stopped(&self) {
        self.waiting().open.clear();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::event_loop::channel as events;
    use std::thread;

    #[test]
    fn answers_find_who_asked() {
        let (send, received) = events();
        let asker = Asker::new(send);
        let askers = [Request::Status, Request::Draft].map(|request| {
            let asker = asker.clone();
            thread::spawn(move || asker.ask(request))
        });
        for _ in 0..2 {
            let Event::Request { id, request } = received.recv().unwrap() else { panic!("no request") };
            let kernel = matches!(request, Request::Draft);
            asker.answered(id, if kernel { Response::Kernel(None) } else { Response::Done });
            asker.answered(id, Response::Block(None));
        }
        let [status, draft] = askers.map(|a| a.join().unwrap().unwrap());
        assert!(matches!(status, Response::Done) && matches!(draft, Response::Kernel(None)));
    }

    #[test]
    fn nobody_waits_for_a_node_that_has_stopped() {
        let (send, received) = events();
        let asker = Asker::new(send);
        let waits = thread::spawn({
            let asker = asker.clone();
            move || asker.ask(Request::Status)
        });
        let asked = received.recv().unwrap();
        drop((asked, received));
        asker.stopped();
        assert_eq!(waits.join().unwrap().unwrap_err(), Stopped);
        assert_eq!(asker.ask(Request::Status).unwrap_err(), Stopped);
    }
}
