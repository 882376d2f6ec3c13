//! Peers that do what no node does.

use crate::bank::Bank;
use mw::{
    amount::Height,
    hash::Hash,
    rules::params::Chain,
    wire::{Decode, Encode},
};
use node::{
    engine::peers::PeerId,
    event::Event,
    seal::SealedHeader,
    wire::message::{BlockName, Hello, Message, rules},
};
use rand_chacha::{ChaCha20Rng, rand_core::RngCore};
use std::collections::BTreeSet;

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
}

pub(crate) const HABITS: [Habit; 6] =
    [Habit::BlackHole, Habit::Garbage, Habit::Flood, Habit::Stale, Habit::Stranger, Habit::Forger];

/// A puppet and its links.
pub(crate) struct Puppet {
    pub(crate) habit: Habit,
    links: BTreeSet<PeerId>,
}

type Sends = Vec<(PeerId, Vec<u8>)>;

impl Puppet {
    pub(crate) fn new(habit: Habit) -> Self {
        Self { habit, links: BTreeSet::new() }
    }

    pub(crate) fn happen(&mut self, bank: &Bank, rng: &mut ChaCha20Rng, event: &Event) -> Sends {
        match event {
            Event::Connected { peer, .. } => {
                self.links.insert(*peer);
                vec![(*peer, self.hello(bank, rng).to_bytes())]
            }
            Event::Gone(peer) => {
                self.links.remove(peer);
                Vec::new()
            }
            Event::Frame { peer, bytes } => self.answer(*peer, bytes, rng),
            Event::Tick => self.links.iter().flat_map(|p| self.habit(bank, rng).map(|m| (*p, m))).collect(),
            _ => Vec::new(),
        }
    }

    fn hello(&self, bank: &Bank, rng: &mut ChaCha20Rng) -> Message {
        let mut params = bank.params();
        if self.habit == Habit::Stranger {
            params.genesis_time += 1;
        }
        let chain = *Chain::new(params).unwrap().id();
        let height = Height::new(if self.habit == Habit::Stale { 1_000_000 } else { 0 });
        let mut hash = [0; 32];
        rng.fill_bytes(&mut hash);
        let tip = BlockName { height, hash: Hash::from_bytes(hash) };
        Message::Hello(Hello { chain, rules: rules(), tip, listens: None })
    }

    /// Enough to be kept: pings are answered, and questions by the wrong answer.
    fn answer(&self, peer: PeerId, bytes: &[u8], rng: &mut ChaCha20Rng) -> Sends {
        let answer = match Message::from_bytes(bytes) {
            Ok(Message::Ping(nonce)) => Message::Pong(nonce),
            Ok(Message::AskHeaders(_)) if rng.next_u32().is_multiple_of(2) => Message::Headers(Vec::new()),
            _ => return Vec::new(),
        };
        vec![(peer, answer.to_bytes())]
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
            Habit::BlackHole | Habit::Stranger => Vec::new(),
            Habit::Garbage => vec![random[..pick % 200].to_vec()],
            Habit::Flood => {
                let ids = (0..500).map(|n| Hash::from_bytes([n as u8 ^ random[2]; 32])).collect();
                let mut all = vec![Message::Offer(ids); 20];
                all.extend(vec![Message::AskAddresses; pick % 3]);
                all.extend((0..200).map(|_| Message::AskBlock(BlockName::of(&old.header))));
                all.iter().map(Encode::to_bytes).collect()
            }
            Habit::Stale => {
                let sealed = SealedHeader::of(old);
                let body = old.body.to_bytes();
                let name = BlockName { height: Height::new(99), hash: hash(3) };
                [
                    Message::Tip(sealed.clone()),
                    Message::Block { sealed, body },
                    Message::AskHeaders(vec![name; 9]),
                    Message::AskCompact(name),
                    Message::AskItems { block: hash(5), outputs: vec![7; 99], kernels: vec![] },
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
