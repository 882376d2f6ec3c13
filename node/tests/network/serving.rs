//! What a node hands out of its chain, and how much of it: to peers by their allowances, to programs in whole.

use crate::hand::{Hand, SECOND, inbound, test_chain};
use sotto_mw::{amount::Height, block::Reward, codec::Encode, testing::TestChain};
use sotto_node::{
    config::Config,
    effect::{LogEvent, Refusal, Response},
    event::Request,
    message::{BlockName, Message},
    peer::Direction,
    seal::SealedHeader,
    storage::FileName,
    token_bucket::Allowance,
};

/// What peer 1 was sent since this was asked last, but for pings.
fn sent(hand: &mut Hand) -> Vec<Message> {
    let all = core::mem::take(&mut hand.said).into_iter().filter(|(peer, _)| *peer == 1).map(|(_, m)| m);
    all.filter(|m| !matches!(m, Message::Ping(_))).collect()
}

fn fixed(burst: u64) -> Allowance {
    Allowance { rate: 0, burst }
}

/// A node with twenty blocks, and one peer.
fn node(edit: impl FnOnce(&mut Config)) -> Hand {
    let mut hand = Hand::new(test_chain(20), 20, edit);
    hand.join(1, inbound);
    hand.said.clear();
    hand
}

/// Headers follow the first block of a locator that is in the chain, or the genesis.
#[test]
fn headers_follow_the_first_common_block() {
    let mut hand = node(|_| ());
    let foreign = BlockName { hash: hand.name(3).hash, ..hand.name(17) };
    for (locator, first) in [
        (vec![foreign, hand.name(14), hand.name(3)], 16),
        (vec![foreign], 1),
        (vec![], 1),
        (vec![hand.name(18)], 20),
        (vec![hand.name(19)], 21),
    ] {
        hand.say(1, &Message::GetHeaders(locator));
        let [Message::Headers(all)] = &sent(&mut hand)[..] else { panic!("no headers") };
        let heights: Vec<u64> = all.iter().map(|s| s.header.height.get()).collect();
        assert_eq!(heights, (first..=20).collect::<Vec<_>>());
    }
}

/// Each header that is handed out is charged as work, and so is each change of the terms that may be.
#[test]
fn headers_are_charged_by_their_number() {
    // A frame 1 and more, and 3 a header.
    for (place, burst, answers) in [(20, 200, 20), (0, 200, 3), (0, 60, 0)] {
        let mut hand = node(|c| c.work = fixed(burst + 3));
        let locator = if place == 0 { vec![] } else { vec![hand.name(place - 2)] };
        let times = if place == 0 { 4 } else { 20 };
        (0..times).for_each(|_| hand.say(1, &Message::GetHeaders(locator.clone())));
        let all = sent(&mut hand).into_iter().filter(|m| matches!(m, Message::Headers(_)));
        assert_eq!(all.count(), answers, "{burst} after {place}");
    }
    let mut hand = node(|c| c.work = fixed(200));
    (0..5).for_each(|_| hand.say(1, &Message::GetTerms(Height::GENESIS)));
    assert_eq!(sent(&mut hand).len(), 3, "6 and 48 each");
    let mut hand = node(|c| c.served = fixed(3 * 1_024));
    (0..9).for_each(|_| hand.say(1, &Message::GetTerms(Height::GENESIS)));
    assert!((1..=3).contains(&sent(&mut hand).len()));
}

/// A block that was decoded for one request is kept for the next, up to four of them; more are decoded anew,
/// which is charged.
#[test]
fn the_last_blocks_stay_decoded() {
    let answered = |cycle: usize| {
        let mut hand = node(|c| c.work = fixed(500));
        let names: Vec<BlockName> = (0..40).map(|n| hand.name(n % cycle)).collect();
        names.iter().for_each(|name| hand.say(1, &Message::GetCompact(*name)));
        let all = sent(&mut hand).into_iter().filter_map(|m| match m {
            Message::Compact(c) => Some(BlockName::of(&c.sealed.header)),
            _ => None,
        });
        let all: Vec<BlockName> = all.collect();
        assert!(all[..5] == names[..5] && all.iter().all(|name| names.contains(name)));
        all.len()
    };
    assert_eq!(answered(4), 40);
    assert!((5..20).contains(&answered(5)), "{}", answered(5));
}

/// A block that stays decoded is charged for its bytes all the same.
#[test]
fn what_stays_decoded_is_not_free() {
    let mut hand = node(|c| c.served = fixed(11_000));
    (0..20).for_each(|_| hand.say(1, &Message::GetCompact(hand.name(3))));
    // 1,024 bytes a request, and some 960 of the block.
    assert_eq!(sent(&mut hand).len(), 5);
}

/// A part of a snapshot that is beyond a peer's allowance is denied, so that it asks another; what is beyond its
/// allowance of requests is not answered.
#[test]
fn parts_are_handed_out_within_the_allowance() {
    let mut grown = TestChain::new(9);
    (0..25).for_each(|_| drop(grown.grow(Vec::new())));
    for (served, whole) in [(1 << 20, 3), (3 * 1_024, 0)] {
        let mut hand = Hand::new(grown.clone(), 16, |c| {
            (c.snapshot_every, c.part_items, c.served) = (8, 16, Allowance { rate: 0, burst: served });
        });
        hand.pass(10 * SECOND);
        hand.join(2, inbound);
        for n in 16..25 {
            hand.say(2, &hand.tip_message(n));
            hand.say(2, &hand.block_message(n));
        }
        hand.join(1, inbound);
        hand.said.clear();
        hand.say(1, &Message::GetSnapshots);
        let [Message::Snapshots(all)] = &sent(&mut hand)[..] else { panic!("no snapshots") };
        let heights: Vec<u64> = all.iter().map(|s| s.header.height.get()).collect();
        assert_eq!(heights, [16]);
        let block = all[0].header.hash();
        (0..3).for_each(|_| hand.say(1, &Message::GetPart { block, place: 0 }));
        let parts = sent(&mut hand);
        let full =
            |m: &&Message| matches!(m, Message::Part { place: 0, bytes, .. } if bytes.len() > 16 * 256);
        assert_eq!(parts.iter().filter(full).count(), whole);
        let empty = |m: &&Message| matches!(m, Message::Part { bytes, .. } if bytes.is_empty());
        assert_eq!(parts.iter().filter(empty).count(), if whole == 0 { 2 } else { 0 });
        if whole > 0 {
            hand.say(1, &Message::GetPart { block, place: 99 });
            hand.say(1, &Message::GetPart { block: hand.name(3).hash, place: 0 });
            assert_eq!(sent(&mut hand).iter().filter(empty).count(), 2, "there is none");
        }
    }
}

/// A program is given the headers from a height on, and the blocks of the chain.
#[test]
fn programs_read_the_chain() {
    let mut hand = node(|_| ());
    for (first, most, heights) in
        [(0, 3, 1..4), (1, 1, 1..2), (20, 1, 20..21), (20, 9, 20..21), (18, 3, 18..21)]
    {
        let response = hand.ask(Request::Headers { first: Height::new(first), most });
        let Response::Headers(all) = response else { panic!("no headers") };
        let found: Vec<u64> = all.iter().map(|s| s.header.height.get()).collect();
        assert_eq!(found, heights.collect::<Vec<_>>(), "{most} from {first}");
    }
    for (first, most) in [(21, 5), (1, 0), (0, 0), (20, 0)] {
        let response = hand.ask(Request::Headers { first: Height::new(first), most });
        assert!(matches!(response, Response::Headers(all) if all.is_empty()), "{most} from {first}");
    }
    for (height, there) in [(0, false), (1, true), (20, true), (21, false)] {
        let Response::Block(block) = hand.ask(Request::Block(Height::new(height))) else {
            panic!("no block")
        };
        assert_eq!(block.as_ref(), there.then(|| hand.block(height as usize - 1)));
    }
}

/// A node proves where a kernel is, also after other blocks have taken the place of the last ones.
#[test]
fn a_kernel_is_proven_on_every_branch() {
    let ours = test_chain(6);
    let mut theirs = test_chain(3);
    let _ = theirs.secret();
    (0..5).for_each(|_| drop(theirs.grow(Vec::new())));
    let mut hand = Hand::new(ours.clone(), 6, |_| ());
    let proves = |hand: &mut Hand, chain: &TestChain, n: usize| {
        let kernel = &chain.blocks()[n].body.kernels[0];
        let Response::Kernel(found) = hand.ask(Request::Kernel(kernel.excess)) else { panic!("no answer") };
        let Some(found) = found else { return false };
        let (tip, place) = (hand.node.ledger().tip().clone(), n as u64);
        assert_eq!((found.height.get(), found.place, found.tip), (place + 1, place, BlockName::of(&tip)));
        assert_eq!(&found.kernel, kernel);
        found.path.verify(&tip.kernel_root, &kernel.id(), place, tip.kernel_count).is_ok()
    };
    assert!((0..6).all(|n| proves(&mut hand, &ours, n)));
    hand.join(1, inbound);
    let sealed: Vec<_> = theirs.blocks().iter().map(SealedHeader::of).collect();
    hand.say(1, &Message::Tip(sealed[7].clone()));
    hand.say(1, &Message::Headers(sealed[3..].to_vec()));
    for block in &theirs.blocks()[3..] {
        let (sealed, body) = (SealedHeader::of(block), block.body.to_bytes());
        hand.say(1, &Message::Block { sealed, body });
    }
    assert_eq!(hand.height(), 8);
    assert!((0..8).all(|n| proves(&mut hand, &theirs, n)));
    assert!(!proves(&mut hand, &ours, 5), "no more");
}

/// A status counts connections by who opened them, and lists the peers.
#[test]
fn the_status_counts_connections() {
    let mut hand = node(|_| ());
    hand.join(2, Direction::Outbound);
    hand.join(3, Direction::Outbound);
    (4..8).for_each(|peer| hand.join(peer, inbound));
    let Response::Status(status) = hand.ask(Request::Status) else { panic!("no status") };
    assert_eq!((status.connections, status.unspent, status.kernels), ((2, 5), 20, 20));
    let Response::Peers(all) = hand.ask(Request::Peers) else { panic!("no peers") };
    let outbound: Vec<u64> = all.iter().filter(|p| p.outbound).map(|p| p.peer.0).collect();
    assert_eq!((all.len(), outbound), (7, vec![2, 3]));
}

/// A draft is for the tip that it was made on: when another block takes its place, a new one is needed.
#[test]
fn a_draft_ends_with_its_tip() {
    let mut hand = node(|_| ());
    let mut beside = test_chain(19);
    // Another last block, which is preferred.
    let better = loop {
        let _ = beside.secret();
        let mut other = beside.clone();
        other.grow(Vec::new());
        let block = other.blocks()[19].clone();
        if block.header.hash() < hand.block(19).header.hash() {
            break block;
        }
    };
    assert!(matches!(hand.ask(Request::Draft), Response::Draft { .. }));
    let sealed = SealedHeader::of(&better);
    hand.say(1, &Message::Tip(sealed.clone()));
    hand.say(1, &Message::Block { sealed, body: better.body.to_bytes() });
    assert_eq!(hand.node.ledger().tip(), &better.header);
    let reward = Reward { output: better.body.outputs[0].clone(), kernel: better.body.kernels[0].clone() };
    let answer = hand.ask(Request::Seal { reward: Box::new(reward), time: 1_800_000_000 });
    assert!(matches!(answer, Response::Refused(Refusal::NoDraft)), "{answer:?}");
}

/// A snapshot for which the disk has no room is given up with a word, and the next that is due is made.
#[test]
fn a_snapshot_without_room_is_given_up() {
    let mut grown = TestChain::new(9);
    (0..25).for_each(|_| drop(grown.grow(Vec::new())));
    let mut hand = Hand::new(grown, 16, |c| (c.snapshot_every, c.part_items) = (8, 16));
    hand.join(1, inbound);
    hand.files.limit(Some(0));
    let lacks = |n: &LogEvent| matches!(n, LogEvent::SnapshotNotSaved(_));
    for _ in 0..20 {
        hand.pass(SECOND);
        hand.say(1, &Message::Pong(0));
    }
    assert_eq!(
        (hand.notes.iter().filter(|n| lacks(n)).count(), hand.lacks.store),
        (1, 0),
        "{:?}",
        hand.notes
    );
    hand.files.limit(None);
    for (blocks, made) in [(16..17, false), (17..25, true)] {
        for n in blocks {
            hand.say(1, &hand.tip_message(n));
            hand.say(1, &hand.block_message(n));
            hand.pass(10 * SECOND);
        }
        assert_eq!(hand.files.bytes(FileName::Snapshot(0)).is_some(), made, "{}", hand.height());
    }
}

/// Where nobody votes, there is no turn to wait for, and a program that asks for one is told so.
#[test]
fn a_node_without_a_validator_has_no_turns() {
    let mut hand = node(|_| ());
    let answer = hand.ask(Request::AwaitTurn);
    assert!(matches!(answer, Response::Refused(_)), "{answer:?}");
}
