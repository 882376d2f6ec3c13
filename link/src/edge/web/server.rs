//! Accepting connections: nodes get a session, all other clients a web page.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::session::{Connection, Session, Stream, config};
use super::{http, proof};
use crate::certificate::{Certificate, CertificateError};
use crate::connection_limits::{ConnectionLimits, ConnectionPermit};
use crate::endpoint::Endpoint;
use crate::http::{Page, Request, same_path};
use crate::web_error::WebError;
use crate::{tls, wire};

/// Handshakes at a time.
const HANDSHAKES: usize = 64;

/// Accepts connections at an address. Dropping it stops that; open sessions continue.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    arrivals: mpsc::Receiver<(SocketAddr, Result<Session, WebError>)>,
    accepting: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener {
    /// The address it listens at.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next client's address, with its session or the reason why it got none. `None` once listening has
    /// ended. Under a flood not every failure is reported.
    pub async fn next(&mut self) -> Option<(SocketAddr, Result<Session, WebError>)> {
        self.arrivals.recv().await
    }
}

/// The state that all connections share.
pub(super) struct Server {
    endpoint: Endpoint,
    tls: TlsAcceptor,
    page: Page,
}

impl Endpoint {
    /// Listens at `address`; port 0 picks a free port. Up to 64 handshakes go on at a time.
    ///
    /// # Errors
    /// [`ListenError`] if the address is in use or does not exist, or the certificate cannot be used.
    pub async fn listen(
        &self,
        address: &str,
        certificate: Certificate,
        page: Page,
    ) -> Result<Listener, ListenError> {
        let server = Server::new(self, certificate, page)?;
        let failed = |e: std::io::Error| ListenError::Address { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let (report, arrivals) = mpsc::channel(HANDSHAKES);
        let accepting = tokio::spawn(accept(tcp, Arc::new(server), report));
        Ok(Listener { address, arrivals, accepting })
    }
}

/// Why a node cannot listen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is in use or does not exist.
    #[error("cannot listen at {address}: {kind}")]
    Address {
        /// The address, as given.
        address: String,
        /// The error of the operating system.
        kind: ErrorKind,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

async fn accept(
    tcp: TcpListener,
    server: Arc<Server>,
    report: mpsc::Sender<(SocketAddr, Result<Session, WebError>)>,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let connections = ConnectionLimits::new(server.endpoint.limits.from_one);
    while let Ok(handshake) = handshakes.clone().acquire_owned().await {
        let Ok((stream, from)) = tcp.accept().await else {
            // Out of file descriptors, for example: wait until other connections end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // An address with too many connections is dropped before any work.
        let Some(permit) = connections.permit(from.ip()) else { continue };
        let (server, report) = (server.clone(), report.clone());
        tokio::spawn(async move {
            let receiving = async {
                stream.set_nodelay(true)?;
                server.receive(Box::new(stream), from, Some(permit)).await
            };
            let came = timeout(server.endpoint.limits.handshake, receiving).await;
            drop(handshake);
            match came.unwrap_or(Err(WebError::TimedOut)) {
                // A session waits until it can be reported; a failure may go unreported.
                Ok(session) => drop(report.send((from, Ok(session))).await),
                Err(e) => drop(report.try_send((from, Err(e)))),
            }
        });
    }
}

impl Server {
    pub(super) fn new(
        endpoint: &Endpoint,
        certificate: Certificate,
        page: Page,
    ) -> Result<Self, CertificateError> {
        let tls = TlsAcceptor::from(Arc::new(certificate.server_config()?));
        Ok(Self { endpoint: endpoint.clone(), tls, page })
    }

    /// Gives one client a session, or the web page and an error. A listener's client holds a `permit`.
    pub(super) async fn receive(
        &self,
        stream: Stream,
        from: SocketAddr,
        permit: Option<ConnectionPermit>,
    ) -> Result<Session, WebError> {
        let mut stream =
            self.tls.accept(stream).await.map_err(|_| WebError::Stranger("it does not speak TLS 1.3"))?;
        let exporter = proof::exporter(stream.get_ref().1)?;
        let path = wire::path(&self.endpoint.us.peer_key(), &exporter);
        let request = http::request(&mut stream).await?;
        match &request {
            Request::Upgrade { path: asked, accept }
                if same_path(asked, &path) && tls::is_hybrid(stream.get_ref().1) =>
            {
                http::upgrade(&mut stream, accept).await?;
            }
            _ => {
                http::respond(&mut stream, &request, &self.page).await?;
                return Err(WebError::Stranger("it requested a web page"));
            }
        }
        let socket = WebSocketStream::from_raw_socket(stream.into(), Role::Server, Some(config())).await;
        let mut connection = Connection::new(socket, self.endpoint.limits, from);
        let peer = proof::as_server(&mut connection, &self.endpoint, &exporter).await?;
        Ok(connection.session(peer, &self.endpoint, permit))
    }
}
