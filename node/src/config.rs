//! A node's settings: its key, its peers, and the bounds on what others can cause. A value; nothing here
//! reads a file.
//!
//! The defaults suit a node that runs for years on a small machine. Times count from the node's start.

use crate::{
    ledger::mempool::MempoolLimits,
    peer::{Address, PeerKey},
    storage::PART_ITEMS,
    token_bucket::Allowance,
};
use core::{net::SocketAddr, time::Duration};

/// The settings of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The node's own key, so that it does not connect to itself.
    pub key: PeerKey,
    /// Where it accepts connections, if it does: shown to its operator.
    pub listen: Option<SocketAddr>,
    /// The port that we announce to peers, if we listen on one.
    pub listen_port: Option<u16>,
    /// Addresses that are known from the start.
    pub seeds: Vec<Address>,
    /// Addresses of validators, to which this node keeps connections if it is one itself.
    pub validators: Vec<Address>,
    /// How many connections it opens.
    pub outbound: usize,
    /// How many connections it accepts at most.
    pub inbound: usize,
    /// How long a peer has to send its hello.
    pub handshake_timeout: Duration,
    /// How long to wait before the next attempt to connect.
    pub dial_pause: Duration,
    /// A peer that sends nothing for so long is pinged; after twice as long its connection is closed.
    pub idle_timeout: Duration,
    /// How long a response may take.
    pub response_timeout: Duration,
    /// How long to wait for headers or a block before asking other peers too.
    pub block_timeout: Duration,
    /// How long a banned peer is refused.
    pub ban_time: Duration,
    /// Mean delay before a transaction is announced to a peer: announcing to all at once would reveal where
    /// it began.
    pub trickle: Duration,
    /// How often the mempool is saved.
    pub save_interval: Duration,
    /// Bytes that a machine may send without being asked.
    pub received: Allowance,
    /// Units of work that a machine may cause at most; a unit is the time of decoding a point
    /// ([`price`](crate::message::price)).
    pub work: Allowance,
    /// Units of these that each machine has for itself, whatever others cause.
    pub work_own: Allowance,
    /// Units of work that all machines together may cause beyond their own.
    pub work_shared: Allowance,
    /// Bytes that a machine may request.
    pub served: Allowance,
    /// How many transactions the node remembers that a peer has.
    pub known_txs: usize,
    /// Blocks that may be requested from one peer at a time.
    pub in_flight: usize,
    /// A node that is at least so many blocks behind starts from a snapshot; `u64::MAX`: never.
    pub snapshot_threshold: u64,
    /// How many blocks apart the snapshots are that it serves, at least K; 0: it serves none.
    pub snapshot_every: u64,
    /// Headers, kernels or outputs in a part of a snapshot. Nodes with different numbers cannot help each
    /// other.
    pub part_items: u32,
    /// How large the mempool may grow.
    pub mempool: MempoolLimits,
    /// How large the stempool may grow.
    pub stempool: MempoolLimits,
    /// Bytes of transactions that were submitted here and that no block has, at most; a file of them is read
    /// back whole.
    pub local_txs_bytes: u64,
    /// When transactions are stemmed and when they are fluffed.
    pub dandelion: sotto_dandelion::Params,
}

impl Config {
    /// The default settings of a node with this key.
    #[must_use]
    pub fn new(key: PeerKey) -> Self {
        let second = Duration::from_secs;
        Self {
            key,
            listen: None,
            listen_port: None,
            seeds: Vec::new(),
            validators: Vec::new(),
            outbound: 8,
            inbound: 64,
            handshake_timeout: second(10),
            dial_pause: Duration::from_millis(500),
            idle_timeout: second(60),
            response_timeout: second(20),
            block_timeout: second(2),
            ban_time: second(24 * 60 * 60),
            trickle: Duration::from_millis(500),
            save_interval: second(30),
            received: Allowance { rate: 8 << 20, burst: 64 << 20 },
            work: Allowance { rate: 20_000, burst: 200_000 },
            work_own: Allowance { rate: 1_000, burst: 10_000 },
            work_shared: Allowance { rate: 60_000, burst: 400_000 },
            served: Allowance { rate: 32 << 20, burst: 256 << 20 },
            known_txs: 10_000,
            in_flight: 16,
            snapshot_threshold: 2_880,
            snapshot_every: 720,
            part_items: PART_ITEMS,
            mempool: MempoolLimits::default(),
            stempool: MempoolLimits { transactions: 1_000, weight: 200_000 },
            local_txs_bytes: 32 << 20,
            dandelion: sotto_dandelion::Params::default(),
        }
    }
}
