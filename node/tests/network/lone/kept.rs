//! What is kept of submitted payments: a file that a restart reads back, and nothing that is not theirs.

use super::*;

/// No file is no damage, and bytes that are none of this chain's file are kept for the operator, untouched.
#[test]
fn only_a_file_of_this_chain_is_read() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let mut other = Hand::lone(&TestChain::new(3), |_| ());
    let coin = other.test_chain.grow(Vec::new());
    other.test_chain.mature();
    let mut other = Hand::lone(&other.test_chain, |_| ());
    let (foreign, _) = other.test_chain.pay(&[&coin], &[5]);
    assert!(matches!(other.submit(&foreign), Response::Submitted(_)));
    let mut lone = Hand::lone(&test_chain, |_| ());
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    let damaged = |n: &LogEvent| matches!(n, LogEvent::LocalTxsDamaged(0));
    for (bytes, aside) in
        [(Vec::new(), false), (vec![7; 9], true), (other.kept.unwrap(), true), (lone.kept.unwrap(), false)]
    {
        let mut next = Hand::lone(&test_chain, |_| ());
        next.happen(Event::LocalTxsLoaded(bytes.clone()));
        assert_eq!(next.set_aside, if aside { vec![bytes] } else { vec![] });
        assert_eq!(next.notes.iter().any(damaged), aside);
    }
}

/// Payments that were public fall out of the mempool together, since a block spends their coins otherwise: all of them are
/// written again at once, so that a restart on another branch finds them.
#[test]
fn what_falls_out_of_the_mempool_is_written_again() {
    let (mut test_chain, coins) = test_chain(3);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |_| ());
    let (_, other) = (lone.meet(1, true), lone.meet(2, false));
    payments.iter().for_each(|t| assert!(matches!(lone.submit(t), Response::Submitted(_))));
    payments.iter().for_each(|t| assert!(lone.give(other, t) && lone.pending(t)));
    lone.pass(40 * SECOND);
    let loaded = |kept: Vec<u8>| {
        let mut next = Hand::lone(&lone_chain(), |_| ());
        next.happen(Event::LocalTxsLoaded(kept));
        next.meet(3, true);
        assert!(next.set_aside.is_empty());
        next.node.usage().stems
    };
    assert_eq!(loaded(lone.kept.clone().unwrap()), 0, "the mempool's file has them");
    let rivals = coins.iter().map(|c| test_chain.pay(&[c], &[9]).0).collect();
    test_chain.grow(rivals);
    lone.receive(other, test_chain.blocks().last().unwrap());
    assert!(payments.iter().all(|t| !lone.pending(t)));
    assert_eq!(loaded(lone.kept.clone().unwrap()), 3, "in one file, each in its place");
}

/// The chain before the block that spends the coins.
fn lone_chain() -> TestChain {
    test_chain(3).0
}

/// A stem of a peer that cannot become public is dropped; only of what was submitted here is the operator told.
#[test]
fn what_a_peer_stemmed_is_not_reported() {
    let (mut test_chain, coins) = test_chain(1);
    let [theirs, rival] = [5, 6].map(|amount| test_chain.pay(&[&coins[0]], &[amount]).0);
    let mut lone = Hand::lone(&test_chain, |_| ());
    let (_, sender, other) = (lone.meet(1, true), lone.meet(2, false), lone.meet(3, false));
    lone.say(sender, &Message::Stem(theirs.clone()));
    assert_eq!(lone.node.usage().stems, 1);
    assert!(lone.give(other, &rival) && lone.pending(&rival));
    lone.pass(2_000 * SECOND);
    assert!(lone.node.usage().stems == 0 && !lone.pending(&theirs));
    assert!(!lone.notes.iter().any(|n| matches!(n, LogEvent::NotFluffed(_))), "{:?}", lone.notes);
}

/// The file leaves out what the mempool's file has, and nothing else: not what is stemmed still, nor what could not be
/// written there.
#[test]
fn only_what_the_mempool_has_saved_is_left_out() {
    for full in [false, true] {
        let (mut test_chain, coins) = test_chain(2);
        let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
        let mut lone = Hand::lone(&test_chain, |_| ());
        let (_, other) = (lone.meet(1, true), lone.meet(2, false));
        payments.iter().for_each(|t| assert!(matches!(lone.submit(t), Response::Submitted(_))));
        if full {
            lone.files.limit(Some(0));
        }
        assert!(lone.give(other, &payments[0]) && lone.pending(&payments[0]));
        lone.pass(31 * SECOND);
        assert!(!lone.pending(&payments[1]), "it is stemmed still");
        let mut next = Hand::lone(&test_chain, |_| ());
        next.happen(Event::LocalTxsLoaded(lone.kept.unwrap()));
        next.meet(3, true);
        let found: Vec<bool> = payments.iter().map(|t| next.stemmed_to(t) == [3]).collect();
        assert_eq!(found, [full, true]);
    }
}
