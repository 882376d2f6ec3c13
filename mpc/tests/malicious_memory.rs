//! The memory of a malicious session does not grow with the program.
//!
//! Both parties are in this process, so it holds twice what a party needs. The peak of resident memory only
//! rises, so each test compares its end with the one before, and all are in one function.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::Bits;
use sotto_mpc::calibrate::Layers;
use sotto_mpc::channel::memory_pair;
use sotto_mpc::protocol::malicious::{ChunkSize, Evaluator, Garbler, Reveal, Settings, Terms};

/// The peak of this process's resident memory, in megabytes; `None` where the system does not tell.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Runs a session of this many pairs of slices of 1024 gates.
fn session(pairs: usize, chunk: ChunkSize) {
    let program = &Layers { lanes: 1024, pairs };
    let (terms, settings) = (Terms::new(Reveal::Both), Settings::default().with_chunk(chunk));
    let input = &Bits::from(&[true; 1024][..]);
    let (near, far) = memory_pair();
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, program, terms, settings).hello(rng).unwrap();
            session.set_up(rng).unwrap().execute(input, rng).unwrap();
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = Evaluator::new(far, program, terms, settings).hello(rng).unwrap();
        session.set_up(rng).unwrap().execute(input, rng).unwrap();
    });
    let rate = program.gates() as f64 / start.elapsed().as_secs_f64();
    println!("{} AND gates in {chunk:?}: {rate:.0} a second, peak {:?} MB", program.gates(), peak());
}

#[test]
fn memory_does_not_grow_with_the_number_of_chunks() {
    // How far one party is ahead, and what an allocator keeps, differ by some megabytes: a tenth of one a chunk is allowed.
    session(64, ChunkSize::SMALL);
    let Some(few) = peak() else { return };
    session(512, ChunkSize::SMALL);
    let many = peak().unwrap();
    assert!(many < 2.0 * 64.0, "{many} MB");
    assert!(many - few < 5.6, "{few} MB for eight chunks, {many} MB for sixty-four");
}

/// `cargo test -p sotto-mpc --release --test malicious_memory -- --ignored --nocapture`
#[test]
#[ignore = "minutes"]
fn a_hundred_million_gates_fit_into_the_memory_of_a_chunk() {
    session(48_829, ChunkSize::SMALL);
    assert!(peak().is_none_or(|peak| peak < 2.0 * 64.0));
    session(48_829, ChunkSize::LARGE);
    assert!(peak().is_none_or(|peak| peak < 2.0 * 300.0));
}
