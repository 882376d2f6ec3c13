//! One node, and peers that say what the test has them say: what it makes of transactions, and which peers it
//! sends them to.

mod kept;
mod operating;

use core::time::Duration;
use sotto_mw::{
    aggregate::aggregate,
    codec::Encode,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{
    codec::transaction_id,
    effect::{LogEvent, Refusal, Response},
    event::Event,
    ledger::mempool::MempoolLimits,
    message::Message,
    peer::{CloseReason, Offence, PeerId},
    token_bucket::Allowance,
};

use crate::hand::Hand;

const SECOND: Duration = Duration::from_secs(1);

/// A chain with coins to spend.
fn test_chain(coins: usize) -> (TestChain, Vec<Owned>) {
    let mut test_chain =
        TestChain::with(17, |p| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100));
    let coins = (0..coins).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    (test_chain, coins)
}

/// What cannot be kept is refused before anybody hears of it, and is not sent later either.
#[test]
fn a_full_disk_takes_nothing_in() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let mut lone = Hand::lone(&test_chain, |_| ());
    let relay = lone.meet(1, true);
    lone.full = true;
    let answer = lone.submit(&t);
    assert!(matches!(answer, Response::Refused(Refusal::NotSaved)), "{answer:?}");
    lone.pass(600 * SECOND);
    assert!(lone.stemmed_to(&t).is_empty() && !lone.pending(&t) && lone.node.usage().stems == 0);
    assert!(lone.said.iter().all(|(_, m)| !matches!(m, Message::Announce(_))));
    lone.full = false;
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    assert_eq!(lone.stemmed_to(&t), [relay]);
    // The next run knows what was saved, and stems it to the peers that it meets.
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.unwrap()));
    let other = next.meet(2, true);
    assert_eq!(next.stemmed_to(&t), [other]);
}

/// A node that nobody whom it could choose ever answered tells its payment to those who came, an embargo
/// later; one that had a relay once does not, whoever keeps it from all others.
#[test]
fn who_cuts_a_node_off_does_not_hear_its_payments() {
    for had_relay in [false, true] {
        let (mut test_chain, coins) = test_chain(1);
        let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
        let mut lone = Hand::lone(&test_chain, |c| c.idle_timeout = 100_000 * SECOND);
        if had_relay {
            let relay = lone.meet(1, true);
            lone.happen(Event::Disconnected(PeerId(relay)));
        }
        lone.meet(2, false);
        // However long it was there before.
        lone.pass(10 * SECOND);
        assert!(matches!(lone.submit(&t), Response::Submitted(_)));
        lone.pass(SECOND);
        assert!(!lone.pending(&t) && lone.stemmed_to(&t).is_empty(), "nobody is told at once");
        lone.pass(2_000 * SECOND);
        let offered = lone.said.iter().any(|(_, m)| matches!(m, Message::Announce(_)));
        assert_eq!((lone.pending(&t), offered), (!had_relay, !had_relay));
        assert!(lone.stemmed_to(&t).is_empty(), "the peer that asked is not the relay");
    }
}

/// A payment that became public joined with another, which then is sealed alone: it is whispered again, a
/// while later, told to nobody else, and kept meanwhile.
#[test]
fn a_payment_that_fell_with_another_is_whispered_again() {
    let (mut test_chain, coins) = test_chain(2);
    let (ours, _) = test_chain.pay(&[&coins[0]], &[5]);
    let (theirs, _) = test_chain.pay(&[&coins[1]], &[6]);
    let joined = aggregate([ours.clone(), theirs.clone()]).unwrap();
    let mut lone = Hand::lone(&test_chain, |_| ());
    let (relay, other) = (lone.meet(1, true), lone.meet(2, false));
    assert!(matches!(lone.submit(&ours), Response::Submitted(_)));
    assert_eq!(lone.stemmed_to(&ours), [relay]);
    assert!(lone.give(other, &joined) && lone.pending(&joined));
    assert_eq!(lone.node.usage().stems, 0);
    lone.pass(40 * SECOND);
    test_chain.grow(vec![theirs]);
    lone.receive(other, test_chain.blocks().last().unwrap());
    assert!(lone.node.ledger().mempool().is_empty(), "what was joined is impossible");
    assert_eq!(lone.stemmed_to(&ours).len(), 1, "an answer to all at once would name the maker");
    let kept = lone.kept.clone().unwrap();
    for _ in 0..1_000 {
        lone.pass(SECOND);
        if lone.stemmed_to(&ours).len() > 1 {
            break;
        }
    }
    assert_eq!(lone.stemmed_to(&ours), [relay, relay]);
    let told = |m: &Message| matches!(m, Message::Announce(ids) if ids.contains(&transaction_id(&ours)));
    assert!(!lone.said.iter().any(|(_, m)| told(m)), "nobody is told before it is public");
    // So does a node that was switched off in between.
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(kept));
    let relay = next.meet(3, true);
    assert_eq!(next.stemmed_to(&ours), [relay]);
    // Once it is sealed, nothing is kept of it.
    test_chain.grow(vec![ours.clone()]);
    lone.receive(other, test_chain.blocks().last().unwrap());
    lone.pass(40 * SECOND);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.unwrap()));
    next.meet(3, true);
    next.pass(600 * SECOND);
    assert!(next.stemmed_to(&ours).is_empty() && !next.pending(&ours));
}

/// The mempool has no room when the embargo ends: the payment is kept, and fluffed when there is room.
#[test]
fn a_payment_that_found_no_room_is_told_when_there_is_some() {
    let (mut test_chain, coins) = test_chain(3);
    let least = test_chain.least_fee(1, 1, 1).units();
    let mut pay = |coin: &Owned, fee: u64| {
        let output = test_chain.output(coin.opening.amount.units() - fee);
        let kernel = test_chain.plain(sotto_mw::amount::Amount::new(fee));
        test_chain.transaction(&[coin], &[&output], &[kernel])
    };
    let (poor, rich) = (pay(&coins[0], least), [pay(&coins[1], 3 * least), pay(&coins[2], 2 * least)]);
    let mut lone = Hand::lone(&test_chain, |c| c.mempool = MempoolLimits { transactions: 2, weight: 10_000 });
    let (_, other) = (lone.meet(1, true), lone.meet(2, false));
    assert!(matches!(lone.submit(&poor), Response::Submitted(_)));
    assert!(rich.iter().all(|t| lone.give(other, t)));
    lone.pass(2_000 * SECOND);
    assert!(lone.notes.iter().any(|n| matches!(n, LogEvent::NotFluffed(_))) && !lone.pending(&poor));
    test_chain.grow(rich.to_vec());
    lone.receive(other, test_chain.blocks().last().unwrap());
    lone.pass(4_000 * SECOND);
    assert!(lone.pending(&poor));
}

/// A payment that no block can have any more is forgotten.
#[test]
fn a_payment_whose_window_is_over_is_forgotten() {
    let mut test_chain =
        TestChain::with(18, |p| (p.window_width, p.window_grid, p.reorganisation) = (40, 20, 10));
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let (t, _) = test_chain.pay(&[&coin], &[5]);
    let (rival, _) = test_chain.pay(&[&coin], &[6]);
    let mut lone = Hand::lone(&test_chain, |_| ());
    let other = lone.meet(2, false);
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    test_chain.grow(vec![rival]);
    lone.receive(other, test_chain.blocks().last().unwrap());
    let dropped = |lone: &Hand| lone.notes.iter().any(|n| matches!(n, LogEvent::Dropped(_)));
    for _ in 0..60 {
        test_chain.grow(Vec::new());
        lone.receive(other, test_chain.blocks().last().unwrap());
        lone.pass(SECOND);
    }
    assert!(dropped(&lone));
    lone.pass(40 * SECOND);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.unwrap()));
    assert!(!dropped(&next), "it is not even kept");
}

/// Five peers offer a transaction first and stay silent, and ten fill all their lists with what does not
/// exist.
#[test]
fn nobody_keeps_a_transaction_from_a_node() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let id = transaction_id(&t);
    let mut lone = Hand::lone(&test_chain, |_| ());
    let silent: Vec<u64> = (1..=5).map(|n| lone.meet(n, false)).collect();
    for n in 10..20u8 {
        let liar = lone.meet(n.into(), false);
        for chunk in 0..20u8 {
            let ids = (0..500u16).map(|i| {
                let mut bytes = [n; 32];
                bytes[..3].copy_from_slice(&[chunk, i as u8, (i >> 8) as u8]);
                sotto_mw::hash::Hash::from_bytes(bytes)
            });
            lone.say(liar, &Message::Announce(ids.collect()));
        }
    }
    silent.iter().for_each(|p| lone.say(*p, &Message::Announce(vec![id])));
    let honest = lone.meet(6, false);
    lone.say(honest, &Message::Announce(vec![id]));
    lone.pass(11 * SECOND);
    assert_eq!(lone.asked_of(&id).last(), Some(&honest), "{:?}", lone.asked_of(&id));
    lone.say(honest, &Message::Transaction(t.clone()));
    assert!(lone.pending(&t) && lone.closed.is_empty());
}

/// Who hands out what it is asked for is never blamed, however much that is. What the node has no time for it
/// asks for again.
#[test]
fn an_answer_is_no_flood() {
    let (mut test_chain, coins) = test_chain(6);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let least = Message::Transaction(payments[0].clone()).to_bytes().len() as u64 / 8;
    let mut lone = Hand::lone(&test_chain, |c| c.work = Allowance { rate: least / 4, burst: 2 * least });
    let peer = lone.meet(1, false);
    lone.pass(20 * SECOND);
    payments.iter().for_each(|t| assert!(lone.give(peer, t), "it is asked for"));
    let here = payments.iter().filter(|t| lone.pending(t)).count();
    assert!((1..6).contains(&here) && lone.closed.is_empty(), "{here} {:?}", lone.closed);
    for _ in 0..60 {
        lone.said.clear();
        lone.pass(3 * SECOND);
        let again: Vec<_> =
            payments.iter().filter(|t| !lone.asked_of(&transaction_id(t)).is_empty()).collect();
        again.into_iter().for_each(|t| lone.say(peer, &Message::Transaction(t.clone())));
    }
    assert!(payments.iter().all(|t| lone.pending(t)), "all came in the end");
    assert!(lone.closed.is_empty(), "{:?}", lone.closed);
}

/// A message without a request is not decoded beyond its sender's allowance: what would be garbage is a
/// flood.
#[test]
fn unasked_work_is_metered_before_it_is_done() {
    let (test_chain, _) = test_chain(0);
    for kind in [5, 8, 9, 13, 15] {
        let mut lone = Hand::lone(&test_chain, |c| c.work = Allowance { rate: 0, burst: 10 });
        let peer = lone.meet(1, false);
        let mut garbage = vec![0xff; 40_000];
        garbage[..2].copy_from_slice(&[Message::Ping(0).to_bytes()[0], kind]);
        (0..9).for_each(|_| lone.happen(Event::Frame { peer: PeerId(peer), bytes: garbage.clone() }));
        assert!(lone.closed.is_empty(), "kind {kind}: {:?}", lone.closed);
        (0..9).for_each(|_| lone.happen(Event::Frame { peer: PeerId(peer), bytes: garbage.clone() }));
        assert!(matches!(lone.closed[..], [(_, CloseReason::Banned(Offence::Flood))]), "{:?}", lone.closed);
    }
}

/// One peer's many stems of one coin end, not those of another.
#[test]
fn who_whispers_most_gives_way() {
    let (mut test_chain, coins) = test_chain(2);
    let rivals: Vec<Transaction> = (5..9).map(|n| test_chain.pay(&[&coins[0]], &[n]).0).collect();
    let (t, _) = test_chain.pay(&[&coins[1]], &[5]);
    let mut lone =
        Hand::lone(&test_chain, |c| c.stempool = MempoolLimits { transactions: 3, weight: 10_000 });
    let relay = lone.meet(1, true);
    let (hog, honest) = (lone.meet(2, false), lone.meet(3, false));
    rivals.iter().take(3).for_each(|t| lone.say(hog, &Message::Stem(t.clone())));
    assert_eq!(lone.node.usage().stems, 3, "and none is public");
    lone.say(honest, &Message::Stem(t.clone()));
    assert!(!lone.pending(&t) && lone.pending(&rivals[2]), "the last of the hog's gives way");
    lone.say(relay, &Message::Stem(rivals[3].clone()));
    assert!(lone.node.usage().stems <= 3 && !lone.pending(&t));
}
