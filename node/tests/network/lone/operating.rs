//! What the operator of one node relies on: submitted payments are read back whole, and failures are named.

use super::*;
use core::net::SocketAddr;
use sotto_node::{
    effect::FileWrite,
    event::{Request, RequestId},
    peer::{Address, DialError, Direction, PeerKey},
};

/// What is held of submitted payments fits in one file, which a restart reads back whole: a payment beyond
/// that is refused, and every one that was acknowledged is there again.
#[test]
fn what_was_acknowledged_is_read_back_whole() {
    let (mut test_chain, coins) = test_chain(6);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |c| c.local_txs_bytes = 5_000);
    lone.meet(1, true);
    let answers: Vec<Response> = payments.iter().map(|t| lone.submit(t)).collect();
    let full = answers.iter().position(|a| !matches!(a, Response::Submitted(_))).unwrap();
    assert!((1..payments.len()).contains(&full), "{answers:?}");
    let refused = |a: &Response| matches!(a, Response::Refused(Refusal::LocalTxsFull { most: 5_000 }));
    assert!(answers[full..].iter().all(refused), "{answers:?}");
    assert!(lone.kept.as_ref().unwrap().len() <= 5_000);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.clone().unwrap()));
    let relay = next.meet(3, true);
    for t in &payments[..full] {
        assert_eq!(next.stemmed_to(t), [relay]);
    }
    assert!(next.stemmed_to(&payments[full]).is_empty());
    // Once blocks have them, there is room again.
    test_chain.grow(payments[..full].to_vec());
    lone.receive(1, test_chain.blocks().last().unwrap());
    lone.pass(40 * SECOND);
    assert!(matches!(lone.submit(&payments[full]), Response::Submitted(_)));
}

/// A submission is appended to the file: what is written grows with the payment, not with all that are held.
#[test]
fn a_submission_is_appended() {
    let (mut test_chain, coins) = test_chain(5);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |_| ());
    lone.meet(1, true);
    for t in &payments {
        let before = lone.kept.as_ref().map_or(0, Vec::len);
        assert!(matches!(lone.submit(t), Response::Submitted(_)));
        let written = lone.writes.pop().unwrap();
        match written {
            FileWrite::Replace(_) => assert_eq!(before, 0, "only the first makes the file"),
            FileWrite::Append { at, bytes } => {
                assert_eq!(at as usize, before);
                assert!(bytes.len() < 2 * t.to_bytes().len());
            }
        }
    }
    // After a write that failed the file is replaced, and holds all that were not broadcast meanwhile.
    lone.full = true;
    let (extra, _) = test_chain.pay(&[&coins[0]], &[6]);
    drop(lone.submit(&extra));
    lone.full = false;
    lone.pass(40 * SECOND);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.clone().unwrap()));
    let relay = next.meet(3, true);
    let is_broadcast = |t: &Transaction| {
        let id = transaction_id(t);
        lone.said.iter().any(|(_, m)| matches!(m, Message::Announce(ids) if ids.contains(&id)))
    };
    assert!(payments.iter().all(|t| next.stemmed_to(t) == [relay] || is_broadcast(t)));
    assert!(payments.iter().any(|t| next.stemmed_to(t) == [relay]));
}

/// A file that is damaged in the middle is kept, what is before the damage is stemmed, and the operator hears
/// of it.
#[test]
fn a_damaged_file_of_submitted_payments_is_set_aside() {
    let (mut test_chain, coins) = test_chain(2);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |_| ());
    lone.meet(1, true);
    payments.iter().for_each(|t| drop(lone.submit(t)));
    let mut damaged = lone.kept.unwrap();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(damaged.clone()));
    assert_eq!(next.set_aside, [damaged]);
    assert!(next.notes.iter().any(|n| matches!(n, LogEvent::LocalTxsDamaged(1))));
    let relay = next.meet(3, true);
    assert_eq!((next.stemmed_to(&payments[0]), next.stemmed_to(&payments[1])), (vec![relay], vec![]));
}

/// A failed connection is reported once for each reason, and the status names it.
#[test]
fn a_failed_connection_is_named_once_for_each_reason() {
    let (test_chain, _) = test_chain(1);
    let seed = Address { at: SocketAddr::from(([10, 7, 0, 1], 4_000)), key: PeerKey([7; 32]) };
    let mut lone = Hand::lone(&test_chain, |c| c.seeds = vec![seed]);
    let failures = |lone: &Hand| -> Vec<(DialError, Option<usize>)> {
        let of =
            |n: &LogEvent| if let LogEvent::DialFailed(f) = n { Some((f.why, f.configured)) } else { None };
        lone.notes.iter().filter_map(of).collect()
    };
    for why in [DialError::Refused, DialError::Refused, DialError::OtherChain, DialError::OtherChain] {
        lone.happen(Event::DialFailed(seed, why));
        lone.pass(SECOND);
    }
    assert_eq!(failures(&lone), [(DialError::Refused, Some(1)), (DialError::OtherChain, Some(1))]);
    let status = |lone: &mut Hand| {
        lone.happen(Event::Request { id: RequestId(2), request: Request::Status });
        let Some(Response::Status(status)) = lone.answer.take() else { panic!("no status") };
        status
    };
    let shown = status(&mut lone);
    assert_eq!((shown.key, shown.stems), (PeerKey([99; 32]), 0));
    let failed = &shown.dial_failures[..];
    assert!(
        matches!(failed, [f] if (f.address, f.why, f.times) == (seed, DialError::OtherChain, 4)),
        "{failed:?}"
    );
    let direction = Direction::Outbound(seed);
    lone.happen(Event::Connected { peer: PeerId(7), key: seed.key, direction });
    assert!(status(&mut lone).dial_failures.is_empty(), "it is connected");
}

/// A payment in its stem is counted in the status.
#[test]
fn the_status_counts_stems() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let mut lone = Hand::lone(&test_chain, |_| ());
    lone.meet(1, true);
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    lone.happen(Event::Request { id: RequestId(2), request: Request::Status });
    assert!(matches!(lone.answer.take(), Some(Response::Status(s)) if (s.stems, s.pending) == (1, 0)));
}

/// What was pending in a damaged store was acknowledged: it waits until the chain has been fetched again, and
/// is stemmed then. It is saved until a block has it.
#[test]
fn what_a_damaged_store_had_pending_is_stemmed_again() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let mut lone = Hand::lone(&test_chain, |_| ());
    lone.meet(1, true);
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    let empty = TestChain::with(17, |p| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100));
    assert_eq!(empty.chain(), test_chain.chain());
    let mut next = Hand::lone(&empty, |_| ());
    next.happen(Event::LocalTxsLoaded(Vec::new()));
    next.happen(Event::MempoolRecovered(lone.kept.unwrap()));
    let relay = next.meet(3, true);
    assert!(next.stemmed_to(&t).is_empty(), "no node would accept it from one that is behind");
    next.pass(40 * SECOND);
    assert!(next.kept.is_some(), "it is saved again");
    for block in test_chain.blocks() {
        next.receive(3, block);
    }
    assert_eq!(next.node.ledger().tip(), &test_chain.blocks().last().unwrap().header);
    for _ in 0..1_000 {
        next.pass(SECOND);
        if !next.stemmed_to(&t).is_empty() {
            break;
        }
    }
    assert_eq!(next.stemmed_to(&t), [relay]);
}
