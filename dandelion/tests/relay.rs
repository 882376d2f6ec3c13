//! One relay: what it does with what it is told, and what it does under any schedule.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sotto_dandelion::{Effect, Event, Params, Reason, Relay, params::Limits};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

type Say = Event<&'static str, u8, u8>;
type Done = Effect<&'static str, u8>;

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any embargo and epoch that is drawn here.
const LONG: Duration = Duration::from_secs(100_000);

fn params(fluff: f64) -> Params {
    Params::new(fluff, Duration::from_millis(175), 0.1, Duration::from_secs(86_400)).unwrap()
}

/// A relayer with these outbound peers, and its randomness.
struct Node(Relay<&'static str, u8, u8>, ChaCha8Rng);

impl Node {
    /// A seed is taken with which the node has the role that is asked for.
    fn new(outbound: &[u8], diffuser: bool) -> Self {
        Self::with(params(0.125), outbound, diffuser)
    }

    fn with(params: Params, outbound: &[u8], diffuser: bool) -> Self {
        let role = |seed: &u64| {
            let said = Self::seeded(*seed, params, outbound).stem(90, "probe", &[255]);
            matches!(said[..], [Effect::Fluff { reason: Reason::Diffuser, .. }])
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

    fn step(&mut self, event: Say) -> Vec<Done> {
        self.0.step(Duration::ZERO, &mut self.1, event)
    }

    fn stem(&mut self, from: u8, tx: &'static str, kernels: &[u8]) -> Vec<Done> {
        self.step(Event::Stem { from, tx, kernels: kernels.into() })
    }

    fn own(&mut self, tx: &'static str, kernels: &[u8]) -> Vec<Done> {
        self.step(Event::Own { tx, kernels: kernels.into() })
    }
}

/// The relay and the members of the only effect, which must be a whisper.
fn whispered(effects: Vec<Done>) -> (u8, Vec<&'static str>) {
    match &effects[..] {
        [Effect::Stem { to, members }] => (*to, members.clone()),
        _ => panic!("{effects:?}"),
    }
}

fn fluffed(tx: &'static str, except: &[u8], reason: Reason) -> Done {
    Effect::Fluff { tx, except: except.into(), reason }
}

#[test]
fn a_relayer_whispers_on_and_a_diffuser_fluffs_but_not_what_is_its_own() {
    let mut relayer = Node::new(&[1, 2], false);
    assert_eq!(whispered(relayer.stem(7, "a", &[1])).1, ["a"]);
    let mut diffuser = Node::new(&[1, 2], true);
    assert_eq!(diffuser.stem(7, "a", &[1]), [fluffed("a", &[7], Reason::Diffuser)]);
    assert_eq!(whispered(diffuser.own("b", &[2])).1, ["b"]);
    assert_eq!((relayer.0.stems(), diffuser.0.stems()), (1, 1));
}

#[test]
fn only_the_same_peer_again_is_a_loop() {
    let mut node = Node::new(&[1, 2], false);
    let (to, _) = whispered(node.own("a", &[1]));
    node.step(Event::Taken(to));
    let (to, members) = whispered(node.stem(7, "a", &[1]));
    assert_eq!(members, ["a"], "one's own comes back as anybody's would");
    node.step(Event::Taken(to));
    let (to, _) = whispered(node.stem(8, "a", &[1]));
    node.step(Event::Taken(to));
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
    assert!(matches!(node.stem(7, "d", &[4])[..], [] | [Effect::Stem { .. }]), "that was taken apart");
}

#[test]
fn what_waits_for_the_same_relay_is_joined_and_taken_apart() {
    let mut node = Node::new(&[1], false);
    assert_eq!(whispered(node.own("a", &[1])), (1, vec!["a"]));
    assert_eq!(node.stem(7, "b", &[2]), []);
    assert_eq!(node.stem(8, "c", &[3]), []);
    assert_eq!(node.stem(9, "bd", &[2, 4]), [], "the same kernel twice joins with nothing");
    assert_eq!(whispered(node.step(Event::Taken(1))), (1, vec!["b", "c"]));
    assert_eq!(whispered(node.step(Event::Taken(1))), (1, vec!["bd"]));
    assert_eq!(node.step(Event::Unacceptable("b")), [Effect::Forget("b")]);
    assert_eq!(whispered(node.step(Event::Taken(1))), (1, vec!["c"]));
    assert_eq!(node.step(Event::Public(vec![3, 4])), [Effect::Forget("bd"), Effect::Forget("c")]);
}

#[test]
fn nothing_goes_back_to_where_it_came_from() {
    let mut lonely = Node::new(&[1], false);
    assert_eq!(lonely.stem(1, "a", &[1]), [fluffed("a", &[1], Reason::NoRelay)]);
    for seed in 0..50 {
        let mut node = Node::seeded(seed, params(0.125), &[1, 2]);
        let said = node.stem(1, "a", &[1]);
        assert!(
            said == [Effect::Stem { to: 2, members: vec!["a"] }]
                || said == [fluffed("a", &[1], Reason::Diffuser)]
        );
    }
}

#[test]
fn a_vanished_relay_is_replaced_and_what_it_did_not_take_goes_to_the_next() {
    let mut node = Node::new(&[1, 2, 3], false);
    let (first, _) = whispered(node.stem(7, "a", &[1]));
    assert_eq!(node.stem(7, "b", &[2]), []);
    let (second, members) = whispered(node.step(Event::Lost(first)));
    assert!(second != first && members == ["a", "b"]);
    node.step(Event::Taken(second));
    assert_eq!(node.step(Event::Lost(second)), [], "what was taken is its relay's care, and the embargo's");
    assert_eq!(node.0.stems(), 2);
}

#[test]
fn own_transactions_wait_for_a_relay() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Tick), [], "and are told to nobody");
    assert_eq!(whispered(node.0.step(LONG, &mut node.1, Event::Connected(1))), (1, vec!["a"]));
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Lost(1)), []);
    assert_eq!(node.0.step(2 * LONG, &mut node.1, Event::Tick), []);
    assert_eq!(whispered(node.0.step(2 * LONG, &mut node.1, Event::Connected(2))), (2, vec!["a"]));
    let end = node.0.wake();
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [fluffed("a", &[], Reason::Embargo)]);
}

/// A node that others connect to, and that reaches nobody itself: it has no relay, and its payments must go all the same.
#[test]
fn own_transactions_that_find_no_relay_are_told_to_those_who_are_there_when_their_embargo_ends() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.own("a", &[1]), []);
    assert_eq!(
        node.0.step(LONG, &mut node.1, Event::Accepted(7)),
        [],
        "whoever comes first is not told at once"
    );
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Own { tx: "b", kernels: vec![2] }), []);
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
fn a_relay_that_comes_before_the_embargo_ends_is_whispered_to() {
    let mut node = Node::new(&[], false);
    assert_eq!(node.step(Event::Accepted(7)), []);
    assert_eq!(node.own("a", &[1]), []);
    let end = node.0.wake();
    assert_eq!(whispered(node.step(Event::Connected(1))), (1, vec!["a"]));
    assert_eq!(node.0.wake(), end, "its embargo goes on");
    assert_eq!(node.step(Event::Lost(1)), [], "it waits again: for a relay, or the end");
    assert_eq!(node.step(Event::Lost(7)), []);
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [], "there is nobody to tell");
    assert_eq!(node.0.step(LONG, &mut node.1, Event::Accepted(8)), []);
    let end = node.0.wake();
    assert_eq!(node.0.step(end, &mut node.1, Event::Tick), [fluffed("a", &[], Reason::Embargo)]);
}

#[test]
fn the_caller_makes_room_as_it_counts() {
    let mut node = Node::new(&[1], false);
    node.stem(7, "a", &[1]);
    assert_eq!(node.step(Event::Crowded("a")), [fluffed("a", &[7], Reason::NoRoom)]);
    assert_eq!((node.step(Event::Crowded("a")), node.step(Event::Crowded("b"))), (vec![], vec![]));
    assert_eq!(node.0.stems(), 0);
}

#[test]
fn what_is_above_a_limit_is_fluffed_at_once_and_others_have_their_room() {
    let limits = Limits { stems_per_peer: 2, stems: 3, ..Limits::default() };
    let mut node = Node::with(params(0.125).with_limits(limits).unwrap(), &[1], false);
    node.stem(7, "a", &[1]);
    node.stem(7, "b", &[2]);
    assert_eq!(node.stem(7, "c", &[3]), [fluffed("c", &[7], Reason::NoRoom)]);
    assert_eq!(node.stem(8, "d", &[4]), []);
    assert_eq!(node.stem(9, "e", &[5]), [fluffed("e", &[9], Reason::NoRoom)]);
    node.own("f", &[6]);
    assert_eq!(node.0.stems(), 4, "one's own has its place");
}

/// What a random schedule is made of.
fn events() -> impl Strategy<Value = Event<u16, u8, u8>> {
    let kernels = || proptest::collection::btree_set(0u8..12, 1..4).prop_map(Vec::from_iter);
    let stem = (0u8..9, kernels());
    prop_oneof![
        1 => (0u8..6).prop_map(Event::Connected),
        1 => (0u8..9).prop_map(Event::Accepted),
        1 => (0u8..9).prop_map(Event::Lost),
        1 => kernels().prop_map(|kernels| Event::Own { tx: name(&kernels), kernels }),
        3 => stem.prop_map(|(from, kernels)| Event::Stem { from, tx: name(&kernels), kernels }),
        1 => (0u8..6).prop_map(Event::Taken),
        1 => kernels().prop_map(Event::Public),
        1 => kernels().prop_map(|kernels| Event::Unacceptable(name(&kernels))),
        1 => Just(Event::Tick),
    ]
}

/// A name of its own for each set of kernels.
fn name(kernels: &[u8]) -> u16 {
    kernels.iter().map(|k| 1 << k).sum()
}

/// What the caller of a relay keeps: what the relay was given and has not given up.
#[derive(Default)]
struct Caller {
    kept: BTreeMap<u16, BTreeSet<Option<u8>>>,
    busy: BTreeSet<u8>,
}

impl Caller {
    fn hear(&mut self, event: &Event<u16, u8, u8>) {
        match event {
            Event::Own { tx, .. } => drop(self.kept.entry(*tx).or_default().insert(None)),
            Event::Stem { from, tx, .. } => drop(self.kept.entry(*tx).or_default().insert(Some(*from))),
            Event::Taken(p) | Event::Lost(p) => drop(self.busy.remove(p)),
            _ => {}
        }
    }

    fn obey(&mut self, effect: &Effect<u16, u8>) -> Result<(), TestCaseError> {
        match effect {
            Effect::Stem { to, members } => {
                prop_assert!(self.busy.insert(*to), "the line to {} was busy", to);
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
                let told = senders.into_iter().flatten().flatten().find(|s| !except.contains(s));
                prop_assert!(told.is_none(), "{:?} whispered {} and would be told of it", told, tx);
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
            caller.hear(&event);
            for effect in relay.step(now, &mut rng, event) {
                caller.obey(&effect)?;
            }
            prop_assert_eq!(relay.stems(), caller.kept.len());
        }
        prop_assert_eq!(relay.stems(), 0);
    }
}
