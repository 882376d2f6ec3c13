//! Meeting a peer at a rendezvous server, when neither party can accept connections.
//!
//! ```text
//! party ──pinned──▶ rendezvous server ◀──pinned── other party
//!   └────────── a pinned channel of their own ──────────┘
//! ```
//!
//! [`meet`] is the client. The server ([`Server`], or [`run`] on a thread of its own) needs the feature
//! `rendezvous`. It learns who meets whom, when, and how much they send, but cannot read or alter what they
//! send.

pub use crate::channel::ChannelConfig;
pub use crate::edge::meet::{Rendezvous, meet};
#[cfg(feature = "rendezvous")]
pub use crate::edge::rendezvous_server::{Config, Event, Server, run};
#[cfg(feature = "rendezvous")]
pub use crate::meetings::Quotas;
