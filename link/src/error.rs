//! Why a pinned channel could not be established, or failed.
//!
//! The variants differ in what the user can do about them: check the address, the key, the version, or the
//! network.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error};

use crate::identity::PeerKey;
use crate::tls::NotPinned;

/// Why there is no connection to the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing answers at the address.
    #[error("cannot reach {address}: {}", cause(*kind))]
    Unreachable {
        /// The address, as given.
        address: String,
        /// The last error of the operating system.
        kind: ErrorKind,
    },
    /// The address cannot be listened at.
    #[error("cannot use the address {address}: {kind}")]
    CannotListen {
        /// The address, as given.
        address: String,
        /// The error of the operating system.
        kind: ErrorKind,
    },
    /// The peer proved another key.
    #[error("the peer has the key {shown}, which is not pinned here")]
    WrongKey {
        /// The key it proved.
        shown: PeerKey,
    },
    /// The rendezvous server proved another key.
    #[error("the rendezvous server has the key {shown}, which is not pinned here")]
    WrongServerKey {
        /// The key it proved.
        shown: PeerKey,
    },
    /// The peer proved no key at all.
    #[error("the peer proved no Ed25519 key")]
    NoKey,
    /// The peer does not accept our key.
    #[error("the peer does not accept our key")]
    NotAccepted,
    /// The peer speaks another protocol, version or purpose, or offers no post-quantum key exchange.
    #[error("the peer speaks another protocol, version or purpose: {0}")]
    Incompatible(String),
    /// Data were altered in transit.
    #[error("a message was altered on its way")]
    Altered,
    /// A timeout expired.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The peer closed the connection.
    #[error("the peer closed the connection")]
    Closed,
    /// The rendezvous server does not connect us to the peer.
    #[error("the rendezvous server did not connect us to the peer: {0}")]
    NotConnected(&'static str),
    /// The operating system reported an error.
    #[error("the connection failed: {0}")]
    Io(ErrorKind),
}

/// The operating system's text, or a clearer one.
fn cause(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => "no such host and port".to_owned(),
        kind => kind.to_string(),
    }
}

impl From<io::Error> for LinkError {
    fn from(e: io::Error) -> Self {
        if let Some(tls) = e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return tls.into();
        }
        match e.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::TimedOut,
            ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted => Self::Closed,
            kind => Self::Io(kind),
        }
    }
}

impl From<&Error> for LinkError {
    fn from(e: &Error) -> Self {
        use AlertDescription as Alert;
        match e {
            Error::InvalidCertificate(CertificateError::Other(other)) => match other.0.downcast_ref() {
                Some(NotPinned(shown)) => Self::WrongKey { shown: *shown },
                None => Self::NoKey,
            },
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => Self::NoKey,
            Error::AlertReceived(Alert::CertificateUnknown | Alert::AccessDenied) => Self::NotAccepted,
            Error::AlertReceived(Alert::BadRecordMac | Alert::DecryptError) | Error::DecryptError => {
                Self::Altered
            }
            other => Self::Incompatible(other.to_string()),
        }
    }
}
