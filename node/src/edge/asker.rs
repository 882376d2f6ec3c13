//! Questions to a running node from other threads, and the way back of their answers.
//!
//! ```text
//! a thread ── ask ──▶ Event::Asked(ticket, question) ──▶ loop
//!     ▲                                                    │
//!     └──────── answered(ticket) ◀── Effect::Answer ◀──────┘
//! ```
//!
//! Whoever asks never touches the ledger: the loop's thread answers between two steps. Guaranteed: a question is answered, or
//! the asker learns that the node has stopped; nobody waits for ever.

use crate::{
    effect::Answer,
    event::{Event, Question, Ticket},
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
    open: HashMap<Ticket, Sender<Answer>>,
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
    pub fn ask(&self, question: Question) -> Result<Answer, Stopped> {
        let (answer, answered) = channel();
        let ticket = {
            let mut waiting = self.waiting();
            let ticket = Ticket(waiting.next);
            waiting.next += 1;
            waiting.open.insert(ticket, answer);
            ticket
        };
        if self.events.send(Event::Asked { ticket, question }).is_err() {
            self.waiting().open.remove(&ticket);
        }
        answered.recv().map_err(|_| Stopped)
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn answered(&self, ticket: Ticket, answer: Answer) {
        if let Some(asked) = self.waiting().open.remove(&ticket) {
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
        let askers = [Question::Status, Question::Draft].map(|question| {
            let asker = asker.clone();
            thread::spawn(move || asker.ask(question))
        });
        for _ in 0..2 {
            let Event::Asked { ticket, question } = received.recv().unwrap() else { panic!("no question") };
            let kernel = matches!(question, Question::Draft);
            asker.answered(ticket, if kernel { Answer::Kernel(None) } else { Answer::Done });
            asker.answered(ticket, Answer::Block(None));
        }
        let [status, draft] = askers.map(|a| a.join().unwrap().unwrap());
        assert!(matches!(status, Answer::Done) && matches!(draft, Answer::Kernel(None)));
    }

    #[test]
    fn nobody_waits_for_a_node_that_has_stopped() {
        let (send, received) = events();
        let asker = Asker::new(send);
        let waits = thread::spawn({
            let asker = asker.clone();
            move || asker.ask(Question::Status)
        });
        let asked = received.recv().unwrap();
        drop((asked, received));
        asker.stopped();
        assert_eq!(waits.join().unwrap().unwrap_err(), Stopped);
        assert_eq!(asker.ask(Question::Status).unwrap_err(), Stopped);
    }
}
