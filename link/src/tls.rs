//! TLS 1.3 with pinned keys as certificates: the configuration of both ends.
//!
//! ```text
//! version        TLS 1.3 (RFC 8446) only; no resumption, no tickets, no early data
//! key exchange   X25519MLKEM768 only: X25519 and ML-KEM-768 (FIPS 203; draft-ietf-tls-ecdhe-mlkem)
//! records        AES-256-GCM, or ChaCha20-Poly1305
//! certificates   raw public keys of both ends (RFC 7250), Ed25519 (RFC 8410), pinned by the other end
//! purpose        one ALPN name (RFC 7301), which both ends must select
//! binding        tls-exporter (RFC 9266): 32 bytes that are unique to the connection
//! ```
//!
//! Guaranteed by a complete handshake: the peer holds the secret of the accepted key and agrees on the
//! purpose; only the two ends know the traffic keys; the key exchange was the hybrid one. Not guaranteed:
//! hiding the server's key from an active prober, because the server proves it to every client.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::{self, CertifiedKey};
use rustls::{
    CertificateError, ClientConfig, ConnectionCommon, DigitallySignedStruct, DistinguishedName, Error,
    OtherError, PeerMisbehaved, ServerConfig, SignatureAlgorithm, SignatureScheme, version::TLS13,
};

use crate::identity::{Identity, PeerKey};

/// SubjectPublicKeyInfo of an Ed25519 key, up to the key (RFC 8410, 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const SCHEME: SignatureScheme = SignatureScheme::ED25519;

/// The peer proved a key that is not pinned.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the peer's key is {0}, which is not pinned")]
pub(crate) struct NotPinned(pub(crate) PeerKey);

/// The configuration of a client that accepts one peer.
pub(crate) fn client(us: &Identity, peer: PeerKey, purpose: &str) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pins::from(BTreeSet::from([peer]))))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(raw_key(us))));
    config.alpn_protocols = vec![purpose.into()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

/// The configuration of a server that accepts these peers.
pub(crate) fn server(us: &Identity, peers: Pins, purpose: &str) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(peers))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(raw_key(us))));
    config.alpn_protocols = vec![purpose.into()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The cryptography of browsers in TLS 1.3, the hybrid key exchange first.
#[cfg(feature = "web")]
pub(crate) fn web_provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// The configuration of a client that accepts any web server; the peer proves its key inside the connection.
#[cfg(feature = "web")]
pub(crate) fn web_client() -> Result<ClientConfig, Error> {
    let provider = Arc::new(web_provider());
    let any = AnyCertificate(provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(any))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A placeholder for the server name, which is neither sent nor checked.
pub(crate) fn nameless() -> ServerName<'static> {
    ServerName::IpAddress(core::net::Ipv4Addr::UNSPECIFIED.into())
}

/// The channel binding `tls-exporter` of a complete handshake: this label, no context, 32 bytes (RFC 9266,
/// 2).
pub(crate) fn exporter<T>(tls: &ConnectionCommon<T>) -> Result<[u8; 32], Error> {
    tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None)
}

/// Whether the connection's key exchange is the hybrid, post-quantum one.
#[cfg(feature = "web")]
pub(crate) fn is_hybrid(tls: &rustls::CommonState) -> bool {
    tls.negotiated_key_exchange_group()
        .is_some_and(|group| group.name() == rustls::NamedGroup::X25519MLKEM768)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768],
        ..aws_lc_rs::default_provider()
    })
}

/// The key in a SubjectPublicKeyInfo; `None` for another kind of key.
pub(crate) fn peer_key(spki: &[u8]) -> Option<PeerKey> {
    let bytes = spki.strip_prefix(&SPKI)?.try_into().ok()?;
    PeerKey::from_bytes(bytes).ok()
}

fn raw_key(us: &Identity) -> Arc<CertifiedKey> {
    let key = Key(Arc::new(us.share()));
    let spki = [&SPKI[..], us.peer_key().as_bytes()].concat();
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], Arc::new(key)))
}

/// An identity that signs handshakes.
#[derive(Clone, Debug)]
struct Key(Arc<Identity>);

impl sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        offered.contains(&SCHEME).then(|| Box::new(self.clone()) as Box<dyn sign::Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some([&SPKI[..], self.0.peer_key().as_bytes()].concat().into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl sign::Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.sign_raw(message).to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SCHEME
    }
}

/// The keys that the peer may prove; it always has to prove one.
#[derive(Debug)]
pub(crate) enum Pins {
    /// One of these.
    Listed(BTreeSet<PeerKey>),
    /// Any key.
    Any,
}

impl From<BTreeSet<PeerKey>> for Pins {
    fn from(keys: BTreeSet<PeerKey>) -> Self {
        Self::Listed(keys)
    }
}

impl Pins {
    fn check(&self, shown: &[u8]) -> Result<(), Error> {
        let key = peer_key(shown).ok_or(CertificateError::BadEncoding)?;
        let other = || CertificateError::Other(OtherError(Arc::new(NotPinned(key))));
        match self {
            Self::Listed(keys) if !keys.contains(&key) => Err(other().into()),
            Self::Listed(_) | Self::Any => Ok(()),
        }
    }

    fn signed(
        message: &[u8],
        shown: &[u8],
        by: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = peer_key(shown).ok_or(CertificateError::BadEncoding)?;
        let signature = by.signature().try_into().map_err(|_| CertificateError::BadSignature)?;
        if by.scheme != SCHEME {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        key.verify_raw(message, signature).map_err(|_| CertificateError::BadSignature)?;
        Ok(HandshakeSignatureValid::assertion())
    }

    fn too_old() -> Result<HandshakeSignatureValid, Error> {
        Err(PeerMisbehaved::SelectedTls12UsingTls13VersionExtension.into())
    }
}

/// What both verifiers share: TLS 1.3 alone, raw Ed25519 keys alone.
macro_rules! verifies_raw_keys {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Self::too_old()
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            shown: &CertificateDer<'_>,
            by: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Self::signed(message, shown, by)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SCHEME]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for Pins {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(shown).map(|()| ServerCertVerified::assertion())
    }

    verifies_raw_keys!();
}

/// Accepts any certificate whose key signs the handshake.
#[cfg(feature = "web")]
#[derive(Debug)]
struct AnyCertificate(rustls::crypto::WebPkiSupportedAlgorithms);

#[cfg(feature = "web")]
impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Pins::too_old()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        by: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, shown, by, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

impl ClientCertVerifier for Pins {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(shown).map(|()| ClientCertVerified::assertion())
    }

    verifies_raw_keys!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConnection, Connection, ServerConnection};

    const USE: &str = "test/1";

    fn identity(n: u8) -> Identity {
        Identity::from_seed(&[n; 32])
    }

    /// Runs a handshake in memory between `client` and party 1, which expects party 2.
    fn shake(client: ClientConfig) -> Result<(Connection, Connection), Error> {
        let expected = server(&identity(1), BTreeSet::from([identity(2).peer_key()]).into(), USE)?;
        let mut a: Connection = ClientConnection::new(Arc::new(client), nameless())?.into();
        let mut b: Connection = ServerConnection::new(Arc::new(expected))?.into();
        for _ in 0..4 {
            pass(&mut a, &mut b)?;
            pass(&mut b, &mut a)?;
        }
        Ok((a, b))
    }

    fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
        let mut bytes = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            to.read_tls(&mut rest).unwrap();
            to.process_new_packets()?;
        }
        Ok(())
    }

    /// As [`client`], with another provider.
    fn client_with(provider: CryptoProvider) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pins::from(BTreeSet::from([identity(1).peer_key()]))))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(raw_key(&identity(
                2,
            )))));
        config.alpn_protocols = vec![USE.into()];
        config
    }

    #[test]
    fn the_hybrid_exchange_is_negotiated_and_no_session_is_resumed() {
        let (a, b) = shake(client(&identity(2), identity(1).peer_key(), USE).unwrap()).unwrap();
        for end in [&a, &b] {
            assert!(!end.is_handshaking());
            assert_eq!(
                end.negotiated_key_exchange_group().unwrap().name(),
                rustls::NamedGroup::X25519MLKEM768
            );
            assert_eq!(end.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
            assert_eq!(end.handshake_kind(), Some(rustls::HandshakeKind::Full));
        }
        let Connection::Client(a) = a else { panic!("a client") };
        assert_eq!(a.tls13_tickets_received(), 0);
    }

    #[test]
    fn a_client_without_the_hybrid_exchange_is_refused() {
        let hybrid = aws_lc_rs::default_provider();
        assert!(shake(client_with(hybrid.clone())).is_ok(), "the provider is the only difference");
        let classical = CryptoProvider { kx_groups: vec![kx_group::X25519], ..hybrid };
        assert!(matches!(shake(client_with(classical)), Err(Error::PeerIncompatible(_))));
    }

    #[test]
    fn a_client_with_other_ciphers_only_is_refused() {
        let ours = |suite| CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() };
        assert!(shake(client_with(ours(cipher_suite::TLS13_AES_256_GCM_SHA384))).is_ok());
        assert!(shake(client_with(ours(cipher_suite::TLS13_CHACHA20_POLY1305_SHA256))).is_ok());
        let weaker = shake(client_with(ours(cipher_suite::TLS13_AES_128_GCM_SHA256)));
        assert!(matches!(weaker, Err(Error::PeerIncompatible(_))));
    }

    #[test]
    fn a_key_names_the_public_key_that_it_shows() {
        let key = raw_key(&identity(1));
        assert_eq!(key.key.public_key().unwrap().as_ref(), &key.cert[0][..]);
    }

    #[test]
    fn a_client_without_the_secret_key_is_refused() {
        let mut thief = client(&identity(2), identity(1).peer_key(), USE).unwrap();
        let shown = raw_key(&identity(2)).cert.clone();
        let stolen = CertifiedKey::new(shown, Arc::new(Key(Arc::new(identity(3)))));
        thief.client_auth_cert_resolver = Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::new(stolen)));
        assert_eq!(shake(thief).unwrap_err(), CertificateError::BadSignature.into());
    }

    #[test]
    fn only_ed25519_keys_are_accepted() {
        let spki = raw_key(&identity(1)).cert[0].to_vec();
        assert_eq!(peer_key(&spki), Some(identity(1).peer_key()));
        assert_eq!(peer_key(&spki[1..]), None);
        assert_eq!(peer_key(&[&spki[..], &[0]].concat()), None);
        let mut x25519 = spki;
        x25519[8] = 0x6e;
        assert_eq!(peer_key(&x25519), None);
    }
}
