//! The one loop: events come in from any thread, one thread steps the node, effects go out to the edges in order.
//!
//! ```text
//! sockets, programs ──Event──▶ channel ──▶ run: step ──Effect──▶ Edges: send, dial, answer, keep, note
//!                                           ▲     ▲                 │
//!                 a tick when one is due,   ┘     └────Event────────┘ what the node waits for: whether something was kept
//!                 however busy the channel is
//! ```
//!
//! The channel is bounded, so whoever speaks faster than the node thinks waits; that is how slowness reaches a peer's socket.
//! Guaranteed: the loop ends after [`Effect::Stop`], or, once nobody can send any more, as if it had been asked to stop.

use crate::{
    edge::clock::Clock,
    effect::Effect,
    engine::Node,
    event::{Event, Request, RequestId},
    storage::Files,
};
use core::time::Duration;
use rand_core::CryptoRngCore;
use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
};

/// How often a node does what is due.
pub const TICK: Duration = Duration::from_millis(200);
/// Events that may wait. Each may be a message of the greatest length, so this bounds memory.
const WAITING: usize = 32;

/// Carries effects out.
pub trait Edges {
    /// Does what the node decided, and says what came of it where the node goes by that: it is the next thing that happens. Must
    /// not wait for anybody: a peer that is slow is closed.
    fn carry_out(&mut self, effect: Effect) -> Option<Event>;
}

/// The way into a node's loop.
#[must_use]
pub fn channel() -> (SyncSender<Event>, Receiver<Event>) {
    sync_channel(WAITING)
}

/// Runs a node until it stops, and gives it back.
pub fn run<F: Files>(
    mut node: Node<F>,
    clock: &Clock,
    rng: &mut dyn CryptoRngCore,
    events: &Receiver<Event>,
    edges: &mut impl Edges,
) -> Node<F> {
    let mut due = Duration::ZERO;
    loop {
        let event = match events.recv_timeout(due.saturating_sub(clock.now())) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => Event::Tick,
            // Nobody can ask, and nobody hears the answer.
            Err(RecvTimeoutError::Disconnected) => {
                Event::Request { id: RequestId(u64::MAX), request: Request::Stop }
            }
        };
        let now = clock.now();
        let mut stops = happens(&mut node, (now, rng), event, edges);
        if now >= due {
            stops |= happens(&mut node, (now, rng), Event::Tick, edges);
            due = now + TICK;
        }
        if stops {
            return node;
        }
    }
}

/// One event and what comes of it; says whether the node has stopped.
fn happens<F: Files>(
    node: &mut Node<F>,
    (now, rng): (Duration, &mut dyn CryptoRngCore),
    event: Event,
    edges: &mut impl Edges,
) -> bool {
    let (mut next, mut stops) = (VecDeque::from([event]), false);
    while let Some(event) = next.pop_front() {
        for effect in node.step(now, rng, event) {
            stops |= matches!(effect, Effect::Stop);
            next.extend(edges.carry_out(effect));
        }
    }
    stops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Config,
        effect::Response,
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
                Effect::SaveLocalTxs(_) => return Some(Event::LocalTxsSaved),
                _ => {}
            }
            None
        }
    }

    fn layout() -> Layout {
        Layout::in_memory()
    }

    /// A payment is handed in, the node stops, and whoever opens the ledger again finds it pending.
    #[test]
    fn a_node_answers_stops_and_forgets_nothing() {
        let mut toy = TestChain::new(3);
        let coin = toy.grow(Vec::new());
        toy.mature();
        let (payment, _) = toy.pay(&[&coin], &[5]);
        let files = Memory::new();
        let store = Store::create_on(files.clone(), layout(), toy.chain().params().clone()).unwrap();
        let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        toy.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let operator = Solo::new(toy.chain(), OperatorKey::from_secret(toy.operator().clone())).unwrap();
        let (send, events) = channel();
        let (answers, answered) = mpsc::channel();
        let node = thread::spawn(move || {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            let node = Node::new(Config::new(PeerKey([1; 32])), ledger, Some(operator), None, &mut rng);
            run(node, &Clock::start(), &mut rng, &events, &mut Answers(answers)).ledger().mempool().len()
        });
        let ask = |request| {
            send.send(Event::Request { id: RequestId(0), request }).unwrap();
            answered.recv().unwrap()
        };
        let answer = ask(Request::Submit(Box::new(payment.clone())));
        let id = crate::codec::transaction_id(&payment);
        assert!(matches!(answer, Response::Submitted(found) if found == id));
        let Response::Status(status) = ask(Request::Status) else { panic!("no status") };
        assert_eq!((status.tip.height, status.pending), (toy.blocks().last().unwrap().header.height, 1));
        assert!(matches!(ask(Request::Stop), Response::Done));
        assert_eq!(node.join().unwrap(), 1);
        let store = Store::open_on(files, layout()).unwrap();
        assert_eq!(Ledger::over(store, MempoolLimits::default()).unwrap().mempool().get(&id), Some(&payment));
    }

    #[test]
    fn a_node_that_nobody_can_reach_any_more_stops() {
        let toy = TestChain::new(4);
        let store = Store::create_on(Memory::new(), layout(), toy.chain().params().clone()).unwrap();
        let ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let node = Node::new(Config::new(PeerKey([1; 32])), ledger, None, None, &mut rng);
        let (send, events) = channel();
        drop(send);
        run(node, &Clock::start(), &mut rng, &events, &mut Answers(mpsc::channel().0));
    }
}
