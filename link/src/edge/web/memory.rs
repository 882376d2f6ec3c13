//! The in-memory twin of a connection between nodes, for tests and examples.
//!
//! ```text
//! client ──▶ duplex buffer of 64 KiB ──▶ server        both directions; TLS, HTTP and proofs as over TCP
//! ```
//!
//! Only the network is missing: each end runs the code that [`Endpoint::connect`] and [`Endpoint::listen`]
//! run once TCP is connected. There is no listener, so nothing counts connections. On a runtime whose clock
//! is paused, a test of a session's time limits takes no time.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::duplex;
use tokio::time::timeout;

use super::client::Remote;
use super::server::Server;
use super::session::Session;
use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::http::Page;
use crate::web_error::WebError;

/// Bytes that the network holds in each direction.
const BUFFER: usize = 64 << 10;
/// The name in the server's certificate and in the client's request.
const HOST: &str = "localhost";

/// Both ends of a session in memory: the client's first. Each sees the other at port 0 of this machine.
///
/// ```
/// use sotto_link::{Identity, web::{Endpoint, in_memory}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let [alice, bob] = [1, 2].map(|n| Endpoint::new(&Identity::from_seed(&[n; 32]), b"chain"));
/// let (to_bob, mut to_alice) = in_memory(&alice, &bob).await?;
/// to_bob.sender.send(*b"a frame").await?;
/// assert_eq!(to_alice.receiver.next().await?, Some(b"a frame".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`WebError`] as for [`Endpoint::connect`], of the client if both ends fail.
pub async fn in_memory(client: &Endpoint, server: &Endpoint) -> Result<(Session, Session), WebError> {
    let unusable = |_| WebError::Protocol("no certificate can be made here");
    let certificate = Certificate::generate(&[HOST]).map_err(unusable)?;
    let (peer, from) = (server.us.peer_key(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listening = Server::new(server, certificate, Page::default()).map_err(unusable)?;
    let (near, far) = duplex(BUFFER);
    let remote = Remote { address: HOST, from };
    let (connected, received) = tokio::join!(
        timeout(client.limits.handshake, client.open(Box::new(near), &remote, peer)),
        timeout(server.limits.handshake, listening.receive(Box::new(far), from, None)),
    );
    let late = |_| WebError::TimedOut;
    Ok((connected.map_err(late)??, received.map_err(late)??))
}
