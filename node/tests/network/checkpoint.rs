//! A node that was told which block its chain must have.

use crate::{
    hand::{Hand, inbound, test_chain},
    world::layout,
};
use sotto_mw::{block::Block, codec::Encode, testing::TestChain};
use sotto_node::{
    config::Config,
    effect::{LogEvent, Response},
    engine::{Node, NodeSetup},
    event::Request,
    ledger::Ledger,
    message::{BlockName, Message},
    peer::PeerKey,
    seal::SealedHeader,
    storage::Store,
};

fn name(block: &Block) -> BlockName {
    BlockName::of(&block.header)
}

fn headers(blocks: &[Block]) -> Message {
    Message::Headers(blocks.iter().map(SealedHeader::of).collect())
}

/// A node with three blocks of a chain that was told the name of a later one.
fn told(chain: TestChain, checkpoint: usize) -> Hand {
    let mut hand = Hand::new(chain, 3, |_| ());
    let store = Store::open_on(hand.files.copy(), layout()).unwrap();
    let checkpoints = vec![hand.name(checkpoint)];
    let ledger = Ledger::over(store, Default::default()).unwrap().with_checkpoints(checkpoints).unwrap();
    hand.node = Node::new(NodeSetup::new(Config::new(PeerKey([99; 32])), ledger), &mut hand.rng);
    hand
}

/// Blocks are connected once headers lead from them to the checkpoint, and not before.
#[test]
fn no_block_is_connected_before_headers_lead_to_the_checkpoint() {
    let mut hand = told(test_chain(9), 7);
    hand.join(1, inbound);
    for (from, shown) in [(3, 5), (5, 7), (7, 8)] {
        hand.say(1, &hand.tip_message(shown - 1));
        if hand.asked_headers() == [1] {
            hand.say(1, &headers(&hand.test_chain.blocks()[from..shown]));
        }
        for n in from..shown {
            hand.say(1, &hand.block_message(n));
        }
        assert_eq!(hand.height(), if shown < 8 { 3 } else { 8 }, "{shown} headers");
    }
    assert_eq!(hand.closed, []);
}

/// Headers that lead to another block than the checkpoint's are dropped, with all that led there; a branch that leads to
/// it stays, whatever another peer shows.
#[test]
fn what_leads_past_a_checkpoint_is_dropped_and_nothing_else() {
    let ours = test_chain(12);
    let mut others = test_chain(5);
    let _ = others.secret();
    (5..12).for_each(|_| drop(others.grow(Vec::new())));
    let (good, other) = (ours.blocks().to_vec(), others.blocks().to_vec());
    let mut hand = told(ours, 7);
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    let shows = |hand: &mut Hand, peer: u64, block: &Block| {
        hand.say(peer, &Message::Tip(SealedHeader::of(block)));
        hand.asked_headers().contains(&peer)
    };
    assert!(shows(&mut hand, 1, &other[11]));
    hand.say(1, &headers(&other[3..7]));
    assert_eq!(hand.node.usage().blocks, 4, "nothing is known against them");
    assert!(shows(&mut hand, 1, &other[11]));
    hand.say(1, &headers(&other[7..12]));
    assert_eq!((hand.node.usage().blocks, hand.asked_headers()), (0, vec![]));
    // The other way: what leads there is kept.
    assert!(shows(&mut hand, 2, &good[11]));
    hand.say(2, &headers(&good[3..12]));
    assert_eq!(hand.node.usage().blocks, 9);
    (0..2).for_each(|_| assert!(!shows(&mut hand, 1, &other[7])));
    assert_eq!((hand.node.usage().blocks, hand.closed.len()), (9, 0));
    let told =
        hand.notes.iter().filter(|n| matches!(n, LogEvent::OtherCheckpoint(n) if *n == name(&other[7])));
    assert_eq!(told.count(), 1, "once for each block");
    let Response::Status(status) = hand.ask(Request::Status) else { panic!("no status") };
    assert_eq!(status.checkpoint, Some((name(&good[7]), Some(name(&other[7])))));
    for block in &good[3..] {
        // The first two are of both branches, and were asked of the first peer.
        let from = if block.header.height.get() <= 5 { 1 } else { 2 };
        hand.say(from, &Message::Block { sealed: SealedHeader::of(block), body: block.body.to_bytes() });
    }
    assert_eq!((hand.height(), hand.closed.len()), (12, 0));
}
