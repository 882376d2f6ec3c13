//! Being reached: peers get a session, everybody else a web page.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::http::{self, Page, Request};
use super::seats::{Seat, Seats};
use super::session::{Ends, Session, config};
use super::{Certificate, CertificateError, Endpoint, WebError, proof};
use crate::wire;

/// Strangers who may be in their handshake at a time.
const GUESTS: usize = 64;

/// Waits at an address. Dropping it stops that; sessions go on.
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
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who comes next: a peer, or why somebody got no session. `None` when listening ended. Under a flood not every stranger is
    /// reported.
    pub async fn next(&mut self) -> Option<(SocketAddr, Result<Session, WebError>)> {
        self.arrivals.recv().await
    }
}

/// What every arrival needs.
struct Server {
    endpoint: Endpoint,
    tls: TlsAcceptor,
    page: Page,
}

impl Endpoint {
    /// Listens at `address`; port 0 picks a free port. Up to 64 handshakes go on at a time.
    ///
    /// # Errors
    /// If the address is taken or stands for none, or the certificate cannot be used.
    pub async fn listen(
        &self,
        address: &str,
        certificate: Certificate,
        page: Page,
    ) -> Result<Listener, ListenError> {
        let tls = TlsAcceptor::from(Arc::new(certificate.server_config()?));
        let taken = |e: std::io::Error| ListenError::Address { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).await.map_err(taken)?;
        let address = tcp.local_addr().map_err(taken)?;
        let (report, arrivals) = mpsc::channel(GUESTS);
        let server = Arc::new(Server { endpoint: self.clone(), tls, page });
        let accepting = tokio::spawn(accept(tcp, server, report));
        Ok(Listener { address, arrivals, accepting })
    }
}

/// Why nobody listens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or stands for none.
    #[error("{address} cannot be listened at: {kind}")]
    Address {
        /// The address, as it was given.
        address: String,
        /// What the system said.
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
    let places = Arc::new(Semaphore::new(GUESTS));
    let seats = Seats::new(server.endpoint.limits.from_one);
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, from)) = tcp.accept().await else {
            // Out of descriptors, for example: others have to go first.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Who has its seats already is hung up on, before any work.
        let Some(seat) = seats.take(from.ip()) else { continue };
        let (server, report) = (server.clone(), report.clone());
        tokio::spawn(async move {
            let came = timeout(server.endpoint.limits.handshake, server.receive((stream, from), seat)).await;
            drop(place);
            match came.unwrap_or(Err(WebError::TimedOut)) {
                // A peer waits for his place; a stranger who is not reported is no loss.
                Ok(session) => drop(report.send((from, Ok(session))).await),
                Err(e) => drop(report.try_send((from, Err(e)))),
            }
        });
    }
}

impl Server {
    async fn receive(&self, (tcp, from): (TcpStream, SocketAddr), seat: Seat) -> Result<Session, WebError> {
        tcp.set_nodelay(true)?;
        let mut stream = self.tls.accept(tcp).await.map_err(|_| WebError::Stranger("speaks no TLS 1.3"))?;
        let exporter = proof::exporter(stream.get_ref().1)?;
        let path = wire::path(&self.endpoint.us.peer_key(), &exporter);
        let request = http::request(&mut stream).await?;
        match &request {
            Request::Upgrade { path: asked, accept }
                if http::same(asked, &path) && proof::is_hybrid(stream.get_ref().1) =>
            {
                http::switch(&mut stream, accept).await?;
            }
            _ => {
                http::answer(&mut stream, &request, &self.page).await?;
                return Err(WebError::Stranger("asked for a web page"));
            }
        }
        let socket = WebSocketStream::from_raw_socket(stream.into(), Role::Server, Some(config())).await;
        let mut ends = Ends::new(socket, self.endpoint.limits);
        let peer = proof::as_server(&mut ends, &self.endpoint, &exporter).await?;
        Ok(ends.session((peer, from), &self.endpoint, Some(seat)))
    }
}
