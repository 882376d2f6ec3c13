//! What only the inside can try: a man in the middle that terminates TLS on both sides and even knows the
//! server's peer key, a client that shows another's key, and ends without the hybrid key exchange.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::http::{request, upgrade};
use super::proof;
use super::session::{Connection, Stream, config};
use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::http::{Page, Request};
use crate::identity::{Identity, PeerKey};
use crate::web_error::WebError;
use crate::{tls, wire};

/// Asks for an upgrade at the path that only those who know the server's key can name; the head of the
/// answer.
async fn ask(stream: &mut TlsStream<Stream>, peer: &PeerKey) -> String {
    let path = wire::path(peer, &proof::exporter(stream.get_ref().1).unwrap());
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

async fn dial(config: ClientConfig, address: core::net::SocketAddr) -> TlsStream<Stream> {
    let tcp: Stream = Box::new(TcpStream::connect(address).await.unwrap());
    TlsConnector::from(Arc::new(config)).connect(tls::nameless(), tcp).await.unwrap()
}

/// A client that knows the server, shows `shown` and signs with `signer`; what the server makes of it.
async fn posing(shown: &Identity, signer: &Identity) -> Result<PeerKey, WebError> {
    let server = Identity::from_seed(&[1; 32]);
    let (endpoint, certificate) =
        (Endpoint::new(&server, b"chain"), Certificate::generate(&["localhost"]).unwrap());
    let mut listener = endpoint.listen("127.0.0.1:0", certificate, Page::default()).await.unwrap();
    let mut stream = dial(tls::web_client().unwrap(), listener.address()).await;
    assert!(ask(&mut stream, &server.peer_key()).await.starts_with("HTTP/1.1 101 "));
    let exporter = proof::exporter(stream.get_ref().1).unwrap();
    let socket = WebSocketStream::from_raw_socket(stream.into(), Role::Client, Some(config())).await;
    let mut connection = Connection::new(socket, endpoint.limits, listener.address());
    connection.outbound.frame(&wire::hello(&shown.peer_key())).await.unwrap();
    let statement = wire::statement(b"chain", &exporter, &server.peer_key(), &shown.peer_key());
    let signature: [u8; 64] = connection.inbound.frame(64).await.unwrap().unwrap().try_into().unwrap();
    server.peer_key().verify(proof::SERVER, &statement, &signature).unwrap();
    connection.outbound.frame(&signer.sign(proof::CLIENT, &statement)).await.unwrap();
    listener.next().await.unwrap().1.map(|session| session.peer)
}

/// Peer keys are public: showing one is not enough.
#[tokio::test]
async fn a_client_proves_the_key_that_it_shows() {
    let [honest, thief] = [2, 3].map(|n| Identity::from_seed(&[n; 32]));
    assert_eq!(posing(&honest, &honest).await, Ok(honest.peer_key()));
    assert_eq!(posing(&honest, &thief).await, Err(WebError::BadProof));
}

/// The cryptography of a web server or browser without the hybrid key exchange.
fn classical() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519], ..tls::web_provider() })
}

#[tokio::test]
async fn a_client_without_the_hybrid_exchange_gets_the_web_page() {
    let server = Identity::from_seed(&[1; 32]);
    let certificate = Certificate::generate(&["localhost"]).unwrap();
    let (own, _) = certificate.to_der();
    let mut roots = RootCertStore::empty();
    roots.add(own.into()).unwrap();
    let mut listener =
        Endpoint::new(&server, b"chain").listen("127.0.0.1:0", certificate, Page::default()).await.unwrap();
    let config =
        ClientConfig::builder_with_provider(classical()).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tcp: Stream = Box::new(TcpStream::connect(listener.address()).await.unwrap());
    let name = "localhost".try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
    let answer = ask(&mut stream, &server.peer_key()).await;
    assert!(!answer.starts_with("HTTP/1.1 101 "), "the path is right, the key exchange is not: {answer}");
    let stranger = listener.next().await.unwrap().1;
    assert_eq!(stranger.map(|s| s.peer), Err(WebError::Stranger("it requested a web page")));
}

#[tokio::test]
async fn a_server_without_the_hybrid_exchange_is_asked_nothing() {
    let [server, client] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
    let made = Certificate::generate(&["localhost"]).unwrap();
    let (own, key) = made.to_der();
    let config =
        ServerConfig::builder_with_provider(classical()).with_protocol_versions(&[&rustls::version::TLS13]);
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.to_vec());
    let mut config =
        config.unwrap().with_no_client_auth().with_single_cert(vec![own.into()], key.into()).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let classical = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = classical.local_addr().unwrap().to_string();
    let asked = tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut near = acceptor.accept(classical.accept().await.unwrap().0).await.unwrap();
        request(&mut near).await.map(drop)
    });
    let refused = Endpoint::new(&client, b"chain").connect(&address, server.peer_key()).await;
    assert_eq!(refused.map(|s| s.peer), Err(WebError::NotThatPeer));
    assert!(asked.await.unwrap().is_err(), "no request, so no path that tells which peer is sought");
}

#[tokio::test]
async fn a_man_in_the_middle_passes_no_proof() {
    let [server, client] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
    let certificate = || Certificate::generate(&["localhost"]).unwrap();
    let mut listener =
        Endpoint::new(&server, b"chain").listen("127.0.0.1:0", certificate(), Page::default()).await.unwrap();
    let (peer, onwards) = (server.peer_key(), listener.address());
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let detour = between.local_addr().unwrap().to_string();
    let middle = tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(certificate().server_config().unwrap()));
        let mut near = acceptor.accept(between.accept().await.unwrap().0).await.unwrap();
        let Request::Upgrade { path, accept } = request(&mut near).await.unwrap() else {
            panic!("no upgrade")
        };
        assert_eq!(path, wire::path(&peer, &proof::exporter(near.get_ref().1).unwrap()));

        let mut far = dial(tls::web_client().unwrap(), onwards).await;
        assert!(ask(&mut far, &peer).await.starts_with("HTTP/1.1 101 "));
        upgrade(&mut near, &accept).await.unwrap();
        // The client closes the connection.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    });
    let refused = Endpoint::new(&client, b"chain").connect(&detour, peer).await;
    assert_eq!(refused.unwrap_err(), WebError::BadProof);
    middle.await.unwrap();
    assert!(listener.next().await.unwrap().1.is_err());
}
