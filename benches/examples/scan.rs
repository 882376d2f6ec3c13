//! What the verbs of a wallet cost as the chain and the wallet grow.
//!
//! ```text
//! cargo run --release -p sotto-benches --example scan -- [OUTPUTS …]      default: 10,000, 100,000, 1,000,000
//! ```
//!
//! For each number it prints, in milliseconds of wall and of processor time: scans of a wallet that owns nothing, on
//! a chain with so many unspent outputs of others (nothing new; a day of 1,440 blocks with ten outputs and five
//! inputs each; a block that is not stored, so that all outputs are read, as every scan once did), and a restore; then a wallet that owns so many outputs: opening its file, adding up,
//! planning a payment, scanning with nothing new and one block further, saving.
//!
//! The chain is in memory and is not decoded from anything, so these are the costs of the wallet alone. Outputs of
//! others have different commitments and share the proofs of 64 outputs; a scan verifies no proof, so that a miss
//! takes the same steps for any.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use cpu_time::ProcessTime;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, Params},
    commitment::Commitment,
    group::Point,
    hash::Hash,
    kernel::Excess,
    output::Output,
    schnorr::PublicKey,
    secret::SecretScalar,
    state::{RewindData, Unspent},
};
use sotto_wallet::{
    Installation, Wallet,
    coin_selection::{Payee, PaymentRequest, Recipient},
    edge::file::{KdfCost, WalletFile},
    keys::{Account, Words},
    outputs::Coin,
    scan::{BlockContents, ChainSource, ScanReport, ScanWay},
    slate::Memo,
    store::{MemoryStore, Store},
};
use std::{cell::Cell, convert::Infallible, path::Path, time::Instant};

const ACCOUNT: Account = Account(0);
const DAY: u64 = 1_440;
const OUTPUTS_OF_BLOCK: usize = 10;

fn chain() -> Chain {
    let operator = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(1));
    Chain::new(Params::solo(PublicKey::of(&operator), 0)).unwrap()
}

fn wallet(seed: u64) -> Wallet<MemoryStore> {
    let words = Words::generate(&mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
    Wallet::create(MemoryStore::default(), chain(), words, Installation::in_memory([1; 32])).unwrap()
}

/// A chain of others: unspent outputs in the order of their keys, all of one block, and the blocks of a day.
struct Others {
    unspent: Vec<(Hash, Commitment)>,
    pool: Vec<Output>,
    tip: Cell<u64>,
    /// Whether it has kept its blocks.
    stored: Cell<bool>,
}

impl Others {
    fn new(n: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let other = wallet(9);
        let output = |i: u64| other.coinbase(ACCOUNT, Height::new(i), Amount::ZERO, &mut rng).unwrap().0;
        let pool: Vec<Output> = (1..=64).map(output).collect();
        let (mut last, g) = (pool[0].commitment, Commitment::from_point(Point::g()));
        let next = |_| {
            last = last.plus(&g);
            (Unspent::key(&last), last)
        };
        let mut unspent: Vec<_> = (0..n).map(next).collect();
        unspent.sort_unstable_by_key(|(key, _)| *key);
        Self { unspent, pool, tip: Cell::new(DAY), stored: Cell::new(true) }
    }

    fn output(&self, commitment: Commitment, i: usize) -> Output {
        Output { commitment, ..self.pool[i % self.pool.len()].clone() }
    }

    fn hash(height: Height) -> Hash {
        let mut bytes = [0xfe; 32];
        bytes[..8].copy_from_slice(&height.get().to_le_bytes());
        Hash::from_bytes(bytes)
    }
}

impl ChainSource for Others {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        let height = Height::new(self.tip.get());
        Ok((height, Self::hash(height)))
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        Ok(self.unspent.len() as u64)
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        let from = after.map_or(0, |a| self.unspent.partition_point(|(key, _)| key <= a));
        let created = Height::new(1);
        let one = |(i, (_, c)): (usize, &(Hash, Commitment))| {
            Unspent { output: self.output(*c, from + i), created }.rewind_data()
        };
        Ok(self.unspent[from..].iter().take(most).enumerate().map(one).collect())
    }

    fn kernel(&self, _: &Excess) -> Result<Option<Height>, Infallible> {
        Ok(None)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Infallible> {
        Ok(Some(Self::hash(height)))
    }

    fn block(&self, height: Height) -> Result<Option<BlockContents>, Infallible> {
        if !self.stored.get() {
            return Ok(None);
        }
        let of = |i: usize| self.unspent[(height.get() as usize * 15 + i) % self.unspent.len()].1;
        let input = |i| Coin { commitment: of(i).encoded(), receiver: None };
        Ok(Some(BlockContents {
            hash: Self::hash(height),
            previous: Self::hash(height.minus(1)),
            inputs: (OUTPUTS_OF_BLOCK..OUTPUTS_OF_BLOCK * 3 / 2).map(input).collect(),
            outputs: (0..OUTPUTS_OF_BLOCK).map(|i| self.output(of(i), i)).collect(),
            kernels: Vec::new(),
        }))
    }
}

/// Contents with this number of unspent outputs of one account, byte by byte, last scanned at height [`DAY`].
fn contents(n: usize) -> Vec<u8> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut names: Vec<[u8; 32]> = (0..n).map(|_| core::array::from_fn(|_| rng.next_u32() as u8)).collect();
    names.sort_unstable();
    let kept = wallet(5).store().load().unwrap();
    let mut params = Vec::new();
    chain().params().encode_with_length(&mut params);
    let (tip, seen) = (1 + params.len() + 32, Others::hash(Height::new(DAY)));
    let block = [&DAY.to_le_bytes()[..], seen.as_bytes()].concat();
    // The last block, one nameless account with its height, no restore.
    let mut out = [&kept[..tip], &block, &1u32.to_le_bytes(), &DAY.to_le_bytes(), &[0, 0]].concat();
    let tail = &kept[tip + 40 + 4 + 9 + 1 + 4..];
    out.extend_from_slice(&(n as u32).to_le_bytes());
    for name in names {
        out.extend_from_slice(&name);
        out.extend_from_slice(
            &[&[0; 4][..], &[0], &(100_000 + u64::from(rng.next_u32())).to_le_bytes()].concat(),
        );
        out.extend_from_slice(&[&[7; 12][..], &[0, 0, 1], &1u64.to_le_bytes()].concat());
    }
    out.extend_from_slice(tail);
    out
}

fn open(path: &Path) -> Wallet<WalletFile> {
    let file = WalletFile::open(path, b"open sesame").unwrap();
    Wallet::open(file, Installation::in_memory([1; 32])).unwrap()
}

/// Does something, and prints how long it took.
fn timed<T>(what: &str, n: usize, work: impl FnOnce() -> T) -> T {
    let (wall, processor) = (Instant::now(), ProcessTime::now());
    let done = work();
    let (wall, processor) = (wall.elapsed().as_secs_f64(), processor.elapsed().as_secs_f64());
    println!("{n:>9}  {what:<42} {:>9.1} ms  {:>9.1} ms of processors", wall * 1e3, processor * 1e3);
    done
}

fn scan<S: Store>(w: &mut Wallet<S>, source: &Others) -> ScanReport {
    w.scan(source, &mut |_, _| {}).unwrap()
}

fn chain_of_others(n: usize) {
    let others = Others::new(n);
    let mut w = wallet(3);
    timed("scan for the first time", n, || scan(&mut w, &others));
    timed("scan, nothing new", n, || scan(&mut w, &others));
    others.tip.set(2 * DAY);
    let report = timed("scan, one day of blocks", n, || scan(&mut w, &others));
    let followed = report.way == ScanWay::Followed { blocks: DAY };
    assert_eq!(followed, n > 50_000, "a day holds more than few outputs");
    others.tip.set(2 * DAY + 1);
    others.stored.set(false);
    timed("scan, one block that is not stored: a pass", n, || scan(&mut w, &others));
    let restored = timed("restore, nine accounts", n, || {
        wallet(3).restore(Height::GENESIS, &others, &mut |_, _| {}).unwrap()
    });
    assert_eq!(restored.own, 0);
}

fn large_wallet(n: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wallet");
    let mut file = WalletFile::create(&path, b"open sesame", KdfCost::INSECURE_FAST).unwrap();
    let contents = contents(n);
    timed("own: write the file", n, || file.replace(&contents).unwrap());
    drop(file);
    let others = Others::new(10_000);
    let mut w = timed("own: open the file", n, || open(&path));
    timed("own: scan, nothing new", n, || scan(&mut w, &others));
    timed("own: add up", n, || w.balance(None));
    let recipient = Recipient::Interactive(wallet(6).address(ACCOUNT).unwrap());
    let payee = Payee { amount: Amount::new(1_000), recipient, memo: Memo::default() };
    timed("own: plan a payment", n, || w.plan(PaymentRequest::new(ACCOUNT, vec![payee])).unwrap());
    others.tip.set(DAY + 1);
    timed("own: scan one block, and save", n, || scan(&mut w, &others));
}

fn main() {
    let given: Vec<usize> = std::env::args().skip(1).map(|n| n.parse().unwrap()).collect();
    let all = if given.is_empty() { vec![10_000, 100_000, 1_000_000] } else { given };
    for n in all {
        chain_of_others(n);
        large_wallet(n);
    }
}
