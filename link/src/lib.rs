//! `link`: channels between parties who know each other by key, and by nothing else.
//!
//! ```text
//! identity ── tls ── edge::pinned    blocking; both ends prove the key the other has pinned
//!              ├──── edge::relay     carries a pinned channel between two parties who can only dial out
//!              └──── edge::web       async; between nodes, looks like a browser at a web site
//! ```
//!
//! A party is an Ed25519 key ([`Identity`], [`PeerKey`]). Keys are compared by people once and pinned; there is no authority that
//! could vouch for a wrong one, nothing expires, and nothing is renewed. [`pinned`] is for parties who have agreed to
//! compute together: TLS 1.3 whose certificates are those keys. [`web`] is for nodes that do not want to be recognised.
//!
//! **Guaranteed**: secrecy and integrity against whoever is on the way, also against one who keeps what he heard until there are
//! quantum computers; who the peer is; and a value, [`Pinned::binding`](pinned::Pinned::binding), that both ends of one connection
//! know and no other connection has. **Not guaranteed**: that nobody sees who talks to whom, when, and how much; that a peer
//! who can be impersonated by a quantum computer *today* is himself (signatures are classical). **Not audited.**
//!
//! This crate imports nothing of ours. Only [`edge`] touches sockets, files and the clock.

#[cfg(feature = "relay")]
mod bucket;
pub mod edge;
pub mod identity;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod wire;

pub use edge::pinned;
#[cfg(feature = "relay")]
pub use edge::relay;
#[cfg(feature = "web")]
pub use edge::web;
pub use identity::{Identity, PeerKey};
