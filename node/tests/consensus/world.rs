//! The network, the disks and the time of a simulation, and what is checked at every step.

use crate::{
    byzantine::{self, Fault},
    groups::{self, Members},
    validator::{Content, EPOCH, Sim},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::RngCore;
use sotto_mw::{
    amount::Height,
    chain::{Chain, Network, Params},
    hash::Hash,
    schnorr::Signature,
    secret::SecretScalar,
    testing::TestValidators,
    validators::{LinkKey, ValidatorSet},
    votes::{Certificate, Vote, VoteKind},
};
use sotto_node::consensus::{
    Accounts, Ballot, DoubleCertificate, Effect, Event, Evidence, Message, Position, ProposedBlock,
    StepContext, Timing, Votes, WriteId,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What travels.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Consensus(Vec<u8>),
    Block(ProposedBlock),
    Want(Hash),
    Tip(u64),
    GetBlock(u64),
    Sealed(ProposedBlock, Certificate),
}

pub(crate) type Cast = BTreeMap<(u64, u32, VoteKind, usize), (Option<Hash>, Signature)>;

enum Due {
    Arrive { from: usize, packet: Packet },
    Wake,
    Feed { boot: u32, event: Box<Event> },
    Written { boot: u32, id: WriteId, files: Files },
    Fetch { boot: u32, value: Hash, tries: u32 },
    Start,
    Announce,
    Member { member: usize, event: groups::Happens },
}

/// What is written to a disk.
struct Files {
    log_at: u64,
    log: Vec<u8>,
    votes: Votes,
    accounts: Option<Vec<u8>>,
}

/// How the network is.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) delay: (u64, u64),
    /// In percent.
    pub(crate) loss: u64,
    /// To which part of a divided network each belongs.
    pub(crate) part: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: Duration,
    pub(crate) chain: Chain,
    pub(crate) set: ValidatorSet,
    pub(crate) all: Vec<Sim>,
    pub(crate) weather: Weather,
    pub(crate) timing: Timing,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) stopped: Vec<DoubleCertificate>,
    queue: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    due: BTreeMap<u64, Due>,
    events: u64,
    /// What honest validators said, by place.
    pub(crate) said: BTreeMap<(usize, Position), Vec<u8>>,
    /// The group that is a validator, if one is.
    pub(crate) group: Option<Members>,
    /// Every vote that an engine wanted to send, by height, round, kind and place.
    pub(crate) cast: Cast,
    /// How many votes of honest validators went against a former lock.
    pub(crate) explained: u32,
    /// The one block of each height.
    pub(crate) decided: BTreeMap<u64, (Hash, u32)>,
    /// Rounds of the certificates under which honest validators connected.
    pub(crate) restarts: u32,
}

impl World {
    pub(crate) fn new(seed: u64, n: usize) -> Self {
        Self::with(seed, n, None)
    }

    /// Validators of whom one is this group.
    pub(crate) fn with(seed: u64, n: usize, group: Option<Members>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut keys = TestValidators::default();
        let own = usize::from(group.is_some());
        let alone = (own..n).map(|i| keys.appoint(&format!("v{i}"), 1, &mut rng));
        let members = alone.chain(group.as_ref().map(|group| group.validator.clone())).collect();
        let set = ValidatorSet::new(members).unwrap();
        let chain = Chain::new(Params::with_validators(Network::Test, set.clone(), EPOCH)).unwrap();
        let sim = |i: usize| {
            let v = set.get(i).unwrap();
            let of_group = group.as_ref().is_some_and(|group| group.validator.vote_key == v.vote_key);
            // The group's key is nobody's.
            let key = if of_group { SecretScalar::zero() } else { keys.secret(&v.vote_key).clone() };
            let sim = Sim::new(&chain, i, key, v.link_key);
            Sim { group: of_group.then_some(v.vote_key), ..sim }
        };
        let all = (0..n).map(sim).collect();
        let weather = Weather { delay: (20, 80), loss: 0, part: vec![0; n] };
        let timing = Timing { gather: ms(0), ..Timing::default() };
        let (evidence, stopped, queue, due, said, cast, decided) = Default::default();
        Self {
            rng,
            now: Duration::ZERO,
            chain,
            set,
            all,
            weather,
            timing,
            evidence,
            stopped,
            queue,
            due,
            events: 0,
            said,
            group,
            cast,
            explained: 0,
            decided,
            restarts: 0,
        }
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n.max(1)
    }

    pub(crate) fn between(&mut self, range: (u64, u64)) -> u64 {
        range.0 + self.below(range.1 - range.0 + 1)
    }

    /// Something happens to a member of the group after these milliseconds.
    pub(crate) fn member_later(&mut self, after: u64, member: usize, event: groups::Happens) {
        self.at(self.now + ms(after), 0, Due::Member { member, event });
    }

    fn at(&mut self, when: Duration, who: usize, due: Due) {
        self.events += 1;
        self.queue.push(Reverse((when, self.events, who)));
        self.due.insert(self.events, due);
    }

    pub(crate) fn start_all(&mut self) {
        for i in 0..self.all.len() {
            if self.all[i].fault != Some(Fault::Silent) {
                self.at(self.now, i, Due::Start);
                self.at(self.now, i, Due::Announce);
            }
        }
    }

    pub(crate) fn crash(&mut self, i: usize, back: Duration) {
        self.all[i].engine = None;
        self.all[i].boot += 1;
        self.restarts += 1;
        self.at(self.now + back, i, Due::Start);
    }

    /// A validator that stays away until [`World::bring_back`].
    pub(crate) fn take_away(&mut self, i: usize) {
        self.all[i].engine = None;
        self.all[i].boot += 1;
    }

    pub(crate) fn bring_back(&mut self, i: usize) {
        self.at(self.now, i, Due::Start);
    }

    /// Runs until `until`, or until `done`; says whether it was done.
    pub(crate) fn run(&mut self, until: Duration, done: impl Fn(&Self) -> bool) -> bool {
        while let Some(Reverse((when, _, _))) = self.queue.peek() {
            if done(self) {
                return true;
            }
            if *when > until {
                break;
            }
            let Some(Reverse((when, number, who))) = self.queue.pop() else { break };
            self.now = when;
            let due = self.due.remove(&number).unwrap();
            self.handle(who, due);
        }
        self.now = until;
        done(self)
    }

    fn handle(&mut self, who: usize, due: Due) {
        match due {
            Due::Start => {
                let (chain, timing) = (self.chain.clone(), self.timing);
                groups::on_start(self, who);
                self.all[who].start(&chain, timing);
                let tip = self.all[who].tip(&self.set);
                self.feed(who, tip);
            }
            Due::Wake => {
                let due = self.all[who].engine.as_ref().and_then(|e| e.wake_at());
                if due.is_some_and(|at| at <= self.now) {
                    self.feed(who, Event::Tick);
                }
            }
            Due::Feed { boot, event } if boot == self.all[who].boot => self.feed(who, *event),
            Due::Written { boot, id, files } if boot == self.all[who].boot && self.write(who, &files) => {
                self.feed(who, Event::Written(id));
            }
            Due::Fetch { boot, value, tries } if boot == self.all[who].boot => self.fetch(who, value, tries),
            Due::Arrive { from, packet } if self.all[who].engine.is_some() => self.arrive(who, from, packet),
            Due::Member { member, event } => groups::happen(self, member, event),
            Due::Announce => {
                let height = self.all[who].height();
                if self.all[who].engine.is_some() {
                    self.tell_all(who, &Packet::Tip(height));
                }
                self.at(self.now + ms(3_000), who, Due::Announce);
            }
            _ => {}
        }
    }

    /// Writes to a disk, in the order of the law; says whether the validator survives it.
    fn write(&mut self, who: usize, Files { log_at, log, votes, accounts }: &Files) -> bool {
        if self.burns(who) {
            return false;
        }
        // A crash while the log is appended leaves some of it.
        let torn = self.burns(who).then(|| self.below(log.len() as u64 + 1) as usize);
        let disk = &mut self.all[who].disk;
        disk.log.truncate(*log_at as usize);
        disk.log.extend_from_slice(&log[..torn.unwrap_or(log.len())]);
        if torn.is_some() || self.burns(who) {
            return false;
        }
        self.all[who].disk.votes = *votes;
        if self.burns(who) {
            return false;
        }
        if let Some(file) = accounts {
            self.all[who].disk.accounts = Accounts::from_file(file).unwrap().1;
            self.check_accounts(who);
        }
        !self.burns(who)
    }

    /// Whether a crash was due here.
    fn burns(&mut self, who: usize) -> bool {
        if self.all[who].engine.is_none() {
            return true;
        }
        match &mut self.all[who].fuse {
            Some(0) => {
                self.all[who].fuse = None;
                let back = ms(self.between((100, 3_000)));
                self.crash(who, back);
                true
            }
            Some(n) => {
                *n -= 1;
                false
            }
            None => false,
        }
    }

    pub(crate) fn feed(&mut self, who: usize, event: Event) {
        let clock = self.all[who].clock(self.now);
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
            self.at(wake.max(self.now), who, Due::Wake);
        }
    }

    pub(crate) fn later(&mut self, who: usize, range: (u64, u64), event: Event) {
        let (when, boot) = (self.now + ms(self.between(range)), self.all[who].boot);
        self.at(when, who, Due::Feed { boot, event: Box::new(event) });
    }

    fn carry_out(&mut self, who: usize, effect: Effect) {
        match effect {
            Effect::Write { id, log_at, log, votes, accounts } => {
                let (boot, files) = (self.all[who].boot, Files { log_at, log, votes, accounts });
                let when = self.now.max(self.all[who].busy) + ms(self.between((1, 8)));
                self.all[who].busy = when;
                self.at(when, who, Due::Written { boot, id, files });
            }
            Effect::Send { to, message } => self.send(who, &to, &message),
            Effect::SendBlock(value) => {
                let Some(block) = self.all[who].here.get(&value).cloned() else {
                    panic!("{who} has no block {value}")
                };
                byzantine::send_block(self, who, block);
            }
            Effect::Draft { round, time, .. } => {
                let nonce = self.rng.next_u64();
                let content = byzantine::draft(self, who, self.all[who].draft(time, nonce));
                let block = content.block();
                self.all[who].here.insert(block.value, block.clone());
                self.later(who, (5, 30), Event::Drafted { round, block });
            }
            Effect::Judge { value, .. } => {
                self.all[who].wanted.insert(value);
                self.fetch(who, value, 8);
            }
            Effect::Restore(block) => _ = self.all[who].here.insert(block.value, block),
            Effect::Commit { height, value, certificate } => {
                let block =
                    self.all[who].here.get(&value).cloned().expect("what is committed was judged here");
                assert_eq!(height.get(), self.all[who].height() + 1);
                self.connect(who, block, certificate);
            }
            Effect::Report(evidence) => {
                assert!(evidence.holds(self.chain.id()), "evidence verifies alone");
                let culprit = self.set.index_of(evidence.culprit()).unwrap();
                assert!(!self.all[culprit].is_honest(), "validator {culprit} is honest: {evidence:?}");
                self.evidence.push(evidence);
            }
            Effect::Disconnect(link) => {
                let culprit = self.place(&link);
                assert!(!self.all[culprit].is_honest(), "{who} disconnects {culprit}, which is honest");
            }
            Effect::Stop(double) => {
                assert!(double.holds(self.chain.id(), &self.set));
                self.stopped.push(*double);
            }
            Effect::Sign { statement, claim, polka } => {
                let judged = statement.value().filter(|_| statement.needs_block());
                let block = judged.and_then(|value| self.all[who].here.get(&value));
                let block = block.map(|block| block.bytes.clone()).unwrap_or_default();
                groups::ask(self, Ballot { statement, claim, polka, block });
            }
            Effect::Note(_) => {}
        }
    }

    pub(crate) fn place(&self, link: &LinkKey) -> usize {
        self.all.iter().position(|s| s.link == *link).unwrap()
    }

    fn send(&mut self, who: usize, to: &[LinkKey], message: &Message) {
        if self.all[who].is_honest() {
            self.check_said(who, message);
        }
        if let Message::Vote { vote, place, signature } = message
            && usize::from(*place) == who
        {
            self.cast.insert((vote.height.get(), vote.round, vote.kind, who), (vote.value, *signature));
            if self.all[who].group.is_none() {
                self.check_account_of(who, vote);
            }
        }
        let to: Vec<usize> = to.iter().map(|link| self.place(link)).collect();
        byzantine::send(self, who, &to, message);
    }

    pub(crate) fn tell_all(&mut self, who: usize, packet: &Packet) {
        for to in 0..self.all.len() {
            self.post(who, to, packet.clone());
        }
    }

    pub(crate) fn post(&mut self, from: usize, to: usize, packet: Packet) {
        let lost = self.below(100) < self.weather.loss || self.weather.part[from] != self.weather.part[to];
        if from != to && !lost {
            let when = self.now + ms(self.between(self.weather.delay));
            self.at(when, to, Due::Arrive { from, packet });
        }
    }

    fn fetch(&mut self, who: usize, value: Hash, tries: u32) {
        if !self.all[who].wanted.contains(&value) {
            return;
        }
        if let Some(block) = self.all[who].here.get(&value).cloned() {
            self.all[who].wanted.remove(&value);
            if let Some(verdict) = self.all[who].judge(&block, self.chain.params().pace) {
                self.later(who, (1, 20), Event::Judged { value, verdict });
            }
        } else if tries > 0 {
            self.tell_all(who, &Packet::Want(value));
            let boot = self.all[who].boot;
            self.at(self.now + ms(1_000), who, Due::Fetch { boot, value, tries: tries - 1 });
        }
    }

    fn arrive(&mut self, who: usize, from: usize, packet: Packet) {
        match packet {
            Packet::Consensus(bytes) => {
                let link = self.all[from].link;
                self.feed(who, Event::Heard { from: link, bytes });
            }
            Packet::Block(block) => {
                let value = block.value;
                assert_eq!(Content::of(&block).block().value, value, "a hash names its bytes");
                self.all[who].here.insert(value, block);
                self.fetch(who, value, 0);
            }
            Packet::Want(value) => {
                let withholds = self.all[who].fault == Some(Fault::WithheldBodies);
                if let (Some(block), false) = (self.all[who].here.get(&value).cloned(), withholds) {
                    self.post(who, from, Packet::Block(block));
                }
            }
            Packet::Tip(height) if height > self.all[who].height() => {
                let next = self.all[who].height() + 1;
                self.post(who, from, Packet::GetBlock(next));
            }
            Packet::GetBlock(height) => {
                if let Some((block, certificate)) =
                    self.all[who].disk.blocks.get(height as usize - 1).cloned()
                {
                    self.post(who, from, Packet::Sealed(block, certificate));
                    self.post(who, from, Packet::Tip(self.all[who].height()));
                }
            }
            Packet::Sealed(block, certificate) => {
                let content = Content::of(&block);
                let (height, round) = (Height::new(content.height), certificate.round);
                let vote = Vote { kind: VoteKind::Precommit, height, round, value: Some(block.value) };
                if !certificate.certifies(self.chain.id(), &self.set, &vote) {
                    return;
                }
                if content.height == self.all[who].height() + 1 {
                    self.connect(who, block, certificate);
                } else {
                    self.feed(who, Event::Certified { height, value: block.value, certificate });
                }
            }
            Packet::Tip(_) => {}
        }
    }

    fn connect(&mut self, who: usize, block: ProposedBlock, certificate: Certificate) {
        let (height, round) = (self.all[who].height() + 1, certificate.round);
        if self.all[who].is_honest() {
            let decided = self.decided.entry(height).or_insert((block.value, round));
            let forgetful = self.all.iter().any(|s| s.fault == Some(Fault::Amnesia));
            assert!(forgetful || decided.0 == block.value, "two blocks at height {height}");
        }
        self.all[who].disk.blocks.push((block, certificate));
        self.all[who].here.retain(|_, b| Content::of(b).height + 3 > height);
        if self.burns(who) {
            return;
        }
        let tip = self.all[who].tip(&self.set);
        groups::on_connected(self, who);
        self.feed(who, tip);
        let height = self.all[who].height();
        self.tell_all(who, &Packet::Tip(height));
    }
}
