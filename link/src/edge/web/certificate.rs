//! The outer certificate: an ordinary one, never of a peer key.
//!
//! A listed web server has one from an authority; its operator supplies it. One that is generated here is self-signed ECDSA P-256, as
//! routers and printers have.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;

use crate::tls;

/// A certificate chain and its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// The certificate cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CertificateError {
    /// It cannot be read.
    #[error("the file is no certificate and key in PEM: {0}")]
    Pem(String),
    /// It cannot be made.
    #[error("a certificate for these names cannot be made: {0}")]
    Names(String),
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Certificate {
    /// A new self-signed certificate for these names, with a key of its own.
    ///
    /// # Errors
    /// If a name is no host name.
    pub fn generate(names: &[&str]) -> Result<Self, CertificateError> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let made =
            rcgen::generate_simple_self_signed(names).map_err(|e| CertificateError::Names(e.to_string()))?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        Ok(Self { chain: vec![made.cert.into()], key })
    }

    /// A certificate chain and its key, as authorities and web servers keep them.
    ///
    /// # Errors
    /// If either is not there.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let wrong = |e: rustls::pki_types::pem::Error| CertificateError::Pem(e.to_string());
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(wrong)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(wrong)?;
        Ok(Self { chain, key })
    }

    /// What the server's outer TLS insists on: TLS 1.3, and nothing that a browser does not have.
    pub(super) fn server_config(self) -> Result<ServerConfig, CertificateError> {
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
