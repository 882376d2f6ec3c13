//! Protocols.
//!
//! Of two parties: [`semi_honest`] protects inputs against a peer that follows the protocol and is curious,
//! [`malicious`] against one that deviates. Of three and more, experimental: [`multiparty`]. A session is blocking straight-line code over a [`Channel`](crate::Channel), with a type for each
//! of its states.

mod hello;

pub mod malicious;
pub mod semi_honest;

pub use malicious::multiparty;
