//! What is said on a connection: hellos, pings and addresses, and which transactions are announced, requested and handed
//! out.

use crate::hand::{Hand, SECOND, inbound};
use core::net::SocketAddr;
use sotto_mw::{
    hash::Hash,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{
    codec::transaction_id,
    effect::Response,
    event::{Event, Request},
    message::{Hello, Message, rules},
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
    token_bucket::Allowance,
};

/// A chain with coins to spend.
fn test_chain(coins: usize) -> (TestChain, Vec<Owned>) {
    let mut test_chain =
        TestChain::with(19, |p| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100));
    let coins = (0..coins).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    (test_chain, coins)
}

fn address(n: u8) -> Address {
    Address { at: SocketAddr::from(([45, n, 0, 1], 4_000)), key: PeerKey([n; 32]) }
}

fn connect(hand: &mut Hand, peer: u64, key: PeerKey, direction: Direction) {
    hand.happen(Event::Connected { peer: PeerId(peer), key, direction });
}

fn hello(hand: &Hand) -> Hello {
    Hello { chain: *hand.test_chain.chain().id(), rules: rules(), listen_port: None }
}

/// A peer of another chain, or of other rules, is not talked to.
#[test]
fn only_peers_of_this_chain_are_ready() {
    let other = Hash::from_bytes([7; 32]);
    let foreign = TestChain::new(77);
    let mut hand = Hand::new(test_chain(0).0, 0, |_| ());
    let good = hello(&hand);
    let hellos = [
        (Hello { chain: *foreign.chain().id(), ..good }, true),
        (Hello { rules: other, ..good }, true),
        (Hello { chain: *foreign.chain().id(), rules: other, ..good }, true),
        (good, false),
    ];
    for (peer, (hello, closes)) in (1..).zip(hellos) {
        connect(&mut hand, peer, address(peer as u8).key, Direction::Inbound(address(peer as u8).at));
        hand.say(peer, &Message::Hello(hello));
        assert_eq!(hand.closed.contains(&(peer, CloseReason::WrongChain)), closes, "hello {peer}");
    }
    assert_eq!(hand.node.usage().peers, 1);
}

/// Of two connections in one direction with a peer the older one closes; one in each direction may stay. One with
/// this node itself closes.
#[test]
fn one_connection_in_each_direction_stays() {
    let mut hand = Hand::new(test_chain(0).0, 0, |_| ());
    let (a, b) = (address(1), address(2));
    let ways = [
        (1, a.key, Direction::Inbound(a.at), None),
        (2, a.key, Direction::Outbound(a), None),
        (3, b.key, Direction::Inbound(b.at), None),
        (4, a.key, Direction::Inbound(a.at), Some(1)),
        (5, a.key, Direction::Outbound(a), Some(2)),
        (6, PeerKey([99; 32]), Direction::Inbound(b.at), Some(6)),
    ];
    for (peer, key, direction, closes) in ways {
        connect(&mut hand, peer, key, direction);
        let hello = hello(&hand);
        hand.say(peer, &Message::Hello(hello));
        let closed: Vec<_> = hand.closed.drain(..).collect();
        let expected: Vec<_> = closes.into_iter().map(|p| (p, CloseReason::Duplicate)).collect();
        assert_eq!(closed, expected, "connection {peer}");
    }
    let Response::Peers(all) = hand.ask(Request::Peers) else { panic!("no peers") };
    assert_eq!(all.iter().map(|p| p.peer.0).collect::<Vec<_>>(), [3, 4, 5], "the handshake is complete");
}

/// Who says no hello in time is closed, who is silent is pinged, and closed when it stays silent; each when it is
/// due and not before.
#[test]
fn silence_ends_a_connection() {
    let mut hand = Hand::new(test_chain(0).0, 0, |c| {
        (c.handshake_timeout, c.idle_timeout) = (10 * SECOND, 60 * SECOND);
    });
    hand.pass(100 * SECOND);
    connect(&mut hand, 1, address(1).key, Direction::Inbound(address(1).at));
    (2..=3).for_each(|peer| hand.join(peer, inbound));
    let pinged = |hand: &mut Hand| hand.take(|m| matches!(m, Message::Ping(_)));
    hand.pass(19 * SECOND / 2);
    assert_eq!(hand.closed, []);
    hand.pass(SECOND / 2);
    assert_eq!(hand.closed, [(1, CloseReason::Silent)]);
    hand.pass(99 * SECOND / 2);
    assert!(pinged(&mut hand).is_empty());
    hand.pass(SECOND / 2);
    assert_eq!(pinged(&mut hand), [2, 3]);
    hand.say(2, &Message::Pong(7));
    hand.pass(119 * SECOND / 2);
    assert_eq!((pinged(&mut hand), hand.closed.len()), (vec![], 1));
    hand.pass(SECOND / 2);
    assert_eq!(pinged(&mut hand), [2], "a minute after it was heard");
    assert_eq!(hand.closed[1..], [(3, CloseReason::Silent)]);
}

/// A node tells of addresses once a connection, and takes none that is its own.
#[test]
fn addresses_are_told_once_and_not_taken_from_a_mirror() {
    let mut hand = Hand::new(test_chain(0).0, 0, |_| ());
    hand.join(1, Direction::Outbound);
    let own = Address { key: PeerKey([99; 32]), ..address(7) };
    let before = hand.node.usage().addresses;
    hand.say(1, &Message::Addresses(vec![own, address(8), address(9)]));
    assert_eq!(hand.node.usage().addresses, before + 2);
    hand.join(2, inbound);
    hand.said.clear();
    for n in 0..12 {
        hand.say(2, &Message::GetAddresses);
        let told = hand.take(|m| matches!(m, Message::Addresses(_)));
        assert_eq!(told, if n == 0 { vec![2] } else { vec![] });
    }
    assert!(hand.banned(2, Offence::Flood));
}

fn payments(n: usize) -> (TestChain, Vec<Transaction>) {
    let (mut test_chain, coins) = test_chain(n);
    let all = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    (test_chain, all)
}

/// What was refused, waits for its parent or is being verified is not requested from another peer.
#[test]
fn what_was_judged_is_not_asked_for_again() {
    let (mut test_chain, coins) = test_chain(3);
    let (parent, made) = test_chain.pay(&[&coins[0]], &[1_000_000]);
    let (orphan, _) = test_chain.pay(&[&made[1]], &[5]);
    let (waits, _) = test_chain.pay(&[&coins[1]], &[5]);
    let (mut invalid, _) = test_chain.pay(&[&coins[2]], &[5]);
    invalid.body.kernels[0].signature = waits.body.kernels[0].signature;
    let mut hand = Hand::lone(&test_chain, |_| ());
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    assert!(hand.give(1, &orphan) && !hand.pending(&orphan));
    assert!(hand.give(2, &invalid) && hand.closed.contains(&(2, CloseReason::Relayed)), "{:?}", hand.closed);
    hand.held = Some(Vec::new());
    assert!(hand.give(1, &waits));
    // A message is decoded first, and then its transaction waits for a worker again.
    let (ticket, work) = hand.held.as_mut().unwrap().pop().unwrap();
    hand.happen(Event::Verified(ticket, work.run()));
    hand.said.clear();
    let all = [&orphan, &invalid, &waits].map(transaction_id);
    hand.say(3, &Message::Announce(all.to_vec()));
    hand.pass(SECOND);
    assert!(all.iter().all(|id| hand.asked_of(id).is_empty()), "{:?}", hand.said);
    hand.work();
    hand.held = None;
    assert!(hand.pending(&waits));
    hand.say(3, &Message::Announce(vec![all[2], transaction_id(&parent)]));
    hand.pass(SECOND);
    assert!(hand.asked_of(&all[2]).is_empty(), "it is pending");
    assert_eq!(hand.asked_of(&transaction_id(&parent)), [3]);
    // After a block all but what is pending may fit.
    test_chain.grow(Vec::new());
    hand.receive(1, test_chain.blocks().last().unwrap());
    hand.say(3, &Message::Announce(vec![all[1]]));
    assert_eq!(hand.asked_of(&all[1]), [3]);
}

/// A transaction that nobody asked for costs points, unless it is one that this node had from elsewhere.
#[test]
fn a_transaction_that_was_not_asked_for_costs() {
    let (mut test_chain, coins) = test_chain(3);
    let (_, made) = test_chain.pay(&[&coins[0]], &[1_000_000]);
    let (orphan, _) = test_chain.pay(&[&made[1]], &[5]);
    let [pending, unknown] = [1, 2].map(|n: usize| test_chain.pay(&[&coins[n]], &[5]).0);
    let mut hand = Hand::lone(&test_chain, |_| ());
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    assert!(hand.give(1, &orphan) && hand.give(1, &pending) && hand.pending(&pending));
    (0..9).for_each(|_| {
        [&orphan, &pending].into_iter().for_each(|t| hand.say(2, &Message::Transaction(t.clone())))
    });
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
    (0..5).for_each(|_| hand.say(3, &Message::Transaction(unknown.clone())));
    assert!(hand.banned(3, Offence::Unasked) && !hand.pending(&unknown));
}

/// Pending transactions are handed out as far as the allowance of a peer reaches, by their weight.
#[test]
fn transactions_are_handed_out_within_the_allowance() {
    let (test_chain, all) = payments(5);
    let bytes = all[0].body.weight() * 32;
    let mut hand = Hand::lone(&test_chain, |c| c.served = Allowance { rate: 0, burst: 3 * bytes - 1 });
    (1..=2).for_each(|peer| hand.join(peer, inbound));
    assert!(all.iter().all(|t| hand.give(1, t)));
    let ids: Vec<Hash> = all.iter().map(transaction_id).collect();
    hand.said.clear();
    hand.say(2, &Message::GetTransactions(ids.clone()));
    let given = |m: &Message| matches!(m, Message::Transaction(_));
    assert_eq!(hand.take(given), [2, 2], "two of five");
    hand.join(3, inbound);
    hand.say(3, &Message::GetTransactions([&[Hash::from_bytes([1; 32])], &ids[..1]].concat()));
    assert_eq!(hand.take(given), [3], "what is not here is left out");
}

/// A transaction is announced to each peer once, after a while, and not to one that has it. A new peer hears of all
/// that are pending.
#[test]
fn announcements_are_delayed_and_made_once() {
    let (test_chain, all) = payments(2);
    let mut hand = Hand::lone(&test_chain, |c| {
        (c.trickle, c.idle_timeout) = (100 * SECOND, 100_000 * SECOND);
    });
    hand.pass(2_000 * SECOND);
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    let id = transaction_id(&all[0]);
    assert!(hand.give(1, &all[0]) && hand.pending(&all[0]));
    hand.say(2, &Message::Announce(vec![id]));
    let told = |hand: &mut Hand| hand.take(|m| matches!(m, Message::Announce(ids) if ids.contains(&id)));
    hand.join(4, inbound);
    hand.pass(SECOND);
    assert!(told(&mut hand).is_empty(), "not at once");
    hand.pass(2_000 * SECOND);
    let mut heard = told(&mut hand);
    heard.sort_unstable();
    assert_eq!(heard, [3, 4], "the first two have it");
    hand.pass(2_000 * SECOND);
    assert!(told(&mut hand).is_empty());
}

/// What a peer announces and is not here is counted until it comes.
#[test]
fn what_is_awaited_is_counted() {
    let (test_chain, all) = payments(3);
    let mut hand = Hand::lone(&test_chain, |_| ());
    hand.join(1, inbound);
    assert_eq!(hand.node.usage().asked, 0);
    hand.say(1, &Message::Announce(all.iter().map(transaction_id).collect()));
    assert_eq!((hand.node.usage().asked, hand.node.usage().remembered), (3, 3));
    hand.say(1, &Message::Transaction(all[0].clone()));
    assert_eq!((hand.node.usage().asked, hand.node.usage().transactions), (2, 1));
}

/// What is remembered of a peer is what it has, and what is to be announced to it.
#[test]
fn what_is_remembered_of_a_peer_is_counted() {
    let (test_chain, all) = payments(3);
    let mut hand = Hand::lone(&test_chain, |c| c.trickle = 100_000 * SECOND);
    (1..=3).for_each(|peer| hand.join(peer, inbound));
    assert!(hand.give(1, &all[0]) && hand.give(2, &all[1]) && hand.give(2, &all[2]));
    assert_eq!(hand.node.usage().remembered, 3, "of the first it has one, and two are to be announced");
}
