//! When a transaction is whispered on, and when it is told to all: Dandelion++ relay as a pure state machine.
//!
//! A transaction that its maker announced to every peer would lead any well-connected listener back to the maker. So it
//! first travels a *stem*: from peer to peer, to one each time. Somewhere on the way a node *fluffs* it: announces it to
//! all, and from there it spreads as any other.
//!
//! ```text
//!   wallet ── own ──▶ node ── stem ──▶ node ── stem ──▶ diffuser ══ fluff ══▶ everybody
//!                      └─ embargo: fluff it yourself if nobody did in time
//! ```
//!
//! [`Relay`] is one node: [`Event`]s in, [`Effect`]s out, with time and randomness as arguments. It knows no bytes, only
//! names of transactions, of their kernels and of peers. [`Params`] are its numbers, [`simulate`] measures what a share of
//! spies learns.
//!
//! **What it gives.** A listener who owns a share p of the nodes and takes the first node it heard a transaction from for its
//! source is right for about p of them, and cannot tell which. **What it does not give.** Secrecy against who watches every
//! link, or who owns the peers that a node has chosen; nor for a node that makes nearly all transactions.
//!
//! Reading order: [`params`], `epoch` (routes), `embargo`, `stempool`, `line` (joining), [`relay`].
//!
//! Source: Fanti, Venkatakrishnan, Bakshi, Denby, Bhargava, Miller, Viswanath: *Dandelion++: Lightweight Cryptocurrency
//! Networking with Formal Anonymity Guarantees*, 2018; with the corrections that [`params`] and [`relay`] name.

pub mod params;
pub mod relay;
pub mod simulate;

mod draw;
mod embargo;
mod epoch;
mod line;
mod stempool;

pub use params::{Params, ParamsError};
pub use relay::{Effect, Event, Reason, Relay};

/// What can name a transaction, a kernel or a peer.
///
/// A peer's name must be its own for as long as it may come back: its public key, not its connection.
pub trait Id: Clone + Ord + std::fmt::Debug {}

impl<T: Clone + Ord + std::fmt::Debug> Id for T {}
