//! A TCP connection with deadlines.
//!
//! Guaranteed: each read and write ends within [`Timeouts::idle`], and all of them before a deadline that the
//! owner sets: first the end of the handshake, then the end of the session. [`Tcp::connect`] tries again
//! while nothing listens at the address, so either side may start first.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::{self, ChannelConfig, Pinned, Timed};
use crate::error::LinkError;
use crate::timeouts::Timeouts;

/// How often to try again while nothing listens.
const RETRY: Duration = Duration::from_millis(20);

/// A TCP connection with deadlines.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    idle: Duration,
    deadline: Instant,
}

impl Tcp {
    /// Takes over a connection, whose calls may block until `deadline`.
    pub(crate) fn new(stream: TcpStream, timeouts: Timeouts, deadline: Instant) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, idle: timeouts.idle, deadline })
    }

    /// Connects to `address`, a host and port.
    fn connect(address: &str, timeouts: Timeouts) -> Result<Self, LinkError> {
        let deadline = after(timeouts.connect);
        loop {
            let left = remaining(deadline).unwrap_or_default();
            let kind = match resolve(address).and_then(|all| first(&all, left)) {
                Ok(stream) => return Ok(Self::new(stream, timeouts, deadline)?),
                Err(e) => e.kind(),
            };
            let absent = matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset);
            if !absent || left <= RETRY {
                return Err(LinkError::Unreachable { address: address.to_owned(), kind });
            }
            thread::sleep(RETRY);
        }
    }

    /// How long the next call may block.
    fn time(&self) -> io::Result<Option<Duration>> {
        Ok(Some(remaining(self.deadline)?.min(self.idle).max(Duration::from_millis(1))))
    }
}

/// Connects to `address` (host and port), where the peer of `config` must answer.
///
/// While nothing listens there, it tries again until [`Timeouts::connect`] expires.
///
/// # Errors
/// [`LinkError`] if the address is unreachable, the peer has another key, does not accept ours, speaks
/// another protocol or purpose, or is too slow.
pub fn connect(address: &str, config: &ChannelConfig<'_>) -> Result<Pinned, LinkError> {
    channel::client(Box::new(Tcp::connect(address, config.timeouts)?), config)
}

/// The time `duration` from now, or a distant one if there is no such time.
pub(crate) fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(1 << 30))
}

fn remaining(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    // The system's error for an unknown name has no kind of its own.
    let all: Vec<_> = address.to_socket_addrs().map_err(|_| ErrorKind::NotFound)?.collect();
    if all.is_empty() { Err(ErrorKind::NotFound.into()) } else { Ok(all) }
}

/// A connection to the first of these addresses that answers.
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
    fn end_at(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    fn end_in(&mut self, duration: Duration) {
        self.deadline = after(duration);
    }
}
