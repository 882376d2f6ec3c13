//! The ledger: proving, verifying one and many, signatures, a rewind, transactions, a block, the trie.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench -p sotto-benches --bench ledger               # one thread, about a minute and a half
//! RAYON_NUM_THREADS=1 cargo bench -p sotto-benches --bench ledger -- proofs     # one group of them
//! ```
//!
//! The figures are processor time, so more threads only add overhead; `benches/rivals` and `sotto speed`
//! measure the gain from threads. Everything is seeded, so two runs measure the same bytes. A batch of k
//! proofs is measured as the rules build it, in a transaction of k outputs, which also has one kernel
//! signature and one balance.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use sotto_benches::ProcessorTime;
use sotto_mw::{
    amount::Amount,
    batch::verify_signatures,
    block::Block,
    chain::{
        Auditors, BOND_WEIGHT, INPUT_WEIGHT, KERNEL_WEIGHT, ONE_SIDED_INPUT_WEIGHT, ONE_SIDED_OUTPUT_WEIGHT,
        OUTPUT_WEIGHT,
    },
    codec::{Decode, Encode},
    commitment::Commitment,
    hash::{Hash, tagged},
    kernel::KernelFeatures,
    output::{Extra, Output, OutputFeatures, OutputKeys},
    range_proof::{Opening, RewindKey},
    rules::{
        NextBlock, WellFormed, check_block, check_transaction, connect_block, connect_transaction, propose,
        verify_block, verify_blocks, verify_transaction,
    },
    schnorr::{PublicKey, SignedMessage, sign},
    secret::SecretScalar,
    state::{ChainView, ChangeSet, MemoryState, Tip, Unspent},
    testing::{KeySecrets, Owned, TestChain},
    transaction::Transaction,
    trie::{Entry, Trie},
};
use sotto_node::{
    edge::sled_database::SledDatabases,
    storage::{Layout, Memory, Store},
};
use std::{hint::black_box, sync::LazyLock, time::Duration};

type Bench = Criterion<ProcessorTime>;

/// The amount of every output in the pool.
const AMOUNT: u64 = 1_000;

/// The chain of all benchmarks.
static CHAIN: LazyLock<TestChain> = LazyLock::new(|| TestChain::new(1));

/// Outputs to build transactions from, because proving is expensive.
static POOL: LazyLock<Vec<Owned>> = LazyLock::new(|| (0..1024).into_par_iter().map(output).collect());

fn output(i: u64) -> Owned {
    let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(i));
    let opening = Opening { amount: Amount::new(AMOUNT), index: [7; 12] };
    CHAIN.output_of(OutputFeatures::Plain, opening, blinding, Extra::default())
}

/// A transaction with these numbers of outputs and kernels; one input pays for all.
fn transaction(outputs: usize, kernels: usize) -> Transaction {
    let (fee, mut chain) = (CHAIN.least_fee(1, outputs, kernels), CHAIN.clone());
    let spent = chain.output(AMOUNT * outputs as u64 + fee.units());
    joined(&mut chain, &[&spent], &POOL[..outputs].iter().collect::<Vec<_>>(), (fee, kernels))
}

/// A transaction of these outputs and this number of kernels, the first of which pays the fee.
fn joined(
    chain: &mut TestChain,
    from: &[&Owned],
    to: &[&Owned],
    (fee, kernels): (Amount, usize),
) -> Transaction {
    let mut features: Vec<KernelFeatures> = vec![chain.plain(Amount::ZERO); kernels];
    features[0] = chain.plain(fee);
    chain.transaction(from, to, &features)
}

fn well_formed(outputs: usize, kernels: usize) -> WellFormed<Transaction> {
    check_transaction(CHAIN.chain(), transaction(outputs, kernels)).unwrap()
}

/// One output: proved, verified alone, and rewound by its owner and by a stranger.
fn output_alone(c: &mut Bench) {
    let (chain, r) = (CHAIN.chain().id(), SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(0)));
    let keys = OutputKeys { blinding: &r, rewind: &TestChain::REWIND, tau: &TestChain::TAU };
    let mut amount = 0;
    let mut group = c.benchmark_group("output");
    group.sample_size(20);
    group.bench_function("prove", |b| {
        b.iter(|| {
            amount += 1;
            let opening = Opening { amount: Amount::new(amount), index: [7; 12] };
            Output::plain(chain, &opening, &keys).unwrap()
        });
    });
    let output = &POOL[0].output;
    group.bench_function("verify", |b| b.iter(|| assert!(black_box(output).proof_holds(chain))));
    group.bench_function("rewind own", |b| {
        b.iter(|| assert!(black_box(output).rewind(chain, &TestChain::REWIND).is_some()));
    });
    let stranger = RewindKey([9; 32]);
    group.bench_function("rewind miss", |b| {
        b.iter(|| assert!(black_box(output).rewind(chain, &stranger).is_none()));
    });
    group.finish();
}

/// k range proofs as one equation.
fn proofs(c: &mut Bench) {
    let mut group = c.benchmark_group("proofs");
    group.sample_size(10);
    for k in [1, 4, 16, 64, 256, 1024] {
        let t = well_formed(k, 1);
        group.throughput(Throughput::Elements(k as u64));
        group.bench_with_input(BenchmarkId::new("verify batch", k), &t, |b, t| {
            let verify = |t| verify_transaction(CHAIN.chain(), t).unwrap();
            b.iter_batched(|| t.clone(), verify, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// The same on a chain with auditors: one output, and k range proofs with their handles as one equation.
fn audited(c: &mut Bench) {
    let y = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(9));
    let auditors = Auditors { key: PublicKey::of(&y), charter: Hash::ZERO };
    let mut chain = TestChain::with(1, |p| p.auditors = Some(auditors));
    let pool = chain.many(256, AMOUNT, 7);
    let keys = OutputKeys { blinding: &y, rewind: &TestChain::REWIND, tau: &TestChain::TAU };
    let (id, stranger) = (*chain.chain().id(), RewindKey([9; 32]));
    let (opening, one) = (Opening { amount: Amount::new(AMOUNT), index: [7; 12] }, pool[0].output.clone());
    let mut group = c.benchmark_group("audited");
    group.sample_size(10);
    group.bench_function("prove", |b| b.iter(|| Output::plain(chain.chain(), &opening, &keys).unwrap()));
    group.bench_function("verify", |b| b.iter(|| assert!(black_box(&one).proof_holds(chain.chain()))));
    group.bench_function("rewind miss", |b| {
        b.iter(|| assert!(black_box(&one).rewind(&id, &stranger).is_none()));
    });
    for k in [1, 4, 16, 64, 256] {
        let fee = chain.least_fee(1, k, 1);
        let (spent, plain) = (chain.output(AMOUNT * k as u64 + fee.units()), chain.plain(fee));
        let t = chain.transaction(&[&spent], &pool[..k].iter().collect::<Vec<_>>(), &[plain]);
        let t = check_transaction(chain.chain(), t).unwrap();
        group.throughput(Throughput::Elements(k as u64));
        group.bench_with_input(BenchmarkId::new("verify batch", k), &t, |b, t| {
            let verify = |t| verify_transaction(chain.chain(), t).unwrap();
            b.iter_batched(|| t.clone(), verify, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// n kernel signatures as one equation.
fn signatures(c: &mut Bench) {
    let mut group = c.benchmark_group("kernel signatures");
    group.sample_size(20);
    let all: Vec<SignedMessage> =
        well_formed(1, 1024).get().body.kernels.iter().map(|k| k.signed(CHAIN.chain().id())).collect();
    group.bench_function("sign", |b| {
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let x = SecretScalar::random(&mut rng);
        b.iter(|| sign(&x, black_box(&all[0].message), &mut rng));
    });
    for n in [1, 16, 256, 1024] {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::new("verify batch", n), &all[..n], |b, all| {
            b.iter(|| verify_signatures(all).unwrap());
        });
    }
    group.finish();
}

/// Blocks in a batch, as synchronisation verifies them: with an operator's seal, and with 67 signatures of 100
/// validators. The difference is what a certificate costs.
fn seals(c: &mut Bench) {
    let mut group = c.benchmark_group("seals");
    group.sample_size(20);
    const BLOCKS: usize = 32;
    group.throughput(Throughput::Elements(BLOCKS as u64));
    let certified = |chain: &mut TestChain| {
        let set = chain.chain().terms().sealing.validators().unwrap().clone();
        let (proposal, _) = chain.propose(&[]).unwrap();
        let certificate = chain.certificate(&set, 0, 0..67, &proposal.header);
        let block = proposal.seal(certificate);
        chain.connect(&block).unwrap();
    };
    let (mut solo, mut many) = (CHAIN.clone(), TestChain::with_validators(1, 100));
    (0..BLOCKS).for_each(|_| drop(solo.grow(Vec::new())));
    (0..BLOCKS).for_each(|_| certified(&mut many));
    for (who, chain) in [("operator", &solo), ("67 of 100 validators", &many)] {
        let genesis = MemoryState::genesis(chain.chain()).tip().clone();
        group.bench_function(BenchmarkId::new("verify blocks", who), |b| {
            let verify = |blocks| verify_blocks(chain.chain(), &genesis, blocks);
            b.iter_batched(
                || chain.blocks().to_vec(),
                |all| assert!(verify(all).1.is_none()),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Transactions as a node receives them: checked, then verified.
fn transactions(c: &mut Bench) {
    let mut group = c.benchmark_group("transaction");
    group.sample_size(10);
    for (outputs, kernels) in [(2, 1), (16, 8), (256, 128)] {
        let t = transaction(outputs, kernels);
        let name = format!("{outputs} outputs {kernels} kernels");
        group.throughput(Throughput::Elements(outputs as u64));
        group.bench_with_input(BenchmarkId::new("check and verify", name), &t, |b, t| {
            let judge =
                |t| verify_transaction(CHAIN.chain(), check_transaction(CHAIN.chain(), t).unwrap()).unwrap();
            b.iter_batched(|| t.clone(), judge, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// A block of 1,000 outputs and 500 kernels, its reward among them: checked, then verified.
fn block(c: &mut Bench) {
    let chain = CHAIN.chain();
    let block = CHAIN.clone().forge_with(&transaction(999, 499));
    let mut group = c.benchmark_group("block");
    group.sample_size(10).throughput(Throughput::Elements(1_000));
    group.bench_function("check and verify", |b| {
        let judge = |b| verify_block(chain, CHAIN.state().tip(), check_block(chain, b).unwrap()).unwrap();
        b.iter_batched(|| block.clone(), judge, BatchSize::LargeInput);
    });
    group.finish();
}

/// Whether what a block is made of has a sender's and a receiver's key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    OneSided,
}

/// What a block is made of.
#[derive(Clone, Copy)]
struct Mix {
    inputs: usize,
    outputs: usize,
    kernels: usize,
    way: Way,
}

/// The heaviest blocks that the weights allow, each mostly of one kind of item.
fn heaviest() -> [(&'static str, Mix); 6] {
    let room = CHAIN.chain().room();
    let mix = |way, [inputs, outputs, kernels]: [u64; 3]| {
        let [inputs, outputs, kernels] = [inputs, outputs, kernels].map(|n| n as usize);
        Mix { inputs, outputs, kernels, way }
    };
    let [i, o, k] = [INPUT_WEIGHT, OUTPUT_WEIGHT, KERNEL_WEIGHT];
    let [one_i, one_o, bonded] =
        [ONE_SIDED_INPUT_WEIGHT, ONE_SIDED_OUTPUT_WEIGHT, KERNEL_WEIGHT + BOND_WEIGHT];
    [
        ("inputs", mix(Way::Plain, [(room - k) / i, 0, 1])),
        ("outputs", mix(Way::Plain, [1, (room - i - k) / o, 1])),
        ("kernels", mix(Way::Plain, [1, 1, (room - i - o) / k])),
        ("one-sided inputs", mix(Way::OneSided, [(room - bonded) / one_i, 0, 1])),
        ("one-sided outputs", mix(Way::OneSided, [1, (room - i - bonded) / one_o, 1])),
        ("bonded kernels", mix(Way::OneSided, [1, 1, (room - i - one_o) / bonded])),
    ]
}

fn one_sided_output(i: u64) -> Owned {
    let rng = &mut ChaCha20Rng::seed_from_u64(i);
    let [sender, receiver, blinding] = [(); 3].map(|()| SecretScalar::random(rng));
    let opening = Opening { amount: Amount::new(AMOUNT), index: [7; 12] };
    CHAIN.clone().one_sided_of(KeySecrets { sender, receiver }, opening, blinding)
}

/// An output with an unverified dummy proof, whose receiver's key has a known secret.
fn nothing_one_sided(like: &Owned, i: u64) -> Owned {
    let dummy = nothing(i);
    let output = Output { features: like.output.features.clone(), ..dummy.output };
    Owned { output, keys: like.keys.clone(), ..dummy }
}

/// An unspent output with an unverified dummy proof.
fn nothing(i: u64) -> Owned {
    let blinding = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(i));
    let opening = Opening { amount: Amount::ZERO, index: [7; 12] };
    let output = Output { commitment: Commitment::new(opening.amount, &blinding), ..POOL[0].output.clone() };
    Owned { opening, blinding, output, keys: None }
}

/// A state in which these outputs are unspent.
fn holding(owned: &[Owned]) -> MemoryState {
    let mut state = CHAIN.state().clone();
    let (header, terms) = (state.tip().clone(), state.terms().clone());
    let before = Tip { header, commitments: state.commitments().clone(), terms };
    let created: Vec<Output> = owned.iter().map(|o| o.output.clone()).collect();
    let mut after = before.clone();
    let unspent = |o: &Output| Unspent { created: before.header.height, output: o.clone() };
    let entry = |u: Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
    after.commitments.outputs = Trie::from_leaves(created.iter().map(|o| entry(unspent(o)))).unwrap();
    state.apply(&ChangeSet { before, after, spent: Vec::new(), created, kernels: Vec::new() }).unwrap();
    state
}

/// A sealed block of these items, and the state it follows. The input that pays for all is plain.
fn heavy(mix: Mix) -> (MemoryState, Block) {
    let Mix { inputs, outputs, kernels, way } = mix;
    let mut chain = CHAIN.clone();
    let (to, mut from): (Vec<Owned>, Vec<Owned>) = match way {
        Way::Plain => (
            (0..outputs as u64).into_par_iter().map(output).collect(),
            (1..inputs as u64).map(nothing).collect(),
        ),
        Way::OneSided => {
            let like = one_sided_output(1 << 40);
            let from = (1..inputs as u64).map(|i| nothing_one_sided(&like, i)).collect();
            ((0..outputs as u64).into_par_iter().map(one_sided_output).collect(), from)
        }
    };
    let fee = CHAIN.chain().least_fee(CHAIN.chain().room()).unwrap();
    from.push(chain.output(AMOUNT * outputs as u64 + fee.units()));
    let state = holding(&from);
    let feature = |fee| if way == Way::Plain { chain.plain(fee) } else { chain.bonded(fee) };
    let mut features = vec![feature(Amount::ZERO); kernels];
    features[0] = feature(fee);
    let (from, to): (Vec<&Owned>, Vec<&Owned>) = (from.iter().collect(), to.iter().collect());
    let t = chain.transaction(&from, &to, &features);
    let t = verify_transaction(CHAIN.chain(), check_transaction(CHAIN.chain(), t).unwrap()).unwrap();
    let t = connect_transaction(CHAIN.chain(), &state, &t).unwrap();
    let (coinbase, kernel) = chain.reward(fee);
    let time = state.tip().time;
    let next = NextBlock { transactions: &[t], reward: (coinbase.output, kernel).into(), time, change: None };
    let p = propose(CHAIN.chain(), &state, next).unwrap();
    (state, chain.seal(p.header, p.body))
}

/// A block of maximal weight, from its bytes to its changes of the state; the weights must keep these costs
/// in proportion.
fn heaviest_block(c: &mut Bench) {
    let chain = CHAIN.chain();
    let mut group = c.benchmark_group("heaviest block");
    group.sample_size(10);
    for (kind, mix) in heaviest() {
        let (state, block) = heavy(mix);
        let bytes = block.to_bytes();
        let judge = |b| verify_block(chain, state.tip(), check_block(chain, b).unwrap()).unwrap();
        let most = mix.inputs.max(mix.outputs).max(mix.kernels);
        group.throughput(Throughput::Elements(most as u64));
        group.bench_function(BenchmarkId::new("decode", kind), |b| {
            b.iter(|| Block::from_bytes(black_box(&bytes)).unwrap());
        });
        group.bench_function(BenchmarkId::new("check and verify", kind), |b| {
            b.iter_batched(|| block.clone(), judge, BatchSize::LargeInput);
        });
        let verified = judge(block.clone());
        group.bench_function(BenchmarkId::new("connect", kind), |b| {
            let connect = |v| connect_block(chain, &state, v).unwrap();
            b.iter_batched(|| verified.clone(), connect, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// Creates 1,000 outputs in a store and spends them again: the work of a block on the index and the log.
fn store(c: &mut Bench) {
    store_of(c, Way::Plain, &POOL);
    let one_sided: Vec<Owned> = (0..1_000).into_par_iter().map(one_sided_output).collect();
    store_of(c, Way::OneSided, &one_sided);
}

fn store_of(c: &mut Bench, way: Way, pool: &[Owned]) {
    const MANY: usize = 1_000;
    let mut chain = CHAIN.clone();
    let reward = chain.grow(Vec::new());
    chain.mature();
    let mut made: Vec<&Owned> = pool[..MANY].iter().collect();
    let fee = chain.chain().least_fee(chain.chain().room()).unwrap();
    let change = reward.opening.amount.units() - fee.units() - AMOUNT * MANY as u64;
    let change = chain.output(change);
    made.push(&change);
    let feature = if way == Way::Plain { TestChain::plain } else { TestChain::bonded };
    let kernel = feature(&chain, fee);
    let created = chain.transaction(&[&reward], &made, &[kernel]);
    chain.grow(vec![created]);
    let rest = chain.output(AMOUNT * MANY as u64 + change.opening.amount.units() - fee.units());
    let kernel = feature(&chain, fee);
    let spent = chain.transaction(&made, &[&rest], &[kernel]);
    chain.grow(vec![spent]);
    let blocks = chain.blocks();
    let at = |n: usize| {
        let layout = Layout::new(SledDatabases::temporary());
        let mut store = Store::create_on(Memory::new(), layout, CHAIN.chain().params().clone()).unwrap();
        blocks[..n].iter().for_each(|b| apply(&mut store, b));
        store
    };
    let mut group = c.benchmark_group(if way == Way::Plain { "store" } else { "store, one-sided" });
    group.sample_size(10).throughput(Throughput::Elements(MANY as u64));
    for (what, n) in [("create outputs", blocks.len() - 2), ("spend outputs", blocks.len() - 1)] {
        group.bench_function(what, |b| {
            b.iter_batched_ref(|| at(n), |store| apply(store, &blocks[n]), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn apply(store: &mut Store, block: &Block) {
    let verified =
        verify_block(CHAIN.chain(), store.tip(), check_block(CHAIN.chain(), block.clone()).unwrap());
    let connected = connect_block(CHAIN.chain(), store, verified.unwrap()).unwrap();
    store.apply(&connected).unwrap();
}

/// Adds 1,000 unspent outputs, removes 1,000 others, and computes the new root.
fn trie(c: &mut Bench) {
    const CHANGED: u64 = 1_000;
    let hash = |i: u64| tagged("benches/v1", &[&i.to_le_bytes()]);
    let entry = |i: u64| Entry { key: hash(i), leaf: hash(i + (1 << 32)) };
    let mut group = c.benchmark_group("trie");
    group.sample_size(20).throughput(Throughput::Elements(CHANGED));
    for size in [1_000, 10_000, 100_000u64] {
        let before = Trie::from_leaves((0..size).map(entry)).unwrap();
        let enter: Vec<Entry> = (size..size + CHANGED).map(entry).collect();
        let leave: Vec<Hash> = (0..size).step_by(size.div_ceil(CHANGED) as usize).map(hash).collect();
        for (what, leave) in [("insert", &[][..]), ("insert and remove", &leave)] {
            group.bench_function(BenchmarkId::new(what, size), |b| {
                let update = |mut t: Trie| {
                    t.apply(leave, &enter).unwrap();
                    (t.root(), t)
                };
                b.iter_batched(|| before.clone(), update, BatchSize::LargeInput);
            });
        }
    }
    group.finish();
}

fn settings() -> Bench {
    Criterion::default()
        .with_measurement(ProcessorTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group!(name = benches; config = settings(); targets = output_alone, proofs, audited, signatures, seals, transactions, block, heaviest_block, store, trie);
criterion_main!(benches);
