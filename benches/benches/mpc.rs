//! Joint computation: AND gates garbled and evaluated on each back end, circuits, two parties, oblivious
//! transfer.
//!
//! ```text
//! cargo bench -p sotto-benches --bench mpc              # about two minutes
//! cargo bench -p sotto-benches --bench mpc -- AES       # only benchmarks with AES in their name
//! ```
//!
//! Throughput is in AND gates or transfers, with one thread per party, or one per party and lane. Circuits of the public collection are
//! measured if they are found next to the checkout or in the folder `SOTTO_BRISTOL`.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mpc::calibrate::{self, Chained, Layers};
use sotto_mpc::channel::{Framed, Pipe, memory_pair};
use sotto_mpc::circuit::{Circuit, CircuitBuilder, CircuitProgram, Netlist};
use sotto_mpc::garble::Scheme;
use sotto_mpc::ot::{Adversary, Expansion, Options, Receiver, Sender, SessionId, TreeDepth};
use sotto_mpc::programs::{Aes128, Sha256Block, Sliced};
use sotto_mpc::protocol::malicious;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, Terms};
use sotto_mpc::{Backend, Bits, Delta, Program};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Each party alone.
fn alone(c: &mut Criterion, name: &str, backend: Backend, program: &impl Program) {
    alone_with(c, name, (backend, Scheme::HalfGates), program);
}

fn alone_with(c: &mut Criterion, name: &str, (backend, scheme): (Backend, Scheme), program: &impl Program) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).throughput(Throughput::Elements(program.cost().and_gates));
    let rng = &mut rng(1);
    group.bench_function("garble", |b| b.iter(|| calibrate::garble(backend, scheme, program, rng).unwrap()));
    group.bench_function("evaluate", |b| {
        b.iter(|| calibrate::evaluate(backend, scheme, program, rng).unwrap())
    });
    group.finish();
}

/// Independent gates on every back end, and dependent ones.
fn gates(c: &mut Criterion) {
    for backend in Backend::available() {
        let pairs = if backend == Backend::PORTABLE { 20 } else { 500 };
        let program = Layers { lanes: 1024, pairs };
        alone(c, &format!("independent gates {backend:?}"), backend, &program);
        let name = format!("independent gates {backend:?}, three halves");
        alone_with(c, &name, (backend, Scheme::ThreeHalves), &program);
    }
    for lanes in [1, 8] {
        let (name, program) = (format!("chains of gates, {lanes}"), Layers { lanes, pairs: 100_000 });
        alone(c, &name, Backend::detect(), &program);
        alone_with(c, &(name + ", three halves"), (Backend::detect(), Scheme::ThreeHalves), &program);
    }
}

/// A circuit of the public collection.
fn collection(name: &str) -> Option<Circuit> {
    let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/bristol").into();
    let folder = std::env::var_os("SOTTO_BRISTOL").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(folder.join(name).with_extension("txt")).ok()?;
    Some(Circuit::new(&Netlist::from_bristol(&text).unwrap()).unwrap())
}

fn circuits(c: &mut Criterion) {
    let backend = Backend::detect();
    alone(c, "AES-128", backend, &Chained { program: Aes128, times: 100 });
    alone(c, "SHA-256", backend, &Chained { program: Sha256Block, times: 30 });
    let circuit = Circuit::new(&CircuitBuilder::record(&Sha256Block)).unwrap();
    let program = Chained { program: CircuitProgram::new(&circuit, 1).unwrap(), times: 30 };
    alone(c, "SHA-256, recorded", backend, &program);
    for name in ["aes_128", "sha256", "mult64"] {
        let Some(circuit) = collection(name) else { continue };
        let times = 600_000 / circuit.and_gates();
        let program = Chained { program: CircuitProgram::new(&circuit, 1).unwrap(), times };
        alone(c, &format!("stored {name}"), backend, &program);
    }
}

/// A number of executions of a program in one session over a pipe.
fn executions(program: &(impl Program + Sync), x: &[bool], y: &[bool], n: u64) -> Duration {
    let (near, far) = memory_pair();
    let terms = Terms::new(Reveal::Both);
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut rng(1);
            let mut session = Garbler::new(near, program, terms).hello(rng).unwrap().set_up(rng).unwrap();
            let start = Instant::now();
            for _ in 0..n {
                session = session.execute(&x.into(), rng).unwrap().0;
            }
            start.elapsed()
        });
        let rng = &mut rng(2);
        let mut session = Evaluator::new(far, program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        for _ in 0..n {
            session = session.execute(&y.into()).unwrap().0;
        }
        garbling.join().unwrap()
    })
}

fn two_parties(c: &mut Criterion) {
    let mut group = c.benchmark_group("two parties over a pipe");
    group.sample_size(10);
    let bits = [true; 128];
    group.bench_function("set-up", |b| b.iter(|| executions(&Aes128, &bits, &bits, 0)));
    let program = Chained { program: Aes128, times: 300 };
    group.throughput(Throughput::Elements(program.cost().and_gates));
    group.bench_function("AES-128", |b| b.iter_custom(|n| executions(&program, &bits, &bits, n)));
    let program = Layers { lanes: 1024, pairs: 50_000 };
    let bits = [true; 1024];
    group.throughput(Throughput::Elements(program.cost().and_gates));
    group.bench_function("100 million gates", |b| b.iter_custom(|n| executions(&program, &bits, &bits, n)));
    group.finish();
}

/// The time of so many executions of two slices of AES-128 in one session, over a pipe for each lane.
fn executions_in_lanes(program: &Sliced<Chained<Aes128>>, lanes: usize, n: u64) -> Duration {
    let (mut near, mut far): (Vec<_>, Vec<_>) = (0..lanes).map(|_| memory_pair()).unzip();
    let (terms, input) = (Terms::new(Reveal::Both), Bits::from(&[true; 256][..]));
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut rng(1);
            let session = Garbler::new(near.remove(0), program, terms).with_lanes(near);
            let mut session = session.hello(rng).unwrap().set_up(rng).unwrap();
            let start = Instant::now();
            for _ in 0..n {
                session = session.execute_in_lanes(&input, rng).unwrap().0;
            }
            start.elapsed()
        });
        let rng = &mut rng(2);
        let session = Evaluator::new(far.remove(0), program, terms).with_lanes(far);
        let mut session = session.hello(rng).unwrap().set_up(rng).unwrap();
        for _ in 0..n {
            session = session.execute_in_lanes(&input).unwrap().0;
        }
        garbling.join().unwrap()
    })
}

fn two_parties_in_lanes(c: &mut Criterion) {
    let mut group = c.benchmark_group("two parties over pipes");
    let program = Sliced::side_by_side(vec![Chained { program: Aes128, times: 300 }; 2]).unwrap();
    group.sample_size(10).throughput(Throughput::Elements(program.cost().and_gates));
    for lanes in [1, 2] {
        let executions = |n| executions_in_lanes(&program, lanes, n);
        group.bench_function(format!("AES-128, lanes: {lanes}"), |b| b.iter_custom(executions));
    }
    group.finish();
}

/// Sessions with malicious security, each of one execution; the time of executions without set-up.
fn malicious_executions(
    program: &(impl Program + Sync),
    settings: malicious::Settings,
    input: &Bits,
    n: u64,
) -> Duration {
    let terms = Terms::new(Reveal::Both);
    let once = |seed| {
        let (near, far) = memory_pair();
        std::thread::scope(|scope| {
            let garbling = scope.spawn(move || {
                let rng = &mut rng(seed);
                let session = malicious::Garbler::new(near, program, terms, settings).hello(rng).unwrap();
                let session = session.set_up(rng).unwrap();
                let start = Instant::now();
                session.execute(input, rng).unwrap();
                start.elapsed()
            });
            let rng = &mut rng(!seed);
            let session = malicious::Evaluator::new(far, program, terms, settings).hello(rng).unwrap();
            session.set_up(rng).unwrap().execute(input, rng).unwrap();
            garbling.join().unwrap()
        })
    };
    (0..n).map(once).sum()
}

/// One chunk, of four layers and of three; and several large or small chunks.
fn malicious_two_parties(c: &mut Criterion) {
    let mut group = c.benchmark_group("two parties over a pipe, malicious security");
    group.sample_size(10);
    let default = malicious::Settings::default();
    let small = default.with_chunk(malicious::ChunkSize::SMALL);
    for (pairs, settings, name) in
        [(40, default, ""), (273, default, ""), (1094, default, ", streamed"), (160, small, ", small chunks")]
    {
        let program = Layers { lanes: 1024, pairs };
        let input = Bits::from(&[true; 1024][..]);
        group.throughput(Throughput::Elements(program.cost().and_gates));
        let name = format!("{} gates{name}", program.gates());
        let executions = |n| malicious_executions(&program, settings, &input, n);
        group.bench_function(name, |b| b.iter_custom(executions));
    }
    group.finish();
}

/// Both ends of a set-up.
fn transfers(options: Options) -> ((Sender, Framed<Pipe>), (Receiver, Framed<Pipe>)) {
    let (mut near, mut far) = memory_pair();
    let sid = SessionId([1; 32]);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let rng = &mut rng(1);
            let delta = Delta::random(rng);
            (Sender::setup_with(&mut near, &sid, &delta, options, rng).unwrap(), near)
        });
        let receiver = Receiver::setup_with(&mut far, &sid, options, &mut rng(2)).unwrap();
        (sender.join().unwrap(), (receiver, far))
    })
}

/// Random correlated transfers, a million at a time.
fn oblivious_transfer(c: &mut Criterion) {
    const N: usize = 1 << 20;
    let mut group = c.benchmark_group("correlated transfers over a pipe");
    group.sample_size(10).throughput(Throughput::Elements(N as u64));
    for depth in [TreeDepth::Two, TreeDepth::Four, TreeDepth::Eight] {
        for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
            let ((mut sender, mut near), (mut receiver, mut far)) =
                transfers(Options { depth, adversary, ..Options::default() });
            group.bench_function(format!("k = {}, {adversary:?}", depth as usize), |b| {
                b.iter(|| {
                    std::thread::scope(|scope| {
                        scope.spawn(|| sender.send_random(&mut near, N).unwrap());
                        receiver.receive_random(&mut far, N).unwrap()
                    })
                });
            });
        }
    }
    group.finish();
}

/// The same, expanded: the first rounds are over before it is measured.
fn expanded_transfers(c: &mut Criterion) {
    const N: usize = 1 << 20;
    let mut group = c.benchmark_group("expanded transfers over a pipe");
    group.sample_size(10).throughput(Throughput::Elements(N as u64));
    for expansion in [Expansion::K16, Expansion::K17, Expansion::K18, Expansion::K19] {
        for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
            let options = Options { depth: TreeDepth::Eight, expansion, adversary };
            let ((mut sender, mut near), (mut receiver, mut far)) = transfers(options);
            group.bench_function(format!("{expansion:?}, {adversary:?}"), |b| {
                b.iter(|| {
                    std::thread::scope(|scope| {
                        scope.spawn(|| sender.send_random(&mut near, N).unwrap());
                        receiver.receive_random(&mut far, N).unwrap()
                    })
                });
            });
        }
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group!(name = benches; config = settings(); targets = gates, circuits, two_parties, two_parties_in_lanes, malicious_two_parties, oblivious_transfer, expanded_transfers);
criterion_main!(benches);
