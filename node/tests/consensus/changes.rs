//! Changes of the terms mid-run: validators with real ledgers, over a network that loses, with crashes between log, record
//! and chain. Sets, keys and fees come from the blocks alone.

use crate::world::ms;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::RngCore;
use sotto_mw::{
    amount::{Amount, Height},
    block::Reward,
    codec::Encode,
    hash::{Hash, tagged},
    rules::Proposal,
    schnorr::PublicKey,
    terms::{Announced, Change, Limits},
    testing::{Owned, TestChain},
    validators::{Validator, ValidatorSet},
};
use sotto_node::{
    Layout, Ledger, Memory, MempoolLimits, Store,
    consensus::{
        Activity, Effect, Engine, Event, Saved, Setup, StepContext, Timing, Verdict, Votes, WriteId,
    },
    ledger::validating::{JudgedBlocks, tip},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    time::Duration,
};

/// In percent.
const LOSS: u64 = 4;

struct Sim {
    who: Validator,
    renewal: Option<PublicKey>,
    ledger: Ledger,
    engine: Option<Engine>,
    boot: u32,
    votes: Votes,
    log: Vec<u8>,
    judged: JudgedBlocks,
    here: BTreeMap<Hash, Proposal>,
    wanted: BTreeSet<Hash>,
}

#[allow(clippy::large_enum_variant, reason = "a test")]
enum Due {
    Heard { from: usize, bytes: Vec<u8> },
    Block(Proposal),
    Feed(u32, Event),
    Written { boot: u32, id: WriteId, log_at: u64, log: Vec<u8>, votes: Votes },
    Wake,
    Sync,
    Start,
}

struct Changing {
    rng: ChaCha20Rng,
    chain: TestChain,
    all: Vec<Sim>,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    due: BTreeMap<u64, Due>,
    numbered: u64,
    /// How often a crash comes: at one of so many effects.
    crashes: u64,
    crashed: u32,
    rewards: Vec<Owned>,
    paid: u64,
}

impl Changing {
    /// Four validators, and three that are to join; one more stands for a renewed key of the first.
    fn new(seed: u64) -> Self {
        let mut chain = TestChain::with_validators(seed, 4);
        let mut members = set(&chain);
        members.extend((0..3).map(|n| chain.appoint(&format!("joins-{n}"), 1)));
        let sim = |(n, who): (usize, Validator)| {
            let params = chain.chain().params().clone();
            let store = Store::create_on(Memory::new(), Layout::in_memory(), params).unwrap();
            let ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
            let votes = Votes::new(*chain.chain().id(), installation(n));
            let (judged, here, wanted) = Default::default();
            let (renewal, engine, boot, log) = (None, None, 0, Vec::new());
            Sim { who, renewal, ledger, engine, boot, votes, log, judged, here, wanted }
        };
        let all = members.into_iter().enumerate().map(sim).collect();
        let (queue, due, rng) = (BinaryHeap::new(), BTreeMap::new(), ChaCha20Rng::seed_from_u64(seed));
        let (now, numbered, crashes, crashed, rewards, paid) = (ms(0), 0, 900, 0, Vec::new(), 0);
        let mut world = Self { rng, chain, all, now, queue, due, numbered, crashes, crashed, rewards, paid };
        for who in 0..7 {
            world.at(0, who, Due::Start);
            world.at(500 + who as u64, who, Due::Sync);
        }
        world
    }

    fn at(&mut self, after: u64, who: usize, due: Due) {
        self.numbered += 1;
        self.queue.push(Reverse((self.now + ms(after), self.numbered, who)));
        self.due.insert(self.numbered, due);
    }

    fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n
    }

    /// Runs until `done`, for so many seconds at most.
    fn run(&mut self, seconds: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(seconds);
        while !done(self) {
            let Reverse((when, number, who)) = self.queue.pop().unwrap();
            let heights: Vec<u64> = self.all.iter().map(|s| s.ledger.tip().height.get()).collect();
            assert!(when < end, "not in {seconds} s: {heights:?}");
            self.now = when;
            let due = self.due.remove(&number).unwrap();
            self.handle(who, due);
        }
    }

    fn handle(&mut self, who: usize, due: Due) {
        let boot = self.all[who].boot;
        match due {
            Due::Start => self.start(who),
            Due::Heard { from, bytes } => {
                let from = self.all[from].who.link_key;
                self.feed(who, Event::Heard { from, bytes });
            }
            Due::Block(proposal) => {
                self.all[who].here.insert(proposal.header.hash(), proposal);
                self.judge(who);
            }
            Due::Feed(of, event) if of == boot => self.feed(who, event),
            Due::Written { boot: of, id, log_at, log, votes } if of == boot => {
                // A crash may come before, between and after the two files.
                if self.burns(who) {
                    return;
                }
                self.all[who].log.truncate(log_at as usize);
                self.all[who].log.extend(log);
                if self.burns(who) {
                    return;
                }
                self.all[who].votes = votes;
                if !self.burns(who) {
                    self.feed(who, Event::Written(id));
                }
            }
            Due::Wake => {
                let due = self.all[who].engine.as_ref().and_then(Engine::wake_at);
                if due.is_some_and(|at| at <= self.now) {
                    self.feed(who, Event::Tick);
                }
            }
            Due::Sync => self.sync(who),
            Due::Feed(..) | Due::Written { .. } => {}
        }
    }

    fn start(&mut self, who: usize) {
        let secret = |key: &PublicKey| self.chain.validators().secret(key).clone();
        let sim = &self.all[who];
        let setup = Setup {
            chain: sim.ledger.chain().clone(),
            vote_key: secret(&sim.who.vote_key).into(),
            installation: installation(who),
            timing: Timing { gather: ms(0), idle: ms(2_000), ..Timing::default() },
        };
        let saved = Saved { votes: Some(sim.votes), log: Some(sim.log.clone()), ..Saved::default() };
        let mut engine = Engine::new(setup, saved);
        if let Some(key) = &sim.renewal {
            engine = engine.with_renewal(secret(key));
        }
        let sim = &mut self.all[who];
        sim.judged.clear();
        sim.wanted.clear();
        sim.engine = Some(engine);
        self.connected(who);
    }

    fn burns(&mut self, who: usize) -> bool {
        if self.all[who].engine.is_none() {
            return true;
        }
        if self.below(self.crashes) > 0 {
            return false;
        }
        self.crash(who);
        true
    }

    fn crash(&mut self, who: usize) {
        self.crashed += 1;
        self.all[who].engine = None;
        self.all[who].boot += 1;
        let back = 100 + self.below(3_000);
        self.at(back, who, Due::Start);
    }

    fn connected(&mut self, who: usize) {
        let tip = tip(&self.all[who].ledger).unwrap().unwrap();
        self.feed(who, Event::Connected(tip));
    }

    fn feed(&mut self, who: usize, event: Event) {
        let clock = self.chain.chain().params().genesis_time + 1_000_000 + self.now.as_secs();
        let mut rng = ChaCha20Rng::seed_from_u64(self.rng.next_u64());
        let mut ctx = StepContext { now: self.now, clock, rng: &mut rng };
        let Some(engine) = &mut self.all[who].engine else { return };
        let effects = engine.step(&mut ctx, event);
        let wake = engine.wake_at();
        for effect in effects {
            if self.burns(who) {
                return;
            }
            self.carry_out(who, effect);
        }
        if let Some(wake) = wake {
            let after = wake.saturating_sub(self.now).as_millis() as u64 + 1;
            self.at(after, who, Due::Wake);
        }
    }

    fn later(&mut self, after: u64, who: usize, event: Event) {
        let boot = self.all[who].boot;
        self.at(after, who, Due::Feed(boot, event));
    }

    fn carry_out(&mut self, who: usize, effect: Effect) {
        match effect {
            Effect::Write { id, log_at, log, votes, .. } => {
                let boot = self.all[who].boot;
                self.at(2, who, Due::Written { boot, id, log_at, log, votes });
            }
            Effect::Send { to, message } => {
                for link in to {
                    let place = self.all.iter().position(|s| s.who.link_key == link).unwrap();
                    let after = 20 + self.below(60);
                    if self.below(100) >= LOSS {
                        self.at(after, place, Due::Heard { from: who, bytes: message.to_bytes() });
                    }
                }
            }
            Effect::SendBlock(value) => {
                let proposal = self.all[who].judged.get(&value).unwrap().clone();
                for place in (0..7).filter(|i| *i != who) {
                    if self.below(100) >= LOSS {
                        self.at(50, place, Due::Block(proposal.clone()));
                    }
                }
            }
            Effect::Draft { round, time, .. } => self.draft(who, round, time),
            Effect::Judge { value, .. } => {
                self.all[who].wanted.insert(value);
                // What does not arrive is asked for.
                let held = self.all.iter().find_map(|s| s.judged.get(&value)).cloned();
                held.into_iter().for_each(|proposal| self.at(300, who, Due::Block(proposal)));
                self.judge(who);
            }
            Effect::Commit { value, certificate, .. } => {
                let sim = &mut self.all[who];
                sim.judged.commit(&mut sim.ledger, &value, certificate).unwrap().unwrap();
                self.on_block(who);
            }
            Effect::Restore(block) => {
                let sim = &mut self.all[who];
                sim.judged.restore(&sim.ledger, &block).unwrap();
            }
            Effect::Sign { .. } | Effect::Note(_) => {}
            // No validator is dishonest: a disconnection, evidence or a second certificate is a fault.
            other => panic!("{who}: {other:?}"),
        }
    }

    /// A ledger has a new block: all of one height are one.
    fn on_block(&mut self, who: usize) {
        let sim = &mut self.all[who];
        let height = sim.ledger.tip().height;
        sim.here.clear();
        sim.judged.clear();
        sim.wanted.clear();
        if self.chain.next() == height {
            let block = self.all[who].ledger.store().block(height).unwrap().unwrap();
            self.chain.connect(&block).unwrap();
        }
        let ours = self.chain.blocks()[height.get() as usize - 1].header.hash();
        assert_eq!(self.all[who].ledger.tip().hash(), ours, "two blocks at {height}");
        self.connected(who);
    }

    /// Takes the next block of whoever is ahead, under its certificate.
    fn sync(&mut self, who: usize) {
        let next = self.all[who].ledger.tip().height.next();
        let ahead = self.all.iter().find(|s| s.ledger.tip().height >= next);
        let block = ahead.map(|s| s.ledger.store().block(next).unwrap().unwrap());
        // Others are given the time to decide here too.
        if let Some(block) = block.filter(|_| self.all[who].engine.is_some())
            && self.below(3) == 0
        {
            self.all[who].ledger.connect(block).unwrap();
            self.on_block(who);
        }
        self.at(400, who, Due::Sync);
    }

    fn draft(&mut self, who: usize, round: u32, time: u64) {
        let sim = &mut self.all[who];
        let draft = sim.ledger.draft().unwrap();
        let fees = draft.due.checked_sub(sim.ledger.chain().params().reward).unwrap();
        if draft.height != self.chain.next() {
            return;
        }
        let (coin, kernel) = self.chain.reward(fees);
        let reward = Reward { output: coin.output.clone(), kernel };
        self.rewards.push(coin);
        let sim = &mut self.all[who];
        let proposal = sim.ledger.propose(&draft, reward, time).unwrap();
        match sim.judged.judge(&sim.ledger, proposal).unwrap() {
            Some(Verdict::Valid(block)) => self.later(20, who, Event::Drafted { round, block }),
            verdict => panic!("{who} drafted {verdict:?}"),
        }
    }

    fn judge(&mut self, who: usize) {
        let sim = &mut self.all[who];
        let here: Vec<(Hash, Proposal)> =
            sim.wanted.iter().filter_map(|value| Some((*value, sim.here.get(value)?.clone()))).collect();
        for (value, proposal) in here {
            let sim = &mut self.all[who];
            if let Some(verdict) = sim.judged.judge(&sim.ledger, proposal).unwrap() {
                sim.wanted.remove(&value);
                self.later(5, who, Event::Judged { value, verdict });
            }
        }
    }

    /// Hands a change in at every node, as it is relayed, and again as long as it is not in a block.
    fn change(&mut self, change: Change, done: impl Fn(&TestChain) -> bool) {
        while !done(&self.chain) {
            let count = set(&self.chain).len();
            let expiry = self.chain.next().plus(20);
            let mut signed = self.chain.change_by(change.clone(), expiry, 0..count);
            if let Change::Validators(new) = &change {
                let renewed: Vec<u8> = (0u8..)
                    .zip(new.all())
                    .filter(|(_, v)| self.all.iter().any(|s| s.renewal == Some(v.vote_key)))
                    .filter(|(_, v)| !set(&self.chain).iter().any(|old| old.vote_key == v.vote_key))
                    .map(|(place, _)| place)
                    .collect();
                renewed.into_iter().for_each(|place| self.chain.renew(&mut signed, place));
            }
            for sim in &mut self.all {
                // One that is a block behind or ahead may refuse it.
                drop(sim.ledger.submit_change(signed.clone()));
            }
            (0..7).for_each(|who| self.later(0, who, Event::TransactionArrived));
            let height = self.chain.next().plus(6);
            self.run(600, |w| w.chain.next() > height || done(&w.chain));
        }
    }

    /// Lets these validators seal.
    fn move_to(&mut self, members: &[usize]) {
        let new = members.iter().map(|n| self.all[*n].who.clone()).collect();
        let new = ValidatorSet::new(new).unwrap();
        self.change(Change::Validators(new.clone()), |c| {
            c.chain().terms().sealing.validators() == Some(&new)
        });
        let height = self.chain.next();
        self.run(600, |w| w.chain.next() > height.plus(2));
        self.pay();
    }

    /// A payment that is submitted at every ledger is sealed. One that is behind would refuse it.
    fn pay(&mut self) {
        self.run(600, |w| w.all.iter().all(|s| s.ledger.tip().height.next() == w.chain.next()));
        let unspent = |w: &Self| {
            let there =
                |c: &Owned| w.chain.state().all_unspent().any(|u| u.output.commitment == c.commitment());
            w.rewards.iter().position(there)
        };
        let place = unspent(self).unwrap();
        let coin = self.rewards.remove(place);
        let (payment, _) = self.chain.pay(&[&coin], &[5]);
        for sim in &mut self.all {
            sim.ledger.submit(payment.clone()).unwrap();
        }
        (0..7).for_each(|who| self.later(0, who, Event::TransactionArrived));
        let sealed = |w: &Self| w.all.iter().any(|s| s.ledger.has_sealed(&payment).unwrap());
        self.run(900, sealed);
        self.paid += 1;
    }
}

fn set(chain: &TestChain) -> Vec<Validator> {
    chain.chain().terms().sealing.validators().unwrap().all().to_vec()
}

fn installation(place: usize) -> Hash {
    tagged("test/installation", &[&[place as u8]])
}

/// Four, seven and four again in steps; a key that is renewed; a fee that is doubled; a version that is announced and
/// withdrawn: under load, loss and crashes.
#[test]
fn the_terms_change_through_loss_and_crashes() {
    let seeds: u64 = std::env::var("SOTTO_CONSENSUS_SEEDS").map_or(2, |n| n.parse().unwrap());
    for seed in 0..seeds.div_ceil(20).max(2) {
        let mut world = Changing::new(7_000 + seed);
        world.run(600, |w| w.chain.next().get() > 4);
        for members in [&[0, 1, 2, 3, 4][..], &[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5, 6]] {
            world.move_to(members);
        }
        // The seventh goes on under another key, which its engine has from its next start on.
        let new = world.chain.renewed(&world.all[6].who.clone());
        world.all[6].renewal = Some(new.vote_key);
        world.crash(6);
        let mut all = set(&world.chain);
        let old = world.all[6].who.vote_key;
        all.iter_mut().filter(|v| v.vote_key == old).for_each(|v| *v = new.clone());
        let all = ValidatorSet::new(all).unwrap();
        world.change(Change::Validators(all.clone()), |c| {
            c.chain().terms().sealing.validators() == Some(&all)
        });
        world.all[6].who = new;
        world.all[6].renewal = None;
        world.crash(6);
        world.move_to(&[0, 3, 4, 5, 6]);
        world.move_to(&[3, 4, 5, 6]);
        // Those who are left, of whom three joined later, go on; who left follows.
        let height = world.chain.next();
        world.run(600, |w| w.all.iter().all(|s| s.ledger.tip().height > height));
        let left = world.all[0].engine.as_ref().map(Engine::activity);
        assert!(left.is_none_or(|a| matches!(a, Activity::Following(..))), "{left:?}");
        let from = world.chain.next().plus(60);
        let what = Limits { fee_per_weight: Amount::new(2_000), max_weight: 60_000 };
        let announce = Change::Limits(Announced { from, what });
        world.change(announce, |c| c.chain().terms().announced_limits.is_some());
        let rules = Change::Rules(Announced { from: from.plus(2), what: 9 });
        world.change(rules, |c| c.chain().terms().announced_rules.is_some());
        world.pay();
        world.change(Change::WithdrawRules, |c| c.chain().terms().announced_rules.is_none());
        world.run(900, |w| w.all.iter().all(|s| s.ledger.tip().height > from.plus(2)));
        assert_eq!(world.chain.chain().terms().limits, what);
        world.pay();
        assert!(world.crashed > 3 && world.paid == 7, "{} {}", world.crashed, world.paid);
        // Every ledger knows the terms of every height.
        for sim in &world.all {
            let store = sim.ledger.store();
            let sealed = store.sealed_headers(Height::new(1), sim.ledger.tip().height).unwrap();
            assert!(sealed.iter().all(|s| store.history().states_terms(&s.header)));
        }
    }
}
