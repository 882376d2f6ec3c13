//! Bodies: which peer is asked for which block, how many at a time, and in which form.

use crate::hand::{Hand, SECOND, inbound, test_chain};
use sotto_mw::{block::Block, codec::Encode};
use sotto_node::{
    effect::LogEvent,
    event::Event,
    message::{
        BlockName, Message,
        compact::{Compact, items as items_of},
    },
    peer::{Address, Direction, PeerId},
    seal::{OperatorKey, SealedHeader},
};

/// A request for a block: of whom, at which height, and whether its compact form is enough.
type Asked = (u64, u64, bool);

/// What was asked for since this was asked last, in order.
fn asked(hand: &mut Hand) -> Vec<Asked> {
    let found = hand.said.iter().filter_map(|(peer, m)| match m {
        Message::GetBlock(name) => Some((*peer, name.height.get(), false)),
        Message::GetCompact(name) => Some((*peer, name.height.get(), true)),
        _ => None,
    });
    let found = found.collect();
    hand.said.clear();
    found
}

fn show(hand: &mut Hand, peer: u64, blocks: core::ops::Range<usize>) {
    hand.say(peer, &hand.tip_message(blocks.end - 1));
    if hand.asked_headers().contains(&peer) {
        hand.say(peer, &Message::Headers(blocks.map(|n| SealedHeader::of(hand.block(n))).collect()));
    }
}

/// A peer delivers the next block, so that it counts as one that delivers.
fn deliver(hand: &mut Hand, peer: u64) {
    let height = hand.height();
    hand.say(peer, &hand.tip_message(height));
    hand.say(peer, &hand.block_message(height));
    assert_eq!(hand.height(), height + 1);
    hand.said.clear();
}

/// The next block of the chain is asked for in its compact form, once; whoever is asked for it after that is
/// asked for the whole.
#[test]
fn the_next_block_is_compact_and_all_others_are_whole() {
    let mut hand = Hand::new(test_chain(9), 3, |_| ());
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(3)));
    assert_eq!(asked(&mut hand), [(1, 4, true)]);
    hand.pass(5 * SECOND / 2);
    assert_eq!(asked(&mut hand), [(2, 4, false)], "a second time");
    hand.say(2, &hand.block_message(3));
    show(&mut hand, 2, 4..6);
    assert_eq!(asked(&mut hand), [(2, 5, false), (2, 6, false)], "of two");
    [4, 5].into_iter().for_each(|n| hand.say(2, &hand.block_message(n)));
    // One beside our tip, as high and better by its hash.
    let mut beside = hand.block(5).header.clone();
    while beside.hash() >= hand.block(5).header.hash() {
        beside.time += 1;
    }
    let key = OperatorKey::from_secret(hand.test_chain.operator().clone());
    let seal = key.seal(hand.test_chain.chain().id(), &beside, &mut hand.rng);
    hand.say(3, &Message::Tip(SealedHeader { header: beside, seal: seal.into() }));
    assert_eq!(asked(&mut hand), [(3, 6, false)], "of a branch that leaves ours");
    hand.happen(Event::Disconnected(PeerId(3)));
    hand.join(3, inbound);
    hand.say(3, &hand.tip_message(6));
    assert_eq!(asked(&mut hand), [(3, 7, true)]);
    hand.say(3, &Message::Compact(Compact::of(hand.block(6), 1).unwrap()));
    assert_eq!(hand.height(), 7);
}

/// A peer that has delivered nothing is asked for one block at a time, and one that has for a few, of those
/// that are needed soon.
#[test]
fn requests_are_bounded_for_each_peer_and_in_all() {
    for (in_flight, most) in [(4, 4), (100, 32)] {
        let mut hand = Hand::new(test_chain(64), 3, |c| {
            (c.in_flight, c.snapshot_threshold) = (in_flight, u64::MAX);
        });
        (1..=2).for_each(|peer| hand.join(peer, inbound));
        show(&mut hand, 1, 3..60);
        // Headers count as delivered.
        let first = asked(&mut hand);
        assert_eq!(first, (4..4 + most as u64).map(|h| (1, h, false)).collect::<Vec<_>>());
        hand.say(2, &hand.tip_message(59));
        let second = if most < 32 { vec![(2, 4 + most as u64, false)] } else { vec![] };
        assert_eq!(asked(&mut hand), second, "a stranger");
        if most < 32 {
            hand.say(1, &hand.block_message(3));
            assert_eq!(asked(&mut hand), [(1, 4 + most as u64 + 1, false)], "one for one");
            continue;
        }
        (3..19).for_each(|n| hand.say(1, &hand.block_message(n)));
        assert_eq!(hand.height(), 19);
        let more = (36..52).map(|h| (if h == 36 { 2 } else { 1 }, h, false));
        assert_eq!(asked(&mut hand), more.collect::<Vec<_>>());
    }
}

/// A node that is far behind makes blocks durable in groups: the next waits for those that are on their way. One that
/// is near connects each at once, and so does one to which no more are on their way.
#[test]
fn blocks_wait_for_their_group_far_behind_alone() {
    for (behind, waits) in [(32, false), (33, true)] {
        let mut hand = Hand::new(test_chain(36), 3, |c| c.in_flight = 100);
        hand.join(1, inbound);
        show(&mut hand, 1, 3..3 + behind);
        for n in 3..18 {
            hand.say(1, &hand.block_message(n));
            assert_eq!(hand.height(), if waits { 3 } else { n + 1 }, "{behind} behind, block {n}");
        }
        hand.say(1, &hand.block_message(18));
        assert_eq!(hand.height(), 19, "a group");
        hand.say(1, &hand.block_message(19));
        assert_eq!(hand.height(), 20, "near now");
    }
    let mut hand = Hand::new(test_chain(64), 3, |c| c.in_flight = 1);
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    show(&mut hand, 1, 3..60);
    hand.say(2, &hand.tip_message(59));
    assert_eq!(asked(&mut hand), [(1, 4, false), (2, 5, false)]);
    hand.say(1, &hand.block_message(3));
    assert_eq!(hand.height(), 3, "the one after it is on its way");
    hand.happen(Event::Disconnected(PeerId(2)));
    assert_eq!(hand.height(), 4, "no more");
}

/// Only the block that is needed next is asked of a second peer when the first is slow; the others wait for
/// it.
#[test]
fn what_is_needed_next_is_asked_of_others() {
    let mut hand = Hand::new(test_chain(9), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    deliver(&mut hand, 2);
    show(&mut hand, 1, 4..8);
    assert_eq!(asked(&mut hand), [5, 6, 7, 8].map(|h| (1, h, false)));
    hand.say(2, &hand.tip_message(7));
    hand.pass(3 * SECOND / 2);
    assert_eq!(asked(&mut hand), []);
    hand.pass(SECOND);
    assert_eq!(asked(&mut hand), [(2, 5, false)]);
    hand.pass(SECOND);
    assert_eq!(asked(&mut hand), []);
}

/// What is not needed next is not asked of a peer that lets this node wait, as long as another is there.
#[test]
fn a_slow_peer_gets_no_more_while_another_is_there() {
    let mut hand = Hand::new(test_chain(12), 3, |c| c.in_flight = 2);
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    deliver(&mut hand, 2);
    show(&mut hand, 1, 4..10);
    hand.say(2, &hand.tip_message(9));
    assert_eq!(asked(&mut hand), [(1, 5, false), (1, 6, false), (2, 7, false), (2, 8, false)]);
    hand.pass(5 * SECOND / 2);
    // Both are slow; the second has no room for what is needed next.
    asked(&mut hand);
    [6, 7].into_iter().for_each(|n| hand.say(2, &hand.block_message(n)));
    let later = asked(&mut hand);
    assert!(!later.is_empty() && later.iter().all(|(peer, ..)| *peer == 2), "{later:?}");
    hand.say(2, &hand.block_message(4));
    assert!(asked(&mut hand).iter().all(|(peer, ..)| *peer == 2));
    // When it is gone, the slow one is asked for all that is missing.
    hand.happen(Event::Disconnected(PeerId(2)));
    hand.say(1, &hand.block_message(5));
    assert!(asked(&mut hand).iter().all(|(peer, ..)| *peer == 1));
}

/// Which of two peers that have a block is asked for it, when the one that was asked leaves.
fn is_asked(prepare: impl Fn(&mut Hand), directions: [fn(Address) -> Direction; 2]) -> u64 {
    let mut hand = Hand::new(test_chain(20), 3, |_| ());
    hand.join(3, inbound);
    (1..=2).zip(directions).for_each(|(peer, direction)| hand.join(peer, direction));
    prepare(&mut hand);
    let next = hand.height();
    hand.said.clear();
    hand.say(3, &hand.tip_message(next));
    assert_eq!(hand.asked(), [3]);
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(next)));
    assert!(hand.asked().is_empty());
    hand.happen(Event::Disconnected(PeerId(3)));
    let asked = hand.asked();
    assert_eq!(asked.len(), 1);
    asked[0]
}

/// Peer 1 has delivered, and then lets this node wait.
fn misses(hand: &mut Hand) {
    deliver(hand, 1);
    hand.say(1, &hand.tip_message(10));
    hand.pass(5 * SECOND / 2);
    hand.say(1, &Message::Headers(Vec::new()));
}

#[test]
fn the_best_peer_is_asked_for_a_block() {
    let both = [inbound as fn(Address) -> Direction; 2];
    assert_eq!(is_asked(|_| (), both), 1, "the first, of two that are alike");
    assert_eq!(is_asked(|hand| deliver(hand, 2), both), 2, "who has delivered");
    assert_eq!(is_asked(|_| (), [inbound, Direction::Outbound]), 2, "who was chosen");
    assert_eq!(is_asked(|hand| deliver(hand, 1), [inbound, Direction::Outbound]), 1, "rather than chosen");
    assert_eq!(is_asked(misses, both), 2, "and who lets nobody wait");
}

/// A peer that denies a block is not asked for it again, but for others it is, and for that one once it shows
/// a block anew.
#[test]
fn who_denies_a_block_is_asked_for_others() {
    let mut hand = Hand::new(test_chain(9), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    show(&mut hand, 1, 3..6);
    assert_eq!(asked(&mut hand), [4, 5, 6].map(|h| (1, h, false)));
    hand.say(2, &hand.tip_message(5));
    hand.say(1, &Message::NotFound(hand.name(3)));
    assert_eq!(asked(&mut hand), [(2, 4, false)]);
    hand.say(2, &hand.block_message(3));
    assert_eq!(hand.height(), 4);
    hand.say(1, &Message::NotFound(hand.name(4)));
    assert_eq!(asked(&mut hand), [(2, 5, false)]);
    hand.say(1, &hand.tip_message(5));
    hand.happen(Event::Disconnected(PeerId(2)));
    assert_eq!(asked(&mut hand), [(1, 5, false)], "what it shows anew it has");
    assert!(hand.closed.is_empty());
}

/// What is not needed next waits for a peer that lets nobody wait, although a slow one has room; it is asked of the slow one
/// when no other is left.
#[test]
fn a_slow_peer_with_room_is_the_last_resort() {
    let mut hand = Hand::new(test_chain(12), 3, |c| c.in_flight = 2);
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| deliver(&mut hand, peer));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(5)));
    assert_eq!(asked(&mut hand), [(1, 6, true)]);
    hand.pass(5 * SECOND / 2);
    assert_eq!(asked(&mut hand), [(2, 6, false)]);
    hand.say(1, &hand.tip_message(9));
    show(&mut hand, 2, 6..10);
    assert_eq!(asked(&mut hand), [(2, 7, false)], "the second is full, the first slow");
    let mut hand = Hand::new(test_chain(12), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    misses(&mut hand);
    show(&mut hand, 2, 4..8);
    hand.say(1, &hand.tip_message(7));
    assert_eq!(asked(&mut hand).len(), 4);
    hand.happen(Event::Disconnected(PeerId(2)));
    assert_eq!(asked(&mut hand), [5, 6, 7, 8].map(|h| (1, h, false)));
}

/// A peer is asked for blocks up to the last that it has shown; one whose last block is of the branch that is fetched before
/// one that may be on another.
#[test]
fn a_peer_is_asked_for_what_it_has_shown() {
    let mut hand = Hand::new(test_chain(14), 3, |c| c.in_flight = 2);
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    deliver(&mut hand, 2);
    show(&mut hand, 1, 4..9);
    assert_eq!(asked(&mut hand), [(1, 5, false), (1, 6, false)]);
    hand.say(2, &hand.tip_message(5));
    assert_eq!(asked(&mut hand), [], "it may not have what comes after that");
    hand.say(2, &hand.tip_message(7));
    assert_eq!(asked(&mut hand), [(2, 7, false), (2, 8, false)]);
    let mut hand = Hand::new(test_chain(14), 3, |_| ());
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    hand.say(3, &hand.tip_message(3));
    hand.say(1, &hand.tip_message(12));
    hand.say(2, &hand.tip_message(3));
    assert_eq!(asked(&mut hand), [(3, 4, true)]);
    hand.happen(Event::Disconnected(PeerId(3)));
    assert_eq!(asked(&mut hand).into_iter().map(|(peer, ..)| peer).collect::<Vec<_>>(), [2]);
}

/// A better branch that leaves far below, but not too far, is fetched as far as it is better, and followed.
#[test]
fn a_branch_from_far_below_is_followed() {
    let ours = test_chain(50);
    // Not better where it is as high as ours, so that it has to be fetched beyond that.
    let grown = |spacing| {
        let mut theirs = test_chain(5).spaced(spacing);
        (0..47).for_each(|_| drop(theirs.grow(Vec::new())));
        theirs.blocks().to_vec()
    };
    let worse = |all: &Vec<Block>| all[49].header.hash() > ours.blocks()[49].header.hash();
    let all = (61..).map(grown).find(worse).unwrap();
    let mut hand = Hand::new(ours, 50, |c| (c.in_flight, c.snapshot_threshold) = (64, u64::MAX));
    hand.join(1, inbound);
    for last in [51, 52] {
        let sealed: Vec<SealedHeader> = all[5..last].iter().map(SealedHeader::of).collect();
        hand.say(1, &Message::Tip(sealed.last().unwrap().clone()));
        if !hand.asked_headers().is_empty() {
            hand.say(1, &Message::Headers(sealed));
        }
        for _ in 0..4 {
            for (_, height, _) in asked(&mut hand) {
                let block = &all[height as usize - 1];
                let body = block.body.to_bytes();
                hand.say(1, &Message::Block { sealed: SealedHeader::of(block), body });
            }
            hand.pass(SECOND);
        }
        assert!(hand.node.ledger().tip() == &all[last - 1].header, "it is at {}", hand.height());
    }
    let undone = |n: &LogEvent| matches!(n, LogEvent::Reorganised(_, 45));
    assert!(hand.notes.iter().any(undone) && hand.closed.is_empty(), "{:?}", hand.closed);
}

/// Of blocks that are verified together those before the first that breaks a rule stay.
#[test]
fn sound_blocks_before_a_broken_one_stay() {
    let mut hand = Hand::new(test_chain(8), 3, |_| ());
    hand.join(1, inbound);
    let mut broken = hand.block(4).clone();
    broken.header.kernel_root = broken.header.output_root;
    let key = OperatorKey::from_secret(hand.test_chain.operator().clone());
    broken.seal = key.seal(hand.test_chain.chain().id(), &broken.header, &mut hand.rng).into();
    let mut header = broken.header.clone();
    let (sealed, top) = (SealedHeader::of(&broken), hand.after(&mut header));
    hand.say(1, &Message::Tip(top.clone()));
    hand.say(1, &Message::Headers(vec![SealedHeader::of(hand.block(3)), sealed.clone(), top.clone()]));
    assert_eq!(asked(&mut hand), [4, 5, 6].map(|h| (1, h, false)));
    for sealed in [top, sealed.clone()] {
        hand.say(1, &Message::Block { sealed, body: broken.body.to_bytes() });
        assert_eq!(hand.height(), 3);
    }
    hand.say(1, &hand.block_message(3));
    assert_eq!((hand.height(), hand.lacks.store, hand.closed.len()), (4, 0, 0));
    let (good, bad) = (hand.name(3), BlockName::of(&sealed.header));
    let connected = |n: &LogEvent| matches!(n, LogEvent::Connected(name) if *name == good);
    let invalid = |n: &LogEvent| matches!(n, LogEvent::InvalidBlock(name, _) if *name == bad);
    assert_eq!(hand.notes.iter().filter(|n| connected(n) || invalid(n)).count(), 2, "{:?}", hand.notes);
}

/// A block that one peer fills is not given up because another does not have it; it is when the one that fills it does not.
#[test]
fn a_block_that_is_filled_goes_on_whoever_lacks_it() {
    for lacks in [2, 1] {
        let mut chain = test_chain(1);
        let coin = chain.grow(Vec::new());
        chain.mature();
        let (payment, _) = chain.pay(&[&coin], &[5]);
        let blocks = chain.blocks().len();
        chain.grow(vec![payment]);
        let mut hand = Hand::new(chain, blocks, |_| ());
        (1..=2).for_each(|peer| hand.join(peer, inbound));
        (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(blocks)));
        hand.say(1, &Message::Compact(Compact::of(hand.block(blocks), 3).unwrap()));
        let items = hand.said.iter().find_map(|(_, m)| match m {
            Message::GetItems { outputs, kernels, .. } => Some((outputs.clone(), kernels.clone())),
            _ => None,
        });
        let (outputs, kernels) = items.unwrap();
        hand.said.clear();
        hand.pass(5 * SECOND / 2);
        assert_eq!(hand.asked(), [2], "the first is slow");
        hand.say(lacks, &Message::NotFound(hand.name(blocks)));
        let (outputs, kernels) = items_of(&hand.block(blocks).body, &outputs, &kernels).unwrap();
        hand.say(1, &Message::Items { block: hand.name(blocks), outputs, kernels });
        assert_eq!((hand.height(), hand.closed.len()), (blocks + usize::from(lacks == 2), 0));
        hand.say(2, &hand.block_message(blocks));
        assert_eq!((hand.height(), hand.closed.len()), (blocks + 1, 0));
    }
}

/// Of a block of which the outputs are known from elsewhere, the kernels alone are asked for.
#[test]
fn what_is_known_of_a_block_is_not_asked_for() {
    let mut chain = test_chain(1);
    let coin = chain.grow(Vec::new());
    chain.mature();
    let fee = chain.least_fee(1, 1, 1);
    let output = chain.output(coin.opening.amount.units() - fee.units());
    let [pending, sealed] = [1, 2].map(|_| {
        let kernel = chain.plain(fee);
        chain.transaction(&[&coin], &[&output], &[kernel])
    });
    let blocks = chain.blocks().len();
    chain.grow(vec![sealed]);
    let mut hand = Hand::new(chain, blocks, |_| ());
    hand.join(1, inbound);
    assert!(hand.give(1, &pending) && hand.pending(&pending));
    hand.say(1, &hand.tip_message(blocks));
    hand.said.clear();
    hand.say(1, &Message::Compact(Compact::of(hand.block(blocks), 3).unwrap()));
    let [(1, Message::GetItems { outputs, kernels, .. })] = &hand.said[..] else { panic!("{:?}", hand.said) };
    assert_eq!((outputs.len(), kernels.len()), (0, 1));
    let (outputs, kernels) = items_of(&hand.block(blocks).body, outputs, kernels).unwrap();
    hand.say(1, &Message::Items { block: hand.name(blocks), outputs, kernels });
    assert_eq!((hand.height(), hand.closed.len()), (blocks + 1, 0));
}

/// The block that is needed next is asked of as many again each time that all are slow, those included that let this node wait
/// before if there are no others.
#[test]
fn the_next_block_is_asked_of_as_many_again() {
    let mut hand = Hand::new(test_chain(20), 3, |_| ());
    [1, 2, 3, 5].into_iter().for_each(|peer| hand.join(peer, inbound));
    hand.say(5, &hand.tip_message(10));
    assert_eq!(hand.asked_headers(), [5]);
    hand.pass(5 * SECOND / 2);
    hand.say(5, &Message::Headers(Vec::new()));
    [1, 2, 3, 5].into_iter().for_each(|peer| hand.say(peer, &hand.tip_message(3)));
    let mut all = vec![hand.asked()];
    for _ in 0..2 {
        hand.pass(5 * SECOND / 2);
        all.push(hand.asked());
    }
    assert_eq!(all, [vec![1], vec![2], vec![3, 5]]);
}
