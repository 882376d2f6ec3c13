//! Hostile programs end in a circuit or in one error, within the limits of the compiler's process.
//!
//! The limits are tighter than usual, so that two hundred programs take less than a minute. The test has a program of
//! its own, because the peak of memory is that of all its children.
#![allow(clippy::unwrap_used, clippy::panic)]

use nix::sys::resource::{UsageWho, getrusage};
use sotto_fuzz::seeds::hostile;
use sotto_mpc::circuit::language::{Compile, CompileError, Options};
use sotto_mpc::edge::compiler::{Compiler, Limits, serve_if_child};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

const LIMITS: Limits = Limits { memory: 320 << 20, seconds: 1, wall: Duration::from_secs(60) };

/// The compiler's process runs this test alone.
#[test]
fn compiler() {
    serve_if_child();
}

fn compile(bytes: &[u8]) -> Option<Result<(), CompileError>> {
    let source = str::from_utf8(bytes).ok()?;
    let compiler = Compiler::this_test("compiler").with_limits(LIMITS);
    Some(compiler.compile(source, &Options::default()).map(drop))
}

#[test]
fn every_hostile_program_is_one_error_or_a_circuit() {
    let programs = hostile::programs();
    assert!(programs.len() >= 200, "{} programs", programs.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut ended = [0; 5];
        while let Some((name, bytes)) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let kind = match compile(bytes) {
                None => 0,
                Some(Ok(())) => 1,
                Some(Err(CompileError::TooMuchTime(_))) => 2,
                Some(Err(CompileError::TooMuchMemory(_))) => 3,
                Some(Err(error)) => {
                    let strange = matches!(
                        error,
                        CompileError::InvalidAnswer
                            | CompileError::Unavailable(_)
                            | CompileError::OtherVersion
                    );
                    let text = error.to_string();
                    assert!(!strange && !text.is_empty() && text.len() < 5_000, "{name}: {text}");
                    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{name}: {text:?}");
                    4
                }
            };
            ended[kind] += 1;
        }
        ended
    };
    let ended = thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.map(|thread| thread.join().unwrap())
    });
    let sum = |kind: usize| ended[0][kind] + ended[1][kind];
    // The corpus has all kinds: no text, circuits, endless ones, greedy ones, and plain errors.
    assert!((0..5).all(|kind| sum(kind) > 0), "{ended:?}");
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as u64 * 1024;
    assert!(peak <= LIMITS.memory, "a compiler's process took {peak} bytes");
}

#[test]
fn a_parser_that_loops_is_out_of_memory_or_time() {
    let error = compile(b"fn m(x:bool)->u8{match x{true=>{1u8} %%").unwrap().unwrap_err();
    assert!(matches!(error, CompileError::TooMuchTime(1) | CompileError::TooMuchMemory(320)), "{error}");
    let ranges = |c: usize| {
        format!(
            "({})",
            (0..20).map(|i| format!("{}u8..={}u8", 3 * c + i, 100 + 7 * c + i)).collect::<Vec<_>>().join(",")
        )
    };
    let types = ["u8"; 20].join(",");
    let source = format!(
        "pub fn main(t: ({types}), y: u8) -> u8 {{ match t {{ {} => 1u8, {} => 2u8, _ => y }} }}",
        ranges(0),
        ranges(1)
    );
    let error = compile(source.as_bytes()).unwrap().unwrap_err();
    assert!(matches!(error, CompileError::TooMuchTime(1) | CompileError::TooMuchMemory(320)), "{error}");
}
