//! Both ends of the child process.
//!
//! Standard input of the child is one end of a socket pair: the request comes in on it, and the answer goes
//! out, so that nothing that a program or a test harness prints gets into the answer. Standard output and
//! error are closed.
//!
//! The first bytes are the limits (memory u64, seconds u32). The child reads the whole request, which has a
//! bounded size, sets the limits, and only then looks at the source.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::limits::Limits;
use crate::circuit::language::{self, CompileError};
use crate::edge::process_limits::bound;

/// The environment variable that marks a child.
const MARK: &str = "SOTTO_COMPILER_CHILD";

/// The bytes of the limits, before a request.
const HEAD: usize = 12;

/// A child that is ended and reaped when it goes out of scope.
struct Reaped(Child);

impl Reaped {
    /// Ends the child if it still runs; the signal that ended it.
    fn end(&mut self) -> Option<i32> {
        // A process that has begun to die of a signal keeps that signal.
        let _ = self.0.kill();
        self.0.wait().ok().and_then(|status| status.signal())
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the child, sends it the request, and returns its answer of at most `most` bytes.
pub(super) fn ask(
    command: Command,
    limits: Limits,
    request: &[u8],
    most: u64,
) -> Result<Vec<u8>, CompileError> {
    let Limits { memory, seconds, wall } = limits;
    let deadline = Instant::now() + wall;
    let (mut child, mut stream) = start(command).map_err(|e| CompileError::Unavailable(e.kind()))?;
    let request = [&memory.to_le_bytes()[..], &seconds.to_le_bytes(), request].concat();
    let answer = write_until(&mut stream, &request, deadline)
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| read_until(&mut stream, most, deadline));
    let signal = child.end();
    match answer {
        Ok(answer) if !answer.is_empty() => Ok(answer),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(CompileError::TooMuchTime(wall.as_secs()))
        }
        Err(e) if e.kind() == ErrorKind::FileTooLarge => Err(CompileError::InvalidAnswer),
        _ => Err(died_of(signal, limits)),
    }
}

fn start(mut command: Command) -> io::Result<(Reaped, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    // One arena, because each reserves address space; no backtrace, because it takes memory when there is
    // none left.
    command.env(MARK, "1").env("MALLOC_ARENA_MAX", "1").env("RUST_BACKTRACE", "0");
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    // `command` holds the child's end of the socket until it is dropped here.
    Ok((Reaped(command.spawn()?), ours))
}

/// The time that is left, for a socket's timeout, which must not be zero.
fn left(deadline: Instant) -> io::Result<Option<Duration>> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

fn write_until(stream: &mut UnixStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(left(deadline)?)?;
        match stream.write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn read_until(stream: &mut UnixStream, most: u64, deadline: Instant) -> io::Result<Vec<u8>> {
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        stream.set_read_timeout(left(deadline)?)?;
        let read = match stream.read(&mut buffer) {
            Ok(0) => return Ok(answer),
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if answer.len() as u64 > most {
            return Err(ErrorKind::FileTooLarge.into());
        }
    }
}

/// Why a child ended without an answer. Rust ends a process that finds no memory, on heap or stack, by
/// SIGABRT.
fn died_of(signal: Option<i32>, limits: Limits) -> CompileError {
    let is = |expected: Signal| signal == Some(expected.as_raw());
    if is(Signal::XCPU) {
        CompileError::TooMuchTime(limits.seconds.into())
    } else if is(Signal::ABORT) {
        CompileError::TooMuchMemory(limits.memory >> 20)
    } else if signal.is_some() {
        CompileError::Crashed
    } else {
        CompileError::InvalidAnswer
    }
}

pub(super) fn serve_if_child() {
    if std::env::var_os(MARK).is_some() {
        let served = serve();
        std::process::exit(i32::from(served.is_err()));
    }
}

/// Reads a request, bounds this process, and answers.
fn serve() -> io::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut request = Vec::new();
    (&mut stream).take(language::MAX_REQUEST + HEAD as u64).read_to_end(&mut request)?;
    let (head, request) = request.split_first_chunk::<HEAD>().ok_or(ErrorKind::UnexpectedEof)?;
    let (memory, seconds) = head.split_first_chunk::<8>().ok_or(ErrorKind::UnexpectedEof)?;
    let seconds = seconds.try_into().map_err(|_| ErrorKind::UnexpectedEof)?;
    bound(u64::from_le_bytes(*memory), u32::from_le_bytes(seconds).into())?;
    stream.write_all(&language::answer(request))
}
