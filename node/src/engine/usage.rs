//! How much a node holds for others.

/// How much a node holds for others. Each is bounded by [`Config`](crate::config::Config) or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Connections.
    pub peers: usize,
    /// Addresses in the book.
    pub addresses: usize,
    /// Transactions in the mempool.
    pub transactions: usize,
    /// Transactions in the stempool.
    pub stems: usize,
    /// Transactions that were announced and are not here.
    pub asked: usize,
    /// Transactions that are remembered of one peer, at most.
    pub remembered: usize,
    /// Headers and blocks of a branch, and parts of a snapshot, that are being fetched.
    pub blocks: usize,
    /// Messages and transactions that wait for a worker or are with one.
    pub verifying: usize,
}
