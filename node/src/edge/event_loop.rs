//! The event loop: any thread sends events, one thread steps the node, and the edges carry out the effects in
//! order.
//!
//! ```text
//! sockets, programs ──Event──▶ channel ──▶ run: step ──Effect──▶ Edges: send, dial, respond, save, log
//!                                           ▲     ▲                 │
//!         clock and tick when one is due,   ┘     └────Event────────┘ the outcome of a save
//!                 however busy the channel is
//! ```
//!
//! The channel is bounded, so a sender that is faster than the node waits. That slows down the peer's socket.
//! Guaranteed: the loop ends after [`Effect::Stop`]; once all senders have been dropped, it stops the node
//! itself.

use crate::{
    edge::clock::Clock,
    effect::Effect,
    engine::Node,
    event::{Event, Request, RequestId},
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
};

/// How often the node receives [`Event::Tick`].
pub(crate) const TICK: Duration = Duration::from_millis(200);
/// Events in the channel. Each may be a message of the greatest length, so this bounds memory.
const WAITING: usize = 32;

/// Carries effects out.
pub(crate) trait Edges {
    /// Carries out an effect, and returns its outcome if the node needs it as the next event. Must not wait
    /// for a peer: slow peers are disconnected.
    fn carry_out(&mut self, effect: Effect) -> Option<Event>;
}

/// The channel of events.
#[must_use]
pub fn channel() -> (SyncSender<Event>, Receiver<Event>) {
    sync_channel(WAITING)
}

/// A node, and all that it meets while it runs.
pub(crate) struct EventLoop<'a, E> {
    /// The node.
    pub(crate) node: Node,
    /// Tells the time since the node was made.
    pub(crate) clock: &'a Clock,
    /// The source of the node's randomness.
    pub(crate) rng: &'a mut dyn CryptoRngCore,
    /// The receiving end of [`channel`].
    pub(crate) events: &'a Receiver<Event>,
    /// Carries out the node's effects.
    pub(crate) edges: &'a mut E,
}

impl<E: Edges> EventLoop<'_, E> {
    /// Runs the node until it stops, and returns it.
    pub(crate) fn run(mut self) -> Node {
        let mut due = Duration::ZERO;
        loop {
            let next = self.node.wake_at().map_or(due, |wake| wake.min(due));
            let event = match self.events.recv_timeout(next.saturating_sub(self.clock.now())) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                // All senders were dropped, so the response goes nowhere.
                Err(RecvTimeoutError::Disconnected) => {
                    Some(Event::Request { id: RequestId(u64::MAX), request: Request::Stop })
                }
            };
            let now = self.clock.now();
            let mut stops = event.is_some_and(|event| self.handle(now, event));
            if now >= due || self.node.wake_at().is_some_and(|wake| wake <= now) {
                stops |= self.handle(now, Event::Clock(Clock::system_seconds()));
            }
            if now >= due {
                stops |= self.handle(now, Event::Tick);
                due = now + TICK;
            }
            if stops {
                return self.node;
            }
        }
    }

    /// Handles one event and its consequences, and returns whether the node has stopped.
    fn handle(&mut self, now: Duration, event: Event) -> bool {
        let (mut next, mut stops) = (VecDeque::from([event]), false);
        while let Some(event) = next.pop_front() {
            for effect in self.node.step(now, self.rng, event) {
                stops |= matches!(effect, Effect::Stop);
                next.extend(self.edges.carry_out(effect));
            }
        }
        stops
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        effect::Response,
        engine::NodeSetup,
        ledger::{Ledger, mempool::MempoolLimits},
        peer::PeerKey,
        seal::OperatorKey,
        sealing::Solo,
        storage::{Layout, Memory, Store},
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_mw::testing::TestChain;
    use std::{sync::mpsc, thread};

    struct Answers(mpsc::Sender<Response>);

    impl Edges for Answers {
        fn carry_out(&mut self, effect: Effect) -> Option<Event> {
            match effect {
                Effect::Respond(_, answer) => drop(self.0.send(*answer)),
                Effect::SaveLocalTxs(id, _) => return Some(Event::LocalTxsSaved(id)),
                Effect::Verify(ticket, work) => return Some(Event::Verified(ticket, work.run())),
                _ => {}
            }
            None
        }
    }

    fn run(node: Node, events: &Receiver<Event>, mut edges: Answers) -> Node {
        let (clock, rng) = (&Clock::start(), &mut ChaCha20Rng::seed_from_u64(2));
        EventLoop { node, clock, rng, events, edges: &mut edges }.run()
    }

    fn layout() -> Layout {
        Layout::in_memory()
    }

    /// A payment is submitted, the node stops, and the payment is still pending after the ledger is opened
    /// again.
    #[test]
    fn a_node_answers_stops_and_keeps_its_mempool() {
        let mut test_chain = TestChain::new(3);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let (payment, _) = test_chain.pay(&[&coin], &[5]);
        let files = Memory::new();
        let store = Store::create_on(files.clone(), layout(), test_chain.chain().params().clone()).unwrap();
        let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        test_chain.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let operator =
            Solo::new(test_chain.chain(), OperatorKey::from_secret(test_chain.operator().clone())).unwrap();
        let (send, events) = channel();
        let (answers, answered) = mpsc::channel();
        let node = thread::spawn(move || {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            let config = Config::new(PeerKey([1; 32]));
            let setup = NodeSetup { operator: Some(operator), ..NodeSetup::new(config, ledger) };
            let node = Node::new(setup, &mut rng);
            run(node, &events, Answers(answers)).ledger().mempool().len()
        });
        let ask = |request| {
            send.send(Event::Request { id: RequestId(0), request }).unwrap();
            answered.recv().unwrap()
        };
        let answer = ask(Request::Submit(Box::new(payment.clone())));
        let id = crate::codec::transaction_id(&payment);
        assert!(matches!(answer, Response::Submitted(found) if found == id));
        let Response::Status(status) = ask(Request::Status) else { panic!("no status") };
        assert_eq!(
            (status.tip.height, status.pending),
            (test_chain.blocks().last().unwrap().header.height, 1)
        );
        assert!(matches!(ask(Request::Stop), Response::Done));
        assert_eq!(node.join().unwrap(), 1);
        let store = Store::open_on(files, layout()).unwrap();
        assert_eq!(Ledger::over(store, MempoolLimits::default()).unwrap().mempool().get(&id), Some(&payment));
    }

    #[test]
    fn a_node_without_event_senders_stops() {
        let test_chain = TestChain::new(4);
        let store = Store::create_on(Memory::new(), layout(), test_chain.chain().params().clone()).unwrap();
        let ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let node = Node::new(NodeSetup::new(Config::new(PeerKey([1; 32])), ledger), &mut rng);
        let (send, events) = channel();
        drop(send);
        run(node, &events, Answers(mpsc::channel().0));
    }
}
