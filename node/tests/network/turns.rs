//! A validator's turn: to which program it is offered, and what becomes of the reward that it makes.

use crate::voting::{Voting, chain, voting};
use sotto_mw::codec::Decode;
use sotto_mw::{Amount, block::Reward};
use sotto_node::{
    consensus,
    effect::{Refusal, Response},
    event::{Event, Request, RequestId},
    message::Message,
};

/// A program asks for something, under this number; the answer may come later.
fn request(v: &mut Voting, id: u64, request: Request) -> Option<Response> {
    v.hand.happen(Event::Request { id: RequestId(id), request });
    v.hand.answer.take()
}

/// The reward of the next block, so much more than fees allow.
fn reward(v: &mut Voting, fees: u64) -> Request {
    let (coin, kernel) = v.hand.test_chain.reward(Amount::new(fees));
    Request::Seal { reward: Box::new(Reward { output: coin.output, kernel }), time: 0 }
}

fn is_no_draft(response: &Option<Response>) -> bool {
    matches!(response, Some(Response::Refused(Refusal::NoDraft)))
}

/// Who was sent the proposal, and who its block.
fn proposed(v: &mut Voting) -> [Vec<u64>; 2] {
    let claim = |m: &Message| {
        let Message::Consensus(bytes) = m else { return false };
        matches!(consensus::Message::from_bytes(bytes), Ok(consensus::Message::Proposal { .. }))
    };
    [v.hand.take(claim), v.hand.take(|m| matches!(m, Message::CompactProposed { .. }))]
}

/// While it is not this validator's turn a program waits, and one that asks later takes its place.
#[test]
fn one_program_waits_for_a_turn() {
    let mut v = voting(chain(), false);
    assert!(request(&mut v, 1, Request::AwaitTurn).is_none());
    assert!(is_no_draft(&request(&mut v, 2, Request::AwaitTurn)));
    assert_eq!(v.hand.answered, [1]);
    let reward = reward(&mut v, 0);
    assert!(is_no_draft(&request(&mut v, 3, reward)));
    let mut v = voting(chain(), true);
    let Some(Response::Draft { height, due, transactions }) = request(&mut v, 1, Request::AwaitTurn) else {
        panic!("no draft")
    };
    assert_eq!((height, due, transactions), (v.hand.test_chain.next(), Amount::new(6_000_000_000), 0));
    let again = request(&mut v, 2, Request::AwaitTurn);
    assert!(matches!(again, Some(Response::Draft { .. })), "until there is a reward: {again:?}");
}

/// The reward of a turn is used once: with the right one the block is proposed to all validators, with a wrong one it is not.
#[test]
fn a_turn_takes_one_reward() {
    for greed in [0, 1] {
        let mut v = voting(chain(), true);
        assert!(matches!(request(&mut v, 1, Request::AwaitTurn), Some(Response::Draft { .. })));
        let first = reward(&mut v, greed);
        let answer = request(&mut v, 2, first);
        assert_eq!(matches!(answer, Some(Response::Done)), greed == 0, "{answer:?}");
        assert!(matches!(answer, Some(Response::Done | Response::Refused(_))), "{answer:?}");
        let all = if greed == 0 { v.others.clone() } else { vec![] };
        assert_eq!(proposed(&mut v), [all.clone(), all]);
        let second = reward(&mut v, 0);
        assert!(is_no_draft(&request(&mut v, 3, second)));
        assert!(proposed(&mut v).iter().all(Vec::is_empty));
    }
}

/// What is pending is in the draft. When another block is sealed meanwhile, the turn is over.
#[test]
fn a_turn_ends_with_its_tip() {
    let mut chain = chain();
    let coin = chain.grow(Vec::new());
    let (payment, _) = chain.pay(&[&coin], &[5]);
    // Of which the round of the next height is ours.
    let mut v = voting(chain, true);
    let peer = v.others[0];
    assert!(v.hand.give(peer, &payment));
    let Some(Response::Draft { due, transactions, .. }) = request(&mut v, 1, Request::AwaitTurn) else {
        panic!("no draft")
    };
    let fee = payment.body.fees().unwrap().units();
    assert_eq!((due.units(), transactions), (6_000_000_000 + fee, 1));
    let ours = reward(&mut v, fee);
    v.hand.test_chain.grow(Vec::new());
    let block = v.hand.test_chain.blocks().last().unwrap().clone();
    v.hand.receive(peer, &block);
    assert!(is_no_draft(&request(&mut v, 2, ours)));
    assert!(proposed(&mut v).iter().all(Vec::is_empty));
}
