//! Attacks on one node's engine by peers that are played by hand. Each test fails where its attack succeeds.

use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    codec::Encode,
    commitment::Commitment,
    group::{Point, Scalar},
    kernel::{Excess, Kernel, KernelFeatures},
    rules::check_transaction,
    schnorr::Signature,
    secret::SecretScalar,
    testing::{Owned, TestChain},
    transaction::{Body, Transaction},
};
use sotto_node::{
    codec::transaction_id,
    config::Config,
    effect::LogEvent,
    event::Event,
    message::{
        BlockName, Message,
        compact::Compact,
        price::{continuing, price},
    },
    peer::{CloseReason, Direction, Offence, PeerId},
    seal::SealedHeader,
    token_bucket::Allowance,
    work::{Ticket, Verdict},
};

use crate::hand::{Hand, SECOND, inbound, test_chain};

/// Shows a node at height `from` the chain up to `to`, block by block, from peer 2, which has all of it.
fn follow(hand: &mut Hand, from: usize, to: usize) {
    for n in from..to {
        hand.say(2, &hand.tip_message(n));
        for _ in 0..20 {
            if hand.take(|m| matches!(m, Message::GetHeaders(_))).contains(&2) {
                let all = (from..=n).map(|i| SealedHeader::of(hand.block(i))).collect();
                hand.say(2, &Message::Headers(all));
            }
            let names = hand.said.iter().filter_map(|(peer, m)| match m {
                Message::GetBlock(name) | Message::GetCompact(name) if *peer == 2 => Some(*name),
                _ => None,
            });
            let names: Vec<BlockName> = names.collect();
            hand.said.clear();
            for name in names {
                let n = (0..to).find(|n| hand.name(*n) == name).unwrap();
                hand.say(2, &hand.block_message(n));
            }
            hand.pass(SECOND / 2);
        }
    }
}

/// The right block under a seal that is another's: it costs its sender the connection, and the block is
/// fetched from a peer that is honest.
#[test]
fn a_foreign_seal_condemns_its_sender_and_no_block() {
    for whole in [false, true] {
        let mut hand = Hand::new(test_chain(8), 3, |_| ());
        hand.join(1, inbound);
        hand.join(2, inbound);
        hand.say(1, &hand.tip_message(3));
        assert_eq!(hand.asked(), [1]);
        let seal = SealedHeader::of(hand.block(2)).seal;
        if whole {
            let sealed = SealedHeader { seal, ..SealedHeader::of(hand.block(3)) };
            hand.say(1, &Message::Block { sealed, body: hand.block(3).body.to_bytes() });
        } else {
            let mut compact = Compact::of(hand.block(3), 1).unwrap();
            compact.sealed.seal = seal;
            hand.say(1, &Message::Compact(compact));
        }
        assert!(hand.banned(1, Offence::Invalid), "{:?}", hand.closed);
        follow(&mut hand, 3, 8);
        assert_eq!((hand.height(), hand.closed.len()), (8, 1), "the node is stuck: {:?}", hand.closed);
    }
}

/// A second seal of the operator's over the same header is a seal, and no fault of its sender.
#[test]
fn another_seal_of_the_same_header_is_no_fault() {
    let mut hand = Hand::new(test_chain(4), 3, |_| ());
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(3));
    let mut header = hand.block(2).header.clone();
    let mut sealed = hand.after(&mut header);
    sealed.header = hand.block(3).header.clone();
    let key = sotto_node::seal::OperatorKey::from_secret(hand.test_chain.operator().clone());
    sealed.seal = key.seal(hand.test_chain.chain().id(), &sealed.header, &mut hand.rng).into();
    assert_ne!(sealed.seal, hand.block(3).seal);
    let mut compact = Compact::of(hand.block(3), 1).unwrap();
    compact.sealed = sealed;
    hand.say(1, &Message::Compact(compact));
    assert_eq!((hand.height(), hand.closed.len()), (4, 0));
    let kept = hand.node.ledger().store().sealed_header(hand.block(3).header.height).unwrap().unwrap();
    assert_eq!(kept.seal, hand.block(3).seal, "the one that was asked for");
}

/// Who stems are sent to, with peer 2 as the node's relay and peer 1 as their sender: the stems that peer 1
/// sends are sent on joined, if they can be. Returns what is sent on after the first, and the node.
fn stemmed_on(test_chain: TestChain, payments: &[Transaction]) -> (Hand, Vec<Transaction>) {
    let n = test_chain.blocks().len();
    let mut hand = Hand::new(test_chain, n, stems);
    hand.join(2, Direction::Outbound);
    hand.join(1, inbound);
    hand.said.clear();
    payments.iter().for_each(|p| hand.say(1, &Message::Stem(p.clone())));
    let nonce = hand.said.iter().find_map(|(p, m)| match m {
        Message::Ping(n) if *p == 2 => Some(*n),
        _ => None,
    });
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
    hand.said.clear();
    hand.say(2, &Message::Pong(nonce.unwrap()));
    let stem = |(peer, m): &(u64, Message)| match m {
        Message::Stem(t) if *peer == 2 => Some(t.clone()),
        _ => None,
    };
    let sent = hand.said.iter().filter_map(stem).collect();
    (hand, sent)
}

fn stems(config: &mut Config) {
    config.dandelion = sotto_dandelion::Params::new(0.05, SECOND / 100, 0.1, 60 * SECOND).unwrap();
}

/// The next node takes what this one sends, all of it.
fn the_next_node_takes(hand: &Hand, sent: &[Transaction]) {
    let n = hand.test_chain.blocks().len();
    let mut other = Hand::new(hand.test_chain.clone(), n, stems);
    other.join(1, inbound);
    for t in sent {
        let chain = hand.test_chain.chain();
        let found = check_transaction(chain, t.clone()).map(drop);
        assert!(found.is_ok(), "weight {} of {}: {found:?}", t.body.weight(), chain.room());
        other.say(1, &Message::Stem(t.clone()));
    }
    assert!(other.closed.is_empty(), "an honest node is closed: {:?}", other.closed);
}

/// Stems that are joined on the way have to fit the weight of a transaction, not that of a block.
#[test]
fn stems_are_not_joined_beyond_the_weight_of_a_transaction() {
    let mut test_chain = TestChain::with(31, |p| {
        (p.window_width, p.window_grid, p.reorganisation, p.max_weight) = (400, 20, 100, 300);
    });
    let coins: Vec<Owned> = (0..6).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let whole: u64 = payments[1..].iter().map(|t| t.body.weight()).sum();
    assert!(whole > test_chain.chain().room() && whole <= 300, "the case in question: {whole}");
    let (hand, sent) = stemmed_on(test_chain, &payments);
    assert_eq!(sent, payments[1..]);
    the_next_node_takes(&hand, &sent);
}

/// Two stems under one excess, each sound alone, are not joined: no body holds an excess twice.
#[test]
fn stems_of_one_excess_are_not_joined() {
    let mut test_chain = test_chain(0);
    let coins: Vec<Owned> = (0..3).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    let first = test_chain.pay(&[&coins[0]], &[5]).0;
    let x = test_chain.secret();
    let mut twin = |coin: &Owned| {
        let fee = test_chain.least_fee(1, 1, 1);
        let features: KernelFeatures = test_chain.plain(fee);
        let out = test_chain.output(coin.opening.amount.units() - fee.units());
        test_chain.transaction_under(&[coin], &[&out], &[(features, x.clone())])
    };
    let (a, b) = (twin(&coins[1]), twin(&coins[2]));
    let (hand, sent) = stemmed_on(test_chain, &[first, a, b]);
    assert_eq!(sent.len(), 2);
    the_next_node_takes(&hand, &sent);
}

/// Stems that can be joined are.
#[test]
fn stems_that_fit_are_joined() {
    let mut test_chain = test_chain(0);
    let coins: Vec<Owned> = (0..3).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    let payments: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
    let (hand, sent) = stemmed_on(test_chain, &payments);
    assert_eq!((sent.len(), sent[0].body.kernels.len()), (1, 2));
    the_next_node_takes(&hand, &sent);
}

/// Who relays what breaks a rule is left, and may come back: it may have been another's, and the relay's
/// neighbours are not to be cut off with it.
#[test]
fn a_relayed_fault_closes_and_bans_no_address() {
    let mut test_chain = test_chain(0);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let mut broken = test_chain.pay(&[&coin], &[5]).0;
    broken.body.outputs.pop();
    let n = test_chain.blocks().len();
    let mut hand = Hand::new(test_chain, n, |_| ());
    for turn in 0..5 {
        hand.join(1 + 100 * turn, inbound);
        hand.say(1 + 100 * turn, &Message::Stem(broken.clone()));
    }
    assert_eq!(hand.closed, [1, 101, 201, 301, 401].map(|peer| (peer, CloseReason::Relayed)));
}

/// A request for all headers from the genesis on.
fn ask_headers(hand: &Hand) -> Message {
    Message::GetHeaders(vec![BlockName::of(&Header::genesis(hand.test_chain.chain()))])
}

/// 44 bytes that ask for many headers are charged for each of them: a peer gets as many as its share pays
/// for, whatever it asks.
#[test]
fn requests_for_headers_are_charged_for_what_they_serve() {
    let mut hand = Hand::new(test_chain(200), 200, |c| c.work = Allowance { rate: 0, burst: 2_000 });
    hand.join(1, inbound);
    let ask = ask_headers(&hand);
    hand.said.clear();
    (0..20).for_each(|_| hand.say(1, &ask));
    // 200 headers of three units each.
    assert_eq!(hand.take(|m| matches!(m, Message::Headers(all) if all.len() == 200)).len(), 3);
    // A new connection of the same machine uses the same share, and one from elsewhere has its own.
    hand.happen(Event::Disconnected(PeerId(1)));
    hand.join(101, inbound);
    hand.join(2, inbound);
    hand.said.clear();
    (0..2).for_each(|_| hand.say(101, &ask));
    (0..2).for_each(|_| hand.say(2, &ask));
    assert_eq!(hand.take(|m| matches!(m, Message::Headers(_))), [2, 2]);
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
}

/// All machines together get one budget, and each its own share, whatever the others ask.
#[test]
fn all_peers_together_have_one_budget() {
    let mut hand = Hand::new(test_chain(200), 200, |c| {
        c.work = Allowance { rate: 0, burst: 100_000 };
        c.work_own = Allowance { rate: 0, burst: 700 };
        c.work_shared = Allowance { rate: 0, burst: 4_000 };
    });
    (1..=10).for_each(|peer| hand.join(peer, inbound));
    let ask = ask_headers(&hand);
    hand.said.clear();
    (1..=9).for_each(|peer| (0..20).for_each(|_| hand.say(peer, &ask)));
    let greedy = hand.take(|m| matches!(m, Message::Headers(_)));
    assert_eq!(greedy.len(), 9 + 6, "a share each, and what the budget has: {greedy:?}");
    hand.say(10, &ask);
    assert_eq!(hand.take(|m| matches!(m, Message::Headers(_))), [10]);
    assert!(hand.closed.is_empty(), "no peer is blamed: {:?}", hand.closed);
}

/// Blocks are sent as they are stored: what another node takes is what this one was given.
#[test]
fn a_block_is_served_as_it_is_stored() {
    let mut hand = Hand::new(test_chain(6), 6, |_| ());
    hand.join(1, inbound);
    for n in 0..6 {
        hand.said.clear();
        hand.say(1, &Message::GetBlock(hand.name(n)));
        assert_eq!(hand.said, [(1, hand.block_message(n))]);
    }
}

/// A transaction of inputs that do not exist, under an invented fee.
fn absent(n: u64, inputs: u64) -> Transaction {
    let blinding = SecretScalar::from(Scalar::from(7u64));
    let inputs = (0..inputs).map(|i| Commitment::new(Amount::new(i + 1), &blinding)).collect();
    let features =
        KernelFeatures::Plain { fee: Amount::new(100_000_000_000 + n), not_after: Height::new(20) };
    let signature = Signature::from_parts(Point::g(), Scalar::ONE);
    let kernel = Kernel { features, excess: Excess::from_point(Point::g()), signature };
    Transaction { offset: Scalar::ZERO, body: Body::sorted(inputs, vec![], vec![kernel]) }
}

/// Transactions that were asked for are decoded within the budget only, and what is over it blames no peer.
#[test]
fn what_was_asked_for_is_charged() {
    let mut hand = Hand::new(test_chain(3), 3, |_| ());
    hand.join(1, inbound);
    let first = absent(0, 4_900);
    let all: Vec<Transaction> = (0..60)
        .map(|n| {
            let mut t = first.clone();
            t.body.kernels[0].features =
                KernelFeatures::Plain { fee: Amount::new(100_000_000_000 + n), not_after: Height::new(20) };
            t
        })
        .collect();
    hand.say(1, &Message::Announce(all.iter().map(transaction_id).collect()));
    hand.begun = 0;
    all.iter().for_each(|t| hand.say(1, &Message::Transaction(t.clone())));
    // Its burst of 200,000 units, at three times 4,900 units each.
    assert_eq!(hand.begun, 13, "decoded");
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
    // Stems, which come unasked, are charged likewise.
    hand.join(2, inbound);
    hand.begun = 0;
    all.iter().for_each(|t| hand.say(2, &Message::Stem(t.clone())));
    assert_eq!(hand.begun, 13);
    assert!(hand.banned(2, Offence::Flood));
}

/// Each of them is a demerit: no ban by itself, but less room for what is the sender's own fault.
#[test]
fn absent_inputs_are_a_demerit() {
    for demerits in [0, 20] {
        let mut hand = Hand::new(test_chain(3), 3, |_| ());
        (1..=2).for_each(|peer| hand.join(peer, inbound));
        (0..demerits).for_each(|n| assert!(hand.give(1, &absent(n, 1)), "it is asked for"));
        (0..demerits).for_each(|n| hand.say(2, &Message::Stem(absent(100 + n, 1))));
        assert!(hand.closed.is_empty(), "{:?}", hand.closed);
        for peer in 1..=2 {
            (0..4).for_each(|_| hand.say(peer, &Message::NotFound(hand.name(2))));
            assert_eq!(hand.banned(peer, Offence::Unasked), demerits > 0, "{:?}", hand.closed);
        }
    }
}

/// A transaction that is heavier than any block has room for is refused by its counts, before a point is
/// decoded.
#[test]
fn what_is_too_heavy_is_not_decoded() {
    let test_chain = TestChain::with(31, |p| {
        (p.window_width, p.window_grid, p.reorganisation, p.max_weight) = (400, 20, 100, 300);
    });
    let mut hand = Hand::new(test_chain, 0, |_| ());
    hand.join(1, inbound);
    hand.begun = 0;
    hand.say(1, &Message::Stem(absent(0, 4_900)));
    assert_eq!((hand.begun, &hand.closed[..]), (0, &[(1, CloseReason::Relayed)][..]));
}

/// An open question exempts its first answer, and nothing else: neither another block nor a second copy, nor
/// more bytes than the answer may have.
#[test]
fn an_open_question_exempts_its_answer_alone() {
    let test_chain = test_chain(6);
    let frame = |n: usize| Message::Compact(Compact::of(&test_chain.blocks()[n], 1).unwrap());
    // A hello, a tip, and one compact block.
    let tip = Message::Tip(SealedHeader::of(&test_chain.blocks()[3]));
    let tip = continuing(&tip.to_bytes(), test_chain.blocks()[2].header.hash()).unwrap();
    let burst = 1 + tip + price(&frame(4).to_bytes()) + 10;
    let mut hand = Hand::new(test_chain.clone(), 3, |c| c.work = Allowance { rate: 0, burst });
    hand.join(1, inbound);
    hand.say(1, &hand.tip_message(3));
    assert_eq!(hand.asked(), [1]);
    let mut large = Compact::of(hand.block(3), 1).unwrap();
    large.body.inputs = vec![large.body.reward.output.commitment; 30_000];
    hand.begun = 0;
    hand.say(1, &Message::Compact(large));
    assert_eq!(hand.begun, 0, "more than any block holds");
    (0..2).for_each(|_| hand.say(1, &frame(4)));
    assert_eq!(hand.begun, 1, "another block is charged");
    hand.held = Some(Vec::new());
    (0..2).for_each(|_| hand.say(1, &frame(3)));
    assert_eq!(hand.begun, 2, "what was asked for is not, and a second copy is, while the first is decoded");
    hand.work();
    assert_eq!(hand.height(), 4);
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
}

/// True headers of our own chain, in answer to each question for new ones, are compared and not verified
/// again: even under other seals they say nothing, and who answers so is not asked for ever.
#[test]
fn old_headers_cost_no_signature() {
    let mut hand = Hand::new(test_chain(60), 59, |_| ());
    hand.join(1, inbound);
    let seal = &hand.block(0).seal;
    let old: Vec<SealedHeader> =
        (1..50).map(|n| SealedHeader { header: hand.block(n).header.clone(), seal: seal.clone() }).collect();
    // It shows the tip of a chain that goes on, and never what leads there.
    let mut header = hand.block(59).header.clone();
    let tip = hand.after(&mut header);
    let mut asked = 0;
    for _ in 0..20 {
        hand.say(1, &Message::Tip(tip.clone()));
        while !hand.asked_headers().is_empty() && asked < 1_000 {
            asked += 1;
            hand.say(1, &Message::Headers(old.clone()));
        }
    }
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
    assert!((1..=20).contains(&asked), "once for each tip that is shown: {asked}");
}

/// A branch whose third block breaks a rule is refused for that block alone: the two before it are part of a
/// better branch that comes after.
#[test]
fn sound_blocks_of_a_refused_branch_are_followed_later() {
    let ours = {
        let mut test_chain = test_chain(3);
        (0..3).for_each(|_| drop(test_chain.grow(Vec::new())));
        test_chain
    };
    let mut theirs = test_chain(3);
    // Another coin each time from here on.
    drop(theirs.secret());
    (0..6).for_each(|_| drop(theirs.grow(Vec::new())));
    assert!(theirs.blocks()[2] == ours.blocks()[2] && theirs.blocks()[3] != ours.blocks()[3]);
    let key = sotto_node::seal::OperatorKey::from_secret(theirs.operator().clone());
    let mut hand = Hand::new(ours, 6, |_| ());
    hand.join(1, inbound);
    // Blocks 4 to 7, the last of which has a wrong root under the operator's own seal.
    let mut broken = theirs.blocks()[6].clone();
    broken.header.kernel_root = broken.header.output_root;
    broken.seal = key.seal(theirs.chain().id(), &broken.header, &mut hand.rng).into();
    let good = theirs.blocks()[3..6].to_vec();
    let mut give = |branch: Vec<Block>| {
        let last = branch.last().unwrap();
        hand.say(1, &Message::Tip(SealedHeader::of(last)));
        for _ in 0..20 {
            if !hand.asked_headers().is_empty() {
                hand.say(1, &Message::Headers(branch.iter().map(SealedHeader::of).collect()));
            }
            let names = hand.said.iter().filter_map(|(_, m)| match m {
                Message::GetBlock(name) | Message::GetCompact(name) => Some(*name),
                _ => None,
            });
            let names: Vec<BlockName> = names.collect();
            hand.said.clear();
            for block in branch.iter().filter(|b| names.contains(&BlockName::of(&b.header))) {
                let (sealed, body) = (SealedHeader::of(block), block.body.to_bytes());
                hand.say(1, &Message::Block { sealed, body });
            }
            hand.pass(SECOND / 2);
        }
        (hand.node.ledger().tip().clone(), hand.notes.drain(..).collect::<Vec<LogEvent>>())
    };
    let (tip, notes) = give([&good[..], &[broken.clone()]].concat());
    let refused =
        |n: &LogEvent| matches!(n, LogEvent::InvalidBlock(name, _) if *name == BlockName::of(&broken.header));
    assert!(tip.height.get() == 6 && notes.iter().any(refused), "{notes:?}");
    let (tip, notes) = give(theirs.blocks()[3..8].to_vec());
    assert_eq!(tip, theirs.blocks()[7].header, "{notes:?}");
    assert!(hand.closed.is_empty(), "{:?}", hand.closed);
}

/// A verdict is held against the state of the time at which it comes back: what a block has spent meanwhile
/// enters neither mempool nor stempool, and blames no peer.
#[test]
fn a_verdict_is_judged_against_the_state_of_now() {
    for stem in [false, true] {
        let mut test_chain = test_chain(0);
        let coins: Vec<Owned> = (0..2).map(|_| test_chain.grow(Vec::new())).collect();
        test_chain.mature();
        let (late, spent) = (test_chain.pay(&[&coins[0]], &[5]).0, test_chain.pay(&[&coins[0]], &[6]).0);
        let sound = test_chain.pay(&[&coins[1]], &[7]).0;
        let n = test_chain.blocks().len();
        test_chain.grow(vec![spent]);
        let mut hand = Hand::new(test_chain, n, stems);
        hand.join(2, Direction::Outbound);
        hand.join(1, inbound);
        hand.held = Some(Vec::new());
        for t in [&late, &sound] {
            if stem {
                hand.say(1, &Message::Stem(t.clone()));
            } else {
                hand.say(1, &Message::Announce(vec![transaction_id(t)]));
                hand.say(1, &Message::Transaction(t.clone()));
            }
        }
        // Both are decoded, look well, and wait for their proofs.
        let decoded = core::mem::take(hand.held.as_mut().unwrap());
        decoded.into_iter().for_each(|(ticket, work)| hand.happen(Event::Verified(ticket, work.run())));
        assert_eq!(hand.held.as_ref().unwrap().len(), 2);
        let proofs = hand.held.take();
        hand.say(1, &hand.tip_message(n));
        hand.say(1, &hand.block_message(n));
        assert_eq!(hand.height(), n + 1);
        hand.held = proofs;
        hand.work();
        assert!(!hand.pending(&late) && hand.pending(&sound) != stem);
        assert_eq!(hand.node.usage().stems, usize::from(stem));
        assert!(hand.closed.is_empty() && hand.node.usage().verifying == 0, "{:?}", hand.closed);
        // A ticket counts once.
        hand.happen(Event::Verified(Ticket(0), Verdict::Decoded(Ok(Box::new(Message::Ping(1))))));
        assert!(hand.take(|m| matches!(m, Message::Pong(1))).is_empty());
    }
}
