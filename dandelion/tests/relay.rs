//! One relay: its effects for single events, and its invariants under random schedules.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sotto_dandelion::{Effect, Event, Params, Reason, Relay, params::Limits};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

type In = Event<&'static str, u8, u8>;
type Out = Effect<&'static str, u8>;

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any embargo and epoch that is drawn here.
const LONG: Duration = Duration::from_secs(100_000);

fn params(fluff: f64) -> Params {
    Params::new(fluff, Duration::from_millis(175), 0.1, Duration::from_secs(86_400)).unwrap()
}

/// A node with these outbound peers, and its random source.
struct Node(Relay<&'static str, u8, u8>, ChaCha8Rng);

impl Node {
    /// Searches for a seed that gives the node the requested role.
    fn new(outbound: &[u8], diffuser: bool) -> Self {
        Self::with(params(0.125), outbound, diffuser)
    }

    fn with(params: Params, outbound: &[u8], diffuser: bool) -> Self {
        let role = |seed: &u64| {
            let effects = Self::seeded(*seed, params, outbound).stem(90, "probe", &[255]);
            matches!(effects[..], [Effect::Fluff { reason: Reason::Diffuser, .. }])
        };
        let seed = (0..1_000).find(|seed| role(seed) == diffuser);
        Self::seeded(seed.unwrap(), params, outbound)
    }

    fn seeded(seed: u64, params: Params, outbound: &[u8]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut node = Self(Relay::new(Duration::ZERO, &mut rng, params), rng);
        outbound.iter().for_each(|p| assert_eq!(node.step(Event::Connected(*p)), []));
        node
    }

    fn step(&mut self, event: In) -> Vec<Out> {
        self.0.step(Duration::ZERO, &mut self.1, event)
    }

    fn stem(&mut self, from: u8, tx: &'static str, kernels: &[u8]) -> Vec<Out> {
        self.step(Event::Stem { from, tx, kernels: kernels.into() })
    }

    fn own(&mut self, tx: &'static str, kernels: &[u8]) -> Vec<Out> {
        self.step(Event::Local { tx, kernels: kernels.into() })
    }
}

/// The relay and the members of the only effect, which must be a stem.
fn stemmed(effects: Vec<Out>) -> (u8, Vec<&'static str>) {
    match &effects[..] {
        [Effect::Stem { to, members }] => (*to, members.clone()),
        _ => panic!("{effects:?}"),
    }
}

fn fluffed(tx: &'static str, except: &[u8], reason: Reason) -> Out {
    Effect::Fluff { tx, except: except.into(), reason }
}

#[test]
fn a_relayer_stems_and_a_diffuser_fluffs_except_its_own_transactions() {
    let mut relayer = Node::new(&[1, 2], false);
    assert_eq!(stemmed(relayer.stem(7, "a", &[1])).1, ["a"]);
    let mut diffuser = Node::new(&[1, 2], true);
    assert_eq!(diffuser.stem(7, "a", &[1]), [fluffed("a", &[7], Reason::Diffuser)]);
    assert_eq!(stemmed(diffuser.own("b", &[2])).1, ["b"]);
    assert_eq!((relayer.0.stems(), diffuser.0.stems()), (1, 1));
}

#[test]
fn only_the_same_peer_again_is_a_loop() {
    let mut node = Node::new(&[1, 2], false);
    let (to, _) = stemmed(node.own("a", &[1]));
    node.step(Event::Delivered(to));
    let (to, members) = stemmed(node.stem(7, "a", &[1]));
    assert_eq!(members, ["a"], "an own transaction that comes back is treated like any other");
    node.step(Event::Delivered(to));
    let (to, _) = stemmed(node.stem(8, "a", &[1]));
    node.step(Event::Delivered(to));
    assert_eq!(node.stem(7, "a", &[1]), [fluffed("a", &[7, 8], Reason::Loop)]);
    assert_eq!(node.0.stems(), 0);
}

#[test]
fn a_loop_is_found_by_kernels() {
    let mut node = Node::new(&[1, 2], false);
    node.stem(7, "a", &[1]);
    assert_eq!(
        node.stem(7, "ab", &[1, 2]),
        [fluffed("ab", &[7], Reason::Loop), Effect::Forget("a")],
        "it came back joined"
    );
    node.stem(7, "cd", &[3, 4]);
    assert!(
        matches!(node.stem(7, "d", &[4])[..], [] | [Effect::Stem { .. }]),
        "a split transaction is no loop"
    );
}

#[test]
fn transactions_that_wait_for_one_relay_are_joined_and_split_again() {
    let mut node = Node::new(&[1], false);
    assert_eq!(stemmed(node.own("a", &[1])), (1, vec!["a"]));
    assert_eq!(node.stem(7, "b", &[2]), []);
    assert_eq!(node.stem(8, "c", &[3]), []);
    assert_eq!(node.stem(9, "bd", &[2, 4]), [], "transactions that share a kernel are not joined");
    assert_eq!(stemmed(node.step(Event::Delivered(1))), (1, vec!["b", "c"]));
    assert_eq!(stemmed(node.step(Event::Delivered(1))), (1, vec!["bd"]));
    assert_eq!(node.step(Event::Rejected("b")), [Effect::Forget("b")]);
    assert_eq!(stemmed(node.step(Event::Delivered(1))), (1, vec!["c"]));
    assert_eq!(node.step(Event::Public(vec![3, 4])), [Effect::Forget("bd"), Effect::Forget("c")]);
}

#[test]
fn no_transaction_goes_back_to_its_sender() {
    let mut lonely = Node::new(&[1], false);
    assert_eq!(lonely.stem(1, "a", &[1]), [fluffed("a", &[1], Reason::NoRelay)]);
    for seed in 0..50 {
        let mut node = Node::seeded(seed, params(0.125), &[1, 2]);
        let effects = node.stem(1, "a", &[1]);
        assert!(
            effects == [Effect::Stem { to: 2, members: vec!["a"] }]
                || effects == [fluffed("a", &[1], Reason::Diffuser)]
        );
    }
}

#[test]
fn a_disconnected_relay_is_replaced_and_undelivered_transactions_go_to_the_next() {
    let mut node = Node::new(&[1, 2, 3], false);
    let (first, _) = stemmed(node.stem(7, "a", &[1]));
    assert_eq!(node.stem(7, "b", &[2]), []);
    let (second, members) = stemmed(node.step(Event::Disconnected(first)));
    assert!(second != first && members == ["a", "b"]);
    node.step(Event::Delivered(second));
    assert_eq!(node.step(Event::Disconnected(second)), [], "a delivered transaction is not sent again");
    assert_eq!(node.0.stems(), 2);
}

#[test]
fn own_transactions_wait_for_a_relay() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(
        node.0.step(LONG, &mut node.1, Event::Tick),
        [],
        "an own transaction is not fluffed without peers"
    );
    assert_eq!(stemmed(node.0.step(LONG, &mut node.1, Event::Connected(1))), (1, vec!["a"]));
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Disconnected(1)), []);
    assert_eq!(node.0.step(2 * LONG, &mut node.1, Event::Tick), []);
    assert_eq!(stemmed(node.0.step(2 * LONG, &mut node.1, Event::Connected(2))), (2, vec!["a"]));
    let end = node.0.wake();
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [fluffed("a", &[], Reason::Embargo)]);
}

/// A node with inbound peers only has no relay; its payments must become public all the same.
#[test]
fn own_transactions_without_a_relay_are_fluffed_to_inbound_peers_when_their_embargo_expires() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(
        node.0.step(LONG, &mut node.1, Event::Accepted(7)),
        [],
        "the first peer does not receive it at once"
    );
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Local { tx: "b", kernels: vec![2] }), []);
    let mut fluffed_first = Vec::new();
    for _ in 0..2 {
        let end = node.0.wake();
        assert!(end > LONG);
        fluffed_first.extend(node.0.step(end, &mut node.1, Event::Tick));
    }
    fluffed_first.sort_by_key(|e| format!("{e:?}"));
    assert_eq!(fluffed_first, ["a", "b"].map(|tx| fluffed(tx, &[], Reason::Embargo)));
}

#[test]
fn a_relay_that_connects_before_the_embargo_expires_receives_the_stem() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.step(Event::Accepted(7)), []);
    assert_eq!(node.own("a", &[1]), []);
    let end = node.0.wake();
    assert_eq!(stemmed(node.step(Event::Connected(1))), (1, vec!["a"]));
    assert_eq!(node.0.wake(), end, "its embargo continues");
    assert_eq!(node.step(Event::Disconnected(1)), [], "it waits again, for a relay or the embargo");
    assert_eq!(node.step(Event::Disconnected(7)), []);
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [], "there is no peer to fluff to");
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Accepted(8)), []);
    let end = node.0.wake();
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [fluffed("a", &[], Reason::Embargo)]);
}

#[test]
fn an_evicted_transaction_is_fluffed() {
    let mut node = Node::new(&[1], false);
    node.stem(7, "a", &[1]);
    assert_eq!(node.step(Event::Evicted("a")), [fluffed("a", &[7], Reason::NoRoom)]);
    assert_eq!((node.step(Event::Evicted("a")), node.step(Event::Evicted("b"))), (vec![], vec![]));
    assert_eq!(node.0.stems(), 0);
}

#[test]
fn transactions_above_a_limit_are_fluffed_at_once_and_other_peers_keep_their_share() {
    let limits = Limits { stems_per_peer: 2, stems: 3, ..Limits::default() };
    let mut node = Node::with(params(0.125).with_limits(limits).unwrap(), &[1], false);
    node.stem(7, "a", &[1]);
    node.stem(7, "b", &[2]);
    assert_eq!(node.stem(7, "c", &[3]), [fluffed("c", &[7], Reason::NoRoom)]);
    assert_eq!(node.stem(8, "d", &[4]), []);
    assert_eq!(node.stem(9, "e", &[5]), [fluffed("e", &[9], Reason::NoRoom)]);
    node.own("f", &[6]);
    assert_eq!(node.0.stems(), 4, "own transactions are not limited");
}

/// A random event.
fn events() -> impl Strategy<Value = Event<u16, u8, u8>> {
    let kernels = || proptest::collection::btree_set(0u8..12, 1..4).prop_map(Vec::from_iter);
    let stem = (0u8..9, kernels());
    prop_oneof![
        1 => (0u8..6).prop_map(Event::Connected),
        1 => (0u8..9).prop_map(Event::Accepted),
        1 => (0u8..9).prop_map(Event::Disconnected),
        1 => kernels().prop_map(|kernels| Event::Local { tx: name(&kernels), kernels }),
        3 => stem.prop_map(|(from, kernels)| Event::Stem { from, tx: name(&kernels), kernels }),
        1 => (0u8..6).prop_map(Event::Delivered),
        1 => kernels().prop_map(Event::Public),
        1 => kernels().prop_map(|kernels| Event::Rejected(name(&kernels))),
        1 => Just(Event::Tick),
    ]
}

/// The identifier of a set of kernels.
fn name(kernels: &[u8]) -> u16 {
    kernels.iter().map(|k| 1 << k).sum()
}

/// The caller's view: the transactions that the relay holds, with their senders.
#[derive(Default)]
struct Caller {
    kept: BTreeMap<u16, BTreeSet<Option<u8>>>,
    busy: BTreeSet<u8>,
}

impl Caller {
    fn before(&mut self, event: &Event<u16, u8, u8>) {
        match event {
            Event::Local { tx, .. } => drop(self.kept.entry(*tx).or_default().insert(None)),
            Event::Stem { from, tx, .. } => drop(self.kept.entry(*tx).or_default().insert(Some(*from))),
            Event::Delivered(p) | Event::Disconnected(p) => drop(self.busy.remove(p)),
            _ => {}
        }
    }

    fn after(&mut self, effect: &Effect<u16, u8>) -> Result<(), TestCaseError> {
        match effect {
            Effect::Stem { to, members } => {
                prop_assert!(self.busy.insert(*to), "a batch to {} was in flight", to);
                for tx in members {
                    let senders = self.kept.get(tx);
                    prop_assert!(senders.is_some(), "{} is not kept", tx);
                    prop_assert!(
                        senders.is_some_and(|s| s.iter().any(|s| *s != Some(*to))),
                        "{} goes back",
                        tx
                    );
                }
            }
            Effect::Fluff { tx, except, .. } => {
                let senders = self.kept.remove(tx);
                prop_assert!(senders.is_some(), "{} is not kept", tx);
                let sender = senders.into_iter().flatten().flatten().find(|s| !except.contains(s));
                prop_assert!(sender.is_none(), "{:?} sent {} and would receive the fluff", sender, tx);
            }
            Effect::Forget(tx) => prop_assert!(self.kept.remove(tx).is_some(), "{} is not kept", tx),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn any_schedule_ends_with_everything_fluffed_or_forgotten(
        seed: u64,
        fluff in 0.05f64..1.0,
        schedule in proptest::collection::vec((0u64..40, events()), 0..120),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut now, mut caller) = (Duration::ZERO, Caller::default());
        let mut relay = Relay::new(now, &mut rng, params(fluff));
        let end = [(0, Event::Connected(200)), (LONG.as_secs(), Event::Tick)];
        for (wait, event) in schedule.into_iter().chain(end) {
            now += SECOND * u32::try_from(wait).unwrap();
            caller.before(&event);
            for effect in relay.step(now, &mut rng, event) {
                caller.after(&effect)?;
            }
            prop_assert_eq!(relay.stems(), caller.kept.len());
        }
        prop_assert_eq!(relay.stems(), 0);
    }
}
