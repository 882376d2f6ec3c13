//! The pinned channel: TLS 1.3 over any byte stream, whose ends have proved the keys that the other end
//! pinned.
//!
//! ```text
//! stream ──▶ handshake (TLS 1.3, crate::tls) ──▶ ready byte ──▶ Pinned: Read + Write ──▶ close
//! ```
//!
//! A TLS 1.3 client finishes before the server has checked its key. The server therefore sends one byte once
//! it has, and the client waits for it: a client has a [`Pinned`] only if the server accepted its key.
//!
//! Guaranteed: every call returns within the [`Timeouts`]. A read that ends without the peer's `close_notify`
//! is an error (`UnexpectedEof`), a read after it returns zero bytes, and altered bytes are `InvalidData`. A
//! connection takes about 0.4 MB of memory, whatever the peer sends.
//!
//! Source: RFC 8446, RFC 9266 (channel binding).

use core::fmt;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Connection, ServerConfig, ServerConnection};

use crate::error::LinkError;
use crate::identity::{Identity, PeerKey};
use crate::timeouts::Timeouts;
use crate::tls;

/// The first byte of the server, once it has accepted the client's key.
pub(crate) const READY: u8 = 1;
/// Bytes read from the network at once.
const READ_AHEAD: usize = 128 << 10;
/// Bytes encrypted before they are written out.
const WRITE_AT_ONCE: usize = 128 << 10;

/// A byte stream with a deadline.
pub(crate) trait Timed: Read + Write + Send {
    /// From now on no call blocks beyond `deadline`.
    fn end_at(&mut self, deadline: Instant);
    /// From now on no call blocks beyond the end of `duration`.
    fn end_in(&mut self, duration: Duration);
}

/// What one end of a channel brings to its handshake.
///
/// Both ends name the same `purpose`, and each names the key of the other.
#[derive(Clone, Copy, Debug)]
pub struct ChannelConfig<'a> {
    /// Our identity.
    pub us: &'a Identity,
    /// The key that the other end must prove.
    pub peer: PeerKey,
    /// What the channel is for, with a version, such as `echo/1`.
    pub purpose: &'a str,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

/// An encrypted stream to the holder of a pinned key.
///
/// ```
/// use sotto_link::{Identity, pinned};
/// use std::io::{Read, Write};
///
/// let [alice, bob] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
/// let (mut to_bob, mut to_alice) = pinned::in_memory(&alice, &bob, "greeting/1")?;
/// assert_eq!((to_bob.peer(), to_alice.peer()), (bob.peer_key(), alice.peer_key()));
/// assert_eq!(to_bob.binding(), to_alice.binding());
///
/// to_bob.write_all(b"hello")?;
/// to_bob.close()?;
/// let mut text = String::new();
/// to_alice.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pinned {
    tls: Connection,
    stream: ReadAhead,
    peer: PeerKey,
    binding: [u8; 32],
}

impl Pinned {
    /// The key that the peer has proved.
    #[must_use]
    pub const fn peer(&self) -> PeerKey {
        self.peer
    }

    /// The connection's channel binding `tls-exporter` (RFC 9266).
    ///
    /// Both ends have the same value and no other connection has it. A signature or key derived from it is
    /// therefore useless on any other connection.
    #[must_use]
    pub const fn binding(&self) -> [u8; 32] {
        self.binding
    }

    /// From now on no call on this connection blocks beyond `deadline`; this replaces [`Timeouts::total`].
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.end_at(deadline);
    }

    /// Sends `close_notify`, which tells the peer that it has received everything.
    ///
    /// # Errors
    /// If the connection failed.
    pub fn close(mut self) -> Result<(), LinkError> {
        self.tls.send_close_notify();
        Ok(self.flush()?)
    }

    fn write_out(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// Performs the handshake over `stream`. The total timeout starts afterwards.
    fn open(
        mut tls: Connection,
        stream: Box<dyn Timed>,
        purpose: &str,
        timeouts: Timeouts,
    ) -> Result<Self, LinkError> {
        let mut stream = ReadAhead(BufReader::with_capacity(READ_AHEAD, stream));
        stream.end_in(timeouts.handshake);
        tls.set_buffer_limit(Some(2 * WRITE_AT_ONCE));
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        if tls.alpn_protocol() != Some(purpose.as_bytes()) {
            return Err(LinkError::Incompatible(format!("it does not speak {purpose}")));
        }
        let peer = tls.peer_certificates().and_then(<[_]>::first);
        let peer = peer.and_then(|shown| tls::peer_key(shown)).ok_or(LinkError::NoKey)?;
        let binding = match &tls {
            Connection::Client(tls) => tls::exporter(tls),
            Connection::Server(tls) => tls::exporter(tls),
        };
        let mut pinned = Self { binding: binding.map_err(|e| LinkError::from(&e))?, tls, stream, peer };
        pinned.ready()?;
        pinned.end_in(timeouts.total);
        Ok(pinned)
    }

    /// Sends a message whole: its length (4 bytes, little-endian) and its bytes. An empty one is a sign of life.
    ///
    /// # Errors
    /// If the connection fails, or the message has more than `u32::MAX` bytes.
    pub fn send_message(&mut self, message: &[u8]) -> io::Result<()> {
        let length = u32::try_from(message.len()).map_err(|e| io::Error::new(ErrorKind::InvalidInput, e))?;
        self.write_all(&length.to_le_bytes())?;
        self.write_all(message)?;
        self.flush()
    }

    /// Receives what [`send_message`](Self::send_message) sent, of at most so many bytes: nothing is allocated for more.
    ///
    /// # Errors
    /// If the connection fails, or with [`ErrorKind::InvalidData`] if the message is longer.
    pub fn receive_message(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > most {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; length];
        self.read_exact(&mut message)?;
        Ok(message)
    }

    /// Exchanges the ready byte.
    fn ready(&mut self) -> Result<(), LinkError> {
        match self.tls {
            Connection::Server(_) => Ok(self.write_all(&[READY])?),
            Connection::Client(_) => {
                let mut byte = [0];
                self.read_exact(&mut byte)?;
                let other = || LinkError::Incompatible("its first byte is unknown".to_owned());
                if byte == [READY] { Ok(()) } else { Err(other()) }
            }
        }
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Read for Pinned {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(into) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            self.tls.read_tls(&mut self.stream)?;
            let processed = self.tls.process_new_packets();
            // A pending reply, or the alert that reports the error.
            let written = self.write_out();
            processed.map_err(|e| io::Error::new(ErrorKind::InvalidData, e))?;
            written?;
        }
    }
}

impl Write for Pinned {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.tls.writer().write(bytes.get(..WRITE_AT_ONCE).unwrap_or(bytes))?;
        self.write_out()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.stream.flush()
    }
}

impl Timed for Pinned {
    fn end_at(&mut self, deadline: Instant) {
        self.stream.end_at(deadline);
    }

    fn end_in(&mut self, duration: Duration) {
        self.stream.end_in(duration);
    }
}

/// A stream that reads large blocks, because rustls asks for 4 KiB at a time.
struct ReadAhead(BufReader<Box<dyn Timed>>);

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for ReadAhead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.get_mut().write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

impl Timed for ReadAhead {
    fn end_at(&mut self, deadline: Instant) {
        self.0.get_mut().end_at(deadline);
    }

    fn end_in(&mut self, duration: Duration) {
        self.0.get_mut().end_in(duration);
    }
}

/// The client's end of a handshake over `stream`.
pub(crate) fn client(stream: Box<dyn Timed>, config: &ChannelConfig<'_>) -> Result<Pinned, LinkError> {
    let ChannelConfig { us, peer, purpose, timeouts } = *config;
    let config = tls::client(us, peer, purpose).map_err(|e| LinkError::from(&e))?;
    let tls = ClientConnection::new(Arc::new(config), tls::nameless()).map_err(|e| LinkError::from(&e))?;
    Pinned::open(tls.into(), stream, purpose, timeouts)
}

/// The configuration of a server that accepts `peers`.
pub(crate) fn server_config(
    us: &Identity,
    peers: impl Into<tls::Pins>,
    purpose: &str,
) -> Result<Arc<ServerConfig>, LinkError> {
    tls::server(us, peers.into(), purpose).map(Arc::new).map_err(|e| LinkError::from(&e))
}

/// The server's end of a handshake over `stream`.
pub(crate) fn server(
    stream: Box<dyn Timed>,
    config: Arc<ServerConfig>,
    purpose: &str,
    timeouts: Timeouts,
) -> Result<Pinned, LinkError> {
    let tls = ServerConnection::new(config).map_err(|e| LinkError::from(&e))?;
    Pinned::open(tls.into(), stream, purpose, timeouts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    const USE: &str = "channel-test/1";

    /// A socket without deadlines.
    struct Socket(TcpStream);

    impl Read for Socket {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(into)
        }
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    impl Timed for Socket {
        fn end_at(&mut self, deadline: Instant) {
            self.end_in(deadline.saturating_duration_since(Instant::now()));
        }

        fn end_in(&mut self, duration: Duration) {
            let duration = Some(duration.clamp(Duration::from_millis(1), Duration::from_secs(20)));
            self.0.set_read_timeout(duration).unwrap();
        }
    }

    /// What both ends make of a handshake in which the client or the server names no purpose.
    fn meet(client_names: bool, server_names: bool) -> [Result<Pinned, LinkError>; 2] {
        let [one, two] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
        let mut server = tls::server(&one, BTreeSet::from([two.peer_key()]).into(), USE).unwrap();
        let mut client = tls::client(&two, one.peer_key(), USE).unwrap();
        if !client_names {
            client.alpn_protocols.clear();
        }
        if !server_names {
            server.alpn_protocols.clear();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = Socket(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let far = Socket(listener.accept().unwrap().0);
        let far =
            thread::spawn(move || super::server(Box::new(far), Arc::new(server), USE, Timeouts::default()));
        let tls = ClientConnection::new(Arc::new(client), tls::nameless()).unwrap();
        let near = Pinned::open(tls.into(), Box::new(near), USE, Timeouts::default());
        [near, far.join().unwrap()]
    }

    /// TLS goes on if one end names no protocol at all; the channel does not.
    #[test]
    fn both_ends_name_the_purpose() {
        assert!(meet(true, true).iter().all(Result::is_ok));
        let incompatible = |end: &Result<Pinned, LinkError>| matches!(end, Err(LinkError::Incompatible(_)));
        let [_, server] = meet(false, true);
        assert!(incompatible(&server), "a client without a purpose: {server:?}");
        let [client, _] = meet(true, false);
        assert!(incompatible(&client), "a server without a purpose: {client:?}");
    }
}
