//! How the cost of a store grows with the unspent outputs that are there: makes chains of several sizes, and
//! prints what it takes to open them, how large they are, and what it takes to look one output up.
//!
//! ```text
//! cargo run --release -p sotto-benches --example scale -- FOLDER [OUTPUTS[/EACH]…]       default 10,000 100,000
//! cargo run --release -p sotto-benches --example scale -- --measure audit CHAIN
//! ```
//!
//! A chain has 200 outputs a block, or EACH: with one in each there are as many headers and kernels as outputs. Its
//! commitments, roots, headers and seals are real. **One range proof is repeated** in all outputs, since proving takes ten
//! milliseconds each: an audit refuses such a chain, and a store, which verifies blocks before they are written and trusts
//! what was written, does not notice. So the files are written here, as `docs/FORMATS.md` draws them, and the store's own
//! code makes the index from them.
//!
//! Each measurement is a process of its own: its seconds, its processor seconds and its peak memory. A crash is
//! the end of a process that took 200 blocks into the index and flushed nothing. The second form audits the chain in a
//! folder, such as one that the example `chain` has made, with real proofs.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use cpu_time::ProcessTime;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Height,
    block::{Block, Header, body_hash},
    chain::{Chain, Params},
    codec::Encode,
    commitment::Commitment,
    group::Point,
    hash::tagged,
    kernel::{Excess, Kernel, KernelFeatures},
    mmr::Peaks,
    output::Output,
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::{ChainView, Unspent},
    testing::TestChain,
    transaction::Body,
    trie::{Entry, Trie},
};
use sotto_node::{ledger::audit::audit, storage::Store};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// Outputs of a block, if nothing else is said.
const EACH: usize = 200;
/// Blocks after the index, that a crash leaves to be taken in.
const REST: usize = 200;
const SEGMENT: u64 = 64 << 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args[0] == "--measure" {
        return measure(&args[1], Path::new(&args[2]));
    }
    let folder = PathBuf::from(&args[0]);
    let sizes: Vec<_> = args[1..].iter().map(|size| read_size(size)).collect();
    println!("seconds (processor seconds, peak MB)");
    for (outputs, each) in if sizes.is_empty() { vec![(10_000, EACH), (100_000, EACH)] } else { sizes } {
        let dir = folder.join(format!("{outputs}-{each}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let mut maker = Maker::new(&dir, each);
        let blocks = outputs.div_ceil(each);
        (0..blocks.saturating_sub(REST)).for_each(|_| maker.block());
        maker.head();
        println!("{outputs} outputs, {blocks} blocks");
        println!("  first index of all but {REST} blocks  {}", child("open", &dir));
        (0..REST.min(blocks)).for_each(|_| maker.block());
        maker.head();
        println!("  take {REST} blocks in, and crash      {}", child("crash", &dir));
        println!("  open after the crash              {}", child("open", &dir));
        println!("  open after a clean stop           {}", child("open", &dir));
        println!("  the same, and look 100 outputs up {}", child("look", &dir));
        println!("  the same, and read all outputs    {}", child("all", &dir));
        println!("  {}", child("sizes", &dir));
    }
}

/// Outputs in all and in a block.
fn read_size(size: &str) -> (usize, usize) {
    match size.split_once('/') {
        Some((outputs, each)) => (outputs.parse().unwrap(), each.parse().unwrap()),
        None => (size.parse().unwrap(), EACH),
    }
}

/// Runs a measurement in a process of its own.
fn child(what: &str, dir: &Path) -> String {
    let run =
        Command::new(std::env::current_exe().unwrap()).arg("--measure").arg(what).arg(dir).output().unwrap();
    String::from_utf8_lossy(&run.stdout).trim_end().to_owned()
}

fn measure(what: &str, dir: &Path) {
    let (wall, processor) = (Instant::now(), ProcessTime::now());
    let store = Store::open(dir).unwrap();
    match what {
        "look" => {
            let all = commitments().take(100).map(|c| store.unspent(&c).unwrap().unwrap().created);
            assert!(all.count() == 100);
        }
        "audit" => _ = audit(&store, |_, _| {}).unwrap(),
        "all" => assert_eq!(store.all_unspent().map(Result::unwrap).count() as u64, store.tip().output_count),
        "sizes" => {
            let (sizes, count) = (store.sizes().unwrap(), store.tip().output_count);
            return println!("log {} MB, index {} bytes an output", sizes.log >> 20, sizes.index / count);
        }
        _ => {}
    }
    let (wall, processor) = (wall.elapsed().as_secs_f64(), processor.elapsed().as_secs_f64());
    println!("{wall:7.2} ({processor:.2}, {}) {}", peak() >> 10, rebuilt(&store));
    std::io::stdout().flush().unwrap();
    if what == "crash" {
        std::process::abort();
    }
}

fn rebuilt(store: &Store) -> String {
    let found = store.opened();
    let why = found.rebuilt.as_ref().map(|why| format!(", rebuilt: {why}")).unwrap_or_default();
    format!("{} records taken in{why}", found.replayed)
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// The commitments of all outputs, in the order of the chain: G, 2·G, …
fn commitments() -> impl Iterator<Item = Commitment> {
    let g = Commitment::from_point(Point::g());
    std::iter::successors(Some(g), move |c| Some(c.plus(&g)))
}

/// Writes a chain.
struct Maker {
    dir: PathBuf,
    each: usize,
    chain: Chain,
    operator: SecretScalar,
    rng: ChaCha20Rng,
    commitments: Box<dyn Iterator<Item = Commitment>>,
    model: Output,
    tip: Header,
    outputs: Trie,
    kernels: Peaks,
    log: BufWriter<File>,
    segment: u32,
    offset: u64,
}

impl Maker {
    fn new(dir: &Path, each: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let operator = SecretScalar::random(&mut rng);
        let chain = Chain::new(Params::solo(PublicKey::of(&operator), 1_700_000_000)).unwrap();
        let genesis = [&chain.params().to_bytes()[..], chain.id().as_bytes()].concat();
        fs::write(dir.join("genesis"), genesis).unwrap();
        let (log, offset) = segment(dir, &chain, 0);
        Self {
            dir: dir.to_owned(),
            each,
            operator,
            rng,
            commitments: Box::new(commitments()),
            model: TestChain::new(1).output(1_000).output,
            tip: Header::genesis(&chain),
            outputs: Trie::new(),
            kernels: Peaks::new(),
            log,
            segment: 0,
            offset,
            chain,
        }
    }

    fn block(&mut self) {
        let height = self.tip.height.next();
        let mut outputs: Vec<_> = self.commitments.by_ref().take(self.each).collect();
        outputs.sort_unstable();
        let outputs: Vec<_> =
            outputs.into_iter().map(|commitment| Output { commitment, ..self.model.clone() }).collect();
        let added: Vec<_> = outputs
            .iter()
            .map(|o| Entry {
                key: Unspent::key(&o.commitment),
                leaf: Unspent { created: height, output: o.clone() }.leaf(),
            })
            .collect();
        self.outputs.apply(&[], &added).unwrap();
        let (features, x) = (KernelFeatures::Coinbase { height }, SecretScalar::random(&mut self.rng));
        let signature = sign(&x, &features.message(self.chain.id()), &mut self.rng);
        let kernel = Kernel { features, excess: Excess::from_point(*PublicKey::of(&x).point()), signature };
        self.kernels.push(kernel.id());
        let body = Body { outputs, kernels: vec![kernel], ..Body::default() };
        let header = Header {
            height,
            previous: self.tip.hash(),
            time: self.tip.time + 60,
            kernel_count: self.kernels.len(),
            kernel_root: self.kernels.root(),
            output_count: self.outputs.len(),
            output_root: self.outputs.root(),
            body_hash: body_hash(&body),
            ..self.tip.clone()
        };
        let seal = sign(&self.operator, &header.seal_message(self.chain.id()), &mut self.rng).into();
        self.append(height, &Block { header: header.clone(), seal, body }.to_bytes());
        self.tip = header;
    }

    fn append(&mut self, height: Height, block: &[u8]) {
        if self.offset + block.len() as u64 + 52 > SEGMENT {
            self.log.flush().unwrap();
            self.segment += 1;
            (self.log, self.offset) = segment(&self.dir, &self.chain, self.segment);
        }
        let length = (block.len() as u64).to_le_bytes();
        let bytes = [&b"SBLK"[..], &length, &height.to_bytes(), block].concat();
        let place =
            [&self.chain.id().as_bytes()[..], &self.segment.to_le_bytes(), &self.offset.to_le_bytes()]
                .concat();
        self.log.write_all(&bytes).unwrap();
        self.log.write_all(tagged("sotto/node-record/v1", &[&place, &bytes]).as_bytes()).unwrap();
        self.offset += bytes.len() as u64 + 32;
    }

    fn head(&mut self) {
        self.log.flush().unwrap();
        let floor = self.tip.height.minus(self.chain.params().reorganisation);
        let bytes = [
            &[1][..],
            self.chain.id().as_bytes(),
            &self.tip.to_bytes(),
            &self.chain.params().first_terms().to_bytes(),
            &floor.to_bytes(),
            &self.segment.to_le_bytes(),
            &self.offset.to_le_bytes(),
            &Height::GENESIS.to_bytes(),
            &0u32.to_le_bytes(),
            &self.kernels.to_bytes(),
        ]
        .concat();
        let check = tagged("sotto/node-head/v1", &[&bytes]);
        fs::write(self.dir.join("head"), [&bytes[..], check.as_bytes()].concat()).unwrap();
    }
}

/// Begins a segment of the log; returns where its first record begins.
fn segment(dir: &Path, chain: &Chain, number: u32) -> (BufWriter<File>, u64) {
    let bytes = [&b"SLOG"[..], &[1], chain.id().as_bytes(), &number.to_le_bytes()].concat();
    let check = tagged("sotto/node-segment/v1", &[&bytes]);
    let mut file = BufWriter::new(File::create(dir.join(segment_name(number))).unwrap());
    file.write_all(&bytes).and_then(|()| file.write_all(check.as_bytes())).unwrap();
    (file, bytes.len() as u64 + 32)
}

fn segment_name(number: u32) -> String {
    sotto_node::storage::FileName::Segment(number).to_string()
}
