#![doc = include_str!("../README.md")]

// Values.
pub mod identity;
mod timeouts;
#[cfg(feature = "rendezvous")]
mod token_bucket;

mod connection_limits;
#[cfg(feature = "web")]
mod cover;
#[cfg(feature = "web")]
mod http;

// Bytes and TLS.
mod tls;
mod wire;

#[cfg(feature = "web")]
mod certificate;
#[cfg(feature = "web")]
mod endpoint;
mod error;
#[cfg(feature = "rendezvous")]
mod meetings;
#[cfg(feature = "web")]
mod web_error;

// The channel over any stream.
mod channel;

// System calls.
mod edge;

// The public interface.
pub mod key_file;
pub mod pinned;
pub mod rendezvous;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "web")]
pub mod web;

pub use channel::Pinned;
pub use error::LinkError;
pub use identity::{Identity, PeerKey};
pub use timeouts::Timeouts;
