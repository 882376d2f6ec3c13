//! Nodes that vote, with their ledgers, in one process and in virtual time: links of 50 ms, everything from a
//! seed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod changes;
mod checkpoints;
mod evidence;
mod group;
mod idle;
mod snapshots;

use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    block::Reward,
    codec::Encode,
    hash::Hash,
    kernel::Kernel,
    schnorr::PublicKey,
    state::ChainView,
    testing::{Owned, TestChain},
    transaction::Transaction,
    validators::Validator,
};
use sotto_node::{
    config::Config,
    consensus::{self, Engine, Saved, Timing, VoteKey, Votes},
    effect::{Effect, LogEvent, Response},
    engine::{Node, NodeSetup},
    event::{Event, Request, RequestId},
    ledger::{Ledger, mempool::MempoolLimits},
    message::{BlockName, Message},
    peer::{Address, Direction, PeerId, PeerKey},
    storage::{Layout, Memory, Store},
};
use std::collections::BTreeMap;

const LINK: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_millis(200);

/// The id of the program that makes a node's rewards, and of one that submits payments.
const SEALER: RequestId = RequestId(1);
const PAYER: RequestId = RequestId(2);

/// A node, and what is on its disk.
struct Machine {
    validator: Validator,
    /// The vote key that is to take the place of the first.
    renewal: Option<PublicKey>,
    node: Option<Node>,
    files: Memory,
    votes: Option<Vec<u8>>,
    log: Vec<u8>,
    started: Duration,
    rng: ChaCha20Rng,
}

/// The nodes, validators first, and what is in transit between them.
struct World {
    chain: TestChain,
    machines: Vec<Machine>,
    /// Which node each node that does not vote is connected to.
    followed: Vec<usize>,
    checkpoints: Vec<BlockName>,
    /// How long an empty mempool waits for a payment.
    idle: Duration,
    /// How many blocks apart snapshots are, how far behind a node starts from one, and items of a part.
    snapshots: Option<(u64, u64, u32)>,
    now: Duration,
    due: BTreeMap<(Duration, u64), (usize, Event)>,
    ends: BTreeMap<(usize, PeerId), (usize, PeerId)>,
    numbered: u64,
    alarms: Vec<String>,
    submitted: Option<Response>,
    /// All rewards that were made, of which few are in blocks.
    rewards: Vec<Owned>,
    /// Proposals that were sent whole.
    whole: usize,
    /// Who hears of no payment.
    deaf: Option<usize>,
    /// The group that has the vote key of one of them.
    group: Option<group::VoteGroup>,
}

impl World {
    fn new(seed: u64, validators: usize) -> Self {
        let mut world = Self::with(seed, validators, 0);
        (0..validators).for_each(|n| world.start(n));
        world
    }

    /// Validators, and nodes that do not vote, each with one connection of its own.
    fn with_followers(seed: u64, validators: usize, followed: Vec<usize>) -> Self {
        let mut world = Self::with(seed, validators, followed.len());
        world.followed = followed;
        (0..world.machines.len()).for_each(|n| world.start(n));
        world
    }

    /// Machines of validators, and of others that are to join; none is started.
    fn with(seed: u64, validators: usize, others: usize) -> Self {
        Self::over(TestChain::with_validators(seed, validators), others, seed)
    }

    /// The same on any chain of validators.
    fn over(mut chain: TestChain, others: usize, seed: u64) -> Self {
        let mut all = chain.chain().terms().sealing.validators().unwrap().all().to_vec();
        all.extend((0..others).map(|n| chain.appoint(&format!("joins-{n}"), 1)));
        let machines = all.into_iter().enumerate().map(|(n, validator)| {
            let files = Memory::new();
            Store::create_on(files.clone(), Layout::in_memory(), chain.chain().params().clone()).unwrap();
            let rng = ChaCha20Rng::seed_from_u64(seed * 100 + n as u64);
            let votes = Votes::new(*chain.chain().id(), Hash::from_bytes([n as u8; 32])).to_file();
            let (votes, log, started) = (Some(votes), Vec::new(), Duration::ZERO);
            Machine { validator, renewal: None, node: None, files, votes, log, started, rng }
        });
        let (machines, now, numbered) = (machines.collect(), Duration::ZERO, 0);
        let (due, ends, alarms, submitted, rewards, whole, deaf) = Default::default();
        let (followed, checkpoints, snapshots, group) = Default::default();
        Self {
            chain,
            machines,
            followed,
            checkpoints,
            idle: Duration::from_secs(5),
            snapshots,
            now,
            due,
            ends,
            numbered,
            alarms,
            submitted,
            rewards,
            whole,
            deaf,
            group,
        }
    }

    fn address(&self, n: usize) -> Address {
        let key = PeerKey(*self.machines[n].validator.link_key.as_bytes());
        Address { at: ([10, n as u8 + 1, 0, 1], 4_000).into(), key }
    }

    /// Starts a node from what is on its disk.
    fn start(&mut self, n: usize) {
        // The settings know those who sealed first.
        let first = self.chain.chain().params().sealing.validators().unwrap().count();
        let mut config = Config::new(self.address(n).key);
        config.validators = (0..first).filter(|m| *m != n).map(|m| self.address(m)).collect();
        let followed = self.machines.len() - self.followed.len();
        let followed = n.checked_sub(followed).and_then(|at| self.followed.get(at));
        if let Some(followed) = followed {
            config.seeds = vec![self.address(*followed)];
            config.outbound = 1;
        }
        let is_voter = followed.is_none();
        if let Some((every, threshold, items)) = self.snapshots {
            (config.snapshot_every, config.snapshot_threshold, config.part_items) = (every, threshold, items);
        }
        config.listen_port = Some(self.address(n).at.port());
        // An embargo ends long before a payment expires: the windows are short.
        let hour = Duration::from_secs(3_600);
        config.dandelion = sotto_dandelion::Params::new(0.5, LINK, 0.1, hour).unwrap();
        let secret = |key: &PublicKey| self.chain.validators().secret(key).clone();
        let (council, vote_key) = (self.member(n), &self.machines[n].validator.vote_key);
        let vote_key = if council.is_some() { VoteKey::Group(*vote_key) } else { secret(vote_key).into() };
        let renewal = self.machines[n].renewal.as_ref().map(secret);
        let machine = &mut self.machines[n];
        let store = Store::open_on(machine.files.clone(), Layout::in_memory()).unwrap();
        let ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
        let ledger = ledger.with_checkpoints(self.checkpoints.clone()).unwrap();
        let (chain, installation) = (ledger.chain().clone(), Hash::from_bytes([n as u8; 32]));
        let votes = machine.votes.as_ref().and_then(|bytes| Votes::from_file(chain.id(), bytes).ok());
        let timing = Timing { idle: self.idle, ..Timing::default() };
        let setup = consensus::Setup { chain, vote_key, installation, timing };
        let mut engine =
            Engine::new(setup, Saved { votes, log: Some(machine.log.clone()), ..Saved::default() });
        if let Some(key) = renewal {
            engine = engine.with_renewal(key);
        }
        let validator = is_voter.then_some(engine);
        let setup = NodeSetup { validator, council, ..NodeSetup::new(config, ledger) };
        machine.node = Some(Node::new(setup, &mut machine.rng));
        machine.started = self.now;
        if is_voter {
            self.later(Duration::ZERO, n, Event::Request { id: SEALER, request: Request::AwaitTurn });
        }
        self.later(Duration::ZERO, n, Event::Tick);
    }

    /// Ends a node without notice; its links break.
    fn kill(&mut self, n: usize) {
        self.machines[n].node = None;
        self.due.retain(|_, (to, _)| *to != n);
        let ours: Vec<_> = self.ends.keys().filter(|(m, _)| *m == n).copied().collect();
        for end in ours {
            let (m, peer) = self.ends.remove(&end).unwrap();
            self.ends.remove(&(m, peer));
            self.later(LINK, m, Event::Disconnected(peer));
        }
    }

    fn later(&mut self, delay: Duration, n: usize, event: Event) {
        self.numbered += 1;
        self.due.insert((self.now + delay, self.numbered), (n, event));
    }

    fn height(&self, n: usize) -> Height {
        self.machines[n].node.as_ref().map_or(Height::GENESIS, |node| node.ledger().tip().height)
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.machines.len()).filter(|n| self.machines[*n].node.is_some())
    }

    /// Lets time pass until `done`, at most so many seconds.
    fn run(&mut self, seconds: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(seconds);
        while !done(self) {
            let wake = self.running().filter_map(|n| {
                let machine = &self.machines[n];
                Some((machine.started + machine.node.as_ref()?.wake_at()?, n))
            });
            let wake = wake.min().map(|(at, n)| (at.max(self.now), n));
            let first = self.due.first_key_value().map(|((at, _), _)| *at);
            assert!(first.is_some_and(|at| at <= end), "nothing for {seconds} s at {:?}", self.heights());
            let (n, event) = match wake.filter(|(at, _)| Some(*at) <= first) {
                Some((at, n)) => {
                    self.now = at;
                    (n, self.clock())
                }
                None => {
                    let ((at, _), due) = self.due.pop_first().unwrap();
                    self.now = at;
                    due
                }
            };
            if matches!(event, Event::Tick) {
                self.step(n, self.clock());
                self.later(TICK, n, Event::Tick);
            }
            self.step(n, event);
        }
    }

    fn heights(&self) -> Vec<u64> {
        (0..self.machines.len()).map(|n| self.height(n).get()).collect()
    }

    fn clock(&self) -> Event {
        Event::Clock(self.chain.chain().params().genesis_time + 1_000_000 + self.now.as_secs())
    }

    fn step(&mut self, n: usize, event: Event) {
        let machine = &mut self.machines[n];
        let Some(node) = &mut machine.node else { return };
        let effects = node.step(self.now - machine.started, &mut machine.rng, event);
        for effect in effects {
            match effect {
                Effect::Dial(to) => self.dial(n, to),
                Effect::Send(peer, message) => {
                    self.whole += usize::from(matches!(message, Message::Proposed(_)));
                    let announces = matches!(message, Message::Announce(_));
                    if let Some((m, far)) = self.ends.get(&(n, peer)).copied()
                        && !(announces && self.deaf == Some(m))
                    {
                        self.later(LINK, m, Event::Frame { peer: far, bytes: message.to_bytes() });
                    }
                }
                Effect::Close(peer, _) => {
                    if let Some((m, far)) = self.ends.remove(&(n, peer)) {
                        self.ends.remove(&(m, far));
                        self.later(LINK, m, Event::Disconnected(far));
                    }
                }
                Effect::Verify(ticket, work) => self.step(n, Event::Verified(ticket, work.run())),
                Effect::SaveLocalTxs(id, _) => self.step(n, Event::LocalTxsSaved(id)),
                Effect::SaveVotes { id, log_at, log, votes, .. } => {
                    let machine = &mut self.machines[n];
                    machine.log.truncate(usize::try_from(log_at).unwrap());
                    machine.log.extend(log);
                    machine.votes = Some(votes);
                    self.step(n, Event::VotesSaved(id));
                }
                Effect::Respond(SEALER, response) => self.on_turn(n, *response),
                Effect::Respond(PAYER, response) => self.submitted = Some(*response),
                Effect::Log(
                    alarm @ (LogEvent::Equivocation(_)
                    | LogEvent::DoubleSeal(_)
                    | LogEvent::InvalidBlock(..)
                    | LogEvent::Failed(_)),
                ) => self.alarms.push(format!("{n}: {alarm:?}")),
                Effect::TellCouncil(said) => self.tell_members(n, &said),
                Effect::Stop => self.kill(n),
                Effect::Log(LogEvent::Connected(_) | LogEvent::Fetched(_)) => self.follow(n),
                _ => {}
            }
        }
    }

    /// Takes the node's new blocks into the one chain that all of them must make.
    fn follow(&mut self, n: usize) {
        let Some(node) = &self.machines[n].node else { return };
        for height in self.chain.next().get()..=node.ledger().tip().height.get() {
            let block = node.ledger().store().block(Height::new(height)).unwrap().unwrap();
            self.chain.connect(&block).unwrap();
        }
        let ours = self.chain.blocks().iter().find(|b| b.header.height == node.ledger().tip().height);
        assert_eq!(ours.map(|b| &b.header), Some(node.ledger().tip()), "one block a height");
    }

    /// Makes the reward of the block that a node may propose, and waits for the next turn.
    fn on_turn(&mut self, n: usize, response: Response) {
        if let Response::Draft { height, due, .. } = response
            && height == self.chain.next()
        {
            let reward = self.chain.chain().params().reward;
            let (coin, kernel): (Owned, Kernel) = self.chain.reward(due.checked_sub(reward).unwrap());
            let reward = Box::new(Reward { output: coin.output.clone(), kernel });
            self.rewards.push(coin);
            self.later(
                Duration::from_millis(5),
                n,
                Event::Request { id: SEALER, request: Request::Seal { reward, time: 0 } },
            );
            return;
        }
        self.later(Duration::ZERO, n, Event::Request { id: SEALER, request: Request::AwaitTurn });
    }

    fn dial(&mut self, n: usize, to: Address) {
        let m = (0..self.machines.len()).find(|m| self.address(*m) == to).unwrap();
        if self.machines[m].node.is_none() {
            let refused = sotto_node::peer::DialError::Refused;
            return self.later(LINK, n, Event::DialFailed(to, refused));
        }
        self.numbered += 2;
        let (near, far) = (PeerId(self.numbered), PeerId(self.numbered - 1));
        self.ends.extend([((n, near), (m, far)), ((m, far), (n, near))]);
        let from = self.address(n);
        let (ours, theirs) = (Direction::Outbound(to), Direction::Inbound(from.at));
        self.later(LINK, n, Event::Connected { peer: near, key: to.key, direction: ours });
        self.later(LINK, m, Event::Connected { peer: far, key: from.key, direction: theirs });
    }

    /// A reward that can be spent, and was not before.
    fn coin(&mut self) -> Owned {
        let unspent = |coin: &Owned| self.chain.state().unspent(&coin.commitment()).unwrap().is_some();
        let at = self.rewards.iter().position(unspent).unwrap();
        self.rewards.remove(at)
    }

    fn submit(&mut self, n: usize, t: &Transaction) {
        let request = Request::Submit(Box::new(t.clone()));
        self.step(n, Event::Request { id: PAYER, request });
        assert!(matches!(self.submitted.take(), Some(Response::Submitted(_))));
    }

    fn all_at(&self, height: u64) -> bool {
        self.running().all(|n| self.height(n).get() >= height)
    }

    fn has_sealed(&self, t: &Transaction) -> bool {
        self.running()
            .all(|n| self.machines[n].node.as_ref().is_some_and(|node| node.ledger().has_sealed(t).unwrap()))
    }
}

#[test]
fn four_validators_make_one_chain() {
    let mut world = World::new(1, 4);
    world.run(200, |w| w.all_at(8));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
    let seal = &world.chain.blocks()[3].seal;
    assert!(format!("{seal:?}").starts_with("Certificate"));
}

#[test]
fn one_of_four_may_be_dead_and_comes_back() {
    let mut world = World::new(2, 4);
    world.run(100, |w| w.all_at(3));
    for n in 0..4 {
        world.kill(n);
        let height = world.chain.next().get();
        world.run(300, |w| w.all_at(height + 2));
        world.start(n);
        world.run(300, |w| w.all_at(height + 4));
    }
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

#[test]
fn with_two_of_four_dead_nothing_is_sealed_until_one_is_back() {
    let mut world = World::new(3, 4);
    world.run(100, |w| w.all_at(2));
    world.kill(0);
    world.kill(1);
    let height = world.chain.next().get();
    let end = world.now + Duration::from_secs(120);
    world.run(200, |w| w.now >= end);
    assert!(world.chain.next().get() <= height + 1, "no quorum");
    world.start(0);
    world.run(300, |w| w.all_at(height + 3));
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

#[test]
fn all_killed_at_once_go_on_from_their_disks() {
    let mut world = World::new(4, 4);
    for round in 0..6 {
        let end = world.now + Duration::from_millis(4_000 + 731 * round);
        world.run(100, |w| w.now >= end);
        (0..4).for_each(|n| world.kill(n));
        (0..4).for_each(|n| world.start(n));
        let height = world.chain.next().get();
        world.run(300, |w| w.all_at(height + 1));
    }
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

/// Also where all nodes are validators, which never stem to each other, and with one of them dead.
#[test]
fn a_payment_at_any_validator_is_sealed() {
    for seed in 5..15 {
        let mut world = World::new(seed, 4);
        world.run(200, |w| w.all_at(4));
        world.kill(3);
        for n in 0..3 {
            let coin = world.coin();
            let (payment, _) = world.chain.pay(&[&coin], &[5]);
            world.submit(n, &payment);
            world.run(400, |w| w.has_sealed(&payment));
        }
        assert!(world.alarms.is_empty(), "{:?}", world.alarms);
    }
}

/// A block goes out without its transactions; who lacks one asks for the whole.
#[test]
fn a_block_is_sent_whole_only_where_a_transaction_is_missing() {
    let mut world = World::new(6, 4);
    world.run(200, |w| w.all_at(4));
    for (deaf, is_sent) in [(None, false), (Some(3), true)] {
        world.deaf = deaf;
        let coin = world.coin();
        let (payment, _) = world.chain.pay(&[&coin], &[5]);
        world.submit(0, &payment);
        world.run(400, |w| w.has_sealed(&payment));
        assert_eq!(world.whole > 0, is_sent);
    }
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}
