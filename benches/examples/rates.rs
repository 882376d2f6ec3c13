//! Measures the engine on this machine: `cargo run --release -p sotto-benches --example rates`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::{Read, Write};
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::builtins::auc::{Auc, BREAST_CANCER, Table};
use sotto_jobs::edge::tls;
use sotto_link::Identity;
use sotto_link::pinned::Pinned;
use sotto_mpc::calibrate::{self, Chained, Layers};
use sotto_mpc::channel::Framed;
use sotto_mpc::circuit::{Circuit, CircuitBuilder, CircuitProgram, Netlist};
use sotto_mpc::edge::tcp::{Exposure, Listener, Peer, Timeouts, connect};
use sotto_mpc::garble::Scheme;
use sotto_mpc::ot::{Adversary, Expansion, Options, Receiver, Sender, SessionId, TreeDepth};
use sotto_mpc::programs::{Aes128, Sha256Block, SideBySide, Sliced};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, Role, Terms};
use sotto_mpc::{Backend, Bits, Channel, Delta, Phase, Program};

fn layers(lanes: usize, gates: usize) -> Layers {
    Layers { lanes, pairs: gates / lanes / 2 }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Processor time of this thread, which other programs disturb less (Linux).
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// One party alone, without a network.
fn alone<P: Program>(what: &str, program: &P) {
    let ands = program.cost().and_gates as f64;
    let backend = Backend::detect();
    let best = |run: &dyn Fn()| {
        let seconds = (0..5).map(|_| {
            let start = processor_seconds();
            run();
            processor_seconds() - start
        });
        ands / seconds.fold(f64::MAX, f64::min) / 1e6
    };
    let garbled = best(&|| calibrate::garble(backend, Scheme::HalfGates, program, &mut rng()).unwrap());
    let evaluated = best(&|| calibrate::evaluate(backend, Scheme::HalfGates, program, &mut rng()).unwrap());
    println!("{what}: garble {garbled:.1}, evaluate {evaluated:.1} M AND/s");
}

fn peers() -> (Framed<Peer>, Framed<Peer>) {
    let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
    let address = listener.address().unwrap();
    std::thread::scope(|scope| {
        let far = scope.spawn(move || connect(address, Exposure::Loopback, Timeouts::default()).unwrap());
        (listener.accept(Timeouts::default()).unwrap(), far.join().unwrap())
    })
}

/// Both parties over TLS between pinned keys.
fn pinned_peers() -> (Framed<Pinned>, Framed<Pinned>) {
    let [a, b] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
    let mut listener = tls::Listener::bind("127.0.0.1:0", &a, [b.peer_key()]).unwrap();
    let address = listener.address().unwrap().to_string();
    std::thread::scope(|scope| {
        let far = scope.spawn(|| tls::connect(&address, &b, a.peer_key(), tls::Timeouts::default()).unwrap());
        (listener.accept(tls::Timeouts::default()).unwrap(), far.join().unwrap())
    })
}

/// A gibibyte in one direction, in blocks of the engine's size.
fn bytes<S: Read + Write + Send>(what: &str, (near, far): (Framed<S>, Framed<S>)) {
    const PIECES: usize = 1 << 14;
    let (mut near, mut far) = (near, far);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let piece = vec![7; 1 << 16];
            let busy = processor_seconds();
            (0..PIECES).for_each(|_| near.send(Phase::Tables, &piece).unwrap());
            near.flush().unwrap();
            println!("{what}: the sender's processor, {:.0} MB/s", 1074.0 / (processor_seconds() - busy));
        });
        let mut piece = vec![0; 1 << 16];
        let (start, busy) = (Instant::now(), processor_seconds());
        (0..PIECES).for_each(|_| far.receive(Phase::Tables, &mut piece).unwrap());
        let (wall, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - busy);
        println!("{what}: {:.0} MB/s, the receiver's processor, {:.0} MB/s", 1074.0 / wall, 1074.0 / busy);
    });
}

fn two_parties<P: Program + Sync>(what: &str, program: &P, x: &[bool], y: &[bool]) {
    two_parties_over(what, peers(), program, x, y);
}

fn two_parties_over<P: Program + Sync, S: Read + Write + Send>(
    what: &str,
    (near, far): (Framed<S>, Framed<S>),
    program: &P,
    x: &[bool],
    y: &[bool],
) {
    let terms = Terms::new(Reveal::Both);
    let ands = program.cost().and_gates as f64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let start = Instant::now();
            let session = Garbler::new(near, program, terms).hello(rng).unwrap().set_up(rng).unwrap();
            println!("{what}: set-up {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
            let (start, busy) = (Instant::now(), processor_seconds());
            let (session, _) = session.execute(&x.into(), rng).unwrap();
            let (seconds, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - busy);
            println!("{what}: the garbler's processor, {:.1} M AND/s", ands / busy / 1e6);
            let bytes = session.close().traffic().sent as f64;
            println!(
                "{what}: {:.1} M AND/s, {:.2} s, {:.2} bytes an AND",
                ands / seconds / 1e6,
                seconds,
                bytes / ands
            );
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = Evaluator::new(far, program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        let busy = processor_seconds();
        session.execute(&y.into()).unwrap();
        let busy = processor_seconds() - busy;
        println!("{what}: the evaluator's processor, {:.1} M AND/s", ands / busy / 1e6);
    });
}

/// Random correlated transfers over loopback, by wall and in processor time of each party, after a first call that also
/// finds the memory.
fn transfers(options: Options) {
    const CALL: usize = 1 << 20;
    const CALLS: usize = 16;
    const N: f64 = (CALL * CALLS) as f64;
    let (mut near, mut far) = peers();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let delta = Delta::random(&mut rng());
            let mut sender =
                Sender::setup_with(&mut near, &SessionId([1; 32]), &delta, options, &mut rng()).unwrap();
            sender.send_random(&mut near, CALL).unwrap();
            let busy = processor_seconds();
            (0..CALLS).for_each(|_| drop(sender.send_random(&mut near, CALL).unwrap()));
            processor_seconds() - busy
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let mut receiver = Receiver::setup_with(&mut far, &SessionId([1; 32]), options, rng).unwrap();
        receiver.receive_random(&mut far, CALL).unwrap();
        let (start, busy, before) = (Instant::now(), processor_seconds(), far.traffic().sent);
        (0..CALLS).for_each(|_| drop(receiver.receive_random(&mut far, CALL).unwrap()));
        let (receives, bytes) = (processor_seconds() - busy, far.traffic().sent - before);
        let sends = sending.join().unwrap();
        let [wall, sends, receives] =
            [start.elapsed().as_secs_f64(), sends, receives].map(|seconds| N / seconds / 1e6);
        println!(
            "{}: {wall:.1} M/s, processor of the sender {sends:.1}, of the receiver {receives:.1}, {:.2} bytes",
            name(options),
            bytes as f64 / N
        );
    });
}

/// Transfers with these options.
fn name(options: Options) -> String {
    let depth = match options.depth {
        TreeDepth::Two => 2,
        TreeDepth::Four => 4,
        TreeDepth::Eight => 8,
    };
    let expanded = match options.expansion {
        Expansion::None => String::new(),
        expansion => format!(", expanded {expansion:?}"),
    };
    let checked = if options.adversary == Adversary::Malicious { ", checked" } else { "" };
    format!("transfers, k = {depth}{expanded}{checked}")
}

/// Processor time of all threads of this process, also of those that ended (Linux).
fn process_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Eight slices, of AES-128 or of independent gates, in lanes.
fn in_lanes<P: Program + Sync>(what: &str, program: &Sliced<P, SideBySide>, scheme: Scheme, side: Side) {
    let terms = Terms::new(Reveal::Both);
    let (shape, ands) = (program.shape(), program.cost().and_gates as f64);
    let input = |n| Bits::from(&vec![true; n][..]);
    let (who, busy) = match side {
        Side::Garbler(mut lanes) => {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let (n, session) = (lanes.len(), Garbler::new(lanes.remove(0), program, terms).with_lanes(lanes));
            let session = session.proposing(scheme).hello(rng).unwrap().set_up(rng).unwrap();
            let (start, busy) = (Instant::now(), process_seconds());
            session.execute_in_lanes(&input(shape.garbler_bits()), rng).unwrap();
            let (wall, busy) = (start.elapsed().as_secs_f64(), process_seconds() - busy);
            println!("{what}, {}, lanes {n}: {:.1} M AND/s", scheme.name(), ands / wall / 1e6);
            ("garbler", busy)
        }
        Side::Evaluator(mut lanes) => {
            let rng = &mut ChaCha20Rng::seed_from_u64(2);
            let session = Evaluator::new(lanes.remove(0), program, terms).with_lanes(lanes);
            let session = session.proposing(scheme).hello(rng).unwrap().set_up(rng).unwrap();
            let busy = process_seconds();
            session.execute_in_lanes(&input(shape.evaluator_bits())).unwrap();
            ("evaluator", process_seconds() - busy)
        }
    };
    println!("    the {who}'s processor, {:.1} ns an AND", busy / ands * 1e9);
}

/// A party, with the channels of all lanes.
enum Side {
    Garbler(Vec<Framed<Peer>>),
    Evaluator(Vec<Framed<Peer>>),
}

/// The evaluator in a process of its own, which connects to these addresses.
fn evaluator_in_lanes(arguments: &[String]) {
    let [what, scheme, addresses @ ..] = arguments else { panic!("a program, a scheme and addresses") };
    let scheme = Scheme::ALL.into_iter().find(|known| known.name() == scheme).unwrap();
    let connect =
        |address: &String| connect(address.as_str(), Exposure::Loopback, Timeouts::default()).unwrap();
    measure_in_lanes(what, scheme, Side::Evaluator(addresses.iter().map(connect).collect()));
}

fn measure_in_lanes(what: &str, scheme: Scheme, side: Side) {
    match what {
        "AES-128" => {
            let slice = Chained { program: Aes128, times: 1000 };
            in_lanes(what, &Sliced::side_by_side(vec![slice; 8]).unwrap(), scheme, side);
        }
        _ => in_lanes(what, &Sliced::side_by_side(vec![layers(1024, 10_000_000); 8]).unwrap(), scheme, side),
    }
}

/// Each party in a process of its own, in one, two and four lanes.
fn lanes() {
    for (what, scheme) in
        ["AES-128", "independent"].into_iter().flat_map(|what| Scheme::ALL.map(|s| (what, s)))
    {
        for lanes in [1, 2, 4, 1, 2, 4] {
            let listeners: Vec<_> =
                (0..lanes).map(|_| Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap()).collect();
            let addresses = listeners.iter().map(|listener| listener.address().unwrap().to_string());
            let mut evaluator = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["evaluator-in-lanes", what, scheme.name()])
                .args(addresses)
                .spawn()
                .unwrap();
            let accept = |listener: Listener| listener.accept(Timeouts::default()).unwrap();
            measure_in_lanes(what, scheme, Side::Garbler(listeners.into_iter().map(accept).collect()));
            assert!(evaluator.wait().unwrap().success());
        }
    }
}

/// `engine`: without the network; `transfers`: oblivious transfer; `tls`: beside plain TCP; `long`: a billion
/// gates; `lanes`: both parties in several lanes; else both parties over loopback too.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("evaluator-in-lanes") => evaluator_in_lanes(&arguments[1..]),
        Some("lanes") => lanes(),
        Some("engine") => engine(),
        Some("transfers") => {
            for depth in [TreeDepth::Two, TreeDepth::Four, TreeDepth::Eight] {
                for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
                    transfers(Options { depth, adversary, ..Options::default() });
                }
            }
            for expansion in [Expansion::K16, Expansion::K17, Expansion::K18, Expansion::K19] {
                for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
                    transfers(Options { depth: TreeDepth::Eight, expansion, adversary });
                }
            }
        }
        Some("tls") => {
            bytes("TCP", peers());
            bytes("TLS", pinned_peers());
            let (program, bits) = (layers(1024, 50_000_000), vec![true; 1024]);
            two_parties_over("TCP, 1024 lanes", peers(), &program, &bits, &bits);
            two_parties_over("TLS, 1024 lanes", pinned_peers(), &program, &bits, &bits);
        }
        Some("long") => {
            let bits = vec![true; 256];
            two_parties("long", &layers(256, 1_000_000_000), &bits, &bits);
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
            println!("both parties in one process: {peak}");
        }
        _ => {
            engine();
            network();
        }
    }
}

fn engine() {
    for lanes in [1, 8, 1024] {
        alone(&format!("{lanes} lanes"), &layers(lanes, 10_000_000));
    }
    alone("AES-128", &Chained { program: Aes128, times: 1000 });
    for name in ["aes_128", "sha256", "mult64"] {
        let path = format!("{}/../../shared/data/bristol/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let start = Instant::now();
        let circuit = Circuit::new(&Netlist::from_bristol(&text).unwrap()).unwrap();
        println!("{name}: read and scheduled in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
        let program = Chained {
            program: CircuitProgram::new(&circuit, 1).unwrap(),
            times: 10_000_000 / circuit.and_gates(),
        };
        alone(&format!("stored {name}"), &program);
    }
    let circuit = Circuit::new(&CircuitBuilder::record(&Sha256Block)).unwrap();
    let program = Chained { program: CircuitProgram::new(&circuit, 1).unwrap(), times: 400 };
    alone("own SHA-256, recorded", &program);
    alone("own SHA-256", &Chained { program: Sha256Block, times: 100 });
}

fn network() {
    let bits = vec![true; 1 << 16];
    for lanes in [1, 8, 1024] {
        two_parties(&format!("{lanes} lanes"), &layers(lanes, 20_000_000), &bits[..lanes], &bits[..lanes]);
    }
    two_parties("AES-128", &Chained { program: Aes128, times: 2000 }, &bits[..128], &bits[..128]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/data/breast_cancer.csv");
    let all = Table::parse(&std::fs::read_to_string(path).unwrap(), &BREAST_CANCER).unwrap();
    let (first, second) = (all.part(0..284).unwrap(), all.part(284..569).unwrap());
    let program = Auc::new(&BREAST_CANCER, first.classes(), second.classes()).unwrap();
    let (x, y) =
        (program.inputs(Role::Garbler, &first).unwrap(), program.inputs(Role::Evaluator, &second).unwrap());
    two_parties("AUC", &program, &x, &y);
}
