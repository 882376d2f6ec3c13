//! A validator whose vote key a group has: its members' nodes judge what it is to say, and sign it together.

#[path = "../support/group.rs"]
mod made;

use super::{LINK, PAYER, World};
use core::time::Duration;
use made::{identity, made, signed};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_keys::{
    Group, Hash as KeyHash, Index, Log, Member, Seed, Share,
    request::{Claim, Request},
    sign,
};
use sotto_mw::{
    amount::Height,
    chain::{Network, Params},
    codec::{Decode, Encode},
    hash::Hash,
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
    testing::TestChain,
    validators::{LinkKey, Validator, ValidatorSet},
    votes::ProposalClaim,
};
use sotto_node::{
    consensus::{Ballot, Statement},
    council::{CouncilNote, Said, VoteKeeper, VoteRecord, VoteRefusal, VoteSigner, VoteSignerSetup},
    effect::{Effect, LogEvent, Refusal, Response},
    engine::GroupEngine,
    event::{self, CouncilEvent, Event},
};
use std::{
    io,
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

/// The members are at these machines: the first speaks, the others follow it.
pub(crate) struct VoteGroup {
    group: Group,
    shares: Vec<Share>,
    machines: Vec<usize>,
    records: Vec<Disk>,
    /// How often each member said something.
    said: Vec<usize>,
}

/// A disk that survives its member.
#[derive(Clone)]
struct Disk(Arc<Mutex<VoteRecord>>);

impl VoteKeeper for Disk {
    fn permits_upon(&mut self, _: Height, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn keep(&mut self, record: &VoteRecord) -> io::Result<()> {
        *self.0.lock().unwrap() = record.clone();
        Ok(())
    }
}

fn index(place: usize) -> Index {
    Index::new(place as u8 + 1).unwrap()
}

impl World {
    /// Four validators, of which the first is a group of three, two of whom sign; the last two machines are members.
    fn with_group(seed: u64) -> Self {
        let (group, shares) = made(2, 3, seed);
        let entry = Request::Validator { link_key: [200; 32], name: "board".to_owned() };
        let possession = Signature::from_bytes(&signed(&group, &shares, &entry)).unwrap();
        let vote_key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let (link_key, power, name) =
            (LinkKey::from_bytes([200; 32]), NonZeroU32::MIN, "board".parse().unwrap());
        let mut all = vec![Validator { vote_key, possession, link_key, power, name }];
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secrets: Vec<SecretScalar> = (0..3).map(|_| SecretScalar::random(&mut rng)).collect();
        for (n, secret) in (1u8..).zip(&secrets) {
            let name = format!("validator-{n}").parse().unwrap();
            all.push(Validator::new(secret, LinkKey::from_bytes([n; 32]), power, name, &mut rng));
        }
        let params = Params::with_validators(Network::Test, ValidatorSet::new(all).unwrap(), 1_700_000_000);
        let params = Params { window_width: 16, window_grid: 4, ..params };
        let mut world = Self::over(TestChain::of_validators(seed, params, secrets).spaced(1), 2, seed);
        let first = world.machines.iter().position(|m| m.validator.vote_key == vote_key).unwrap();
        let chain = *world.chain.chain().id();
        let records = (0..3).map(|_| Disk(Arc::new(Mutex::new(VoteRecord::new(chain))))).collect();
        (world.followed, world.idle) = (vec![first; 2], Duration::from_secs(2));
        let machines = vec![first, 4, 5];
        world.group = Some(VoteGroup { group, shares, machines, records, said: vec![0; 3] });
        (0..world.machines.len()).for_each(|n| world.start(n));
        world
    }

    /// The engine of a member, if this machine is one's.
    pub(crate) fn member(&self, n: usize) -> Option<GroupEngine> {
        let VoteGroup { group, shares, machines, records, .. } = self.group.as_ref()?;
        let place = machines.iter().position(|machine| *machine == n)?;
        let (identity, keeper) = (identity(place as u64 + 1), Box::new(records[place].clone()));
        let record = records[place].0.lock().unwrap().clone();
        let (group, share) = (group.clone(), shares[place].clone());
        let setup = VoteSignerSetup { identity, group, share, record, keeper };
        Some(GroupEngine::Votes(Box::new(VoteSigner::new(self.chain.chain(), setup).unwrap())))
    }

    pub(crate) fn tell_members(&mut self, n: usize, said: &[u8]) {
        let Some(group) = &mut self.group else { return };
        let place = group.machines.iter().position(|machine| *machine == n).unwrap();
        group.said[place] += 1;
        for to in group.machines.clone().into_iter().filter(|to| *to != n) {
            let heard = CouncilEvent::Heard(index(place), said.to_vec());
            self.later(LINK, to, Event::Council(heard));
        }
    }

    fn members(&self) -> [usize; 3] {
        self.group.as_ref().unwrap().machines.clone().try_into().unwrap()
    }

    /// A machine that is no member's.
    fn ordinary(&self) -> usize {
        (0..4).find(|n| !self.members().contains(n)).unwrap()
    }

    /// Whether the chain stands still for half a minute.
    fn stands(&mut self) -> bool {
        let (before, end) = (self.chain.next().get(), self.now + Duration::from_secs(30));
        self.run(40, |w| w.now >= end);
        self.chain.next().get() <= before + 1
    }
}

/// Where the group's vote is needed, its members' nodes give it: any two of three. With one left the chain stands, and
/// goes on when another is back.
#[test]
fn members_vote_through_their_nodes() {
    let mut world = World::with_group(50);
    world.run(100, |w| w.all_at(2));
    let ([_, one, other], dead) = (world.members(), world.ordinary());
    world.kill(dead);
    let height = world.chain.next().get();
    world.run(200, |w| w.all_at(height + 2));
    world.kill(one);
    let height = world.chain.next().get();
    world.run(200, |w| w.all_at(height + 2));
    let coin = world.coin();
    let (payment, _) = world.chain.pay(&[&coin], &[5]);
    let at = world.members()[0];
    world.submit(at, &payment);
    world.run(200, |w| w.has_sealed(&payment));
    world.kill(other);
    assert!(world.stands(), "one member is not enough");
    world.start(one);
    let height = world.chain.next().get();
    world.run(300, |w| w.all_at(height + 2));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// A member that does not speak hands out no draft.
#[test]
fn a_member_drafts_no_block() {
    let mut world = World::with_group(51);
    world.run(100, |w| w.all_at(1));
    let [_, member, _] = world.members();
    world.step(member, Event::Request { id: PAYER, request: event::Request::Draft });
    let answer = world.submitted.take();
    assert!(matches!(answer, Some(Response::Refused(Refusal::NotOurTurn))), "{answer:?}");
}

/// What the speaker says that asks for a proposal of this header, with these bytes as its block.
fn asks(world: &World, claim: ProposalClaim, block: Vec<u8>) -> Said {
    let group = &world.group.as_ref().unwrap().group;
    let (epoch, identity) = (group.epoch(), identity(1));
    let seed = Seed::from_bytes([block.len() as u8; 32]);
    let mut log = Log::new(epoch.group(), KeyHash::from_bytes(*claim.value.as_bytes()));
    let me = Member::new(epoch.draft(), &identity, &seed).unwrap();
    let (height, round, header) = (claim.height.get(), claim.round, *claim.value.as_bytes());
    let chain = *world.chain.chain().id().as_bytes();
    let claimed = Claim { height, round, pol_round: claim.pol_round, header };
    sign::ask(&me, epoch, &mut log, &Request::Claim { chain, claim: claimed }).unwrap();
    let statement = Statement::Proposal(claim);
    let ballot = Ballot { statement, claim: None, polka: None, block: block.into() };
    Said::Ballot { letter: log.latest(index(0)).unwrap().clone(), ballot }
}

/// What a member's node says to its speaker, and why it refuses.
fn hears(world: &mut World, member: usize, said: &Said) -> (usize, Option<VoteRefusal>) {
    let now = world.now - world.machines[member].started;
    let machine = &mut world.machines[member];
    let event = Event::Council(CouncilEvent::Heard(index(0), said.to_bytes()));
    let effects = machine.node.as_mut().unwrap().step(now, &mut machine.rng, event);
    let says = effects.iter().filter(|e| matches!(e, Effect::TellCouncil(_))).count();
    let why = effects.iter().find_map(|e| match e {
        Effect::Log(LogEvent::Council(CouncilNote::NotVoted { why, .. })) => Some(*why),
        _ => None,
    });
    (says, why)
}

/// A member judges the block of a statement by its own ledger and clock: it signs for no header but that of the block
/// that it judged, for none that breaks a rule, and for none from the future.
#[test]
fn a_member_signs_for_what_it_judged_alone() {
    let mut world = World::with_group(52);
    world.run(100, |w| w.all_at(2));
    let [speaker, member, other] = world.members();
    let ordinary: Vec<usize> = (0..4).filter(|n| *n != speaker).collect();
    ordinary[..2].iter().for_each(|n| world.kill(*n));
    assert!(world.stands(), "no quorum");
    [speaker, other].into_iter().for_each(|n| world.kill(n));
    assert_eq!(world.height(member).next(), world.chain.next());
    let terms = world.chain.chain().terms().clone();
    let (set, chain) = (terms.sealing.validators().unwrap().clone(), *world.chain.chain().id());
    let us = set.index_of(&world.machines[speaker].validator.vote_key).unwrap();
    let height = world.chain.next();
    let last = world.group.as_ref().unwrap().records[1].0.lock().unwrap().last();
    let mut turns = (last.round + 1..60).filter(|round| set.proposer(&chain, height, *round) == us);
    let [good, beside] = [1, 2].map(|_| world.chain.propose(&[]).unwrap().0);
    let (mut broken, mut late) = (good.clone(), good.clone());
    broken.header.kernel_root = broken.header.output_root;
    late.header.time += 100_000_000;
    let cases = [
        (&good, &good, None),
        (&beside, &good, Some(VoteRefusal::Block)),
        (&broken, &broken, Some(VoteRefusal::Block)),
        (&late, &late, Some(VoteRefusal::Time)),
        (&beside, &beside, None),
    ];
    for (of, block, why) in cases {
        let value: Hash = of.header.hash();
        let claim = ProposalClaim { height, round: turns.next().unwrap(), pol_round: None, value };
        let said = asks(&world, claim, [block.header.to_bytes(), block.body.to_bytes()].concat());
        assert_eq!(hears(&mut world, member, &said), (usize::from(why.is_none()), why), "{value:?}");
    }
}
