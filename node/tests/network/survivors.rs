//! Each check of what a peer sends, alone: a message in which everything is right but that which it checks.

use sotto_mw::{chain::Params, codec::Encode, testing::TestChain};
use sotto_node::{
    message::Message,
    peer::{Offence, PeerId},
    seal::SealedHeader,
};

use crate::hand::{Hand, SECOND, inbound, test_chain};

/// The header of one block under the seal of another.
fn forged(hand: &Hand, n: usize) -> SealedHeader {
    SealedHeader { header: hand.block(n).header.clone(), seal: hand.block(n - 1).seal.clone() }
}

/// A tip without the operator's seal is a ban, and nothing is asked for because of it.
#[test]
fn a_tip_needs_its_seal() {
    for n in [1, 3, 7] {
        let mut hand = Hand::new(test_chain(8), 3, |_| ());
        hand.join(1, inbound);
        hand.said.clear();
        let forged = forged(&hand, n);
        hand.say(1, &Message::Tip(forged));
        // A header that is ours shows that its sender has it, whatever comes with it.
        assert_eq!(hand.banned(1, Offence::Invalid), n >= 3, "block {n}");
        assert!(hand.said.is_empty() && hand.alarms == 0, "{:?}", hand.said);
    }
}

/// One header without its seal among many is a ban, wherever it stands, and no block of them is fetched; also where the
/// first of them repeat the chain.
#[test]
fn every_header_needs_its_seal() {
    for (first, wrong) in [1, 3].into_iter().flat_map(|first| (3..8).map(move |wrong| (first, wrong))) {
        let mut hand = Hand::new(test_chain(8), 3, |_| ());
        hand.join(1, inbound);
        hand.say(1, &hand.tip_message(7));
        assert_eq!(hand.asked_headers(), [1]);
        let mut all: Vec<SealedHeader> = (first..8).map(|n| SealedHeader::of(hand.block(n))).collect();
        all[wrong - first] = forged(&hand, wrong);
        hand.say(1, &Message::Headers(all));
        assert!(hand.banned(1, Offence::Invalid), "header {wrong}");
        assert!(hand.asked().is_empty() && hand.node.usage().blocks == 0);
    }
}

/// A body that is not the one its header names is a ban when it arrives, and the block is asked of another.
#[test]
fn a_body_is_the_one_that_its_header_names() {
    let mut hand = Hand::new(test_chain(8), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(3)));
    assert_eq!(hand.asked(), [1]);
    let sealed = SealedHeader::of(hand.block(3));
    hand.say(1, &Message::Block { sealed, body: hand.block(4).body.to_bytes() });
    assert!(hand.banned(1, Offence::Invalid));
    assert_eq!(hand.asked(), [2]);
    hand.say(2, &hand.block_message(3));
    assert_eq!((hand.height(), hand.closed.len()), (4, 1));
}

/// K of the chain on which snapshots are chosen, and its length.
const K: usize = 8;
const LENGTH: usize = 40;

/// A node without a block that knows all headers, and was offered the snapshot of this sealed header.
fn offered(offer: impl Fn(&Hand) -> SealedHeader) -> Hand {
    let mut test_chain = TestChain::with(33, |p: &mut Params| {
        (p.window_width, p.window_grid, p.reorganisation) = (400, 20, K as u64);
    });
    (0..LENGTH).for_each(|_| drop(test_chain.grow(Vec::new())));
    let mut hand = Hand::new(test_chain, 0, |c| c.snapshot_threshold = 10);
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(LENGTH - 1));
    assert_eq!(hand.asked_headers(), [1]);
    let all = (0..LENGTH).map(|n| SealedHeader::of(hand.block(n))).collect();
    hand.say(1, &Message::Headers(all));
    assert_eq!(hand.take(|m| matches!(m, Message::GetSnapshots)), [1]);
    let snapshot = offer(&hand);
    hand.say(1, &Message::Snapshots(vec![snapshot]));
    hand.pass(SECOND);
    hand
}

/// A snapshot is fetched if it is K blocks deep, and not if it is one less: what is not final may be undone.
#[test]
fn a_snapshot_is_deep_enough() {
    let mut deep = offered(|hand| SealedHeader::of(hand.block(LENGTH - 1 - K)));
    assert!(!deep.take(|m| matches!(m, Message::GetPart { .. })).is_empty() && deep.asked().is_empty());
    let mut shallow = offered(|hand| SealedHeader::of(hand.block(LENGTH - K)));
    assert!(shallow.take(|m| matches!(m, Message::GetPart { .. })).is_empty());
    assert!(!shallow.asked().is_empty(), "the blocks are fetched instead");
    assert!(deep.closed.is_empty() && shallow.closed.is_empty());
}

/// A snapshot under no seal of the operator's is a ban, and is not chosen.
#[test]
fn a_snapshot_needs_its_seal() {
    let mut hand = offered(|hand| forged(hand, LENGTH - 1 - K));
    assert!(hand.banned(1, Offence::Invalid), "{:?}", hand.closed);
    assert!(hand.take(|m| matches!(m, Message::GetPart { .. })).is_empty());
    hand.happen(sotto_node::event::Event::Disconnected(PeerId(1)));
}
