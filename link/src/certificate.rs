//! The outer certificate of a node: an ordinary web certificate, unrelated to its peer key.
//!
//! The operator of a public web server supplies a certificate from an authority. A generated one is
//! self-signed ECDSA P-256, as routers and printers have: in the name of a host, begun some days ago, valid
//! for a year. The operator should keep it, because ordinary servers do not change their certificate at every
//! start.
//!
//! Not ordinary: the server refuses TLS 1.2, which few public web servers do. Accepting it would let an
//! observer read more of strangers' connections.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use zeroize::Zeroizing;

use crate::tls;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A certificate chain and its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CertificateError {
    /// The PEM text is invalid.
    #[error("invalid certificate or key in PEM: {0}")]
    Pem(String),
    /// A host name is invalid.
    #[error("cannot make a certificate for these names: {0}")]
    Names(String),
    /// The certificate and the key do not belong together, or are of an unsupported kind.
    #[error("cannot use the certificate and the key: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Certificate {
    /// A self-signed certificate for these names with this key, valid for a year from `begin` (since 1970).
    pub(crate) fn self_signed(
        names: &[&str],
        key: &KeyPair,
        begin: Duration,
    ) -> Result<Self, CertificateError> {
        let wrong = |e: rcgen::Error| CertificateError::Names(e.to_string());
        let all: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(all).map_err(wrong)?;
        let mut subject = DistinguishedName::new();
        names.iter().take(1).for_each(|name| subject.push(DnType::CommonName, *name));
        params.distinguished_name = subject;
        params.not_before = date_time_ymd(1970, 1, 1) + begin;
        params.not_after = params.not_before + YEAR;
        let signed = params.self_signed(key).map_err(wrong)?;
        Ok(Self { chain: vec![signed.into()], key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) })
    }

    /// Reads the bytes that [`Certificate::to_der`] wrote.
    ///
    /// # Errors
    /// [`CertificateError::Unusable`] if they are not a certificate with its key.
    pub fn from_der(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let made = || Self {
            chain: vec![certificate.to_vec().into()],
            key: PrivateKeyDer::Pkcs8(key.to_vec().into()),
        };
        made().server_config().map(|_| made())
    }

    /// The bytes of the server's own certificate (X.509) and of its secret key (PKCS #8).
    #[must_use]
    pub fn to_der(&self) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        let own = self.chain.first().map(|c| c.to_vec()).unwrap_or_default();
        (own, Zeroizing::new(self.key.secret_der().to_vec()))
    }

    /// Reads a certificate chain and its key in PEM.
    ///
    /// # Errors
    /// [`CertificateError::Pem`] if either is missing or invalid.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let wrong = |e: rustls::pki_types::pem::Error| CertificateError::Pem(e.to_string());
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(wrong)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(wrong)?;
        Ok(Self { chain, key })
    }

    /// The configuration of the server's outer TLS: TLS 1.3 with the cryptography of browsers.
    pub(crate) fn server_config(self) -> Result<ServerConfig, CertificateError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(tls::web_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}
