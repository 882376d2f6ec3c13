//! Identifiers: what the machine knows of transactions, kernels and peers.

/// An identifier of a transaction, a kernel or a peer.
///
/// A peer's identifier must stay the same when the peer reconnects: use its public key, not its connection.
pub trait Id: Clone + Ord + std::fmt::Debug {}

impl<T: Clone + Ord + std::fmt::Debug> Id for T {}
