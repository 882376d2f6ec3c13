//! An authenticated connection: frames in both directions, in padded messages.
//!
//! Sending puts a frame into a backlog that is bounded in bytes; a task writes it out, with cover traffic in
//! between. Receiving reads on demand, so a slow reader slows its peer down and stores one frame. A session
//! fails if the peer accepts nothing or sends nothing for [`Limits::idle`]. Dropping the receiver ends the
//! session; the backlog then has [`Limits::handshake`] to leave.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rand_core::OsRng;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use crate::connection_limits::ConnectionPermit;
use crate::cover::Cover;
use crate::endpoint::{Endpoint, Limits};
use crate::identity::PeerKey;
use crate::web_error::WebError;
use crate::wire::{self, Padded, Reassembly};

/// What carries a session: a TCP connection, or its twin in memory.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

pub(super) type Stream = Box<dyn ByteStream>;

type Socket = WebSocketStream<TlsStream<Stream>>;
/// The backlog that a frame takes besides its bytes, so that empty frames are not free.
const OVERHEAD: usize = 64;

/// Accepts only messages up to the largest size.
pub(super) fn config() -> WebSocketConfig {
    let limit = Some(wire::LARGEST);
    WebSocketConfig::default().max_message_size(limit).max_frame_size(limit)
}

/// A connection to a node that has proved its key.
#[derive(Debug)]
pub struct Session {
    /// Its key.
    pub peer: PeerKey,
    /// Its address.
    pub from: SocketAddr,
    /// Sends frames. When all senders are dropped, the session closes once the backlog is empty.
    pub sender: Sender,
    /// Receives frames. Dropping it ends the session.
    pub receiver: Receiver,
}

/// Why a frame was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The frame exceeds the limit.
    #[error("the frame exceeds the limit of {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The backlog is full, because the peer is slow.
    #[error("the peer is too slow: the backlog is full")]
    Full,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

/// Sends frames. It can be cloned, and used outside the runtime.
#[derive(Clone)]
pub struct Sender {
    queue: mpsc::UnboundedSender<Queued>,
    room: Arc<Semaphore>,
    limit: usize,
}

/// A frame and its share of the backlog.
type Queued = (Arc<[u8]>, OwnedSemaphorePermit);

impl Sender {
    /// Queues a frame if the backlog has room for it. Frames are sent in order.
    ///
    /// # Errors
    /// [`SendError`] if the frame is too long, the backlog is full, or the session has ended.
    pub fn try_send(&self, frame: impl Into<Arc<[u8]>>) -> Result<(), SendError> {
        let frame = frame.into();
        let cost = self.cost(&frame)?;
        let permit = self.room.clone().try_acquire_many_owned(cost).map_err(|_| SendError::Full)?;
        self.queue.send((frame, permit)).map_err(|_| SendError::Ended)
    }

    /// Queues a frame once the backlog has room for it.
    ///
    /// # Errors
    /// [`SendError`] if the frame is too long or the session has ended.
    pub async fn send(&self, frame: impl Into<Arc<[u8]>>) -> Result<(), SendError> {
        let frame = frame.into();
        let cost = self.cost(&frame)?;
        let permit = tokio::select! {
            permit = self.room.clone().acquire_many_owned(cost) => permit.map_err(|_| SendError::Ended)?,
            () = self.queue.closed() => return Err(SendError::Ended),
        };
        self.queue.send((frame, permit)).map_err(|_| SendError::Ended)
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
    _permit: Option<ConnectionPermit>,
}

/// The free room of the backlog, and a notification whenever it grows.
struct Backlog {
    room: Arc<Semaphore>,
    half: usize,
    sent: Arc<Notify>,
}

impl Receiver {
    /// The next frame; `None` once the peer has closed the session. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`WebError`] if the session failed.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, WebError> {
        tokio::select! {
            frame = self.inbound.frame(self.limit) => frame,
            e = failure(&mut self.writing) => Err(e),
        }
    }

    /// Waits until at least half of the backlog is free.
    ///
    /// A server that does so before it reads the next request slows a peer that reads its responses slowly,
    /// instead of dropping it.
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

/// Waits for a failure to write.
async fn failure(writing: &mut watch::Receiver<Option<WebError>>) -> WebError {
    match writing.wait_for(Option::is_some).await.map(|e| e.clone()) {
        Ok(Some(e)) => e,
        // Writing ended without an error; frames from the peer may still arrive.
        _ => std::future::pending().await,
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// Both directions of a connection, before authentication.
pub(super) struct Connection {
    from: SocketAddr,
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
}

impl Connection {
    pub(super) fn new(socket: Socket, limits: Limits, from: SocketAddr) -> Self {
        let (sink, stream) = socket.split();
        let outbound = Outbound { sink, idle: limits.idle };
        let inbound = Inbound { stream, idle: limits.idle, reassembly: Reassembly::default() };
        Self { from, outbound, inbound }
    }

    /// The session with an authenticated peer; an inbound one holds a `permit`.
    pub(super) fn session(
        self,
        peer: PeerKey,
        endpoint: &Endpoint,
        permit: Option<ConnectionPermit>,
    ) -> Session {
        let (limits, cover) = (endpoint.limits, endpoint.cover);
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
                // The receiver may have been dropped.
                let _ = failed.send(Some(e));
            }
        });
        let backlog = Backlog { room: room.clone(), half: whole / 2, sent };
        let sender = Sender { queue, room, limit: limits.frame };
        let receiver =
            Receiver { inbound: self.inbound, limit: limits.frame, writing, backlog, _permit: permit };
        Session { peer, from: self.from, sender, receiver }
    }
}

/// Writes the queued frames and cover traffic until all senders are dropped.
async fn write(
    mut out: Outbound,
    mut waiting: mpsc::UnboundedReceiver<Queued>,
    cover: Cover,
    sent: &Notify,
) -> Result<(), WebError> {
    let mut next = Instant::now() + cover.gap(out.idle, &mut OsRng);
    loop {
        tokio::select! {
            frame = waiting.recv() => {
                let Some((frame, permit)) = frame else { return out.close().await };
                out.frame(&frame).await?;
                drop(permit);
                sent.notify_waiters();
                if cover == Cover::Sparse {
                    next = Instant::now() + cover.gap(out.idle, &mut OsRng);
                }
            }
            () = sleep_until(next) => {
                out.message(wire::cover()).await?;
                next += cover.gap(out.idle, &mut OsRng);
            }
        }
    }
}

pub(super) struct Outbound {
    sink: SplitSink<Socket, Message>,
    idle: Duration,
}

impl Outbound {
    pub(super) async fn frame(&mut self, frame: &[u8]) -> Result<(), WebError> {
        for message in wire::messages(frame) {
            self.message(message).await?;
        }
        Ok(())
    }

    async fn message(&mut self, message: Vec<u8>) -> Result<(), WebError> {
        let sent = timeout(self.idle, self.sink.send(Message::Binary(message.into())));
        Ok(sent.await.map_err(|_| WebError::TimedOut)??)
    }

    async fn close(&mut self) -> Result<(), WebError> {
        Ok(timeout(self.idle, self.sink.close()).await.map_err(|_| WebError::TimedOut)??)
    }
}

pub(super) struct Inbound {
    stream: SplitStream<Socket>,
    idle: Duration,
    reassembly: Reassembly,
}

impl Inbound {
    /// The next frame, of at most `limit` bytes.
    pub(super) async fn frame(&mut self, limit: usize) -> Result<Option<Vec<u8>>, WebError> {
        loop {
            let Some(message) = self.message().await? else { return Ok(None) };
            let frame = self.reassembly.add(Padded::decode(&message)?, limit);
            if let Some(frame) = frame.map_err(|_| WebError::TooLong { limit })? {
                return Ok(Some(frame));
            }
        }
    }

    async fn message(&mut self) -> Result<Option<tokio_tungstenite::tungstenite::Bytes>, WebError> {
        let message = timeout(self.idle, self.stream.next()).await.map_err(|_| WebError::TimedOut)?;
        match message {
            None | Some(Ok(Message::Close(_))) => Ok(None),
            Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes)),
            Some(Ok(_)) => Err(WebError::Protocol("a message that is not binary")),
            Some(Err(e)) => Err(e.into()),
        }
    }
}
