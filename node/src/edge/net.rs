//! Sockets: what peers say becomes events, what the node decides about peers is carried out.
//!
//! ```text
//! dial ────▶ sotto_link::web ─┐ a peer with a proven key        ┌▶ its task: frames ─▶ events     who speaks faster than the node
//!                       ├──────────▶ take in ─────────────┤                                 thinks is read more slowly
//! listen ──▶ sotto_link::web ─┘ anybody else: a web page        └▶ its backlog ◀─ send            who listen_port too slowly is closed
//! ```
//!
//! One thread runs all sockets; another hands what they say to the node's loop, waiting where the loop is behind.
//!
//! Guaranteed: nothing of a peer without a proven key reaches the node; what a peer says arrives in order, between
//! [`Event::Connected`] and [`Event::Disconnected`]; no call here waits for a peer. Bounded: peers that came to us, those of one
//! address, handshakes, bytes that wait for one peer, one frame that is being received from each. Not guaranteed: that what was
//! sent has arrived; that nothing of a peer is still on its way to the node when the node closes it.

use crate::{
    edge::log::ADDRESSES,
    event::Event,
    message::{MAX_MESSAGE, Message},
    peer::{Address, Direction, PeerId, PeerKey},
};
use core::{net::SocketAddr, num::NonZeroU16, time::Duration};
use sotto_link::{
    Identity,
    web::{Certificate, Cover, Endpoint, Limits, ListenError, Listener, Page, Receiver, Sender, Session},
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

/// Events that wait for the thread that hands them on.
const WAITING: usize = 4;
/// Who does not take its answers is heard only this often, so that it has to ask slowly too.
const UNHURRIED: Duration = Duration::from_secs(1);
/// How long goodbyes may take when the node stops.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a node reaches others, and is reached.
#[derive(Debug)]
pub struct Setup {
    /// Who it is.
    pub identity: Identity,
    /// Where it takes connections, if it does.
    pub listen: Option<Door>,
    /// How many peers may come to it.
    pub inbound: usize,
    /// How many of them from one address, or one /64 of IPv6.
    pub from_one: usize,
    /// What is sent so that others cannot count.
    pub cover: Cover,
}

/// Where connections are taken, and what those see who are no peers.
#[derive(Debug)]
pub struct Door {
    /// The address; port 0 picks a free one.
    pub at: SocketAddr,
    /// The port that others are told, where a router lets it lead to this one; none: this one.
    pub outside: Option<NonZeroU16>,
    /// An ordinary web server's.
    pub certificate: Certificate,
    /// An ordinary web page.
    pub page: Page,
}

/// Why there are no sockets.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The address cannot be listened at.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system gives no threads or sockets.
    #[error("the operating system refuses what sockets need: {0}")]
    System(#[from] io::Error),
}

/// All connections. Dropping it says goodbye and ends them.
#[derive(Debug)]
pub struct Net {
    shared: Arc<Shared>,
    handle: Handle,
    address: Option<SocketAddr>,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Net {
    /// Opens the sockets of a node of this chain. What happens goes to `events`.
    ///
    /// # Errors
    /// [`NetError`].
    pub fn open(setup: Setup, chain: &ChainId, events: SyncSender<Event>) -> Result<Self, NetError> {
        let limits = Limits { frame: MAX_MESSAGE, from_one: setup.from_one, ..Limits::default() };
        let endpoint = Endpoint::new(&setup.identity, chain.as_bytes());
        let endpoint = endpoint.with_limits(limits).with_cover(setup.cover);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = match setup.listen {
            Some(door) => {
                let at = door.at.to_string();
                Some(runtime.block_on(endpoint.listen(&at, door.certificate, door.page))?)
            }
            None => None,
        };
        let (sender, happened) = mpsc::channel(WAITING);
        thread::Builder::new().name("node-events".into()).spawn(move || hand_on(happened, &events))?;
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

    /// Where connections are taken.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Connects to a peer; what becomes of it is an event.
    pub fn dial(&self, to: Address) {
        let shared = self.shared.clone();
        self.handle.spawn(async move { shared.dial(to).await });
    }

    /// Sends a message. A peer that is too slow for it is closed.
    pub fn send(&self, peer: PeerId, message: &Message) {
        let sent = match self.shared.open().get(&peer) {
            Some(open) => open.sender.try_send(message.to_bytes()),
            // It went, and the node has yet to hear of it.
            None => return,
        };
        if sent.is_err() && self.shared.hang_up(peer) {
            let events = self.shared.events.clone();
            self.handle.spawn(async move { events.send(Event::Disconnected(peer)).await });
        }
    }

    /// Closes a connection; no event follows.
    pub fn close(&self, peer: PeerId) {
        self.shared.hang_up(peer);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.serving.take() {
            drop(stop);
            // A panic there was reported there.
            let _ = thread.join();
        }
    }
}

/// Hands on what happens, for as long as somebody listen_port.
fn hand_on(mut happened: mpsc::Receiver<Event>, events: &SyncSender<Event>) {
    while let Some(event) = happened.blocking_recv() {
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
            () = shared.welcome(listener) => {}
        }
        shared.part().await;
    });
}

/// A connection.
#[derive(Debug)]
struct Open {
    sender: Sender,
    task: task::JoinHandle<()>,
    outbound: bool,
}

/// What all tasks know.
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

    /// Takes in whoever comes and proves a key.
    async fn welcome(self: &Arc<Self>, listener: Option<Listener>) {
        let Some(mut listener) = listener else { return pending().await };
        while let Some((from, came)) = listener.next().await {
            // Who proved none was shown a web page.
            let Ok(session) = came else { continue };
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            self.take_in(session, Direction::Inbound(from));
        }
    }

    async fn dial(self: &Arc<Self>, to: Address) {
        let session = match sotto_link::PeerKey::from_bytes(to.key.0) {
            Ok(key) => self.endpoint.connect(&to.at.to_string(), key).await.ok(),
            Err(_) => None,
        };
        match session {
            Some(session) => self.take_in(session, Direction::Outbound(to)),
            // If nobody listen_port any more, nobody misses it.
            None => drop(self.events.send(Event::DialFailed(to)).await),
        }
    }

    fn take_in(self: &Arc<Self>, session: Session, direction: Direction) {
        let outbound = matches!(direction, Direction::Outbound(_));
        let mut open = self.open();
        if !outbound && open.values().filter(|o| !o.outbound).count() >= self.inbound {
            return;
        }
        let peer = PeerId(self.next.fetch_add(1, Ordering::Relaxed));
        debug!(peer = peer.0, outbound, "a peer is connected");
        debug!(target: ADDRESSES, peer = peer.0, address = %session.from, "a peer is connected");
        let connected = Event::Connected { peer, key: PeerKey(*session.peer.as_bytes()), direction };
        let task = tokio::spawn(self.clone().hear(peer, connected, session.receiver));
        open.insert(peer, Open { sender: session.sender, task, outbound });
    }

    /// Everything that a peer says.
    async fn hear(self: Arc<Self>, peer: PeerId, connected: Event, mut receiver: Receiver) {
        let mut event = connected;
        while self.events.send(event).await.is_ok() {
            let _ = timeout(UNHURRIED, receiver.drained()).await;
            match receiver.next().await {
                Ok(Some(bytes)) => event = Event::Frame { peer, bytes },
                Ok(None) | Err(_) => break,
            }
        }
        if self.open().remove(&peer).is_some() {
            let _ = self.events.send(Event::Disconnected(peer)).await;
        }
    }

    /// Ends a connection; says whether there was one.
    fn hang_up(&self, peer: PeerId) -> bool {
        let open = self.open().remove(&peer);
        open.as_ref().inspect(|open| open.task.abort()).is_some()
    }

    /// Lets what was sent leave, and says goodbye to all.
    async fn part(&self) {
        let tasks: Vec<_> = mem::take(&mut *self.open()).into_values().map(|open| open.task).collect();
        let ended = async {
            for task in tasks {
                // Aborted or not, it has ended.
                let _ = task.await;
            }
        };
        let _ = timeout(GOODBYE, ended).await;
    }
}
