//! Peers that do what no node does.

use crate::{attacker::Attacker, bank::Bank};
use rand_chacha::{ChaCha20Rng, rand_core::RngCore};
use sotto_mw::{
    amount::Height,
    block::Block,
    chain::Chain,
    codec::{Decode, Encode},
    hash::Hash,
};
use sotto_node::{
    event::Event,
    message::{BlockName, Hello, Message, rules},
    peer::PeerId,
    seal::SealedHeader,
};
use std::collections::BTreeMap;

/// How a puppet behaves once it has said hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Takes everything and says nothing: stems end here.
    BlackHole,
    /// Bytes that mean nothing.
    Garbage,
    /// More than anybody can want to know.
    Flood,
    /// Old blocks, and tips that it cannot show.
    Stale,
    /// Another chain.
    Stranger,
    /// Stems that exclude each other, and what breaks the rules.
    Forger,
    /// Shows the best block that it has heard of, gives nothing, leaves before anybody loses idle_timeout,
    /// and comes again.
    Boaster,
    /// Every attack that is known, without end.
    Attacker,
}

pub(crate) const HABITS: [Habit; 7] = [
    Habit::BlackHole,
    Habit::Garbage,
    Habit::Flood,
    Habit::Stale,
    Habit::Stranger,
    Habit::Forger,
    Habit::Boaster,
];

/// So many ticks a boaster stays.
const STAY: u32 = 36;

/// A puppet and its links, each with its age in ticks.
pub(crate) struct Puppet {
    pub(crate) habit: Habit,
    links: BTreeMap<PeerId, u32>,
    best: Option<SealedHeader>,
    pub(crate) attacker: Option<Attacker>,
}

pub(crate) type Sends = Vec<(PeerId, Vec<u8>)>;

impl Puppet {
    pub(crate) fn new(habit: Habit) -> Self {
        Self { habit, links: BTreeMap::new(), best: None, attacker: None }
    }

    pub(crate) fn attacker(bank: &Bank) -> Self {
        Self { attacker: Some(Attacker::new(bank)), ..Self::new(Habit::Attacker) }
    }

    /// Whether it seeks connections of its own.
    pub(crate) fn returns(&self) -> bool {
        self.habit == Habit::Boaster || self.habit == Habit::Attacker && self.links.len() < 3
    }

    pub(crate) fn happen(&mut self, bank: &Bank, rng: &mut ChaCha20Rng, event: &Event) -> Sends {
        match event {
            Event::Connected { peer, .. } => {
                self.links.insert(*peer, 0);
                let best = self.best.clone().map(Message::Tip);
                [self.hello(bank)].into_iter().chain(best).map(|m| (*peer, m.to_bytes())).collect()
            }
            Event::Disconnected(peer) => {
                self.links.remove(peer);
                Vec::new()
            }
            Event::Frame { peer, bytes } => match &mut self.attacker {
                Some(a) => a.answer(bytes, rng).iter().map(|m| (*peer, m.to_bytes())).collect(),
                None => self.answer(*peer, bytes, rng),
            },
            Event::Tick if self.attacker.is_some() => self.strike(rng),
            Event::Tick => self.links.keys().flat_map(|p| self.habit(bank, rng).map(|m| (*p, m))).collect(),
            _ => Vec::new(),
        }
    }

    /// An attack on one of its peers, every few ticks.
    fn strike(&mut self, rng: &mut ChaCha20Rng) -> Sends {
        let Some(attacker) = self.attacker.as_mut().filter(|_| rng.next_u32().is_multiple_of(4)) else {
            return Vec::new();
        };
        let n = rng.next_u32() as usize % self.links.len().max(1);
        let Some(peer) = self.links.keys().nth(n).copied() else { return Vec::new() };
        attacker.strike(rng).iter().map(|m| (peer, m.to_bytes())).collect()
    }

    /// An attacker has a block, and shows it to all its peers.
    pub(crate) fn leaked(&mut self, block: &Block) -> Sends {
        let Some(attacker) = &mut self.attacker else { return Vec::new() };
        attacker.leaked(block);
        let tip = Message::Tip(SealedHeader::of(block)).to_bytes();
        self.links.keys().map(|peer| (*peer, tip.clone())).collect()
    }

    /// Whom it leaves now.
    pub(crate) fn leaves(&mut self) -> Vec<PeerId> {
        if self.habit != Habit::Boaster {
            return Vec::new();
        }
        self.links.values_mut().for_each(|age| *age += 1);
        let old = self.links.iter().filter(|(_, age)| **age > STAY).map(|(id, _)| *id).collect();
        self.links.retain(|_, age| *age <= STAY);
        old
    }

    fn hello(&self, bank: &Bank) -> Message {
        let mut params = bank.params();
        if self.habit == Habit::Stranger {
            params.genesis_time += 1;
        }
        let chain = *Chain::new(params).unwrap().id();
        Message::Hello(Hello { chain, rules: rules(), listen_port: None })
    }

    /// Enough to be kept: pings are answered, and questions by the wrong answer.
    fn answer(&mut self, peer: PeerId, bytes: &[u8], rng: &mut ChaCha20Rng) -> Sends {
        let answer = match Message::from_bytes(bytes) {
            Ok(Message::Ping(nonce)) => Message::Pong(nonce),
            Ok(Message::Tip(sealed)) if self.habit == Habit::Boaster => return self.boast(sealed),
            Ok(Message::GetHeaders(_))
                if self.habit != Habit::Boaster && rng.next_u32().is_multiple_of(2) =>
            {
                Message::Headers(Vec::new())
            }
            _ => return Vec::new(),
        };
        vec![(peer, answer.to_bytes())]
    }

    /// Tells everybody of a block that it has not.
    fn boast(&mut self, sealed: SealedHeader) -> Sends {
        if self.best.as_ref().is_some_and(|best| best.header.height >= sealed.header.height) {
            return Vec::new();
        }
        let tip = Message::Tip(sealed.clone()).to_bytes();
        self.best = Some(sealed);
        self.links.keys().map(|peer| (*peer, tip.clone())).collect()
    }

    /// What it says of itself, now and then.
    fn habit(&self, bank: &Bank, rng: &mut ChaCha20Rng) -> impl Iterator<Item = Vec<u8>> + use<> {
        let mut random = [0; 200];
        rng.fill_bytes(&mut random);
        let pick = random[0] as usize;
        let hash = |n: usize| Hash::from_bytes([random[n % 150]; 32]);
        let base = bank.base();
        let old = &base[pick % base.len()];
        let messages: Vec<Vec<u8>> = match self.habit {
            _ if !rng.next_u32().is_multiple_of(8) => Vec::new(),
            Habit::BlackHole | Habit::Stranger | Habit::Boaster | Habit::Attacker => Vec::new(),
            Habit::Garbage => vec![random[..pick % 200].to_vec()],
            Habit::Flood => {
                let ids = (0..500).map(|n| Hash::from_bytes([n as u8 ^ random[2]; 32])).collect();
                let mut all = vec![Message::Announce(ids); 20];
                all.extend(vec![Message::GetAddresses; pick % 3]);
                all.extend((0..200).map(|_| Message::GetBlock(BlockName::of(&old.header))));
                all.iter().map(Encode::to_bytes).collect()
            }
            Habit::Stale => {
                let sealed = SealedHeader::of(old);
                let body = old.body.to_bytes();
                let name = BlockName { height: Height::new(99), hash: hash(3) };
                [
                    Message::Tip(sealed.clone()),
                    Message::Block { sealed, body },
                    Message::GetHeaders(vec![name; 9]),
                    Message::GetCompact(name),
                    Message::GetItems { block: name, outputs: vec![7], kernels: vec![] },
                    Message::NotFound(name),
                ]
                .iter()
                .map(Encode::to_bytes)
                .collect()
            }
            Habit::Forger => {
                let rival = bank.rivals[pick % bank.rivals.len()].clone();
                let mut forged = rival.clone();
                forged.body.outputs.pop();
                let t = if pick < 8 { forged } else { rival };
                vec![Message::Stem(t).to_bytes()]
            }
        };
        messages.into_iter()
    }
}
