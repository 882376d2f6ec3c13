//! A validator whose vote key six members have together: four of them sign, one lies, and all of them crash now and
//! then. The others know of no group.
//!
//! Two sets of four share two members, of whom one is honest. Of three of five, two sets may share the liar alone, who can
//! sign two statements at one position then.

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
    sync::{Arc, Mutex},
    time::Duration,
};

const T: u8 = 4;
const N: usize = 6;

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
    group: Group,
    shares: Vec<Share>,
    pub(crate) validator: Validator,
    machines: Vec<Machine>,
    /// Who speaks for the group.
    speaker: usize,
    liar: Option<usize>,
    /// When the last message from one to another arrives.
    last: [[Duration; N]; N],
    /// Which of them go away now and then, in percent of what happens to them.
    crashes: u64,
    notes: Vec<CouncilNote>,
}

impl Members {
    fn new(seed: u64) -> Self {
        let (group, shares) = made(T, N as u8, seed);
        let link_key = LinkKey::from_bytes([200; 32]);
        let entry = Request::Validator { link_key: [200; 32], name: "board".to_owned() };
        let possession = Signature::from_bytes(&signed(&group, &shares, &entry)).unwrap();
        let vote_key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let (power, name) = (NonZeroU32::MIN, "board".parse().unwrap());
        let validator = Validator { vote_key, possession, link_key, power, name };
        assert!(validator.is_possessed(), "what the group signs is what a list of validators asks for");
        let (machines, notes, last) = Default::default();
        Self { group, shares, validator, machines, speaker: 0, liar: None, crashes: 0, notes, last }
    }

    /// What is said was durable at t members before.
    pub(crate) fn check_said(&self, at: Position) {
        let honest = self.machines.iter().enumerate().filter(|(m, _)| Some(*m) != self.liar);
        let kept = honest.filter(|(_, m)| m.disk.0.lock().unwrap().last() >= at).count();
        let kept = kept + usize::from(self.liar.is_some());
        assert!(kept >= T.into(), "{at:?} is said, and {kept} records know of it");
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
    if members(world).machines.is_empty() {
        let chain = *world.chain.id();
        let disk = || Disk(Arc::new(Mutex::new(VoteRecord::new(chain))));
        let machine = || Machine { disk: disk(), engine: None, boot: 0 };
        members(world).machines = (0..N).map(|_| machine()).collect();
        (0..N).for_each(|member| start(world, member));
    }
    let up: Vec<usize> = (0..N).filter(|m| members(world).machines[*m].engine.is_some()).collect();
    let honest: Vec<usize> = up.into_iter().filter(|m| Some(*m) != members(world).liar).collect();
    let speaker = honest.get(world.below(honest.len() as u64) as usize).copied();
    let speaker = speaker.unwrap_or_else(|| {
        let first = (0..N).find(|m| Some(*m) != members(world).liar).unwrap();
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
    for member in 0..N {
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
    for to in (0..N).filter(|to| *to != from) {
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

fn world(seed: u64) -> World {
    let mut world = World::with(seed, 4, Some(Members::new(seed)));
    world.start_all();
    world
}

fn votes_of_group(world: &World) -> usize {
    let who = place(world);
    world.said.keys().filter(|(i, at)| *i == who && at.kind > 0).count()
}

#[test]
fn the_others_see_one_ordinary_validator() {
    let mut world = world(1);
    assert!(world.run(Duration::from_secs(120), |w| w.least() >= 8));
    assert!(votes_of_group(&world) >= 12, "{}", votes_of_group(&world));
    let who = place(&world);
    assert!(world.said.keys().any(|(i, at)| *i == who && at.kind == 0), "it proposes");
    assert!(world.greatest_round() == 0 && world.evidence.is_empty(), "no round fails");
}

/// One of the other three is away: no height ends without the group, two of whose members are away, too.
#[test]
fn four_of_six_members_are_enough_where_the_group_is_needed() {
    let mut world = world(2);
    let other = (0..4).find(|i| *i != place(&world)).unwrap();
    world.run(ms(10), |_| false);
    world.take_away(other);
    let speaker = members(&mut world).speaker;
    let away: Vec<usize> = (0..N).filter(|m| *m != speaker).take(2).collect();
    away.iter().for_each(|m| members(&mut world).machines[*m].engine = None);
    let up = |w: &World| (0..4).filter(|i| *i != other).map(|i| w.all[i].height()).min().unwrap();
    let before = up(&world);
    assert!(world.run(Duration::from_secs(120), |w| up(w) >= before + 4), "{:?}", members(&mut world).notes);
    // With a third one away the chain stops, and goes on when it is back.
    let third = (0..N).find(|m| *m != speaker && !away.contains(m)).unwrap();
    members(&mut world).machines[third].engine = None;
    let now = world.now;
    world.run(now + Duration::from_secs(60), |_| false);
    let stopped = up(&world);
    world.run(now + Duration::from_secs(120), |_| false);
    assert_eq!(up(&world), stopped, "three members are not enough");
    start(&mut world, third);
    let now = world.now;
    assert!(
        world.run(now + Duration::from_secs(180), |w| up(w) >= stopped + 2),
        "{:?}",
        members(&mut world).notes
    );
}

/// Crashes of members and of the speaker, a liar and lost messages; then only the liar.
fn storm(world: &mut World) {
    world.run(ms(10), |_| false);
    let liar = (members(world).speaker + 1) % N;
    members(world).liar = Some(liar);
    members(world).crashes = 2;
    world.weather.loss = 10;
    world.member_later(100, liar, Happens::Lie);
    world.run(Duration::from_secs(40), |_| false);
    members(world).crashes = 0;
    world.weather.loss = 0;
}

/// Where everybody is.
fn whereabouts(world: &World) -> String {
    let group = world.group.as_ref().unwrap();
    let kept = |m: &Machine| format!("{:?}, up: {}", m.disk.0.lock().unwrap(), m.engine.is_some());
    let members: Vec<String> = group.machines.iter().map(kept).collect();
    let activity = |s: &crate::validator::Sim| (s.height(), s.engine.as_ref().map(|e| e.activity()));
    let all: Vec<_> = world.all.iter().map(activity).collect();
    let notes: Vec<_> = group.notes.iter().rev().take(12).collect();
    format!("speaker {}, liar {:?}\n{}\n{all:?}\n{notes:?}", group.speaker, group.liar, members.join("\n"))
}

/// One of the others is away all the time: no height ends without the group, whatever happened in it.
#[test]
fn a_group_that_is_needed_goes_on_after_crashes_and_a_liar() {
    let (mut failed, seeds) = (Vec::new(), crate::storms::seeds(16));
    for seed in 10..10 + seeds {
        let mut world = world(seed);
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
        assert!(world.evidence.is_empty(), "nobody votes twice");
    }
    // The grounds of a value can be lost with its speaker (adr/0025).
    assert!(failed.len() as u64 * 8 <= seeds, "{failed:?}");
}

/// Crashes of members and of the speaker, a liar, lost messages: never two votes, and the chain goes on.
#[test]
fn a_group_with_crashes_and_a_liar_never_votes_twice() {
    for seed in 10..10 + crate::storms::seeds(4) {
        let mut world = world(seed);
        storm(&mut world);
        let (before, now) = (world.least(), world.now);
        let goes_on = world.run(now + Duration::from_secs(240), |w| w.least() >= before + 3);
        assert!(goes_on, "seed {seed}: {} of {before} + 3", world.least());
        assert!(world.evidence.is_empty(), "nobody votes twice");
    }
}
