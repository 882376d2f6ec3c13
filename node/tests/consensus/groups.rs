//! A validator whose vote key n members have together, of whom t sign: 3 of 5 or 4 of 6. In the storms one lies, and all of
//! them crash now and then. The other validators know of no group.
//!
//! Storms with a liar are for 4 of 6 alone: two sets of four share two members, of whom one is honest. Of 3 of 5, two sets
//! may share the liar alone, which can then sign two statements at one position.

use crate::{
    group::{made, signed},
    validator::EPOCH,
    world::{World, ms},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::RngCore;
use sotto_keys::{Group, Letter, Share, Step, request::Request};
use sotto_mw::{
    amount::Height,
    codec::{Decode, Encode},
    hash::Hash,
    schnorr::{PublicKey, Signature},
    validators::{LinkKey, Validator},
    votes::{Vote, VoteKind},
};
use sotto_node::{
    consensus::{Ballot, Event, Position, ProposedBlock, Statement, Verdict},
    council::{
        CouncilNote, Said, VoteEffect, VoteEvent, VoteKeeper, VoteRecord, VoteSigner, VoteSignerSetup,
    },
};
use sotto_party::Context;
use std::{
    io,
    num::NonZeroU32,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How many members sign, and how many there are.
#[derive(Clone, Copy, Debug)]
struct Size {
    t: u8,
    n: u8,
}

const THREE_OF_FIVE: Size = Size { t: 3, n: 5 };
const FOUR_OF_SIX: Size = Size { t: 4, n: 6 };

/// The seeds from which a group that is needed stands still: the speaker lost the grounds of a value (adr/0025).
const STAND_STILL: [u64; 5] = [27, 31, 63, 90, 100];

/// What happens to a member.
pub(crate) enum Happens {
    Event {
        boot: u32,
        event: Box<VoteEvent>,
    },
    Wake,
    Back,
    /// The liar asks for something of its own.
    Lie,
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

struct Machine {
    disk: Disk,
    engine: Option<VoteSigner>,
    boot: u32,
}

/// The members of the group.
pub(crate) struct Members {
    size: Size,
    group: Group,
    shares: Vec<Share>,
    pub(crate) validator: Validator,
    machines: Vec<Machine>,
    /// Who speaks for the group.
    speaker: usize,
    liar: Option<usize>,
    /// When the last message from one to another arrives.
    last: Vec<Vec<Duration>>,
    /// Which of them go away now and then, in percent of what happens to them.
    crashes: u64,
    notes: Vec<CouncilNote>,
}

impl Members {
    fn new(size: Size, seed: u64) -> Self {
        let (group, shares) = made(size.t, size.n, seed);
        let link_key = LinkKey::from_bytes([200; 32]);
        let entry = Request::Validator { link_key: [200; 32], name: "board".to_owned() };
        let possession = Signature::from_bytes(&signed(&group, &shares, &entry)).unwrap();
        let vote_key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let (power, name) = (NonZeroU32::MIN, "board".parse().unwrap());
        let validator = Validator { vote_key, possession, link_key, power, name };
        assert!(validator.is_possessed(), "what the group signs is what a list of validators asks for");
        let last = vec![vec![Duration::ZERO; size.n.into()]; size.n.into()];
        let (machines, notes) = Default::default();
        Self { size, group, shares, validator, machines, speaker: 0, liar: None, crashes: 0, notes, last }
    }

    fn places(&self) -> Range<usize> {
        0..self.size.n.into()
    }

    /// What is said was durable at t members before.
    pub(crate) fn check_said(&self, at: Position) {
        let honest = self.machines.iter().enumerate().filter(|(m, _)| Some(*m) != self.liar);
        let kept = honest.filter(|(_, m)| m.disk.0.lock().unwrap().last() >= at).count();
        let kept = kept + usize::from(self.liar.is_some());
        assert!(kept >= self.size.t.into(), "{at:?} is said, and {kept} records know of it");
    }
}

fn chain_of(world: &World) -> sotto_mw::chain::Chain {
    world.chain.clone()
}

fn members(world: &mut World) -> &mut Members {
    world.group.as_mut().unwrap()
}

fn place(world: &World) -> usize {
    world.all.iter().position(|sim| sim.group.is_some()).unwrap()
}

/// Starts a member from its disk.
fn start(world: &mut World, member: usize) {
    let chain = chain_of(world);
    let tip = world.all[place(world)].tip(&world.set);
    let group = members(world);
    let identity = crate::group::identity(member as u64 + 1);
    let machine = &group.machines[member];
    let record = machine.disk.0.lock().unwrap().clone();
    let keeper = Box::new(machine.disk.clone());
    let share = group.shares[member].clone();
    let setup = VoteSignerSetup { identity, group: group.group.clone(), share, record, keeper };
    group.machines[member].engine = Some(VoteSigner::new(&chain, setup).unwrap());
    group.machines[member].boot += 1;
    let Event::Connected(tip) = tip else { unreachable!() };
    tell(world, member, VoteEvent::Tip(tip));
}

/// The validator's node starts: at whichever member speaks now.
pub(crate) fn on_start(world: &mut World, who: usize) {
    if world.all[who].group.is_none() {
        return;
    }
    let places = members(world).places();
    if members(world).machines.is_empty() {
        let chain = *world.chain.id();
        let disk = || Disk(Arc::new(Mutex::new(VoteRecord::new(chain))));
        let machine = || Machine { disk: disk(), engine: None, boot: 0 };
        members(world).machines = places.clone().map(|_| machine()).collect();
        places.clone().for_each(|member| start(world, member));
    }
    let up: Vec<usize> = places.clone().filter(|m| members(world).machines[*m].engine.is_some()).collect();
    let honest: Vec<usize> = up.into_iter().filter(|m| Some(*m) != members(world).liar).collect();
    let speaker = honest.get(world.below(honest.len() as u64) as usize).copied();
    let speaker = speaker.unwrap_or_else(|| {
        let first = places.clone().find(|m| Some(*m) != members(world).liar).unwrap();
        start(world, first);
        first
    });
    members(world).speaker = speaker;
}

/// The validator's chain has grown, and so have those of the members.
pub(crate) fn on_connected(world: &mut World, who: usize) {
    if world.all[who].group.is_none() {
        return;
    }
    for member in members(world).places() {
        let Event::Connected(tip) = world.all[who].tip(&world.set) else { unreachable!() };
        tell(world, member, VoteEvent::Tip(tip));
    }
}

/// The validator's engine asks.
pub(crate) fn ask(world: &mut World, ballot: Ballot) {
    let speaker = members(world).speaker;
    tell(world, speaker, VoteEvent::Ask(ballot));
}

pub(crate) fn happen(world: &mut World, member: usize, event: Happens) {
    match event {
        Happens::Event { boot, event } if boot == members(world).machines[member].boot => {
            tell(world, member, *event);
        }
        Happens::Event { .. } => {}
        Happens::Wake => tell(world, member, VoteEvent::Tick),
        Happens::Back if members(world).machines[member].engine.is_none() => start(world, member),
        Happens::Back => {}
        Happens::Lie => lie(world, member),
    }
}

/// A member goes away, with the validator's engine if it spoke.
fn crash(world: &mut World, member: usize) {
    let group = members(world);
    group.machines[member].engine = None;
    group.machines[member].boot += 1;
    let speaks = group.speaker == member;
    let back = 200 + world.below(3_000);
    world.member_later(back, member, Happens::Back);
    if speaks {
        let who = place(world);
        let back = ms(500 + world.below(2_000));
        world.crash(who, back);
    }
}

fn tell(world: &mut World, member: usize, event: VoteEvent) {
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        let (now, clock) = (world.now, EPOCH + world.now.as_secs());
        let mut rng = ChaCha20Rng::seed_from_u64(world.rng.next_u64());
        let Some(engine) = members(world).machines[member].engine.as_mut() else { return };
        engine.tell_time(clock);
        let effects = engine.step(now, &mut rng, event);
        let notes = engine.take_notes();
        let wake = engine.wake_at();
        members(world).notes.extend(notes);
        for effect in effects {
            let crashes = members(world).crashes;
            if world.below(100) < crashes {
                return crash(world, member);
            }
            match effect {
                VoteEffect::Tell(said) => send(world, member, &said),
                VoteEffect::Judge { by, value, block } => {
                    let time = judge(world, value, block);
                    events.push(VoteEvent::Judged { by, value, time });
                }
                VoteEffect::Answer(statement, answer) => {
                    let who = place(world);
                    world.later(who, (0, 1), Event::Answered { statement, answer });
                }
            }
        }
        if let Some(wake) = wake {
            let after = wake.saturating_sub(world.now).as_millis() as u64;
            world.member_later(after, member, Happens::Wake);
        }
    }
}

fn judge(world: &World, value: Hash, bytes: Arc<[u8]>) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let block = ProposedBlock { value, time: 0, bytes };
    let block = crate::validator::Content::of(&block).block();
    let judged = world.all[place(world)].judge(&block, world.chain.params().pace);
    match judged {
        Some(Verdict::Valid(block)) if block.value == value => Some(block.time),
        _ => None,
    }
}

fn send(world: &mut World, from: usize, said: &Said) {
    for to in members(world).places().filter(|to| *to != from) {
        let lies = members(world).liar == Some(from);
        let said = match (lies, said) {
            (true, Said::Letter(letter)) if letter.heading().step == Step::Signed => match world.below(3) {
                0 => continue,
                1 => Said::Letter(forge(from, letter)),
                _ => said.clone(),
            },
            _ => said.clone(),
        };
        let event = VoteEvent::Heard(Said::from_bytes(&said.to_bytes()).unwrap());
        let boot = members(world).machines[to].boot;
        // What one member says to another arrives in order.
        let at = world.now + ms(1 + world.below(6));
        let last = &mut members(world).last[from][to];
        *last = at.max(*last + ms(1));
        let after = (*last - world.now).as_millis() as u64;
        world.member_later(after, to, Happens::Event { boot, event: Box::new(event) });
    }
}

/// A letter with another first byte of its body.
fn forge(by: usize, letter: &Letter) -> Letter {
    let mut bytes = letter.to_bytes();
    let signed = bytes.len() - 64;
    let body = signed - 1 - letter.body().len();
    bytes[body] ^= 1;
    let context = Context::new("sotto keys letter v1");
    let signature = crate::group::identity(by as u64 + 1).sign(context, &bytes[..signed]);
    bytes[signed..].copy_from_slice(&signature);
    Letter::from_bytes(&bytes).unwrap()
}

/// The liar forgets what it said, and asks for something that contradicts what the group may have said.
fn lie(world: &mut World, member: usize) {
    let chain = *world.chain.id();
    *members(world).machines[member].disk.0.lock().unwrap() = VoteRecord::new(chain);
    start(world, member);
    let (height, round) = (Height::new(world.all[place(world)].height() + 1), world.below(3) as u32);
    let kind = if world.below(2) == 0 { VoteKind::Prevote } else { VoteKind::Precommit };
    let value = (world.below(2) == 0).then(|| Hash::from_bytes([world.below(9) as u8; 32]));
    let statement = Statement::Vote(Vote { kind, height, round, value });
    let ballot = Ballot { statement, claim: None, polka: None, block: Arc::new([]) };
    let again = 300 + world.below(1_500);
    tell(world, member, VoteEvent::Ask(Ballot::from_bytes(&ballot.to_bytes()).unwrap()));
    world.member_later(again, member, Happens::Lie);
}

fn world(size: Size, seed: u64) -> World {
    let mut world = World::with(seed, 4, Some(Members::new(size, seed)));
    world.start_all();
    world
}

fn votes_of_group(world: &World) -> usize {
    let who = place(world);
    world.said.keys().filter(|(i, at)| *i == who && at.kind > 0).count()
}

#[test]
fn the_others_see_one_ordinary_validator() {
    for size in [THREE_OF_FIVE, FOUR_OF_SIX] {
        let mut world = world(size, 1);
        assert!(world.run(Duration::from_secs(120), |w| w.least() >= 8), "{size:?}");
        assert!(votes_of_group(&world) >= 12, "{size:?}: {}", votes_of_group(&world));
        let who = place(&world);
        assert!(world.said.keys().any(|(i, at)| *i == who && at.kind == 0), "{size:?}: it proposes");
        assert!(world.greatest_round() == 0 && world.evidence.is_empty(), "{size:?}: no round fails");
    }
}

/// One of the other three is away: no height ends without the group, of whose members only t are there, too.
#[test]
fn t_members_are_enough_where_the_group_is_needed() {
    [THREE_OF_FIVE, FOUR_OF_SIX].into_iter().for_each(enough_where_it_is_needed);
}

fn enough_where_it_is_needed(size: Size) {
    let mut world = world(size, 2);
    let other = (0..4).find(|i| *i != place(&world)).unwrap();
    world.run(ms(10), |_| false);
    world.take_away(other);
    let (speaker, mut places) = (members(&mut world).speaker, members(&mut world).places());
    let spare = usize::from(size.n - size.t);
    let away: Vec<usize> = places.clone().filter(|m| *m != speaker).take(spare).collect();
    away.iter().for_each(|m| members(&mut world).machines[*m].engine = None);
    let up = |w: &World| (0..4).filter(|i| *i != other).map(|i| w.all[i].height()).min().unwrap();
    let before = up(&world);
    let goes_on = world.run(Duration::from_secs(120), |w| up(w) >= before + 4);
    assert!(goes_on, "{size:?}: {:?}", members(&mut world).notes);
    // With one more away the chain stops, and goes on when it is back.
    let further = places.find(|m| *m != speaker && !away.contains(m)).unwrap();
    members(&mut world).machines[further].engine = None;
    let now = world.now;
    world.run(now + Duration::from_secs(60), |_| false);
    let stopped = up(&world);
    world.run(now + Duration::from_secs(120), |_| false);
    assert_eq!(up(&world), stopped, "{size:?}: t - 1 members are not enough");
    start(&mut world, further);
    let now = world.now;
    let goes_on = world.run(now + Duration::from_secs(180), |w| up(w) >= stopped + 2);
    assert!(goes_on, "{size:?}: {:?}", members(&mut world).notes);
}

/// Crashes of members and of the speaker, a liar and lost messages; then only the liar.
fn storm(world: &mut World) {
    world.run(ms(10), |_| false);
    let liar = (members(world).speaker + 1) % usize::from(members(world).size.n);
    members(world).liar = Some(liar);
    members(world).crashes = 2;
    world.weather.loss = 10;
    world.member_later(100, liar, Happens::Lie);
    world.run(Duration::from_secs(40), |_| false);
    members(world).crashes = 0;
    world.weather.loss = 0;
}

/// Where each member and each validator stands.
fn whereabouts(world: &World) -> String {
    let group = world.group.as_ref().unwrap();
    let kept = |m: &Machine| format!("{:?}, up: {}", m.disk.0.lock().unwrap(), m.engine.is_some());
    let members: Vec<String> = group.machines.iter().map(kept).collect();
    let activity = |s: &crate::validator::Sim| (s.height(), s.engine.as_ref().map(|e| e.activity()));
    let all: Vec<_> = world.all.iter().map(activity).collect();
    let notes: Vec<_> = group.notes.iter().rev().take(12).collect();
    format!("speaker {}, liar {:?}\n{}\n{all:?}\n{notes:?}", group.speaker, group.liar, members.join("\n"))
}

/// One of the others is away all the time: no height ends without the group, whatever happened in it. It goes on from each
/// seed but those of [`STAND_STILL`], which were found among 10 to 109 (`SOTTO_CONSENSUS_SEEDS=100`). Another one that stands
/// still may have another cause, so find that before you add it.
#[test]
fn a_group_that_is_needed_goes_on_after_crashes_and_a_liar() {
    let (mut failed, seeds) = (Vec::new(), crate::storms::seeds(16));
    for seed in 10..10 + seeds {
        let mut world = world(FOUR_OF_SIX, seed);
        let other = (0..4).find(|i| *i != place(&world)).unwrap();
        world.run(ms(5), |_| false);
        world.take_away(other);
        storm(&mut world);
        let up = |w: &World| (0..4).filter(|i| *i != other).map(|i| w.all[i].height()).min().unwrap();
        let (before, now) = (up(&world), world.now);
        if !world.run(now + Duration::from_secs(240), |w| up(w) >= before + 3) {
            println!("seed {seed}: {} of {before} + 3; {}", up(&world), whereabouts(&world));
            failed.push(seed);
        }
        assert!(world.evidence.is_empty(), "no validator votes twice");
    }
    let unknown: Vec<u64> = failed.into_iter().filter(|seed| !STAND_STILL.contains(seed)).collect();
    assert!(unknown.is_empty(), "{unknown:?} stand still, and are not known to");
}

/// Crashes of members and of the speaker, a liar, lost messages: never two votes, and the chain goes on.
#[test]
fn a_group_with_crashes_and_a_liar_never_votes_twice() {
    for seed in 10..10 + crate::storms::seeds(4) {
        let mut world = world(FOUR_OF_SIX, seed);
        storm(&mut world);
        let (before, now) = (world.least(), world.now);
        let goes_on = world.run(now + Duration::from_secs(240), |w| w.least() >= before + 3);
        assert!(goes_on, "seed {seed}: {} of {before} + 3", world.least());
        assert!(world.evidence.is_empty(), "no validator votes twice");
    }
}
