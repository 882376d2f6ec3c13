//! The RPC server: [`crate::rpc`] over HTTP/1.1 on loopback, for programs on this machine that can read the
//! node's token.
//!
//! ```text
//! POST /         token    JSON-RPC: request ─▶ event loop ─▶ response
//! GET  /metrics  token    metrics for Prometheus
//! GET  /health            200 while the node answers, else 503
//! ```
//!
//! The files `rpc.url` and `rpc.token` (mode 0600) are written at each start and removed at the end. Rejected
//! before anything is read: a Host that is not this machine (DNS rebinding), an Origin (any web page), a
//! wrong token (compared in constant time). There is no CORS. Bounded: connections, bytes and time of a head
//! and a body, time of a response.
//!
//! Guaranteed: only the thread of the event loop touches the ledger; a request in flight when the server ends
//! gets its response. Not guaranteed: protection from a program that can read the token or runs as root; it
//! controls the node.

mod calls;
mod gate;
mod http;
mod token;

pub use calls::{Answer, Call};
pub(crate) use http::Service;
use token::Files;
pub(crate) use token::read_files;
pub use token::{TOKEN_FILE, Token, TokenError, URL_FILE};

use calls::Calls;
use core::{convert::Infallible, net::SocketAddr, pin::pin, time::Duration};
use gate::Respond;
use http::Handler;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rand_core::CryptoRngCore;
use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::{
    runtime::Builder,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

/// Connections at a time.
const CONNECTIONS: usize = 32;
/// How long a head may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);
/// Most bytes of a head.
const MAX_HEAD: usize = 16 << 10;
/// How long responses in flight may take when the server ends.
const CLOSING: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Other machines could reach the address.
    #[error("invalid RPC address {0}: expected 127.0.0.1 or [::1]; use a tunnel from other machines")]
    Public(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen for RPC at {address}: {source}; give another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The token cannot be written.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    url: String,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    files: Files,
}

impl Server {
    /// Starts a server at `listen`; `dir` is the node's folder.
    ///
    /// # Errors
    /// [`RpcError`].
    pub(crate) fn start(
        dir: &Path,
        listen: SocketAddr,
        service: Service,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, RpcError> {
        Self::serving(dir, listen, rng, |token| Handler::new(token, service))
    }

    /// Starts a server of a program's own calls, each of at most `most` bytes; `dir` gets the files that tell
    /// other programs where to ask.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn of_calls(
        dir: &Path,
        most: usize,
        call: Arc<Call>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, RpcError> {
        let anywhere = SocketAddr::from((core::net::Ipv4Addr::LOCALHOST, 0));
        Self::serving(dir, anywhere, rng, |token| Calls { token, most, call })
    }

    fn serving<R: Respond>(
        dir: &Path,
        listen: SocketAddr,
        rng: &mut dyn CryptoRngCore,
        handler: impl FnOnce(Token) -> R,
    ) -> Result<Self, RpcError> {
        if !listen.ip().is_loopback() {
            return Err(RpcError::Public(listen));
        }
        let failed = |source| RpcError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let token = Token::generate(rng);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let files = Files::write(dir, &url, &token)?;
        let handler = Arc::new(handler(token));
        let (end, ended) = watch::channel(false);
        let thread = thread::spawn(move || {
            runtime.block_on(serve(listener, &handler, ended));
            // The handle ends requests that still wait for the event loop.
            runtime.shutdown_background();
        });
        Ok(Self { url, end, thread: Some(thread), files })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file that holds the token.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.files.token()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was reported there.
            let _ = thread.join();
        }
        self.files.remove();
    }
}

/// Accepts connections until the end, then waits for responses in flight.
async fn serve<R: Respond>(listener: TcpListener, handler: &Arc<R>, mut ended: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned();
        let accepted = tokio::select! {
            _ = ended.wait_for(|ended| *ended) => break,
            accepted = async { (permit.await, listener.accept().await) } => accepted,
        };
        let (Ok(permit), Ok((stream, _))) = accepted else {
            // Out of file descriptors, for example: wait until other connections end.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // An answer is one write, which waits for nothing.
        let _ = stream.set_nodelay(true);
        let (handler, ended) = (handler.clone(), ended.clone());
        open.spawn(async move {
            connection(TokioIo::new(stream), handler, ended).await;
            drop(permit);
        });
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = timeout(CLOSING, async { while open.join_next().await.is_some() {} }).await;
}

/// Serves one connection. At the end of the server it still responds to requests in flight.
async fn connection<R: Respond>(
    io: TokioIo<tokio::net::TcpStream>,
    handler: Arc<R>,
    mut ended: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handler.respond(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(io, service));
    // Errors of a connection concern only its client.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
