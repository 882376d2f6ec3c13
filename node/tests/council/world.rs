//! Members of a group with their ledgers, in virtual time, over links that lose what a test wants lost.

use crate::{
    group::{identity, made},
    test_chain::{TestChain, temporary},
};
use core::time::Duration;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_keys::{Group, Hash as KeyHash, Index, Share, sealed::SealRecord};
use sotto_mw::{
    amount::Height,
    block::Block,
    codec::Decode as _,
    hash::Hash,
    rules::{Connected, Proposal, ProposalChange},
    schnorr::PublicKey,
};
use sotto_node::{
    council::{Council, CouncilNote, CouncilSetup, Said, SealRegister},
    ledger::{Ledger, LedgerError, SealingContext, mempool::MempoolLimits, seal_with},
    seal::SealedHeader,
    sealing::SealEvent,
    storage::{Memory, Store},
};
use sotto_party::Identity;
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

pub(crate) const EVERY: Duration = Duration::from_secs(5);

pub(crate) fn index(n: u8) -> Index {
    Index::new(n).unwrap()
}

/// What outlives a crash of a member: its record, and the proposal beside it.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<(SealRecord, Option<Proposal>)>>);

impl Disk {
    pub(crate) fn new(record: SealRecord) -> Self {
        Self(Arc::new(Mutex::new((record, None))))
    }

    pub(crate) fn put(&self, record: SealRecord) {
        self.0.lock().unwrap().0 = record;
    }
}

impl SealRegister for Disk {
    fn permits_upon(&mut self, tip: Height, time: u64) -> io::Result<()> {
        let record = &mut self.0.lock().unwrap().0;
        record.follow(tip.get(), time);
        record.permits(tip.get() + 1).map_err(io::Error::other)
    }

    fn bind(&mut self, height: Height, header: &Hash, proposal: &Proposal) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.1 = Some(proposal.clone());
        disk.0.admit(height.get(), KeyHash::from_bytes(*header.as_bytes())).map_err(io::Error::other)
    }
}

pub(crate) struct Machine {
    pub(crate) engine: Option<Council>,
    pub(crate) ledger: Ledger,
    pub(crate) disk: Disk,
    rng: ChaCha20Rng,
}

/// Decides over each message, from whom and to whom: what arrives of it.
pub(crate) type Post<'a> = &'a mut dyn FnMut(u8, u8, &Said) -> Option<Said>;

pub(crate) struct World {
    pub(crate) test_chain: TestChain,
    pub(crate) group: Group,
    shares: Vec<Share>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) follower: Ledger,
    pub(crate) now: Duration,
    pub(crate) notes: Vec<(u8, CouncilNote)>,
    /// Every header that was sealed, by height.
    pub(crate) sealed: BTreeMap<Height, Vec<Hash>>,
}

impl World {
    pub(crate) fn new(t: u8, n: u8, seed: u64) -> Self {
        let (group, shares) = made(t, n, seed);
        let key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let test_chain = TestChain::with(seed, |p| {
            (p.sealing, p.reorganisation) = (sotto_mw::terms::Sealing::Solo(key), 0);
        });
        let ledger = || {
            let store =
                Store::create_on(Memory::new(), temporary(), test_chain.chain.params().clone()).unwrap();
            Ledger::over(store, MempoolLimits::default()).unwrap()
        };
        let machine = |i: u8| Machine {
            engine: None,
            ledger: ledger(),
            disk: Disk::new(SealRecord::made(KeyHash::from_bytes([i; 32]))),
            rng: ChaCha20Rng::seed_from_u64(seed * 100 + u64::from(i)),
        };
        let machines = (1..=n).map(machine).collect();
        let (follower, now) = (ledger(), Duration::ZERO);
        let (notes, sealed) = Default::default();
        let mut world = Self { test_chain, group, shares, machines, follower, now, notes, sealed };
        (1..=n).for_each(|i| world.start(i));
        world
    }

    pub(crate) fn identity(i: u8) -> Identity {
        identity(i.into())
    }

    pub(crate) fn machine(&mut self, i: u8) -> &mut Machine {
        &mut self.machines[usize::from(i) - 1]
    }

    fn is_up(&self, i: u8) -> bool {
        self.machines[usize::from(i) - 1].engine.is_some()
    }

    fn members(&self) -> impl Iterator<Item = u8> + use<> {
        1..=self.machines.len() as u8
    }

    /// Starts a member from what is on its disk.
    pub(crate) fn start(&mut self, i: u8) {
        let (chain, group) = (self.test_chain.chain.clone(), self.group.clone());
        let share = self.shares[usize::from(i) - 1].clone();
        let machine = self.machine(i);
        let held = machine.disk.0.lock().unwrap().1.clone();
        let register = Box::new(machine.disk.clone());
        let setup = CouncilSetup { identity: Self::identity(i), group, share, every: EVERY, held, register };
        machine.engine = Some(Council::new(&chain, setup).unwrap());
        self.tell_presence();
    }

    pub(crate) fn kill(&mut self, i: u8) {
        self.machine(i).engine = None;
        self.tell_presence();
    }

    fn tell_presence(&mut self) {
        let up: Vec<bool> = self.members().map(|i| self.is_up(i)).collect();
        for (at, machine) in self.machines.iter_mut().enumerate() {
            for (other, up) in up.iter().enumerate().filter(|(other, _)| *other != at) {
                machine.engine.iter_mut().for_each(|e| e.tell_presence(index(other as u8 + 1), *up));
            }
        }
    }

    /// What member `i` would propose, with so much too much for itself.
    pub(crate) fn draft(&mut self, i: u8, greed: u64) -> Proposal {
        let ledger = &self.machines[usize::from(i) - 1].ledger;
        let draft = ledger.draft().unwrap();
        let reward = self.test_chain.coinbase(draft.height, draft.due.units() + greed);
        let ledger = &self.machines[usize::from(i) - 1].ledger;
        ledger.propose(&draft, reward, 1_000 + self.now.as_secs()).unwrap()
    }

    fn judged(&mut self, i: u8) -> Connected<ProposalChange> {
        let proposal = self.draft(i, 0);
        self.machine(i).ledger.judge_proposal(proposal).unwrap()
    }

    /// Something happens to a member, and all that follows from it, in the order in which it is said.
    pub(crate) fn happen(&mut self, i: u8, event: SealEvent<Said>, post: Post<'_>) {
        let mut due = VecDeque::from([(i, event)]);
        while let Some((i, event)) = due.pop_front() {
            let now = self.now;
            let machine = self.machine(i);
            let Some(engine) = machine.engine.as_mut() else { continue };
            engine.tell_time(1_000 + now.as_secs());
            engine.see_tip(machine.ledger.tip(), now);
            let context = SealingContext { now, rng: &mut machine.rng };
            let driven = match seal_with(&mut machine.ledger, engine, context, event) {
                Ok(driven) => driven,
                Err(LedgerError::Refused(_)) => continue,
                Err(e) => panic!("{e}"),
            };
            let notes = engine.take_notes();
            let sealed = driven.connected.iter().map(|(name, _)| name.height);
            let blocks: Vec<Block> =
                sealed.map(|h| machine.ledger.store().block(h).unwrap().unwrap()).collect();
            self.notes.extend(notes.into_iter().map(|note| (i, note)));
            blocks.into_iter().for_each(|block| self.relay(&block));
            for said in driven.tell {
                for to in self.members().filter(|to| *to != i) {
                    // A member sends nothing that does not survive its own bytes.
                    let said = Said::from_bytes(&said.to_bytes()).unwrap();
                    due.extend(post(i, to, &said).map(|said| (to, SealEvent::Heard(said))));
                }
            }
        }
    }

    /// A sealed block reaches everybody who is up, and the follower, who knows of no group.
    fn relay(&mut self, block: &Block) {
        assert!(SealedHeader::of(block).holds(&self.test_chain.chain), "an ordinary seal");
        let all = self.sealed.entry(block.header.height).or_default();
        if !all.contains(&block.header.hash()) {
            all.push(block.header.hash());
        }
        let up = self.machines.iter_mut().filter(|machine| machine.engine.is_some());
        let ledgers = up.map(|machine| &mut machine.ledger).chain([&mut self.follower]);
        for ledger in ledgers.filter(|ledger| ledger.tip().height.next() == block.header.height) {
            ledger.connect(block.clone()).unwrap();
        }
    }

    /// Lets time pass, second by second; whoever may propose does.
    pub(crate) fn run(&mut self, seconds: u64, post: Post<'_>) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            // Whoever is behind fetches blocks from the others.
            for i in self.members() {
                self.catch_up(i);
                self.happen(i, SealEvent::Tick, post);
                let now = self.now;
                if self.machine(i).engine.as_ref().is_some_and(|e| e.may_propose(now)) {
                    let judged = self.judged(i);
                    self.happen(i, SealEvent::Proposed(judged), post);
                }
            }
        }
    }

    fn catch_up(&mut self, i: u8) {
        let height = self.follower.tip().height;
        while self.is_up(i) && self.machine(i).ledger.tip().height < height {
            let next = self.machine(i).ledger.tip().height.next();
            let block = self.follower.store().block(next).unwrap().unwrap();
            self.machine(i).ledger.connect(block).unwrap();
        }
    }

    pub(crate) fn height(&self) -> u64 {
        self.follower.tip().height.get()
    }

    /// Seals at least so many more blocks.
    pub(crate) fn goes_on(&mut self, blocks: u64) {
        let until = self.height() + blocks;
        self.run(blocks * 60, &mut everything);
        assert!(self.height() >= until, "{} of {until}: {:?}", self.height(), self.notes);
        self.never_twice();
    }

    pub(crate) fn never_twice(&self) {
        assert!(self.sealed.values().all(|headers| headers.len() == 1), "{:?}", self.sealed);
    }
}

/// Loses nothing.
pub(crate) fn everything(_: u8, _: u8, said: &Said) -> Option<Said> {
    Some(said.clone())
}
