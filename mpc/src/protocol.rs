//! Protocols between two parties.
//!
//! There is one so far, [`semi_honest`]: it protects inputs against a peer that follows the protocol and is
//! curious. A session is blocking straight-line code over a [`Channel`](crate::Channel), with a type for each
//! of its states.

mod hello;

pub mod malicious;
pub mod semi_honest;
