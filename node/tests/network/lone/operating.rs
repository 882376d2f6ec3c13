//! What the operator of one node relies on: submitted payments are read back whole, and failures are named.

use super::*;
use core::net::SocketAddr;
use sotto_node::{
    effect::FileWrite,
    event::{Request, RequestId},
    ledger::LedgerError,
    message::price,
    peer::{Address, DialError, Direction, PeerKey},
    token_bucket::TokenBucket,
};
use std::collections::VecDeque;

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

/// Parameters under which nothing becomes public by its embargo within a minute.
fn patient() -> sotto_dandelion::Params {
    sotto_dandelion::Params::new(0.05, 4 * SECOND / 5, 0.1, 60 * SECOND).unwrap()
}

/// Asks a node to relay a transaction, under this number; the answer may come later.
fn hand_in(lone: &mut Hand, id: u64, t: &Transaction) {
    lone.happen(Event::Request { id: RequestId(id), request: Request::Submit(Box::new(t.clone())) });
}

/// A payment is acknowledged and stemmed when its own save is on disk: not with an earlier one, and both at once if
/// they became durable at once. What is handed in again meanwhile waits for the same save.
#[test]
fn a_submission_waits_for_its_save() {
    let (mut test_chain, coins) = test_chain(4);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |_| ());
    let relay = lone.meet(1, true);
    lone.saving = Some(VecDeque::new());
    hand_in(&mut lone, 1, &payments[0]);
    hand_in(&mut lone, 2, &payments[1]);
    hand_in(&mut lone, 3, &payments[1]);
    assert!(lone.answered.is_empty() && payments.iter().all(|t| lone.stemmed_to(t).is_empty()));
    lone.saved(true);
    assert_eq!((&lone.answered[..], lone.stemmed_to(&payments[0])), (&[1][..], vec![relay]));
    assert!(lone.stemmed_to(&payments[1]).is_empty(), "it could be lost yet");
    lone.saved(true);
    assert_eq!((&lone.answered[..], lone.stemmed_to(&payments[1])), (&[1, 2, 3][..], vec![relay]));
    hand_in(&mut lone, 4, &payments[2]);
    hand_in(&mut lone, 5, &payments[3]);
    let (last, _) = lone.saving.take().and_then(|mut saving| saving.pop_back()).unwrap();
    lone.happen(Event::LocalTxsSaved(last));
    assert_eq!(lone.answered[3..], [4, 5]);
    assert_eq!(lone.stemmed_to(&payments[3]), [relay]);
}

/// A save that failed takes those with it that were appended behind it, and no others: the file is replaced by all
/// that is still held, and what that confirms is there after a restart.
#[test]
fn a_save_that_failed_refuses_its_own() {
    let (mut test_chain, coins) = test_chain(4);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut lone = Hand::lone(&test_chain, |_| ());
    lone.meet(1, true);
    assert!(matches!(lone.submit(&payments[0]), Response::Submitted(_)));
    lone.saving = Some(VecDeque::new());
    (1..3).for_each(|n| hand_in(&mut lone, n as u64, &payments[n]));
    lone.saved(false);
    assert_eq!(lone.answered[1..], [1]);
    assert!(matches!(lone.answer, Some(Response::Refused(Refusal::NotSaved))), "{:?}", lone.answer);
    hand_in(&mut lone, 3, &payments[3]);
    assert!(matches!(lone.saving.as_ref().unwrap()[1].1, FileWrite::Replace(_)));
    lone.saved(false);
    assert_eq!(lone.answered[2..], [2]);
    assert!(matches!(lone.answer, Some(Response::Refused(Refusal::NotSaved))), "{:?}", lone.answer);
    lone.saved(true);
    assert!(lone.answered[3..] == [3] && matches!(lone.answer, Some(Response::Submitted(_))));
    let stemmed = |t: &Transaction| !lone.stemmed_to(t).is_empty();
    assert_eq!(payments.iter().map(stemmed).collect::<Vec<_>>(), [true, false, false, true]);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.clone().unwrap()));
    let relay = next.meet(3, true);
    assert!([0, 3].iter().all(|n| next.stemmed_to(&payments[*n]) == [relay]));
}

/// What is submitted is verified by workers: it is answered when they are done, in whatever order; what does not
/// hold is refused by its rule, what is submitted twice meanwhile is one, and what no line has room for is refused.
#[test]
fn submissions_are_verified_by_workers() {
    let (mut test_chain, coins) = test_chain(2);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut bad = payments[1].clone();
    bad.body.outputs[0].proof = payments[0].body.outputs[0].proof.clone();
    let mut lone = Hand::lone(&test_chain, |_| ());
    let relay = lone.meet(1, true);
    lone.held = Some(Vec::new());
    [&payments[0], &payments[1], &payments[0]]
        .into_iter()
        .zip(1..)
        .for_each(|(t, id)| hand_in(&mut lone, id, t));
    assert!(lone.answered.is_empty());
    lone.work();
    assert_eq!((&lone.answered[..], lone.stemmed_to(&payments[0])), (&[3, 2, 1][..], vec![relay]));
    assert_eq!(lone.writes.len(), 2);
    hand_in(&mut lone, 4, &bad);
    lone.work();
    let refused = |lone: &Hand, why: &str| matches!(&lone.answer, Some(Response::Refused(e)) if e.to_string().contains(why));
    assert!(refused(&lone, "range proof"), "{:?}", lone.answer);
    (10..10 + 16 + 256).for_each(|id| hand_in(&mut lone, id, &bad));
    assert_eq!(lone.answered[3..], [4]);
    hand_in(&mut lone, 5, &bad);
    assert!(lone.answered[4..] == [5] && refused(&lone, "too many"), "{:?}", lone.answer);
}

/// A payment that was public, and thus only in the mempool's file, is written down again when others that pay more
/// push it out: a restart still knows it.
#[test]
fn a_payment_that_is_pushed_out_is_kept() {
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
    lone.pass(2_000 * SECOND);
    assert!(lone.pending(&poor));
    let known = |lone: &Hand| {
        let mut next = Hand::lone(&test_chain, |_| ());
        next.happen(Event::LocalTxsLoaded(lone.kept.clone().unwrap()));
        next.meet(3, true);
        !next.stemmed_to(&poor).is_empty()
    };
    assert!(!known(&lone), "the mempool's file has it");
    assert!(rich.iter().all(|t| lone.give(other, t)));
    assert!(!lone.pending(&poor) && known(&lone));
}

/// What a damaged store had pending is taken over beside all that is held: more than may be handed in, and all of it is
/// there after a restart.
#[test]
fn what_is_taken_over_has_no_bound_but_its_own() {
    let (mut test_chain, coins) = test_chain(6);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut damaged = Hand::lone(&test_chain, |_| ());
    damaged.meet(1, true);
    payments[3..].iter().for_each(|t| assert!(matches!(damaged.submit(t), Response::Submitted(_))));
    let mut lone = Hand::lone(&test_chain, |c| (c.local_txs_bytes, c.dandelion) = (5_000, patient()));
    lone.meet(1, true);
    let answers: Vec<Response> = payments[..3].iter().map(|t| lone.submit(t)).collect();
    let held = answers.iter().filter(|a| matches!(a, Response::Submitted(_))).count();
    lone.happen(Event::MempoolRecovered(damaged.kept.clone().unwrap()));
    lone.pass(40 * SECOND);
    assert!(lone.kept.as_ref().unwrap().len() > 5_000 && held > 0);
    let mut next = Hand::lone(&test_chain, |_| ());
    next.happen(Event::LocalTxsLoaded(lone.kept.clone().unwrap()));
    let relay = next.meet(3, true);
    assert!(payments[..held].iter().chain(&payments[3..]).all(|t| next.stemmed_to(t) == [relay]));
}

/// While a payment is verified, a block spends its coin: it is refused.
#[test]
fn a_submission_is_judged_by_the_state_after_its_verification() {
    let (mut test_chain, coins) = test_chain(1);
    let [t, rival] = [5, 6].map(|amount| test_chain.pay(&[&coins[0]], &[amount]).0);
    let mut lone = Hand::lone(&test_chain, |_| ());
    let other = lone.meet(2, false);
    lone.held = Some(Vec::new());
    hand_in(&mut lone, 1, &t);
    let held = lone.held.take().unwrap();
    test_chain.grow(vec![rival]);
    lone.receive(other, test_chain.blocks().last().unwrap());
    held.into_iter().for_each(|(ticket, work)| lone.happen(Event::Verified(ticket, work.run())));
    let rule = match &lone.answer {
        Some(Response::Refused(Refusal::Ledger(LedgerError::Refused(why)))) => why.rule(),
        other => panic!("{other:?}"),
    };
    assert_eq!((rule, lone.kept.is_none()), ("MW-R24", true));
}

/// However many payments are handed in at once, the relay gets no more than a peer may cause: to it that would be a
/// flood, for which it bans. All of them go in the end.
#[test]
fn stems_keep_within_what_the_relay_allows() {
    let (mut test_chain, coins) = test_chain(100);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let allowance = Allowance { rate: 2_000, burst: 10_000 };
    let mut lone = Hand::lone(&test_chain, |c| (c.work, c.dandelion) = (allowance, patient()));
    lone.meet(1, true);
    lone.said.clear();
    let mut relay = TokenBucket::new(allowance, Duration::ZERO);
    let mut heard = |lone: &mut Hand| {
        let stems = lone.said.drain(..).filter(|(_, m)| matches!(m, Message::Stem(_)));
        let kernels = stems.map(|(_, m)| {
            assert!(relay.take(lone.now, price::price(&m.to_bytes())), "a flood at {:?}", lone.now);
            let Message::Stem(t) = m else { return 0 };
            t.body.kernels.len()
        });
        kernels.sum::<usize>()
    };
    let mut sent = 0;
    for t in &payments {
        assert!(matches!(lone.submit(t), Response::Submitted(_)));
        sent += heard(&mut lone);
    }
    assert!((45..65).contains(&sent), "{sent}");
    for _ in 0..20 {
        lone.pass(SECOND / 2);
        sent += heard(&mut lone);
    }
    assert_eq!(sent, payments.len());
}
