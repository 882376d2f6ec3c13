//! Requests that auditors handed out: what a node keeps, gives on and asks for, and what it refuses.

use crate::{
    hand::{Hand, SECOND},
    requests::Requests,
};
use sotto_audit::{Charter, CharterTerms, OpenedRequest, RequestFault};
use sotto_mw::{hash::tagged, testing::TestChain};
use sotto_node::{
    effect::{Refusal, Response},
    event::Request,
    ledger::{
        Ledger,
        mempool::MempoolLimits,
        opened::OpenedRequests,
        opening::{OpenRefused, kept},
    },
    message::{
        Message,
        opened::{OpenedEntry, OpenedPlace},
    },
    peer::{CloseReason, Offence},
    storage::{FileName, Store},
    token_bucket::Allowance,
};

use crate::world::layout;

impl Hand {
    /// What peers were sent of requests since this was asked last.
    fn sent(&mut self) -> Vec<(u64, Message)> {
        let all = core::mem::take(&mut self.said).into_iter();
        let of_them = |m: &Message| {
            use Message::{GetOpened, GetRequest, Opened, Request};
            matches!(m, GetOpened(_) | Opened(_) | GetRequest(_) | Request(_))
        };
        all.filter(|(_, m)| of_them(m)).collect()
    }

    fn keeps(&self) -> usize {
        kept(self.node.ledger()).len()
    }

    fn open(&mut self, opened: &OpenedRequest) -> Response {
        self.ask(Request::OpenRequest(Box::new(opened.clone())))
    }

    fn refuses(&mut self, opened: &OpenedRequest) -> RequestFault {
        match self.open(opened) {
            Response::Refused(Refusal::Request(OpenRefused::Request(fault))) => fault,
            other => panic!("{other:?}"),
        }
    }

    fn entry(&self, opened: &OpenedRequest) -> OpenedEntry {
        let chain = self.test_chain.chain().id();
        let is_notice =
            |b: &&sotto_mw::block::Block| b.body.kernels.iter().any(|k| opened.letter.is_notice(chain, k));
        let height = self.test_chain.blocks().iter().find(is_notice).unwrap().header.height;
        let place = OpenedPlace { height, name: opened.letter.request().name(chain) };
        OpenedEntry { place, recorded: opened.letter.record().is_some() }
    }
}

fn sends(opened: &OpenedRequest) -> Message {
    Message::Request(Box::new(opened.clone()))
}

#[test]
fn a_request_is_kept_and_given_to_peers_that_ask() {
    let mut requests = Requests::new(1);
    let opened = requests.public(1).remove(0);
    let mut hand = Hand::lone(&requests.test_chain, |_| ());
    let entry = hand.entry(&opened);
    for peer in [1, 2] {
        hand.meet(peer, false);
        assert_eq!(hand.sent(), [(peer, Message::GetOpened(OpenedPlace::FIRST))]);
    }
    // Peer 1 has it: it is asked for it once, and peer 2 hears of it.
    hand.say(1, &Message::Opened(vec![entry, entry]));
    assert_eq!(hand.sent(), [(1, Message::GetRequest(entry.place))]);
    hand.say(1, &sends(&opened));
    assert_eq!(hand.sent(), [(2, Message::Opened(vec![entry]))]);
    hand.say(2, &Message::Opened(vec![entry]));
    assert_eq!(hand.sent(), [], "it is known");
    // Peers and programs that ask get it, and one that knows it gets no more.
    hand.say(2, &Message::GetOpened(OpenedPlace::FIRST));
    hand.say(2, &Message::GetOpened(entry.place));
    hand.say(2, &Message::GetRequest(entry.place));
    hand.say(2, &Message::GetRequest(OpenedPlace::FIRST));
    let opened_by = |all| (2, Message::Opened(all));
    assert_eq!(hand.sent(), [opened_by(vec![entry]), opened_by(vec![]), (2, sends(&opened))]);
    let Response::Opened(all) = hand.ask(Request::Opened(OpenedPlace::FIRST)) else { panic!("no requests") };
    assert_eq!((all.len(), &all[0].request, all[0].height), (1, &opened, entry.place.height));
    assert!(matches!(hand.ask(Request::Opened(entry.place)), Response::Opened(all) if all.is_empty()));
    // It is on disk, and there when the ledger is opened again; a damaged file is set aside.
    let bytes = hand.files.bytes(FileName::Requests).unwrap();
    let read = OpenedRequests::from_file(&bytes).unwrap();
    assert_eq!((&read.0, &read.1), (requests.test_chain.chain().id(), kept(hand.node.ledger())));
    let files = hand.files.clone();
    drop(hand);
    let again =
        |files| Ledger::over(Store::open_on(files, layout()).unwrap(), MempoolLimits::default()).unwrap();
    assert_eq!(kept(&again(files.clone())), &read.1);
    for at in [0, 40, bytes.len() / 2, bytes.len() - 1] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(OpenedRequests::from_file(&bytes).is_err(), "{at}");
        files.set(FileName::Requests, bytes.clone());
        let ledger = again(files.clone());
        assert!(kept(&ledger).is_empty() && ledger.opened().requests_set_aside);
        assert_eq!(files.bytes(FileName::RequestsDamaged), Some(bytes));
    }
}

#[test]
fn what_authorities_did_not_allow_or_nobody_can_see_is_refused() {
    let mut requests = Requests::new(3);
    let (allowed, asked) = (requests.allowed(1), requests.asked(2));
    let letters = [allowed.clone(), asked].map(|letter| requests.noticed(letter));
    let other = requests.noticed(requests.allowed(3));
    requests.grow(1);
    let [good, unsigned] = letters.map(|letter| requests.opened(&letter));
    let (bare, chain) = (requests.opened(&allowed), requests.test_chain.clone());
    let mut hand = Hand::lone(&chain, |_| ());
    assert_eq!(hand.refuses(&unsigned), RequestFault::Unauthorised { found: 0, needed: 1 });
    assert_eq!(hand.refuses(&bare), RequestFault::NoNotice);
    let foreign = requests.opened(&allowed.clone().noticed(*other.notice().unwrap()));
    assert_eq!(hand.refuses(&foreign), RequestFault::NoNotice, "the notice of another request");
    let reward = chain.blocks()[0].body.kernels[0].excess;
    assert_eq!(hand.refuses(&requests.opened(&allowed.noticed(reward))), RequestFault::NoNotice);
    // Under a charter that asks for less, which the genesis does not name.
    let terms = CharterTerms { delay: 0, ..*requests.charter.terms() };
    let key = requests.charter.auditors().key;
    let lax = Charter::new(key, requests.charter.authorities().to_vec(), terms, "").unwrap();
    let under_lax = OpenedRequest { charter: lax, letter: good.letter.clone() };
    assert_eq!(hand.refuses(&under_lax), RequestFault::OtherCharter);
    // The delay of the last one is not over, and those before it are public.
    let early = requests.opened(&other);
    let height = hand.entry(&early).place.height;
    let expected = RequestFault::TooEarly { height, depth: 2, at: height.plus(2) };
    assert_eq!(hand.refuses(&early), expected);
    assert_eq!(hand.keeps(), 0);
    assert!(hand.files.bytes(FileName::Requests).is_none());
    assert!(matches!(hand.open(&good), Response::Done) && hand.keeps() == 1);
    assert!(matches!(hand.open(&good), Response::Done) && hand.keeps() == 1, "once");
    // A peer that sends what no chain makes good is to blame; one whose chain is ahead is asked again.
    hand.meet(1, false);
    hand.meet(2, false);
    hand.sent();
    hand.say(1, &sends(&unsigned));
    assert_eq!(hand.closed, [(1, CloseReason::Banned(Offence::Invalid))]);
    hand.say(2, &Message::Opened(vec![hand.entry(&early)]));
    hand.say(2, &sends(&early));
    let asks = (2, Message::GetRequest(hand.entry(&early).place));
    assert_eq!(hand.sent(), std::slice::from_ref(&asks));
    requests.grow(1);
    hand.test_chain = requests.test_chain.clone();
    let block = requests.test_chain.blocks().last().unwrap().clone();
    hand.receive(2, &block);
    assert_eq!(hand.sent(), [asks], "once the chain has grown");
    hand.say(2, &sends(&early));
    assert_eq!((hand.keeps(), hand.closed.len()), (2, 1));
}

#[test]
fn a_record_of_answers_is_added_once_and_only_if_it_is_on_record() {
    let mut requests = Requests::new(2);
    let opened = requests.public(1).remove(0);
    let before = requests.test_chain.clone();
    let recorded = requests.recorded(opened.letter.clone());
    let recorded = requests.opened(&recorded);
    // Where its notice is not in the chain yet, it is not kept; nor is a record without any notice.
    let mut hand = Hand::lone(&before, |_| ());
    assert_eq!(hand.refuses(&recorded), RequestFault::NoRecord);
    let record = recorded.letter.record().unwrap().clone();
    let unnoticed = requests.opened(&opened.letter.clone().answered(record).unwrap());
    assert!(matches!(hand.open(&unnoticed), Response::Done));
    assert!(
        matches!(&hand.ask(Request::Opened(OpenedPlace::FIRST)), Response::Opened(all) if all[0].request == opened)
    );
    // Where it is, it takes the place of the one without, and not the reverse.
    let mut hand = Hand::lone(&requests.test_chain, |_| ());
    hand.meet(1, false);
    hand.open(&opened);
    hand.sent();
    hand.say(1, &Message::Opened(vec![hand.entry(&opened)]));
    assert_eq!(hand.sent(), []);
    let entry = hand.entry(&recorded);
    hand.say(1, &Message::Opened(vec![entry]));
    assert_eq!(hand.sent(), [(1, Message::GetRequest(entry.place))]);
    for sent in [&recorded, &opened] {
        hand.say(1, &sends(sent));
        let Response::Opened(all) = hand.ask(Request::Opened(OpenedPlace::FIRST)) else { panic!("none") };
        assert_eq!((all.len(), &all[0].request), (1, &recorded));
    }
}

#[test]
fn a_peer_is_asked_for_one_at_a_time() {
    let mut requests = Requests::new(3);
    let all = requests.public(3);
    let mut hand = Hand::lone(&requests.test_chain, |_| ());
    hand.meet(1, false);
    hand.sent();
    let entries: Vec<OpenedEntry> = all.iter().map(|opened| hand.entry(opened)).collect();
    let asks = |n: usize| (1, Message::GetRequest(entries[n].place));
    hand.say(1, &Message::Opened(entries.clone()));
    assert_eq!(hand.sent(), [asks(0)]);
    hand.say(1, &Message::Opened(entries.clone()));
    hand.pass(10 * SECOND);
    assert_eq!(hand.sent(), [], "and no name counts twice");
    hand.pass(12 * SECOND);
    assert_eq!(hand.sent(), [asks(1)], "it left the first unanswered");
    hand.say(1, &sends(&all[1]));
    assert_eq!(hand.sent(), [asks(2)]);
    hand.say(1, &sends(&all[2]));
    assert_eq!((hand.sent(), hand.keeps()), (vec![], 2));
}

#[test]
fn a_flood_of_names_is_not_held() {
    let mut requests = Requests::new(1);
    let known = requests.public(1).remove(0);
    let rich = Allowance { rate: 0, burst: 1 << 40 };
    let mut hand = Hand::lone(&requests.test_chain, |c| (c.work, c.work_shared) = (rich, rich));
    hand.meet(1, false);
    hand.open(&known);
    hand.sent();
    let height = hand.entry(&known).place.height;
    let fake = |n: u64| OpenedEntry {
        place: OpenedPlace { height, name: tagged("n", &[&n.to_le_bytes()]) },
        recorded: false,
    };
    let page = |n: u64| Message::Opened((512 * n..512 * (n + 1)).map(fake).collect());
    hand.say(1, &page(0));
    assert_eq!(hand.sent(), [(1, Message::GetRequest(fake(0).place))]);
    (1..9).for_each(|n| hand.say(1, &page(n)));
    assert_eq!(hand.sent(), []);
    // It is asked for no more than a thousand of them, whatever it answers, and then for the page after the last full one.
    let mut asked = 1;
    loop {
        hand.say(1, &sends(&known));
        match &hand.sent()[..] {
            [(1, Message::GetRequest(_))] => asked += 1,
            said => break assert_eq!(said, [(1, Message::GetOpened(fake(9 * 512 - 1).place))]),
        }
    }
    assert_eq!((asked, hand.closed.len()), (1 + 1_024, 0));
}

/// What the chain does not show yet counts among the names that wait.
#[test]
fn a_flood_of_requests_of_later_is_not_held() {
    let mut requests = Requests::new(2);
    let known = requests.public(1).remove(0);
    let letter = requests.noticed(requests.allowed(8));
    let early = requests.opened(&letter);
    let rich = Allowance { rate: 0, burst: 1 << 40 };
    let mut hand = Hand::lone(&requests.test_chain, |c| (c.work, c.work_shared) = (rich, rich));
    hand.meet(1, false);
    hand.open(&known);
    let place = hand.entry(&early).place;
    let fake = |n: u64| {
        let name = tagged("later", &[&n.to_le_bytes()]);
        OpenedEntry { place: OpenedPlace { name, ..place }, recorded: false }
    };
    (0..3).for_each(|n| hand.say(1, &Message::Opened((512 * n..512 * (n + 1)).map(fake).collect())));
    // Asked until the peer is asked for more names: it answers each time with what it is too early for.
    let asked = |hand: &mut Hand, answer: &OpenedRequest| {
        let (mut asked, mut said) = (0, hand.sent());
        while said.iter().any(|(_, m)| matches!(m, Message::GetRequest(_))) {
            asked += 1;
            hand.say(1, &sends(answer));
            said = hand.sent();
        }
        asked
    };
    assert_eq!(asked(&mut hand, &early), 1 + 1_024);
    // While one is asked for, there is room for a name in its place, so the first is not asked for again.
    requests.grow(1);
    hand.test_chain = requests.test_chain.clone();
    let block = requests.test_chain.blocks().last().unwrap().clone();
    hand.receive(1, &block);
    assert_eq!((asked(&mut hand, &known), hand.closed.len()), (1_024, 0));
}

#[test]
fn a_chain_without_auditors_has_no_requests() {
    let mut requests = Requests::new(1);
    let opened = requests.public(1).remove(0);
    let mut hand = Hand::lone(&TestChain::new(83), |_| ());
    hand.meet(1, false);
    hand.say(1, &Message::GetOpened(OpenedPlace::FIRST));
    hand.say(1, &sends(&opened));
    assert_eq!(hand.sent(), []);
    assert_eq!(hand.refuses(&opened), RequestFault::OtherCharter);
}
