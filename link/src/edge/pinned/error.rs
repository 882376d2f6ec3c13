//! Why there is no connection, told apart by what can be done about it.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error};

use crate::identity::PeerKey;
use crate::tls::NotPinned;

/// Why there is no connection to the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody answers there.
    #[error("{address} cannot be reached: {}", said(*kind))]
    Unreachable {
        /// The address, as it was given.
        address: String,
        /// What the system said last.
        kind: ErrorKind,
    },
    /// Somebody answered, with another key.
    #[error("the other side showed the key {shown}, which is not pinned here")]
    WrongKey {
        /// The key that was shown.
        shown: PeerKey,
    },
    /// Somebody answered and proved no key at all.
    #[error("the other side proved no Ed25519 key")]
    NoKey,
    /// The peer does not accept our key.
    #[error("the other side does not accept our key")]
    NotAccepted,
    /// The other side speaks something else: another protocol, version or purpose, or no post-quantum key exchange.
    #[error("the other side speaks another protocol, version or purpose: {0}")]
    Incompatible(String),
    /// Somebody on the way altered what was sent.
    #[error("what arrived was altered on its way")]
    Altered,
    /// It took too long.
    #[error("the other side did not answer in time")]
    TimedOut,
    /// The other side hung up.
    #[error("the other side closed the connection")]
    Closed,
    /// The relay does not put us through to the peer.
    #[error("the relay does not put us through: {0}")]
    NotRelayed(&'static str),
    /// The operating system refused.
    #[error("the connection failed: {0}")]
    Io(ErrorKind),
}

/// What the system said, where its own word says too little.
fn said(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => "there is no such host and port".to_owned(),
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
