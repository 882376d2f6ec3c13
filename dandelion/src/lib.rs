#![doc = include_str!("../README.md")]

pub mod params;

mod draw;

mod embargo;
mod epoch;
mod relay_queue;
mod stempool;

mod relay;

pub mod simulate;

pub use params::{Params, ParamsError};
pub use relay::{Effect, Event, Reason, Relay};

/// An identifier of a transaction, a kernel or a peer.
///
/// A peer's identifier must stay the same when the peer reconnects: use its public key, not its connection.
pub trait Id: Clone + Ord + std::fmt::Debug {}

impl<T: Clone + Ord + std::fmt::Debug> Id for T {}
