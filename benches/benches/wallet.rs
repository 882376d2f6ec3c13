//! The wallet: the three steps of a slate, a restore, and the daily work of a large wallet.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench -p sotto-benches --bench wallet               # outputs per second and core
//! ```
//!
//! The restore scans 100,000 outputs in memory, of which 1,000 belong to the wallet. The 99,000 others have
//! different commitments and share the proofs of 64 outputs; a scan does not verify proofs, so a miss takes
//! the same steps for any proof. The restore tries nine accounts with two keys each.
//!
//! The large wallet holds 100,000 unspent outputs in the format of `docs/FORMATS.md`. Its file has the
//! weakest key derivation, so that the other work dominates; `key derivation` measures the cost that a
//! passphrase adds to each command.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, Params},
    codec::Encode,
    commitment::Commitment,
    group::Scalar,
    hash::Hash,
    kernel::Excess,
    output::Output,
    schnorr::PublicKey,
    secret::SecretScalar,
    state::{RewindData, Unspent},
};
use sotto_wallet::{
    Installation, Wallet,
    coin_selection::{Decision, Payee, PaymentRequest, Recipient},
    edge::file::{KdfCost, WalletFile},
    keys::{Account, Words},
    scan::ChainSource,
    slate::Memo,
    store::{MemoryStore, Store},
};
use std::{convert::Infallible, hint::black_box, path::Path};

const OUTPUTS: usize = 100_000;
const OWN: usize = 1_000;
const ACCOUNT: Account = Account(0);

fn chain() -> Chain {
    let operator = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(1));
    Chain::new(Params::solo(PublicKey::of(&operator), 0)).unwrap()
}

fn wallet(seed: u64) -> Wallet<MemoryStore> {
    let words = Words::generate(&mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
    Wallet::create(MemoryStore::default(), chain(), words, Installation::in_memory([1; 32])).unwrap()
}

/// Unspent outputs in the order of their keys, one per block.
struct Set(Vec<(Hash, RewindData)>);

impl Set {
    fn of(outputs: impl IntoIterator<Item = Output>) -> Self {
        let unspent = |(output, h)| Unspent { output, created: Height::new(h) }.rewind_data();
        let mut all: Vec<_> = outputs.into_iter().zip(1..).map(unspent).map(|u| (u.key(), u)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        Self(all)
    }
}

impl ChainSource for Set {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        Ok((Height::new(self.0.len() as u64), Hash::ZERO))
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        Ok(self.0.len() as u64)
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        let from = after.map_or(0, |a| self.0.partition_point(|(key, _)| key <= a));
        Ok(self.0[from..].iter().take(most).map(|(_, u)| u.clone()).collect())
    }

    fn kernel(&self, _: &Excess) -> Result<Option<Height>, Infallible> {
        Ok(None)
    }
}

fn outputs(owner: &Wallet<MemoryStore>, n: usize) -> Vec<Output> {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let reward = |i: usize| owner.coinbase(ACCOUNT, Height::new(i as u64), Amount::ZERO, &mut rng).unwrap().0;
    (1..=n).map(reward).collect()
}

fn set(owner: &Wallet<MemoryStore>) -> Set {
    let (own, pool) = (outputs(owner, OWN), outputs(&wallet(9), 64));
    let foreign = (0..OUTPUTS - OWN).map(|i| Output {
        commitment: Commitment::new(Amount::new(5), &Scalar::from(i as u64 + 7).into()),
        ..pool[i % pool.len()].clone()
    });
    Set::of(own.into_iter().chain(foreign))
}

/// One-sided outputs of others: each costs a scan one multiplication of the curve.
fn detect(c: &mut Criterion) {
    const FOREIGN: usize = 20_000;
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut payer, payee) = (wallet(9), wallet(10).address(ACCOUNT).unwrap().payment_address().unwrap());
    payer.scan(&Set::of(outputs(&payer, 120)), &mut |_, _| {}).unwrap();
    let mut paid = || {
        let recipient = Recipient::OneSided { to: payee, reference: None };
        let payee = Payee { amount: Amount::new(1_000), recipient, memo: Memo::default() };
        let plan = payer.plan(PaymentRequest::new(ACCOUNT, vec![payee])).unwrap();
        payer.pay(plan.confirm(|_| Decision::Yes).unwrap(), &mut rng).unwrap().get().body.outputs.clone()
    };
    let pool: Vec<Output> = (0..16).flat_map(|_| paid()).collect();
    let foreign = (0..FOREIGN).map(|i| Output {
        commitment: Commitment::new(Amount::new(5), &Scalar::from(i as u64 + 7).into()),
        ..pool[i % pool.len()].clone()
    });
    let set = Set::of(foreign);
    let mut group = c.benchmark_group("wallet");
    group.sample_size(10).throughput(Throughput::Elements(FOREIGN as u64));
    group.bench_function("scan, 20,000 one-sided outputs of others, one account", |b| {
        let scan = |mut w: Wallet<MemoryStore>| {
            assert_eq!(w.scan(&set, &mut |_, _| {}).unwrap().own, 0);
        };
        b.iter_batched(|| wallet(3), scan, BatchSize::PerIteration);
    });
    group.finish();
}

fn restore(c: &mut Criterion) {
    let set = set(&wallet(3));
    let mut group = c.benchmark_group("wallet");
    group.sample_size(10).throughput(Throughput::Elements(OUTPUTS as u64));
    group.bench_function("restore, 1,000 own of 100,000, nine accounts", |b| {
        let restore = |mut w: Wallet<MemoryStore>| {
            let report = w.restore(Height::GENESIS, &set, &mut |_, _| {}).unwrap();
            assert_eq!(report.own, OWN as u64);
        };
        b.iter_batched(|| wallet(3), restore, BatchSize::PerIteration);
    });
    group.finish();
}

fn request(to: &Wallet<MemoryStore>) -> PaymentRequest {
    let recipient = Recipient::Interactive(to.address(ACCOUNT).unwrap());
    PaymentRequest::new(ACCOUNT, vec![Payee { amount: Amount::new(1_000), recipient, memo: Memo::default() }])
}

/// Contents with this number of unspent outputs of one account, byte by byte.
fn contents(n: usize) -> Vec<u8> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut names: Vec<[u8; 32]> = (0..n).map(|_| core::array::from_fn(|_| rng.next_u32() as u8)).collect();
    names.sort_unstable();
    let kept = wallet(5).store().load().unwrap();
    // Up to the number of outputs: version, parameters, entropy, height, hash, one nameless account, no
    // search.
    let head = 1 + chain().params().to_bytes().len() + 32 + 8 + 32 + 4 + 9 + 1;
    let (head, tail) = kept.split_at(head);
    let mut out = [head, &(n as u32).to_le_bytes()].concat();
    for name in names {
        out.extend_from_slice(&name);
        out.extend_from_slice(
            &[&[0; 4][..], &[0], &(100_000 + u64::from(rng.next_u32())).to_le_bytes()].concat(),
        );
        out.extend_from_slice(&[&[7; 12][..], &[0, 0, 1], &1u64.to_le_bytes()].concat());
    }
    out.extend_from_slice(&tail[4..]);
    out
}

fn open(path: &Path) -> Wallet<WalletFile> {
    let file = WalletFile::open(path, b"open sesame").unwrap();
    Wallet::open(file, Installation::in_memory([1; 32])).unwrap()
}

fn large(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wallet");
    let mut file = WalletFile::create(&path, b"open sesame", KdfCost::INSECURE_FAST).unwrap();
    file.replace(&contents(OUTPUTS)).unwrap();
    drop(file);
    let bob = wallet(6);
    let mut group = c.benchmark_group("wallet of 100,000 outputs");
    group.sample_size(10);
    group.bench_function("info: open, add up", |b| {
        b.iter(|| black_box(open(&path).balance(None)));
    });
    group.bench_function("send: open, plan, invite, keep, cancel, keep", |b| {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        b.iter(|| {
            let mut alice = open(&path);
            let plan = alice.plan(request(&bob)).unwrap().confirm(|_| Decision::Yes).unwrap();
            let invite = alice.invite(plan, &mut rng).unwrap().remove(0);
            // Every round starts with the same wallet.
            alice.cancel(&invite.session).unwrap();
        });
    });
    group.bench_function("key derivation, 64 MiB", |b| {
        b.iter(|| {
            WalletFile::create(&folder.path().join("none"), b"open sesame", KdfCost::STANDARD).unwrap()
        });
    });
    group.finish();
}

fn slates(c: &mut Criterion) {
    let mut alice = wallet(3);
    let set = Set::of(outputs(&alice, 64));
    alice.scan(&set, &mut |_, _| {}).unwrap();
    let bob = wallet(6);
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    c.bench_function("slate: invite, respond, finalize", |b| {
        let copy = |w: &Wallet<MemoryStore>| {
            Wallet::open(w.store().clone(), Installation::in_memory([1; 32])).unwrap()
        };
        let begin = || (copy(&alice), copy(&bob));
        b.iter_batched(
            begin,
            |(mut a, mut b)| {
                let plan = a.plan(request(&b)).unwrap().confirm(|_| Decision::Yes).unwrap();
                let invite = a.invite(plan, &mut rng).unwrap().remove(0);
                let response = b.respond(ACCOUNT, &invite, &mut rng).unwrap();
                a.finalize(&response, &mut rng).unwrap()
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, slates, detect, restore, large);
criterion_main!(benches);
