//! A channel over plain TCP, for two parties on one machine.
//!
//! A silent peer does not block for ever: waiting longer than [`Timeouts::idle`] is an error, and so is a
//! session that takes longer than [`Timeouts::total`]. Either side may start first: connecting is retried
//! until the idle time has passed.
//!
//! ```
//! use sotto_mpc::edge::tcp::{Exposure, Listener, Timeouts, connect};
//! use sotto_mpc::{Channel, Phase};
//!
//! let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback)?;
//! let address = listener.address()?;
//! let client = std::thread::spawn(move || connect(address, Exposure::Loopback, Timeouts::default()));
//! let mut here = listener.accept(Timeouts::default())?;
//! let mut there = client.join().unwrap()?;
//! there.send(Phase::Hello, b"hi").and_then(|()| there.flush()).unwrap();
//! let mut bytes = [0; 2];
//! here.receive(Phase::Hello, &mut bytes).unwrap();
//! assert_eq!(&bytes, b"hi");
//! # Ok::<(), sotto_mpc::edge::tcp::TcpError>(())
//! ```
//!
//! Not guaranteed: **encryption and authentication**. Addresses other than loopback are refused unless the
//! caller chooses [`Exposure::InsecurePlaintext`].

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::Framed;

/// How long to wait for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The longest time to wait for one message, or for the peer to connect.
    pub idle: Duration,
    /// The longest time that a whole session may take.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 30 seconds for a message, an hour for a session.
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), total: Duration::from_secs(3600) }
    }
}

/// Which addresses are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// Only addresses of this machine.
    #[default]
    Loopback,
    /// All addresses. Anyone on the network path can read and alter the messages.
    InsecurePlaintext,
}

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// The address is not a loopback address, and insecure plaintext is not allowed.
    #[error(
        "{0} is not a loopback address, and this channel is not encrypted: allow insecure plaintext to use it anyway"
    )]
    NotLoopback(SocketAddr),
    /// The name has no address.
    #[error("the name has no address: expected HOST:PORT")]
    NoAddress,
    /// The peer did not connect in time.
    #[error("no peer connected within {0:?}")]
    NoPeer(Duration),
    /// The operating system reported an error.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// A TCP connection to the peer, with timeouts.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    deadline: Instant,
}

impl Peer {
    fn new(stream: TcpStream, timeouts: Timeouts) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let idle = Some(timeouts.idle.max(Duration::from_millis(1)));
        stream.set_read_timeout(idle)?;
        stream.set_write_timeout(idle)?;
        let now = Instant::now();
        Ok(Self { stream, deadline: now.checked_add(timeouts.total).unwrap_or(now) })
    }

    fn check_deadline(&self) -> io::Result<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }
}

impl Read for Peer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.check_deadline()?;
        self.stream.read(into)
    }

    fn read_vectored(&mut self, into: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.check_deadline()?;
        self.stream.read_vectored(into)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_deadline()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Waits for one peer at an address.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens at an address; port 0 picks a free port.
    ///
    /// # Errors
    /// If the exposure does not allow the address, or it is in use.
    pub fn bind(address: impl ToSocketAddrs, exposure: Exposure) -> Result<Self, TcpError> {
        let addresses = allowed(address, exposure)?;
        let listener = TcpListener::bind(&addresses[..])?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// The local address.
    ///
    /// # Errors
    /// If the operating system reports an error.
    pub fn address(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.0.local_addr()?)
    }

    /// Accepts the first peer that connects, and then stops listening.
    ///
    /// # Errors
    /// If no peer connects within the idle time.
    pub fn accept(self, timeouts: Timeouts) -> Result<Framed<Peer>, TcpError> {
        let (stream, _) = within(timeouts.idle, || self.0.accept(), ErrorKind::WouldBlock)?;
        Ok(Framed::new(Peer::new(stream, timeouts)?))
    }
}

/// Connects to a listening peer.
///
/// # Errors
/// If the exposure does not allow the address, or no peer accepts within the idle time.
pub fn connect(
    address: impl ToSocketAddrs,
    exposure: Exposure,
    timeouts: Timeouts,
) -> Result<Framed<Peer>, TcpError> {
    let addresses = allowed(address, exposure)?;
    let [first, ..] = addresses[..] else { return Err(TcpError::NoAddress) };
    let attempt = || {
        let connected = addresses.iter().map(|address| TcpStream::connect_timeout(address, timeouts.idle));
        connected.reduce(Result::or).unwrap_or_else(|| TcpStream::connect(first))
    };
    let stream = within(timeouts.idle, attempt, ErrorKind::ConnectionRefused)?;
    Ok(Framed::new(Peer::new(stream, timeouts)?))
}

/// Resolves a name; the exposure must allow all its addresses.
fn allowed(address: impl ToSocketAddrs, exposure: Exposure) -> Result<Vec<SocketAddr>, TcpError> {
    let addresses: Vec<_> = address.to_socket_addrs()?.collect();
    let foreign = addresses.iter().find(|address| !address.ip().is_loopback());
    match foreign {
        Some(address) if exposure == Exposure::Loopback => Err(TcpError::NotLoopback(*address)),
        _ if addresses.is_empty() => Err(TcpError::NoAddress),
        _ => Ok(addresses),
    }
}

/// Retries while the error is `again`, until the time has passed.
fn within<T>(
    time: Duration,
    mut attempt: impl FnMut() -> io::Result<T>,
    again: ErrorKind,
) -> Result<T, TcpError> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(e) if e.kind() != again => return Err(e.into()),
            Err(_) if start.elapsed() >= time => return Err(TcpError::NoPeer(time)),
            Err(_) => thread::sleep(Duration::from_millis(5)),
            Ok(value) => return Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Channel, ChannelError, Phase};

    const SHORT: Timeouts = Timeouts { idle: Duration::from_millis(200), total: Duration::from_secs(5) };

    fn pair(timeouts: Timeouts) -> (Framed<Peer>, Framed<Peer>) {
        let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
        let address = listener.address().unwrap();
        let far = thread::spawn(move || connect(address, Exposure::Loopback, SHORT).unwrap());
        (listener.accept(timeouts).unwrap(), far.join().unwrap())
    }

    #[test]
    fn carries_messages() {
        let (mut a, mut b) = pair(SHORT);
        a.send(Phase::Inputs, b"over the wire").unwrap();
        a.flush().unwrap();
        let mut received = [0; 13];
        b.receive(Phase::Inputs, &mut received).unwrap();
        assert_eq!(&received, b"over the wire");
    }

    #[test]
    fn a_silent_peer_and_a_long_session_are_errors_in_time() {
        let (mut a, _b) = pair(SHORT);
        let start = Instant::now();
        let phase = Phase::Tables;
        assert_eq!(a.receive(phase, &mut [0]), Err(ChannelError::TimedOut { phase }));
        assert!(start.elapsed() < Duration::from_secs(2));

        let (mut a, mut b) = pair(Timeouts { total: Duration::from_millis(20), ..SHORT });
        b.send(phase, &[1]).unwrap();
        b.flush().unwrap();
        thread::sleep(Duration::from_millis(30));
        assert_eq!(a.receive(phase, &mut [0]), Err(ChannelError::TimedOut { phase }));
    }

    #[test]
    fn a_peer_that_hangs_up_is_an_error() {
        let (mut a, b) = pair(SHORT);
        drop(b);
        let phase = Phase::BaseOt;
        assert_eq!(a.receive(phase, &mut [0]), Err(ChannelError::Closed { phase }));
    }

    #[test]
    fn a_missing_peer_is_an_error() {
        let free = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap().address().unwrap();
        assert!(matches!(connect(free, Exposure::Loopback, SHORT), Err(TcpError::NoPeer(_))));
        let alone = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
        assert!(matches!(alone.accept(SHORT), Err(TcpError::NoPeer(_))));
    }

    #[test]
    fn plaintext_does_not_leave_the_machine_unless_allowed() {
        let refused = Listener::bind("0.0.0.0:0", Exposure::Loopback);
        assert!(matches!(refused, Err(TcpError::NotLoopback(_))));
        assert!(Listener::bind("0.0.0.0:0", Exposure::InsecurePlaintext).is_ok());
        let refused = connect("192.0.2.1:9", Exposure::Loopback, SHORT);
        assert!(matches!(refused, Err(TcpError::NotLoopback(_))));
    }
}
