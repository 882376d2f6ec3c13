//! One node among peers that are played by hand: what it asks of whom and when, and what it answers.

use core::{net::SocketAddr, time::Duration};
use sotto_mw::{
    codec::{Decode, Encode},
    hash::Hash,
};
use sotto_node::{
    config::Config,
    effect::{LogEvent, Refusal, Response},
    event::{Event, Request},
    ledger::Ledger,
    message::{BlockName, Message, compact::Compact},
    peer::{Address, Direction, Offence, PeerId, PeerKey},
    seal::{OperatorKey, SealedHeader},
    storage::Store,
    token_bucket::Allowance,
};

use crate::{
    hand::{Hand, Lacks, SECOND, inbound, test_chain},
    world::layout,
};

/// Three show a block first and say nothing more; so does the one who has it.
#[test]
fn who_says_nothing_delays_a_block_by_little() {
    let mut hand = Hand::new(test_chain(6), 3, |_| ());
    (1..=4).for_each(|peer| hand.join(peer, inbound));
    (1..=4).for_each(|peer| hand.say(peer, &hand.tip_message(3)));
    assert_eq!(hand.asked(), [1]);
    let began = hand.now;
    while hand.height() == 3 {
        hand.pass(SECOND / 2);
        if hand.asked().contains(&4) {
            hand.say(4, &hand.block_message(3));
        }
        assert!(hand.now < began + 5 * SECOND, "{:?}", hand.now - began);
    }
    // They are asked no more as long as there is another peer, which is asked as soon as it may have the
    // block.
    for n in [4, 5] {
        (1..=3).for_each(|peer| hand.say(peer, &hand.tip_message(n)));
        hand.asked();
        hand.say(4, &hand.tip_message(n));
        assert_eq!(hand.asked(), [4]);
        hand.say(4, &hand.block_message(n));
        assert_eq!(hand.height(), n + 1);
    }
    // A late answer is no offence, and who never answers is blamed, and stays.
    hand.say(1, &hand.block_message(3));
    hand.pass(30 * SECOND);
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
}

/// Of two who show a block, one has it not: the other is asked at once. When nobody has it, nobody is asked
/// for ever.
#[test]
fn who_has_not_a_block_says_so() {
    let mut hand = Hand::new(test_chain(5), 3, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(3)));
    assert_eq!(hand.asked(), [1]);
    hand.say(1, &Message::NotFound(hand.name(3)));
    assert_eq!(hand.asked(), [2]);
    hand.say(2, &Message::NotFound(hand.name(3)));
    hand.pass(60 * SECOND);
    assert_eq!((hand.asked(), hand.node.usage().blocks), (vec![], 0));
    hand.say(1, &hand.tip_message(3));
    assert_eq!(hand.asked(), [1]);
    hand.say(1, &hand.block_message(3));
    assert_eq!(hand.height(), 4);
    assert!(hand.closed.is_empty());
}

/// Peers on the branch that this node is to leave are not asked for blocks of the better one, high as they
/// are.
#[test]
fn the_losing_branch_is_not_asked() {
    let mut hand = Hand::new(test_chain(6), 6, |_| ());
    let mut header = hand.block(2).header.clone();
    let branch: Vec<SealedHeader> = (0..5).map(|_| hand.after(&mut header)).collect();
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(5)));
    hand.say(3, &Message::Tip(branch[4].clone()));
    assert_eq!((hand.asked_headers(), hand.asked()), (vec![3], vec![]));
    hand.say(3, &Message::Headers(branch));
    assert_eq!(hand.asked(), [3; 5]);
    hand.pass(10 * SECOND);
    assert!(hand.asked().is_empty());
}

/// Headers are requested from another peer when the first is silent, and at once when it disconnects.
#[test]
fn headers_are_asked_of_several() {
    let mut hand = Hand::new(test_chain(8), 3, |_| ());
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    (1..=3).for_each(|peer| hand.say(peer, &hand.tip_message(7)));
    assert_eq!(hand.asked_headers(), [1]);
    hand.pass(SECOND);
    assert!(hand.asked_headers().is_empty());
    hand.happen(Event::Disconnected(PeerId(1)));
    assert_eq!(hand.asked_headers(), [2]);
    hand.pass(5 * SECOND / 2);
    assert_eq!(hand.asked_headers(), [3]);
    let sealed = (3..8).map(|n| SealedHeader::of(hand.block(n))).collect();
    hand.say(3, &Message::Headers(sealed));
    assert!(hand.asked().iter().all(|peer| *peer == 3), "the other has let us wait");
    // The same from the second is no offence, and not followed anew.
    let sealed = (3..8).map(|n| SealedHeader::of(hand.block(n))).collect();
    hand.say(2, &Message::Headers(sealed));
    (3..8).for_each(|n| hand.say(3, &hand.block_message(n)));
    assert_eq!(hand.height(), 8);
    assert!(hand.closed.is_empty() && hand.asked_headers().is_empty());
}

/// Old headers in answer to a request lead nowhere, and are not asked for again and again.
#[test]
fn headers_that_lead_nowhere_end_the_questions() {
    let mut hand = Hand::new(test_chain(8), 5, |_| ());
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(7));
    for _ in 0..3 {
        if hand.asked_headers().is_empty() {
            break;
        }
        let sealed = (1..3).map(|n| SealedHeader::of(hand.block(n))).collect();
        hand.say(1, &Message::Headers(sealed));
    }
    hand.pass(30 * SECOND);
    assert!(hand.asked_headers().is_empty());
}

/// A block that was shown under its seal keeps the operator from sealing, but not for ever, however often it
/// is shown.
#[test]
fn an_operator_waits_for_what_is_sealed_and_not_for_ever() {
    let mut hand = Hand::new(test_chain(9), 3, |_| ());
    assert!(matches!(hand.ask(Request::Draft), Response::Draft { .. }));
    hand.join(1, inbound);
    assert!(matches!(hand.ask(Request::Draft), Response::Draft { .. }), "a hello keeps nobody");
    hand.say(1, &hand.tip_message(7));
    let Response::Refused(Refusal::Behind(height)) = hand.ask(Request::Draft) else { panic!("it is behind") };
    assert_eq!(height.get(), 8);
    let Response::Status(status) = hand.ask(Request::Status) else { panic!("no status") };
    assert_eq!(status.best.get(), 8);
    for peer in 2..5 {
        hand.pass(10 * SECOND);
        hand.happen(Event::Disconnected(PeerId(peer - 1)));
        hand.join(peer, inbound);
        hand.say(peer, &hand.tip_message(7));
    }
    assert!(matches!(hand.ask(Request::Draft), Response::Draft { .. }));
}

/// A peer that responds without a request is ignored and banned; a new connection forgives nothing.
#[test]
fn an_answer_to_no_question_costs() {
    let mut hand = Hand::new(test_chain(6), 3, |_| ());
    let block = hand.block(3).clone();
    let (name, body) = (hand.name(3), block.body.clone());
    let somebody = Address { at: SocketAddr::from(([10, 9, 9, 9], 1)), key: PeerKey([9; 32]) };
    let answers = [
        hand.block_message(3),
        Message::Compact(Compact::of(&block, 1).unwrap()),
        Message::Items { block: name, outputs: body.outputs.clone(), kernels: body.body_kernels().collect() },
        Message::NotFound(name),
        Message::Headers(vec![SealedHeader::of(&block)]),
        Message::Addresses(vec![somebody]),
    ];
    for (peer, answer) in (1..).zip(&answers) {
        hand.join(peer, inbound);
        (0..4).for_each(|_| hand.say(peer, answer));
        assert!(hand.closed.is_empty(), "{:?}", hand.closed);
        hand.happen(Event::Disconnected(PeerId(peer)));
        hand.join(peer + 100, inbound);
        hand.say(peer + 100, answer);
        assert!(hand.banned(peer + 100, Offence::Unasked), "{answer:?}");
        hand.closed.clear();
        hand.said.clear();
    }
    assert_eq!((hand.height(), hand.node.usage().addresses), (3, 0));
}

/// Addresses are taken once, from who was asked.
#[test]
fn addresses_are_heard_once() {
    let mut hand = Hand::new(test_chain(1), 1, |_| ());
    hand.join(1, Direction::Outbound);
    assert_eq!(hand.take(|m| matches!(m, Message::GetAddresses)), [1]);
    let before = hand.node.usage().addresses;
    let named = |n: u8, ip: [u8; 4]| Address { at: SocketAddr::from((ip, 4_000)), key: PeerKey([n; 32]) };
    let all = [named(1, [10, 50, 0, 1]), named(2, [45, 1, 1, 1]), named(3, [127, 0, 0, 1])];
    hand.say(1, &Message::Addresses(all.to_vec()));
    assert_eq!(hand.node.usage().addresses, before + 2, "not this machine's");
    for n in 0..5 {
        hand.say(1, &Message::Addresses(vec![named(n, [10, 60 + n, 0, 1])]));
    }
    assert_eq!(hand.node.usage().addresses, before + 2);
    assert!(hand.banned(1, Offence::Unasked));
}

/// Blocks of the chain are handed out whole, compact and in items, also below the tip; what is not there is
/// denied.
#[test]
fn what_is_there_is_given_and_what_is_not_is_denied() {
    let mut test_chain = test_chain(4);
    test_chain.mature();
    let height = test_chain.blocks().len();
    let mut hand = Hand::new(test_chain, height, |_| ());
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(height - 1));
    hand.said.clear();
    let (name, nowhere) = (hand.name(1), BlockName { hash: Hash::from_bytes([7; 32]), ..hand.name(1) });
    let asks = |block| {
        let items = Message::GetItems { block, outputs: vec![], kernels: vec![] };
        [Message::GetBlock(block), Message::GetCompact(block), items]
    };
    asks(name).iter().for_each(|m| hand.say(1, m));
    let given = |m: &Message| match m {
        Message::Block { sealed, .. } => sealed.header.hash() == name.hash,
        Message::Compact(c) => c.sealed.header.hash() == name.hash,
        Message::Items { block, .. } => *block == name,
        _ => false,
    };
    assert_eq!(hand.take(given), [1, 1, 1]);
    asks(nowhere).iter().for_each(|m| hand.say(1, m));
    assert_eq!(hand.take(|m| *m == Message::NotFound(nowhere)), [1, 1, 1]);
    // There is only the reward, which has no place.
    hand.say(1, &Message::GetItems { block: name, outputs: vec![0], kernels: vec![] });
    assert!(hand.banned(1, Offence::Garbage));
}

/// Items that are others than the short ids name cost their sender the connection; the whole block is asked
/// of another.
#[test]
fn wrong_items_cost_their_sender() {
    let mut test_chain = test_chain(0);
    let coins = [test_chain.grow(Vec::new()), test_chain.grow(Vec::new())];
    test_chain.mature();
    let payments = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let before = test_chain.blocks().len();
    test_chain.grow(payments);
    let mut hand = Hand::new(test_chain, before, |_| ());
    let compact = Compact::of(hand.block(before), 3).unwrap();
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    (1..=2).for_each(|peer| hand.say(peer, &hand.tip_message(before)));
    assert_eq!(hand.asked(), [1]);
    hand.say(1, &Message::Compact(compact));
    assert_eq!(hand.take(|m| matches!(m, Message::GetItems { .. })), [1]);
    let body = hand.block(before).body.clone();
    let mut outputs: Vec<_> = body.outputs.iter().filter(|o| !o.is_coinbase()).cloned().collect();
    outputs.reverse();
    let kernels = body.body_kernels().filter(|k| !k.kernel.features.is_coinbase()).collect();
    hand.say(1, &Message::Items { block: hand.name(before), outputs, kernels });
    assert!(hand.banned(1, Offence::Invalid));
    assert_eq!(hand.said.iter().filter(|(_, m)| matches!(m, Message::GetBlock(_))).count(), 1);
    assert_eq!(hand.asked(), [2]);
    hand.say(2, &hand.block_message(before));
    assert_eq!(hand.height(), before + 1);
}

/// A header that is evidence already is no alarm.
#[test]
fn an_alarm_is_raised_once() {
    let mut hand = Hand::new(test_chain(5), 5, |_| ());
    hand.join(1, inbound);
    let mut header = hand.block(4).header.clone();
    header.time += 1;
    let key = OperatorKey::from_secret(hand.test_chain.operator().clone());
    let seal = key.seal(hand.test_chain.chain().id(), &header, &mut hand.rng);
    let tip = Message::Tip(SealedHeader { header, seal: seal.into() });
    assert_eq!(Message::from_bytes(&tip.to_bytes()).as_ref(), Ok(&tip));
    (0..5).for_each(|_| hand.say(1, &tip));
    assert_eq!(hand.alarms, 1);
    assert_eq!(hand.node.ledger().double_seals().unwrap().len(), 1);
}

/// A disk that has no room for the pool is no ledger that has failed: the node goes on, and saves when there
/// is room again.
#[test]
fn a_pool_that_cannot_be_saved_is_saved_later() {
    let mut test_chain = test_chain(0);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let payment = test_chain.pay(&[&coin], &[5]).0;
    let blocks = test_chain.blocks().len();
    let mut hand = Hand::new(test_chain, blocks, |_| ());
    hand.files.limit(Some(0));
    assert!(matches!(hand.ask(Request::Submit(Box::new(payment))), Response::Submitted(_)));
    hand.pass(70 * SECOND);
    assert_eq!(hand.lacks, Lacks { saves: 2, store: 0 }, "a save every half minute");
    hand.files.limit(None);
    hand.pass(60 * SECOND);
    assert!(matches!(hand.ask(Request::Stop), Response::Done));
    assert_eq!(hand.lacks, Lacks { saves: 2, store: 0 });
    let ledger =
        Ledger::over(Store::open_on(hand.files.copy(), layout()).unwrap(), Default::default()).unwrap();
    assert_eq!(ledger.mempool().len(), 1);
}

/// A node that is behind says how far it is every ten seconds, and no line for each block that it fetches.
#[test]
fn a_node_that_is_behind_says_how_far_it_is() {
    let mut hand = Hand::new(test_chain(30), 3, |c| c.in_flight = 1);
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(29));
    assert_eq!(hand.asked_headers(), [1]);
    hand.say(1, &Message::Headers((3..30).map(|n| SealedHeader::of(hand.block(n))).collect()));
    for n in 3..30 {
        assert_eq!(hand.asked(), [1], "block {n}");
        hand.say(1, &hand.block_message(n));
        hand.pass(SECOND);
    }
    let count = |which: fn(&LogEvent) -> bool| hand.notes.iter().filter(|n| which(n)).count();
    assert_eq!(hand.height(), 30);
    assert_eq!(count(|n| matches!(n, LogEvent::Progress { best, .. } if best.get() == 30)), 2);
    assert_eq!(count(|n| matches!(n, LogEvent::Fetched(_))), 26);
    assert_eq!(count(|n| matches!(n, LogEvent::Connected(_))), 1, "the last one alone");
}

/// A sealed block that broke a rule is not asked for again while the chain stays as it is. Once it has changed, it is.
#[test]
fn a_refused_block_gets_a_second_look_after_a_change() {
    let mut hand = Hand::new(test_chain(5), 4, |_| ());
    hand.join(1, inbound);
    let mut broken = hand.block(4).clone();
    broken.header.kernel_root = broken.header.output_root;
    let key = OperatorKey::from_secret(hand.test_chain.operator().clone());
    broken.seal = key.seal(hand.test_chain.chain().id(), &broken.header, &mut hand.rng).into();
    let sealed = SealedHeader::of(&broken);
    hand.say(1, &Message::Tip(sealed.clone()));
    assert_eq!(hand.asked(), [1]);
    hand.say(1, &Message::Block { sealed: sealed.clone(), body: broken.body.to_bytes() });
    assert!(hand.notes.iter().any(|n| matches!(n, LogEvent::InvalidBlock(..))), "{:?}", hand.notes);
    let next = hand.after(&mut broken.header);
    let mut shown = || {
        hand.say(1, &Message::Tip(next.clone()));
        if !hand.asked_headers().is_empty() {
            hand.say(1, &Message::Headers(vec![sealed.clone(), next.clone()]));
        }
        let asked = hand.asked();
        hand.say(1, &hand.tip_message(4));
        hand.say(1, &hand.block_message(4));
        asked.is_empty()
    };
    assert!(shown(), "not while the chain is as it was");
    assert!(!shown(), "but after it has changed");
    assert!(hand.height() == 5 && hand.closed.is_empty(), "{:?}", hand.closed);
}

/// Headers without end, of a chain that is far ahead: each page takes as long as the first.
#[test]
#[ignore = "takes long, and what it measures others' work disturbs"]
fn following_headers_takes_time_in_their_number() {
    const PAGE: usize = 1_024;
    let mut hand = Hand::new(test_chain(1), 1, |c| c.snapshot_threshold = 10);
    hand.join(1, inbound);
    let mut header = hand.block(0).header.clone();
    let mut page = || (0..PAGE).map(|_| hand.after(&mut header)).collect();
    let pages: Vec<Vec<SealedHeader>> = (0..100).map(|_| page()).collect();
    hand.say(1, &Message::Tip(pages[99][PAGE - 1].clone()));
    let mut times = Vec::new();
    for page in pages {
        assert_eq!(hand.asked_headers(), [1]);
        let message = Message::Headers(page);
        let began = std::time::Instant::now();
        hand.say(1, &message);
        times.push(began.elapsed());
    }
    assert_eq!(hand.node.usage().blocks, 100 * PAGE);
    let of = |range: core::ops::Range<usize>| times[range].iter().sum::<Duration>();
    println!("the first twenty pages {:?}, the last twenty {:?}", of(0..20), of(80..100));
    assert!(of(80..100) < 2 * of(0..20));
}

/// Blocks that continue the chain are charged their seals and no more, so that a chain of many blocks a second is
/// followed; a tip that does not is charged the search that it causes.
#[test]
fn tips_that_continue_the_chain_cost_their_seals() {
    const SEALS: u64 = 30;
    let sealed = |c: &mut Config| c.work = Allowance { rate: 0, burst: 1 + SEALS * 21 };
    let mut hand = Hand::new(test_chain(60), 0, sealed);
    hand.join(1, inbound);
    for n in 0..SEALS as usize {
        hand.say(1, &hand.tip_message(n));
        hand.say(1, &Message::Compact(Compact::of(hand.block(n), 1).unwrap()));
        assert_eq!((hand.height(), hand.closed.len()), (n + 1, 0));
    }
    (0..20).for_each(|_| hand.say(1, &hand.tip_message(SEALS as usize)));
    assert_eq!(hand.height(), SEALS as usize);
    assert!(hand.banned(1, Offence::Flood), "{:?}", hand.closed);
    // Tips of what is known, or of a block beyond the next, cost more.
    for n in [0, 40] {
        let mut hand = Hand::new(test_chain(60), 10, sealed);
        hand.join(1, inbound);
        (0..20).for_each(|_| hand.say(1, &hand.tip_message(n)));
        assert!(hand.banned(1, Offence::Flood), "{n}: {:?}", hand.closed);
    }
}
