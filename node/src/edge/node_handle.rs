//! A handle by which other threads send requests to a running node and receive the responses.
//!
//! ```text
//! a thread ── ask ──▶ Event::Request(id, request) ──▶ event loop
//!     ▲                                                   │
//!     └────────── respond(id) ◀── Effect::Respond ◀───────┘
//! ```
//!
//! The calling thread never touches the ledger: the thread of the event loop responds between two steps.
//! Guaranteed: every request gets a response, or [`Stopped`] once the node has stopped.

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

/// The node has stopped and answers no more requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node has stopped")]
pub struct Stopped;

/// A handle of a running node. Clones belong to the same node.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    events: SyncSender<Event>,
    waiting: Arc<Mutex<Waiting>>,
}

/// The requests without a response yet.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    open: HashMap<RequestId, Sender<Response>>,
}

impl NodeHandle {
    /// A handle that sends its requests to this channel of an event loop.
    #[must_use]
    pub fn new(events: SyncSender<Event>) -> Self {
        Self { events, waiting: Arc::default() }
    }

    /// Sends a request and waits for the response, until the node has handled all earlier events.
    ///
    /// # Errors
    /// [`Stopped`] if the node stops before it responds.
    pub fn ask(&self, request: Request) -> Result<Response, Stopped> {
        let (sender, response) = channel();
        let id = {
            let mut waiting = self.waiting();
            let id = RequestId(waiting.next);
            waiting.next += 1;
            waiting.open.insert(id, sender);
            id
        };
        if self.events.send(Event::Request { id, request }).is_err() {
            self.waiting().open.remove(&id);
        }
        response.recv().map_err(|_| Stopped)
    }

    /// Delivers a response to the thread that waits for it.
    pub(crate) fn respond(&self, id: RequestId, response: Response) {
        if let Some(sender) = self.waiting().open.remove(&id) {
            // The thread may have ended.
            let _ = sender.send(response);
        }
    }

    /// Ends all waiting requests. The receiver of the event channel must have been dropped, so that no new
    /// request can arrive.
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
    fn every_request_gets_its_response() {
        let (send, received) = events();
        let handle = NodeHandle::new(send);
        let waiting = [Request::Status, Request::Draft].map(|request| {
            let handle = handle.clone();
            thread::spawn(move || handle.ask(request))
        });
        for _ in 0..2 {
            let Event::Request { id, request } = received.recv().unwrap() else { panic!("no request") };
            let kernel = matches!(request, Request::Draft);
            handle.respond(id, if kernel { Response::Kernel(None) } else { Response::Done });
            handle.respond(id, Response::Block(None));
        }
        let [status, draft] = waiting.map(|a| a.join().unwrap().unwrap());
        assert!(matches!(status, Response::Done) && matches!(draft, Response::Kernel(None)));
    }

    #[test]
    fn requests_to_a_stopped_node_end() {
        let (send, received) = events();
        let handle = NodeHandle::new(send);
        let waits = thread::spawn({
            let handle = handle.clone();
            move || handle.ask(Request::Status)
        });
        let asked = received.recv().unwrap();
        drop((asked, received));
        handle.stopped();
        assert_eq!(waits.join().unwrap().unwrap_err(), Stopped);
        assert_eq!(handle.ask(Request::Status).unwrap_err(), Stopped);
    }
}
