//! Changes of the terms on a running chain.

use super::{PAYER, World};
use sotto_mw::{
    Amount,
    amount::Height,
    codec::Encode,
    error::Rejection,
    hash::Hash,
    terms::{Announced, Change, Limits, SignedChange},
    validators::{Validator, ValidatorSet},
};
use sotto_node::{
    consensus::{Activity, Why},
    effect::{Refusal, Response, Status},
    event::{Event, Request},
    ledger::LedgerError,
    message::{Hello, Message, rules},
    peer::{Direction, PeerId, PeerKey},
    seal::SealedHeader,
};

/// What changes the terms.
impl World {
    fn set(&self) -> Vec<Validator> {
        self.chain.chain().terms().sealing.validators().unwrap().all().to_vec()
    }

    /// Has a change signed by a quorum and hands it in at a node, once it has come as far.
    pub(crate) fn change(&mut self, at: usize, change: Change) {
        let tip = self.chain.next().get() - 1;
        self.run(60, |w| w.running().all(|n| n != at || w.height(n).get() >= tip));
        let quorum = 2 * self.set().len() / 3 + 1;
        let change = self.chain.change_by(change, self.chain.next().plus(40), 0..quorum);
        let response = self.hand_in(at, change);
        assert!(matches!(response, Response::Done), "{response:?}");
    }

    fn hand_in(&mut self, at: usize, change: SignedChange) -> Response {
        let request = Request::SubmitChange(Box::new(change));
        self.step(at, Event::Request { id: PAYER, request });
        self.submitted.take().unwrap()
    }

    /// Changes the validators to those of these machines, and lets a payment at one of them be sealed.
    pub(crate) fn move_to(&mut self, at: usize, members: &[usize]) {
        let all = members.iter().map(|n| self.machines[*n].validator.clone()).collect();
        let set = ValidatorSet::new(all).unwrap();
        self.change(at, Change::Validators(set.clone()));
        let in_force = |w: &Self| w.chain.chain().terms().sealing.validators() == Some(&set);
        self.run(400, in_force);
        let height = self.chain.next().get();
        self.run(400, |w| w.all_at(height + 1));
        self.pay(*members.last().unwrap());
    }

    pub(crate) fn pay(&mut self, at: usize) {
        let coin = self.coin();
        let (payment, _) = self.chain.pay(&[&coin], &[5]);
        self.submit(at, &payment);
        self.run(400, |w| w.has_sealed(&payment));
    }

    pub(crate) fn status(&mut self, n: usize) -> Status {
        self.step(n, Event::Request { id: PAYER, request: Request::Status });
        let Some(Response::Status(status)) = self.submitted.take() else { panic!("no status") };
        status
    }

    pub(crate) fn follows(&mut self, n: usize) -> bool {
        matches!(self.status(n).validator.unwrap().activity, Activity::Following(_, Why::NoValidator))
    }
}

/// Four become seven and four again, in steps, by changes that are handed in at a node without a vote;
/// payments are sealed all the time. Who joins votes by itself, who leaves stops, and a newcomer follows all
/// of it.
#[test]
fn the_validators_change_while_payments_are_sealed() {
    let mut world = World::with(6, 4, 4);
    (0..7).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(4));
    assert!(world.follows(6), "it has no vote yet");
    world.move_to(6, &[0, 1, 2, 3, 4]);
    // Four of the five are a quorum, so the fifth votes.
    world.kill(0);
    world.pay(4);
    world.start(0);
    world.move_to(6, &[0, 1, 2, 3, 4, 5]);
    world.move_to(0, &[0, 1, 2, 3, 4, 5, 6]);
    assert!(!world.follows(6));
    world.kill(1);
    world.kill(2);
    world.pay(6);
    world.move_to(4, &[0, 3, 4, 5, 6]);
    world.move_to(4, &[0, 4, 5, 6]);
    assert!(world.follows(3), "it left");
    // Killed and started again, a validator knows who seals.
    (4..7).for_each(|n| world.kill(n));
    (4..7).for_each(|n| world.start(n));
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 2));
    // A newcomer, whose settings name those who sealed first.
    world.start(7);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 1));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// A validator goes on under another vote key: it votes with each in its time.
#[test]
fn a_vote_key_is_renewed() {
    let mut world = World::with(7, 4, 0);
    let new = world.chain.renewed(&world.machines[2].validator.clone());
    world.machines[2].renewal = Some(new.vote_key);
    (0..4).for_each(|n| world.start(n));
    world.run(300, |w| w.all_at(3));
    let mut all = world.set();
    let old = world.machines[2].validator.vote_key;
    all.iter_mut().filter(|v| v.vote_key == old).for_each(|v| *v = new.clone());
    let set = ValidatorSet::new(all).unwrap();
    let place = u8::try_from(set.index_of(&new.vote_key).unwrap()).unwrap();
    let mut change = world.chain.change(Change::Validators(set.clone()), world.chain.next().plus(40));
    let alone = world.hand_in(1, change.clone());
    assert!(matches!(alone, Response::Refused(_)), "the new key has to sign: {alone:?}");
    world.chain.renew(&mut change, place);
    assert!(matches!(world.hand_in(1, change), Response::Done));
    world.run(300, |w| w.chain.chain().terms().sealing.validators() == Some(&set));
    // With another dead, none is sealed without the new key.
    world.kill(0);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 3));
    // Its log and its record go with the key that is in force.
    world.kill(2);
    world.start(2);
    let height = world.chain.next().get();
    world.run(400, |w| w.all_at(height + 3));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// The fee is doubled: from that height on a payment at the old one is refused, and one at the new one is
/// sealed. A version of the rules is announced and withdrawn, and its height passes.
#[test]
fn a_fee_is_doubled_and_a_version_withdrawn() {
    let mut world = World::new(8, 4);
    world.run(300, |w| w.all_at(3));
    let from = world.chain.next().plus(60);
    let what = Limits { fee_per_weight: Amount::new(2_000), max_weight: 40_000 };
    world.change(2, Change::Limits(Announced { from, what }));
    let announced = |w: &World| w.chain.chain().terms().announced_limits.is_some();
    world.run(300, announced);
    world.change(1, Change::Rules(Announced { from: from.plus(1), what: 9 }));
    world.run(300, |w| w.chain.chain().terms().announced_rules.is_some());
    world.change(0, Change::WithdrawRules);
    world.run(300, |w| w.chain.chain().terms().announced_rules.is_none());
    world.run(900, |w| w.all_at(from.get() - 4));
    let coin = world.coin();
    let (cheap, _) = world.chain.pay(&[&coin], &[5]);
    world.run(900, |w| w.all_at(from.get() + 1));
    assert_eq!(world.chain.chain().least_fee(1), Some(Amount::new(2_000)));
    world.step(1, Event::Request { id: PAYER, request: Request::Submit(Box::new(cheap)) });
    let refused = world.submitted.take();
    let too_low =
        |why: &Refusal| matches!(why, Refusal::Ledger(LedgerError::Refused(Rejection::FeeTooLow { .. })));
    assert!(matches!(&refused, Some(Response::Refused(why)) if too_low(why)), "{refused:?}");
    world.pay(3);
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// What no quorum signed, or what another change has overtaken, waits nowhere.
#[test]
fn a_change_that_does_not_hold_does_not_wait() {
    let mut world = World::new(9, 4);
    world.run(300, |w| w.all_at(2));
    let announce = |n| Change::Rules(Announced { from: Height::new(900), what: n });
    let (expiry, all) = (world.chain.next().plus(40), 0..4);
    let few = world.chain.change_by(announce(9), expiry, 0..2);
    let mut forged = world.chain.change_by(announce(9), expiry, all.clone());
    forged.expiry = expiry.next();
    for bad in [few, forged] {
        assert!(matches!(world.hand_in(0, bad), Response::Refused(_)));
    }
    let fee = Limits { fee_per_weight: Amount::new(2_000), max_weight: 40_000 };
    let other = Change::Limits(Announced { from: Height::new(900), what: fee });
    let rivals = [announce(8), other].map(|rival| world.chain.change_by(rival, expiry, all.clone()));
    world.change(0, announce(9));
    for rival in &rivals {
        assert!(matches!(world.hand_in(0, rival.clone()), Response::Done), "the first in a block counts");
    }
    world.run(300, |w| w.chain.chain().terms().announced_rules.is_some());
    let height = world.chain.next().get();
    world.run(300, |w| w.all_at(height));
    let waits = |w: &World| {
        w.running().any(|n| !w.machines[n].node.as_ref().unwrap().ledger().changes().all().is_empty())
    };
    assert!(!waits(&world), "the others are void");
    for rival in rivals {
        assert!(matches!(world.hand_in(0, rival), Response::Refused(_)));
    }
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// A header under terms that a node does not know makes it ask for what leads there, and believe nothing.
#[test]
fn a_claim_under_unknown_terms_is_no_tip() {
    let mut world = World::new(10, 4);
    world.run(300, |w| w.all_at(3));
    let (peer, direction) = (PeerId(1 << 40), Direction::Inbound(([9, 9, 9, 9], 9).into()));
    world.step(0, Event::Connected { peer, key: PeerKey([99; 32]), direction });
    let hello = Hello { chain: *world.chain.chain().id(), rules: rules(), listen_port: None };
    let mut claim = SealedHeader::of(world.chain.blocks().last().unwrap());
    claim.header.height = Height::new(900);
    claim.header.terms = Hash::from_bytes([7; 32]);
    for message in [Message::Hello(hello), Message::Tip(claim)] {
        world.step(0, Event::Frame { peer, bytes: message.to_bytes() });
    }
    let status = world.status(0);
    assert_eq!(status.best, world.height(0), "nobody has shown more");
    let height = world.chain.next().get();
    world.run(300, |w| w.all_at(height + 2));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}
