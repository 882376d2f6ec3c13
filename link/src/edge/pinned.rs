//! The blocking face: a stream of bytes to the holder of a pinned key.
//!
//! ```text
//! connect ──TCP──▶ handshake (TLS 1.3, crate::tls) ──▶ ready byte ──▶ Pinned: Read + Write ──▶ close
//! Listener ─TCP──▶ handshakes of several strangers at once ──▶ the first that proves a pinned key
//! ```
//!
//! A TLS 1.3 client is done before the server has looked at its key. So the server sends one byte, its first,
//! once it has: [`connect`] returns only to a peer who accepted us, or says that he did not.
//!
//! Nobody hangs: see [`Patience`]. A read that ends without the peer's goodbye is an error (`UnexpectedEof`), a read after it
//! is empty, and altered bytes are `InvalidData`. Memory: about 0.4 MB a connection, whatever the peer sends.

mod error;
mod listener;
mod meeting;

use std::fmt;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, Connection, ServerConfig, ServerConnection};

pub use error::LinkError;
pub use listener::Listener;
pub use meeting::{Rendezvous, meet};

use super::tcp::{Tcp, Timed, after};
use crate::identity::{Identity, PeerKey};
use crate::tls;

/// What the server says first, once it has accepted the client's key.
pub(super) const READY: u8 = 1;
/// What connections to a relay are for.
pub(super) const RELAY: &str = "sotto-relay/1";
/// Bytes read from the network at once.
const AHEAD: usize = 128 << 10;
/// Bytes encrypted before they are written out.
const AT_ONCE: usize = 128 << 10;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the peer to appear.
    pub connect: Duration,
    /// For the whole handshake.
    pub handshake: Duration,
    /// For one read or write to make progress.
    pub idle: Duration,
    /// For the whole session after its handshake.
    pub total: Duration,
}

impl Default for Patience {
    /// Half a minute to appear and for a message, ten seconds for a handshake, an hour for a session.
    fn default() -> Self {
        let (half_a_minute, hour) = (Duration::from_secs(30), Duration::from_secs(3600));
        Self { connect: half_a_minute, handshake: Duration::from_secs(10), idle: half_a_minute, total: hour }
    }
}

/// An encrypted stream to the holder of a pinned key.
pub struct Pinned {
    tls: Connection,
    stream: Ahead,
    peer: PeerKey,
    binding: [u8; 32],
}

impl Pinned {
    /// The key that the peer proved.
    #[must_use]
    pub const fn peer(&self) -> PeerKey {
        self.peer
    }

    /// The connection's `tls-exporter` (RFC 9266), the same on both ends and on no other connection: what is signed or
    /// derived with it cannot be used elsewhere.
    #[must_use]
    pub const fn binding(&self) -> [u8; 32] {
        self.binding
    }

    /// From now on no call on this connection blocks beyond `end`, whatever [`Patience::total`] said.
    pub fn set_end(&mut self, end: Instant) {
        self.end_at(end);
    }

    /// Says goodbye, so that the peer knows that nothing was cut off.
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

    /// The handshake over any stream; afterwards the session's time begins.
    fn open(
        mut tls: Connection,
        stream: Box<dyn Timed>,
        purpose: &str,
        patience: Patience,
    ) -> Result<Self, LinkError> {
        let mut stream = Ahead(BufReader::with_capacity(AHEAD, stream));
        stream.end_at(after(patience.handshake));
        tls.set_buffer_limit(Some(2 * AT_ONCE));
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        if tls.alpn_protocol() != Some(purpose.as_bytes()) {
            return Err(LinkError::Incompatible(format!("it did not agree to {purpose}")));
        }
        let peer = tls.peer_certificates().and_then(<[_]>::first);
        let peer = peer.and_then(|shown| tls::peer_key(shown)).ok_or(LinkError::NoKey)?;
        // RFC 9266, 2: this label, no context, 32 bytes.
        let binding = tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
        let mut pinned = Self { binding: binding.map_err(|e| LinkError::from(&e))?, tls, stream, peer };
        pinned.ready()?;
        pinned.end_at(after(patience.total));
        Ok(pinned)
    }

    fn ready(&mut self) -> Result<(), LinkError> {
        match self.tls {
            Connection::Server(_) => Ok(self.write_all(&[READY])?),
            Connection::Client(_) => {
                let mut byte = [0];
                self.read_exact(&mut byte)?;
                let other = || LinkError::Incompatible("it does not begin as agreed".to_owned());
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
            // An answer that is due, or the alert that says what was wrong.
            let written = self.write_out();
            processed.map_err(|e| io::Error::new(ErrorKind::InvalidData, e))?;
            written?;
        }
    }
}

impl Write for Pinned {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.tls.writer().write(bytes.get(..AT_ONCE).unwrap_or(bytes))?;
        self.write_out()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.stream.flush()
    }
}

impl Timed for Pinned {
    fn end_at(&mut self, end: Instant) {
        self.stream.end_at(end);
    }
}

/// A stream that is read in large pieces: the TLS library asks for 4 KiB at a time.
struct Ahead(BufReader<Box<dyn Timed>>);

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Ahead {
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

impl Timed for Ahead {
    fn end_at(&mut self, end: Instant) {
        self.0.get_mut().end_at(end);
    }
}

/// Connects to `address` (host and port), where the holder of `peer` must answer for `purpose`.
///
/// While nobody listens there, it is tried again until [`Patience::connect`] is over.
///
/// # Errors
/// [`LinkError`]: unreachable, another key, not accepted, another protocol or purpose, too slow.
pub fn connect(
    address: &str,
    us: &Identity,
    peer: PeerKey,
    purpose: &str,
    patience: Patience,
) -> Result<Pinned, LinkError> {
    client(Box::new(Tcp::connect(address, patience)?), us, peer, purpose, patience)
}

/// The client's end of a handshake over `stream`.
fn client(
    stream: Box<dyn Timed>,
    us: &Identity,
    peer: PeerKey,
    purpose: &str,
    patience: Patience,
) -> Result<Pinned, LinkError> {
    let config = tls::client(us, peer, purpose).map_err(|e| LinkError::from(&e))?;
    let tls = ClientConnection::new(Arc::new(config), tls::nameless()).map_err(|e| LinkError::from(&e))?;
    Pinned::open(tls.into(), stream, purpose, patience)
}

/// The server's end of a handshake over `stream`.
fn server(
    stream: Box<dyn Timed>,
    config: Arc<ServerConfig>,
    purpose: &str,
    patience: Patience,
) -> Result<Pinned, LinkError> {
    let tls = ServerConnection::new(config).map_err(|e| LinkError::from(&e))?;
    Pinned::open(tls.into(), stream, purpose, patience)
}
