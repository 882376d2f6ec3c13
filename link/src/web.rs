//! Connections between nodes that look like connections to a web site.
//!
//! ```text
//! client                                       server
//!   TCP, TLS 1.3  ────────────────────────────▶  an ordinary certificate, unrelated to the node's key
//!   GET /path of (server's key, this TLS) ────▶  correct path? ── no ──▶ an ordinary web page, then close
//!   hello: client's key ──────────────────────▶
//!   ◀───────── server's signature over (context, RFC 9266 exporter, both keys)
//!   client's signature over the same ─────────▶  a Session: padded frames in both directions, with cover traffic
//! ```
//!
//! The path changes with every connection, so a middlebox that terminates TLS learns no path that works
//! elsewhere. All messages are WebSocket messages of 1, 4, 16 or 64 KiB.
//!
//! **Guaranteed** to both ends of a session: the peer holds the key it showed and agrees on the `context`
//! (the chain), no third party is in between, and the key exchange was X25519MLKEM768. **Not hidden**: that a
//! server is a node, from anyone who knows its peer key; the client's key, from a middlebox that terminates
//! the client's TLS; timing, beyond what cover traffic hides. The TLS ClientHello is that of rustls, not that
//! of a browser.

pub use crate::certificate::{Certificate, CertificateError};
pub use crate::cover::Cover;
pub use crate::edge::web::memory::in_memory;
pub use crate::edge::web::server::{ListenError, Listener};
pub use crate::edge::web::session::{Receiver, SendError, Sender, Session};
pub use crate::endpoint::{Endpoint, Limits};
pub use crate::http::Page;
pub use crate::web_error::WebError;
