//! A man in the middle that terminates TLS on both sides and even knows the server's peer key.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::http::{request, upgrade};
use super::proof;
use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::http::{Page, Request};
use crate::identity::Identity;
use crate::web_error::WebError;
use crate::{tls, wire};

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

        let connector = TlsConnector::from(Arc::new(tls::web_client().unwrap()));
        let tcp = TcpStream::connect(onwards).await.unwrap();
        let mut far = connector.connect(tls::nameless(), tcp).await.unwrap();
        let path = wire::path(&peer, &proof::exporter(far.get_ref().1).unwrap());
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        far.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(far.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
        upgrade(&mut near, &accept).await.unwrap();
        // The client closes the connection.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    });
    let refused = Endpoint::new(&client, b"chain").connect(&detour, peer).await;
    assert_eq!(refused.unwrap_err(), WebError::BadProof);
    middle.await.unwrap();
    assert!(listener.next().await.unwrap().1.is_err());
}
