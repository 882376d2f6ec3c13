//! Where the node's own payments and the stems of others go: to a peer that it chose, as long as that is one.

use crate::{
    hand::{Hand, SECOND, inbound},
    voting,
};
use sotto_mw::{
    amount::Amount,
    chain::{INPUT_WEIGHT, OUTPUT_WEIGHT},
    codec::Encode,
    terms::Change,
    testing::{Owned, TestChain},
    transaction::Transaction,
    validators::ValidatorSet,
};
use sotto_node::{
    effect::{FileWrite, Response},
    event::Event,
    message::{Message, price},
    peer::{Address, CloseReason, Direction, Offence, PeerId, PeerKey},
    token_bucket::Allowance,
};

fn test_chain(coins: usize) -> (TestChain, Vec<Owned>) {
    let mut test_chain =
        TestChain::with(17, |p| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100));
    let coins = (0..coins).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    (test_chain, coins)
}

/// Submits a payment, and says who was told of it at once.
fn told(hand: &mut Hand, t: &Transaction) -> Vec<u64> {
    assert!(matches!(hand.submit(t), Response::Submitted(_)));
    hand.stemmed_to(t)
}

/// A relay that leaves is replaced at once by another that this node chose, whoever else is there.
#[test]
fn a_relay_that_leaves_is_replaced() {
    let (mut test_chain, coins) = test_chain(2);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut hand = Hand::lone(&test_chain, |_| ());
    (1..=2).for_each(|peer| hand.join(peer, Direction::Outbound));
    (3..=4).for_each(|peer| hand.join(peer, inbound));
    let first = told(&mut hand, &payments[0]);
    assert!(first == [1] || first == [2], "{first:?}");
    hand.happen(Event::Disconnected(PeerId(first[0])));
    assert_eq!(told(&mut hand, &payments[1]), [3 - first[0]]);
}

/// Of two connections with a relay the one that this node opened makes it one: if only the other closes, nothing changes; if
/// only the other is left, it is none.
#[test]
fn a_relay_is_one_over_the_connection_that_was_chosen() {
    let (mut test_chain, coins) = test_chain(3);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut hand = Hand::lone(&test_chain, |_| ());
    hand.join(1, Direction::Outbound);
    // Of the same peer.
    hand.join(101, inbound);
    hand.join(2, inbound);
    assert_eq!(told(&mut hand, &payments[0]), [1]);
    hand.happen(Event::Disconnected(PeerId(101)));
    hand.pass(SECOND);
    assert_eq!(told(&mut hand, &payments[1]), [1]);
    hand.join(201, inbound);
    hand.happen(Event::Disconnected(PeerId(1)));
    hand.pass(SECOND);
    assert_eq!(told(&mut hand, &payments[2]), Vec::<u64>::new(), "nobody is left whom this node chose");
}

/// A stem stays while it fits the chain, whatever becomes public beside it; when a block spends its coin, it is forgotten, and
/// when its own kernel becomes public, it has ended.
#[test]
fn a_stem_stays_while_it_fits() {
    let (mut test_chain, coins) = test_chain(4);
    let [stays, spent, ends, public] = [0, 1, 2, 3].map(|n: usize| test_chain.pay(&[&coins[n]], &[5]).0);
    let (rival, _) = test_chain.pay(&[&coins[1]], &[6]);
    let mut hand = Hand::lone(&test_chain, |c| {
        c.dandelion = sotto_dandelion::Params::new(0.05, SECOND / 100, 0.1, 10_000 * SECOND).unwrap();
    });
    hand.join(1, Direction::Outbound);
    (2..=3).for_each(|peer| hand.join(peer, inbound));
    [&stays, &spent, &ends].into_iter().for_each(|t| hand.say(3, &Message::Stem(t.clone())));
    assert_eq!(hand.node.usage().stems, 3);
    assert!(hand.give(2, &public) && hand.pending(&public));
    assert_eq!(hand.node.usage().stems, 3, "that is none of them");
    assert!(hand.give(2, &ends) && hand.pending(&ends));
    assert_eq!(hand.node.usage().stems, 2);
    test_chain.grow(vec![rival]);
    hand.receive(2, test_chain.blocks().last().unwrap());
    assert_eq!(hand.node.usage().stems, 1);
    // The one that is left becomes public once its embargo is over.
    hand.pass(60_000 * SECOND);
    assert!(hand.pending(&stays) && hand.node.usage().stems == 0);
}

/// A payment on its way is not stemmed a second time because a block came meanwhile.
#[test]
fn a_payment_on_its_way_is_stemmed_once() {
    let (mut test_chain, coins) = test_chain(8);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut hand = Hand::lone(&test_chain, |_| ());
    hand.join(1, Direction::Outbound);
    hand.join(2, inbound);
    payments.iter().for_each(|t| assert_eq!(told(&mut hand, t), [1]));
    test_chain.grow(Vec::new());
    hand.receive(2, test_chain.blocks().last().unwrap());
    while hand.node.usage().stems > 0 {
        hand.pass(SECOND);
    }
    assert!(payments.iter().all(|t| hand.stemmed_to(t) == [1]));
}

/// A relay that becomes a validator, as this node is, is none any more: the set chose it, not this node.
#[test]
fn a_relay_that_becomes_a_validator_is_none() {
    let mut chain = voting::chain();
    let coins: Vec<Owned> = (0..2).map(|_| chain.grow(Vec::new())).collect();
    let payments: Vec<Transaction> = coins.iter().map(|c| chain.pay(&[c], &[5]).0).collect();
    let joins = chain.appoint("joins", 1);
    let mut v = voting::voting(chain, false);
    v.dials(30, PeerKey(*joins.link_key.as_bytes()));
    assert_eq!(told(&mut v.hand, &payments[0]), [30]);
    let mut all = v.hand.test_chain.chain().terms().sealing.validators().unwrap().all().to_vec();
    all.push(joins);
    let (set, next) = (ValidatorSet::new(all).unwrap(), v.hand.test_chain.next());
    let change = v.hand.test_chain.change(Change::Validators(set), next);
    v.hand.test_chain.grow_with(Vec::new(), Some(change));
    let block = v.hand.test_chain.blocks().last().unwrap().clone();
    v.hand.receive(v.others[0], &block);
    assert_eq!(told(&mut v.hand, &payments[1]), Vec::<u64>::new());
}

/// A payment that an earlier run saved is public at once where this node seals, and knows of nobody to tell. If it knows of
/// somebody whom it has yet to reach, it is not.
#[test]
fn what_was_saved_waits_for_peers_that_are_known() {
    let (mut test_chain, coins) = test_chain(1);
    let (t, _) = test_chain.pay(&[&coins[0]], &[5]);
    let mut before = Hand::lone(&test_chain, |_| ());
    before.join(1, Direction::Outbound);
    assert_eq!(told(&mut before, &t), [1]);
    let kept = before.kept.unwrap();
    let blocks = test_chain.blocks().len();
    for knows in [false, true] {
        let somebody = Address { at: ([45, 1, 1, 1], 4_000).into(), key: PeerKey([7; 32]) };
        let mut hand = Hand::new(test_chain.clone(), blocks, |c| {
            c.seeds = if knows { vec![somebody] } else { vec![] };
        });
        hand.happen(Event::LocalTxsLoaded(kept.clone()));
        assert_eq!(hand.pending(&t), !knows);
    }
}

/// After a restart what is submitted is appended to the file that was there. Where a crash cut its end off, the file is
/// replaced.
#[test]
fn a_file_that_is_whole_is_appended_to() {
    let (mut test_chain, coins) = test_chain(2);
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let mut before = Hand::lone(&test_chain, |_| ());
    before.join(1, Direction::Outbound);
    assert_eq!(told(&mut before, &payments[0]), [1]);
    let kept = before.kept.unwrap();
    for cut in [0, 3] {
        let mut hand = Hand::lone(&test_chain, |_| ());
        hand.kept = Some(kept[..kept.len() - cut].to_vec());
        hand.happen(Event::LocalTxsLoaded(hand.kept.clone().unwrap()));
        hand.join(1, Direction::Outbound);
        assert_eq!(told(&mut hand, &payments[1]), [1]);
        let appended = matches!(hand.writes[0], FileWrite::Append { at, .. } if at == kept.len() as u64);
        assert_eq!((hand.writes.len(), appended), (1, cut == 0), "{:?}", hand.writes);
        let mut next = Hand::lone(&test_chain, |_| ());
        next.happen(Event::LocalTxsLoaded(hand.kept.unwrap()));
        next.join(1, Direction::Outbound);
        let known = payments.iter().map(|t| usize::from(next.stemmed_to(t) == [1]));
        assert_eq!((known.sum::<usize>(), next.set_aside.len()), (if cut == 0 { 2 } else { 1 }, 0));
    }
}

/// A transaction that breaks a rule whatever the state is costs whoever sends it the connection, in public or as a stem. One
/// that only does not fit, since its coin is spent or unknown, does not.
#[test]
fn what_breaks_a_rule_costs_its_sender() {
    let (mut test_chain, coins) = test_chain(2);
    let fee = Amount::new(test_chain.least_fee(1, 1, 1).units() - 1);
    let output = test_chain.output(coins[0].opening.amount.units() - fee.units());
    let kernel = test_chain.plain(fee);
    let poor = test_chain.transaction(&[&coins[0]], &[&output], &[kernel]);
    let (spends, _) = test_chain.pay(&[&coins[1]], &[5]);
    let (spent, _) = test_chain.pay(&[&coins[1]], &[6]);
    test_chain.grow(vec![spends]);
    for (t, costs) in [(&poor, true), (&spent, false)] {
        let mut hand = Hand::lone(&test_chain, |_| ());
        (1..=3).for_each(|peer| hand.join(peer, inbound));
        assert!(hand.give(1, t) && !hand.pending(t));
        hand.say(2, &Message::Stem(t.clone()));
        let closed: Vec<u64> = hand.closed.iter().map(|(peer, _)| *peer).collect();
        assert_eq!(closed, if costs { vec![1, 2] } else { vec![] }, "{:?}", hand.closed);
    }
}

/// A frame that can hold no transaction that a block has room for is not decoded.
#[test]
fn a_transaction_that_no_block_can_hold_is_not_decoded() {
    let (test_chain, _) = test_chain(0);
    let room = test_chain.chain().room();
    for kind in [5, 8] {
        // Its count says that all of it but a few bytes is inputs.
        let frame = |weight: u64| {
            let (inputs, rest) =
                (weight / INPUT_WEIGHT, (weight % INPUT_WEIGHT * 738).div_ceil(OUTPUT_WEIGHT));
            let mut bytes = vec![0; (35 + 49 + 32 * inputs + rest) as usize];
            bytes[..2].copy_from_slice(&[Message::Ping(0).to_bytes()[0], kind]);
            bytes[35..39].copy_from_slice(&(inputs as u32).to_le_bytes());
            assert_eq!(price::least_weight(&bytes), weight);
            bytes
        };
        for (weight, why) in [(room, CloseReason::Banned(Offence::Garbage)), (room + 1, CloseReason::Relayed)]
        {
            let all = Allowance { rate: 0, burst: 1 << 40 };
            let mut hand = Hand::lone(&test_chain, |c| (c.work, c.received) = (all, all));
            hand.join(1, inbound);
            hand.happen(Event::Frame { peer: PeerId(1), bytes: frame(weight) });
            assert_eq!(hand.closed, [(1, why)], "kind {kind}, {weight}");
        }
    }
}
