//! The engine: what a node decides, as values. No file, socket, clock or hidden random source.
//!
//! ```text
//! Node::step(now, rng, Event) ─▶ effects
//!   frame ─▶ charged ─▶ decoded ─▶ handshake      hello, pings, addresses
//!                                  Relay          stems, fluffs, transactions that were submitted here
//!                                  Gossip         announcements, transaction requests, orphans
//!                                  Sync           tips, headers, compact and whole blocks
//!                                  SnapshotSync   snapshots, in parts, fetched and served
//!                                  chain_serve    requests of peers for headers, blocks and parts
//!                                  Opened         requests of auditors that were handed out
//!                                  Validator      consensus, if this node votes
//!            └─ points: Effect::Verify ─▶ a worker ─▶ Event::Verified ─▶ as above      [`verify_queue`]
//!   request ─▶ response            Queries        status, proofs, drafts, sealing
//!   tick ─▶ whatever is due
//! ```
//!
//! Each component owns its state and has one `step(&mut self, ctx, event)`. What they share is in the
//! `StepContext`: settings, ledger, peers, the branch ahead of the chain, and the
//! effects so far. A component tells the others of a change by a signal, which [`Node`] routes to all of them
//! once the step is over.
//!
//! `now` is the time since the node started and never goes back; the time of day enters only with a request
//! to seal. The ledger is called directly. It is generic over its files, which the caller injects: a disk, or
//! the in-memory twin that the simulator uses. One thread judges, stores and then speaks, so it cannot tell
//! others of a block that it might forget.
//!
//! Guaranteed: bytes from a peer never stop a node; whatever one peer makes it hold or do has a bound
//! ([`Config`](crate::config::Config)); if the store fails, the node reports it and does nothing more, and
//! what it had acknowledged is there when the store is opened again.

pub(crate) mod branch;
pub(crate) mod chain_serve;
pub(crate) mod changes;
pub(crate) mod context;
pub(crate) mod gossip;
pub(crate) mod handshake;
pub(crate) mod kernels;
pub(crate) mod local_txs;
pub(crate) mod node;
pub(crate) mod opened;
pub(crate) mod orphans;
pub(crate) mod peers;
pub(crate) mod queries;
pub(crate) mod relay;
pub(crate) mod sealer;
pub(crate) mod snapshot_sync;
pub(crate) mod stempool;
pub(crate) mod sync;
pub(crate) mod tx_request;
pub(crate) mod usage;
pub(crate) mod validator;
pub(crate) mod verify_queue;
pub(crate) mod voter;
mod witness;

pub use node::{Node, NodeSetup};
pub use sealer::GroupEngine;
pub use usage::Usage;
