//! The mutual authentication of two nodes, inside TLS and WebSocket.
//!
//! ```text
//! client ──▶ hello (its key)
//!        ◀── signature under "sotto web server v1"
//!        ──▶ signature under "sotto web client v1"
//! ```
//!
//! Both sign one statement: the context, the exporter of this TLS connection (RFC 9266), the server's key,
//! the client's key. The tags differ, so a signature cannot be replayed to its author. The server signs
//! first; it reveals nothing, because the client's path has shown that it knows the server's key.

use rustls::ConnectionCommon;

use super::session::Connection;
use crate::endpoint::Endpoint;
use crate::identity::PeerKey;
use crate::web_error::WebError;
use crate::{tls, wire};

/// Longest message of the proof.
const LIMIT: usize = 64;
pub(super) const SERVER: &str = "sotto web server v1";
pub(super) const CLIENT: &str = "sotto web client v1";

/// The channel binding of a TLS connection.
pub(super) fn exporter<T>(connection: &ConnectionCommon<T>) -> Result<[u8; 32], WebError> {
    tls::exporter(connection).map_err(|_| WebError::Protocol("the TLS handshake is not complete"))
}

/// The client's part.
pub(super) async fn as_client(
    connection: &mut Connection,
    endpoint: &Endpoint,
    server: &PeerKey,
    exporter: &[u8; 32],
) -> Result<(), WebError> {
    let statement = wire::statement(&endpoint.context, exporter, server, &endpoint.us.peer_key());
    connection.outbound.frame(&wire::hello(&endpoint.us.peer_key())).await?;
    let signature = signature(connection).await?;
    server.verify(SERVER, &statement, &signature).map_err(|_| WebError::BadProof)?;
    connection.outbound.frame(&endpoint.us.sign(CLIENT, &statement)).await
}

/// The server's part. Returns the client's key.
pub(super) async fn as_server(
    connection: &mut Connection,
    endpoint: &Endpoint,
    exporter: &[u8; 32],
) -> Result<PeerKey, WebError> {
    let hello = connection.inbound.frame(LIMIT).await?.ok_or(WebError::Closed)?;
    let client = wire::client_of_hello(&hello).ok_or(WebError::Protocol("invalid hello"))?;
    let statement = wire::statement(&endpoint.context, exporter, &endpoint.us.peer_key(), &client);
    connection.outbound.frame(&endpoint.us.sign(SERVER, &statement)).await?;
    let signature = signature(connection).await?;
    client.verify(CLIENT, &statement, &signature).map_err(|_| WebError::BadProof)?;
    Ok(client)
}

async fn signature(connection: &mut Connection) -> Result<[u8; 64], WebError> {
    let bytes = connection.inbound.frame(LIMIT).await?.ok_or(WebError::BadProof)?;
    bytes.try_into().map_err(|_| WebError::BadProof)
}
