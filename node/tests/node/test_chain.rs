//! A test chain: an operator who mines, pays itself, and knows every opening.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Reward},
    chain::{Auditors, Chain, INPUT_WEIGHT, KERNEL_WEIGHT, Params},
    commitment::Commitment,
    group::{Point, Scalar},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Output, OutputFeatures, OutputKeys},
    range_proof::{Opening, RewindKey, TauKey},
    rules::{
        BlockChange, Connected, NextBlock, Proposal, Verified, check_block, check_transaction, connect_block,
        connect_transaction, propose, verify_block, verify_transaction,
    },
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::{ChainView, MemoryState, Unspent},
    transaction::{Body, Transaction},
    trie::{Entry, Prefix},
};
use sotto_node::{
    edge::sled_database::SledDatabases,
    seal::{OperatorKey, SealedHeader},
    storage::{Layout, Store, StoreError},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// An output whose opening is known.
#[derive(Clone)]
pub(crate) struct Coin {
    pub(crate) commitment: Commitment,
    pub(crate) amount: u64,
    pub(crate) blinding: SecretScalar,
    /// From when it can be spent.
    pub(crate) from: Height,
}

/// The state, and how it came about.
pub(crate) struct TestChain {
    pub(crate) chain: Chain,
    pub(crate) operator: OperatorKey,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) state: MemoryState,
    pub(crate) blocks: Vec<Connected<BlockChange>>,
    coins: BTreeMap<Commitment, Coin>,
}

/// What a kernel may be in these tests.
pub(crate) type Key = (SecretScalar, KernelFeatures);

pub(crate) fn params(operator: PublicKey) -> Params {
    Params {
        maturity: 1,
        window_width: 40,
        window_grid: 10,
        reorganisation: 4,
        max_weight: 300,
        fee_per_weight: Amount::new(1),
        ..Params::solo(operator, 1_000)
    }
}

impl TestChain {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, |_| {})
    }

    pub(crate) fn with(seed: u64, edit: impl FnOnce(&mut Params)) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let operator = OperatorKey::generate(&mut rng);
        let mut params = params(operator.public());
        edit(&mut params);
        let chain = Chain::new(params).unwrap();
        let state = MemoryState::genesis(&chain);
        Self { chain, operator, rng, state, blocks: Vec::new(), coins: BTreeMap::new() }
    }

    /// The same with auditors.
    pub(crate) fn audited(seed: u64) -> Self {
        let key = PublicKey::from_point(Point::h());
        Self::with(seed, |p| {
            (p.auditors, p.max_weight) = (Some(Auditors { key, charter: Hash::ZERO }), 400);
        })
    }

    pub(crate) fn coins(&self) -> impl Iterator<Item = &Coin> {
        self.coins.values()
    }

    pub(crate) fn next(&self) -> Height {
        self.state.tip().height.next()
    }

    /// The coins that the next block may spend, in a random order.
    pub(crate) fn spendable(&mut self) -> Vec<Coin> {
        let next = self.next();
        let unspent = |c: &&Coin| c.from <= next && self.state.unspent(&c.commitment).unwrap().is_some();
        let mut all: Vec<_> = self.coins.values().filter(unspent).cloned().collect();
        for i in (1..all.len()).rev() {
            all.swap(i, self.rng.next_u32() as usize % (i + 1));
        }
        all
    }

    pub(crate) fn output(&mut self, features: OutputFeatures, amount: u64, from: Height) -> (Output, Coin) {
        let blinding = SecretScalar::random(&mut self.rng);
        let mut index = [0; 12];
        self.rng.fill_bytes(&mut index);
        let opening = Opening { amount: Amount::new(amount), index };
        let (rewind, tau) = (RewindKey([1; 32]), TauKey([2; 32]));
        let keys = OutputKeys { blinding: &blinding, rewind: &rewind, tau: &tau };
        let output = match features {
            OutputFeatures::Coinbase => Output::coinbase(&self.chain, &opening, &keys),
            _ => Output::plain(&self.chain, &opening, &keys),
        };
        let output = output.unwrap();
        let coin = Coin { commitment: output.commitment, amount, blinding, from };
        self.coins.insert(coin.commitment, coin.clone());
        (output, coin)
    }

    pub(crate) fn kernel(&mut self, x: &SecretScalar, features: KernelFeatures) -> Kernel {
        let excess = Excess::from_point(*PublicKey::of(x).point());
        let signature = sign(x, &features.message(self.chain.id()), &mut self.rng);
        Kernel { features, excess, signature }
    }

    pub(crate) fn coinbase(&mut self, height: Height, due: u64) -> Reward {
        let from = height.plus(self.chain.params().maturity);
        let (output, coin) = self.output(OutputFeatures::Coinbase, due, from);
        let kernel = self.kernel(&coin.blinding, KernelFeatures::Coinbase { height });
        Reward { output, kernel }
    }

    /// Spends coins into `n` new ones and `extra_fee` above the least fee.
    pub(crate) fn pay(&mut self, coins: &[Coin], n: u64, extra_fee: u64) -> Transaction {
        let fee = coins.len() as u64 * INPUT_WEIGHT
            + n * self.chain.params().output_weight()
            + KERNEL_WEIGHT
            + extra_fee;
        let features = KernelFeatures::Plain {
            fee: Amount::new(fee),
            not_after: self.chain.standard_expiry(self.next()),
        };
        let x = SecretScalar::random(&mut self.rng);
        self.pay_under(coins, n, (x, features))
    }

    pub(crate) fn pay_under(&mut self, coins: &[Coin], n: u64, (x, features): Key) -> Transaction {
        let rest = coins.iter().map(|c| c.amount).sum::<u64>() - features.fee().units();
        let next = self.next();
        let parts = (0..n).map(|i| rest / n + if i == 0 { rest % n } else { 0 });
        let (outputs, new): (Vec<_>, Vec<_>) =
            parts.map(|v| self.output(OutputFeatures::Plain, v, next)).unzip();
        let sum = |all: &[Coin]| all.iter().map(|c| c.blinding.reveal()).sum::<Scalar>();
        let offset = sum(&new) - sum(coins) - x.reveal();
        let kernel = self.kernel(&x, features);
        let inputs = coins.iter().map(|c| c.commitment).collect();
        Transaction { offset, body: Body::sorted(inputs, outputs, vec![kernel]) }
    }

    pub(crate) fn verified(&self, t: Transaction) -> Verified<Transaction> {
        verify_transaction(&self.chain, check_transaction(&self.chain, t).unwrap()).unwrap()
    }

    /// Seals a proposal, whatever it is.
    pub(crate) fn sealed(&mut self, proposal: Proposal) -> Block {
        let seal = self.operator.seal(self.chain.id(), &proposal.header, &mut self.rng);
        proposal.seal(seal)
    }

    /// Makes the next block of these transactions, without connecting it.
    pub(crate) fn block(&mut self, transactions: &[Transaction]) -> Connected<BlockChange> {
        let height = self.next();
        let fees: u64 = transactions.iter().map(|t| t.body.fees().unwrap().units()).sum();
        let reward = self.coinbase(height, self.chain.params().reward.units() + fees);
        let fit = |t: &Transaction| {
            connect_transaction(&self.chain, &self.state, &self.verified(t.clone())).unwrap()
        };
        let all: Vec<_> = transactions.iter().map(fit).collect();
        let next = NextBlock { transactions: &all, reward, time: 1_000 + height.get(), change: None };
        let proposal = propose(&self.chain, &self.state, next).unwrap();
        let block = self.sealed(proposal);
        let verified =
            verify_block(&self.chain, self.state.tip(), check_block(&self.chain, block).unwrap()).unwrap();
        connect_block(&self.chain, &self.state, verified).unwrap()
    }

    pub(crate) fn connect(&mut self, block: Connected<BlockChange>) -> Connected<BlockChange> {
        self.state.apply(&block.get().change).unwrap();
        self.blocks.push(block.clone());
        block
    }

    /// A block of at most one random payment, connected.
    pub(crate) fn mine(&mut self) -> Connected<BlockChange> {
        let coins = self.spendable();
        let (spent, made) = (self.rng.next_u32() as usize % 3, 1 + u64::from(self.rng.next_u32() % 2));
        let coins: Vec<_> = coins.into_iter().filter(|c| c.amount > 1_000).take(spent).collect();
        let payments = if coins.is_empty() { vec![] } else { vec![self.pay(&coins, made, 0)] };
        let block = self.block(&payments);
        self.connect(block)
    }

    pub(crate) fn undo(&mut self) -> Connected<BlockChange> {
        let block = self.blocks.pop().unwrap();
        self.state.undo(&block.get().change).unwrap();
        block
    }

    /// The store answers every question that was ever worth asking as the state does.
    pub(crate) fn agrees(&self, store: &Store) {
        let (ours, theirs) = (&self.state, store);
        assert_eq!(ours.tip(), theirs.tip());
        let root = |v: &sotto_mw::state::StateCommitments| (v.outputs.root(), v.kernels.root());
        assert_eq!(root(ours.commitments()), root(theirs.commitments()));
        for c in self.coins.keys() {
            assert_eq!(ours.unspent(c).unwrap(), theirs.unspent(c).unwrap());
        }
        let all: Vec<_> = theirs.all_unspent().map(Result::unwrap).collect();
        assert_eq!(all.len(), ours.all_unspent().count());
        let keyed: Vec<_> = all.iter().map(|u| (Unspent::key(&u.output.commitment), u)).collect();
        assert!(keyed.is_sorted_by_key(|(key, _)| *key));
        for prefix in (0..4).filter_map(|index| Prefix::new(2, index)) {
            let (under, proof) = theirs.chunk(prefix, all.len()).unwrap().unwrap();
            let entries: Vec<_> = under
                .iter()
                .map(|u| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() })
                .collect();
            proof.verify(&ours.tip().output_root, prefix, &entries).unwrap();
            assert!(keyed.iter().filter(|(key, _)| prefix.covers(key)).map(|(_, u)| *u).eq(&under));
            assert!(under.is_empty() || theirs.chunk(prefix, under.len() - 1).unwrap().is_none());
        }
        let mut kernels = Vec::new();
        for (block, h) in self.blocks.iter().zip(1..) {
            let block = &block.get().block;
            assert_eq!(theirs.header(Height::new(h)).unwrap().as_ref(), Some(&block.header));
            match theirs.block(Height::new(h)) {
                Err(StoreError::Pruned { height, base }) => assert!(height <= base && base == theirs.base()),
                found => {
                    assert_eq!(found.unwrap().as_ref(), Some(block));
                    assert!(Height::new(h) > theirs.base());
                }
            }
            let sealed = theirs.sealed_header(Height::new(h)).unwrap();
            assert_eq!(sealed, Some(SealedHeader::of(block)));
            for k in &block.body.kernels {
                assert_eq!(theirs.last_seen(&k.excess).unwrap(), ours.last_seen(&k.excess).unwrap());
                assert!(theirs.has_kernel(&k.id()).unwrap());
                assert_eq!(theirs.kernel_height(&k.id()).unwrap(), Some(Height::new(h)));
            }
            kernels.extend(block.body.kernels.clone());
        }
        assert_eq!(theirs.kernels().map(Result::unwrap).collect::<Vec<_>>(), kernels);
        assert_eq!(theirs.header(self.next()).unwrap(), None);
        assert_eq!(theirs.block(self.next()).unwrap(), None);
    }
}

/// Small segments, so that few blocks fill several.
pub(crate) fn layout(databases: SledDatabases) -> Layout {
    Layout { segment_bytes: 4_000, ..Layout::new(databases) }
}

pub(crate) fn temporary() -> Layout {
    layout(SledDatabases::temporary())
}

/// A directory of its own that is removed at the end.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("sotto-node-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
