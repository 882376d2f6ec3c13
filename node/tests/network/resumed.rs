//! A node that was fetching a snapshot when it stopped, and starts again from its disk: what it goes on with, and what it
//! drops.

use crate::{
    hand::{Hand, SECOND, inbound},
    parts::{HEADERS, ITEMS, asked, fetching, installed, offer, parts_of, snapshot},
    world::layout,
};
use core::time::Duration;
use sotto_mw::{hash::Hash, testing::TestChain};
use sotto_node::{
    config::Config,
    engine::{Node, NodeSetup},
    ledger::Ledger,
    message::{BlockName, Message},
    peer::PeerKey,
    seal::SealedHeader,
    storage::{FileName, Store},
};
use std::collections::BTreeSet;

fn near(config: &mut Config) {
    (config.outbound, config.snapshot_every) = (0, 0);
    (config.snapshot_threshold, config.part_items) = (20, ITEMS);
}

/// Starts the node again, with this many of its chain's blocks more.
fn restart(hand: &mut Hand, blocks: usize, checkpoints: Vec<BlockName>, edit: impl FnOnce(&mut Config)) {
    hand.files = hand.files.copy();
    let store = Store::open_on(hand.files.clone(), layout()).unwrap();
    let mut ledger = Ledger::over(store, Default::default()).unwrap().with_checkpoints(checkpoints).unwrap();
    hand.test_chain.blocks().iter().take(blocks).for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    let mut config = Config::new(PeerKey([99; 32]));
    near(&mut config);
    edit(&mut config);
    hand.node = Node::new(NodeSetup::new(config, ledger), &mut hand.rng);
    (hand.now, hand.said, hand.closed, hand.notes) = Default::default();
}

/// A peer hands out what it is asked for, until it is asked for nothing any more; returns what that was.
fn hand_out(hand: &mut Hand, peer: u64, parts: &[Message]) -> BTreeSet<usize> {
    let (mut all, mut quiet) = (BTreeSet::new(), 0);
    // Parts that are here are judged few by few, and may turn out to be needed again.
    while quiet < 20 {
        hand.pass(SECOND / 2);
        let places = asked(hand).remove(&peer).unwrap_or_default();
        quiet = if places.is_empty() { quiet + 1 } else { 0 };
        for place in places {
            assert!(all.insert(place), "part {place} came already");
            hand.say(peer, &parts[place]);
        }
    }
    all
}

/// A node that was stopped with three parts of its snapshot.
fn stopped() -> (Hand, Vec<Message>, BTreeSet<usize>) {
    let (chain, parts) = snapshot();
    let mut hand = fetching(&chain);
    let first = asked(&mut hand);
    let came = [(1, first[&1][0]), (1, first[&1][2]), (2, first[&2][1])];
    came.iter().for_each(|(peer, place)| hand.say(*peer, &parts[*place]));
    (hand, parts, came.iter().map(|(_, place)| *place).collect())
}

/// What has come is not asked for again. Until the state is here, no headers are asked for from the genesis on.
#[test]
fn a_snapshot_goes_on_where_it_was() {
    let (mut hand, parts, came) = stopped();
    restart(&mut hand, 0, Vec::new(), |_| ());
    assert_eq!(hand.node.usage().blocks, parts.len());
    hand.join(4, inbound);
    hand.say(4, &hand.tip_message(40));
    assert_eq!((hand.take(|m| *m == Message::GetSnapshots), hand.asked_headers()), (vec![4], vec![]));
    offer(&mut hand, 4, &[32]);
    let all = hand_out(&mut hand, 4, &parts);
    let missing: BTreeSet<usize> = (HEADERS..parts.len()).filter(|place| !came.contains(place)).collect();
    assert_eq!(all, missing);
    hand.pass(20 * SECOND);
    assert!(installed(&hand) && hand.height() == 32 && hand.closed.is_empty(), "{:?}", hand.closed);
    hand.say(4, &hand.tip_message(40));
    assert_eq!(hand.asked_headers(), [4]);
}

/// A snapshot is given up if none of it comes for a while after the start.
#[test]
fn a_snapshot_of_which_nothing_comes_is_given_up() {
    let (mut hand, parts, _) = stopped();
    restart(&mut hand, 0, Vec::new(), |_| ());
    hand.pass(119 * SECOND);
    assert_eq!(hand.node.usage().blocks, parts.len());
    hand.pass(2 * SECOND);
    assert_eq!(hand.node.usage().blocks, 0);
}

/// It goes on only if snapshots are wanted, the chain is not as far, and the checkpoints allow it.
#[test]
fn a_snapshot_that_is_of_no_use_is_dropped() {
    let (mut hand, parts, _) = stopped();
    let other = |n: usize| BlockName { hash: Hash::from_bytes([7; 32]), ..hand.name(n) };
    let checkpoints = [
        (vec![], true),
        (vec![hand.name(9)], true),
        (vec![other(9)], false),
        (vec![hand.name(31)], true),
        (vec![other(31)], false),
        (vec![hand.name(32)], false),
        (vec![hand.name(40)], false),
        (vec![hand.name(9), hand.name(40)], false),
    ];
    for (checkpoints, goes_on) in checkpoints {
        restart(&mut hand, 0, checkpoints.clone(), |_| ());
        assert_eq!(hand.node.usage().blocks, if goes_on { parts.len() } else { 0 }, "{checkpoints:?}");
    }
    restart(&mut hand, 0, Vec::new(), |c| c.snapshot_threshold = u64::MAX);
    assert_eq!(hand.node.usage().blocks, 0, "none is wanted");
    for (blocks, goes_on) in [(31, true), (32, false), (33, false)] {
        let files = hand.files.copy();
        restart(&mut hand, blocks, Vec::new(), |_| ());
        assert_eq!(hand.node.usage().blocks, if goes_on { parts.len() } else { 0 }, "{blocks} blocks");
        hand.files = files;
    }
}

/// Lets a node that shows all headers to it choose the snapshot of a height.
fn choose(hand: &mut Hand, peer: u64, height: usize) {
    hand.join(peer, inbound);
    let last = hand.test_chain.blocks().len() - 1;
    hand.say(peer, &hand.tip_message(last));
    assert_eq!(hand.asked_headers(), [peer]);
    let all = hand.test_chain.blocks().iter().map(SealedHeader::of).collect();
    hand.say(peer, &Message::Headers(all));
    assert_eq!(hand.take(|m| *m == Message::GetSnapshots), [peer]);
    offer(hand, peer, &[height]);
}

/// Parts that an earlier run kept, which cut the snapshot otherwise, are not those that are needed, headers no more than
/// others: they are asked for again.
#[test]
fn kept_parts_of_another_size_are_asked_for_again() {
    let (mut hand, _, _) = stopped();
    let parts = parts_of(&hand.test_chain, 32, 2 * ITEMS);
    restart(&mut hand, 0, Vec::new(), |c| c.part_items = 2 * ITEMS);
    assert_eq!(hand.node.usage().blocks, 0);
    choose(&mut hand, 4, 32);
    let all = hand_out(&mut hand, 4, &parts);
    assert_eq!(all, (0..parts.len()).collect(), "{:?}", hand.notes);
    assert!(installed(&hand) && hand.closed.is_empty(), "{:?}", hand.closed);
}

/// The height of a snapshot that has more than twice as many parts of one item as are fetched ahead.
const HEIGHT: usize = 136;

fn long() -> TestChain {
    let mut chain = TestChain::new(9);
    (0..HEIGHT + 9).for_each(|_| drop(chain.grow(Vec::new())));
    chain
}

/// Parts are fetched so far ahead of the next that is to be judged, and no further.
#[test]
fn parts_are_fetched_in_a_window() {
    let chain = long();
    let parts = parts_of(&chain, HEIGHT, 1);
    let mut hand = Hand::new(chain, 0, |c| (c.snapshot_threshold, c.part_items) = (20, 1));
    choose(&mut hand, 1, HEIGHT);
    let (mut first, mut last) = (None, 0);
    for _ in 0..150 {
        hand.pass(SECOND / 2);
        for place in asked(&mut hand).remove(&1).unwrap_or_default() {
            // The first that is asked for does not come.
            if *first.get_or_insert(place) != place {
                hand.say(1, &parts[place]);
            }
            last = last.max(place);
        }
    }
    assert_eq!((first, last), (Some(HEIGHT), HEIGHT + 255), "of {}", parts.len());
}

/// If most of what was kept is of no use, all of it is dropped, and the snapshot begins anew a while later.
#[test]
fn kept_parts_are_dropped_if_too_many_are_of_no_use() {
    let chain = long();
    let [large, small] = [2, 1].map(|items| parts_of(&chain, HEIGHT, items));
    let mut hand = Hand::new(chain, 0, |c| (c.snapshot_threshold, c.part_items) = (20, 2));
    choose(&mut hand, 1, HEIGHT);
    hand.pass(SECOND / 2);
    let mut kept: BTreeSet<usize> = (0..HEIGHT / 2).collect();
    while kept.len() < 100 {
        let places = asked(&mut hand).remove(&1).unwrap_or_default();
        places.iter().for_each(|place| hand.say(1, &large[*place]));
        kept.extend(places);
        hand.pass(SECOND / 2);
    }
    restart(&mut hand, 0, Vec::new(), |c| c.part_items = 1);
    choose(&mut hand, 4, HEIGHT);
    let mut again = 0;
    while hand.files.bytes(FileName::SnapshotDownload).is_some() && again < 200 {
        hand.pass(SECOND / 2);
        for place in asked(&mut hand).remove(&4).unwrap_or_default() {
            again += usize::from(kept.contains(&place));
            hand.say(4, &small[place]);
        }
    }
    assert_eq!((again, hand.closed.len()), (64, 0));
    hand.pass(Duration::from_secs(10));
    assert!(!installed(&hand) && asked(&mut hand).is_empty(), "blocks are fetched meanwhile");
}
