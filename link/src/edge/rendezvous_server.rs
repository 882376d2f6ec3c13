//! The rendezvous server: accepts two parties that cannot accept connections themselves, and forwards their
//! bytes.
//!
//! ```text
//! party ──pinned TLS──▶ request (meeting, peer) ──▶ waiting … ──▶ connected ──▶ forward ◀── other party
//! ```
//!
//! Clients prove keys that the server's operator has pinned. The forwarded bytes are a pinned channel of
//! their own, end to end ([`meet`](super::meet::meet)): the server learns who meets whom, when, and how much
//! they send. If it alters a byte, the connection ends.
//!
//! [`Quotas`] bounds what clients can make a server store and do; [`Meetings`] decides who meets whom.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::channel::{self, READY};
use crate::connection_limits::{Admission, HandshakeSlots};
use crate::error::LinkError;
use crate::identity::{Identity, PeerKey};
use crate::meetings::{Meetings, OpenConnections, Quotas};
use crate::tls;
use crate::token_bucket::TokenBucket;
use crate::wire::{MeetingRequest, RENDEZVOUS, REQUEST, Status};

/// Bytes forwarded at once.
const CHUNK: usize = 16 << 10;
/// How often a waiting party receives [`Status::Waiting`], which also finds dead connections.
const TICK: Duration = Duration::from_secs(1);

/// An event for the server's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was refused.
    Refused(SocketAddr, LinkError),
    /// The first party waits for the second.
    Waiting(PeerKey, PeerKey),
    /// A pair has ended, after this many bytes.
    Ended(PeerKey, PeerKey, u64),
}

/// A server's identity, the clients it accepts, and what they may use.
#[derive(Debug)]
pub struct Config<'a> {
    /// The server's identity.
    pub identity: &'a Identity,
    /// The keys of its clients.
    pub allowed: BTreeSet<PeerKey>,
    /// What clients may use.
    pub quotas: Quotas,
}

/// A rendezvous server that listens.
#[derive(Debug)]
pub struct Server {
    tcp: TcpListener,
    state: Arc<State>,
}

type Stream = TlsStream<TcpStream>;

struct State {
    tls: TlsAcceptor,
    quotas: Quotas,
    /// Permits for connections that have proved a key.
    connections: Arc<Semaphore>,
    handshakes: Mutex<HandshakeSlots<oneshot::Sender<()>>>,
    open: Mutex<OpenConnections>,
    meetings: Mutex<Meetings<oneshot::Sender<Client>>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("quotas", &self.quotas).finish_non_exhaustive()
    }
}

/// A counted connection of a key; dropping it closes the count.
struct Counted(Arc<State>, PeerKey);

impl Drop for Counted {
    fn drop(&mut self) {
        lock(&self.0.open).close(self.1);
    }
}

/// A client that has proved a key, and its share of the quotas.
struct Client {
    stream: Stream,
    _counted: Counted,
    _connection: OwnedSemaphorePermit,
}

/// A connection in its handshake: its slot, and the signal that evicts it.
struct Handshake {
    slot: u64,
    evicted: oneshot::Receiver<()>,
}

/// A client's stream, its key and its request.
struct Greeting {
    stream: Stream,
    us: PeerKey,
    request: MeetingRequest,
}

/// A panic cannot leave these maps half changed, so a poisoned lock is used as it is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Listens at `address` for the allowed clients; port 0 picks a free port.
    ///
    /// # Errors
    /// [`LinkError::CannotListen`] if the address is in use or does not exist.
    pub async fn bind(address: &str, config: Config<'_>) -> Result<Self, LinkError> {
        let Config { identity, allowed, quotas } = config;
        let tls = TlsAcceptor::from(channel::server_config(identity, allowed, RENDEZVOUS)?);
        let failed =
            |e: std::io::Error| LinkError::CannotListen { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let connections = Arc::new(Semaphore::new(quotas.connections));
        let (handshakes, open, meetings) = (Mutex::default(), Mutex::default(), Mutex::default());
        let state = State { tls, quotas, connections, handshakes, open, meetings };
        Ok(Self { tcp, state: Arc::new(state) })
    }

    /// The address it listens at.
    ///
    /// # Errors
    /// [`LinkError::Io`] if the operating system does not report it.
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        Ok(self.tcp.local_addr()?)
    }

    /// Serves until the future is dropped, and passes every event to `log`.
    pub async fn serve(self, log: impl Fn(Event) + Send + Sync + 'static) {
        let log = Arc::new(log);
        loop {
            let Ok((tcp, from)) = self.tcp.accept().await else {
                // Out of file descriptors, for example: wait until other connections end.
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (state, log) = (self.state.clone(), log.clone());
            let (handle, evicted) = oneshot::channel();
            let admission = lock(&state.handshakes).admit(from.ip(), std::time::Instant::now(), handle);
            // Dropping the sender of an evicted handshake ends it.
            let (Admission::Admitted(slot) | Admission::InPlaceOf(slot, _)) = admission else { continue };
            tokio::spawn(async move {
                if let Err(e) = state.receive(tcp, Handshake { slot, evicted }, &*log).await {
                    log(Event::Refused(from, e));
                }
            });
        }
    }
}

/// Runs a server on this thread until the process ends. `listening` receives its address, `log` every event.
///
/// # Errors
/// [`LinkError`] if the address is in use or does not exist, or the runtime cannot start.
pub fn run(
    address: &str,
    config: Config<'_>,
    listening: impl FnOnce(SocketAddr),
    log: impl Fn(Event) + Send + Sync + 'static,
) -> Result<(), LinkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::bind(address, config).await?;
        listening(server.address()?);
        server.serve(log).await;
        Ok(())
    })
}

impl State {
    /// Serves one connection until it ends, or hands it to the party that waits for it.
    async fn receive(
        self: &Arc<Self>,
        tcp: TcpStream,
        handshake: Handshake,
        log: &impl Fn(Event),
    ) -> Result<(), LinkError> {
        let greeting = tokio::select! {
            greeting = timeout(self.quotas.handshake, self.greet(tcp)) => {
                greeting.map_err(|_| LinkError::TimedOut)
            }
            _ = handshake.evicted => Err(LinkError::TimedOut),
        };
        lock(&self.handshakes).free(handshake.slot);
        let Greeting { mut stream, us, request } = greeting??;
        let (Some(counted), Ok(connection)) = (self.count(us), self.connections.clone().try_acquire_owned())
        else {
            send(&mut stream, Status::QuotaExceeded).await?;
            return Err(LinkError::NotConnected("too many connections, of one key or of all"));
        };
        let mut client = Client { stream, _counted: counted, _connection: connection };
        let peer = loop {
            let (ours, peer) = oneshot::channel();
            // A statement of its own, so that the lock is released before the next await.
            let waiting = lock(&self.meetings).arrive(us, request, ours);
            match waiting {
                // The party that waits forwards for both, unless it has just given up.
                Some(theirs) => match theirs.send(client) {
                    Ok(()) => return Ok(()),
                    Err(back) => client = back,
                },
                None => break peer,
            }
        };
        log(Event::Waiting(us, request.peer));
        let came = self.wait(&mut client.stream, peer).await;
        lock(&self.meetings).retain(|theirs| !theirs.is_closed());
        let bytes = self.forward(&mut client.stream, &mut came?.stream).await;
        log(Event::Ended(us, request.peer, bytes));
        Ok(())
    }

    /// The handshake and the request.
    async fn greet(&self, tcp: TcpStream) -> Result<Greeting, LinkError> {
        tcp.set_nodelay(true)?;
        let mut stream = self.tls.accept(tcp).await?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(RENDEZVOUS.as_bytes()) {
            return Err(LinkError::Incompatible(format!("it does not speak {RENDEZVOUS}")));
        }
        let shown = session.peer_certificates().and_then(<[_]>::first);
        let us = shown.and_then(|shown| tls::peer_key(shown)).ok_or(LinkError::NoKey)?;
        stream.write_all(&[READY]).await?;
        stream.flush().await?;
        let mut request = [0; REQUEST];
        stream.read_exact(&mut request).await?;
        let wrong = || LinkError::Incompatible("invalid meeting request".to_owned());
        let request = MeetingRequest::decode(&request).filter(|r| r.peer != us).ok_or_else(wrong)?;
        Ok(Greeting { stream, us, request })
    }

    fn count(self: &Arc<Self>, key: PeerKey) -> Option<Counted> {
        let allowed = lock(&self.open).open(key, self.quotas.each);
        allowed.then(|| Counted(self.clone(), key))
    }

    /// Waits for the other party, and keeps ours informed.
    async fn wait(&self, stream: &mut Stream, peer: oneshot::Receiver<Client>) -> Result<Client, LinkError> {
        let (end, mut tick) = (sleep(self.quotas.pending), interval(TICK));
        tokio::pin!(end, peer);
        loop {
            tokio::select! {
                came = &mut peer => return came.map_err(|_| LinkError::Closed),
                () = &mut end => {
                    send(stream, Status::PeerAbsent).await?;
                    return Err(LinkError::TimedOut);
                }
                _ = tick.tick() => send(stream, Status::Waiting).await?,
            }
        }
    }

    /// Forwards bytes in both directions until either party is done, silent, or over its quota. Returns their
    /// number.
    async fn forward(&self, a: &mut Stream, b: &mut Stream) -> u64 {
        let (bytes, bucket) = (AtomicU64::new(0), Mutex::new(TokenBucket::new(self.quotas.rate)));
        if send(a, Status::Connected).await.is_err() || send(b, Status::Connected).await.is_err() {
            return 0;
        }
        let ((a_read, a_write), (b_read, b_write)) = (split(a), split(b));
        let start = Instant::now();
        let pump = Pump { quotas: self.quotas, bytes: &bytes, bucket: &bucket, start };
        // A failure in one direction ends both; a clean end is passed on, and the other direction continues.
        let _ = tokio::try_join!(pump.run(a_read, b_write), pump.run(b_read, a_write));
        bytes.load(Ordering::Relaxed)
    }
}

async fn send(stream: &mut Stream, status: Status) -> Result<(), LinkError> {
    stream.write_all(&[status as u8]).await?;
    Ok(stream.flush().await?)
}

/// The quota that both directions of a pair share.
#[derive(Clone, Copy)]
struct Pump<'a> {
    quotas: Quotas,
    bytes: &'a AtomicU64,
    bucket: &'a Mutex<TokenBucket>,
    start: Instant,
}

impl Pump<'_> {
    /// Forwards one direction.
    async fn run(
        self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), LinkError> {
        let late = |_| LinkError::TimedOut;
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = timeout(self.quotas.idle, from.read(&mut chunk)).await.map_err(late)??;
            if n == 0 {
                return Ok(to.shutdown().await?);
            }
            if self.bytes.fetch_add(n as u64, Ordering::Relaxed) + n as u64 > self.quotas.bytes {
                return Err(LinkError::NotConnected("the pair's byte quota is exhausted"));
            }
            let pause = lock(self.bucket).take(self.start.elapsed(), n as u64);
            sleep(pause).await;
            let data = chunk.get(..n).unwrap_or_default();
            timeout(self.quotas.idle, to.write_all(data)).await.map_err(late)??;
            timeout(self.quotas.idle, to.flush()).await.map_err(late)??;
        }
    }
}
