//! What one engine does with what it hears.

use crate::{validator::EPOCH, world::World};
use rand_core::OsRng;
use sotto_mw::{
    amount::Height,
    codec::{Decode, Encode},
    hash::Hash,
    validators::{Signatures, Signers},
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};
use sotto_node::consensus::{
    Activity, Effect, Event, Message, StepContext,
    message::{Held, RoundCertificate, RoundReason, RoundVote},
};
use std::time::Duration;

/// Validator 0 of a world, alone, voting at height 1.
struct Alone {
    world: World,
    now: Duration,
}

impl Alone {
    fn new() -> Self {
        let mut world = World::new(9, 4);
        let (chain, timing) = (world.chain.clone(), world.timing);
        world.all[0].start(&chain, timing);
        let mut alone = Self { world, now: Duration::ZERO };
        let tip = alone.world.all[0].tip(&alone.world.set);
        alone.step(tip);
        alone.now = Duration::from_secs(1);
        alone.step(Event::Tick);
        assert_eq!(alone.activity(), Activity::Voting(Height::new(1), 0));
        alone
    }

    fn activity(&self) -> Activity {
        self.world.all[0].engine.as_ref().unwrap().activity()
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let (now, clock) = (self.now, self.world.all[0].clock(self.now));
        let mut ctx = StepContext { now, clock, rng: &mut OsRng };
        self.world.all[0].engine.as_mut().unwrap().step(&mut ctx, event)
    }

    fn hear(&mut self, from: usize, message: &Message) -> Vec<Effect> {
        let from = self.world.all[from].link;
        self.step(Event::Heard { from, bytes: message.to_bytes() })
    }

    fn vote(&self, who: usize, vote: Vote) -> Message {
        let signature = vote.sign(self.world.chain.id(), &self.world.all[who].key, &mut OsRng).signature;
        Message::Vote { vote, place: who as u8, signature }
    }

    fn certificate(&self, places: &[usize], vote: Vote) -> Certificate {
        let sign =
            |i: &usize| (*i, vote.sign(self.world.chain.id(), &self.world.all[*i].key, &mut OsRng).signature);
        Certificate {
            round: vote.round,
            signatures: Signatures::new(4, places.iter().map(sign).collect()).unwrap(),
        }
    }
}

fn prevote(height: u64, round: u32, value: Option<u8>) -> Vote {
    let value = value.map(|v| Hash::from_bytes([v; 32]));
    Vote { kind: VoteKind::Prevote, height: Height::new(height), round, value }
}

fn relayed(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|e| matches!(e, Effect::Send { message: Message::Vote { .. } | Message::Proposal { .. }, .. }))
}

fn reported(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Report(_)))
}

fn disconnected(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Disconnect(_)))
}

#[test]
fn a_vote_goes_on_once_to_whoever_does_not_have_it() {
    let mut alone = Alone::new();
    let vote = alone.vote(1, prevote(1, 0, Some(1)));
    let effects = alone.hear(2, &vote);
    let to: Vec<_> = effects
        .iter()
        .filter_map(|e| if let Effect::Send { to, .. } = e { Some(to.clone()) } else { None })
        .collect();
    assert_eq!(to, [vec![alone.world.all[3].link]], "not to its voter, not to who sent it");
    assert!(alone.hear(1, &vote).is_empty() && alone.hear(3, &vote).is_empty());
}

#[test]
fn a_second_vote_is_evidence_and_a_third_nothing() {
    let mut alone = Alone::new();
    let votes = [1, 2, 3].map(|v| alone.vote(1, prevote(1, 0, Some(v))));
    assert!(relayed(&alone.hear(1, &votes[0])));
    let second = alone.hear(1, &votes[1]);
    assert!(reported(&second) && !relayed(&second));
    assert!(alone.hear(1, &votes[2]).is_empty() && alone.hear(1, &votes[1]).is_empty());
}

#[test]
fn evidence_comes_from_certificates_too() {
    let mut alone = Alone::new();
    let vote = alone.vote(1, prevote(1, 0, None));
    alone.hear(1, &vote);
    let (height, value) = (Height::new(1), Hash::from_bytes([1; 32]));
    let certificate = alone.certificate(&[1, 2, 3], prevote(1, 0, Some(1)));
    assert!(reported(&alone.hear(2, &Message::Polka { height, value, certificate })));
}

#[test]
fn rounds_far_ahead_and_heights_to_come_are_not_listened_to() {
    let mut alone = Alone::new();
    for (height, round, heard) in [
        (1, 10, true),
        (1, 11, false),
        (2, 0, true),
        (2, 1, true),
        (2, 2, false),
        (3, 0, false),
        (0, 0, false),
    ] {
        let vote = alone.vote(1, prevote(height, round, None));
        assert_eq!(relayed(&alone.hear(1, &vote)), heard, "height {height}, round {round}");
    }
}

#[test]
fn what_does_not_verify_ends_the_connection_for_a_minute() {
    let value = Hash::from_bytes([1; 32]);
    let claim = |round| ProposalClaim { height: Height::new(1), round, pol_round: None, value };
    let forgeries: Vec<fn(&Alone) -> Message> = vec![
        |a| match a.vote(1, prevote(1, 0, None)) {
            Message::Vote { vote, signature, .. } => Message::Vote { vote, place: 2, signature },
            _ => unreachable!(),
        },
        |a| match a.vote(1, prevote(1, 0, None)) {
            Message::Vote { signature, .. } => {
                Message::Vote { vote: prevote(1, 0, Some(1)), place: 1, signature }
            }
            _ => unreachable!(),
        },
        // Too few signatures.
        |a| Message::Polka {
            height: Height::new(1),
            value: Hash::from_bytes([1; 32]),
            certificate: a.certificate(&[1, 2], prevote(1, 0, Some(1))),
        },
        // Signatures of something else.
        |a| Message::Polka {
            height: Height::new(1),
            value: Hash::from_bytes([1; 32]),
            certificate: a.certificate(&[1, 2, 3], prevote(1, 0, Some(2))),
        },
    ];
    for (i, forge) in forgeries.into_iter().enumerate() {
        let mut alone = Alone::new();
        let forged = forge(&alone);
        assert!(disconnected(&alone.hear(1, &forged)), "forgery {i}");
        let vote = alone.vote(1, prevote(1, 1, None));
        assert!(alone.hear(1, &vote).is_empty(), "not heard");
        alone.now += Duration::from_secs(60);
        assert!(relayed(&alone.hear(1, &vote)), "heard again");
    }
    let mut alone = Alone::new();
    let link = alone.world.all[1].link;
    assert!(disconnected(&alone.step(Event::Heard { from: link, bytes: vec![1, 99] })), "no message");
    // A quorum of its own round, or of one to come, is none that a proposal rests on.
    for pol_round in [Some(1), Some(2)] {
        let (mut alone, claim) = (Alone::new(), ProposalClaim { pol_round, ..claim(1) });
        let turn = alone.world.set.proposer(alone.world.chain.id(), Height::new(1), 1);
        let signature = claim.sign(alone.world.chain.id(), &alone.world.all[turn].key, &mut OsRng).signature;
        assert!(disconnected(&alone.hear(2, &Message::Proposal { claim, signature })));
    }
    // A proposal by whose turn it is not.
    let turn = alone.world.set.proposer(alone.world.chain.id(), Height::new(1), 1);
    let other = (turn + 1) % 4;
    let signature = claim(1).sign(alone.world.chain.id(), &alone.world.all[other].key, &mut OsRng).signature;
    assert!(disconnected(&alone.hear(2, &Message::Proposal { claim: claim(1), signature })));
}

#[test]
fn who_is_no_validator_is_not_heard() {
    let mut alone = Alone::new();
    let vote = alone.vote(1, prevote(1, 0, None)).to_bytes();
    let from = sotto_mw::validators::LinkKey::from_bytes([9; 32]);
    assert!(alone.step(Event::Heard { from, bytes: vote }).is_empty());
}

#[test]
fn a_flood_is_not_listened_to() {
    let mut alone = Alone::new();
    let (height, round) = (Height::new(1), 0);
    let holders = Signers::new(4, [0, 1, 2, 3]).unwrap();
    let have = Message::Have { height, round, kind: Held::Proposal, holders };
    for _ in 0..(1 << 20) / have.to_bytes().len() {
        alone.hear(1, &have);
    }
    let vote = alone.vote(2, prevote(1, 0, None));
    assert!(alone.hear(1, &vote).is_empty(), "nothing is left of its budget");
    alone.now += Duration::from_secs(1);
    assert!(relayed(&alone.hear(1, &vote)), "the next second has its own");
}

#[test]
fn a_round_certificate_needs_its_power_and_its_kind() {
    let round = |alone: &Alone, places: &[usize], reason, kind| {
        let vote = Vote { kind, ..prevote(1, 7, None) };
        let one = |i: &usize| RoundVote {
            place: *i as u8,
            kind,
            value: None,
            signature: vote.sign(alone.world.chain.id(), &alone.world.all[*i].key, &mut OsRng).signature,
        };
        let votes = places.iter().map(one).collect();
        Message::Round(RoundCertificate::new(Height::new(1), 7, reason, votes).unwrap())
    };
    use {
        RoundReason::{Precommits, Votes},
        VoteKind::{Precommit, Prevote},
    };
    for (places, reason, kind, holds) in [
        (&[1][..], Votes, Prevote, false),
        (&[1, 2], Votes, Prevote, true),
        (&[1, 2], Precommits, Precommit, false),
        (&[1, 2, 3], Precommits, Precommit, true),
        (&[1, 2, 3], Precommits, Prevote, false),
    ] {
        let mut alone = Alone::new();
        let message = round(&alone, places, reason, kind);
        assert_eq!(Message::from_bytes(&message.to_bytes()), Ok(message.clone()));
        assert_eq!(!disconnected(&alone.hear(1, &message)), holds, "{places:?} {reason:?} {kind:?}");
        if holds {
            assert_ne!(alone.activity(), Activity::Voting(Height::new(1), 0), "the round is entered");
        }
    }
}

#[test]
fn a_have_is_answered_with_what_is_missing_once_a_second() {
    let mut alone = Alone::new();
    for i in [1, 2] {
        let vote = alone.vote(i, prevote(1, 0, None));
        alone.hear(i, &vote);
    }
    let kind = Held::Votes(VoteKind::Prevote);
    let have = |places: &[usize]| Message::Have {
        height: Height::new(1),
        round: 0,
        kind,
        holders: Signers::new(4, places.iter().copied()).unwrap(),
    };
    let answers = |effects: Vec<Effect>| effects.iter().filter(|e| matches!(e, Effect::Send { .. })).count();
    assert_eq!(answers(alone.hear(3, &have(&[1, 2]))), 0);
    // What is given may rest on what is not on disk yet.
    let all = alone.hear(3, &have(&[1]));
    let id = all.iter().find_map(|e| if let Effect::Write { id, .. } = e { Some(*id) } else { None });
    assert_eq!(answers(alone.step(Event::Written(id.unwrap()))), 1);
    assert_eq!(answers(alone.hear(3, &have(&[1]))), 0, "asked again at once");
    alone.now += Duration::from_secs(1);
    assert_eq!(answers(alone.hear(3, &have(&[]))), 2);
}

#[test]
fn two_certificates_of_a_height_stop_the_engine() {
    for (round, guilty) in [(0, true), (1, false)] {
        let mut alone = Alone::new();
        let precommit = |v, round| Vote { kind: VoteKind::Precommit, ..prevote(1, round, Some(v)) };
        let certified = |alone: &Alone, v: u8, places: &[usize], round| Event::Certified {
            height: Height::new(1),
            value: Hash::from_bytes([v; 32]),
            certificate: alone.certificate(places, precommit(v, round)),
        };
        let first = certified(&alone, 1, &[0, 1, 2], 0);
        assert!(
            alone.step(first.clone()).is_empty() && alone.step(first).is_empty(),
            "the same header again"
        );
        let second = certified(&alone, 2, &[1, 2, 3], round);
        let effects = alone.step(second);
        let [Effect::Stop(double)] = &effects[..] else { panic!("{effects:?}") };
        assert!(double.holds(alone.world.chain.id(), &alone.world.set));
        assert_eq!(double.is_of_one_round(), guilty);
        assert_eq!(double.signers_of_both().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(alone.activity(), Activity::Stopped);
        assert!(alone.step(Event::Tick).is_empty());
    }
}

/// The time of a block is the pace after its parent's: while that is more than five seconds ahead, its proposer
/// waits.
#[test]
fn a_proposer_waits_for_its_clock() {
    let mut world = World::new(9, 4);
    let turn = world.set.proposer(world.chain.id(), Height::new(1), 0);
    let (chain, timing) = (world.chain.clone(), world.timing);
    world.all[turn].start(&chain, timing);
    let Event::Connected(mut tip) = world.all[turn].tip(&world.set) else { unreachable!() };
    tip.time += 6;
    let mut step = |second: u64, event| {
        let (now, clock) = (Duration::from_secs(second), world.all[turn].clock(Duration::from_secs(second)));
        let effects = world.all[turn]
            .engine
            .as_mut()
            .unwrap()
            .step(&mut StepContext { now, clock, rng: &mut OsRng }, event);
        effects
            .iter()
            .find_map(|e| if let Effect::Draft { time, .. } = e { Some(*time - EPOCH) } else { None })
    };
    assert_eq!(
        [step(0, Event::Connected(tip)), step(1, Event::Tick), step(2, Event::Tick)],
        [None, None, Some(7)]
    );
}
