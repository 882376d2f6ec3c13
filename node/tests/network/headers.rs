//! Headers: where a node says that its chain is, of whom it asks for more, and how many it holds.

use crate::hand::{Hand, SECOND, inbound, test_chain};
use core::time::Duration;
use sotto_node::{
    effect::LogEvent,
    event::Event,
    message::{BlockName, Message},
    peer::{Address, Direction, Offence, PeerId},
    seal::SealedHeader,
};

/// The heights that the last request for headers names; each is of a block of the chain.
fn located(hand: &Hand) -> Vec<u64> {
    let names = hand.said.iter().rev().find_map(|(_, m)| match m {
        Message::GetHeaders(names) => Some(names.clone()),
        _ => None,
    });
    let heights = names.unwrap().into_iter().map(|name| {
        let height = name.height.get() as usize;
        assert!(height == 0 || name == hand.name(height - 1), "{name:?}");
        height as u64
    });
    heights.collect()
}

fn headers(hand: &Hand, blocks: core::ops::Range<usize>) -> Message {
    Message::Headers(blocks.map(|n| SealedHeader::of(hand.block(n))).collect())
}

/// Whoever is on another branch finds the last common block by a few names: the last ten one by one, then
/// ever further apart, and the genesis.
#[test]
fn a_chain_is_named_by_a_few_of_its_blocks() {
    let mut hand = Hand::new(test_chain(44), 40, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    hand.say(1, &hand.tip_message(43));
    let tip = (31..=40).rev();
    assert_eq!(located(&hand), tip.chain([30, 28, 24, 16, 0]).collect::<Vec<_>>());
    hand.say(1, &headers(&hand, 40..42));
    hand.say(2, &hand.tip_message(43));
    let branch = [42].into_iter().chain((32..=40).rev());
    assert_eq!(located(&hand), branch.chain([31, 29, 25, 17, 1, 0]).collect::<Vec<_>>());
}

/// A peer that is able to show the way, and whether it is one that this node chose, has delivered, or has let
/// it wait before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trait {
    None,
    Chosen,
    Gave,
    GaveThenMissed,
    /// It answered with headers that lead nowhere.
    Nowhere,
    Higher,
}

/// Of two peers that are ahead, both free: which one is asked for headers when the one that was asked leaves?
fn is_asked(of: [Trait; 2]) -> u64 {
    let mut hand = Hand::new(test_chain(20), 3, |_| ());
    hand.join(3, inbound);
    for (peer, of) in (1..).zip(of) {
        let outbound: fn(Address) -> Direction = Direction::Outbound;
        hand.join(peer, if of == Trait::Chosen { outbound } else { inbound });
        let height = hand.height();
        if matches!(of, Trait::Gave | Trait::GaveThenMissed) {
            hand.say(peer, &hand.tip_message(height));
            hand.say(peer, &hand.block_message(height));
            assert_eq!(hand.height(), height + 1);
        }
        if of == Trait::Nowhere {
            hand.say(peer, &hand.tip_message(10));
            assert_eq!(hand.asked_headers(), [peer]);
            hand.say(peer, &headers(&hand, 0..2));
        }
        if of == Trait::GaveThenMissed {
            hand.say(peer, &hand.tip_message(10));
            assert_eq!(hand.asked_headers(), [peer]);
            hand.pass(5 * SECOND / 2);
            hand.say(peer, &Message::Headers(Vec::new()));
        }
    }
    hand.said.clear();
    hand.say(3, &hand.tip_message(10));
    assert_eq!(hand.asked_headers(), [3]);
    for (peer, of) in (1..).zip(of) {
        hand.say(peer, &hand.tip_message(if of == Trait::Higher { 12 } else { 10 }));
    }
    assert!(hand.asked_headers().is_empty());
    hand.happen(Event::Disconnected(PeerId(3)));
    let asked = hand.asked_headers();
    assert_eq!(asked.len(), 1, "{of:?}");
    asked[0]
}

/// A peer that let this node wait comes last, whatever it delivered before; then who has delivered counts
/// most, then who was chosen by this node, then who is further.
#[test]
fn the_best_peer_is_asked_for_headers() {
    use Trait::{Chosen, Gave, GaveThenMissed, Higher, None, Nowhere};
    for (worse, better) in [
        (GaveThenMissed, None),
        (GaveThenMissed, Higher),
        (Chosen, Gave),
        (None, Gave),
        (None, Chosen),
        (Higher, Chosen),
        (None, Higher),
    ] {
        assert_eq!(is_asked([worse, better]), 2, "{better:?} before {worse:?}");
        assert_eq!(is_asked([better, worse]), 1, "{better:?} before {worse:?}");
    }
    assert_eq!(is_asked([None, None]), 1);
    assert_eq!([is_asked([None, Nowhere]), is_asked([Nowhere, None])], [1, 1], "that is no delivery");
}

/// The headers of a chain that is far ahead come page by page until half of the room for them is taken; then
/// their blocks come first.
#[test]
fn headers_are_held_in_bounded_number() {
    const PAGE: usize = 1_024;
    let mut hand = Hand::new(test_chain(1), 1, |c| c.snapshot_threshold = u64::MAX);
    hand.join(1, inbound);
    let mut header = hand.block(0).header.clone();
    let mut page = || -> Vec<SealedHeader> { (0..PAGE).map(|_| hand.after(&mut header)).collect() };
    let pages = [page(), page(), page(), page()];
    hand.say(1, &Message::Tip(pages[3][PAGE - 1].clone()));
    for page in &pages[..3] {
        assert_eq!(hand.asked_headers(), [1], "half of the room is free");
        hand.say(1, &Message::Headers(page.clone()));
    }
    assert_eq!((hand.asked_headers(), hand.node.usage().blocks), (vec![], 3 * PAGE));
    hand.pass(30 * SECOND);
    assert!(hand.asked_headers().is_empty());
}

/// A page that is full may have a next one, which is asked for at once; one that is not shows all that a peer
/// has, whatever it showed before.
#[test]
fn a_page_that_is_not_full_is_the_last() {
    const PAGE: usize = 1_024;
    let mut hand = Hand::new(test_chain(1), 1, |c| c.snapshot_threshold = u64::MAX);
    hand.join(1, inbound);
    let mut header = hand.block(0).header.clone();
    let all: Vec<SealedHeader> = (0..PAGE + 20).map(|_| hand.after(&mut header)).collect();
    hand.say(1, &Message::Tip(all[PAGE + 19].clone()));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &Message::Headers(all[..PAGE].to_vec()));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &Message::Headers(all[PAGE..PAGE + 10].to_vec()));
    assert!(hand.asked_headers().is_empty(), "it has no more");
    assert_eq!(hand.node.usage().blocks, PAGE + 10);
    hand.say(1, &Message::Tip(all[PAGE + 19].clone()));
    assert_eq!(hand.asked_headers(), [1], "until it shows more");
}

/// Headers of which one does not follow the one before, or is not sealed, cost their sender the connection,
/// and none of them is taken.
#[test]
fn headers_that_do_not_follow_each_other_cost() {
    type Edit = fn(&mut Hand, &mut Vec<SealedHeader>);
    let edits: [(&str, Edit); 6] = [
        ("one is of another branch", |hand, all| {
            let mut header = all[2].header.clone();
            all[3] = hand.after(&mut header);
        }),
        ("one is missing", |_, all| drop(all.remove(2))),
        ("two are swapped", |_, all| all.swap(1, 2)),
        ("one is foreign", |hand, all| all[3] = SealedHeader::of(hand.block(0))),
        ("one is not sealed", |hand, all| all[3].seal = SealedHeader::of(hand.block(0)).seal),
        ("the first is not sealed", |hand, all| all[0].seal = SealedHeader::of(hand.block(0)).seal),
    ];
    for (what, edit) in edits {
        let mut hand = Hand::new(test_chain(9), 3, |_| ());
        hand.join(1, inbound);
        hand.say(1, &hand.tip_message(8));
        assert_eq!(hand.asked_headers(), [1]);
        let mut all = (3..8).map(|n| SealedHeader::of(hand.block(n))).collect();
        edit(&mut hand, &mut all);
        hand.say(1, &Message::Headers(all));
        assert!(hand.banned(1, Offence::Invalid), "{what}: {:?}", hand.closed);
        assert_eq!((hand.node.usage().blocks, hand.asked()), (0, vec![]), "{what}");
    }
}

/// Headers that repeat some of the chain before they go on are followed, and so are those that begin with
/// what is being fetched already.
#[test]
fn headers_that_repeat_what_is_known_are_followed() {
    let mut hand = Hand::new(test_chain(12), 5, |_| ());
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(11));
    hand.said.clear();
    hand.say(1, &headers(&hand, 2..8));
    assert_eq!(hand.node.usage().blocks, 3, "five of the chain are known");
    hand.say(1, &hand.tip_message(11));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &headers(&hand, 4..12));
    assert_eq!((hand.node.usage().blocks, hand.closed.len()), (7, 0));
    assert!(
        hand.take(|m| matches!(m, Message::GetTerms(_))).is_empty(),
        "an operator's chain has one set of terms"
    );
    (5..12).for_each(|n| hand.say(1, &hand.block_message(n)));
    assert_eq!(hand.height(), 12);
}

/// Whoever forgets to answer a question for headers is asked for nothing until it shows a block anew.
#[test]
fn who_is_late_with_headers_is_asked_no_more() {
    let mut hand = Hand::new(test_chain(9), 3, |_| ());
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(8));
    assert_eq!(hand.asked_headers(), [1]);
    let pings = |hand: &mut Hand, time: Duration| {
        for _ in 0..time.as_secs() {
            hand.pass(SECOND);
            hand.say(1, &Message::Pong(0));
        }
    };
    pings(&mut hand, 60 * SECOND);
    assert!(hand.asked_headers().is_empty() && hand.closed.is_empty(), "{:?}", hand.closed);
    hand.say(1, &hand.tip_message(8));
    assert_eq!(hand.asked_headers(), [1]);
    let last = BlockName { ..hand.name(8) };
    hand.say(1, &headers(&hand, 3..9));
    assert!(hand.node.usage().blocks == 6 && hand.name(8) == last);
}

/// Of two peers that were asked for the same headers the second repeats what the first sent: it has those blocks all the
/// same, and is asked for them.
#[test]
fn who_repeats_headers_has_the_blocks() {
    let mut hand = Hand::new(test_chain(8), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(7)));
    hand.pass(5 * SECOND / 2);
    assert_eq!(hand.asked_headers(), [1, 2]);
    [2, 1].into_iter().for_each(|peer| hand.say(peer, &headers(&hand, 3..8)));
    let asked = hand.asked();
    assert!(asked.contains(&2) && asked.len() == 5, "{asked:?}");
    hand.happen(Event::Disconnected(PeerId(2)));
    assert!(hand.asked().iter().all(|peer| *peer == 1));
    (3..8).for_each(|n| hand.say(1, &hand.block_message(n)));
    assert_eq!((hand.height(), hand.closed.len()), (8, 0));
}

/// Headers of a branch that is worse than the chain, as far as they go, are not held, whatever their sender showed.
#[test]
fn headers_that_lead_to_a_worse_branch_are_not_held() {
    let mut hand = Hand::new(test_chain(10), 10, |_| ());
    hand.join(1, inbound);
    let mut header = hand.block(4).header.clone();
    let branch: Vec<SealedHeader> = (0..7).map(|_| hand.after(&mut header)).collect();
    hand.say(1, &Message::Tip(branch[6].clone()));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &Message::Headers(branch[..3].to_vec()));
    assert_eq!((hand.node.usage().blocks, hand.asked()), (0, vec![]));
    hand.say(1, &Message::Tip(branch[6].clone()));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &Message::Headers(branch));
    assert_eq!((hand.node.usage().blocks, hand.closed.len()), (7, 0));
}

/// A page that repeats the one before leads nowhere, though it is full: its sender is asked no more.
#[test]
fn a_page_that_is_repeated_ends_the_questions() {
    const PAGE: usize = 1_024;
    let mut hand = Hand::new(test_chain(1), 1, |c| c.snapshot_threshold = u64::MAX);
    hand.join(1, inbound);
    let mut header = hand.block(0).header.clone();
    let all: Vec<SealedHeader> = (0..=PAGE).map(|_| hand.after(&mut header)).collect();
    hand.say(1, &Message::Tip(all[PAGE].clone()));
    for again in [true, false] {
        assert_eq!(hand.asked_headers(), [1]);
        hand.say(1, &Message::Headers(all[..PAGE].to_vec()));
        assert_eq!(hand.said.iter().any(|(_, m)| matches!(m, Message::GetHeaders(_))), again);
    }
    assert_eq!((hand.node.usage().blocks, hand.closed.len()), (PAGE, 0));
}

/// A node that lacks one block says nothing of its progress; one that lacks two does.
#[test]
fn who_lacks_one_block_is_not_behind() {
    for (shown, says) in [(4, false), (5, true)] {
        let mut hand = Hand::new(test_chain(6), 3, |_| ());
        hand.join(1, inbound);
        hand.say(1, &hand.tip_message(shown - 1));
        hand.say(1, &headers(&hand, 3..shown));
        for _ in 0..70 {
            hand.pass(SECOND / 2);
            hand.say(1, &Message::Pong(0));
        }
        let progress = |n: &LogEvent| matches!(n, LogEvent::Progress { .. });
        assert_eq!(hand.notes.iter().any(progress), says, "{shown} shown");
    }
}
