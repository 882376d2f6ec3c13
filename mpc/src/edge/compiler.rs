//! Sources are compiled in a child process, whose memory and time the operating system bounds.
//!
//! ```text
//! this process                                        child: the same program, or one that the caller names
//!   measures the source (no recursion, one pass)
//!   starts the child ── request, over a socket ──►    sets its own limits: memory, processor time, no files, no core
//!                                                     only then parses, checks and lowers the source
//!   reads at most so many bytes, until a deadline ◄── answer: a circuit or an error
//!   ends the child, and decodes the answer as untrusted
//! ```
//!
//! A program that compiles sources calls [`Compiler::this_program`] as the first line of its `main`. In the
//! child, which is the same program with a mark in its environment, that call never returns: it answers and
//! exits. Because a [`Compiler`] is needed to compile, and only such a call gives one, no program can start
//! itself as a child without being ready to serve as one.
//!
//! ```
//! use sotto_mpc::circuit::language::{Compile, CompileError, Options};
//! use sotto_mpc::edge::compiler::Compiler;
//!
//! fn main() {
//!     let compiler = Compiler::this_program();
//!     let compile = |source: &str| compiler.compile(source, &Options::default());
//!     assert_eq!(compile("pub fn main(x: u8, y: u8) -> u8 { x + y }").unwrap().circuit().and_gates(), 16);
//!
//!     // The parser loops for ever on this one, and takes a gigabyte a second.
//!     let error = compile("fn m(x:bool)->u8{match x{true=>{1u8} %%").unwrap_err();
//!     assert!(matches!(error, CompileError::TooMuchMemory(_) | CompileError::TooMuchTime(_)));
//! }
//! ```
//!
//! Guaranteed: a source costs the calling process an error, never its memory, its stack or more time than
//! [`Limits::wall`]; a child is always ended and reaped. Not guaranteed: the same verdict everywhere for
//! sources that need about as much time or memory as the limits allow. Only Linux enforces the limits;
//! elsewhere every source is refused. `docs/adr/` has the reasons.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::circuit::language::{self, Compile, CompileError, Compiled, Options};

mod limits;
#[cfg(target_os = "linux")]
mod process;

pub use limits::Limits;

/// Compiles sources in child processes, one for each.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: Limits,
}

impl Compiler {
    /// The running program is its own child. Call this as the first line of `main`: what stands before it
    /// would run in every child, too. In a child it answers and exits the process.
    #[must_use]
    pub fn this_program() -> Self {
        serve_if_child();
        Self::at("/proc/self/exe")
    }

    /// Another program is the child, such as one that is installed beside a library for Python. Its `main` is
    /// [`serve_if_child`].
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), limits: Limits::default() }
    }

    /// For test programs, whose `main` is the test harness: the child runs the test `name` alone, which must
    /// consist of [`serve_if_child`].
    #[must_use]
    pub fn this_test(name: &str) -> Self {
        let arguments = [name, "--exact", "--include-ignored", "--test-threads=1"];
        Self { arguments: arguments.map(OsString::from).to_vec(), ..Self::at("/proc/self/exe") }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

/// If this process was started as a compiler's child: answers, and exits. Otherwise does nothing.
pub fn serve_if_child() {
    #[cfg(target_os = "linux")]
    process::serve_if_child();
}

impl Compile for Compiler {
    fn compile(&self, source: &str, options: &Options) -> Result<Compiled, CompileError> {
        language::measure(source)?;
        let answer = self.ask(&language::request(source, options), language::most_bytes(options))?;
        Compiled::from_answer(&answer, source, options)
    }
}

impl Compiler {
    /// The answer of a child to a request, of at most `most` bytes.
    #[cfg(target_os = "linux")]
    fn ask(&self, request: &[u8], most: u64) -> Result<Vec<u8>, CompileError> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments);
        process::ask(command, self.limits, request, most)
    }

    #[cfg(not(target_os = "linux"))]
    fn ask(&self, _: &[u8], _: u64) -> Result<Vec<u8>, CompileError> {
        Err(CompileError::Unavailable(std::io::ErrorKind::Unsupported))
    }
}
