//! Connecting to a node.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;

use super::proof;
use super::session::{Connection, Session, Stream, config};
use crate::endpoint::Endpoint;
use crate::identity::PeerKey;
use crate::web_error::WebError;
use crate::{tls, wire};

/// The other end of a stream.
pub(super) struct Remote<'a> {
    /// Its host and port, as the user gave them.
    pub(super) address: &'a str,
    pub(super) from: SocketAddr,
}

impl Endpoint {
    /// Connects to `address` (host and port), where the node `peer` must answer.
    ///
    /// # Errors
    /// [`WebError`] if the address is unreachable, another server or key answers, the peer does not prove its
    /// key, or is too slow.
    pub async fn connect(&self, address: &str, peer: PeerKey) -> Result<Session, WebError> {
        let late = |_| WebError::TimedOut;
        timeout(self.limits.handshake, self.dial(address, peer)).await.map_err(late)?
    }

    async fn dial(&self, address: &str, peer: PeerKey) -> Result<Session, WebError> {
        let unreachable = |kind| WebError::Unreachable { address: address.to_owned(), kind };
        let tcp = TcpStream::connect(address).await.map_err(|e| unreachable(e.kind()))?;
        tcp.set_nodelay(true)?;
        let remote = Remote { address, from: tcp.peer_addr()? };
        self.open(Box::new(tcp), &remote, peer).await
    }

    /// The client's part over a stream to `remote`.
    pub(super) async fn open(
        &self,
        stream: Stream,
        remote: &Remote<'_>,
        peer: PeerKey,
    ) -> Result<Session, WebError> {
        let Remote { address, from } = *remote;
        // As browsers do, send the server name if the address has a name, and none for an IP address.
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).unwrap_or_else(|_| tls::nameless());
        let tls = tls::web_client().map_err(|_| WebError::Protocol("TLS 1.3 is not available here"))?;
        let connector = TlsConnector::from(Arc::new(tls));
        let stream = connector.connect(name, stream).await.map_err(|_| WebError::NotThatPeer)?;
        if !tls::is_hybrid(stream.get_ref().1) {
            return Err(WebError::NotThatPeer);
        }
        let exporter = proof::exporter(stream.get_ref().1)?;
        let url = format!("wss://{address}{}", wire::path(&peer, &exporter));
        let (socket, _) = client_async_with_config(url, stream.into(), Some(config())).await?;
        let mut connection = Connection::new(socket, self.limits, from);
        proof::as_client(&mut connection, self, &peer, &exporter).await?;
        Ok(connection.session(peer, self, None))
    }
}
