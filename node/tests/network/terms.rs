//! A node that follows a chain of validators: what it makes of headers under terms that it does not know yet, and of the
//! changes that lead to those terms.

use crate::hand::{Hand, SECOND, inbound};
use sotto_mw::{
    amount::Height,
    codec::Encode,
    hash::Hash,
    history::TermsChange,
    terms::Change,
    testing::TestChain,
    validators::ValidatorSet,
    votes::{Vote, VoteKind},
};
use sotto_node::{
    consensus::Evidence,
    effect::Response,
    event::Request,
    ledger::Ledger,
    message::Message,
    peer::Offence,
    seal::SealedHeader,
    storage::{Memory, Store},
    token_bucket::Allowance,
};

use crate::world::layout;

/// The heights of the blocks with a new validator, who is announced in the terms after the block, and joins one block later.
const JOINS: [u64; 2] = [4, 8];
const LENGTH: usize = 12;

/// A chain on which a validator joins twice, the changes of its terms, and a node that has its first two blocks.
fn hand() -> (Hand, Vec<TermsChange>) {
    hand_within(1 << 20)
}

/// The same, where a peer may send so many bytes without being asked.
fn hand_within(burst: u64) -> (Hand, Vec<TermsChange>) {
    let mut chain = TestChain::with_validators(61, 4);
    (0..2).for_each(|_| drop(chain.grow(Vec::new())));
    let mut hand = Hand::lone(&chain, |c| {
        (c.outbound, c.snapshot_every, c.received) = (0, 0, Allowance { rate: 0, burst });
    });
    for height in 3..=LENGTH as u64 {
        let change = JOINS.contains(&height).then(|| {
            let mut all = chain.chain().terms().sealing.validators().unwrap().all().to_vec();
            all.push(chain.appoint(&format!("joins-{height}"), 1));
            chain.change(Change::Validators(ValidatorSet::new(all).unwrap()), chain.next())
        });
        chain.grow_with(Vec::new(), change);
    }
    let store = Store::create_on(Memory::new(), layout(), chain.chain().params().clone()).unwrap();
    let mut ledger = Ledger::over(store, Default::default()).unwrap();
    chain.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    let changes = ledger.store().terms_changes(Height::GENESIS, ledger.tip().height, 16).unwrap();
    assert_eq!(changes.iter().map(|c| c.sealed.header.height.get()).collect::<Vec<_>>(), [4, 5, 8, 9]);
    hand.test_chain = chain;
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    (hand, changes)
}

/// The headers of these heights.
fn headers(hand: &Hand, heights: core::ops::RangeInclusive<usize>) -> Message {
    Message::Headers(heights.map(|h| SealedHeader::of(hand.block(h - 1))).collect())
}

/// From which height on changes of the terms were asked for, by peer.
fn asked_terms(hand: &mut Hand) -> Vec<(u64, u64)> {
    let asked = hand.said.iter().filter_map(|(peer, m)| match m {
        Message::GetTerms(first) => Some((*peer, first.get())),
        _ => None,
    });
    let asked = asked.collect();
    hand.said.retain(|(_, m)| !matches!(m, Message::GetTerms(_)));
    asked
}

/// A tip under unknown terms leads to one question for headers. Those that can be judged are followed, and of the rest
/// only the changes are asked for, of the peer that sent them: once they are here, headers are asked for again, and never
/// when nothing has come of it.
#[test]
fn headers_under_unknown_terms_wait_for_the_changes() {
    let (mut hand, changes) = hand();
    hand.say(1, &hand.tip_message(LENGTH - 1));
    assert_eq!((hand.asked_headers(), asked_terms(&mut hand)), (vec![1], vec![]));
    hand.say(1, &headers(&hand, 3..=LENGTH));
    assert_eq!((asked_terms(&mut hand), hand.node.usage().blocks), (vec![(1, 0)], 2));
    assert!(hand.asked_headers().is_empty(), "they would be the same");
    hand.say(1, &Message::Terms(changes[..2].to_vec()));
    assert_eq!((hand.asked_headers(), asked_terms(&mut hand)), (vec![1], vec![]));
    hand.say(1, &headers(&hand, 5..=LENGTH));
    assert_eq!((asked_terms(&mut hand), hand.node.usage().blocks), (vec![(1, 6)], 6));
    hand.say(1, &Message::Terms(Vec::new()));
    assert!(hand.asked_headers().is_empty() && asked_terms(&mut hand).is_empty(), "nothing has changed");
    (3..=8).for_each(|h| hand.say(1, &hand.block_message(h - 1)));
    assert_eq!((hand.height(), hand.closed.len()), (8, 0), "{:?}", hand.closed);
    // Its own blocks have told it the rest.
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &headers(&hand, 9..=LENGTH));
    (9..=LENGTH).for_each(|h| hand.say(1, &hand.block_message(h - 1)));
    assert_eq!((hand.height(), hand.closed.len(), asked_terms(&mut hand)), (LENGTH, 0, vec![]));
}

/// Of two peers that were asked for the same changes the second may repeat what the first sent, and goes on from there.
#[test]
fn a_second_peer_may_repeat_changes() {
    let (mut hand, changes) = hand();
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(LENGTH - 1)));
    hand.pass(5 * SECOND / 2);
    assert_eq!(hand.asked_headers(), [1, 2]);
    (1..=2).for_each(|peer| hand.say(peer, &headers(&hand, 3..=LENGTH)));
    assert_eq!(asked_terms(&mut hand), [(1, 0), (2, 0)]);
    hand.say(1, &Message::Terms(changes[..2].to_vec()));
    hand.say(2, &Message::Terms(changes.clone()));
    assert_eq!((hand.closed.len(), hand.asked_headers()), (0, vec![1, 2]), "{:?}", hand.closed);
    // What is known of later terms stays while the blocks that lead there come.
    hand.say(1, &hand.block_message(2));
    assert_eq!(hand.height(), 3);
    hand.say(1, &headers(&hand, 5..=LENGTH));
    assert_eq!((asked_terms(&mut hand), hand.node.usage().blocks), (vec![], LENGTH - 3));
    let tip = SealedHeader {
        seal: SealedHeader::of(hand.block(0)).seal,
        ..SealedHeader::of(hand.block(LENGTH - 1))
    };
    let mut header = tip.header.clone();
    header.time += 1;
    hand.say(3, &Message::Tip(SealedHeader { header, ..tip }));
    assert!(hand.banned(3, Offence::Invalid), "it can be judged, and is not sealed");
}

/// Changes that are not those of the chain, or that nobody asked for, cost their sender the connection, and count for
/// nothing.
#[test]
fn changes_are_those_of_the_chain() {
    type Edit = fn(&mut Vec<TermsChange>);
    let edits: [(&str, Edit); 4] = [
        ("another set", |all| all[0].terms = all[1].terms.clone()),
        ("one is missing", |all| drop(all.remove(0))),
        ("one is not sealed", |all| all[0].sealed.seal = all[1].sealed.seal.clone()),
        ("the last is twice there", |all| all.push(all[3].clone())),
    ];
    for (what, edit) in edits {
        let (mut hand, mut changes) = hand();
        hand.say(1, &hand.tip_message(LENGTH - 1));
        hand.say(1, &headers(&hand, 3..=LENGTH));
        hand.said.clear();
        edit(&mut changes);
        hand.say(1, &Message::Terms(changes));
        assert!(hand.banned(1, Offence::Invalid), "{what}: {:?}", hand.closed);
        assert!(hand.asked_headers().is_empty(), "{what}");
    }
    let (mut hand, changes) = hand();
    (0..5).for_each(|_| hand.say(2, &Message::Terms(changes.clone())));
    assert!(hand.banned(2, Offence::Unasked), "{:?}", hand.closed);
    hand.say(1, &hand.tip_message(LENGTH - 1));
    assert!(hand.node.ledger().tip().to_bytes() == hand.block(1).header.to_bytes());
    hand.say(1, &headers(&hand, 3..=LENGTH));
    assert_eq!(hand.node.usage().blocks, 2, "they are not known");
}

/// Changes that were asked for use up no allowance, once; those that were not do, also while headers are asked for.
#[test]
fn changes_that_were_asked_for_are_free() {
    for asked in [true, false] {
        let (mut hand, changes) = hand_within(2_000);
        assert!(Message::Terms(changes.clone()).to_bytes().len() > 2_000);
        hand.say(1, &hand.tip_message(LENGTH - 1));
        if asked {
            hand.say(1, &headers(&hand, 3..=LENGTH));
            hand.said.clear();
            hand.say(1, &Message::Terms(changes.clone()));
            assert_eq!(hand.asked_headers(), [1], "they were read");
        }
        (0..9).for_each(|_| hand.say(1, &Message::Terms(changes.clone())));
        assert!(hand.closed.is_empty(), "{:?}", hand.closed);
        hand.say(1, &Message::Terms(changes));
        assert!(hand.banned(1, Offence::Flood), "{:?}", hand.closed);
    }
}

/// A change that waits for a block is told to all peers but the one that it came from, once, and to each that comes later.
#[test]
fn a_change_that_waits_is_told_once() {
    let mut chain = TestChain::with_validators(61, 4);
    (0..2).for_each(|_| drop(chain.grow(Vec::new())));
    let mut all = chain.chain().terms().sealing.validators().unwrap().all().to_vec();
    all.push(chain.appoint("joins", 1));
    let change = Change::Validators(ValidatorSet::new(all).unwrap());
    let message = Message::Change(Box::new(chain.change(change, chain.next().plus(9))));
    let mut hand = Hand::lone(&chain, |c| (c.outbound, c.snapshot_every) = (0, 0));
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    hand.say(2, &message);
    assert_eq!(hand.take(|m| *m == message), [1, 3]);
    hand.say(1, &message);
    assert!(hand.take(|m| *m == message).is_empty(), "no news");
    hand.join(4, inbound);
    assert_eq!(hand.take(|m| *m == message), [4]);
}

/// Evidence of heights that are not known yet waits until they are, so many cases of each peer.
#[test]
fn evidence_waits_in_bounded_number() {
    let (mut hand, _) = hand();
    let chain = *hand.test_chain.chain().id();
    let set = hand.test_chain.chain().params().sealing.validators().unwrap().clone();
    // Of each validator one case at a height is kept.
    let evidence = |hand: &mut Hand, case: usize| {
        let secret = hand.test_chain.validators().secret(&set.all()[case % 4].vote_key).clone();
        let [a, b] = [1, 2].map(|value| {
            let (value, height) = (Some(Hash::from_bytes([value; 32])), Height::new(8 + case as u64 / 4));
            let vote = Vote { kind: VoteKind::Prevote, height, round: 0, value };
            vote.sign(&chain, &secret, &mut hand.rng)
        });
        Message::Evidence(Evidence::votes(a, b))
    };
    for case in 0..20 {
        let message = evidence(&mut hand, case);
        hand.say(if case < 17 { 1 } else { 2 }, &message);
    }
    let kept = |hand: &Hand| hand.node.ledger().equivocations().all().len();
    assert_eq!(kept(&hand), 0);
    let blocks = hand.test_chain.blocks()[2..].to_vec();
    blocks.iter().for_each(|block| hand.receive(3, block));
    assert_eq!((kept(&hand), hand.closed.len()), (16 + 3, 0));
    // The status names the last one.
    let Response::Status(status) = hand.ask(Request::Status) else { panic!("no status") };
    let (count, last) = status.evidence.unwrap();
    assert_eq!((count, last.place.height.get(), last.vote_key), (19, 12, set.all()[3].vote_key));
    assert_eq!(last.name, Some(set.all()[3].name.to_string()));
}
