//! What a node is told: its key, its peers, and how much it puts up with. A value; nothing here reads a file.
//!
//! The defaults are for a node that runs for years on a small machine. Time is counted from the node's start.

use crate::{
    ledger::mempool::PoolLimits,
    peer::{Address, PeerKey},
    storage::PART_ITEMS,
    token_bucket::Allowance,
};
use core::time::Duration;

/// How a node behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Its own key, so that it does not talk to itself.
    pub key: PeerKey,
    /// The port on which others reach it, if they do.
    pub listens: Option<u16>,
    /// Addresses that are known from the start.
    pub seeds: Vec<Address>,
    /// How many connections it opens.
    pub outbound: usize,
    /// How many it takes at most.
    pub inbound: usize,
    /// How long a dialled or accepted peer has for its hello.
    pub greeting: Duration,
    /// How long to wait before the next attempt to connect.
    pub dial_pause: Duration,
    /// After this silence a peer is asked whether it is there; after twice as much it is gone.
    pub patience: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// How long to wait for headers or a block before others are asked too.
    pub hurry: Duration,
    /// How long a banned peer is refused.
    pub ban: Duration,
    /// Mean wait before a transaction is offered to a peer: offers at the same moment would tell where it began.
    pub trickle: Duration,
    /// How often the pool is written down.
    pub save: Duration,
    /// Bytes that a peer may send.
    pub received: Allowance,
    /// Weight of transactions that a peer may have judged.
    pub work: Allowance,
    /// Bytes that a peer may have sent to it on request.
    pub served: Allowance,
    /// How many transactions of a peer are remembered.
    pub remembered: usize,
    /// Blocks that may be on their way from one peer at a time.
    pub in_flight: usize,
    /// From how many blocks behind on a node begins with a snapshot instead of the first block; `u64::MAX`: never.
    pub far: u64,
    /// How many blocks apart the snapshots are that it keeps for others, at least K; 0: it keeps none.
    pub snapshot_every: u64,
    /// Headers, kernels or outputs in a part of a snapshot. Nodes with another number cannot help each other.
    pub part_items: u32,
    /// How large the pool may grow.
    pub pool: PoolLimits,
    /// How large the stempool may grow.
    pub stempool: PoolLimits,
    /// When transactions are whispered on, and when they are told to all.
    pub dandelion: sotto_dandelion::Params,
}

impl Config {
    /// The usual behaviour of a node with this key.
    #[must_use]
    pub fn new(key: PeerKey) -> Self {
        let second = Duration::from_secs;
        Self {
            key,
            listens: None,
            seeds: Vec::new(),
            outbound: 8,
            inbound: 64,
            greeting: second(10),
            dial_pause: Duration::from_millis(500),
            patience: second(60),
            answer: second(20),
            hurry: second(2),
            ban: second(24 * 60 * 60),
            trickle: Duration::from_millis(500),
            save: second(30),
            received: Allowance { rate: 8 << 20, burst: 64 << 20 },
            work: Allowance { rate: 20_000, burst: 200_000 },
            served: Allowance { rate: 32 << 20, burst: 256 << 20 },
            remembered: 10_000,
            in_flight: 16,
            far: 2_880,
            snapshot_every: 720,
            part_items: PART_ITEMS,
            pool: PoolLimits::default(),
            stempool: PoolLimits { transactions: 1_000, weight: 200_000 },
            dandelion: sotto_dandelion::Params::default(),
        }
    }
}
