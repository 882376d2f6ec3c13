//! Payments handed in to nodes on this machine, each a process of its own with files, TLS and RPC: how many a second
//! are accepted durably, and how fast they come through a line of four.
//!
//! ```text
//! cargo run --release -p sotto-benches --example chain -- FOLDER 4500 100 4000
//! cargo run --release -p sotto-benches --example intake -- FOLDER [PAYMENTS]
//! ```
//!
//! `FOLDER` is made once and only read. Each run has fresh copies of its chain, and hands in the first `PAYMENTS`
//! (default: all) of its payments:
//!
//! 1. to one node by one client (an eighth of them), which waits for each answer before it sends the next;
//! 2. to one node by eight clients;
//! 3. to the first of four nodes in a line by eight clients (at most [`BURST`]), until the last one has 99 % in its
//!    mempool: a payment that becomes public by its embargo meanwhile conflicts with itself, joined with others, and
//!    these wait for a block;
//! 4. the same with all of them, and ten times the work that a node usually lets a neighbour cause: at the usual
//!    allowance ([`Config::work`]) a neighbour brings 133 payments a second in the long run.
//!
//! In a line each node fluffs at once what its neighbour stems: waits for privacy are not what is measured. All
//! processes share this machine, so processor time is printed beside wall time. Bytes written are those that a node had
//! the disk write (`write_bytes` of its `/proc/PID/io`).
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use cpu_time::ProcessTime;
use sotto_link::{
    Identity,
    web::{Certificate, Cover, Page},
};
use sotto_mw::{codec::Decode, transaction::Transaction};
use sotto_node::{
    config::Config,
    edge::{
        client::Client,
        daemon::{Daemon, Setup},
        net::{self, ListenSetup},
    },
    ledger::Ledger,
    peer::{Address, PeerKey},
    rpc::{Hex, Status, Submit},
};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{scope, sleep},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const CLIENTS: usize = 8;
/// Payments that a neighbour may bring at once.
const BURST: usize = 1_000;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [node, dir, number, factor, next @ ..] if node == "node" => {
            let seeds =
                next.first().map(|at| address(number.parse::<u8>().unwrap() - 1, at.parse().unwrap()));
            serve(
                Path::new(dir),
                number.parse().unwrap(),
                factor.parse().unwrap(),
                seeds.into_iter().collect(),
            );
        }
        [folder, number @ ..] => {
            let mut payments = read(&Path::new(folder).join("payments"));
            payments.truncate(number.first().map_or(usize::MAX, |n| n.parse().unwrap()));
            let site = Site { chain: Path::new(folder).join("chain"), scratch: tempfile::tempdir().unwrap() };
            site.one(&payments[..payments.len() / 8], 1);
            site.one(&payments, CLIENTS);
            site.line(&payments[..BURST.min(payments.len())], 1);
            site.line(&payments, 10);
        }
        [] => println!("usage: intake FOLDER [PAYMENTS]"),
    }
}

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

fn address(n: u8, at: SocketAddr) -> Address {
    Address { at, key: PeerKey(*identity(n).peer_key().as_bytes()) }
}

/// A node until it is killed; prints its address.
fn serve(dir: &Path, number: u8, factor: u64, seeds: Vec<Address>) {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = Config::new(PeerKey([0; 32]));
    (config.seeds, config.outbound) = (seeds, 1);
    // Embargoes of an hour, on average.
    let (hop, epoch) = (Duration::from_secs(36), Duration::from_secs(600));
    config.dandelion = sotto_dandelion::Params::new(1.0, hop, 0.01, epoch).unwrap();
    for allowance in [&mut config.work, &mut config.work_own, &mut config.work_shared] {
        (allowance.rate, allowance.burst) = (factor * allowance.rate, factor * allowance.burst);
    }
    let certificate = Certificate::generate(&["localhost"]).unwrap();
    let listen = Some(ListenSetup { at: here, outside: None, certificate, page: Page::default() });
    let net =
        net::Setup { identity: identity(number), listen, inbound: 8, from_one: 8, cover: Cover::Sparse };
    let setup =
        Setup { config, net, rpc: Some(here), dir: dir.join("node"), validator: None, recovered: None };
    let node = Daemon::start(setup, Ledger::open(&dir.join("chain")).unwrap(), None).unwrap();
    println!("{}", node.address().unwrap());
    node.wait().unwrap();
}

/// The payments that the example `chain` wrote.
fn read(path: &Path) -> Vec<Transaction> {
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut payments) = (&bytes[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (bytes, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        payments.push(Transaction::from_bytes(bytes).unwrap());
        rest = after;
    }
    payments
}

/// Where nodes are made.
struct Site {
    chain: PathBuf,
    scratch: TempDir,
}

impl Site {
    fn one(&self, payments: &[Transaction], clients: usize) {
        let node = self.start(&format!("one{clients}"), (1, 1), None);
        submit(&node, payments, clients);
        node.report(payments.len());
    }

    fn line(&self, payments: &[Transaction], factor: u64) {
        let mut nodes: Vec<Node> = Vec::new();
        for number in 1..=4 {
            let next = nodes.last().map(|node| node.address.clone());
            nodes.push(self.start(&format!("line{factor}.{number}"), (number, factor), next));
        }
        sleep(Duration::from_secs(5));
        println!("a line of four, {factor} times the usual allowance:");
        let began = Instant::now();
        submit(&nodes[3], payments, CLIENTS);
        // Some are joined on their stems, so their number is meaningless.
        let all: u64 = payments.iter().map(|t| t.body.weight()).sum();
        let last = nodes[0].client();
        while last.ask(&Status {}).unwrap().pending_weight < all * 99 / 100 {
            sleep(Duration::from_millis(20));
            assert!(began.elapsed() < Duration::from_secs(60), "payments are missing");
        }
        let there = began.elapsed().as_secs_f64();
        println!("  99 % at the last after {there:.2} s: {:.0} a second", payments.len() as f64 / there);
        nodes.iter().rev().for_each(|node| node.report(payments.len()));
    }

    /// Starts a node on a copy of the chain.
    fn start(&self, name: &str, (number, factor): (u8, u64), next: Option<String>) -> Node {
        let dir = self.scratch.path().join(name);
        fs::create_dir(&dir).unwrap();
        assert!(
            Command::new("cp").arg("-r").args([&self.chain, &dir.join("chain")]).status().unwrap().success()
        );
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg("node").arg(&dir).args([number.to_string(), factor.to_string()]).args(next);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Node { child, dir: dir.join("node"), address: line.trim().to_owned() }
    }
}

/// A process of [`serve`].
struct Node {
    child: Child,
    dir: PathBuf,
    address: String,
}

impl Node {
    fn client(&self) -> Client {
        Client::of_folder(&self.dir).unwrap()
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    fn report(&self, payments: usize) {
        let (stat, io) = (self.proc("stat"), self.proc("io"));
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // User and system time, in hundredths of a second.
        let [user, system] = [11, 12].map(|i| fields[i].parse::<f64>().unwrap() * 10_000.0 / payments as f64);
        let written: f64 = io.lines().find_map(|l| l.strip_prefix("write_bytes: ")).unwrap().parse().unwrap();
        println!(
            "  a node, for each payment: processor {user:.0} µs and {system:.0} µs in the kernel, {:.1} kB written",
            written / 1_000.0 / payments as f64
        );
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Hands payments in, each client its share, and prints how it went.
fn submit(node: &Node, payments: &[Transaction], clients: usize) {
    let (began, processor) = (Instant::now(), ProcessTime::now());
    let one = |share: &[Transaction]| -> Vec<Duration> {
        let client = node.client();
        let each = share.iter().map(|t| {
            let began = Instant::now();
            client.ask(&Submit { transaction: Hex(t.clone()) }).unwrap();
            began.elapsed()
        });
        each.collect()
    };
    let mut waits: Vec<Duration> = scope(|scope| {
        let shares = payments.chunks(payments.len().div_ceil(clients));
        let threads: Vec<_> = shares.map(|share| scope.spawn(move || one(share))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (took, own) = (began.elapsed().as_secs_f64(), processor.elapsed().as_secs_f64());
    waits.sort();
    let at = |share: usize| waits[(waits.len() * share / 100).min(waits.len() - 1)].as_secs_f64() * 1e3;
    let count = payments.len() as f64;
    println!(
        "{count} payments by {clients} clients: {:.0} a second accepted; answer after {:.2} ms (median), {:.2} ms (99 %); clients' processor {:.0} µs each",
        count / took,
        at(50),
        at(99),
        own * 1e6 / count
    );
}
