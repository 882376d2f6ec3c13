//! The nodes of a group's members, and one that follows: programs that ask for drafts, peers that fetch blocks, and what
//! members say to each other.

use crate::{
    group::{identity, made},
    test_chain::{TestChain, temporary},
    world::{Disk, EVERY, index},
};
use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_keys::{Hash as KeyHash, sealed::SealRecord};
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    schnorr::PublicKey,
};
use sotto_node::{
    config::Config,
    council::{Council, CouncilNote, CouncilSetup},
    effect::{Effect, LogEvent, Refusal, Response},
    engine::{GroupEngine, Node, NodeSetup},
    event::{CouncilEvent, Event, Request, RequestId},
    ledger::{Ledger, mempool::MempoolLimits},
    message::Message,
    peer::{Direction, PeerId, PeerKey},
    storage::{Memory, Store},
};
use std::collections::VecDeque;

const TICK: Duration = Duration::from_millis(500);

/// The node of member i is at place i - 1; the last one follows. Each knows the node at place p as peer p.
struct Nodes {
    test_chain: TestChain,
    all: Vec<Node>,
    rng: ChaCha20Rng,
    now: Duration,
    /// Who hears members, and who hears peers.
    hears: Vec<bool>,
    fetches: Vec<bool>,
    answers: Vec<Option<Response>>,
    /// What members said since this was asked last, by place.
    said: Vec<usize>,
    /// The last tip that each showed, as bytes.
    shown: Vec<Vec<u8>>,
    notes: Vec<CouncilNote>,
    failed: usize,
}

impl Nodes {
    fn new(t: u8, n: u8, seed: u64) -> Self {
        let (group, shares) = made(t, n, seed);
        let key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let test_chain = TestChain::with(seed, |p| {
            (p.sealing, p.reorganisation) = (sotto_mw::terms::Sealing::Solo(key), 0);
        });
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut node = |place: u8| {
            let chain = test_chain.chain.clone();
            let store = Store::create_on(Memory::new(), temporary(), chain.params().clone()).unwrap();
            let ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
            let mut config = Config::new(PeerKey([place; 32]));
            (config.outbound, config.snapshot_every) = (0, 0);
            let council = shares.get(usize::from(place)).map(|share| {
                let register = Box::new(Disk::new(SealRecord::made(KeyHash::from_bytes([place; 32]))));
                let (identity, group, share) = (identity(u64::from(place) + 1), group.clone(), share.clone());
                let setup = CouncilSetup { identity, group, share, every: EVERY, held: None, register };
                GroupEngine::Seals(Box::new(Council::new(&chain, setup).unwrap()))
            });
            Node::new(NodeSetup { council, ..NodeSetup::new(config, ledger) }, &mut rng)
        };
        let all: Vec<_> = (0..=n).map(&mut node).collect();
        let count = all.len();
        let (now, notes, failed) = Default::default();
        let (hears, fetches) = (vec![true; count], vec![true; count]);
        let (answers, said, shown) =
            (core::iter::repeat_with(|| None).take(count).collect(), vec![0; count], vec![Vec::new(); count]);
        let mut nodes =
            Self { test_chain, all, rng, now, hears, fetches, answers, said, shown, notes, failed };
        let mut due = VecDeque::new();
        for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            let (key, direction) =
                (PeerKey([b as u8; 32]), Direction::Inbound(([10, b as u8, 0, 1], 1).into()));
            due.push_back((a, Event::Connected { peer: PeerId(b as u64), key, direction }));
            if a < usize::from(n) && b < usize::from(n) {
                due.push_back((a, Event::Council(CouncilEvent::Present(index(b as u8 + 1), true))));
            }
        }
        nodes.happen_all(due);
        nodes
    }

    fn happen(&mut self, place: usize, event: Event) {
        self.happen_all(VecDeque::from([(place, event)]));
    }

    /// Something happens to nodes, and all that follows from it.
    fn happen_all(&mut self, mut due: VecDeque<(usize, Event)>) {
        while let Some((n, event)) = due.pop_front() {
            for effect in self.all[n].step(self.now, &mut self.rng, event) {
                match effect {
                    Effect::TellCouncil(said) => {
                        self.said[n] += 1;
                        let members =
                            (0..self.all.len() - 1).filter(|m| *m != n && self.hears[*m] && self.hears[n]);
                        let heard =
                            |m| (m, Event::Council(CouncilEvent::Heard(index(n as u8 + 1), said.clone())));
                        due.extend(members.map(heard));
                    }
                    Effect::Send(PeerId(to), message) => {
                        let bytes = message.to_bytes();
                        if matches!(message, Message::Tip(_)) {
                            self.shown[n] = bytes.clone();
                        }
                        let to = to as usize;
                        if self.fetches[n] && self.fetches[to] || matches!(message, Message::Hello(_)) {
                            due.push_back((to, Event::Frame { peer: PeerId(n as u64), bytes }));
                        }
                    }
                    Effect::Verify(ticket, work) => due.push_back((n, Event::Verified(ticket, work.run()))),
                    Effect::Respond(_, response) => self.answers[n] = Some(*response),
                    Effect::Log(LogEvent::Council(note)) => self.notes.push(note),
                    Effect::Log(LogEvent::Failed(_)) => self.failed += 1,
                    _ => {}
                }
            }
        }
    }

    fn ask(&mut self, place: usize, request: Request) -> Response {
        self.happen(place, Event::Request { id: RequestId(1), request });
        self.answers[place].take().unwrap()
    }

    /// The program of a member's node asks for a draft, and has it sealed if there is one.
    fn propose(&mut self, place: usize) -> Response {
        let Response::Draft { height, due, .. } = self.ask(place, Request::Draft) else {
            return Response::Refused(Refusal::NoDraft);
        };
        let reward = Box::new(self.test_chain.coinbase(height, due.units()));
        self.ask(place, Request::Seal { reward, time: 1_000 + self.now.as_secs() })
    }

    /// Lets time pass, and these members propose when they may.
    fn pass(&mut self, seconds: u64, proposers: &[usize]) {
        for _ in 0..2 * seconds {
            self.now += TICK;
            for n in 0..self.all.len() {
                self.happen(n, Event::Clock(1_000 + self.now.as_secs()));
                self.happen(n, Event::Tick);
                if proposers.contains(&n) {
                    drop(self.propose(n));
                }
            }
        }
    }

    fn heights(&self) -> Vec<u64> {
        self.all.iter().map(|node| node.ledger().tip().height.get()).collect()
    }
}

/// Members' nodes seal in turn, and all agree with the one that only follows. Who asks for a draft out of turn is told
/// so, and a block is sealed a while after it was handed in.
#[test]
fn nodes_of_members_seal_in_turn() {
    let mut nodes = Nodes::new(2, 3, 21);
    nodes.pass(4, &[0, 1, 2]);
    assert_eq!(nodes.heights(), [0; 4], "not before its time");
    nodes.pass(2, &[]);
    let drafts: Vec<_> = (0..3).map(|n| nodes.ask(n, Request::Draft)).collect();
    let turn = |r: &Response| matches!(r, Response::Draft { .. });
    assert_eq!(drafts.iter().filter(|r| turn(r)).count(), 1, "{drafts:?}");
    let others = drafts.iter().filter(|r| !turn(r));
    assert!(others.clone().all(|r| matches!(r, Response::Refused(Refusal::NotOurTurn))), "{drafts:?}");
    let place = drafts.iter().position(turn).unwrap();
    let answer = nodes.propose(place);
    assert!(matches!(answer, Response::Done), "others have to sign: {answer:?}");
    assert_eq!(nodes.heights(), [1; 4]);
    nodes.pass(40, &[0, 1, 2]);
    let heights = nodes.heights();
    assert!(heights[0] >= 6 && heights.iter().all(|h| *h == heights[0]), "{heights:?}");
    assert!((nodes.notes.is_empty(), nodes.failed) == (true, 0), "{:?}", nodes.notes);
    // One that is away is waited for no longer than it was known to be there.
    (0..2).for_each(|n| nodes.happen(n, Event::Council(CouncilEvent::Present(index(3), false))));
    (nodes.hears[2], nodes.fetches[2]) = (false, false);
    let before = nodes.heights()[0];
    nodes.pass(40, &[0, 1]);
    assert!(nodes.heights()[0] >= before + 6, "{:?}", nodes.heights());
}

/// A member whose node was shown a sealed block that it does not have signs no other block of that height.
#[test]
fn a_member_that_is_behind_signs_nothing() {
    for shown in [false, true] {
        let mut nodes = Nodes::new(3, 5, 22);
        let first = |n: usize| n < 3 || n == 5;
        (nodes.hears, nodes.fetches) = ((0..6).map(first).collect(), (0..6).map(first).collect());
        nodes.pass(60, &[0, 1, 2]);
        let height = nodes.heights()[0];
        assert!(height > 0 && nodes.heights()[3..5] == [0, 0]);
        nodes.hears = (0..6).map(|n| !first(n)).collect();
        if shown {
            let bytes = nodes.shown[0].clone();
            nodes.happen(3, Event::Frame { peer: PeerId(0), bytes });
            let answer = nodes.ask(3, Request::Draft);
            assert!(
                matches!(answer, Response::Refused(Refusal::Behind(h)) if h.get() == height),
                "{answer:?}"
            );
        }
        nodes.said.fill(0);
        let answer = nodes.propose(4);
        assert!(matches!(answer, Response::Done), "{answer:?}");
        assert_eq!((nodes.said[4] > 0, nodes.said[3] > 0), (true, !shown));
    }
}

/// A member says so much in a while: what is beyond that is not read, and the others are heard.
#[test]
fn a_member_that_says_too_much_is_not_heard() {
    let mut nodes = Nodes::new(2, 3, 23);
    nodes.pass(6, &[]);
    let place = (0..3).find(|n| matches!(nodes.ask(*n, Request::Draft), Response::Draft { .. })).unwrap();
    let [other, third] = [1, 2].map(|n| (place + n) % 3);
    let noise = |bytes| Event::Council(CouncilEvent::Heard(index(place as u8 + 1), vec![0; bytes]));
    (0..64).for_each(|_| nodes.happen(other, noise(1 << 20)));
    (0..2_000).for_each(|_| nodes.happen(other, noise(0)));
    nodes.hears[third] = false;
    drop(nodes.propose(place));
    assert_eq!((nodes.said[other], nodes.heights()[place]), (0, 0));
    nodes.hears = vec![true; 4];
    nodes.pass(60, &[third]);
    assert!(nodes.heights()[third] > 0, "{:?}", nodes.notes);
}
