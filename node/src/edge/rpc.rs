//! The server of `wire::rpc`: HTTP/1.1 on loopback, for programs on this machine that can read the node's token.
//!
//! ```text
//! POST /         token    JSON-RPC: question ─▶ the node's loop ─▶ answer
//! GET  /metrics  token    counts for Prometheus
//! GET  /health            200 while the node answers, else 503
//! ```
//!
//! Beside it lie `rpc.url` and `rpc.token` (mode 0600), new at each start and removed at the end. Refused before anything is read:
//! a Host that is not this machine's (a web page whose name was pointed here), an Origin (any web page), a wrong token
//! (compared in constant time). There is no CORS. Bounded: connections, bytes and time of a head and a body, time of an answer.
//!
//! Guaranteed: no request touches the ledger, only the loop's thread does; a request in flight when the server ends is answered.
//! Not guaranteed: anything against who can read the token, or is root here: they own the node.

mod http;
mod token;

pub(crate) use token::read_files;
pub use token::{TOKEN_FILE, Token, TokenError, URL_FILE};

use crate::edge::{asker::Asker, metrics::Counters};
use core::{convert::Infallible, net::SocketAddr, pin::pin, time::Duration};
use http::Desk;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rand_core::CryptoRngCore;
use sotto_mw::chain::Chain;
use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};
use token::Files;
use tokio::{
    runtime::Builder,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

/// Connections at a time.
const CONNECTIONS: usize = 32;
/// How long a head may take, and a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);
/// Most bytes of a head.
const MAX_HEAD: usize = 16 << 10;
/// How long answers in flight may take when the server ends.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Anybody could come.
    #[error(
        "{0} is no address of this machine alone: give 127.0.0.1 or [::1], and a tunnel to whoever is elsewhere"
    )]
    Public(SocketAddr),
    /// The operating system refuses the address.
    #[error("no program can be answered on {address}: {source}; give another address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The token cannot be kept.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    url: String,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    files: Files,
}

impl Server {
    /// Answers on `listen` for the node behind `asker`; `dir` is the node's folder.
    ///
    /// # Errors
    /// [`RpcError`].
    pub fn start(
        (dir, listen): (&Path, SocketAddr),
        (chain, asker, counters): (&Chain, Asker, Arc<Counters>),
        rng: &mut dyn CryptoRngCore,
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
        let desk = Arc::new(Desk::new(token, chain, asker, counters));
        let (end, ended) = watch::channel(false);
        let thread = thread::spawn(move || {
            runtime.block_on(serve(listener, &desk, ended));
            // Who still waits for the node's loop is told by the asker.
            runtime.shutdown_background();
        });
        Ok(Self { url, end, thread: Some(thread), files })
    }

    /// Where it answers.
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
            // It has nothing to tell but a defect, which was reported.
            let _ = thread.join();
        }
        self.files.remove();
    }
}

/// Takes connections until the end, and then waits for those that are being answered.
async fn serve(listener: TcpListener, desk: &Arc<Desk>, mut ended: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let seat = seats.clone().acquire_owned();
        let taken = tokio::select! {
            _ = ended.wait_for(|ended| *ended) => break,
            taken = async { (seat.await, listener.accept().await) } => taken,
        };
        let (Ok(seat), Ok((stream, _))) = taken else {
            // Out of file descriptors: it passes.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (desk, ended) = (desk.clone(), ended.clone());
        open.spawn(async move {
            connection(TokioIo::new(stream), desk, ended).await;
            drop(seat);
        });
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = timeout(GOODBYE, async { while open.join_next().await.is_some() {} }).await;
}

/// Answers one connection, and at the end of the server what was asked on it until then.
async fn connection(io: TokioIo<tokio::net::TcpStream>, desk: Arc<Desk>, mut ended: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.respond(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(io, service));
    // What goes wrong on a connection is told to its other end.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
