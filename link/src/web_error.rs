//! Why a session between nodes could not be opened, or ended.

use std::io::{self, ErrorKind};

use crate::wire::InvalidMessage;

/// Why there is no session, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Nothing answers at the address.
    #[error("cannot reach {address}: {kind}")]
    Unreachable {
        /// The address, as given.
        address: String,
        /// The error of the operating system.
        kind: ErrorKind,
    },
    /// A web server answered as it answers strangers: it has another key, or is not a node.
    #[error("a web server answered, but not the node with that key")]
    NotThatPeer,
    /// The client is not a node; it received the web page.
    #[error("the client is not a node: {0}")]
    Stranger(&'static str),
    /// The peer did not prove its key for this connection and context.
    #[error("the peer did not prove its key")]
    BadProof,
    /// The peer violated the protocol.
    #[error("the peer violated the protocol: {0}")]
    Protocol(&'static str),
    /// A frame exceeds our limit.
    #[error("a frame exceeds the limit of {limit} bytes")]
    TooLong {
        /// Our limit.
        limit: usize,
    },
    /// A time limit expired.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The peer closed the connection without a closing message.
    #[error("the peer closed the connection")]
    Closed,
    /// The operating system reported an error.
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

impl From<InvalidMessage> for WebError {
    fn from(_: InvalidMessage) -> Self {
        Self::Protocol("invalid message")
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for WebError {
    fn from(e: tokio_tungstenite::tungstenite::Error) -> Self {
        use tokio_tungstenite::tungstenite::Error as E;
        match e {
            E::ConnectionClosed | E::AlreadyClosed => Self::Closed,
            E::Io(e) => e.into(),
            E::Http(_) => Self::NotThatPeer,
            E::Capacity(_) => Self::Protocol("a message exceeds the largest size"),
            _ => Self::Protocol("invalid WebSocket message"),
        }
    }
}
