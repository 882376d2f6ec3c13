//! A simulated validator: an engine, a disk that survives, blocks that it keeps, and a clock that is off.

use crate::byzantine::Fault;
use sotto_mw::{
    amount::Height,
    chain::Chain,
    hash::{Hash, tagged},
    schnorr::PublicKey,
    secret::SecretScalar,
    validators::{LinkKey, ValidatorSet},
    votes::Certificate,
};
use sotto_node::consensus::{
    Accounts, Engine, Event, ProposedBlock, Saved, Setup, Timing, Tip, Verdict, VoteKey, Votes,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The clock when a simulation starts, in seconds since 1970.
pub(crate) const EPOCH: u64 = 1_800_000_000;

/// A block of the simulation: what it rests on, and whether it obeys the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) height: u64,
    pub(crate) parent: Hash,
    pub(crate) time: u64,
    pub(crate) valid: bool,
    pub(crate) nonce: u64,
}

impl Content {
    pub(crate) fn block(&self) -> ProposedBlock {
        let bytes = [
            &self.height.to_le_bytes()[..],
            self.parent.as_bytes(),
            &self.time.to_le_bytes(),
            &[self.valid.into()],
            &self.nonce.to_le_bytes(),
        ]
        .concat();
        ProposedBlock { value: tagged("test/block", &[&bytes]), time: self.time, bytes: bytes.into() }
    }

    pub(crate) fn of(block: &ProposedBlock) -> Self {
        let b = &block.bytes;
        let number = |at: usize| u64::from_le_bytes(b[at..at + 8].try_into().unwrap());
        let parent = Hash::from_bytes(b[8..40].try_into().unwrap());
        Self { height: number(0), parent, time: number(40), valid: b[48] == 1, nonce: number(49) }
    }
}

/// What survives a crash.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) votes: Votes,
    pub(crate) log: Vec<u8>,
    pub(crate) accounts: Accounts,
    pub(crate) blocks: Vec<(ProposedBlock, Certificate)>,
}

pub(crate) struct Sim {
    pub(crate) place: usize,
    pub(crate) key: SecretScalar,
    /// The public key of the group that it is, if it is one.
    pub(crate) group: Option<PublicKey>,
    pub(crate) link: LinkKey,
    pub(crate) disk: Disk,
    pub(crate) engine: Option<Engine>,
    /// Counts starts: what was under way before a crash is void.
    pub(crate) boot: u32,
    /// Seconds by which the clock is off.
    pub(crate) skew: i64,
    pub(crate) fault: Option<Fault>,
    /// Blocks that are here, judged or not.
    pub(crate) here: BTreeMap<Hash, ProposedBlock>,
    pub(crate) wanted: BTreeSet<Hash>,
    /// Effects until the next crash.
    pub(crate) fuse: Option<u32>,
    /// When the last write is done: they are carried out in order.
    pub(crate) busy: Duration,
}

impl Sim {
    pub(crate) fn new(chain: &Chain, place: usize, key: SecretScalar, link: LinkKey) -> Self {
        let votes = Votes::new(*chain.id(), installation(place));
        let disk = Disk { votes, log: Vec::new(), accounts: Accounts::default(), blocks: Vec::new() };
        let (here, wanted) = Default::default();
        Self {
            place,
            key,
            group: None,
            link,
            disk,
            engine: None,
            boot: 0,
            skew: 0,
            fault: None,
            here,
            wanted,
            fuse: None,
            busy: Duration::ZERO,
        }
    }

    /// Starts the engine from the disk; the tip is its first event.
    pub(crate) fn start(&mut self, chain: &Chain, timing: Timing) {
        self.boot += 1;
        let setup = Setup {
            chain: chain.clone(),
            vote_key: self.group.map_or_else(|| self.key.clone().into(), VoteKey::Group),
            installation: installation(self.place),
            timing,
        };
        let (votes, log) = (Some(self.disk.votes), Some(self.disk.log.clone()));
        let saved = Saved { votes, log, accounts: self.disk.accounts.clone() };
        let saved = if self.group.is_some() { Saved::default() } else { saved };
        self.engine = Some(Engine::new(setup, saved));
        self.here = self.disk.blocks.iter().map(|(b, _)| (b.value, b.clone())).collect();
        self.wanted.clear();
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.fault.is_none()
    }

    pub(crate) fn height(&self) -> u64 {
        self.disk.blocks.len() as u64
    }

    pub(crate) fn clock(&self, now: Duration) -> u64 {
        (EPOCH + now.as_secs()).saturating_add_signed(self.skew)
    }

    pub(crate) fn tip(&self, set: &ValidatorSet) -> Event {
        let last = self.disk.blocks.last();
        Event::Connected(Tip {
            height: Height::new(self.height()),
            hash: last.map_or(Hash::ZERO, |(b, _)| b.value),
            time: last.map_or(EPOCH, |(b, _)| b.time),
            certificate: last.map(|(_, c)| c.clone()),
            set: set.clone(),
            set_after: set.clone(),
            has_transactions: true,
        })
    }

    /// What the rules of the simulation say of a block at the tip.
    pub(crate) fn judge(&self, block: &ProposedBlock, pace: u64) -> Option<Verdict> {
        let content = Content::of(block);
        let last = self.disk.blocks.last();
        let (parent, time) = last.map_or((Hash::ZERO, EPOCH), |(b, _)| (b.value, b.time));
        if content.height != self.height() + 1 || content.parent != parent {
            return None;
        }
        let valid = content.valid && content.time >= time + pace;
        Some(if valid { Verdict::Valid(block.clone()) } else { Verdict::Invalid })
    }

    pub(crate) fn draft(&self, time: u64, nonce: u64) -> Content {
        let parent = self.disk.blocks.last().map_or(Hash::ZERO, |(b, _)| b.value);
        Content { height: self.height() + 1, parent, time, valid: true, nonce }
    }
}

pub(crate) fn installation(place: usize) -> Hash {
    tagged("test/installation", &[&[place as u8]])
}
