//! The sockets: messages of peers become events, and the node's decisions about peers are carried out.
//!
//! ```text
//! dial ────▶ sotto_link::web ─┐                     ┌▶ task: frames ─▶ events    a fast peer is read more slowly
//!                             ├▶ session of a peer ─┤
//! listen ──▶ sotto_link::web ─┘                     └▶ backlog ◀─ send           a slow peer is disconnected
//! ```
//!
//! One thread runs all sockets; another passes their events to the event loop, and waits while the loop is
//! busy.
//!
//! Guaranteed: the node receives nothing from a peer without a proved key; the messages of a peer arrive in
//! order, between [`Event::Connected`] and [`Event::Disconnected`]; no call here waits for a peer. Bounded:
//! inbound peers, those of one address, handshakes, bytes that wait for one peer, and one received frame per
//! peer. Not guaranteed: that a sent message has arrived; that no message of a peer is still queued when the
//! node closes the connection.

use crate::{
    edge::log::ADDRESSES,
    event::Event,
    message::{MAX_MESSAGE, Message},
    peer::{Address, DialError, Direction, PeerId, PeerKey},
};
use core::{net::SocketAddr, num::NonZeroU16, time::Duration};
use sotto_link::{
    Identity,
    web::{
        Certificate, Cover, Endpoint, Limits, ListenError, Listener, Page, Receiver, Sender, Session,
        WebError,
    },
};
use sotto_mw::{chain::ChainId, codec::Encode};
use std::{
    collections::HashMap,
    future::pending,
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    thread::{self, JoinHandle},
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{mpsc, oneshot},
    task,
    time::timeout,
};
use tracing::debug;

/// Events that wait for the thread that passes them on.
const WAITING: usize = 4;
/// A peer that does not read its responses is read only this often, so that it also has to request slowly.
const SLOW_READER: Duration = Duration::from_secs(1);
/// How long closing the sessions may take when the node stops.
const CLOSING: Duration = Duration::from_secs(1);

/// The setup of a node's sockets.
#[derive(Debug)]
pub struct Setup {
    /// The node's identity.
    pub identity: Identity,
    /// Where it accepts connections, if it does.
    pub listen: Option<ListenSetup>,
    /// Most inbound peers.
    pub inbound: usize,
    /// Most inbound peers of one address, or one /64 of IPv6.
    pub from_one: usize,
    /// Cover traffic.
    pub cover: Cover,
}

/// Where connections are accepted, and what clients that are not nodes see.
#[derive(Debug)]
pub struct ListenSetup {
    /// The address; port 0 picks a free one.
    pub at: SocketAddr,
    /// The port to advertise, if a router forwards another port to this one.
    pub outside: Option<NonZeroU16>,
    /// The certificate of an ordinary web server.
    pub certificate: Certificate,
    /// An ordinary web page.
    pub page: Page,
}

/// Why the sockets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The node cannot listen at the address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system provides no threads or sockets.
    #[error("cannot start the network threads: {0}")]
    System(#[from] io::Error),
}

/// All connections. Dropping it closes them.
#[derive(Debug)]
pub struct Net {
    shared: Arc<Shared>,
    handle: Handle,
    address: Option<SocketAddr>,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Net {
    /// Opens the sockets of a node of this chain. They send their events to `events`.
    ///
    /// # Errors
    /// [`NetError`].
    pub fn open(setup: Setup, chain: &ChainId, events: SyncSender<Event>) -> Result<Self, NetError> {
        let limits = Limits { frame: MAX_MESSAGE, from_one: setup.from_one, ..Limits::default() };
        let endpoint = Endpoint::new(&setup.identity, chain.as_bytes());
        let endpoint = endpoint.with_limits(limits).with_cover(setup.cover);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = match setup.listen {
            Some(listen) => {
                let at = listen.at.to_string();
                Some(runtime.block_on(endpoint.listen(&at, listen.certificate, listen.page))?)
            }
            None => None,
        };
        let (sender, received) = mpsc::channel(WAITING);
        thread::Builder::new().name("node-events".into()).spawn(move || forward(received, &events))?;
        let (address, handle) = (listener.as_ref().map(Listener::address), runtime.handle().clone());
        let (open, next) = (Mutex::default(), AtomicU64::new(0));
        let shared = Arc::new(Shared { endpoint, events: sender, inbound: setup.inbound, open, next });
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let thread = thread::Builder::new()
            .name("node-sockets".into())
            .spawn(move || serve(&runtime, &served, listener, stopped))?;
        Ok(Self { shared, handle, address, serving: Some((stop, thread)) })
    }

    /// The address at which connections are accepted.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Connects to a peer; the outcome is an event.
    pub fn dial(&self, to: Address) {
        let shared = self.shared.clone();
        self.handle.spawn(async move { shared.dial(to).await });
    }

    /// Sends a message. A peer that is too slow for it is disconnected.
    pub fn send(&self, peer: PeerId, message: &Message) {
        let sent = match self.shared.open().get(&peer) {
            Some(open) => open.sender.try_send(message.to_bytes()),
            // The peer has disconnected, and the event is on its way to the node.
            None => return,
        };
        if sent.is_err() && self.shared.disconnect(peer) {
            let events = self.shared.events.clone();
            self.handle.spawn(async move { events.send(Event::Disconnected(peer)).await });
        }
    }

    /// Closes a connection; no event follows.
    pub fn close(&self, peer: PeerId) {
        self.shared.disconnect(peer);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.serving.take() {
            drop(stop);
            // A panic of that thread was reported there.
            let _ = thread.join();
        }
    }
}

/// Passes events on until the event loop ends.
fn forward(mut received: mpsc::Receiver<Event>, events: &SyncSender<Event>) {
    while let Some(event) = received.blocking_recv() {
        if events.send(event).is_err() {
            return;
        }
    }
}

/// Runs the sockets until the node stops.
fn serve(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    listener: Option<Listener>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            () = shared.accept_all(listener) => {}
        }
        shared.close_all().await;
    });
}

/// Why a connection was not made.
fn dial_error(why: &WebError) -> DialError {
    match why {
        WebError::Unreachable { kind: io::ErrorKind::ConnectionRefused, .. } => DialError::Refused,
        WebError::Unreachable { kind: io::ErrorKind::TimedOut, .. } | WebError::TimedOut => {
            DialError::TimedOut
        }
        WebError::Unreachable { .. } => DialError::Unreachable,
        WebError::NotThatPeer => DialError::OtherKey,
        // Only the node with that key knew the path; what it signed names another chain.
        WebError::BadProof => DialError::OtherChain,
        _ => DialError::Broken,
    }
}

/// A connection.
#[derive(Debug)]
struct Open {
    sender: Sender,
    task: task::JoinHandle<()>,
    outbound: bool,
}

/// The state that all tasks share.
#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    events: mpsc::Sender<Event>,
    inbound: usize,
    open: Mutex<HashMap<PeerId, Open>>,
    next: AtomicU64,
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<PeerId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts every peer that proves a key.
    async fn accept_all(self: &Arc<Self>, listener: Option<Listener>) {
        let Some(mut listener) = listener else { return pending().await };
        while let Some((from, came)) = listener.next().await {
            // A client without a key received the web page.
            let Ok(session) = came else { continue };
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            self.accept(session, Direction::Inbound(from));
        }
    }

    async fn dial(self: &Arc<Self>, to: Address) {
        let session = match sotto_link::PeerKey::from_bytes(to.key.0) {
            Ok(key) => self.endpoint.connect(&to.at.to_string(), key).await.map_err(|e| dial_error(&e)),
            Err(_) => Err(DialError::OtherKey),
        };
        match session {
            Ok(session) => self.accept(session, Direction::Outbound(to)),
            // An error means that the node has stopped.
            Err(why) => drop(self.events.send(Event::DialFailed(to, why)).await),
        }
    }

    fn accept(self: &Arc<Self>, session: Session, direction: Direction) {
        let outbound = matches!(direction, Direction::Outbound(_));
        let mut open = self.open();
        if !outbound && open.values().filter(|o| !o.outbound).count() >= self.inbound {
            return;
        }
        let peer = PeerId(self.next.fetch_add(1, Ordering::Relaxed));
        debug!(peer = peer.0, outbound, "connected to a peer");
        debug!(target: ADDRESSES, peer = peer.0, address = %session.from, "connected to a peer");
        let connected = Event::Connected { peer, key: PeerKey(*session.peer.as_bytes()), direction };
        let task = tokio::spawn(self.clone().receive(peer, connected, session.receiver));
        open.insert(peer, Open { sender: session.sender, task, outbound });
    }

    /// Receives the messages of a peer until it disconnects.
    async fn receive(self: Arc<Self>, peer: PeerId, connected: Event, mut receiver: Receiver) {
        let mut event = connected;
        while self.events.send(event).await.is_ok() {
            let _ = timeout(SLOW_READER, receiver.drained()).await;
            match receiver.next().await {
                Ok(Some(bytes)) => event = Event::Frame { peer, bytes },
                Ok(None) | Err(_) => break,
            }
        }
        if self.open().remove(&peer).is_some() {
            let _ = self.events.send(Event::Disconnected(peer)).await;
        }
    }

    /// Ends a connection, and returns whether there was one.
    fn disconnect(&self, peer: PeerId) -> bool {
        let open = self.open().remove(&peer);
        open.as_ref().inspect(|open| open.task.abort()).is_some()
    }

    /// Sends the backlogs and closes all sessions.
    async fn close_all(&self) {
        let tasks: Vec<_> = mem::take(&mut *self.open()).into_values().map(|open| open.task).collect();
        let ended = async {
            for task in tasks {
                // Whether aborted or not, it has ended.
                let _ = task.await;
            }
        };
        let _ = timeout(CLOSING, ended).await;
    }
}
