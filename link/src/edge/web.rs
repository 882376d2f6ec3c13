//! The async face: a connection between nodes that looks like what everybody sends.
//!
//! ```text
//! client                                       server
//!   TCP, TLS 1.3  ────────────────────────────▶  an ordinary ECDSA certificate, which proves nothing
//!   GET /path of (server's key, this TLS) ────▶  knows us? ── no ──▶ an ordinary web page, and goodbye
//!   hello: client's key ──────────────────────▶
//!   ◀───────── server's signature over (context, RFC 9266 exporter, both keys)
//!   client's signature over the same ─────────▶  a Session: frames both ways, padded, with cover traffic
//! ```
//!
//! The path changes with every connection: whoever terminates the TLS in between learns nothing that would open another. All
//! messages are WebSocket messages of 1, 4, 16 or 64 KiB.
//!
//! **Guaranteed** to a finished session: both ends hold the keys they showed, agree on `context` (the chain), and nobody is in between;
//! the key exchange was X25519MLKEM768. **Not hidden**: from whoever knows a server's peer key, that it is one (the claim is for nodes
//! that are not listed); from whoever terminates a client's TLS, the client's key; timing, beyond what cover traffic blurs.
//! The TLS greeting is rustls's, not a browser's.

mod certificate;
mod client;
mod http;
mod proof;
mod seats;
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

pub use certificate::{Certificate, CertificateError};
pub use http::Page;
#[cfg(feature = "testing")]
pub(crate) use http::is_request;
pub use server::{ListenError, Listener};
pub use session::{Receiver, SendError, Sender, Session};

use crate::identity::Identity;
use crate::wire::NotAPiece;

/// One node's end of all its connections: who it is, and on what terms it speaks. [`Endpoint::connect`] and [`Endpoint::listen`] run
/// on a tokio runtime; sessions are used from anywhere.
#[derive(Clone, Debug)]
pub struct Endpoint {
    us: Arc<Identity>,
    context: Arc<[u8]>,
    limits: Limits,
    cover: Cover,
}

impl Endpoint {
    /// The end of the node `us`, who speaks with those alone that give the same `context`: the chain, for example.
    #[must_use]
    pub fn new(us: &Identity, context: &[u8]) -> Self {
        let (limits, cover) = (Limits::default(), Cover::default());
        Self { us: Arc::new(us.share()), context: context.into(), limits, cover }
    }

    /// The same end with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same end with other cover traffic.
    #[must_use]
    pub fn with_cover(self, cover: Cover) -> Self {
        Self { cover, ..self }
    }
}

/// How much to wait for, hold and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For connecting and all handshakes together.
    pub handshake: Duration,
    /// For a piece to be sent, and for anything to arrive; a third of it is the longest we are silent.
    pub idle: Duration,
    /// Longest frame, in bytes.
    pub frame: usize,
    /// Most bytes that wait to be sent.
    pub backlog: usize,
    /// Handshakes and sessions that one address, or one /64 of IPv6, may have with a listener at a time. This machine's own
    /// addresses are not counted: whoever is here can do worse, and a reverse proxy brings everybody.
    pub from_one: usize,
}

impl Default for Limits {
    /// Ten seconds, two minutes, 4 MiB, 16 MiB, eight.
    fn default() -> Self {
        let (handshake, idle) = (Duration::from_secs(10), Duration::from_secs(120));
        Self { handshake, idle, frame: 4 << 20, backlog: 16 << 20, from_one: 8 }
    }
}

/// Whether pieces that mean nothing are sent among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// Only where the silence would become too long.
    #[default]
    Sparse,
    /// At random moments, this far apart on average (a Poisson process, whatever else is sent).
    Mean(Duration),
}

/// Why there is no session, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Nobody answers there.
    #[error("{address} cannot be reached: {kind}")]
    Unreachable {
        /// The address, as it was given.
        address: String,
        /// What the system said.
        kind: ErrorKind,
    },
    /// A web server answered as it answers strangers: it has another key, or is no peer.
    #[error("a web server answered, but not the peer with that key")]
    NotThatPeer,
    /// Somebody came who is no peer; he got the web page.
    #[error("somebody came who is no peer: {0}")]
    Stranger(&'static str),
    /// The peer did not prove its key for this connection and context.
    #[error("the other side did not prove its key")]
    BadProof,
    /// The other side breaks the protocol.
    #[error("the other side breaks the protocol: {0}")]
    Protocol(&'static str),
    /// A frame is longer than we take.
    #[error("a frame is longer than the {limit} bytes that are allowed")]
    TooLong {
        /// Our limit.
        limit: usize,
    },
    /// It took too long.
    #[error("the other side did not answer in time")]
    TimedOut,
    /// The other side hung up without a goodbye.
    #[error("the other side closed the connection")]
    Closed,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(ErrorKind),
}

impl From<io::Error> for WebError {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted => Self::Closed,
            kind => Self::Io(kind),
        }
    }
}

impl From<NotAPiece> for WebError {
    fn from(_: NotAPiece) -> Self {
        Self::Protocol("what arrived is no piece of a frame")
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for WebError {
    fn from(e: tokio_tungstenite::tungstenite::Error) -> Self {
        use tokio_tungstenite::tungstenite::Error as E;
        match e {
            E::ConnectionClosed | E::AlreadyClosed => Self::Closed,
            E::Io(e) => e.into(),
            E::Http(_) => Self::NotThatPeer,
            E::Capacity(_) => Self::Protocol("a message is longer than any piece"),
            _ => Self::Protocol("what arrived is no WebSocket message"),
        }
    }
}
