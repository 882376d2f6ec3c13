//! The compiler's process: what it compiles, and what becomes of a child that is none, is silent, or talks too much.
#![allow(clippy::unwrap_used, clippy::panic)]

use sotto_mpc::Program;
use sotto_mpc::circuit::StreamedProgram;
use sotto_mpc::circuit::language::{Compile, CompileError, Compiled, NoCompiler, Options};
use sotto_mpc::edge::compiler::{Compiler, Limits, serve_if_child};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::time::Duration;

const SUM: &str = "pub fn main(x: u8, y: u8) -> u8 { x + y }";
const BOMB: &str = "fn m(x:bool)->u8{match x{true=>{1u8} %%";

/// The compiler's process runs this test alone.
#[test]
fn child() {
    serve_if_child();
}

/// As a child, writes for ever in place of an answer.
#[test]
fn flood() {
    if std::env::var_os("SOTTO_COMPILER_CHILD").is_some() {
        let mut socket = std::fs::File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
        while socket.write_all(&[0; 1 << 16]).is_ok() {}
    }
}

fn compile(compiler: &dyn Compile, source: &str) -> Result<Compiled, CompileError> {
    compiler.compile(source, &Options { gates: 10_000, ..Options::default() })
}

fn error(compiler: &dyn Compile, source: &str) -> CompileError {
    compile(compiler, source).unwrap_err()
}

#[test]
fn a_source_is_compiled_in_a_child() {
    let compiler = Compiler::this_test("child");
    let compiled = compile(&compiler, SUM).unwrap();
    assert_eq!((compiled.circuit().inputs(), compiled.circuit().and_gates()), (&[8, 8][..], 16));
    let names: Vec<_> = compiled.parameters().iter().map(|value| value.name.as_str()).collect();
    assert_eq!((names, compiled.result().name.as_str()), (vec!["x", "y"], "result"));
    assert!(matches!(error(&compiler, "pub fn main(x: u8) -> u8 { z }"), CompileError::Invalid { .. }));
    assert_eq!(error(&compiler, ""), CompileError::NoMain);
}

#[test]
fn a_compiled_source_is_a_program_of_two_parties() {
    let source = "pub fn main(x: [u8; 100], y: u8) -> u8 { let mut z = y; for n in x { z = z ^ n; } z }";
    let compiled = compile(&Compiler::this_test("child"), source).unwrap();
    let program = StreamedProgram::new(compiled.circuit(), 1).unwrap();
    let bits = |n: u8| (0..8).map(move |i| n >> i & 1 == 1);
    let rows: Vec<bool> = (0..100).flat_map(bits).collect();
    let output = program.compute(&rows, &bits(77).collect::<Vec<_>>());
    assert_eq!(output[1..], bits((0..100).fold(77, |all, n| all ^ n)).collect::<Vec<_>>());
}

#[test]
fn a_bomb_is_an_error_and_the_next_source_compiles() {
    let compiler =
        Compiler::this_test("child").with_limits(Limits { memory: 200 << 20, ..Limits::default() });
    assert_eq!(error(&compiler, BOMB), CompileError::TooMuchMemory(200));
    assert!(compile(&compiler, SUM).is_ok());
    // A comment that never ends keeps the scanner busy for ever.
    let compiler = compiler.with_limits(Limits { seconds: 1, ..Limits::default() });
    assert_eq!(error(&compiler, "/**"), CompileError::TooMuchTime(1));
}

#[test]
fn a_child_that_does_not_answer_is_an_error() {
    let missing = error(&Compiler::at("/no/such/program"), SUM);
    assert_eq!(missing, CompileError::Unavailable(ErrorKind::NotFound));
    // It ends without an answer; it runs no test, so it answers nothing; it never ends talking.
    for other in
        [Compiler::at("/bin/true"), Compiler::this_test("no_such_test"), Compiler::this_test("flood")]
    {
        assert_eq!(error(&other, SUM), CompileError::InvalidAnswer);
    }
}

/// As a child, says nothing.
#[test]
fn silence() {
    if std::env::var_os("SOTTO_COMPILER_CHILD").is_some() {
        std::thread::sleep(Duration::from_secs(600));
    }
}

#[test]
fn a_silent_child_is_ended_at_the_deadline() {
    let limits = Limits { wall: Duration::from_secs(1), ..Limits::default() };
    let silent = Compiler::this_test("silence").with_limits(limits);
    assert_eq!(error(&silent, SUM), CompileError::TooMuchTime(1));
}

#[test]
fn without_a_compiler_every_source_is_refused() {
    assert_eq!(error(&NoCompiler, SUM), CompileError::NoCompiler);
    assert!(CompileError::NoCompiler.to_string().contains("no compiler"));
}

/// The longest chains of operators fit on the stack.
#[test]
fn the_deepest_sources_compile() {
    let compiler = Compiler::this_test("child");
    let main = |body: String| format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}");
    for body in [
        format!("x{}", " ^ y".repeat(11_990)),
        format!("x{}", " as u8".repeat(9_000)),
        format!("{}x{}", "(".repeat(62), ")".repeat(62)),
        format!("{}x{}", "{".repeat(62), "}".repeat(62)),
        format!("{}x", "!".repeat(64)),
        format!("{}{{ x }}", "if x==y {y} else ".repeat(2_500)),
    ] {
        let short: String = body.chars().take(20).collect();
        if let Err(error) = compiler.compile(&main(body), &Options::default()) {
            panic!("{short}…: {error}");
        }
    }
}
