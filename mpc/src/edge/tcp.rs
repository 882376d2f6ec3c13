//! A channel over TCP, in the clear, for two parties on one machine.
//!
//! Nobody hangs: a peer that is silent for longer than [`Patience::idle`] is an error, and so is a session that
//! is not over after [`Patience::total`]. Both sides of an address may start first: connecting is tried
//! again until the idle time has passed.
//!
//! **No encryption, no authentication.** Addresses that are not loopback are refused, unless the caller
//! says [`Exposure::InsecurePlaintext`].

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::Framed;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one message, or for the peer to appear.
    pub idle: Duration,
    /// For the whole session, from its beginning.
    pub total: Duration,
}

impl Default for Patience {
    /// Half a minute for a message, an hour for a session.
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), total: Duration::from_secs(3600) }
    }
}

/// Who could listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// This machine only.
    #[default]
    Loopback,
    /// Anybody on the way, who could also alter what is said.
    InsecurePlaintext,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// Plaintext would leave this machine.
    #[error(
        "{0} is not a loopback address, and this channel is not encrypted: allow insecure plaintext to use it anyway"
    )]
    NotLoopback(SocketAddr),
    /// The name stands for no address.
    #[error("the address stands for no host and port")]
    NoAddress,
    /// The peer did not appear in time.
    #[error("no peer within {0:?}")]
    NoPeer(Duration),
    /// The operating system refused.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// A connected peer.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    deadline: Instant,
}

impl Peer {
    fn new(stream: TcpStream, patience: Patience) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let idle = Some(patience.idle.max(Duration::from_millis(1)));
        stream.set_read_timeout(idle)?;
        stream.set_write_timeout(idle)?;
        let now = Instant::now();
        Ok(Self { stream, deadline: now.checked_add(patience.total).unwrap_or(now) })
    }

    fn in_time(&self) -> io::Result<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }
}

impl Read for Peer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.in_time()?;
        self.stream.read(into)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time()?;
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
    /// If the address is not loopback and that was not allowed, or it is taken.
    pub fn bind(address: impl ToSocketAddrs, exposure: Exposure) -> Result<Self, TcpError> {
        let addresses = allowed(address, exposure)?;
        let listener = TcpListener::bind(&addresses[..])?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn address(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.0.local_addr()?)
    }

    /// The first peer that connects; nobody after it.
    ///
    /// # Errors
    /// If none comes within the idle time.
    pub fn accept(self, patience: Patience) -> Result<Framed<Peer>, TcpError> {
        let (stream, _) = within(patience.idle, || self.0.accept(), ErrorKind::WouldBlock)?;
        Ok(Framed::new(Peer::new(stream, patience)?))
    }
}

/// Connects to a listening peer.
///
/// # Errors
/// If the address is not loopback and that was not allowed, or nobody listens there within the idle time.
pub fn connect(
    address: impl ToSocketAddrs,
    exposure: Exposure,
    patience: Patience,
) -> Result<Framed<Peer>, TcpError> {
    let addresses = allowed(address, exposure)?;
    let [first, ..] = addresses[..] else { return Err(TcpError::NoAddress) };
    let attempt = || {
        let connected = addresses.iter().map(|address| TcpStream::connect_timeout(address, patience.idle));
        connected.reduce(Result::or).unwrap_or_else(|| TcpStream::connect(first))
    };
    let stream = within(patience.idle, attempt, ErrorKind::ConnectionRefused)?;
    Ok(Framed::new(Peer::new(stream, patience)?))
}

/// The addresses of a name, all of which must be allowed.
fn allowed(address: impl ToSocketAddrs, exposure: Exposure) -> Result<Vec<SocketAddr>, TcpError> {
    let addresses: Vec<_> = address.to_socket_addrs()?.collect();
    let foreign = addresses.iter().find(|address| !address.ip().is_loopback());
    match foreign {
        Some(address) if exposure == Exposure::Loopback => Err(TcpError::NotLoopback(*address)),
        _ if addresses.is_empty() => Err(TcpError::NoAddress),
        _ => Ok(addresses),
    }
}

/// Tries again while the error is `again`, until the time has passed.
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

    const SHORT: Patience = Patience { idle: Duration::from_millis(200), total: Duration::from_secs(5) };

    fn pair(patience: Patience) -> (Framed<Peer>, Framed<Peer>) {
        let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
        let address = listener.address().unwrap();
        let far = thread::spawn(move || connect(address, Exposure::Loopback, SHORT).unwrap());
        (listener.accept(patience).unwrap(), far.join().unwrap())
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

        let (mut a, mut b) = pair(Patience { total: Duration::from_millis(20), ..SHORT });
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
    fn nobody_there_is_an_error() {
        let free = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap().address().unwrap();
        assert!(matches!(connect(free, Exposure::Loopback, SHORT), Err(TcpError::NoPeer(_))));
        let alone = Listener::bind("127.0.0.1:0", Exposure::Loopback).unwrap();
        assert!(matches!(alone.accept(SHORT), Err(TcpError::NoPeer(_))));
    }

    #[test]
    fn plaintext_does_not_leave_the_machine_unless_told() {
        let refused = Listener::bind("0.0.0.0:0", Exposure::Loopback);
        assert!(matches!(refused, Err(TcpError::NotLoopback(_))));
        assert!(Listener::bind("0.0.0.0:0", Exposure::InsecurePlaintext).is_ok());
        let refused = connect("192.0.2.1:9", Exposure::Loopback, SHORT);
        assert!(matches!(refused, Err(TcpError::NotLoopback(_))));
    }
}
