//! A node's identity and terms for all of its connections.

use core::time::Duration;
use std::sync::Arc;

use crate::cover::Cover;
use crate::identity::Identity;

/// A node's end of all its connections: its identity, its context, and its limits.
///
/// [`Endpoint::connect`] and [`Endpoint::listen`] run on a tokio runtime; sessions can be used from anywhere.
///
/// ```
/// use sotto_link::{Identity, web::{Certificate, Endpoint, Page}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let [alice, bob] = [1, 2].map(|n| Identity::from_seed(&[n; 32]));
/// let certificate = Certificate::generate(&["localhost"])?;
/// let bobs = Endpoint::new(&bob, b"chain");
/// let mut listener = bobs.listen("127.0.0.1:0", certificate, Page::default()).await?;
///
/// let (alice, address) = (Endpoint::new(&alice, b"chain"), listener.address().to_string());
/// let (connected, arrival) = tokio::join!(alice.connect(&address, bob.peer_key()), listener.next());
/// let (to_bob, (_, accepted)) = (connected?, arrival.expect("the listener is open"));
///
/// to_bob.sender.send(*b"a frame").await?;
/// assert_eq!(accepted?.receiver.next().await?, Some(b"a frame".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) us: Arc<Identity>,
    pub(crate) context: Arc<[u8]>,
    pub(crate) limits: Limits,
    pub(crate) cover: Cover,
}

impl Endpoint {
    /// The endpoint of the node `us`. It talks only to nodes with the same `context`, for example the same
    /// chain.
    #[must_use]
    pub fn new(us: &Identity, context: &[u8]) -> Self {
        let (limits, cover) = (Limits::default(), Cover::default());
        Self { us: Arc::new(us.share()), context: context.into(), limits, cover }
    }

    /// The same endpoint with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same endpoint with other cover traffic.
    #[must_use]
    pub fn with_cover(self, cover: Cover) -> Self {
        Self { cover, ..self }
    }
}

/// Limits on time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For connecting and all handshakes together.
    pub handshake: Duration,
    /// For sending a message, and for receiving anything. We are never silent for longer than a third of it.
    pub idle: Duration,
    /// Longest frame, in bytes.
    pub frame: usize,
    /// Most bytes that wait to be sent.
    pub backlog: usize,
    /// Handshakes and sessions that one address, or one /64 of IPv6, may have with a listener at a time.
    ///
    /// This machine's own addresses are not counted: a local process can do more harm otherwise, and a
    /// reverse proxy carries the connections of all clients.
    pub from_one: usize,
}

impl Default for Limits {
    /// Ten seconds, two minutes, 4 MiB, 16 MiB, eight.
    fn default() -> Self {
        let (handshake, idle) = (Duration::from_secs(10), Duration::from_secs(120));
        Self { handshake, idle, frame: 4 << 20, backlog: 16 << 20, from_one: 8 }
    }
}
