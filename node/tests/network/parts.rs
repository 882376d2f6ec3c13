//! A snapshot, part by part: what a node asks of whom, what it makes of the answers, and when it gives up. And what
//! peers may send it that it did not ask for.

use crate::hand::{Hand, SECOND, inbound};
use sotto_mw::{amount::Height, testing::TestChain};
use sotto_node::{
    config::Config,
    effect::{LogEvent, Response},
    event::{Event, Request},
    message::{Message, compact::Compact},
    peer::{Offence, PeerId},
    seal::SealedHeader,
    storage::FileName,
    token_bucket::Allowance,
};
use std::collections::BTreeMap;

/// Headers or items in a part; of the 32 headers that lead to the snapshot of height 32 there are eight parts.
pub(crate) const ITEMS: u32 = 4;
pub(crate) const HEADERS: usize = 8;

/// A chain of which a snapshot of height 32 is final, and the parts of that, as a node that has it hands them out.
pub(crate) fn snapshot() -> (TestChain, Vec<Message>) {
    let mut chain = TestChain::new(9);
    (0..41).for_each(|_| drop(chain.grow(Vec::new())));
    let parts = parts_of(&chain, 32, ITEMS);
    (chain, parts)
}

/// The parts of the snapshot of a height, each of so many headers or items.
pub(crate) fn parts_of(chain: &TestChain, height: usize, items: u32) -> Vec<Message> {
    let edit = |c: &mut Config| (c.snapshot_every, c.part_items) = (8, items);
    let mut server = Hand::new(chain.clone(), height, edit);
    while server.files.bytes(FileName::Snapshot(0)).is_none() {
        server.pass(SECOND / 2);
    }
    server.join(1, inbound);
    for n in height..chain.blocks().len() {
        server.say(1, &server.tip_message(n));
        server.say(1, &server.block_message(n));
    }
    let block = server.name(height - 1).hash;
    let mut parts = Vec::new();
    loop {
        server.said.clear();
        server.say(1, &Message::GetPart { block, place: parts.len() as u32 });
        match server.said.pop() {
            Some((_, part @ Message::Part { .. })) if has_bytes(&part) => parts.push(part),
            _ => return parts,
        }
    }
}

fn has_bytes(part: &Message) -> bool {
    matches!(part, Message::Part { bytes, .. } if !bytes.is_empty())
}

fn empty(part: &Message) -> Message {
    let Message::Part { block, place, .. } = part else { panic!("no part") };
    Message::Part { block: *block, place: *place, bytes: Vec::new() }
}

/// A node without blocks that peer 1 has shown all headers; the first three peers were asked for snapshots.
fn choosing(chain: &TestChain) -> Hand {
    choosing_within(chain, 1 << 20)
}

/// The same, where a peer may send so many bytes without being asked.
fn choosing_within(chain: &TestChain, burst: u64) -> Hand {
    let mut hand = Hand::new(chain.clone(), 0, |c| {
        (c.snapshot_threshold, c.part_items) = (20, ITEMS);
        c.received = Allowance { rate: 0, burst };
    });
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    hand.say(1, &hand.tip_message(40));
    let all = hand.test_chain.blocks().iter().map(SealedHeader::of).collect();
    hand.say(1, &Message::Headers(all));
    assert_eq!(hand.take(|m| *m == Message::GetSnapshots), [1, 2, 3]);
    assert!(hand.asked().is_empty(), "no bodies meanwhile");
    hand
}

pub(crate) fn offer(hand: &mut Hand, peer: u64, heights: &[usize]) {
    let all = heights.iter().map(|h| SealedHeader::of(hand.block(h - 1))).collect();
    hand.say(peer, &Message::Snapshots(all));
}

/// The same, which fetches the snapshot of height 32 from peers 1 and 2.
pub(crate) fn fetching(chain: &TestChain) -> Hand {
    fetching_within(chain, 1 << 20)
}

fn fetching_within(chain: &TestChain, burst: u64) -> Hand {
    let mut hand = choosing_within(chain, burst);
    offer(&mut hand, 1, &[8, 32, 40]);
    offer(&mut hand, 2, &[32]);
    offer(&mut hand, 3, &[40]);
    hand.pass(SECOND / 2);
    hand
}

/// Which parts were asked for since this was asked last, by peer.
pub(crate) fn asked(hand: &mut Hand) -> BTreeMap<u64, Vec<usize>> {
    let mut all: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (peer, m) in core::mem::take(&mut hand.said) {
        if let Message::GetPart { place, .. } = m {
            all.entry(peer).or_default().push(place as usize);
        }
    }
    all
}

pub(crate) fn installed(hand: &Hand) -> bool {
    hand.notes.iter().any(|n| matches!(n, LogEvent::SnapshotInstalled(name) if name.height.get() == 32))
}

/// The highest snapshot that is deep enough is fetched, four parts at a time of each peer that has it; headers are here
/// already, and the progress says how much is. Once all are here, the state is adopted and the blocks after it follow. What
/// was asked for uses up no allowance.
#[test]
fn a_snapshot_is_fetched_from_all_that_have_it() {
    let (chain, parts) = snapshot();
    let mut hand = fetching_within(&chain, 500);
    assert_eq!(hand.node.usage().blocks, 9 + parts.len(), "the blocks after it, and the parts");
    let first = asked(&mut hand);
    let from = HEADERS;
    assert_eq!(first[&1], (0..4).map(|n| from + 2 * n).collect::<Vec<_>>());
    assert_eq!(first[&2], (0..4).map(|n| from + 2 * n + 1).collect::<Vec<_>>());
    assert_eq!(first.len(), 2, "the third has it not");
    hand.say(1, &parts[from]);
    let next = asked(&mut hand);
    assert_eq!(next.into_iter().collect::<Vec<_>>(), [(1, vec![from + 8])], "one for one");
    hand.pass(11 * SECOND);
    let progress = |n: &LogEvent| matches!(n, LogEvent::Progress { at, best, parts: Some(p) } if (at.get(), best.get(), *p) == (0, 41, (HEADERS + 1, parts.len())));
    assert!(hand.notes.iter().any(progress), "{:?}", hand.notes);
    let mut open: Vec<(u64, usize)> = Vec::new();
    open.extend((1..4).map(|n| (1, from + 2 * n)).chain((0..4).map(|n| (2, from + 2 * n + 1))));
    open.push((1, from + 8));
    while let Some((peer, place)) = open.pop() {
        hand.say(peer, &parts[place]);
        open.extend(
            asked(&mut hand).into_iter().flat_map(|(peer, all)| all.into_iter().map(move |p| (peer, p))),
        );
    }
    hand.pass(20 * SECOND);
    assert!(installed(&hand) && hand.height() == 32 && hand.closed.is_empty(), "{:?}", hand.closed);
    assert_eq!(hand.node.usage().blocks, 9);
    let bodies = hand.asked();
    assert!(!bodies.is_empty());
    (32..41).for_each(|n| (1..=2).for_each(|peer| hand.say(peer, &hand.block_message(n))));
    assert_eq!(hand.height(), 41);
    // Bodies up to the snapshot are not here, which is no fault of the store.
    for (height, is_here) in [(5, false), (32, false), (33, true)] {
        let Response::Block(block) = hand.ask(Request::Block(Height::new(height))) else {
            panic!("no block")
        };
        assert_eq!((block.is_some(), hand.lacks.store), (is_here, 0), "{height}");
    }
}

/// What is not the part that a peer was asked for counts for nothing; a part of other bytes costs its sender the
/// connection, and is asked of another.
#[test]
fn a_part_counts_from_whom_it_was_asked_of() {
    let (chain, parts) = snapshot();
    let mut hand = fetching(&chain);
    let first = asked(&mut hand);
    let (mine, theirs) = (first[&1][0], first[&2][0]);
    hand.say(1, &parts[theirs]);
    hand.say(3, &parts[mine]);
    hand.say(1, &parts[parts.len() - 1]);
    assert_eq!((asked(&mut hand), hand.closed.len()), (BTreeMap::new(), 0), "nothing has come");
    let Message::Part { block, place, mut bytes } = parts[mine].clone() else { panic!("a part") };
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    hand.say(1, &Message::Part { block, place, bytes });
    assert!(hand.banned(1, Offence::Invalid), "{:?}", hand.closed);
    // The second has as many open as it may; when it answers, it is asked for what the first owes.
    hand.say(2, &parts[theirs]);
    assert_eq!(asked(&mut hand).into_iter().collect::<Vec<_>>(), [(2, vec![mine])]);
}

/// A peer that cannot deliver a part now is left alone for a few seconds, then asked again; one that refuses eight times
/// in a row is asked no more.
#[test]
fn who_refuses_is_left_alone_for_a_while() {
    let (chain, parts) = snapshot();
    let mut hand = fetching(&chain);
    let place = asked(&mut hand)[&1][0];
    hand.happen(Event::Disconnected(PeerId(2)));
    // Of all other parts nothing is left to ask for.
    let mut open: Vec<usize> = (HEADERS..parts.len()).filter(|other| *other != place).collect();
    while !open.is_empty() {
        open.iter().for_each(|other| hand.say(1, &parts[*other]));
        open = asked(&mut hand).remove(&1).unwrap_or_default();
        open.retain(|other| *other != place);
    }
    for n in 1..=8 {
        hand.say(1, &empty(&parts[place]));
        hand.pass(9 * SECOND / 2);
        assert!(asked(&mut hand).is_empty(), "a quarter of the time that an answer may take");
        hand.pass(SECOND / 2);
        let again = asked(&mut hand).remove(&1).unwrap_or_default();
        assert_eq!(again, if n < 8 { vec![place] } else { vec![] }, "refusal {n}");
    }
    hand.pass(20 * SECOND);
    assert!(asked(&mut hand).is_empty() && hand.closed.is_empty(), "{:?}", hand.closed);
}

/// A peer that does not answer is late, and others are asked for what it owes. Without any new part the snapshot is
/// given up after a while; bodies are fetched then.
#[test]
fn a_snapshot_that_stops_is_given_up() {
    let (chain, parts) = snapshot();
    let mut hand = fetching(&chain);
    let first = asked(&mut hand);
    let mut theirs = first[&2].clone();
    while !theirs.is_empty() {
        theirs.iter().for_each(|place| hand.say(2, &parts[*place]));
        theirs = asked(&mut hand).remove(&2).unwrap_or_default();
    }
    hand.pass(39 * SECOND / 2);
    assert!(asked(&mut hand).is_empty());
    hand.pass(SECOND / 2);
    let now = asked(&mut hand);
    assert_eq!(now.into_iter().collect::<Vec<_>>(), [(2, first[&1].clone())]);
    // Both answer pings alone.
    for _ in 0..130 {
        (1..=3).for_each(|peer| hand.say(peer, &Message::Pong(1)));
        hand.pass(SECOND);
    }
    assert!(!installed(&hand));
    let Some(LogEvent::Progress { parts, .. }) =
        hand.notes.iter().rev().find(|n| matches!(n, LogEvent::Progress { .. }))
    else {
        panic!("no progress");
    };
    assert!(parts.is_some(), "while it lasted");
    assert_eq!(hand.node.usage().blocks, 0, "given up");
}

/// While a snapshot is chosen, nobody is asked for parts before all have said what they have, or the time is up; a second
/// answer was not asked for.
#[test]
fn all_may_say_which_snapshots_they_have() {
    let (chain, _) = snapshot();
    let mut hand = choosing(&chain);
    offer(&mut hand, 1, &[32]);
    offer(&mut hand, 2, &[24]);
    hand.pass(39 * SECOND / 2);
    assert!(asked(&mut hand).is_empty(), "the third has not answered");
    hand.pass(SECOND / 2);
    assert_eq!(asked(&mut hand).into_keys().collect::<Vec<_>>(), [1]);
    // The third answers late, and has it too.
    hand.say(3, &Message::Snapshots(vec![SealedHeader::of(hand.block(31))]));
    assert_eq!(asked(&mut hand).into_keys().collect::<Vec<_>>(), [3]);
    (0..5).for_each(|_| offer(&mut hand, 2, &[32]));
    assert!(hand.banned(2, Offence::Unasked), "{:?}", hand.closed);
    // Nobody has one that is deep enough: blocks are fetched.
    let mut hand = choosing(&chain);
    (1..=3).for_each(|peer| offer(&mut hand, peer, &[34, 40]));
    hand.pass(SECOND / 2);
    assert!(asked(&mut hand).is_empty());
    hand.pass(SECOND / 2);
    hand.say(1, &hand.tip_message(40));
    assert_eq!(hand.node.usage().blocks, 41, "no parts");
    // A snapshot under a seal that is none.
    let mut hand = choosing(&chain);
    let sealed =
        SealedHeader { seal: SealedHeader::of(hand.block(0)).seal, ..SealedHeader::of(hand.block(31)) };
    hand.say(1, &Message::Snapshots(vec![sealed]));
    assert!(hand.banned(1, Offence::Invalid));
}

/// Bodies that every peer has dropped are replaced by a snapshot, however near they are. If nobody has one either, that is
/// said, and nothing is asked for until a peer shows a block anew.
#[test]
fn without_bodies_and_snapshots_a_node_says_so() {
    let (chain, parts) = snapshot();
    for has in [true, false] {
        let mut hand = Hand::new(chain.clone(), 0, |c| c.part_items = ITEMS);
        hand.join(1, inbound);
        hand.say(1, &hand.tip_message(40));
        let all = hand.test_chain.blocks().iter().map(SealedHeader::of).collect();
        hand.say(1, &Message::Headers(all));
        assert!(hand.take(|m| *m == Message::GetSnapshots).is_empty() && !hand.asked().is_empty());
        hand.say(1, &Message::NotFound(hand.name(0)));
        assert_eq!(hand.take(|m| *m == Message::GetSnapshots), [1]);
        offer(&mut hand, 1, if has { &[32] } else { &[] });
        hand.said.clear();
        hand.pass(SECOND);
        let lacks = |n: &LogEvent| matches!(n, LogEvent::NoBodies(name) if name.height.get() == 1);
        assert_eq!(hand.notes.iter().any(lacks), !has, "{:?}", hand.notes);
        assert_eq!(hand.node.usage().blocks, if has { 9 + parts.len() } else { 0 });
        assert_eq!((asked(&mut hand).is_empty(), hand.closed.len()), (!has, 0));
    }
}

/// A snapshot of another branch counts for nothing, however high it is, though the operator sealed it.
#[test]
fn a_snapshot_is_of_the_branch_that_is_followed() {
    let (chain, _) = snapshot();
    let mut hand = choosing(&chain);
    let mut other = hand.block(31).header.clone();
    let other = hand.after(&mut other);
    hand.say(1, &Message::Snapshots(vec![SealedHeader::of(hand.block(31)), other.clone()]));
    hand.say(2, &Message::Snapshots(vec![other]));
    offer(&mut hand, 3, &[]);
    hand.pass(SECOND);
    assert_eq!(asked(&mut hand).into_keys().collect::<Vec<_>>(), [1]);
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
}

/// Who says too late which snapshots it has is asked for parts if it has the one that is fetched, and not otherwise.
#[test]
fn a_late_answer_counts_for_its_snapshot() {
    let (chain, _) = snapshot();
    for (heights, is_asked) in [(&[24, 40][..], false), (&[24, 32], true)] {
        let mut hand = choosing(&chain);
        offer(&mut hand, 1, &[32]);
        offer(&mut hand, 2, &[]);
        hand.pass(20 * SECOND);
        assert_eq!(asked(&mut hand).into_keys().collect::<Vec<_>>(), [1]);
        offer(&mut hand, 3, heights);
        assert_eq!(asked(&mut hand).contains_key(&3), is_asked, "{heights:?}");
    }
}

/// A node to which a peer may send its hello, a tip and little more.
fn after_a_tip(chain: &TestChain) -> Hand {
    Hand::new(chain.clone(), 3, |c| c.received = Allowance { rate: 0, burst: 420 })
}

/// Nothing that a peer sends is free because it looks like an answer.
#[test]
fn an_answer_to_no_question_is_charged() {
    let (chain, parts) = snapshot();
    let make = || Hand::new(chain.clone(), 3, |c| c.received = Allowance { rate: 0, burst: 100 });
    let hand = make();
    let (block, body) = (hand.block(3).clone(), hand.block(3).body.clone());
    let answers = [
        hand.block_message(3),
        Message::Compact(Compact::of(&block, 1).unwrap()),
        Message::Items {
            block: hand.name(3),
            outputs: body.outputs.clone(),
            kernels: body.body_kernels().collect(),
        },
        Message::Headers(vec![SealedHeader::of(&block)]),
        Message::Snapshots(vec![SealedHeader::of(&block)]),
        parts[0].clone(),
    ];
    for (answer, asks) in answers.iter().flat_map(|a| [(a, false), (a, true)]) {
        // Nor because something else was asked for.
        if asks && matches!(answer, Message::Headers(_)) {
            continue;
        }
        let mut hand = if asks { after_a_tip(&chain) } else { make() };
        hand.join(1, inbound);
        if asks {
            hand.say(1, &hand.tip_message(40));
            assert_eq!(hand.asked_headers(), [1]);
        }
        (0..9).for_each(|_| hand.say(1, answer));
        assert!(hand.closed.is_empty(), "{:?} {answer:?}", hand.closed);
        hand.say(1, answer);
        assert!(hand.banned(1, Offence::Flood), "{:?} {answer:?}", hand.closed);
    }
    // Nor is the second answer to one.
    let mut hand = Hand::new(chain.clone(), 3, |c| c.received = Allowance { rate: 0, burst: 500 });
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(3));
    let again = hand.block_message(3);
    (0..11).for_each(|_| hand.say(1, &again));
    assert!(hand.height() == 4 && hand.banned(1, Offence::Flood), "{:?}", hand.closed);
}

/// A snapshot for others is made of every so many blocks, once, and not before; not by a node that is to make none, nor
/// while blocks are being fetched.
#[test]
fn snapshots_are_made_when_they_are_due() {
    let mut chain = TestChain::new(9);
    (0..18).for_each(|_| drop(chain.grow(Vec::new())));
    let made = |every: u64, blocks: usize, behind: bool| {
        let mut hand =
            Hand::new(chain.clone(), blocks, |c| (c.snapshot_every, c.part_items) = (every, ITEMS));
        if behind {
            hand.join(1, inbound);
            hand.say(1, &hand.tip_message(blocks + 1));
            let all = (blocks..blocks + 2).map(|n| SealedHeader::of(hand.block(n))).collect();
            hand.say(1, &Message::Headers(all));
        }
        hand.pass(2 * SECOND);
        let begun = hand.files.bytes(FileName::SnapshotDraft).is_some();
        if behind {
            return (begun, false);
        }
        hand.pass(20 * SECOND);
        let done = hand.files.bytes(FileName::Snapshot(0));
        hand.pass(20 * SECOND);
        assert!(hand.files.bytes(FileName::Snapshot(0)) == done, "once");
        assert!(
            hand.files.bytes(FileName::SnapshotDraft).is_none()
                && hand.files.bytes(FileName::Snapshot(1)).is_none()
        );
        (begun, done.is_some())
    };
    assert_eq!(made(8, 16, false), (true, true));
    assert_eq!(made(8, 18, false), (true, true), "two blocks late");
    assert!(!made(8, 16, true).0, "blocks are being fetched");
    assert_eq!(made(8, 3, false), (false, false), "none is due");
    assert_eq!(made(0, 16, false), (false, false), "none is wanted");
    assert_eq!(made(12, 18, false), (true, true));
}
