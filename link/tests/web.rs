//! Nodes over loopback; strangers, browsers, a censor's rules, and peers that are slow, silent or of another
//! chain.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, unreachable_pub)]

#[path = "support/look.rs"]
mod look;
#[path = "support/tap.rs"]
mod tap;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use look::{Way, bytes, is_exempt, is_inconspicuous, ndpi};
use sotto_link::web::{
    Certificate, Cover, Endpoint, Limits, Listener, Page, SendError, Session, WebError, in_memory,
};
use sotto_link::{Identity, PeerKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const CHAIN: &[u8] = b"chain";

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

fn key(n: u8) -> PeerKey {
    identity(n).peer_key()
}

fn node(n: u8) -> Endpoint {
    Endpoint::new(&identity(n), CHAIN)
}

async fn listen(endpoint: &Endpoint) -> Listener {
    listen_as(endpoint, Certificate::generate(&["localhost"]).unwrap()).await
}

async fn listen_as(endpoint: &Endpoint, certificate: Certificate) -> Listener {
    endpoint.listen("127.0.0.1:0", certificate, Page::default()).await.unwrap()
}

async fn over_loopback(client: &Endpoint, server: &Endpoint) -> (Session, Session) {
    let mut listener = listen(server).await;
    let address = listener.address().to_string();
    let (near, far) = tokio::join!(client.connect(&address, key(1)), listener.next());
    (near.unwrap(), far.unwrap().1.unwrap())
}

#[tokio::test]
async fn frames_of_any_length_arrive_in_both_directions_until_the_close() {
    exchange(over_loopback(&node(2), &node(1)).await).await;
    exchange(in_memory(&node(2), &node(1)).await.unwrap()).await;
}

async fn exchange(ends: (Session, Session)) {
    let (mut a, mut b) = ends;
    assert_eq!((a.peer, b.peer), (key(1), key(2)));
    for length in [0, 1, 1019, 1020, 70_000, 1_000_000] {
        let frame: Vec<u8> = (0..length).map(|i| (i ^ (i >> 8)) as u8).collect();
        a.sender.send(frame.clone()).await.unwrap();
        let received = b.receiver.next().await.unwrap().unwrap();
        assert!(received == frame, "{length} bytes");
        b.sender.try_send(received).unwrap();
        assert!(a.receiver.next().await.unwrap().unwrap() == frame);
    }
    a.sender.try_send(*b"last").unwrap();
    drop(a.sender);
    assert_eq!(b.receiver.next().await, Ok(Some(b"last".to_vec())));
    assert_eq!(b.receiver.next().await, Ok(None));
}

#[tokio::test]
async fn a_client_with_another_key_gets_the_web_page() {
    let mut listener = listen(&node(1)).await;
    let address = listener.address().to_string();
    assert_eq!(node(2).connect(&address, key(3)).await.unwrap_err(), WebError::NotThatPeer);
    let (_, stranger) = listener.next().await.unwrap();
    assert_eq!(stranger.unwrap_err(), WebError::Stranger("it requested a web page"));
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused() {
    let mut listener = listen(&node(1)).await;
    let address = listener.address().to_string();
    let other = Endpoint::new(&identity(2), b"another chain");
    assert_eq!(other.connect(&address, key(1)).await.unwrap_err(), WebError::BadProof);
    assert!(listener.next().await.unwrap().1.is_err());
    assert_eq!(in_memory(&other, &node(1)).await.unwrap_err(), WebError::BadProof);
}

/// A TLS client that trusts this certificate.
fn browser(certificate: &Certificate) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.to_der().0.into()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// The response to a browser that sends `request`.
async fn browse(browser: &TlsConnector, address: SocketAddr, request: &str) -> String {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = browser.connect(name, tcp).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_browser_sees_only_a_web_site() {
    let certificate = Certificate::generate(&["localhost"]).unwrap();
    let browser = browser(&certificate);
    let listener = listen_as(&node(1), certificate).await;
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let page = browse(&browser, listener.address(), &get("/", "")).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\nDate: ") && page.ends_with(&Page::default().html), "{page}");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let guess = format!("/{}", "0".repeat(32));
    let missing = browse(&browser, listener.address(), &get(&guess, "")).await;
    assert!(missing.starts_with("HTTP/1.1 404 Not Found\r\n"), "{missing}");
    let refused = browse(&browser, listener.address(), &get(&guess, upgrade)).await;
    let without_date =
        |text: &str| text.lines().filter(|l| !l.starts_with("Date")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_date(&refused), without_date(&missing), "a wrong path gets the usual response");
    let odd = browse(&browser, listener.address(), "BREW /tea HTTP/1.1\r\n\r\n").await;
    assert!(odd.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{odd}");
    let endless = browse(&browser, listener.address(), &"x".repeat(8 << 10)).await;
    assert!(endless.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{endless}");
}

#[tokio::test]
async fn garbage_gets_only_a_tls_alert() {
    let listener = listen(&node(1)).await;
    for garbage in [&[0xffu8; 300][..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"] {
        let mut tcp = TcpStream::connect(listener.address()).await.unwrap();
        tcp.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        // The server may close before it has read everything.
        let _ = tcp.read_to_end(&mut answer).await;
        assert!(matches!(answer[..], [] | [0x15, 3, 3, 0, 2, 2, _]), "{answer:x?}");
    }
}

#[tokio::test]
async fn first_payloads_look_like_tls_and_sizes_are_few() {
    let mut listener = listen(&node(1)).await;
    let (detour, tape) = tap::tap(listener.address()).await;
    let near = node(2).with_cover(Cover::Mean(Duration::from_millis(2)));
    let address = detour.to_string();
    let (near, far) = tokio::join!(near.connect(&address, key(1)), listener.next());
    let (near, mut far) = (near.unwrap(), far.unwrap().1.unwrap());
    for length in [10, 3000, 900, 12_000] {
        near.sender.send(vec![1; length]).await.unwrap();
        assert_eq!(far.receiver.next().await.unwrap().unwrap().len(), length);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(is_inconspicuous(&tape));
    let sent = bytes(&tape, Way::ToServer);
    let records = records(&sent);
    // After ClientHello and request: messages of 1, 4 and 16 KiB with the headers of WebSocket (8) and TLS
    // (17).
    let messages = &records[records.len() - 8..];
    // A message of 16 KiB is a full record and a short one.
    let known = [1049, 4121, 16_401, 25];
    assert!(messages.iter().all(|size| known.contains(size)), "{messages:?}");
    let small = records.iter().filter(|size| **size == 1049).count();
    assert!(small > 4, "cover traffic was sent besides the frames: {small}");

    let mut noise = vec![0u8; 400];
    noise.iter_mut().enumerate().for_each(|(i, b)| *b = (i as u8).wrapping_mul(151) ^ 0xa5);
    assert!(!is_exempt(&noise), "the rule detects random bytes");
}

/// The lengths of the TLS records with application data.
fn records(mut stream: &[u8]) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let [kind, 3, 3 | 1, a, b, rest @ ..] = stream {
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        let Some(rest) = rest.get(length..) else { break };
        if *kind == 0x17 {
            sizes.push(length);
        }
        stream = rest;
    }
    sizes
}

#[tokio::test]
async fn ndpi_classifies_it_as_tls() {
    let mut listener = listen(&node(1)).await;
    let (detour, tape) = tap::tap(listener.address()).await;
    // By name: nDPI flags a ClientHello without a server name, also one of a browser that opens an IP
    // address.
    let (endpoint, address) = (node(2), format!("localhost:{}", detour.port()));
    let (near, far) = tokio::join!(endpoint.connect(&address, key(1)), listener.next());
    let (near, mut far) = (near.unwrap(), far.unwrap().1.unwrap());
    near.sender.send(vec![1; 5000]).await.unwrap();
    far.receiver.next().await.unwrap();

    let Some(flow) = ndpi(&tape) else { return };
    assert!(flow.contains("/TLS") && !flow.contains("Unknown"), "{flow}");
    assert!(!flow.contains("Risk"), "{flow}");
}

#[tokio::test]
async fn limits_are_enforced() {
    let small = Limits { frame: 2000, backlog: 4000, ..Limits::default() };
    let (mut a, mut b) = in_memory(&node(2).with_limits(small), &node(1)).await.unwrap();
    assert_eq!(a.sender.try_send(vec![0; 2001]), Err(SendError::TooLong { limit: 2000 }));
    b.sender.send(vec![0; 2001]).await.unwrap();
    assert_eq!(a.receiver.next().await, Err(WebError::TooLong { limit: 2000 }));

    // `b` does not read: the network's buffers fill up, then ours.
    let full = (0..100_000).map(|_| a.sender.try_send(vec![0; 2000])).find(Result::is_err);
    assert_eq!(full, Some(Err(SendError::Full)));
    assert_eq!(b.receiver.next().await.unwrap().unwrap().len(), 2000);
}

/// Two nodes, the second of which does not read: the network's buffers and the first node's backlog are full.
async fn stuck() -> (Session, Session) {
    let small =
        Limits { frame: 2000, backlog: 100_000, handshake: Duration::from_secs(3), ..Limits::default() };
    let (a, b) = in_memory(&node(2).with_limits(small), &node(1)).await.unwrap();
    let room = Duration::from_millis(500);
    while tokio::time::timeout(room, a.sender.send(vec![0; 2000])).await.is_ok() {}
    assert_eq!(a.sender.try_send(vec![0; 2000]), Err(SendError::Full));
    (a, b)
}

#[tokio::test]
async fn a_backlog_drains_as_the_peer_reads() {
    let (a, mut b) = stuck().await;
    let early = tokio::time::timeout(Duration::from_millis(50), a.receiver.drained()).await;
    assert!(early.is_err(), "the peer has read nothing");
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = b.receiver.next().await {} });
    a.receiver.drained().await;
    assert_eq!(a.sender.try_send(vec![0; 2000]), Ok(()));
    drop(a);
    reading.await.unwrap();
}

#[tokio::test]
async fn a_session_ends_soon_after_its_receiver_even_with_a_backlog() {
    let (Session { sender, receiver, .. }, _b) = stuck().await;
    drop(receiver);
    assert_eq!(sender.send(vec![0; 2000]).await, Err(SendError::Ended));
}

/// The clock is paused: it jumps to the next timer whenever no task can go on.
#[tokio::test(start_paused = true)]
async fn quiet_peers_stay_connected_and_silent_ones_time_out() {
    let (a, mut b) = in_memory(&node(2), &node(1)).await.unwrap();
    let idle = Limits::default().idle;
    // `a` does not read: what `b` sends to it meanwhile fits the buffer.
    let quiet = tokio::time::timeout(10 * idle, b.receiver.next()).await;
    assert!(quiet.is_err(), "still waiting: {quiet:?}");
    a.sender.try_send(*b"hello").unwrap();
    assert_eq!(b.receiver.next().await, Ok(Some(b"hello".to_vec())));

    // A peer that sends nothing at all, because its own limits are long.
    let mute = node(2).with_limits(Limits { idle: 4 * idle, ..Limits::default() });
    let (_a, mut b) = in_memory(&mute, &node(1)).await.unwrap();
    assert_eq!(b.receiver.next().await, Err(WebError::TimedOut));
}

#[tokio::test]
async fn an_absent_and_a_silent_server_are_errors() {
    let (client, address) = {
        let limits = Limits { handshake: Duration::from_secs(2), ..Limits::default() };
        (node(2).with_limits(limits), listen(&node(1)).await.address().to_string())
    };
    // The listener is gone, as soon as its task has noticed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(client.connect(&address, key(1)).await, Err(WebError::Unreachable { .. })));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    assert_eq!(client.connect(&address, key(1)).await.unwrap_err(), WebError::TimedOut);
}
