//! A proven connection: frames both ways, in padded pieces.
//!
//! Sending is taking a place in a backlog that is bounded in bytes; a task writes it out, and cover between. Receiving reads on
//! demand, so a slow reader slows his peer and holds one frame. A peer who takes nothing for [`Limits::idle`], or is silent for as long,
//! is given up. Dropping the receiver ends a session: what waits then has the time of a handshake to leave.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rand_core::{OsRng, RngCore};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use super::seats::Seat;
use super::{Cover, Endpoint, Limits, WebError};
use crate::identity::PeerKey;
use crate::wire::{self, Piece};

type Socket = WebSocketStream<TlsStream<TcpStream>>;
/// What a frame costs of the backlog beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = 64;

/// What is taken from the other side: messages no longer than a piece.
pub(super) fn config() -> WebSocketConfig {
    let limit = Some(wire::LARGEST);
    WebSocketConfig::default().max_message_size(limit).max_frame_size(limit)
}

/// A connection to a node that proved its key.
#[derive(Debug)]
pub struct Session {
    /// The key it proved.
    pub peer: PeerKey,
    /// Where it is.
    pub from: SocketAddr,
    /// What we send. The session is closed, once everything has left, when all its senders are dropped.
    pub sender: Sender,
    /// What it sends. The session ends when it is dropped.
    pub receiver: Receiver,
}

/// Why a frame was not taken for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It is longer than frames may be.
    #[error("the frame is longer than the {limit} bytes that are allowed")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The peer takes less than we have for it.
    #[error("the peer is too slow: the backlog is full")]
    Full,
    /// The session is over.
    #[error("the session is over")]
    Over,
}

/// Sends frames. It can be cloned, and used without a runtime.
#[derive(Clone)]
pub struct Sender {
    queue: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    limit: usize,
}

/// A frame and its place in the backlog.
type Waiting = (Arc<[u8]>, OwnedSemaphorePermit);

impl Sender {
    /// Sends a frame if there is room for it in the backlog. It leaves soon, and in order.
    ///
    /// # Errors
    /// [`SendError`]: too long, no room, or the session is over.
    pub fn try_send(&self, frame: impl Into<Arc<[u8]>>) -> Result<(), SendError> {
        let frame = frame.into();
        let cost = self.cost(&frame)?;
        let place = self.room.clone().try_acquire_many_owned(cost).map_err(|_| SendError::Full)?;
        self.queue.send((frame, place)).map_err(|_| SendError::Over)
    }

    /// Sends a frame, once there is room for it in the backlog.
    ///
    /// # Errors
    /// [`SendError`]: too long, or the session is over.
    pub async fn send(&self, frame: impl Into<Arc<[u8]>>) -> Result<(), SendError> {
        let frame = frame.into();
        let cost = self.cost(&frame)?;
        let place = tokio::select! {
            place = self.room.clone().acquire_many_owned(cost) => place.map_err(|_| SendError::Over)?,
            () = self.queue.closed() => return Err(SendError::Over),
        };
        self.queue.send((frame, place)).map_err(|_| SendError::Over)
    }

    fn cost(&self, frame: &[u8]) -> Result<u32, SendError> {
        let too_long = SendError::TooLong { limit: self.limit };
        if frame.len() > self.limit {
            return Err(too_long);
        }
        u32::try_from(frame.len() + OVERHEAD).map_err(|_| too_long)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}

/// Receives frames.
pub struct Receiver {
    inbound: Inbound,
    limit: usize,
    writing: watch::Receiver<Option<WebError>>,
    backlog: Backlog,
    _seat: Option<Seat>,
}

/// How much room there is for what waits to be sent, and a sign whenever there is more.
struct Backlog {
    room: Arc<Semaphore>,
    half: usize,
    sent: Arc<Notify>,
}

impl Receiver {
    /// The next frame; `None` after the peer's goodbye. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WebError`]: the session is over.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, WebError> {
        tokio::select! {
            frame = self.inbound.frame(self.limit) => frame,
            e = failure(&mut self.writing) => Err(e),
        }
    }

    /// Waits until at least half of the backlog is free. Who answers requests asks for this before the next one, so that a peer
    /// who takes its answers slowly is slowed, not given up.
    pub async fn drained(&self) {
        loop {
            let sent = self.backlog.sent.notified();
            if self.backlog.room.available_permits() >= self.backlog.half {
                return;
            }
            sent.await;
        }
    }
}

/// Why writing failed, once it has.
async fn failure(writing: &mut watch::Receiver<Option<WebError>>) -> WebError {
    match writing.wait_for(Option::is_some).await.map(|e| e.clone()) {
        Ok(Some(e)) => e,
        // Writing ended well: what the peer still says is received.
        _ => std::future::pending().await,
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// Both directions of a connection, before anything is proven.
pub(super) struct Ends {
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
}

impl Ends {
    pub(super) fn new(socket: Socket, limits: Limits) -> Self {
        let (sink, stream) = socket.split();
        let outbound = Outbound { sink, idle: limits.idle };
        Self { outbound, inbound: Inbound { stream, idle: limits.idle, whole: Vec::new() } }
    }

    /// The session with a peer who is proven, and who has a seat if it came to us.
    pub(super) fn session(
        self,
        (peer, from): (PeerKey, SocketAddr),
        we: &Endpoint,
        seat: Option<Seat>,
    ) -> Session {
        let (limits, cover) = (we.limits, we.cover);
        let (queue, waiting) = mpsc::unbounded_channel();
        let whole = limits.backlog.max(limits.frame + OVERHEAD);
        let (room, sent) = (Arc::new(Semaphore::new(whole)), Arc::new(Notify::new()));
        let (failed, writing) = watch::channel(None);
        let (outbound, progress) = (self.outbound, sent.clone());
        tokio::spawn(async move {
            let writing = write(outbound, waiting, cover, &progress);
            tokio::pin!(writing);
            let ended = tokio::select! {
                ended = &mut writing => ended,
                () = failed.closed() => timeout(limits.handshake, writing).await.unwrap_or(Ok(())),
            };
            progress.notify_waiters();
            if let Err(e) = ended {
                // Nobody may be receiving.
                let _ = failed.send(Some(e));
            }
        });
        let backlog = Backlog { room: room.clone(), half: whole / 2, sent };
        let sender = Sender { queue, room, limit: limits.frame };
        let receiver = Receiver { inbound: self.inbound, limit: limits.frame, writing, backlog, _seat: seat };
        Session { peer, from, sender, receiver }
    }
}

/// Writes what waits, and cover, until there are no senders.
async fn write(
    mut out: Outbound,
    mut waiting: mpsc::UnboundedReceiver<Waiting>,
    cover: Cover,
    sent: &Notify,
) -> Result<(), WebError> {
    let mut next = Instant::now() + gap(cover, out.idle);
    loop {
        tokio::select! {
            frame = waiting.recv() => {
                let Some((frame, place)) = frame else { return out.close().await };
                out.frame(&frame).await?;
                drop(place);
                sent.notify_waiters();
                if cover == Cover::Sparse {
                    next = Instant::now() + gap(cover, out.idle);
                }
            }
            () = sleep_until(next) => {
                out.piece(wire::cover()).await?;
                next += gap(cover, out.idle);
            }
        }
    }
}

/// The time to the next piece of cover: exponential, and never so long that the peer gives us up.
fn gap(cover: Cover, idle: Duration) -> Duration {
    let longest = idle / 3;
    let Cover::Mean(mean) = cover else { return longest };
    // Uniform in (0, 1]; −ln of it is exponential with mean one.
    let uniform = ((OsRng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
    Duration::try_from_secs_f64(-uniform.ln() * mean.as_secs_f64()).unwrap_or(longest).min(longest)
}

pub(super) struct Outbound {
    sink: SplitSink<Socket, Message>,
    idle: Duration,
}

impl Outbound {
    pub(super) async fn frame(&mut self, frame: &[u8]) -> Result<(), WebError> {
        for piece in wire::pieces(frame) {
            self.piece(piece).await?;
        }
        Ok(())
    }

    async fn piece(&mut self, piece: Vec<u8>) -> Result<(), WebError> {
        let sent = timeout(self.idle, self.sink.send(Message::Binary(piece.into())));
        Ok(sent.await.map_err(|_| WebError::TimedOut)??)
    }

    async fn close(&mut self) -> Result<(), WebError> {
        Ok(timeout(self.idle, self.sink.close()).await.map_err(|_| WebError::TimedOut)??)
    }
}

pub(super) struct Inbound {
    stream: SplitStream<Socket>,
    idle: Duration,
    /// What has come of the next frame.
    whole: Vec<u8>,
}

impl Inbound {
    /// The next frame, of at most `limit` bytes.
    pub(super) async fn frame(&mut self, limit: usize) -> Result<Option<Vec<u8>>, WebError> {
        loop {
            let Some(message) = self.message().await? else { return Ok(None) };
            let (data, end) = match Piece::decode(&message)? {
                Piece::Cover => continue,
                Piece::Part(data) => (data, false),
                Piece::End(data) => (data, true),
            };
            if self.whole.len() + data.len() > limit {
                return Err(WebError::TooLong { limit });
            }
            self.whole.extend_from_slice(data);
            if end {
                return Ok(Some(std::mem::take(&mut self.whole)));
            }
        }
    }

    async fn message(&mut self) -> Result<Option<tokio_tungstenite::tungstenite::Bytes>, WebError> {
        let message = timeout(self.idle, self.stream.next()).await.map_err(|_| WebError::TimedOut)?;
        match message {
            None | Some(Ok(Message::Close(_))) => Ok(None),
            Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes)),
            Some(Ok(_)) => Err(WebError::Protocol("a message that is no frame")),
            Some(Err(e)) => Err(e.into()),
        }
    }
}
