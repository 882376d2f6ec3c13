//! Blocking channels to the holder of a pinned key.
//!
//! ```text
//! connect  ──TCP──▶ handshake ──▶ Pinned: Read + Write ──▶ close
//! Listener ──TCP──▶ several handshakes at once ──▶ the first client that proves a pinned key
//! ```
//!
//! For parties that have exchanged keys and agreed on a purpose. Every call ends within the [`Timeouts`].

pub use crate::channel::{ChannelConfig, Pinned};
pub use crate::edge::listener::Listener;
pub use crate::edge::memory::in_memory;
pub use crate::edge::tcp::connect;
pub use crate::error::LinkError;
pub use crate::timeouts::Timeouts;
