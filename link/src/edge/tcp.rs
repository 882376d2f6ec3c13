//! A TCP connection on which nobody waits for ever.
//!
//! Each read and write ends after [`Patience::idle`] at the latest, and all of them at a moment that the owner sets:
//! the end of the handshake first, of the session then. Connecting is tried again while nobody listens,
//! so either side may start first.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::pinned::{LinkError, Patience};

/// How often a missing listener is tried.
const AGAIN: Duration = Duration::from_millis(20);

/// A stream with an end in time.
pub(crate) trait Timed: Read + Write + Send {
    /// No call blocks beyond this moment.
    fn end_at(&mut self, end: Instant);
}

/// A TCP connection with deadlines.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    idle: Duration,
    end: Instant,
}

impl Tcp {
    /// Takes a connection over, which has to show progress until `end`.
    pub(crate) fn new(stream: TcpStream, patience: Patience, end: Instant) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, idle: patience.idle, end })
    }

    /// Connects to `address`, a host and port.
    pub(crate) fn connect(address: &str, patience: Patience) -> Result<Self, LinkError> {
        let end = after(patience.connect);
        loop {
            let left = remaining(end).unwrap_or_default();
            let kind = match resolve(address).and_then(|all| first(&all, left)) {
                Ok(stream) => return Ok(Self::new(stream, patience, end)?),
                Err(e) => e.kind(),
            };
            let absent = matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset);
            if !absent || left <= AGAIN {
                return Err(LinkError::Unreachable { address: address.to_owned(), kind });
            }
            thread::sleep(AGAIN);
        }
    }

    /// How long the next call may block.
    fn time(&self) -> io::Result<Option<Duration>> {
        Ok(Some(remaining(self.end)?.min(self.idle).max(Duration::from_millis(1))))
    }
}

/// The moment `duration` from now; far away if there is no such moment.
pub(crate) fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(1 << 30))
}

fn remaining(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    // What the system says of a name that it does not find has no kind of its own.
    let all: Vec<_> = address.to_socket_addrs().map_err(|_| ErrorKind::NotFound)?.collect();
    if all.is_empty() { Err(ErrorKind::NotFound.into()) } else { Ok(all) }
}

/// The first of these addresses that answers.
fn first(all: &[SocketAddr], time: Duration) -> io::Result<TcpStream> {
    let each = time / all.len().max(1) as u32;
    let tried = all.iter().map(|a| TcpStream::connect_timeout(a, each.max(Duration::from_millis(1))));
    tried.reduce(Result::or).unwrap_or_else(|| Err(ErrorKind::NotFound.into()))
}

/// An expired socket timeout is `WouldBlock` on some systems and `TimedOut` on others.
fn timed_out(e: io::Error) -> io::Error {
    if e.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { e }
}

impl Read for Tcp {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.time()?)?;
        self.stream.read(into).map_err(timed_out)
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.time()?)?;
        self.stream.write(bytes).map_err(timed_out)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.time()?)?;
        self.stream.write_vectored(slices).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Timed for Tcp {
    fn end_at(&mut self, end: Instant) {
        self.end = end;
    }
}
