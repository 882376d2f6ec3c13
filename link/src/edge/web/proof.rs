//! How two nodes show each other who they are, inside TLS and WebSocket.
//!
//! ```text
//! client ▶ hello (its key)      server ▶ signature "sotto web server v1"      client ▶ signature "sotto web client v1"
//! ```
//!
//! Both sign one statement: context, exporter of this TLS connection (RFC 9266), the server's key, the client's key. The tags differ, so that no
//! signature can be played back to the other side. The server signs first: it has nothing to lose, since the client's path
//! showed that it knows the server's key.

use rustls::{CommonState, ConnectionCommon, NamedGroup};

use super::session::Ends;
use super::{Endpoint, WebError};
use crate::identity::PeerKey;
use crate::wire;

/// Longest message of the proof.
const LIMIT: usize = 64;
const SERVER: &str = "sotto web server v1";
const CLIENT: &str = "sotto web client v1";

/// Whether the key exchange is the one that quantum computers do not undo.
pub(super) fn is_hybrid(tls: &CommonState) -> bool {
    tls.negotiated_key_exchange_group().is_some_and(|group| group.name() == NamedGroup::X25519MLKEM768)
}

/// What this TLS connection alone has (RFC 9266, 2).
pub(super) fn exporter<T>(tls: &ConnectionCommon<T>) -> Result<[u8; 32], WebError> {
    let binding = tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
    binding.map_err(|_| WebError::Protocol("TLS is not finished"))
}

/// The client's part.
pub(super) async fn as_client(
    ends: &mut Ends,
    we: &Endpoint,
    server: &PeerKey,
    exporter: &[u8; 32],
) -> Result<(), WebError> {
    let statement = wire::statement(&we.context, exporter, server, &we.us.peer_key());
    ends.outbound.frame(&wire::hello(&we.us.peer_key())).await?;
    let signature = signature(ends).await?;
    server.verify(SERVER, &statement, &signature).map_err(|_| WebError::BadProof)?;
    ends.outbound.frame(&we.us.sign(CLIENT, &statement)).await
}

/// The server's part; the client's key.
pub(super) async fn as_server(
    ends: &mut Ends,
    we: &Endpoint,
    exporter: &[u8; 32],
) -> Result<PeerKey, WebError> {
    let hello = ends.inbound.frame(LIMIT).await?.ok_or(WebError::Closed)?;
    let client = wire::client_of_hello(&hello).ok_or(WebError::Protocol("its hello is none"))?;
    let statement = wire::statement(&we.context, exporter, &we.us.peer_key(), &client);
    ends.outbound.frame(&we.us.sign(SERVER, &statement)).await?;
    let signature = signature(ends).await?;
    client.verify(CLIENT, &statement, &signature).map_err(|_| WebError::BadProof)?;
    Ok(client)
}

async fn signature(ends: &mut Ends) -> Result<[u8; 64], WebError> {
    let bytes = ends.inbound.frame(LIMIT).await?.ok_or(WebError::BadProof)?;
    bytes.try_into().map_err(|_| WebError::BadProof)
}
