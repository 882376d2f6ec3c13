//! A relay: two parties who can only dial out meet at it, and it carries their bytes.
//!
//! ```text
//! party ──pinned TLS──▶ meeting (rendezvous, other's key) ──▶ wait … wait … ──▶ here ──▶ carry ◀── the other party
//! ```
//!
//! Clients prove keys that the relay's operator has pinned. Two are put together when both name the same rendezvous and each
//! names the other: nobody can take another's place. What is carried is a pinned channel of its own, end to end
//! ([`meet`](super::pinned::meet)): the relay sees who meets whom, when and how much, and nothing else; a byte that it alters ends the
//! connection.
//!
//! [`Quotas`] bound what clients can make a relay hold and do. A party that comes again takes the place of its former self.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::pinned::{LinkError, READY, RELAY};
use super::places::{Knock, Places};
use crate::bucket::Bucket;
use crate::identity::{Identity, PeerKey};
use crate::tls;
use crate::wire::{MEETING, Reply, parse_meeting};

/// Bytes carried at once.
const CHUNK: usize = 16 << 10;
/// How often those who wait are told so, and the dead among them are found.
const TICK: Duration = Duration::from_secs(1);

/// What clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Connections at a time, of all keys; strangers have 64 places of their own, sixteen of one address, and give way to others.
    pub connections: usize,
    /// Connections at a time of one key.
    pub each: usize,
    /// For a handshake and a meeting to be asked for.
    pub handshake: Duration,
    /// For the other party to come.
    pub pending: Duration,
    /// For a pair to say nothing.
    pub idle: Duration,
    /// Bytes that are carried for a pair, both ways together.
    pub bytes: u64,
    /// Bytes a second that are carried for a pair, both ways together.
    pub rate: u64,
}

impl Default for Quotas {
    /// 256 connections, 8 of a key; 10 s, 10 min, 10 min; 1 TiB at 128 MiB/s.
    fn default() -> Self {
        let (handshake, wait) = (Duration::from_secs(10), Duration::from_secs(600));
        Self {
            connections: 256,
            each: 8,
            handshake,
            pending: wait,
            idle: wait,
            bytes: 1 << 40,
            rate: 128 << 20,
        }
    }
}

/// What happened, for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody was turned away.
    Refused(SocketAddr, LinkError),
    /// A party waits for another.
    Waiting(PeerKey, PeerKey),
    /// A pair has ended, after so many bytes.
    Ended(PeerKey, PeerKey, u64),
}

/// A relay that listens.
#[derive(Debug)]
pub struct Relay {
    tcp: TcpListener,
    state: Arc<State>,
}

type Stream = TlsStream<TcpStream>;

/// Where two keys, in their order, meet.
type Place = ([u8; 32], PeerKey, PeerKey);

struct State {
    tls: TlsAcceptor,
    quotas: Quotas,
    /// Connections that proved a key.
    places: Arc<Semaphore>,
    strangers: Mutex<Places<oneshot::Sender<()>>>,
    open: Mutex<HashMap<PeerKey, usize>>,
    waiting: Mutex<HashMap<Place, (PeerKey, oneshot::Sender<Guest>)>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("quotas", &self.quotas).finish_non_exhaustive()
    }
}

/// A connection counted, until it is dropped.
struct Counted(Arc<State>, PeerKey);

/// A client who proved a key, and what it takes up.
struct Guest {
    stream: Stream,
    _counted: Counted,
    _place: OwnedSemaphorePermit,
}

/// What an arrival finds.
enum Arrival {
    /// The other one, who waits.
    Second(oneshot::Sender<Guest>),
    /// Nobody: it waits.
    First(oneshot::Receiver<Guest>),
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = lock(&self.0.open);
        if let Some(n) = open.get_mut(&self.1) {
            *n -= 1;
        }
        open.retain(|_, n| *n > 0);
    }
}

/// The maps hold no state that a panic could leave half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// Listens at `address` for clients who prove one of the keys `allowed`; port 0 picks a free port.
    ///
    /// # Errors
    /// If the address is taken or stands for none.
    pub async fn bind(
        address: &str,
        us: &Identity,
        allowed: BTreeSet<PeerKey>,
        quotas: Quotas,
    ) -> Result<Self, LinkError> {
        let config = tls::server(us, allowed, RELAY).map_err(|e| LinkError::from(&e))?;
        let taken =
            |e: std::io::Error| LinkError::Unreachable { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).await.map_err(taken)?;
        let tls = TlsAcceptor::from(Arc::new(config));
        let places = Arc::new(Semaphore::new(quotas.connections));
        let (strangers, open, waiting) = (Mutex::default(), Mutex::default(), Mutex::default());
        let state = State { tls, quotas, places, strangers, open, waiting };
        Ok(Self { tcp, state: Arc::new(state) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        Ok(self.tcp.local_addr()?)
    }

    /// Serves until it is dropped, and tells what happens.
    pub async fn serve(self, tell: impl Fn(Event) + Send + Sync + 'static) {
        let tell = Arc::new(tell);
        loop {
            let Ok((tcp, from)) = self.tcp.accept().await else {
                // Out of descriptors, for example: others have to go first.
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (state, tell) = (self.state.clone(), tell.clone());
            let (end, gives_way) = oneshot::channel();
            let knock = lock(&state.strangers).knock(from.ip(), std::time::Instant::now(), end);
            // Whoever gives way is told by the end of its sender.
            let (Knock::Taken(place) | Knock::InPlaceOf(place, _)) = knock else { continue };
            tokio::spawn(async move {
                if let Err(e) = state.receive(tcp, (place, gives_way), &*tell).await {
                    tell(Event::Refused(from, e));
                }
            });
        }
    }
}

/// Runs a relay on this thread, for as long as the process lives; `listening` is told where.
///
/// # Errors
/// If the address is taken or stands for none, or there can be no runtime.
pub fn run(
    address: &str,
    us: &Identity,
    allowed: BTreeSet<PeerKey>,
    quotas: Quotas,
    listening: impl FnOnce(SocketAddr),
    tell: impl Fn(Event) + Send + Sync + 'static,
) -> Result<(), LinkError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let relay = Relay::bind(address, us, allowed, quotas).await?;
        listening(relay.address()?);
        relay.serve(tell).await;
        Ok(())
    })
}

impl State {
    async fn receive(
        self: &Arc<Self>,
        tcp: TcpStream,
        (stranger, gives_way): (u64, oneshot::Receiver<()>),
        tell: &impl Fn(Event),
    ) -> Result<(), LinkError> {
        let asked = tokio::select! {
            asked = timeout(self.quotas.handshake, self.greet(tcp)) => asked.map_err(|_| LinkError::TimedOut),
            _ = gives_way => Err(LinkError::TimedOut),
        };
        lock(&self.strangers).leave(stranger);
        let (mut stream, us, (at, other)) = asked??;
        let (Some(counted), Ok(place)) = (self.count(us), self.places.clone().try_acquire_owned()) else {
            say(&mut stream, Reply::TooMany).await?;
            return Err(LinkError::NotRelayed("too many connections, of one key or of all"));
        };
        let mut guest = Guest { stream, _counted: counted, _place: place };
        let place = (at, us.min(other), us.max(other));
        let come = loop {
            match self.arrive(place, us, other) {
                // The one who waits carries for both, unless it has just given up.
                Arrival::Second(theirs) => match theirs.send(guest) {
                    Ok(()) => return Ok(()),
                    Err(back) => guest = back,
                },
                Arrival::First(come) => break come,
            }
        };
        tell(Event::Waiting(us, other));
        let came = self.wait(&mut guest.stream, come).await;
        lock(&self.waiting).retain(|_, (_, theirs)| !theirs.is_closed());
        let bytes = self.carry(&mut guest.stream, &mut came?.stream).await;
        tell(Event::Ended(us, other, bytes));
        Ok(())
    }

    /// Finds the other one, or takes the place; a former self is sent away.
    fn arrive(&self, place: Place, us: PeerKey, other: PeerKey) -> Arrival {
        let mut waiting = lock(&self.waiting);
        match waiting.remove(&place) {
            Some((key, theirs)) if key == other => Arrival::Second(theirs),
            _ => {
                let (ours, come) = oneshot::channel();
                waiting.insert(place, (us, ours));
                Arrival::First(come)
            }
        }
    }

    /// Handshake and meeting.
    async fn greet(&self, tcp: TcpStream) -> Result<(Stream, PeerKey, ([u8; 32], PeerKey)), LinkError> {
        tcp.set_nodelay(true)?;
        let mut stream = self.tls.accept(tcp).await?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(RELAY.as_bytes()) {
            return Err(LinkError::Incompatible("it wants no relay".to_owned()));
        }
        let shown = session.peer_certificates().and_then(<[_]>::first);
        let us = shown.and_then(|shown| tls::peer_key(shown)).ok_or(LinkError::NoKey)?;
        stream.write_all(&[READY]).await?;
        stream.flush().await?;
        let mut meeting = [0; MEETING];
        stream.read_exact(&mut meeting).await?;
        let wrong = || LinkError::Incompatible("it asks for no meeting".to_owned());
        let meeting = parse_meeting(&meeting).filter(|(_, other)| *other != us).ok_or_else(wrong)?;
        Ok((stream, us, meeting))
    }

    fn count(self: &Arc<Self>, key: PeerKey) -> Option<Counted> {
        let mut open = lock(&self.open);
        let n = open.entry(key).or_default();
        if *n >= self.quotas.each {
            return None;
        }
        *n += 1;
        Some(Counted(self.clone(), key))
    }

    /// Waits for the other one, and tells ours so.
    async fn wait(&self, stream: &mut Stream, come: oneshot::Receiver<Guest>) -> Result<Guest, LinkError> {
        let (end, mut tick) = (sleep(self.quotas.pending), interval(TICK));
        tokio::pin!(end, come);
        loop {
            tokio::select! {
                came = &mut come => return came.map_err(|_| LinkError::Closed),
                () = &mut end => {
                    say(stream, Reply::Nobody).await?;
                    return Err(LinkError::TimedOut);
                }
                _ = tick.tick() => say(stream, Reply::Wait).await?,
            }
        }
    }

    /// Carries bytes both ways until either party is done, silent, or over its quota; how many.
    async fn carry(&self, a: &mut Stream, b: &mut Stream) -> u64 {
        let (carried, bucket) = (AtomicU64::new(0), Mutex::new(Bucket::new(self.quotas.rate)));
        if say(a, Reply::Here).await.is_err() || say(b, Reply::Here).await.is_err() {
            return 0;
        }
        let ((a_read, a_write), (b_read, b_write)) = (split(a), split(b));
        let start = Instant::now();
        let way = Way { quotas: self.quotas, carried: &carried, bucket: &bucket, start };
        // Either direction failing ends both; a goodbye is passed on, and the other direction goes on.
        let _ = tokio::try_join!(way.pump(a_read, b_write), way.pump(b_read, a_write));
        carried.load(Ordering::Relaxed)
    }
}

async fn say(stream: &mut Stream, reply: Reply) -> Result<(), LinkError> {
    stream.write_all(&[reply as u8]).await?;
    Ok(stream.flush().await?)
}

/// What both directions of a pair share.
#[derive(Clone, Copy)]
struct Way<'a> {
    quotas: Quotas,
    carried: &'a AtomicU64,
    bucket: &'a Mutex<Bucket>,
    start: Instant,
}

impl Way<'_> {
    async fn pump(
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
            if self.carried.fetch_add(n as u64, Ordering::Relaxed) + n as u64 > self.quotas.bytes {
                return Err(LinkError::NotRelayed("its bytes are used up"));
            }
            let pause = lock(self.bucket).take(self.start.elapsed(), n as u64);
            sleep(pause).await;
            let data = chunk.get(..n).unwrap_or_default();
            timeout(self.quotas.idle, to.write_all(data)).await.map_err(late)??;
            timeout(self.quotas.idle, to.flush()).await.map_err(late)??;
        }
    }
}
