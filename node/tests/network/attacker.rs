//! A peer that does all attacks that are known, as its seed says: every kind of message, made of true parts
//! that are wrongly put together, too early, repeated, another's, or of the greatest size.

use crate::bank::Bank;
use rand_chacha::{ChaCha20Rng, rand_core::RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    codec::Decode,
    commitment::Commitment,
    group::{Point, Scalar},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures},
    schnorr::Signature,
    secret::SecretScalar,
    transaction::{Body, Transaction},
};
use sotto_node::{
    codec::transaction_id,
    message::{
        BlockName, Message,
        compact::{Compact, ShortId},
    },
    peer::{Address, PeerKey},
    seal::SealedHeader,
};
use std::collections::BTreeMap;

/// Most inputs of the transactions that it invents, so that a schedule takes seconds.
const INPUTS: u64 = 300;

/// What an attacker does of its own accord.
const KINDS: [&str; 12] = [
    "pings",
    "ids",
    "ask headers",
    "ask blocks",
    "ask compact",
    "ask parts",
    "stems",
    "forged stems",
    "tips",
    "unasked blocks",
    "addresses",
    "offers",
];

/// What it has heard, and what it has invented.
pub(crate) struct Attacker {
    blocks: BTreeMap<Height, Block>,
    absent: Vec<Transaction>,
    heard: Vec<Transaction>,
    /// How often it has done each attack.
    pub(crate) done: BTreeMap<&'static str, usize>,
}

impl Attacker {
    pub(crate) fn new(bank: &Bank) -> Self {
        let blocks = bank.base().into_iter().map(|b| (b.header.height, b)).collect();
        let blinding = SecretScalar::from(Scalar::from(7u64));
        let inputs: Vec<Commitment> =
            (0..INPUTS).map(|i| Commitment::new(Amount::new(i + 1), &blinding)).collect();
        let absent = (0..40).map(|n| {
            let fee = Amount::new(100_000_000_000 + n);
            let features = KernelFeatures::Plain { fee, not_after: Height::new(40) };
            let signature = Signature::from_parts(Point::g(), Scalar::ONE);
            let kernel = Kernel { features, excess: Excess::from_point(Point::g()), signature };
            Transaction { offset: Scalar::ZERO, body: Body::sorted(inputs.clone(), vec![], vec![kernel]) }
        });
        Self { blocks, absent: absent.collect(), heard: bank.rivals.to_vec(), done: BTreeMap::new() }
    }

    /// What it answers: to a question never the truth, and to news a request for more.
    pub(crate) fn answer(&mut self, bytes: &[u8], rng: &mut ChaCha20Rng) -> Vec<Message> {
        let Ok(message) = Message::from_bytes(bytes) else { return Vec::new() };
        match message {
            Message::Ping(nonce) => vec![Message::Pong(nonce)],
            // It shows what it was shown, before it has it.
            Message::Tip(sealed) => {
                let name = BlockName::of(&sealed.header);
                vec![Message::Tip(sealed), Message::GetBlock(name)]
            }
            Message::Block { sealed, body } => {
                let SealedHeader { header, seal } = sealed;
                let body = Body::from_bytes(&body).unwrap();
                self.blocks.insert(header.height, Block { header, seal, body });
                Vec::new()
            }
            Message::Stem(t) | Message::Transaction(t) => {
                self.heard.push(t);
                Vec::new()
            }
            Message::GetHeaders(_) => self.headers(rng),
            Message::GetCompact(name) => self.compact(name, rng),
            Message::GetItems { block, .. } => self.items(block, rng),
            Message::GetBlock(name) => self.block(name, rng),
            Message::GetTransactions(ids) => self.transactions(&ids, rng),
            Message::GetSnapshots => {
                self.count("snapshots");
                vec![Message::Snapshots(self.old(3, rng))]
            }
            Message::GetPart { block, place } => {
                self.count("part");
                vec![Message::Part { block, place, bytes: vec![7; 1_000] }]
            }
            _ => Vec::new(),
        }
    }

    /// It has a block that no node has shown yet.
    pub(crate) fn leaked(&mut self, block: &Block) {
        self.blocks.insert(block.header.height, block.clone());
    }

    fn count(&mut self, attack: &'static str) {
        *self.done.entry(attack).or_default() += 1;
    }

    fn pick(&self, rng: &mut ChaCha20Rng) -> Block {
        let n = rng.next_u32() as usize % self.blocks.len();
        self.blocks.values().nth(n).unwrap().clone()
    }

    fn old(&self, most: usize, rng: &mut ChaCha20Rng) -> Vec<SealedHeader> {
        let skip = rng.next_u32() as usize % self.blocks.len();
        self.blocks.values().skip(skip).take(most).map(SealedHeader::of).collect()
    }

    /// The header that was asked for, if it has seen it.
    fn sealed(&self, name: BlockName) -> Option<(SealedHeader, Body)> {
        let block = self.blocks.get(&name.height).filter(|b| b.header.hash() == name.hash)?;
        Some((SealedHeader::of(block), block.body.clone()))
    }

    fn headers(&mut self, rng: &mut ChaCha20Rng) -> Vec<Message> {
        self.count("headers");
        let mut all = self.old(1_000, rng);
        match rng.next_u32() % 4 {
            // True, old and many times the same answer.
            0 => return vec![Message::Headers(all); 5],
            1 => return vec![Message::Headers(Vec::new())],
            2 => all.iter_mut().skip(1).for_each(|s| s.seal = self.pick(rng).seal),
            _ => return Vec::new(),
        }
        vec![Message::Headers(all)]
    }

    /// The right block, compact, under another's seal, with items that are nowhere, or too many inputs.
    fn compact(&mut self, name: BlockName, rng: &mut ChaCha20Rng) -> Vec<Message> {
        self.count("compact");
        let Some((sealed, body)) = self.sealed(name) else { return vec![Message::NotFound(name); 3] };
        let block = Block { header: sealed.header, seal: sealed.seal, body };
        let Some(mut compact) = Compact::of(&block, rng.next_u64()) else { return Vec::new() };
        match rng.next_u32() % 5 {
            0 => compact.sealed.seal = self.pick(rng).seal,
            1 => compact.body.outputs = (0..50).map(|n| ShortId([n; 6])).collect(),
            2 => compact.body.inputs = vec![compact.body.reward.output.commitment; 2_000],
            3 => return Vec::new(),
            _ => return vec![Message::Compact(compact.clone()), Message::Compact(compact)],
        }
        vec![Message::Compact(compact)]
    }

    fn items(&mut self, block: BlockName, rng: &mut ChaCha20Rng) -> Vec<Message> {
        self.count("items");
        let body = self.pick(rng).body;
        let kernels = body.body_kernels().collect();
        vec![Message::Items { block, outputs: body.outputs, kernels }; 3]
    }

    /// The right header with another body or seal, twice the same, or not at all.
    fn block(&mut self, name: BlockName, rng: &mut ChaCha20Rng) -> Vec<Message> {
        use sotto_mw::codec::Encode;
        self.count("block");
        let other = self.pick(rng);
        let Some((mut sealed, body)) = self.sealed(name) else { return vec![Message::NotFound(name)] };
        let mut body = body.to_bytes();
        match rng.next_u32() % 4 {
            0 => sealed.seal = other.seal,
            1 => body = other.body.to_bytes(),
            2 => body = vec![0xff; 100_000],
            _ => return Vec::new(),
        }
        vec![Message::Block { sealed, body }; 2]
    }

    /// What was asked for and cannot be; or what was not asked for.
    fn transactions(&mut self, ids: &[Hash], rng: &mut ChaCha20Rng) -> Vec<Message> {
        self.count("transactions");
        let asked = self.absent.iter().filter(|t| ids.contains(&transaction_id(t)));
        let mut all: Vec<Message> = asked.cloned().map(Message::Transaction).collect();
        if rng.next_u32().is_multiple_of(4) {
            all.extend(self.forged(rng).map(Message::Transaction));
        }
        all
    }

    /// A true payment with a part of another.
    fn forged(&self, rng: &mut ChaCha20Rng) -> Option<Transaction> {
        let whole = self.heard.get(rng.next_u32() as usize % self.heard.len().max(1))?;
        let mut t = whole.clone();
        let other = self.heard.get(rng.next_u32() as usize % self.heard.len())?.clone();
        match rng.next_u32() % 4 {
            0 => (t.body.kernels, t.body.bonds) = (other.body.kernels, other.body.bonds),
            1 => t.body.outputs = other.body.outputs,
            2 => t.body.kernels.push(t.body.kernels.first()?.clone()),
            _ => t.offset = other.offset,
        }
        (t != *whole).then_some(t)
    }

    /// What it does of its own accord at a tick: one kind of attack, many times.
    pub(crate) fn strike(&mut self, rng: &mut ChaCha20Rng) -> Vec<Message> {
        let attack = KINDS[rng.next_u32() as usize % KINDS.len()];
        let block = self.pick(rng);
        let (name, sealed) = (BlockName::of(&block.header), SealedHeader::of(&block));
        let hash = |n: u32| {
            let mut bytes = [n as u8; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            Hash::from_bytes(bytes)
        };
        self.count(attack);
        match attack {
            "pings" => (0..300).map(Message::Ping).collect(),
            "ids" => {
                let from = rng.next_u32();
                vec![Message::Announce((0..512).map(|n| hash(from.wrapping_add(n))).collect()); 3]
            }
            "ask headers" => {
                let nowhere = BlockName { height: Height::new(9), hash: hash(1) };
                vec![Message::GetHeaders(vec![nowhere; 64]); 40]
            }
            "ask blocks" => vec![Message::GetBlock(name); 60],
            "ask compact" => {
                let items = Message::GetItems { block: name, outputs: vec![], kernels: vec![] };
                [vec![Message::GetCompact(name); 30], vec![items; 30]].concat()
            }
            "ask parts" => {
                let part = |place| Message::GetPart { block: name.hash, place };
                [vec![Message::GetSnapshots; 10], (0..30).map(part).collect()].concat()
            }
            "stems" => self.absent.iter().take(5).cloned().map(Message::Stem).collect(),
            "forged stems" => self.forged(rng).map(Message::Stem).into_iter().collect(),
            "tips" => {
                let mut forged = sealed.clone();
                forged.seal = self.pick(rng).seal;
                let high = Header { height: Height::new(1_000), ..sealed.header.clone() };
                let high = SealedHeader { header: high, seal: sealed.seal.clone() };
                let last = if rng.next_u32().is_multiple_of(2) { forged } else { high };
                [vec![Message::Tip(sealed); 20], vec![Message::Tip(last)]].concat()
            }
            "unasked blocks" => {
                let compact = Compact::of(&block, 1).map(Message::Compact);
                let body = vec![0; 50_000];
                let kernels = block.body.body_kernels().collect();
                let outputs = block.body.outputs;
                let items = Message::Items { block: name, outputs, kernels };
                compact.into_iter().chain([Message::Block { sealed, body }, items]).collect()
            }
            "addresses" => {
                let named = |n: u8| Address { at: ([45, n, 1, 1], 9).into(), key: PeerKey([n; 32]) };
                vec![Message::Addresses((0..64).map(named).collect()), Message::GetAddresses]
            }
            _ => vec![Message::Announce(self.absent.iter().map(transaction_id).collect())],
        }
    }
}
