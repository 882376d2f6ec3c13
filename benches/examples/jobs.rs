//! Measures what a job adds to its computation: `cargo run --release -p sotto-benches --example jobs [ROWS]`.
//!
//! Three owners who do not compute share their rows between two computers, who run `sum_by_group@1`. First
//! the computers' session alone, over TLS between pinned keys, with each scheme; then the same as a job of five parties, which
//! takes the scheme that it finds fastest, with
//! deliveries, receipts and outputs. Each party is a thread; seconds of the computers are wall time, and in
//! brackets processor time of the garbler's thread.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::builtins::Builtin;
use sotto_jobs::edge::run::{Setup, Stage, take_part};
use sotto_jobs::edge::tls;
use sotto_jobs::job::{Attestation, Draft, Input, Limits, MAX_AND_GATES, Meeting, Output, Party, Suite};
use sotto_jobs::multiparty::{Delegated, Functionality, Parameters};
use sotto_jobs::program::Computation;
use sotto_jobs::storage::Memory;
use sotto_jobs::text::{Line, Name, Prose};
use sotto_jobs::verify_program::{leaks, schema};
use sotto_jobs::{Agreement, Approval, Digest, Job, PartyId};
use sotto_mpc::Bits;
use sotto_mpc::garble::Scheme;
use sotto_mpc::inputs::Holder;
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, Terms};
use sotto_party::Identity;

const NAMES: [&str; 5] = ["north", "south", "one", "two", "three"];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn identity(party: usize) -> Identity {
    Identity::random(&mut rng(100 + party as u64))
}

/// Time that this thread was on a processor (Linux).
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn program(rows: usize) -> Computation {
    let value = Parameters::default().with("max", 65_535i128);
    let parameters = Parameters::default()
        .with("rows", vec![rows as i128; 3])
        .with("groups", vec!["a", "b", "c", "d", "e", "f", "g", "h"])
        .with("value", value)
        .with("minimum", 10i128);
    Computation::Builtin(Builtin::new("sum_by_group@1", &parameters).unwrap())
}

fn bits(n: usize, seed: u64) -> Bits {
    let rng = &mut rng(seed);
    (0..n).map(|_| rng.next_u32() & 1 == 1).collect()
}

/// Wall and processor seconds of the session alone.
fn bare(program: &Computation, scheme: Scheme) -> [f64; 2] {
    let parties = Delegated::new(program, vec![Holder::Shared; 3]).unwrap();
    let shape = sotto_mpc::Program::shape(&parties);
    let (x, y) = (bits(shape.garbler_bits(), 1), bits(shape.evaluator_bits(), 2));
    let [a, b] = [0, 1].map(|i| tls::identity(&identity(i)));
    let mut listener = tls::Listener::bind("127.0.0.1:0", &a, [b.peer_key()]).unwrap();
    let address = listener.address().unwrap().to_string();
    let terms = Terms::new(Reveal::ResultParty);
    thread::scope(|scope| {
        let far = scope.spawn(|| tls::connect(&address, &b, a.peer_key(), tls::Timeouts::default()).unwrap());
        let near = listener.accept(tls::Timeouts::default()).unwrap();
        let far = far.join().unwrap();
        let evaluating = scope.spawn(|| {
            let session = Evaluator::new(far, &parties, terms).proposing(scheme);
            let session = session.hello(&mut rng(3)).unwrap();
            let (_, half) = session.set_up(&mut rng(4)).unwrap().execute_for_result_party(&y).unwrap();
            half
        });
        let (wall, processor) = (Instant::now(), processor_seconds());
        let session = Garbler::new(near, &parties, terms).proposing(scheme);
        let session = session.hello(&mut rng(5)).unwrap();
        let (_, half) =
            session.set_up(&mut rng(6)).unwrap().execute_for_result_party(&x, &mut rng(7)).unwrap();
        let half = half.combine(&evaluating.join().unwrap()).unwrap();
        assert_eq!(half.len(), shape.outputs);
        [wall.elapsed().as_secs_f64(), processor_seconds() - processor]
    })
}

/// The job of five parties at free ports, signed by all.
fn agreement(program: &Computation, rows: usize) -> Agreement {
    let line = |text: &str| Line::new(text).unwrap();
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let party = |(i, name): (usize, &&str)| {
        let address = ports.get(i).map(|port| port.local_addr().unwrap().to_string());
        let meeting = address.map(|address| Meeting::Address(line(&address)));
        Party { name: Name::new(name).unwrap(), key: identity(i).public(), meeting }
    };
    let owners = 2..5;
    let draft = Draft {
        name: line("rates"),
        purpose: Prose::new("to measure").unwrap(),
        nonce: Digest([1; 32]),
        parties: NAMES.iter().enumerate().map(party).collect(),
        garbler: PartyId(0),
        evaluator: PartyId(1),
        program: program.pin(Vec::new(), MAX_AND_GATES).unwrap(),
        inputs: owners
            .map(|i| Input { party: PartyId(i), tables: schema(program, usize::from(i) - 2).unwrap() })
            .collect(),
        outputs: ["inputs_hold", "groups"]
            .map(|name| Output { name: line(name), result_parties: vec![PartyId(2)] })
            .to_vec(),
        leaks: leaks(program).unwrap(),
        suite: Suite::SemiHonest(Expansion::None),
        limits: Limits { rows: rows as u64, and_gates: MAX_AND_GATES, seconds: 3600 },
        deadline: 3600,
        expiry: u64::MAX,
        runs: 1,
        results: Vec::new(),
        attestation: Attestation::default(),
        further: Vec::new(),
        sale: None,
    };
    let job = Job::new(draft).unwrap();
    let consents: Vec<_> = (0..5).map(|i| Approval::sign(&job, &identity(i), &mut rng(9)).unwrap()).collect();
    Agreement::new(job, &consents, 0).unwrap()
}

/// Wall and processor seconds of the garbler from the attempt's beginning to both signatures, and wall
/// seconds of the whole run.
fn job(program: &Computation, rows: usize) -> ([f64; 2], f64) {
    let agreement = agreement(program, rows);
    let times = Mutex::new(Vec::new());
    let start = Instant::now();
    thread::scope(|scope| {
        for i in 0..5 {
            let (agreement, times) = (&agreement, &times);
            scope.spawn(move || {
                let input = (i > 1).then(|| bits(program.declaration().input_bits(i - 2), i as u64));
                let setup = Setup {
                    run: agreement.run(1).unwrap(),
                    program,
                    us: PartyId(i as u16),
                    identity: &identity(i),
                    input: input.as_ref(),
                    listen: None,
                    rendezvous_server: None,
                    debit: &|| Ok(()),
                    trade: None,
                    observe: &|stage| {
                        if i == 0 && matches!(stage, Stage::Attempt(_) | Stage::Signed) {
                            times.lock().unwrap().push((Instant::now(), processor_seconds()));
                        }
                    },
                    means: None,
                };
                take_part(&setup, &mut Memory::default(), &mut rng(50 + i as u64)).unwrap();
            });
        }
    });
    let whole = start.elapsed().as_secs_f64();
    let times = times.into_inner().unwrap();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return ([0.0; 2], whole) };
    ([last.0.duration_since(first.0).as_secs_f64(), last.1 - first.1], whole)
}

fn main() {
    let rows = std::env::args().nth(1).map_or(65_000, |rows| rows.parse().unwrap());
    let program = program(rows);
    let counted = Instant::now();
    let gates = program.gate_stream(MAX_AND_GATES).unwrap().1.and_gates;
    println!(
        "sum_by_group@1, three owners of {rows} rows: {gates} AND gates, counted and hashed in {:.1} s",
        counted.elapsed().as_secs_f64()
    );
    let rate = |seconds: f64| gates as f64 / seconds / 1e6;
    let show = |what: &str, [wall, processor]: [f64; 2]| {
        println!(
            "{what}: {wall:.2} s ({processor:.2} s), {:.1} M AND/s ({:.1})",
            rate(wall),
            rate(processor)
        );
    };
    for _ in 0..3 {
        for scheme in Scheme::ALL {
            show(&format!("session alone, {}", scheme.name()), bare(&program, scheme));
        }
        let (computing, whole) = job(&program, rows);
        show("as a job", computing);
        println!("whole job, five parties: {whole:.2} s");
    }
}
