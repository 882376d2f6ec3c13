//! Measures sources over large tables: `cargo run --release -p sotto-benches --example tables [CASE]`.
//!
//! Each party is a process of its own, over TCP on loopback, semi-honest. Seconds are those of the session, from
//! the connection to the output; memory is the peak of the party's process. The cases are `sum` (two columns of
//! 1,000,000 u32), `sort` (65,536 u32) and `join` (two tables of 50,000 rows of a key and a value, both u32).

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rand_core::OsRng;
use sotto_mpc::circuit::StreamedProgram;
use sotto_mpc::circuit::language::{Compile, Options};
use sotto_mpc::edge::compiler::Compiler;
use sotto_mpc::edge::tcp::{Exposure, Listener, Timeouts, connect};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, Reveal, Terms};
use sotto_mpc::{Bits, Program};

/// A source, and what both parties enter and must get.
struct Case {
    source: String,
    garbler: Bits,
    evaluator: Bits,
    /// Whether it panicked, and the result.
    output: Bits,
}

fn bits(numbers: impl IntoIterator<Item = (u64, usize)>) -> Bits {
    let mut bits = Bits::with_capacity(0);
    for (number, width) in numbers {
        (0..width).for_each(|i| bits.push(number >> i & 1 == 1));
    }
    bits
}

/// Numbers without order.
fn scattered(i: u64) -> u64 {
    (i * 2_654_435_761 + 12_345) % (1 << 32)
}

fn sum(rows: u64) -> Case {
    let source = format!(
        "pub fn main(a: [u32; {rows}], b: [u32; {rows}]) -> u64 {{
            let mut sum = 0u64;
            for i in 0usize..{rows}usize {{ if a[i] > b[i] {{ sum = sum + (a[i] as u64); }} }}
            sum
        }}"
    );
    let (a, b) = (scattered, |i| scattered(i + rows));
    let total = (0..rows).filter(|i| a(*i) > b(*i)).map(a).sum();
    Case {
        source,
        garbler: bits((0..rows).map(|i| (a(i), 32))),
        evaluator: bits((0..rows).map(|i| (b(i), 32))),
        output: bits([(0, 1), (total, 64)]),
    }
}

fn sort(rows: u64) -> Case {
    let source = format!(
        "fn in_order(rows: [u32; {rows}]) -> [u32; {rows}] {{
            let mut sorted = rows;
            for pass in 0usize..{rows}usize {{
                for i in 1usize..{rows}usize {{
                    if sorted[i - 1usize] > sorted[i] {{
                        let row = sorted[i];
                        sorted[i] = sorted[i - 1usize];
                        sorted[i - 1usize] = row;
                    }}
                }}
            }}
            sorted
        }}
        pub fn main(a: [u32; {rows}], place: usize) -> u32 {{ let s = in_order(a); s[place] }}"
    );
    let mut sorted: Vec<u64> = (0..rows).map(scattered).collect();
    sorted.sort_unstable();
    let place = rows / 3;
    Case {
        source,
        garbler: bits((0..rows).map(|i| (scattered(i), 32))),
        evaluator: bits([(place, 32)]),
        output: bits([(0, 1), (sorted[place as usize], 32)]),
    }
}

fn join(rows: u64) -> Case {
    let source = format!(
        "pub fn main(a: [(u32, u32); {rows}], b: [(u32, u32); {rows}]) -> (u32, u64) {{
            let mut count = 0u32;
            let mut sum = 0u64;
            for ((_, x), (_, y)) in join_iter(a, b) {{ count = count + 1u32; sum = sum + ((x ^ y) as u64); }}
            (count, sum)
        }}"
    );
    let row = |i: u64, step: u64| (step * i, scattered(i + step) >> 8);
    let table = |step: u64| bits((0..rows).flat_map(|i| [(row(i, step).0, 32), (row(i, step).1, 32)]));
    // Multiples of both 2 and 3.
    let pairs = (0..).map(|i| (3 * i, 2 * i)).take_while(|(a, b)| a.max(b) < &rows);
    let (count, total) = pairs.fold((0, 0), |(n, sum), (a, b)| (n + 1, sum + (row(a, 2).1 ^ row(b, 3).1)));
    Case { source, garbler: table(2), evaluator: table(3), output: bits([(0, 1), (count, 32), (total, 64)]) }
}

fn case(name: &str) -> Case {
    match name {
        "sum" => sum(1_000_000),
        "sort" => sort(65_536),
        "join" => join(50_000),
        other => panic!("unknown case {other}: sum, sort, join"),
    }
}

/// The peak of this process's resident memory, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// One party, which tells what it took on a line.
fn party(name: &str, role: &str, compiler: &Compiler) {
    let Case { source, garbler, evaluator, output } = case(name);
    let compiling = Instant::now();
    let compiled = compiler.compile(&source, &Options::default()).unwrap();
    let compiling = compiling.elapsed().as_secs_f64();
    let program = StreamedProgram::new(compiled.circuit(), 1).unwrap();
    let (terms, rng) = (Terms::new(Reveal::Both), &mut OsRng);
    let shape = program.shape();
    assert_eq!((shape.garbler_bits(), shape.evaluator_bits()), (garbler.len(), evaluator.len()));
    let (result, seconds) = if role == "garbler" {
        drop(evaluator);
        let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
        println!("{}", listener.address().unwrap());
        let channel = listener.accept(Timeouts::default()).unwrap();
        let start = Instant::now();
        let session = Garbler::new(channel, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        (session.execute(&garbler, rng).unwrap().1, start.elapsed().as_secs_f64())
    } else {
        drop(garbler);
        let channel = connect(role, Exposure::Loopback, Timeouts::default()).unwrap();
        let start = Instant::now();
        let session = Evaluator::new(channel, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        (session.execute(&evaluator).unwrap().1, start.elapsed().as_secs_f64())
    };
    assert!(result.unwrap().iter().copied().eq(output.iter()), "the right output");
    let gates = compiled.circuit().and_gates();
    println!(
        "{gates} AND gates, compiled in {compiling:.2} s, {seconds:.2} s, {:.1} M AND/s, peak {:.0} MB",
        gates as f64 / seconds / 1e6,
        peak()
    );
}

fn start(name: &str, role: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).args([name, role]).stdout(Stdio::piped()).spawn().unwrap()
}

fn main() {
    let compiler = Compiler::this_program();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [name, role] => party(name, role, &compiler),
        names => {
            let all = ["sum", "sort", "join"].map(String::from);
            for name in if names.is_empty() { &all[..] } else { names } {
                let mut garbler = start(name, "garbler");
                let mut told = BufReader::new(garbler.stdout.take().unwrap()).lines();
                let address = told.next().unwrap().unwrap();
                let evaluator = start(name, &address).wait_with_output().unwrap();
                println!("{name}, garbler:   {}", told.next().unwrap().unwrap());
                println!("{name}, evaluator: {}", String::from_utf8(evaluator.stdout).unwrap().trim());
                assert!(garbler.wait().unwrap().success());
            }
        }
    }
}
