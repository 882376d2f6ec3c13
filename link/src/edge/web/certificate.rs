//! The outer certificate: an ordinary one, never of a peer key.
//!
//! A listed web server has one from an authority; its operator supplies it. One that is generated here is self-signed ECDSA P-256, as
//! routers and printers have: in the name of a host, begun some days ago, for a year. It can be kept, since a server that shows another
//! certificate at each start is none that anybody set up.
//!
//! Not like everybody: TLS 1.2 is refused, which few public web servers do. Peers would lose nothing by it, but what an observer
//! could read of strangers' connections then is not worth looking ordinary.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_core::{OsRng, RngCore};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;

use zeroize::Zeroizing;

use crate::tls;

const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// How long ago one that is made now may have begun.
const OLDEST: Duration = Duration::from_secs(30 * 86_400);

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
        let wrong = |e: rcgen::Error| CertificateError::Names(e.to_string());
        let all: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(all).map_err(wrong)?;
        let mut subject = DistinguishedName::new();
        names.iter().take(1).for_each(|name| subject.push(DnType::CommonName, *name));
        params.distinguished_name = subject;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = Duration::from_secs(OsRng.next_u64() % OLDEST.as_secs());
        let begin = Duration::from_secs(now.saturating_sub(age).as_secs());
        params.not_before = date_time_ymd(1970, 1, 1) + begin;
        params.not_after = params.not_before + YEAR;
        let key = KeyPair::generate().map_err(wrong)?;
        let made = params.self_signed(&key).map_err(wrong)?;
        Ok(Self { chain: vec![made.into()], key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) })
    }

    /// What [`Certificate::to_der`] gave.
    ///
    /// # Errors
    /// If it is no certificate with its key.
    pub fn from_der(certificate: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let made = || Self {
            chain: vec![certificate.to_vec().into()],
            key: PrivateKeyDer::Pkcs8(key.to_vec().into()),
        };
        made().server_config().map(|_| made())
    }

    /// The bytes of the server's own certificate (X.509) and of its key (PKCS #8, a secret), to be kept.
    #[must_use]
    pub fn to_der(&self) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        let own = self.chain.first().map(|c| c.to_vec()).unwrap_or_default();
        (own, Zeroizing::new(self.key.secret_der().to_vec()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a certificate has these bytes somewhere.
    fn has(certificate: &Certificate, bytes: &[u8]) -> bool {
        certificate.to_der().0.windows(bytes.len()).any(|w| w == bytes)
    }

    /// Both times of a certificate, as they are written before the year 2050: `YYMMDDHHMMSSZ`.
    fn times(certificate: &Certificate) -> Vec<String> {
        let der = certificate.to_der().0;
        let text = |w: &[u8]| (w[..2] == [0x17, 13]).then(|| String::from_utf8(w[2..15].to_vec()).unwrap());
        der.windows(15).filter_map(text).collect()
    }

    #[test]
    fn it_names_a_host_and_lasts_a_year() {
        let certificate = Certificate::generate(&["www.example.org", "example.org"]).unwrap();
        // An attribute commonName (2.5.4.3), and no sign of the library.
        assert!(has(&certificate, b"\x06\x03\x55\x04\x03\x0c\x0fwww.example.org"));
        assert!(!has(&certificate, b"rcgen") && !has(&certificate, b"self signed"));
        let times = times(&certificate);
        let year = |text: &str| text[..2].parse::<u64>().unwrap();
        let [begin, end] = &times[..] else { panic!("{times:?}") };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let this = 1970 + now / 31_556_952 - 2000;
        assert!((this - 1..=this).contains(&year(begin)) && year(end) == year(begin) + 1, "{times:?}");
    }

    #[test]
    fn it_can_be_kept() {
        let [one, other] = [(); 2].map(|()| Certificate::generate(&["localhost"]).unwrap());
        let (certificate, key) = one.to_der();
        let again = Certificate::from_der(&certificate, &key).unwrap();
        assert_eq!(again.to_der(), (certificate.clone(), key.clone()));
        assert!(Certificate::from_der(&certificate, &other.to_der().1).is_err(), "another's key");
        assert!(Certificate::from_der(&certificate, &key[1..]).is_err());
        assert!(Certificate::from_der(b"", &key).is_err());
    }
}
