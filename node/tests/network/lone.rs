//! One node, and peers that say what the test tells them to: what it makes of each message, and whom it tells
//! what.

mod operating;

use core::{net::SocketAddr, time::Duration};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    aggregate::aggregate,
    block::Block,
    codec::Encode,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::{
    codec::transaction_id,
    config::Config,
    effect::{Effect, FileWrite, LogEvent, Refusal, Response},
    engine::Node,
    event::{Event, Request, RequestId},
    ledger::{Ledger, mempool::MempoolLimits},
    message::{BlockName, Hello, Message, compact::Compact, rules},
    peer::{Address, CloseReason, DialError, Direction, Offence, PeerId, PeerKey},
    seal::SealedHeader,
    storage::{Layout, Memory, Store},
    token_bucket::Allowance,
};
use std::collections::VecDeque;

const SECOND: Duration = Duration::from_secs(1);

/// The node, and what has come of it so far.
struct Lone {
    node: Node<Memory>,
    rng: ChaCha20Rng,
    now: Duration,
    /// Whether its folder cannot be written.
    full: bool,
    kept: Option<Vec<u8>>,
    /// What was written to it.
    writes: Vec<FileWrite>,
    /// Damaged files that were kept.
    set_aside: Vec<Vec<u8>>,
    said: Vec<(PeerId, Message)>,
    answers: Vec<Response>,
    closed: Vec<(PeerId, CloseReason)>,
    notes: Vec<LogEvent>,
}

impl Lone {
    fn new(toy: &TestChain, edit: impl Fn(&mut Config)) -> Self {
        let layout = Layout { segment_bytes: 1 << 20, ..Layout::in_memory() };
        let store = Store::create_on(Memory::new(), layout, toy.chain().params().clone()).unwrap();
        let mut config = Config::new(PeerKey([99; 32]));
        // One in twenty nodes ends all stems at once; with this seed this one does not.
        config.dandelion = sotto_dandelion::Params::new(0.05, SECOND / 100, 0.1, 60 * SECOND).unwrap();
        edit(&mut config);
        let mut ledger = Ledger::over(store, config.mempool).unwrap();
        toy.blocks().iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let node = Node::new(config, ledger, None, None, &mut rng);
        let (said, answers, closed, notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (writes, set_aside) = (Vec::new(), Vec::new());
        Self {
            node,
            rng,
            now: Duration::ZERO,
            full: false,
            kept: None,
            writes,
            set_aside,
            said,
            answers,
            closed,
            notes,
        }
    }

    fn happens(&mut self, event: Event) {
        let mut next = VecDeque::from([event]);
        while let Some(event) = next.pop_front() {
            for effect in self.node.step(self.now, &mut self.rng, event) {
                match effect {
                    Effect::Send(peer, Message::Ping(nonce)) => {
                        next.push_back(Event::Frame { peer, bytes: Message::Pong(nonce).to_bytes() });
                    }
                    Effect::Send(peer, message) => self.said.push((peer, message)),
                    Effect::Respond(_, answer) => self.answers.push(*answer),
                    Effect::SaveLocalTxs(_) if self.full => next.push_back(Event::LocalTxsNotSaved),
                    Effect::SaveLocalTxs(own) => {
                        self.writes.push(own.clone());
                        own.apply(self.kept.get_or_insert_default());
                        next.push_back(Event::LocalTxsSaved);
                    }
                    Effect::Close(peer, why) => self.closed.push((peer, why)),
                    Effect::SetAsideLocalTxs(damaged) => self.set_aside.push(damaged),
                    Effect::Log(note) => self.notes.push(note),
                    Effect::Dial(_) | Effect::SaveAddrBook(_) | Effect::Stop => {}
                }
            }
        }
    }

    /// A peer that has said hello, as the first that the node chose if it did.
    fn meet(&mut self, toy: &TestChain, n: u8, chosen: bool) -> PeerId {
        let (peer, key) = (PeerId(n.into()), PeerKey([n; 32]));
        let at = SocketAddr::from(([10, n, 0, 1], 4_000));
        let direction =
            if chosen { Direction::Outbound(Address { at, key }) } else { Direction::Inbound(at) };
        self.happens(Event::Connected { peer, key, direction });
        let hello = Hello { chain: *toy.chain().id(), rules: rules(), listen_port: None };
        self.hear(peer, &Message::Hello(hello));
        peer
    }

    fn hear(&mut self, peer: PeerId, message: &Message) {
        self.happens(Event::Frame { peer, bytes: message.to_bytes() });
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += SECOND / 2;
            self.happens(Event::Tick);
        }
    }

    fn submit(&mut self, t: &Transaction) -> Response {
        self.happens(Event::Request { id: RequestId(1), request: Request::Submit(Box::new(t.clone())) });
        self.answers.pop().unwrap()
    }

    /// A peer offers a transaction, and hands it out when it is asked for.
    fn give(&mut self, peer: PeerId, t: &Transaction) -> bool {
        let id = transaction_id(t);
        self.hear(peer, &Message::Announce(vec![id]));
        let asked = self.asked_of(&id).contains(&peer);
        if asked {
            self.hear(peer, &Message::Transaction(t.clone()));
        }
        asked
    }

    /// Who was asked for a transaction, in order.
    fn asked_of(&self, id: &sotto_mw::hash::Hash) -> Vec<PeerId> {
        let asks = |m: &Message| matches!(m, Message::GetTransactions(ids) if ids.contains(id));
        self.said.iter().filter(|(_, m)| asks(m)).map(|(peer, _)| *peer).collect()
    }

    /// The peers that a transaction was stemmed to by itself.
    fn whispers(&self, t: &Transaction) -> Vec<PeerId> {
        let is = |m: &Message| matches!(m, Message::Stem(whispered) if whispered == t);
        self.said.iter().filter(|(_, m)| is(m)).map(|(peer, _)| *peer).collect()
    }

    /// The next block comes from a peer.
    fn take(&mut self, peer: PeerId, block: &Block) {
        let sealed = SealedHeader::of(block);
        self.hear(peer, &Message::Tip(sealed));
        self.hear(peer, &Message::Compact(Compact::of(block, 7).unwrap()));
        let items = self.said.iter().rev().find_map(|(_, m)| match m {
            Message::GetItems { block, outputs, kernels } => Some((*block, outputs.clone(), kernels.clone())),
            _ => None,
        });
        let name = BlockName::of(&block.header);
        if let Some((_, outputs, kernels)) = items.filter(|(asked, ..)| *asked == name) {
            let (outputs, kernels) =
                sotto_node::message::compact::items(&block.body, &outputs, &kernels).unwrap();
            self.hear(peer, &Message::Items { block: name, outputs, kernels });
        }
        assert_eq!(self.node.ledger().tip(), &block.header);
    }

    fn pending(&self, t: &Transaction) -> bool {
        self.node.ledger().mempool().get(&transaction_id(t)).is_some()
    }
}

/// A chain with coins to spend.
fn toy(coins: usize) -> (TestChain, Vec<Owned>) {
    let mut toy = TestChain::with(17, |p| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100));
    let coins = (0..coins).map(|_| toy.grow(Vec::new())).collect();
    toy.mature();
    (toy, coins)
}

/// What cannot be kept is refused before anybody hears of it, and is not sent later either.
#[test]
fn a_full_disk_takes_nothing_in() {
    let (mut toy, coins) = toy(1);
    let (t, _) = toy.pay(&[&coins[0]], &[5]);
    let mut lone = Lone::new(&toy, |_| ());
    let relay = lone.meet(&toy, 1, true);
    lone.full = true;
    let answer = lone.submit(&t);
    assert!(matches!(answer, Response::Refused(Refusal::NotSaved)), "{answer:?}");
    lone.run(600 * SECOND);
    assert!(lone.whispers(&t).is_empty() && !lone.pending(&t) && lone.node.usage().stems == 0);
    assert!(lone.said.iter().all(|(_, m)| !matches!(m, Message::Announce(_))));
    lone.full = false;
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    assert_eq!(lone.whispers(&t), [relay]);
    // The next run knows what was saved, and stems it to the peers that it meets.
    let mut next = Lone::new(&toy, |_| ());
    next.happens(Event::LocalTxsLoaded(lone.kept.unwrap()));
    let other = next.meet(&toy, 2, true);
    assert_eq!(next.whispers(&t), [other]);
}

/// A node that nobody whom it could choose ever answered tells its payment to those who came, an embargo
/// later; one that had a relay once does not, whoever keeps it from all others.
#[test]
fn who_cuts_a_node_off_does_not_hear_its_payments() {
    for had_relay in [false, true] {
        let (mut toy, coins) = toy(1);
        let (t, _) = toy.pay(&[&coins[0]], &[5]);
        let mut lone = Lone::new(&toy, |c| c.idle_timeout = 100_000 * SECOND);
        if had_relay {
            let relay = lone.meet(&toy, 1, true);
            lone.happens(Event::Disconnected(relay));
        }
        lone.meet(&toy, 2, false);
        assert!(matches!(lone.submit(&t), Response::Submitted(_)));
        lone.run(SECOND);
        assert!(!lone.pending(&t), "nobody is told at once");
        lone.run(2_000 * SECOND);
        let offered = lone.said.iter().any(|(_, m)| matches!(m, Message::Announce(_)));
        assert_eq!((lone.pending(&t), offered), (!had_relay, !had_relay));
        assert!(lone.whispers(&t).is_empty(), "who came is no relay");
    }
}

/// A payment that became public joined with another, which then is sealed alone: it is whispered again, a
/// while later, told to nobody else, and kept meanwhile.
#[test]
fn a_payment_that_fell_with_another_is_whispered_again() {
    let (mut toy, coins) = toy(2);
    let (ours, _) = toy.pay(&[&coins[0]], &[5]);
    let (theirs, _) = toy.pay(&[&coins[1]], &[6]);
    let joined = aggregate([ours.clone(), theirs.clone()]).unwrap();
    let mut lone = Lone::new(&toy, |_| ());
    let (relay, other) = (lone.meet(&toy, 1, true), lone.meet(&toy, 2, false));
    assert!(matches!(lone.submit(&ours), Response::Submitted(_)));
    assert_eq!(lone.whispers(&ours), [relay]);
    assert!(lone.give(other, &joined) && lone.pending(&joined));
    assert_eq!(lone.node.usage().stems, 0);
    lone.run(40 * SECOND);
    toy.grow(vec![theirs]);
    lone.take(other, toy.blocks().last().unwrap());
    assert!(lone.node.ledger().mempool().is_empty(), "what was joined is impossible");
    assert_eq!(lone.whispers(&ours).len(), 1, "whoever answered at once would be its maker");
    let kept = lone.kept.clone().unwrap();
    for _ in 0..1_000 {
        lone.run(SECOND);
        if lone.whispers(&ours).len() > 1 {
            break;
        }
    }
    assert_eq!(lone.whispers(&ours), [relay, relay]);
    let told = |m: &Message| matches!(m, Message::Announce(ids) if ids.contains(&transaction_id(&ours)));
    assert!(!lone.said.iter().any(|(_, m)| told(m)), "nobody is told before it is public");
    // So does a node that was switched off in between.
    let mut next = Lone::new(&toy, |_| ());
    next.happens(Event::LocalTxsLoaded(kept));
    let relay = next.meet(&toy, 3, true);
    assert_eq!(next.whispers(&ours), [relay]);
    // Once it is sealed, nothing is kept of it.
    toy.grow(vec![ours.clone()]);
    lone.take(other, toy.blocks().last().unwrap());
    lone.run(40 * SECOND);
    let mut next = Lone::new(&toy, |_| ());
    next.happens(Event::LocalTxsLoaded(lone.kept.unwrap()));
    next.meet(&toy, 3, true);
    next.run(600 * SECOND);
    assert!(next.whispers(&ours).is_empty() && !next.pending(&ours));
}

/// The mempool has no room when the embargo ends: the payment is kept, and fluffed when there is room.
#[test]
fn a_payment_that_found_no_room_is_told_when_there_is_some() {
    let (mut toy, coins) = toy(3);
    let least = toy.least_fee(1, 1, 1).units();
    let mut pay = |coin: &Owned, fee: u64| {
        let output = toy.output(coin.opening.amount.units() - fee);
        let kernel = toy.plain(sotto_mw::amount::Amount::new(fee));
        toy.transaction(&[coin], &[&output], &[kernel])
    };
    let (poor, rich) = (pay(&coins[0], least), [pay(&coins[1], 3 * least), pay(&coins[2], 2 * least)]);
    let mut lone = Lone::new(&toy, |c| c.mempool = MempoolLimits { transactions: 2, weight: 10_000 });
    let (_, other) = (lone.meet(&toy, 1, true), lone.meet(&toy, 2, false));
    assert!(matches!(lone.submit(&poor), Response::Submitted(_)));
    assert!(rich.iter().all(|t| lone.give(other, t)));
    lone.run(2_000 * SECOND);
    assert!(lone.notes.iter().any(|n| matches!(n, LogEvent::NotFluffed(_))) && !lone.pending(&poor));
    toy.grow(rich.to_vec());
    lone.take(other, toy.blocks().last().unwrap());
    lone.run(4_000 * SECOND);
    assert!(lone.pending(&poor));
}

/// A payment that no block can have any more is forgotten.
#[test]
fn a_payment_whose_window_is_over_is_forgotten() {
    let mut toy = TestChain::with(18, |p| (p.window_width, p.window_grid, p.reorganisation) = (40, 20, 10));
    let coin = toy.grow(Vec::new());
    toy.mature();
    let (t, _) = toy.pay(&[&coin], &[5]);
    let (rival, _) = toy.pay(&[&coin], &[6]);
    let mut lone = Lone::new(&toy, |_| ());
    let other = lone.meet(&toy, 2, false);
    assert!(matches!(lone.submit(&t), Response::Submitted(_)));
    toy.grow(vec![rival]);
    lone.take(other, toy.blocks().last().unwrap());
    let dropped = |lone: &Lone| lone.notes.iter().any(|n| matches!(n, LogEvent::Dropped(_)));
    for _ in 0..60 {
        toy.grow(Vec::new());
        lone.take(other, toy.blocks().last().unwrap());
        lone.run(SECOND);
    }
    assert!(dropped(&lone));
    lone.run(40 * SECOND);
    let mut next = Lone::new(&toy, |_| ());
    next.happens(Event::LocalTxsLoaded(lone.kept.unwrap()));
    assert!(!dropped(&next), "it is not even kept");
}

/// Five peers offer a transaction first and stay silent, and ten fill all their lists with what does not
/// exist.
#[test]
fn nobody_keeps_a_transaction_from_a_node() {
    let (mut toy, coins) = toy(1);
    let (t, _) = toy.pay(&[&coins[0]], &[5]);
    let id = transaction_id(&t);
    let mut lone = Lone::new(&toy, |_| ());
    let silent: Vec<PeerId> = (1..=5).map(|n| lone.meet(&toy, n, false)).collect();
    for n in 10..20 {
        let liar = lone.meet(&toy, n, false);
        for chunk in 0..20u8 {
            let ids = (0..500u16).map(|i| {
                let mut bytes = [n; 32];
                bytes[..3].copy_from_slice(&[chunk, i as u8, (i >> 8) as u8]);
                sotto_mw::hash::Hash::from_bytes(bytes)
            });
            lone.hear(liar, &Message::Announce(ids.collect()));
        }
    }
    silent.iter().for_each(|p| lone.hear(*p, &Message::Announce(vec![id])));
    let honest = lone.meet(&toy, 6, false);
    lone.hear(honest, &Message::Announce(vec![id]));
    lone.run(11 * SECOND);
    assert_eq!(lone.asked_of(&id).last(), Some(&honest), "{:?}", lone.asked_of(&id));
    lone.hear(honest, &Message::Transaction(t.clone()));
    assert!(lone.pending(&t) && lone.closed.is_empty());
}

/// Who hands out what it is asked for has caused nothing, however much that is.
#[test]
fn an_answer_is_no_flood() {
    let (mut toy, coins) = toy(6);
    let none = Allowance { rate: 0, burst: 0 };
    let mut lone = Lone::new(&toy, |c| c.work = none);
    let peer = lone.meet(&toy, 1, false);
    for coin in &coins {
        let (t, _) = toy.pay(&[coin], &[5]);
        assert!(lone.give(peer, &t) && lone.pending(&t));
    }
    assert!(lone.closed.is_empty());
}

/// A message without a request is not decoded beyond its sender's allowance: what would be garbage is a
/// flood.
#[test]
fn unasked_work_is_metered_before_it_is_done() {
    let (toy, _) = toy(0);
    for kind in [5, 8, 9, 13, 15] {
        let mut lone = Lone::new(&toy, |c| c.work = Allowance { rate: 0, burst: 10 });
        let peer = lone.meet(&toy, 1, false);
        let mut garbage = vec![0xff; 40_000];
        garbage[..2].copy_from_slice(&[Message::Ping(0).to_bytes()[0], kind]);
        (0..9).for_each(|_| lone.happens(Event::Frame { peer, bytes: garbage.clone() }));
        assert!(lone.closed.is_empty(), "kind {kind}: {:?}", lone.closed);
        (0..9).for_each(|_| lone.happens(Event::Frame { peer, bytes: garbage.clone() }));
        assert!(matches!(lone.closed[..], [(_, CloseReason::Banned(Offence::Flood))]), "{:?}", lone.closed);
    }
}

/// One peer's many stems of one coin end, not those of another.
#[test]
fn who_whispers_most_gives_way() {
    let (mut toy, coins) = toy(2);
    let rivals: Vec<Transaction> = (5..9).map(|n| toy.pay(&[&coins[0]], &[n]).0).collect();
    let (t, _) = toy.pay(&[&coins[1]], &[5]);
    let mut lone = Lone::new(&toy, |c| c.stempool = MempoolLimits { transactions: 3, weight: 10_000 });
    let relay = lone.meet(&toy, 1, true);
    let (hog, honest) = (lone.meet(&toy, 2, false), lone.meet(&toy, 3, false));
    rivals.iter().take(3).for_each(|t| lone.hear(hog, &Message::Stem(t.clone())));
    assert_eq!(lone.node.usage().stems, 3, "and none is public");
    lone.hear(honest, &Message::Stem(t.clone()));
    assert!(!lone.pending(&t) && lone.pending(&rivals[2]), "the last of the hog's gives way");
    lone.hear(relay, &Message::Stem(rivals[3].clone()));
    assert!(lone.node.usage().stems <= 3 && !lone.pending(&t));
}
